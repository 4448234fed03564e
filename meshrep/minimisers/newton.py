"""Newton's method, damped by a shift of the Hessian or kept in a trust region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from meshrep.base.outcome import Result
from meshrep.errors import InputError
from meshrep.minimisers.base import Minimiser, Objective, note_kinks
from meshrep.minimisers.monitor import Monitor
from meshrep.minimisers.quadratic_models import Model, Shifted, TrustRegion
from meshrep.numerics.gauge import Gauge
from meshrep.numerics.least import least_eigenvalue
from meshrep.numerics.linear_solvers import KINDS, ShiftedSystem, warm_up

_ENOUGH = 1e-4  # share of the predicted fall that a step must bring
_STEEP = 0.1  # share of the slope at a step's beginning that is left at its end to go beyond it
_BEYOND = 4  # times that a step is made longer
_ATTEMPTS = 40  # dampings of one step before the run is called stalled
_ENDS = (Result.CONVERGED, Result.FLAT, Result.STALLED)  # that are the energy's doing
_SADDLES = 20  # that a run leaves along negative curvature
_NEGATIVE = -1e-8  # least eigenvalue, over the largest row sum, that makes a saddle


class Newton(Minimiser):
    """Newton's method for any energy, convex or not, to the accuracy of its gradient.

    With a sparse Hessian each step solves (H + μI) s = −g on the free nodes; the shift μ ≥ 0
    rises until the matrix is positive definite and the energy falls by at least a small part of
    what the quadratic model predicts, and sinks as the predictions come true (Levenberg 1944).
    Without one, Steihaug's truncated conjugate gradients work on Hessian-vector products in a
    trust region; so they do at first on an energy not known to be convex, until the end is near
    or many iterations go into a step that meets no negative curvature.

    An energy not known to be convex is left at second-order points only: at the end the least
    eigenvalue of the Hessian is computed and noted, on up to 100,000 nodes, and the run goes on
    along its field where it is negative. Where constants cost no energy all this is meant up to
    them.

    After a full step at whose end the energy still falls steeply the step is made longer, up to
    four times: where a quartic bath's curvature vanishes with its slope, Newton's own steps only
    go a third of the way.

    No step that raises the energy is taken. Once the predicted fall is below the rounding of the
    energy, a step is taken if the gradient shrinks instead.

    Parameters
    ----------
    linear : {"auto", "direct", "amg", "jacobi", "cg"}
        Linear systems: sparse LU, conjugate gradients preconditioned by algebraic multigrid or
        by the diagonal, or truncated CG on products; "auto" chooses by convexity, size and
        bandwidth.
    shift : float
        First μ, in units of the Hessian's mean absolute diagonal.

    Raises
    ------
    InputError
        For an unknown ``linear``.
    MissingPart
        For "amg" with neither numba nor pyamg.

    Notes
    -----
    Iterative systems are solved to min(0.1, √(‖g‖/‖g₀‖)) only, which keeps convergence superlinear
    (Eisenstat and Walker 1996).

    Far from a minimum of a nonconvex energy a shift that makes H definite makes every step
    short, while truncated CG follows negative curvature: XY spins on a 50×50 lattice from random
    phases took 84 steps in 0.1 s instead of 231 in 3 s.

    References
    ----------
    Nocedal and Wright, "Numerical Optimization" (2006), chapters 4, 7 and 10.
    """

    name = "newton"
    concurrent = False
    backends = ("numba", "numpy")
    parametrizable = False

    def __init__(self, linear: str = "auto", shift: float = 0.0) -> None:
        if linear not in (*KINDS, "cg"):
            raise InputError(f"unknown linear solver {linear!r}: choose {', '.join(KINDS)} or cg")
        if not (np.isfinite(shift) and shift >= 0):
            raise InputError(f"Newton's first shift must be 0 or more, not {shift}")
        if linear == "amg":
            ShiftedSystem("amg")
        self.linear, self.shift = linear, float(shift)

    def warm_up(self, objective: Objective) -> None:
        """Evaluate once; with products and linear systems where they will be wanted."""
        if not objective.energy.convex:
            objective.hvp(objective.start, objective.start)
        if objective.energy.has_hessian and self.linear not in ("direct", "cg"):
            warm_up(objective.start.size)
        objective.warm_up()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, np.ndarray, int]:
        """Steps until the monitor says stop or no step lowers the energy."""
        params = np.array(objective.start, dtype=np.float64)
        free = _free(objective)
        gauge = _gauge(objective, free)
        energy, gradient = _evaluate(objective, params, free)
        norm = float(np.linalg.norm(gradient))
        verdict = monitor.record(0, energy, params, norm)
        model = self._model(objective, monitor, free, gauge, energy)
        region: TrustRegion | None = None  # to come back to
        norm0, step, left = max(norm, 1e-300), 0, 0
        while True:
            if verdict is not None:
                bend = _curvature(objective, params, free, gauge, verdict)
                away = _away(objective, params, free, energy, bend) if left < _SADDLES else None
                if away is None:
                    break
                params, energy, gradient = away
                model = TrustRegion(objective, free, energy)
                norm, left, step = float(np.linalg.norm(gradient)), left + 1, step + 1
                norm0 = max(norm0, norm)
                verdict = monitor.record(step, energy, params, norm)
                continue
            model.renew(params, gradient)
            enough = 0.3 * monitor.stopping.gtol * monitor.scale / norm
            rtol = max(min(0.1, (norm / norm0) ** 0.5), min(enough, 0.1), 1e-12)
            moved = _advance(objective, model, params, free, energy, gradient, rtol)
            if isinstance(moved, Result):
                verdict = moved
                continue
            params, energy, gradient = moved
            norm = float(np.linalg.norm(gradient))
            step += 1
            verdict = monitor.record(step, energy, params, norm)
            if isinstance(model, TrustRegion) and model.settled and self._shifts(objective):
                region, model = model, self._shifted(objective, monitor, free, gauge)
                region.left = True
            elif region is not None and isinstance(model, Shifted) and model.indefinite:
                model = region
        if isinstance(model, Shifted):
            monitor.notes += model.notes()
        if left:
            monitor.notes.append(f"{left} saddles were left along negative curvature")
        ended = verdict in _ENDS
        if ended and not objective.energy.convex and objective.energy.has_hessian:
            value = f"{bend.value:.3g}" if bend else "was not computed"
            modulo = "" if gauge.part_of is None else " modulo the shift"
            monitor.notes.append(f"least eigenvalue of the Hessian{modulo} {value}")
        note_kinks(objective, monitor, verdict)
        return verdict, params, step

    def _shifted(
        self, objective: Objective, monitor: Monitor, free: np.ndarray, gauge: Gauge
    ) -> Shifted:
        return Shifted(objective, monitor, free, gauge, self.linear, self.shift)

    def _shifts(self, objective: Objective) -> bool:
        """Whether there are systems to be shifted and solved."""
        if objective.energy.has_hessian:
            return self.linear != "cg"
        if self.linear not in ("auto", "cg"):
            raise InputError(
                f"{type(objective.energy).__name__} has no sparse Hessian, so "
                f"linear={self.linear!r} cannot work: use linear='cg'"
            )
        return False

    def _model(
        self,
        objective: Objective,
        monitor: Monitor,
        free: np.ndarray,
        gauge: Gauge,
        energy: float,
    ) -> Model:
        """The model to begin with."""
        settled = objective.energy.convex or self.linear != "auto"
        if self._shifts(objective) and settled:
            return self._shifted(objective, monitor, free, gauge)
        monitor.notes.append("steps by truncated conjugate gradients in a trust region")
        return TrustRegion(objective, free, energy)


def _free(objective: Objective) -> np.ndarray:
    """Numbers of the free entries of the flat field."""
    shape = objective.energy.shape
    return np.arange(int(np.prod(shape))).reshape(shape)[objective.energy.free].ravel()


def _gauge(objective: Objective, free: np.ndarray) -> Gauge:
    """Up to constants where they cost no energy and no node is fixed."""
    energy = objective.energy
    invariant = energy.shift_invariant and len(energy.shape) == 1 and len(free) == energy.graph.n
    return Gauge(energy.graph.component_of if invariant else None, len(free))


@dataclass
class _Bend:
    """The Hessian's least eigenvalue, its unit field (f,), and its largest row sum."""

    value: float
    direction: np.ndarray
    scale: float


