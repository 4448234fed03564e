"""The gradient flow dw/dt = −∇E followed to its steady state, as a minimiser."""

from __future__ import annotations

import numpy as np

from meshrep.backends import Array
from meshrep.flows import CALL_SECONDS, REAL_STABILITY, SCIPY_METHODS, runge_kutta4
from meshrep.minimisers.base import Minimiser, Monitor, Objective
from meshrep.outcome import Result


class GradientFlow(Minimiser):
    """Classical Runge–Kutta with the largest stable step, until the gradient vanishes.

    Parameters
    ----------
    adaptive : bool
        Let SciPy choose the steps of ``method`` instead, at a relative tolerance of 1e-3: the
        path does not matter here, only its end.
    method : str
        "rk45", "lsoda", "bdf" or "radau".
    safety : float
        Share of the stable step that RK4 takes.
    """

    name = "rk4"
    parametrizable = False

    def __init__(self, adaptive: bool = False, method: str = "rk45", safety: float = 0.95) -> None:
        self.adaptive, self.method, self.safety = adaptive, method, safety

    def warm_up(self, objective: Objective) -> None:
        """Compile by a call of no steps."""
        ones = np.ones(objective.energy.graph.n)
        runge_kutta4(objective.evaluator, self._start(objective), 0.0, 0, ones)
        objective.warm_up()

    @staticmethod
    def _start(objective: Objective) -> np.ndarray:
        return objective.start.reshape(objective.energy.shape).copy()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Flow until the monitor says stop."""
        return (self._adaptive if self.adaptive else self._fixed)(objective, monitor)

    def _fixed(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        w = self._start(objective)
        steepest = objective.energy.steepest(w)
        dt = self.safety * REAL_STABILITY / steepest
        monitor.notes.append(f"time step {dt:.3g}, from the curvature's bound {steepest:.3g}")
        inverse_mass = np.ones(objective.energy.graph.n, dtype=w.dtype)
        taken, chunk, begun, verdict = 0, 8, 0.0, None
        while verdict is None:
            count = min(chunk, monitor.stopping.max_steps - taken)
            if count <= 0:
                return Result.MAX_STEPS, w.reshape(-1), taken
            before = w.copy()
            energies = runge_kutta4(objective.evaluator, w, dt, count, inverse_mass)
            value, gradient = objective.value_and_grad(w.reshape(-1))
            objective.evaluations += 4 * count
            ended = monitor.seconds
            states = np.append(energies, float(value))
            norms = np.full(count + 1, np.nan)
            norms[-1] = np.linalg.norm(gradient)
            verdict = monitor.record_stretch(taken, begun, ended, states, norms, w.reshape(-1))
            if verdict is Result.DIVERGED or states[-1] > states[0] + 1e-9 * abs(states[0]):
                dt *= 0.5
                w[:], verdict = before, None
                if dt < 1e-6 * REAL_STABILITY / steepest:
                    return Result.DIVERGED, w.reshape(-1), taken
            taken += count
            longest = int(CALL_SECONDS * count / max(ended - begun, 1e-9))
            chunk = max(1, min(longest, max(8, taken // 4)))
            begun = ended
        return verdict, w.reshape(-1), taken

    def _adaptive(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        from scipy import integrate

        def slope(_: float, y: np.ndarray) -> np.ndarray:
            return -objective.value_and_grad(y)[1]

        name = SCIPY_METHODS[self.method]
        flow = getattr(integrate, name)(
            slope, 0.0, objective.start.astype(np.float64), np.inf, rtol=1e-3, atol=1e-6
        )
        step = 0
        while True:
            value, gradient = objective.value_and_grad(flow.y)
            norm = float(np.linalg.norm(gradient))
            verdict = monitor.record(step, float(value), flow.y, norm)
            if verdict:
                return verdict, flow.y, step
            if flow.step() is not None and flow.status == "failed":
                return Result.STALLED, flow.y, step
            step += 1
