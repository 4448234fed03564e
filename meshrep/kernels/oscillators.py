"""Coupled phases: Σ_i α C_i + β C_i² + γ S_i² with its gradient, fused over rows.

    C_i = Σ_j a_ij cos(φ_j − φ_i),   S_i = Σ_j a_ij sin(φ_j − φ_i)

Plain arrays in, plain arrays out, laid out as :mod:`meshrep.kernels.heat` is and for its reasons.
Cosine and sine are taken once a node (``turn_rows``: a function of the module, since numba's cache
takes a closure for a new one each time), so that a row is two gathered sums, Σ a cos φ_j and
Σ a sin φ_j. With u = α + 2βC and v = 2γS the gradient is

    uS − vC + cos φ_k Σ a X_i + sin φ_k Σ a Y_i,   X = v cos φ + u sin φ,   Y = v sin φ − u cos φ,

a second gathered pass, which collapses to 2αS where β = γ = 0.

``rows`` is (indptr, indices, a) in CSR form, ``law`` (α, β, γ), ``spins`` (cos φ, sin φ, X, Y,
uS − vC, C) as scratch.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels.sums import in_order
from meshrep.kernels.updates import NESTEROV, update

ROUND = 6755399441055744.0  # 1.5·2⁵²: adding and subtracting it rounds to a whole number
TURN_LIMIT = 1e6  # radians beyond which the short reduction below loses digits


@njit
def cos_sin(x):
    """cos x and sin x to 1 ulp or so for |x| ≤ 1e6, without branches so that loops vectorise.

    Cody and Waite's reduction by multiples of π/2 in three parts; polynomials of fdlibm.
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


@njit(forceinline=True)
def gathered(rows, i, x, y):
    """Σ_j a_ij x_j and Σ_j a_ij y_j of row i; inlined, for a call would cost more than the sums."""
    indptr, indices, a = rows
    along, across = 0.0, 0.0
    for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
        along += a[k] * x[indices[k]]
        across += a[k] * y[indices[k]]
    return along, across


@njit
def turn_rows(w, c, s, begin, end):
    """Write cos w and sin w of the rows ``begin … end``."""
    begin, end = np.uint64(begin), np.uint64(end)
    far = 0
    for i in range(begin, end):
        far += abs(w[i]) > TURN_LIMIT
    if far == 0:
        for i in range(begin, end):
            c[i], s[i] = cos_sin(w[i])
    else:
        for i in range(begin, end):
            c[i], s[i] = np.cos(w[i]), np.sin(w[i])


