"""The quantities of the papers' theory: M̄, K̄, and how near K̄ is to M̄^{-1/2}.

Gradient flow in θ lowers the energy at the rate dE/dt = −∇Eᵀ K ∇E = −tr(K M) with K = J Jᵀ and
M = ∇E ∇Eᵀ. The papers say that it is fastest if K̄ ∝ M̄^{-1/2}, as averages over random starts.
Near a minimum ∇E = H w, so that M̄ ∝ H² for fields drawn independently at each node, and
M̄^{-1/2} ∝ H⁻¹: Newton's method.

References
----------
Both, Dehmamy, Long and Yu, "Faster optimization on sparse graphs via neural reparametrization",
(10) and what follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from meshrep.base import limits
from meshrep.diagnosis.curvature import Curvature
from meshrep.diagnosis.tangent import Tangent
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.parametrizations.base import Parametrization

Draw = Callable[[int], np.ndarray]


def gradient_moment(
    energy: Energy, seeds: Iterable[int] = range(1000), draw: Draw | None = None
) -> np.ndarray:
    """Return M̄, the mean of ∇E ∇Eᵀ over random starts, (f, f) over the free coordinates.

    Parameters
    ----------
    energy : Energy
    seeds : iterable of int
        One start each; with fewer than f of them M̄ is singular.
    draw : callable, optional
        Returns the start of a seed; by default the energy's ``random_start``.

    Raises
    ------
    InputError
        For more than 2,000 free coordinates, or no seed.
    """
    draw = draw or energy.random_start
    gradients = [_free(energy, energy.gradient(energy.clamp(draw(int(k))))) for k in seeds]
    if not gradients:
        raise InputError("an average over random starts needs a seed or more")
    rows = np.array(gradients)
    return rows.T @ rows / len(rows)


def mean_kernel(
    energy: Energy,
    parametrization: Parametrization,
    seeds: Iterable[int] = range(10),
    draw: Draw | None = None,
) -> np.ndarray:
    """Return K̄, the mean of J Jᵀ over random starts, weights and latents, (f, f) as above.

    Arguments and errors are those of :func:`gradient_moment`.
    """
    draw = draw or energy.random_start
    total, count = np.zeros(()), 0
    for k in seeds:
        at = Curvature(energy, _small_enough(energy, draw(int(k))))
        total, count = total + Tangent(parametrization, at, int(k)).dense, count + 1
    if not count:
        raise InputError("an average over random starts needs a seed or more")
    return total / count


@dataclass(frozen=True, eq=False)
class Alignment:
    """K compared with M^{-1/2} in the eigenbasis of M.

    Attributes
    ----------
    moments : (r,) float64
        Eigenvalues of M that are not 0 up to rounding, ascending.
    kernel : (r,) float64
        vᵀ K v for its eigenvectors: how fast K moves each.
    best : (r,) float64
        c μ^{-1/2}, with c such that the sums over all modes agree.
    cosine : float
        ⟨K, M^{-1/2}⟩ / (‖K‖ ‖M^{-1/2}‖) in Frobenius' product, on the range of M; 1 if K is a
        multiple of M^{-1/2}.
    slope : float
        Of log vᵀKv over log μ; −½ if K ∝ M^{-1/2}, 0 if K is the identity.
    """

    moments: np.ndarray
    kernel: np.ndarray
    best: np.ndarray
    cosine: float
    slope: float


def alignment(K: np.ndarray, M: np.ndarray, floor: float = 1e-10) -> Alignment:
    """Compare K (f, f) with M^{-1/2}, on the eigenvalues of M above floor·max.

    Raises
    ------
    InputError
        If the shapes differ, or M is 0.
    """
    if K.shape != M.shape or M.ndim != 2 or M.shape[0] != M.shape[1]:
        raise InputError(f"K and M are square and alike, not of shapes {K.shape} and {M.shape}")
    moments, axes = np.linalg.eigh(0.5 * (M + M.T))
    kept = moments > floor * moments.max(initial=0.0)
    if not kept.any():
        raise InputError("M is 0: there is no gradient at any of the starts")
    moments, axes = moments[kept], axes[:, kept]
    inside = axes.T @ K @ axes
    wanted = moments**-0.5
    kernel = np.diag(inside).copy()
    cosine = float(kernel @ wanted / (np.linalg.norm(inside) * np.linalg.norm(wanted)))
    best = wanted * (kernel.sum() / wanted.sum())
    varied = np.ptp(np.log(moments)) > 1e-9 and (kernel > 0).all()
    slope = float(np.polyfit(np.log(moments), np.log(kernel), 1)[0]) if varied else np.nan
    return Alignment(moments, kernel, best, cosine, slope)


def _free(energy: Energy, gradient: np.ndarray) -> np.ndarray:
    return np.array(_small_enough(energy, gradient)[energy.free]).reshape(-1)


def _small_enough(energy: Energy, field: np.ndarray) -> np.ndarray:
    """Return the field, if dense matrices of its free coordinates may be made."""
    size = int(np.prod(energy.shape[1:])) * len(energy.free)
    if size > limits.DENSE_UP_TO:
        raise InputError(
            f"{size:,} coordinates are too many for dense matrices: {limits.DENSE_UP_TO:,} at most"
        )
    return field
