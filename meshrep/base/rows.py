"""Sparse matrices as kernels read them: the arrays of their rows, with short unsigned indices."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse


def fits_32_bits(matrix: sparse.csr_array) -> bool:
    """Whether every row, column and entry of a matrix has a number that fits a signed int32."""
    return max(matrix.nnz, *matrix.shape) < 2**31


def with_short_indices(matrix: sparse.csr_array) -> sparse.csr_array:
    """Change the indices of a matrix to int32 where they fit; return the same matrix."""
    if fits_32_bits(matrix):
        matrix.indices = matrix.indices.astype(np.int32, copy=False)
        matrix.indptr = matrix.indptr.astype(np.int32, copy=False)
    return matrix


def kernel_rows(
    matrix: sparse.csr_array, dtype: Any = None, *, equal_once: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(indptr, indices, data) of a matrix, as every kernel takes them.

    The indices are unsigned, since Python's rule for negative indices halves the speed of a loop.
    They are uint32 where they fit. Arrays are shared with the matrix wherever the types allow:
    writing to the data then changes the matrix.

    Parameters
    ----------
    matrix : (n, m) csr_array
    dtype : optional
        Type of the data; that of the matrix by default.
    equal_once : bool
        Keep a single entry of the data where all are equal, so that kernels need not read them.

    >>> kernel_rows(sparse.csr_array([[0.0, 3.0], [3.0, 0.0]]), equal_once=True)[2]
    array([3.])
    """
    signed, unsigned = (np.int32, np.uint32) if fits_32_bits(matrix) else (np.int64, np.uint64)
    indptr, indices = (
        part.astype(signed, copy=False).view(unsigned) for part in (matrix.indptr, matrix.indices)
    )
    data = matrix.data
    if equal_once and len(data) and (data == data[0]).all():
        data = data[:1]
    return indptr, indices, data.astype(data.dtype if dtype is None else dtype, copy=False)
