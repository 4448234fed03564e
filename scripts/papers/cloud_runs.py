"""Runs on clouds that grow loops: who takes part, on what, and what is kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from suites.papers_clouds import Cell, against, lowest_adam

from meshrep.backends import installed
from meshrep.composition import Choices, Solver
from meshrep.energies.topology import RipsPersistence
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.monitor import Stopping
from meshrep.outcome import Result
from meshrep.parametrizations.gcn import GraphNetwork
from meshrep.presets import preset
from meshrep.solution import Solution
from meshrep.solving import solve
from meshrep.sources.clouds import uniform
from papers.contest import Entrant, whole
from papers.row import Say

PREFIT_RATE, PAPERS_RATE = 0.01, 0.005
PAPERS_WIDTHS = (8, 6)
PAPERS_STOP = Stopping(patience=10, atol=1e-15, gtol=0.0)
ADAM_RATES = (0.01, 0.02, 0.05, 0.1)  # in half widths
WIDTHS = ((4, 3), PAPERS_WIDTHS, (16, 12), (32, 24))
TRAIN_RATES = (0.002, PAPERS_RATE, 0.01, 0.03)
OPTIMISERS = {  # rates alone, in half widths where steps keep their length, and with the network
    "Adam": ((0.02, 0.05), (0.01, 0.03)),
    "RMSprop": ((0.01, 0.03), (0.003, 0.01)),
    "Adagrad": ((0.05, 0.2), (0.03, 0.1)),
    "Adadelta": ((1.0, 10.0), (1.0, 10.0)),
    "SGD": ((0.1, 0.5), (0.001, 0.01)),
}
LONGEST = 60.0  # seconds of a run, which none comes near on a quiet machine

NETWORK, PAPERS_NETWORK, PAPERS_ADAM = "gcn-prefit", "the papers' network", "the papers' adam"
PAPERS = (PAPERS_NETWORK, PAPERS_ADAM)  # in the papers' units, where lengths are not scaled


def papers_network(rate: float = PAPERS_RATE, widths: tuple[int, ...] = PAPERS_WIDTHS) -> Solver:
    """The papers' network throughout, by their stopping rule."""
    network = GraphNetwork(hidden=widths, start="prefit", prefit_lr=PREFIT_RATE)
    return Solver(Adam(lr=rate, settle=False), network, PAPERS_STOP, name="gcn-papers")


def adams() -> list[Entrant]:
    """Adam at the rates among which the best of a cell is the one to beat."""
    return [
        Entrant(f"adam {rate:g}", preset("adam", Choices(lr=rate), "position"))
        for rate in ADAM_RATES
    ]


def named(name: str) -> Entrant:
    """A preset as it is."""
    return Entrant(name, preset(name, Choices(), "position"))


def of_steps(solver: Solver, steps: int) -> Solver:
    """The solver for so many steps in all its stages together, and no longer than it may take."""
    own = min(solver.stopping.max_steps, steps)
    rest = of_steps(solver.then, steps - own) if solver.then and steps > own else None
    stopping = replace(solver.stopping, max_steps=own, max_seconds=LONGEST)
    return replace(solver, stopping=stopping, then=rest)


def everyone(all_of_them: bool) -> list[Entrant]:
    """Networks and Adam; with ``all_of_them`` the solvers that are not the papers' concern too."""
    found = [
        Entrant(PAPERS_NETWORK, papers_network()),
        Entrant(PAPERS_ADAM, Solver(Adam(lr=PAPERS_RATE, settle=False), stopping=PAPERS_STOP)),
        named(NETWORK),
        named("gcn"),
        *adams(),
    ]
    return found + [named(name) for name in ("kernel", "sgd", "lbfgs")] * all_of_them


def energy_of(n: int, bound: float, seed: int) -> RipsPersistence:
    """Loops of uniform points in a box about the origin."""
    return RipsPersistence(uniform(n, seed=seed), bound=bound, centre=0.0)


def unscaled(energy: RipsPersistence) -> RipsPersistence:
    """The same with steps and networks in the cloud's own lengths, not in half widths."""
    twin = RipsPersistence(energy.points, bound=energy.bound, centre=0.0)
    twin.unit = 1.0
    return twin


