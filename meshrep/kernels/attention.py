"""The passes of a graph attention network over blocks of rows, and their pullback.

    Y^k = X W^k,   (s^k, t^k) = Y^k a^k,
    e^k_ij = λ(s^k_i + t^k_j) + b_ij,   α^k_ij = softmax_j e^k_ij,   X′ = σ(Σ_k α^k Y^k / K)

over K heads, where λ is a LeakyReLU, b_ij a bias, and j runs over the row i of a matrix whose
pattern is symmetric and has its diagonal. With D the gradient before σ, c = D/K, and for each head

    ᾱ_ij = c_i·Y_j,   p_ij = α_ij (ᾱ_ij − Σ_j α_ij ᾱ_ij) λ′,   s̄_i = Σ_j p_ij,   t̄_j = Σ_i p_ij,
    Ȳ_j = Σ_i α_ij c_i + (s̄_j, t̄_j) aᵀ,   ā = Yᵀ (s̄, t̄),   W̄ = Xᵀ Ȳ,   X̄ = Σ_k Ȳ Wᵀ

Sums over i are gathered too: ``mirror`` holds the place of the entry (j, i) for each entry (i, j).
No row is written by two threads, and their number does not change a result. In the code ``spread``
is Y, ``marks`` is (s, t), ``shares`` is α, ``pulls`` is ᾱ and then p, ``own`` is s̄ and ``d`` is D.
``part`` is 1/K, and ``bent`` and ``slope`` are the slopes of λ and σ left of 0. Where ``gated``,
the gradient X̄ is pulled back through the σ that made X. Readout and circle are those of
:mod:`meshrep.kernels.network`. The work on a block of rows is written outside the kernels, so that
it is compiled once for those with threads and those without.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels import network
from meshrep.kernels.compiling import kernel
from meshrep.kernels.network import add, bend, gate


@njit
def _dot(x, i, y, j):
    """x_i · y_j, in eight sums, so that vector instructions can be used."""
    width = x.shape[1]
    eights = width - width % 8
    zero = x.dtype.type(0)
    s0, s1, s2, s3, s4, s5, s6, s7 = zero, zero, zero, zero, zero, zero, zero, zero
    for c in range(np.uint64(0), np.uint64(eights), np.uint64(8)):
        c1, c2, c3 = c + np.uint64(1), c + np.uint64(2), c + np.uint64(3)
        c4, c5, c6 = c + np.uint64(4), c + np.uint64(5), c + np.uint64(6)
        c7 = c + np.uint64(7)
        s0 += x[i, c] * y[j, c]
        s1 += x[i, c1] * y[j, c1]
        s2 += x[i, c2] * y[j, c2]
        s3 += x[i, c3] * y[j, c3]
        s4 += x[i, c4] * y[j, c4]
        s5 += x[i, c5] * y[j, c5]
        s6 += x[i, c6] * y[j, c6]
        s7 += x[i, c7] * y[j, c7]
    total = ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))
    for c in range(np.uint64(eights), np.uint64(width)):
        total += x[i, c] * y[j, c]
    return total


@njit
def _scores(indices, bias, marks, i, first, last, bent, shares):
    """Row i of α of one head; the largest score is subtracted first, so that none overflows."""
    own = marks[i, 0]
    for e in range(first, last):
        score = own + marks[indices[e], 1]
        shares[e] = max(score, bent * score) + bias[e]
    top = shares[first]
    for e in range(first, last):
        top = max(top, shares[e])
    total = shares.dtype.type(0)
    for e in range(first, last):
        shares[e] = np.exp(shares[e] - top)
        total += shares[e]
    scale = shares.dtype.type(1) / total
    for e in range(first, last):
        shares[e] *= scale


@njit
def _project(begin, end, tile, x, weights, attention, spread, marks):
    for t in range(begin, end, tile):
        stop = min(end, t + tile)
        for k in range(len(weights)):
            np.dot(x[t:stop], weights[k], spread[k, t:stop])
            np.dot(spread[k, t:stop], attention[k], marks[k, t:stop])


@njit
def _attend(begin, end, indptr, indices, bias, spread, marks, bent, slope, part, shares, out):
    heads, _, width = spread.shape
    for i in range(np.uint64(begin), np.uint64(end)):
        first, last = np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])
        for c in range(width):
            out[i, c] = 0
        for k in range(heads):
            _scores(indices, bias, marks[k], i, first, last, bent, shares[k])
            for e in range(first, last):
                j, weight = indices[e], part * shares[k, e]
                for c in range(width):
                    out[i, c] += weight * spread[k, j, c]
    bend(out[begin:end], slope)


@njit
def _weigh(begin, end, indptr, indices, spread, marks, shares, d, bent, part, pulls, own):
    zero = d.dtype.type(0)
    for i in range(np.uint64(begin), np.uint64(end)):
        first, last = np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])
        for k in range(len(spread)):
            mean = zero
            for e in range(first, last):
                pulls[k, e] = part * _dot(d, i, spread[k], indices[e])
                mean += shares[k, e] * pulls[k, e]
            total = zero
            for e in range(first, last):
                p = shares[k, e] * (pulls[k, e] - mean)
                if marks[k, i, 0] + marks[k, indices[e], 1] <= zero:
                    p *= bent
                pulls[k, e] = p
                total += p
            own[k, i] = total


@njit
def _unproject(
    begin, end, tile, indptr, indices, mirror, x, weights, attention, spread, shares, pulls, own,
    d, part, slope, gated, back_weights, back_attention, out,
):  # fmt: skip
    heads, _, width = spread.shape
    given, plain = np.empty((tile, width), d.dtype), np.empty((tile, width), d.dtype)
    pair = np.empty((tile, 2), d.dtype)
    back = np.empty((tile, x.shape[1]), d.dtype)
    total = np.empty((tile, x.shape[1]), d.dtype)
    part_weights = np.empty((x.shape[1], width), d.dtype)
    part_attention = np.empty((width, 2), d.dtype)
    back_weights[:] = 0
    back_attention[:] = 0
    for t in range(begin, end, tile):
        stop = min(end, t + tile)
        m = stop - t
        total[:m] = 0
        for k in range(heads):
            given[:m] = 0
            for r in range(np.uint64(m)):
                i = np.uint64(t) + r
                sent = d.dtype.type(0)
                for e in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    j, there = indices[e], mirror[e]
                    sent += pulls[k, there]
                    weight = part * shares[k, there]
                    for c in range(width):
                        given[r, c] += weight * d[j, c]
                pair[r, 0], pair[r, 1] = own[k, i], sent
            np.dot(pair[:m], attention[k].T, plain[:m])
            add(given[:m], plain[:m])
            np.dot(spread[k, t:stop].T, pair[:m], part_attention)
            add(back_attention[k], part_attention)
            np.dot(x[t:stop].T, given[:m], part_weights)
            add(back_weights[k], part_weights)
            np.dot(given[:m], weights[k].T, back[:m])
            add(total[:m], back[:m])
        if gated:
            gate(total[:m], x[t:stop], slope, out[t:stop])
        else:
            out[t:stop] = total[:m]


def _compiled(parallel: bool, tile: int) -> SimpleNamespace:
    """These kernels and those that all networks share, with threads or without, in tiles."""
    shared = network.PARALLEL if parallel else network.SERIAL

    @kernel(parallel=parallel)
    def project(x, weights, attention, rows, spread, marks):
        """spread (K, n, h) = x W^k, and marks (K, n, 2) = spread a^k, the pairs (s, t)."""
        n = len(x)
        for b in prange((n + rows - 1) // rows):
            end = min(n, (b + 1) * rows)
            _project(b * rows, end, tile, x, weights, attention, spread, marks)

    @kernel(parallel=parallel)
    def attend(indptr, indices, bias, spread, marks, bent, slope, part, rows, shares, out):
        """shares (K, nnz) = α, and out (n, h) = σ(Σ_k α^k Y^k / K), where ``part`` is 1/K."""
        n = len(out)
        for b in prange((n + rows - 1) // rows):
            _attend(
                b * rows, min(n, (b + 1) * rows), indptr, indices, bias, spread, marks, bent,
                slope, part, shares, out,
            )  # fmt: skip

    @kernel(parallel=parallel)
    def weigh(indptr, indices, spread, marks, shares, d, bent, part, rows, pulls, own):
        """pulls (K, nnz) = p, and own (K, n) = s̄, from D = ``d`` (n, h)."""
        n = len(d)
        for b in prange((n + rows - 1) // rows):
            _weigh(
                b * rows, min(n, (b + 1) * rows), indptr, indices, spread, marks, shares, d, bent,
                part, pulls, own,
            )  # fmt: skip

    @kernel(parallel=parallel)
    def unproject(
        indptr, indices, mirror, x, weights, attention, spread, shares, pulls, own,
        d, part, slope, rows, gated, back_weights, back_attention, out,
    ):  # fmt: skip
        """out (n, h) = X̄, pulled back through σ if ``gated``; out is then x itself.

        ``back_weights`` (blocks, K, h, h′) and ``back_attention`` (blocks, K, h′, 2) are the parts
        of W̄ and ā from each block.
        """
        n = len(x)
        for b in prange((n + rows - 1) // rows):
            _unproject(
                b * rows, min(n, (b + 1) * rows), tile, indptr, indices, mirror, x, weights,
                attention, spread, shares, pulls, own, d, part, slope, gated, back_weights[b],
                back_attention[b], out,
            )  # fmt: skip

    return SimpleNamespace(
        **vars(shared), project=project, attend=attend, weigh=weigh, unproject=unproject
    )


SERIAL = _compiled(parallel=False, tile=128)
PARALLEL = _compiled(parallel=True, tile=64)
