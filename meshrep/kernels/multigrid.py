"""Multigrid cycles and conjugate gradients on CSR matrices, threaded.

Kernels take plain arrays. Index arrays are unsigned, and columns are sorted in each row. The
smoother is Gauss–Seidel within fixed blocks of rows and Jacobi between them, so that neither the
number of threads nor their order changes a result. The backward sweep is the adjoint of the forward
one, so that a cycle is symmetric.

Each kernel exists twice, compiled when it is first used: see :mod:`meshrep.kernels.heat`.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import prange

from meshrep.kernels.compiling import kernel
from meshrep.kernels.sums import in_order

_CHUNKS = 64  # parts of a Galerkin product, each with its own marker array


def _compiled(parallel: bool, block: int) -> SimpleNamespace:
    """The kernels, with threads or without, and with ``block`` rows in a block.

    numba's cache distinguishes versions of a closure by the values that they use from outside, not
    by the options of ``njit``: the two versions must differ in ``block``.
    """

    @kernel(parallel=parallel)
    def pivots(indptr, indices, data, inverse):
        """Write the inverses of what a sweep divides by; return the least entry of the diagonal.

        The number is the diagonal entry plus half the absolute entries outside the row's block. If
        M is the matrix that a forward sweep inverts, M + Mᵀ − A is then positive definite for any
        positive diagonal, and so is a cycle.
        """
        n = len(inverse)
        blocks = (n + block - 1) // block
        least = np.full(blocks, np.inf)
        for c in prange(blocks):
            low, high = np.uint64(c * block), np.uint64(min(n, (c + 1) * block))
            for i in range(low, high):
                diagonal, outside = 0.0, 0.0
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    j = indices[k]
                    if j == i:
                        diagonal = data[k]
                    elif j < low or j >= high:
                        outside += abs(data[k])
                least[c] = min(least[c], diagonal)
                inverse[i] = 1.0 / (diagonal + 0.5 * outside) if diagonal > 0.0 else 0.0
        return least.min()

    @kernel(parallel=parallel)
    def forward(indptr, indices, data, inverse, b, x):
        """A sweep from 0: (D + L) x = b, where L are the lower triangles of the diagonal blocks."""
        n = len(x)
        for c in prange((n + block - 1) // block):
            low = np.uint64(c * block)
            for i in range(low, np.uint64(min(n, (c + 1) * block))):
                total = b[i]
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    j = indices[k]
                    if j >= i:
                        break
                    if j >= low:
                        total -= data[k] * x[j]
                x[i] = total * inverse[i]

    @kernel(parallel=parallel)
    def backward(indptr, indices, data, inverse, b, x, old):
        """A sweep from the last row of each block to its first; ``old`` is x before the sweep."""
        n = len(x)
        for c in prange((n + block - 1) // block):
            low, high = np.uint64(c * block), np.uint64(min(n, (c + 1) * block))
            for down in range(high - low):
                i = high - np.uint64(1) - np.uint64(down)
                total = b[i]
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    j = indices[k]
                    total -= data[k] * (x[j] if low <= j < high else old[j])
                x[i] += total * inverse[i]

    @kernel(parallel=parallel)
    def residual(indptr, indices, data, b, x, r):
        """r = b − A x."""
        n = len(r)
        for c in prange((n + block - 1) // block):
            for i in range(np.uint64(c * block), np.uint64(min(n, (c + 1) * block))):
                total = b[i]
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    total -= data[k] * x[indices[k]]
                r[i] = total

    @kernel(parallel=parallel)
    def restrict(indptr, indices, data, fine, coarse):
        """coarse = Pᵀ fine, from the rows of Pᵀ."""
        n = len(coarse)
        for c in prange((n + block - 1) // block):
            for i in range(np.uint64(c * block), np.uint64(min(n, (c + 1) * block))):
                total = 0.0
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    total += data[k] * fine[indices[k]]
                coarse[i] = total

    @kernel(parallel=parallel)
    def prolong(indptr, indices, data, coarse, x, old):
        """Add P coarse to x; write the sum to ``old`` too."""
        n = len(x)
        for c in prange((n + block - 1) // block):
            for i in range(np.uint64(c * block), np.uint64(min(n, (c + 1) * block))):
                total = x[i]
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    total += data[k] * coarse[indices[k]]
                x[i] = total
                old[i] = total

    @kernel(parallel=parallel)
    def product(indptr, indices, data, shift, x, y):
        """y = (A + shift·I) x."""
        n = len(x)
        for c in prange((n + block - 1) // block):
            for i in range(np.uint64(c * block), np.uint64(min(n, (c + 1) * block))):
                total = shift * x[i]
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    total += data[k] * x[indices[k]]
                y[i] = total

    @kernel(parallel=parallel)
    def dot(a, b):
        """a·b."""
        n = len(a)
        blocks = (n + block - 1) // block
        partial = np.zeros(blocks)
        for c in prange(blocks):
            total = 0.0
            for i in range(np.uint64(c * block), np.uint64(min(n, (c + 1) * block))):
                total += a[i] * b[i]
            partial[c] = total
        return in_order(partial)

    @kernel(parallel=parallel)
    def advance(x, r, p, q, step):
        """x += step p, r −= step q; return r·r."""
        n = len(x)
        blocks = (n + block - 1) // block
        partial = np.zeros(blocks)
        for c in prange(blocks):
            total = 0.0
            for i in range(np.uint64(c * block), np.uint64(min(n, (c + 1) * block))):
                x[i] += step * p[i]
                left = r[i] - step * q[i]
                r[i] = left
                total += left * left
            partial[c] = total
        return in_order(partial)

    @kernel(parallel=parallel)
    def turn(z, p, beta):
        """p = z + beta p."""
        n = len(z)
        for c in prange((n + block - 1) // block):
            for i in range(np.uint64(c * block), np.uint64(min(n, (c + 1) * block))):
                p[i] = z[i] + beta * p[i]

    @kernel(parallel=parallel)
    def galerkin(
        rows, nodes, weights, indptr, indices, data, p_indptr, p_indices, p_data,
        out_indptr, out_indices, out,
    ):  # fmt: skip
        """Entries of PᵀAP, in a pattern that contains them all."""
        n = len(out_indptr) - 1
        for c in prange(_CHUNKS):
            place = np.empty(n, np.int64)
            for big in range(c * n // _CHUNKS, (c + 1) * n // _CHUNKS):
                for k in range(out_indptr[big], out_indptr[big + 1]):
                    place[out_indices[k]] = k
                    out[k] = 0.0
                for a in range(rows[big], rows[big + 1]):
                    i = nodes[a]
                    for k in range(indptr[i], indptr[i + 1]):
                        j = indices[k]
                        share = weights[a] * data[k]
                        for b in range(p_indptr[j], p_indptr[j + 1]):
                            out[place[p_indices[b]]] += share * p_data[b]

    return SimpleNamespace(
        pivots=pivots,
        forward=forward,
        backward=backward,
        residual=residual,
        restrict=restrict,
        prolong=prolong,
        product=product,
        dot=dot,
        advance=advance,
        turn=turn,
        galerkin=galerkin,
    )


SERIAL = _compiled(parallel=False, block=20_000)
PARALLEL = _compiled(parallel=True, block=2048)
