"""What the rows on heat share: graphs with quartic baths, networks at the papers' values, rates.

The papers give Adam's rate (0.02). λ = 1 and the temperatures T = 1 and 0 are our choice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import meshrep
from meshrep.base.tables import markdown, spread, times
from meshrep.energies.heat import HeatBath
from meshrep.graphs.graph import Graph
from meshrep.minimisers.base import Minimiser
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.monitor import Stopping
from meshrep.solving.catalogue import solver_named
from meshrep.solving.entrants import Entrant, rates
from meshrep.solving.reference import minimum
from meshrep.solving.solver import Solver
from meshrep.solving.standings import Standing, geometric_mean, standings

PAPERS_RATE = 0.02
ADAM_RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
NETWORK_RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
JITTED, TORCH, AUTOGRAD = "jitted", "in torch", "by autograd"  # ways to run a network
HIDDEN = 32
SHARE = 0.1
FLOOR = 1e-8  # share of the fall below which curves are not drawn
PAPERS_STOP = Stopping(patience=10, atol=1e-15, gtol=0.0)
STOP = (
    "Runs stop after ten steps in a row that each change the loss by less than 1e-15, in "
    "float32, torch's default. Runs that the time limit cut off instead do not count. The rule "
    "asks for less than float32 resolves of such losses: it fires when ten steps happen to round "
    "to the same number, while Adam at a constant rate circles its minimum. Ratios are of runs "
    "that the rule ended on both sides, and say little."
)
WAYS = (
    "Without further words `adam` and the networks are fused or jitted. `adam-torch` is the "
    "papers' practice: eager torch with autograd. Networks “by autograd” use autograd from the "
    "energy to the layers, so that they compare with it like for like. Networks “in torch” are "
    "eager, with the pullback through the network written out and the gradient of the energy by "
    "kernels, which favours them. For “tuned” networks two rates are searched: their own, and "
    "that of the Adam they hand over to (0.02, or the best of Adam alone). Rates are searched in "
    "jitted and fused code, where the steps are the same. The rates with the fewest steps and "
    "those with the least time are both run in torch, and the faster one is shown. A step costs "
    "different times in fused, jitted and eager code: compare like with like."
)
FALLS = (
    "The share of the fall that is left, on the first seed, down to 1e-8, where curves end. A "
    "network's curve that drops at once has handed over to Adam."
)


def largest_component(graph: Graph) -> Graph:
    """Return the graph of the nodes in the largest connected component, in their order."""
    component = graph.component_of
    kept = component == np.bincount(component).argmax()
    if kept.all():
        return graph
    number = np.cumsum(kept) - 1
    inside = kept[graph.edges[:, 0]]
    points = None if graph.points is None else graph.points[kept]
    return Graph.from_edges(
        int(kept.sum()), number[graph.edges[inside]], graph.weights[inside], points=points,
        name=graph.name,
    )  # fmt: skip


def heated(graph: Graph, bath: str, seed: int = 0) -> HeatBath:
    """Return quartic baths on a tenth of the nodes each, "random" or at the "ends"."""
    if bath == "random":
        hot, cold = meshrep.random_split(graph, SHARE, seed)
    else:
        cold, hot = meshrep.ends(graph, SHARE)
    return HeatBath(graph, hot, cold)


def least(energy: HeatBath) -> float:
    """Return the minimum, by Newton's method to a gradient of 1e-12."""
    return minimum(energy).energy


def network(
    kind: str,
    rate: float = PAPERS_RATE,
    *,
    second: float = PAPERS_RATE,
    start: str = "network",
    way: str = JITTED,
    layers: int = 1,
    hidden: int = HIDDEN,
    stopping: Stopping | None = None,
) -> Solver:
    """Return a network moved by Adam with its usual decays, followed by Adam on the field.

    The papers give no rule for the hand-over on heat, so it is that of the named solver. Adam then
    has the rate ``second`` and the rule ``stopping``. In torch and by autograd both stages run in
    eager torch, the second with autograd.
    """
    composed = solver_named(kind, HeatBath, layers=layers, hidden=hidden, network_start=start)
    eager = way != JITTED
    last = solver_named("adam-torch" if eager else "adam", HeatBath, lr=second)
    if stopping is not None:
        last = replace(last, stopping=stopping)
    minimiser: Minimiser = Adam(lr=rate, settle=False)
    if way == AUTOGRAD:
        from papers.autograd import Recorded

        minimiser = Recorded("adam", lr=rate)
    return replace(
        composed, minimiser=minimiser, then=last, backend="torch" if eager else composed.backend
    )


def networks(
    kinds: Sequence[str], start: str, *, way: str = JITTED, hidden: int = HIDDEN
) -> list[Entrant]:
    """Return the kinds with the papers' rate, one width and one layer."""
    return [
        Entrant(named(kind, start, way), network(kind, start=start, way=way, hidden=hidden))
        for kind in kinds
    ]


def tuned_networks(
    kinds: Sequence[str],
    start: str,
    of: Sequence[float],
    seconds: Sequence[float],
    *,
    hidden: int = HIDDEN,
) -> list[Entrant]:
    """Return the jitted kinds at several rates, each followed by Adam at each of ``seconds``."""
    return [
        _tuned(kind, start, JITTED, rate, second, hidden)
        for kind in kinds
        for second in seconds
        for rate in of
    ]


def _tuned(
    kind: str, start: str, way: str, rate: float, second: float, hidden: int, words: str = ""
) -> Entrant:
    group = named(kind, start, way, tuned=True)
    solver = network(kind, rate, second=second, start=start, way=way, hidden=hidden)
    label = f"{group}, then {second:g}, rate {rate:g}{words}"
    return Entrant(label, solver, tuned=group, by="seconds")


