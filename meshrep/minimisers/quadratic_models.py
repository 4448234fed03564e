"""Quadratic models of an energy about a point, and how far Newton's method trusts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse

from meshrep.minimisers.base import Objective
from meshrep.minimisers.monitor import Monitor
from meshrep.numerics.conjugate_gradients import steihaug
from meshrep.numerics.gauge import Gauge
from meshrep.numerics.linear_solvers import ShiftedSystem, choose

_EPS = float(np.finfo(float).eps)


@dataclass
class Proposal:
    """A step s (f,) on the free variables and the fall −(g·s + ½ sᵀHs) that the model predicts."""

    s: np.ndarray
    predicted: float


class Model(Protocol):
    """The quadratic model of the energy about the current point, and how far it is trusted."""

    def renew(self, params: np.ndarray, gradient: np.ndarray) -> None:
        """Move the model to a point; the gradient is that of the free variables."""

    def propose(self, rtol: float) -> Proposal | None:
        """A step of descent, or None where the model must be damped further first."""

    def noise(self, energy: float) -> float:
        """How far rounding may have moved a computed energy."""

    def trust(self, ratio: float) -> None:
        """The last step was taken and brought ``ratio`` of the predicted fall."""

    def distrust(self) -> None:
        """The last proposal was not taken, or there was none."""


class Shifted:
    """(H + μI) s = −g with an adapted shift μ.

    Where a constant costs no energy, one node of each component is held while the system is
    solved, and the step freed of its mean afterwards.

    Attributes
    ----------
    indefinite : bool
        Whether a Hessian was met that was not positive definite.
    """

    def __init__(
        self,
        objective: Objective,
        monitor: Monitor,
        free: np.ndarray,
        gauge: Gauge,
        linear: str,
        shift: float,
    ) -> None:
        self.objective, self.monitor = objective, monitor
        self.free, self.gauge = free, gauge
        self.solved = free[gauge.kept]
        self.everything = len(self.solved) == objective.start.size
        self.linear, self.relative = linear, shift
        self.system: ShiftedSystem | None = None
        self.shift, self.least = 0.0, 0.0
        self.raised = 0
        self.indefinite = False
        self.params = self.gradient = self.last = np.zeros(0)

    def renew(self, params: np.ndarray, gradient: np.ndarray) -> None:
        """Take the Hessian of the free variables at the point."""
        matrix = sparse.csr_array(self.objective.hessian(params))
        if not self.everything:
            matrix = matrix[self.solved][:, self.solved]
        if self.system is None:
            kind = self.linear
            if kind == "auto":
                kind, note = choose(matrix)
                self.monitor.notes.append(note)
            self.system = ShiftedSystem(kind)
            self.system.renew(matrix)
            self.unit = float(abs(self.system.diagonal).mean()) if matrix.shape[0] else 1.0
            self.unit = self.unit or 1.0
            self.shift = self.relative * self.unit
        else:
            self.system.renew(matrix)
        self.params, self.gradient = params, gradient
        self.last = np.zeros(0)

    def propose(self, rtol: float) -> Proposal | None:
        """Solve the shifted system, and check what comes out."""
        assert self.system is not None
        slope = self.gradient[self.gauge.kept]
        answer = self.system.solve(-slope, self.shift, rtol)
        if not answer.positive:
            self.least = max(self.least, 1e-10 * self.unit)
            self.indefinite = True
            return None
        s = answer.s
        predicted = -float(slope @ s + 0.5 * (s @ (self.system.matrix @ s)))
        if not predicted > 0:
            return None
        self.last = self.gauge.spread(s, len(self.free))
        return Proposal(self.last, predicted)

    def noise(self, energy: float) -> float:
        """2 ε (|E| + Σ |h_ii| w_i²), the size of the terms that a quadratic energy sums."""
        assert self.system is not None
        w = self.params[self.solved]
        return 2 * _EPS * (abs(energy) + float(abs(self.system.diagonal) @ (w * w)))

    def trust(self, ratio: float) -> None:
        """Lower the shift after a good prediction, raise it after a poor one."""
        if ratio > 0.7:
            self.shift *= 0.1 if ratio < 0.95 else 0.01
            if self.shift < 1e-9 * self.unit:
                self.shift = 0.0
        elif ratio < 0.25:
            self.shift = max(4.0 * self.shift, 1e-3 * self._curvature())

    def distrust(self) -> None:
        """Raise the shift, to the curvature along the last step at least."""
        self.raised += 1
        self.shift = max(4.0 * self.shift, self.least, self._curvature())
        if not len(self.last):
            self.shift = max(10.0 * self.shift, 1e-10 * self.unit)

    def _curvature(self) -> float:
        """−g·s / s·s of the last step: the shift that would about halve it."""
        if not len(self.last):
            return 0.0
        return -float(self.gradient @ self.last) / max(float(self.last @ self.last), 1e-300)

    def notes(self) -> list[str]:
        """What the reader may want to know of how it went."""
        said = []
        if self.system is not None and self.system.iterations:
            said.append(
                f"{self.system.iterations} CG iterations, {self.system.setups} multigrid set-ups"
            )
        if self.raised:
            said.append(f"the Hessian's shift was raised {self.raised} times")
        return said


class TrustRegion:
    """Steihaug's truncated CG on Hessian-vector products.

    Attributes
    ----------
    left : bool
        Whether it was given up for systems once.
    """

    def __init__(self, objective: Objective, free: np.ndarray, energy: float) -> None:
        self.objective, self.free = objective, free
        self.first_energy = abs(energy)
        self.radius = 0.0
        self.params = self.gradient = np.zeros(0)
        self.length, self.rtol, self.products = 0.0, 1.0, 0
        self.left = False

    @property
    def inside(self) -> bool:
        """Whether the last step ended inside the ball, so that it met no negative curvature."""
        return self.length < 0.99 * self.radius

    @property
    def settled(self) -> bool:
        """Whether solving systems now pays: inside the ball, near the end or after many products.

        Once only: who comes back from the systems because they were indefinite stays.
        """
        return not self.left and self.inside and (self.rtol < 0.03 or self.products > 100)

    def renew(self, params: np.ndarray, gradient: np.ndarray) -> None:
        """Move to the point; the first radius is √f, a unit for every free variable."""
        self.params, self.gradient = params, gradient
        if self.radius == 0.0:
            self.radius = float(np.sqrt(len(self.free)))

    def _product(self, v: np.ndarray) -> np.ndarray:
        whole = np.zeros(self.params.size)
        whole[self.free] = v
        return self.objective.hvp(self.params, whole)[self.free]

    def propose(self, rtol: float) -> Proposal | None:
        """Minimise the model in the ball."""
        s, product, self.products = steihaug(self._product, self.gradient, self.radius, rtol)
        self.rtol = rtol
        predicted = -float(self.gradient @ s + 0.5 * (s @ product))
        self.length = float(np.linalg.norm(s))
        return Proposal(s, predicted) if predicted > 0 else None

    def noise(self, energy: float) -> float:
        """ε (16 |E| + |E₀|): where E vanishes, its terms may still be of E₀'s size."""
        return _EPS * (16 * abs(energy) + self.first_energy)

    def trust(self, ratio: float) -> None:
        """Widen the ball after a good prediction at its boundary, narrow it after a poor one."""
        if ratio < 0.25:
            self.radius = 0.25 * self.length
        elif ratio > 0.75 and not self.inside:
            self.radius *= 2.0

    def distrust(self) -> None:
        """Narrow the ball."""
        self.radius = 0.25 * min(self.radius, self.length or self.radius)
