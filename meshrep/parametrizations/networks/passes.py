"""What the passes of every graph network share: the stack of layers, the readout, the pullback.

    X₀ = z,   X_l = σ(layer_l(X_{l−1})),   F(z, θ) = u (X_L R + z R₀ + offset)

A network is one :class:`ArrayPass`, its formula over NumPy arrays and torch tensors alike, and one
:class:`KernelPass`, the same in numba, which allocates nothing that grows with the number of
nodes. Both are written by hand, so that no graph of the computation is recorded. Networks
differ only in the layer, forward and backward.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Array, Backend

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Frame:
    """What a pass is laid out for.

    Attributes
    ----------
    nodes, columns : int
        n and d: the output is (n, d).
    widths : tuple of int
        (h_0, …, h_L).
    residual : bool
        Whether the latents pass to the readout.
    slope : float
        Slope of σ left of 0, in [0, 1].
    unit : float
        u.
    backend : Backend
        Where it runs.
    """

    nodes: int
    columns: int
    widths: tuple[int, ...]
    residual: bool
    slope: float
    unit: float
    backend: Backend


class DirectedEdges:
    """Every edge in both directions: the entries (i, j) of a matrix (n, n) of symmetric pattern.

    ``rows`` i and ``columns`` j are the nodes of each entry; ``into_rows.dot(values)`` and
    ``into_columns.dot(values)`` sum the values of entries, (entries, h), at each node, (n, h).
    """

    def __init__(self, matrix: sparse.csr_array, backend: Backend) -> None:
        n, each = matrix.shape[0], np.arange(matrix.nnz)
        rows, columns = np.repeat(np.arange(n), np.diff(matrix.indptr)), matrix.indices
        self.rows, self.columns = backend.index(rows), backend.index(columns)
        self.into_rows, self.into_columns = (
            backend.sparse(sparse.csr_array((np.ones(len(each)), (to, each)), (n, len(each))))
            for to in (rows, columns)
        )


def in_mean_units(coupling: sparse.csr_array) -> sparse.csr_array:
    """A coupling (n, n) in units of its mean size, without its diagonal and zeros.

    >>> in_mean_units(sparse.csr_array([[0.0, 3.0], [3.0, 0.0]])).toarray()
    array([[0., 1.],
           [1., 0.]])
    """
    edges = sparse.coo_array(coupling, dtype=np.float64)
    i, j = edges.coords
    kept = (i != j) & (edges.data != 0)
    a = edges.data[kept]
    a = a / np.abs(a).mean() if len(a) else a
    matrix = sparse.csr_array((a, (i[kept], j[kept])), shape=edges.shape)
    matrix.sort_indices()
    return matrix


class Pass(ABC):
    """A network's parameters laid out flat, its output and the pullback.

    ``offset`` (n, d), in the unit, is added to the output. ``kernels`` are those of
    :mod:`meshrep.kernels.network` and the network's own, or None.

    Parameters
    ----------
    frame : Frame
        What it is laid out for.
    inner : list of lists of shapes
        Shapes of the weights of each layer; every layer has the same number of them.
    """

    kernels: Any = None

    def __init__(self, frame: Frame, inner: list[list[Shape]]) -> None:
        first, last, d = frame.widths[0], frame.widths[-1], frame.columns
        self.inner = [shape for layer in inner for shape in layer]
        ends = [(last, d)] + [(first, d)] * frame.residual
        self.shapes: list[Shape] = [(frame.nodes, first), *self.inner, *ends]
        self.layers, self.residual = len(inner), frame.residual
        self.each, self.at_readout = len(inner[0]), 1 + len(self.inner)
        self.slope, self.unit, self.xp = frame.slope, frame.unit, frame.backend.xp
        self.gradient = frame.backend.zeros(sum(int(np.prod(shape)) for shape in self.shapes))
        self.gradients = self.split(self.gradient)
        self.offset = frame.backend.zeros(frame.nodes, d)

    @property
    def named(self) -> Mapping[str, Shape]:
        """The shapes by the names that modules give to the parts."""
        inner = [f"layer_{k + 1}_{j + 1}" for k in range(self.layers) for j in range(self.each)]
        names = ["latents", *inner, "readout", *["through"] * self.residual]
        return dict(zip(names, self.shapes, strict=True))

    def split(self, flat: Array) -> list[Array]:
        """Views of flat parameters: z, the weights of the layers, R and, with the residual, R₀."""
        views, begun = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            views.append(flat[begun : begun + size].reshape(shape))
            begun += size
        return views

    def weights_of(self, k: int, parts: Sequence[Array]) -> list[Array]:
        """The parts of layer k = 0 … L − 1, out of all parts as :meth:`split` returns them."""
        return list(parts[1 + k * self.each : 1 + (k + 1) * self.each])

    @abstractmethod
    def output(self, params: Array) -> Array:
        """F (n, d), which the next call may overwrite; remembers what the pullback needs."""

    @abstractmethod
    def pull_back(self, g: Array) -> Array:
        """The gradient in the parameters, from that in the output (n, d).

        The next call overwrites it.
        """


class ArrayPass(Pass):
    """A network in the back end's array operations."""

    @abstractmethod
    def forward(self, x: Array, *weights: Array) -> tuple[Array, Any]:
        """A layer of X (n, h), before σ, and what its backward pass needs beside it."""

    @abstractmethod
    def backward(self, kept: Any, back: Array, weights: list[Array], grads: list[Array]) -> Array:
        """The gradient in the layer's input, from that before σ; fills ``grads``."""

    def run(self, parts: Sequence[Array], offset: Array) -> tuple[Array, list[Any], Array]:
        """F (n, d), what each layer keeps with its output before σ, and X_L."""
        x, tape = parts[0], []
        for k in range(self.layers):
            mixed, kept = self.forward(x, *self.weights_of(k, parts))
            tape.append((mixed, kept))
            x = self.xp.where(mixed > 0, mixed, self.slope * mixed)
        w = x @ parts[self.at_readout]
        if self.residual:
            w = w + parts[0] @ parts[-1]
        return (w + offset) * self.unit, tape, x

    def output(self, params: Array) -> Array:
        """F (n, d)."""
        self.parts = self.split(params)
        w, self.tape, self.last = self.run(self.parts, self.offset)
        return w

    def pull_back(self, g: Array) -> Array:
        """The gradient in the parameters, from that in the output (n, d)."""
        g = g * self.unit
        parts, grads = self.parts, self.gradients
        grads[self.at_readout][:] = self.last.T @ g
        back = g @ parts[self.at_readout].T
        for k in range(self.layers - 1, -1, -1):
            mixed, kept = self.tape[k]
            back = self.xp.where(mixed > 0, back, self.slope * back)
            back = self.backward(kept, back, self.weights_of(k, parts), self.weights_of(k, grads))
        grads[0][:] = back
        if self.residual:
            grads[-1][:] = parts[0].T @ g
            grads[0] += g @ parts[-1].T
        return self.gradient


