"""Newton's method, damped by a shift of the Hessian or kept in a trust region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse

from meshrep.errors import InputError
from meshrep.linear_solvers import KINDS, ShiftedSystem, choose, steihaug
from meshrep.minimisers.base import Minimiser, Monitor, Objective
from meshrep.outcome import Result

_EPS = float(np.finfo(float).eps)
_ENOUGH = 1e-4  # share of the predicted fall that a step must bring
_ATTEMPTS = 40  # dampings of one step before the run is called stalled


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


class Newton(Minimiser):
    """Newton's method for any energy, convex or not, to the accuracy of its gradient.

    With a sparse Hessian each step solves (H + μI) s = −g on the free nodes; the shift μ ≥ 0
    rises until the matrix is positive definite and the energy falls by at least a small part of
    what the quadratic model predicts, and sinks as the predictions come true (Levenberg 1944).
    Without one, Steihaug's truncated conjugate gradients work on Hessian-vector products in a
    trust region. No step that raises the energy is taken. Once the predicted fall is below the
    rounding of the energy, a step is taken if the gradient shrinks instead.

    Parameters
    ----------
    linear : {"auto", "direct", "amg", "jacobi", "cg"}
        Linear systems: sparse LU, conjugate gradients preconditioned by algebraic multigrid or
        by the diagonal, or truncated CG on products; "auto" chooses by size and bandwidth.
    shift : float
        First μ, in units of the Hessian's mean absolute diagonal.

    Raises
    ------
    InputError
        For an unknown ``linear``.
    MissingPart
        For "amg" without pyamg.

    Notes
    -----
    Iterative systems are solved to min(0.1, √(‖g‖/‖g₀‖)) only, which keeps convergence superlinear
    (Eisenstat and Walker 1996).

    References
    ----------
    Nocedal and Wright, "Numerical Optimization" (2006), chapters 4, 7 and 10.
    """

    name = "newton"
    backends = ("numpy",)
    parametrizable = False

    def __init__(self, linear: str = "auto", shift: float = 0.0) -> None:
        if linear not in (*KINDS, "cg"):
            raise InputError(f"unknown linear solver {linear!r}: choose {', '.join(KINDS)} or cg")
        if not (np.isfinite(shift) and shift >= 0):
            raise InputError(f"Newton's first shift must be 0 or more, not {shift}")
        if linear == "amg":
            ShiftedSystem("amg")
        self.linear, self.shift = linear, float(shift)

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, np.ndarray, int]:
        """Steps until the monitor says stop or no step lowers the energy."""
        params = np.array(objective.start, dtype=np.float64)
        free = _free(objective)
        energy, gradient = _evaluate(objective, params, free)
        norm = float(np.linalg.norm(gradient))
        verdict = monitor.record(0, energy, params, norm)
        model = self._model(objective, monitor, free)
        norm0, step = max(norm, 1e-300), 0
        while verdict is None:
            model.renew(params, gradient)
            enough = 0.3 * monitor.stopping.gtol * monitor.scale / norm
            rtol = max(min(0.1, (norm / norm0) ** 0.5), min(enough, 0.1), 1e-12)
            moved = _advance(objective, model, params, free, energy, gradient, rtol)
            if isinstance(moved, Result):
                return moved, params, step
            params, energy, gradient = moved
            norm = float(np.linalg.norm(gradient))
            step += 1
            verdict = monitor.record(step, energy, params, norm)
        if isinstance(model, _Shifted):
            monitor.notes += model.notes()
        return verdict, params, step

    def _model(self, objective: Objective, monitor: Monitor, free: np.ndarray) -> Model:
        if objective.energy.has_hessian and self.linear != "cg":
            return _Shifted(objective, monitor, free, self.linear, self.shift)
        if self.linear not in ("auto", "cg"):
            raise InputError(
                f"{type(objective.energy).__name__} has no sparse Hessian, so "
                f"linear={self.linear!r} cannot work: use linear='cg'"
            )
        monitor.notes.append("steps by truncated conjugate gradients in a trust region")
        return _TrustRegion(objective, free)


def _free(objective: Objective) -> np.ndarray:
    """Numbers of the free entries of the flat field."""
    shape = objective.energy.shape
    return np.arange(int(np.prod(shape))).reshape(shape)[objective.energy.free].ravel()


def _evaluate(
    objective: Objective, params: np.ndarray, free: np.ndarray
) -> tuple[float, np.ndarray]:
    """Energy and the gradient of the free variables."""
    energy, gradient = objective.value_and_grad(params)
    return float(energy), gradient[free].astype(np.float64)


def _advance(
    objective: Objective,
    model: Model,
    params: np.ndarray,
    free: np.ndarray,
    energy: float,
    gradient: np.ndarray,
    rtol: float,
) -> tuple[np.ndarray, float, np.ndarray] | Result:
    """The next point, its energy and gradient; or why there is none."""
    noise = model.noise(energy)
    flat = False
    for _ in range(_ATTEMPTS):
        proposal = model.propose(rtol)
        if proposal is None:
            model.distrust()
            continue
        trial = params.copy()
        trial[free] += proposal.s
        value, slope = _evaluate(objective, trial, free)
        fall = energy - value
        flat = proposal.predicted <= noise
        if np.isfinite(value) and np.isfinite(slope).all():
            if flat and fall >= -noise and np.linalg.norm(slope) < np.linalg.norm(gradient):
                model.trust(1.0)
                return trial, value, slope
            if not flat and fall >= _ENOUGH * proposal.predicted:
                model.trust(fall / proposal.predicted)
                return trial, value, slope
        if flat:
            break
        model.distrust()
    return Result.FLAT if flat else Result.STALLED


class _Shifted:
    """(H + μI) s = −g with an adapted shift μ."""

    def __init__(
        self, objective: Objective, monitor: Monitor, free: np.ndarray, linear: str, shift: float
    ) -> None:
        self.objective, self.monitor, self.free = objective, monitor, free
        self.everything = len(free) == objective.start.size
        self.linear, self.relative = linear, shift
        self.system: ShiftedSystem | None = None
        self.shift, self.least = 0.0, 0.0
        self.raised = 0
        self.params = self.gradient = self.last = np.zeros(0)

    def renew(self, params: np.ndarray, gradient: np.ndarray) -> None:
        """Take the Hessian of the free variables at the point."""
        matrix = sparse.csr_array(self.objective.hessian(params))
        if not self.everything:
            matrix = matrix[self.free][:, self.free]
        if self.system is None:
            kind = self.linear
            if kind == "auto":
                kind, note = choose(matrix)
                self.monitor.notes.append(note)
            self.system = ShiftedSystem(kind)
            self.system.renew(matrix)
            self.unit = float(abs(self.system.diagonal).mean()) or 1.0
            self.shift = self.relative * self.unit
        else:
            self.system.renew(matrix)
        self.params, self.gradient = params, gradient
        self.last = np.zeros(0)

    def propose(self, rtol: float) -> Proposal | None:
        """Solve the shifted system, and check what comes out."""
        assert self.system is not None
        answer = self.system.solve(-self.gradient, self.shift, rtol)
        if not answer.positive:
            self.least = max(self.least, 1e-10 * self.unit)
            return None
        s = answer.s
        predicted = -float(self.gradient @ s + 0.5 * (s @ (self.system.matrix @ s)))
        if not predicted > 0:
            return None
        self.last = s
        return Proposal(s, predicted)

    def noise(self, energy: float) -> float:
        """2 ε (|E| + Σ |h_ii| w_i²), the size of the terms that a quadratic energy sums."""
        assert self.system is not None
        w = self.params[self.free]
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


class _TrustRegion:
    """Steihaug's truncated CG on Hessian-vector products."""

    def __init__(self, objective: Objective, free: np.ndarray) -> None:
        self.objective, self.free = objective, free
        self.radius = 0.0
        self.params = self.gradient = np.zeros(0)
        self.length = 0.0

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
        s, product, _ = steihaug(self._product, self.gradient, self.radius, rtol)
        predicted = -float(self.gradient @ s + 0.5 * (s @ product))
        self.length = float(np.linalg.norm(s))
        return Proposal(s, predicted) if predicted > 0 else None

    def noise(self, energy: float) -> float:
        """16 ε |E|."""
        return 16 * _EPS * abs(energy)

    def trust(self, ratio: float) -> None:
        """Widen the ball after a good prediction at its boundary, narrow it after a poor one."""
        if ratio < 0.25:
            self.radius = 0.25 * self.length
        elif ratio > 0.75 and self.length > 0.99 * self.radius:
            self.radius *= 2.0

    def distrust(self) -> None:
        """Narrow the ball."""
        self.radius = 0.25 * min(self.radius, self.length or self.radius)
