"""Rates of convergence: predicted by a condition number, and observed on runs.

Let κ be the condition number of Jᵀ H J at a minimum. With the best fixed step, a step multiplies
the distance to the minimum by

    gradient descent   (κ − 1)/(κ + 1),     lr = 2/(λ_max + λ_min)
    heavy ball         (√κ − 1)/(√κ + 1),   lr = 4/(√λ_max + √λ_min)²,  β = (that factor)²

and the energy gap by the square of this factor. After k steps, conjugate gradients leave at most
the share 4 ((√κ − 1)/(√κ + 1))^{2k} of the gap, and so does L-BFGS as far as it follows them.
Nesterov's method leaves at most 2 (1 − 1/√κ)^k.

References
----------
Polyak, "Some methods of speeding up the convergence of iteration methods" (1964); Nesterov,
"Introductory lectures on convex optimization" (2004), §2.2; Nocedal and Wright, "Numerical
optimization" (2006), (5.36).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from meshrep.base.backends import Array, NumpyBackend
from meshrep.base.threads import calm_threads
from meshrep.diagnosis.spectrum import Spectrum
from meshrep.diagnosis.tangent import Tangent
from meshrep.energies.base import Energy
from meshrep.minimisers.base import Objective
from meshrep.minimisers.first_order import GradientDescent, HeavyBall
from meshrep.minimisers.first_order_loop import FirstOrder
from meshrep.minimisers.monitor import Monitor, Stopping
from meshrep.parametrizations.base import Identity, Map, Parametrization

# Distance from the minimum at which runs begin, in the energy's unit; for nonlinear maps.
_AWAY, _AWAY_NONLINEAR = 1e-5, 1e-7
# Size of the fastest mode, and of all others, in the first gradient, relative to the slowest mode.
# Both are small for heavy ball, because it lets fast modes grow at first.
_FAST = {"gd": 1.0, "heavy-ball": 0.0}
_OTHERS = {"gd": 1e-3, "heavy-ball": 1e-6}
_SHARP = 1e-6  # the fastest mode is used if its relative residual is at most this
_FALL = {"gd": 3.0, "heavy-ball": 8.0}  # a run lets the distance fall by the factor e to this power
_ENOUGH = {"gd": 0.003, "heavy-ball": 3.0}  # if its power would be less than this, there is no run
_WORK, _WORK_MAPPED = 6e7, 2e7  # nodes × steps of a run on the field, and through a map
_MOST = 20_000  # steps of a run
_FLOOR = 1e-8  # gradients below this share of the first one are rounding


@dataclass(frozen=True)
class Rate:
    """The rate at which a method with the best fixed step converges.

    Attributes
    ----------
    method : {"gd", "heavy-ball"}
    lr, momentum : float
        The best step length and momentum in the variables of the parametrization.
    predicted : float
        Factor by which a step multiplies the distance to the minimum.
    observed : float
        The same factor, fitted to the gradients of a run. NaN if there was no run or one step was
        enough; infinite if the run diverged.
    steps : int
        Steps of that run.
    why : str
        Why there is no observed rate; empty if there is one.
    """

    method: str
    lr: float
    momentum: float
    predicted: float
    observed: float = np.nan
    steps: int = 0
    why: str = ""


def contraction(method: str, condition: float) -> float:
    """The factor by which a step multiplies the distance to the minimum (see the module)."""
    root = condition if method == "gd" else condition**0.5
    return (root - 1) / (root + 1)


def steps_to(fall: float, condition: float) -> dict[str, float]:
    """The steps that reduce the energy gap of a quadratic by the factor ``fall`` in the worst case.

    The keys are "gd", "heavy-ball", "nesterov" and "lbfgs". The steps are infinite if the
    condition number is.
    """
    if not np.isfinite(condition):
        return dict.fromkeys(("gd", "heavy-ball", "nesterov", "lbfgs"), np.inf)
    decay = {name: -2 * np.log(max(contraction(name, condition), 1e-300))
             for name in ("gd", "heavy-ball")}  # fmt: skip
    slope = -np.log(max(1 - condition**-0.5, 1e-300))
    e_folds = max(-np.log(fall), 0.0)
    return {
        "gd": float(np.ceil(e_folds / decay["gd"])),
        "heavy-ball": float(np.ceil(e_folds / decay["heavy-ball"])),
        "nesterov": float(np.ceil((e_folds + np.log(2)) / slope)),
        "lbfgs": float(np.ceil((e_folds + np.log(4)) / decay["heavy-ball"])),
    }


def rates(tangent: Tangent, product: Spectrum) -> list[Rate]:
    """Rates of gradient descent and heavy ball near the minimum, predicted and observed.

    The runs begin near the minimum. For gradient descent the first gradient is the sum of the
    slowest and the fastest mode in equal parts (only the slowest, if the fastest is not known
    well) and of a thousandth of random noise. For heavy ball it is the slowest mode and a
    millionth of noise. The rate ρ is fitted to the norms of the gradients in the second half of
    the run: as ρᵗ for gradient descent, and as (1 + (1 − ρ)t) ρᵗ for heavy ball, since that is how
    its slowest mode decays.
    """
    if not np.isfinite(product.condition):
        return []
    # An upper bound of the largest eigenvalue, because a step that is too long would diverge.
    low, high = product.least, product.largest + product.largest_residual
    found = []
    for method in ("gd", "heavy-ball"):
        predicted = contraction(method, high / low)
        if method == "gd":
            lr, momentum = 2 / (low + high), 0.0
        else:
            lr, momentum = 4 / (low**0.5 + high**0.5) ** 2, predicted**2
        found.append(_observed(Rate(method, lr, momentum, predicted), tangent, product))
    return found


def _observed(rate: Rate, tangent: Tangent, product: Spectrum) -> Rate:
    """The rate with the result of a run."""
    work = _WORK if isinstance(tangent.recipe, Identity) else _WORK_MAPPED
    e_fold = -np.log(max(rate.predicted, 1e-3))
    wanted = max(int(np.ceil(_FALL[rate.method] / e_fold)), 12)
    steps = int(min(wanted, _MOST, work / len(tangent.at.free)))
    if steps * e_fold < _ENOUGH[rate.method]:
        return replace(rate, why=f"a run would need about {wanted:,} steps to show it")
    away, pulled = _away(tangent, product, rate.method)
    residual = tangent.pull(tangent.at.gradient)
    if np.linalg.norm(residual) > 0.1 * np.linalg.norm(pulled):
        return replace(rate, why="the end is too far from a minimum")
    norms = _run(rate, tangent, away, steps)
    if not np.isfinite(norms).all() or norms[-1] > 1e3 * norms[0]:
        why = "the run diverged, so there are larger eigenvalues"
        return replace(rate, observed=np.inf, steps=steps, why=why)
    below = np.flatnonzero(norms <= _FLOOR * norms[0])
    norms = norms[: below[0]] if len(below) else norms
    if len(norms) < 2:
        return replace(rate, steps=1, why="one step reaches the minimum")
    return replace(rate, observed=_fitted(norms, rate.method), steps=len(norms) - 1)


def _fitted(norms: np.ndarray, method: str) -> float:
    """The rate ρ, fitted to log ‖g_t‖ in the second half of the run (see :func:`rates`)."""
    if len(norms) < 4:
        return float(norms[-1] / norms[0]) ** (1 / max(len(norms) - 1, 1))
    t = np.arange(len(norms))[len(norms) // 2 :]
    y = np.log(norms[t])
    rho = 1.0
    for _ in range(30 if method == "heavy-ball" else 1):
        rho = float(np.exp(np.polyfit(t, y - np.log1p((1 - rho) * t), 1)[0]))
        rho = min(rho, 1.0) if method == "heavy-ball" else rho
    return rho


def _away(tangent: Tangent, product: Spectrum, method: str) -> tuple[np.ndarray, np.ndarray]:
    """A small step (p,) of θ away from the minimum, and the gradient there."""
    at = tangent.at
    slow, fast = product.modes[0].reshape(-1)[at.free], product.fastest
    fast_part = _FAST[method] * (product.largest_residual <= _SHARP * product.largest)
    theta, gradient = np.zeros((2, tangent.params.size))
    for mode, value, part in (
        (slow, product.least, 1.0),
        (fast, product.largest, fast_part),
    ):
        unit = tangent.pull(at.product(mode) / value)  # an eigenvector of Jᵀ H J
        unit = part * unit / (np.linalg.norm(unit) or 1.0)
        theta, gradient = theta + unit / value, gradient + unit
    noise = tangent.pull(at.gauge.project(np.random.default_rng(4).standard_normal(len(at.free))))
    theta = theta + noise * (_OTHERS[method] / (product.largest * (np.linalg.norm(noise) or 1.0)))
    moved = float(abs(tangent.push(theta)).max()) or 1.0
    scale = (_AWAY if tangent.linear else _AWAY_NONLINEAR) * at.energy.unit / moved
    return scale * theta, scale * gradient


class _Ready(Parametrization):
    """The parametrization of a map that is already built."""

    def __init__(self, made: Map) -> None:
        self.made = made

    def build(self, energy: Energy, start: np.ndarray, backend: Any, seed: int) -> Map:
        return self.made


class _Watched(Objective):
    """An objective that starts at a given distance and keeps the norms of its gradients."""

    def __init__(self, tangent: Tangent, away: np.ndarray) -> None:
        at = tangent.at
        super().__init__(at.energy, at.field, NumpyBackend(), _Ready(tangent.map))
        self.start = tangent.params + away
        self.norms: list[float] = []

    def value_and_grad(self, params: Array) -> tuple[Any, Array]:
        value, gradient = super().value_and_grad(params)
        self.norms.append(float(np.linalg.norm(gradient)))
        return value, gradient


def _run(rate: Rate, tangent: Tangent, away: np.ndarray, steps: int) -> np.ndarray:
    """The norms (steps + 1,) of the gradients in a run of the minimiser."""
    minimiser: FirstOrder = GradientDescent(rate.lr)
    if rate.method == "heavy-ball":
        minimiser = HeavyBall(rate.lr, rate.momentum)
    with calm_threads(tangent.at.energy.graph.n):
        objective = _Watched(tangent, away)
        run = minimiser.minimise(objective, Monitor(Stopping(max_steps=steps, gtol=0.0)))
    run.raise_if_interrupted()
    return np.array(objective.norms[: steps + 1])  # without the evaluation that judges the end
