"""The command line: ``meshrep bunny.ply --bath``. Arguments come in here, and only here is printed.

Exit codes: 0 done; 1 every solver failed; 2 the input cannot be used; 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshrep.cli.arguments import parser
from meshrep.cli.interrupts import all_out, output_closed, send_lost_interrupts_again
from meshrep.cli.posing import energy_of, graph_of, solvers_of
from meshrep.cli.printer import Printer
from meshrep.cli.rules import OF_INTEGRATORS, OF_SOLVERS, check, given
from meshrep.errors import MeshrepError

if TYPE_CHECKING:
    from meshrep.energies.base import Energy
    from meshrep.energies.flows import Trajectory
    from meshrep.solving.compare import Comparison
    from meshrep.solving.solution import Solution

SECONDS_EACH = 8.0  # most that one solver of a comparison takes unless told
PATIENCE = 3.0  # seconds of a comparison after which the first field is drawn on the way


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    warnings.showwarning = _note
    send_lost_interrupts_again()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        return all_out(_main(parser().parse_args(arguments)))
    except MeshrepError as error:
        print(f"meshrep: {error}", file=sys.stderr)
        return error.exit_code
    except MemoryError:
        print("meshrep: not enough memory for this problem: take a smaller one", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("meshrep: interrupted before there was a result to save", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return output_closed()


def _main(options: argparse.Namespace) -> int:
    begun = time.perf_counter()
    say = Printer(options.quiet)
    check(options)
    names = solvers_of(options)
    graph, source = graph_of(options, say)
    from meshrep.cli import problems
    from meshrep.cli.outputs import folder

    energy, said = energy_of(options, graph)
    for line in said:
        say(line)
    out = folder(options.out or Path("out") / f"{graph.name}-{options.physics}")
    settings = {"source": source, "start": options.start}
    if options.physics == "heat":
        settings |= {f"{name}_choice": getattr(options, name) for name in ("bath", "hot", "cold")}
    w0 = problems.start(energy, options.start, options.seed)
    if options.transient is not None:
        with say.compiling():
            return _transient(options, energy, w0, out, settings, say)
    if options.physics == "topology":
        from meshrep.cli.topology_outputs import prospects

        for line in prospects(energy, w0):
            say(line)
    settings["restarts"] = options.restarts or 1
    with say.compiling():
        comparison = _solve(options, names, energy, w0, out, say)
    if comparison.solutions:
        simplified = _simplified(options, comparison, say)
        _save(comparison, simplified, out, settings, options, say)
    if options.diagnose and comparison.solutions and not comparison.interrupted:
        _diagnose(options, comparison, w0, out, say)
    say(f"total {time.perf_counter() - begun:.1f} s")
    if comparison.interrupted:
        what = "points so far were" if options.physics == "topology" else "field so far was"
        print(f"meshrep: interrupted; the best {what} saved", file=sys.stderr)
        return 130
    if not comparison.solutions:
        print("meshrep: every solver failed, see the table", file=sys.stderr)
        return 1
    if all(row.result.name in ("DIVERGED", "FAILED") for row in comparison.solutions):
        print("meshrep: every solver diverged; the best finite field was saved", file=sys.stderr)
        return 1
    _show(options, comparison)
    return 0


def _solve(
    options: argparse.Namespace, names: list[str] | None, energy: Energy, w0: Any, out: Path,
    say: Printer,
) -> Comparison:  # fmt: skip
    from meshrep.solving.catalogue import compared
    from meshrep.solving.compare import compare

    if names is None:
        names = compared(energy)
    alone = len(set(names)) == 1
    limits = {} if alone else {"max_seconds": SECONDS_EACH}
    comparison = compare(
        energy, names, start=w0, seed=options.seed, observe=say.progress, begin=say.begin,
        done=_early_picture(options, out, say), keep_fields=options.film is not None,
        reorder=not options.no_reorder, **limits | given(options, OF_SOLVERS),
    )  # fmt: skip
    say.clear()
    if comparison.interrupted and not any(len(row.history) for row in comparison.solutions):
        raise KeyboardInterrupt  # nothing was evaluated yet
    say("")
    say(comparison.table())
    if not comparison.solutions:
        return comparison
    reference = comparison.reference
    say(f"\nreference energy {reference.energy:.12g}: {reference.how}")
    for row in comparison.solutions:
        for note in row.notes:
            say(f"  {row.solver}: {note}")
    for note in comparison.notes:
        say(f"  {note}")
    if comparison.interrupted:
        ran = {row.solver for row in comparison.rows}
        left = [name for name in dict.fromkeys(names[len(comparison.rows) :]) if name not in ran]
        if left:
            say(f"interrupted; skipped: {', '.join(left)}")
    return comparison


def _early_picture(
    options: argparse.Namespace, out: Path, say: Printer
) -> Callable[[Solution], None] | None:
    """Draws the first field of a long comparison, to be looked at while the others are solved."""
    if options.no_pictures or options.physics == "topology" or not find_spec("matplotlib"):
        return None
    begun, drawn = time.perf_counter(), False

    def draw(row: Solution) -> None:
        nonlocal drawn
        if drawn or time.perf_counter() - begun < PATIENCE:
            return
        drawn = True
        say.begin("drawing")
        with contextlib.suppress(MeshrepError, OSError, RuntimeError):  # the last one will tell
            _plot(row, options, out / "field.png")
            say.clear()
            say(f"{out / 'field.png'} shows {row.solver} for now")

    return draw


def _simplified(
    options: argparse.Namespace, comparison: Comparison, say: Printer
) -> Solution | None:
    """The best field without its small extrema, where that was asked for."""
    if options.simplify is None or comparison.interrupted:
        return None
    from meshrep.solving.simplify import simplify

    best = comparison.best
    say.begin("simplify")
    reach = options.simplify * float(best.field.max() - best.field.min())
    if reach == 0:
        say("  simplify: the field is constant and has nothing to remove")
        return None
    try:
        found = simplify(best.problem, best.field, reach, observe=say.progress)
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
    comparison.interrupted = found.result.name == "INTERRUPTED"
    return found


def _save(
    comparison: Comparison, simplified: Solution | None, out: Path, settings: dict[str, Any],
    options: argparse.Namespace, say: Printer,
) -> None:  # fmt: skip
    if comparison.interrupted:
        filming = f" and filming {options.film}" if options.film is not None else ""
        say(f"interrupted: writing what there is{filming} …")
    say.begin("writing")
    pictures = not options.no_pictures and not comparison.interrupted
    if options.physics == "topology":
        from meshrep.cli.topology_outputs import save_clouds

        written, missing = save_clouds(
            comparison, out, settings, pictures=pictures, film=options.film
        )
    else:
        from meshrep.cli.outputs import save_comparison

        more: dict[str, Any] = {}
        if simplified is not None:
            from meshrep.cli.topology_outputs import save_simplified, simplification

            more["fields"] = {"temperature_simplified": simplified.field}
            more["entries"] = {
                "simplification": simplification(comparison.best, simplified, options.simplify)
            }
        written, missing = save_comparison(
            comparison, out, settings, pictures=pictures, film=options.film, **more,
            **_look(options),
        )  # fmt: skip
        if simplified is not None:
            written += save_simplified(
                comparison.best,
                simplified,
                options.simplify,
                out,
                missing,
                pictures=pictures,
                **_look(options),
            )
    say.clear()
    say("")
    _tell(out, written, missing, say)


def _diagnose(
    options: argparse.Namespace, comparison: Comparison, w0: Any, out: Path, say: Printer
) -> None:
    """Why its solves were slow, printed and saved; Ctrl-C keeps what was found."""
    from meshrep.cli.diagnosis_outputs import save_diagnoses

    written, missing, comparison.interrupted = save_diagnoses(
        comparison, w0, out, say, pictures=not options.no_pictures
    )
    _tell(out, written, missing, say)


def _tell(out: Path, written: list[Path], missing: list[str], say: Printer) -> None:
    """What was written, in the folder and beside it, and what could not be."""
    inside = [path.name for path in written if path.parent == out]
    say(f"wrote {out}/: {', '.join(inside)}")
    for path in written:
        if path.parent != out:
            say(f"wrote {path}")
    for line in missing:
        say(f"  {line}")


def _transient(
    options: argparse.Namespace, energy: Energy, w0: Any, out: Path, settings: dict[str, Any],
    say: Printer,
) -> int:  # fmt: skip
    from meshrep.cli.outputs import save_trajectory
    from meshrep.energies.flows import integrate
    from meshrep.graphs.operators import mass

    say.begin(options.method or "rk4")
    trajectory: Trajectory = integrate(
        energy, options.transient, start=w0, mass=mass(energy.graph, options.laplacian or "graph"),
        observe=say.time, **given(options, OF_INTEGRATORS),
    )  # fmt: skip
    say.clear()
    say(f"{trajectory.method}: {trajectory.steps:,} steps, {trajectory.evaluations:,} evaluations, "
        f"energy {trajectory.energies[0]:.6g} → {trajectory.energies[-1]:.6g}")  # fmt: skip
    for note in trajectory.notes:
        say(f"  {note}")
    order = trajectory.order
    if order is not None and len(order) > 2:
        from meshrep.energies.phases import frequency_spread

        spread = frequency_spread(trajectory.frequencies)
        locked = "phase-locked" if trajectory.locked() else "not phase-locked"
        say(f"order parameter {order[0]:.3f} → {order[-1]:.3f}; over the second half frequencies "
            f"spread by {spread:.3g}: {locked}")  # fmt: skip
    say.begin("writing")
    written, missing = save_trajectory(
        trajectory, out, settings, options.seed, pictures=not options.no_pictures,
        film=options.film, **_look(options),
    )  # fmt: skip
    say.clear()
    _tell(out, written, missing, say)
    if trajectory.interrupted:
        print("meshrep: interrupted; the frames so far were saved", file=sys.stderr)
        return 130
    return 0


def _look(options: argparse.Namespace) -> dict[str, Any]:
    """How pictures are to look, where something else than the default is asked for."""
    return {"arrows": options.arrows, "cmap": options.cmap}


def _show(options: argparse.Namespace, comparison: Comparison) -> None:
    from meshrep.base.backends import installed

    if options.no_show or options.quiet or not installed("pyvista"):
        return
    from meshrep.view.display import has_screen

    if has_screen():
        _plot(comparison.best, options)


def _plot(found: Solution, options: argparse.Namespace, path: Path | None = None) -> None:
    """Draw a solution, with its vortices if it has any: into a file, or in a window."""
    from meshrep.cli.outputs import marks

    title = f"{found.problem.graph.name}, {found.solver}"
    found.plot(path, title=title, marks=marks(found.problem, found.field), **_look(options))


def _note(message: Any, *_: Any, **__: Any) -> None:
    """A warning as one line."""
    print(f"note: {' '.join(str(message).split())}", file=sys.stderr)
