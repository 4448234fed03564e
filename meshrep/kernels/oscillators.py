"""Coupled phases: Σ_i α C_i + β C_i² + γ S_i² with its gradient, fused over rows.

    C_i = Σ_j a_ij cos(φ_j − φ_i),   S_i = Σ_j a_ij sin(φ_j − φ_i)

Kernels take plain arrays and are built as those of :mod:`meshrep.kernels.heat` are, for the same
reasons. Cosine and sine are computed once for each node and stored side by side, so that a
neighbour takes one access to memory. A row is two gathered sums, Σ a cos φ_j and Σ a sin φ_j. With
u = α + 2βC and v = 2γS the gradient is

    uS − vC + cos φ_k Σ a X_i + sin φ_k Σ a Y_i,   X = v cos φ + u sin φ,   Y = v sin φ − u cos φ,

which takes a second pass over the rows. Where β = γ = 0 it is just 2αS, and a single pass is
enough: that pass moves the field and writes its new spins beside the old ones. Otherwise the second
pass does so in place.

``rows`` is (indptr, indices, a) in CSR form, ``law`` (α, β, γ), and ``z`` (2n,) the spins cos φ_0,
sin φ_0, cos φ_1, and so on. Work arrays are ``y`` (2n,), for X and Y or for the next spins, and
``own`` (n,), for uS − vC.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels.compiling import kernel
from meshrep.kernels.steps import squares, step_rows
from meshrep.kernels.sums import in_order
from meshrep.kernels.updates import NESTEROV

ONE, TWO = np.uint64(1), np.uint64(2)

ROUND = 6755399441055744.0  # 1.5·2⁵²: adding and subtracting it rounds to a whole number
TURN_LIMIT = 1e6  # radians beyond which the reduction below loses digits


@njit
def cos_sin(x):
    """cos x and sin x to about 1 ulp for |x| ≤ 1e6, without branches, so that loops vectorise.

    The argument is reduced by multiples of π/2 in three parts (Cody and Waite); the polynomials are
    those of fdlibm.
    """
    k = (x * 0.6366197723675814 + ROUND) - ROUND
    r = ((x - k * 1.57079632673412561417) - k * 6.07710050630396597660e-11) - (
        k * 2.02226624879595063154e-21
    )
    z = r * r
    s = -2.50507602534068634195e-08 + z * 1.58969099521155010221e-10
    s = 2.75573137070700676789e-06 + z * s
    s = -1.98412698298579493134e-04 + z * s
    s = 8.33333333332248946124e-03 + z * s
    s = r + r * z * (-1.66666666666666324348e-01 + z * s)
    c = 2.08757232129817482790e-09 + z * -1.13596475577881948265e-11
    c = -2.75573143513906633035e-07 + z * c
    c = 2.48015872894767294178e-05 + z * c
    c = -1.38888888888741095749e-03 + z * c
    c = 4.16666666666666019037e-02 + z * c
    c = 1.0 - (0.5 * z - z * z * c)
    quarter = k - 4.0 * np.floor(0.25 * k)
    odd = (quarter == 1.0) | (quarter == 3.0)
    cosine, sine = (s, c) if odd else (c, s)
    cosine = -cosine if (quarter == 1.0) | (quarter == 2.0) else cosine
    sine = -sine if quarter >= 2.0 else sine
    return cosine, sine


@njit(nogil=True)
def turn_rows(w, z, begin, end):
    """Write (cos w, sin w) of the rows ``begin … end``."""
    begin, end = np.uint64(begin), np.uint64(end)
    far = 0
    for i in range(begin, end):
        far += abs(w[i]) > TURN_LIMIT
    if far == 0:
        for i in range(begin, end):
            z[i + i], z[i + i + ONE] = cos_sin(w[i])
    else:
        for i in range(begin, end):
            z[i + i], z[i + i + ONE] = np.cos(w[i]), np.sin(w[i])


@njit(forceinline=True, error_model="numpy", fastmath={"contract"})
def gathered(rows, i, z):
    """Σ_j a_ij z_j of row i; inlined, since a call would take longer than the sums."""
    indptr, indices, a = rows
    along, across = 0.0, 0.0
    if len(a) == 1:
        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + ONE])):
            j = TWO * np.uint64(indices[k])
            along += z[j]
            across += z[j + ONE]
        return a[0] * along, a[0] * across
    for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + ONE])):
        j = TWO * np.uint64(indices[k])
        along += a[k] * z[j]
        across += a[k] * z[j + ONE]
    return along, across


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def single_rows(rows, alpha, z, gradient, around, begin, end):
    """Write 2αS of the rows ``begin … end``, and C if ``around`` has room; return α Σ C."""
    total = 0.0
    for i in range(np.uint64(begin), np.uint64(end)):
        along, across = gathered(rows, i, z)
        cosine = z[i + i] * along + z[i + i + ONE] * across
        gradient[i] = 2.0 * alpha * (z[i + i] * across - z[i + i + ONE] * along)
        total += cosine
        if len(around):
            around[i] = cosine
    return alpha * total


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def first_rows(rows, law, z, y, own, around, begin, end):
    """Write X, Y and uS − vC of the rows ``begin … end``, and C if ``around`` has room.

    Their energy is returned.
    """
    alpha, beta, gamma = law
    total = 0.0
    for i in range(np.uint64(begin), np.uint64(end)):
        along, across = gathered(rows, i, z)
        c, s = z[i + i], z[i + i + ONE]
        cosine, sine = c * along + s * across, c * across - s * along
        total += (alpha + beta * cosine) * cosine + gamma * sine * sine
        u, v = alpha + 2.0 * beta * cosine, 2.0 * gamma * sine
        own[i] = u * sine - v * cosine
        y[i + i] = v * c + u * s
        y[i + i + ONE] = v * s - u * c
        if len(around):
            around[i] = cosine
    return total


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def second_rows(rows, z, y, own, gradient, begin, end):
    """Write the gradient of the rows ``begin … end``, after the first pass."""
    for i in range(np.uint64(begin), np.uint64(end)):
        along, across = gathered(rows, i, y)
        gradient[i] = own[i] + z[i + i] * along + z[i + i + ONE] * across


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def bend_rows(rows, law, z, y, dy, own, v, product, begin, end):
    """The Hessian times v of the rows ``begin … end`` where β = γ = 0, else its first pass.

    ``dy`` is the derivative of (X, Y) along v, and ``own`` that of uS − vC.
    """
    indptr, indices, a = rows
    alpha, beta, gamma = law
    single = beta == 0.0 and gamma == 0.0
    each = np.uint64(len(a) > 1)  # 0 reads the same coupling for all
    for i in range(np.uint64(begin), np.uint64(end)):
        c, s = z[i + i], z[i + i + ONE]
        across, along, drawn, turned = 0.0, 0.0, 0.0, 0.0
        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + ONE])):
            g, j = a[each * k], np.uint64(indices[k])
            c_j, s_j = z[TWO * j], z[TWO * j + ONE]
            along += g * c_j
            across += g * s_j
            drawn += g * c_j * v[j]
            turned += g * s_j * v[j]
        cosine, sine = c * along + s * across, c * across - s * along
        d_sine = c * drawn + s * turned - v[i] * cosine
        if single:
            product[i] = 2.0 * alpha * d_sine
        else:
            d_cosine = s * drawn - c * turned + v[i] * sine
            p, q = alpha + 2.0 * beta * cosine, 2.0 * gamma * sine
            dp, dq = 2.0 * beta * d_cosine, 2.0 * gamma * d_sine
            y[i + i] = q * c + p * s
            y[i + i + ONE] = q * s - p * c
            dy[i + i] = dq * c + dp * s - v[i] * y[i + i + ONE]
            dy[i + i + ONE] = dq * s - dp * c + v[i] * y[i + i]
            own[i] = dp * sine + p * d_sine - dq * cosine - q * d_cosine


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def bend_again_rows(rows, z, y, dy, own, v, product, begin, end):
    """Write the Hessian times v of the rows ``begin … end``, after the first pass."""
    for i in range(np.uint64(begin), np.uint64(end)):
        c, s = z[i + i], z[i + i + ONE]
        along, across = gathered(rows, i, y)
        d_along, d_across = gathered(rows, i, dy)
        product[i] = own[i] + v[i] * (c * across - s * along) + c * d_along + s * d_across


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def field_rows(rows, strength, torque, inverse_mass, z, field, begin, end):
    """Write H of the rows ``begin … end``, with −2αS + cC = Im(H e^{−iφ}) and strength −2α."""
    for i in range(np.uint64(begin), np.uint64(end)):
        along, across = gathered(rows, i, z)
        field[i + i] = (strength * along - torque * across) * inverse_mass[i]
        field[i + i + ONE] = (strength * across + torque * along) * inverse_mass[i]


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def flow_rows(stage, w, new, total, drift, torque, around, inverse_mass, dt, begin, end):
    """Replace the gradient in ``new`` by the field of RK4's next stage; the last stage moves w."""
    share = dt / 6.0 if stage == 0 or stage == 3 else dt / 3.0
    ahead = dt if stage == 2 else 0.5 * dt
    for i in range(np.uint64(begin), np.uint64(end)):
        slope = (drift[i] - new[i] + torque * around[i]) * inverse_mass[i]
        total[i] = (w[i] if stage == 0 else total[i]) + share * slope
        new[i] = total[i] if stage == 3 else w[i] + ahead * slope
        if stage == 3:
            w[i] = total[i]


