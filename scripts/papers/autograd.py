"""A network as torch users have it: torch's Adam, and every derivative by torch's autograd."""

from __future__ import annotations

from typing import Any

from meshrep.minimisers.base import Objective
from meshrep.minimisers.torch_optimisers import TorchOptimiser


class Recorded(TorchOptimiser):
    """``energy(network(parameters)).backward()`` and a step of the optimiser, as in ``adam-torch``.

    Elsewhere the pullback through a network is written out, for the library's networks keep no
    graph of the computation; here the layers P X W, σ, the readout and the energy are recorded by
    torch and differentiated by it. The derivative of a product with P in CSR form costs torch a
    transposed copy of P each time.
    """

    def _formula(self, objective: Objective) -> Any:
        """The energy as torch operations, whatever the variables."""
        return objective.energy.formula(objective.backend).value  # type: ignore[attr-defined]

    def _gradient(self, objective: Objective, formula: Any, sheet: Any, variable: Any) -> Any:
        """Write the gradient where the optimiser looks for it; return the energy."""
        import torch

        objective.evaluations += 1
        variable.grad = None
        with torch.enable_grad():
            loss = formula(objective.map.field(sheet.flat(variable)))
            loss.backward()
        return loss.detach()
