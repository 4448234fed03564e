"""What a run leaves in its folder: fields, pictures, report and history, each written whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from meshrep.backends import installed
from meshrep.comparison import Comparison, versions
from meshrep.errors import InputError
from meshrep.flows import Trajectory
from meshrep.view.write import mesh_path, write_csv, write_json, write_mesh, write_series


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
    comparison: Comparison, out: Path, settings: dict[str, Any], *, pictures: bool = True
) -> tuple[list[Path], list[str]]:
    """Write report, history, fields and pictures; the paths written, and what could not be.

    The field's picture shows the best solution.
    """
    report = comparison.report()
    report["problem"] = {**report["problem"], **settings}
    written = [
        write_json(report, out / "report.json"),
        write_csv(comparison.columns(), out / "history.csv"),
    ]
    missing: list[str] = []
    graph, best = comparison.problem.graph, comparison.best
    if installed("pyvista"):
        path = mesh_path(graph, out / "field")
        written.append(write_mesh(graph, comparison.fields, path, original=True))
    else:
        missing.append("the fields as a mesh need pyvista: pip install 'meshrep[viz]'")
        written.append(_save_arrays(comparison, out / "field.csv"))
    if pictures and not installed("matplotlib"):
        missing.append("pictures need matplotlib: pip install 'meshrep[viz]'")
    elif pictures:
        written += _pictures(comparison, out, missing)
    del best
    return written, missing


def _save_arrays(comparison: Comparison, path: Path) -> Path:
    """The fields as columns of node values, where no mesh library is installed."""
    columns: dict[str, Any] = {"node": range(comparison.problem.graph.n)}
    columns |= {name: values.tolist() for name, values in comparison.fields.items()}
    return write_csv(columns, path)


def _pictures(comparison: Comparison, out: Path, missing: list[str]) -> list[Path]:
    from meshrep.view.plots import convergence

    graph, best = comparison.problem.graph, comparison.best
    title = f"{graph.name}, {best.solver}"
    drawn = best.plot(out / "field.png", title=title)
    if drawn.engine != "pyvista":
        missing.append("OpenGL is not to be had here: field.png was drawn by matplotlib instead")
    paths = [drawn.path]
    reference = comparison.reference.energy
    paths.append(
        convergence(comparison.histories, reference, out / "convergence.png", title=graph.name)
    )
    return paths


def save_trajectory(
    trajectory: Trajectory, out: Path, settings: dict[str, Any], seed: int
) -> tuple[list[Path], list[str]]:
    """Write the frames as a .pvd series, the last one as a picture, and the energies."""
    graph = trajectory.problem.graph
    quantity = trajectory.problem.quantity
    columns = {"time": trajectory.times.tolist(), "energy": trajectory.energies.tolist()}
    report = {
        "graph": {"name": graph.name, "nodes": graph.n, "edges": graph.m,
                  "components": graph.component_count, "repairs": list(graph.repairs)},
        "problem": {**trajectory.problem.settings(), **settings},
        "flow": {"method": trajectory.method, "steps": trajectory.steps,
                 "evaluations": trajectory.evaluations, "notes": trajectory.notes},
        "seed": seed, "versions": versions(),
    }  # fmt: skip
    written = [write_json(report, out / "report.json"), write_csv(columns, out / "history.csv")]
    if not installed("pyvista"):
        return written, ["frames need pyvista: pip install 'meshrep[viz]'"]
    frames = list(zip(trajectory.times.tolist(), trajectory.fields, strict=True))
    written.append(write_series(graph, frames, out, "transient", field=quantity))
    from meshrep.view.scene import picture

    low, high = trajectory.fields.min(), trajectory.fields.max()
    drawn = picture(
        graph, trajectory.fields[-1], out / "field.png", quantity=quantity,  # type: ignore[arg-type]
        title=f"{graph.name}, t = {trajectory.times[-1]:g}", clim=(float(low), float(high)),
    )  # fmt: skip
    return [*written, drawn.path], []
