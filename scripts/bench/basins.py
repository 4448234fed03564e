"""Where solvers end over seeds, on a ferromagnet and two spin glasses, from two kinds of start."""

from __future__ import annotations

import numpy as np

import meshrep
from bench import Report, Say
from meshrep.energies.oscillators import Kuramoto, Oscillators, XYGlass
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.monitor import Stopping
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.solving.solver import Solver
from meshrep.solving.study import Entrant, Standing, network_output, study, table


def papers_network(kind: str) -> Solver:
    """Adam on the network of the papers for 100 steps, then on the field, at their settings."""
    adam, flat = Adam(lr=0.01, settle=False), Stopping(patience=10, atol=1e-15)
    graph = "none" if kind == "nograph" else "self"
    network = GraphNetwork(
        hidden=10, residual=kind.endswith("-res"), propagation=graph, network_start="network",
        readout="value",
    )  # fmt: skip
    switch = Stopping(max_steps=100, gtol=0.0)
    return Solver(adam, network, switch, then=Solver(adam, stopping=flat), name=kind)


def entrants(papers: bool, glass: bool, quick: bool) -> list[Entrant]:
    """The solvers of the tables; on glasses with longer runs of the two that use them."""
    kinds = ("gcn", "gcn-res", "nograph")
    if papers:
        wanted = [Entrant(f"{kind}, as in the papers", papers_network(kind)) for kind in kinds]
    else:
        wanted = [Entrant(kind, kind) for kind in kinds]
        wanted.append(Entrant("gcn, phases as output", "gcn", {"readout": "value"}))
        wanted += [Entrant(f"adam {lr:g}", "adam", {"lr": lr}) for lr in (0.01, 0.02, 0.1)]
    wanted += [Entrant(name, name) for name in ("lbfgs", "newton", "rk4", "anneal", "lift")]
    if glass and not quick:
        wanted += [
            Entrant("anneal, 10,000 sweeps", "anneal", {"sweeps": 10_000}),
            Entrant("lift, 200 rounds", "lift", {"lift_rounds": 200}),
        ]
    return wanted


def run(quick: bool, say: Say) -> Report:
    """Tables of standings for three problems and two starts."""
    seeds = range(3 if quick else 10)
    problems: dict[str, Oscillators] = {
        "ferromagnet 50×50": Kuramoto(meshrep.graph_from("lattice:50x50")),
        "±J glass 32×32": XYGlass(meshrep.graph_from("lattice:32x32"), seed=0),
        "±J glass 10³": XYGlass(meshrep.graph_from("lattice:10x10x10"), seed=0),
    }
    text: list[str] = ["## Basins"]
    data: dict[str, object] = {}
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
