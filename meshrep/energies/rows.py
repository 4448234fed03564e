"""A coupling matrix as the kernels read it."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def compressed(
    coupling: sparse.csr_array, dtype: str = "float64"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(indptr, indices, a) of a matrix (n, n): unsigned 32-bit row arrays, and the couplings.

    ``a`` has one entry where all couplings are equal, so that kernels need not read them. The
    rest is shared with the matrix wherever the types allow.
    """
    a = coupling.data
    a = a[:1] if len(a) and (a == a[0]).all() else a
    indptr, indices = (_unsigned(part) for part in (coupling.indptr, coupling.indices))
    return indptr, indices, np.ascontiguousarray(a, dtype=dtype)


def _unsigned(numbers: np.ndarray) -> np.ndarray:
    """The numbers as uint32, seen through another type where they are int32 already."""
    if numbers.dtype == np.int32:
        return np.ascontiguousarray(numbers).view(np.uint32)
    return numbers.astype(np.uint32)
