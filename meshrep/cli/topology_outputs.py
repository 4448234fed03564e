"""What topology says before a run, and leaves in its folder: clouds, diagrams, pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from meshrep.base.backends import installed
from meshrep.cli.outputs import can_draw, write_tables
from meshrep.energies.base import Energy
from meshrep.energies.lower_star import ROUNDING, LowerStar
from meshrep.energies.topology import RipsPersistence
from meshrep.errors import InputError
from meshrep.persistence.cycles import longest_loops
from meshrep.persistence.diagrams import Diagrams
from meshrep.solving.compare import Comparison
from meshrep.solving.simplify import in_words
from meshrep.solving.solution import Solution
from meshrep.sources.clouds import in_space
from meshrep.view.meshes import mesh_path, write_mesh
from meshrep.view.write import write_csv

LOOPS = 8  # drawn of one cloud, the longest
LOOPS_UP_TO = 1000  # points of which an alpha filtration's loops are looked for in the Rips complex
Loops = list[tuple[np.ndarray, float]]


def prospects(energy: Energy, start: np.ndarray) -> list[str]:
    """What the start says of the run: what it matches of a target, or that nothing will move."""
    assert isinstance(energy, RipsPersistence)
    found = energy.diagrams(start)
    said, moved = [], False
    for k, loss in energy.losses.items():
        values = found[k].values
        moved = moved or len(loss.chosen(values)) > 0
        if loss.target is not None and len(loss.target):
            matched, asked = len(loss.matched(values)[0]), len(loss.target)
            rest = "" if matched == asked else ", the others are out of reach"
            said.append(
                f"{matched} of {asked} target pair{'' if asked == 1 else 's'} "
                f"{'is' if matched == 1 else 'are'} matched by an H{k} pair of the cloud{rest}"
            )
    if not moved:
        names = " or ".join(f"H{k}" for k in energy.losses)
        if any(len(found[k]) for k in energy.losses):
            advice = "widen the window"
        elif np.isfinite(energy.max_length):
            advice = "raise --max-length, or give more points"
        else:
            advice = "give more points, or ask for another dimension"
        where = " in the window" if advice.endswith("window") else ""
        said.append(f"no {names} pair{where} to begin with: topology moves nothing ({advice})")
    return said


def save_clouds(
    comparison: Comparison,
    out: Path,
    settings: dict[str, Any],
    *,
    pictures: bool = True,
    film: Path | None = None,
) -> tuple[list[Path], list[str]]:
    """Write report, history, the cloud that the best solver left, diagrams and pictures.

    The paths written, and what could not be, as :func:`meshrep.cli.outputs.save_comparison` gives
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
        written += _pictures(comparison, clouds, diagrams, out, missing)
    if film is not None:
        written += _drawn(lambda: _film(comparison, film), missing, "film")
    return written, missing


def _drawn(draw: Callable[[], Path], missing: list[str], what: str = "picture") -> list[Path]:
    """What was drawn; where it cannot be, ``missing`` says why and the rest stands."""
    try:
        return [draw()]
    except InputError as error:
        missing.append(f"no {what}: {error}")
        return []


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


def loops(energy: RipsPersistence, points: np.ndarray) -> Loops:
    """Cycles of the longest loops in the cloud's Rips filtration, with their persistence.

    Of a fixed subsample where the energy draws them; none where loops do not count, or where the
    complex would be too large for a picture.
    """
    chosen = energy.shown
    if 1 not in energy.signs or (energy.filtration == "alpha" and len(chosen) > LOOPS_UP_TO):
        return []
    try:
        found = longest_loops(points[chosen], LOOPS, energy.max_length)
    except InputError:
        return []
    return [(chosen[nodes], persistence) for nodes, persistence in found]


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
    missing: list[str],
) -> list[Path]:
    from meshrep.view.persistence import persistence_picture
    from meshrep.view.plots import losses

    energy, name = comparison.problem, comparison.problem.graph.name
    assert isinstance(energy, RipsPersistence)
    drawn = f", of a subsample of {energy.subsample}" if energy.subsample else ""
    targets = {k: loss.target for k, loss in energy.losses.items() if loss.target is not None}
    of_loops = drawn.replace(", of", ", loops of") if 1 in energy.signs else ""
    paths = _drawn(lambda: _panels(energy, clouds, out / "cloud.png", f"{name}{of_loops}"), missing)
    paths += _drawn(
        lambda: persistence_picture(
            {n: {k: d.values for k, d in some.items()} for n, some in diagrams.items()},
            out / "diagrams.png", title=f"{name}, {energy.filtration} filtration{drawn}",
            targets=targets or None,
        ),
        missing,
    )  # fmt: skip
    if len(comparison.solutions) > 1:
        ends = {f"{row.solver}, E = {row.energy:.3g}": row.field for row in comparison.solutions}
        title = f"{name}, the end of every solver{of_loops}"
        paths += _drawn(lambda: _panels(energy, ends, out / "solvers.png", title), missing)
    paths += _drawn(
        lambda: losses(comparison.histories, out / "convergence.png", title=name), missing
    )
    return paths


