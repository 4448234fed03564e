"""The field filtered by a power series of its Hessian: w = w₀ + u κ θ, κ ≈ (H/h)^{-1/2}.

    κ = Σ_k c_k X^k,   X = I − H/h,   c_k = 1, ½, ⅜, 5/16, …

with H the Hessian at the start, h its largest eigenvalue and u the energy's unit: the filter of
Both, Dehmamy, Long and Yu (§2.3) as they wrote it down. It is the binomial series of λ^{-1/2}
about the top of the spectrum. Degree k follows λ^{-1/2} down to λ ≈ h/k and divides the condition
number by at most [Σ_k c_k]² ≈ 4k/π. For the same products, the Chebyshev fit of
:mod:`meshrep.parametrizations.linear.spectral` divides it by about (2k + 1)².
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import Polynomial
from numpy.polynomial.chebyshev import poly2cheb
from scipy import sparse

from meshrep.base.backends import Backend
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.numerics.lanczos import interval
from meshrep.parametrizations.base import Map, Parametrization, whole
from meshrep.parametrizations.linear.base import Kept, LinearMap
from meshrep.parametrizations.linear.filters import MARGIN, PROBES, Filter
from meshrep.parametrizations.linear.matrices import curvature

PRINTED = (1.0, -0.5, -0.75)  # as far as the paper prints them


class Kappa(Parametrization):
    """The power series κ of the Hessian, with the right or the printed coefficients.

    Parameters
    ----------
    degree : int
        k ≥ 1, the number of sparse products a pass takes; 1 or 2 for the printed series.
    series : {"right", "printed"}
        "right": c_k = (2k choose k)/4^k, the binomial coefficients of (1 − X)^{-1/2}.
        "printed": I − ½X − ¾X², the terms that the paper prints. It changes sign at λ = 0.13 h: if
        H has an eigenvalue there, κ removes its mode and κHκ is singular.

    Raises
    ------
    InputError
        For a degree that is not whole or below 1, an unknown series, or a printed one of a degree
        above 2.

    Notes
    -----
    h is measured by Lanczos from a random vector, with a margin of 2%; the paper's
    own estimate of h (eq. 16) is 0/0 for a Laplacian, since L·1 = 0. Above h, X is negative and
    κ below 1, which does no harm.

    κ is symmetric, so that the pullback repeats the same passes; an evaluation costs 2k sparse
    products beside the energy's. A unit of θ moves the roughest mode by about a unit of the field,
    as Adam's step length expects it.

    References
    ----------
    Both, Dehmamy, Long and Yu, "Accelerating Optimization using Neural Reparametrization", §2.3.
    """

    name = "kappa"

    def __init__(self, degree: int = 2, series: str = "right") -> None:
        self.coefficients = coefficients(degree, series)
        self.degree, self.series = len(self.coefficients) - 1, series
        self._kept = Kept()

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """Measure h of the Hessian at the start, and lay X out."""
        matrix = self._kept.get(energy, start, lambda: remainder(curvature(energy, start)))
        scale = np.zeros(energy.shape[0])
        scale[energy.free] = energy.unit
        series = poly2cheb(self.coefficients)  # the same polynomial, by Clenshaw's recurrence
        return LinearMap(energy, start, backend, Filter(matrix, series, scale, backend))

    def condition(self, low: float, high: float) -> float:
        """Condition number of κHκ for an H whose spectrum fills [low, high], with h = high.

        That is the largest λ κ(λ)² over the least; infinite where κ has a zero in the interval.

        Raises
        ------
        InputError
            Unless 0 < low ≤ high < ∞.

        >>> round(Kappa(2).condition(0.05, 1.0), 1)
        6.1
        >>> Kappa(2, "printed").condition(0.05, 1.0)
        inf
        """
        if not 0 < low <= high < np.inf:
            raise InputError(f"a spectrum lies in [low, high], 0 < low ≤ high, not {low}, {high}")
        kappa, x = Polynomial(self.coefficients), Polynomial([0.0, 1.0])
        most = 1.0 - low / high
        if len(_between(kappa, most)):
            return np.inf
        # λκ² is stationary where 2(1 − x)κ′ = κ
        turning = _between(2 * (1 - x) * kappa.deriv() - kappa, most)
        at = np.concatenate([[0.0, most], turning])
        product = (1 - at) * kappa(at) ** 2
        return float(product.max() / product.min())


def coefficients(degree: int, series: str = "right") -> np.ndarray:
    """c_0 … c_degree of κ in powers of X = I − H/h; raises as :class:`Kappa` does.

    >>> coefficients(3).tolist()
    [1.0, 0.5, 0.375, 0.3125]
    """
    if series not in ("right", "printed"):
        raise InputError(f"unknown series {series!r}: choose right or printed")
    degree = whole(degree, 1, "the degree of a filter")
    if series == "right":
        k = np.arange(1, degree + 1)
        return np.concatenate([[1.0], np.cumprod((2 * k - 1) / (2 * k))])
    if degree >= len(PRINTED):
        raise InputError(
            f"the series is printed up to degree {len(PRINTED) - 1}, not to {degree}: "
            "take series='right'"
        )
    return np.array(PRINTED[: degree + 1])


def remainder(matrix: sparse.csr_array) -> sparse.csr_array:
    """X = I − H/h (n, n), of spectrum in [0, 1] where H has no negative eigenvalue."""
    largest = MARGIN * interval(matrix, PROBES)[1] or 1.0
    eye = sparse.eye_array(matrix.shape[0], format="csr")
    rest = sparse.csr_array(eye - matrix / largest)
    rest.sort_indices()
    return rest


def _between(polynomial: Polynomial, most: float) -> np.ndarray:
    """Real roots in [0, most]."""
    roots = polynomial.trim(1e-14).roots()
    real = roots.real[abs(roots.imag) < 1e-9]
    return real[(real >= 0.0) & (real <= most)]
