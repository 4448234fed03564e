"""Newton's method, damped by a shift of the Hessian or by a trust region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from meshrep.base.outcome import Result
from meshrep.errors import InputError
from meshrep.minimisers.base import Minimiser, Objective, note_kinks
from meshrep.minimisers.gap import gauge_of
from meshrep.minimisers.monitor import Monitor
from meshrep.minimisers.quadratic_models import Model, Shifted, TrustRegion
from meshrep.numerics.least import least_eigenvalue
from meshrep.numerics.linear_solvers import KINDS, ShiftedSystem, warm_up

_ENOUGH = 1e-4  # share of the predicted fall that a step must achieve
_STEEP = 0.1  # lengthen a step while the slope at its end is this share of the slope at its start
_BEYOND = 4  # maximum number of times that a step is lengthened
_ATTEMPTS = 40  # dampings of one step before the run is called stalled
_ACCURATE = 1e-12  # the least relative residual of a linear system
_SOON = 20_000  # unknowns up to which any linear solver reaches it in a second or two
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
    keeps convergence superlinear (Eisenstat and Walker 1996). On a quadratic energy there is one
    system, which is solved to a relative residual of 1e-12, by multigrid or on up to 20,000
    unknowns.

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
        objective.warm_up()
        if not objective.energy.convex:
            objective.hvp(objective.start, objective.start)
            objective.evaluations = 0
        if objective.energy.has_hessian and self.linear not in ("direct", "cg"):
            warm_up(objective.start.size)

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, np.ndarray, int]:
        """Take steps until the monitor stops the run or no step lowers the energy."""
        run = _Run(self, objective, monitor)
        while run.verdict is None or run.leave_saddle():
            if run.verdict is None:
                run.advance()
        run.add_notes(run.verdict)
        return run.verdict, run.point.params, run.step


@dataclass(eq=False)
class _Point:
    """A point (p,) with its energy and its gradient (f,) of the free variables."""

    params: np.ndarray
    energy: float
    gradient: np.ndarray

    def __post_init__(self) -> None:
        self.norm = float(np.linalg.norm(self.gradient))


@dataclass
class _Bend:
    """The Hessian's least eigenvalue, its unit eigenvector (f,), and the largest row sum."""

    value: float
    direction: np.ndarray
    scale: float


