"""The passes of a graph convolutional network over blocks of rows, and their pullback.

    X_l = σ(P X_{l−1} W_l)

With D_l = ∂E/∂(P X_{l−1} W_l) and Q = P D_l (P is symmetric), the pullback of a layer is
W̄_l = X_{l−1}ᵀ Q and X̄_{l−1} = Q W_lᵀ. Rows gather from neighbours in both passes, and only the
X_l are kept from the forward pass. Readout and circle are those of :mod:`meshrep.kernels.network`.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels import network
from meshrep.kernels.compiling import kernel
from meshrep.kernels.network import add, bend, gate, read_tile


@njit
def _gather(indptr, indices, p, x, begin, end, out):
    """Rows ``begin … end`` of P x, eight columns at a time in registers."""
    width = x.shape[1]
    eights = width - width % 8
    zero = p.dtype.type(0)
    for i in range(np.uint64(begin), np.uint64(end)):
        r = i - np.uint64(begin)
        first, last = np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])
        for c in range(np.uint64(0), np.uint64(eights), np.uint64(8)):
            c1, c2, c3 = c + np.uint64(1), c + np.uint64(2), c + np.uint64(3)
            c4, c5, c6 = c + np.uint64(4), c + np.uint64(5), c + np.uint64(6)
            c7 = c + np.uint64(7)
            s0, s1, s2, s3, s4, s5, s6, s7 = zero, zero, zero, zero, zero, zero, zero, zero
            for k in range(first, last):
                j, q = indices[k], p[k]
                s0 += q * x[j, c]
                s1 += q * x[j, c1]
                s2 += q * x[j, c2]
                s3 += q * x[j, c3]
                s4 += q * x[j, c4]
                s5 += q * x[j, c5]
                s6 += q * x[j, c6]
                s7 += q * x[j, c7]
            out[r, c], out[r, c1], out[r, c2], out[r, c3] = s0, s1, s2, s3
            out[r, c4], out[r, c5], out[r, c6], out[r, c7] = s4, s5, s6, s7
        for c in range(np.uint64(eights), np.uint64(width)):
            s = zero
            for k in range(first, last):
                s += p[k] * x[indices[k], c]
            out[r, c] = s


def _compiled(parallel: bool, tile: int) -> SimpleNamespace:
    """These kernels and those that all networks share, with threads or without, in tiles."""
    shared = network.PARALLEL if parallel else network.SERIAL

    @kernel(parallel=parallel)
    def forward(indptr, indices, p, x, weight, slope, rows, out):
        """out (n, h) = σ(P x W), by blocks of ``rows`` rows."""
        n = len(x)
        for b in prange((n + rows - 1) // rows):
            spread = np.empty((tile, x.shape[1]), x.dtype)
            for t in range(b * rows, min(n, (b + 1) * rows), tile):
                end = min(n, t + tile)
                _gather(indptr, indices, p, x, t, end, spread)
                np.dot(spread[: end - t], weight, out[t:end])
                bend(out[t:end], slope)

    @kernel(parallel=parallel)
    def forward_and_read(
        indptr, indices, p, x, weight, slope, rows, out,
        readout, through, z, offset, unit, field,
    ):  # fmt: skip
        """As ``forward``, and field (n, d) = unit (out R + z R₀ + offset).

        Where R₀ has no columns there is no residual.
        """
        n, d = offset.shape
        for b in prange((n + rows - 1) // rows):
            spread = np.empty((tile, x.shape[1]), x.dtype)
            plain = np.empty((tile, d), x.dtype)
            residual = np.empty((tile, d), x.dtype)
            for t in range(b * rows, min(n, (b + 1) * rows), tile):
                end = min(n, t + tile)
                _gather(indptr, indices, p, x, t, end, spread)
                np.dot(spread[: end - t], weight, out[t:end])
                bend(out[t:end], slope)
                read_tile(
                    out[t:end], z[t:end], readout, through, offset[t:end], unit,
                    plain[: end - t], residual[: end - t], field[t:end],
                )  # fmt: skip

    @kernel(parallel=parallel)
    def backward(indptr, indices, p, d, x, weight, slope, rows, weights):
        """From D_l (n, h) to D_{l−1}, written over ``x`` = X_{l−1}.

        ``weights`` (blocks, h_{l−1}, h) are the parts of W̄ from each block.
        """
        n = len(x)
        for b in prange((n + rows - 1) // rows):
            spread = np.empty((tile, d.shape[1]), d.dtype)
            back = np.empty((tile, x.shape[1]), d.dtype)
            part = np.empty(weight.shape, d.dtype)
            weights[b] = 0
            for t in range(b * rows, min(n, (b + 1) * rows), tile):
                end = min(n, t + tile)
                m = end - t
                _gather(indptr, indices, p, d, t, end, spread)
                np.dot(x[t:end].T, spread[:m], part)
                add(weights[b], part)
                np.dot(spread[:m], weight.T, back[:m])
                gate(back[:m], x[t:end], slope, x[t:end])

    @kernel(parallel=parallel)
    def latents(indptr, indices, p, d, z, weight, rows, weights, g, unit, through, gradient):
        """As ``backward`` for the first layer: z̄ (n, h₀) = P D_1 W_1ᵀ + unit g R₀ᵀ."""
        n = len(z)
        for b in prange((n + rows - 1) // rows):
            spread = np.empty((tile, d.shape[1]), d.dtype)
            back = np.empty((tile, z.shape[1]), d.dtype)
            part = np.empty(weight.shape, d.dtype)
            weights[b] = 0
            for t in range(b * rows, min(n, (b + 1) * rows), tile):
                end = min(n, t + tile)
                m = end - t
                _gather(indptr, indices, p, d, t, end, spread)
                np.dot(z[t:end].T, spread[:m], part)
                add(weights[b], part)
                np.dot(spread[:m], weight.T, gradient[t:end])
                if through.shape[1]:
                    np.dot(g[t:end], through.T, back[:m])
                    for r in range(m):
                        for c in range(z.shape[1]):
                            gradient[t + r, c] += unit * back[r, c]

    return SimpleNamespace(
        **vars(shared), forward=forward, forward_and_read=forward_and_read, backward=backward,
        latents=latents,
    )  # fmt: skip


SERIAL = _compiled(parallel=False, tile=128)
PARALLEL = _compiled(parallel=True, tile=64)
