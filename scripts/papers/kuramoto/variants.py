"""The papers' network on oscillators with more layers, and moved by other optimisers of torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

import meshrep
from meshrep.base.tables import markdown, spread
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.minimisers.monitor import Stopping
from meshrep.solving.entrants import Entrant, rates
from meshrep.solving.records import contest, lean
from meshrep.solving.standings import Standing, gained, standings
from meshrep.solving.table import table
from papers import phases
from papers.claims import Claim, Verdict, judged
from papers.phases import ENOUGH, MARGIN, at_stop, one, turned
from papers.row import Say

LAYERS = (1, 2, 3)
METHODS = ("Adam", "SGD", "RMSprop", "Adagrad", "Adadelta")
RATES, UNDER_RATES = (0.01, 0.1, 0.3, 1.0, 3.0), (0.003, 0.01, 0.1, 1.0, 3.0)
QUICK_METHODS, QUICK_RATES = ("Adam", "SGD"), (0.01, 0.1)
RULE = Stopping(max_steps=20_000, gtol=0.0, patience=10, atol=1e-15)
SHORT = Stopping(max_steps=1500, gtol=0.0, patience=10, atol=1e-15)
SECONDS, QUICK_SECONDS = 8.0, 0.2
LEVEL = "1e-3"  # level at which depths are compared
FIRST, NEAR = (
    "1e-1",
    "1e-4",
)  # levels from random phases, and from the network's output
LOWER = 1e-3  # share of the fall by which an end is higher than another
eager = partial(phases.network, True, autograd=True)
STARTS = {"network": "papers' start", "shared": "shared start"}


def deep(layers: int, start: str) -> str:
    """Return the name of a network with a number of layers."""
    return f"gcn in torch, {STARTS[start]}, {layers} layer{'s' * (layers > 1)}"


def depth(graph: str, seeds: Sequence[int], quick: bool, say: Say) -> dict[str, Any]:
    """Run one to three layers from the papers' start and from random phases."""
    energy = Kuramoto(meshrep.graph_from(graph))
    entrants = [Entrant("adam in torch, rate 0.01", phases.direct(True, RULE))]
    entrants += [
        Entrant(deep(layers, start), eager(RULE, layers=layers, start=start))
        for start in STARTS
        for layers in LAYERS
    ]
    found = contest(
        energy, entrants, seeds, say, reference=-float(energy.graph.m), dtype="float32",
        max_seconds=QUICK_SECONDS if quick else SECONDS,
    )  # fmt: skip
    return lean(found, curves=0)


def compare_depths(cell: Mapping[str, Any]) -> tuple[Claim, str]:
    """Judge whether deeper is slower from the papers' start; return the table of both starts.

    From random phases runs end with different vortices, so their times say nothing about depth.
    """
    found = {start: [one(cell, deep(layers, start)) for layers in LAYERS] for start in STARTS}
    several = found["network"]
    later = [turned(at_stop(sooner, deeper)) for sooner, deeper in pairwise(several)]
    nearer = [
        turned(deeper.to(LEVEL)[:, 1] / np.maximum(sooner.to(LEVEL)[:, 1], 1e-7))
        for sooner, deeper in pairwise(several)
    ]
    if len(cell["begun"]) < ENOUGH:
        verdict = Verdict.OPEN
    elif min(later) > 0:
        verdict = Verdict.HOLDS if min(nearer) >= 0 else Verdict.IN_PART
    else:
        verdict = Verdict.IN_PART if max(later) > 0 else Verdict.NOT
    stops = ", ".join(spread(standing.column("seconds")) for standing in several)
    levels = ", ".join(spread(1e3 * standing.to(LEVEL)[:, 1]) for standing in several)
    shared = ", ".join(spread(s.column("seconds")) for s in found["shared"])
    seen = (
        f"with {LAYERS[0]} to {LAYERS[-1]} layers from the papers' start, in torch: {stops} s to "
        f"the papers' stop; {levels} ms to {LEVEL}, as deeper networks begin lower (from random "
        f"phases {shared} s to ends that differ in vortices, which is not judged)"
    )
    shown = table(cell, LEVEL, deep(LAYERS[0], "network"), phases.ends())
    return Claim("deeper networks are slower", verdict, seen), shown


