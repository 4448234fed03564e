"""The papers' network on oscillators with more layers, and moved by other optimisers of torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import meshrep
from meshrep.energies.oscillators import Kuramoto
from meshrep.minimisers.monitor import Stopping
from papers import contest, phases
from papers.contest import Entrant, Standing
from papers.row import Say

LAYERS = (1, 2, 3)
METHODS = ("Adam", "SGD", "RMSprop", "Adagrad", "Adadelta")
RATES = (0.01, 0.1, 1.0)
QUICK_METHODS, QUICK_RATES = ("Adam", "SGD"), (0.01, 0.1)
RULE = Stopping(max_steps=20_000, gtol=0.0, patience=10, atol=1e-15)
SHORT = Stopping(max_steps=3000, gtol=0.0, patience=10, atol=1e-15)
SECONDS, QUICK_SECONDS = 8.0, 0.2
LEVEL, NEAR = "1e-3", "1e-4"  # from random phases, and from the network's output
MARGIN = 1.05  # a gain that counts as one
STARTS = {"network": "papers' start", "shared": "shared start"}


def deep(layers: int, start: str) -> str:
    """What a network of so many layers is called."""
    return f"gcn in torch, {STARTS[start]}, {layers} layer{'s' * (layers > 1)}"


def depth(graph: str, seeds: Sequence[int], quick: bool, say: Say) -> dict[str, Any]:
    """One to three layers from the papers' start and from random phases."""
    energy = Kuramoto(meshrep.graph_from(graph))
    entrants = [Entrant("adam in torch, rate 0.01", phases.direct(True, RULE))]
    entrants += [
        Entrant(deep(layers, start), phases.network(True, RULE, layers=layers, start=start))
        for start in STARTS
        for layers in LAYERS
    ]
    found = contest.contest(
        energy, entrants, seeds, say, reference=-float(energy.graph.m), dtype="float32",
        max_seconds=QUICK_SECONDS if quick else SECONDS,
    )  # fmt: skip
    return contest.lean(found, curves=0)


def compare_depths(cell: Mapping[str, Any]) -> tuple[bool, str, str]:
    """Whether deeper is slower from both starts, as a clause, and the table."""
    clauses, found = [], []
    for start, words in STARTS.items():
        times = [
            float(np.mean(Standing("", cell["runs"][deep(layers, start)]).column("seconds")))
            for layers in LAYERS
        ]
        slower = all(later > MARGIN * sooner for sooner, later in pairwise(times))
        found.append(slower)
        shown = ", ".join(f"{time:.2g}" for time in times)
        clauses.append(f"from the {words} deeper is {'slower' if slower else 'not slower'} "
                       f"({shown} s to the stop with 1, 2 and 3 layers)")  # fmt: skip
    table = contest.table(cell, LEVEL, deep(LAYERS[0], "network"), phases.ends())
    return all(found), "; ".join(clauses), table


def group(method: str) -> str:
    """What an optimiser with its rate searched is called."""
    return f"{method.lower()} in torch"


def optimisers(
    graph: str, seeds: Sequence[int], network: bool, quick: bool, say: Say
) -> dict[str, Any]:
    """Optimisers of torch at three rates each, on the phases or under the papers' network."""
    energy = Kuramoto(meshrep.graph_from(graph))
    entrants: list[Entrant] = []
    for method in QUICK_METHODS if quick else METHODS:

        def make(rate: float, method: str = method) -> tuple[Any, dict[str, Any]]:
            if network:
                return phases.network(True, SHORT, lr=rate, method=method), {}
            return phases.direct(True, SHORT, rate, method), {}

        entrants += contest.rates(group(method), make, QUICK_RATES if quick else RATES)
    found = contest.contest(
        energy, entrants, seeds, say, reference=-float(energy.graph.m), dtype="float32",
        max_seconds=QUICK_SECONDS if quick else SECONDS,
    )  # fmt: skip
    return contest.lean(found, curves=0)


def compare_optimisers(cell: Mapping[str, Any], how: str) -> tuple[bool, str, str]:
    """Whether none is better than Adam, at the papers' rate or at its own best, a clause on it,
    and a table of both."""
    level = NEAR if "network" in how else LEVEL
    best = contest.standings(cell, level)
    papers = {name: Standing(name, cell["runs"][f"{name}, rate {phases.RATE:g}"]) for name in best}
    adam = group("Adam")
    beaten = {
        words: [name for name in found if name != adam and better(found[name], found[adam], level)]
        for words, found in (("at rate 0.01", papers), ("at its best rate", best))
    }
    clause = f"{how}, " + " and ".join(
        f"{', '.join(names) if names else 'no other optimiser'} "
        f"{'do' if len(names) > 1 else 'does'} better than Adam {words}"
        for words, names in beaten.items()
    )
    lines = [
        f"| optimiser | at 0.01: ends at | reached {level} | steps | best rate | ends at | "
        f"reached {level} | steps | synchronised |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, own in best.items():
        rate = own.label.rsplit(" ", 1)[1]
        cells = [
            f"{contest.spread(s.column('energy'), 7)} | {s.reached(level)} of {len(s.runs)} | "
            f"{contest.spread(s.to(level)[:, 0])}"
            for s in (papers[name], own)
        ]
        lines.append(
            f"| {name} | {cells[0]} | {rate} | {cells[1]} | {phases.synchronised(own):.0%} |"
        )
    lines += [
        "",
        f"Better is what reaches {level} in more seeds, or in as many in fewer steps by a factor "
        f"of {MARGIN} or more.",
    ]
    return not any(beaten.values()), clause, "\n".join(lines)


def better(mine: Standing, other: Standing, level: str) -> bool:
    """Whether the level is reached in more seeds, or in as many and in clearly fewer steps."""
    if mine.reached(level) != other.reached(level):
        return mine.reached(level) > other.reached(level)
    return contest.gain(mine, other, level, "steps") > MARGIN
