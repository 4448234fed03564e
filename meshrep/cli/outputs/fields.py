"""A comparison's fields on the mesh, its pictures, report and history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.backends import installed
from meshrep.cli.options import Filming
from meshrep.cli.outputs.collector import Outputs
from meshrep.energies.base import Energy
from meshrep.energies.phases.measures import clusters, local_order
from meshrep.energies.phases.vortices import charges, vortices
from meshrep.graphs.plaquettes import plaquettes
from meshrep.solving.compare import Comparison
from meshrep.view import display
from meshrep.view.look import Look
from meshrep.view.meshes import mesh_path, write_mesh
from meshrep.view.node_tables import write_fields
from meshrep.view.write import write_csv, write_json

if TYPE_CHECKING:
    from meshrep.view.scene import Drawn

CLUSTER = np.pi / 6  # phase difference within which neighbours count as one cluster
_NAMES = {"rho": "ρ"}


def save_tables(
    comparison: Comparison,
    outputs: Outputs,
    settings: Mapping[str, Any],
    entries: Mapping[str, Any] | None = None,
) -> None:
    """Write the report with these settings and entries, and the histories of energy and order."""
    report = comparison.report() | dict(entries or {})
    report["problem"] = {**report["problem"], **settings}
    with outputs.attempt("report.json"):
        outputs.add(write_json(report, outputs / "report.json"))
    with outputs.attempt("history.csv"):
        outputs.add(write_csv(comparison.columns(), outputs / "history.csv"))
    if comparison.orders:
        with outputs.attempt("order.csv"):
            outputs.add(write_csv(_order_columns(comparison), outputs / "order.csv"))


def save_fields(
    comparison: Comparison, outputs: Outputs, more: Mapping[str, np.ndarray] | None = None
) -> None:
    """Write every solver's field, what is measured of the best, and ``more`` node values."""
    graph, best = comparison.problem.graph, comparison.best
    fields = comparison.fields | dict(more or {})
    if installed("pyvista"):
        measured = node_fields(best.problem, best.field)
        cells = cell_fields(best.problem, best.field)
        path, arrays = mesh_path(graph, outputs / "field"), fields | measured
        units = symbols(best.problem, fields)
        with outputs.attempt(path.name):
            write_mesh(graph, arrays, path, original=True, cell_fields=cells, symbols=units)
            outputs.add(path)
    else:
        outputs.lacks("the fields as a mesh need pyvista: pip install 'meshrep[viz]'")
    if graph.points is None or not installed("pyvista"):
        with outputs.attempt("field.csv"):
            outputs.add(write_fields(graph, fields, outputs / "field.csv"))


def save_pictures(comparison: Comparison, outputs: Outputs, look: Look) -> None:
    """Draw the best field, the end of every solver where minima differ, and the histories."""
    from meshrep.view.plots import convergence

    if not outputs.can_draw():
        return
    graph, best = comparison.problem.graph, comparison.best
    with outputs.attempt("field.png"):
        drawn = best.plot(
            outputs.picture("field"), marks=marks(best.problem, best.field),
            look=look.usually(title=f"{graph.name}, {best.solver}"),
        )  # fmt: skip
        note_engine(drawn, outputs)
        outputs.add(drawn.path)
    if not best.problem.convex and len(comparison.solutions) > 1 and outputs.can_draw():
        with outputs.attempt("solvers.png"):
            outputs.add(_ends(comparison, outputs.picture("solvers"), look))
    if outputs.can_draw():
        with outputs.attempt("convergence.png"):
            outputs.add(
                convergence(
                    comparison.histories,
                    comparison.reference.energy,
                    outputs.picture("convergence"),
                    title=graph.name,
                    order=comparison.orders or None,
                )
            )


def save_film(comparison: Comparison, outputs: Outputs, filming: Filming, look: Look) -> None:
    """Film the best run, whose fields the comparison has kept."""
    best = comparison.best
    frames = [(float(sample.step), sample.value) for sample in best.samples]
    title = f"{best.problem.graph.name}, {best.solver}"
    film_frames(best.problem, frames, outputs, filming, title, "step", look)


def film_frames(
    energy: Energy, frames: list[tuple[float, np.ndarray]], outputs: Outputs, filming: Filming,
    title: str, label_time: str, look: Look, time_symbol: str = "",
) -> None:  # fmt: skip
    """Film fields at their times."""
    from meshrep.view.film import film

    with outputs.attempt("film"):
        drawn = film(
            energy.graph, frames, filming.path, quantity=energy.quantity,  # type: ignore[arg-type]
            marks=lambda field: marks(energy, field), label_time=label_time,
            time_symbol=time_symbol, fps=filming.fps, orbit=filming.orbit,
            look=look.usually(label=energy.label, title=title),
        )  # fmt: skip
        outputs.add(drawn.path)


def node_fields(energy: Energy, w: np.ndarray) -> dict[str, np.ndarray]:
    """What is measured of a field at each node: the local order and the clusters of phases."""
    if energy.quantity != "phase":
        return {}
    signs = energy.attraction
    labels = clusters(energy.graph, w, CLUSTER, signs)
    return {"local_order": local_order(energy.graph, w, signs), "cluster": labels}


def cell_fields(energy: Energy, w: np.ndarray) -> dict[str, Any]:
    """What follows from a field in each cell, such as the charge, in halves where J < 0."""
    graph = energy.graph
    if energy.quantity != "phase" or not len(graph.cells) or not len(plaquettes(graph)):
        return dict(energy.cell_fields(w))
    return {"vortex": lambda cells: charges(cells, w, graph, energy.attraction)}


def symbols(energy: Energy, names: Iterable[str]) -> dict[str, str]:
    """Symbols of the units of cell fields, and of fields of these names."""
    symbol = energy.symbols.get(energy.quantity)
    return dict(energy.symbols) | (dict.fromkeys(names, symbol) if symbol else {})


def marks(energy: Energy, w: np.ndarray) -> dict[str, np.ndarray] | None:
    """Where the vortices of phases are, by kind, with their number in the name."""
    if energy.quantity != "phase" or energy.graph.points is None:
        return None
    found = vortices(energy.graph, w, energy.attraction)
    kinds = {
        "vortices": found.points[found.signs > 0],
        "antivortices": found.points[found.signs < 0],
    }
    return {f"{name} ({len(points)})": points for name, points in kinds.items() if len(points)}


def note_engine(drawn: Drawn, outputs: Outputs) -> None:
    """Say so where matplotlib drew because OpenGL is absent."""
    if drawn.engine != "pyvista" and not display.can_render():
        outputs.lacks(
            f"OpenGL is not to be had here: {drawn.path.name} was drawn by matplotlib instead"
        )


def _ends(comparison: Comparison, path: Path, look: Look) -> Path:
    """Where each solver ended, side by side, since minima differ."""
    from meshrep.view.scene import panels

    fields = {}
    for row in comparison.solutions:
        found = ", ".join(f"{_NAMES.get(k, k)} {v:.3g}" for k, v in row.measures.items())
        fields[f"{row.solver}: {found}" if found else row.solver] = row.field
    problem = comparison.problem
    drawn = panels(
        problem.graph, fields, path, quantity=problem.quantity,  # type: ignore[arg-type]
        look=look.usually(
            title=f"{problem.graph.name}, the end of every solver", label=problem.label
        ),
    )  # fmt: skip
    return drawn.path


def _order_columns(comparison: Comparison) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"solver": [], "seconds": [], "rho": []}
    for name, (times, values) in comparison.orders.items():
        columns["solver"] += [name] * len(times)
        columns["seconds"] += times.tolist()
        columns["rho"] += values.tolist()
    return columns
