"""Solvers in torch as it is commonly used: eager Adam and L-BFGS, differentiated by autograd."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.race import Candidate
from meshrep.base.backends import backend_for
from meshrep.energies.base import Energy
from meshrep.solving.peers import Go, Recorder


def adam(energy: Energy, start: np.ndarray) -> Go:
    """A loop of ``loss.backward(); optimiser.step()`` with the step length of our ``adam``."""
    import torch

    backend = backend_for("torch", "cpu", "float64")
    formula: Any = energy.formula(backend)

    def go(recorder: Recorder) -> None:
        w = backend.asarray(start).requires_grad_(True)
        optimiser = torch.optim.Adam([w], lr=0.02 * energy.unit)
        recorder.look(0, lambda: start)
        step = 0
        while True:
            optimiser.zero_grad()
            formula.value(w).backward()
            optimiser.step()
            step += 1
            recorder.look(step, lambda: w.detach().numpy().copy())

    return go


def lbfgs(energy: Energy, start: np.ndarray) -> Go:
    """``torch.optim.LBFGS`` with its strong-Wolfe search and ten pairs; one iteration is a step."""
    import torch

    backend = backend_for("torch", "cpu", "float64")
    formula: Any = energy.formula(backend)

    def go(recorder: Recorder) -> None:
        w = backend.asarray(start).requires_grad_(True)
        optimiser = torch.optim.LBFGS(
            [w], max_iter=1, history_size=10, tolerance_grad=0.0, tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )  # fmt: skip

        def closure() -> Any:
            optimiser.zero_grad()
            loss = formula.value(w)
            loss.backward()
            return loss

        recorder.look(0, lambda: start)
        step = 0
        while True:
            optimiser.step(closure)
            step += 1
            recorder.look(step, lambda: w.detach().numpy().copy())

    return go


PEERS = [
    Candidate("torch Adam, eager", peer=adam, needs=("torch",), most=200_000),
    Candidate("torch L-BFGS", peer=lbfgs, needs=("torch",)),
]
