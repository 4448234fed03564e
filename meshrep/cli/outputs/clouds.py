"""What topology leaves in its folder: clouds, diagrams, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from meshrep.base.backends import installed
from meshrep.cli.options import Filming
from meshrep.cli.outputs.collector import Outputs
from meshrep.cli.outputs.fields import save_tables
from meshrep.energies.topology import RipsPersistence
from meshrep.errors import InputError
from meshrep.persistence.cycles import longest_loops
from meshrep.persistence.diagrams import Diagrams
from meshrep.solving.compare import Comparison
from meshrep.sources.clouds import in_space
from meshrep.view.meshes import mesh_path, write_mesh
from meshrep.view.write import write_csv

LOOPS = 8  # drawn of one cloud, the longest
LOOPS_UP_TO = 1000  # points of which an alpha filtration's loops are looked for in the Rips complex
Loops = list[tuple[np.ndarray, float]]


def save_clouds(
    comparison: Comparison,
    outputs: Outputs,
    settings: Mapping[str, Any],
    *,
    pictures: bool = True,
    film: Filming | None = None,
) -> None:
    """Write report, history, the cloud that the best solver left, diagrams, pictures and a film."""
    energy, best = cast(RipsPersistence, comparison.problem), comparison.best
    save_tables(comparison, outputs, settings)
    clouds = {"before": energy.points, f"after, {best.solver}": best.field}
    diagrams = {name: energy.diagrams(points) for name, points in clouds.items()}
    with outputs.attempt("diagrams.csv"):
        outputs.add(write_csv(_columns(diagrams), outputs / "diagrams.csv"))
    if installed("pyvista"):
        moved = replace(energy.graph, points=in_space(best.field), origin=None)
        fields = {"start": in_space(energy.points)}
        fields |= {name: in_space(field) for name, field in comparison.fields.items()}
        path = mesh_path(moved, outputs / "cloud")
        with outputs.attempt(path.name):
            outputs.add(write_mesh(moved, fields, path, original=False))
    else:
        outputs.lacks("the cloud as a mesh needs pyvista: pip install 'meshrep[viz]'")
        columns = {f"x{k}": best.field[:, k].tolist() for k in range(best.field.shape[1])}
        with outputs.attempt("cloud.csv"):
            outputs.add(write_csv(columns, outputs / "cloud.csv"))
    if pictures and outputs.can_draw():
        _pictures(comparison, energy, clouds, diagrams, outputs)
    if film is not None:
        with outputs.attempt("film"):
            outputs.add(_film(comparison, energy, film))


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
    energy: RipsPersistence,
    clouds: dict[str, np.ndarray],
    diagrams: dict[str, Diagrams],
    outputs: Outputs,
) -> None:
    from meshrep.view.persistence import persistence_picture
    from meshrep.view.plots import losses

    name = energy.graph.name
    drawn = f", of a subsample of {energy.subsample}" if energy.subsample else ""
    targets = {k: loss.target for k, loss in energy.losses.items() if loss.target is not None}
    of_loops = drawn.replace(", of", ", loops of") if 1 in energy.signs else ""
    with outputs.attempt("cloud.png"):
        outputs.add(_panels(energy, clouds, outputs.picture("cloud"), f"{name}{of_loops}"))
    with outputs.attempt("diagrams.png"):
        outputs.add(
            persistence_picture(
                {n: {k: d.values for k, d in some.items()} for n, some in diagrams.items()},
                outputs.picture("diagrams"), title=f"{name}, {energy.filtration} filtration{drawn}",
                targets=targets or None,
            )
        )  # fmt: skip
    if len(comparison.solutions) > 1:
        ends = {f"{row.solver}, E = {row.energy:.3g}": row.field for row in comparison.solutions}
        title = f"{name}, the end of every solver{of_loops}"
        with outputs.attempt("solvers.png"):
            outputs.add(_panels(energy, ends, outputs.picture("solvers"), title))
    with outputs.attempt("convergence.png"):
        outputs.add(losses(comparison.histories, outputs.picture("convergence"), title=name))


def _panels(energy: RipsPersistence, clouds: dict[str, np.ndarray], path: Path, title: str) -> Path:
    """Clouds side by side with their loops, and how many these are where not all are drawn."""
    from meshrep.view.cloud import cloud_panels

    drawn, found = {}, {}
    for name, points in clouds.items():
        cycles = loops(energy, points)
        label = f"{name}, the {LOOPS} longest loops" if len(cycles) == LOOPS else name
        drawn[label], found[label] = points, cycles
    return cloud_panels(drawn, path, loops=found, title=title, up=_up(energy), **_bounds(energy))


def _film(comparison: Comparison, energy: RipsPersistence, filming: Filming) -> Path:
    from meshrep.view.cloud import cloud_film

    best = comparison.best
    frames = [(float(sample.step), sample.value) for sample in best.samples]
    found = [loops(energy, points) for _, points in frames]
    title = f"{energy.graph.name}, {best.solver}"
    return cloud_film(
        frames, filming.path, loops=found, title=title, fps=filming.fps, up=_up(energy),
        **_bounds(energy),
    )  # fmt: skip


def _up(energy: RipsPersistence) -> Literal["y", "z"]:
    """Which axis points up in space: y of meshes, as in graphics, z of clouds."""
    return "y" if len(energy.graph.triangles) else "z"
