"""Persistence of a field on a graph: which of its minima, maxima and loops stand out.

A simplex of the lower-star filtration appears with its last node, so that components of
{v : w_v ≤ t} are born at minima and die at saddles (sublevel), those of {v : w_v ≥ t} at maxima
and saddles (superlevel).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from meshrep.base.backends import installed
from meshrep.errors import InputError, MissingPart
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.kernels import components
from meshrep.persistence.diagrams import Diagram

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class FieldDiagram(Diagram):
    """Pairs of critical nodes: ``births`` and ``deaths`` are (k, 1) node numbers.

    Attributes
    ----------
    n : int
        Number of nodes of the field.
    """

    n: int = 0

    def pull_back(self, gradient: np.ndarray) -> np.ndarray:
        """Each column's gradient added up at the nodes whose values it holds, (n,)."""
        births = np.bincount(self.births[:, 0], gradient[:, 0], minlength=self.n)
        return births + np.bincount(self.deaths[:, 0], gradient[:, 1], minlength=self.n)


@dataclass(frozen=True)
class MergeTree:
    """How the components of a field's level sets merge, every node being one when it appears.

    Attributes
    ----------
    elder : (n,) int64
        The minimum (maximum, of superlevel sets) of the component that took in the one that the
        node began; -1 at those that nothing takes in.
    saddle : (n,) int64
        The node at which that happened: the node itself where it begins nothing; -1 likewise.
    """

    elder: np.ndarray
    saddle: np.ndarray

    @property
    def extrema(self) -> np.ndarray:
        """The nodes that begin a component which another takes in later, in order."""
        return np.flatnonzero((self.saddle >= 0) & (self.saddle != np.arange(len(self.saddle))))

    def levels(self, doomed: np.ndarray) -> np.ndarray:
        """The node whose value each node takes when the doomed extrema are filled up, (n,).

        Parameters
        ----------
        doomed : (k,) integers
            Extrema to be filled up to their saddles, with every one that they took in.
        """
        nodes = np.arange(len(self.elder))
        going = self.saddle == nodes
        going[doomed] = True
        # Beyond the last one that goes, the chain of those that take each other in does not lead.
        leap = np.where(going & going[self.elder], self.elder, nodes)
        while True:
            further = leap[leap]
            if np.array_equal(further, leap):
                break
            leap = further
        filled = nodes.copy()
        inside = going[leap]
        filled[inside] = self.saddle[leap[inside]]
        return filled


