"""Monte Carlo sweeps over oscillators: spins (cos φ, sin φ), all sites of a colour at a time.

    E(φ) = Σ_i α C_i + β C_i² + γ S_i²,
    C_i = Σ_j a_ij cos(φ_j − φ_i),   S_i = Σ_j a_ij sin(φ_j − φ_i)

Sites of one colour do not act on each other, so that a colour is swept in blocks. First what acts
on each site is gathered. Then a loop without branches decides for the whole block: the compiler
turns it into vector instructions, since ``error_model="numpy"`` leaves out the check of divisors.
Last the block is written back. Sites are numbered by colour: ``starts[k] … starts[k + 1]`` have the
colour k.

Random numbers are a hash of (key, sweep, site), so that neither threads nor the length of a call
change a result. A turn by an angle is computed from t = tan(angle / 2), as (1 − t², 2t) / (1 + t²),
which needs no sine.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels.compiling import kernel

UNIT = 2.0**-32
TINY = 1e-300
FRESH = 256  # sweeps after which C and S are computed again


@njit(error_model="numpy", forceinline=True)
def draw(key, count):
    """Two numbers in (0, 1), the pair ``count`` of a key: splitmix64 (Steele et al. 2014)."""
    z = key + count * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    high, low = z >> np.uint64(32), z & np.uint64(0xFFFFFFFF)
    return (np.float64(high) + 0.5) * UNIT, (np.float64(low) + 0.5) * UNIT


@njit(error_model="numpy", forceinline=True)
def decay(x):
    """exp(−x) for x ≥ 0 to 2e-5, and to 1e-9 for x ≤ 5; constant for x ≥ 40.

    Padé's (3, 3) approximation of exp(−x / 32), raised to the power 32.
    """
    z = min(x, 40.0) * 0.03125
    even, odd = 120.0 + 12.0 * z * z, z * (60.0 + z * z)
    r = (even - odd) / (even + odd)
    r *= r
    r *= r
    r *= r
    r *= r
    return r * r


@njit(error_model="numpy", forceinline=True)
def seen(p, q, x, y, u, v):
    """x cos φ + y sin φ + u cos 2φ + v sin 2φ at (cos φ, sin φ) = (p, q)."""
    return x * p + y * q + u * (p - q) * (p + q) + 2.0 * v * p * q


@njit(error_model="numpy", forceinline=True)
def turned(p, q, t):
    """The spin (p, q) turned by 2 arctan t."""
    over = 1.0 / (1.0 + t * t)
    cosine, sine = (1.0 - t * t) * over, 2.0 * t * over
    return p * cosine - q * sine, q * cosine + p * sine


@njit(error_model="numpy", forceinline=True)
def lowered(p, q, x, y, u, v, least):
    """(p, q) after a Newton step on :func:`seen`, where its curvature is at least ``least``."""
    cos2, sin2 = (p - q) * (p + q), 2.0 * p * q
    slope = y * p - x * q + 2.0 * (v * cos2 - u * sin2)
    bend = -(x * p + y * q) - 4.0 * (u * cos2 + v * sin2)
    return turned(p, q, -0.5 * slope / max(bend, least))


@njit(error_model="numpy", forceinline=True)
def bottom(x, y, u, v):
    """A spin near the minimum of :func:`seen`: that of the better harmonic, improved by Newton."""
    single, double = np.sqrt(x * x + y * y), np.sqrt(u * u + v * v)
    size = -1.0 / max(single, TINY)
    p1, q1 = x * size, y * size
    share = u / max(double, TINY)
    p2, q2 = np.sqrt(max(0.5 - 0.5 * share, 0.0)), np.sqrt(max(0.5 + 0.5 * share, 0.0))
    q2 = -q2 if v > 0.0 else q2
    against = -1.0 if p2 * x + q2 * y > 0.0 else 1.0
    p2, q2 = against * p2, against * q2
    first = seen(p1, q1, x, y, u, v) < seen(p2, q2, x, y, u, v)
    p = p1 if first else p2
    q = q1 if first else q2
    least = 0.1 * (single + 4.0 * double) + TINY
    p, q = lowered(p, q, x, y, u, v, least)
    return lowered(p, q, x, y, u, v, least)


def _compiled(parallel: bool, block: int) -> SimpleNamespace:
    """The sweeps, with threads or without, and with ``block`` sites at a time.

    The two must differ in ``block``, as in :mod:`meshrep.kernels.heat`. It changes no result.
    """

    @kernel(parallel=parallel, error_model="numpy")
    def heat_bath(indptr, indices, a, starts, c, s, temperatures, key, first, reflections):
        """Sweeps of −Σ_edges a_ij cos(φ_i − φ_j), one for each temperature, with its reflections.

        A site in the field h draws a new angle from h. tan(angle / 2) is drawn from Student's
        t-distribution with two degrees of freedom, whose density and distribution are algebraic and
        which is as wide as exp(|h| cos(angle) / T). The rule of Metropolis and Hastings makes the
        draw exact. Reflections about h (Creutz 1987) keep the energy.
        """
        for sweep in range(len(temperatures)):
            inverse = 1.0 / max(temperatures[sweep], TINY)
            for turn in range(1 + reflections):
                for colour in range(len(starts) - 1):
                    begin, end = starts[colour], starts[colour + 1]
                    for b in prange((end - begin + block - 1) // block):
                        x, y = np.empty(block), np.empty(block)
                        low = np.uint64(begin + b * block)
                        size = np.uint64(min(block, end - begin - b * block))
                        for i in range(size):
                            hx, hy = 0.0, 0.0
                            row = low + i
                            for k in range(
                                np.uint64(indptr[row]), np.uint64(indptr[row + np.uint64(1)])
                            ):
                                hx += a[k] * c[indices[k]]
                                hy += a[k] * s[indices[k]]
                            x[i], y[i] = hx, hy
                        if turn > 0:
                            for i in range(size):
                                p, q = c[low + i], s[low + i]
                                f = 2.0 * (x[i] * p + y[i] * q)
                                f /= max(x[i] * x[i] + y[i] * y[i], TINY)
                                c[low + i] = f * x[i] - p
                                s[low + i] = f * y[i] - q
                            continue
                        count = np.uint64(first + sweep) * np.uint64(len(c)) + low
                        for i in range(size):
                            u, v = draw(key, count + i)
                            p, q = c[low + i], s[low + i]
                            h = np.sqrt(x[i] * x[i] + y[i] * y[i])
                            hx, hy = x[i] / max(h, TINY), y[i] / max(h, TINY)
                            sharp = h * inverse
                            # tan² = m² / narrow
                            m = 2.0 * u - 1.0
                            width = sharp + 0.5
                            narrow = 4.0 * width * u * (1.0 - u)
                            over = 1.0 / (narrow + m * m)
                            new = (narrow - m * m) * over
                            old = min(max(hx * p + hy * q, -1.0), 1.0)
                            ratio = (1.0 + new + (1.0 - new) * width) / (
                                1.0 + old + (1.0 - old) * width
                            )
                            ratio *= np.sqrt(ratio * (1.0 + old) / max(1.0 + new, TINY))
                            gain = sharp * (new - old)
                            taken = v * decay(max(gain, 0.0)) < ratio * decay(max(-gain, 0.0))
                            across = 2.0 * m * np.sqrt(narrow) * over
                            c[low + i] = hx * new - hy * across if taken else p
                            s[low + i] = hy * new + hx * across if taken else q

    @kernel(parallel=parallel, error_model="numpy")
    def fields(indptr, indices, a, c, s, C, S):
        """Compute C and S of the spins."""
        for i in prange(len(c)):
            x, y = 0.0, 0.0
            for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
                x += a[k] * c[indices[k]]
                y += a[k] * s[indices[k]]
            C[i], S[i] = c[i] * x + s[i] * y, c[i] * y - s[i] * x

    @kernel(parallel=parallel, error_model="numpy")
    def metropolis(
        indptr, indices, a, law, starts, c, s, C, S, temperatures, key, first, reflections
    ):  # fmt: skip
        """Sweeps for any law, one for each temperature, with its reflections; C and S are updated.

        As a function of one site the energy is :func:`seen`. Its trials are a turn within a window
        as wide as the temperature over the curvature, and a reflection about :func:`bottom`, which
        does not depend on the spin itself. Sites of a colour must be three edges apart or more.
        """
        alpha, beta, gamma = law
        square = 0.5 * (beta - gamma)
        rounds = np.uint64(1 + reflections)
        for sweep in range(len(temperatures)):
            inverse = 1.0 / max(temperatures[sweep], TINY)
            if (first + sweep) % FRESH == 0:
                fields(indptr, indices, a, c, s, C, S)
            for turn in range(rounds):
                series = np.uint64(first + sweep) * rounds + turn
                for colour in range(len(starts) - 1):
                    begin, end = starts[colour], starts[colour + 1]
                    for b in prange((end - begin + block - 1) // block):
                        x, y, u, v = (
                            np.empty(block), np.empty(block), np.empty(block), np.empty(block),
                        )  # fmt: skip
                        cosine, sine = np.empty(block), np.empty(block)
                        low = np.uint64(begin + b * block)
                        size = np.uint64(min(block, end - begin - b * block))
                        for i in range(size):
                            row = low + i
                            p, q = c[row], s[row]
                            hx, hy = C[row] * p - S[row] * q, S[row] * p + C[row] * q
                            px, py = 2.0 * alpha * hx, 2.0 * alpha * hy
                            cos2, sin2 = (hx - hy) * (hx + hy), 2.0 * hx * hy
                            for k in range(
                                np.uint64(indptr[row]), np.uint64(indptr[row + np.uint64(1)])
                            ):
                                j, g = indices[k], a[k]
                                cj, sj = c[j], s[j]
                                along = 2.0 * beta * g * (C[j] - g * (p * cj + q * sj))
                                across = 2.0 * gamma * g * (S[j] - g * (q * cj - p * sj))
                                px += along * cj - across * sj
                                py += along * sj + across * cj
                                cos2 += g * g * (cj - sj) * (cj + sj)
                                sin2 += 2.0 * g * g * cj * sj
                            x[i], y[i], u[i], v[i] = px, py, square * cos2, square * sin2
                        count = np.uint64(2) * (series * np.uint64(len(c)) + low)
                        for i in range(size):
                            p, q = c[low + i], s[low + i]
                            if turn == 0:
                                place, luck = draw(key, count + np.uint64(2) * i)
                                steep = np.sqrt(x[i] * x[i] + y[i] * y[i])
                                steep += 4.0 * np.sqrt(u[i] * u[i] + v[i] * v[i])
                                t = (2.0 * place - 1.0) / np.sqrt(1.0 + 0.5 * steep * inverse)
                                p1, q1 = turned(p, q, t)
                                rise = seen(p1, q1, x[i], y[i], u[i], v[i])
                                rise -= seen(p, q, x[i], y[i], u[i], v[i])
                                taken = luck < decay(max(rise * inverse, 0.0))
                                p, q = (p1, q1) if taken else (p, q)
                            cosine[i], sine[i] = p, q
                        for i in range(size):
                            p, q = cosine[i], sine[i]
                            luck, _ = draw(key, count + np.uint64(2) * i + np.uint64(1))
                            ax, ay = bottom(x[i], y[i], u[i], v[i])
                            f = 2.0 * (ax * p + ay * q)
                            p1, q1 = f * ax - p, f * ay - q
                            rise = seen(p1, q1, x[i], y[i], u[i], v[i])
                            rise -= seen(p, q, x[i], y[i], u[i], v[i])
                            taken = luck < decay(max(rise * inverse, 0.0))
                            cosine[i] = p1 if taken else p
                            sine[i] = q1 if taken else q
                        for i in range(size):
                            row = low + i
                            p, q = c[row], s[row]
                            p1, q1 = cosine[i], sine[i]
                            dc, ds = p1 - p, q1 - q
                            hx, hy = C[row] * p - S[row] * q, S[row] * p + C[row] * q
                            c[row], s[row] = p1, q1
                            C[row], S[row] = p1 * hx + q1 * hy, p1 * hy - q1 * hx
                            for k in range(
                                np.uint64(indptr[row]), np.uint64(indptr[row + np.uint64(1)])
                            ):
                                j = indices[k]
                                C[j] += a[k] * (dc * c[j] + ds * s[j])
                                S[j] += a[k] * (ds * c[j] - dc * s[j])

    return SimpleNamespace(heat_bath=heat_bath, metropolis=metropolis, fields=fields)


SERIAL = _compiled(parallel=False, block=512)
PARALLEL = _compiled(parallel=True, block=1024)