class _Run:
    """The state of one run: its point, the model of the next step, and the verdict at its end."""

    def __init__(self, settings: Newton, objective: Objective, monitor: Monitor) -> None:
        self.settings, self.objective, self.monitor = settings, objective, monitor
        energy = objective.energy
        self.free = energy.free_entries
        self.gauge = gauge_of(energy, len(self.free))
        self.point = self._evaluated(np.array(objective.start, dtype=np.float64))
        self.largest_norm = self.point.norm or self.objective.slope
        self.step = self.saddles = 0
        self.verdict = monitor.record(0, self.point.energy, self.point.params, self.point.norm)
        self.region: TrustRegion | None = None  # the trust region to return to
        self.bend: _Bend | None = None
        self.solves_systems = self._solves_systems()
        self.model: Model
        if self.solves_systems and (energy.convex or settings.linear != "auto"):
            self.model = self._shifted()
        else:
            self.model = TrustRegion(objective, self.free, self.point.energy)
            monitor.notes.append(
                "the run began with truncated conjugate gradients in a trust region"
            )

    def _solves_systems(self) -> bool:
        """Whether the run may solve shifted systems."""
        if self.objective.energy.has_hessian:
            return self.settings.linear != "cg"
        if self.settings.linear not in ("auto", "cg"):
            raise InputError(
                f"{type(self.objective.energy).__name__} has no sparse Hessian, so "
                f"linear={self.settings.linear!r} cannot work: use linear='cg'"
            )
        return False

    def _shifted(self) -> Shifted:
        linear, shift = self.settings.linear, self.settings.shift
        return Shifted(self.objective, self.monitor, self.free, self.gauge, linear, shift)

    def _evaluated(self, params: np.ndarray) -> _Point:
        energy, gradient = self.objective.value_and_grad(params)
        return _Point(params, float(energy), gradient[self.free].astype(np.float64))

    def _moved(self, s: np.ndarray, point: _Point | None = None) -> _Point:
        """The point a step s (f,) away from a point; by default from the current one."""
        params = (point or self.point).params.copy()
        params[self.free] += s
        return self._evaluated(params)

    def _go_to(self, point: _Point) -> None:
        self.point = point
        self.step += 1
        self.verdict = self.monitor.record(self.step, point.energy, point.params, point.norm)

    def advance(self) -> None:
        """Take a step, and choose the model of the next one; or set the verdict."""
        here = self.point
        self.model.renew(here.params, here.gradient)
        enough = 0.3 * self.monitor.stopping.gtol * self.monitor.scale / here.norm
        rtol = max(min(0.1, (here.norm / self.largest_norm) ** 0.5), min(enough, 0.1), _ACCURATE)
        if self.objective.energy.quadratic and isinstance(self.model, Shifted):
            # The model is exact, so that one accurate solution ends the run. On many unknowns that
            # may take so long without multigrid that the run could not be stopped in time.
            soon = self.model.by_multigrid or len(here.gradient) <= _SOON
            rtol = _ACCURATE if soon else rtol
        found = self._next_point(rtol)
        if isinstance(found, Result):
            self.verdict = found
            return
        self._go_to(found)
        if isinstance(self.model, TrustRegion) and self.model.settled and self.solves_systems:
            self.region, self.model = self.model, self._shifted()
            self.region.left = True
        elif self.region is not None and isinstance(self.model, Shifted) and self.model.indefinite:
            self.model = self.region

    def _next_point(self, rtol: float) -> _Point | Result:
        """The next point, or the reason why there is none."""
        here, model = self.point, self.model
        noise = model.noise(here.energy)
        flat = False
        for _ in range(_ATTEMPTS):
            proposal = model.propose(rtol)
            if proposal is None:
                model.distrust()
                continue
            trial = self._moved(proposal.s)
            fall = here.energy - trial.energy
            flat = proposal.predicted <= noise
            if np.isfinite(trial.energy) and np.isfinite(trial.gradient).all():
                if flat and fall >= -noise and trial.norm < here.norm:
                    model.trust(1.0)
                    return trial
                if not flat and fall >= _ENOUGH * proposal.predicted:
                    model.trust(fall / proposal.predicted)
                    shifted = isinstance(model, Shifted)
                    return self._lengthened(proposal.s, trial) if shifted else trial
            if flat:
                break
            model.distrust()
        return Result.FLAT if flat else Result.STALLED

    def _lengthened(self, s: np.ndarray, reached: _Point) -> _Point:
        """Lengthen a full step s, by secants of the slope, while the energy still falls steeply."""
        first = float(self.point.gradient @ s)
        before, t_before, t = first, 0.0, 1.0
        for _ in range(_BEYOND):
            slope = float(reached.gradient @ s)
            if slope > _STEEP * first:
                break
            secant = (t - t_before) * slope / (before - slope) if before < slope else np.inf
            longer = min(max(secant, 0.2 * t), 2.0 * t)
            trial = self._moved(longer * s, reached)
            if not (trial.energy < reached.energy and np.isfinite(trial.gradient).all()):
                break
            reached = trial
            before, t_before, t = slope, t, t + longer
        return reached

    def leave_saddle(self) -> bool:
        """Continue along negative curvature where the run would end; whether there is any."""
        self.bend = self._least_curvature()
        below = self._lower_point(self.bend) if self.saddles < _SADDLES else None
        if below is None:
            return False
        self.saddles += 1
        self.largest_norm = max(self.largest_norm, below.norm)
        self._go_to(below)
        self.model = TrustRegion(self.objective, self.free, below.energy)
        return True

    def _least_curvature(self) -> _Bend | None:
        """The least curvature at the point, or None if it is not known or not needed."""
        energy = self.objective.energy
        if energy.convex or not energy.has_hessian or self.verdict not in _ENDS:
            return None
        matrix = sparse.csr_array(self.objective.hessian(self.point.params))[self.free][
            :, self.free
        ]
        least = least_eigenvalue(matrix, self.gauge)
        return None if least is None else _Bend(*least, float(abs(matrix).sum(axis=1).max()) or 1.0)

    def _lower_point(self, bend: _Bend | None) -> _Point | None:
        """A lower point along a direction of negative curvature, or None if there is none."""
        if bend is None or bend.value >= _NEGATIVE * bend.scale:
            return None
        length = 0.5 * self.objective.energy.unit * len(self.free) ** 0.5
        for _ in range(_ATTEMPTS):
            trial = self._moved(length * bend.direction)
            if trial.energy < self.point.energy + 0.1 * bend.value * length * length:
                return trial
            length *= 0.5
        return None

    def add_notes(self, verdict: Result) -> None:
        """Add notes on the models, the saddles and the least eigenvalue at the end."""
        notes, energy = self.monitor.notes, self.objective.energy
        if isinstance(self.model, Shifted):
            notes += self.model.notes()
        if self.saddles:
            notes.append(f"the run left {self.saddles} saddles along negative curvature")
        if verdict in _ENDS and not energy.convex and energy.has_hessian:
            value = f"{self.bend.value:.3g}" if self.bend else "was not computed"
            modulo = "" if self.gauge.part_of is None else " modulo the shift"
            notes.append(f"least eigenvalue of the Hessian{modulo} {value}")
        note_kinks(self.objective, self.monitor, verdict)
