"""Hopf–Kuramoto oscillators over (s₁, s₂): where the papers' network gains, beside the phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.base.outcome import Result
from meshrep.base.tables import markdown, number, times
from meshrep.solving.standings import Standing, geometric_mean, standings
from papers import phases
from papers.claims import Claim, Verdict, claim_table, counted, judged, together
from papers.hopf_kuramoto.grid import Grid, correlation, related
from papers.hopf_kuramoto.maps import Map, maps
from papers.hopf_kuramoto.runs import (
    GCN,
    LBFGS,
    LEVEL,
    LOSSES,
    NETWORK_STEP,
    NEWTON,
    OUTPUT,
    OWN,
    PAPERS,
    PRESET,
    SEEDS,
    SHARED,
    STEP,
    TUNED,
    pieces,
)
from papers.row import Figures, Finding, Pieces, Row, folded

SEEN, SURE = 0.3, 0.05  # least rank correlation that counts, and largest p-value
LOWER = 1e-3  # share of the fall by which an end is lower than another
ENOUGH = 20  # fewest points of a grid that settle anything
DISORDERED = 0.5  # ρ, or local order, below which phases are disordered
FLAT = Result.FLAT.word  # the papers' stop in the record of a run
VARIES = 3.0  # ratio of the largest to the least gain from which on gains vary


def one(cell: Mapping[str, Any], label: str) -> Standing:
    """Return an entrant's standing; for a group that of its best rate."""
    return standings(cell, LEVEL)[label]


def measured(label: str, name: str) -> Any:
    """Return a function of a cell: the mean of a measure of an entrant's ends."""
    return lambda cell: float(np.mean(one(cell, label).measured(name)))


def priced(cell: Mapping[str, Any], label: str) -> float:
    """Return the seconds that a run by the papers' rule takes in torch, from its steps."""
    own, network = (
        float(np.mean(one(cell, name).column("seconds") / one(cell, name).column("steps")))
        for name in (STEP, NETWORK_STEP)
    )
    steps = float(np.mean(one(cell, label).column("steps")))
    first = min(steps, phases.SWITCH if label == GCN else 0)
    return first * network + (steps - first) * own


def at_stop(label: str, what: str = "seconds") -> Any:
    """Return a function of a cell: Adam's steps or time to its stop over those of an entrant.

    Time is that of torch, as :func:`priced` computes it.
    """

    def ratio(cell: Mapping[str, Any]) -> float:
        if what == "steps":
            return geometric_mean(phases.at_stop(one(cell, label), one(cell, PAPERS), what)).value
        return priced(cell, PAPERS) / max(priced(cell, label), 1e-7)

    return ratio


def common(label: str, what: str) -> Any:
    """Return a function of a cell that reads such a gain."""
    return lambda cell: cell["common"][label][what]


def lowest(name: str) -> Any:
    """Return a function of a cell: a measure of the lowest end of all."""

    def least(cell: Mapping[str, Any]) -> float:
        every = [run for runs in cell["runs"].values() for run in runs]
        return float(min(every, key=lambda run: run["energy"])["measures"][name])

    return least


def above(label: str, other: str) -> Any:
    """Return a function of a cell: how far an entrant ends above another, in shares of the fall."""

    def difference(cell: Mapping[str, Any]) -> float:
        fall = float(np.mean(cell["begun"])) - cell["reference"]
        gap = one(cell, label).column("energy") - one(cell, other).column("energy")
        return float(np.mean(gap)) / fall

    return difference


def honest(grid: Grid) -> np.ndarray:
    """Return the papers' gain in time where it means something, NaN elsewhere.

    The network must end no higher than Adam, and one of them must stop before its last step.
    """
    higher = grid.map(above(GCN, PAPERS)) > LOWER
    return np.where(higher | (grid.map(unstopped) > 0), np.nan, grid.map(at_stop(GCN)))


def unstopped(cell: Mapping[str, Any]) -> float:
    """Return 1 if neither Adam nor the network came to the papers' stop in any seed, else 0."""
    runs = [run for label in (PAPERS, GCN) for run in one(cell, label).runs]
    return float(not any(run["result"] == FLAT for run in runs))


