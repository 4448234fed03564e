"""Speed and basins, measured: ``python scripts/benchmark.py oscillators basins``.

* oscillators: one gradient of Kuramoto's energy, ours against other ways, as ratios in one run,
  and a step of its flow in time
* basins: where solvers end over seeds, on a ferromagnet and two spin glasses, from a random start
  and from the papers' own

Writes Markdown and JSON under ``--out`` and prints the Markdown.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import meshrep
from meshrep.arguments import OneLineParser
from meshrep.backends import NumpyBackend, installed
from meshrep.comparison import versions
from meshrep.energies.oscillators import Kuramoto, Oscillators, XYGlass
from meshrep.errors import InputError, MeshrepError
from meshrep.flows import runge_kutta4
from meshrep.minimisers.base import Stopping
from meshrep.minimisers.first_order import Adam
from meshrep.outputs import folder
from meshrep.parametrizations.gcn import GraphNetwork
from meshrep.presets import Solver
from meshrep.study import Entrant, Standing, network_output, study, table
from meshrep.view.write import write_json


def paired(ways: dict[str, Callable[[], object]], rounds: int = 7) -> dict[str, float]:
    """Median seconds of each way, called in turn round by round after a warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    repeats = {}
    for name, way in ways.items():
        way()
        begun = time.perf_counter()
        way()
        repeats[name] = max(1, int(0.05 / max(time.perf_counter() - begun, 1e-7)))
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.perf_counter()
            for _ in range(repeats[name]):
                way()
            seconds[name].append((time.perf_counter() - begun) / repeats[name])
    return {name: float(np.median(times)) for name, times in seconds.items()}


def edge_list_gradient(energy: Kuramoto, phi: np.ndarray) -> np.ndarray:
    """The gradient as NumPy code usually has it: a sine an edge, added up at both ends."""
    i, j = energy.graph.edges.T
    pull = energy.graph.weights * np.sin(phi[i] - phi[j])
    n = energy.graph.n
    return np.bincount(i, pull, minlength=n) - np.bincount(j, pull, minlength=n)


def gradients(quick: bool) -> str:
    """Kuramoto's gradient at three sizes, in microseconds and as ratios to ours."""
    ours = NumpyBackend().name.replace("numpy", "NumPy")
    lines = [
        f"| lattice | meshrep, {ours} | edge lists, NumPy | CSR, NumPy | kuramoto (PyPI) | "
        "edge lists : ours | kuramoto : ours |",
        "|---|---|---|---|---|---|---|",
    ]
    for side in (50, 300) if quick else (50, 300, 1000):
        energy = Kuramoto(meshrep.graph_from(f"lattice:{side}x{side}"))
        phi = energy.random_start(0)
        ways: dict[str, Callable[[], object]] = {
            "ours": partial(energy.on(NumpyBackend()).value_and_grad, phi),
            "edges": partial(edge_list_gradient, energy, phi),
            "csr": partial(energy.judge.value_and_grad, phi),
        }
        if side == 50 and installed("kuramoto"):
            from kuramoto import Kuramoto as Peer

            peer = Peer(coupling=1.0, natfreqs=np.zeros(energy.graph.n))
            dense = energy.graph.adjacency.toarray()
            ways["peer"] = partial(peer.derivative, phi, 0.0, dense, 1.0)
            apart = np.abs(peer.derivative(phi, 0.0, dense, 1.0) + energy.gradient(phi)).max()
            if apart > 1e-9:
                raise MeshrepError(f"the package kuramoto disagrees by {apart:.1e}")
        took = paired(ways)
        show = {name: f"{value * 1e6:,.0f} µs" for name, value in took.items()}
        ratio = {name: f"{value / took['ours']:,.1f}" for name, value in took.items()}
        lines.append(
            f"| {side}×{side} | {show['ours']} | {show['edges']} | {show['csr']} | "
            f"{show.get('peer', '–')} | {ratio['edges']} | {ratio.get('peer', '–')} |"
        )
    if installed("kuramoto"):
        lines.append(
            "\nThe PyPI package builds dense n×n matrices, so that its ratio grows with n."
        )
    else:
        lines.append("\nThe package kuramoto is missing: pip install 'meshrep[bench]'.")
    return "\n".join(lines)


def flows(quick: bool) -> str:
    """One RK4 step of Kuramoto's flow with natural frequencies at three sizes."""
    lines = ["| lattice | RK4 step |", "|---|---|"]
    for side in (50, 300) if quick else (50, 300, 1000):
        graph = meshrep.graph_from(f"lattice:{side}x{side}")
        omega = 0.2 * np.random.default_rng(0).standard_normal(graph.n)
        energy = Kuramoto(graph, frequencies=omega)
        phi, ones = energy.random_start(0), np.ones(graph.n)
        step = partial(
            runge_kutta4, energy.on(NumpyBackend()), phi, 0.1, 1, ones, driven=True
        )  # fmt: skip
        lines.append(f"| {side}×{side} | {paired({'step': step})['step'] * 1e6:,.0f} µs |")
    return "\n".join(lines)


