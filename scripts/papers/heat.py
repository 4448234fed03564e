"""What the rows on heat share: graphs with quartic baths, networks by the papers' values, rates.

Of the papers' values those of Adam are given (rate 0.02); λ = 1, T = 1 and 0 are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import meshrep
from meshrep.composition import Choices, Solver
from meshrep.energies.heat import HeatBath
from meshrep.graph import Graph
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.monitor import Stopping
from meshrep.presets import preset
from meshrep.solving import solve
from papers.contest import Entrant, Standing, rates

PAPERS_RATE = 0.02
ADAM_RATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
TORCH_RATES = (0.02, 0.05, 0.1, 0.2)  # fewer: its steps are dear
NETWORK_RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
HIDDEN = 32
SHARE = 0.1
FLOOR = 1e-8  # of the fall, below which curves are not drawn
PAPERS_STOP = Stopping(patience=10, atol=1e-15, gtol=0.0)


def largest_component(graph: Graph) -> Graph:
    """The graph of the nodes in the largest connected component, in their order."""
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
    """Quartic baths on a tenth of the nodes each, drawn ("random") or at either end ("ends")."""
    if bath == "random":
        hot, cold = meshrep.random_split(graph, SHARE, seed)
    else:
        cold, hot = meshrep.ends(graph, SHARE)
    return HeatBath(graph, hot, cold)


def least(energy: HeatBath) -> float:
    """The minimum, by Newton's method to a gradient of 1e-12."""
    return solve(energy, "newton", gtol=1e-12, max_seconds=60.0).energy


def network(
    kind: str,
    rate: float = PAPERS_RATE,
    *,
    start: str = "network",
    layers: int = 1,
    hidden: int = HIDDEN,
    torch: bool = False,
    stopping: Stopping | None = None,
) -> Solver:
    """A network as the papers move it, by Adam with its usual decays, and then Adam on the field.

    It hands over by the preset's rule, since the papers give none for heat. With ``torch`` both
    stages run in eager torch, the second with autograd; ``stopping`` is the rule of the second.
    """
    choices = Choices(layers=layers, hidden=hidden, network_start=start)
    composed = preset(kind, choices, HeatBath.quantity)
    last = preset("adam-torch" if torch else "adam", Choices(lr=PAPERS_RATE), HeatBath.quantity)
    if stopping is not None:
        last = replace(last, stopping=stopping)
    return replace(
        composed,
        minimiser=Adam(lr=rate, settle=False),
        then=last,
        backend="torch" if torch else composed.backend,
    )


def networks(
    kinds: Sequence[str], start: str, *, torch: bool = False, hidden: int = HIDDEN
) -> list[Entrant]:
    """The kinds with the papers' rate, one width and one layer."""
    return [
        Entrant(
            named(kind, start, torch=torch), network(kind, start=start, torch=torch, hidden=hidden)
        )
        for kind in kinds
    ]


def tuned_networks(
    kinds: Sequence[str],
    start: str,
    of: Sequence[float],
    *,
    torch: bool = False,
    hidden: int = HIDDEN,
) -> list[Entrant]:
    """The kinds with their rate searched."""

    def maker(kind: str) -> Callable[[float], tuple[Solver, dict[str, Any]]]:
        return lambda rate: (network(kind, rate, start=start, torch=torch, hidden=hidden), {})

    groups = (rates(named(kind, start, torch=torch, tuned=True), maker(kind), of) for kind in kinds)
    return [entrant for group in groups for entrant in group]


def named(kind: str, start: str, *, torch: bool = False, tuned: bool = False) -> str:
    """What tables call a network."""
    words = [f"{kind} in torch" if torch else kind]
    words.append("papers' start" if start == "network" else "shared start")
    return ", ".join([*words, "tuned"] if tuned else words)


def baselines(of: Sequence[float], of_torch: Sequence[float]) -> list[Entrant]:
    """Adam with the papers' rate and with its own, fused and in torch; RK4, L-BFGS and Newton."""
    return [
        Entrant("adam", "adam", {"lr": PAPERS_RATE}),
        *rates("adam, tuned", lambda rate: ("adam", {"lr": rate}), of),
        Entrant("adam-torch", "adam-torch", {"lr": PAPERS_RATE}),
        *rates("adam-torch, tuned", lambda rate: ("adam-torch", {"lr": rate}), of_torch),
        Entrant("rk4", "rk4"),
        Entrant("lbfgs", "lbfgs"),
        Entrant("newton", "newton"),
    ]


def joined(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Contests on the same problem and seeds as one."""
    whole = dict(cells[0])
    whole["runs"] = {label: runs for cell in cells for label, runs in cell["runs"].items()}
    whole["groups"] = {label: name for cell in cells for label, name in cell["groups"].items()}
    return whole


def stoppers(kinds: Sequence[str]) -> list[Entrant]:
    """Adam and the networks in torch with the papers' rate, each until the papers' rule ends it."""
    base = preset("adam-torch", Choices(lr=PAPERS_RATE), HeatBath.quantity)
    found = [Entrant("adam-torch", replace(base, stopping=PAPERS_STOP))]
    for kind in kinds:
        solver = network(kind, torch=True, stopping=PAPERS_STOP)
        found.append(Entrant(named(kind, "network", torch=True), solver))
    return found


def fall(standing: Standing, cell: Mapping[str, Any], column: int = 1) -> list[tuple[float, float]]:
    """Seconds (steps for column 0) and the share of the fall that is left then, on the first seed.

    What is left is shown down to FLOOR, and begins after the first step.
    """
    depth = cell["begun"][0] - cell["reference"]
    return [
        (entry[column], max((entry[2] - cell["reference"]) / depth, FLOOR))
        for entry in standing.runs[0]["curve"]
        if entry[0] > 0 and entry[1] > 0
    ]


def ratio(over: Standing, under: Standing, column: str = "seconds") -> float:
    """The geometric mean over seeds of one number, all of them, of two entrants."""
    high, low = over.column(column), under.column(column)
    return float(np.exp(np.mean(np.log(np.maximum(high, 1e-7) / np.maximum(low, 1e-7)))))


def middle(values: Sequence[float] | np.ndarray) -> float:
    """The geometric mean of what is finite; NaN where nothing is."""
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found)]
    return float(np.exp(np.mean(np.log(found)))) if len(found) else float("nan")


def number(value: float) -> str:
    """Two digits, or whole from 100 on; – where there is none."""
    return "–" if np.isnan(value) else f"{value:.2g}" if value < 100 else f"{value:,.0f}"


def times(value: float) -> str:
    """A factor for tables and sentences; – where there is none."""
    return number(value) + "×" * (not np.isnan(value))


def folded(title: str, text: str) -> str:
    """Markdown that a reader opens by a click."""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def grid(corner: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """A Markdown table of texts."""
    lines = [f"| {corner} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    return "\n".join(lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()])
