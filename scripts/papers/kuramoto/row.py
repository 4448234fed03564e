"""Kuramoto's oscillators: what the papers' network gains, and how much of that is its start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench.figures import Panel, curves

import meshrep
from meshrep.base.tables import markdown, spread, times
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.monitor import Stopping
from meshrep.solving.entrants import Entrant, rates
from meshrep.solving.records import contest, lean
from meshrep.solving.solver import Solver
from meshrep.solving.standings import Mean, Standing, gained, geometric_mean, standings
from meshrep.solving.table import factor, table
from papers import phases
from papers.claims import Claim, Verdict, claim_table, counted, together
from papers.kuramoto.variants import compare_depths, compare_optimisers, depth, optimisers
from papers.phases import ENOUGH, each, one
from papers.row import Figures, Finding, Pieces, Row, Say, folded

GRAPHS = {
    "lattice": "lattice:25x25", "circle": "ring:625", "tree": "tree:2^8",
    "large lattice": "lattice:50x50",
}  # fmt: skip
QUICK_GRAPHS = {"lattice": "lattice:10x10", "circle": "ring:48"}
CLAIMED = {"lattice": (3.6, 0.5), "circle": (6.1, 0.1), "tree": (2.7, 0.3)}
SEEDS, FEW = range(5), range(3)
QUICK_SEEDS = range(2)
SWITCHES, QUICK_SWITCHES = (20, 50, 100, 200), (100,)
TORCH_RATES, QUICK_TORCH_RATES = (0.01, 0.1, 0.3, 1.0), (0.01, 0.1)
NETWORK_RATES, QUICK_NETWORK_RATES = (0.01, 0.1, 0.3), (0.01,)
LATER_RATES, QUICK_LATER_RATES = (0.3, 1.0), (0.1,)  # rates of the phases after a network
OUTPUT_RATES = (0.01, 0.1, 0.3, 1.0, 3.0)  # rates from the network's output
RATES, QUICK_RATES = (0.03, 0.1, 0.3, 1.0, 3.0), (0.01, 0.1)
RULE = Stopping(max_steps=20_000, gtol=0.0, patience=10, atol=1e-15)
SECONDS, QUICK_SECONDS = 6.0, 0.2  # longest run
TUNED_SECONDS = 2.0  # longest run of a searched rate in torch
FIRST, LEVEL = (
    "1e-1",
    "1e-3",
)  # levels before and after vortices decide which seeds arrive
NEAR = "1e-4"  # level from the network's output
ALIKE, FAR = 1.5, 2.0  # factors within which a gain is as claimed, and beyond which it is far above

TUNED = "adam in torch"
FUSED = "adam"
OUTPUT = "adam in torch, begun at the network's output"
GCN = "gcn in torch, papers' start"
SHARED = "gcn in torch, shared start"
SHARED_CIRCLE = "gcn in torch, shared start, read out on the circle"
PRESET, PRESET_VALUE = "gcn, shared start, on the circle", "gcn, shared start, phases put out"
DRAWN = {
    "adam at 0.01, torch": f"{TUNED}, rate {phases.RATE:g}", "adam tuned, torch": TUNED,
    "adam tuned, from gcn's output, torch": OUTPUT,
    "gcn tuned, papers' start, torch": f"{GCN}, {phases.SWITCH} steps",
    "gcn tuned, shared start, torch": SHARED, "adam tuned, kernels": FUSED,
    "gcn, shared start, circle, kernels": PRESET,
}  # fmt: skip


def switched(steps: int) -> str:
    """Return the name of the network that hands over after a number of steps."""
    return f"{GCN}, {steps} steps"


def entrants(quick: bool) -> list[Entrant]:
    """Return solvers in torch by the papers' rule, and ours in kernels and float64 by their own."""

    def patience(rate: float) -> dict[str, Any]:
        own = rate == phases.RATE or quick  # the papers' rate has the full time
        return {} if own else {"max_seconds": TUNED_SECONDS}

    eager = partial(phases.network, True, RULE, autograd=True)

    def networks(label: str, **options: Any) -> list[Entrant]:
        """Return them with one rate throughout, and with another for the phases."""
        found = []
        for later in (None, *(QUICK_LATER_RATES if quick else LATER_RATES)):

            def make(rate: float, later: float | None = later) -> tuple[Solver, dict[str, Any]]:
                own = patience(rate if later is None else later)
                return eager(lr=rate, later=later, **options), own

            words = label if later is None else f"{label}, then {later:g}"
            of = QUICK_NETWORK_RATES if quick else NETWORK_RATES
            found += [replace(entrant, tuned=label, by="seconds")
                      for entrant in rates(words, make, of)]  # fmt: skip
        return found

    wanted = rates(
        TUNED,
        lambda rate: (phases.direct(True, RULE, rate), patience(rate)),
        QUICK_TORCH_RATES if quick else TORCH_RATES,
    )
    wanted += rates(
        OUTPUT,
        lambda rate: (eager(lr=rate, switch=0), patience(rate)),
        QUICK_TORCH_RATES if quick else OUTPUT_RATES,
    )
    for steps in QUICK_SWITCHES if quick else SWITCHES:
        if steps == phases.SWITCH:
            wanted += networks(switched(steps), switch=steps)
        else:
            wanted.append(Entrant(switched(steps), eager(switch=steps)))
    wanted += networks(SHARED, start="shared")
    wanted.append(Entrant(SHARED_CIRCLE, eager(start="shared", readout="circle")))
    fine = {"dtype": "float64"}
    wanted += rates(
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
    """Run all solvers on one graph; the least energy is that of equal phases."""
    energy = Kuramoto(meshrep.graph_from(graph))
    found = contest(
        energy, entrants(quick), seeds, say, reference=-float(energy.graph.m), dtype="float32",
        max_seconds=QUICK_SECONDS if quick else SECONDS, warm_seconds=0.02 if quick else 0.1,
    )  # fmt: skip
    return lean(found, curves=0)


def pieces(quick: bool) -> dict[str, Any]:
    """Return a piece for each graph, and on the lattice the depths and the optimisers."""
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


def speed_up(cell: Mapping[str, Any], label: str) -> np.ndarray:
    """Return the papers' figure (k,) by seed: Adam's time to its stop over that of an entrant."""
    return phases.at_stop(one(cell, label), one(cell, TUNED))


def tuned(cell: Mapping[str, Any], label: str, other: str, level: str) -> Mean:
    """Return how many times sooner an entrant reaches a level than another, both tuned to it."""
    found = standings(cell, level)
    return gained(found[label], found[other], level, "seconds")


def head_start(cell: Mapping[str, Any]) -> float:
    """Return the share of the fall that the network's first output has already made."""
    high, begun = np.array(cell["begun"]), one(cell, OUTPUT).column("begun")
    return float(np.mean((high - begun) / (high - cell["reference"])))


def speed_ups(cells: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table by graph of gains by the papers' rule, and of where both end."""
    head = ["graph", "claimed", f"gcn, {phases.SWITCH} steps", "Adam at 0.01 from its first output",
            "behind that output", "synchronised: Adam, gcn",
            "vortices or turns left: Adam, gcn"]  # fmt: skip
    lines = []
    for name, cell in cells.items():
        said = "{:g} ± {:g}×".format(*CLAIMED[name]) if name in CLAIMED else "–"
        gains = [spread(speed_up(cell, label)) + "×" for label in (switched(phases.SWITCH), OUTPUT)]
        both = one(cell, TUNED), one(cell, switched(phases.SWITCH))
        alike = ", ".join(f"{phases.synchronised(s):.0%}" for s in both)
        left = ", ".join(spread(phases.defects(s), 2) for s in both)
        lines.append([name, said, *gains, f"{head_start(cell):.0%} of the fall", alike, left])
    return markdown(head, lines)


def switches(cells: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the same gains with other numbers of steps of the network."""
    lines = [
        [name, *(spread(speed_up(cell, switched(steps))) + "×" for steps in SWITCHES)]
        for name, cell in cells.items()
    ]
    return markdown(["graph", *(f"{steps} steps" for steps in SWITCHES)], lines)


def tuned_gains(cells: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table of the network's gains over Adam with both tuned, from either start."""
    columns = {
        f"from the network's output, to {NEAR}": (switched(phases.SWITCH), OUTPUT, NEAR),
        f"from one random start, to {FIRST}": (SHARED, TUNED, FIRST),
        f"from one random start, to {LEVEL}": (SHARED, TUNED, LEVEL),
        f"the network read out on the circle, to {LEVEL}": (SHARED_CIRCLE, TUNED, LEVEL),
    }
    lines = [
        [name, *(factor(tuned(cell, *how), len(cell["begun"])) for how in columns.values())]
        for name, cell in cells.items()
    ]
    return markdown(["graph", *columns], lines)


def sooner(cells: Mapping[str, Mapping[str, Any]]) -> tuple[Claim, str]:
    """Judge by the papers' own rule whether the network is sooner, and by as much as they say."""
    gains = {name: speed_up(cell, switched(phases.SWITCH)) for name, cell in cells.items()}
    means = {name: float(np.mean(values)) for name, values in gains.items()}
    over = {name: mean / CLAIMED[name][0] for name, mean in means.items()}
    counts = {
        "as claimed": sum(1 / ALIKE <= ratio <= ALIKE for ratio in over.values()),
        "far above what is claimed": sum(ratio > FAR for ratio in over.values()),
    }
    if min(map(len, gains.values())) < ENOUGH:
        verdict = Verdict.OPEN
    elif all(values.min() > 1.0 for values in gains.values()):
        alike = counts["as claimed"] == len(cells)
        verdict = Verdict.HOLDS if alike else Verdict.IN_PART
    else:
        verdict = Verdict.IN_PART if counts["as claimed"] else Verdict.NOT
    told = ", ".join(f"{words} on {n} of {len(cells)}" for words, n in counts.items() if n)
    shown = each({name: spread(values) + "×" for name, values in gains.items()})
    says = each({name: "{:g} ± {:g}×".format(*CLAIMED[name]) for name in cells})
    short = each({name: times(mean) for name, mean in means.items()})
    seen = f"in torch, by their rule, over Adam at 0.01 from random phases: {shown}"
    claim = Claim(f"the network stops sooner than Adam: {says}", verdict,
                  f"{seen}; {told}" if told else seen)  # fmt: skip
    return claim, f"the network stops sooner than Adam ({short})" + f", {told}" * bool(told)


def from_output(cells: Mapping[str, Mapping[str, Any]]) -> tuple[Claim, str]:
    """Judge whether the network's own steps gain over Adam that begins where the network does."""
    gains = {n: tuned(cell, switched(phases.SWITCH), OUTPUT, NEAR) for n, cell in cells.items()}
    shown = each({n: factor(gain, len(cells[n]["begun"])) for n, gain in gains.items()})
    seen = (
        f"in torch, both rates searched, time to {NEAR}: {shown}; behind that output lie "
        f"{each({n: f'{head_start(cell):.0%}' for n, cell in cells.items()})} of the fall"
    )
    says = "the network accelerates: over Adam that begins at the network's first output"
    short = each({n: times(gain.value) for n, gain in gains.items()})
    return (
        Claim(says, phases.judged(list(gains.values())), seen),
        f"begun alike and tuned it gains {short}",
    )


def from_random(cells: Mapping[str, Mapping[str, Any]]) -> tuple[Claim, str]:
    """Judge whether the network gains over Adam when both begin at the same random phases."""
    first, last = (
        {name: tuned(cell, SHARED, TUNED, level) for name, cell in cells.items()}
        for level in (FIRST, LEVEL)
    )
    shown, later = (
        each({n: factor(gain, len(cells[n]["begun"])) for n, gain in gains.items()})
        for gains in (first, last)
    )
    seen = (
        f"in torch, both rates searched, time to {FIRST}: {shown}; to {LEVEL}, where vortices "
        f"decide which seeds arrive: {later}"
    )
    mean = geometric_mean([gain.value for gain in first.values()])
    return (
        Claim("the network accelerates: over Adam from the same random phases",
              phases.judged(list(first.values())), seen),
        f"from random phases {times(mean.value)}",
    )  # fmt: skip


def findings(data: Pieces) -> Finding:
    """Return the gains by the papers' rule, all solvers to one level, depths and optimisers."""
    cells = {name: data[name] for name in GRAPHS if name in data}
    known = {name: cell for name, cell in cells.items() if name in CLAIMED}
    claims: list[Claim] = []
    shorts: list[str] = []
    text: list[str] = []
    if known:
        for claim, short in (sooner(known), from_output(cells), from_random(cells)):
            claims.append(claim)
            shorts.append(short)
        text += ["### By the papers' rule, over Adam at 0.01 from random phases",
                 "Adam and networks run in eager torch, in float32. Gains are Adam's time to its "
                 "stop over that of each: the mean over the seeds with its standard deviation.",
                 speed_ups(cells)]  # fmt: skip
        labels = {switched(steps) for steps in SWITCHES}
        if all(labels <= set(standings(cell, LEVEL)) for cell in cells.values()):
            text.append(folded("With other numbers of steps of the network", switches(cells)))
        text += ["### Gains in time with both rates searched, in torch", tuned_gains(cells)]
    if "depth" in data:
        claim, shown = compare_depths(data["depth"])
        claims.append(claim)
        text.append(folded("Depth: all runs", shown))
    for key in ("optimisers, directly", "optimisers, under the network"):
        if key in data:
            claim, shown = compare_optimisers(data[key], key.split(", ")[1])
            claims.append(claim)
            text.append(folded(f"{key.capitalize()}: all rates", shown))
    for name, cell in cells.items():
        shown = f"{table(cell, LEVEL, TUNED, phases.ends())}\n\n{beyond(cell)}"
        title = f"All solvers: {name}, {cell['nodes']} nodes, {len(cell['begun'])} seeds"
        text.append(folded(title, shown))
    why = f"{counted(claims)}: {'; '.join(shorts)}." if shorts else "no graph was run."
    return Finding(together(claims), why, "\n\n".join([claim_table(claims), *text]).strip())


def beyond(cell: Mapping[str, Any]) -> str:
    """Return a sentence on the kernels, and on phases read out directly or on the circle."""
    found, seeds = standings(cell, LEVEL), len(cell["begun"])
    best = found[FUSED]
    ratios = {
        f"{label}, {what}": factor(gained(found[label], best, LEVEL, what), seeds)
        for label in (PRESET, PRESET_VALUE, "lbfgs")
        for what in ("seconds", "steps")
    }
    shares = {label: f"{phases.synchronised(found[label]):.0%}" for label in (PRESET, PRESET_VALUE)}
    return (
        f"In kernels, gains over {best.shown} to {LEVEL}: {each(ratios)}. Synchronised: "
        f"{each(shares)}."
    )


def draw(data: Pieces, place: Path) -> Figures:
    """Draw what is left of the fall over the median time, on each graph."""
    panels = []
    for name in GRAPHS:
        if name in data:
            cell = data[name]
            found = standings(cell, LEVEL) | {
                label: Standing(label, runs) for label, runs in cell["runs"].items()
            }
            lines = {words: phases.falling(found[label]) for words, label in DRAWN.items()}
            panels.append(
                Panel(f"{name}, {cell['nodes']} nodes, {len(cell['begun'])} seeds",
                      "seconds of solving, median", "share of the fall that is left", lines,
                      markers=True)
            )  # fmt: skip
    if not panels:
        return []
    curves(panels, place / "kuramoto.png", columns=2, legend="below")
    caption = (
        "The median time over the seeds until a share of the fall is left; a line ends when no "
        f"more than half of the seeds arrive. Tuned: the best rate to {LEVEL}. Networks from the "
        "papers' start begin nearer. Eager torch is in float32, kernels in float64."
    )
    return [("kuramoto.png", caption)]


ROW = Row(
    name="kuramoto",
    title="Kuramoto oscillators",
    source="P1 and P2, Figs. 6, 8, 9, 10",
    claim="The network stops 3.6 ± 0.5 times sooner than Adam on a lattice of 25×25, 6.1 ± 0.1 "
    "times on a circle and 2.7 ± 0.3 times on a tree. Deeper networks are slower, and other "
    "optimisers are worse than Adam.",
    setting=(
        "E = −Σ cos(φ_i − φ_j). The papers' values: one layer of 10, Â = A + I, LeakyReLU, "
        "latents from U(0, 2π), Adam at 0.01, 100 steps of the network and then of the phases, a "
        "patience of 10 at 1e-15, which in torch's float32 means ten equal losses. Our choice: a "
        "circle of 625, a balanced binary tree of 511, a slope of 0.1, a lattice of 50×50 beside "
        "theirs, five seeds (three there and for the optimisers), runs of at most 20,000 steps "
        "and 6 s (2 s for rates other than 0.01 in torch; 1,500 steps for the optimisers). "
        "Tuned: rates from 0.01 to 1 for Adam in torch, and to 3 when it begins at the network's "
        "output; rates to 0.3 for the network, followed by the same rate, 0.3 or 1 for the "
        "phases, and the quickest of all pairs; rates from 0.03 to 3 in kernels, from 0.01 to 3 "
        "for the optimisers, and from 0.003 under the network. In torch all derivatives are by "
        "its autograd. Synchronised: ρ > 0.99 without a vortex or a turn round the circle. The "
        "shared start is random phases. Solvers without 'in torch' are ours, in compiled kernels "
        "and float64, with their own stopping rules."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("torch",),
    version=4,
)
