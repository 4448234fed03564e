"""Kuramoto's oscillators: what the papers' network gains, and how much of it is its start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import meshrep
from meshrep.composition import Solver
from meshrep.energies.oscillators import Kuramoto
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.monitor import Stopping
from papers import contest, phases
from papers.contest import Entrant, Standing
from papers.drawing import Panel, curves
from papers.kuramoto_variants import compare_depths, compare_optimisers, depth, optimisers
from papers.row import Figures, Finding, Pieces, Row, Say, Verdict

GRAPHS = {
    "lattice": "lattice:25x25", "circle": "ring:625", "tree": "tree:2^8",
    "large lattice": "lattice:50x50",
}  # fmt: skip
QUICK_GRAPHS = {"lattice": "lattice:10x10", "circle": "ring:48"}
CLAIMED = {"lattice": (3.6, 0.5), "circle": (6.1, 0.1), "tree": (2.7, 0.3)}
SEEDS, FEW = range(5), range(3)
QUICK_SEEDS = range(2)
ENOUGH = 3  # seeds, below which nothing is settled
SWITCHES, QUICK_SWITCHES = (20, 50, 100, 200), (100,)
TORCH_RATES, QUICK_TORCH_RATES = (0.01, 0.03, 0.1, 0.3), (0.01, 0.1)
RATES, QUICK_RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0), (0.01, 0.1)
RULE = Stopping(max_steps=20_000, gtol=0.0, patience=10, atol=1e-15)
SECONDS, QUICK_SECONDS = 6.0, 0.25  # the longest run
TUNED_SECONDS = 1.5  # the longest of a rate that is searched in torch
LEVEL, NEAR = "1e-3", "1e-4"  # from random phases, and from the network's output

PAPERS = "adam in torch at the papers' rate"
TUNED = "adam in torch"
FUSED = "adam"
OUTPUT = "adam in torch, begun at the network's output"
OUTPUT_RATES = (0.01, 0.1)
AT_OUTPUT = f"{OUTPUT}, rate 0.01"
GCN = "gcn in torch, papers' start"
SHARED = "gcn in torch, shared start"
SHARED_CIRCLE = "gcn in torch, shared start, read out on the circle"
PRESET, PRESET_VALUE = "gcn, shared start, on the circle", "gcn, shared start, phases put out"
DRAWN = {
    "adam at 0.01, torch": PAPERS, "adam tuned, torch": TUNED,
    "adam tuned, from gcn's output, torch": OUTPUT,
    "gcn, papers' start, torch": f"{GCN}, {phases.SWITCH} steps",
    "gcn, shared start, torch": SHARED, "adam tuned, kernels": FUSED,
    "gcn, shared start, circle, kernels": PRESET,
}  # fmt: skip


def switched(steps: int) -> str:
    """What the network that hands over after so many steps is called."""
    return f"{GCN}, {steps} steps"


def entrants(quick: bool) -> list[Entrant]:
    """In torch by the papers' rule; then ours, in kernels and float64, each by its own rule."""

    def patience(rate: float) -> dict[str, Any]:
        own = rate == phases.RATE or quick  # the papers' rate has the time that all have
        return {} if own else {"max_seconds": TUNED_SECONDS}

    wanted = contest.rates(
        TUNED,
        lambda rate: (phases.direct(True, RULE, rate), patience(rate)),
        QUICK_TORCH_RATES if quick else TORCH_RATES,
    )
    wanted += contest.rates(
        OUTPUT,
        lambda rate: (phases.network(True, RULE, switch=0, lr=rate), patience(rate)),
        OUTPUT_RATES,
    )
    wanted += [
        Entrant(switched(steps), phases.network(True, RULE, switch=steps))
        for steps in (QUICK_SWITCHES if quick else SWITCHES)
    ]
    wanted += [
        Entrant(SHARED, phases.network(True, RULE, start="shared")),
        Entrant(SHARED_CIRCLE, phases.network(True, RULE, start="shared", readout="circle")),
    ]
    fine = {"dtype": "float64"}
    wanted += contest.rates(
        FUSED, lambda rate: ("adam", {"lr": rate, **fine}), QUICK_RATES if quick else RATES
    )
    flat = Stopping(window=100, ftol=1e-7)
    lbfgs = Solver(LBFGS(), name="lbfgs")
    at_output = phases.network(False, flat, switch=0)
    at_output = Solver(
        at_output.minimiser, at_output.parametrization, at_output.stopping, then=lbfgs
    )
    wanted += [
        Entrant("gcn, papers' start", phases.network(False, flat), fine),
        Entrant("lbfgs, begun at the network's output", at_output, fine),
        Entrant(PRESET, "gcn", fine),
        Entrant(PRESET_VALUE, "gcn", {"readout": "value", **fine}),
    ]
    return wanted + [Entrant(name, name, fine) for name in ("lbfgs", "newton", "lift")]


