"""M-FAC: steps by the inverse of a Fisher matrix of the last gradients, without forming it."""

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

SHARE = 0.8  # of the longest step that is stable on a quadratic with the largest curvature
HALVINGS = 40  # maximum number of times that an automatic step length is halved


class RecentGradients:
    """The Fisher matrix F = λI + (1/k) Σ g gᵀ of the last k ≤ m gradients.

    λ is ``damping`` times the mean of |g|² over these gradients, so λF⁻¹ does not depend on the
    gradients' scale. Let the rows of G be the gradients. By Woodbury's identity

        λF⁻¹v = v − Gᵀ (kλI + GGᵀ)⁻¹ G v.

    A new gradient changes one row and one column of GGᵀ (m, m). Adding a gradient and solving
    costs O(pm + m³). The memory is m gradients.

    Parameters
    ----------
    backend : Backend
        Back end of the gradients; GGᵀ is kept in float64 on the host.
    size : int
        p, the length of a gradient.
    most : int
        m.
    damping : float
        λ / mean |g|².

    References
    ----------
    Frantar, Kurtic and Alistarh, "M-FAC: Efficient matrix-free approximations of second-order
    information" (2021), §3.2. There λ is constant.
    """

    def __init__(self, backend: Backend, size: int, most: int, damping: float) -> None:
        self.backend, self.damping = backend, damping
        self.rows = backend.zeros(most, size)
        self.gram = np.zeros((most, most))
        self.taken = 0

    @property
    def held(self) -> int:
        """k, the number of gradients held."""
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
        """Add a gradient (p,), in place of the oldest of m; return its products G g (m,)."""
        at = self.taken % len(self.gram)
        self.rows[at] = gradient
        with np.errstate(over="ignore", invalid="ignore"):  # the caller checks the products
            products = self.backend.to_numpy(self.rows @ gradient)
        self.gram[at] = self.gram[:, at] = products
        self.taken += 1
        return products

    def damped(self, v: Array, products: np.ndarray | None = None) -> Array:
        """λF⁻¹v (p,) as a new array. Pass ``products`` = G v (m,) if they are known.

        Raises
        ------
        SolveError
            If the damping is below the rounding of the gradients' products.
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
                f"a damping of {self.damping:g} is below the rounding of {self.backend.dtype}: "
                "use a larger damping"
            ) from error
        return v - self.backend.asarray(weights) @ self.rows


class MFAC(Minimiser):
    """Natural-gradient descent with momentum, with the Fisher matrix of the last gradients.

    The update is velocity ← β velocity − lr λF⁻¹∇E, with F of :class:`RecentGradients`. Through
    the factor λ the step length has the same units as in gradient descent. Along directions in
    which the last gradients were large the step is shorter. Orthogonal to all of them it is −lr ∇E.

    Parameters
    ----------
    lr : float or "auto"
        Step length, in units of field² / energy. "auto" divides 1.6 (1 + β) by the energy's
        largest curvature. When the energy rises above that of the start, it halves the step and
        returns to the best state.
    memory : int
        m, the number of gradients kept.
    damping : float
        λ / mean |g|². A smaller value shortens the step along large gradients more.
    momentum : float
        β in [0, 1).

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    M-FAC was written for the noisy gradients of learning. Without noise, successive gradients are
    nearly parallel for many steps, so F holds little more than their common direction.
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
        lr = 2 * SHARE * (1 + self.momentum) / (steepest * objective.map.unit**2)
        monitor.notes.append(
            f"step length {lr:.3g}: {2 * SHARE * (1 + self.momentum):.3g} divided by the bound "
            f"{steepest:.3g} on the largest curvature"
        )
        return lr

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Take steps until the monitor stops the run."""
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
