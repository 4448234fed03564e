"""Quadratic models of an energy about a point, and the damping of Newton steps on them."""

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
    """A quadratic model of the energy about the current point, with its damping."""

    def renew(self, params: np.ndarray, gradient: np.ndarray) -> None:
        """Move the model to a point with this gradient of the free variables."""

    def propose(self, rtol: float) -> Proposal | None:
        """A descent step, or None if the model must be damped more first."""

    def noise(self, energy: float) -> float:
        """A bound on the rounding error of a computed energy."""

    def trust(self, ratio: float) -> None:
        """Adapt the damping after a step that achieved ``ratio`` of the predicted fall."""

    def distrust(self) -> None:
        """Raise the damping after a proposal was rejected or could not be made."""


class Shifted:
    """Steps that solve (H + μI) s = −g with an adaptive shift μ.

    If a constant shift of the field does not change the energy, one node of each component is
    fixed while the system is solved. Then the mean is subtracted from the step.

    Attributes
    ----------
    indefinite : bool
        Whether any Hessian so far was not positive definite.
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
        self.raised = self.iterations = 0
        self.indefinite = False
        self.params = self.gradient = self.last = np.zeros(0)

    @property
    def by_multigrid(self) -> bool:
        """Whether the systems are solved by multigrid."""
        return self.system is not None and self.system.kind == "amg"

    def renew(self, params: np.ndarray, gradient: np.ndarray) -> None:
        """Compute the Hessian of the free variables at the point."""
        matrix = sparse.csr_array(self.objective.hessian(params))
        if not self.everything:
            matrix = matrix[self.solved][:, self.solved]
        if self.system is None:
            kind = self.linear
            if kind == "auto":
                kind, note = choose(matrix)
                self.monitor.notes.append(note)
            self.system = self.objective.system = ShiftedSystem(kind)
            self.system.renew(matrix)
            self.unit = float(abs(self.system.diagonal).mean()) if matrix.shape[0] else 1.0
            energy = self.objective.energy
            self.unit = self.unit or energy.scale / energy.unit**2
            self.shift = self.relative * self.unit
        else:
            self.system.renew(matrix)
        self.params, self.gradient = params, gradient
        self.last = np.zeros(0)

    def propose(self, rtol: float) -> Proposal | None:
        """Solve the shifted system; None if it is not positive definite or predicts no fall."""
        assert self.system is not None
        slope = self.gradient[self.gauge.kept]
        answer = self.system.solve(-slope, self.shift, rtol)
        self.iterations += answer.iterations
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
        """2 ε (|E| + Σ |h_ii| w_i²), as the terms that a quadratic energy sums have that size."""
        assert self.system is not None
        w = self.params[self.solved]
        return 2 * _EPS * (abs(energy) + float(abs(self.system.diagonal) @ (w * w)))

    def trust(self, ratio: float) -> None:
        """Lower the shift after a good prediction; raise it after a poor one."""
        if ratio > 0.7:
            self.shift *= 0.1 if ratio < 0.95 else 0.01
            if self.shift < 1e-9 * self.unit:
                self.shift = 0.0
        elif ratio < 0.25:
            self.shift = max(4.0 * self.shift, 1e-3 * self._curvature())

    def distrust(self) -> None:
        """Raise the shift, at least to the curvature along the last step."""
        self.raised += 1
        self.shift = max(4.0 * self.shift, self.least, self._curvature())
        if not len(self.last):
            self.shift = max(10.0 * self.shift, 1e-10 * self.unit)

    def _curvature(self) -> float:
        """−g·s / s·s of the last step, the shift that would about halve it."""
        if not len(self.last):
            return 0.0
        squared = float(self.last @ self.last)
        return -float(self.gradient @ self.last) / squared if squared > 0 else 0.0

    def notes(self) -> list[str]:
        """Notes for the report of the run."""
        notes = []
        if self.system is not None and self.iterations:
            notes.append(f"{self.iterations} CG iterations, {self.system.setups} multigrid set-ups")
        if self.raised:
            notes.append(f"the Hessian's shift was raised {self.raised} times")
        return notes


class TrustRegion:
    """Steps by Steihaug's truncated CG on Hessian-vector products, in a ball.

    Attributes
    ----------
    left : bool
        Whether the run has already changed from this model to shifted systems once.
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
        """Whether the last step ended inside the ball; it then met no negative curvature."""
        return self.length < 0.99 * self.radius

    @property
    def settled(self) -> bool:
        """Whether it now pays to change to shifted systems.

        It does if the last step ended inside the ball and either the end is near or the step took
        many products. A run that has returned from shifted systems does not change again.
        """
        return not self.left and self.inside and (self.rtol < 0.03 or self.products > 100)

    def renew(self, params: np.ndarray, gradient: np.ndarray) -> None:
        """Move to the point. The first radius is u √f: every free variable moves by the unit u."""
        self.params, self.gradient = params, gradient
        if self.radius == 0.0:
            self.radius = self.objective.energy.unit * float(np.sqrt(len(self.free)))

    def _product(self, v: np.ndarray) -> np.ndarray:
        whole = np.zeros(self.params.size)
        whole[self.free] = v
        return self.objective.hvp(self.params, whole)[self.free]

    def propose(self, rtol: float) -> Proposal | None:
        """Minimise the model inside the ball; None if it predicts no fall."""
        s, product, self.products = steihaug(self._product, self.gradient, self.radius, rtol)
        self.rtol = rtol
        predicted = -float(self.gradient @ s + 0.5 * (s @ product))
        self.length = float(np.linalg.norm(s))
        return Proposal(s, predicted) if predicted > 0 else None

    def noise(self, energy: float) -> float:
        """ε (16 |E| + |E₀|). Even if E is 0, its terms may be as large as E₀."""
        return _EPS * (16 * abs(energy) + self.first_energy)

    def trust(self, ratio: float) -> None:
        """Enlarge the ball after a good prediction at its boundary; shrink it after a poor one."""
        if ratio < 0.25:
            self.radius = 0.25 * self.length
        elif ratio > 0.75 and not self.inside:
            self.radius *= 2.0

    def distrust(self) -> None:
        """Shrink the ball."""
        self.radius = 0.25 * min(self.radius, self.length or self.radius)
