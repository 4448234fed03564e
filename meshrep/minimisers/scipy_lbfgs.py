"""SciPy's L-BFGS, restarted until the gradient confirms convergence."""

from __future__ import annotations

import numpy as np

from meshrep.base.outcome import Result
from meshrep.errors import InputError
from meshrep.minimisers.base import Minimiser, Objective, note_kinks
from meshrep.minimisers.monitor import Monitor


class ScipyLBFGS(Minimiser):
    """Limited-memory BFGS with a strong-Wolfe line search (SciPy's L-BFGS-B without bounds).

    SciPy reports success when its line search stalls or the energy falls very little. Here a run
    converges only by the gradient norm. If SciPy stops before that, it is restarted from its last
    point with an empty memory. The restarts end when they no longer lower the energy or the
    gradient norm. On an energy that is not smooth they end when they no longer lower the energy
    by a millionth.

    Parameters
    ----------
    memory : int
        Number of pairs kept. A pair is a step and its gradient difference.
    retries : int
        The run ends when more than this many restarts in a row have brought no progress.

    References
    ----------
    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization" (1989).
    """

    name = "lbfgs-scipy"
    renumbers = True
    concurrent = False

    def __init__(self, memory: int = 10, retries: int = 2) -> None:
        if memory < 1 or retries < 0:
            raise InputError(f"L-BFGS needs memory ≥ 1 and retries ≥ 0, not {memory}, {retries}")
        self.memory, self.retries = int(memory), int(retries)

    def warm_up(self, objective: Objective) -> None:
        """Import SciPy's optimisers, and evaluate once."""
        import scipy.optimize  # noqa: F401

        objective.warm_up()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, np.ndarray, int]:
        """Run SciPy, with restarts, until the monitor stops the run or restarts do not help."""
        search = _Search(objective, monitor)
        first = search.evaluate(search.best)
        search.take(first[0], search.best, first[1])
        smooth = objective.energy.smooth
        enough = 1e-12 if smooth else 1e-6  # at a kink tiny falls could go on for ever
        fruitless = 0
        while search.verdict is None:
            energy, norm = search.energy, search.norm
            search.minimise(self.memory)
            if search.verdict is not None:
                break
            fell = search.energy < energy - enough * abs(energy)
            gained = fell or (smooth and search.norm < 0.9 * norm)
            fruitless = 0 if gained else fruitless + 1
            if fruitless > self.retries:
                size = max(abs(search.energy), 1e-3 * abs(first[0]))
                flat = search.predicted_fall() <= 1e-10 * size
                search.verdict = Result.FLAT if flat else Result.STALLED
        if search.rounds > 1:
            monitor.notes.append(
                f"SciPy's L-BFGS was started {search.rounds} times, because it stopped early"
            )
        note_kinks(objective, monitor, search.verdict)
        return search.verdict, search.params, search.step


class _Search:
    """The state shared by all runs of SciPy's L-BFGS-B on one objective.

    SciPy sees the parameters in units of ``objective.unit`` and the energy in units of its scale,
    because its first step and its tests are absolute.
    """

    def __init__(self, objective: Objective, monitor: Monitor) -> None:
        self.objective, self.monitor = objective, monitor
        self.dtype = objective.start.dtype
        self.unit, self.size = objective.unit, objective.energy.scale
        self.best = np.array(objective.start, dtype=np.float64) / self.unit
        self.energy, self.norm = np.inf, np.inf
        self.step, self.rounds = 0, 0
        self.verdict: Result | None = None
        self._seen = (self.best, np.inf, self.best)

    def evaluate(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy and gradient without dimension; +inf and 0 where either is not finite."""
        energy, gradient = self.objective.value_and_grad((self.unit * x).astype(self.dtype))
        energy = float(energy) / self.size
        gradient = np.array(gradient, dtype=np.float64) * (self.unit / self.size)
        if not (np.isfinite(energy) and np.isfinite(gradient).all()):
            energy, gradient = np.inf, np.zeros_like(gradient)
        self._seen = (x.copy(), energy, gradient)
        return energy, gradient

    def take(self, energy: float, x: np.ndarray, gradient: np.ndarray) -> None:
        """Make x the current point and record it."""
        self.best, self.energy = x.copy(), energy
        # Not np.linalg.norm, whose BLAS threads compete with numba's.
        self.norm = float(np.sqrt(np.add.reduce(gradient * gradient)))
        steepness = self.size / self.unit * self.norm
        self.verdict = self.monitor.record(self.step, self.size * energy, self.params, steepness)

    @property
    def params(self) -> np.ndarray:
        """The objective's parameters (p,) at the current point."""
        return (self.unit * self.best).astype(self.dtype)

    def minimise(self, memory: int) -> None:
        """Run SciPy once from the current point."""
        from scipy.optimize import minimize

        self.rounds += 1

        def after_step(intermediate_result) -> None:
            x = intermediate_result.x
            if not np.array_equal(x, self._seen[0]):
                self.evaluate(x)
            _, energy, gradient = self._seen
            if energy > self.energy:
                return
            self.step += 1
            self.take(energy, x, gradient)
            if self.verdict is not None:
                raise StopIteration

        most = 10**9
        options = {
            "maxcor": memory, "maxiter": most, "maxfun": most, "maxls": 40,
            "ftol": 0.0, "gtol": 0.0,
        }  # fmt: skip
        minimize(
            self.evaluate, self.best, jac=True, method="L-BFGS-B", callback=after_step,
            options=options,
        )  # fmt: skip

    def predicted_fall(self) -> float:
        """½‖g‖² / (largest curvature), the fall that a gradient step guarantees."""
        if not self.objective.direct:
            return 0.0
        steepest = self.objective.energy.steepest(self.objective.field(self.params))
        return 0.5 * self.norm**2 * self.size / self.unit**2 / steepest
