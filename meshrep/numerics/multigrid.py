"""Smoothed-aggregation multigrid, set up once for a sequence of matrices.

The prolongations P depend on the couplings alone and are kept. When the matrix H changes (for heat,
its diagonal at bath nodes), only the coarse matrices PᵀHP are computed again, each in its old
pattern. At 10⁶ nodes that takes as long as three cycles, and a complete set-up as long as fifty.

References
----------
Vaněk, Mandel and Brezina, "Algebraic multigrid by smoothed aggregation" (1996).
Baker, Falgout, Kolev and Yang, "Multigrid smoothers for ultraparallel computing" (2011): the
smoother, Gauss–Seidel within blocks and Jacobi, more damped, between them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from meshrep.base import limits
from meshrep.base.backends import installed
from meshrep.base.rows import kernel_rows, with_short_indices
from meshrep.kernels import aggregation

_SHRINKS = 0.8  # largest share of the unknowns of a level that the next level may have
_DAMPING = 2 / 3  # 4/3 over the largest eigenvalue of D⁻¹L, which is 2 at most
_REGULAR = 1e-10  # share of the diagonal that is added, so that the coarsest matrix is regular


def prolongations(
    matrix: sparse.csr_array, coarsest: int = limits.COARSEST_UP_TO
) -> list[sparse.csr_array]:
    """Smoothed-aggregation prolongations for the couplings of a symmetric matrix, finest first.

        P = (I − ⅔ D⁻¹ L) T

    Here T holds the indicators of the aggregates, L the couplings with a diagonal that makes its
    rows sum to 0, and D the row sums of their absolute values. The diagonal of ``matrix`` is not
    used. The rows of P sum to 1, except those of nodes without couplings, which are empty.

    Parameters
    ----------
    matrix : (n, n) sparse, symmetric
    coarsest : int
        The last level has at most this many unknowns, unless aggregates hardly reduce their number.

    Returns
    -------
    list of (n_l, n_{l+1}) csr_array, which does not depend on the number of threads.
    """
    couplings = _couplings(sparse.csr_array(matrix))
    made: list[sparse.csr_array] = []
    while couplings.shape[0] > coarsest:
        p = _prolongation(couplings)
        if p.shape[1] == 0 or p.shape[1] > _SHRINKS * p.shape[0]:
            break
        made.append(p)
        couplings = compact(sparse.csr_array(p.T @ couplings @ p))
    return made


def compact(matrix: sparse.csr_array) -> sparse.csr_array:
    """Sort the columns of a matrix and shorten its indices if they fit; return the same matrix."""
    matrix.sort_indices()
    return with_short_indices(matrix)


def _couplings(matrix: sparse.csr_array) -> sparse.csr_array:
    """The matrix with a diagonal that makes its rows sum to 0."""
    n = matrix.shape[0]
    on_diagonal = matrix.indices == np.repeat(np.arange(n), np.diff(matrix.indptr))
    if on_diagonal.sum() < n or not matrix.has_canonical_format:
        return compact(sparse.csr_array(matrix - sparse.diags_array(matrix.sum(axis=1))))
    data = matrix.data.copy()
    data[on_diagonal] -= matrix.sum(axis=1)
    return compact(sparse.csr_array((data, matrix.indices, matrix.indptr), matrix.shape))


def _prolongation(couplings: sparse.csr_array) -> sparse.csr_array:
    """The prolongation of one level; it has no columns where nothing is coupled."""
    aggregate = aggregation.compiled() if installed("numba") else aggregation.aggregate
    part, count = aggregate(couplings.indptr, couplings.indices, couplings.data)
    n = len(part)
    inside = np.flatnonzero(part >= 0)
    tentative = sparse.csr_array((np.ones(len(inside)), (inside, part[inside])), shape=(n, count))
    size = abs(couplings).sum(axis=1) - abs(couplings.diagonal())
    damping = np.divide(_DAMPING, size, out=np.zeros(n), where=size > 0)
    pulled = couplings @ tentative
    return compact(sparse.csr_array(tentative - sparse.diags_array(damping) @ pulled))


class Hierarchy:
    """The levels of a matrix H + μI, and the V-cycle that preconditions conjugate gradients.

    A cycle sweeps forward on the way down and backward on the way up, so that it is symmetric. It
    is positive definite if the matrix is. Needs numba.

    Parameters
    ----------
    matrix : (n, n) csr_array, symmetric
        Its couplings and its pattern are used, not its diagonal.
    coarsest : int
        As in :func:`prolongations`.

    Attributes
    ----------
    prolongations : list of csr_array
    """

    def __init__(self, matrix: sparse.csr_array, coarsest: int = limits.COARSEST_UP_TO) -> None:
        self.prolongations = prolongations(matrix, coarsest)
        self._levels: list[_Level] = []
        pattern = compact(sparse.csr_array(matrix, copy=True))
        for p in self.prolongations:
            self._levels.append(_Level(pattern, p))
            pattern = self._levels[-1].coarse
        self._coarsest = _Coarsest(pattern)
        diagonal = np.arange(matrix.shape[0], dtype=np.int32)
        rows = np.repeat(diagonal, np.diff(matrix.indptr))
        self._on_diagonal = np.flatnonzero(rows == compact(matrix).indices)
        self._sound: bool | None = None

    @property
    def _finest(self) -> sparse.csr_array:
        return self._levels[0].matrix if self._levels else self._coarsest.matrix

    def renew(self, matrix: sparse.csr_array, shift: float = 0.0) -> bool:
        """Use a matrix of the same pattern from now on; False where it is not positive definite.

        Raises
        ------
        ValueError
            For another pattern.
        """
        if not self.fits(matrix):
            raise ValueError("the matrix has another pattern than the hierarchy was made for")
        finest = self._finest
        data = np.array(matrix.data, dtype=finest.data.dtype)
        data[self._on_diagonal] += shift + _REGULAR * np.abs(data[self._on_diagonal])
        # The matrices of a quadratic energy are equal.
        if self._sound is None or not np.array_equal(data, finest.data):
            finest.data[:] = data
            levels = all(level.renew() for level in self._levels)
            self._sound = levels and self._coarsest.renew()
        return self._sound

    def fits(self, matrix: sparse.csr_array) -> bool:
        """Whether a matrix has the pattern that the hierarchy was made for."""
        return same_pattern(self._finest, matrix)

    def strength_of_couplings(self, matrix: sparse.csr_array) -> float:
        """The sum of the sizes of all entries beside the diagonal of a matrix that fits."""
        sizes = abs(matrix.data)
        sizes[self._on_diagonal] = 0.0
        return float(sizes.sum())

    def cycle(self, right: np.ndarray) -> np.ndarray:
        """One V-cycle from 0: about (H + μI)⁻¹ right, (n,), overwritten by the next call."""
        for level in self._levels:
            right = level.down(right)
        x = self._coarsest.solve(right)
        for level in reversed(self._levels):
            x = level.up(x)
        return x


def _ones(matrix: sparse.csr_array) -> sparse.csr_array:
    return sparse.csr_array((np.ones(matrix.nnz), matrix.indices, matrix.indptr), matrix.shape)


class _Level:
    """A matrix with its prolongation from the next level, and work arrays."""

    def __init__(self, matrix: sparse.csr_array, p: sparse.csr_array) -> None:
        from meshrep.kernels import multigrid as kernels

        n, m = p.shape
        self.kernels = kernels.PARALLEL if n >= limits.THREADS_FROM else kernels.SERIAL
        self.matrix = matrix
        fine, up = _ones(matrix), _ones(p)
        self.coarse = compact(sparse.csr_array(up.T @ fine @ up))  # nothing cancels
        self._a = kernel_rows(matrix)
        self._p, self._restriction = kernel_rows(p), kernel_rows(compact(sparse.csr_array(p.T)))
        self._c = kernel_rows(self.coarse)
        self._x, self._old, self._spare = np.empty(n), np.empty(n), np.empty(n)
        self._below = np.empty(m)
        self._inverse, self._right = np.empty(n), np.empty(0)

    def renew(self) -> bool:
        """Compute the coarse matrix after this level's has changed."""
        if not self.kernels.pivots(*self._a, self._inverse) > 0:
            return False
        self.kernels.galerkin(*self._restriction, *self._a, *self._p, *self._c)
        return True

    def down(self, right: np.ndarray) -> np.ndarray:
        """Sweep from 0, and return the residual on the next level."""
        self._right = right
        self.kernels.forward(*self._a, self._inverse, right, self._x)
        self.kernels.residual(*self._a, right, self._x, self._spare)
        self.kernels.restrict(*self._restriction, self._spare, self._below)
        return self._below

    def up(self, coarse: np.ndarray) -> np.ndarray:
        """Add the correction of the next level, and sweep backward."""
        self.kernels.prolong(*self._p, coarse, self._x, self._old)
        self.kernels.backward(*self._a, self._inverse, self._right, self._x, self._old)
        return self._x