def group(method: str) -> str:
    """Return the name of an optimiser whose rate is searched."""
    return f"{method.lower()} in torch"


def optimisers(
    graph: str, seeds: Sequence[int], network: bool, quick: bool, say: Say
) -> dict[str, Any]:
    """Run optimisers of torch at several rates, on the phases or under the papers' network."""
    energy = Kuramoto(meshrep.graph_from(graph))
    entrants: list[Entrant] = []
    for method in QUICK_METHODS if quick else METHODS:

        def make(rate: float, method: str = method) -> tuple[Any, dict[str, Any]]:
            if network:
                return eager(SHORT, lr=rate, method=method), {}
            return phases.direct(True, SHORT, rate, method), {}

        tried = QUICK_RATES if quick else UNDER_RATES if network else RATES
        entrants += rates(group(method), make, tried)
    found = contest(
        energy, entrants, seeds, say, reference=-float(energy.graph.m), dtype="float32",
        max_seconds=QUICK_SECONDS if quick else SECONDS,
    )  # fmt: skip
    return lean(found, curves=0)


def compare_optimisers(cell: Mapping[str, Any], how: str) -> tuple[Claim, str]:
    """Judge whether none is better than Adam, at the papers' rate and at its own best.

    On the phases all are compared at a level that they reach before vortices decide which seeds
    arrive. Under the network their times to the papers' stop are compared too.
    """
    network = "network" in how
    level = NEAR if network else FIRST
    best = standings(cell, level)
    papers = {name: one(cell, name) for name in best}
    adam = group("Adam")
    beaten = {
        f"to {level} at {words}": [n for n in found if better(found[n], found[adam], level)]
        for words, found in (("0.01", papers), ("the best rates", best))
    }
    if network:
        fall = float(np.mean(cell["begun"])) - cell["reference"]
        beaten["to the papers' stop at 0.01"] = [
            name for name, own in papers.items() if stops_sooner(own, papers[adam], fall)
        ]
    free = [not names for names in beaten.values()]
    verdict = judged(free) if len(cell["begun"]) >= ENOUGH else Verdict.OPEN
    seen = f"in torch, {len(cell['begun'])} seeds, ahead of Adam " + "; ".join(
        f"{words}: {', '.join(name.split()[0] for name in names) or 'none'}"
        for words, names in beaten.items()
    )
    head = ["optimiser", "at 0.01: ends at", f"reached {level}", "steps", "time to the stop, s",
            "best rate", "ends at", f"reached {level}", "steps", "synchronised"]  # fmt: skip
    lines = []
    for name, own in best.items():
        rate = own.shown.split("rate ")[-1]
        at_theirs, at_best = (
            [spread(s.column("energy"), 7), f"{s.reached(level)} of {len(s.runs)}",
             spread(s.to(level)[:, 0])]
            for s in (papers[name], own)
        )  # fmt: skip
        time, alike = spread(papers[name].column("seconds")), phases.synchronised(own)
        lines.append([name, *at_theirs, time, rate, *at_best, f"{alike:.0%}"])
    text = (
        f"{markdown(head, lines)}\n\n"
        f"Ahead is what reaches {level} in more seeds, or in as many and in every one in fewer "
        f"steps, in the mean by a factor of {MARGIN} or more. Runs stop at {SHORT.max_steps:,} "
        "steps at the latest."
    )
    return Claim(f"other optimisers are worse than Adam, {how}", verdict, seen), text


def better(mine: Standing, other: Standing, level: str) -> bool:
    """Say whether the level is reached in more seeds, or in as many and in each in fewer steps."""
    if mine.reached(level) != other.reached(level):
        return mine.reached(level) > other.reached(level)
    gains = gained(mine, other, level, "steps")
    return gains.value > MARGIN and gains.low > 1.0


def stops_sooner(mine: Standing, other: Standing, fall: float) -> bool:
    """Say whether it stops sooner by the papers' rule, and not higher by LOWER of the fall."""
    higher = np.mean(mine.column("energy") - other.column("energy")) > LOWER * fall
    return not higher and turned(at_stop(mine, other)) > 0
