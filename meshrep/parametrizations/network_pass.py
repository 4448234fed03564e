"""The pass of a graph network and its pullback, by array operations and by kernels.

    X₀ = z,   X_l = σ(P X_{l−1} W_l),   F(z, θ) = u (X_L R + z R₀ + offset)

:class:`ArrayPass` is the formula over NumPy arrays and torch tensors alike; :class:`KernelPass`
the same in numba, which allocates nothing that grows with the number of nodes. Both are written
by hand, so that no graph of the computation is recorded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from meshrep.backends import Array, Backend

PARALLEL_FROM = 20_000  # nodes from which threads pay; below it several solvers may run at once


class ArrayPass:
    """The network in the back end's array operations.

    Parameters
    ----------
    shapes : list of (rows, columns)
        Those of z, W_1 … W_L, R and, with the residual, R₀.
    residual : bool
        Whether the last of them is R₀.
    matrix : (n, n) sparse or None
        The symmetric P; None for the identity.
    slope : float
        Slope of σ left of 0, in [0, 1].
    unit : float
        u.
    backend : Backend
        Where it runs.
    """

    kernels: Any = None

    def __init__(
        self,
        shapes: list[tuple[int, int]],
        residual: bool,
        matrix: sparse.csr_array | None,
        slope: float,
        unit: float,
        backend: Backend,
    ) -> None:
        self.shapes, self.residual = shapes, residual
        self.layers = len(shapes) - 2 - residual
        self.slope, self.unit, self.xp = slope, unit, backend.xp
        self.gradient = backend.zeros(sum(rows * columns for rows, columns in shapes))
        self.gradients = self.split(self.gradient)
        self.offset = backend.zeros(shapes[0][0], shapes[-1][1])
        self._lay_out(matrix, backend)

    def _lay_out(self, matrix: sparse.csr_array | None, backend: Backend) -> None:
        self.matrix = None if matrix is None else backend.sparse(matrix)

    def split(self, flat: Array) -> list[Array]:
        """Views of flat parameters: z, W_1 … W_L, R and, with the residual, R₀."""
        views, begun = [], 0
        for rows, columns in self.shapes:
            views.append(flat[begun : begun + rows * columns].reshape(rows, columns))
            begun += rows * columns
        return views

    def output(self, params: Array) -> Array:
        """F (n, d), which the next call may overwrite; remembers what the pullback needs."""
        z, *weights = self.parts = self.split(params)
        layer, self.mixed, self.inputs = z, [], []
        for weight in weights[: self.layers]:
            spread = layer if self.matrix is None else self.matrix @ layer
            mixed = spread @ weight
            self.inputs.append(spread)
            self.mixed.append(mixed)
            layer = self.xp.maximum(mixed, self.slope * mixed)
        self.last = layer
        w = layer @ weights[self.layers]
        if self.residual:
            w = w + z @ weights[-1]
        w += self.offset
        return w * self.unit

    def pull_back(self, g: Array) -> Array:
        """The gradient in the parameters, from that in the output (n, d)."""
        L, g = self.layers, g * self.unit
        z, *weights = self.parts
        grad_z, *grads = self.gradients
        grads[L][:] = self.last.T @ g
        back = g @ weights[L].T
        for k in range(L - 1, -1, -1):
            back = self.xp.where(self.mixed[k] > 0, back, self.slope * back)
            grads[k][:] = self.inputs[k].T @ back
            back = back @ weights[k].T
            if self.matrix is not None:
                back = self.matrix @ back  # P is symmetric
        grad_z[:] = back
        if self.residual:
            grads[-1][:] = z.T @ g
            grad_z += g @ weights[-1].T
        return self.gradient


class KernelPass(ArrayPass):
    """The network in numba: see :mod:`meshrep.kernels.network`."""

    def _lay_out(self, matrix: sparse.csr_array | None, backend: Backend) -> None:
        from meshrep.kernels import network

        n, d = self.offset.shape
        self.kernels = network.PARALLEL if n >= PARALLEL_FROM else network.SERIAL
        self.rows = network.block_rows(n)
        blocks = -(-n // self.rows)
        P = backend.sparse(sparse.eye_array(n, format="csr") if matrix is None else matrix)
        self.arrays = P.indptr.astype(np.uint32), P.indices.astype(np.uint32), P.data
        number = self.gradient.dtype.type
        self.slope, self.unit = number(self.slope), number(self.unit)
        inner = self.shapes[1 : self.layers + 1]
        self.outputs = [backend.empty(n, columns) for _, columns in inner]
        self.field = backend.empty(n, d)
        self.shares = [backend.zeros(blocks, *shape) for shape in self.shapes[1:]]
        if not self.residual:
            self.none = backend.zeros(self.shapes[0][1], 0), backend.zeros(blocks, 0, 0)

    def output(self, params: np.ndarray) -> np.ndarray:
        """F (n, d), which the next call overwrites."""
        z, *weights = self.parts = self.split(params)
        x = z
        for weight, out in zip(weights[: self.layers - 1], self.outputs, strict=False):
            self.kernels.forward(*self.arrays, x, weight, self.slope, self.rows, out)
            x = out
        L = self.layers
        through = weights[-1] if self.residual else self.none[0]
        self.kernels.read(
            *self.arrays, x, weights[L - 1], self.slope, self.rows, self.outputs[-1],
            weights[L], through, z, self.offset, self.unit, self.field,
        )  # fmt: skip
        return self.field

    def pull_back(self, g: np.ndarray) -> np.ndarray:
        """The gradient in the parameters, once for every output: it is made in its place."""
        g = np.ascontiguousarray(g, self.field.dtype)  # a user's energy may give another
        z, *weights = self.parts
        L, xs, shares = self.layers, self.outputs, self.shares
        through = weights[-1] if self.residual else self.none[0]
        throughs = shares[-1] if self.residual else self.none[1]
        self.kernels.unread(
            xs[-1], weights[L], through, z, g, self.unit, self.slope, self.rows,
            shares[L], throughs,
        )  # fmt: skip
        for k in range(L - 1, 0, -1):
            self.kernels.backward(
                *self.arrays, xs[k], xs[k - 1], weights[k], self.slope, self.rows, shares[k]
            )
        self.kernels.latents(
            *self.arrays, xs[0], z, weights[0], self.rows, shares[0],
            g, self.unit, through, self.gradients[0],
        )  # fmt: skip
        for share, gradient in zip(shares, self.gradients[1:], strict=True):
            share.sum(axis=0, out=gradient)
        return self.gradient
