"""A minimiser that integrates the gradient flow dw/dt = −∇E to its steady state."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Array
from meshrep.base.outcome import Result
from meshrep.flows.runge_kutta import REAL_STABILITY, runge_kutta4
from meshrep.minimisers.base import Minimiser, Objective
from meshrep.minimisers.monitor import Monitor


class GradientFlow(Minimiser):
    """Integrate with the classical Runge–Kutta method (RK4) until the gradient vanishes.

    Parameters
    ----------
    adaptive : bool
        Let SciPy choose the steps, with a relative tolerance of 1e-3, which is enough because
        only the end of the path matters. SciPy uses BDF with the sparse Hessian, whose steps grow
        as the flow slows down. For an energy without a Hessian it uses RK45, whose steps stay near
        its stability limit. Such a run may end flat instead of converged.
    safety : float
        Step of RK4 as a share of the largest stable step.
    """

    name = "rk4"
    parametrizable = False
    renumbers = True

    def __init__(self, adaptive: bool = False, safety: float = 0.95) -> None:
        self.adaptive, self.safety = adaptive, safety

    def warm_up(self, objective: Objective) -> None:
        """Compile by a call with no steps."""
        ones = np.ones(objective.energy.graph.n)
        runge_kutta4(objective.evaluator, self._start(objective), 0.0, 0, ones)
        objective.warm_up()

    @staticmethod
    def _start(objective: Objective) -> np.ndarray:
        return objective.start.reshape(objective.energy.shape).copy()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Integrate until the monitor stops the run."""
        return (self._adaptive if self.adaptive else self._fixed)(objective, monitor)

    def _fixed(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        w = self._start(objective)
        steepest = objective.energy.steepest(w)
        dt = self.safety * REAL_STABILITY / steepest
        monitor.notes.append(
            f"time step {dt:.3g}, from the bound {steepest:.3g} on the largest curvature"
        )
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
            if objective.evaluator.fused:  # other chunks stay short, so that none takes long
                longest = int(limits.CALL_SECONDS * count / max(ended - begun, 1e-9))
                chunk = max(1, min(longest, max(8, taken // 4)))
            begun = ended
        return verdict, w.reshape(-1), taken

    def _adaptive(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        from scipy.integrate import BDF, RK45, OdeSolver

        energy = objective.energy
        free = energy.free_entries
        whole = objective.start.astype(np.float64)
        # SciPy's first step is absolute, so that time must be in the unit of the problem.
        clock, atol = energy.unit**2 / energy.scale, 1e-9 * energy.unit

        def at(y: np.ndarray) -> np.ndarray:
            whole[free] = y
            return whole

        def slope(_: float, y: np.ndarray) -> np.ndarray:
            return -clock * objective.value_and_grad(at(y))[1][free].astype(np.float64)

        def jacobian(_: float, y: np.ndarray) -> sparse.csc_matrix:
            return sparse.csc_matrix(-clock * objective.hessian(at(y))[free][:, free])

        flow: OdeSolver
        if energy.has_hessian:
            flow = BDF(slope, 0.0, whole[free], np.inf, rtol=1e-3, atol=atol, jac=jacobian)
        else:
            flow = RK45(slope, 0.0, whole[free], np.inf, rtol=1e-3, atol=atol)
        monitor.notes.append(f"{type(flow).__name__} of SciPy chose the time steps")
        step = 0
        while True:
            value, gradient = objective.value_and_grad(at(flow.y))
            norm = float(np.linalg.norm(gradient))
            verdict = monitor.record(step, float(value), whole, norm)
            if verdict:
                return verdict, whole.copy(), step
            flow.step()
            if flow.status != "running":
                return Result.STALLED, at(flow.y).copy(), step
            step += 1
