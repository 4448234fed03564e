"""L-BFGS that reads its memory twice a step."""

from __future__ import annotations

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import Array
from meshrep.base.outcome import Result
from meshrep.errors import InputError
from meshrep.minimisers.base import Minimiser, Objective, note_kinks
from meshrep.minimisers.line_search import search
from meshrep.minimisers.monitor import Monitor
from meshrep.minimisers.quasi_newton import Preconditioner, pairs

ROUNDING = {"float64": 1e-12, "float32": 1e-6}  # relative differences treated as rounding error
FIRST_STEP = 0.01  # length of the first step, as a share of the norm of w − origin
MEMORY, MEMORY_OF_MANY = 10, 6  # pairs
IDLE = 200  # a run is flat after this many steps with no fall of the energy or the gradient


class LBFGS(Minimiser):
    """Limited-memory BFGS with a line search on the conditions of Hager and Zhang.

    A step reads its 2m vectors twice and evaluates the energy about once. When a line search
    fails, the pairs are dropped and the next step follows the gradient (a restart).

    Parameters
    ----------
    memory : int, optional
        m, the number of pairs kept. A pair is a step and its gradient difference, so the memory
        takes 2m numbers a parameter. The default is 10 below 10⁵ parameters and 6 from there on,
        because reading the pairs is then most of a step: 6 pairs take about 5% more steps and a
        third less time.
    retries : int
        The run ends when more than this many restarts in a row have not lowered the energy.
    precondition : callable, optional
        r (p,) -> M r (p,) on the objective's arrays, where M is symmetric, positive definite and
        approximates the inverse Hessian (a V-cycle, for example). The default is M = s·y/y·y.

    References
    ----------
    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization" (1989);
    Hager and Zhang (2005) for the line search.
    """

    name = "lbfgs"
    renumbers = True
    backends = ("numba", "numpy", "torch")
    concurrent = False

    def __init__(
        self,
        memory: int | None = None,
        retries: int = 2,
        precondition: Preconditioner | None = None,
    ) -> None:
        if (memory is not None and memory < 1) or retries < 0:
            raise InputError(f"L-BFGS needs memory ≥ 1 and retries ≥ 0, not {memory}, {retries}")
        self.memory, self.retries, self.precondition = memory, int(retries), precondition

    def pairs_for(self, count: int) -> int:
        """m for ``count`` parameters."""
        return self.memory or (MEMORY if count < limits.SINGLE_PAIRS_FROM else MEMORY_OF_MANY)

    def warm_up(self, objective: Objective) -> None:
        """Compile the passes by a step that is thrown away, and evaluate once."""
        start = objective.start + 0
        gradient = objective.value_and_grad(start)[1] + 0
        memory = pairs(1, objective.backend, gradient)
        for _ in range(2):
            memory.aim(objective.start, start)
            memory.place(objective.start, 0.0, start)
            memory.slope(gradient)
            memory.absorb(gradient, 1.0)
            memory.count = 1
            memory.sy[:] = memory.yy[:] = 1.0
        objective.warm_up()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Take steps until the monitor stops the run or no step lowers the energy."""
        descent = _Descent(objective, monitor, self)
        # At a kink tiny falls could go on for ever, so they do not count.
        enough = 1e-12 if objective.energy.smooth else 1e-6
        mark, fruitless, forgotten = descent.energy, 0, 0
        while descent.verdict is None:
            steepest = descent.pairs.count == 0
            good = descent.advance()
            if descent.verdict is None and descent.idle >= IDLE:
                descent.verdict = descent.end()
            if good or descent.verdict is not None:
                continue
            fell = descent.energy < mark - enough * abs(mark)
            fruitless = 0 if fell else fruitless + 1
            if fruitless > self.retries or (steepest and not fell):
                descent.verdict = descent.end()
            mark, forgotten = descent.energy, forgotten + 1
            descent.pairs.forget()
        if forgotten > 1:
            monitor.notes.append(
                f"the line search failed {forgotten} times, and each time L-BFGS dropped its pairs"
            )
        note_kinks(objective, monitor, descent.verdict)
        return descent.verdict, descent.x, descent.step


class _Descent:
    """The state of one run, and the verdict once there is one."""

    def __init__(self, objective: Objective, monitor: Monitor, settings: LBFGS) -> None:
        self.objective, self.monitor = objective, monitor
        self.x, self.trial = objective.start + 0, objective.start + 0
        value, gradient = objective.value_and_grad(self.x)
        squared = float((gradient * gradient).sum())
        self.energy = float(value) if np.isfinite(squared) else np.inf
        self.first_energy = self.lowest = self.energy
        self.norm, self.step, self.placed = squared**0.5, 0, 1.0
        self.rounding = ROUNDING[objective.backend.dtype]
        self.pairs = pairs(
            settings.pairs_for(len(gradient)), objective.backend, gradient, settings.precondition
        )
        away = self.x - objective.energy.origin if objective.direct else self.x
        length = float((away * away).sum()) ** 0.5
        self.pairs.gamma = (FIRST_STEP * length or objective.unit) / (self.norm or objective.slope)
        self.verdict = monitor.record(0, self.energy, self.x, self.norm)
        self.idle, self._mark = 0, (self.energy, self.norm)

    def advance(self) -> bool:
        """Take one step by a line search; return whether the search succeeded."""
        slope = self.pairs.aim(self.x, self.trial)
        self.placed = 1.0
        if not -np.inf < slope < 0.0:
            return False
        noise = self.rounding * abs(self.energy)
        found, good = search(self._evaluate, self.energy, slope, noise, self.lowest + noise)
        if found.alpha > 0.0:
            self.x, self.trial = self.trial, self.x
            self.norm = self.pairs.absorb(self.gradient, found.alpha) ** 0.5
            self.energy, self.lowest = found.energy, min(self.lowest, found.energy)
            self.step += 1
            self.verdict = self.monitor.record(self.step, self.energy, self.x, self.norm)
            self._count_idle(noise)
        return good

    def _count_idle(self, noise: float) -> None:
        """Count steps since the energy last fell beyond rounding or the gradient by a tenth."""
        energy, norm = self._mark
        if self.energy < energy - noise or self.norm < 0.9 * norm:
            self.idle, self._mark = 0, (self.energy, min(norm, self.norm))
        else:
            self.idle += 1

    def _evaluate(self, alpha: float) -> tuple[float, float]:
        """Energy and slope at α. For α = 1, ``aim`` has already written the trial point."""
        if alpha != self.placed:
            self.pairs.place(self.x, alpha, self.trial)
            self.placed = alpha
        value, self.gradient = self.objective.value_and_grad(self.trial)
        value = float(value)
        return value, self.pairs.slope(self.gradient) if np.isfinite(value) else np.inf

    def end(self) -> Result:
        """FLAT if ½‖g‖² / (largest curvature) predicts no further fall, else STALLED."""
        if not self.objective.direct:
            return Result.FLAT
        steepest = self.objective.energy.steepest(self.objective.field(self.x))
        size = max(abs(self.energy), 1e-3 * abs(self.first_energy))
        return Result.FLAT if 0.5 * self.norm**2 / steepest <= 1e-10 * size else Result.STALLED