def ends(
    n: int, bound: float, seeds: int, steps: int, entrants: list[Entrant], say: Say
) -> tuple[dict[str, list[Solution]], list[float]]:
    """Every solver on the same clouds, seed by seed in turn; and the loss of each start.

    That of the start moved into its box, from which alone every solver has its fall before it.
    """
    found: dict[str, list[Solution]] = {entrant.label: [] for entrant in entrants}
    begun = []
    for seed in range(seeds):
        energy = energy_of(n, bound, seed)
        begun.append(energy.value(np.clip(energy.points, -bound, bound)))
        for entrant in entrants:
            say(f"seed {seed}, {entrant.label}")
            posed = unscaled(energy) if entrant.label in PAPERS else energy
            end = solve(posed, of_steps(entrant.solver, steps), seed=seed)
            found[entrant.label].append(whole(end))
    return found, begun


def plain(cell: Cell) -> dict[str, Any]:
    """A contest as data."""
    return {"tuned": cell.tuned, "runs": {label: vars(runs) for label, runs in cell.runs.items()}}


def cell(
    n: int, bound: float, seeds: int, steps: int, entrants: list[Entrant], say: Say
) -> dict[str, Any]:
    """A contest counted to tuned Adam and to Adam at the papers' rate, and how theirs stopped."""
    found, begun = ends(n, bound, seeds, steps, entrants, say)
    theirs = [end for label in PAPERS for end in found[label]]
    return {
        "to tuned": plain(against(found, begun, lowest_adam(found))),
        "to papers": plain(against(found, begun, PAPERS_ADAM)),
        "flat": [sum(end.result is Result.FLAT for end in theirs), len(theirs)],
    }


def network_settings(
    n: int, bound: float, seeds: int, steps: int, few: bool, say: Say
) -> dict[str, Any]:
    """The papers' network in units of the box, at other widths and rates, against tuned Adam."""
    widths = [
        Entrant(f"widths {a}, {b}, rate 0.01", papers_network(0.01, (a, b)))
        for a, b in WIDTHS[: 2 if few else None]
    ]
    rates = (
        []
        if few
        else [
            Entrant(f"widths 8, 6, rate {rate:g}", papers_network(rate))
            for rate in TRAIN_RATES
            if rate != 0.01
        ]
    )
    found, begun = ends(n, bound, seeds, steps, [*widths, *rates, *adams()], say)
    counted = plain(against(found, begun, lowest_adam(found)))
    return {"n": n, "seeds": seeds, "bound": bound, "to tuned": counted}


def lowest(found: Mapping[str, list[Solution]], kind: str) -> str:
    """The label of a kind whose mean end is lowest."""
    labels = [label for label in found if label.startswith(kind)]
    return min(labels, key=lambda label: np.mean([end.energy for end in found[label]]))


def with_optimisers(
    n: int, bound: float, seeds: int, steps: int, few: bool, say: Say
) -> dict[str, Any]:
    """Torch's optimisers alone and in the network's variables, each at two rates.

    Without torch there are none; with ``few`` only the first.
    """
    about = {"n": n, "seeds": seeds, "bound": bound}
    if not installed("torch"):
        return {**about, "optimisers": {}}
    from meshrep.minimisers.torch_optimisers import TorchOptimiser

    stopping = Stopping(gtol=0.0)
    network = GraphNetwork(hidden=PAPERS_WIDTHS, start="prefit", prefit_lr=PREFIT_RATE)
    counted = {}
    for method, (alone, inside) in list(OPTIMISERS.items())[: 1 if few else None]:
        entrants = [
            Entrant(f"alone {rate:g}", Solver(TorchOptimiser(method, lr=rate), stopping=stopping))
            for rate in alone
        ] + [
            Entrant(f"network {rate:g}", Solver(TorchOptimiser(method, lr=rate), network, stopping))
            for rate in inside
        ]
        found, begun = ends(
            n, bound, seeds, steps, entrants, lambda line, m=method: say(f"{m}, {line}")
        )
        best = {kind: lowest(found, kind) for kind in ("alone", "network")}
        counted[method] = {**best, **plain(against(found, begun, best["alone"]))}
    return {**about, "optimisers": counted}


def grown(n: int, bound: float, steps: int, say: Say) -> dict[str, Any]:
    """One cloud at the start, and after tuned Adam and the network."""
    found, _ = ends(n, bound, 1, steps, [*adams(), named(NETWORK)], say)
    tuned = lowest_adam(found)
    start = energy_of(n, bound, 0)
    clouds: dict[str, Mapping[str, Any]] = {
        "start": {"points": start.points, "energy": start.value(start.points)}
    }
    for label in (tuned, NETWORK):
        end = found[label][0]
        clouds[label] = {"points": end.field, "energy": end.energy}
    return {"n": n, "bound": bound, "clouds": clouds}
