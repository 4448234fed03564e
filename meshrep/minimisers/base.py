"""What a minimiser sees (an Objective), and what it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend
from meshrep.base.outcome import Outcome, Result
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.fixed import Fixed
from meshrep.errors import InputError
from meshrep.minimisers.monitor import Monitor
from meshrep.parametrizations.base import Identity, Map, Parametrization


class Objective:
    """E(F(params)) on one back end: the start, the value and the gradient in flat parameters.

    The ``evaluator`` may be that of an earlier objective on the same energy and back end.

    Attributes
    ----------
    start : array (p,)
        Parameters of the start.
    direct : bool
        Whether the parameters are the field itself, so that the energy's own Hessian and its
        jitted steppers apply.
    seed : int
        For minimisers that draw random numbers.
    evaluations : int
        Calls of value_and_grad, hvp and the steppers' inner evaluations.
    fixed : Fixed
        The nodes that are held.
    formula : evaluator or None
        The energy in the back end's operations, where a minimiser laid it out beforehand.
    """

    formula: Any = None

    def __init__(
        self,
        energy: Energy,
        start: np.ndarray,
        backend: Backend,
        parametrization: Parametrization | None = None,
        seed: int = 0,
        evaluator: Evaluator | None = None,
    ) -> None:
        parametrization = parametrization or Identity()
        self.energy, self.backend, self.seed = energy, backend, seed
        self.evaluator = energy.on(backend) if evaluator is None else evaluator
        self.evaluations = 0
        self.map: Map = parametrization.build(energy, start, backend, seed)
        self.start = self.map.start
        self.direct = isinstance(parametrization, Identity)
        self.fixed = Fixed(energy.fixed, energy.fixed_values, backend)

    def _field(self, params: Array) -> Array:
        w = self.map.field(params)
        self.fixed.hold(w)
        return w

    def value_and_grad(self, params: Array) -> tuple[Any, Array]:
        """Energy (a float or 0-d array) and gradient (p,), which the next call may overwrite."""
        self.evaluations += 1
        value, gradient = self.evaluator.value_and_grad(self._field(params))
        return value, self.map.pull_back(gradient)

    def hvp(self, params: Array, v: Array) -> Array:
        """Hessian times v, both (p,); only where ``direct``."""
        self.evaluations += 1
        shape = self.energy.shape
        return self.evaluator.hvp(params.reshape(shape), v.reshape(shape)).reshape(-1)

    def hessian(self, params: np.ndarray) -> sparse.csr_array:
        """Sparse Hessian (p, p); only where ``direct`` and the energy has one."""
        return self.energy.hessian(params.reshape(self.energy.shape))

    def field(self, params: Array) -> np.ndarray:
        """The field of the parameters as float64 NumPy, fixed nodes at their values."""
        return self.energy.clamp(self.backend.to_numpy(self._field(params)))

    def warm_up(self) -> None:
        """Evaluate once, so that compilers and lazy imports have run before the clock starts."""
        self.value_and_grad(self.start)
        self.evaluations = 0


KINK = (
    "the energy is not smooth: at a kink the gradient does not vanish and a stalled line search "
    "is to be expected; sgd and adam step on"
)


def note_kinks(objective: Objective, monitor: Monitor, verdict: Result) -> None:
    """Say what a line search's end means on an energy that is not smooth."""
    if not objective.energy.smooth and verdict in (Result.STALLED, Result.FLAT):
        monitor.notes.append(KINK)


ROUNDING = {"float64": 1e-12, "float32": 1e-5}  # relative rise of an energy that is none


def check_step_length(lr: Any) -> None:
    """Raise InputError for a step length that is no positive number."""
    if not (isinstance(lr, (int, float)) and 0 < lr < np.inf):
        raise InputError(f"the step length must be a positive number, not {lr!r}")


def check_momentum(momentum: float) -> None:
    """Raise InputError for a momentum outside [0, 1)."""
    if not 0 <= momentum < 1:
        raise InputError(f"momentum must lie in [0, 1), not {momentum}")


class Minimiser(ABC):
    """An algorithm that lowers an objective. Subclasses write :meth:`run`.

    Attributes
    ----------
    name : str
        What reports call it.
    backends : tuple of str
        Back ends it can work on, best first; a composed solver may narrow them.
    concurrent : bool
        Whether several runs in threads are sooner done than one after the other: not where most
        of the time is spent in the interpreter.
    parametrizable : bool
        False for one that needs the field itself as its variables.
    follows_noise : bool
        Whether it makes sense of an energy that is another draw at every evaluation; not where
        energies are compared to choose a step.
    renumbers : bool
        Whether its path is the same, up to rounding, in any order of the nodes, and its time goes
        into the energy's kernels.
    """

    name = "minimiser"
    backends: tuple[str, ...] = ("numba", "numpy")
    concurrent = True
    parametrizable = True
    follows_noise = False
    renumbers = False

    @abstractmethod
    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Minimise; return why it stopped, the last parameters and the number of steps.

        Call ``monitor.record`` after each step (or each chunk) and stop when it says so.
        """

    def warm_up(self, objective: Objective) -> None:
        """Run whatever must be compiled or imported first; changes nothing else."""
        objective.warm_up()

    def minimise(self, objective: Objective, monitor: Monitor) -> Outcome:
        """Run under the monitor's clock; Ctrl-C ends the run and keeps the best state."""
        monitor.start_clock()
        try:
            result, params, steps = self.run(objective, monitor)
        except KeyboardInterrupt:
            steps = monitor.history.step[-1] if len(monitor.history) else 0
            result, params = Result.INTERRUPTED, monitor.best_or(objective.start)
        return monitor.outcome(result, objective, params, steps)