class _Coarsest:
    """The last matrix: it is inverted if it is small, else swept over, as where nothing is coupled.

    The inverse is kept as a CSR matrix: a BLAS that starts threads for so small a product takes
    longer than the rest of a cycle.
    """

    def __init__(self, matrix: sparse.csr_array) -> None:
        self.matrix = matrix
        self._inverse, self._x = np.zeros((2, matrix.shape[0]))
        self._dense = matrix

    def renew(self) -> bool:
        """Invert the matrix; False where it is not positive definite."""
        from meshrep.kernels.multigrid import SERIAL

        n = self.matrix.shape[0]
        if n > limits.INVERTED_UP_TO:
            return bool(SERIAL.pivots(*kernel_rows(self.matrix), self._inverse) > 0)
        try:
            factors = cho_factor(self.matrix.toarray())
        except LinAlgError:
            return False
        self._dense = compact(sparse.csr_array(cho_solve(factors, np.eye(n))))
        return True

    def solve(self, right: np.ndarray) -> np.ndarray:
        """About the inverse times a vector."""
        from meshrep.kernels.multigrid import SERIAL

        if self.matrix.shape[0] <= limits.INVERTED_UP_TO:
            SERIAL.product(*kernel_rows(self._dense), 0.0, right, self._x)
            return self._x
        arrays = kernel_rows(self.matrix)
        SERIAL.forward(*arrays, self._inverse, right, self._x)
        SERIAL.backward(*arrays, self._inverse, right, self._x, self._x.copy())
        return self._x


