"""The patterns of Hopf–Kuramoto oscillators over (s₁, s₂): a table, and a figure of the phases.

    python scripts/phase_diagram.py --graph lattice:50x50 --s1 -1:1:9 --s2 0:1:6 --seeds 3

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
    listen("phase_diagram", INTERRUPTED)

from meshrep.base.backends import installed
from meshrep.base.names import shown
from meshrep.cli.exits import exit_code, tell
from meshrep.cli.parser import OneLineParser
from meshrep.cli.printer import Printer
from meshrep.errors import InputError

LABELS = {"rho": "order parameter ρ", "local_order": "local order", "vortices": "vortices",
          "energy": "energy", "frequency_spread": "spread of frequencies"}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    top = OneLineParser(
        prog="phase_diagram.py",
        description="Sweep the Hopf–Kuramoto model over (s1, s2) and random starts.",
        epilog='values are lists, "0,0.5,1", or ranges with both ends, "start:stop:count"',
        allow_abbrev=False,
    )
    add = top.add_argument
    add("--graph", default="lattice:50x50", metavar="SPEC", help="a lattice or a mesh file")
    add("--s1", default="-1:1:9", metavar="VALUES", help="sine coupling (default -1:1:9)")
    add("--s2", default="0:1:6", metavar="VALUES", help="next-nearest one (default 0:1:6)")
    add("--c", type=float, help="cosine coupling (default 1)")
    add("--seeds", type=int, default=1, metavar="N", help="random starts a point (default 1)")
    add("--seed", type=int, default=0, help="the first of them (default 0)")
    add("--how", default="minimise", choices=("minimise", "integrate"),
        help="the potential (default), or the full dynamics in time")  # fmt: skip
    add("--solver", metavar="NAME", help="that minimises (default lbfgs)")
    add("--max-seconds", type=float, help="most that it takes for a point (default 5)")
    add("--time", type=float, metavar="T", help="to which to integrate (default 200)")
    add("--printed", action="store_true", help="minimise the loss as the papers print it")
    add("--processes", type=int, metavar="N", help="how many (default: one a core)")
    add("--out", type=Path, default=Path("out/phase-diagram"), metavar="DIR")
    add("--value", default="rho", choices=tuple(LABELS),
        help="the column that the figure shows (default rho)")  # fmt: skip
    add("--quiet", action="store_true", help="print errors only")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    return exit_code(
        "phase_diagram",
        lambda: run(parser().parse_args(arguments)),
        INTERRUPTED,
    )


def run(options: argparse.Namespace) -> int:
    from meshrep.cli.outputs.collector import writable
    from meshrep.sweeps.patterns import Settings, cells, evaluate, grid
    from meshrep.sweeps.store import Store
    from meshrep.sweeps.sweep import numbers, sweep
    from meshrep.view.write import write_csv

    say = Printer(options.quiet)
    if options.value == "frequency_spread" and options.how != "integrate":
        raise InputError("--value frequency_spread needs --how integrate")
    if options.processes is not None and options.processes < 1:
        raise InputError(f"--processes must be 1 or more, not {options.processes}")
    points = grid(
        numbers(options.s1, "--s1"), numbers(options.s2, "--s2"), options.seeds, options.seed
    )
    choices = ("c", "solver", "max_seconds", "time")
    given = {name: getattr(options, name) for name in choices if getattr(options, name) is not None}
    unused = ["time"] if options.how == "minimise" else ["solver", "max_seconds"]
    for name in unused + ["c"] * options.printed:
        if name in given:
            why = "--printed" if name == "c" else f"--how {options.how}"
            raise InputError(f"--{name.replace('_', '-')} means nothing with {why}: drop it")
    settings = Settings(options.graph, options.how, printed=options.printed, **given)
    out = writable(options.out)
    store = Store(writable(out / "points"), settings)

    hold()
    done = sweep(
        points, store, evaluate, processes=options.processes, observe=say.progress.points, say=say
    )
    say.clear()
    written = [write_csv(done.columns(), out / "table.csv")]
    if not installed("matplotlib"):
        say("the figure needs matplotlib: pip install 'meshrep[viz]'")
    elif done.rows:
        from meshrep.view.diagram import diagram

        title = f"{settings.loaded.name}, {settings.title}"
        written.append(
            diagram(
                cells(done, store, options.value), out / "diagram.png", x_label="s₁",
                y_label="s₂", value_label=LABELS[options.value], title=title,
                clim=(0.0, 1.0) if options.value in ("rho", "local_order") else None,
            )
        )  # fmt: skip
    before = f", {done.found:,} of them from an earlier run" if done.found else ""
    say(f"{len(done.rows):,} of {len(points):,} points{before}")
    say(f"wrote {shown(out)}/: {', '.join(path.name for path in written)}")
    if done.interrupted or pending():
        tell("phase_diagram", f"interrupted with {len(done.rows):,} of {len(points):,} points "
             "done; run the same command again to continue")  # fmt: skip
        return 130
    if done.failures:
        first = done.failures[0]
        tell("phase_diagram", f"{len(done.failures):,} of {len(points):,} points failed, the first "
             f"at s1 = {first.s1:g}, s2 = {first.s2:g}, seed {first.seed}: "
             f"{first.result.removeprefix('failed: ')}")  # fmt: skip
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
