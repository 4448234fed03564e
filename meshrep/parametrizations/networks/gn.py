"""Networks of messages: edges compute messages from both ends, and nodes use the messages.

    m_ij = σ([x_i ‖ x_j ‖ a_ij] M),   x_i′ = σ([x_i ‖ (1/g) Σ_j m_ij] N)

the "GN" of Both, Dehmamy, Long and Yu, "Faster Optimization on Sparse Graphs via Neural
Reparametrization" (Fig. 20), after the edge and node updates of Battaglia et al., "Relational
inductive biases, deep learning, and graph networks" (2018, Algorithm 1). There is no global
attribute, and an edge carries nothing from layer to layer but its weight. An undirected edge sends
a message each way by the same weights of M. The a_ij are in units of their mean size and keep
their signs; if they are equal they are 1, and their row of M is a bias. g is the mean degree, so
that the same start suits sparse and dense graphs.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array
from meshrep.base.rows import kernel_rows
from meshrep.energies.base import Energy
from meshrep.parametrizations.networks.network import Network
from meshrep.parametrizations.networks.passes import (
    ArrayPass,
    DirectedEdges,
    Frame,
    KernelPass,
    Pass,
    Shape,
    in_mean_units,
)


class MessagePassing(Network):
    """A network of edge and node updates, one or several of them, with a linear readout.

    Parameters
    ----------
    layers, hidden, residual, network_start, slope, spread, readout
        Those of every :class:`meshrep.parametrizations.networks.network.Network`. Messages are as
        wide as the layer that they lead to.
    prefit_tol, prefit_steps, prefit_lr
        Those of every network, too.
    """

    kind = "gn"

    @property
    def forms(self) -> tuple[Callable[..., Pass], Callable[..., Pass]]:
        """In array operations, and by kernels."""
        return ArrayMessages, KernelMessages

    def lay_out(self, frame: Frame, energy: Energy) -> Pass:
        """The layers over the edges of the energy's coupling."""
        return self.form(frame)(frame, in_mean_units(energy.coupling))


def _shapes(frame: Frame) -> list[list[Shape]]:
    """Shapes of M and N of every layer."""
    return [[(2 * a + 1, b), (a + b, b)] for a, b in pairwise(frame.widths)]


def _scale(coupling: sparse.csr_array) -> float:
    """1/g; 1 where there is no edge."""
    return coupling.shape[0] / coupling.nnz if coupling.nnz else 1.0


class ArrayMessages(ArrayPass):
    """The layers in array operations, a row for every directed edge."""

    def __init__(self, frame: Frame, coupling: sparse.csr_array) -> None:
        super().__init__(frame, _shapes(frame))
        self.directed = DirectedEdges(coupling, frame.backend)
        self.a, self.scale = frame.backend.asarray(coupling.data), _scale(coupling)

    def forward(self, x: Array, *weights: Array) -> tuple[Array, Any]:
        """[X ‖ S] N, and what leads to S."""
        (edge, node), h, directed = weights, x.shape[1], self.directed
        to, sent = x @ edge[:h], x @ edge[h : 2 * h]
        raw = to[directed.rows] + sent[directed.columns] + self.a[:, None] * edge[2 * h]
        bent = self.xp.where(raw > 0, raw, self.slope * raw)
        sums = directed.into_rows.dot(bent) * self.scale
        return x @ node[:h] + sums @ node[h:], (x, raw, sums)

    def backward(self, kept: Any, back: Array, weights: list[Array], grads: list[Array]) -> Array:
        """As :mod:`meshrep.kernels.messages` has it."""
        (edge, node), (edge_grad, node_grad), (x, raw, sums) = weights, grads, kept
        h = x.shape[1]
        node_grad[:h] = x.T @ back
        node_grad[h:] = sums.T @ back
        pull = ((back @ node[h:].T) * self.scale)[self.directed.rows]
        pull = self.xp.where(raw > 0, pull, self.slope * pull)
        to, sent = self.directed.into_rows.dot(pull), self.directed.into_columns.dot(pull)
        edge_grad[:h] = x.T @ to
        edge_grad[h : 2 * h] = x.T @ sent
        edge_grad[2 * h] = self.a @ pull
        return back @ node[:h].T + to @ edge[:h].T + sent @ edge[h : 2 * h].T


class KernelMessages(KernelPass):
    """The same in numba: see :mod:`meshrep.kernels.messages`."""

    def __init__(self, frame: Frame, coupling: sparse.csr_array) -> None:
        from meshrep.kernels import messages

        super().__init__(frame, _shapes(frame), messages)
        n, backend = frame.nodes, frame.backend
        self.arrays = kernel_rows(coupling, backend.dtype)
        self.scale = self.gradient.dtype.type(_scale(coupling))
        self.to, self.sent, self.sums = (
            [backend.empty(n, width) for width in frame.widths[1:]] for _ in range(3)
        )

    def forward(self, k: int, x: np.ndarray, out: np.ndarray) -> None:
        """σ([X ‖ S] N)."""
        edge, node = self.weights_of(k, self.parts)
        to, sent = self.to[k], self.sent[k]
        self.kernels.address(x, edge, self.rows, to, sent)
        self.kernels.collect(
            *self.arrays, x, to, sent, edge, node, self.scale, self.slope, self.rows,
            self.sums[k], out,
        )  # fmt: skip

    def backward(self, k: int, x: np.ndarray, out: np.ndarray) -> None:
        """From D_{k+1} to the gradient in x."""
        edge, node = self.weights_of(k, self.parts)
        back_edge, back_node = self.shares_of(k)
        d, sums = self.outputs[k], self.sums[k]
        self.kernels.return_sums(x, d, node, self.scale, self.rows, back_node, sums)
        self.kernels.return_messages(
            *self.arrays, x, self.to[k], self.sent[k], edge, node, sums, d, self.slope,
            self.rows, out is x, back_edge, out,
        )  # fmt: skip
