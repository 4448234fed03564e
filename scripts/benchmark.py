"""Speed and basins, measured: ``python scripts/benchmark.py oscillators basins topology``.

* oscillators: one gradient of Kuramoto's energy, ours against other ways, as ratios in one run,
  and a step of its flow in time
* basins: where solvers end over seeds, on a ferromagnet and two spin glasses, from a random start
  and from the papers' own
* topology: all of the following; its peers come with ``pip install 'meshrep[bench]'``
* topology-gradients: persistence of a cloud with its gradient, ours against other packages
* topology-papers: the papers' clouds, networks against adam, sgd and lbfgs
* topology-large: steps of a large cloud (``--cloud FILE``; 36,000 points of a torus by default)

Writes Markdown and JSON under ``--out`` and prints the Markdown.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from suites import Report, Say, basins, large_clouds, oscillators, papers_clouds, topology

from meshrep.arguments import OneLineParser
from meshrep.comparison import versions
from meshrep.errors import InputError, MeshrepError
from meshrep.outputs import folder
from meshrep.view.write import write_json

Suite = Callable[[bool, Say], Report]
TOPOLOGY = ("topology-gradients", "topology-papers", "topology-large")


def table_of_suites(cloud: Path | None) -> dict[str, Suite]:
    """Every suite by name, in the order in which they run."""
    return {
        "oscillators": oscillators.run,
        "basins": basins.run,
        "topology-gradients": topology.run,
        "topology-papers": papers_clouds.run,
        "topology-large": partial(large_clouds.run, cloud=cloud),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        return run(arguments)
    except MeshrepError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def run(arguments: Sequence[str] | None) -> int:
    parser = OneLineParser(
        prog="benchmark.py", description=__doc__.splitlines()[0], allow_abbrev=False
    )
    parser.add_argument("suites", nargs="*", default=["oscillators"])
    parser.add_argument("--quick", action="store_true", help="fewer seeds, smaller sizes")
    parser.add_argument("--cloud", type=Path, help="a mesh whose vertices are the large cloud")
    parser.add_argument("--out", type=Path, default=Path("out/benchmark"))
    options = parser.parse_args(arguments)
    known = table_of_suites(options.cloud)
    unknown = set(options.suites) - set(known) - {"topology"}
    if unknown:
        raise InputError(
            f"unknown suite {min(unknown)!r}: choose {', '.join([*known])} or topology (all of it)"
        )
    wanted = set(options.suites) | (set(TOPOLOGY) if "topology" in options.suites else set())
    out = folder(options.out)

    def say(line: str) -> None:
        print(f"… {line}", file=sys.stderr, flush=True)

    parts: list[str] = []
    data: dict[str, object] = {"machine": platform.processor() or platform.machine(), **versions()}
    for name, suite in known.items():
        if name in wanted:
            text, data[name] = suite(options.quick, say)
            parts.append(text)
    page = "\n\n".join(parts) + "\n"
    print(page)
    (out / "benchmark.md").write_text(page, encoding="utf-8")
    write_json(data, out / "benchmark.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