def _compiled(parallel: bool, block: int) -> SimpleNamespace:
    """The kernels, with threads or without, and with ``block`` rows a partial sum."""

    @njit(cache=True, nogil=True, parallel=parallel)
    def turn(w, c, s):
        """Write cos w and sin w."""
        n = len(w)
        for b in prange((n + block - 1) // block):
            turn_rows(w, c, s, b * block, min(n, (b + 1) * block))

    @njit(cache=True, nogil=True, parallel=parallel)
    def value_and_grad(rows, law, spins, gradient):
        """Energy of the turned spins; its gradient is written to ``gradient``."""
        alpha, beta, gamma = law
        c, s, x, y, own, _ = spins
        single = beta == 0.0 and gamma == 0.0
        n = len(c)
        blocks = (n + block - 1) // block
        partial = np.zeros(blocks)
        for b in prange(blocks):
            total = 0.0
            for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                along, across = gathered(rows, i, c, s)
                cosine = c[i] * along + s[i] * across
                sine = c[i] * across - s[i] * along
                if single:
                    total += alpha * cosine
                    gradient[i] = 2.0 * alpha * sine
                else:
                    total += (alpha + beta * cosine) * cosine + gamma * sine * sine
                    u, v = alpha + 2.0 * beta * cosine, 2.0 * gamma * sine
                    own[i] = u * sine - v * cosine
                    x[i] = v * c[i] + u * s[i]
                    y[i] = v * s[i] - u * c[i]
            partial[b] = total
        if not single:
            for b in prange(blocks):
                for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                    along, across = gathered(rows, i, x, y)
                    gradient[i] = own[i] + c[i] * along + s[i] * across
        return in_order(partial)

    @njit(cache=True, nogil=True, parallel=parallel)
    def drive(rows, spins, drift, torque, rate):
        """Turn a gradient in ``rate`` into dφ/dt = ω − ∇E + torque·C in place."""
        c, s = spins[0], spins[1]
        n = len(c)
        for b in prange((n + block - 1) // block):
            for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                around = 0.0
                if torque != 0.0:
                    along, across = gathered(rows, i, c, s)
                    around = torque * (c[i] * along + s[i] * across)
                rate[i] = drift[i] - rate[i] + around

    @njit(cache=True, nogil=True, parallel=parallel)
    def hvp(rows, law, spins, tangents, v, product):
        """Write the Hessian at the turned spins times v: the gradient differentiated along v.

        ``tangents`` is scratch for how X, Y and uS − vC change.
        """
        indptr, indices, a = rows
        alpha, beta, gamma = law
        c, s, x, y, _, _ = spins
        dx, dy, own = tangents
        single = beta == 0.0 and gamma == 0.0
        n = len(c)
        blocks = (n + block - 1) // block
        for b in prange(blocks):
            for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                across, along, drawn, turned = 0.0, 0.0, 0.0, 0.0
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    j = indices[k]
                    along += a[k] * c[j]
                    across += a[k] * s[j]
                    turned += a[k] * s[j] * v[j]
                    drawn += a[k] * c[j] * v[j]
                cosine = c[i] * along + s[i] * across
                sine = c[i] * across - s[i] * along
                d_sine = c[i] * drawn + s[i] * turned - v[i] * cosine
                if single:
                    product[i] = 2.0 * alpha * d_sine
                else:
                    d_cosine = s[i] * drawn - c[i] * turned + v[i] * sine
                    p, q = alpha + 2.0 * beta * cosine, 2.0 * gamma * sine
                    dp, dq = 2.0 * beta * d_cosine, 2.0 * gamma * d_sine
                    x[i] = q * c[i] + p * s[i]
                    y[i] = q * s[i] - p * c[i]
                    dx[i] = dq * c[i] + dp * s[i] - v[i] * y[i]
                    dy[i] = dq * s[i] - dp * c[i] + v[i] * x[i]
                    own[i] = dp * sine + p * d_sine - dq * cosine - q * d_cosine
        if not single:
            for b in prange(blocks):
                for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                    across, along, d_across, d_along = 0.0, 0.0, 0.0, 0.0
                    for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                        j = indices[k]
                        along += a[k] * x[j]
                        across += a[k] * y[j]
                        d_along += a[k] * dx[j]
                        d_across += a[k] * dy[j]
                    turning = v[i] * (c[i] * across - s[i] * along)
                    product[i] = own[i] + turning + c[i] * d_along + s[i] * d_across

    @njit(cache=True, nogil=True, parallel=parallel)
    def descend(
        rows, law, spins, w, spare, m, v,
        rule, lr, beta1, beta2, eps, taken, steps, energies, norms,
    ):  # fmt: skip
        """Take steps of a first-order rule in place, the spins turned to w at both ends.

        ``energies[k]`` and ``norms[k]`` are energy and squared gradient norm before step k;
        ``spare`` is left with the field before the last one. ``taken`` is [steps so far,
        momentum age]; Nesterov's age starts anew when the energy rises.
        """
        alpha, beta, gamma = law
        c, s, x, y, own, _ = spins
        single = beta == 0.0 and gamma == 0.0
        n = len(w)
        blocks = (n + block - 1) // block
        partial = np.zeros((blocks, 2))
        for step in range(steps):
            taken[0] += 1.0
            taken[1] += 1.0
            inertia = taken[1] / (taken[1] + 3.0) if rule == NESTEROV else beta1
            scale1 = 1.0 / (1.0 - beta1 ** taken[0])
            scale2 = 1.0 / (1.0 - beta2 ** taken[0])
            last = step == steps - 1
            for b in prange(blocks):
                total, norm = 0.0, 0.0
                for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                    along, across = gathered(rows, i, c, s)
                    cosine = c[i] * along + s[i] * across
                    sine = c[i] * across - s[i] * along
                    if single:
                        total += alpha * cosine
                        g = 2.0 * alpha * sine
                        norm += g * g
                        if last:
                            spare[i] = w[i]
                        w[i], m[i], v[i] = update(
                            rule, w[i], g, m[i], v[i], lr, inertia, beta2, eps, scale1, scale2
                        )
                    else:
                        total += (alpha + beta * cosine) * cosine + gamma * sine * sine
                        u, t = alpha + 2.0 * beta * cosine, 2.0 * gamma * sine
                        own[i] = u * sine - t * cosine
                        x[i] = t * c[i] + u * s[i]
                        y[i] = t * s[i] - u * c[i]
                partial[b, 0] = total
                partial[b, 1] = norm
            if not single:
                for b in prange(blocks):
                    norm = 0.0
                    for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                        along, across = gathered(rows, i, x, y)
                        g = own[i] + c[i] * along + s[i] * across
                        norm += g * g
                        if last:
                            spare[i] = w[i]
                        w[i], m[i], v[i] = update(
                            rule, w[i], g, m[i], v[i], lr, inertia, beta2, eps, scale1, scale2
                        )
                    partial[b, 1] = norm
            for b in prange(blocks):
                turn_rows(w, c, s, b * block, min(n, (b + 1) * block))
            energies[step] = in_order(partial[:, 0])
            norms[step] = in_order(partial[:, 1])
            if rule == NESTEROV and step > 0 and energies[step] > energies[step - 1]:
                taken[1] = 0.0

    @njit(cache=True, nogil=True, parallel=parallel)
    def flow(rows, law, spins, w, stage_w, total, drift, torque, dt, steps, inverse_mass, energies):
        """Take RK4 steps of dφ/dt = (ω − ∇E + torque·C)/mass in place, spins turned at both ends.

        ``drift`` is ω; ``energies[k]`` stands before step k.
        """
        alpha, beta, gamma = law
        c, s, x, y, own, around = spins
        single = beta == 0.0 and gamma == 0.0
        n = len(w)
        blocks = (n + block - 1) // block
        partial = np.zeros(blocks)
        for step in range(steps):
            for stage in range(4):
                ahead = dt if stage == 2 else 0.5 * dt
                share = dt / 6.0 if stage == 0 or stage == 3 else dt / 3.0
                for b in prange(blocks):
                    energy = 0.0
                    for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                        along, across = gathered(rows, i, c, s)
                        cosine = c[i] * along + s[i] * across
                        sine = c[i] * across - s[i] * along
                        around[i] = cosine
                        if single:
                            energy += alpha * cosine
                            own[i] = 2.0 * alpha * sine
                        else:
                            energy += (alpha + beta * cosine) * cosine + gamma * sine * sine
                            u, v = alpha + 2.0 * beta * cosine, 2.0 * gamma * sine
                            own[i] = u * sine - v * cosine
                            x[i] = v * c[i] + u * s[i]
                            y[i] = v * s[i] - u * c[i]
                    partial[b] = energy
                for b in prange(blocks):
                    for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                        g = own[i]
                        if not single:
                            along, across = gathered(rows, i, x, y)
                            g += c[i] * along + s[i] * across
                        slope = (drift[i] - g + torque * around[i]) * inverse_mass[i]
                        total[i] = (w[i] if stage == 0 else total[i]) + share * slope
                        stage_w[i] = total[i] if stage == 3 else w[i] + ahead * slope
                        if stage == 3:
                            w[i] = total[i]
                if stage == 0:
                    energies[step] = in_order(partial)
                for b in prange(blocks):
                    turn_rows(stage_w, c, s, b * block, min(n, (b + 1) * block))

    return SimpleNamespace(
        turn=turn, value_and_grad=value_and_grad, drive=drive, hvp=hvp, descend=descend, flow=flow
    )


SERIAL = _compiled(parallel=False, block=512)
PARALLEL = _compiled(parallel=True, block=2048)
