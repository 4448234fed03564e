"""Which edges of a dense network are drawn, so that its nodes are still seen."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import minimum_spanning_tree

from meshrep.graphs.graph import Graph

_LENGTH = 2_000  # total length of the edges drawn, in sides of the picture
_MOST = 100_000  # edges drawn


def drawn_edges(graph: Graph, points: np.ndarray) -> tuple[np.ndarray, str]:
    """The numbers (k,) of the edges to draw, and a sentence where they are not all.

    Those of a spanning forest come first, so that no node looks isolated that is not. The others
    follow by their weights where these differ, else in a random order, which is always the same.

    Parameters
    ----------
    graph : Graph
    points : (n, 3) float64
        Where its nodes are drawn.
    """
    if not graph.m:
        return np.zeros(0, dtype=np.int64), ""
    side = float(np.ptp(points, axis=0).max()) or 1.0
    ends = points[graph.edges]
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) / side
    if graph.m <= _MOST and lengths.sum() <= _LENGTH:
        return np.arange(graph.m), ""
    strength, even = np.abs(graph.weights), not np.ptp(np.abs(graph.weights))
    chance = np.random.default_rng(0).permutation(graph.m)
    order = chance if even else np.lexsort([chance, -strength])
    rank = np.empty(graph.m)
    rank[order] = np.arange(1, graph.m + 1)
    links = sparse.csr_array((rank, tuple(graph.edges.T)), (graph.n, graph.n))
    forest = minimum_spanning_tree(links).data.astype(np.int64) - 1
    first = np.zeros(graph.m, dtype=bool)
    first[order[forest]] = True
    order = order[np.argsort(~first[order], kind="stable")]
    within = np.searchsorted(np.cumsum(lengths[order]), _LENGTH)
    chosen = np.sort(order[: max(1, min(int(within), _MOST))])
    which = "a share of them" if even else "the strongest of them"
    return chosen, f"{len(chosen):,} of {graph.m:,} edges are drawn, {which}"
