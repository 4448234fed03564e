"""Sparse products fused with the vector operations beside them, in one pass.

These are prolongation, restriction and Clenshaw's recurrence. Kernels take plain arrays and
allocate nothing. Matrices are in CSR form with unsigned indices: see :mod:`meshrep.kernels.heat`.
Every row is summed by one thread in its own order, so that the number of threads does not change a
result.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import prange

from meshrep.kernels.compiling import kernel


def _compiled(parallel: bool, block: int) -> SimpleNamespace:
    """The kernels, with threads over blocks of rows or without.

    The two versions must differ in ``block``, by which numba's cache distinguishes them.
    """

    @kernel(parallel=parallel)
    def prolong(indptr, indices, data, coarse, scale, z, fine):
        """fine ← P·coarse + scale·z."""
        n = len(fine)
        for b in prange((n + block - 1) // block):
            for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                total = scale[i] * z[i]
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    total += data[k] * coarse[indices[k]]
                fine[i] = total

    @kernel(parallel=parallel)
    def restrict(indptr, indices, data, fine, scale, coarse, pulled):
        """coarse ← R·fine, pulled ← scale·coarse."""
        n = len(coarse)
        for b in prange((n + block - 1) // block):
            for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                total = 0.0
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    total += data[k] * fine[indices[k]]
                coarse[i] = total
                pulled[i] = scale[i] * total

    @kernel(parallel=parallel)
    def recur(indptr, indices, data, a, b1, c, v, b2):
        """b2 ← c v + a A·b1 − b2, a step of Clenshaw's recurrence."""
        n = len(v)
        for b in prange((n + block - 1) // block):
            for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                total = c * v[i] - b2[i]
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    total += a * data[k] * b1[indices[k]]
                b2[i] = total

    return SimpleNamespace(prolong=prolong, restrict=restrict, recur=recur)


SERIAL = _compiled(parallel=False, block=512)
PARALLEL = _compiled(parallel=True, block=2048)
