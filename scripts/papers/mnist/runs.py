"""Runs of a linear classifier of digits: the entrants, and the data that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from meshrep.base.backends import installed
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.monitor import Stopping
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.solving.contest import run_all
from meshrep.solving.entrants import Entrant, rates
from meshrep.solving.solution import Solution
from meshrep.solving.solve import solve
from meshrep.solving.solver import Solver
from papers.mnist.digits import Digits
from papers.mnist.softmax import SoftmaxRegression
from papers.row import Say

PAPERS_RATE, BATCH, SWITCH = 1e-3, 100, 50
TORCH_RATES = (1e-3, 1e-2, 3e-2)
LEAST_STEPS, WARM = 300, 0.1
TUNED, TORCH = "adam", "adam-torch"


def baselines(adam_rates: Sequence[float], steps: int) -> list[Entrant]:
    """Return Adam on the weights themselves, ours and torch's."""
    stopping = Stopping(max_steps=steps, gtol=0.0)
    found = rates(TUNED, lambda lr: (Solver(Adam(lr=lr), stopping=stopping), {}), adam_rates)
    if installed("torch"):
        from meshrep.minimisers.torch.optimisers import TorchOptimiser

        found += rates(
            TORCH,
            lambda lr: (Solver(TorchOptimiser(lr=lr), stopping=stopping, backend="torch"), {}),
            [rate for rate in TORCH_RATES if rate in adam_rates],
        )
    return found


def hybrid(
    rate: float,
    steps: int,
    width: int,
    start: str,
    propagation: str = "sym",
    then: float = PAPERS_RATE,
) -> Solver:
    """Return a solver of weights that are a network's output at first, and then free.

    Both stages run on one back end, so that the second continues the epoch of the first.
    """
    network = GraphNetwork(hidden=width, layers=1, propagation=propagation, network_start=start)
    rest = Solver(
        Adam(lr=then), stopping=Stopping(max_steps=steps - SWITCH, gtol=0.0),
        backend="numpy",
    )  # fmt: skip
    switch = Stopping(max_steps=SWITCH, gtol=0.0)
    return Solver(Adam(lr=rate), network, switch, then=rest, name="hybrid", backend="numpy")


def race(
    shown: Digits, entrants: Sequence[Entrant], seeds: range, say: Say, steps: int, links: str
) -> dict[str, Any]:
    """Run every entrant on every seed, with the same start and order of batches for all.

    Each runs for ``WARM`` seconds beforehand.
    """

    def posed(seed: int) -> SoftmaxRegression:
        return SoftmaxRegression(shown, batch=BATCH, links=links, seed=seed)

    runs = run_all(
        cache(posed), entrants, seeds, begin=say, warm_seconds=WARM, sample=followed,
        dtype="float32",
    )  # fmt: skip
    energy = SoftmaxRegression(shown)
    return {
        **about(shown),
        "steps": steps,
        "begun": [energy.value(energy.random_start(seed)) for seed in seeds],
        "groups": {entrant.label: entrant.tuned for entrant in entrants if entrant.tuned},
        "runs": {label: [kept(end) for end in several] for label, several in runs.items()},
    }


def about(shown: Digits) -> dict[str, Any]:
    """Return which images there are, and how many."""
    return {
        "images": shown.name, "side": shown.side, "learnt": len(shown.images),
        "tested": len(shown.test_images),
    }  # fmt: skip


def followed(energy: Any, w: np.ndarray) -> tuple[float, float]:
    """Return the cross-entropy of all images to learn from, and the test accuracy."""
    return energy.loss(w), energy.accuracy(w)


def kept(end: Solution) -> dict[str, Any]:
    """Return a run as plain data: its samples, and which test images it tells right."""
    assert isinstance(end.problem, SoftmaxRegression)
    right = end.problem.told_right(end.field)
    return {
        "begun": end.start_energy, "energy": end.energy, "steps": end.steps,
        "seconds": end.solve_s, "setup": end.setup_s, "prefit": end.prefit_s,
        "result": end.result.word, "accuracy": float(right.mean()),
        "right": np.packbits(right).tobytes().hex(), "tested": len(right),
        "curve": [[sample.step, sample.seconds, *sample.value] for sample in end.samples],
    }  # fmt: skip


def least(shown: Digits, say: Say) -> dict[str, Any]:
    """Run L-BFGS on all images at once, for the least cross-entropy and its test accuracy."""
    energy = SoftmaxRegression(shown)
    say("lbfgs")
    end = solve(
        energy, "lbfgs", max_steps=LEAST_STEPS, max_seconds=30.0, sample=partial(followed, energy)
    )
    return {**about(shown), "run": kept(end.raise_if_interrupted())}
