"""Hopf–Kuramoto oscillators over (s₁, s₂): where the papers' network gains, beside the phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import meshrep
from meshrep.energies.oscillators import HopfKuramoto, HopfKuramotoPrinted, Oscillators
from meshrep.measures import attraction, local_order
from meshrep.minimisers.monitor import Stopping
from meshrep.solution import Solution
from papers import contest, phases
from papers.contest import Entrant, Standing
from papers.grid import Grid, correlation
from papers.maps import Map, maps
from papers.row import Figures, Finding, Pieces, Row, Say, Verdict

GRAPH, QUICK_GRAPH = "lattice:50x50", "lattice:12x12"
S1 = (-1.0, -0.6, -0.2, 0.2, 0.6, 1.0)
S2 = (-0.5, -0.3, -0.1, 0.1, 0.3, 0.5)
QUICK_S1, QUICK_S2 = (-0.6, 0.0, 0.6), (-0.3, 0.1, 0.5)
LOSSES = {"printed": "the papers' printed loss", "potential": "the potential of the dynamics"}
RATES, QUICK_RATES = (0.03, 0.1, 0.3), (0.1,)
RULE = Stopping(max_steps=20_000, gtol=0.0, patience=10, atol=1e-10)
SECONDS, QUICK_SECONDS = 4.0, 0.1  # the longest run by the papers' rule
OWN_SECONDS = 0.4  # the longest by the rules of ours
PRICED = 50  # steps, of which a step's time in torch is the mean
SEEDS = (0,)
LEVEL = "1e-2"  # by which the best rate is chosen for the table of ends
NEAR = 1e-2  # of the fall, from the higher of two ends, at which both have arrived
WARM, WARM_AGAIN = 0.1, 0.01  # seconds, at the first point of a line and at the others
SEEN, SURE = 0.3, 0.05  # a rank correlation that counts, and the odds that it is chance
LOWER = 1e-3  # of the fall, by which an end is lower than another
ENOUGH = 20  # points of a grid, below which nothing is settled
DISORDERED = 0.5  # ρ below which phases are

PAPERS = "adam, rate 0.01, papers' rule"
OUTPUT = "adam, rate 0.01, begun at the network's output, papers' rule"
GCN = "gcn-a2, papers' start and rule"
STEP, NETWORK_STEP = "steps of adam in torch", "steps of gcn-a2 in torch"
OWN = "gcn-a2, papers' start"
SHARED = "gcn-a2, papers' network, shared start"
PRESET = "gcn-a2, shared start, on the circle"
TUNED, LBFGS, NEWTON = "adam", "lbfgs", "newton"
AGAINST_TUNED = (OWN, SHARED, PRESET, LBFGS)


def oscillators(loss: str, s1: float, s2: float, graph: str) -> Oscillators:
    """The energy of a point, with c = 1."""
    lattice = meshrep.graph_from(graph)
    if loss == "printed":
        return HopfKuramotoPrinted(lattice, s1, s2)
    return HopfKuramoto(lattice, s1, s2, 1.0)


def entrants(quick: bool) -> list[Entrant]:
    """By the papers' rule and by ours, in kernels; and some steps in torch, for their price."""
    square, flat = {"propagation": "square"}, Stopping(window=100, ftol=1e-7)
    short = {"max_steps": PRICED, "dtype": "float32"}
    limit = {"max_seconds": QUICK_SECONDS if quick else OWN_SECONDS}
    network = phases.network(True, RULE, **square)
    wanted = [
        Entrant(PAPERS, phases.direct(False, RULE)),
        Entrant(OUTPUT, phases.network(False, RULE, switch=0, **square)),
        Entrant(GCN, phases.network(False, RULE, **square)),
        Entrant(STEP, phases.direct(True, RULE), short),
        Entrant(NETWORK_STEP, replace(network, then=None), short),
    ]
    wanted += contest.rates(
        TUNED, lambda rate: ("adam", {"lr": rate, **limit}), QUICK_RATES if quick else RATES
    )
    return [
        *wanted,
        Entrant(OWN, phases.network(False, flat, **square), limit),
        Entrant(SHARED, phases.network(False, flat, start="shared", **square), limit),
        Entrant(PRESET, "gcn-a2", limit),
        Entrant(LBFGS, LBFGS, limit),
        Entrant(NEWTON, NEWTON, limit),
    ]


