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
_ROUNDING = 1e-13  # eigenvalues below this share of the largest are rounding
_BLURRED = 1e-7  # the same if differences of a nonlinear map enter


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What is known about the eigenvalues of a symmetric operator A.

    Attributes
    ----------
    size : int
        Dimension of the space on which it acts.
    least, largest : float
        The extreme eigenvalues; for K and K H the extreme nonzero ones. NaN if there is none.
    least_residual, largest_residual : float
        An eigenvalue lies within this distance of the value given. 0 if all were computed.
    values : (k,) float64
        The least eigenvalues, those of the slow modes. They may be negative.
    residuals : (k,) float64
        Their residuals.
    modes : (k, …) float64
        The slow modes as fields with largest entry 1. Those of K H are directions in which the
        field moves.
    fastest : (f,) float64
        The mode of the largest eigenvalue at free coordinates; empty for K.
    shares : (k,) float64
        The share of the squared gradient, in the operator's own metric, in each slow mode.
    spread : (2, m) float64
        Eigenvalues in ascending order, and the share of the spectrum at or below each. On large
        problems both are estimated by Lanczos from a random start. The estimate for K H weights
        each mode by its size in K.
    negative : int or None
        Number of negative eigenvalues; None if they were not counted.
    rank : int or None
        Number of eigenvalues that are nonzero beyond rounding; None if they were not counted.
    effective_rank : float
        (tr A)²/tr A², which is k if k eigenvalues are equal and the others are 0. NaN if it was
        not estimated.
    how : str
        The method, in words.
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
        """Whether an eigenvalue is negative beyond rounding and its residual."""
        return self.least < -_ROUNDING * abs(self.largest) and self.least < -self.least_residual

    @property
    def singular(self) -> bool:
        """Whether the least eigenvalue is 0 up to rounding."""
        return abs(self.least) <= _ROUNDING * abs(self.largest)

    @property
    def condition(self) -> float:
        """Largest / least eigenvalue: infinite if A is singular, NaN if it is indefinite."""
        if self.indefinite or not self.largest > 0:
            return np.nan
        return np.inf if self.least <= 0 or self.singular else self.largest / self.least

    @property
    def empty(self) -> bool:
        """Whether there is no eigenvalue, as for K H if K or H is 0."""
        return bool(np.isnan(self.largest))

    @property
    def converged(self) -> bool:
        """Whether both ends are known to 1%. If not, the condition number is a lower bound."""
        if self.empty:
            return True
        ends = ((self.least, self.least_residual), (self.largest, self.largest_residual))
        return all(residual <= CLOSE * abs(value) for value, residual in ends)

    def report(self) -> dict[str, Any]:
        """Everything except the fields, as plain data."""
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
    """The spectrum of H at a field, with its ``count`` slowest modes.

    Up to 600 coordinates all eigenvalues of a dense matrix are computed. Above, the least ones
    come from :func:`meshrep.numerics.least.least_pairs` and the others from Lanczos.
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
        how = f"Lanczos; negative eigenvalues counted by {known.how}"
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
    """The spectrum of K = J Jᵀ at free coordinates, without modes.

    Up to 2,000 coordinates all eigenvalues of a dense matrix are computed. Above, Lanczos gives
    the largest eigenvalue and an upper bound of the least, and four random vectors estimate the
    traces (Hutchinson 1990).
    """
    if len(tangent.at.free) <= limits.DENSE_UP_TO:
        return _dense_kernel(tangent)
    return _kernel_by_lanczos(tangent)


def _without_modes() -> dict[str, Any]:
    names = ("values", "residuals", "modes", "fastest", "shares")
    return dict.fromkeys(names, np.zeros(0))


def _dense_kernel(tangent: Tangent) -> Spectrum:
    at = tangent.at
    f, every = len(at.free), tangent.axes[0]
    kept = every[every > f * np.finfo(float).eps * every.max(initial=0.0)]
    ends = (float(kept[0]), float(kept[-1])) if len(kept) else (np.nan, np.nan)
    return Spectrum(
        at.size, *ends, 0.0, 0.0, **_without_modes(), spread=_steps(every[f - at.size :]),
        how="dense", rank=len(kept), negative=0,
        effective_rank=float(every.sum() ** 2 / (every @ every)) if len(kept) else np.nan,
    )  # fmt: skip


def _kernel_by_lanczos(tangent: Tangent) -> Spectrum:
    at = tangent.at
    f = len(at.free)
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
        float(ritz.residuals[0]), float(ritz.residuals[-1]), **_without_modes(),
        spread=_cumulated(ritz), how="Lanczos; traces by random vectors",
        effective_rank=effective, negative=0,
    )  # fmt: skip


def of_product(tangent: Tangent, hessian: Spectrum, count: int = 4) -> Spectrum:
    """The nonzero spectrum of K H, which is that of Jᵀ H J, and its slow modes.

    Up to 2,000 coordinates (600 without a sparse Hessian) all eigenvalues of a dense matrix are
    computed. Above, they come from Lanczos on K H in the metric of K, where directions that K does
    not move never occur. It starts from a random vector plus the slow modes of H. If Lanczos has
    not converged and a slow mode of H has a smaller Rayleigh quotient, this quotient is returned
    as the least value, since it is a better upper bound.
    """
    at = tangent.at
    count = min(count, at.size)
    pulled = tangent.pull(at.gradient)
    whole = float(pulled @ pulled)
    if at.dense_products:
        return _dense_product(tangent, count, whole)
    return _product_by_lanczos(tangent, hessian, count, whole)


def _dense_product(tangent: Tangent, count: int, whole: float) -> Spectrum:
    at = tangent.at
    weights, axes = tangent.axes
    nonzero = weights > len(at.free) * np.finfo(float).eps * weights.max(initial=0.0)
    if not nonzero.any():
        return _none(at, whole, how="dense", negative=0, rank=0)
    root = axes[:, nonzero] * np.sqrt(weights[nonzero])
    inside = root.T @ at.times(root)
    values, turn = eigh(0.5 * (inside + inside.T))
    negative = int((values < -_ROUNDING * abs(values).max(initial=0.0)).sum())
    count = min(count, len(values))
    vectors = (root @ turn[:, [*range(count), -1]]).T
    return _exact(
        at, values, vectors, count, whole, how="dense", negative=negative, rank=len(values)
    )


def _product_by_lanczos(tangent: Tangent, hessian: Spectrum, count: int, whole: float) -> Spectrum:
    at = tangent.at
    start = at.gauge.project(np.random.default_rng(3).standard_normal(len(at.free)))
    start /= np.linalg.norm(start)
    for mode in hessian.modes:
        slow = mode.reshape(-1)[at.free]
        start = start + slow / (np.linalg.norm(slow) or 1.0)
    how = "Lanczos in the metric of K"
    if not tangent.pull(start).any():
        return _none(at, whole, how=f"{how}, which is 0")
    steps = affordable(len(at.free), limits.LANCZOS_NUMBERS_UP_TO[2])
    ritz = lanczos(at.product, start, steps, tangent.kernel, count)
    floor = _ROUNDING if tangent.linear else _BLURRED
    seen = np.flatnonzero(abs(ritz.values) > floor * abs(ritz.values).max())
    which = seen[:count].tolist()
    if not which:
        return _none(at, whole, how=how)
    if len(seen) < len(ritz.values):
        how += f"; eigenvalues below {floor:g} of the largest count as 0"
    vectors = ritz.vectors([*which, -1])
    found = _assembled(
        at, ritz.values[which], ritz.residuals[which], vectors[:-1], vectors[-1], whole, ritz,
        how=how, size=at.size,
    )  # fmt: skip
    if found.converged or hessian.indefinite or not len(hessian.modes):
        return found
    tried = [_quotient(tangent, *pair) for pair in zip(hessian.values, hessian.modes, strict=True)]
    if min(tried) < found.least:
        found = replace(found, least=min(tried), least_residual=min(tried))
    return found


def _none(at: Curvature, whole: float, **more: Any) -> Spectrum:
    """The spectrum of an operator without nonzero eigenvalues."""
    return _exact(at, np.zeros(0), np.zeros((0, len(at.free))), 0, whole, **more)


def _quotient(tangent: Tangent, value: float, mode: np.ndarray) -> float:
    """The Rayleigh quotient λ vᵀKv / vᵀv of K H in the metric of H, for a mode v of H."""
    v = mode.reshape(-1)[tangent.at.free]
    pulled = tangent.pull(v / np.linalg.norm(v))
    return float(value * (pulled @ pulled))


def _exact(
    at: Curvature, values: np.ndarray, vectors: np.ndarray, count: int, whole: float, **more: Any
) -> Spectrum:
    """A spectrum of exact eigenvalues.

    The first ``count`` of the vectors (k, f) are the slow modes and the last is the fastest.
    ``whole`` is the squared gradient in the operator's metric.
    """
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
    """A spectrum of some pairs at the lower end and of Lanczos' pair at the upper end."""
    return Spectrum(
        least=float(values[0]), largest=float(ritz.values[-1]), least_residual=float(residuals[0]),
        largest_residual=float(ritz.residuals[-1]), values=values, residuals=residuals,
        modes=_fields(at, vectors), fastest=fastest.copy(),
        shares=_shares(at, vectors, whole), **{"spread": _cumulated(ritz)} | more,
    )  # fmt: skip


def _fields(at: Curvature, vectors: np.ndarray) -> np.ndarray:
    """Vectors (k, f) as fields, scaled to a largest entry of 1."""
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
    """Ritz values, and the weight below each plus half its own, as in Gauss quadrature.

    If the ``least`` eigenvalues are known, they replace the Ritz values up to the last of them.
    """
    found = np.stack([ritz.values, np.cumsum(ritz.weights) - 0.5 * ritz.weights])
    if least is None or not len(least):
        return found
    above = found[:, found[0] > least[-1]]
    below = np.stack([least, np.arange(1, len(least) + 1) / size])
    return np.concatenate([below, np.maximum(above, [[-np.inf], [below[1, -1]]])], axis=1)
