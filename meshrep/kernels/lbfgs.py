"""The passes of limited-memory BFGS over its vectors, fused to read memory as little as possible.

In its usual form, a step of the two-loop recursion reads every stored vector four times. It needs
only their inner products, which fit in two small matrices that change by one row and one column in
a step. Two passes remain: :func:`absorb` reads every vector once for its products with the new
gradient and the newest difference, and ``combine`` reads every vector once to add them up to the
next direction.

``rows`` (2m, p) holds the steps s in rows 0 … m − 1 and the differences y of gradients in rows
m … 2m − 1, in slots that are used in turn; ``active`` are the slots in use, the oldest first.
There is one partial sum for each block of entries, and the blocks are fixed, so that the number of
threads does not change a result. The compiler may change the order within a block (``reassoc``), so
that it can use vector instructions. Nothing else of ``fastmath`` is on, and NaN stays NaN.

Each kernel exists twice, as in :mod:`meshrep.kernels.heat`.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import prange

from meshrep.kernels.compiling import kernel
from meshrep.kernels.sums import in_order

_SUMS = {"reassoc", "contract", "nsz"}


def _compiled(parallel: bool, block: int) -> SimpleNamespace:
    """The kernels, with threads or without, and with ``block`` entries for each partial sum."""

    @kernel(parallel=parallel, fastmath=_SUMS)
    def dot(a, b):
        """a·b."""
        p = len(a)
        blocks = (p + block - 1) // block
        partial = np.zeros(blocks)
        for part in prange(blocks):
            total = 0.0
            for i in range(np.uint64(part * block), np.uint64(min(p, (part + 1) * block))):
                total += np.float64(a[i]) * np.float64(b[i])
            partial[part] = total
        return in_order(partial)

    @kernel(parallel=parallel)
    def place(x, alpha, d, out):
        """out ← x + α d."""
        p = len(x)
        blocks = (p + block - 1) // block
        for part in prange(blocks):
            for i in range(np.uint64(part * block), np.uint64(min(p, (part + 1) * block))):
                out[i] = x[i] + alpha * d[i]

    @kernel(parallel=parallel, fastmath=_SUMS)
    def absorb(rows, used, alpha, new, old, products, sy, yy):
        """Store the step s = α d and the difference y = new − old of gradients; old ← new.

        The last of the slots ``used`` holds d and receives the pair. Its column of ``sy``, its
        column and row of ``yy`` and all ``products`` with the new gradient are written at these
        slots. The squared norm of the new gradient is returned.
        """
        m, p, count = np.uint64(rows.shape[0] // 2), rows.shape[1], len(used)
        blocks = (p + block - 1) // block
        partial = np.zeros((blocks, 4 * count + 1))
        slot = used[count - 1]
        s_new, y_new = np.uint64(slot), np.uint64(slot) + m
        for part in prange(blocks):
            first, last = np.uint64(part * block), np.uint64(min(p, (part + 1) * block))
            norm = 0.0
            for i in range(first, last):
                fresh = new[i]
                rows[y_new, i] = fresh - old[i]
                old[i] = fresh
                norm += np.float64(fresh) * np.float64(fresh)
            partial[part, 4 * count] = norm
            if alpha != 1.0:
                for i in range(first, last):
                    rows[s_new, i] *= alpha
            for k in range(count):
                s = np.uint64(used[k])
                y = s + m
                sg, sd, yg, yd = 0.0, 0.0, 0.0, 0.0
                for i in range(first, last):
                    gradient, difference = np.float64(old[i]), np.float64(rows[y_new, i])
                    sg += np.float64(rows[s, i]) * gradient
                    sd += np.float64(rows[s, i]) * difference
                    yg += np.float64(rows[y, i]) * gradient
                    yd += np.float64(rows[y, i]) * difference
                partial[part, 4 * k] = sg
                partial[part, 4 * k + 1] = sd
                partial[part, 4 * k + 2] = yg
                partial[part, 4 * k + 3] = yd
        for k in range(count):
            s = used[k]
            products[s] = in_order(partial[:, 4 * k])
            sy[s, slot] = in_order(partial[:, 4 * k + 1])
            products[s + len(sy)] = in_order(partial[:, 4 * k + 2])
            yy[s, slot] = yy[slot, s] = in_order(partial[:, 4 * k + 3])
        return in_order(partial[:, 4 * count])

    @kernel(parallel=parallel, fastmath=_SUMS)
    def combine(rows, active, weights, scale, base, slot, g, x, trial):
        """rows[slot] ← d = scale·base + Σ weights[k]·rows[k], trial ← x + d; returns d·g.

        Only active slots are read. ``slot`` may be the oldest of them, which is read before it is
        written.
        """
        m, p, count = np.uint64(rows.shape[0] // 2), rows.shape[1], len(active)
        blocks = (p + block - 1) // block
        partial = np.zeros(blocks)
        d = np.uint64(slot)
        for part in prange(blocks):
            first, last = np.uint64(part * block), np.uint64(min(p, (part + 1) * block))
            if count == 0:
                for i in range(first, last):
                    rows[d, i] = scale * base[i]
            for k in range(count):
                s = np.uint64(active[k])
                y = s + m
                of_s, of_y = weights[s], weights[y]
                if k == 0:
                    for i in range(first, last):
                        rows[d, i] = scale * base[i] + of_s * rows[s, i] + of_y * rows[y, i]
                else:
                    for i in range(first, last):
                        rows[d, i] += of_s * rows[s, i] + of_y * rows[y, i]
            slope = 0.0
            for i in range(first, last):
                slope += np.float64(rows[d, i]) * np.float64(g[i])
                trial[i] = x[i] + rows[d, i]
            partial[part] = slope
        return in_order(partial)

    return SimpleNamespace(dot=dot, place=place, absorb=absorb, combine=combine)


@kernel()
def two_loop(active, products, sy, yy, gamma, weights):
    """The two-loop recursion by inner products; see ``minimisers.quasi_newton.two_loop``."""
    m, count = len(sy), len(active)
    alpha = np.zeros(count)
    for a in range(count - 1, -1, -1):
        i = active[a]
        total = products[i]
        for b in range(a + 1, count):
            total -= alpha[b] * sy[i, active[b]]
        alpha[a] = total / sy[i, i]
    for a in range(count):
        i = active[a]
        total = products[m + i]
        for b in range(count):
            total -= alpha[b] * yy[i, active[b]]
        total *= gamma
        for b in range(a):
            total -= weights[active[b]] * sy[active[b], i]
        weights[i] = total / sy[i, i] - alpha[a]
        weights[m + i] = gamma * alpha[a]


SERIAL = _compiled(parallel=False, block=1024)
PARALLEL = _compiled(parallel=True, block=512)