def on(graph: str, seeds: Sequence[int], quick: bool, say: Say) -> dict[str, Any]:
    """All solvers on one graph; the least energy is that of equal phases."""
    energy = Kuramoto(meshrep.graph_from(graph))
    found = contest.contest(
        energy, entrants(quick), seeds, say, reference=-float(energy.graph.m), dtype="float32",
        max_seconds=QUICK_SECONDS if quick else SECONDS,
    )  # fmt: skip
    return contest.lean(found)


def pieces(quick: bool) -> dict[str, Any]:
    """A graph each, and on the lattice the depths and the optimisers."""
    graphs = QUICK_GRAPHS if quick else GRAPHS
    seeds = dict.fromkeys(graphs, QUICK_SEEDS if quick else SEEDS)
    if "large lattice" in seeds:
        seeds["large lattice"] = FEW
    found: dict[str, Any] = {
        name: partial(on, graph, seeds[name], quick) for name, graph in graphs.items()
    }
    lattice, few = graphs["lattice"], QUICK_SEEDS if quick else FEW
    found["depth"] = partial(depth, lattice, seeds["lattice"], quick)
    found["optimisers, directly"] = partial(optimisers, lattice, few, False, quick)
    found["optimisers, under the network"] = partial(optimisers, lattice, few, True, quick)
    return found


def one(cell: Mapping[str, Any], label: str) -> Standing:
    """An entrant's standing, also where it is a member of a group."""
    return Standing(label, cell["runs"][label])


def speed_up(cell: Mapping[str, Any], label: str, what: str = "seconds") -> np.ndarray:
    """The papers' figure (k,): Adam's time to its stop over that of an entrant, a seed each."""
    return phases.at_stop(one(cell, label), one(cell, PAPERS), what)


def from_output(cell: Mapping[str, Any]) -> float:
    """How many times sooner the network is there than Adam begun at its first output, tuned."""
    begun = contest.standings(cell, NEAR)[OUTPUT]
    return contest.gain(one(cell, switched(phases.SWITCH)), begun, NEAR, "seconds")


def head_start(cell: Mapping[str, Any]) -> float:
    """The share of the fall that lies behind the network's first output."""
    high, begun = np.array(cell["begun"]), one(cell, AT_OUTPUT).column("begun")
    return float(np.mean((high - begun) / (high - cell["reference"])))


def from_shared(cell: Mapping[str, Any], label: str = SHARED, other: str = TUNED) -> float:
    """How many times sooner than the tuned baseline a network reaches the level."""
    found = contest.standings(cell, LEVEL)
    return contest.gain(found[label], found[other], LEVEL, "seconds")