def _panels(energy: RipsPersistence, clouds: dict[str, np.ndarray], path: Path, title: str) -> Path:
    """Clouds side by side with their loops, and how many these are where not all are drawn."""
    from meshrep.view.cloud import cloud_panels

    drawn, found = {}, {}
    for name, points in clouds.items():
        cycles = loops(energy, points)
        label = f"{name}, the {LOOPS} longest loops" if len(cycles) == LOOPS else name
        drawn[label], found[label] = points, cycles
    up: Any = "y" if len(energy.graph.triangles) else "z"
    return cloud_panels(drawn, path, loops=found, title=title, up=up, **_bounds(energy))


def _film(comparison: Comparison, path: Path) -> Path:
    from meshrep.view.cloud import cloud_film

    energy, best = comparison.problem, comparison.best
    assert isinstance(energy, RipsPersistence)
    frames = [(float(sample.step), sample.value) for sample in best.samples]
    found = [loops(energy, points) for _, points in frames]
    title = f"{energy.graph.name}, {best.solver}"
    return cloud_film(frames, path, loops=found, title=title, up=_up(energy), **_bounds(energy))


def _up(energy: RipsPersistence) -> Literal["y", "z"]:
    """Which axis points up in space: y of meshes, as in graphics, z of clouds."""
    return "y" if len(energy.graph.triangles) else "z"


def simplification(best: Solution, simplified: Solution, share: float) -> dict[str, Any]:
    """What was removed from the best field, and what it cost, as plain data."""
    judge = simplified.problem
    return {
        "threshold": share * float(np.ptp(best.field)), "share": share,
        "solver": simplified.solver, "steps": simplified.steps, "seconds": simplified.solve_s,
        "result": simplified.result.word,
        "before": _counts(judge, best.field), "after": _counts(judge, simplified.field),
        "largest_move": float(abs(simplified.field - best.field).max()),
        "energy_before": best.energy,
        "energy_after": float(best.problem.value(simplified.field)),
        "notes": simplified.notes,
    }  # fmt: skip


def _counts(judge: Energy, field: np.ndarray) -> dict[str, int]:
    return {name: int(count) for name, count in judge.measures(field).items()}


def save_simplified(
    best: Solution,
    simplified: Solution,
    share: float,
    out: Path,
    missing: list[str],
    *,
    pictures: bool = True,
    **look: Any,
) -> list[Path]:
    """Write both fields' pairs, the fields side by side, and their diagrams.

    ``missing`` takes what could not be drawn, and why.
    """
    problem = simplified.problem
    assert isinstance(problem, LowerStar)
    threshold = share * float(np.ptp(best.field))
    least = ROUNDING * float(np.ptp(best.field))
    fields = {"before": best.field, "after": simplified.field}
    diagrams: dict[str, dict[int, np.ndarray]] = {}
    rows: list[tuple[Any, ...]] = []
    removed: dict[str, np.ndarray] = {}
    for when, field in fields.items():
        counts = problem.measures(field)
        for level, extrema in (("sub", "minima"), ("super", "maxima")):
            found = problem.filtration.diagrams(field, level == "super")[0]
            diagrams[f"{counts[extrema]:,.0f} {extrema} {when}"] = {0: found.values}
            rows += [(f"{extrema} {when}", *pair) for pair in found.values.tolist()]
            lasting = found.persistence
            small = found.births[(least < lasting) & (lasting <= threshold), 0]
            if when == "before" and len(small):
                removed[f"{extrema} removed ({len(small):,})"] = small
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    named = {n: list(c) for n, c in zip(("extrema", "birth", "death"), columns, strict=True)}
    paths = [write_csv(named, out / "extrema.csv")]
    if not (pictures and installed("matplotlib")):
        return paths
    from meshrep.view.persistence import persistence_picture
    from meshrep.view.scene import panels

    graph = best.problem.graph
    titled = {f"{when}: {in_words(problem.measures(w))}": w for when, w in fields.items()}
    span = (float(best.field.min()), float(best.field.max()))
    paths += _drawn(
        lambda: panels(
            graph, titled, out / "simplified.png", quantity=best.problem.quantity,  # type: ignore[arg-type]
            title=graph.name, marks=removed or None, **look,
        ).path,
        missing,
    )  # fmt: skip
    paths += _drawn(
        lambda: persistence_picture(
            diagrams, out / "extrema.png", title=f"{graph.name}, extrema and their saddles",
            names={}, threshold=threshold, span=span,
        ),
        missing,
    )  # fmt: skip
    return paths
