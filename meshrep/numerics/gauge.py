"""Fields and symmetric matrices up to a constant on each part of a graph."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from meshrep.numerics.factors import factored


class Gauge:
    """Fields up to a constant on each part of a graph, or all fields.

    Parameters
    ----------
    part_of : (n,) integers or None
        The part of each node; None where constants are not left out.
    count : int
        n.

    Attributes
    ----------
    kept : (k,) int64
        All nodes but the first of each part. A field is determined by its values there.
    """

    def __init__(self, part_of: np.ndarray | None, count: int) -> None:
        self.part_of = part_of
        self.kept = np.arange(count)
        if part_of is not None:
            self.kept = np.delete(self.kept, np.unique(part_of, return_index=True)[1])
            self.sizes = np.bincount(part_of)

    def project(self, v: np.ndarray) -> np.ndarray:
        """Subtract its mean on each part from v (n,), or from each column of v (n, k)."""
        if self.part_of is None:
            return v
        if v.ndim == 2:
            return np.stack([self.project(column) for column in v.T], axis=1)
        return v - (np.bincount(self.part_of, v) / self.sizes)[self.part_of]

    def spread(self, kept: np.ndarray, count: int) -> np.ndarray:
        """The field without means whose values at the kept nodes are given, up to constants."""
        whole = np.zeros(count)
        whole[self.kept] = kept
        return self.project(whole)

    def lifted(self, matrix: sparse.csr_array | np.ndarray, top: float) -> LinearOperator:
        """A matrix (n, n) where constants on each part have the eigenvalue 4·top instead of 0.

        ``top`` is a bound of the absolute values of its eigenvalues.
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
        """The inverse of a positive definite matrix (n, n), and the number of negative eigenvalues.

        (None, count) where an eigenvalue is negative; (None, None) where the matrix cannot be
        factored (see :func:`meshrep.numerics.factors.factored`).
        """
        n, kept = matrix.shape[0], self.kept
        reduced = matrix if len(kept) == n else matrix[kept][:, kept]
        factors = factored(reduced)
        if factors is None or factors.negative:
            return None, None if factors is None else factors.negative

        def solve(v: np.ndarray) -> np.ndarray:
            return self.spread(factors.lu.solve(self.project(v.ravel())[kept]), n)

        return LinearOperator((n, n), matvec=solve, dtype=np.float64), 0
