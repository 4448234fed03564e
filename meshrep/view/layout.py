"""Places in the plane for the nodes of a graph without points; the same at every call."""

from __future__ import annotations

import weakref

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, dijkstra

from meshrep.graphs.graph import Graph

_PIVOTS, _PIVOTS_OF_LARGE, _LARGE = 50, 10, 100_000
_SPRINGS_UP_TO = 700  # nodes; networkx computes forces between all pairs of nodes
_known: weakref.WeakKeyDictionary[Graph, np.ndarray] = weakref.WeakKeyDictionary()


def positions(graph: Graph) -> np.ndarray:
    """The points (n, 3) of a graph; without points, those of its layout."""
    if graph.points is not None:
        return graph.points
    if graph not in _known:
        _known[graph] = layout(graph)
    return _known[graph]


def layout(graph: Graph) -> np.ndarray:
    """Points (n, 3) in the plane z = 0 that show how the nodes are connected.

    A tree is drawn in rings about its middle. Another component is drawn by pivot MDS, which makes
    distances in the plane follow those in the graph; a small one is then relaxed by springs. The
    components stand in rows, the largest first.

    Parameters
    ----------
    graph : Graph

    References
    ----------
    U. Brandes, C. Pich: Eigensolver methods for progressive multidimensional scaling of large
    data. Graph Drawing 2006, LNCS 4372.
    """
    pattern = sparse.csr_array(graph.adjacency, copy=True)
    pattern.data = np.ones(len(pattern.data))
    order = np.argsort(graph.component_of, kind="stable")
    sizes = np.bincount(graph.component_of)
    parts = np.split(order, np.cumsum(sizes)[:-1])
    parts.sort(key=len, reverse=True)
    drawn = [_component(pattern[nodes][:, nodes]) if len(nodes) > 1 else np.zeros((1, 2))
             for nodes in parts]  # fmt: skip
    points = np.zeros((graph.n, 3))
    for nodes, place, plane in zip(parts, _rows([len(p) for p in parts]), drawn, strict=True):
        points[nodes, :2] = _fitted(plane, np.sqrt(len(nodes))) + place
    return points


def _component(pattern: sparse.csr_array) -> np.ndarray:
    """Points (n, 2) of a connected graph of two or more nodes."""
    n = pattern.shape[0]
    if pattern.nnz == 2 * (n - 1):
        return _tree_in_rings(pattern)
    plane = _pivot_mds(pattern)
    return _eased(pattern, plane) if n <= _SPRINGS_UP_TO else plane


def _hops(pattern: sparse.csr_array, node: int) -> np.ndarray:
    """The number of edges (n,) between a node and every other one."""
    return dijkstra(pattern, unweighted=True, indices=[node])[0]


def _pivot_mds(pattern: sparse.csr_array) -> np.ndarray:
    """Points (n, 2) that best keep the distances to some pivots far apart."""
    rows = [_hops(pattern, 0)]
    nearest = rows[0]
    pivots = _PIVOTS if pattern.shape[0] < _LARGE else _PIVOTS_OF_LARGE
    for _ in range(min(pivots, pattern.shape[0]) - 1):
        rows.append(_hops(pattern, int(nearest.argmax())))
        nearest = np.minimum(nearest, rows[-1])
    squares = np.stack(rows, axis=1) ** 2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    vectors = np.linalg.eigh(centred.T @ centred)[1]
    axes = vectors[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])  # a fixed sign
    return centred @ axes


def _eased(pattern: sparse.csr_array, plane: np.ndarray) -> np.ndarray:
    """The layout relaxed by the springs of networkx."""
    import networkx

    start = dict(enumerate(_fitted(plane, 1.0)))
    graph = networkx.from_scipy_sparse_array(pattern)
    if pattern.nnz == 2 * pattern.shape[0] and (np.diff(pattern.indptr) == 2).all():
        return plane  # the layout of a ring is a circle already
    eased = networkx.spring_layout(graph, pos=start, iterations=30, seed=0, method="force")
    return np.array([eased[k] for k in range(len(eased))])


def _tree_in_rings(pattern: sparse.csr_array) -> np.ndarray:
    """A tree about its middle: radius by depth; the wedge of a subtree is as wide as its leaves."""
    hops = _hops(pattern, 0)
    one_end = int(hops.argmax())
    other_end = int(_hops(pattern, one_end).argmax())
    reach = np.maximum(_hops(pattern, one_end), _hops(pattern, other_end))
    root = int(reach.argmin())
    order, parent = breadth_first_order(pattern, root, directed=False)
    depth = np.zeros(len(order))
    leaves = np.zeros(len(order))
    for node in order[1:]:
        depth[node] = depth[parent[node]] + 1
    for node in order[:0:-1]:
        leaves[node] = max(leaves[node], 1)
        leaves[parent[node]] += leaves[node]
    turn = 2 * np.pi / leaves[root]
    start = np.zeros(len(order))  # leaves before the wedge of each node
    used = np.zeros(len(order))
    for node in order[1:]:
        up = parent[node]
        start[node] = start[up] + used[up]
        used[up] += leaves[node]
    angle = turn * (start + leaves / 2) - np.pi / 2  # so that a path is level
    return np.stack([depth * np.cos(angle), depth * np.sin(angle)], axis=1)


def _fitted(plane: np.ndarray, side: float) -> np.ndarray:
    """The points centred and scaled into a square of the given side."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    extent = (high - low).max()
    return (plane - (low + high) / 2) * (side / extent if extent > 0 else 0.0)


def _rows(sizes: list[int]) -> np.ndarray:
    """Centres (c, 2) of squares with the given areas, largest first, in rows below the first."""
    sides = np.sqrt(sizes)
    width = max(sides[0], 1.3 * np.sqrt(np.sum(np.square(sides * 1.1))))
    if len(sides) > 1 and sides[1] < sides[0] / 4:
        width = sides[0]
    places = np.zeros((len(sides), 2))
    x = y = 0.0
    tallest = sides[0]
    for k, side in enumerate(sides):
        if k and x + side > width:
            x, y, tallest = 0.0, y - 1.1 * tallest, side
        places[k] = x + side / 2, y - side / 2
        x += 1.1 * side
    return places - places[0]
