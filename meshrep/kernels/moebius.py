"""Phases in fields that do not change, whose motion is known exactly: Möbius maps of the circle.

In a field H a phase obeys dφ/dt = ω + Im(H e^{−iφ}). With z = e^{iφ} its solution after a time h is

    z' = z u/ū,   φ' = φ + 2 arg u,   u = a + b z̄,
    a = cosh s + iω (sinh s)/2s,   b = H (sinh s)/2s,   s² = (|H|² − ω²)/4,

with ω and H times h. As |b| < |a|, arg u is arg a, which grows without bound where |ω| > |H|, plus
an angle of less than a quarter turn.

Spins and fields are (2n,): cos φ_0, sin φ_0, and so on. See :mod:`meshrep.flows.moebius` for
what is done with them.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels.compiling import kernel
from meshrep.kernels.oscillators import ONE
from meshrep.kernels.sums import in_order

SMALL = 3e-4  # |s²| below which the series to s⁶ is exact to 1e-16


@njit(error_model="numpy")
def element(omega, x, y):
    """a and b of a frequency and a field, times a positive number; and |s| where s² < 0, else 0."""
    square = 0.25 * (x * x + y * y - omega * omega)
    if square < -SMALL:
        turn = np.sqrt(-square)
        real, share = np.cos(turn), 0.5 * np.sin(turn) / turn
        return real, omega * share, share * x, share * y, turn
    if square > SMALL:
        root = np.sqrt(square)
        share = 0.5 * np.tanh(root) / root
    else:
        tail = square * (1.0 / 3.0 - square * (2.0 / 15.0 - square * (17.0 / 315.0)))
        share = 0.5 * (1.0 - tail)
    return 1.0, omega * share, share * x, share * y, 0.0


@njit(error_model="numpy")
def carried(a, a_i, b, b_i, c, s):
    """The spin z u/ū, and u."""
    u, v = a + b * c + b_i * s, a_i + b_i * c - b * s  # b z̄ = (b + i b_i)(c − i s)
    real, imaginary = u * u - v * v, 2.0 * u * v
    length = u * u + v * v
    return (c * real - s * imaginary) / length, (c * imaginary + s * real) / length, u, v


@njit(error_model="numpy")
def angle(omega, a, a_i, turn, u, v):
    """arg u, full turns included: arg a plus an angle of less than a quarter turn."""
    own = np.arctan2(a_i, a)
    if turn > 0.0:
        whole = turn if omega > 0.0 else -turn
        own += 2.0 * np.pi * np.rint((whole - own) / (2.0 * np.pi))
    return own + np.arctan2(v * a - u * a_i, u * a + v * a_i)


@njit(nogil=True, error_model="numpy")
def carry_rows(z, omega, H, weights, h, out, begin, end):
    """Write the spins that Σ_k weights[k] (ω, H_k) moves z to in the time h."""
    whole = h * weights.sum()
    for i in range(np.uint64(begin), np.uint64(end)):
        x, y = 0.0, 0.0
        for k in range(len(weights)):
            if weights[k] != 0.0:
                x += weights[k] * H[k, i + i]
                y += weights[k] * H[k, i + i + ONE]
        a, a_i, b, b_i, _ = element(whole * omega[i], h * x, h * y)
        c, s, _, _ = carried(a, a_i, b, b_i, z[i + i], z[i + i + ONE])
        out[i + i], out[i + i + ONE] = c, s


@njit(nogil=True, error_model="numpy")
def finish_rows(z, phi, omega, H, first, second, h, other, new_z, new_phi, begin, end):
    """Write the end of a step, two maps one after the other; return Σ |new_z − other|²."""
    whole, rest = h * first.sum(), h * second.sum()
    apart = 0.0
    for i in range(np.uint64(begin), np.uint64(end)):
        x, y, x2, y2 = 0.0, 0.0, 0.0, 0.0
        for k in range(len(first)):
            along, across = H[k, i + i], H[k, i + i + ONE]
            x += first[k] * along
            y += first[k] * across
            x2 += second[k] * along
            y2 += second[k] * across
        a, a_i, b, b_i, turn = element(whole * omega[i], h * x, h * y)
        c, s, u, v = carried(a, a_i, b, b_i, z[i + i], z[i + i + ONE])
        turned = angle(omega[i], a, a_i, turn, u, v)
        a, a_i, b, b_i, turn = element(rest * omega[i], h * x2, h * y2)
        c, s, u, v = carried(a, a_i, b, b_i, c, s)
        turned += angle(omega[i], a, a_i, turn, u, v)
        new_z[i + i], new_z[i + i + ONE] = c, s
        new_phi[i] = phi[i] + 2.0 * turned
        apart += (c - other[i + i]) ** 2 + (s - other[i + i + ONE]) ** 2
    return apart


def _compiled(parallel: bool, block: int) -> SimpleNamespace:
    """The kernels, with threads or without, and with ``block`` rows for each partial sum."""

    @kernel(parallel=parallel)
    def carry(z, omega, H, weights, h, out):
        """Write the spins that Σ_k weights[k] (ω, H_k) moves z to in the time h."""
        n = len(omega)
        for b in prange((n + block - 1) // block):
            carry_rows(z, omega, H, weights, h, out, b * block, min(n, (b + 1) * block))

    @kernel(parallel=parallel)
    def finish(z, phi, omega, H, first, second, h, other, new_z, new_phi):
        """Write the end of a step, two maps one after the other; return Σ |new_z − other|²."""
        n = len(omega)
        blocks = (n + block - 1) // block
        partial = np.zeros(blocks)
        for b in prange(blocks):
            begin, end = b * block, min(n, (b + 1) * block)
            partial[b] = finish_rows(
                z, phi, omega, H, first, second, h, other, new_z, new_phi, begin, end
            )
        return in_order(partial)

    return SimpleNamespace(carry=carry, finish=finish)


SERIAL = _compiled(parallel=False, block=512)
PARALLEL = _compiled(parallel=True, block=2048)