class Refreshed:
    """V-cycles of a :class:`Hierarchy` whose coarse matrices are always those of the matrix.

    New prolongations are made only where the couplings have changed and CG is slow.
    """

    fresh = True

    def __init__(self) -> None:
        self.setups = 0
        self._hierarchy: Hierarchy | None = None
        self._matrix: sparse.csr_array | None = None
        self._shift, self._couplings, self._slow = 0.0, 0.0, False

    def cycle(
        self, matrix: sparse.csr_array, shift: float, anew: bool
    ) -> Callable[[np.ndarray], np.ndarray] | None:
        """A preconditioner of matrix + shift·I; None where that is not positive definite."""
        hierarchy = self._hierarchy
        if hierarchy is None or not hierarchy.fits(matrix) or self._outdated(hierarchy, matrix):
            self._hierarchy = hierarchy = Hierarchy(matrix)
            self._matrix, self._couplings = None, hierarchy.strength_of_couplings(matrix)
            self.setups += 1
        if matrix is not self._matrix or shift != self._shift:
            self._matrix, self._shift = None, shift
            if not hierarchy.renew(matrix, shift):
                return None
            self._matrix = matrix
        return hierarchy.cycle

    def _outdated(self, hierarchy: Hierarchy, matrix: sparse.csr_array) -> bool:
        return self._slow and hierarchy.strength_of_couplings(matrix) != self._couplings

    def note(self, iterations: int, rtol: float) -> None:
        """Take note of the number of iterations: two or three per decade of ``rtol`` are usual."""
        self._slow = iterations > 8 - 5 * np.log10(rtol)


def same_pattern(a: sparse.csr_array, b: sparse.csr_array) -> bool:
    """Whether two matrices store entries at the same places."""
    return np.array_equal(a.indptr, b.indptr) and np.array_equal(a.indices, b.indices)
