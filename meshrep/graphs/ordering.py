"""Another numbering of a graph's nodes, in which neighbours lie close to one another in memory."""

from __future__ import annotations

import time
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

from meshrep.base import limits
from meshrep.base.arrays import for_keeps
from meshrep.graphs.graph import Graph

LINE = 8  # numbers of a field in a cache line
WINDOW = 2**14  # rows whose neighbours the cache holds at once, whatever else goes through it
SAMPLES = 16  # windows looked at
POOR = 1.0  # cache lines a row from which another order is tried; a good one has 1/8 or little more
GAIN = 0.5  # share of the cache lines that the other order may need


class Order:
    """A numbering of the nodes of a graph, and what it does to all that counts in them.

    Parameters
    ----------
    graph : Graph
    old : (n,) integers
        The node that comes first, second, …: a permutation of 0 … n − 1.
    note : str
        A sentence that says which numbering it is, and why.
    seconds : float
        What finding it took.
    """

    def __init__(self, graph: Graph, old: np.ndarray, note: str = "", seconds: float = 0.0) -> None:
        self.old, self.note, self.seconds = old, note, seconds
        self.rank = np.empty(graph.n, dtype=np.int64)
        self.rank[old] = np.arange(graph.n)
        self._graph = graph

    @cached_property
    def _edges(self) -> tuple[np.ndarray, np.ndarray]:
        """The new node pairs (m, 2) in the order of a graph, and which edge each of them was."""
        pairs = self.rank[self._graph.edges]
        pairs.sort(axis=1)
        was = np.argsort(pairs[:, 0] * self._graph.n + pairs[:, 1])
        return pairs[was], was

    @cached_property
    def graph(self) -> Graph:
        """The graph in the new numbers, without points or cells."""
        pairs, was = self._edges
        weights = self._graph.weights[was]
        return Graph(self._graph.n, for_keeps(pairs), for_keeps(weights), name=self._graph.name)

    def nodes(self, numbers: np.ndarray) -> np.ndarray:
        """The new numbers of nodes."""
        return self.rank[numbers]

    def moved(self, values: np.ndarray) -> np.ndarray:
        """Values of the nodes (n, …) in the new order."""
        return values if values.strides[:1] == (0,) else values[self.old]

    def back(self, values: np.ndarray) -> np.ndarray:
        """Values in the new order brought into the old one."""
        return values[self.rank]

    def edges(self, values: np.ndarray) -> np.ndarray:
        """Values of the edges (m,) in the order of the new graph's."""
        return values if values.strides == (0,) else values[self._edges[1]]

    def matrix(self, matrix: sparse.csr_array) -> sparse.csr_array:
        """A matrix (n, n) with rows and columns in the new order."""
        turned = sparse.csr_array(matrix[self.old][:, self.old])
        turned.sort_indices()
        return turned


def locality(matrix: sparse.csr_array, old: np.ndarray | None = None) -> tuple[float, float]:
    """How far apart neighbours lie, as cache lines a row and as a mean difference of numbers.

    A run of WINDOW rows touches so many different lines of a field for each of its rows: 1/8
    where neighbours are as close as can be, the degree where they are anywhere. With ``old``, the
    same of the order in which these nodes come first, second, ….
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

    Graphs whose fields fit the cache are left alone, and so are those whose neighbours are close
    already, or apart in every order, as in an expander.

    Notes
    -----
    Reverse Cuthill–McKee takes some 0.7 s for 10⁶ nodes, the new graph as much. A space-filling
    curve through the points takes 0.2 s, but needs points.

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
