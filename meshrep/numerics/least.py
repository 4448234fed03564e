"""The least eigenpairs of a sparse symmetric matrix: by a factorisation, or LOBPCG with multigrid.

The least eigenvalue of a Hessian tells a minimum from a saddle.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh, lobpcg

from meshrep.base import limits
from meshrep.base.backends import installed
from meshrep.numerics.gauge import Gauge
from meshrep.numerics.linear_solvers import expander, smoothed_aggregation
from meshrep.numerics.multigrid import Refreshed

_BESIDE = 1  # columns that LOBPCG has in addition to those that are asked for
_ROUNDS = 40  # iterations of LOBPCG
_SHIFTS = (1e-9, 1e-3, 1e-2, 1e-1, 1.0, 4.0)  # of the preconditioner, over the mean diagonal
_REACHED = 3e-3  # residual at which LOBPCG ends, over the least value

Product = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Least:
    """Least eigenpairs, as far as they were found.

    Attributes
    ----------
    values : (k,) ascending, (0,) where none was found
    vectors : (k, n), of length 1
    residuals : (k,)
        ‖A v − λ v‖.
    negative : int or None
        The number of negative eigenvalues; None where they were not counted.
    how : str
        The method, in words.
    """

    values: np.ndarray
    vectors: np.ndarray
    residuals: np.ndarray
    negative: int | None
    how: str


def least_pairs(matrix: sparse.csr_array, gauge: Gauge, top: float, count: int) -> Least:
    """The ``count`` least eigenpairs of a matrix (n, n) among the fields of a gauge.

    Parameters
    ----------
    matrix : (n, n) csr_array, symmetric
        Its product with what the gauge leaves out is 0.
    top : float
        A bound of the absolute values of its eigenvalues.

    Notes
    -----
    Up to 100,000 rows the matrix is factored, and Lanczos' method is applied to its inverse. The
    limit is 5,000 rows where the factors would be nearly dense, as on expanders. Larger matrices
    are left to LOBPCG (Knyazev 2001), preconditioned by a multigrid cycle, or by the diagonal on
    expanders and where neither numba nor pyamg is installed. No pairs are returned for a matrix of
    zeros, or where the factorisation shows negative eigenvalues: Lanczos' method on the matrix
    itself finds those.
    """
    n = matrix.shape[0]
    if top == 0.0:
        return _nothing(n, 0, "a matrix of zeros")
    if n <= min(limits.FILLED_UP_TO, limits.FACTORED_UP_TO) or (
        n <= limits.FACTORED_UP_TO and not expander(matrix)
    ):
        return _by_factors(matrix, gauge, count)
    return _by_lobpcg(matrix, gauge, top, count)


def least_eigenvalue(matrix: sparse.csr_array, gauge: Gauge) -> tuple[float, np.ndarray] | None:
    """The least eigenvalue of a symmetric matrix (n, n) among fields of a gauge, and its field.

    If the pivots say that the matrix is positive definite, it is the inverse of the largest
    eigenvalue of the inverse. Otherwise Lanczos' method on the matrix itself finds a negative
    eigenvalue, to a few per cent.

    Returns
    -------
    (value, (n,) unit vector), or None beyond 100,000 rows or where Lanczos does not converge.
    """
    n = matrix.shape[0]
    matrix = sparse.csr_array(matrix)
    top = float(abs(matrix).sum(axis=1).max()) or 1.0
    if len(gauge.kept) == 0 or n > limits.FACTORED_UP_TO:
        return None
    if n <= limits.ALL_EIGENVALUES_UP_TO:
        values, vectors = np.linalg.eigh(gauge.lifted(matrix, top) @ np.eye(n))
        return float(values[0]), vectors[:, 0]
    inverse, _ = gauge.inverse(matrix)
    try:
        if inverse is not None:
            values, vectors = _of_inverse(inverse, gauge, 1)
            return 1.0 / float(values[0]), vectors[:, 0]
        start = gauge.project(np.random.default_rng(0).standard_normal(n))
        lifted = gauge.lifted(matrix, top)
        values, vectors = eigsh(lifted, 1, which="SA", v0=start, tol=1e-2, ncv=40, maxiter=3000)
        return float(values[0]), vectors[:, 0]
    except ArpackError:
        return None


def _found(
    matrix: sparse.csr_array, gauge: Gauge, vectors: np.ndarray, negative: int | None, how: str
) -> Least:
    """Rayleigh quotients and residuals of columns (n, k), sorted."""
    columns, _ = np.linalg.qr(gauge.project(vectors))
    images = matrix @ columns
    values, turn = np.linalg.eigh(columns.T @ images)
    columns, images = columns @ turn, images @ turn
    residuals = np.linalg.norm(images - columns * values, axis=0)
    return Least(values, columns.T.copy(), residuals, negative, how)


def _nothing(n: int, negative: int | None, how: str) -> Least:
    return Least(np.zeros(0), np.zeros((0, n)), np.zeros(0), negative, how)


def _by_factors(matrix: sparse.csr_array, gauge: Gauge, count: int) -> Least:
    n = matrix.shape[0]
    inverse, negative = gauge.inverse(matrix)
    if inverse is None:
        return _nothing(n, negative, "the pivots of a factorisation")
    try:
        vectors = _of_inverse(inverse, gauge, count)[1]
    except ArpackError:
        return _nothing(n, 0, "a factorisation, on whose inverse Lanczos did not converge")
    return _found(matrix, gauge, vectors, 0, "Lanczos on the inverse, by a factorisation")


def _of_inverse(inverse: LinearOperator, gauge: Gauge, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues (k,) of an inverse, and their vectors (n, k), by SciPy's Lanczos."""
    start = gauge.project(np.random.default_rng(0).standard_normal(inverse.shape[0]))
    return eigsh(inverse, count, which="LA", v0=start, tol=1e-6)