def line(loss: str, s2: float, values: Sequence[float], quick: bool, say: Say) -> dict[str, Any]:
    """All solvers at every s₁ of one s₂."""
    found = {}
    for s1 in values:
        energy = oscillators(loss, s1, s2, QUICK_GRAPH if quick else GRAPH)

        def neighbours(end: Solution, energy: Oscillators = energy) -> dict[str, float]:
            signs = attraction(energy.graph, energy.edge_coupling, energy.alpha)
            return {"local order": float(local_order(energy.graph, end.field, signs).mean())}

        cell = contest.contest(
            energy, entrants(quick), SEEDS, lambda label, s1=s1: say(f"s1 = {s1:g}, {label}"),
            measure=neighbours, max_seconds=QUICK_SECONDS if quick else SECONDS,
            warm_seconds=WARM_AGAIN if found or quick else WARM,
        )  # fmt: skip
        cell["common"] = {label: to_common(cell, label) for label in AGAINST_TUNED}
        found[f"{s1:g}"] = contest.lean(cell, curves=0)
    return {"loss": loss, "s2": s2, "cells": found}


def pieces(quick: bool) -> dict[str, Any]:
    """A line of the grid each, of one loss and then of the other."""
    s1, s2 = (QUICK_S1, QUICK_S2) if quick else (S1, S2)
    return {
        f"{loss}, s2 = {value:g}": partial(line, loss, value, s1, quick)
        for loss in LOSSES
        for value in s2
    }


def one(cell: Mapping[str, Any], label: str) -> Standing:
    """An entrant's standing, of a group that of its best rate."""
    return contest.standings(cell, LEVEL)[label]


def measured(label: str, name: str) -> Any:
    """What gives the mean of something measured of an entrant's ends at a point."""
    return lambda cell: float(np.mean(one(cell, label).measured(name)))


def at_stop(label: str, what: str = "seconds") -> Any:
    """What gives the papers' gain at a point: Adam's steps or time to its stop over that of an
    entrant, a step being priced at what it takes in torch."""
    networks = phases.SWITCH if label == GCN else 0

    def ratio(cell: Mapping[str, Any]) -> float:
        prices = [
            one(cell, name).column("seconds") / one(cell, name).column("steps")
            for name in (NETWORK_STEP, STEP)
        ]
        if what == "steps":
            prices = [np.ones(len(prices[0]))] * 2
        taken = one(cell, label).column("steps")
        first = np.minimum(taken, networks)
        mine = first * prices[0] + (taken - first) * prices[1]
        theirs = one(cell, PAPERS).column("steps") * prices[1]
        return phases.mean_ratio(theirs / np.maximum(mine, 1e-7))

    return ratio


def to_common(cell: Mapping[str, Any], label: str) -> dict[str, float]:
    """Gains over tuned Adam in "steps" and "seconds" to an energy that both reach.

    It lies ``NEAR`` of the fall above the higher of two ends, the entrant's and the lowest of
    Adam's at any rate; tuned Adam is the rate that is there first.
    """
    rates = [runs for name, runs in cell["runs"].items() if cell["groups"].get(name) == TUNED]
    found: dict[str, list[float]] = {"steps": [], "seconds": []}
    for seed, (mine, begun) in enumerate(zip(cell["runs"][label], cell["begun"], strict=True)):
        others = [runs[seed] for runs in rates]
        ends = mine["energy"], min(run["energy"] for run in others)
        level = max(ends) + NEAR * (begun - cell["reference"])
        for column, (what, least) in enumerate((("steps", 1.0), ("seconds", 1e-7))):
            own = reached(mine, level, column)
            best = min(reached(run, level, column) for run in others)
            found[what].append(max(best, least) / max(own, least))
    return {what: phases.mean_ratio(np.array(ratios)) for what, ratios in found.items()}


def reached(run: Mapping[str, Any], level: float, column: int) -> float:
    """Steps (0) or seconds (1) until the energy was at a level; infinite where it never was."""
    return float(next((point[column] for point in run["curve"] if point[2] <= level), np.inf))


def common(label: str, what: str) -> Any:
    """What reads off such a gain at a point."""
    return lambda cell: cell["common"][label][what]


def lowest(name: str) -> Any:
    """What gives something measured of the lowest end of all at a point."""

    def least(cell: Mapping[str, Any]) -> float:
        every = [run for runs in cell["runs"].values() for run in runs]
        return float(min(every, key=lambda run: run["energy"])["measures"][name])

    return least


