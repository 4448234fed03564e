"""The field filtered by a polynomial of its Hessian: w = w₀ + s D^{-1/2} p(H̃) θ.

    H̃ = D^{-1/2} H D^{-1/2},   p(λ) ≈ λ^{-1/2}

with H the Hessian at the start and D its diagonal. Then J Jᵀ ≈ s² H^{-1}, as far as a polynomial
of a given degree goes: k products with a sparse matrix divide the condition number by about
(2k + 1)² at the most. After the filter κ of Both, Dehmamy, Long and Yu (§2.3), with a Chebyshev
fit on the measured interval in place of their binomial series.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.chebyshev import chebinterpolate, chebval
from scipy import sparse

from meshrep.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.parametrizations.base import Map, Parametrization
from meshrep.parametrizations.linear import (
    PARALLEL_FROM,
    Kept,
    LinearMap,
    Root,
    curvature,
    in_kernels,
    interval,
    mean_size,
)

PROBES = 40  # Lanczos steps that measure the interval
MARGIN = 1.02  # over the largest Ritz value, which lies inside the spectrum
GRID = 400  # points at which a fit is judged


class Spectral(Parametrization):
    """A Chebyshev filter near H^{-1/2}.

    Parameters
    ----------
    degree : int
        k ≥ 1, the number of sparse products a pass takes.

    Raises
    ------
    InputError
        For a degree below 1.

    Notes
    -----
    The filter is symmetric but for the diagonal, so that the pullback is the same passes again;
    an evaluation costs 2k sparse products beside the energy's. It pays where an iteration of the
    minimiser costs much more than such a product. s is as in
    :class:`~meshrep.parametrizations.multilevel.Multilevel`.

    References
    ----------
    Both, Dehmamy, Long and Yu, "Faster optimization on sparse graphs via neural
    reparametrization"; Clenshaw (1955) for the recurrence.
    """

    name = "spectral"

    def __init__(self, degree: int = 8) -> None:
        if not degree >= 1:
            raise InputError(f"a filter has a degree of 1 or more, not {degree}")
        self.degree = int(degree)
        self._kept = Kept()

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """Measure the spectrum of the Hessian at the start, and fit the filter to it."""
        made = self._kept.get(energy, start, lambda: self._measured(energy, start))
        matrix, series, scale = made
        return LinearMap(energy, start, backend, Filter(matrix, series, scale, backend))

    def _measured(
        self, energy: Energy, start: np.ndarray
    ) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
        """H̃ moved to [−1, 1], the series and the scale of a :class:`Filter`."""
        matrix = curvature(energy, start)
        diagonal = matrix.diagonal()
        sound = diagonal > 1e-14 * diagonal.max(initial=0.0)
        scale = np.where(sound, 1.0 / np.sqrt(np.where(sound, diagonal, 1.0)), 0.0)
        scaling = sparse.diags_array(scale)
        matrix = sparse.csr_array(scaling @ matrix @ scaling)
        least, most = interval(matrix, PROBES)
        low, high, series = fitted(least, MARGIN * most or 1.0, self.degree)
        return moved(matrix, low, high), series, mean_size(energy, diagonal) * scale


def moved(matrix: sparse.csr_array, low: float, high: float) -> sparse.csr_array:
    """(2A − high − low)/(high − low), whose spectrum lies in [−1, 1] where A's lies in [low, high].

    Empty rows come to lie outside: their nodes are to have a scale of 0.
    """
    eye = sparse.eye_array(matrix.shape[0], format="csr")
    shifted = sparse.csr_array((matrix - 0.5 * (high + low) * eye) * (2.0 / (high - low)))
    shifted.sort_indices()
    return shifted


def chebyshev(low: float, high: float, degree: int) -> np.ndarray:
    """Chebyshev coefficients (degree + 1,) of λ^{-1/2} on [low, high], 0 < low < high.

    Left of the interval the polynomial goes on rising, since the coefficients alternate in sign:
    modes below ``low`` are not lost.
    """
    middle, half = 0.5 * (high + low), 0.5 * (high - low)
    return chebinterpolate(lambda x: (middle + half * x) ** -0.5, degree)


def fitted(least: float, most: float, degree: int) -> tuple[float, float, np.ndarray]:
    """The interval [low, most] and the series on it that leave λ p(λ)² the least condition number.

    On [least, most], that is; a small least eigenvalue calls for an interval that does not reach
    down to it, as the polynomial would then be small everywhere else too.
    """
    floor = most / (10.0 * (2 * degree + 1) ** 2)
    least = min(max(least, floor), 0.5 * most)
    at = np.geomspace(least, most, GRID)
    best = (np.inf, most, np.zeros(1))
    for low in np.geomspace(least, 0.5 * most, 40):
        series = chebyshev(low, most, degree)
        p = chebval((2 * at - most - low) / (most - low), series)
        if p.min() > 0:
            product = at * p * p
            best = min(best, (float(product.max() / product.min()), low, series), key=_first)
    return best[1], most, best[2]


def _first(entry: tuple[float, float, np.ndarray]) -> float:
    return entry[0]


class Filter(Root):
    """diag(scale) Σ_k c_k T_k(A) by Clenshaw's recurrence.

    Parameters
    ----------
    matrix : (n, n) symmetric
        A, of spectrum in [−1, 1] but for what ``scale`` leaves out.
    series : (k + 1,)
        c_0 … c_k.
    scale : (n,)
    """

    def __init__(
        self, matrix: sparse.csr_array, series: np.ndarray, scale: np.ndarray, backend: Backend
    ) -> None:
        n = self.size = len(scale)
        self.series = [float(c) for c in series]
        self.scale = backend.asarray(scale)
        self.jitted = backend.name == "numba"
        if self.jitted:
            from meshrep.kernels import products

            self.matrix = in_kernels(matrix, backend.dtype)
            self.kernels = products.PARALLEL if n >= PARALLEL_FROM else products.SERIAL
        else:
            self.matrix = backend.sparse(matrix)
        self.first, self.second = backend.zeros(n), backend.zeros(n)

    def apply(self, theta: Array) -> Array:
        """The filtered parameters, scaled."""
        result = self._filtered(theta)
        result *= self.scale
        return result

    def adjoint(self, gradient: Array, out: Array) -> None:
        """The scaled gradient, filtered."""
        out[:] = self._filtered(self.scale * gradient)

    def _filtered(self, v: Array) -> Array:
        """p(A) v, in one of the two work arrays."""
        older, old = self.first, self.second
        older[:] = 0.0
        old[:] = 0.0
        for k in range(len(self.series) - 1, -1, -1):
            twice = 2.0 if k else 1.0
            if self.jitted:
                self.kernels.recur(*self.matrix, twice, old, self.series[k], v, older)
            else:
                older *= -1.0
                older += self.series[k] * v
                older += twice * (self.matrix @ old)
            old, older = older, old
        return old
