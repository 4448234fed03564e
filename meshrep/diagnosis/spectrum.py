"""Extreme eigenvalues and slow modes of H, of K = J Jᵀ, and of the preconditioned operator K H."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.linalg import eigh

from meshrep.base import limits
from meshrep.diagnosis.curvature import Curvature
from meshrep.diagnosis.tangent import Tangent
from meshrep.numerics.lanczos import CLOSE, Ritz, affordable, lanczos
from meshrep.numerics.least import Least, least_pairs

_PROBES = 4  # random vectors that estimate traces
_BLURRED = 1e-7  # of the largest eigenvalue, below which differences of a map lose one
_ROUNDING = 1e-13  # of the largest eigenvalue, below which one is no more than rounding


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What is known of a symmetric operator's eigenvalues.

    Attributes
    ----------
    size : int
        Dimension of the space it acts on.
    least, largest : float
        Of all eigenvalues, of K and K H of those that are not 0; NaN where there is none.
    least_residual, largest_residual : float
        Distance within which an eigenvalue lies; 0 where all were computed.
    values : (k,) float64
        Those of the slow modes: the least ones, which may be negative.
    residuals : (k,) float64
        Theirs.
    modes : (k, …) float64
        The slow modes as fields, the largest entry 1; of K H directions in which the field moves.
    fastest : (f,) float64
        The mode of the largest value at free coordinates; empty for K.
    shares : (k,) float64
        Of the squared gradient, in the operator's own metric, in each slow mode.
    spread : (2, m) float64
        Values ascending, and the share of the spectrum at or below each: exact, or as Lanczos
        from a random start estimates it; that estimate of K H counts each mode by its size in K.
    negative : int or None
        How many eigenvalues are negative; None where that was not counted.
    rank : int or None
        How many are not 0 up to rounding; None where that was not counted.
    effective_rank : float
        (tr A)²/tr A², the number of equal eigenvalues that would be as spread out; NaN where not
        estimated.
    how : str
        By what means.
    """

    size: int
    least: float
    largest: float
    least_residual: float
    largest_residual: float
    values: np.ndarray
    residuals: np.ndarray
    modes: np.ndarray
    fastest: np.ndarray
    shares: np.ndarray
    spread: np.ndarray
    how: str
    negative: int | None = None
    rank: int | None = None
    effective_rank: float = field(default=np.nan)

    @property
    def indefinite(self) -> bool:
        """Whether there is a negative eigenvalue beyond rounding and the residual."""
        return self.least < -_ROUNDING * abs(self.largest) and self.least < -self.least_residual

    @property
    def singular(self) -> bool:
        """Whether the least eigenvalue is 0 up to rounding."""
        return abs(self.least) <= _ROUNDING * abs(self.largest)

    @property
    def condition(self) -> float:
        """Largest over least eigenvalue: infinite where singular, NaN where indefinite."""
        if self.indefinite or not self.largest > 0:
            return np.nan
        return np.inf if self.least <= 0 or self.singular else self.largest / self.least

    @property
    def empty(self) -> bool:
        """Whether there is no eigenvalue at all, as of K H where K or H is 0."""
        return bool(np.isnan(self.largest))

    @property
    def converged(self) -> bool:
        """Whether both ends are known to 1%; else the condition number is a lower bound."""
        if self.empty:
            return True
        ends = ((self.least, self.least_residual), (self.largest, self.largest_residual))
        return all(residual <= CLOSE * abs(value) for value, residual in ends)

    def report(self) -> dict[str, Any]:
        """All but the fields, as plain data."""
        left_out = ("modes", "fastest", "spread")
        plain = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
            if name not in left_out
        }
        return plain | {
            "condition": self.condition,
            "converged": self.converged,
            "indefinite": self.indefinite,
        }


def of_hessian(at: Curvature, count: int = 4) -> Spectrum:
    """The spectrum of H at a field, with its ``count`` least modes.

    Dense up to 600 coordinates; else the least pairs as
    :func:`meshrep.numerics.least.least_pairs` finds them, the rest by Lanczos.
    """
    count = min(count, at.size)
    if at.dense_spectrum:
        return _dense_hessian(at, count)
    start = at.gauge.project(np.random.default_rng(1).standard_normal(len(at.free)))
    known: Least | None = None
    if at.matrix is not None:
        known = least_pairs(at.matrix, at.gauge, at.top, count)
    enough = known is not None and len(known.values) > 0
    steps = affordable(len(at.free), limits.LANCZOS_NUMBERS_UP_TO[0], 40)
    ritz = lanczos(at.product, start, steps, count=0 if enough else count)
    which = list(range(min(count, len(ritz.values))))
    values, residuals, how = ritz.values[which], ritz.residuals[which], f"Lanczos on {at.by}"
    vectors = ritz.vectors([*which, -1])
    negative, fastest = None if known is None else known.negative, vectors[-1]
    if known is not None and enough and known.values[0] <= values[0]:
        values, residuals, vectors = known.values, known.residuals, known.vectors
        how = known.how
    elif known is not None and negative:
        how = f"Lanczos; negative ones counted by {known.how}"
    return _assembled(
        at, values, residuals, vectors[: len(values)], fastest, at.gradient @ at.gradient,
        ritz, how=how, negative=negative, size=at.size, spread=_cumulated(ritz, values, at.size),
    )  # fmt: skip


