"""The equations of one implicit step in time, and Newton's method for them.

A flow is M dw/dt = f(w, t), where f is −∇E plus what drives the field in addition, and fixed nodes
follow their values in time. A step of each implicit method solves, on the free nodes,

    α M (w − b) = f(w, t) + g

for w, with α, b and g of the method. Newton's method does so with a matrix αM + H that is kept as
long as it converges quickly. So a problem whose H is constant needs one factorisation, or one
multigrid hierarchy, for each length of the steps.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from meshrep.base.backends import backend_for, installed
from meshrep.energies.base import Energy, laid_out
from meshrep.energies.evaluator import Evaluator
from meshrep.numerics.implicit_systems import ImplicitSystem

_MOST = 20  # iterations of Newton's method in a step
_RENEWED = 5  # times that H is computed anew in a step
_LEAST = 1e-3  # share of the energy's unit that a flow is taken to reach at least
_SLOW = 0.2  # share of the residual that an iteration may leave before H is computed anew


class Equations:
    """The equations of an implicit step, and their solution by Newton's method.

    Parameters
    ----------
    energy : Energy
        With a Hessian.
    mass : (n, n) csr_array

    Attributes
    ----------
    unit : float
        The size of differences of the field in the flow.
    evaluations : int
        Of f.
    """

    def __init__(self, energy: Energy, mass: sparse.csr_array) -> None:
        self.energy, self.mass, self.unit = energy, mass, energy.unit
        self.free = energy.free
        self.evaluations = 0
        self._backend = backend_for("numba" if installed("numba") else "numpy")
        self._now: tuple[float, Energy, Evaluator] | None = None
        self._free_rows = sparse.csr_array(mass[self.free])
        inner = sparse.csr_array(self._free_rows[:, self.free])
        self.system = ImplicitSystem(inner, definite=energy.convex)
        self._lumped = np.asarray(inner.sum(axis=1)).ravel()
        if not (self._lumped > 0).all():  # as at corners of serendipity cells
            self._lumped = inner.diagonal()
        self._renewed = False

    def at(self, time: float) -> tuple[Energy, Evaluator]:
        """The energy at a time, and its evaluator."""
        if self._now is None or (self._now[0] != time and self.energy.schedules):
            energy = self.energy.at(time)
            self._now = time, energy, laid_out(energy, self._backend)
        return self._now[1:]

    def hold(self, w: np.ndarray, time: float) -> np.ndarray:
        """The field itself, with the fixed nodes at their values at a time."""
        return self.at(time)[0].with_fixed(w)

    def force(self, w: np.ndarray, time: float) -> np.ndarray:
        """f of the free nodes (f,)."""
        self.evaluations += 1
        return np.array(self.at(time)[1].velocity(w)[self.free], dtype=np.float64)

    def rate(self, w: np.ndarray, time: float) -> np.ndarray:
        """About how fast the free nodes change (f,), with the mass lumped."""
        return self.force(w, time) / self._lumped

    def reach(self, w: np.ndarray, times: np.ndarray) -> float:
        """How far the field may come from the energy's origin in a flow that begins at w.

        It is the distance of the start and of fixed values from the origin; or the way that the
        start would go at its rate under the conditions of any of the times, if that is longer, but
        at most the natural unit of the energy.
        """
        span, origin = float(times[-1] - times[0]), self.energy.origin
        far, way, unit = float(abs(w - origin).max(initial=0.0)), 0.0, 0.0
        for now in times.tolist() if self.energy.schedules else times[:1].tolist():
            energy = self.at(now)[0]
            far = max(far, float(abs(energy.fixed_values - origin).max(initial=0.0)))
            unit = max(unit, energy.unit)
            held = self.hold(w.copy(), now)
            way = max(way, span * float(abs(self.rate(held, now)).max(initial=0.0)))
        return max(far, min(unit, max(way, _LEAST * unit)))

    def solve(
        self, time: float, guess: np.ndarray, base: np.ndarray, alpha: float,
        given: np.ndarray | float, size: np.ndarray | float, rtol: float,
    ) -> np.ndarray | None:  # fmt: skip
        """The field w at a time with α M (w − base) = f(w, t) + given on the free nodes.

        Parameters
        ----------
        guess, base : (n,) array
        given : (f,) array or float
        size : (f,) array or float
            The error that each node may have.
        rtol : float
            To which linear systems are solved.

        Returns
        -------
        (n,) array, or None where Newton's method fails.
        """
        w = self.hold(guess.copy(), time)
        if not len(self.free):
            return w

        def residual() -> np.ndarray:
            pull = self._free_rows @ (w - base)
            return self.force(w, time) + given - alpha * pull

        r = residual()
        if not self._renewed:
            self._renew(w, time)
        fresh = 0
        for _ in range(_MOST):
            norm = float(np.linalg.norm(r))
            s = self.system.solve(r, alpha, rtol)
            if s is None:
                if fresh:
                    return None
                fresh += 1
                self._renew(w, time)
                continue
            w[self.free] += s
            r = residual()
            if not np.isfinite(r).all():
                return None
            step = float((abs(s) / size).max())
            shrink = float(np.linalg.norm(r)) / norm if norm else 0.0
            if step * min(shrink / max(1.0 - shrink, 1e-3), 1.0) <= 1.0:
                return w
            if shrink > _SLOW and fresh < _RENEWED:
                fresh += 1
                self._renew(w, time)
        return None

    def _renew(self, w: np.ndarray, time: float) -> None:
        """Compute −∂f/∂w at a field."""
        self._renewed = True
        jacobian = sparse.csr_array(-self.at(time)[0].velocity_jacobian(w))
        whole = len(self.free) == jacobian.shape[0]
        self.system.renew(jacobian if whole else jacobian[self.free][:, self.free])
