"""How a network synchronises: the order parameter r over the coupling K, up and down.

    python scripts/synchronise.py --graph barabasi-albert:1000,3 --frequencies degree --K 1:2:11

The same command continues a sweep that was stopped. Exit codes: 0 done; 1 a point failed; 2 the
input cannot be used; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from meshrep.base.interrupts import hold, listen, pending

INTERRUPTED = "interrupted; finished points are kept"
if __name__ == "__main__":
    listen("synchronise", INTERRUPTED)

from meshrep.base.backends import installed
from meshrep.base.names import shown
from meshrep.cli.exits import exit_code, tell
from meshrep.cli.parser import OneLineParser
from meshrep.cli.printer import Printer
from meshrep.errors import InputError


def parser() -> argparse.ArgumentParser:
    top = OneLineParser(
        prog="synchronise.py",
        description="Sweep the coupling K of Kuramoto's oscillators up and down, from each seed.",
        epilog='K is a list, "0,0.5,1", or a range with both ends, "start:stop:count"',
        allow_abbrev=False,
    )
    add = top.add_argument
    add("--graph", default="nodes:1000", metavar="SPEC",
        help="a network's name or file (default nodes:1000, a mean field)")  # fmt: skip
    add("--K", default="0:4:21", metavar="VALUES", help="couplings (default 0:4:21)")
    add("--frequencies", default="normal", metavar="WHAT",
        help="normal, lorentz:0.5, uniform, degree, or a .npy file (default normal)")  # fmt: skip
    add("--seeds", type=int, default=1, metavar="N", help="random starts (default 1)")
    add("--seed", type=int, default=0, help="the first of them (default 0)")
    add("--coupling", choices=("edges", "mean-field"),
        help="default: mean-field for complete graphs and nodes:N, else edges")  # fmt: skip
    add("--normalisation", "--normalization", choices=("none", "n", "degree"),
        help="what K is divided by (default: n for mean fields, else none)")  # fmt: skip
    add("--lag", type=float, default=0.0, help="phase lag in radians (default 0)")
    add("--noise", type=float, default=0.0, metavar="D", help="diffusion (default 0)")
    add("--inertia", type=float, default=0.0, metavar="M", help="of power grids (default 0)")
    add("--settle", type=float, metavar="T",
        help="before the average at each K (default: 50 over the spread)")  # fmt: skip
    add("--average", type=float, metavar="T", help="time of the average (default: twice as long)")
    add("--processes", type=int, metavar="N", help="how many (default: one a core)")
    add("--out", type=Path, default=Path("out/synchronise"), metavar="DIR")
    add("--quiet", action="store_true", help="print errors only")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    return exit_code("synchronise", lambda: run(parser().parse_args(arguments)), INTERRUPTED)


def run(options: argparse.Namespace) -> int:
    from meshrep.sweeps.synchronise import synchronise

    say = Printer(options.quiet)
    if options.processes is not None and options.processes < 1:
        raise InputError(f"--processes must be 1 or more, not {options.processes}")
    settings = {name: value for name, value in vars(options).items()
                if name not in ("graph", "K", "frequencies", "out", "quiet")}  # fmt: skip
    out = options.out
    hold()
    curve = synchronise(
        options.graph, options.K, options.frequencies, folder=out / "points",
        observe=say.progress.points, say=say, **settings,
    )  # fmt: skip
    say.clear()
    written = [curve.save(out / "table.csv"), curve.save(out / "curve.json")]
    if installed("matplotlib"):
        written.append(curve.plot(out / "synchronisation.png"))
    else:
        say("the figure needs matplotlib: pip install 'meshrep[viz]'")
    found = curve.critical()
    say(f"{curve.name}: {curve.n:,} oscillators, settling {curve.times[0]:.4g} and averaging over "
        f"{curve.times[1]:.4g}")  # fmt: skip
    for way, onset in vars(found).items():
        say(f"onset {way}: {'not between these couplings' if onset is None else onset}")
    for note in curve.notes:
        say(f"note: {note}")
    say(f"wrote {shown(out)}/: {', '.join(path.name for path in written)}")
    if curve.interrupted or pending():
        tell("synchronise", f"interrupted with {curve.done:,} of {curve.r.size:,} points done; run "
             "the same command again to continue")  # fmt: skip
        return 130
    return 1 if curve.done < curve.r.size else 0


if __name__ == "__main__":
    sys.exit(main())
