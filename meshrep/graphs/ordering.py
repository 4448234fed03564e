"""A new numbering of a graph's nodes, so that neighbours are close to each other in memory."""

from __future__ import annotations

import time
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

from meshrep.base import limits
from meshrep.base.arrays import read_only
from meshrep.graphs.graph import Graph

LINE = 8  # numbers of a field in a cache line
WINDOW = 2**14  # rows whose neighbours the cache holds at once, beside other data
SAMPLES = 16  # windows that are measured
POOR = 1.0  # cache lines per row from which another order is tried; a good order has about 1/8
GAIN = 0.5  # share of the cache lines that the other order may need


class Order:
    """A numbering of the nodes of a graph, and how values and matrices follow it.

    Parameters
    ----------
    graph : Graph
    old : (n,) integers
        The node that comes first, second, …: a permutation of 0 … n − 1.
    note : str
        A sentence that says which numbering it is, and why.
    seconds : float
        Time that was spent on finding it.
    """

    def __init__(self, graph: Graph, old: np.ndarray, note: str = "", seconds: float = 0.0) -> None:
        self.old, self.note, self.seconds = old, note, seconds
        self.rank = np.empty(graph.n, dtype=np.int64)
        self.rank[old] = np.arange(graph.n)
        self._graph = graph

    @cached_property
    def _edges(self) -> tuple[np.ndarray, np.ndarray]:
        """The edges (m, 2) in the new numbers, sorted, and the old number of each of them."""
        pairs = self.rank[self._graph.edges]
        pairs.sort(axis=1)
        was = np.argsort(pairs[:, 0] * self._graph.n + pairs[:, 1])
        return pairs[was], was

    @cached_property
    def graph(self) -> Graph:
        """The graph in the new numbering, without points or cells."""
        pairs, was = self._edges
        weights = self._graph.weights[was]
        return Graph(self._graph.n, read_only(pairs), read_only(weights), name=self._graph.name)

    def nodes(self, numbers: np.ndarray) -> np.ndarray:
        """The new numbers of nodes."""
        return self.rank[numbers]

    def moved(self, values: np.ndarray) -> np.ndarray:
        """Values of the nodes (n, …) in the new order."""
        return values if values.strides[:1] == (0,) else values[self.old]

    def back(self, values: np.ndarray) -> np.ndarray:
        """Values of the nodes (n, …) in the new order, returned in the old one."""
        return values[self.rank]

    def edges(self, values: np.ndarray) -> np.ndarray:
        """Values of the edges (m,) in the order of the new graph's edges."""
        return values if values.strides == (0,) else values[self._edges[1]]

    def matrix(self, matrix: sparse.csr_array) -> sparse.csr_array:
        """A matrix (n, n) with rows and columns in the new order."""
        turned = sparse.csr_array(matrix[self.old][:, self.old])
        turned.sort_indices()
        return turned


def locality(matrix: sparse.csr_array, old: np.ndarray | None = None) -> tuple[float, float]:
    """How far apart neighbours are: cache lines per row, and the mean difference of their numbers.

    The first is the number of different cache lines of a field that WINDOW successive rows read,
    divided by WINDOW. It is 1/8 where neighbours are as close as possible, and the degree where
    they are far apart. With ``old`` both are measured in the order in which these nodes come first,
    second, and so on.
    """
    n = matrix.shape[0]
    window = min(WINDOW, n)
    rank = None if old is None else np.argsort(old)
    lines, apart, entries = 0, 0.0, 0
    for begin in np.linspace(0, n - window, SAMPLES).astype(int):
        run = slice(begin, begin + window)
        rows = matrix[run if old is None else old[run]]
        columns = rows.indices if rank is None else rank[rows.indices]
        own = np.repeat(np.arange(begin, begin + window), np.diff(rows.indptr))
        lines += len(np.unique(columns // LINE))
        apart += float(np.abs(columns - own).sum())
        entries += len(columns)
    return lines / (SAMPLES * window), apart / max(entries, 1)


def better_order(graph: Graph, coupling: sparse.csr_array) -> Order | None:
    """An order of the nodes in which kernels run faster; None where the present one is as good.

    The order is kept where the field fits in the cache, where neighbours are close already, and
    where they are far apart in every order, as in an expander.

    Notes
    -----
    Reverse Cuthill–McKee takes about 0.7 s for 10⁶ nodes, and building the new graph takes as long.
    A space-filling curve through the points would take 0.2 s, but needs points.

    References
    ----------
    Cuthill and McKee, "Reducing the bandwidth of sparse symmetric matrices" (1969); George (1971).
    """
    if graph.n < limits.REORDERED_FROM:
        return None
    begun = time.perf_counter()
    lines, apart = locality(coupling)
    if lines < POOR:
        return None
    old = reverse_cuthill_mckee(coupling, symmetric_mode=True)
    fewer, closer = locality(coupling, old)
    if fewer > GAIN * lines:
        return None
    note = (
        "nodes were renumbered by reverse Cuthill–McKee for speed: neighbours lay "
        f"{apart:,.0f} apart, now {closer:,.0f}"
    )
    return Order(graph, old, note, time.perf_counter() - begun)
