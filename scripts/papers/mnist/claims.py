"""The papers' claims on MNIST, judged by the runs, and their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from meshrep.base.tables import markdown, number, spread
from meshrep.solving.standings import Mean, Standing, gain, gained, standings
from meshrep.solving.table import factor
from papers.claims import Claim, judged
from papers.mnist.runs import PAPERS_RATE, TORCH, TUNED
from papers.row import Pieces

LEVEL = "1e-1"  # early: nine tenths of the whole fall of adam at the papers' rate
LEVELS = ("5e-1", "2e-1", LEVEL)
FEWEST = 3  # fewest seeds that decide anything
FASTER = 1.2  # ratio from which on a solver is faster
CLAIMED, CLAIMED_TESTS = (0.9268, 0.9271), 10_000  # accuracies on MNIST's test images
ENOUGH = 2 / 3  # least share of the seeds in which both must arrive
NOISE = 2.0  # standard errors within which two accuracies are the same

PAPERS_ADAM = "adam, the papers' rate"
PAPERS, SHARED = "hybrid, the papers' start", "hybrid, the shared start"
HYBRID_TUNED = "hybrid, the papers' start, tuned"
SHARED_TUNED = "hybrid, the shared start, tuned"
BASELINES, LEAST, GRAPHS = "baselines", "least", "other graphs"
NO_GRAPH, GRID = "hybrid, no graph", "hybrid, the grid of pixels"

Sampled = list[float]  # step, seconds, cross-entropy, test accuracy


def cell_of(done: Pieces) -> dict[str, Any]:
    """Return the pieces as one contest, with levels in the fall of adam at the papers' rate.

    A searched rate that ends worse on the test images is counted as never arriving: it loses in the
    end what it gains early.
    """
    found = [data for data in done.values() if "runs" in data]
    ends = {label: several for data in found for label, several in data["runs"].items()}
    begun = found[0]["begun"]
    ends = {
        PAPERS_ADAM: ends[f"{TUNED}, rate {PAPERS_RATE:g}"],
        **ends,
    }
    reference = float(np.mean([run["energy"] for run in ends[PAPERS_ADAM]]))
    runs = {
        label: [
            {**run, "to": {at: reached(run["curve"], high, reference, at) for at in LEVELS}}
            for run, high in zip(several, begun, strict=True)
        ]
        for label, several in ends.items()
    }
    groups = {label: group for data in found for label, group in data["groups"].items()}
    against = Standing(PAPERS_ADAM, runs[PAPERS_ADAM])
    for label in groups:
        mean, error = difference(Standing(label, runs[label]), against)
        if mean < -NOISE * error:
            runs[label] = [{**run, "to": dict.fromkeys(LEVELS)} for run in runs[label]]
    return {"begun": begun, "reference": reference, "groups": groups, "runs": runs}


def reached(
    curve: Sequence[Sampled], high: float, reference: float, level: str
) -> list[float] | None:
    """Return steps and seconds at the first sample at or below a level; None if there is none."""
    wanted = reference + float(level) * (high - reference)
    for step, seconds, loss, _ in curve:
        if loss <= wanted:
            return [step, seconds]
    return None


def contenders(cell: Mapping[str, Any]) -> tuple[Standing, Standing, Standing, Standing]:
    """Return the hybrid and adam at the papers' rate, and both at their own best."""
    rows = standings(cell, LEVEL)
    theirs = rows[f"{PAPERS}, rate {PAPERS_RATE:g}"]
    return theirs, rows[PAPERS_ADAM], rows.get(HYBRID_TUNED, theirs), rows[TUNED]


def claims_of(cell: Mapping[str, Any]) -> list[Claim]:
    """Judge whether it is faster early, at the papers' rate and tuned, and as good in the end."""
    theirs, adam, best, tuned = contenders(cell)
    mean, error = difference(theirs, adam)
    torch = f"{TORCH}, rate {PAPERS_RATE:g}"
    eager = ""
    if torch in cell["runs"]:
        over = gained(theirs, Standing(torch, cell["runs"][torch]), LEVEL, "seconds")
        eager = f"; over torch's adam {factor(over, len(theirs.runs))} in time"
    their, their_error = CLAIMED[1] - CLAIMED[0], error_of(CLAIMED[0], CLAIMED_TESTS)
    good = (
        f"{_points(mean)} ± {100 * error:.2f} points, the error that of seeds and test images; the "
        f"papers' {_points(their)} is less than the ±{100 * their_error:.2f} of one accuracy on "
        f"{CLAIMED_TESTS:,} images"
    )
    return [
        faster("learns faster early, both at the papers' rate", theirs, adam, eager),
        faster("the same with both rates searched", best, tuned, ""),
        Claim("is as good in the end", judged([bool(mean >= -NOISE * error)]), good),
    ]