def gains(grid: Grid) -> dict[str, np.ndarray]:
    """Return every kind of gain over the grid, by its name in tables."""
    return {
        "time to the papers' stop, gcn-a2 from their start, where it ends no higher": honest(grid),
        "the same, everywhere": grid.map(at_stop(GCN)),
        "steps to it, everywhere": grid.map(at_stop(GCN, "steps")),
        "time to it, Adam begun at the network's output": grid.map(at_stop(OUTPUT)),
        "steps over tuned Adam, gcn-a2 from the papers' start": grid.map(common(OWN, "steps")),
        "steps over tuned Adam, gcn-a2 from one start": grid.map(common(SHARED, "steps")),
        "time over tuned Adam, gcn-a2 from one start": grid.map(common(SHARED, "seconds")),
        "the same time, preset on the circle": grid.map(common(PRESET, "seconds")),
        "time over tuned Adam, lbfgs": grid.map(common(LBFGS, "seconds")),
    }


def disorders(grid: Grid) -> dict[str, np.ndarray]:
    """Return two measures of disorder of the lowest end over the grid (s₂, s₁), from 0 to 1.

    Two groups of opposite phases are disordered by the first and ordered by the second.
    """
    return {
        "1 − ρ": 1 - grid.map(lowest("rho")),
        "1 − local order": 1 - grid.map(lowest("local order")),
    }


def gain_table(grid: Grid) -> str:
    """Return a table of gains in order and in disorder, and their rank correlations."""
    against = disorders(grid)
    halves = [f"{name[4:]} {sign} {DISORDERED}" for name in against for sign in "≥<"]
    with_each = [f"{'correlation ' * (not k)}with {name}" for k, name in enumerate(against)]
    lines = []
    for name, values in gains(grid).items():
        means = [times(geometric_mean(part).value) for part in halved(values, against)]
        whole = geometric_mean(values)
        extent = f"{number(whole.low, 2)} to {number(whole.high, 2)}" if whole.known else "–"
        words = [related(correlation(values, disorder)) for disorder in against.values()]
        lines.append([name, times(whole.value), extent, *means, *words])
    return markdown(["gain in", "mean", "least to most", *halves, *with_each], lines)


