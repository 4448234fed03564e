"""Sweeps over unit vectors x_i ∈ R^h that represent phases, with replicas side by side.

The lifted energy is that of phases, with y_i = D^½ x_i in place of (cos φ_i, sin φ_i),

    E = Σ_i α C_i + (β − γ) C_i² + γ |Z_i|²,   Z_i = Σ_j a_ij y_j,   C_i = y_i·Z_i,

where D = diag(1, 1, s, …, s) weakens the components beyond the second. Each node in turn moves to
the minimum of a linear majorant of its energy on the sphere, and beyond it by over-relaxation:

    x ← (1 − ω) x + ω p/|p|, normalised,   p = λx − ∂E/∂x.

Nodes come sorted by colour: ``bounds[c] … bounds[c+1]`` do not act on each other, so that the
order within a colour has no effect, and threads may share it. The vectors of a node are stored
flat, as (h, R) for R replicas, so that vector instructions run over the replicas.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np
from numba import prange

from meshrep.kernels.compiling import kernel

TINY = 1e-30  # avoids 0/0 at a node on which nothing acts


@cache
def compiled(h: int, alone: bool, parallel: bool) -> SimpleNamespace:
    """The sweeps in R^h, for one replica (scalar code) or many (a loop over them that vectorises).

    A thread treats ``block`` nodes at a time, and numba's cache distinguishes the versions by it.
    """
    block = 2048 if parallel else 1 << 40
    one, two, wide = np.uint64(1), np.uint64(2), np.uint64(h)

    @kernel(parallel=parallel, fastmath=True, error_model="numpy")
    def pull(rows, bounds, x, replicas, shrink, over):
        """A sweep for each entry s of ``shrink`` and ω of ``over``, with p = D Σ_j a_ij x_j; λ = 0.

        ``rows`` is (indptr, indices, a) with a = −2αJ; x (n·h·R,) changes in place.
        """
        indptr, indices, a = rows
        r = one if alone else np.uint64(replicas)
        row = r * wide
        kind = x.dtype.type
        tiny = kind(TINY)
        for step in range(len(shrink)):
            s, back, ahead = kind(shrink[step]), kind(1.0 - over[step]), kind(over[step])
            for part in range(len(bounds) - 1):
                begin, end = bounds[part], bounds[part + 1]
                for b in prange((end - begin + block - 1) // block):
                    z, scale = np.empty(row, x.dtype), np.empty(r, x.dtype)
                    first, last = begin + b * block, min(end, begin + (b + 1) * block)
                    for i in range(np.uint64(first), np.uint64(last)):
                        for c in range(row):
                            z[c] = kind(0.0)
                        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + one])):
                            w, j = a[k], np.uint64(indices[k]) * row
                            for c in range(row):
                                z[c] += w * x[j + c]
                        for c in range(two * r, row):
                            z[c] *= s
                        own = i * row
                        for q in range(r):
                            square = tiny
                            for c in range(wide):
                                square += z[c * r + q] ** 2
                            length = ahead / np.sqrt(square)
                            square = tiny
                            for c in range(wide):
                                y = back * x[own + c * r + q] + length * z[c * r + q]
                                z[c * r + q] = y
                                square += y * y
                            scale[q] = kind(1.0) / np.sqrt(square)
                        for c in range(wide):
                            for q in range(r):
                                x[own + c * r + q] = scale[q] * z[c * r + q]

    @kernel(parallel=parallel, fastmath=True, error_model="numpy")
    def descend(rows, bounds, law, squares, x, z, replicas, shrink, over):
        """The same for any α, β, γ: nodes of a colour must be three edges apart or more.

        ``rows`` is (indptr, indices, J), and ``squares`` is Σ_j J_ij² (n,); z (n·h·R,) holds
        Σ_j J_ij x_j and is updated with x. λ = 2γ Σ J² + 2 max(β − γ, 0)(|z_i|² + Σ J²): the first
        term removes a node's own part from the |Z|² of its neighbours, and the second is a bound of
        the convex part of the squares of C.
        """
        indptr, indices, a = rows
        r = one if alone else np.uint64(replicas)
        row = r * wide
        kind = x.dtype.type
        tiny = kind(TINY)
        alpha, gamma2 = kind(law[0]), kind(2.0 * law[2])
        steep2 = kind(2.0 * (law[1] - law[2]))
        convex2 = max(steep2, kind(0.0))
        for step in range(len(shrink)):
            s, back, ahead = kind(shrink[step]), kind(1.0 - over[step]), kind(over[step])
            for part in range(len(bounds) - 1):
                begin, end = bounds[part], bounds[part + 1]
                for b in prange((end - begin + block - 1) // block):
                    p, u = np.empty(row, x.dtype), np.empty(r, x.dtype)
                    first, last = begin + b * block, min(end, begin + (b + 1) * block)
                    for i in range(np.uint64(first), np.uint64(last)):
                        own = i * row
                        for q in range(r):
                            inner, square = kind(0.0), squares[i]
                            for c in range(wide):
                                d = kind(1.0) if c < two else s
                                at = own + c * r + q
                                inner += d * x[at] * z[at]
                                square += z[at] ** 2
                            at = alpha + steep2 * inner
                            shift = gamma2 * squares[i] + convex2 * square
                            for c in range(wide):
                                d = kind(1.0) if c < two else s
                                m = c * r + q
                                p[m] = shift * x[own + m] - d * at * z[own + m]
                        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + one])):
                            w, j = a[k], np.uint64(indices[k]) * row
                            for q in range(r):
                                inner = kind(0.0)
                                for c in range(wide):
                                    d = kind(1.0) if c < two else s
                                    inner += d * x[j + c * r + q] * z[j + c * r + q]
                                u[q] = alpha + steep2 * inner
                            for c in range(wide):
                                d = w if c < two else w * s
                                for q in range(r):
                                    at = c * r + q
                                    p[at] -= d * (u[q] * x[j + at] + gamma2 * z[j + at])
                        for q in range(r):
                            square = tiny
                            for c in range(wide):
                                square += p[c * r + q] ** 2
                            length = ahead / np.sqrt(square)
                            square = tiny
                            for c in range(wide):
                                y = back * x[own + c * r + q] + length * p[c * r + q]
                                p[c * r + q] = y
                                square += y * y
                            u[q] = kind(1.0) / np.sqrt(square)
                        for c in range(wide):
                            for q in range(r):
                                y = u[q] * p[c * r + q]
                                p[c * r + q] = y - x[own + c * r + q]
                                x[own + c * r + q] = y
                        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + one])):
                            w, j = a[k], np.uint64(indices[k]) * row
                            for c in range(row):
                                z[j + c] += w * p[c]

    return SimpleNamespace(pull=pull, descend=descend)