def papers_network(kind: str) -> Solver:
    """Adam on the network of the papers for 100 steps, then on the field, at their settings."""
    adam, flat = Adam(lr=0.01, settle=False), Stopping(patience=10, atol=1e-15)
    graph = "none" if kind == "nograph" else "self"
    network = GraphNetwork(
        hidden=10, residual=kind.endswith("-res"), propagation=graph, start="network",
        readout="value",
    )  # fmt: skip
    switch = Stopping(max_steps=100, gtol=0.0)
    return Solver(adam, network, switch, then=Solver(adam, stopping=flat), name=kind)


def entrants(papers: bool, glass: bool, quick: bool) -> list[Entrant]:
    """The solvers of the tables; on glasses with longer runs of the two that use them."""
    kinds = ("gcn", "gcn-res", "nograph") if installed("torch") else ()
    if papers:
        wanted = [Entrant(f"{kind}, as in the papers", papers_network(kind)) for kind in kinds]
    else:
        wanted = [Entrant(kind, kind) for kind in kinds]
        wanted += [Entrant("gcn, phases as output", "gcn", {"readout": "value"})] * bool(kinds)
    wanted += [Entrant(f"adam {lr:g}", "adam", {"lr": lr}) for lr in (0.01, 0.02, 0.1)]
    wanted += [Entrant(name, name) for name in ("lbfgs", "newton", "rk4", "anneal", "lift")]
    if glass and not quick:
        wanted += [
            Entrant("anneal, 10,000 sweeps", "anneal", {"sweeps": 10_000}),
            Entrant("lift, 200 rounds", "lift", {"lift_rounds": 200}),
        ]
    return wanted


def basins(quick: bool, say: Callable[[str], None]) -> tuple[str, dict[str, object]]:
    """Tables of standings for three problems and two starts."""
    seeds = range(3 if quick else 10)
    problems: dict[str, Oscillators] = {
        "ferromagnet 50×50": Kuramoto(meshrep.graph_from("lattice:50x50")),
        "±J glass 32×32": XYGlass(meshrep.graph_from("lattice:32x32"), seed=0),
        "±J glass 10³": XYGlass(meshrep.graph_from("lattice:10x10x10"), seed=0),
    }
    text, data = [], {}
    for title, energy in problems.items():
        glass = isinstance(energy, XYGlass)
        found: dict[str, list[Standing]] = {}
        for papers in (False, True):
            how = "the papers' start" if papers else "a random start"
            found[how] = study(
                energy, entrants(papers, glass, quick), seeds,
                network_output if papers else lambda e, seed: e.random_start(seed),
                begin=lambda label, t=title, h=how: say(f"{t}, {h}: {label}"), max_seconds=20.0,
            )  # fmt: skip
        best = min(row.energy.min() for rows in found.values() for row in rows)
        for how, rows in found.items():
            text.append(
                f"### {title}, from {how} ({len(seeds)} seeds, best of all runs {best:.4f})"
            )
            text.append(table(rows, best))
            data[f"{title}, {how}"] = {row.label: {
                "begun": row.begun.tolist(), "energy": row.energy.tolist(), "rho": row.rho.tolist(),
                "vortices": row.vortices.tolist(), "seconds": row.seconds.tolist(),
                "free_after": [None if np.isnan(t) else t for t in row.free_after],
            } for row in rows}  # fmt: skip
    return "\n\n".join(text), data


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
    parser.add_argument("--out", type=Path, default=Path("out/benchmark"))
    options = parser.parse_args(arguments)
    unknown = set(options.suites) - {"oscillators", "basins"}
    if unknown:
        raise InputError(f"unknown suite {min(unknown)!r}: choose oscillators or basins")
    out = folder(options.out)

    def say(line: str) -> None:
        print(f"… {line}", file=sys.stderr, flush=True)

    parts, data = [], {"machine": platform.processor() or platform.machine(), **versions()}
    if "oscillators" in options.suites:
        parts.append("## One gradient of Kuramoto's energy\n\n" + gradients(options.quick))
        parts.append("## One step of its flow in time\n\n" + flows(options.quick))
    if "basins" in options.suites:
        text, found = basins(options.quick, say)
        parts.append("## Basins\n\n" + text)
        data["basins"] = json.loads(json.dumps(found))
    page = "\n\n".join(parts) + "\n"
    print(page)
    (out / "benchmark.md").write_text(page, encoding="utf-8")
    write_json(data, out / "benchmark.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