def _by_lobpcg(matrix: sparse.csr_array, gauge: Gauge, top: float, count: int) -> Least:
    n = matrix.shape[0]
    cycle, by = _preconditioner(matrix)

    def preconditioned(block: np.ndarray) -> np.ndarray:
        inside = gauge.project(block.reshape(n, -1))
        images = [cycle(np.ascontiguousarray(column)) for column in inside.T]
        return gauge.project(np.stack(images, axis=1))

    start = np.random.default_rng(0).standard_normal((n, count + _BESIDE))
    for _ in range(2):
        start = preconditioned(start)
        start /= np.linalg.norm(start, axis=0)
    lifted = gauge.lifted(matrix, top)
    M = LinearOperator((n, n), matvec=preconditioned, matmat=preconditioned, dtype=np.float64)
    first = abs(float(np.vdot(start[:, 0], lifted @ start[:, 0])))
    vectors = start
    for _ in range(3):  # the tolerance depends on the values, which are not known before
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the residuals say the same
            values, vectors = lobpcg(
                lifted, vectors, M=M, largest=False, tol=_REACHED * first, maxiter=_ROUNDS // 2
            )
        least = float(abs(values[:count]).min())
        if least >= 0.5 * first:
            break
        first = least
    return _chosen(_found(matrix, gauge, vectors, None, f"LOBPCG preconditioned by {by}"), count)


def _chosen(found: Least, count: int) -> Least:
    return Least(
        found.values[:count], found.vectors[:count], found.residuals[:count], None, found.how
    )


def _preconditioner(matrix: sparse.csr_array) -> tuple[Product, str]:
    """A multigrid cycle on the matrix, shifted until it is positive definite; else its diagonal."""
    diagonal = abs(matrix.diagonal())
    mean = float(diagonal.mean()) or 1.0
    scale = np.maximum(diagonal, 1e-3 * mean)
    plain = (lambda v: v / scale), "the diagonal"
    if expander(matrix):
        return plain
    if not installed("numba"):
        if not installed("pyamg") or (matrix.diagonal() <= 0).any():
            return plain
        return smoothed_aggregation(matrix, _SHIFTS[0] * mean), "algebraic multigrid"
    cycles = Refreshed()
    made = (cycles.cycle(matrix, shift * mean, anew=False) for shift in _SHIFTS)
    cycle = next((found for found in made if found is not None), None)
    if cycle is None:
        return plain
    return (lambda v: cycle(v).copy()), "a multigrid cycle"
