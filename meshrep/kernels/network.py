"""What all graph networks share: blocks of rows, σ, the readout, and the circle.

    w = u (X_L R + z R₀ + offset)

Rows are treated in tiles, which BLAS multiplies by the weights while they are in the cache. Each
block of rows has its own gradient of the weights, and these are added in order, so that the number
of threads does not change a result. σ keeps signs, so that σ′ follows from X_l, and the gradient
before σ is written over X_l. As in :mod:`meshrep.kernels.heat` indices are unsigned, and every
kernel exists with threads and without. ``SERIAL`` and ``PARALLEL`` differ in ``tile``, by which
numba's cache distinguishes them.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels.compiling import kernel

BLOCKS, FEWEST = 64, 512  # largest number of blocks, hence of threads; fewest rows of a block


def block_rows(n: int) -> int:
    """Rows in a block of a field with n rows; a whole number of tiles."""
    return FEWEST * max(1, -(-n // (BLOCKS * FEWEST)))


@njit
def bend(x, slope):
    """σ(x) in place."""
    for r in range(x.shape[0]):
        for c in range(x.shape[1]):
            x[r, c] = max(x[r, c], slope * x[r, c])


@njit
def gate(back, x, slope, out):
    """out = back ∘ σ′, where x = σ(…); out may be x."""
    for r in range(x.shape[0]):
        for c in range(x.shape[1]):
            out[r, c] = back[r, c] if x[r, c] > 0 else slope * back[r, c]


@njit
def add(total, part):
    """total += part, matrices."""
    for r in range(total.shape[0]):
        for c in range(total.shape[1]):
            total[r, c] += part[r, c]


@njit
def read_tile(out, z, readout, through, offset, unit, plain, residual, field):
    """field (m, d) = unit (out R + z R₀ + offset); ``plain`` and ``residual`` are work arrays.

    Where R₀ has no columns there is no residual.
    """
    np.dot(out, readout, plain)
    if through.shape[1]:
        np.dot(z, through, residual)
        add(plain, residual)
    for r in range(field.shape[0]):
        for c in range(field.shape[1]):
            field[r, c] = unit * (plain[r, c] + offset[r, c])


def _compiled(parallel: bool, tile: int) -> SimpleNamespace:
    """The kernels, with threads or without, ``tile`` rows at a time."""

    @kernel(parallel=parallel)
    def read(last, readout, through, z, offset, unit, rows, field):
        """field (n, d) = unit (X_L R + z R₀ + offset), where ``last`` is X_L (n, h)."""
        n, d = offset.shape
        for b in prange((n + rows - 1) // rows):
            plain = np.empty((tile, d), last.dtype)
            residual = np.empty((tile, d), last.dtype)
            for t in range(b * rows, min(n, (b + 1) * rows), tile):
                end = min(n, t + tile)
                read_tile(
                    last[t:end], z[t:end], readout, through, offset[t:end], unit,
                    plain[: end - t], residual[: end - t], field[t:end],
                )  # fmt: skip

    @kernel(parallel=parallel)
    def unread(last, readout, through, z, g, unit, slope, rows, readouts, throughs):
        """Pull the gradient g (n, d) back through the readout: ``last`` X_L (n, h) becomes D_L.

        ``readouts`` (blocks, h, d) and ``throughs`` are the parts of R̄ and R̄₀ from each block.
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
                add(readouts[b], part)
                if through.shape[1]:
                    np.dot(z[t:end].T, scaled[:m], part_through)
                    add(throughs[b], part_through)
                np.dot(scaled[:m], readout.T, back[:m])
                gate(back[:m], last[t:end], slope, last[t:end])

    @kernel(parallel=parallel)
    def pass_through(g, unit, through, rows, gradient):
        """Add unit g R₀ᵀ to z̄ = ``gradient`` (n, h₀)."""
        n = len(g)
        for b in prange((n + rows - 1) // rows):
            back = np.empty((tile, gradient.shape[1]), gradient.dtype)
            for t in range(b * rows, min(n, (b + 1) * rows), tile):
                end = min(n, t + tile)
                np.dot(g[t:end], through.T, back[: end - t])
                for r in range(end - t):
                    for c in range(gradient.shape[1]):
                        gradient[t + r, c] += unit * back[r, c]

    @kernel(parallel=parallel)
    def angle(u, cos, sin, first, phases):
        """phases (n,) = arg u (n, 2) on the turn nearest to ``first``."""
        for i in prange(len(u)):
            x, y = u[i, 0], u[i, 1]
            across, along = y * cos[i] - x * sin[i], x * cos[i] + y * sin[i]
            phases[i] = first[i] + np.arctan2(across, along)

    @kernel(parallel=parallel)
    def turn(g, u, floor, pull):
        """pull (n, 2) = g (n,) ∂ arg u / ∂u."""
        for i in prange(len(u)):
            x, y = u[i, 0], u[i, 1]
            share = g[i] / (x * x + y * y + floor)
            pull[i, 0], pull[i, 1] = -y * share, x * share

    return SimpleNamespace(
        read=read, unread=unread, pass_through=pass_through, angle=angle, turn=turn
    )


SERIAL = _compiled(parallel=False, tile=128)
PARALLEL = _compiled(parallel=True, tile=64)