def above(label: str, other: str) -> Any:
    """What gives by how much an entrant ends above another, in shares of the fall."""

    def difference(cell: Mapping[str, Any]) -> float:
        fall = float(np.mean(cell["begun"])) - cell["reference"]
        gap = one(cell, label).column("energy") - one(cell, other).column("energy")
        return float(np.mean(gap)) / fall

    return difference


def gains(grid: Grid) -> dict[str, np.ndarray]:
    """Every kind of gain over the grid, by what tables call it."""
    theirs, higher = grid.map(at_stop(GCN)), grid.map(above(GCN, PAPERS)) > LOWER
    return {
        "time to the papers' stop, gcn-a2 from their start, in torch": theirs,
        "the same, where it does not end higher": np.where(higher, np.nan, theirs),
        "steps to it": grid.map(at_stop(GCN, "steps")),
        "time to it, Adam begun at the network's output, in torch": grid.map(at_stop(OUTPUT)),
        "steps over tuned Adam, gcn-a2 from the papers' start": grid.map(common(OWN, "steps")),
        "steps over tuned Adam, gcn-a2 from one start": grid.map(common(SHARED, "steps")),
        "time over tuned Adam, gcn-a2 from one start": grid.map(common(SHARED, "seconds")),
        "the same time, preset on the circle": grid.map(common(PRESET, "seconds")),
        "time over tuned Adam, lbfgs": grid.map(common(LBFGS, "seconds")),
    }


def disorders(grid: Grid) -> dict[str, np.ndarray]:
    """Three measures of disorder over the grid, (s₂, s₁), each from 0 to 1."""
    return {
        "1 − ρ, lowest end": 1 - grid.map(lowest("rho")),
        "1 − ρ, Adam's end": 1 - grid.map(measured(PAPERS, "rho")),
        "1 − local order, lowest end": 1 - grid.map(lowest("local order")),
    }


def gain_table(grid: Grid) -> str:
    """Each gain where phases are ordered and where not, and its rank correlations."""
    against = disorders(grid)
    rho = 1 - next(iter(against.values()))
    lines = [
        f"| gain in | mean | least to most | ρ ≥ {DISORDERED} | ρ < {DISORDERED} | "
        f"correlation with {' | with '.join(against)} |",
        "|---|---|---|---|---|" + "---|" * len(against),
    ]
    for name, values in gains(grid).items():
        means = [phases.mean_ratio(values[at]) for at in (rho >= 0, rho >= DISORDERED,
                                                          rho < DISORDERED)]  # fmt: skip
        shown = [f"{mean:.2g}×" if np.isfinite(mean) else "–" for mean in means]
        related = [correlation(values, disorder)[:2] for disorder in against.values()]
        words = [f"{r:.2f} (p = {p:.1g})" if np.isfinite(r) else "–" for r, p in related]
        lines.append(
            f"| {name} | {shown[0]} | {extent(values)} | {shown[1]} | "
            f"{shown[2]} | {' | '.join(words)} |"
        )
    return "\n".join(lines)


def extent(values: np.ndarray) -> str:
    """The least and the largest of what is known."""
    known = values[np.isfinite(values)]
    return f"{known.min():.2g} to {known.max():.2g}" if len(known) else "–"


def end_table(grid: Grid) -> str:
    """Which of two ends lower, and by how much, over the points."""
    lines = ["| | against | lower | alike | higher | mean difference, of the fall |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    pairs = [(GCN, PAPERS), (OWN, TUNED), (SHARED, TUNED), (PRESET, TUNED), (OWN, LBFGS),
             (SHARED, LBFGS), (PRESET, LBFGS), (NEWTON, LBFGS)]  # fmt: skip
    for label, other in pairs:
        gap = grid.map(above(label, other)).ravel()
        gap = gap[np.isfinite(gap)]
        counts = (gap < -LOWER).sum(), (np.abs(gap) <= LOWER).sum(), (gap > LOWER).sum()
        lines.append(f"| {label} | {other} | {' | '.join(map(str, counts))} | {gap.mean():+.2g} |")
    return "\n".join(lines)


