"""The classical Runge–Kutta method of order 4, and the steps with which it is stable."""

from __future__ import annotations

import numpy as np

from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator

REAL_STABILITY = 2.785  # RK4 is stable for real λ dt in [−2.785, 0]


def runge_kutta4(
    evaluator: Evaluator,
    w: np.ndarray,
    dt: float,
    steps: int,
    inverse_mass: np.ndarray,
    driven: bool = False,
) -> np.ndarray:
    """Take RK4 steps of dw/dt = −∇E/mass in place; return the energy before each, (steps,).

    With ``driven``, dw/dt is that of ``Evaluator.velocity``. A fused evaluator
    takes the steps by its own ``flow``; ``w`` must be flat then.
    """
    if evaluator.fused:
        return evaluator.flow(w, dt, steps, inverse_mass, driven)  # type: ignore[attr-defined]
    energies = np.empty(steps)
    scale = inverse_mass.reshape(-1, *[1] * (w.ndim - 1))

    def slope(at: np.ndarray) -> np.ndarray:
        return scale * (evaluator.velocity(at) if driven else -evaluator.value_and_grad(at)[1])

    for k in range(steps):
        value, gradient = evaluator.value_and_grad(w)
        energies[k] = float(value)
        first = slope(w) if driven else -scale * gradient
        second = slope(w + 0.5 * dt * first)
        third = slope(w + 0.5 * dt * second)
        fourth = slope(w + dt * third)
        w += dt / 6.0 * (first + 2.0 * second + 2.0 * third + fourth)
    return energies


def stable_step(energy: Energy, start: np.ndarray, mass: np.ndarray) -> float:
    """The largest dt for which RK4 is stable, from a bound of the curvature over the least mass."""
    return REAL_STABILITY * float(mass.min()) / energy.stiffness(start)


def default_step(energy: Energy, start: np.ndarray, mass: np.ndarray) -> tuple[float, float]:
    """The default step of rk4, and the largest stable one.

    The default is nine tenths of the stable step. It is smaller where natural frequencies differ,
    so that phases move apart by at most a radian in a step: the frequency of a pair is then right
    to 0.1%, while a longer step could miss whole turns.
    """
    limit = stable_step(energy, start, mass)
    spread = energy.frequency_spread / float(mass.min())
    return min(0.9 * limit, 1.0 / spread if spread > 0 else np.inf), limit
