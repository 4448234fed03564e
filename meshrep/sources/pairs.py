"""Edges in memory as a graph: pairs and triples, arrays, frames of pandas, dictionaries, igraph."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.sources.formats import column_names
from meshrep.sources.formats.edge_lists import EdgeTable
from meshrep.sources.formats.links import Links
from meshrep.sources.networks import from_table, of_links

_SHAPES = (
    "edges are pairs (u, v), triples (u, v, weight), an array (m, 2) or (m, 3), a frame with the "
    "columns source and target, or a dictionary of neighbours"
)


def from_edge_list(
    edges: Any, *, nodes: Iterable[Hashable] | None = None, name: str = "network"
) -> Graph:
    """The graph of a list of edges.

    Parameters
    ----------
    edges : iterable of (u, v), (u, v, weight) or (u, v, {"weight": …}), or another list of edges
        Names of nodes may be texts, numbers or tuples. An array (m, 2) holds whole numbers; a
        third column holds weights. A frame of pandas has columns such as "source", "target" and
        "weight"; without such names its first two columns are the ends. A dictionary maps a node
        to its neighbours, or to a dictionary of their weights.
    nodes : iterable, optional
        Nodes in the order that they shall have, such as those that are on no edge.
    name : str
        What to call the graph.

    Returns
    -------
    Graph
        Whole numbers name nodes in their order, other names in order of first appearance; they
        are its ``labels`` unless they are 0 … n-1. ``graph.repairs`` says what was merged.

    Raises
    ------
    InputError
        Where an edge is not of such a form or a weight is no finite number.

    Examples
    --------
    >>> from_edge_list([("Ann", "Bob"), ("Bob", "Cy", 2.0)]).labels
    ('Ann', 'Bob', 'Cy')
    """
    if hasattr(edges, "columns") and hasattr(edges, "itertuples"):
        rows = _of_frame(edges, name)
    elif isinstance(edges, Mapping) and not _is_view(edges):
        rows = _of_neighbours(edges)
        if nodes is None:
            nodes = dict.fromkeys([*edges, *(row[1] for row in rows)])
    elif isinstance(edges, np.ndarray):
        if nodes is None and edges.ndim == 2 and len(edges):
            return from_table(_of_array(edges, name), name=name, path=name)
        rows = edges.tolist() if edges.ndim == 2 else edges
    else:
        rows = edges
    try:
        listed = [_edge(row) for row in rows]
    except TypeError:
        raise InputError(f"{name}: {_SHAPES}") from None
    return of_links(Links(_nodes(listed, nodes, name), listed), name)


def from_igraph(network: Any, *, name: str = "network") -> Graph:
    """The graph of an igraph network, with its vertices' "name" and its edges' "weight".

    Parameters
    ----------
    network : igraph.Graph
    name : str
        What to call the graph.
    """
    named = "name" in network.vs.attributes()
    names = list(network.vs["name"]) if named else list(range(network.vcount()))
    weighted = "weight" in network.es.attributes()
    weights = network.es["weight"] if weighted else [None] * network.ecount()
    edges = [
        (names[u], names[v], {} if weight is None else {"weight": weight})
        for (u, v), weight in zip(network.get_edgelist(), weights, strict=True)
    ]
    if len(set(names)) < len(names):
        raise InputError(f"{name}: two nodes have one name: give them other ones")
    directed = [bool(network.is_directed())] * len(edges)
    return of_links(Links({node: {} for node in names}, edges, directed), name)


def _edge(row: Any) -> tuple[Hashable, Hashable, Mapping[str, Any]]:
    """An edge as two names and its attributes; TypeError where it is none."""
    if isinstance(row, str) or len(row) not in (2, 3):
        raise TypeError
    source, target = (_plain(end) for end in (row[0], row[1]))
    hash(source), hash(target)
    if any(isinstance(end, float) and not end.is_integer() for end in (source, target)):
        raise TypeError  # coordinates, not names
    third = row[2] if len(row) == 3 else {}
    if isinstance(third, Mapping):
        return source, target, third
    return source, target, {"weight": third}


def _plain(name: Any) -> Hashable:
    """A name without NumPy's type."""
    return name.item() if isinstance(name, np.generic) else name