def judge(grids: Mapping[str, Grid]) -> tuple[Verdict, str]:
    """Whether gains rise with disorder, by the papers' rule and from one start, for each loss."""
    seen, clauses = [], []
    for loss, grid in grids.items():
        disorder = next(iter(disorders(grid).values()))
        theirs, fair = grid.map(at_stop(GCN)), grid.map(common(SHARED, "steps"))
        found = correlation(theirs, disorder), correlation(fair, disorder)
        seen += [risen(related) for related in found]
        higher = grid.map(above(GCN, PAPERS))
        clauses.append(
            f"with {LOSSES[loss]} Adam at 0.01 takes {np.nanmin(theirs):.2g} to "
            f"{np.nanmax(theirs):.2g} times as long to its stop as the network from the papers' "
            f"start (mean {phases.mean_ratio(theirs):.2g}), a gain that "
            f"{_goes(found[0])}; from one start the network's gain in steps over tuned Adam is "
            f"{phases.mean_ratio(fair):.2g}× in the mean and {_goes(found[1])}; from its own "
            f"start it ends higher than Adam by more than {LOWER:g} of the fall at "
            f"{int((higher > LOWER).sum())} of {len(grid)} points, and lower at "
            f"{int((higher < -LOWER).sum())}"
        )
    why = "; ".join(clauses)
    if min(map(len, grids.values())) < ENOUGH:
        return Verdict.OPEN, why
    return (Verdict.HOLDS if all(seen) else Verdict.IN_PART if any(seen) else Verdict.NOT), why


def risen(found: tuple[float, float, int]) -> bool:
    """Whether a correlation is there and not by chance."""
    return bool(found[0] > SEEN and found[1] < SURE)


def _goes(found: tuple[float, float, int]) -> str:
    r, p, count = found
    if not np.isfinite(r):
        return "cannot be set against disorder"
    turn = "does not change" if p >= SURE or abs(r) <= SEEN else "rises" if r > 0 else "falls"
    return (
        f"{turn} with disorder (rank correlation with 1 − ρ {r:.2f}, p = {p:.1g}, {count} points)"
    )


def findings(data: Pieces) -> Finding:
    """Gains against disorder and ends against each other, for both losses."""
    grids = {loss: grid for loss in LOSSES if len(grid := Grid(data, loss))}
    verdict, why = judge(grids)
    text = []
    for loss, grid in grids.items():
        text += [
            f"### {LOSSES[loss].capitalize()}: gains over {len(grid)} points",
            gain_table(grid),
            "Where each ends:",
            end_table(grid),
        ]
    return Finding(verdict, f"{why}.", "\n\n".join(text))


def draw(data: Pieces, place: Path) -> Figures:
    """The order parameter over the grid, and the gains beside it, a picture a loss."""
    drawn: Figures = []
    for loss, words in LOSSES.items():
        grid = Grid(data, loss)
        if not len(grid):
            continue
        panels = [
            Map("order parameter, lowest end", "ρ", grid.map(lowest("rho"))),
            Map("time to the papers' stop", "Adam's over gcn-a2's, in torch",
                grid.map(at_stop(GCN)), True),
            Map("steps, both from random phases", "tuned Adam's over gcn-a2's",
                grid.map(common(SHARED, "steps")), True),
        ]  # fmt: skip
        file = f"{loss}.png"
        maps(panels, grid.s1, grid.s2, ("s₁", "s₂"), place / file)
        drawn.append((file, f"{words.capitalize()}, c = 1: the phase diagram and the gains."))
    return drawn


ROW = Row(
    name="hopf-kuramoto",
    title="Hopf–Kuramoto oscillators",
    source="P1 and P2, Figs. 7 and 11",
    claim="How much sooner the network arrives varies with the phase of the oscillators, over "
    "s₁ and s₂, and is highest in the disordered one.",
    setting="A lattice of 50×50, c = 1. The papers' values: one layer of 10, propagation by the "
    "square of the adjacency, Adam at 0.01, 100 steps of the network and then of the phases, a "
    "patience of 10 at 1e-10. Of our choosing: s₁ from −1 to 1 and s₂ from −0.5 to 0.5, six of "
    "each, one seed a point, at most 20,000 steps and 4 s (0.4 s by our own rules). Both the loss "
    "that they print and the potential of the dynamics, whose s₁ and s₂ have other signs. All run "
    "in kernels and float64; for the papers' rule losses are rounded to float32 as torch has them, "
    "where 1e-10 means ten equal ones, and a step is priced at its time in eager torch. Tuned: "
    "Adam's rate from 0.03 to 0.3, whichever is first at an energy that both reach, 0.01 of the "
    "fall above the higher of the two ends. Disorder is 1 − ρ, or 1 − the mean order of a node "
    "with its neighbours, those who want to be opposite turned round.",
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("torch",),
)
