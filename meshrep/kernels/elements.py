"""Integrals over the cells of a mesh, and their sums in the rows of a matrix.

Kernels take plain arrays. Cells are (c, k) node numbers, and a quadrature rule is its weights (q,)
and the slopes (q, k, d) of the shape functions at its points. Cells are independent of each other,
and every row is summed by one thread in the order of the cells, so that the number of threads does
not change a result.

Each kernel exists twice, compiled when it is first used: see :mod:`meshrep.kernels.heat`.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels.compiling import kernel

_CHUNKS = 64  # parts of the rows, each with its own marker array


@njit(nogil=True, fastmath={"contract"})
def _tangent(points, cells, slopes, c, p, a):
    """Derivative of the position by the reference coordinate a, at point p of cell c."""
    x, y, z = 0.0, 0.0, 0.0
    for b in range(cells.shape[1]):
        i, slope = cells[c, b], slopes[p, b, a]
        x += slope * points[i, 0]
        y += slope * points[i, 1]
        z += slope * points[i, 2]
    return x, y, z


@njit(nogil=True, fastmath={"contract"})
def _cross(a, b):
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@njit(nogil=True, fastmath={"contract"})
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def _over(a, size):
    return a[0] / size, a[1] / size, a[2] / size


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def _basis(points, cells, slopes, c, p):
    """Length, area or signed volume at a point, and the dual basis of the tangents there.

    The third vector of surfaces is their normal.
    """
    d = slopes.shape[2]
    first = _tangent(points, cells, slopes, c, p, 0)
    if d == 1:
        squared = _dot(first, first)
        zero = (0.0, 0.0, 0.0)
        return np.sqrt(squared), _over(first, squared), zero, zero
    second = _tangent(points, cells, slopes, c, p, 1)
    normal = _cross(first, second)
    if d == 2:
        squared = _dot(normal, normal)
        one, other = _cross(second, normal), _cross(normal, first)
        return np.sqrt(squared), _over(one, squared), _over(other, squared), normal
    third = _tangent(points, cells, slopes, c, p, 2)
    one, other = _cross(second, third), _cross(third, first)
    size = _dot(first, one)
    return size, _over(one, size), _over(other, size), _over(normal, size)


@njit(nogil=True, fastmath={"contract"})
def weigh_cells(points, cells, weights, slopes, out, begin, end):
    """Write the weights of the quadrature points on the cells ``begin … end``."""
    surface = slopes.shape[2] == 2
    for c in range(begin, end):
        front = (0.0, 0.0, 0.0)
        for p in range(len(weights)):
            size, _, _, normal = _basis(points, cells, slopes, c, p)
            if surface:
                if p == 0:
                    front = normal
                size *= np.sign(_dot(normal, front))
            out[c, p] = weights[p] * size


@njit(nogil=True, fastmath={"contract"})
def couple_cells(points, cells, weights, slopes, factor, tensors, out, begin, end):
    """Write −∫ k ∇φ_i·∇φ_j of all pairs i < j of the cells ``begin … end``."""
    k, d = slopes.shape[1:]
    gradient, flux = np.empty((k, 3)), np.empty((k, 3))
    each, each_tensor = factor.shape[1] > 1, tensors.shape[1] > 1
    for c in range(begin, end):
        for pair in range(out.shape[1]):
            out[c, pair] = 0.0
        for p in range(len(weights)):
            size, one, other, third = _basis(points, cells, slopes, c, p)
            size = abs(size) * weights[p] * factor[c, p if each else 0]
            for i in range(k):
                s = slopes[p, i, 0]
                x, y, z = s * one[0], s * one[1], s * one[2]
                if d > 1:
                    s = slopes[p, i, 1]
                    x, y, z = x + s * other[0], y + s * other[1], z + s * other[2]
                if d > 2:
                    s = slopes[p, i, 2]
                    x, y, z = x + s * third[0], y + s * third[1], z + s * third[2]
                gradient[i, 0], gradient[i, 1], gradient[i, 2] = x, y, z
                if len(tensors):
                    t = p if each_tensor else 0
                    for b in range(3):
                        flux[i, b] = size * (
                            x * tensors[c, t, 0, b] + y * tensors[c, t, 1, b]
                            + z * tensors[c, t, 2, b]
                        )  # fmt: skip
                else:
                    flux[i, 0], flux[i, 1], flux[i, 2] = size * x, size * y, size * z
            pair = 0
            for i in range(k):
                for j in range(i + 1, k):
                    out[c, pair] -= (
                        flux[i, 0] * gradient[j, 0] + flux[i, 1] * gradient[j, 1]
                        + flux[i, 2] * gradient[j, 2]
                    )  # fmt: skip
                    pair += 1


@njit(nogil=True)
def count_rows(cells, starts, places, counts, begin, end):
    """Write the number of neighbours in each of the rows ``begin … end``."""
    k = cells.shape[1]
    seen = np.full(len(counts), -1, np.int32)
    for i in range(begin, end):
        count = 0
        seen[i] = i
        for at in range(starts[i], starts[i + 1]):
            c = places[at] // k
            for b in range(k):
                j = cells[c, b]
                if seen[j] != i:
                    seen[j] = i
                    count += 1
        counts[i] = count


@njit(nogil=True)
def fill_rows(cells, pairs, values, starts, places, indptr, indices, data, begin, end):
    """Write columns and values of the rows ``begin … end``, sorted by column."""
    k = cells.shape[1]
    slot = np.full(len(indptr), -1, np.int64)
    for i in range(begin, end):
        low = indptr[i]
        high = low
        for at in range(starts[i], starts[i + 1]):
            c, a = places[at] // k, places[at] % k
            for b in range(k):
                j = cells[c, b]
                if j == i:
                    continue
                if slot[j] < low:
                    slot[j] = high
                    indices[high] = j
                    data[high] = 0.0
                    high += 1
                data[slot[j]] += values[c, pairs[a, b]]
        for here in range(low + 1, high):
            column, value = indices[here], data[here]
            there = here
            while there > low and indices[there - 1] > column:
                indices[there], data[there] = indices[there - 1], data[there - 1]
                there -= 1
            indices[there], data[there] = column, value


def _compiled(parallel: bool, block: int) -> SimpleNamespace:
    """The kernels, with threads or without, and with ``block`` cells in a block.

    numba's cache distinguishes versions of a closure by the values that they use from outside, not
    by the options of ``njit``: the two versions must differ in ``block``.
    """
    chunks = _CHUNKS if parallel else 1

    @kernel(parallel=parallel)
    def weigh(points, cells, weights, slopes, out):
        """Quadrature weight times length, area or signed volume, (c, q).

        The sign is that of the first point for surfaces.
        """
        n = len(cells)
        for b in prange((n + block - 1) // block):
            weigh_cells(points, cells, weights, slopes, out, b * block, min(n, (b + 1) * block))

    @kernel(parallel=parallel)
    def couple(points, cells, weights, slopes, factor, tensors, out):
        """−∫ factor ∇φ_i·(tensor ∇φ_j) of all pairs i < j of each cell, (c, k (k − 1) / 2).

        ``factor`` (c, 1) or (c, q) and ``tensors`` (c, 1, 3, 3) or (c, q, 3, 3) are values in
        cells or at points. Without tensors, of shape (0, 1, 3, 3), they are the identity.
        """
        n = len(cells)
        for b in prange((n + block - 1) // block):
            end = min(n, (b + 1) * block)
            couple_cells(points, cells, weights, slopes, factor, tensors, out, b * block, end)

    @kernel()
    def sort_places(cells, starts, places):
        """For each node the places c·k + a in ``cells`` (c, k) where it stands, in order.

        Those of node i are ``places[starts[i]:starts[i + 1]]``.
        """
        k = cells.shape[1]
        starts[:] = 0
        for c in range(len(cells)):
            for a in range(k):
                starts[cells[c, a] + 1] += 1
        for i in range(len(starts) - 1):
            starts[i + 1] += starts[i]
        for c in range(len(cells)):
            for a in range(k):
                i = cells[c, a]
                places[starts[i]] = c * k + a
                starts[i] += 1
        for i in range(len(starts) - 1, 0, -1):
            starts[i] = starts[i - 1]
        starts[0] = 0

    @kernel(parallel=parallel)
    def count(cells, starts, places, counts):
        """The number (n,) of other nodes that share a cell with each node."""
        n = len(counts)
        for part in prange(chunks):
            begin, end = part * n // chunks, (part + 1) * n // chunks
            count_rows(cells, starts, places, counts, begin, end)

    @kernel(parallel=parallel)
    def fill(cells, pairs, values, starts, places, indptr, indices, data):
        """Sum the values (c, p) of pairs in the rows of a matrix without diagonal.

        ``pairs[a, b]`` (k, k) is the number of the pair of the local nodes a and b.
        """
        n = len(indptr) - 1
        for part in prange(chunks):
            begin, end = part * n // chunks, (part + 1) * n // chunks
            fill_rows(cells, pairs, values, starts, places, indptr, indices, data, begin, end)

    return SimpleNamespace(weigh=weigh, couple=couple, sort_places=sort_places, count=count,
                           fill=fill)  # fmt: skip


SERIAL = _compiled(parallel=False, block=512)
PARALLEL = _compiled(parallel=True, block=2048)
