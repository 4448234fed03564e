"""Rates of convergence that a condition number predicts, held against rates that are observed.

With κ the condition number of Jᵀ H J at a minimum and the best fixed steps, the distance to the
minimum shrinks in a step by

    gradient descent   (κ − 1)/(κ + 1),     lr = 2/(λ_max + λ_min)
    heavy ball         (√κ − 1)/(√κ + 1),   lr = 4/(√λ_max + √λ_min)²,  β = (that rate)²

the energy gap by the square. Conjugate gradients, and L-BFGS as far as it follows them, leave at
most 4 ((√κ − 1)/(√κ + 1))^{2k} of the gap after k steps, Nesterov's method 2 (1 − 1/√κ)^k.

References
----------
Polyak, "Some methods of speeding up the convergence of iteration methods" (1964); Nesterov,
"Introductory lectures on convex optimization" (2004), §2.2; Nocedal and Wright, "Numerical
optimization" (2006), (5.36).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from meshrep.base.backends import Array, NumpyBackend, calm_threads
from meshrep.diagnosis.spectrum import Spectrum
from meshrep.diagnosis.tangent import Tangent
from meshrep.energies.base import Energy
from meshrep.minimisers.base import Objective
from meshrep.minimisers.first_order import GradientDescent, HeavyBall
from meshrep.minimisers.first_order_loop import FirstOrder
from meshrep.minimisers.monitor import Monitor, Stopping
from meshrep.parametrizations.base import Identity, Map, Parametrization

_AWAY, _AWAY_CURVED = 1e-5, 1e-7  # of the energy's unit: where runs begin; of maps not linear
# Of the fastest mode, and of all others, in the first gradient, over the slowest mode: heavy ball
# lets fast modes grow at first.
_FAST = {"gd": 1.0, "heavy-ball": 0.0}
_OTHERS = {"gd": 1e-3, "heavy-ball": 1e-6}
_SHARP = 1e-6  # relative residual up to which the fastest mode is used
_FALL = {"gd": 3.0, "heavy-ball": 8.0}  # e-foldings that a run is to see
_ENOUGH = {"gd": 0.003, "heavy-ball": 3.0}  # fewer e-foldings than this show no rate
_WORK, _WORK_MAPPED, _MOST = 6e7, 2e7, 20_000  # node-steps of a run, through a map, and steps
_FLOOR = 1e-8  # of the first gradient, below which one is rounding


@dataclass(frozen=True)
class Rate:
    """How fast a method with the best fixed step comes near the minimum.

    Attributes
    ----------
    method : {"gd", "heavy-ball"}
    lr, momentum : float
        In the variables of the parametrization.
    predicted : float
        Factor of the distance to the minimum a step.
    observed : float
        Likewise, fitted to the gradients of a run; NaN where none was made or one step did it,
        infinite where it diverged.
    steps : int
        Of that run.
    why : str
        Why there is no observation; empty where there is one.
    """

    method: str
    lr: float
    momentum: float
    predicted: float
    observed: float = np.nan
    steps: int = 0
    why: str = ""


def contraction(method: str, condition: float) -> float:
    """The factor of the distance to the minimum a step: see the module."""
    root = condition if method == "gd" else condition**0.5
    return (root - 1) / (root + 1)


def steps_to(fall: float, condition: float) -> dict[str, float]:
    """Steps after which the energy gap is at most ``fall`` of the first one, in the worst case.

    For "gd", "heavy-ball", "nesterov" and "lbfgs" on a quadratic; infinite for an infinite
    condition number.
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
    """Gradient descent and heavy ball at the minimum: predicted by the spectrum, and observed.

    A run of gradient descent begins where the gradient lies in the slowest and the fastest mode,
    half and half but for a thousandth, or in the slowest where the other is not known well; that
    of heavy ball in the slowest mode but for a millionth.
    Rates ρ are fitted to the later half of the gradients' norms, as ρᵗ and as (1 + (1 − ρ)t) ρᵗ,
    which is what heavy ball makes of its slowest mode.
    """
    if not np.isfinite(product.condition):
        return []
    low, high = product.least, product.largest + product.largest_residual  # lest a run diverges
    found = []
    for method in ("gd", "heavy-ball"):
        predicted = contraction(method, high / low)
        if method == "gd":
            lr, momentum = 2 / (low + high), 0.0
        else:
            lr, momentum = 4 / (low**0.5 + high**0.5) ** 2, predicted**2
        bare = Rate(method, lr, momentum, predicted)
        found.append(_observed(bare, tangent, product))
    return found


def _observed(rate: Rate, tangent: Tangent, product: Spectrum) -> Rate:
    """The rate with what a run shows."""
    bare = (rate.method, rate.lr, rate.momentum, rate.predicted)
    work = _WORK if isinstance(tangent.recipe, Identity) else _WORK_MAPPED
    e_fold = -np.log(max(rate.predicted, 1e-3))
    wanted = max(int(np.ceil(_FALL[rate.method] / e_fold)), 12)
    steps = int(min(wanted, _MOST, work / len(tangent.at.free)))
    if steps * e_fold < _ENOUGH[rate.method]:
        return Rate(*bare, why=f"it would take some {wanted:,} steps to see")
    away, pulled = _away(tangent, product, rate.method)
    residual = tangent.pull(tangent.at.gradient)
    if np.linalg.norm(residual) > 0.1 * np.linalg.norm(pulled):
        return Rate(*bare, why="the end is not near enough to a minimum")
    norms = _run(rate, tangent, away, steps)
    if not np.isfinite(norms).all() or norms[-1] > 1e3 * norms[0]:
        return Rate(*bare, np.inf, steps, "the run diverged: there are larger eigenvalues")
    below = np.flatnonzero(norms <= _FLOOR * norms[0])
    norms = norms[: below[0]] if len(below) else norms
    if len(norms) < 2:
        return Rate(*bare, steps=1, why="it is over in one step")
    return Rate(*bare, _fitted(norms, rate.method), len(norms) - 1)


def _fitted(norms: np.ndarray, method: str) -> float:
    """ρ of log ‖g_t‖ over the later half: see :func:`rates`."""
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
    """A small step of θ (p,) away from the minimum, and the gradient that it brings."""
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
    scale = (_AWAY if tangent.linear else _AWAY_CURVED) * at.energy.unit / moved
    return scale * theta, scale * gradient


class _Ready(Parametrization):
    """A map that is laid out already."""

    def __init__(self, made: Map) -> None:
        self.made = made

    def build(self, energy: Energy, start: np.ndarray, backend: Any, seed: int) -> Map:
        return self.made


class _Watched(Objective):
    """An objective that keeps the norms of its gradients, and begins where it is told."""

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
    """Norms (steps + 1,) of the gradients of a run of the minimiser itself."""
    minimiser: FirstOrder = GradientDescent(rate.lr)
    if rate.method == "heavy-ball":
        minimiser = HeavyBall(rate.lr, rate.momentum)
    with calm_threads(tangent.at.energy.graph.n):
        objective = _Watched(tangent, away)
        run = minimiser.minimise(objective, Monitor(Stopping(max_steps=steps, gtol=0.0)))
    run.raise_if_interrupted()
    return np.array(objective.norms[: steps + 1])  # the end is evaluated once more
