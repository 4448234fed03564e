"""Runs on clouds that grow loops: the entrants, their problems, and the data that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
from bench.papers_clouds import adams as labels_of_adam
from bench.papers_clouds import begun_at, energy_of, lowest_adam, recorded, standing

from meshrep.base.backends import installed
from meshrep.energies.topology import RipsPersistence
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.first_order_loop import FirstOrder
from meshrep.minimisers.monitor import Stopping
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.solving.catalogue import solver_named
from meshrep.solving.contest import run_all
from meshrep.solving.entrants import Entrant
from meshrep.solving.solution import Solution
from meshrep.solving.solver import Solver
from meshrep.solving.standings import rank
from papers.row import Say

PREFIT_RATE, PAPERS_RATE = 0.01, 0.005
PAPERS_WIDTHS = (8, 6)
WINDOW, FLAT = 100, 0.01  # a run is flat if so many steps lower the loss by less than this share
PAPERS_STOP = Stopping(patience=10, atol=1e-15, gtol=0.0, window=WINDOW, ftol=FLAT)
PAPERS_STEPS = 1000  # most steps of adam at the papers' rate, per unit of the range
ADAM_RATES = (0.01, 0.02, 0.05, 0.1)  # in half widths
WIDTHS = ((4, 3), PAPERS_WIDTHS, (16, 12), (32, 24))
TRAIN_RATES = (0.002, PAPERS_RATE, 0.01, 0.03)
OPTIMISERS = {  # rates alone, in half widths if steps keep their length; rates with the network
    "Adam": ((0.02, 0.05, 0.1), (0.01, 0.03)),
    "RMSprop": ((0.01, 0.03, 0.1), (0.003, 0.01)),
    "Adagrad": ((0.05, 0.2, 0.5), (0.03, 0.1)),
    "Adadelta": ((1.0, 10.0, 50.0), (1.0, 10.0)),
    "SGD": ((0.1, 0.5, 2.0), (0.001, 0.01)),
}
OTHERS = ("kernel", "sgd", "lbfgs")  # their runs are slow: on the swept clouds only
SHARE, LATE = 0.8, 0.95  # shares of the fall of the lowest adam, which are levels
LONGEST = 90.0  # seconds of a run, far more than any needs on a quiet machine

NETWORK, PAPERS_NETWORK, PAPERS_ADAM = "gcn-prefit", "the papers' network", "the papers' adam"
PAPERS = (PAPERS_NETWORK, PAPERS_ADAM)  # in the papers' units, which do not scale lengths


def papers_network(rate: float = PAPERS_RATE, widths: tuple[int, ...] = PAPERS_WIDTHS) -> Solver:
    """Return the papers' network from start to end, with their stopping rule."""
    network = GraphNetwork(hidden=widths, network_start="prefit", prefit_lr=PREFIT_RATE)
    return Solver(Adam(lr=rate, settle=False), network, PAPERS_STOP, name="gcn-papers")


def adams() -> list[Entrant]:
    """Return Adam at the rates among which the best of a cell is the yardstick."""
    return [
        Entrant(f"adam {rate:g}", solver_named("adam", RipsPersistence, lr=rate))
        for rate in ADAM_RATES
    ]


def named(name: str) -> Entrant:
    """Return a named solver as it is."""
    return Entrant(name, solver_named(name, RipsPersistence))


def of_steps(solver: Solver, steps: int) -> Solver:
    """Return the solver for a number of steps in all its stages, the last until it is flat.

    Steps keep their rate: a flat run ends instead of continuing with half the rate.
    """
    own = min(solver.stopping.max_steps, steps)
    rest = of_steps(solver.then, steps - own) if solver.then and steps > own else None
    stopping = replace(solver.stopping, max_steps=own, max_seconds=LONGEST)
    if solver.then is None:
        stopping = replace(stopping, window=WINDOW, ftol=FLAT)
    minimiser = copy(solver.minimiser)
    if isinstance(minimiser, FirstOrder):
        minimiser.settle = False
    return replace(solver, minimiser=minimiser, stopping=stopping, then=rest)


def everyone() -> list[Entrant]:
    """Return the networks and Adam."""
    return [
        Entrant(PAPERS_NETWORK, papers_network()),
        Entrant(PAPERS_ADAM, Solver(Adam(lr=PAPERS_RATE, settle=False), stopping=PAPERS_STOP)),
        named(NETWORK),
        named("gcn"),
        *adams(),
    ]


