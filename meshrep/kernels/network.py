"""A graph network's passes over blocks of rows: forward with its readout, and the pullback.

    X_l = σ(P X_{l−1} W_l),   w = u (X_L R + z R₀ + offset)

With D_l = ∂E/∂(P X_{l−1} W_l) and Q = P D_l (P is symmetric), the pullback of a layer is
W̄_l = X_{l−1}ᵀ Q and X̄_{l−1} = Q W_lᵀ: rows gather from neighbours both ways, and what must be
kept of the way forward are the X_l alone. σ keeps signs, so that σ′ is read off X_l, and D_l is
written over it.

Rows go by tiles: a tile is gathered, and multiplied by the weights with BLAS while it lies in the
cache. The gradients of the weights are kept one a block of rows and added in order, so that the
number of threads does not change a result. As in :mod:`meshrep.kernels.heat` indices are unsigned
and every kernel is there with threads and without; ``SERIAL`` and ``PARALLEL`` differ in ``tile``
for numba's cache.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

BLOCKS, FEWEST = 64, 512  # most blocks of rows, so most threads at work; fewest rows of a block


def block_rows(n: int) -> int:
    """Rows of a block among n, a whole number of tiles."""
    return FEWEST * max(1, -(-n // (BLOCKS * FEWEST)))


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


@njit
def _bend(x, slope):
    """σ(x) in place."""
    for r in range(x.shape[0]):
        for c in range(x.shape[1]):
            x[r, c] = max(x[r, c], slope * x[r, c])


@njit
def _gate(back, x, slope, out):
    """out = back ∘ σ′, where x = σ(…); out may be x."""
    for r in range(x.shape[0]):
        for c in range(x.shape[1]):
            out[r, c] = back[r, c] if x[r, c] > 0 else slope * back[r, c]


@njit
def _add(total, part):
    """total += part, matrices."""
    for r in range(total.shape[0]):
        for c in range(total.shape[1]):
            total[r, c] += part[r, c]


def _compiled(parallel: bool, tile: int) -> SimpleNamespace:
    """The kernels, with threads or without, ``tile`` rows at a time."""

    @njit(cache=True, nogil=True, parallel=parallel)
    def forward(indptr, indices, p, x, weight, slope, rows, out):
        """out (n, h) = σ(P x W), by blocks of ``rows`` rows."""
        n = len(x)
        for b in prange((n + rows - 1) // rows):
            spread = np.empty((tile, x.shape[1]), x.dtype)
            for t in range(b * rows, min(n, (b + 1) * rows), tile):
                end = min(n, t + tile)
                _gather(indptr, indices, p, x, t, end, spread)
                np.dot(spread[: end - t], weight, out[t:end])
                _bend(out[t:end], slope)

    @njit(cache=True, nogil=True, parallel=parallel)
    def read(
        indptr, indices, p, x, weight, slope, rows, out,
        readout, through, z, offset, unit, field,
    ):  # fmt: skip
        """As ``forward``, and field (n, d) = unit (out R + z R₀ + offset).

        R₀ of no columns is no residual.
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
                _bend(out[t:end], slope)
                np.dot(out[t:end], readout, plain[: end - t])
                if through.shape[1]:
                    np.dot(z[t:end], through, residual[: end - t])
                    _add(plain[: end - t], residual[: end - t])
                for r in range(end - t):
                    for c in range(d):
                        field[t + r, c] = unit * (plain[r, c] + offset[t + r, c])

    @njit(cache=True, nogil=True, parallel=parallel)
    def unread(last, readout, through, z, g, unit, slope, rows, readouts, throughs):
        """Pull the gradient g (n, d) back through the readout: ``last`` X_L (n, h) becomes D_L.

        ``readouts`` (blocks, h, d) and ``throughs`` are the blocks' parts of R̄ and R̄₀.
        """
        n, d = g.shape
        for b in prange((n + rows - 1) // rows):
            scaled = np.empty((tile, d), last.dtype)
            back = np.empty((tile, last.shape[1]), last.dtype)
            part = np.empty(readout.shape, last.dtype)
            part_through = np.empty(through.shape, last.dtype)
            readouts[b] = 0
            throughs[b] = 0
            for t in range(b * rows, min(n, (b + 1) * rows), tile):
                end = min(n, t + tile)
                m = end - t
                for r in range(m):
                    for c in range(d):
                        scaled[r, c] = unit * g[t + r, c]
                np.dot(last[t:end].T, scaled[:m], part)
                _add(readouts[b], part)
                if through.shape[1]:
                    np.dot(z[t:end].T, scaled[:m], part_through)
                    _add(throughs[b], part_through)
                np.dot(scaled[:m], readout.T, back[:m])
                _gate(back[:m], last[t:end], slope, last[t:end])

    @njit(cache=True, nogil=True, parallel=parallel)
    def backward(indptr, indices, p, d, x, weight, slope, rows, weights):
        """From D_l (n, h) to D_{l−1}, written over ``x`` = X_{l−1}.

        ``weights`` (blocks, h_{l−1}, h) are the blocks' parts of W̄.
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
                _add(weights[b], part)
                np.dot(spread[:m], weight.T, back[:m])
                _gate(back[:m], x[t:end], slope, x[t:end])

    @njit(cache=True, nogil=True, parallel=parallel)
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
                _add(weights[b], part)
                np.dot(spread[:m], weight.T, gradient[t:end])
                if through.shape[1]:
                    np.dot(g[t:end], through.T, back[:m])
                    for r in range(m):
                        for c in range(z.shape[1]):
                            gradient[t + r, c] += unit * back[r, c]

    @njit(cache=True, nogil=True, parallel=parallel)
    def angle(u, cos, sin, first, phases):
        """phases (n,) = arg u (n, 2) on the turn nearest to ``first``."""
        for i in prange(len(u)):
            x, y = u[i, 0], u[i, 1]
            across, along = y * cos[i] - x * sin[i], x * cos[i] + y * sin[i]
            phases[i] = first[i] + np.arctan2(across, along)

    @njit(cache=True, nogil=True, parallel=parallel)
    def turn(g, u, floor, pull):
        """pull (n, 2) = g (n,) ∂ arg u / ∂u."""
        for i in prange(len(u)):
            x, y = u[i, 0], u[i, 1]
            share = g[i] / (x * x + y * y + floor)
            pull[i, 0], pull[i, 1] = -y * share, x * share

    return SimpleNamespace(
        forward=forward, read=read, unread=unread, backward=backward, latents=latents,
        angle=angle, turn=turn,
    )  # fmt: skip


SERIAL = _compiled(parallel=False, tile=128)
PARALLEL = _compiled(parallel=True, tile=64)
