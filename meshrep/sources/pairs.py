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
    edges: Any,
    *,
    nodes: Iterable[Hashable] | None = None,
    directed: bool = False,
    name: str = "network",
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
    directed : bool
        Whether an edge (u, v) is one along which u acts on v, and not v on u: see
        :func:`meshrep.from_networkx`.
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
    remarks: tuple[str, ...] = ()
    if hasattr(edges, "columns") and hasattr(edges, "itertuples"):
        rows, remarks = _of_frame(edges, name)
    elif isinstance(edges, Mapping) and not _is_view(edges):
        rows = _of_neighbours(edges, directed)
        if nodes is None:
            nodes = dict.fromkeys([*edges, *(row[1] for row in rows)])
    elif isinstance(edges, np.ndarray):
        if nodes is None and edges.ndim == 2 and len(edges):
            return from_table(_of_array(edges, name), name=name, path=name, directed=directed)
        rows = edges.tolist() if edges.ndim == 2 else edges
    else:
        rows = edges
    try:
        listed = [_edge(row) for row in rows]
    except TypeError:
        raise InputError(f"{name}: {_SHAPES}") from None
    ways = [directed] * len(listed)
    return of_links(Links(_nodes(listed, nodes, name), listed, ways, remarks), name)


def from_igraph(network: Any, *, name: str = "network") -> Graph:
    """The graph of an igraph network, with its vertices' "name", "x" and "y", and edges' "weight".

    Parameters
    ----------
    network : igraph.Graph
    name : str
        What to call the graph.
    """
    named = "name" in network.vs.attributes()
    names = list(network.vs["name"]) if named else list(range(network.vcount()))
    if len(set(names)) < len(names):
        raise InputError(f"{name}: two nodes have one name: give them other ones")
    nodes = dict(zip(names, _attributes(network.vs), strict=True))
    edges = [
        (names[u], names[v], data)
        for (u, v), data in zip(network.get_edgelist(), _attributes(network.es), strict=True)
    ]
    return of_links(Links(nodes, edges, [bool(network.is_directed())] * len(edges)), name)


def _attributes(sequence: Any) -> list[dict[str, Any]]:
    """The attributes of each vertex or edge of igraph, those without a value left out."""
    keys = sequence.attributes()
    rows = zip(*(sequence[key] for key in keys), strict=True) if keys else [()] * len(sequence)
    return [
        {key: value for key, value in zip(keys, row, strict=True) if value is not None}
        for row in rows
    ]


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


def _of_frame(frame: Any, name: str) -> tuple[Iterable[tuple[Any, ...]], tuple[str, ...]]:
    """The rows of a frame of edges as pairs or triples, and what was not taken of it."""
    header = [str(column) for column in frame.columns]
    if len(header) < 2:
        raise InputError(f"{name}: a frame of edges has two columns or more, not {len(header)}")
    ends = column_names.ends(header) or (0, 1)
    weight = column_names.weight(header)
    if weight is None and len(header) == 3 and column_names.ends(header) is None:
        weight = 2
    columns = [*ends] if weight is None or weight in ends else [*ends, weight]
    remarks: tuple[str, ...] = ()
    others = [k for k, kind in enumerate(frame.dtypes) if k not in ends and kind.kind in "iuf"]
    if weight is None and others:
        unused = ", ".join(repr(header[k]) for k in others)
        remarks = (f"edges weigh 1: no column is called weight ({unused} not used)",)
    for k in ends:
        if frame.iloc[:, k].isna().any():
            raise InputError(f"{name}: an edge has no end in the column {header[k]!r}: drop it")
    return list(frame.iloc[:, columns].itertuples(index=False, name=None)), remarks


def _of_neighbours(table: Mapping[Hashable, Any], directed: bool) -> list[tuple[Any, ...]]:
    """The edges of a dictionary of neighbours, each once where both nodes list it."""
    rows: dict[tuple[Any, Any], tuple[Any, ...]] = {}
    for node, neighbours in table.items():
        if isinstance(neighbours, str) or not isinstance(neighbours, Iterable):
            raise InputError(f"the neighbours of {node!r} must be a list, not {neighbours!r:.60}")
        for other in neighbours:
            more = (neighbours[other],) if isinstance(neighbours, Mapping) else ()
            known = None if directed or other == node else rows.get((other, node))
            if known is None:
                rows[node, other] = (node, other, *more)
            elif known[2:] != more:
                raise InputError(
                    f"{other!r} and {node!r} name different weights of their edge: give "
                    "meshrep.from_edge_list directed=True, or one weight"
                )
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
