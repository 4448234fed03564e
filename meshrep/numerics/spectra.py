"""Symmetric matrices up to constants: the gauge, inverses by factorisation, the least eigenvalue.

The least eigenvalue of a Hessian tells a minimum from a saddle.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh, splu

from meshrep.base import limits

_SOUND = 1e-13  # least pivot over the largest that is no rounding


class Gauge:
    """Fields up to a constant on each part of a graph, or all fields.

    Parameters
    ----------
    part_of : (n,) integers or None
        The part of each node; None where constants count.
    count : int
        n.

    Attributes
    ----------
    kept : (k,) int64
        All nodes but the first of each part: where that one is held, the rest is determined.
    """

    def __init__(self, part_of: np.ndarray | None, count: int) -> None:
        self.part_of = part_of
        self.kept = np.arange(count)
        if part_of is not None:
            self.kept = np.delete(self.kept, np.unique(part_of, return_index=True)[1])
            self.sizes = np.bincount(part_of)

    def project(self, v: np.ndarray) -> np.ndarray:
        """v (n,), or each column of v (n, k), without its mean on each part."""
        if self.part_of is None:
            return v
        if v.ndim == 2:
            return np.stack([self.project(column) for column in v.T], axis=1)
        return v - (np.bincount(self.part_of, v) / self.sizes)[self.part_of]

    def spread(self, kept: np.ndarray, count: int) -> np.ndarray:
        """Values at the kept nodes, 0 at the others, as a field without means."""
        whole = np.zeros(count)
        whole[self.kept] = kept
        return self.project(whole)

    def lifted(self, matrix: sparse.csr_array | np.ndarray, top: float) -> LinearOperator:
        """A matrix (n, n) on all fields, with what the gauge leaves out at the eigenvalue 4·top.

        Its product with what the gauge leaves out is 0; ``top`` bounds its eigenvalues' sizes.
        """

        def product(block: np.ndarray) -> np.ndarray:
            if self.part_of is None:
                return matrix @ block
            inside = self.project(block)
            return matrix @ inside + 4 * top * (block - inside)

        return LinearOperator(
            matrix.shape, matvec=lambda v: product(v.ravel()), matmat=product, dtype=np.float64
        )

    def inverse(self, matrix: sparse.csr_array) -> tuple[LinearOperator | None, int | None]:
        """The inverse of a positive definite matrix (n, n), and how many eigenvalues are negative.

        By sparse LU without pivoting (COLAMD), whose pivots have the eigenvalues' signs
        (Sylvester's law of inertia). No inverse where there is a negative one, and neither where
        the factorisation is singular up to rounding or had to pivot.
        """
        n, kept = matrix.shape[0], self.kept
        reduced = matrix if len(kept) == n else matrix[kept][:, kept]
        try:
            factors = splu(sparse.csc_matrix(reduced), permc_spec="COLAMD", diag_pivot_thresh=0.0)
        except RuntimeError:  # exactly singular
            return None, None
        pivots = factors.U.diagonal()
        ordered = np.array_equal(factors.perm_r, factors.perm_c)
        if not (ordered and abs(pivots).min() > _SOUND * abs(pivots).max()):
            return None, None
        negative = int((pivots < 0).sum())
        if negative:
            return None, negative

        def solve(v: np.ndarray) -> np.ndarray:
            return self.spread(factors.solve(self.project(v.ravel())[kept]), n)

        return LinearOperator((n, n), matvec=solve, dtype=np.float64), 0


def least_eigenvalue(matrix: sparse.csr_array, gauge: Gauge) -> tuple[float, np.ndarray] | None:
    """The least eigenvalue of a symmetric matrix (n, n) among fields of a gauge, and its field.

    Where the matrix is positive definite by its pivots, the largest eigenvalue of its inverse by
    Lanczos; otherwise Lanczos on the matrix itself, for a negative eigenvalue, to some per cent.

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
    start = gauge.project(np.random.default_rng(0).standard_normal(n))
    inverse, _ = gauge.inverse(matrix)
    try:
        if inverse is not None:
            values, vectors = eigsh(inverse, 1, which="LA", v0=start, tol=1e-6)
            return 1.0 / float(values[0]), vectors[:, 0]
        lifted = gauge.lifted(matrix, top)
        values, vectors = eigsh(lifted, 1, which="SA", v0=start, tol=1e-2, ncv=40, maxiter=3000)
        return float(values[0]), vectors[:, 0]
    except ArpackError:
        return None
