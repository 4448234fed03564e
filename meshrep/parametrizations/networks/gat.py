"""Graph attention networks: layers that average over neighbours by weights that they compute.

    X_l = σ((1/K) Σ_k α^k X_{l−1} W^k),   α^k_ij = softmax_j (λ(a^k · [W^k x_i ‖ W^k x_j]) + b_ij)

over the neighbours j of i and i itself, with λ the LeakyReLU of scores, after Veličković et al.,
"Graph Attention Networks" (ICLR 2018, equations 3 and 6). K heads are averaged. The paper has
edges without weights; here b_ij = log(|a_ij| / mean |a|), so that at equal scores the shares of
neighbours are proportional to their weights. If all weights are equal, b_ij is 0. With b_ii = 0 a
node counts as its own neighbour with the mean weight. Signs of couplings are not used.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Unpack

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array
from meshrep.base.rows import kernel_rows
from meshrep.energies.base import Energy
from meshrep.parametrizations.base import whole
from meshrep.parametrizations.networks.network import Network, Shared
from meshrep.parametrizations.networks.passes import (
    ArrayPass,
    DirectedEdges,
    Frame,
    KernelPass,
    Pass,
    Shape,
    in_mean_units,
)

BENT = 0.2  # slope of λ left of 0, as in the paper


class GraphAttention(Network):
    """A graph attention network of one to several layers with a linear readout.

    Parameters
    ----------
    layers : int, optional
        Number of layers L ≥ 1; by default 1, or what the widths say.
    hidden : int or tuple of int
        Width of the latents and of every layer, or the widths (h_0, …, h_L) one by one.
    heads : int
        Number K ≥ 1 of attentions, each as wide as the layer, over which a layer averages.
    **shared
        What every :class:`meshrep.parametrizations.networks.network.Network` takes: ``residual``,
        ``network_start``, ``slope``, ``spread``, ``readout``, ``prefit_tol``, ``prefit_steps`` and
        ``prefit_lr``.

    Raises
    ------
    InputError
        For widths, layers or heads that are not whole or below 1, widths that contradict layers,
        and unknown words.

    Notes
    -----
    The vector a of a head is kept as two columns (h, 2), one for W x_i and one for W x_j. Their
    products are computed once a node, and only the sums once an edge.
    """

    kind = "gat"

    def __init__(
        self,
        layers: int | None = None,
        hidden: int | tuple[int, ...] = 8,
        *,
        heads: int = 1,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(layers, hidden, **shared)
        self.heads = whole(heads, 1, "the number of heads")

    @property
    def forms(self) -> tuple[Callable[..., Pass], Callable[..., Pass]]:
        """In array operations, and by kernels."""
        return ArrayAttention, KernelAttention

    def lay_out(self, frame: Frame, energy: Energy) -> Pass:
        """The layers over the neighbours in the energy's coupling."""
        return self.form(frame)(frame, self.heads, neighbourhoods(energy.coupling))


def neighbourhoods(coupling: sparse.csr_array) -> sparse.csr_array:
    """The matrix (n, n) of the b_ij. It stores zeros too, since its pattern lists the neighbours.

    >>> path = sparse.csr_array([[0.0, 3.0, 0.0], [3.0, 0.0, -3.0], [0.0, -3.0, 0.0]])
    >>> found = neighbourhoods(path)
    >>> found.indices.tolist(), found.data.tolist()
    ([0, 1, 0, 1, 2, 1, 2], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    """
    edges = sparse.coo_array(in_mean_units(coupling))
    n, (i, j), bias = edges.shape[0], edges.coords, np.log(np.abs(edges.data))
    each = np.arange(n)
    places = np.concatenate([i, each]), np.concatenate([j, each])
    matrix = sparse.csr_array((np.concatenate([bias, np.zeros(n)]), places), shape=(n, n))
    matrix.sort_indices()
    return matrix


def _shapes(frame: Frame, heads: int) -> list[list[Shape]]:
    """Shapes of W and of a of every layer; all heads are in one array."""
    return [[(heads, a, b), (heads, b, 2)] for a, b in pairwise(frame.widths)]


