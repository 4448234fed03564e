"""Newton's method, damped by a shift of the Hessian or by a trust region."""

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

_ENOUGH = 1e-4  # share of the predicted fall that a step must achieve
_STEEP = 0.1  # lengthen a step while the slope at its end is this share of the slope at its start
_BEYOND = 4  # maximum number of times that a step is lengthened
_ATTEMPTS = 40  # dampings of one step before the run is called stalled
_ENDS = (Result.CONVERGED, Result.FLAT, Result.STALLED)  # ends not caused by a limit or a user
_SADDLES = 20  # maximum number of saddles that a run leaves
_NEGATIVE = -1e-8  # a point is a saddle if least eigenvalue / largest row sum is below this


class Newton(Minimiser):
    """Newton's method for any energy, convex or not, to the accuracy of its gradient.

    With a sparse Hessian each step solves (H + μI) s = −g on the free nodes. The shift μ ≥ 0 is
    raised until the matrix is positive definite and the step achieves a small share of the fall
    that the quadratic model predicts. It is lowered when the predictions are good (Levenberg
    1944). Without a sparse Hessian, Steihaug's truncated conjugate gradients (CG) compute the step
    from Hessian-vector products in a trust region. An energy not known to be convex starts with
    truncated CG as well. It changes to the shifted system after a step that meets no negative
    curvature, when the end is near or the step took many iterations.

    On an energy not known to be convex, a run ends only at a second-order point. At the end the
    least eigenvalue of the Hessian is computed (on up to 100,000 nodes) and noted. If it is
    negative, the run continues along its eigenvector. If a constant shift of the field does not
    change the energy, the Hessian is taken modulo that shift.

    If the energy still falls steeply at the end of a full step, the step is lengthened, up to four
    times. This helps where a quartic bath's curvature vanishes together with its slope: plain
    Newton steps go only a third of the way there.

    No step may raise the energy. Once the predicted fall is below the rounding of the energy, a
    step must reduce the gradient instead.

    Parameters
    ----------
    linear : {"auto", "direct", "amg", "jacobi", "cg"}
        Method for the linear systems. "direct" is sparse LU. "amg" and "jacobi" are CG
        preconditioned by algebraic multigrid and by the diagonal. "cg" is truncated CG on
        products. "auto" chooses by convexity, size and bandwidth.
    shift : float
        First μ, in units of the mean of the Hessian's absolute diagonal.

    Raises
    ------
    InputError
        For an unknown ``linear``.
    MissingPart
        For "amg" if neither numba nor pyamg is installed.

    Notes
    -----
    Iterative methods solve a system only to the relative residual min(0.1, √(‖g‖/‖g₀‖)), which
    keeps convergence superlinear (Eisenstat and Walker 1996).

    Far from a minimum of a nonconvex energy, a shift that makes H + μI positive definite makes
    every step short, while truncated CG follows negative curvature. XY spins on a 50×50 lattice
    from random phases took 84 steps in 0.1 s with truncated CG and 231 steps in 3 s with shifts.

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
        """Evaluate once, and compile the products and linear solvers that the run may need."""
        if not objective.energy.convex:
            objective.hvp(objective.start, objective.start)
        if objective.energy.has_hessian and self.linear not in ("direct", "cg"):
            warm_up(objective.start.size)
        objective.warm_up()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, np.ndarray, int]:
        """Take steps until the monitor stops the run or no step lowers the energy."""
        params = np.array(objective.start, dtype=np.float64)
        free = _free(objective)
        gauge = _gauge(objective, free)
        energy, gradient = _evaluate(objective, params, free)
        norm = float(np.linalg.norm(gradient))
        verdict = monitor.record(0, energy, params, norm)
        model = self._model(objective, monitor, free, gauge, energy)
        region: TrustRegion | None = None  # the trust region to return to
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
            monitor.notes.append(f"the run left {left} saddles along negative curvature")
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
        """Whether the run may solve shifted systems."""
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
        """The model for the first step."""
        settled = objective.energy.convex or self.linear != "auto"
        if self._shifts(objective) and settled:
            return self._shifted(objective, monitor, free, gauge)
        monitor.notes.append("the run began with truncated conjugate gradients in a trust region")
        return TrustRegion(objective, free, energy)


def _free(objective: Objective) -> np.ndarray:
    """Indices of the free entries in the flat field."""
    shape = objective.energy.shape
    return np.arange(int(np.prod(shape))).reshape(shape)[objective.energy.free].ravel()


def _gauge(objective: Objective, free: np.ndarray) -> Gauge:
    """The gauge of the energy: modulo constants if a shift costs no energy and no node is fixed."""
    energy = objective.energy
    invariant = energy.shift_invariant and len(energy.shape) == 1 and len(free) == energy.graph.n
    return Gauge(energy.graph.component_of if invariant else None, len(free))


@dataclass
class _Bend:
    """The Hessian's least eigenvalue, its unit eigenvector (f,), and the largest row sum."""

    value: float
    direction: np.ndarray
    scale: float


def _curvature(
    objective: Objective, params: np.ndarray, free: np.ndarray, gauge: Gauge, verdict: Result
) -> _Bend | None:
    """The least curvature at a point where the run would end, or None if it is not known."""
    energy = objective.energy
    if energy.convex or not energy.has_hessian or verdict not in _ENDS:
        return None
    matrix = sparse.csr_array(objective.hessian(params))[free][:, free]
    least = least_eigenvalue(matrix, gauge)
    return None if least is None else _Bend(*least, float(abs(matrix).sum(axis=1).max()) or 1.0)


def _away(
    objective: Objective, params: np.ndarray, free: np.ndarray, energy: float, bend: _Bend | None
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """A lower point along a direction of negative curvature, or None if there is none."""
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
    """Energy and gradient with respect to the free variables."""
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
    """The next point with its energy and gradient, or the reason why there is none."""
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
    """Lengthen a full step s, by secants of the slope, while the energy still falls steeply."""
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
