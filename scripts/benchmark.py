"""Speed, scale and basins, measured: ``python scripts/benchmark.py [suite …]``.

* startup: what imports cost, and the time to the first picture with cold and warm caches
* kernels: each kernel's bytes a second beside the machine's triad, and torch and NumPy beside it
* heat: which solver wins at which size, bath and accuracy, with peers as rows
* conduction: finite elements of steel and rubber, built and solved, beside other codes
* oscillators: a gradient and a step of the flow, integrators and minimisers against other packages
* networks: oscillators on networks and mean fields, followed to a time, against other packages
* load: what kernels and solvers keep of their rate while other processes use the cores
* scale: time, memory and iterations from 10⁴ to 10⁷ nodes
* basins: where solvers end over seeds, on a ferromagnet and two spin glasses, from a random start
  and from the papers' own
* topology: all of the following
* topology-gradients: persistence of a cloud with its gradient, ours against other packages
* topology-papers: the papers' clouds, networks against adam, sgd and lbfgs
* topology-large: steps of a large cloud (``--cloud FILE``; 36,000 points of a torus by default)

Peers come with ``pip install 'meshrep[bench]'``. With ``--device cuda`` the suites are checks
(every path of the device beside float64 on the CPU), kernels (bytes a second beside the device's
memory), and steps of heat, oscillators and gcn; all take eight minutes at most. Writes JSON, a page
of Markdown and figures under ``--out``, or with ``--docs`` into docs/; sections of suites that are
not run again stay.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from meshrep.base.interrupts import listen

INTERRUPTED = "interrupted; finished suites are kept"
if __name__ == "__main__":
    listen("benchmark", INTERRUPTED)

from bench import (
    Report,
    Say,
    basins,
    conduction,
    device,
    device_checks,
    device_kernels,
    device_steps,
    heat,
    kernels,
    large_clouds,
    load,
    machine,
    networks,
    oscillators,
    papers_clouds,
    scale,
    startup,
    topology,
)
from bench.store import Draw, Store

from meshrep.base.progress import ProgressLine
from meshrep.cli.exits import exit_code
from meshrep.cli.outputs.collector import writable
from meshrep.cli.parser import OneLineParser
from meshrep.errors import InputError, MeshrepError

Suite = Callable[[bool, Say], Report]
DOCS = Path(__file__).resolve().parent.parent / "docs"
SPEED = ("startup", "kernels", "heat", "conduction", "oscillators", "networks", "load", "scale")
TOPOLOGY = ("topology-gradients", "topology-papers", "topology-large")
DRAWERS: dict[str, Draw] = {
    "heat": heat.draw,
    "conduction": conduction.draw,
    "kernels": kernels.draw,
    "scale": scale.draw,
}


def table_of_suites(options: Any) -> dict[str, Suite]:
    """Return every suite by name, in the order in which they run."""
    if options.device:
        there = device.Device(options.device)
        suites = {"checks": device_checks.run, "kernels": device_kernels.run}
        return {
            f"{name}-{options.device}": partial(suite, device=there)
            for name, suite in (suites | device_steps.SUITES).items()
        }
    return {
        "startup": startup.run,
        "kernels": kernels.run,
        "heat": heat.run,
        "conduction": conduction.run,
        "oscillators": oscillators.run,
        "networks": networks.run,
        "load": load.run,
        "scale": scale.run,
        "basins": basins.run,
        "topology-gradients": topology.run,
        "topology-papers": papers_clouds.run,
        "topology-large": partial(large_clouds.run, cloud=options.cloud),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    return exit_code("benchmark", lambda: run(arguments), INTERRUPTED)


def parser() -> OneLineParser:
    top = OneLineParser(
        prog="benchmark.py", description=__doc__.splitlines()[0], allow_abbrev=False
    )
    add = top.add_argument
    add("suites", nargs="*", help=f"what to run (default: {', '.join(SPEED)})")
    add("--quick", action="store_true", help="fewer seeds and rounds, smaller sizes")
    add(
        "--device",
        help="check and time what runs on this device of torch: cuda, cpu",
    )
    add("--cloud", type=Path, help="a mesh whose vertices are the large cloud")
    add("--out", type=Path, metavar="DIR",
        help="where to write (default out/benchmark, or out/benchmark-quick)")  # fmt: skip
    add("--docs", action="store_true",
        help="write docs/benchmarks.md; without suites, only make the page anew")  # fmt: skip
    return top


def run(arguments: Sequence[str] | None) -> int:
    options = parser().parse_args(arguments)
    if options.docs and (options.quick or options.out):
        raise InputError("--docs holds full runs in docs/: drop --quick and --out")
    known = table_of_suites(options)
    wanted = chosen(options, known)
    if options.docs:
        store = Store(writable(DOCS), "benchmarks")
    else:
        quick = "-quick" if options.quick else ""
        store = Store(writable(options.out or Path(f"out/benchmark{quick}")), "benchmark")
    store.sections()  # refuse an earlier file that cannot be read before anything runs
    line = ProgressLine(every=0.0)

    def say(what: str) -> None:
        line.show(f"… {what}")

    about, wrong = machine.describe() if wanted else {}, []
    for name in wanted:
        begun = time.perf_counter()
        text, data = known[name](options.quick, say)
        line.clear()
        store.keep(name, {
            "text": text, "data": data, "machine": about,
            "about": {"command": command(options, name), "quick": options.quick,
                      "seconds": round(time.perf_counter() - begun, 1)},
        })  # fmt: skip
        print(text, end="\n\n", flush=True)
        wrong += data.get("wrong", [])
    print(f"wrote {store.page(DRAWERS)}")
    if wrong:
        raise MeshrepError(f"{len(wrong)} results are wrong: {'; '.join(wrong)}")
    return 0


def chosen(options: Any, known: dict[str, Suite]) -> list[str]:
    """Return the suites to run, in order; "topology" stands for all of its parts."""
    asked = [f"{name}-{options.device}" if options.device else name for name in options.suites]
    groups = {} if options.device else {"topology": TOPOLOGY}
    unknown = [name for name in asked if name not in known and name not in groups]
    if unknown:
        names = [name.removesuffix(f"-{options.device}") for name in known]
        more = " or topology (all of it)" if groups else ""
        raise InputError(
            f"unknown suite {options.suites[asked.index(unknown[0])]!r}: choose "
            f"{', '.join(names)}{more}"
        )
    if not asked:
        asked = [] if options.docs else list(known if options.device else SPEED)
    wanted = {part for name in asked for part in groups.get(name, (name,))}
    return [name for name in known if name in wanted]


def command(options: Any, name: str) -> str:
    """Return the command that makes a section again."""
    suite = name.removesuffix(f"-{options.device}") if options.device else name
    words = ["python scripts/benchmark.py", suite]
    words += ["--device", options.device] * bool(options.device)
    words += ["--quick"] * options.quick
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())
