"""Optimisers of ``torch.optim`` as they are commonly used: eager, with autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from meshrep.backends import Array
from meshrep.minimisers.base import Minimiser, Objective
from meshrep.minimisers.monitor import Monitor
from meshrep.outcome import Result


class TorchOptimiser(Minimiser):
    """A loop of ``loss.backward(); optimiser.step()``.

    The baseline for what a reparametrization gains: the usual way to run Adam on a field in
    torch. Where the energy has no torch formula, its own gradient takes the place of autograd.

    Parameters
    ----------
    name : str
        What reports call it.
    method : str
        The name of a class of ``torch.optim``.
    **settings
        Its keyword arguments, ``lr`` in units of the field.
    """

    backends = ("torch",)
    follows_noise = True

    def __init__(self, name: str = "adam-torch", method: str = "Adam", **settings: Any) -> None:
        self.name, self.method, self.settings = name, method, settings

    def _optimiser(self, objective: Objective, params: torch.Tensor) -> torch.optim.Optimizer:
        settings = dict(self.settings)
        unit = objective.energy.unit if objective.direct else 1.0
        settings["lr"] = settings.get("lr", 0.02) * unit
        return getattr(torch.optim, self.method)([params], **settings)

    def _formula(self, objective: Objective) -> Any:
        """The energy as torch operations, None where there are none or the field is a network's."""
        if not objective.direct:
            return None
        return getattr(objective.energy.formula(objective.backend), "value", None)

    def _gradient(self, objective: Objective, formula: Any, params: torch.Tensor) -> Any:
        """Write the gradient where the optimiser looks for it; return the energy."""
        if formula is not None:
            objective.evaluations += 1
            params.grad = None
            loss = formula(params.reshape(objective.energy.shape))
            loss.backward()
            if len(objective.energy.fixed):
                gradient: Any = params.grad
                gradient.view(objective.energy.shape)[objective.fixed] = 0.0
            return loss.detach()
        value, gradient = objective.value_and_grad(params.detach())
        params.grad = gradient.clone()
        return value

    def warm_up(self, objective: Objective) -> None:
        """One step on a copy: torch loads its optimisers when the first is made."""
        params = objective.start.clone().requires_grad_(True)
        optimiser = self._optimiser(objective, params)
        self._gradient(objective, self._formula(objective), params)
        optimiser.step()
        objective.evaluations = 0

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Step until the monitor says stop."""
        params = objective.start.clone().requires_grad_(True)
        optimiser = self._optimiser(objective, params)
        formula = self._formula(objective)
        every = 10 if objective.backend.device.startswith("cuda") else 1
        step = 0
        while True:
            energy = self._gradient(objective, formula, params)
            if step % every == 0 or step >= monitor.stopping.max_steps:
                gradient: Any = params.grad
                norm = float(gradient.norm()) if objective.direct else np.nan
                verdict = monitor.record(step, float(energy), params.detach(), norm)
                if verdict:
                    return verdict, params.detach(), step
            optimiser.step()
            step += 1
