"""The graph that every energy lives on: nodes, undirected edges, weights, and cells for drawing."""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from meshrep.base import limits
from meshrep.base.arrays import frozen, read_only
from meshrep.base.names import shown
from meshrep.base.pickling import Lean
from meshrep.errors import InputError
from meshrep.graphs.cells import Cells
from meshrep.graphs.origin import Origin

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class NetworkLike(Protocol):
    """A network of networkx, by what only it has."""

    @property
    def nodes(self) -> Any:
        """The nodes, with their data."""

    @property
    def edges(self) -> Any:
        """The edges, with their data."""

    def is_directed(self) -> bool:
        """Whether edges have a direction."""


class DatasetLike(Protocol):
    """A dataset of PyVista or VTK, by what only it has."""

    def IsA(self, name: str, /) -> Any:
        """Whether it is of a VTK class."""


class MeshLike(Protocol):
    """A geometry of trimesh, by what only it has."""

    @property
    def vertices(self) -> Any:
        """Points (n, 3)."""


class CellsLike(Protocol):
    """A mesh of meshio, by what only it has."""

    @property
    def cells_dict(self) -> Any:
        """Tables of node numbers by kind of cell."""


class MatrixLike(Protocol):
    """A sparse matrix of SciPy, by what only it has."""

    def tocsr(self) -> Any:
        """The matrix by rows."""


