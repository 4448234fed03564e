"""The least eigenvalue of a Hessian, which tells a minimum from a saddle."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh, splu

from meshrep.linear_solvers import factorised

_DENSE = 300  # rows up to which all eigenvalues are computed
_LARGEST = 100_000  # rows beyond which a factorisation may take minutes


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
        """v without its mean on each part."""
        if self.part_of is None:
            return v
        return v - (np.bincount(self.part_of, v) / self.sizes)[self.part_of]

    def spread(self, kept: np.ndarray, count: int) -> np.ndarray:
        """Values at the kept nodes, 0 at the others, as a field without means."""
        whole = np.zeros(count)
        whole[self.kept] = kept
        return self.project(whole)


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
    if len(gauge.kept) == 0 or n > _LARGEST:
        return None
    if n <= _DENSE:
        hidden = np.eye(n) - np.array([gauge.project(row) for row in np.eye(n)])
        values, vectors = np.linalg.eigh(matrix.toarray() + 4 * top * hidden)
        return float(values[0]), vectors[:, 0]
    reduced = matrix[gauge.kept][:, gauge.kept]
    start = gauge.project(np.random.default_rng(0).standard_normal(n))
    try:
        if factorised(reduced, np.ones(len(gauge.kept)), 0.0).positive:
            solve = splu(
                sparse.csc_matrix(reduced), permc_spec="COLAMD", diag_pivot_thresh=0.0
            ).solve
            inverse = LinearOperator(
                (n, n),
                matvec=lambda v: gauge.spread(solve(gauge.project(v.ravel())[gauge.kept]), n),
            )
            values, vectors = eigsh(inverse, 1, which="LA", v0=start, tol=1e-6)
            return 1.0 / float(values[0]), vectors[:, 0]
        lifted = LinearOperator(
            (n, n),
            matvec=lambda v: (
                matrix @ gauge.project(v.ravel()) + 4 * top * (v.ravel() - gauge.project(v.ravel()))
            ),
        )
        values, vectors = eigsh(lifted, 1, which="SA", v0=start, tol=1e-2, ncv=40, maxiter=3000)
        return float(values[0]), vectors[:, 0]
    except ArpackError:
        return None