def retold(
    cell: Mapping[str, Any],
    kind: str,
    start: str,
    way: str,
    levels: Sequence[str],
    hidden: int = HIDDEN,
) -> list[Entrant]:
    """Return a jitted network's best pairs of rates, by steps and by time, in eager torch.

    The steps are the same there, so the search need not use slow ones. A network's step costs
    more or less beside Adam's than in jitted code, so either pair may be the faster one.
    """
    found = best_rates(cell, named(kind, start, tuned=True), levels, ("steps", "seconds"))
    return [
        _tuned(kind, start, way, rate, second, hidden, f" as found jitted{edge}")
        for (second, rate), edge in found.items()
    ]


def best_rates(
    cell: Mapping[str, Any], group: str, levels: Sequence[str], by: Sequence[str] = ("steps",)
) -> dict[tuple[float, ...], str]:
    """Return the numbers in the labels of a group's best entrants at the levels, each once.

    Their values are " (edge)" if the rate is at the edge of those tried, else empty.
    """
    found: dict[tuple[float, ...], str] = {}
    for least_of in by:
        for level in levels:
            best = standings(cell, level, least_of)[group]
            words = re.findall(r"(?:rate|then) ([0-9.e+-]+)", best.label.removeprefix(group))
            found[tuple(map(float, words))] = " (edge)" * best.edge
    return found


def named(kind: str, start: str, way: str = JITTED, *, tuned: bool = False) -> str:
    """Return a network's name in tables."""
    words = [kind if way == JITTED else f"{kind} {way}"]
    words.append("papers' start" if start == "network" else "shared start")
    return ", ".join([*words, "tuned"] if tuned else words)


def classics(of: Sequence[float]) -> list[Entrant]:
    """Return fused Adam, with the papers' rate and with its own, RK4, L-BFGS and Newton."""
    return [
        Entrant("adam", "adam", {"lr": PAPERS_RATE}),
        *rates("adam, tuned", lambda rate: ("adam", {"lr": rate}), of),
        Entrant("rk4", "rk4"),
        Entrant("lbfgs", "lbfgs"),
        Entrant("newton", "newton"),
    ]


def field_rates(cell: Mapping[str, Any], levels: Sequence[str]) -> list[float]:
    """Return the rates at which fused Adam was best, at one level or another."""
    return [rate for (rate,) in best_rates(cell, "adam, tuned", levels)]


def second_rates(cell: Mapping[str, Any], levels: Sequence[str]) -> list[float]:
    """Return Adam's rates after a network: its best ones, and the papers' for what is left."""
    return sorted({PAPERS_RATE, *field_rates(cell, levels)})


def eager_adam(cell: Mapping[str, Any], levels: Sequence[str]) -> list[Entrant]:
    """Return Adam in eager torch, at the papers' rate and at those that were best when fused."""
    group = "adam-torch, tuned"
    found = best_rates(cell, "adam, tuned", levels)
    return [Entrant("adam-torch", "adam-torch", {"lr": PAPERS_RATE})] + [
        Entrant(f"{group}, rate {rate:g} as found fused{edge}", "adam-torch", {"lr": rate},
                tuned=group)
        for (rate,), edge in found.items()
    ]  # fmt: skip


def stoppers(kinds: Sequence[str], hidden: int = HIDDEN) -> list[Entrant]:
    """Return Adam and networks by autograd at the papers' rate, which the papers' rule ends."""
    base = solver_named("adam-torch", HeatBath, lr=PAPERS_RATE)
    found = [Entrant("adam-torch", replace(base, stopping=PAPERS_STOP))]
    for kind in kinds:
        solver = network(kind, way=AUTOGRAD, hidden=hidden, stopping=PAPERS_STOP)
        found.append(Entrant(named(kind, "network", AUTOGRAD), solver))
    return found


def stop_table(stops: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how many runs the papers' rule ended, after how long, and the ratio of these times.

    Ratios are over the seeds in which the rule ended both; "–" if there are none.
    """
    rows = []
    for key, piece in stops.items():
        several = {label: Standing(label, runs) for label, runs in piece["runs"].items()}
        ended = {label: _ended(standing) for label, standing in several.items()}
        cells = [key]
        for seconds in ended.values():
            count = int(np.isfinite(seconds).sum())
            cells.append(f"{spread(seconds, 2)} ({count} of {len(seconds)})")
        for label, seconds in ended.items():
            if label != "adam-torch":
                cells.append(times(geometric_mean(ended["adam-torch"] / seconds).value))
        rows.append(cells)
    labels = list(next(iter(stops.values()))["runs"])
    columns = ["problem", *(f"{label}, s (stopped)" for label in labels)]
    columns += [f"Adam over {label.split()[0]}" for label in labels if label != "adam-torch"]
    return f"{STOP}\n\n{markdown(columns, rows)}"


def _ended(standing: Standing) -> np.ndarray:
    """Return the seconds of each run; NaN if the clock ended it and not the rule."""
    by_rule = [run["result"] == "flat" for run in standing.runs]
    return np.where(by_rule, standing.column("seconds"), np.nan)


def fall(standing: Standing, cell: Mapping[str, Any], column: int = 1) -> list[tuple[float, float]]:
    """Return points (seconds, share of the fall left) on the first seed; steps for column 0.

    Shares are drawn down to FLOOR, and begin after the first step.
    """
    depth = cell["begun"][0] - cell["reference"]
    return [
        (entry[column], max((entry[2] - cell["reference"]) / depth, FLOOR))
        for entry in standing.runs[0]["curve"]
        if entry[0] > 0 and entry[1] > 0
    ]
