"""What topology leaves in a run's folder: moved clouds, simplified fields, diagrams, pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.backends import installed
from meshrep.comparison import Comparison
from meshrep.energies.lower_star import LowerStar
from meshrep.energies.topology import RipsPersistence
from meshrep.errors import MissingPart
from meshrep.outputs import can_draw, write_tables
from meshrep.persistence.cycles import representative_cycles
from meshrep.persistence.diagrams import Diagrams
from meshrep.persistence.rips import RipsFiltration
from meshrep.solution import Solution
from meshrep.sources.clouds import in_space
from meshrep.view.write import mesh_path, write_csv, write_mesh

LOOPS = 8  # drawn of one cloud, the longest


def save_clouds(
    comparison: Comparison,
    out: Path,
    settings: dict[str, Any],
    *,
    pictures: bool = True,
    film: Path | None = None,
) -> tuple[list[Path], list[str]]:
    """Write report, history, the cloud that the best solver left, diagrams and pictures.

    The paths written, and what could not be, as :func:`meshrep.outputs.save_comparison` gives
    them.
    """
    energy, best = comparison.problem, comparison.best
    assert isinstance(energy, RipsPersistence)
    written = write_tables(comparison, out, settings)
    missing: list[str] = []
    clouds = {"before": energy.points, f"after, {best.solver}": best.field}
    diagrams = {name: energy.diagrams(points) for name, points in clouds.items()}
    written.append(write_csv(_columns(diagrams), out / "diagrams.csv"))
    if installed("pyvista"):
        moved = replace(energy.graph, points=in_space(best.field), origin=None)
        fields = {"start": in_space(energy.points)}
        fields |= {name: in_space(field) for name, field in comparison.fields.items()}
        written.append(write_mesh(moved, fields, mesh_path(moved, out / "cloud"), original=False))
    else:
        missing.append("the cloud as a mesh needs pyvista: pip install 'meshrep[viz]'")
        columns = {f"x{k}": best.field[:, k].tolist() for k in range(best.field.shape[1])}
        written.append(write_csv(columns, out / "cloud.csv"))
    if pictures and can_draw(missing):
        written += _pictures(comparison, clouds, diagrams, out)
    if film is not None:
        written += _film(comparison, film, missing)
    return written, missing


def _columns(diagrams: dict[str, Diagrams]) -> dict[str, list[Any]]:
    """All pairs as columns: when, dimension, birth, death."""
    columns: dict[str, list[Any]] = {"cloud": [], "dimension": [], "birth": [], "death": []}
    for name, found in diagrams.items():
        for k, diagram in found.items():
            columns["cloud"] += [name] * len(diagram)
            columns["dimension"] += [k] * len(diagram)
            columns["birth"] += diagram.values[:, 0].tolist()
            columns["death"] += diagram.values[:, 1].tolist()
    return columns


def loops(energy: RipsPersistence, points: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Cycles of the longest loops in the cloud's Rips filtration, with their persistence.

    Of a fixed subsample where the energy draws them.
    """
    chosen = energy.shown
    diagram = RipsFiltration((1,), energy.max_length).diagrams(points[chosen])[1]
    longest = np.argsort(-diagram.persistence, kind="stable")[:LOOPS]
    cycles = representative_cycles(points[chosen], diagram.births[longest])
    lasting = diagram.persistence[longest].tolist()
    return [(chosen[c], size) for c, size in zip(cycles, lasting, strict=True)]


def _bounds(energy: RipsPersistence) -> dict[str, Any]:
    """The box or the ball of the penalty, as pictures draw it."""
    if energy.penalty == "box":
        return {"box": (energy.centre - energy.bound, energy.centre + energy.bound)}
    return {"ball": (energy.centre, energy.bound)} if energy.penalty == "ball" else {}


def _pictures(
    comparison: Comparison,
    clouds: dict[str, np.ndarray],
    diagrams: dict[str, Diagrams],
    out: Path,
) -> list[Path]:
    from meshrep.view.cloud import cloud_panels
    from meshrep.view.persistence import persistence_picture
    from meshrep.view.plots import convergence

    energy, name = comparison.problem, comparison.problem.graph.name
    assert isinstance(energy, RipsPersistence)
    bounds = _bounds(energy)
    found = {panel: loops(energy, points) for panel, points in clouds.items()}
    bounds["up"] = "y" if len(energy.graph.triangles) else "z"
    paths = [
        cloud_panels(clouds, out / "cloud.png", loops=found, title=name, **bounds),
        persistence_picture(
            {n: {k: d.values for k, d in some.items()} for n, some in diagrams.items()},
            out / "diagrams.png", title=f"{name}, {energy.filtration} filtration",
        ),
    ]  # fmt: skip
    if len(comparison.solutions) > 1:
        ends = {f"{row.solver}, E = {row.energy:.3g}": row for row in comparison.solutions}
        paths.append(
            cloud_panels(
                {panel: row.field for panel, row in ends.items()}, out / "solvers.png",
                loops={panel: loops(energy, row.field) for panel, row in ends.items()},
                title=f"{name}, the end of every solver", **bounds,
            )
        )  # fmt: skip
    paths.append(
        convergence(
            comparison.histories, comparison.reference.energy, out / "convergence.png", title=name
        )
    )
    return paths


def _film(comparison: Comparison, path: Path, missing: list[str]) -> list[Path]:
    from meshrep.view.cloud import cloud_film

    energy, best = comparison.problem, comparison.best
    assert isinstance(energy, RipsPersistence)
    frames = [(float(sample.step), sample.value) for sample in best.samples]
    found = [loops(energy, points) for _, points in frames]
    title = f"{energy.graph.name}, {best.solver}"
    try:
        return [cloud_film(frames, path, loops=found, title=title, **_bounds(energy))]
    except MissingPart as error:  # the rest stands
        missing.append(f"no film: {error}")
        return []


def save_simplified(
    best: Solution, simplified: Solution, out: Path, *, pictures: bool = True, **look: Any
) -> list[Path]:
    """Write both fields' pairs, the fields side by side, and their diagrams."""
    problem = simplified.problem
    assert isinstance(problem, LowerStar)
    fields = {"before": best.field, "after": simplified.field}
    diagrams: dict[str, dict[int, np.ndarray]] = {}
    for when, field in fields.items():
        for level, extrema in (("sub", "minima"), ("super", "maxima")):
            found = problem.filtration.diagrams(field, level == "super")
            diagrams[f"{extrema} {when}"] = {k: d.values for k, d in found.items()}
    rows = [(name, *pair) for name, found in diagrams.items() for pair in found[0].tolist()]
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    named = {n: list(c) for n, c in zip(("extrema", "birth", "death"), columns, strict=True)}
    paths = [write_csv(named, out / "extrema.csv")]
    if pictures and installed("matplotlib"):
        from meshrep.view.persistence import persistence_picture
        from meshrep.view.scene import panels

        graph = best.problem.graph
        titled = {
            f"{when}: {counts['minima']:.0f} minima, {counts['maxima']:.0f} maxima": fields[when]
            for when, counts in ((when, problem.measures(w)) for when, w in fields.items())
        }
        drawn = panels(
            graph, titled, out / "simplified.png", quantity=best.problem.quantity,  # type: ignore[arg-type]
            title=graph.name, **look,
        )  # fmt: skip
        names = {0: "pairs"}
        paths += [
            drawn.path,
            persistence_picture(diagrams, out / "extrema.png", title=graph.name, names=names),
        ]
    return paths
