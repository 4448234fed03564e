"""Follows a problem in time, prints what happens, and writes the results."""

from __future__ import annotations

from meshrep.base.interrupts import pending
from meshrep.cli.exits import INTERRUPTED_AND_FAILED, tell
from meshrep.cli.options import Flow, Output
from meshrep.cli.outputs.collector import Outputs
from meshrep.cli.outputs.trajectory import save_trajectory
from meshrep.cli.printer import Printer
from meshrep.cli.problem import Problem
from meshrep.energies.answers import answers_table
from meshrep.energies.conduction.probes import Probes
from meshrep.energies.phases.measures import frequency_spread
from meshrep.errors import InputError
from meshrep.flows.integrate import integrate
from meshrep.flows.trajectory import Trajectory


def follow(problem: Problem, flow: Flow, output: Output, outputs: Outputs, say: Printer) -> int:
    """Integrate in time, print a summary, write the results; return the exit code."""
    energy = problem.energy
    probes = Probes(energy.graph, flow.probes) if flow.probes else None
    for remark in [] if probes is None else probes.remarks():
        say(remark)
    # The default start is random, which suits minimisers but is no temperature of a part.
    unstated = problem.settings["start"] == "random" and energy.capacity_matrix is not None
    say.begin(flow.settings.get("method", "in time"))
    trajectory = integrate(
        energy, flow.time, start=None if unstated else problem.start,
        mass=energy.capacity if energy.capacity_matrix is None else None,
        observe=say.time, seed=problem.seed, **flow.settings,
    )  # fmt: skip
    say.clear()
    _tell(trajectory, say)
    say.begin("writing")
    save_trajectory(
        trajectory, outputs, problem.settings, problem.seed, pictures=output.pictures,
        film=output.film, look=output.look, probes=probes,
    )  # fmt: skip
    say.clear()
    for line in outputs.report():
        say(line)
    outputs.settle()
    for failure in outputs.failed:
        tell("meshrep", failure)
    if trajectory.interrupted or pending():
        late = "interrupted after the last frame; all frames were saved"
        saved = "interrupted; the frames so far were saved" if trajectory.interrupted else late
        tell("meshrep", INTERRUPTED_AND_FAILED if outputs.failed else saved)
        return 130
    return InputError.exit_code if outputs.failed else 0


def _tell(trajectory: Trajectory, say: Printer) -> None:
    """Steps, energies, and whether phases are locked."""
    say(f"{trajectory.method}: {trajectory.steps:,} steps, {trajectory.evaluations:,} evaluations, "
        f"energy {trajectory.energies[0]:.6g} → {trajectory.energies[-1]:.6g}")  # fmt: skip
    for note in trajectory.notes:
        say(f"  {note}")
    if trajectory.answers:
        say(f"\nat t = {trajectory.end}:\n{answers_table(trajectory.answers)}\n")
    order = trajectory.order
    if order is not None and len(order) > 2:
        spread = frequency_spread(trajectory.frequencies)
        locked = "phase-locked" if trajectory.locked() else "not phase-locked"
        say(f"order parameter {order[0]:.3f} → {order[-1]:.3f}; over the second half frequencies "
            f"spread by {spread:.3g}: {locked}")  # fmt: skip
