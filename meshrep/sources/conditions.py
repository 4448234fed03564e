"""Conditions such as ``"(z < 0.06) & (part == 3)"`` on a graph: what they name, where they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.correspondence import input_cells
from meshrep.graphs.graph import Graph
from meshrep.sources.expressions import FUNCTIONS, evaluate, names_in, quoted
from meshrep.sources.wording import brief

Values = dict[str, Callable[[], Any]]
_NORMALS = ("nx", "ny", "nz")


@dataclass(frozen=True, eq=False)
class Places:
    """Where a condition is worked out.

    Attributes
    ----------
    node : (r,) int64
        The node of each place.
    point, cell : (r,) int64, optional
        A point of the input that is the node, and a cell of the input, where the condition names
        arrays of points or of cells.
    """

    node: np.ndarray
    point: np.ndarray | None = None
    cell: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class FacetTable:
    """Facets of cells with the same number of nodes.

    Attributes
    ----------
    nodes : (f, k) int64
    normals : (f, 3) float64
    cells : (f, a) int64
        Cells of the graph to which a facet belongs; -1 in places that are not used.
    """

    nodes: np.ndarray
    normals: np.ndarray
    cells: np.ndarray


def holds(graph: Graph, text: str, names: Values, count: int) -> np.ndarray:
    """Whether a condition holds at places (count,) that have these names.

    Raises
    ------
    InputError
        Where the text cannot be read, or is a number.
    """
    chosen = evaluate(text, names)
    if np.asarray(chosen).dtype.kind != "b":
        raise InputError(f"'{brief(text)}' is a number, not a condition: compare it, as in z < 1")
    return np.broadcast_to(chosen, count)


def ranges(text: str, names: Values) -> str:
    """The ranges of what a condition names, to say why it holds nowhere."""
    told = []
    for name in sorted(names_in(text) & names.keys()):
        values = names[name]()
        if np.ndim(values) and len(values):
            low, high = float(values.min()), float(values.max())
            told.append(f"{name} is {low:.6g} … {high:.6g}")
    return f": {', '.join(told)}" if told else ""


def array_called(graph: Graph, text: str) -> bool:
    """Whether a text is the name of an array of the input."""
    origin = graph.origin
    return origin is not None and (text in origin.point_data or text in origin.cell_data)


def names_normals(what: Any) -> bool:
    """Whether a selection is a condition on the normals of facets."""
    return isinstance(what, str) and not names_in(what).isdisjoint(_NORMALS)


def concerns_facets(graph: Graph, what: Any) -> bool:
    """Whether a selection is more than one of nodes: it concerns normals, or cells."""
    if isinstance(what, str):
        _, of_cells = _arrays(graph)
        return names_normals(what) or not names_in(what).isdisjoint(of_cells)
    return _cell_mask(graph, what) is not None


def holds_on_facets(graph: Graph, what: Any, table: FacetTable) -> np.ndarray:
    """Whether a condition, or a mask of cells, holds at all nodes of facets (f,).

    ``nx``, ``ny`` and ``nz`` are the normal of the facet. An array of cells has the value of a cell
    to which the facet belongs, and an array of points that of one of the points that are the
    node; with several, one has to satisfy the condition.

    Raises
    ------
    InputError
        As :func:`holds`.
    """
    cell = np.where(table.cells >= 0, input_cells(graph)[table.cells], -1)
    mask = _cell_mask(graph, what)
    if mask is not None:
        return np.any((cell >= 0) & mask[cell], axis=1)
    count, corners = table.nodes.shape
    slot = np.arange(table.nodes.size)
    of_points, of_cells = _arrays(graph)
    asked, point, chosen = names_in(what), None, None
    if not asked.isdisjoint(of_cells):
        known = cell[slot // corners] >= 0
        slot, column = np.nonzero(known)
        chosen = cell[slot // corners, column]
    if not asked.isdisjoint(of_points):
        begin, points = _points_of_nodes(graph)
        node = table.nodes.ravel()[slot]
        several = begin[node + 1] - begin[node]
        again = np.repeat(np.arange(len(slot)), several)
        step = np.arange(len(again)) - np.repeat(np.cumsum(several) - several, several)
        point = points[begin[node][again] + step]
        slot, chosen = slot[again], None if chosen is None else chosen[again]
    places = Places(table.nodes.ravel()[slot], point, chosen)
    facet = slot // corners
    names = names_at(graph, places)
    for axis, name in enumerate(_NORMALS):
        names[name] = partial(np.take, table.normals[:, axis], facet)
    hit = np.zeros(table.nodes.size, dtype=bool)
    hit[slot[holds(graph, what, names, len(slot))]] = True
    return np.all(hit.reshape(count, corners), axis=1)


def places_of_nodes(graph: Graph, text: str) -> Places:
    """The nodes; where the text names arrays, the input's points, or all corners of its cells."""
    of_points, of_cells = _arrays(graph)
    asked, origin = names_in(text), graph.origin
    if origin is None or asked.isdisjoint(of_points | of_cells):
        return Places(np.arange(graph.n))
    point, cell = np.arange(len(origin.points)), None
    if not asked.isdisjoint(of_cells):
        point = origin.cells.connectivity
        cell = np.repeat(np.arange(len(origin.cells)), np.diff(origin.cells.offsets))
    kept = origin.node_of[point] >= 0
    point, cell = point[kept], None if cell is None else cell[kept]
    return Places(origin.node_of[point], point, cell)