def faster(says: str, mine: Standing, other: Standing, more: str) -> Claim:
    """Judge whether one gets to the level in fewer steps and in less time than the other."""
    seeds = len(mine.runs)
    gains = [gained(mine, other, LEVEL, what) for what in ("steps", "seconds")]
    steps, seconds = (factor(each, seeds) for each in gains)
    seen = f"`{mine.shown}` over `{other.shown}` to {LEVEL}: {steps} in steps, {seconds} in time"
    return Claim(says, judged([_ahead(each, other, seeds) for each in gains]), seen + more)


def _ahead(found: Mean, other: Standing, seeds: int) -> bool | None:
    """Say whether there is a gain; None if the other arrives too seldom to tell."""
    if found.known >= ENOUGH * seeds:
        return found.value >= FASTER
    return False if other.reached(LEVEL) >= ENOUGH * seeds else None


def because(cell: Mapping[str, Any]) -> str:
    """Return the figures that decide."""
    theirs, adam, best, tuned = contenders(cell)
    mean, error = difference(theirs, adam)
    at_theirs, at_best = (
        " in steps and ".join(_gain(gain(*pair, LEVEL, what)) for what in ("steps", "seconds"))
        for pair in ((theirs, adam), (best, tuned))
    )
    return (
        f"To level {LEVEL} the hybrid gains {at_theirs} in time over adam at the papers' rate, and "
        f"{at_best} with both rates searched; in the end the test images that it tells right "
        f"differ by {_points(mean)} ± {100 * error:.2f} points"
    )


def graph_words(cell: Mapping[str, Any]) -> str:
    """Say how many of the network's steps it takes without a graph; empty if that was not run."""
    with_graph = f"{SHARED}, rate {PAPERS_RATE:g}"
    if NO_GRAPH not in cell["runs"] or with_graph not in cell["runs"]:
        return ""
    network, without = (Standing(label, cell["runs"][label]) for label in (with_graph, NO_GRAPH))
    share = gain(network, without, LEVEL, "steps")
    if not np.isfinite(share):
        return ""
    return (
        f"Without any graph (P = I) the network needs {number(share, 2)} times the steps that it "
        f"needs with the covariance: what it gains is {'not ' * (share <= 1)}the graph's."
    )


def _points(share: float) -> str:
    """Return a difference of accuracies in points, with its sign."""
    return f"{100 * share:+.2f}".replace("-", "−")


def _gain(value: float) -> str:
    return "– (not reached)" if np.isnan(value) else f"{number(value, 2)}×"


def difference(mine: Standing, other: Standing) -> tuple[float, float]:
    """Return the mean difference of accuracy, pair by pair, and its standard error.

    The error adds two squares: over seeds, and over images, most of which both solvers get alike.
    """
    apart = bits(mine) - bits(other)  # (seeds, images)
    squares = [
        np.var(values, ddof=1) / len(values)
        for values in (apart.mean(axis=1), apart.mean(axis=0))
        if len(values) > 1
    ]
    return float(apart.mean()), float(np.sqrt(sum(squares)))


def bits(standing: Standing) -> np.ndarray:
    """Return 1 for each test image that was told right, as (seeds, images)."""
    rows = [
        np.unpackbits(np.frombuffer(bytes.fromhex(run["right"]), np.uint8), count=run["tested"])
        for run in standing.runs
    ]
    return np.array(rows, dtype=float)


def error_of(share: float, count: int) -> float:
    """Return the standard error of a share of independent images."""
    return float(np.sqrt(share * (1 - share) / count))


def accuracies(cell: Mapping[str, Any]) -> str:
    """Return a table of every entrant's accuracy, and its difference from the papers' adam."""
    against = Standing(PAPERS_ADAM, cell["runs"][PAPERS_ADAM])
    lines = []
    for label, runs in cell["runs"].items():
        if label == f"{TUNED}, rate {PAPERS_RATE:g}":
            continue  # it is the first row
        standing = Standing(label, runs)
        mean, error = difference(standing, against)
        above = "–" if label == PAPERS_ADAM else f"{_points(mean)} ± {100 * error:.2f}"
        shown = spread(100 * standing.column("accuracy"), 4)
        lines.append((label, shown, above))
    note = (
        "± on the left is the standard deviation over seeds. On the right it is the standard "
        "error of a difference taken in pairs, over seeds and images."
    )
    head = ("solver", "test accuracy, %", "points above that adam")
    return f"{markdown(head, lines)}\n\n{note}"


def least_words(data: Mapping[str, Any]) -> str:
    """Say what minimising to the end brings."""
    run = data["run"]
    best = max(run["curve"], key=lambda sample: sample[3])
    return (
        f"L-BFGS on all images at once brings the cross-entropy to {run['energy']:.2g} in "
        f"{run['steps']} steps, {run['seconds']:.2g} s ({run['result']}), and tells "
        f"{100 * run['accuracy']:.2f}% of the test images right; its best was "
        f"{100 * best[3]:.2f}%, after {best[0]} steps at {best[2]:.3g}. Less cross-entropy is not "
        "more accuracy here, so that speed is counted early."
    )