def speed_ups(cells: Mapping[str, Mapping[str, Any]]) -> str:
    """By the papers' rule: gains in time and where both end, a graph a row."""
    shown = {f"gcn, {steps} steps": switched(steps) for steps in SWITCHES}
    shown["no network steps: Adam at 0.01 from its output"] = AT_OUTPUT
    shown = {
        words: label
        for words, label in shown.items()
        if all(label in cell["runs"] for cell in cells.values())
    }
    lines = [
        f"| graph | claimed | {' | '.join(shown)} | behind the first output | "
        "synchronised: Adam, gcn | vortices or turns left: Adam, gcn |",
        "|---|---|" + "---|" * len(shown) + "---|---|---|",
    ]
    for name, cell in cells.items():
        said = "{:g} ± {:g}×".format(*CLAIMED[name]) if name in CLAIMED else "–"
        gains = [contest.spread(speed_up(cell, label)) + "×" for label in shown.values()]
        both = one(cell, PAPERS), one(cell, switched(phases.SWITCH))
        alike = ", ".join(f"{phases.synchronised(s):.0%}" for s in both)
        left = ", ".join(contest.spread(phases.defects(s), 2) for s in both)
        lines.append(
            f"| {name} | {said} | {' | '.join(gains)} | {head_start(cell):.0%} of the fall | "
            f"{alike} | {left} |"
        )
    return "\n".join(lines)


def judge(cells: Mapping[str, Mapping[str, Any]]) -> tuple[Verdict, str]:
    """Whether the claim holds at its own rule, at the network's own output, and from one start."""
    known = [name for name in CLAIMED if name in cells]
    theirs = {n: float(np.mean(speed_up(cells[n], switched(phases.SWITCH)))) for n in known}
    alone = {n: float(np.mean(speed_up(cells[n], AT_OUTPUT))) for n in known}
    own = {n: from_output(cells[n]) for n in known}
    fair = {n: from_shared(cells[n]) for n in known}
    claimed = [n for n in known if theirs[n] >= CLAIMED[n][0] - CLAIMED[n][1]]
    ahead = [all(gains[n] > 1.0 for n in known) for gains in (own, fair)]
    why = (
        f"from the papers' start the network stops {_each(theirs)} sooner than Adam at 0.01, at "
        f"or above what they claim on {len(claimed)} of {len(known)} graphs; Adam at 0.01 begun "
        f"at the network's first output, {_each({n: head_start(cells[n]) for n in known}, '.0%')} "
        f"of the fall, stops {_each(alone)} sooner, and against Adam from there with its rate "
        f"searched the network's own steps bring {_each(own)} in time to {NEAR}; from one start "
        f"its gain over tuned Adam in time to {LEVEL} is {_each(fair)}, all in torch"
    )
    if min(len(cells[n]["begun"]) for n in known) < ENOUGH:
        return Verdict.OPEN, why
    if len(claimed) == len(known) and all(ahead):
        return Verdict.HOLDS, why
    return (Verdict.IN_PART if claimed else Verdict.NOT), why


def _each(gains: Mapping[str, float], form: str = "") -> str:
    """Gains as "3.6× (lattice), …"; – where the level was not reached."""
    shown = {
        name: "–" if np.isnan(gain) else f"{gain:{form}}" if form else f"{gain:.2g}×"
        for name, gain in gains.items()
    }
    return ", ".join(f"{gain} ({name})" for name, gain in shown.items())


def findings(data: Pieces) -> Finding:
    """The speed-ups by the papers' rule, all solvers to one level, depths and optimisers."""
    cells = {
        name: phases.with_copy(data[name], f"{TUNED}, rate {phases.RATE:g}", PAPERS)
        for name in GRAPHS
        if name in data
    }
    parts: list[Verdict] = []
    whys: list[str] = []
    text: list[str] = []
    if any(name in cells for name in CLAIMED):
        verdict, why = judge(cells)
        parts, whys = [verdict], [why]
        text += ["### Speed-ups in time by the papers' rule, over Adam at 0.01 from random phases",
                 "Adam and networks in eager torch, float32. Gains are Adam's time to its stop "
                 "over that of each.",
                 speed_ups(cells)]  # fmt: skip
    if "depth" in data:
        slower, said, shown = compare_depths(data["depth"])
        parts.append(Verdict.HOLDS if slower else Verdict.NOT)
        whys.append(said)
        text += ["### Depth", shown]
    for key in ("optimisers, directly", "optimisers, under the network"):
        if key in data:
            worse, said, shown = compare_optimisers(data[key], key.split(", ")[1])
            parts.append(Verdict.HOLDS if worse else Verdict.NOT)
            whys.append(said)
            text += [f"### {key.capitalize()}", shown]
    for name, cell in cells.items():
        text += [f"### All solvers: {name}, {cell['nodes']} nodes, {len(cell['begun'])} seeds",
                 contest.table(cell, LEVEL, TUNED, phases.ends()), beyond(cell)]  # fmt: skip
    return Finding(together(parts), f"{'; '.join(whys) or 'no graph was run'}.", "\n\n".join(text))


