"""The classical Runge–Kutta method of order 4, and the steps with which it is stable."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from meshrep.base import limits
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator

REAL_STABILITY = 2.785  # RK4 is stable for real λ dt in [−2.785, 0]


def rk4_step(
    slope: Callable[[np.ndarray], np.ndarray],
    y: np.ndarray,
    dt: float,
    first: np.ndarray | None = None,
) -> None:
    """Take a step of dy/dt = slope(y) in place; ``first`` is slope(y) where it is known."""
    first = slope(y) if first is None else first
    second = slope(y + 0.5 * dt * first)
    third = slope(y + 0.5 * dt * second)
    fourth = slope(y + dt * third)
    y += dt / 6.0 * (first + 2.0 * second + 2.0 * third + fourth)


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
        rk4_step(slope, w, dt, None if driven else -scale * gradient)
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


class Rk4:
    """A whole number of equal steps of M dw/dt = velocity between two times.

    Parameters
    ----------
    energy : Energy
    evaluator : Evaluator
    mass : (n,) array
    dt : float
        Longest step.
    limit : float
        Largest stable step.
    """

    name = "rk4"

    def __init__(
        self, energy: Energy, evaluator: Evaluator, mass: np.ndarray, dt: float, limit: float
    ) -> None:
        self.evaluator, self.inverse_mass, self.dt, self.limit = evaluator, 1.0 / mass, dt, limit
        self.apart = energy.frequency_spread / float(mass.min())
        self.steps, self.longest, self._chunk = 0, 0.0, 8

    @property
    def evaluations(self) -> int:
        """Evaluations of the gradient."""
        return 4 * self.steps

    def advance(self, w: np.ndarray, begin: float, end: float) -> None:
        """Move the field w in place from one time to another, in calls that Ctrl-C can end."""
        left = equal_steps(begin, end, self.dt)
        dt = (end - begin) / left
        self.longest = max(self.longest, dt)
        while left:
            some = min(self._chunk, left)
            begun = time.perf_counter()
            runge_kutta4(self.evaluator, w, dt, some, self.inverse_mass, driven=True)
            spent = max(time.perf_counter() - begun, 1e-9)
            more = 2 * some if some == self._chunk else self._chunk
            self._chunk = max(1, min(more, int(limits.CALL_SECONDS * some / spent)))
            left -= some
            self.steps += some

    def rates(self) -> None:
        """Nothing: dw/dt follows from w."""

    def notes(self) -> list[str]:
        """The length of a step, and whether phases move far apart in one."""
        notes = [f"step {self.longest:.3g}, stable up to {self.limit:.3g}"]
        turn = self.longest * self.apart
        if turn > 1.01:
            notes.append(
                f"natural frequencies differ by up to {turn:.2g} radians a step: take a smaller dt "
                "for right frequencies"
            )
        return notes


def equal_steps(begin: float, end: float, dt: float) -> int:
    """How many equal steps of at most dt, to rounding, lead from one time to another."""
    return max(1, int(np.ceil((end - begin) / dt * (1 - 1e-12))))
