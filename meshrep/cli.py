"""The command line: ``meshrep bunny.ply --bath``. Arguments come in here, and only here is printed.

Exit codes: 0 done; 1 every solver failed; 2 the input cannot be used; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshrep.arguments import (
    HEAT_ONLY,
    OF_INTEGRATORS,
    OF_SOLVERS,
    TOPOLOGY_ONLY,
    check,
    given,
    parser,
)
from meshrep.errors import MeshrepError
from meshrep.printer import Printer

if TYPE_CHECKING:
    from meshrep.comparison import Comparison
    from meshrep.energies.base import Energy
    from meshrep.flows import Trajectory
    from meshrep.graph import Graph
    from meshrep.solution import Solution

SECONDS_EACH = 8.0  # most that one solver of a comparison takes unless told


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    warnings.showwarning = _note
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        return _main(parser().parse_args(arguments))
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _main(options: argparse.Namespace) -> int:
    begun = time.perf_counter()
    say = Printer(options.quiet)
    check(options)
    graph, source = _graph(options, say)
    from meshrep import problems
    from meshrep.outputs import folder

    energy: Energy
    if options.physics == "heat":
        energy, said = problems.heat(graph, _heat_choices(options), options.seed)
    elif options.physics == "topology":
        choices = problems.TopologyChoices(**given(options, TOPOLOGY_ONLY))
        energy, said = problems.topology(graph, choices, options.seed)
    else:
        energy, said = problems.oscillators(graph, _oscillator_choices(options), options.seed)
    for line in said:
        say(line)
    out = folder(options.out or Path("out") / f"{graph.name}-{options.physics}")
    settings = {"source": source, "start": options.start, "bath_choice": options.bath,
                "hot_choice": options.hot, "cold_choice": options.cold}  # fmt: skip
    w0 = problems.start(energy, options.start, options.seed)
    if options.transient is not None:
        return _transient(options, energy, w0, out, settings, say)
    settings["restarts"] = options.restarts or 1
    comparison = _solve(options, energy, w0, say)
    if comparison.solutions:
        simplified = _simplified(options, comparison, say)
        _save(comparison, simplified, out, settings, options, say)
    say(f"total {time.perf_counter() - begun:.1f} s")
    if comparison.interrupted:
        print("meshrep: interrupted; the best field so far was saved", file=sys.stderr)
        return 130
    if not comparison.solutions:
        print("meshrep: every solver failed, see the table", file=sys.stderr)
        return 1
    if all(row.result.name in ("DIVERGED", "FAILED") for row in comparison.solutions):
        print("meshrep: every solver diverged; the best finite field was saved", file=sys.stderr)
        return 1
    _show(options, comparison)
    return 0


def _graph(options: argparse.Namespace, say: Printer) -> tuple[Graph, str]:
    from meshrep.sources.files import resolve
    from meshrep.sources.spec import graph_from

    text = options.graph or options.input
    if ":" not in text or os.path.lexists(text):
        path, in_assets = resolve(text)
        if in_assets:
            say(f"{text}: not a file here, found in {path.parent}")
    graph = graph_from(
        text, seed=options.seed, neighbours=options.neighbours, radius=options.radius
    )
    parts = graph.component_count
    say(f"{graph.name}: {graph.n:,} nodes, {graph.m:,} edges, {parts:,} component"
        f"{'' if parts == 1 else 's'}")  # fmt: skip
    for repair in graph.repairs:
        say(f"  {repair}")
    return graph, text


def _heat_choices(options: argparse.Namespace) -> Any:
    from meshrep.problems import HeatChoices

    chosen = given(options, HEAT_ONLY)
    return HeatChoices(**{name.removeprefix("bath_"): value for name, value in chosen.items()})


def _oscillator_choices(options: argparse.Namespace) -> Any:
    from meshrep.problems import OscillatorChoices

    names = {"kuramoto": "strength", "xy_glass": "couplings"}
    chosen = given(options, ("s1", "s2", "c", "frequencies", *names))
    return OscillatorChoices(
        kind=options.physics, printed=options.hopf_kuramoto == "printed",
        **{names.get(name, name): value for name, value in chosen.items()},
    )  # fmt: skip


def _solve(options: argparse.Namespace, energy: Energy, w0: Any, say: Printer) -> Comparison:
    from meshrep.comparison import compare, default_solvers
    from meshrep.presets import known

    names = [options.solver] if options.solver else []
    if options.compare is not None:
        names += [name.strip() for name in options.compare.split(",") if name.strip()]
    elif not options.solver:
        names = default_solvers(energy)
    known(names)
    alone = len(set(names)) == 1
    limits = {} if alone else {"max_seconds": SECONDS_EACH}
    comparison = compare(
        energy, names, start=w0, seed=options.seed, observe=say.progress, begin=say.begin,
        keep_fields=options.film is not None, **limits | given(options, OF_SOLVERS),
    )  # fmt: skip
    say.clear()
    say("")
    say(comparison.table())
    reference = comparison.reference
    say(f"\nreference energy {reference.energy:.12g}: {reference.how}")
    for row in comparison.solutions:
        for note in row.notes:
            say(f"  {row.solver}: {note}")
    for note in comparison.notes:
        say(f"  {note}")
    return comparison


def _simplified(
    options: argparse.Namespace, comparison: Comparison, say: Printer
) -> Solution | None:
    """The best field without its small extrema, where that was asked for."""
    if options.simplify is None or comparison.interrupted:
        return None
    from meshrep.simplification import simplify

    best = comparison.best
    say.begin("simplify")
    reach = options.simplify * float(best.field.max() - best.field.min())
    if reach == 0:
        say("  simplify: the field is constant and has nothing to remove")
        return None
    found = simplify(best.problem, best.field, reach, observe=say.progress)
    say.clear()
    say(f"\nsimplified by {found.steps:,} steps of {found.solver} in {found.solve_s:.2g} s")
    for note in found.notes:
        say(f"  {note}")
    return found


def _save(
    comparison: Comparison, simplified: Solution | None, out: Path, settings: dict[str, Any],
    options: argparse.Namespace, say: Printer,
) -> None:  # fmt: skip
    say.begin("writing")
    pictures = not options.no_pictures and not comparison.interrupted
    if options.physics == "topology":
        from meshrep.topology_outputs import save_clouds

        written, missing = save_clouds(
            comparison, out, settings, pictures=pictures, film=options.film
        )
    else:
        from meshrep.outputs import save_comparison

        more = {} if simplified is None else {"temperature_simplified": simplified.field}
        written, missing = save_comparison(
            comparison, out, settings, pictures=pictures, film=options.film, more=more,
            **_look(options),
        )  # fmt: skip
        if simplified is not None:
            from meshrep.topology_outputs import save_simplified

            best = comparison.best
            written += save_simplified(best, simplified, out, pictures=pictures, **_look(options))
    say.clear()
    say(f"\nwrote {out}/: {', '.join(path.name for path in written)}")
    for line in missing:
        say(f"  {line}")


def _transient(
    options: argparse.Namespace, energy: Energy, w0: Any, out: Path, settings: dict[str, Any],
    say: Printer,
) -> int:  # fmt: skip
    from meshrep.flows import integrate
    from meshrep.operators import mass
    from meshrep.outputs import save_trajectory

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
        from meshrep.measures import frequency_spread

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
    say(f"wrote {out}/: {', '.join(path.name for path in written)}")
    for line in missing:
        say(f"  {line}")
    if trajectory.interrupted:
        print("meshrep: interrupted; the frames so far were saved", file=sys.stderr)
        return 130
    return 0


def _look(options: argparse.Namespace) -> dict[str, Any]:
    """How pictures are to look, where something else than the default is asked for."""
    return {"arrows": options.arrows, "cmap": options.cmap}


def _show(options: argparse.Namespace, comparison: Comparison) -> None:
    from meshrep.backends import installed

    if options.no_show or options.quiet or not installed("pyvista"):
        return
    from meshrep.outputs import marks
    from meshrep.view.display import has_screen

    if has_screen():
        best = comparison.best
        title = f"{best.problem.graph.name}, {best.solver}"
        best.plot(title=title, marks=marks(best.problem, best.field), **_look(options))


def _note(message: Any, *_: Any, **__: Any) -> None:
    """A warning as one line."""
    print(f"note: {' '.join(str(message).split())}", file=sys.stderr)
