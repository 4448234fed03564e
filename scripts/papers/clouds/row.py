"""Clouds that grow loops in a box (P1 §3.2, Figs. 13–19; P2 §7.5): networks against Adam."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench.papers_clouds import COUNTS

from meshrep.base.tables import markdown, number, spread, times
from meshrep.solving.standings import geometric_mean
from papers.claims import Verdict, claim_table, counted, together
from papers.clouds import pictures as cloud_pictures
from papers.clouds.claims import (
    CLAIMED,
    ENOUGH,
    TOLD,
    cells_of,
    claims_of,
    gain_table,
    gains_words,
    late_words,
    loss_table,
    read,
)
from papers.clouds.runs import (
    ADAM_RATES,
    FLAT,
    LATE,
    NETWORK,
    PAPERS_ADAM,
    PAPERS_NETWORK,
    PAPERS_RATE,
    PAPERS_STEPS,
    PREFIT_RATE,
    SHARE,
    WINDOW,
    cell,
    everyone,
    grown,
    network_settings,
    with_optimisers,
)
from papers.row import Figures, Finding, Piece, Pieces, Row, Say, folded

SEEDS = {100: 5, 200: 3, 300: 2}  # by the number of points
RANGES = dict.fromkeys(SEEDS, (0.5, 1.0, 2.0, 4.0))  # half widths of the box
STEPS = dict.fromkeys(SEEDS, 800)  # most steps of a run
SWEPT, SWEPT_RANGE, SWEPT_SEEDS, SWEPT_STEPS = 100, 2.0, 3, 200  # settings and optimisers vary
QUICK_RANGES, QUICK_STEPS, QUICK_SEEDS, QUICK_SWEPT = {40: (1.0, 4.0)}, {40: 40}, {40: 1}, 40

SETTINGS, VARIED, CLOUD = "network settings", "optimisers", "a cloud"


def pieces(quick: bool) -> dict[str, Piece]:
    """Return a piece for every size and range, and for settings, optimisers and the picture."""
    ranges, limits = (QUICK_RANGES, QUICK_STEPS) if quick else (RANGES, STEPS)
    seeds = QUICK_SEEDS if quick else SEEDS
    n = QUICK_SWEPT if quick else SWEPT
    steps = min(SWEPT_STEPS, limits[n])
    swept = (n, SWEPT_RANGE, 1 if quick else SWEPT_SEEDS, steps, quick)
    found: dict[str, Piece] = {
        key_of(size, bound): partial(one, size, bound, seeds[size], limits[size])
        for size, several in ranges.items()
        for bound in several
    }  # fmt: skip
    found[SETTINGS] = partial(network_settings, *swept)
    found[VARIED] = partial(with_optimisers, *swept)
    found[CLOUD] = partial(grown, n, SWEPT_RANGE, limits[n])
    return found


def key_of(n: int, bound: float) -> str:
    """Return the name of the piece of a size and a range."""
    return f"{n} points, range {bound:g}"


def one(n: int, bound: float, seeds: int, steps: int, say: Say) -> dict[str, Any]:
    """Run one size in one box."""
    found = cell(n, bound, seeds, steps, everyone(), say)
    return {"n": n, "bound": bound, "seeds": seeds, "steps": steps, **found}


def findings(done: Pieces) -> Finding:
    """Return the claims one by one, and the tables."""
    contests = {key: data for key, data in done.items() if "fell" in data}
    if not contests:
        return Finding(Verdict.OPEN, "no contest is done", "")
    claims = claims_of(done)
    tuned, papers = cells_of(done, papers=False), cells_of(done, papers=True)
    parts = [claim_table(claims)]
    level = (
        f"The level is {SHARE:.0%} of a fall: from the start, moved into its box, to the end of "
        "the rate of adam that ends lowest in the mean. Tuned adam is the rate that reaches the "
        "level in most seeds, and then soonest. Gains are given in steps / training time / total "
        "time, as geometric means over the seeds in which both arrive, with their number and the "
        "least and the greatest gain in steps."
    )
    if tuned:
        parts += [
            level,
            folded("Gains over tuned adam", gain_table(tuned)),
            folded("Gains over adam at the papers' rate", gain_table(papers)),
            folded("Loss at the end", loss_table(done)),
            late_words(done, LATE),
        ]
    left_out = [key for key, data in contests.items() if data["fell"] < data["seeds"]]
    if left_out:
        parts.append(f"Left out, since Adam does not fall in every seed: {'; '.join(left_out)}.")
    if SETTINGS in done:
        parts += [
            folded(
                "Widths and rates of the network, and other solvers", swept_table(done[SETTINGS])
            )
        ]
    if VARIED in done and done[VARIED]["optimisers"]:
        table = optimiser_table(done[VARIED])
        parts += [folded("Other optimisers, alone and with the network", table)]
    if not tuned:
        return Finding(Verdict.OPEN, "Adam falls in no cell", "\n\n".join(parts))
    theirs = gains_words(papers, PAPERS_NETWORK)
    ours = gains_words(tuned, NETWORK)
    why = (
        f"{counted(claims)}. In steps, training and total time the papers' network gains {theirs} "
        f"over adam at their rate, and `{NETWORK}` {ours} over tuned adam, where {CLAIMED:g}× in "
        "training and half of it in total are claimed"
    )
    return Finding(together(claims), why, "\n\n".join(parts))


def where(data: Mapping[str, Any]) -> str:
    """Say on which clouds settings and optimisers were varied."""
    seeds = f"{data['seeds']} seed{'s' * (data['seeds'] > 1)}"
    return f"{data['n']} points, range {data['bound']:g}, {seeds}"


def swept_table(data: Mapping[str, Any]) -> str:
    """Return a table of networks against the best rate of adam on the same clouds."""
    found = read(data["contest"], data["contest"]["tuned"])
    rows = []
    for label, standing in found.runs.items():
        several = [found.gains(label, count) for count in COUNTS]
        shown = [times(geometric_mean(gains).value) for gains in several]
        shown[0] += f" ({len(several[0])} of {data['seeds']})" * (len(several[0]) < data["seeds"])
        name = f"{label} (tuned)" if label == found.tuned else label
        losses, steps = standing.column("energy"), standing.column("steps").mean()
        rows.append([name, spread(losses), number(steps), *shown])
    head = ["", "loss", "steps", "gain in steps", "in training", "in total"]
    return f"{markdown(head, rows)}\n\nOn {where(data)}."


def optimiser_table(data: Mapping[str, Any]) -> str:
    """Return a table of each optimiser at its best rate, alone and with the network."""
    rows = []
    wins = 0
    for method, several in data["optimisers"].items():
        alone, with_net = several["alone"], several["network"]
        found = read(several, alone)
        gains = [times(geometric_mean(found.gains(with_net, c)).value) for c in COUNTS[:2]]
        losses = [found.runs[label].column("energy").mean() for label in (alone, with_net)]
        rates = [_rate(label, several["runs"]) for label in (alone, with_net)]
        wins += losses[1] < losses[0]
        shown = [cell for loss, rate in zip(losses, rates, strict=True)
                 for cell in (number(loss, 4), rate)]  # fmt: skip
        rows.append([method, *shown, *gains])
    head = ["optimiser", "alone", "rate", "with the network", "rate", "gain in steps",
            "in training"]  # fmt: skip
    said = (
        f"With the network the loss ends lower for {wins} of {len(data['optimisers'])} optimisers, "
        f"on {where(data)}. All are torch's, each at the best of three rates alone and the better "
        "of two with the network, (edge) where it is the lowest or the highest of them; gains are "
        "over the same optimiser alone."
    )
    return f"{markdown(head, rows)}\n\n{said}"


def _rate(label: str, labels: Mapping[str, Any]) -> str:
    """Return the rate in a label, and whether it is at an edge of those tried."""
    kind, rate = label.split()
    tried = [float(other.split()[1]) for other in labels if other.startswith(kind)]
    edge = len(tried) > 1 and float(rate) in (min(tried), max(tried))
    return rate + " (edge)" * edge


def draw(done: Pieces, place: Path) -> Figures:
    """Draw the gain over the range for every size, and a cloud before and after."""
    found: Figures = []
    tuned, papers = cells_of(done, papers=False), cells_of(done, papers=True)
    if tuned:
        cloud_pictures.curves(tuned, papers, CLAIMED, place / "gain.png")
        caption = (
            f"Gain in training time over the range: `{NETWORK}` over tuned adam on the left, the "
            "papers' network over adam at their rate on the right. Every seed is a point; lines "
            "are geometric means."
        )
        found.append(("gain.png", caption))
    if CLOUD in done:
        cloud_pictures.cloud(done[CLOUD], place / "cloud.png")
        caption = "A cloud before and after as many steps of tuned adam and of the network."
        found.append(("cloud.png", caption))
    return found


ROW = Row(
    name="clouds",
    title="Persistent homology of clouds",
    source="P1 §3.2, Figs. 13–19; P2 §7.5",
    claim=(
        "A one-layer GCN, fitted to the cloud first, grows loops some 4 times faster than Adam on "
        "the points; with the fit counted about half of it is left; and the gain grows with the "
        "box's range up to 4."
    ),
    setting=(
        "Points uniform in [−1, 1]², −Σ(½(d − b))² over the loops of their Rips complex and the "
        "squared distance to the box [−r, r]². The papers' network: widths 8 and 6, identity "
        f"input, Rips graph half way between the least and the greatest birth, prefit by Adam at "
        f"{PREFIT_RATE:g}, then Adam at {PAPERS_RATE:g} (the papers say below 0.01), lengths not "
        f"scaled; against it Adam at the same {PAPERS_RATE:g}. `{NETWORK}`: the same network in "
        "units of the box, handing over to the points after 100 steps; `gcn`: a network that "
        "begins at the cloud exactly, without a fit. That of the papers begins near it by its "
        f"fit, which is their start. Tuned adam: the best of "
        f"{', '.join(f'{rate:g}' for rate in ADAM_RATES)} half widths in each cell. "
        f"A run ends where {WINDOW} steps have brought less than {FLAT:.0%} of the loss, or at "
        f"{max(STEPS.values()):,} steps; {PAPERS_ADAM}, whose way is as long as the box is wide, "
        f"may take {PAPERS_STEPS:,} for every unit of r. The papers' own rule (10 steps that each "
        "change the loss by less than 1e-15) is on for their network and their Adam; about the "
        "kinks of this loss a rate that stays goes to and fro. There are "
        + ", ".join(f"{seeds} seeds with {n} points" for n, seeds in SEEDS.items())
        + f"; a gain is judged where at least {ENOUGH:.0%} of them have both arrive, and a claim "
        f"by those gains where they are {TOLD:.0%} or more of all. "
        f"kernel, sgd and lbfgs, and other widths, rates and optimisers, on {SWEPT} points in "
        f"range {SWEPT_RANGE:g}, {SWEPT_SEEDS} seeds and {SWEPT_STEPS} steps at most. "
        "There is no Newton: the loss has kinks. Nearly all of a step is spent on persistence, so "
        "that torch's Adam takes as long as ours: see the optimisers. Under --quick 40 points, two "
        "ranges, one seed and 40 steps."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("gudhi",),
    version=4,
)