def _dense_hessian(at: Curvature, count: int) -> Spectrum:
    top = float(abs(at.dense).sum(axis=1).max(initial=0.0)) or 1.0
    values, vectors = eigh(at.gauge.lifted(at.dense, top) @ np.eye(len(at.free)))
    values, vectors = values[: at.size], vectors[:, : at.size].T
    return _exact(
        at, values, vectors, count, at.gradient @ at.gradient, how=f"dense, {at.by}",
        negative=int((values < -_ROUNDING * abs(values).max(initial=0.0)).sum()),
    )  # fmt: skip


def of_kernel(tangent: Tangent) -> Spectrum:
    """The spectrum of K = J Jᵀ among free coordinates, its least non-zero eigenvalue included.

    Dense up to 2,000 coordinates. Beyond, Lanczos gives the largest value and an upper bound of
    the least, and traces are estimated by four random vectors (Hutchinson 1990).
    """
    at = tangent.at
    f, nothing = len(at.free), np.zeros(0)
    unsought = ("values", "residuals", "modes", "fastest", "shares")
    none: dict[str, Any] = dict.fromkeys(unsought, nothing)
    if f <= limits.DENSE_UP_TO:
        every = tangent.axes[0]
        kept = every[every > f * np.finfo(float).eps * every.max(initial=0.0)]
        ends = (float(kept[0]), float(kept[-1])) if len(kept) else (np.nan, np.nan)
        return Spectrum(
            at.size, *ends, 0.0, 0.0, **none, spread=_steps(every[f - at.size :]),
            how="dense", rank=len(kept), negative=0,
            effective_rank=float(every.sum() ** 2 / (every @ every)) if len(kept) else np.nan,
        )  # fmt: skip
    rng = np.random.default_rng(2)
    start = at.gauge.project(rng.standard_normal(f))
    ritz = lanczos(
        tangent.kernel, start, affordable(f, limits.LANCZOS_NUMBERS_UP_TO[1], 12, 80), count=0
    )
    pulled = pushed = 0.0
    for _ in range(_PROBES):
        probe = at.gauge.project(rng.choice([-1.0, 1.0], f))
        theta = tangent.pull(probe)
        image = tangent.push(theta)
        pulled, pushed = pulled + float(theta @ theta), pushed + float(image @ image)
    effective = (pulled / _PROBES) ** 2 / (pushed / _PROBES) if pushed > 0 else np.nan
    ends = (max(float(ritz.values[0]), 0.0), float(ritz.values[-1]))
    return Spectrum(
        at.size, *(ends if ends[1] > 0 else (np.nan, np.nan)),
        float(ritz.residuals[0]), float(ritz.residuals[-1]), **none, spread=_cumulated(ritz),
        how="Lanczos; traces by random vectors", effective_rank=effective, negative=0,
    )  # fmt: skip


