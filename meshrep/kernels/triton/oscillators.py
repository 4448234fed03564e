"""Coupled phases, Σ_i α C_i + β C_i² + γ S_i², fused over rows.

The formulas and names are those of :mod:`meshrep.kernels.oscillators`: spins ``z`` (2n,), and
``y`` (2n,) and ``own`` (n,) between the two passes that β and γ need.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def turn(w, z, n, ROWS: tl.constexpr):
    """Write cos w and sin w side by side."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = row < n
    phase = tl.load(w + row, mask=inside, other=0.0)
    tl.store(z + 2 * row, tl.cos(phase), mask=inside)
    tl.store(z + 2 * row + 1, tl.sin(phase), mask=inside)


@triton.jit
def _gathered(indptr, indices, a, z, row, inside, like, EQUAL: tl.constexpr, WIDTH: tl.constexpr):
    """Σ_j a_ij z_j of the rows: what stands at 2j, and what stands at 2j + 1."""
    first = tl.load(indptr + row, mask=inside, other=0)
    last = tl.load(indptr + row + 1, mask=inside, other=0)
    column = tl.arange(0, WIDTH)
    along = tl.zeros_like(like)
    across = tl.zeros_like(like)
    longest = tl.max(last - first, 0)
    for begin in range(0, longest, WIDTH):
        entry = (first + begin)[:, None] + column[None, :]
        there = entry < last[:, None]
        other = 2 * tl.load(indices + entry, mask=there, other=0)
        x = tl.load(z + other, mask=there, other=0.0)
        y = tl.load(z + other + 1, mask=there, other=0.0)
        if not EQUAL:
            weight = tl.load(a + entry, mask=there, other=0.0)
            x *= weight
            y *= weight
        along += tl.sum(x, 1)
        across += tl.sum(y, 1)
    if EQUAL:
        weight = tl.load(a)
        along *= weight
        across *= weight
    return along, across


@triton.jit
def first_pass(
    indptr,
    indices,
    a,
    z,
    law,
    y,
    own,
    gradient,
    energies,
    n,
    SINGLE: tl.constexpr,
    EQUAL: tl.constexpr,
    ROWS: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """Write the energy of each block, and what the gradient needs.

    With ``SINGLE``, β = γ = 0, that is the gradient 2αS itself; else X, Y and uS − vC.
    """
    block = tl.program_id(0)
    row = block * ROWS + tl.arange(0, ROWS)
    inside = row < n
    c = tl.load(z + 2 * row, mask=inside, other=0.0)
    s = tl.load(z + 2 * row + 1, mask=inside, other=0.0)
    along, across = _gathered(indptr, indices, a, z, row, inside, c, EQUAL, WIDTH)
    cosine = c * along + s * across
    sine = c * across - s * along
    alpha = tl.load(law)
    if SINGLE:
        energy = alpha * cosine
        tl.store(gradient + row, 2.0 * alpha * sine, mask=inside)
    else:
        beta = tl.load(law + 1)
        gamma = tl.load(law + 2)
        energy = (alpha + beta * cosine) * cosine + gamma * sine * sine
        u = alpha + 2.0 * beta * cosine
        v = 2.0 * gamma * sine
        tl.store(own + row, u * sine - v * cosine, mask=inside)
        tl.store(y + 2 * row, v * c + u * s, mask=inside)
        tl.store(y + 2 * row + 1, v * s - u * c, mask=inside)
    tl.store(energies + block, tl.sum(energy, 0))


@triton.jit
def second_pass(
    indptr,
    indices,
    a,
    z,
    y,
    own,
    gradient,
    n,
    EQUAL: tl.constexpr,
    ROWS: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """Write the gradient uS − vC + cos φ Σ a X + sin φ Σ a Y."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = row < n
    c = tl.load(z + 2 * row, mask=inside, other=0.0)
    s = tl.load(z + 2 * row + 1, mask=inside, other=0.0)
    along, across = _gathered(indptr, indices, a, y, row, inside, c, EQUAL, WIDTH)
    rest = tl.load(own + row, mask=inside, other=0.0)
    tl.store(gradient + row, rest + c * along + s * across, mask=inside)
