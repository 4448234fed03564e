"""Faces on which vortices are counted: of meshes, and the shortest cycles of periodic lattices."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from itertools import pairwise
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import depth_first_order

from meshrep.base import limits
from meshrep.graphs.cells import POLYGON, Cells
from meshrep.graphs.graph import Graph

_LONG = 1.5  # times the median: an edge that joins opposite sides of a periodic lattice
_FLAT = 1e-9  # area over squared size below which a cycle is a straight line round the lattice

Kept = TypeVar("Kept")


def _kept(compute: Callable[[Graph], Kept]) -> Callable[[Graph], Kept]:
    """The function, computed once for each graph; the result is kept as long as the graph is."""
    known: WeakKeyDictionary[Graph, Kept] = WeakKeyDictionary()

    @wraps(compute)
    def look_up(graph: Graph) -> Kept:
        if graph not in known:
            known[graph] = compute(graph)
        return known[graph]

    return look_up


def plaquettes(graph: Graph) -> Cells:
    """The polygons on which vortices are counted, each once.

    They are the faces of the graph, where all faces of one patch run the same way round, and the
    sides of its solids, through which vortex lines pass. The largest component of the normal of
    such a side is positive. A regular periodic lattice has no cells: its plaquettes are its
    :func:`shortest_cycles`. Any other graph without faces has no plaquettes.

    Notes
    -----
    They are kept with the graph. The first call sorts the faces, which takes a few seconds for a
    million of them.
    """
    return _found(graph)[0]


@_kept
def _found(graph: Graph) -> tuple[Cells, float]:
    """The plaquettes, and the length beyond which an edge joins opposite sides of a lattice."""
    faces, sides = (found.distinct() for _, found in (graph.cells.faces(), graph.cells.sides()))
    reach = np.inf
    if not len(faces) and not len(sides):
        reach = _reach(graph)
        faces = shortest_cycles(graph, reach) if np.isfinite(reach) else faces
    faces = faces.turned(faces.orientation < 0)
    if len(sides):
        sides = _facing_up(sides, graph.points, reach)
        faces = Cells.join([faces, sides]).distinct() if len(faces) else sides
    return faces, reach


def centres(graph: Graph, which: np.ndarray) -> np.ndarray:
    """Mean corner (k, 3) of each plaquette of the given numbers (k,); (0, 3) without points."""
    if graph.points is None:
        return np.zeros((0, 3))
    polygons, reach = _found(graph)
    means = np.zeros((len(which), 3))
    for _, rows, nodes in polygons.subset(which).tables():
        means[rows] = sum(_corners(graph.points, nodes, reach)) / nodes.shape[1]
    return means


def edges_along(graph: Graph, polygons: Cells) -> tuple[np.ndarray, np.ndarray]:
    """The graph's edge along each side of the polygons, and the direction of the side along it.

    Returns
    -------
    edge : (k,) int64
        The edge from each entry of ``connectivity`` to the next one round the same polygon.
    way : (k,) float64
        +1 from the lower node to the higher one, −1 in the other direction, and 0 where the side is
        not an edge of the graph (``edge`` is then 0), since the corners of a quadratic face are two
        edges apart.
    """
    tail, head = polygons.connectivity, polygons.connectivity[polygons.following()]
    edge = _edge_number(graph, np.minimum(tail, head), np.maximum(tail, head))
    way = np.where(edge >= 0, np.sign(head - tail), 0).astype(np.float64)
    return np.maximum(edge, 0), way


@_kept
def edges_along_plaquettes(graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    """The :func:`edges_along` the :func:`plaquettes` of a graph, kept with the graph."""
    return edges_along(graph, plaquettes(graph))


@_kept
def whole_cycle(graph: Graph) -> Cells | None:
    """One polygon through all nodes if the graph is a single cycle, else None.

    It starts at node 0 and goes to the lower of its two neighbours first.
    """
    links = graph.adjacency
    if not (np.diff(links.indptr) == 2).all() or graph.component_count > 1:
        return None
    links = csr_array((np.ones(links.nnz), links.indices, links.indptr), links.shape)
    around = depth_first_order(links, 0, directed=False, return_predecessors=False)
    if around[1] > around[-1]:
        around[1:] = around[:0:-1].copy()
    return Cells.of_kind(POLYGON, around[None])


def _reach(graph: Graph) -> float:
    """The length that only edges between opposite sides of a regular periodic lattice exceed.

    Infinite for any other graph. A lattice is regular if all nodes have the same number of
    neighbours, three or more, and if at least the shorter half of the edges have one length.
    """
    neighbours = np.diff(graph.adjacency.indptr)
    if graph.points is None or neighbours[0] < 3 or (neighbours != neighbours[0]).any():
        return np.inf
    a, b = graph.points[graph.edges.T]
    lengths = np.linalg.norm(b - a, axis=1)
    low, median = np.quantile(lengths, [0.1, 0.5])
    reach = _LONG * float(median)
    return reach if np.isclose(low, median) and lengths.max() > reach else np.inf


def _corners(points: np.ndarray, nodes: np.ndarray, reach: float) -> list[np.ndarray]:
    """Corners of the polygons (f, s) as s arrays (f, 3), each computed from the one before it.

    A step longer than ``reach`` joins opposite sides of a periodic lattice. It is replaced by one
    in the opposite direction that is as short as the others.
    """
    places = [points[nodes[:, 0]]]
    for k in range(1, nodes.shape[1]):
        step = points[nodes[:, k]] - points[nodes[:, k - 1]]
        if np.isfinite(reach):
            length = np.linalg.norm(step, axis=1)
            long = length > reach
            step[long] *= -reach / _LONG / length[long, None]
        places.append(places[-1] + step)
    return places


def _areas(points: np.ndarray, nodes: np.ndarray, reach: float) -> np.ndarray:
    """Twice the area vector of each polygon, shape (f, 3)."""
    first, *rest = _corners(points, nodes, reach)
    spokes = [place - first for place in rest]
    return sum((np.cross(a, b) for a, b in pairwise(spokes)), np.zeros_like(first))


def _facing_up(polygons: Cells, points: np.ndarray | None, reach: float) -> Cells:
    """The polygons, turned over where the largest component of the normal is negative."""
    if points is None:
        return polygons
    down = np.zeros(len(polygons), dtype=bool)
    for _, which, nodes in polygons.tables():
        area = _areas(points, nodes, reach)
        largest = np.abs(area).argmax(axis=1)
        down[which] = area[np.arange(len(area)), largest] < 0
    return polygons.turned(down)


def shortest_cycles(graph: Graph, reach: float = np.inf) -> Cells:
    """The triangles of edges or, where there are none, the chordless cycles of four edges.

    Each occurs once, and the largest component of its normal is positive. Cycles on a straight line
    are left out, since they go round the whole lattice. Edges longer than ``reach`` join opposite
    sides. There are no cycles where the search would exceed thirty million paths of two edges.
    """
    for search in (_triangles, _squares):
        nodes = search(graph)
        if graph.points is not None:
            size = np.ptp(graph.points[nodes], axis=1).max(axis=1) if len(nodes) else 0.0
            area = np.linalg.norm(_areas(graph.points, nodes, reach), axis=1)
            nodes = nodes[area > _FLAT * size**2]
        if len(nodes):
            return _facing_up(Cells.of_kind(POLYGON, nodes), graph.points, reach)
    return Cells.none()


def _triangles(graph: Graph) -> np.ndarray:
    """Triangles (t, 3) of edges, i < j < k; none where there are too many paths to search."""
    starts = np.searchsorted(graph.edges[:, 0], np.arange(graph.n + 1))
    one, other = _pairs(starts)
    i, j = graph.edges[one].T
    k = graph.edges[other, 1]
    return np.stack([i, j, k], axis=1)[_edge_number(graph, j, k) >= 0]


def _squares(graph: Graph) -> np.ndarray:
    """Chordless cycles of four (c, 4), the lowest node first; none if there are too many paths."""
    neighbours = graph.adjacency.indices
    one, other = _pairs(graph.adjacency.indptr)
    centre = np.repeat(np.arange(graph.n), np.diff(graph.adjacency.indptr))[one]
    i, k = neighbours[one].astype(np.int64), neighbours[other].astype(np.int64)
    path = i < centre  # i - centre - k with i the least of the cycle
    i, k, centre = i[path], k[path], centre[path]
    path = _edge_number(graph, i, k) < 0
    i, k, centre = i[path], k[path], centre[path]
    ends = i * np.int64(graph.n) + k
    order = np.argsort(ends, kind="stable")
    starts = np.flatnonzero(np.diff(ends[order], prepend=-1, append=-1))
    one, other = (order[half] for half in _pairs(starts))
    found = np.stack([i[one], centre[one], k[one], centre[other]], axis=1)
    return found[_edge_number(graph, centre[one], centre[other]) < 0]


def _edge_number(graph: Graph, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Number of the edge between the nodes of each pair low < high, −1 where there is none."""
    if not graph.m:
        return np.full(len(low), -1)
    known = graph.edges[:, 0] * np.int64(graph.n) + graph.edges[:, 1]
    wanted = low * np.int64(graph.n) + high
    number = np.searchsorted(known, wanted).clip(max=graph.m - 1)
    return np.where((known[number] == wanted) & (low >= 0), number, -1)


def _pairs(starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs a < b of places in each range ``starts[s]:starts[s+1]``; none if too many."""
    starts = np.asarray(starts, dtype=np.int64)
    sizes = np.diff(starts)
    if (sizes * (sizes - 1) // 2).sum() > limits.PATHS_UP_TO or not len(sizes):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    partners = np.repeat(starts[1:], sizes) - np.arange(starts[0], starts[-1]) - 1
    one = np.repeat(np.arange(starts[0], starts[-1]), partners)
    first = np.cumsum(partners) - partners
    other = one + 1 + np.arange(len(one)) - np.repeat(first, partners)
    return one, other