def of_product(tangent: Tangent, hessian: Spectrum, count: int = 4) -> Spectrum:
    """The non-zero spectrum of K H, which is that of Jᵀ H J, and its slow modes.

    Dense up to 2,000 coordinates, 600 without a sparse Hessian. Beyond, Lanczos on K H in the
    metric of K, which meets nothing that K does not move, from a random start to which the slow
    modes of H are added. Where that has not converged and a slow mode of H has a lesser Rayleigh
    quotient, that is the least value given, which bounds the spectrum from above.
    """
    at = tangent.at
    count = min(count, at.size)
    pulled = tangent.pull(at.gradient)
    whole = float(pulled @ pulled)
    nothing = np.zeros(0), np.zeros((0, len(at.free))), 0, whole
    if at.dense_products:
        weights, axes = tangent.axes
        sound = weights > len(at.free) * np.finfo(float).eps * weights.max(initial=0.0)
        root = axes[:, sound] * np.sqrt(weights[sound])
        if not sound.any():
            return _exact(at, *nothing, how="dense", negative=0, rank=0)
        inside = root.T @ at.times(root)
        values, turn = eigh(0.5 * (inside + inside.T))
        least = int((values < -_ROUNDING * abs(values).max(initial=0.0)).sum())
        count = min(count, len(values))
        vectors = (root @ turn[:, [*range(count), -1]]).T
        return _exact(
            at, values, vectors, count, whole, how="dense", negative=least, rank=len(values)
        )
    start = at.gauge.project(np.random.default_rng(3).standard_normal(len(at.free)))
    start /= np.linalg.norm(start)
    for mode in hessian.modes:
        slow = mode.reshape(-1)[at.free]
        start = start + slow / (np.linalg.norm(slow) or 1.0)
    how = "Lanczos in the metric of K"
    if not tangent.pull(start).any():
        return _exact(at, *nothing, how=f"{how}, which is 0")
    steps = affordable(len(at.free), limits.LANCZOS_NUMBERS_UP_TO[2])
    ritz = lanczos(at.product, start, steps, tangent.kernel, count)
    floor = _ROUNDING if tangent.linear else _BLURRED
    seen = np.flatnonzero(abs(ritz.values) > floor * abs(ritz.values).max())
    which = seen[:count].tolist()
    if not which:
        return _exact(at, *nothing, how=how)
    if len(seen) < len(ritz.values):
        how += f"; below {floor:g} of the largest nothing is told from 0"
    vectors = ritz.vectors([*which, -1])
    found = _assembled(
        at, ritz.values[which], ritz.residuals[which], vectors[:-1], vectors[-1], whole, ritz,
        how=how, size=at.size,
    )  # fmt: skip
    if found.converged or hessian.indefinite or not len(hessian.modes):
        return found
    tried = [_quotient(tangent, *pair) for pair in zip(hessian.values, hessian.modes, strict=True)]
    if min(tried) < found.least:  # which Lanczos would meet in time
        found = replace(found, least=min(tried), least_residual=min(tried))
    return found


def _quotient(tangent: Tangent, value: float, mode: np.ndarray) -> float:
    """Rayleigh's quotient of K H in the metric of H, λ vᵀKv / vᵀv, for a mode v of H."""
    v = mode.reshape(-1)[tangent.at.free]
    pulled = tangent.pull(v / np.linalg.norm(v))
    return float(value * (pulled @ pulled))


def _exact(
    at: Curvature, values: np.ndarray, vectors: np.ndarray, count: int, whole: float, **more: Any
) -> Spectrum:
    """All eigenvalues, modes of the first ``count`` of the vectors (k, f), the fastest the last."""
    if not len(values):
        values, vectors = np.full(1, np.nan), np.zeros((1, len(at.free)))
    return Spectrum(
        at.size, float(values[0]), float(values[-1]), 0.0, 0.0, values[:count], np.zeros(count),
        _fields(at, vectors[:count]), vectors[-1].copy(), _shares(at, vectors[:count], whole),
        _steps(values), **more,
    )  # fmt: skip


def _assembled(
    at: Curvature,
    values: np.ndarray,
    residuals: np.ndarray,
    vectors: np.ndarray,
    fastest: np.ndarray,
    whole: float,
    ritz: Ritz,
    **more: Any,
) -> Spectrum:
    """Some pairs at the lower end, and the upper end as Lanczos found it."""
    return Spectrum(
        least=float(values[0]), largest=float(ritz.values[-1]), least_residual=float(residuals[0]),
        largest_residual=float(ritz.residuals[-1]), values=values, residuals=residuals,
        modes=_fields(at, vectors), fastest=fastest.copy(),
        shares=_shares(at, vectors, whole), **{"spread": _cumulated(ritz)} | more,
    )  # fmt: skip


def _fields(at: Curvature, vectors: np.ndarray) -> np.ndarray:
    """Vectors (k, f) as fields whose largest entry is 1."""
    fields = []
    for v in vectors:
        peak = v[abs(v).argmax()] or 1.0
        fields.append(at.spread(v / peak))
    return np.array(fields).reshape(len(vectors), *at.energy.shape)


def _shares(at: Curvature, vectors: np.ndarray, whole: float) -> np.ndarray:
    return (vectors @ at.gradient) ** 2 / whole if whole > 0 else np.zeros(len(vectors))


def _steps(values: np.ndarray) -> np.ndarray:
    return np.stack([values, np.arange(1, len(values) + 1) / max(len(values), 1)])


def _cumulated(ritz: Ritz, least: np.ndarray | None = None, size: int = 1) -> np.ndarray:
    """Ritz values and the weight below each, half its own included, as in Gauss's rule.

    The least eigenvalues, where known, take the place of what lies below the last of them.
    """
    found = np.stack([ritz.values, np.cumsum(ritz.weights) - 0.5 * ritz.weights])
    if least is None or not len(least):
        return found
    above = found[:, found[0] > least[-1]]
    below = np.stack([least, np.arange(1, len(least) + 1) / size])
    return np.concatenate([below, np.maximum(above, [[-np.inf], [below[1, -1]]])], axis=1)
