"""Try a torch optimiser on a few numbers to learn how it moves, before it moves a field."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

Make = Callable[[torch.Tensor], Any]  # a variable ↦ an optimiser of it

LIKE = 1e-6  # steps with at most this relative difference count as equal
PROBES = (640, 1280)  # rows; more than the blocks into which some optimisers cut their matrices
_TURN = threading.RLock()


@dataclass(frozen=True)
class Traits:
    """How an optimiser moves.

    Attributes
    ----------
    shaped : bool
        Whether the steps or the optimiser's state depend on the shape of the variables' matrix,
        as in Shampoo.
    closure : bool
        Whether ``step`` evaluates the energy itself, through a closure.
    """

    shaped: bool
    closure: bool


def traits(make: Make, like: torch.Tensor, closure: bool, curvature: bool) -> Traits:
    """The traits, from two steps on sixteen numbers: as a column, and folded.

    ``like`` gives the dtype and the device. ``closure`` and ``curvature`` say whether the class's
    ``step`` takes these. Exceptions of the optimiser are not caught.
    """

    def rehearse(rows: int, columns: int) -> tuple[torch.Tensor, int]:
        return _rehearse(make, like, (rows, columns), 2, closure, curvature)

    try:
        column, kept = rehearse(16, 1)
    except Exception as error:
        if closure or type(error).__name__ != "NoClosureError":
            raise
        closure = True
        column, kept = rehearse(16, 1)
    folded, kept_folded = rehearse(4, 4)
    apart = float((folded - column).norm())
    return Traits(
        shaped=apart > LIKE * float(column.norm()) or kept != kept_folded,
        closure=closure,
    )


def numbers_a_pair(make: Make, like: torch.Tensor, closure: bool, curvature: bool) -> float:
    """How many numbers the optimiser keeps per pair of rows; 0 if its state grows linearly."""
    small, large = (_rehearse(make, like, (rows, 1), 1, closure, curvature)[1] for rows in PROBES)
    return large / PROBES[1] ** 2 if large > 3 * small else 0.0


def keeps_matrices(optimiser: Any, variable: torch.Tensor) -> bool:
    """Whether an optimiser keeps a matrix with more entries than its variable."""
    tensors = _tensors(getattr(optimiser, "state", {}))
    return any(t.dim() >= 2 and t.numel() > variable.numel() for t in tensors)


def _rehearse(
    make: Make,
    like: torch.Tensor,
    shape: tuple[int, int],
    steps: int,
    closure: bool,
    curvature: bool,
) -> tuple[torch.Tensor, int]:
    """The flat displacement after some steps, and how many numbers the optimiser then keeps."""
    count = shape[0] * shape[1]
    start = torch.linspace(0.3, 0.7, count, dtype=like.dtype, device=like.device)
    slopes = torch.sin(torch.arange(1, count + 1, dtype=like.dtype, device=like.device) ** 2)
    variable = start.reshape(shape).clone().requires_grad_(True)
    with drawing_from(0, like.device):
        optimiser = make(variable)
        if callable(getattr(optimiser, "train", None)):
            optimiser.train()
        for _ in range(steps):

            def evaluate() -> torch.Tensor:
                variable.grad = slopes.reshape(shape).clone()
                return (variable.detach() * variable.grad).sum()

            evaluate()
            if curvature:
                optimiser.step(hessian=[torch.ones_like(variable)])
            elif closure:
                optimiser.step(evaluate)
            else:
                optimiser.step()
    kept = sum(tensor.numel() for tensor in _tensors(getattr(optimiser, "state", {})))
    return variable.detach().reshape(-1) - start, kept


@contextmanager
def drawing_from(seed: int, device: torch.device) -> Iterator[None]:
    """Start the global random generators from a seed, and restore their states afterwards.

    They are those of torch (on the host and on a GPU ``device``), ``random`` and
    ``numpy.random``. Other threads that enter this block wait until it is left.
    """
    gpus = [device] if device.type == "cuda" else []
    with _TURN, torch.random.fork_rng(gpus):
        of_python, of_numpy = random.getstate(), np.random.get_state()
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)


def _tensors(state: Any, depth: int = 5) -> Iterator[torch.Tensor]:
    """All tensors inside nested dictionaries, sequences and objects."""
    if isinstance(state, torch.Tensor):
        yield state
    elif depth and not isinstance(state, (str, type)):
        inner = state if isinstance(state, (dict, list, tuple)) else getattr(state, "__dict__", {})
        for item in inner.values() if isinstance(inner, dict) else inner:
            yield from _tensors(item, depth - 1)