def together(parts: Sequence[Verdict]) -> Verdict:
    """One verdict of those on the parts of a claim."""
    if not parts or Verdict.OPEN in parts:
        return Verdict.OPEN
    return parts[0] if len(set(parts)) == 1 else Verdict.IN_PART


def beyond(cell: Mapping[str, Any]) -> str:
    """A sentence on the kernels, and on the readout of phases against the circle."""
    found = contest.standings(cell, LEVEL)
    best = found[FUSED]
    ratios = {
        f"{label} {word}": contest.gain(found[label], best, LEVEL, what)
        for label in (PRESET, PRESET_VALUE, "lbfgs")
        for what, word in (("seconds", "in time"), ("steps", "in steps"))
    }
    shares = {label: phases.synchronised(found[label]) for label in (PRESET, PRESET_VALUE)}
    return (
        f"In kernels, gains over {best.label}: {_each(ratios)}. Synchronised: "
        + ", ".join(f"{share:.0%} ({label})" for label, share in shares.items())
        + "."
    )


def draw(data: Pieces, place: Path) -> Figures:
    """What is left of the fall against time, on each graph."""
    panels = []
    for name in GRAPHS:
        if name in data:
            cell = phases.with_copy(data[name], f"{TUNED}, rate {phases.RATE:g}", PAPERS)
            found = contest.standings(cell, LEVEL)
            lines = {words: phases.falling(found[label], cell) for words, label in DRAWN.items()}
            panels.append(
                Panel(f"{name}, {cell['nodes']} nodes", "seconds of solving",
                      "share of the fall that is left", lines)
            )  # fmt: skip
    if not panels:
        return []
    curves(panels, place / "kuramoto.png", columns=2, shared_legend=True)
    caption = (
        "Share of the fall in energy that is left against the seconds of solving, on the first "
        "seed. Eager torch is in float32, kernels are in float64."
    )
    return [("kuramoto.png", caption)]


ROW = Row(
    name="kuramoto",
    title="Kuramoto oscillators",
    source="P1 and P2, Figs. 6, 8, 9, 10",
    claim="The network stops 3.6 ± 0.5 times sooner than Adam on a lattice of 25×25, 6.1 ± 0.1 "
    "times on a circle and 2.7 ± 0.3 times on a tree. Deeper networks are slower, and other "
    "optimisers are worse than Adam.",
    setting="E = −Σ cos(φ_i − φ_j). The papers' values: one layer of 10, Â = A + I, LeakyReLU, "
    "latents from U(0, 2π), Adam at 0.01, 100 steps of the network and then of the phases, a "
    "patience of 10 at 1e-15, which in torch's float32 means ten equal losses. Of our choosing: "
    "a circle of 625, a balanced binary tree of 511, a slope of 0.1, a lattice of 50×50 beside "
    "theirs, five seeds (three there and for the optimisers), runs of at most 20,000 steps and "
    "6 s (1.5 s for other rates in torch). Tuned: Adam's rate from 0.01 to 0.3 in torch, 0.003 "
    "to 1 in kernels. Synchronised: ρ > 0.99 without a vortex or a turn round the circle. The "
    "shared start is random phases; solvers without 'in torch' are ours, in compiled kernels and "
    "float64, with their own stopping rules.",
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("torch",),
)
