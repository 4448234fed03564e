"""What a run leaves in its folder: fields, pictures, report and history, each written whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.backends import installed
from meshrep.energies.base import Energy
from meshrep.energies.flows import Trajectory
from meshrep.energies.phases import (
    charges,
    clusters,
    frequency_spread,
    local_order,
    vortices,
)
from meshrep.errors import InputError, MissingPart
from meshrep.graphs.plaquettes import plaquettes
from meshrep.solving.compare import Comparison, versions
from meshrep.view.meshes import mesh_path, write_mesh, write_series
from meshrep.view.write import write_csv, write_json

if TYPE_CHECKING:
    from meshrep.view.scene import Drawn

_NAMES = {"rho": "ρ"}
CLUSTER = np.pi / 6  # phase difference within which neighbours count as one cluster


def folder(path: Path) -> Path:
    """The folder, made if need be, and writable.

    Raises
    ------
    InputError
        When it is a file or cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".meshrep-probe"
        probe.touch()
        probe.unlink()
    except FileExistsError as error:
        raise InputError(f"--out {path}: that is a file, not a folder: choose another") from error
    except OSError as error:
        raise InputError(f"--out {path}: cannot write there ({error.strerror})") from error
    return path


def save_comparison(
    comparison: Comparison,
    out: Path,
    settings: dict[str, Any],
    *,
    pictures: bool = True,
    film: Path | None = None,
    fields: Mapping[str, np.ndarray] | None = None,
    entries: Mapping[str, Any] | None = None,
    **look: Any,
) -> tuple[list[Path], list[str]]:
    """Write report, history, fields and pictures; the paths written, and what could not be.

    ``fields`` are node values by name, written beside the solvers' fields; ``entries`` go into the
    report. The field's picture shows the best solution; so does the film, where one is asked for
    and the comparison kept fields. ``look`` goes to the pictures (``arrows``, ``cmap``).
    """
    written = write_tables(comparison, out, settings, entries)
    further = dict(fields or {})
    missing: list[str] = []
    graph, best = comparison.problem.graph, comparison.best
    if installed("pyvista"):
        path = mesh_path(graph, out / "field")
        measured = node_fields(best.problem, best.field)
        written.append(
            write_mesh(
                graph,
                comparison.fields | measured | further,
                path,
                original=True,
                cell_fields=cell_fields(best.problem, best.field),
            )
        )
    else:
        missing.append("the fields as a mesh need pyvista: pip install 'meshrep[viz]'")
        written.append(_save_arrays(comparison, further, out / "field.csv"))
    if pictures and can_draw(missing):
        written += _pictures(comparison, out, missing, look)
    if film is not None:
        frames = [(float(sample.step), sample.value) for sample in best.samples]
        title = f"{graph.name}, {best.solver}"
        written += _film(best.problem, frames, film, missing, title, "step", look)
    return written, missing


