"""Places in the plane for the nodes of a graph without points; the same at every call."""

from __future__ import annotations

import weakref

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, dijkstra

from meshrep.errors import MissingPart
from meshrep.graphs.graph import Graph
from meshrep.view.springs import moved_apart, relaxed, unfolded

_PIVOTS, _PIVOTS_OF_LARGE, _LARGE = 50, 10, 100_000
_STRESS_UP_TO = 150  # nodes; the stress of all pairs takes seconds beyond
_SPRINGS_UP_TO = 200_000  # nodes
_FAITHFUL = 0.03  # relative squared error of distances, below which pivot MDS is left as it is
_APART, _OF_EDGES = 0.55, 0.4  # least distance: of the even spacing, and of the mean edge
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

    A tree is drawn in rings about its middle, and a complete graph on a circle. Another component
    is drawn by pivot MDS, which makes distances in the plane follow those in the graph, and then
    relaxed: up to 150 nodes by the stress of all pairs (networkx), beyond by springs. Nodes that
    are too near each other are then moved apart. The components stand beside each other, the
    largest first.

    Parameters
    ----------
    graph : Graph

    References
    ----------
    U. Brandes, C. Pich: Eigensolver methods for progressive multidimensional scaling of large
    data. Graph Drawing 2006, LNCS 4372.
    T. Kamada, S. Kawai: An algorithm for drawing general undirected graphs. Information Processing
    Letters 31 (1989).
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
    for nodes, place, plane in zip(parts, _packed([len(p) for p in parts]), drawn, strict=True):
        points[nodes, :2] = plane + place
    return points


def _component(pattern: sparse.csr_array) -> np.ndarray:
    """Points (n, 2) of a connected graph of two or more nodes, in a square of the side √n."""
    n = pattern.shape[0]
    edges = np.stack(sparse.triu(pattern).nonzero(), axis=1)
    if pattern.nnz == n * (n - 1):
        turns = 2 * np.pi * np.arange(n) / n
        plane = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    elif pattern.nnz == 2 * (n - 1):
        plane = _tree_in_rings(pattern)
    else:
        plane, error = _pivot_mds(pattern)
        plane = unfolded(_fitted(plane, np.sqrt(n)), _APART)
        if n <= _STRESS_UP_TO and not (np.diff(pattern.indptr) == 2).all():
            plane = _of_least_stress(pattern, plane)  # a ring is a circle already
        elif _STRESS_UP_TO < n <= _SPRINGS_UP_TO and error > _FAITHFUL:
            plane = relaxed(edges, plane)
    plane = _fitted(plane, np.sqrt(n))
    mean = float(np.linalg.norm(plane[edges[:, 0]] - plane[edges[:, 1]], axis=1).mean())
    return _fitted(moved_apart(plane, min(_APART, _OF_EDGES * mean)), np.sqrt(n))


def _hops(pattern: sparse.csr_array, node: int) -> np.ndarray:
    """The number of edges (n,) between a node and every other one."""
    return dijkstra(pattern, unweighted=True, indices=[node])[0]


def _pivot_mds(pattern: sparse.csr_array) -> tuple[np.ndarray, float]:
    """Points (n, 2) that best keep the distances to some pivots far apart, and their error.

    The error is Σ (s d − h)² / Σ h² over the distances d in the plane and h in the graph between
    nodes and pivots, with the best scale s.
    """
    pivots, rows = [0], [_hops(pattern, 0)]
    nearest = rows[0]
    most = _PIVOTS if pattern.shape[0] < _LARGE else _PIVOTS_OF_LARGE
    for _ in range(min(most, pattern.shape[0]) - 1):
        pivots.append(int(nearest.argmax()))
        rows.append(_hops(pattern, pivots[-1]))
        nearest = np.minimum(nearest, rows[-1])
    hops = np.stack(rows, axis=1)
    squares = hops**2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    vectors = np.linalg.eigh(centred.T @ centred)[1]
    axes = vectors[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])  # a fixed sign
    plane = centred @ axes
    away = np.linalg.norm(plane[:, None] - plane[pivots], axis=2)
    scale = np.vdot(hops, away) / max(float(np.vdot(away, away)), 1e-300)
    return plane, float(np.square(scale * away - hops).sum() / np.square(hops).sum())


def _of_least_stress(pattern: sparse.csr_array, plane: np.ndarray) -> np.ndarray:
    """The drawing of Kamada and Kawai, begun at the given one."""
    try:
        import networkx
    except ImportError:
        raise MissingPart("networkx", "draw networks", "viz") from None
    graph = networkx.from_scipy_sparse_array(pattern)
    placed = networkx.kamada_kawai_layout(graph, pos=dict(enumerate(plane)), weight=None)
    return np.array([placed[k] for k in range(len(placed))])


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


def _packed(sizes: list[int]) -> np.ndarray:
    """Centres (c, 2) of squares with the given areas, largest first, that fill a wide picture.

    They stand in rows, or all but the first stand in rows at its right. Between two squares there
    is the distance of nodes or more; a single node takes no area.
    """
    sides = np.sqrt(sizes) * (np.array(sizes) > 1)
    gaps = np.maximum(1.0, 0.1 * sides)
    if len(sides) == 1:
        return np.zeros((1, 2))
    total = float(np.sqrt(np.sum(np.square(sides + gaps))))
    trials = [_rows(sides, gaps, share * total) for share in np.linspace(0.5, 2.0, 16)]
    for share in np.linspace(0.1, 1.0, 10):
        rest = _rows(sides[1:], gaps[1:], share * total)
        rest = rest - rest[0] + [sides[0] + gaps[0] + sides[1] / 2, -sides[1] / 2]
        trials.append(np.concatenate([[[sides[0] / 2, -sides[0] / 2]], rest]))
    return min(trials, key=lambda places: _room(places, sides))


def _rows(sides: np.ndarray, gaps: np.ndarray, width: float) -> np.ndarray:
    """Centres (c, 2) of squares in rows that are no wider than ``width`` or one square."""
    places = np.zeros((len(sides), 2))
    x = y = tallest = 0.0
    for k, (side, gap) in enumerate(zip(sides, gaps, strict=True)):
        if x and x + side > width:
            x, y, tallest = 0.0, y - tallest, 0.0
        places[k] = x + side / 2, y - side / 2
        x, tallest = x + side + gap, max(tallest, side + gap)
    return places


def _room(places: np.ndarray, sides: np.ndarray) -> float:
    """The height of the least picture of the ratio 4 : 3 that holds the squares."""
    half = sides[:, None] / 2
    width, height = (places + half).max(axis=0) - (places - half).min(axis=0)
    return max(0.75 * float(width), float(height))