class LowerStarFiltration:
    """The complex of a graph, filtered by a field.

    Parameters
    ----------
    graph : Graph
        Its nodes and edges; its faces too where dimension 1 is asked for.
    dimensions : sequence of int
        0 for components, 1 for loops. On a graph without faces no loop ever dies.

    Notes
    -----
    Of nodes with equal values the one with the lower number comes first, in sublevel and in
    superlevel sets, so that pairs are unambiguous; those of equal value are left out, as is what
    never dies (the extremum of each component, the handles of a surface). Homology is modulo 2.

    A face appears with the last of all its nodes, a quadrilateral like a triangle.

    Dimension 0 is one pass of union and find. So is dimension 1 on surfaces, on the faces in
    reverse: an edge with two faces joins them, one with a single face joins it to the outside.
    Where an edge has more faces gudhi computes dimension 1.

    References
    ----------
    Edelsbrunner and Harer, "Computational Topology" (2010), VI.3 and VII.1.
    """

    def __init__(self, graph: Graph, dimensions: Sequence[int] = (0,)) -> None:
        wrong = [d for d in dimensions if d not in (0, 1)]
        if wrong or not len(dimensions):
            raise InputError(
                f"a field on a graph has persistence of dimensions 0 and 1, not {list(dimensions)}"
            )
        self.graph = graph
        self.dimensions = tuple(sorted({int(d) for d in dimensions}))
        self._merge = components.compiled() if installed("numba") else components.merge
        self._first, self._second = (np.ascontiguousarray(c) for c in graph.edges.T)

    def diagrams(self, w: np.ndarray, superlevel: bool = False) -> dict[int, Diagram]:
        """The diagram of each dimension; with ``superlevel`` births are above deaths.

        Raises
        ------
        InputError
            When the field has another shape than (n,), or an entry is not finite.
        """
        w = self._checked(w)
        rank, node = _ranks(w, superlevel)
        found: dict[int, Diagram] = {}
        for dimension in self.dimensions:
            if dimension == 0:
                tree = self._tree(rank, node)
                births = tree.extrema
                deaths = tree.saddle[births]
            else:
                births, deaths = self._loops(rank, node)
            kept = w[births] != w[deaths]
            births, deaths = births[kept], deaths[kept]
            found[dimension] = FieldDiagram(
                dimension, np.stack([w[births], w[deaths]], axis=1), births[:, None],
                deaths[:, None], self.graph.n,
            )  # fmt: skip
        return found

    def tree(self, w: np.ndarray, superlevel: bool = False) -> MergeTree:
        """The merge tree of the field; raises as :meth:`diagrams`."""
        return self._tree(*_ranks(self._checked(w), superlevel))

    def _checked(self, w: np.ndarray) -> np.ndarray:
        w = np.asarray(w, dtype=np.float64)
        if w.shape != (self.graph.n,):
            raise InputError(
                f"persistence is of one number a node: the field has shape {w.shape}, "
                f"where ({self.graph.n},) is needed"
            )
        if not np.isfinite(w).all():
            raise InputError("the field has a NaN or infinite entry, which has no place in order")
        return w

    def _tree(self, rank: np.ndarray, node: np.ndarray) -> MergeTree:
        key = np.maximum(rank[self._first], rank[self._second])
        elder, edge = self._merge(rank, key, self._first, self._second, self.graph.n)
        return MergeTree(elder, np.where(edge >= 0, node[key[edge]], -1) if len(key) else edge)

    @cached_property
    def _faces(self) -> _Faces:
        return _Faces.of(self.graph)

    def _loops(self, rank: np.ndarray, node: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Births and deaths of loops: edges that part two sheets of faces, from above."""
        faces, n = self._faces, self.graph.n
        if faces.crowded:
            return by_gudhi(self.graph, rank, node)[1]
        last, count = faces.last(rank), faces.count
        # The outside is there before every face; faces of one last node come in any order.
        age = np.append((n - 1 - last) * np.int64(count) + np.arange(count), -1)
        key = np.maximum(rank[self._first[faces.edges]], rank[self._second[faces.edges]])
        edge = self._merge(age, n - 1 - key, faces.one, faces.other, n)[1][:count]
        dying = np.flatnonzero(edge >= 0)
        births, deaths = key[edge[dying]], last[dying]
        apart = births != deaths
        return node[births[apart]], node[deaths[apart]]


@dataclass(frozen=True)
class _Faces:
    """The faces of a graph: triangles, joined where they meet in a line that is no edge.

    Attributes
    ----------
    triangles : (t, 3) int64
        Each once.
    face : (t,) int64
        The face that each triangle is part of.
    count : int
        Number of faces.
    inner : (k, 2), (k,) int64
        Sides of triangles that are no edges, and the faces they are in.
    crowded : bool
        Whether an edge has more than two faces, so that they are not the nodes of a graph.
    edges, one, other : (e,) int64
        Edges with faces, and the two faces of each, ``count`` being the outside.
    """

    triangles: np.ndarray
    face: np.ndarray
    count: int
    inner: tuple[np.ndarray, np.ndarray]
    crowded: bool
    edges: np.ndarray
    one: np.ndarray
    other: np.ndarray

    @classmethod
    def of(cls, graph: Graph) -> _Faces:
        """The faces of a graph's cells."""
        triangles = np.unique(np.sort(graph.triangles, axis=1), axis=0)
        t = len(triangles)
        sides = triangles[:, [[0, 1], [0, 2], [1, 2]]].reshape(-1, 2)
        proper = sides[:, 0] < sides[:, 1]
        sides, whose = sides[proper], np.repeat(np.arange(t), 3)[proper]
        n = np.int64(graph.n)
        keys, known = sides[:, 0] * n + sides[:, 1], graph.edges[:, 0] * n + graph.edges[:, 1]
        real = np.isin(keys, known)
        # Triangles and inner sides as nodes of one graph: its components are the faces.
        line = np.unique(keys[~real], return_inverse=True)[1]
        size = t + line.max(initial=-1) + 1
        links = sparse.coo_array((np.ones(len(line)), (whose[~real], t + line)), shape=(size, size))
        count, part = connected_components(links, directed=False) if t else (0, np.zeros(0, int))
        face = part[:t].astype(np.int64)
        pairs = np.unique(np.stack([keys[real], face[whose[real]]], axis=1), axis=0)
        edges, begin, often = np.unique(pairs[:, 0], return_index=True, return_counts=True)
        one = pairs[begin, 1]
        other = np.where(often == 2, pairs[np.minimum(begin + 1, len(pairs) - 1), 1], count)
        return cls(
            triangles, face, count, (sides[~real], face[whose[~real]]), bool((often > 2).any()),
            np.searchsorted(known, edges), one, other,
        )  # fmt: skip

    def last(self, rank: np.ndarray) -> np.ndarray:
        """The place of each face's last node, (count,)."""
        last = np.zeros(self.count, np.int64)
        np.maximum.at(last, self.face, rank[self.triangles].max(axis=1, initial=0))
        return last


def lower_star_diagrams(
    graph: GraphLike,
    field: ArrayLike,
    dimensions: Sequence[int] = (0,),
    *,
    superlevel: bool = False,
) -> dict[int, Diagram]:
    """The persistence diagrams of a field on a graph.

    Parameters
    ----------
    graph : Graph
    field : (n,) array
        A finite value per node.
    dimensions : sequence of int
        0 for components of level sets, 1 for their loops, which need the graph's faces.
    superlevel : bool
        Whether the sets {v : w_v ≥ t} are followed from above, whose components begin at maxima,
        instead of the sets {v : w_v ≤ t} from below, whose components begin at minima.

    Returns
    -------
    dict of int to Diagram
        Births and deaths as values of the field, and the nodes that have them. Pairs of equal
        value and those that never die are left out.

    Raises
    ------
    InputError
        If the field is not finite or not of shape (n,), or another dimension is asked for.
    MissingPart
        If an edge has more than two faces, dimension 1 is asked for, and gudhi is not installed.

    Notes
    -----
    :class:`LowerStarFiltration` says how ties are broken, and is faster for many fields on one
    graph.

    Examples
    --------
    On a path, the higher of two minima is paired with the node between them:

    >>> import meshrep
    >>> graph = meshrep.graph_from("lattice:5x1")
    >>> lower_star_diagrams(graph, [3.0, 1.0, 4.0, 0.0, 2.0])[0].values.tolist()
    [[1.0, 4.0]]
    """
    graph = Graph.of(graph)
    filtration = LowerStarFiltration(graph, dimensions)
    return filtration.diagrams(np.asarray(field, dtype=np.float64), superlevel)


def _ranks(w: np.ndarray, superlevel: bool) -> tuple[np.ndarray, np.ndarray]:
    """Each node's place in the filtration, and the node at each place."""
    node = np.argsort(-w if superlevel else w, kind="stable")
    rank = np.empty_like(node)
    rank[node] = np.arange(len(node))
    return rank, node


def by_gudhi(
    graph: Graph, rank: np.ndarray, node: np.ndarray
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Births and deaths (k,) of dimensions 0 and 1 by gudhi, for any complex.

    Raises
    ------
    MissingPart
        Where gudhi is not installed.
    """
    if not installed("gudhi"):
        raise MissingPart("gudhi", "compute persistent homology", "topology")
    from gudhi import SimplexTree

    faces = _Faces.of(graph)
    last = faces.last(rank)
    tree: Any = SimplexTree()
    # Everything appears at a node's place, so that intervals are places; a face with all its parts.
    for simplices, place in (
        (np.arange(graph.n)[:, None], rank),
        (graph.edges, rank[graph.edges].max(axis=1, initial=0)),
        (faces.inner[0], last[faces.inner[1]]),
        (faces.triangles, last[faces.face]),
    ):
        if len(simplices):
            tree.insert_batch(simplices.T, place.astype(float))
    tree.compute_persistence(homology_coeff_field=2, min_persistence=0, persistence_dim_max=True)
    found = {}
    for dimension in (0, 1):
        intervals = tree.persistence_intervals_in_dimension(dimension).reshape(-1, 2)
        ends = intervals[np.isfinite(intervals[:, 1])].astype(np.int64)
        found[dimension] = node[ends[:, 0]], node[ends[:, 1]]
    return found
