"""An integration in time: its frames, curves, report and film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshrep.base.backends import installed
from meshrep.base.versions import versions
from meshrep.cli.options import Filming
from meshrep.cli.outputs.collector import Outputs
from meshrep.cli.outputs.fields import film_frames, marks, note_engine
from meshrep.energies.conduction.probes import Probes
from meshrep.energies.phases.measures import frequency_spread
from meshrep.flows.trajectory import Trajectory
from meshrep.view.look import Look
from meshrep.view.meshes import mesh_path, write_series
from meshrep.view.write import write_csv, write_json


def save_trajectory(
    trajectory: Trajectory,
    outputs: Outputs,
    settings: Mapping[str, Any],
    seed: int,
    *,
    pictures: bool = True,
    film: Filming | None = None,
    look: Look,
    probes: Probes | None = None,
) -> None:
    """Write the frames as a .pvd series, the last one as a picture, energies and ρ, and a film.

    Values at probes over time are written and drawn as well.
    """
    graph, energy = trajectory.problem.graph, trajectory.problem
    order = trajectory.order
    columns = {"time": trajectory.times.tolist(), "energy": trajectory.energies.tolist()}
    if order is not None:
        columns["rho"] = order.tolist()
    with outputs.attempt("report.json"):
        outputs.add(write_json(_report(trajectory, settings, seed), outputs / "report.json"))
    with outputs.attempt("history.csv"):
        outputs.add(write_csv(columns, outputs / "history.csv"))
    frames = list(zip(trajectory.times.tolist(), trajectory.fields, strict=True))
    if installed("pyvista"):
        with outputs.attempt("transient.pvd"):
            path = write_series(
                graph, frames, outputs.folder, "transient", field=energy.quantity,
                symbols=energy.symbols,
            )  # fmt: skip
            stem = outputs / "transient"
            outputs.add(
                path, *(mesh_path(graph, stem / f"{path.stem}_{k:04d}") for k in range(len(frames)))
            )
    else:
        outputs.lacks("frames need pyvista: pip install 'meshrep[viz]'")
    if graph.points is None:
        with outputs.attempt("transient.csv"):
            outputs.add(trajectory.save(outputs / "transient.csv"))
    if probes is not None:
        _save_probes(trajectory, probes, outputs, pictures)
    if pictures and outputs.can_draw():
        _pictures(trajectory, outputs, look)
    if film is not None:
        film_frames(energy, frames, outputs, film, graph.name, "t", look, energy.time_symbol)


def _save_probes(trajectory: Trajectory, probes: Probes, outputs: Outputs, pictures: bool) -> None:
    curves = dict(zip(probes.names, (trajectory.fields @ probes.matrix.T).T, strict=True))
    with outputs.attempt("probe.csv"):
        columns = {"time": trajectory.times, **curves}
        outputs.add(write_csv(columns, outputs / "probe.csv"))
    if pictures and outputs.can_draw():
        from meshrep.view.motion import values_over_time

        with outputs.attempt("probe.png"):
            path = values_over_time(
                trajectory.times, curves, outputs.picture("probe"),
                title=trajectory.problem.graph.name, label=trajectory.problem.label,
                time_symbol=trajectory.problem.time_symbol,
            )  # fmt: skip
            outputs.add(path)


def _report(trajectory: Trajectory, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    graph, energy, order = trajectory.problem.graph, trajectory.problem, trajectory.order
    locked: dict[str, Any] = {}
    answers = [answer.as_data() for answer in trajectory.answers]
    if order is not None and len(order) > 2:
        locked = {"frequency_spread": frequency_spread(trajectory.frequencies),
                  "locked": trajectory.locked()}  # fmt: skip
    return {
        "graph": {"name": graph.name, "nodes": graph.n, "edges": graph.m,
                  "components": graph.component_count, "repairs": list(graph.repairs)},
        "problem": {**energy.settings(), **settings},
        "flow": {"method": trajectory.method, "steps": trajectory.steps,
                 "evaluations": trajectory.evaluations,
                 "factorisations": trajectory.factorisations, "notes": trajectory.notes, **locked},
        "measures": energy.measures(trajectory.fields[-1]),
        **({"answers": answers} if answers else {}),
        "seed": seed, "versions": versions(),
    }  # fmt: skip


def _pictures(trajectory: Trajectory, outputs: Outputs, look: Look) -> None:
    from meshrep.view.scene import picture

    graph, energy = trajectory.problem.graph, trajectory.problem
    low, high = trajectory.fields.min(), trajectory.fields.max()
    last = trajectory.fields[-1]
    with outputs.attempt("field.png"):
        drawn = picture(
            graph, last, outputs.picture("field"), quantity=energy.quantity,  # type: ignore[arg-type]
            marks=marks(energy, last),
            look=look.usually(
                title=f"{graph.name}, t = {trajectory.end}", label=energy.label,
                limits=(float(low), float(high)) if low < high else None,
            ),
        )  # fmt: skip
        note_engine(drawn, outputs)
        outputs.add(drawn.path)
    if outputs.can_draw():
        with outputs.attempt("trajectory.png"):
            outputs.add(trajectory.plot(outputs.picture("trajectory")))
