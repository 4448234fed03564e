"""Which energies solvers reach over seeds, on a ferromagnet and two spin glasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

import meshrep
from bench import Report, Say
from meshrep.base.backends import NumpyBackend
from meshrep.base.tables import markdown
from meshrep.energies.base import Energy
from meshrep.energies.phases.kuramoto import Kuramoto, XYGlass
from meshrep.energies.phases.oscillators import Oscillators
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.monitor import Stopping
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.solving.contest import run_all
from meshrep.solving.entrants import Entrant
from meshrep.solving.solution import Solution
from meshrep.solving.solver import Solver


def papers_network(kind: str) -> Solver:
    """Return the papers' solver: Adam on their network for 100 steps, and then on the field."""
    adam, flat = Adam(lr=0.01, settle=False), Stopping(patience=10, atol=1e-15)
    graph = "none" if kind == "nograph" else "self"
    network = GraphNetwork(
        hidden=10, residual=kind.endswith("-res"), propagation=graph, network_start="network",
        readout="value",
    )  # fmt: skip
    switch = Stopping(max_steps=100, gtol=0.0)
    return Solver(adam, network, switch, then=Solver(adam, stopping=flat), name=kind)


def entrants(papers: bool, glass: bool, quick: bool) -> list[Entrant]:
    """Return the solvers of the tables; on glasses two of them also get longer runs."""
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


def network_output(energy: Energy, seed: int) -> np.ndarray:
    """Return the first output (n,) of the papers' network: z ~ U(0, 2π), ten latents, one layer."""
    network = GraphNetwork(hidden=10, network_start="network", readout="value")
    built = network.build(energy, energy.random_start(seed), NumpyBackend(jit=False), seed)
    return np.array(built.field(built.start))


def vortices(energy: Energy, phi: np.ndarray) -> float:
    """Count the vortices; NaN if the graph has no faces to count them in."""
    return energy.measures(phi).get("vortices", np.nan)


def run(quick: bool, say: Say) -> Report:
    """Write a table for each of three problems and two starts."""
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
        found: dict[str, dict[str, Ends]] = {}
        for papers in (False, True):
            how = "the papers' start" if papers else "a random start"
            runs = run_all(
                energy, entrants(papers, glass, quick), seeds, network_output if papers else None,
                begin=lambda label, t=title, h=how: say(f"{t}, {h}: {label}"), warm_seconds=0.2,
                sample=vortices, max_seconds=20.0,
            )  # fmt: skip
            found[how] = {label: ends(several) for label, several in runs.items()}
        best = min(row["energy"].min() for rows in found.values() for row in rows.values())
        for how, rows in found.items():
            text.append(
                f"### {title}, from {how} ({len(seeds)} seeds, best of all runs {best:.4f})"
            )
            text.append(table(rows, best))
            data[f"{title}, {how}"] = rows
    return "\n\n".join(text), data


Ends = dict[str, np.ndarray]


def ends(runs: Sequence[Solution]) -> Ends:
    """Return what one solver reached, as arrays (k,) with one number per seed.

    ``free_after`` is the time in seconds after which no vortex was left; NaN if one stayed.
    """
    measured = [end.measures for end in runs]
    columns = {
        "begun": [end.start_energy for end in runs],
        "energy": [end.energy for end in runs],
        "rho": [found["rho"] for found in measured],
        "vortices": [found.get("vortices", np.nan) for found in measured],
        "seconds": [end.solve_s for end in runs],
        "free_after": [free_after(end) for end in runs],
    }
    return {name: np.array(values) for name, values in columns.items()}


def free_after(end: Solution) -> float:
    """Return the time of the first sample after which there was no vortex."""
    after = np.nan
    for sample in reversed(end.samples):
        if sample.value:
            break
        after = sample.seconds
    return after


def table(rows: Mapping[str, Ends], reference: float) -> str:
    """Return the ends as Markdown, with energies as gaps to a reference: mean, best and spread."""
    head = ["solver", "begins at", "mean gap", "best gap", "mean energy", "ρ",
            "vortices left (mean, most)", "seeds without", "free of them after",
            "time"]  # fmt: skip
    lines = []
    for label, row in rows.items():
        energy, left = row["energy"], row["vortices"]
        gap = (energy - reference) / abs(reference)
        clean = np.isfinite(row["free_after"])
        free = f"{np.median(row['free_after'][clean]):.3g} s" if clean.any() else "–"
        lines.append(
            [
                label,
                f"{row['begun'].mean():.0f}",
                f"{gap.mean():.1e}",
                f"{max(gap.min(), 0.0):.1e}",
                f"{energy.mean():.2f} ± {energy.std():.2f}",
                f"{row['rho'].mean():.2f}",
                f"{left.mean():.1f}, {left.max():.0f}",
                f"{clean.sum()} of {len(clean)}",
                free,
                f"{np.median(row['seconds']):.3g} s",
            ]
        )
    return markdown(head, lines)
