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
_FLAT = 1e-9  # area over squared size below which a cycle is a line round the whole lattice

Kept = TypeVar("Kept")


def _kept(compute: Callable[[Graph], Kept]) -> Callable[[Graph], Kept]:
    """The function, computed once a graph and kept as long as the graph is."""
    known: WeakKeyDictionary[Graph, Kept] = WeakKeyDictionary()

    @wraps(compute)
    def look_up(graph: Graph) -> Kept:
        if graph not in known:
            known[graph] = compute(graph)
        return known[graph]

    return look_up


def plaquettes(graph: Graph) -> Cells:
    """The polygons on which vortices are counted, each once.

    The faces of the graph, those of one patch turned the same way round, and the sides of its
    solids, which vortex lines pierce, seen from where their coordinates grow. A regular periodic
    lattice, which has no cells of either kind, has its :func:`shortest_cycles` instead; any other
    graph without faces has none.

    Notes
    -----
    Kept with the graph. The first call sorts the faces: some seconds for a million.
    """
    return _found(graph)[0]


@_kept
def _found(graph: Graph) -> tuple[Cells, float]:
    """The plaquettes, and the length beyond which their edges come back from the other side."""
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
    """Means (k, 3) of the corners of plaquettes of given numbers (k,); (0, 3) without points."""
    if graph.points is None:
        return np.zeros((0, 3))
    polygons, reach = _found(graph)
    means = np.zeros((len(which), 3))
    for _, rows, nodes in polygons.subset(which).tables():
        means[rows] = sum(_corners(graph.points, nodes, reach)) / nodes.shape[1]
    return means


def edges_along(graph: Graph, polygons: Cells) -> tuple[np.ndarray, np.ndarray]:
    """The graph's edge along each side of the polygons, and which way the side runs along it.

    Returns
    -------
    edge : (k,) int64
        For the side from each entry of ``connectivity`` to the next round the same polygon.
    way : (k,) float64
        +1 from the lower node to the higher, −1 back, 0 where the side is no edge of the graph
        (``edge`` is then 0): the corners of a quadratic face are two edges apart.
    """
    tail, head = polygons.connectivity, polygons.connectivity[polygons.following()]
    edge = _edge_number(graph, np.minimum(tail, head), np.maximum(tail, head))
    way = np.where(edge >= 0, np.sign(head - tail), 0).astype(np.float64)
    return np.maximum(edge, 0), way


@_kept
def edges_along_plaquettes(graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`edges_along` of :func:`plaquettes`, kept with the graph."""
    return edges_along(graph, plaquettes(graph))


@_kept
def whole_cycle(graph: Graph) -> Cells | None:
    """One polygon through all nodes of a graph that is a cycle, else None.

    It begins at node 0 and goes to the lower of its two neighbours first.
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
    """Length that edges between opposite sides of a regular periodic lattice exceed, else inf.

    Regular: every node has as many neighbours, more than a ring's two, and at least the shorter
    half of the edges are equally long.
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
    """Corners of the polygons (f, s) as s arrays (f, 3), each reached from the one before.

    A step longer than ``reach`` comes back from the other side of a periodic lattice: it is
    taken the other way, and as short as the others.
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
    """The polygons, turned so that the largest component of each normal is positive."""
    if points is None:
        return polygons
    down = np.zeros(len(polygons), dtype=bool)
    for _, which, nodes in polygons.tables():
        area = _areas(points, nodes, reach)
        largest = np.abs(area).argmax(axis=1)
        down[which] = area[np.arange(len(area)), largest] < 0
    return polygons.turned(down)


def shortest_cycles(graph: Graph, reach: float = np.inf) -> Cells:
    """The triangles of edges, else the chordless cycles of four, each once, as seen from +z.

    Those that lie on a line are left out: they go round a whole lattice. Edges longer than
    ``reach`` come back from the other side. None where there are neither, or where the search
    would pass thirty million paths of two edges.
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
    """Triangles (t, 3) of edges, i < j < k; none where there are too many paths to look at."""
    starts = np.searchsorted(graph.edges[:, 0], np.arange(graph.n + 1))
    one, other = _pairs(starts)
    i, j = graph.edges[one].T
    k = graph.edges[other, 1]
    return np.stack([i, j, k], axis=1)[_edge_number(graph, j, k) >= 0]


def _squares(graph: Graph) -> np.ndarray:
    """Chordless cycles of four (c, 4), the least node first; none where too many to look at."""
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
    """All pairs a < b of places in each stretch ``starts[s]:starts[s+1]``; none if too many."""
    starts = np.asarray(starts, dtype=np.int64)
    sizes = np.diff(starts)
    if (sizes * (sizes - 1) // 2).sum() > limits.PATHS_UP_TO or not len(sizes):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    partners = np.repeat(starts[1:], sizes) - np.arange(starts[0], starts[-1]) - 1
    one = np.repeat(np.arange(starts[0], starts[-1]), partners)
    first = np.cumsum(partners) - partners
    other = one + 1 + np.arange(len(one)) - np.repeat(first, partners)
    return one, other