class KernelPass(Pass):
    """A network in numba.

    Parameters
    ----------
    frame, inner
        As :class:`Pass` has.
    compiled : module
        With the kernels as ``SERIAL`` and ``PARALLEL``.
    """

    def __init__(self, frame: Frame, inner: list[list[Shape]], compiled: ModuleType) -> None:
        super().__init__(frame, inner)
        from meshrep.kernels.network import block_rows

        n, backend = frame.nodes, frame.backend
        self.kernels = compiled.PARALLEL if n >= limits.THREADS_FROM else compiled.SERIAL
        self.rows = block_rows(n)
        blocks = -(-n // self.rows)
        number = self.gradient.dtype.type
        self.slope, self.unit = number(self.slope), number(self.unit)
        self.outputs = [backend.empty(n, width) for width in frame.widths[1:]]
        self.field = backend.empty(n, frame.columns)
        self.shares = [backend.zeros(blocks, *shape) for shape in self.shapes[1:]]
        if not self.residual:
            self.no_residual = backend.zeros(frame.widths[0], 0), backend.zeros(blocks, 0, 0)

    @abstractmethod
    def forward(self, k: int, x: np.ndarray, out: np.ndarray) -> None:
        """X_{k+1} (n, h) from X_k, with the layer k; σ included."""

    @abstractmethod
    def backward(self, k: int, x: np.ndarray, out: np.ndarray) -> None:
        """The gradient in x = X_k, from that before σ of the layer k, which ``outputs[k]`` holds.

        If ``out`` is x itself, the gradient is also taken back through the σ before x. The
        blocks' parts of the gradients of weights go to ``shares_of(k)``.
        """

    def shares_of(self, k: int) -> list[np.ndarray]:
        """The blocks' parts of the gradients of the layer's weights."""
        return self.shares[k * self.each : (k + 1) * self.each]

    @property
    def through(self) -> np.ndarray:
        """R₀; it has no columns if there is no residual."""
        return self.parts[-1] if self.residual else self.no_residual[0]

    def last_layer_and_readout(self, x: np.ndarray) -> None:
        """The last layer and the readout."""
        self.forward(self.layers - 1, x, self.outputs[-1])
        self.kernels.read(
            self.outputs[-1], self.parts[self.at_readout], self.through, self.parts[0],
            self.offset, self.unit, self.rows, self.field,
        )  # fmt: skip

    def first_layer_back(self, g: np.ndarray) -> None:
        """The backward pass from the first layer to the latents."""
        self.backward(0, self.parts[0], self.gradients[0])
        if self.residual:
            self.kernels.pass_through(g, self.unit, self.through, self.rows, self.gradients[0])

    def output(self, params: np.ndarray) -> np.ndarray:
        """F (n, d), which the next call overwrites."""
        self.parts = self.split(params)
        x = self.parts[0]
        for k, out in enumerate(self.outputs[:-1]):
            self.forward(k, x, out)
            x = out
        self.last_layer_and_readout(x)
        return self.field

    def pull_back(self, g: np.ndarray) -> np.ndarray:
        """The gradient in the parameters; once for every output, whose arrays it overwrites."""
        g = np.ascontiguousarray(g, self.field.dtype)  # a user's energy may give another
        throughs = self.shares[-1] if self.residual else self.no_residual[1]
        self.kernels.unread(
            self.outputs[-1], self.parts[self.at_readout], self.through, self.parts[0], g,
            self.unit, self.slope, self.rows, self.shares[self.at_readout - 1], throughs,
        )  # fmt: skip
        for k in range(self.layers - 1, 0, -1):
            self.backward(k, self.outputs[k - 1], self.outputs[k - 1])
        self.first_layer_back(g)
        for share, gradient in zip(self.shares, self.gradients[1:], strict=True):
            share.sum(axis=0, out=gradient)
        return self.gradient