def _compiled(parallel: bool, block: int) -> SimpleNamespace:
    """The kernels, with threads or without, and with ``block`` rows for each partial sum."""

    @kernel(parallel=parallel)
    def turn(w, z):
        """Write (cos w, sin w)."""
        n = len(w)
        for b in prange((n + block - 1) // block):
            turn_rows(w, z, b * block, min(n, (b + 1) * block))

    @kernel(parallel=parallel)
    def value_and_grad(rows, law, z, y, own, around, gradient):
        """Energy of the spins z; its gradient is written to ``gradient``."""
        alpha, beta, gamma = law
        n = len(gradient)
        blocks = (n + block - 1) // block
        partial = np.zeros(blocks)
        if beta == 0.0 and gamma == 0.0:
            for b in prange(blocks):
                begin, end = b * block, min(n, (b + 1) * block)
                partial[b] = single_rows(rows, alpha, z, gradient, around, begin, end)
        else:
            for b in prange(blocks):
                begin, end = b * block, min(n, (b + 1) * block)
                partial[b] = first_rows(rows, law, z, y, own, around, begin, end)
            for b in prange(blocks):
                second_rows(rows, z, y, own, gradient, b * block, min(n, (b + 1) * block))
        return in_order(partial)

    @kernel(parallel=parallel)
    def fields(rows, strength, torque, inverse_mass, z, field):
        """Write H (2n,) of the spins z, with −2αS + cC = Im(H e^{−iφ}) and strength −2α."""
        n = len(z) // 2
        for b in prange((n + block - 1) // block):
            begin, end = b * block, min(n, (b + 1) * block)
            field_rows(rows, strength, torque, inverse_mass, z, field, begin, end)

    @kernel(parallel=parallel)
    def hvp(rows, law, z, y, dy, own, v, product):
        """Write the Hessian at the spins z times v: the derivative of the gradient along v."""
        n = len(v)
        blocks = (n + block - 1) // block
        for b in prange(blocks):
            begin, end = b * block, min(n, (b + 1) * block)
            bend_rows(rows, law, z, y, dy, own, v, product, begin, end)
        if law[1] != 0.0 or law[2] != 0.0:
            for b in prange(blocks):
                begin, end = b * block, min(n, (b + 1) * block)
                bend_again_rows(rows, z, y, dy, own, v, product, begin, end)

    @kernel(parallel=parallel)
    def descend(
        rows, law, z, y, own, w, spare, m, v,
        rule, lr, beta1, beta2, eps, taken, steps, energies, norms,
    ):  # fmt: skip
        """Take steps of a first-order rule from w, whose spins are z.

        w and ``spare`` alternate as old and new field, and where β = γ = 0 so do z and y as old and
        new spins. After an even number of steps the result is in w. ``energies[k]`` and
        ``norms[k]`` are the energy and the squared gradient norm before step k. ``taken`` is [steps
        so far, age of the momentum]; that of Nesterov restarts when the energy rises.
        """
        alpha, beta, gamma = law
        single = beta == 0.0 and gamma == 0.0
        n = len(w)
        blocks = (n + block - 1) // block
        partial = np.zeros((blocks, 2))
        nothing = own[:0]
        for step in range(steps):
            old, new = (w, spare) if step % 2 == 0 else (spare, w)
            spins, turned = (z, y) if step % 2 == 0 else (y, z)
            taken[0] += 1.0
            taken[1] += 1.0
            inertia = taken[1] / (taken[1] + 3.0) if rule == NESTEROV else beta1
            scale1 = 1.0 / (1.0 - beta1 ** taken[0])
            scale2 = 1.0 / (1.0 - beta2 ** taken[0])
            if single:
                for b in prange(blocks):
                    begin, end = b * block, min(n, (b + 1) * block)
                    partial[b, 0] = single_rows(rows, alpha, spins, new, nothing, begin, end)
                    partial[b, 1] = squares(new, begin, end)
                    step_rows(
                        rule, old, new, m, v, begin, end, lr, inertia, beta2, eps, scale1, scale2
                    )
                    turn_rows(new, turned, begin, end)
            else:
                for b in prange(blocks):
                    begin, end = b * block, min(n, (b + 1) * block)
                    partial[b, 0] = first_rows(rows, law, z, y, own, nothing, begin, end)
                for b in prange(blocks):
                    begin, end = b * block, min(n, (b + 1) * block)
                    second_rows(rows, z, y, own, new, begin, end)
                    partial[b, 1] = squares(new, begin, end)
                    step_rows(
                        rule, old, new, m, v, begin, end, lr, inertia, beta2, eps, scale1, scale2
                    )
                    turn_rows(new, z, begin, end)
            energies[step] = in_order(partial[:, 0])
            norms[step] = in_order(partial[:, 1])
            if rule == NESTEROV and step > 0 and energies[step] > energies[step - 1]:
                taken[1] = 0.0

    @kernel(parallel=parallel)
    def flow(
        rows,
        law,
        z,
        y,
        own,
        around,
        w,
        new,
        total,
        drift,
        torque,
        dt,
        steps,
        inverse_mass,
        energies,
    ):
        """Take RK4 steps of dφ/dt = (ω − ∇E + torque·C)/mass in place from w, whose spins are z.

        ``drift`` is ω; ``energies[k]`` is the energy before step k.
        """
        alpha, beta, gamma = law
        single = beta == 0.0 and gamma == 0.0
        n = len(w)
        blocks = (n + block - 1) // block
        partial = np.zeros(blocks)
        for step in range(steps):
            for stage in range(4):
                spins, turned = (z, y) if stage % 2 == 0 else (y, z)
                if single:
                    for b in prange(blocks):
                        begin, end = b * block, min(n, (b + 1) * block)
                        partial[b] = single_rows(rows, alpha, spins, new, around, begin, end)
                        flow_rows(
                            stage, w, new, total, drift, torque, around, inverse_mass, dt,
                            begin, end,
                        )  # fmt: skip
                        turn_rows(new, turned, begin, end)
                else:
                    for b in prange(blocks):
                        begin, end = b * block, min(n, (b + 1) * block)
                        partial[b] = first_rows(rows, law, z, y, own, around, begin, end)
                    for b in prange(blocks):
                        begin, end = b * block, min(n, (b + 1) * block)
                        second_rows(rows, z, y, own, new, begin, end)
                        flow_rows(
                            stage, w, new, total, drift, torque, around, inverse_mass, dt,
                            begin, end,
                        )  # fmt: skip
                        turn_rows(new, z, begin, end)
                if stage == 0:
                    energies[step] = in_order(partial)

    return SimpleNamespace(
        turn=turn, value_and_grad=value_and_grad, fields=fields, hvp=hvp, descend=descend,
        flow=flow,
    )  # fmt: skip


SERIAL = _compiled(parallel=False, block=512)
PARALLEL = _compiled(parallel=True, block=2048)