def _nodes(
    edges: list[tuple[Hashable, Hashable, Mapping[str, Any]]],
    nodes: Iterable[Hashable] | None,
    name: str,
) -> dict[Hashable, Mapping[str, Any]]:
    """The nodes in their order: those given, or whole numbers sorted, or as they appear."""
    seen = dict.fromkeys(end for edge in edges for end in edge[:2])
    if nodes is not None:
        given = dict.fromkeys(map(_plain, nodes))
        strange = next((node for node in seen if node not in given), None)
        if strange is not None:
            raise InputError(f"{name}: an edge names {strange!r}, which is not among the nodes")
        return {node: {} for node in given}
    if all(isinstance(node, int) and not isinstance(node, bool) for node in seen):
        return {node: {} for node in sorted(seen)}  # type: ignore[type-var]
    return {node: {} for node in seen}


def _of_array(edges: np.ndarray, name: str) -> EdgeTable:
    """The columns of an array (m, 2) or (m, 3) of numbers."""
    ends = edges[:, :2]
    whole = edges.dtype.kind in "iuf" and edges.shape[1] in (2, 3) and (ends >= 0).all()
    if not whole or (edges.dtype.kind == "f" and not (ends == np.floor(ends)).all()):
        raise InputError(f"{name}: {_SHAPES}; the nodes of an array are whole numbers from 0")
    source, target = ends.astype(np.int64).T
    weights = edges[:, 2].astype(np.float64) if edges.shape[1] == 3 else None
    return EdgeTable(source, target, weights)


def _of_frame(frame: Any, name: str) -> Iterable[tuple[Any, ...]]:
    """The rows of a frame of edges as pairs or triples."""
    header = [str(column) for column in frame.columns]
    if len(header) < 2:
        raise InputError(f"{name}: a frame of edges has two columns or more, not {len(header)}")
    ends = column_names.ends(header) or (0, 1)
    weight = column_names.weight(header)
    if weight is None and len(header) == 3 and column_names.ends(header) is None:
        weight = 2
    columns = [*ends] if weight is None or weight in ends else [*ends, weight]
    return list(frame.iloc[:, columns].itertuples(index=False, name=None))


def _of_neighbours(table: Mapping[Hashable, Any]) -> list[tuple[Any, ...]]:
    """The edges of a dictionary of neighbours, each once where both nodes list it."""
    rows: dict[tuple[Any, Any], tuple[Any, ...]] = {}
    for node, neighbours in table.items():
        if isinstance(neighbours, str) or not isinstance(neighbours, Iterable):
            raise InputError(f"the neighbours of {node!r} must be a list, not {neighbours!r:.60}")
        for other in neighbours:
            if (other, node) not in rows or other == node:
                more = (neighbours[other],) if isinstance(neighbours, Mapping) else ()
                rows[node, other] = (node, other, *more)
    return list(rows.values())


def looks_like_edges(what: Any) -> bool:
    """Whether an object can only be a list of edges, and not of points or of faces."""
    if isinstance(what, np.ndarray):
        return what.ndim == 2 and what.shape[1] == 2 and what.dtype.kind in "iu"
    if hasattr(what, "columns") and hasattr(what, "itertuples"):
        return True
    if isinstance(what, list | tuple):
        first = what[0] if len(what) else ()
        return not isinstance(first, np.ndarray) and not (
            isinstance(first, list) and len(first) == 3
        )
    return isinstance(what, Mapping | set | frozenset) or _is_view(what)


def _is_view(what: Any) -> bool:
    """Whether an object is the edges of a networkx network."""
    return type(what).__name__.endswith(("EdgeView", "EdgeDataView"))
