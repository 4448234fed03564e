"""The passes of a network of messages over blocks of rows, and their pullback.

    m_ij = σ(A_i + B_j + a_ij v),   A = X U,   B = X V,   S_i = (1/g) Σ_j m_ij,   X′ = σ(X N + S T)

where j runs over the row i of the symmetric matrix a, and g is a constant. U, V and v are the rows
of one matrix, N and T those of another. With D the gradient before the outer σ,

    C = D Tᵀ/g,   Ā_i = C_i ∘ Σ_j σ′_ij,   B̄_i = Σ_j C_j ∘ σ′_ji,   v̄ = Σ_i C_i ∘ Σ_j a_ij σ′_ij,
    N̄ = Xᵀ D,   T̄ = Sᵀ D,   Ū = Xᵀ Ā,   V̄ = Xᵀ B̄,   X̄ = D Nᵀ + Ā Uᵀ + B̄ Vᵀ

so that messages are computed again in the backward pass, and nothing is kept for an edge. Rows
gather in both passes, so that the number of threads does not change a result. Readout and circle
are those of :mod:`meshrep.kernels.network`. The work on a block of rows is written outside the
kernels, so that it is compiled once for those with threads and those without.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels import network
from meshrep.kernels.compiling import kernel
from meshrep.kernels.network import add, bend, gate


@njit
def _address(begin, end, tile, x, edge, to, sent):
    width = x.shape[1]
    for t in range(begin, end, tile):
        stop = min(end, t + tile)
        np.dot(x[t:stop], edge[:width], to[t:stop])
        np.dot(x[t:stop], edge[width : 2 * width], sent[t:stop])


@njit
def _collect(
    begin, end, tile, indptr, indices, a, x, to, sent, edge, node, scale, slope, sums, out
):
    width, across = x.shape[1], to.shape[1]
    v = edge[2 * width]
    plain = np.empty((tile, out.shape[1]), x.dtype)
    for t in range(begin, end, tile):
        stop = min(end, t + tile)
        for i in range(np.uint64(t), np.uint64(stop)):
            for c in range(across):
                sums[i, c] = 0
            for e in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                j, weight = indices[e], a[e]
                for c in range(across):
                    message = to[i, c] + sent[j, c] + weight * v[c]
                    sums[i, c] += max(message, slope * message)
            for c in range(across):
                sums[i, c] *= scale
        np.dot(x[t:stop], node[:width], out[t:stop])
        np.dot(sums[t:stop], node[width:], plain[: stop - t])
        add(out[t:stop], plain[: stop - t])
        bend(out[t:stop], slope)


@njit
def _return_sums(begin, end, tile, x, d, node, scale, back_node, sums):
    width = x.shape[1]
    part_x = np.empty((width, d.shape[1]), d.dtype)
    part_sums = np.empty((sums.shape[1], d.shape[1]), d.dtype)
    back_node[:] = 0
    for t in range(begin, end, tile):
        stop = min(end, t + tile)
        np.dot(x[t:stop].T, d[t:stop], part_x)
        add(back_node[:width], part_x)
        np.dot(sums[t:stop].T, d[t:stop], part_sums)
        add(back_node[width:], part_sums)
        np.dot(d[t:stop], node[width:].T, sums[t:stop])
        for r in range(t, stop):
            for c in range(sums.shape[1]):
                sums[r, c] *= scale


@njit
def _return_messages(
    begin, end, tile, indptr, indices, a, x, to, sent, edge, node, sums, d, slope, gated,
    back_edge, out,
):  # fmt: skip
    width, across = x.shape[1], to.shape[1]
    v, one = edge[2 * width], x.dtype.type(1)
    back_to = np.empty((tile, across), x.dtype)
    back_sent = np.empty((tile, across), x.dtype)
    by_weight = np.empty(across, x.dtype)
    part = np.empty((width, across), x.dtype)
    back, total = np.empty((tile, width), x.dtype), np.empty((tile, width), x.dtype)
    back_edge[:] = 0
    for t in range(begin, end, tile):
        stop = min(end, t + tile)
        m = stop - t
        back_to[:m] = 0
        back_sent[:m] = 0
        for r in range(np.uint64(m)):
            i = np.uint64(t) + r
            by_weight[:] = 0
            for e in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                j, weight = indices[e], a[e]
                for c in range(across):  # two loops, since vector instructions need few arrays
                    here = one if to[i, c] + sent[j, c] + weight * v[c] > 0 else slope
                    back_to[r, c] += here
                    by_weight[c] += weight * here
                for c in range(across):
                    there = one if to[j, c] + sent[i, c] + weight * v[c] > 0 else slope
                    back_sent[r, c] += sums[j, c] * there
            for c in range(across):
                back_to[r, c] *= sums[i, c]
                back_edge[2 * width, c] += by_weight[c] * sums[i, c]
        np.dot(x[t:stop].T, back_to[:m], part)
        add(back_edge[:width], part)
        np.dot(x[t:stop].T, back_sent[:m], part)
        add(back_edge[width : 2 * width], part)
        np.dot(d[t:stop], node[:width].T, total[:m])
        np.dot(back_to[:m], edge[:width].T, back[:m])
        add(total[:m], back[:m])
        np.dot(back_sent[:m], edge[width : 2 * width].T, back[:m])
        add(total[:m], back[:m])
        if gated:
            gate(total[:m], x[t:stop], slope, out[t:stop])
        else:
            out[t:stop] = total[:m]


def _compiled(parallel: bool, tile: int) -> SimpleNamespace:
    """These kernels and those that all networks share, with threads or without, in tiles."""
    shared = network.PARALLEL if parallel else network.SERIAL

    @kernel(parallel=parallel)
    def address(x, edge, rows, to, sent):
        """to (n, h) = A = x U, and sent (n, h) = B = x V, where ``edge`` is [U; V; v]."""
        n = len(x)
        for b in prange((n + rows - 1) // rows):
            _address(b * rows, min(n, (b + 1) * rows), tile, x, edge, to, sent)

    @kernel(parallel=parallel)
    def collect(indptr, indices, a, x, to, sent, edge, node, scale, slope, rows, sums, out):
        """sums (n, h) = S, and out (n, h′) = σ(x N + S T); ``node`` is [N; T], ``scale`` 1/g."""
        n = len(x)
        for b in prange((n + rows - 1) // rows):
            _collect(
                b * rows, min(n, (b + 1) * rows), tile, indptr, indices, a, x, to, sent, edge,
                node, scale, slope, sums, out,
            )  # fmt: skip

    @kernel(parallel=parallel)
    def return_sums(x, d, node, scale, rows, back_node, sums):
        """From D = ``d`` (n, h′): ``sums`` S becomes C.

        ``back_node`` (blocks, …) are the parts of [N̄; T̄] from each block.
        """
        n = len(x)
        for b in prange((n + rows - 1) // rows):
            end = min(n, (b + 1) * rows)
            _return_sums(b * rows, end, tile, x, d, node, scale, back_node[b], sums)

    @kernel(parallel=parallel)
    def return_messages(
        indptr, indices, a, x, to, sent, edge, node, sums, d, slope, rows, gated, back_edge, out
    ):
        """out (n, h) = X̄, pulled back through σ if ``gated``; out is then x itself.

        ``sums`` is C, and ``back_edge`` (blocks, …) are the parts of [Ū; V̄; v̄] from each block.
        """
        n = len(x)
        for b in prange((n + rows - 1) // rows):
            _return_messages(
                b * rows, min(n, (b + 1) * rows), tile, indptr, indices, a, x, to, sent, edge,
                node, sums, d, slope, gated, back_edge[b], out,
            )  # fmt: skip

    return SimpleNamespace(
        **vars(shared), address=address, collect=collect, return_sums=return_sums,
        return_messages=return_messages,
    )  # fmt: skip


SERIAL = _compiled(parallel=False, tile=128)
PARALLEL = _compiled(parallel=True, tile=64)