def _curvature(
    objective: Objective, params: np.ndarray, free: np.ndarray, gauge: Gauge, verdict: Result
) -> _Bend | None:
    """How the energy bends least at a point where the run would end; None where not known."""
    energy = objective.energy
    if energy.convex or not energy.has_hessian or verdict not in _ENDS:
        return None
    matrix = sparse.csr_array(objective.hessian(params))[free][:, free]
    least = least_eigenvalue(matrix, gauge)
    return None if least is None else _Bend(*least, float(abs(matrix).sum(axis=1).max()) or 1.0)


def _away(
    objective: Objective, params: np.ndarray, free: np.ndarray, energy: float, bend: _Bend | None
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """A lower point along the Hessian's negative curvature; None where there is none."""
    if bend is None or bend.value >= _NEGATIVE * bend.scale:
        return None
    length = 0.5 * len(free) ** 0.5
    for _ in range(_ATTEMPTS):
        trial = params.copy()
        trial[free] += length * bend.direction
        reached, gradient = _evaluate(objective, trial, free)
        if reached < energy + 0.1 * bend.value * length * length:
            return trial, reached, gradient
        length *= 0.5
    return None


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
                reached = trial, value, slope
                if not isinstance(model, Shifted):
                    return reached
                return _beyond(objective, free, proposal.s, gradient, reached)
        if flat:
            break
        model.distrust()
    return Result.FLAT if flat else Result.STALLED


def _beyond(
    objective: Objective,
    free: np.ndarray,
    s: np.ndarray,
    gradient: np.ndarray,
    reached: tuple[np.ndarray, float, np.ndarray],
) -> tuple[np.ndarray, float, np.ndarray]:
    """Go on along a full step s while the energy falls steeply, by secants of its slope."""
    first = float(gradient @ s)
    before, t_before, t = first, 0.0, 1.0
    for _ in range(_BEYOND):
        slope = float(reached[2] @ s)
        if slope > _STEEP * first:
            break
        secant = (t - t_before) * slope / (before - slope) if before < slope else np.inf
        longer = min(max(secant, 0.2 * t), 2.0 * t)
        trial = reached[0].copy()
        trial[free] += longer * s
        value, gradient = _evaluate(objective, trial, free)
        if not (value < reached[1] and np.isfinite(gradient).all()):
            break
        reached = trial, value, gradient
        before, t_before, t = slope, t, t + longer
    return reached
