"""Polynomials of a sparse symmetric matrix as the root of a linear map: what filters share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import chebinterpolate
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Array, Backend
from meshrep.base.rows import kernel_rows
from meshrep.parametrizations.linear.base import Root, each_row

PROBES = 40  # Lanczos steps that measure the interval
MARGIN = 1.02  # over the largest Ritz value, which lies inside the spectrum


class Filter(Root):
    """diag(scale) Σ_k c_k T_k(A) by Clenshaw's recurrence.

    Parameters
    ----------
    matrix : (n, n) symmetric
        A. Its spectrum lies in [−1, 1], except for rows where ``scale`` is 0.
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
        self.by_column = backend.name == "numba"
        if self.by_column:
            from meshrep.kernels import products

            self.matrix: Any = kernel_rows(matrix, backend.dtype)
            self.kernels = products.PARALLEL if n >= limits.THREADS_FROM else products.SERIAL
            self.first, self.second = backend.zeros(n), backend.zeros(n)
        else:
            self.matrix = backend.sparse(matrix)

    def apply(self, theta: Array) -> Array:
        """The filtered parameters, scaled."""
        return self._filtered(theta) * each_row(self.scale, theta)

    def adjoint(self, gradient: Array, out: Array) -> None:
        """The scaled gradient, filtered."""
        out[:] = self._filtered(each_row(self.scale, gradient) * gradient)

    def _filtered(self, v: Array) -> Array:
        """p(A) v."""
        if self.by_column:
            return self._by_kernels(v)
        older, old = 0.0, self.series[-1] * v
        for k in range(len(self.series) - 2, -1, -1):
            twice = 2.0 if k else 1.0
            older, old = old, self.series[k] * v + twice * self.matrix.dot(old) - older
        return old

    def _by_kernels(self, v: Array) -> Array:
        """The same in numba, in one of the two work arrays."""
        older, old = self.first, self.second
        older[:] = 0.0
        old[:] = 0.0
        for k in range(len(self.series) - 1, -1, -1):
            twice = 2.0 if k else 1.0
            self.kernels.recur(*self.matrix, twice, old, self.series[k], v, older)
            old, older = older, old
        return old


def moved(matrix: sparse.csr_array, low: float, high: float) -> sparse.csr_array:
    """(2A − high − low)/(high − low), whose spectrum lies in [−1, 1] where A's lies in [low, high].

    Empty rows give eigenvalues outside: their nodes must have a scale of 0.
    """
    eye = sparse.eye_array(matrix.shape[0], format="csr")
    shifted = sparse.csr_array((matrix - 0.5 * (high + low) * eye) * (2.0 / (high - low)))
    shifted.sort_indices()
    return shifted


def chebyshev(low: float, high: float, degree: int, power: float = 0.5) -> np.ndarray:
    """Chebyshev coefficients (degree + 1,) of λ^−power on [low, high], 0 < low < high.

    Below the interval the polynomial keeps rising as λ falls, since the coefficients alternate in
    sign: modes below ``low`` are not lost.
    """
    middle, half = 0.5 * (high + low), 0.5 * (high - low)
    return chebinterpolate(lambda x: (middle + half * x) ** -power, degree)