class ArrayAttention(ArrayPass):
    """The layers in array operations, an entry for every directed edge."""

    def __init__(self, frame: Frame, heads: int, neighbours: sparse.csr_array) -> None:
        super().__init__(frame, _shapes(frame, heads))
        backend, degree = frame.backend, np.diff(neighbours.indptr)
        count = neighbours.nnz
        self.directed = DirectedEdges(neighbours, backend)
        self.bias = backend.asarray(neighbours.data)
        self.firsts = backend.index(neighbours.indptr[:-1])
        ends = np.repeat(neighbours.indptr[1:] - 1, degree)
        hops = 2 ** np.arange(int(np.ceil(np.log2(degree.max()))))
        self.hops = [backend.index(np.minimum(np.arange(count) + hop, ends)) for hop in hops]

    def _largest(self, scores: Array) -> Array:
        """Each row's largest entry (n,): the largest of 2, 4, 8 … from each entry onwards."""
        for hop in self.hops:
            scores = self.xp.maximum(scores, scores[hop])
        return scores[self.firsts]

    def _row_sums(self, values: Array) -> Array:
        return self.directed.into_rows.dot(values[:, None])[:, 0]

    def forward(self, x: Array, *weights: Array) -> tuple[Array, Any]:
        """The heads' mean of Σ_j α_ij W x_j, and what leads to it."""
        kept, total, rows, columns = [], 0.0, self.directed.rows, self.directed.columns
        for weight, attention in zip(*weights, strict=True):
            y = x @ weight
            marks = y @ attention
            sums = marks[rows, 0] + marks[columns, 1]
            scores = self.xp.where(sums > 0, sums, BENT * sums) + self.bias
            alpha = self.xp.exp(scores - self._largest(scores)[rows])
            alpha = alpha / self._row_sums(alpha)[rows]
            total = total + self.directed.into_rows.dot(alpha[:, None] * y[columns])
            kept.append((y, sums, alpha))
        return total / len(kept), (x, kept)

    def backward(self, kept: Any, back: Array, weights: list[Array], grads: list[Array]) -> Array:
        """As :mod:`meshrep.kernels.attention` has it."""
        x, kept = kept
        rows, columns, total = self.directed.rows, self.directed.columns, 0.0
        into_columns = self.directed.into_columns
        c = back / len(kept)
        for head, (y, sums, alpha) in enumerate(kept):
            weight, attention = weights[0][head], weights[1][head]
            pull = (c[rows] * y[columns]).sum(1)
            p = alpha * (pull - self._row_sums(alpha * pull)[rows])
            p = self.xp.where(sums > 0, p, BENT * p)
            pair = self.xp.stack([self._row_sums(p), into_columns.dot(p[:, None])[:, 0]], 1)
            given = into_columns.dot(alpha[:, None] * c[rows]) + pair @ attention.T
            grads[0][head][:] = x.T @ given
            grads[1][head][:] = y.T @ pair
            total = total + given @ weight.T
        return total


class KernelAttention(KernelPass):
    """The same in numba: see :mod:`meshrep.kernels.attention`."""

    def __init__(self, frame: Frame, heads: int, neighbours: sparse.csr_array) -> None:
        from meshrep.kernels import attention

        super().__init__(frame, _shapes(frame, heads), attention)
        n, backend, number = frame.nodes, frame.backend, self.gradient.dtype.type
        count = neighbours.nnz
        each = sparse.csr_array((np.arange(count), neighbours.indices, neighbours.indptr), (n, n))
        self.pattern = kernel_rows(each)[:2]
        self.mirror = sparse.csr_array(each.T).data.astype(np.uint32)
        self.bias = backend.asarray(neighbours.data)
        self.bent, self.part = number(BENT), number(1 / heads)
        self.spread = [backend.empty(heads, n, width) for width in frame.widths[1:]]
        self.marks = [backend.empty(heads, n, 2) for _ in self.spread]
        self.alpha = [backend.empty(heads, count) for _ in self.spread]
        self.pulls, self.own = backend.empty(heads, count), backend.empty(heads, n)

    def forward(self, k: int, x: np.ndarray, out: np.ndarray) -> None:
        """σ of the heads' mean."""
        spread, marks = self.spread[k], self.marks[k]
        self.kernels.project(x, *self.weights_of(k, self.parts), self.rows, spread, marks)
        self.kernels.attend(
            *self.pattern, self.bias, spread, marks, self.bent, self.slope, self.part, self.rows,
            self.alpha[k], out,
        )  # fmt: skip

    def backward(self, k: int, x: np.ndarray, out: np.ndarray) -> None:
        """From D_{k+1} to the gradient in x."""
        spread, alpha, d = self.spread[k], self.alpha[k], self.outputs[k]
        self.kernels.weigh(
            *self.pattern, spread, self.marks[k], alpha, d, self.bent, self.part, self.rows,
            self.pulls, self.own,
        )  # fmt: skip
        self.kernels.unproject(
            *self.pattern, self.mirror, x, *self.weights_of(k, self.parts), spread, alpha,
            self.pulls, self.own, d, self.part, self.slope, self.rows, out is x,
            *self.shares_of(k), out,
        )  # fmt: skip