def halved(values: np.ndarray, against: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return the values in order and those in disorder, by each measure."""
    parts = []
    for disorder in against.values():
        parts += [values[disorder <= 1 - DISORDERED], values[disorder > 1 - DISORDERED]]
    return parts


def solver_table(grid: Grid) -> str:
    """Return a table of steps, time and energy of every solver over the points."""
    head = ["solver", "steps: median (least to most)", "time in kernels, ms: median",
            "time in torch, s: median", "energy of an oscillator: mean"]  # fmt: skip
    lines = []
    for label in (PAPERS, OUTPUT, GCN, TUNED, OWN, SHARED, PRESET, LBFGS, NEWTON):
        steps, seconds, energy = (
            grid.map(lambda cell, label=label, what=what: one(cell, label).column(what).mean())
            for what in ("steps", "seconds", "energy")
        )
        nodes = grid.map(lambda cell: cell["nodes"])
        torch = "–"
        if label in (PAPERS, OUTPUT, GCN):
            torch = number(np.nanmedian(grid.map(lambda cell, label=label: priced(cell, label))))
        lines.append(
            [label,
             f"{number(np.nanmedian(steps))} ({number(np.nanmin(steps))} to "
             f"{number(np.nanmax(steps))})",
             number(1e3 * np.nanmedian(seconds)), torch, number(np.nanmean(energy / nodes), 5)]
        )  # fmt: skip
    return markdown(head, lines)


def point_table(grid: Grid) -> str:
    """Return a table of Adam and the network by the papers' rule at every point."""
    head = ["s₁", "s₂", "ρ", "local order", "steps: Adam", "gcn-a2", "time in torch, s: Adam",
            "gcn-a2", "energy: Adam", "gcn-a2"]  # fmt: skip
    lines = []
    for (s1, s2), cell in sorted(grid.cells.items(), key=lambda item: item[0][::-1]):
        both = one(cell, PAPERS), one(cell, GCN)
        shown = [number(s1, 2), number(s2, 2)]
        shown += [f"{abs(lowest(name)(cell)):.2f}" for name in ("rho", "local order")]
        shown += [number(s.column("steps").mean()) for s in both]
        shown += [number(priced(cell, label)) for label in (PAPERS, GCN)]
        shown += [number(s.column("energy").mean(), 5) for s in both]
        lines.append(shown)
    return markdown(head, lines)


def end_table(grid: Grid) -> str:
    """Return a table of which of two ends is lower, and by how much, over the points."""
    head = ["", "against", "lower", "alike", "higher", "mean difference, of the fall"]
    lines = []
    pairs = [(GCN, PAPERS), (OWN, TUNED), (SHARED, TUNED), (PRESET, TUNED), (OWN, LBFGS),
             (SHARED, LBFGS), (PRESET, LBFGS), (NEWTON, LBFGS)]  # fmt: skip
    for label, other in pairs:
        gap = grid.map(above(label, other)).ravel()
        gap = gap[np.isfinite(gap)]
        counts = (gap < -LOWER).sum(), (np.abs(gap) <= LOWER).sum(), (gap > LOWER).sum()
        lines.append([label, other, *counts, number(gap.mean(), 2)])
    return markdown(head, lines)


def varies(grids: Mapping[str, Grid]) -> tuple[Claim, str]:
    """Judge whether gains vary with the phase: by a large factor, and with a measure of order."""
    passed, seen, short = [], [], []
    for loss, grid in grids.items():
        values = honest(grid)
        whole = geometric_mean(values)
        found = {name: correlation(values, d) for name, d in disorders(grid).items()}
        moved = any(turn(several) for several in found.values())
        passed.append(whole.high > VARIES * whole.low and moved)
        span = f"{number(whole.low, 2)} to {times(whole.high)}"
        seen.append(
            f"{LOSSES[loss]}: Adam at 0.01 takes {span} the network's time to the papers' stop, "
            f"{times(whole.value)} in the mean of the {whole.known} of {len(grid)} points "
            "at which the network ends no higher and either comes to its stop"
        )
        short.append(f"{span} ({loss})")
    words = ", ".join(short)
    claim = Claim("the gain varies with the phase", verdict(passed, grids), "; ".join(seen))
    return claim, f"by the papers' rule the network gains {words}"


def highest(grids: Mapping[str, Grid]) -> tuple[Claim, str]:
    """Judge whether gains rise with disorder by both measures, and are gains in disorder."""
    passed, seen, short = [], [], []
    for loss, grid in grids.items():
        values, against = honest(grid), disorders(grid)
        found = {name: correlation(values, disorder) for name, disorder in against.items()}
        means = [geometric_mean(part).value for part in halved(values, against)]
        passed.append(all(turn(several) > 0 for several in found.values()) and means[1] > 1.0)
        rank = ", ".join(f"with {name} {related(several)}" for name, several in found.items())
        order, disorder = times(means[0]), times(means[1])
        seen.append(
            f"{LOSSES[loss]}: {order} where ρ ≥ {DISORDERED} and {disorder} where it is less, "
            f"rank correlation {rank}"
        )
        short.append(f"{order} in order and {disorder} in disorder ({loss})")
    claim = Claim("it is highest in the disordered phase", verdict(passed, grids), "; ".join(seen))
    return claim, f"in the mean {', '.join(short)}"


def arrives(grids: Mapping[str, Grid]) -> tuple[Claim, str]:
    """Judge whether the network gains over tuned Adam from the same random phases."""
    passed, seen = [], []
    for loss, grid in grids.items():
        steps, seconds = (
            geometric_mean(grid.map(common(SHARED, what))) for what in ("steps", "seconds")
        )
        passed.append(min(steps.value, seconds.value) > 1.0)
        seen.append(
            f"{LOSSES[loss]}: {times(steps.value)} in steps and "
            f"{times(seconds.value)} in time, {number(steps.low, 2)} to "
            f"{times(steps.high)} in steps over {steps.known} points"
        )
    means = [geometric_mean(grid.map(common(SHARED, "steps"))).value for grid in grids.values()]
    claim = Claim(
        "the network arrives sooner: over tuned Adam from the same random phases",
        verdict(passed, grids),
        "; ".join(seen) + "; all in kernels",
    )
    return (
        claim,
        f"over tuned Adam from one start {times(geometric_mean(means).value)} in steps",
    )


def verdict(passed: Sequence[bool], grids: Mapping[str, Grid]) -> Verdict:
    """Return the verdict on both losses; OPEN if a grid has too few points to tell."""
    if not grids or min(map(len, grids.values())) < ENOUGH:
        return Verdict.OPEN
    return judged(passed)


def turn(found: tuple[float, float, int]) -> int:
    """Return 1 for a significant correlation, −1 for a negative one, else 0."""
    return int(np.sign(found[0])) if abs(found[0]) > SEEN and found[1] < SURE else 0


def findings(data: Pieces) -> Finding:
    """Return gains over disorder, and ends against each other, for both losses."""
    grids = {loss: grid for loss in LOSSES if len(grid := Grid(data, loss))}
    if not grids:
        return Finding(Verdict.OPEN, "no point was run.", "")
    found = [varies(grids), highest(grids), arrives(grids)]
    claims = [claim for claim, _ in found]
    text = [claim_table(claims)]
    for loss, grid in grids.items():
        words = LOSSES[loss].capitalize()
        text += [
            f"### {words}: steps, time and energy, {len(grid)} points",
            solver_table(grid),
            folded(f"{words}: every point by the papers' rule", point_table(grid)),
            folded(f"{words}: gains against disorder", gain_table(grid)),
            folded(f"{words}: which of two ends lower, at how many points", end_table(grid)),
        ]
    why = f"{counted(claims)}: {'; '.join(short for _, short in found)}."
    return Finding(together(claims), why, "\n\n".join(text))


def draw(data: Pieces, place: Path) -> Figures:
    """Draw the order parameter and the gains over the grid, one picture per loss."""
    drawn: Figures = []
    for loss, words in LOSSES.items():
        grid = Grid(data, loss)
        if not len(grid):
            continue
        panels = [
            Map("order parameter, lowest end", "ρ", grid.map(lowest("rho"))),
            Map("time to the papers' stop", "Adam's over gcn-a2's, in torch", honest(grid), True),
            Map("steps, both from random phases", "tuned Adam's over gcn-a2's",
                grid.map(common(SHARED, "steps")), True),
        ]  # fmt: skip
        file = f"{loss}.png"
        maps(panels, grid.s1, grid.s2, ("s₁", "s₂"), place / file)
        drawn.append(
            (
                file,
                f"{words.capitalize()}, c = 1, mean over the seeds: the phase diagram and "
                "the gains. In the second map – stands where the network ends higher, or neither "
                "stops.",
            )
        )
    return drawn


ROW = Row(
    name="hopf-kuramoto",
    title="Hopf–Kuramoto oscillators",
    source="P1 and P2, Figs. 7 and 11",
    claim="How much sooner the network arrives varies with the phase of the oscillators, over "
    "s₁ and s₂, and is highest in the disordered one.",
    setting=(
        "A lattice of 50×50, c = 1. The papers' values: one layer of 10, propagation by the "
        "square of the adjacency, Adam at 0.01, 100 steps of the network and then of the phases, "
        "a patience of 10 at 1e-10. Our choice: six values each of s₁ from −1 to 1 and s₂ from "
        f"−0.5 to 0.5, {len(SEEDS)} seeds a point, at most 20,000 steps and 4 s (0.4 s by our own "
        "rules). Both the loss that the papers print and the potential of the dynamics, whose s₁ "
        "and s₂ have other signs, are run. All run in kernels and float64. For the papers' rule "
        "losses are rounded to float32, torch's type, in which 1e-10 means ten equal losses, and "
        "a step counts the time that it takes in eager torch by autograd. Tuned: Adam's rate "
        "from 0.03 to 0.3, whichever is first at an energy that both reach, 0.01 of the fall "
        "above the higher of the two ends. Disorder is 1 − ρ, or 1 − the mean order of a node "
        "with its neighbours, in which phases that are meant to be opposite are turned round."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("torch",),
    version=2,
)
