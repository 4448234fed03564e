"""Phases that act on each other through the sums of their groups: O(n) instead of O(n²).

    E = Σ_i α C_i,   C_i + i S_i = e^{−iφ_i} F_g − B_gg,   F_g = Σ_h B_gh Σ_{j in h} e^{iφ_j}

Node i is of group g, and does not act on itself. The gradient is 2αS. Kernels take plain arrays and
are built as those of :mod:`meshrep.kernels.oscillators` are. Each block of rows writes its sums to
its own place, and the blocks are added in order, so that the number of threads changes nothing.

``groups`` is (n,) unsigned, ``B`` (b, b), and ``z`` (2n,) the spins cos φ_0, sin φ_0, and so on.
``part`` (blocks, b, 2) holds the sums of each block, ``field`` (b, 2) is F.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels.compiling import kernel
from meshrep.kernels.oscillators import ONE, flow_rows, turn_rows
from meshrep.kernels.steps import squares, step_rows
from meshrep.kernels.sums import in_order
from meshrep.kernels.updates import NESTEROV


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def sum_rows(z, groups, part, begin, end):
    """Write the sum of the spins of the rows ``begin … end``, by group."""
    if len(part) == 1:
        along, across = 0.0, 0.0
        for i in range(np.uint64(begin), np.uint64(end)):
            along += z[i + i]
            across += z[i + i + ONE]
        part[0, 0], part[0, 1] = along, across
        return
    part[:] = 0.0
    for i in range(np.uint64(begin), np.uint64(end)):
        g = np.uint64(groups[i])
        part[g, 0] += z[i + i]
        part[g, 1] += z[i + i + ONE]


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def weighted_sum_rows(z, v, groups, part, begin, end):
    """Write the sum of v times the spins of the rows ``begin … end``, by group."""
    part[:] = 0.0
    for i in range(np.uint64(begin), np.uint64(end)):
        g = np.uint64(groups[i])
        part[g, 0] += v[i] * z[i + i]
        part[g, 1] += v[i] * z[i + i + ONE]


@njit(nogil=True)
def gather(part, B, field):
    """Write F of the sums of all blocks; return Σ_gh B_gh Z_g·Z_h with Z the sums by group."""
    total = np.zeros((len(B), 2))
    for block in range(len(part)):
        for g in range(len(B)):
            total[g, 0] += part[block, g, 0]
            total[g, 1] += part[block, g, 1]
    power = 0.0
    for g in range(len(B)):
        x, y = 0.0, 0.0
        for h in range(len(B)):
            x += B[g, h] * total[h, 0]
            y += B[g, h] * total[h, 1]
        field[g, 0], field[g, 1] = x, y
        power += total[g, 0] * x + total[g, 1] * y
    return power


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def pull_rows(groups, B, field, alpha, z, gradient, around, begin, end):
    """Write 2αS of the rows ``begin … end``, and C if ``around`` has room."""
    for i in range(np.uint64(begin), np.uint64(end)):
        g = np.uint64(groups[i])
        c, s, x, y = z[i + i], z[i + i + ONE], field[g, 0], field[g, 1]
        gradient[i] = 2.0 * alpha * (c * y - s * x)
        if len(around):
            around[i] = c * x + s * y - B[g, g]


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def field_rows(groups, B, field, strength, torque, inverse_mass, z, out, begin, end):
    """Write H of the rows ``begin … end``, with −2αS + cC = Im(H e^{−iφ}) and strength −2α."""
    for i in range(np.uint64(begin), np.uint64(end)):
        g = np.uint64(groups[i])
        along = field[g, 0] - B[g, g] * z[i + i]
        across = field[g, 1] - B[g, g] * z[i + i + ONE]
        out[i + i] = (strength * along - torque * across) * inverse_mass[i]
        out[i + i + ONE] = (strength * across + torque * along) * inverse_mass[i]


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def bend_rows(groups, field, change, alpha, z, v, product, begin, end):
    """Write the Hessian times v of the rows ``begin … end``; ``change`` is F of v times spins."""
    for i in range(np.uint64(begin), np.uint64(end)):
        g = np.uint64(groups[i])
        c, s = z[i + i], z[i + i + ONE]
        moved = c * change[g, 0] + s * change[g, 1]
        product[i] = 2.0 * alpha * (moved - v[i] * (c * field[g, 0] + s * field[g, 1]))


def _compiled(parallel: bool, block: int) -> SimpleNamespace:
    """The kernels, with threads or without, and with ``block`` rows for each partial sum."""

    @kernel(parallel=parallel)
    def spin(w, z, groups, part):
        """Write the spins of w, and their sums."""
        n = len(w)
        for b in prange(len(part)):
            begin, end = b * block, min(n, (b + 1) * block)
            turn_rows(w, z, begin, end)
            sum_rows(z, groups, part[b], begin, end)

    @kernel(parallel=parallel)
    def fields(groups, B, part, strength, torque, inverse_mass, z, out):
        """Write H (2n,) of the spins z, with −2αS + cC = Im(H e^{−iφ}) and strength −2α."""
        n = len(z) // 2
        for b in prange(len(part)):
            sum_rows(z, groups, part[b], b * block, min(n, (b + 1) * block))
        field = np.empty((len(B), 2))
        gather(part, B, field)
        for b in prange(len(part)):
            begin, end = b * block, min(n, (b + 1) * block)
            field_rows(groups, B, field, strength, torque, inverse_mass, z, out, begin, end)

    @kernel(parallel=parallel)
    def value_and_grad(groups, B, own, alpha, z, part, around, gradient):
        """Energy of the spins z; its gradient is written to ``gradient``. ``own`` is Σ_i B_gg."""
        n = len(gradient)
        field = np.empty((len(B), 2))
        power = gather(part, B, field)
        for b in prange(len(part)):
            begin, end = b * block, min(n, (b + 1) * block)
            pull_rows(groups, B, field, alpha, z, gradient, around, begin, end)
        return alpha * (power - own)

    @kernel(parallel=parallel)
    def hvp(groups, B, alpha, z, part, v, product):
        """Write the Hessian at the spins z times v; the sums in ``part`` are overwritten."""
        n = len(v)
        field, change = np.empty((len(B), 2)), np.empty((len(B), 2))
        gather(part, B, field)
        for b in prange(len(part)):
            weighted_sum_rows(z, v, groups, part[b], b * block, min(n, (b + 1) * block))
        gather(part, B, change)
        for b in prange(len(part)):
            begin, end = b * block, min(n, (b + 1) * block)
            bend_rows(groups, field, change, alpha, z, v, product, begin, end)

    @kernel(parallel=parallel)
    def descend(
        groups, B, own, alpha, z, part, w, spare, m, v,
        rule, lr, beta1, beta2, eps, taken, steps, energies, norms,
    ):  # fmt: skip
        """Take steps of a first-order rule from w, as ``descend`` of the oscillators does."""
        n = len(w)
        squared = np.zeros(len(part))
        field = np.empty((len(B), 2))
        nothing = w[:0]
        for step in range(steps):
            old, new = (w, spare) if step % 2 == 0 else (spare, w)
            taken[0] += 1.0
            taken[1] += 1.0
            inertia = taken[1] / (taken[1] + 3.0) if rule == NESTEROV else beta1
            scale1 = 1.0 / (1.0 - beta1 ** taken[0])
            scale2 = 1.0 / (1.0 - beta2 ** taken[0])
            energies[step] = alpha * (gather(part, B, field) - own)
            for b in prange(len(part)):
                begin, end = b * block, min(n, (b + 1) * block)
                pull_rows(groups, B, field, alpha, z, new, nothing, begin, end)
                squared[b] = squares(new, begin, end)
                step_rows(rule, old, new, m, v, begin, end, lr, inertia, beta2, eps, scale1, scale2)
                turn_rows(new, z, begin, end)
                sum_rows(z, groups, part[b], begin, end)
            norms[step] = in_order(squared)
            if rule == NESTEROV and step > 0 and energies[step] > energies[step - 1]:
                taken[1] = 0.0

    @kernel(parallel=parallel)
    def flow(
        groups, B, own, alpha, z, part, around, w, new, total, drift, torque, dt, steps,
        inverse_mass, energies,
    ):  # fmt: skip
        """Take RK4 steps of dφ/dt = (ω − ∇E + torque·C)/mass in place from w."""
        n = len(w)
        field = np.empty((len(B), 2))
        for step in range(steps):
            for stage in range(4):
                power = gather(part, B, field)
                if stage == 0:
                    energies[step] = alpha * (power - own)
                for b in prange(len(part)):
                    begin, end = b * block, min(n, (b + 1) * block)
                    pull_rows(groups, B, field, alpha, z, new, around, begin, end)
                    flow_rows(
                        stage, w, new, total, drift, torque, around, inverse_mass, dt, begin, end
                    )
                    turn_rows(new, z, begin, end)
                    sum_rows(z, groups, part[b], begin, end)

    return SimpleNamespace(
        block=block, spin=spin, fields=fields, value_and_grad=value_and_grad, hvp=hvp,
        descend=descend, flow=flow,
    )  # fmt: skip


SERIAL = _compiled(parallel=False, block=512)
PARALLEL = _compiled(parallel=True, block=2048)