def names_at(graph: Graph, places: Places) -> Values:
    """What a condition may name at places, each made when it is first asked for."""
    names: Values = {key: partial(_at, make, places.node) for key, make in _names(graph).items()}
    for table, at in zip(_arrays(graph), (places.point, places.cell), strict=True):
        none = np.zeros(0, dtype=np.int64)
        for key, (name, array) in table.items():
            names[key] = partial(_one_number, name, array, none if at is None else at)
    return names


def _arrays(graph: Graph) -> tuple[dict[str, Any], dict[str, Any]]:
    """Name and values of the input's arrays of points, and of cells, by what they are called."""
    if graph.origin is None:
        return {}, {}
    taken = _names(graph)
    of_points, of_cells = (
        {key: (name, array) for name, array in data.items() for key in _keys(name, taken)}
        for data in (graph.origin.point_data, graph.origin.cell_data)
    )
    return of_points, {key: found for key, found in of_cells.items() if key not in of_points}


def _keys(name: str, taken: Mapping[str, Any]) -> tuple[str, ...]:
    """How a condition may name an array: in quotes, and as a word where it is a free one."""
    free = name.isidentifier() and name not in taken
    return (name, quoted(name)) if free else (quoted(name),)


def _at(make: Callable[[], Any], nodes: np.ndarray) -> Any:
    values = make()
    return values[nodes] if np.ndim(values) else values


def _one_number(name: str, array: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The values of an array at places; of zeros and ones whether they are 1."""
    if array.ndim == 2 and array.shape[1] != 1:
        raise InputError(
            f"the array '{brief(name)}' has {array.shape[1]} numbers in each place, and a "
            "condition needs one"
        )
    values = array.reshape(len(array))
    flags = values.dtype.kind == "b" or ((values == 0) | (values == 1)).all()
    return values[at] == 1 if flags else values[at]


def _cell_mask(graph: Graph, what: Any) -> np.ndarray | None:
    """The mask (C,) of the input's cells that was given; None where it is something else."""
    origin = graph.origin
    if not isinstance(what, np.ndarray) or what.dtype.kind != "b":
        return None
    points = (graph.n,) if origin is None else origin.node_of.shape
    count = len(graph.cells) if origin is None else len(origin.cells)
    if what.shape in ((graph.n,), points) or what.shape != (count,):
        return None
    return what


def _points_of_nodes(graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    """Where the points of each node begin (n + 1,), and the points."""
    assert graph.origin is not None
    node_of = graph.origin.node_of
    order = np.argsort(node_of, kind="stable")
    return np.searchsorted(node_of[order], np.arange(graph.n + 1)), order


def _names(graph: Graph) -> Values:
    """What a condition may name on any graph, each made when it is first asked for."""
    names: Values = {}
    columns = {} if graph.points is None else dict(zip("xyz", graph.points.T, strict=True))
    for axis, column in columns.items():
        names[axis] = partial(np.asarray, column)
    names["degree"] = cache(lambda: np.bincount(graph.edges.ravel(), minlength=graph.n))
    names["index"] = cache(lambda: np.arange(graph.n))
    names["component"] = lambda: graph.component_of
    names["n"] = lambda: graph.n
    for axis, column in columns.items():
        for word in ("min", "max", "mean"):
            names[axis + word] = partial(FUNCTIONS[word], column)
    return names
