"""Optimisers of the literature as entrants: of torch, of pytorch_optimizer, and our M-FAC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from meshrep.base.backends import installed
from meshrep.minimisers.mfac import MFAC
from meshrep.minimisers.monitor import Stopping
from meshrep.solving.entrants import Entrant
from meshrep.solving.solver import Solver

RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
ADADELTA_RATES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
SHAMPOO_RATES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
MFAC_RATES = (0.01, 0.03, 0.1, 0.15)  # at larger rates it diverges, as plain descent does
WHOLE_RATE = 1.0  # of Shampoo on a column, whose steps are too slow for a search
FLAT = Stopping(window=100, ftol=1e-7)  # as Adam's in torch
PACKAGE = "pytorch_optimizer"
WHOLE, FOLDED = "Shampoo on n×1", "Shampoo, folded"


@dataclass(frozen=True)
class Method:
    """An optimiser by its name in the literature.

    Attributes
    ----------
    name : str
        Its name in tables.
    method : str
        Its name in :class:`meshrep.minimisers.torch.optimisers.TorchOptimiser`; "mfac" for ours.
    settings : dict
        Settings beside the rate.
    package : str
        The package that has it.
    rates : sequence of float
        The rates that are tried.
    """

    name: str
    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    package: str = "torch"
    rates: Sequence[float] = RATES

    @property
    def missing(self) -> bool:
        """Whether its package is not installed."""
        return not installed(self.package)

    def solver(self, rate: float) -> Solver:
        """Return the optimiser with a rate, on the field itself."""
        if self.method == "mfac":
            mfac = MFAC(lr=rate, **self.settings)
            return Solver(mfac, stopping=FLAT, name=self.name, backend="torch")
        from meshrep.minimisers.torch.optimisers import TorchOptimiser

        optimiser = TorchOptimiser(self.method, name=self.name, lr=rate, **self.settings)
        return Solver(optimiser, stopping=FLAT, name=self.name, backend="torch")

    def entrant(self, rate: float) -> Entrant:
        """Return it with a rate, in the group of its name."""
        return Entrant(f"{self.name}, rate {rate:g}", self.solver(rate), tuned=self.name)


SQUARE = {"layout": "square"}
FOLDED_SHAMPOO = Method(FOLDED, "shampoo", SQUARE, PACKAGE, SHAMPOO_RATES)
METHODS = (
    Method("Adam", "adam"),
    Method("RMSProp", "rmsprop"),
    Method("SGD", "sgd"),
    Method("SGD, momentum 0.9", "sgd", {"momentum": 0.9}),
    Method("AdaGrad", "adagrad"),
    Method("AdaDelta", "adadelta", rates=ADADELTA_RATES),
    Method("AdamP", "adamp", package=PACKAGE),
    Method("AdaHessian", "adahessian", package=PACKAGE),
    Method("Sophia", "sophiah", package=PACKAGE),
    Method("SOAP, folded", "soap", SQUARE, PACKAGE),
    FOLDED_SHAMPOO,
    Method("M-FAC", "mfac", package="numpy", rates=MFAC_RATES),
)


def folded(of: Sequence[float]) -> list[Entrant]:
    """Return Shampoo on the folded field at several rates; nothing if it is not installed."""
    return [] if FOLDED_SHAMPOO.missing else [FOLDED_SHAMPOO.entrant(rate) for rate in of]


def column() -> Entrant:
    """Return Shampoo on the field as it is, a column (n, 1), at one rate."""
    return Entrant(WHOLE, Method(WHOLE, "shampoo", package=PACKAGE).solver(WHOLE_RATE))
