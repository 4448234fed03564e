"""The base class of minimisers, and the objective that a minimiser sees."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend
from meshrep.base.interrupts import interruptible
from meshrep.base.outcome import Outcome, Result
from meshrep.base.pickling import Lean
from meshrep.energies.base import Energy, laid_out
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.fixed import Fixed
from meshrep.energies.given import tried
from meshrep.errors import InputError, kind_of
from meshrep.minimisers.monitor import Monitor
from meshrep.numerics.linear_solvers import ShiftedSystem
from meshrep.parametrizations.base import Identity, Map, Parametrization, built


class Objective:
    """What a minimiser sees: E(F(params)) on one back end, for flat parameters (p,).

    Parameters
    ----------
    energy : Energy
    start : (n,) or (n, d) array
        The field at the start.
    backend : Backend
        Back end of the parameters and gradients.
    parametrization : Parametrization, optional
        F; by default the field itself.
    seed : int
        Seed for minimisers and variables that draw random numbers.
    evaluator : Evaluator, optional
        The evaluator of an earlier objective on the same energy and back end, to reuse it.

    Attributes
    ----------
    start : array (p,)
        Parameters of the start.
    direct : bool
        Whether the parameters are the field itself. Only then do the energy's own Hessian and
        its jitted steppers apply.
    evaluations : int
        How often the energy was evaluated: calls of value_and_grad and of hvp, and the
        evaluations inside the steppers.
    fixed : Fixed
        The fixed nodes and their values.
    formula : evaluator or None
        The energy as operations of the back end, if a minimiser has built it while warming up.
    system : ShiftedSystem or None
        The solver of the last systems with the Hessian of the free variables, if a minimiser has
        one. The estimate of the gap uses its hierarchy again.

    Examples
    --------
    >>> import meshrep
    >>> heat = meshrep.HeatBath(meshrep.graph_from("ring:8"), hot=[0], cold=[4])
    >>> objective = Objective(heat, heat.random_start(), meshrep.backend_for("numpy"))
    >>> value, gradient = objective.value_and_grad(objective.start)
    >>> gradient.shape, objective.field(objective.start).shape
    ((8,), (8,))
    """

    formula: Any = None
    system: ShiftedSystem | None = None

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
        self.evaluator = laid_out(energy, backend) if evaluator is None else evaluator
        self.evaluations = 0
        self.map: Map = built(parametrization, energy, start, backend, seed)
        self.start = self.map.start
        self.direct = isinstance(parametrization, Identity)
        self.fixed = Fixed(energy.fixed, energy.fixed_values, backend)
        self._tried = evaluator is not None

    @property
    def unit(self) -> float:
        """The natural size of a parameter: that of the field, divided by the map's unit."""
        return self.energy.unit / self.map.unit

    @property
    def slope(self) -> float:
        """The natural size of an entry of the gradient: the energy's scale divided by ``unit``."""
        return self.energy.scale / self.unit

    def _field(self, params: Array) -> Array:
        w = self.map.field(params)
        if w.shape != self.energy.shape:
            raise InputError(
                f"{type(self.map).__name__}.field gave an array of shape {tuple(w.shape)} for a "
                f"field of shape {self.energy.shape}"
            )
        self.fixed.hold(w)
        return w

    def value_and_grad(self, params: Array) -> tuple[Any, Array]:
        """Energy (a float or 0-d array) and gradient (p,). The next call may overwrite both.

        The first call checks what the evaluator returns, and that it leaves the field as it is.
        """
        self.evaluations += 1
        w = self._field(params)
        if self._tried:
            value, gradient = self.evaluator.value_and_grad(w)
        else:
            value, gradient = tried(self.evaluator, w)
            self._tried = True
        if gradient.dtype != w.dtype:
            gradient = self.backend.asarray(gradient)
        pulled = self.map.pull_back(gradient)
        if pulled.shape != params.shape:
            raise InputError(
                f"{type(self.map).__name__}.pull_back gave an array of shape "
                f"{tuple(pulled.shape)} for parameters of shape {tuple(params.shape)}, from a "
                f"gradient of shape {tuple(gradient.shape)}"
            )
        return value, pulled

    def hvp(self, params: Array, v: Array) -> Array:
        """Hessian at ``params`` (p,) times v (p,); only if ``direct``."""
        self.evaluations += 1
        shape = self.energy.shape
        return self.evaluator.hvp(params.reshape(shape), v.reshape(shape)).reshape(-1)

    def hessian(self, params: np.ndarray) -> sparse.csr_array:
        """Sparse Hessian (p, p); only if ``direct`` and the energy has one."""
        return self.energy.hessian(params.reshape(self.energy.shape).copy())

    def field(self, params: Array) -> np.ndarray:
        """The field of the parameters in float64 NumPy, with fixed nodes at their values.

        It is not finite where a diverged run ended there.
        """
        return self.energy.with_fixed(
            np.array(self.backend.to_numpy(self._field(params)), dtype=np.float64)
        )

    def warm_up(self) -> None:
        """Evaluate once, so that compilation and lazy imports happen before the clock starts."""
        self.value_and_grad(self.start)
        self.evaluations = 0


READ_EVERY = 10  # steps between two readings of a run on a device


def read_every(backend: Backend) -> int:
    """Steps between two readings of energy and gradient: the host of a device waits for each."""
    return 1 if backend.device == "cpu" else READ_EVERY


