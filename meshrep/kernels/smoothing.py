"""Sums of Gaussians over a cloud: out_i = Σ_j k(x_i, y_j) w_j, or that divided by Σ_j k(x_i, y_j).

    k(x, y) = e^{−t},  t = |x − y|²/(2σ²)

Nothing of the size points × centres is stored. ``lanes`` points are treated together by vector
instructions. Each point goes through the centres in order, so that a sum does not depend on the
number of threads. The exponential is a polynomial in t/64 that is squared six times, without
branches or a table. It is 0 for t ≥ 40, where it is smaller than the rounding of 1.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels.compiling import kernel

FAR = 40.0  # e^{−40} = 4e-18

# Taylor coefficients of e^{−s}, with an error of 1e-15 up to s = 40/64.
_C = [(-1.0) ** k / np.prod(np.arange(1.0, k + 1.0)) for k in range(15)]
C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14 = (float(c) for c in _C)


@njit(forceinline=True)
def gaussian(t):
    """e^{−t} for t ≥ 0, with a relative error of 1e-13."""
    s = 0.015625 * min(t, FAR)
    p = C10 + s * (C11 + s * (C12 + s * (C13 + s * C14)))
    p = C5 + s * (C6 + s * (C7 + s * (C8 + s * (C9 + s * p))))
    p = C0 + s * (C1 + s * (C2 + s * (C3 + s * (C4 + s * p))))
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    return p if t < FAR else 0.0


def _compiled(parallel: bool, lanes: int) -> SimpleNamespace:
    """The kernel, with threads or without; numba's cache distinguishes the two by ``lanes``."""

    @kernel(parallel=parallel, fastmath={"contract"}, error_model="numpy")
    def spread(x, centres, weights, sigma, floor, out):
        """Write Σ_j k w_j (n, e), divided by Σ_j k + floor where ``floor`` > 0.

        x is (n, d), ``centres`` (m, d), ``weights`` (m, e).
        """
        n, d = x.shape
        m, e = weights.shape
        scale = np.sqrt(0.5) / sigma
        for b in prange((n + lanes - 1) // lanes):
            begin = b * lanes
            count = min(n - begin, lanes)
            p, t = np.zeros((d, lanes)), np.empty(lanes)
            total, sums = np.zeros(lanes), np.zeros((e, lanes))
            for c in range(d):
                for i in range(count):
                    p[c, i] = scale * x[begin + i, c]
            for j in range(m):
                t[:] = 0.0
                for c in range(d):
                    y, row = scale * centres[j, c], p[c]
                    for i in range(lanes):
                        t[i] += (row[i] - y) ** 2
                for i in range(lanes):
                    t[i] = gaussian(t[i])
                if floor > 0.0:
                    for i in range(lanes):
                        total[i] += t[i]
                for c in range(e):
                    w, row = weights[j, c], sums[c]
                    for i in range(lanes):
                        row[i] += w * t[i]
            for c in range(e):
                for i in range(count):
                    below = total[i] + floor if floor > 0.0 else 1.0
                    out[begin + i, c] = sums[c, i] / below

    return SimpleNamespace(spread=spread)


SERIAL = _compiled(parallel=False, lanes=128)
PARALLEL = _compiled(parallel=True, lanes=256)
