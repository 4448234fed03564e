"""The field smoothed by a solve: w = w₀ + s (I + λL)^{-1} u, or its square root.

J Jᵀ is s² (I + λL)^{-2}, while the inverse Hessian is near (I + λL)^{-1}: the condition number
first falls with λ and then rises again. With the root (I + λL)^{-1/2}, by a Chebyshev filter, J Jᵀ
is s² (I + λL)^{-1}.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.chebyshev import chebval
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.numerics.factors import factored
from meshrep.numerics.lanczos import interval
from meshrep.parametrizations.base import Map, Parametrization
from meshrep.parametrizations.linear.base import LinearMap, Root, each_row
from meshrep.parametrizations.linear.filters import MARGIN, PROBES, Filter, chebyshev, moved
from meshrep.parametrizations.linear.matrices import stiffness

ACCURATE = 0.01  # relative error of the filter against the root
DEGREES = (8, 12, 16, 24, 32, 48, 64, 96)  # of the filter
DEFAULT = {1.0: 20.0, 0.5: 100.0}  # λ by power: the best of 20, 100, 1,000 and 10,000


class Sobolev(Parametrization):
    """Smoothed variables, known in mesh processing as "large steps".

    Parameters
    ----------
    smoothing : float, optional
        λ > 0, in units of one over the mean diagonal of L, the Laplacian of the couplings. By
        default 20 at power 1, where a larger λ is soon worse, and 100 for the root, where a
        larger λ only costs more.
    power : {1, 0.5}
        Power of the smoothing (I + λL)^{-1}: 1 as published, 0.5 for its root.

    Raises
    ------
    InputError
        For a number out of range or an unknown power. When it is built, for more than 300,000
        nodes at power 1.

    Notes
    -----
    I + λL is factored once, by sparse LU with COLAMD; each evaluation takes two solves. The root
    takes no factorisation, but a filter whose degree grows with √λ. On a GPU and in
    :mod:`meshrep.nn` the power 1 takes such a filter too, which is within 1% of (I + λL)^{-1}, so
    that nothing has to be copied to the host and back.

    References
    ----------
    Nicolet, Jacobson and Jakob, "Large steps in inverse rendering of geometry" (2021), who take
    λ = 19 (their α = 0.95) with L unnormalised, and Adam with one second moment.
    """

    def __init__(self, smoothing: float | None = None, power: float = 1.0) -> None:
        if power not in DEFAULT:
            raise InputError(f"unknown power {power!r}: choose 1 or 0.5")
        smoothing = DEFAULT[power] if smoothing is None else smoothing
        if not (np.isfinite(smoothing) and smoothing > 0):
            raise InputError(f"the smoothing λ must be a positive number, not {smoothing}")
        self.smoothing, self.power = float(smoothing), float(power)

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name of the power."""
        return "sobolev" if self.power == 1.0 else "sobolev-half"

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """Factor I + λL, or fit the filter to it."""
        matrix = stiffness(energy)
        diagonal = matrix.diagonal()
        mean = float(diagonal[diagonal > 0].mean()) if (diagonal > 0).any() else 1.0
        shifted = sparse.csr_array(
            sparse.eye_array(len(diagonal)) + (self.smoothing / mean) * matrix
        )
        free = np.zeros(len(diagonal))
        free[energy.free] = 1.0
        reach = 1.0 + self.smoothing  # undoes (I + λL)^{-1} at a fine mode
        root: Root
        scale = energy.unit * reach**self.power * free
        if self.power == 1.0 and backend.device == "cpu" and not backend.differentiable:
            root = _Solve(shifted, scale, backend)
        else:
            high = MARGIN * max(interval(shifted, PROBES)[1], 1.1)
            series = accurate(1.0, high, self.power)
            root = Filter(moved(shifted, 1.0, high), series, scale, backend)
        return LinearMap(energy, start, backend, root)


def accurate(low: float, high: float, power: float) -> np.ndarray:
    """A Chebyshev series of λ^−power on [low, high] within 1% of it, of degree 96 at the most."""
    x = np.cos(np.linspace(0.0, np.pi, 1000))
    root = (0.5 * (high + low) + 0.5 * (high - low) * x) ** power
    for degree in DEGREES:
        series = chebyshev(low, high, degree, power)
        if abs(chebval(x, series) * root - 1.0).max() <= ACCURATE:
            break
    return series


class _Solve(Root):
    """diag(scale) A^{-1}, from a factorisation on the host; scale is one number on free nodes."""

    def __init__(self, matrix: sparse.csr_array, scale: np.ndarray, backend: Backend) -> None:
        self.size = len(scale)
        if self.size > limits.SOBOLEV_FACTORED_UP_TO:
            raise InputError(
                f"sobolev factors a matrix, and {self.size:,} nodes are too many for that "
                f"({limits.SOBOLEV_FACTORED_UP_TO:,} at most): take multilevel, or sobolev-half"
            )
        factors = factored(matrix)
        if factors is None:
            raise InputError("sobolev cannot factor I + λL: take a smaller smoothing")
        self.lu = factors.lu
        self.scale, self.backend = scale, backend

    def apply(self, theta: Array) -> Array:
        solved = self.lu.solve(self._host(theta))
        return self.backend.asarray(each_row(self.scale, solved) * solved)

    def adjoint(self, gradient: Array, out: Array) -> None:
        given = self._host(gradient)
        out[:] = self.backend.asarray(self.lu.solve(each_row(self.scale, given) * given))

    def _host(self, values: Array) -> np.ndarray:
        return self.backend.to_numpy(values)