def read(backend: Backend, *values: Any) -> list[float]:
    """Numbers without axes as floats; from a device they are copied at once."""
    if backend.device == "cpu" or not all(hasattr(value, "new_zeros") for value in values):
        return [float(value) for value in values]
    found: list[float] = backend.to_numpy(backend.xp.stack(values)).tolist()
    return found


KINK = (
    "the energy is not smooth: at a kink the gradient does not vanish, so a line search may stall "
    "there; sgd and adam continue past kinks"
)


def note_kinks(objective: Objective, monitor: Monitor, verdict: Result) -> None:
    """Add a note that a stalled line search may be at a kink, if the energy is not smooth."""
    if not objective.energy.smooth and verdict in (Result.STALLED, Result.FLAT):
        monitor.notes.append(KINK)


ROUNDING = {"float64": 1e-12, "float32": 1e-5}  # relative increase treated as rounding error


def check_step_length(lr: Any) -> None:
    """Raise InputError for a step length that is not a positive number."""
    if not (isinstance(lr, (int, float)) and 0 < lr < np.inf):
        raise InputError(f"the step length must be a positive number, not {lr!r}")


def check_momentum(momentum: float) -> None:
    """Raise InputError for a momentum outside [0, 1)."""
    if not 0 <= momentum < 1:
        raise InputError(f"momentum must lie in [0, 1), not {momentum}")


class Minimiser(Lean, ABC):
    """An algorithm that lowers an :class:`Objective`. A subclass needs only :meth:`run`.

    An instance may be passed as a solver: ``solve(energy, Mine())`` moves the field itself and
    ``Solver(Mine(), Spectral())`` moves other variables.

    Attributes
    ----------
    name : str
        Name in reports.
    backends : tuple of str
        Back ends that it can work on, best first: "numpy" (arrays of NumPy), "numba" (arrays of
        NumPy, with compiled energies) and "torch" (tensors).
    concurrent : bool
        Whether several runs finish sooner in parallel threads than one after the other. False if
        most of the time is spent in the Python interpreter.
    parametrizable : bool
        False if it works only on the field itself.
    follows_noise : bool
        Whether it works on a stochastic energy, which gives a different value at every
        evaluation. False if it compares energies to choose a step.
    renumbers : bool
        True if the order of the nodes changes its path only by rounding, so that the nodes may be
        renumbered for speed.

    Examples
    --------
    Gradient descent with a step that halves whenever the energy rises:

    >>> import numpy as np, meshrep
    >>> class Halving(meshrep.Minimiser):
    ...     name = "halving"
    ...
    ...     def run(self, objective, monitor):
    ...         x, lr, step = objective.start, 1.0, 0
    ...         value, gradient = objective.value_and_grad(x)
    ...         gradient = gradient.copy()  # the next call may overwrite it
    ...         while True:
    ...             stop = monitor.record(step, value, x, np.linalg.norm(gradient))
    ...             if stop is not None:
    ...                 return stop, x, step
    ...             there = x - lr * gradient
    ...             found, slope = objective.value_and_grad(there)
    ...             if found > value:
    ...                 lr /= 2
    ...             else:
    ...                 x, value, gradient = there, found, slope.copy()
    ...             step += 1
    >>> heat = meshrep.HeatBath(meshrep.graph_from("ring:8"), [0], [4], power=2)
    >>> solution = meshrep.solve(heat, Halving())
    >>> solution.solver, solution.result.word
    ('halving', 'converged')
    """

    name = "minimiser"
    backends: tuple[str, ...] = ("numba", "numpy")
    concurrent = True
    parametrizable = True
    follows_noise = False
    renumbers = False

    @abstractmethod
    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Minimise from ``objective.start``.

        Call ``monitor.record(step, energy, params, grad_norm)`` with the start as step 0 and
        after each step. Return when it gives a Result.

        Returns
        -------
        result : Result
            The reason for stopping.
        params : array (p,)
            The last parameters. The best recorded ones replace them if they are better.
        steps : int
            Number of steps taken.
        """

    def warm_up(self, objective: Objective) -> None:
        """Compile and import what a run needs; change nothing else."""
        objective.warm_up()

    def minimise(self, objective: Objective, monitor: Monitor) -> Outcome:
        """Start the monitor's clock and run. Ctrl-C ends the run and keeps the best state."""
        start = objective.start + 0  # a user's minimiser may write to its first parameters
        monitor.start_clock()
        try:
            with interruptible():
                ended: object = self.run(objective, monitor)
            if not (isinstance(ended, tuple) and len(ended) == 3 and isinstance(ended[0], Result)):
                raise InputError(
                    f"{type(self).__name__}.run must return (result, params, steps) with a "
                    f"meshrep.Result as the first, but gave {kind_of(ended)}"
                )
            result, params, steps = ended
            if getattr(params, "shape", None) != start.shape or not isinstance(
                steps, int | np.integer
            ):
                raise InputError(
                    f"{type(self).__name__}.run must return (result, params, steps) with params of "
                    f"shape {tuple(start.shape)} and a whole number of steps"
                )
        except KeyboardInterrupt:
            steps = monitor.history.step[-1] if len(monitor.history) else 0
            result, params = Result.INTERRUPTED, monitor.best_or(start)
        objective.start = start
        try:
            return monitor.outcome(result, objective, params, steps)
        except KeyboardInterrupt:  # Ctrl-C during the last evaluation: evaluate again
            return monitor.outcome(Result.INTERRUPTED, objective, params, steps)
