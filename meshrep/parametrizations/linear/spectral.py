"""The field filtered by a polynomial of its Hessian: w = w₀ + s D^{-1/2} p(H̃) θ.

    H̃ = D^{-1/2} H D^{-1/2},   p(λ) ≈ λ^{-1/2}

with H the Hessian at the start and D its diagonal. Then J Jᵀ ≈ s² H^{-1}, as far as a polynomial
of a given degree goes: k products with a sparse matrix divide the condition number by about
(2k + 1)² at the most. After the filter κ of Both, Dehmamy, Long and Yu (§2.3), with a Chebyshev
fit on the measured interval in place of their binomial series.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.chebyshev import chebval
from scipy import sparse

from meshrep.base.backends import Backend
from meshrep.energies.base import Energy
from meshrep.numerics.lanczos import interval
from meshrep.parametrizations.base import Map, Parametrization, whole
from meshrep.parametrizations.linear.base import Kept, LinearMap
from meshrep.parametrizations.linear.filters import MARGIN, PROBES, Filter, chebyshev, moved
from meshrep.parametrizations.linear.matrices import curvature, mean_size

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
        For a degree that is not whole or below 1.

    Notes
    -----
    The filter is symmetric except for the diagonal, so the pullback repeats the same passes;
    an evaluation costs 2k sparse products beside the energy's. It pays where an iteration of the
    minimiser costs much more than such a product. s is as in
    :class:`~meshrep.parametrizations.linear.multilevel.Multilevel`.

    References
    ----------
    Both, Dehmamy, Long and Yu, "Faster optimization on sparse graphs via neural
    reparametrization"; Clenshaw (1955) for the recurrence.
    """

    name = "spectral"

    def __init__(self, degree: int = 8) -> None:
        self.degree = whole(degree, 1, "the degree of a filter")
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
        matrix = matrix / mean_size(matrix.diagonal())
        diagonal = matrix.diagonal()
        sound = diagonal > 1e-14 * diagonal.max(initial=0.0)
        scale = np.where(sound, 1.0 / np.sqrt(np.where(sound, diagonal, 1.0)), 0.0)
        scaling = sparse.diags_array(scale)
        matrix = sparse.csr_array(scaling @ matrix @ scaling)
        least, most = interval(matrix, PROBES)
        low, high, series = fitted(least, MARGIN * most or 1.0, self.degree)
        return moved(matrix, low, high), series, energy.unit * scale


def fitted(least: float, most: float, degree: int) -> tuple[float, float, np.ndarray]:
    """The interval [low, most] and its series p for which λ p(λ)² varies least on [least, most].

    If the least eigenvalue is small, low lies above it: on a longer interval the polynomial
    would be small everywhere else too.
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