def write_tables(
    comparison: Comparison,
    out: Path,
    settings: dict[str, Any],
    entries: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write the report with these settings and entries, and the histories of energy and order."""
    report = comparison.report() | dict(entries or {})
    report["problem"] = {**report["problem"], **settings}
    written = [
        write_json(report, out / "report.json"),
        write_csv(comparison.columns(), out / "history.csv"),
    ]
    if comparison.orders:
        written.append(write_csv(_order_columns(comparison), out / "order.csv"))
    return written


def node_fields(energy: Energy, w: np.ndarray) -> dict[str, np.ndarray]:
    """What is measured of a field at each node: the local order and the clusters of phases."""
    if energy.quantity != "phase":
        return {}
    labels = clusters(energy.graph, w, CLUSTER, energy.attraction)
    return {"local_order": local_order(energy.graph, w, energy.attraction), "cluster": labels}


def cell_fields(energy: Energy, w: np.ndarray) -> dict[str, Any]:
    """What is measured of a field round each cell: the charge, in halves where J < 0."""
    graph = energy.graph
    if energy.quantity != "phase" or not len(graph.cells) or not len(plaquettes(graph)):
        return {}
    return {"vortex": lambda cells: charges(cells, w, graph, energy.attraction)}


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


def _ends(comparison: Comparison, path: Path, look: dict[str, Any]) -> Path:
    """Where each solver ended, side by side, since minima differ."""
    from meshrep.view.scene import panels

    fields = {}
    for row in comparison.solutions:
        found = ", ".join(f"{_NAMES.get(k, k)} {v:.3g}" for k, v in row.measures.items())
        fields[f"{row.solver}: {found}" if found else row.solver] = row.field
    problem = comparison.problem
    drawn = panels(
        problem.graph, fields, path, quantity=problem.quantity,  # type: ignore[arg-type]
        title=f"{problem.graph.name}, the end of every solver", **look,
    )  # fmt: skip
    return drawn.path


def _order_columns(comparison: Comparison) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"solver": [], "seconds": [], "rho": []}
    for name, (times, values) in comparison.orders.items():
        columns["solver"] += [name] * len(times)
        columns["seconds"] += times.tolist()
        columns["rho"] += values.tolist()
    return columns


def _film(
    energy: Energy,
    frames: list[tuple[float, np.ndarray]],
    path: Path,
    missing: list[str],
    title: str,
    label_time: str,
    look: dict[str, Any],
) -> list[Path]:
    from meshrep.view.film import film

    try:
        drawn = film(
            energy.graph, frames, path, quantity=energy.quantity,  # type: ignore[arg-type]
            title=title, label_time=label_time, **look,
        )  # fmt: skip
    except MissingPart as error:  # the rest stands
        missing.append(f"no film: {error}")
        return []
    return [drawn.path]


def _save_arrays(comparison: Comparison, more: dict[str, np.ndarray], path: Path) -> Path:
    """The fields as columns of node values, where no mesh library is installed."""
    columns: dict[str, Any] = {"node": range(comparison.problem.graph.n)}
    columns |= {name: values.tolist() for name, values in (comparison.fields | more).items()}
    return write_csv(columns, path)


def can_draw(missing: list[str]) -> bool:
    """Whether pictures can be drawn; if not, ``missing`` says what they need."""
    if not installed("matplotlib"):
        missing.append("pictures need matplotlib: pip install 'meshrep[viz]'")
        return False
    return True


def _note_engine(drawn: Drawn, missing: list[str]) -> None:
    if drawn.engine != "pyvista":
        missing.append("OpenGL is not to be had here: field.png was drawn by matplotlib instead")


def _pictures(
    comparison: Comparison, out: Path, missing: list[str], look: dict[str, Any]
) -> list[Path]:
    from meshrep.view.plots import convergence

    graph, best = comparison.problem.graph, comparison.best
    title = f"{graph.name}, {best.solver}"
    marked = marks(best.problem, best.field)
    drawn = best.plot(out / "field.png", title=title, marks=marked, **look)
    _note_engine(drawn, missing)
    paths = [drawn.path]
    if not best.problem.convex and len(comparison.solutions) > 1:
        paths.append(_ends(comparison, out / "solvers.png", look))
    reference = comparison.reference.energy
    paths.append(
        convergence(
            comparison.histories,
            reference,
            out / "convergence.png",
            title=graph.name,
            order=comparison.orders or None,
        )
    )
    return paths


def save_trajectory(
    trajectory: Trajectory,
    out: Path,
    settings: dict[str, Any],
    seed: int,
    *,
    pictures: bool = True,
    film: Path | None = None,
    **look: Any,
) -> tuple[list[Path], list[str]]:
    """Write the frames as a .pvd series, the last one as a picture, energies and ρ, and a film.

    The paths written, and what could not be, as :func:`save_comparison` gives them.
    """
    graph, energy = trajectory.problem.graph, trajectory.problem
    quantity, order = energy.quantity, trajectory.order
    columns = {"time": trajectory.times.tolist(), "energy": trajectory.energies.tolist()}
    if order is not None:
        columns["rho"] = order.tolist()
    locked: dict[str, Any] = {}
    if order is not None and len(order) > 2:
        locked = {"frequency_spread": frequency_spread(trajectory.frequencies),
                  "locked": trajectory.locked()}  # fmt: skip
    report = {
        "graph": {"name": graph.name, "nodes": graph.n, "edges": graph.m,
                  "components": graph.component_count, "repairs": list(graph.repairs)},
        "problem": {**trajectory.problem.settings(), **settings},
        "flow": {"method": trajectory.method, "steps": trajectory.steps,
                 "evaluations": trajectory.evaluations, "notes": trajectory.notes, **locked},
        "measures": energy.measures(trajectory.fields[-1]),
        "seed": seed, "versions": versions(),
    }  # fmt: skip
    written = [write_json(report, out / "report.json"), write_csv(columns, out / "history.csv")]
    missing: list[str] = []
    frames = list(zip(trajectory.times.tolist(), trajectory.fields, strict=True))
    if installed("pyvista"):
        written.append(write_series(graph, frames, out, "transient", field=quantity))
    else:
        missing.append("frames need pyvista: pip install 'meshrep[viz]'")
    if pictures and can_draw(missing):
        written += _pictures_in_time(trajectory, out, missing, look)
    if film is not None:
        written += _film(energy, frames, film, missing, graph.name, "t", look)
    return written, missing


def _pictures_in_time(
    trajectory: Trajectory, out: Path, missing: list[str], look: dict[str, Any]
) -> list[Path]:
    from meshrep.view.plots import trajectory as curve
    from meshrep.view.scene import picture

    graph, energy = trajectory.problem.graph, trajectory.problem
    low, high = trajectory.fields.min(), trajectory.fields.max()
    last = trajectory.fields[-1]
    drawn = picture(
        graph, last, out / "field.png", quantity=energy.quantity,  # type: ignore[arg-type]
        title=f"{graph.name}, t = {trajectory.times[-1]:g}", clim=(float(low), float(high)),
        marks=marks(energy, last), **look,
    )  # fmt: skip
    _note_engine(drawn, missing)
    path = out / "trajectory.png"
    curve(trajectory.times, trajectory.energies, trajectory.order, path, title=graph.name)
    return [drawn.path, path]
