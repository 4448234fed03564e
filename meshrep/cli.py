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
from typing import TYPE_CHECKING, Any, NoReturn

from meshrep.errors import InputError, MeshrepError

if TYPE_CHECKING:
    from meshrep.comparison import Comparison
    from meshrep.energies.base import Energy
    from meshrep.flows import Trajectory
    from meshrep.graph import Graph

SECONDS_EACH = 8.0  # most that one solver of a comparison takes unless told

EXAMPLES = """examples:
  meshrep bunny.ply --bath                           heat from end to end, six solvers compared
  meshrep part.vtu --hot "z > zmax - 0.1" --cold "z < zmin + 0.1" --bath-kind dirichlet
  meshrep --graph lattice:50x50 --bath random --compare gcn,gcn-res,adam,adam-torch,newton
  meshrep --graph lattice:1000x1000 --solver newton --no-show
  meshrep bunny.ply --bath --transient 50            the way there, as frames for ParaView
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence instead of the whole usage."""
        raise InputError(f"{message} (meshrep --help lists the options)")


def parser() -> argparse.ArgumentParser:
    """All options, grouped as the help shows them."""
    top = _Parser(
        prog="meshrep",
        description="Put heat on a mesh, lattice, cloud or network, find its steady state by "
        "several solvers, and show the field and how they compare.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = top.add_argument
    add(
        "input",
        nargs="?",
        help="a mesh, cloud or network file; a bare name is looked up in assets/ too",
    )
    add(
        "--graph",
        metavar="SPEC",
        help="instead of a file: lattice:50x50, lattice:20x20x20, "
        "triangular:75x75, ring:625, tree:2^9, sbm:10x250, rgg:2500, er:2500, cloud:300",
    )
    add("--neighbours", type=int, metavar="K", help="join a point cloud's K nearest points")
    add("--radius", type=float, help="join a point cloud's points within this distance")

    physics = top.add_argument_group("heat")
    add = physics.add_argument
    add(
        "--bath",
        nargs="?",
        const="ends",
        choices=("ends", "random"),
        help="where the baths are: the two ends of the longest axis (default), or random nodes",
    )
    add("--share", type=float, default=0.1, help="how much is bath at each end (default 0.1)")
    add("--hot", metavar="WHERE", help='hot nodes: "0,5,7-12", a file, or "z < 0.06"')
    add("--cold", metavar="WHERE", help="cold nodes, likewise")
    add(
        "--bath-kind",
        default="quartic",
        choices=("quartic", "quadratic", "dirichlet"),
        help="soft (default), Robin, or held exactly",
    )
    add("--power", type=float, help="the bath's power p instead of --bath-kind's")
    add("--t-hot", type=float, default=1.0, metavar="T")
    add("--t-cold", type=float, default=0.0, metavar="T")
    add("--strength", type=float, default=1.0, metavar="LAMBDA", help="the bath's λ (default 1)")
    add("--laplacian", default="graph", choices=("graph", "cotan", "robust"))
    add(
        "--unbathed",
        default="raise",
        choices=("raise", "hold"),
        help="a component without a bath: an error (default), or held at the mean",
    )
    add("--transient", type=float, metavar="T", help="integrate to time T instead of minimising")
    add("--frames", type=int, default=40, help="frames of a transient (default 40)")
    add(
        "--method",
        default="rk4",
        choices=("rk4", "rk45", "lsoda", "bdf", "radau"),
        help="integrator of a transient (default rk4)",
    )

    solving = top.add_argument_group("solving")
    add = solving.add_argument
    add(
        "--solver", metavar="NAME", help="run this one alone, or first with --compare; auto chooses"
    )
    add(
        "--compare",
        metavar="A,B,…",
        help="run these from the same start (default gcn,adam,gd,lbfgs,newton,rk4)",
    )
    add("--start", default="random", help="random (default), mean, or a .npy file of node values")
    add("--seed", type=int, default=0)
    add(
        "--max-seconds",
        type=float,
        help="most seconds a solver (default 8 in a comparison, no limit for one alone)",
    )
    add("--max-steps", type=int)
    add("--gtol", type=float, help="scaled gradient norm at which a solver has converged")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:k, for torch")
    add("--dtype", choices=("float64", "float32"))

    network = top.add_argument_group("settings of single solvers")
    add = network.add_argument
    add("--lr", type=float, help="step length of Adam, gd, heavy-ball, nesterov")
    add("--layers", type=int, help="layers of gcn, gcn-res, nograph, nograph-res (default 1)")
    add("--hidden", type=int, help="their width (default 8)")
    add("--propagation", choices=("sym", "self", "square"), help="their propagation matrix")
    add(
        "--network-start",
        default="shared",
        choices=("shared", "network"),
        help="start them at the common start (default) or at their own first output",
    )
    add(
        "--switch",
        default="auto",
        help="steps until they hand over to Adam on the field (default auto)",
    )
    add("--momentum", type=float, help="of heavy-ball (default 0.97)")
    add("--adaptive", action="store_true", help="adaptive steps for rk4")

    output = top.add_argument_group("output")
    add = output.add_argument
    add("--out", type=Path, metavar="DIR", help="folder for results (default out/NAME-heat)")
    add("--no-show", action="store_true", help="open no window")
    add("--no-pictures", action="store_true", help="write no pictures")
    add("--quiet", action="store_true", help="print errors only")
    return top


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
    _check(options)
    graph, source = _graph(options, say)
    from meshrep import problems
    from meshrep.outputs import folder

    energy, said = problems.heat(graph, _heat_choices(options), options.seed)
    for line in said:
        say(line)
    out = folder(options.out or Path("out") / f"{graph.name}-heat")
    settings = {"source": source, "start": options.start, "bath_choice": options.bath,
                "hot_choice": options.hot, "cold_choice": options.cold}  # fmt: skip
    w0 = problems.start(energy, options.start, options.seed)
    if options.transient is not None:
        return _transient(options, energy, w0, out, settings, say)
    comparison = _solve(options, energy, w0, say)
    if comparison.solutions:
        _save(comparison, out, settings, options, say)
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


def _check(options: argparse.Namespace) -> None:
    """What argparse cannot check."""
    if (options.input is None) == (options.graph is None):
        raise InputError("give one input: a file, or --graph SPEC (meshrep --help shows examples)")
    if options.bath is None and options.hot is None and options.cold is None:
        options.bath = "ends"
    if options.bath is not None and (options.hot or options.cold):
        raise InputError("--bath chooses the baths by itself: drop it, or drop --hot and --cold")
    for name in ("transient", "max_seconds", "max_steps", "frames", "gtol", "lr", "hidden",
                 "layers"):  # fmt: skip
        number = getattr(options, name)
        if number is not None and not 0 < number < float("inf"):
            raise InputError(f"--{name.replace('_', '-')} must be a positive number, not {number}")
    if options.momentum is not None and not 0 <= options.momentum < 1:
        raise InputError(f"--momentum must lie in [0, 1), not {options.momentum}")
    if options.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {options.seed}")
    if options.switch != "auto":
        if not options.switch.isdecimal() or int(options.switch) < 1:
            raise InputError(f"--switch is auto or a number of steps, not {options.switch!r}")
        options.switch = int(options.switch)


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

    return HeatChoices(
        bath=options.bath, hot=options.hot, cold=options.cold, share=options.share,
        kind=options.bath_kind, power=options.power, t_hot=options.t_hot, t_cold=options.t_cold,
        strength=options.strength, laplacian=options.laplacian, unbathed=options.unbathed,
    )  # fmt: skip


def _solve(options: argparse.Namespace, energy: Energy, w0: Any, say: Printer) -> Comparison:
    from meshrep.comparison import DEFAULT, compare
    from meshrep.presets import known

    names = [options.solver] if options.solver else []
    if options.compare is not None:
        names += [name.strip() for name in options.compare.split(",") if name.strip()]
    elif not options.solver:
        names = list(DEFAULT)
    known(names)
    alone = len(set(names)) == 1
    seconds = options.max_seconds or (None if alone else SECONDS_EACH)
    comparison = compare(
        energy, names, start=w0, seed=options.seed, observe=say.progress, begin=say.begin,
        device=options.device, dtype=options.dtype, max_steps=options.max_steps,
        max_seconds=seconds, gtol=options.gtol, lr=options.lr, layers=options.layers,
        hidden=options.hidden, propagation=options.propagation, switch=options.switch,
        network_start=options.network_start, momentum=options.momentum, adaptive=options.adaptive,
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


def _save(
    comparison: Comparison, out: Path, settings: dict[str, Any], options: argparse.Namespace,
    say: Printer,
) -> None:  # fmt: skip
    from meshrep.outputs import save_comparison

    say.begin("writing")
    pictures = not options.no_pictures and not comparison.interrupted
    written, missing = save_comparison(comparison, out, settings, pictures=pictures)
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

    say.begin(options.method)
    trajectory: Trajectory = integrate(
        energy, options.transient, start=w0, mass=mass(energy.graph, options.laplacian),
        method=options.method, frames=options.frames, observe=say.time,
    )  # fmt: skip
    say.clear()
    say(f"{trajectory.method}: {trajectory.steps:,} steps, {trajectory.evaluations:,} evaluations, "
        f"energy {trajectory.energies[0]:.6g} → {trajectory.energies[-1]:.6g}")  # fmt: skip
    for note in trajectory.notes:
        say(f"  {note}")
    written, missing = save_trajectory(trajectory, out, settings, options.seed)
    say(f"wrote {out}/: {', '.join(path.name for path in written)}")
    for line in missing:
        say(f"  {line}")
    if trajectory.interrupted:
        print("meshrep: interrupted; the frames so far were saved", file=sys.stderr)
        return 130
    return 0


def _show(options: argparse.Namespace, comparison: Comparison) -> None:
    from meshrep.backends import installed

    if options.no_show or options.quiet or not installed("pyvista"):
        return
    from meshrep.view.display import has_screen

    if has_screen():
        best = comparison.best
        best.plot(title=f"{best.problem.graph.name}, {best.solver}")


def _note(message: Any, *_: Any, **__: Any) -> None:
    """A warning as one line."""
    print(f"note: {' '.join(str(message).split())}", file=sys.stderr)


class Printer:
    """Lines on standard output, and on a terminal a line of progress that replaces itself."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.live = sys.stderr.isatty() and not quiet
        self.width = 0

    def __call__(self, line: str) -> None:
        """Print a line unless quiet."""
        if not self.quiet:
            print(line, flush=True)

    def begin(self, name: str) -> None:
        """Say what begins."""
        self._replace(f"{name} …")

    def progress(self, name: str, progress: Any) -> None:
        """Say how far a solver is."""
        self._replace(
            f"{name}: step {progress.step:,}, {progress.seconds:.1f} s, E {progress.energy:.9g}"
        )

    def time(self, now: float, end: float) -> None:
        """Say how far an integration is."""
        self._replace(f"t = {now:.4g} of {end:.4g}")

    def clear(self) -> None:
        """Take the line of progress away."""
        self._replace("")

    def _replace(self, text: str) -> None:
        if self.live:
            text = text[:100]
            sys.stderr.write("\r" + text.ljust(self.width) + ("\r" if not text else ""))
            sys.stderr.flush()
            self.width = len(text)
