"""M-FAC: the inverse of a Fisher matrix made of the last gradients, never formed."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from meshrep.base.backends import Array, Backend
from meshrep.base.outcome import Result
from meshrep.errors import InputError, SolveError
from meshrep.minimisers.base import (
    ROUNDING,
    Minimiser,
    Objective,
    check_momentum,
    check_step_length,
)
from meshrep.minimisers.monitor import Monitor

SHARE = 0.8  # of the longest step that a quadratic of the steepest curvature bears
HALVINGS = 40


class RecentGradients:
    """The last m gradients as F = λI + (1/k) Σ g gᵀ, over the k ≤ m that are held.

    λ is ``damping`` times the mean of their |g|², so that λF⁻¹ is the same for every size of the
    gradients. A gradient and its solve cost O(pm + m³), and the memory is that of m gradients:
    with G their rows, Woodbury's identity makes of the inverse

        λF⁻¹v = v − Gᵀ (kλI + GGᵀ)⁻¹ G v,

    where GGᵀ (m, m) changes by one row and column a gradient.

    Parameters
    ----------
    backend : Backend
        Of the gradients; GGᵀ is kept in float64 on the host.
    size : int
        p, the length of a gradient.
    most : int
        m.
    damping : float
        λ over the mean square of the gradients' norms.

    References
    ----------
    Frantar, Kurtic and Alistarh, "M-FAC: Efficient matrix-free approximations of second-order
    information" (2021), §3.2, who keep λ the same throughout.
    """

    def __init__(self, backend: Backend, size: int, most: int, damping: float) -> None:
        self.backend, self.damping = backend, damping
        self.rows = backend.zeros(most, size)
        self.gram = np.zeros((most, most))
        self.taken = 0

    @property
    def held(self) -> int:
        """k, how many gradients there are."""
        return min(self.taken, len(self.gram))

    @property
    def scale(self) -> float:
        """The mean of the held gradients' |g|²."""
        return float(np.trace(self.gram)) / max(self.held, 1)

    @property
    def floor(self) -> float:
        """λ."""
        return self.damping * self.scale

    def push(self, gradient: Array) -> np.ndarray:
        """Hold a gradient (p,) in place of the oldest; return its products with all held, (m,)."""
        at = self.taken % len(self.gram)
        self.rows[at] = gradient
        with np.errstate(over="ignore", invalid="ignore"):  # the caller looks at the products
            products = self.backend.to_numpy(self.rows @ gradient)
        self.gram[at] = self.gram[:, at] = products
        self.taken += 1
        return products

    def damped(self, v: Array, products: np.ndarray | None = None) -> Array:
        """λF⁻¹v (p,), a fresh array; ``products`` are G v where they are known.

        Raises
        ------
        SolveError
            When the damping is lost in the rounding of the gradients' products.
        """
        scale = self.scale
        if scale == 0.0:
            return v + 0.0
        if products is None:
            products = self.backend.to_numpy(self.rows @ v)
        damped = self.gram / scale
        damped[np.diag_indices_from(damped)] += self.held * self.damping
        try:
            weights = cho_solve(cho_factor(damped, lower=True), products / scale)
        except LinAlgError as error:
            raise SolveError(
                f"a damping of {self.damping:g} is lost in the rounding of {self.backend.dtype}: "
                "take a larger one"
            ) from error
        return v - self.backend.asarray(weights) @ self.rows


class MFAC(Minimiser):
    """Natural-gradient descent with momentum on the Fisher matrix of the last gradients.

    velocity ← β velocity − lr λF⁻¹∇E, with F of :class:`RecentGradients`. The factor λ gives the
    step length the units of gradient descent's: where no held gradient points, a step is −lr ∇E,
    and it is shorter along directions in which the last gradients were large.

    Parameters
    ----------
    lr : float or "auto"
        Step length, in the field's units squared over the energy's. "auto" takes 1.6 (1 + β) over
        the energy's steepest curvature, and halves it, back at the best state, where the energy
        has risen above that of the start.
    memory : int
        m, how many gradients are kept.
    damping : float
        λ over the mean of their |g|²: small ones shorten the steep directions more.
    momentum : float
        β in [0, 1).

    Raises
    ------
    InputError
        For a number out of range.

    Notes
    -----
    Written for the noisy gradients of learning. Those of an energy without noise lie nearly in
    one line for many steps, of which F sees little more than the direction.
    """

    name = "mfac"
    backends = ("numba", "numpy", "torch")

    def __init__(
        self,
        lr: float | str = "auto",
        memory: int = 32,
        damping: float = 0.1,
        momentum: float = 0.9,
    ) -> None:
        if lr != "auto":
            check_step_length(lr)
        if not (isinstance(memory, int) and memory >= 1):
            raise InputError(f"memory must be a whole number of 1 or more, not {memory!r}")
        if not 0 < damping < np.inf:
            raise InputError(f"damping must be a positive number, not {damping}")
        check_momentum(momentum)
        self.lr, self.memory, self.damping, self.momentum = lr, memory, damping, momentum
        self.follows_noise = lr != "auto"

    def _step_length(self, objective: Objective, monitor: Monitor) -> float:
        if self.lr != "auto":
            return float(self.lr)
        steepest = objective.energy.steepest(objective.field(objective.start))
        lr = 2 * SHARE * (1 + self.momentum) / steepest
        monitor.notes.append(
            f"step length {lr:.3g}, {2 * SHARE * (1 + self.momentum):.3g} over the curvature's "
            f"bound {steepest:.3g}"
        )
        return lr

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Step until the monitor says stop."""
        lr = self._step_length(objective, monitor)
        params = objective.start + 0
        velocity = params * 0
        recent = RecentGradients(objective.backend, len(params), self.memory, self.damping)
        first, noise, halvings, step = np.inf, ROUNDING[objective.backend.dtype], 0, 0
        while True:
            value, gradient = objective.value_and_grad(params)
            energy = float(value)
            with np.errstate(over="ignore"):
                norm = float((gradient * gradient).sum()) ** 0.5 if objective.direct else np.nan
            verdict = monitor.record(step, energy, params, norm)
            first = energy if step == 0 else first
            lost = verdict is Result.DIVERGED or energy > first + noise * abs(first)
            stays = verdict in (None, Result.DIVERGED)
            if self.lr == "auto" and lost and stays and step and halvings < HALVINGS:
                params[:] = monitor.best_or(objective.start)
                velocity *= 0
                lr *= 0.5
                halvings += 1
                step += 1
                if step >= monitor.stopping.max_steps:
                    return Result.MAX_STEPS, params, step
                continue
            if verdict:
                return verdict, params, step
            products = recent.push(gradient)
            if not np.isfinite(products).all():
                return Result.DIVERGED, params, step
            velocity *= self.momentum
            velocity -= lr * recent.damped(gradient, products)
            params += velocity
            step += 1
