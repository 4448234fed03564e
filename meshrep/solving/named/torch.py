"""Optimisers of torch's kind as named solvers: NAME-torch for any of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from meshrep.base.settings import Setting
from meshrep.energies.base import Energy
from meshrep.minimisers.torch.classes import optimiser_class
from meshrep.solving.declaration import NamedSolver
from meshrep.solving.named.shared import WINDOW, lr
from meshrep.solving.solver import Solver

TORCH = "-torch"  # ends the names of solvers that are optimisers of torch's kind: soap-torch

LAYOUT = Setting(
    "layout", str, "the field as n × 1, or folded to a square for optimisers of matrices",
    default="field", choices=("field", "square"),
)  # fmt: skip
SETTINGS = (lr(shown="the optimiser's own, at least 0.02"), LAYOUT)


def _build(method: str | type, name: str) -> Callable[..., Solver]:
    def build(energy: Energy, **settings: Any) -> Solver:
        from meshrep.minimisers.torch.optimisers import TorchOptimiser

        optimiser = TorchOptimiser(method, name=name, **settings)
        return Solver(optimiser, stopping=WINDOW, name=name, backend="torch")

    return build


def of_torch(method: str | type) -> NamedSolver:
    """The declaration of an optimiser by its name, or by its class.

    Raises
    ------
    MissingPart
        Where torch, or the package that the optimiser may be of, is not installed.
    InputError
        When there is no such optimiser.
    """
    found = optimiser_class(method)
    name = f"{method if isinstance(method, str) else method.__name__}{TORCH}"
    return NamedSolver(
        name,
        f"The optimiser {found.__name__} on the field, in eager torch.",
        "To try one on a mesh.",
        _build(method, name),
        SETTINGS,
        "torch",
    )


SOLVERS = (
    NamedSolver(
        "adam-torch",
        "torch.optim.Adam, eager, with autograd.",
        "As the baseline for networks as they are commonly run.",
        _build("adam", f"adam{TORCH}"),
        SETTINGS,
        "torch",
    ),
)