@dataclass(frozen=True, eq=False)
class Graph(Lean):
    """An immutable undirected graph, drawn at points in space where there are any.

    Build one with :meth:`from_edges` or :meth:`from_cells`, which sort the edges. Arrays are copied
    unless they are read-only: see :func:`meshrep.base.arrays.frozen`.

    Attributes
    ----------
    n : int
        Number of nodes.
    edges : (m, 2) int64
        Pairs i < j, each once, in lexicographic order.
    weights : (m,) float64
        Weight a_ij of each edge.
    points : (n, 3) float64 or None
        Where the nodes are.
    cells : Cells
        Faces or cells for drawing and finite elements, in node numbers; may be empty.
    name : str
        What to call the graph in reports and file names, where characters that do not print are
        escaped.
    origin : Origin or None
        The file that it came from.
    labels : tuple or None
        What the input calls each node, where that is not 0 … n-1 (networks with named nodes).
    arrows : (n, n) csr_array or None
        Of a directed network: entry (i, j) is the weight with which j acts on i. Only flows of
        phases follow it; the edges have the mean weight of their directions.
    """

    n: int
    edges: np.ndarray
    weights: np.ndarray
    points: np.ndarray | None = None
    cells: Cells = field(default_factory=Cells.none)
    name: str = "graph"
    origin: Origin | None = None
    labels: tuple | None = None
    arrows: sparse.csr_array | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", shown(self.name))
        if self.n < 1:
            raise InputError(f"{self.name}: a graph needs at least one node")
        if self.labels is not None and len(self.labels) != self.n:
            raise InputError(f"{self.name}: {self.n} nodes but {len(self.labels)} labels")
        if self.n > limits.NODES_UP_TO:
            raise InputError(f"{self.name}: a graph holds {limits.NODES_UP_TO:,} nodes at most")
        edges = frozen(self.edges, np.int64)
        if edges.ndim != 2 or edges.shape[1] != 2:
            edges = edges.reshape(-1, 2)
        weights = frozen(self.weights, np.float64)
        if weights.shape != (len(edges),):
            raise InputError(
                f"{self.name}: {len(edges)} edges but weights of shape {weights.shape}"
            )
        if not np.isfinite(weights).all():
            raise InputError(f"{self.name}: an edge weight is NaN or infinite")
        if len(edges):
            self._check_order(edges)
        arrays = {"edges": edges, "weights": weights}
        if self.points is not None:
            points = frozen(self.points, np.float64)
            if points.shape != (self.n, 3):
                raise InputError(f"{self.name}: {self.n} nodes but points of shape {points.shape}")
            arrays["points"] = points
        for name, array in arrays.items():
            object.__setattr__(self, name, array)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for array in (self.edges, self.weights, self.points):  # pickle makes arrays that can change
            if array is not None:
                read_only(array)

    def _check_order(self, edges: np.ndarray) -> None:
        """Refuse edges that are not pairs i < j, each once, in lexicographic order."""
        i, j = edges.T
        if not (i.min() >= 0 and j.max() < self.n and (i < j).all()):
            raise InputError(f"{self.name}: edges must be pairs i < j of nodes 0 … {self.n - 1}")
        later = j[1:] > j[:-1]
        later &= i[1:] == i[:-1]
        later |= i[1:] > i[:-1]
        if not later.all():
            at = int(later.argmin())
            raise InputError(
                f"{self.name}: edge {edges[at + 1].tolist()} comes after {edges[at].tolist()}, but "
                "edges must be in order and each there once: use Graph.from_edges"
            )

    @classmethod
    def of(cls, what: GraphLike) -> Graph:
        """The graph of a mesh or network in memory; a graph is returned as it is.

        Every function and energy that takes a graph takes what this takes.

        Parameters
        ----------
        what : Graph, or object of another package
            A PyVista or VTK dataset, a trimesh geometry, a meshio mesh, a network of networkx or
            igraph, a sparse adjacency matrix (n, n), or a list of edges: pairs (u, v) or triples
            (u, v, weight) of names, an integer array (m, 2), or a frame of pandas
            (see :func:`meshrep.from_edge_list`).

        Raises
        ------
        InputError
            When it is none of these; says what to call for a text or for arrays.

        Notes
        -----
        A graph is made anew at each call, so that later changes of a mesh are seen. Points at the
        same position become one node: where a mesh has such points, node numbers differ from
        point numbers, and :func:`meshrep.select` translates.

        Examples
        --------
        >>> import networkx
        >>> Graph.of(networkx.cycle_graph(5))
        Graph('network', n=5, m=5, components=1)
        """
        if isinstance(what, Graph):
            return what
        # Readers stand on a floor above this one and are imported when one is needed.
        graph: Graph = importlib.import_module("meshrep.sources.memory").as_graph(what)
        return graph

    @classmethod
    def from_edges(
        cls,
        n: int,
        edges: np.ndarray,
        weights: np.ndarray | None = None,
        *,
        points: np.ndarray | None = None,
        cells: Cells | None = None,
        name: str = "graph",
        origin: Origin | None = None,
        labels: tuple | None = None,
    ) -> Graph:
        """A graph from edges (k, 2) in any order.

        Self-loops are left out, and parallel edges become one with the sum of their weights.
        Without weights every distinct edge has weight 1, however often it occurs. Points may have
        two or three columns.
        """
        pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
        if len(pairs) and (pairs.min() < 0 or pairs.max() >= n):
            raise InputError(f"{name}: an edge names a node outside 0 … {n - 1}")
        if n > limits.NODES_UP_TO:
            raise InputError(f"{name}: a graph holds {limits.NODES_UP_TO:,} nodes at most")
        if weights is not None:
            weights = np.asarray(weights, dtype=np.float64)
            if weights.shape != (len(pairs),):
                raise InputError(f"{name}: {len(pairs)} pairs but weights of shape {weights.shape}")
        proper = pairs[:, 0] != pairs[:, 1]
        if not proper.all():
            pairs, weights = pairs[proper], None if weights is None else weights[proper]
        ordered, total = _in_order(int(n), pairs, weights)
        if points is not None:
            points = np.asarray(points, dtype=np.float64)
            if points.ndim == 2 and points.shape[1] < 3:
                points = read_only(np.pad(points, ((0, 0), (0, 3 - points.shape[1]))))
        return cls(
            n=int(n),
            edges=read_only(ordered),
            weights=read_only(total),
            points=points,
            cells=Cells.none() if cells is None else cells,
            name=name,
            origin=origin,
            labels=labels,
        )

    @classmethod
    def from_cells(
        cls, points: np.ndarray, cells: Cells, *, name: str = "mesh", origin: Origin | None = None
    ) -> Graph:
        """The graph whose edges are those of the cells, each once, of weight 1."""
        return cls.from_edges(
            len(points), cells.edges(), points=points, cells=cells, name=name, origin=origin
        )

    def __repr__(self) -> str:
        return f"Graph({self.name!r}, n={self.n}, m={self.m}, components={self.component_count})"

    @property
    def m(self) -> int:
        """Number of edges."""
        return len(self.edges)

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was changed when the graph was read, one sentence each."""
        return self.origin.repairs if self.origin else ()

    @cached_property
    def adjacency(self) -> sparse.csr_array:
        """The symmetric weighted adjacency matrix A, with sorted 32-bit row indices."""
        # Row i holds the neighbours before i, which are row i of the transposed upper triangle, and
        # then those after i. Both parts are sorted, so that nothing needs sorting.
        later = self._upper_triangle()
        earlier = sparse.csr_array(later.T.tocsr())
        counts = np.stack([np.diff(earlier.indptr), np.diff(later.indptr)], axis=1)
        is_later = np.repeat(np.tile([False, True], self.n), counts.ravel())
        indices = np.empty(2 * self.m, dtype=later.indices.dtype)
        weights = np.empty(2 * self.m)
        for part, where in ((later, is_later), (earlier, ~is_later)):
            indices[where], weights[where] = part.indices, part.data
        starts = earlier.indptr + later.indptr
        matrix = sparse.csr_array((weights, indices, starts), shape=(self.n, self.n))
        matrix.has_canonical_format = True
        return matrix

    def _upper_triangle(self) -> sparse.csr_array:
        """The entries of A above its diagonal, in the order of the edges, with 32-bit indices."""
        kind = np.int32 if 2 * self.m < 2**31 else np.int64
        starts = np.zeros(self.n + 1, dtype=kind)
        np.cumsum(np.bincount(self.edges[:, 0], minlength=self.n), out=starts[1:])
        columns = self.edges[:, 1].astype(kind)
        return sparse.csr_array((self.weights, columns, starts), shape=(self.n, self.n))

    @cached_property
    def degree(self) -> np.ndarray:
        """Weighted degree Σ_j a_ij of each node, shape (n,)."""
        return np.asarray(self.adjacency.sum(axis=1)).ravel()

    @cached_property
    def triangles(self) -> np.ndarray:
        """Triangles (t, 3) that cover the faces, in node numbers."""
        return self.cells.triangles()

    def called(self, node: int) -> str:
        """What the input calls a node: its name, or the number of the first of its points."""
        if self.labels is not None:
            return repr(self.labels[node])
        at = node if self.origin is None else int((self.origin.node_of == node).argmax())
        return str(at)

    @property
    def names(self) -> Sequence[Hashable]:
        """What each node is called (n,): its label, or 0 … n-1 where the input names none."""
        return range(self.n) if self.labels is None else self.labels

    def by_label(self, values: ArrayLike) -> dict[Hashable, Any]:
        """Node values by the names of the nodes, in their order.

        Parameters
        ----------
        values : (n,) or (n, d) array
            A number or a row for each node.

        Raises
        ------
        InputError
            When there is not one value a node, or two nodes have one name.

        Examples
        --------
        >>> Graph.from_edges(2, [[0, 1]], labels=("Ann", "Bob")).by_label([0.5, 1.5])
        {'Ann': 0.5, 'Bob': 1.5}
        """
        rows = np.asarray(values)
        if rows.ndim not in (1, 2) or len(rows) != self.n:
            raise InputError(
                f"{self.name}: {self.n} nodes but values of shape {rows.shape}: give one a node"
            )
        listed = rows.tolist() if rows.ndim == 1 else list(rows)
        named = dict(zip(self.names, listed, strict=True))
        if len(named) < self.n:
            raise InputError(f"{self.name}: two nodes have one name: take the values by number")
        return named

    @cached_property
    def component_of(self) -> np.ndarray:
        """Number of the connected component of each node, (n,), along edges of any weight."""
        return connected_components(self._upper_triangle(), directed=False)[1]

    @property
    def component_count(self) -> int:
        """Number of connected components."""
        return int(self.component_of.max()) + 1

    def with_weights(self, weights: ArrayLike) -> Graph:
        """The same graph with other edge weights (m,), or one number for all.

        The arrows of a directed network weigh what their edges do.
        """
        values = np.asarray(weights, dtype=np.float64)
        if values.ndim == 0:
            values = np.full(self.m, values)
        other = replace(self, weights=values, arrows=None)
        if self.arrows is None:
            return other
        ways = sparse.csr_array(
            (np.ones(self.arrows.nnz), self.arrows.indices, self.arrows.indptr), self.arrows.shape
        )
        return replace(other, arrows=sparse.csr_array(ways.multiply(other.adjacency)))

    def same_as(self, other: Graph) -> bool:
        """Whether the other has the same nodes, edges, weights and points."""
        if other is self:
            return True
        alike = self.n == other.n and np.array_equal(self.edges, other.edges)
        alike = alike and np.array_equal(self.weights, other.weights)
        if self.points is None or other.points is None:
            return alike and self.points is other.points
        return alike and np.array_equal(self.points, other.points)


GraphLike: TypeAlias = (
    Graph | NetworkLike | DatasetLike | MeshLike | CellsLike | MatrixLike
    | Iterable[tuple[Any, ...]] | np.ndarray
)  # fmt: skip  # see Graph.of


def _in_order(
    n: int, pairs: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Edges i < j in lexicographic order, each once, and their weights, from pairs i ≠ j."""
    keys = np.minimum(pairs[:, 0], pairs[:, 1])
    keys *= n  # n < 2^31, so that no product reaches 2^62
    keys += np.maximum(pairs[:, 0], pairs[:, 1])
    if not (keys[1:] > keys[:-1]).all():
        if weights is None:
            keys.sort()
        else:
            order = np.argsort(keys, kind="stable")
            keys, weights = keys[order], weights[order]
        first = np.concatenate([[True], keys[1:] != keys[:-1]])
        if weights is not None:
            with np.errstate(over="ignore"):  # an infinite weight is refused later
                weights = np.add.reduceat(weights, np.flatnonzero(first))
        keys = keys[first]
    edges = np.empty((len(keys), 2), dtype=np.int64)
    np.floor_divide(keys, n, out=edges[:, 0])
    np.subtract(keys, edges[:, 0] * n, out=edges[:, 1])
    return edges, np.ones(len(edges)) if weights is None else np.array(weights)