def unscaled(energy: RipsPersistence) -> RipsPersistence:
    """Return the same energy with steps and networks in the cloud's own lengths."""
    twin = RipsPersistence(energy.points, bound=energy.bound, centre=0.0)
    twin.unit = 1.0
    return twin


def ends(
    n: int, bound: float, seeds: int, steps: int, entrants: list[Entrant], say: Say
) -> tuple[dict[str, list[Solution]], list[float]]:
    """Return every solver's runs on the same clouds, and the loss of each start.

    The start is that moved into its box, from which every solver's fall is counted. Adam at the
    papers' rate may take more steps in a wide box, where its way is longer.
    """
    clouds = cache(partial(energy_of, n, bound))
    limited = [
        replace(entrant, solver=of_steps(entrant.solver, steps_of(entrant.label, bound, steps)))
        for entrant in entrants
    ]
    found: dict[str, list[Solution]] = {entrant.label: [] for entrant in entrants}
    for own, problem in (
        ([e for e in limited if e.label in PAPERS], lambda seed: unscaled(clouds(seed))),
        ([e for e in limited if e.label not in PAPERS], clouds),
    ):
        found |= run_all(problem, own, range(seeds), begin=say)
    return found, [begun_at(clouds(seed)) for seed in range(seeds)]


def steps_of(label: str, bound: float, steps: int) -> int:
    """Return the most steps of an entrant; others have ``steps`` (in small runs all do)."""
    if label != PAPERS_ADAM or steps < PAPERS_STEPS // 2:
        return steps
    return max(steps, round(PAPERS_STEPS * bound))


def contested(
    found: Mapping[str, list[Solution]], begun: Sequence[float], best: str = ""
) -> dict[str, Any]:
    """Return a contest as data, with levels in the fall of the rate of Adam that ends lowest.

    ``best`` names another entrant for that. Gains are over the rate of Adam that reaches the
    level in most seeds, and then soonest, wherever it ends.
    """
    goal = best or lowest_adam(found)
    runs = recorded(found, begun, found[goal], (SHARE, LATE))
    every = standing(runs)
    tuned = best or min(labels_of_adam(found), key=lambda label: rank(every[label], f"{SHARE:g}"))
    return {
        "lowest": goal,
        "tuned": tuned,
        "fell": sum(end.energy < first for end, first in zip(found[goal], begun, strict=True)),
        "runs": runs,
    }


def cell(
    n: int, bound: float, seeds: int, steps: int, entrants: list[Entrant], say: Say
) -> dict[str, Any]:
    """Run a contest in one box."""
    return contested(*ends(n, bound, seeds, steps, entrants, say))


def network_settings(
    n: int, bound: float, seeds: int, steps: int, few: bool, say: Say
) -> dict[str, Any]:
    """Run the papers' network in units of the box at other widths and rates, against tuned Adam.

    Other solvers that the papers do not use run too.
    """
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
    others = [named(name) for name in OTHERS[: 1 if few else None]]
    found, begun = ends(n, bound, seeds, steps, [*widths, *rates, *others, *adams()], say)
    return {"n": n, "seeds": seeds, "bound": bound, "contest": contested(found, begun)}


def lowest(found: Mapping[str, list[Solution]], kind: str) -> str:
    """Return the label of a kind whose mean end is lowest."""
    labels = [label for label in found if label.startswith(kind)]
    return min(labels, key=lambda label: np.mean([end.energy for end in found[label]]))


def with_optimisers(
    n: int, bound: float, seeds: int, steps: int, few: bool, say: Say
) -> dict[str, Any]:
    """Run torch's optimisers alone, at three rates, and in the network's variables, at two.

    Without torch there are none; with ``few`` there is only the first.
    """
    about = {"n": n, "seeds": seeds, "bound": bound}
    if not installed("torch"):
        return {**about, "optimisers": {}}
    from meshrep.minimisers.torch.optimisers import TorchOptimiser

    stopping = Stopping(gtol=0.0)
    network = GraphNetwork(hidden=PAPERS_WIDTHS, network_start="prefit", prefit_lr=PREFIT_RATE)
    several = {}
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
        several[method] = {**best, **contested(found, begun, best["alone"])}
    return {**about, "optimisers": several}


def grown(n: int, bound: float, steps: int, say: Say) -> dict[str, Any]:
    """Return one cloud at the start, and after tuned Adam and the network."""
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
