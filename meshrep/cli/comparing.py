"""Runs the solvers on a problem, prints how they compare, and writes the results."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from meshrep.base.backends import installed
from meshrep.base.interrupts import pending
from meshrep.base.names import shown
from meshrep.cli.options import Output, Solving
from meshrep.cli.outputs.collector import FAILURES, Outputs
from meshrep.cli.outputs.fields import marks, save_fields, save_film, save_pictures, save_tables
from meshrep.cli.printer import Printer
from meshrep.cli.problem import Chosen, Problem
from meshrep.energies.answers import answers_table
from meshrep.solving.compare import Comparison, compare
from meshrep.solving.solution import Solution
from meshrep.view.look import Look

SECONDS_EACH = 8.0  # default limit of each solver in a comparison
PATIENCE = 3.0  # seconds after which a comparison draws the first field before it goes on


def solve_all(
    problem: Problem,
    chosen: Chosen,
    solving: Solving,
    output: Output,
    outputs: Outputs,
    say: Printer,
) -> Comparison:
    """Run the chosen solvers, and print the table, the reference and all notes."""
    limits = dict(solving.limits)
    if len(set(chosen.names)) > 1:
        limits.setdefault("max_seconds", SECONDS_EACH)
    comparison = compare(
        problem.energy, chosen.names, start=problem.start, seed=problem.seed, observe=say.progress,
        begin=say.begin, done=_early_picture(problem, output, outputs.picture("field"), say),
        keep_fields=output.film is not None, reorder=solving.reorder, **limits, **chosen.settings,
    )  # fmt: skip
    say.clear()
    if comparison.interrupted and not any(len(row.history) for row in comparison.solutions):
        raise KeyboardInterrupt  # nothing was evaluated yet
    say("")
    say(comparison.table())
    if comparison.solutions:
        _tell(comparison, chosen.names, say)
    return comparison


def _tell(comparison: Comparison, names: list[str], say: Printer) -> None:
    """The reference, the notes, and the solvers that were skipped."""
    reference = comparison.reference
    known = f"reference energy {reference.energy:.12g}: " * reference.independent
    say(f"\n{known}{reference.how}")
    for row in comparison.solutions:
        for note in row.notes:
            say(f"  {row.solver}: {note}")
    for note in comparison.notes:
        say(f"  {note}")
    best = comparison.best
    if best.answers:
        say("")
        say(answers_table(best.answers))
    for remark in best.remarks:
        say(f"\nwarning: {remark}")
    if comparison.interrupted:
        ran = {row.solver for row in comparison.rows}
        left = [name for name in dict.fromkeys(names[len(comparison.rows) :]) if name not in ran]
        if left:
            say(f"interrupted; skipped: {', '.join(left)}")


def _early_picture(
    problem: Problem, output: Output, path: Path, say: Printer
) -> Callable[[Solution], None] | None:
    """A function that draws the first field of a long comparison while the other solvers run."""
    moves = problem.energy.quantity == "position"
    if not output.pictures or moves or not find_spec("matplotlib"):
        return None
    begun, drawn = time.perf_counter(), False

    def draw(row: Solution) -> None:
        nonlocal drawn
        if drawn or time.perf_counter() - begun < PATIENCE:
            return
        drawn = True
        say.begin("drawing")
        with contextlib.suppress(*FAILURES):  # the final picture reports the error
            plot(row, output.look, path)
            say.clear()
            say(f"{shown(path)} shows {row.solver} for now")

    return draw


def save(
    comparison: Comparison,
    problem: Problem,
    solving: Solving,
    output: Output,
    outputs: Outputs,
    say: Printer,
) -> None:
    """Simplify the best field if that was asked for, and write everything."""
    comparison.interrupted |= pending()
    simplified = _simplified(comparison, solving.simplify, say)
    if comparison.interrupted:
        filming = f" and filming {shown(output.film.path)}" if output.film is not None else ""
        say(f"interrupted: writing what there is{filming} …")
    say.begin("writing")
    pictures = output.pictures and not comparison.interrupted
    if problem.energy.quantity == "position":
        from meshrep.cli.outputs.clouds import save_clouds

        save_clouds(comparison, outputs, problem.settings, pictures=pictures, film=output.film)
    else:
        entries, more = {}, {}
        if simplified is not None and solving.simplify is not None:
            from meshrep.cli.outputs.simplified import save_simplified, simplification

            found = simplification(comparison.best, simplified, solving.simplify)
            entries = {"simplification": found}
            more = {f"{problem.energy.quantity}_simplified": simplified.field}
        save_tables(comparison, outputs, problem.settings, entries)
        save_fields(comparison, outputs, more)
        if pictures:
            save_pictures(comparison, outputs, output.look)
        if output.film is not None:
            save_film(comparison, outputs, output.film, output.look)
        if simplified is not None and solving.simplify is not None:
            save_simplified(
                comparison.best, simplified, solving.simplify, outputs, pictures=pictures,
                look=output.look,
            )  # fmt: skip
    say.clear()
    say("")
    for line in outputs.report():
        say(line)


def _simplified(comparison: Comparison, share: float | None, say: Printer) -> Solution | None:
    """The best field without its small extrema, where that was asked for."""
    if share is None or comparison.interrupted:
        return None
    from meshrep.solving.simplify import simplify

    best = comparison.best
    say.begin("simplify")
    reach = share * float(best.field.max() - best.field.min())
    if reach == 0:
        say("  simplify: the field is constant and has nothing to remove")
        return None
    try:
        found = simplify(best.problem.graph, best.field, reach, observe=say.progress)
    except KeyboardInterrupt:  # before its first step: the field itself stands
        comparison.interrupted = True
        return None
    finally:
        say.clear()
    if found.problem.measures(found.field) != found.problem.measures(best.field):
        say(f"\nsimplified by {found.steps:,} step{'' if found.steps == 1 else 's'} of "
            f"{found.solver} in {found.solve_s:.2g} s")  # fmt: skip
    for note in found.notes:
        say(f"  {note}")
    comparison.interrupted = found.interrupted
    return found


def examine(
    comparison: Comparison, problem: Problem, output: Output, outputs: Outputs, say: Printer
) -> None:
    """Say why the solves were slow, and save it; Ctrl-C keeps what was found."""
    from meshrep.cli.outputs.diagnosis import save_diagnoses

    comparison.interrupted = save_diagnoses(
        comparison, problem.start, outputs, say, pictures=output.pictures
    )
    say("")
    for line in outputs.report():
        say(line)


def show(comparison: Comparison, look: Look) -> None:
    """Open a window with the best field, where there is a screen."""
    if not installed("pyvista"):
        return
    from meshrep.view.display import has_screen

    if has_screen():
        plot(comparison.best, look)


def plot(found: Solution, look: Look, path: Path | None = None) -> None:
    """Draw a solution, with its vortices if it has any: into a file, or in a window."""
    look = look.usually(title=f"{found.problem.graph.name}, {found.solver}")
    found.plot(path, look=look, marks=marks(found.problem, found.field))
