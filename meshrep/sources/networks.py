"""Networks: networkx, lists of edges, GraphML, GEXF, GML and Matrix Market files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from meshrep.errors import InputError
from meshrep.graphs.cells import Cells
from meshrep.graphs.graph import Graph, NetworkLike
from meshrep.graphs.origin import Origin
from meshrep.sources.child import arrays_apart
from meshrep.sources.formats.edge_lists import EdgeTable
from meshrep.sources.formats.gml import read_gml
from meshrep.sources.formats.links import Links
from meshrep.sources.formats.network_xml import read_gexf, read_graphml
from meshrep.sources.formats.tables import MatrixTable
from meshrep.sources.formats.text import decoded
from meshrep.sources.formats.text_tables import is_whole
from meshrep.sources.room import refuse_beyond_memory
from meshrep.sources.wording import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ALONG_ARROWS = "directions taken by Kuramoto's flow alone, where u acts on v along u → v"
BY_ROWS = "directions taken by Kuramoto's flow alone, where row i lists what acts on node i"
ENDINGS = (".graphml", ".gexf", ".gml", ".mtx")


def read(path: Path, shown: str) -> Graph:
    """The network in a GraphML, GEXF, GML or Matrix Market file.

    Raises
    ------
    InputError
        Where it is damaged.
    """
    ending = path.suffix.lower()
    if ending == ".mtx":
        return _read_mtx(path, shown)
    if ending == ".graphml":
        links = read_graphml(path, shown)
    elif ending == ".gexf":
        links = read_gexf(path, shown)
    else:
        text, remarks = decoded(path.read_bytes(), shown)
        links = read_gml(text, shown, remarks)
    return of_links(links, path.stem, shown)


def from_networkx(network: NetworkLike, *, name: str = "network", path: str | None = None) -> Graph:
    """The graph of a networkx graph.

    Parameters
    ----------
    network : networkx.Graph, DiGraph, MultiGraph or MultiDiGraph
        Edges weigh their attribute "weight"; where none has it, their attribute "value"; or 1.
        The two directions of a directed edge count as one edge of their mean weight, except in
        flows of phases, where u acts on v along an edge from u to v. Parallel edges add up.
        ``graph.repairs`` says where that happened.
    name : str
        What to call the graph.
    path : str, optional
        The file that it came from.

    Returns
    -------
    Graph
        Nodes in the order of ``network.nodes``, named in ``graph.labels`` unless they are
        0 … n-1. Points from the attribute "pos", or "x", "y" and "z", where all nodes have them.

    Raises
    ------
    InputError
        Where it has no nodes or a weight is no finite number.

    >>> import networkx
    >>> from_networkx(networkx.path_graph(["a", "b", "c"])).labels
    ('a', 'b', 'c')
    """
    edges = list(network.edges(data=True))
    directed = [network.is_directed()] * len(edges)
    return of_links(Links(dict(network.nodes(data=True)), edges, directed), name, path)


def of_links(links: Links, name: str, path: str | None = None) -> Graph:
    """The graph of nodes and edges by name."""
    names = list(links.nodes)
    weights, remarks = links.weights(path or name)
    return _network(
        len(names),
        links.pairs(),
        weights,
        labels=tuple(names) if names != list(range(len(names))) else None,
        points=_positions(links.nodes.values()),
        directed=np.array(links.directed, dtype=bool) if len(links.directed) else None,
        name=name,
        path=path,
        remarks=(*links.remarks, *remarks),
    )


def _network(
    n: int,
    pairs: np.ndarray,
    weights: np.ndarray | None,
    *,
    labels: tuple | None,
    name: str,
    path: str | None,
    points: np.ndarray | None = None,
    directed: np.ndarray | None = None,
    arrows: sparse.csr_array | None = None,
    remarks: tuple[str, ...] = (),
) -> Graph:
    """A graph of pairs, the directions of directed edges averaged, with its origin.

    An undirected edge among directed ones runs in both directions.
    """
    if n < 1:
        raise InputError(f"{path or name}: it holds no nodes")
    if weights is not None and not np.isfinite(weights).all():
        raise InputError(f"{path or name}: an edge weight is NaN or infinite")
    told = list(remarks)
    proper = pairs[:, 0] != pairs[:, 1]
    loops = len(pairs) - int(proper.sum())
    if loops:
        pairs, weights = pairs[proper], None if weights is None else weights[proper]
        directed = None if directed is None else directed[proper]
        told.append(f"{loops:,} self-loop{'s' * (loops > 1)} dropped")
    count, opposite = len(pairs), 0
    if directed is not None and directed.any():
        arrows = _arrows(n, pairs, weights, directed)
        told.append("directions dropped" if arrows is None else ALONG_ARROWS)
        if weights is not None:
            both = pairs[~directed]
            pairs = np.concatenate([pairs, both[:, ::-1]])
            weights = np.concatenate([weights, weights[~directed]])
            pairs, weights, ways = _mean_of_directions(n, pairs, weights)
            opposite = int((ways == 2).sum()) - len(np.unique(np.sort(both, axis=1), axis=0))
            if opposite:
                told.append(
                    f"{counted(opposite, 'pair')} of opposite edges merged, with the mean weight"
                )
    graph = Graph.from_edges(n, pairs, weights, points=points, name=path or name)
    parallel = count - opposite - graph.m
    if parallel:
        how = "the edge weighs 1" if weights is None else "the weights are added up"
        told.append(f"{counted(parallel, 'repeated edge')} merged: {how}")
    if weights is not None and len(graph.weights) and np.ptp(graph.weights) > 0:
        told.append(
            f"edges weigh {graph.weights.min():g} to {graph.weights.max():g}: "
            "graph.with_weights(1) or --no-weights makes them all alike"
        )
    where = np.zeros((0, 3)) if graph.points is None else graph.points
    origin = Origin(path or name, where, Cells.none(), np.arange(n), tuple(told))
    return Graph(
        n, graph.edges, graph.weights, graph.points, name=name, origin=origin, labels=labels,
        arrows=arrows,
    )  # fmt: skip


def _arrows(
    n: int, pairs: np.ndarray, weights: np.ndarray | None, directed: np.ndarray
) -> sparse.csr_array | None:
    """With which weight j acts on i, entry (i, j), from arrows j → i; None where that is mutual."""
    both = pairs[~directed]
    source, target = np.concatenate([pairs, both[:, ::-1]]).T
    if weights is None:
        weight = np.ones(len(source))
    else:
        weight = np.concatenate([weights, weights[~directed]])
    found = sparse.csr_array((weight, (target, source)), shape=(n, n))  # which adds up repetitions
    if weights is None:
        found.data[:] = 1.0
    return found if (found != found.T).nnz else None


def _mean_of_directions(
    n: int, pairs: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs i < j in order, their mean over the directions that each has, and how many it has."""
    if not len(pairs):
        return pairs, weights, np.zeros(0, dtype=np.int64)
    keys = pairs.min(axis=1) * n
    keys += pairs.max(axis=1)
    keys = 2 * keys + (pairs[:, 0] > pairs[:, 1])
    order = np.argsort(keys, kind="stable")
    keys, weights = keys[order], weights[order]
    new_direction = np.concatenate([[True], keys[1:] != keys[:-1]])
    keys >>= 1
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    directions = np.add.reduceat(new_direction.astype(np.int64), first)
    edges = np.stack(np.divmod(keys[first], n), axis=1)
    with np.errstate(over="ignore"):  # an infinite weight is refused later
        return edges, np.add.reduceat(weights, first) / directions, directions


def _positions(nodes: Iterable[Mapping[str, Any]]) -> np.ndarray | None:
    """Points (n, 2 or 3) where every node has a place."""
    found: list[list[float]] = []
    for data in nodes:
        place = data.get("pos")
        if place is None and "x" in data and "y" in data:
            place = [data[axis] for axis in "xyz" if axis in data]
        spot = data["viz"].get("position") if isinstance(data.get("viz"), dict) else None  # GEXF
        if place is None and isinstance(spot, dict):
            place = [spot[axis] for axis in "xyz" if axis in spot]
        try:
            row = [] if place is None or isinstance(place, str) else [float(x) for x in place]
        except (TypeError, ValueError):
            return None
        alike = len(row) == len(found[0]) if found else len(row) in (2, 3)
        if not alike or not np.isfinite(row).all():
            return None
        found.append(row)
    return np.array(found) if found else None


def from_table(
    table: EdgeTable | MatrixTable, *, name: str, path: str, directed: bool = False
) -> Graph:
    """The graph of a list of edges, or of an adjacency matrix.

    With ``directed``, edges of which the table does not say otherwise run from their first node
    to the second one.

    Whole numbers name nodes in their order, other names in order of first appearance; both stand
    in ``graph.labels`` unless they are 0 … n-1. Repeated edges add their weights.
    """
    if isinstance(table, MatrixTable):
        if directed:
            raise InputError(
                f"{path}: a matrix says by itself which way edges run: leave directed out"
            )
        return _of_matrix(table.matrix, name, path, labels=table.labels, remarks=table.remarks)
    sources, targets = table.sources, table.targets
    labels: tuple | None
    if isinstance(sources, np.ndarray):
        pairs, labels = _numbered(np.stack([sources, targets], axis=1))
        n = int(pairs.max()) + 1
    else:
        words = [word for pair in zip(sources, targets, strict=True) for word in pair]
        number = {word: k for k, word in enumerate(dict.fromkeys([*table.alone, *words]))}
        if all(map(is_whole, number)):
            number = {word: k for k, word in enumerate(sorted(number, key=int))}
            labels = tuple(map(int, number))
        else:
            labels = tuple(number)
        pairs = np.array([number[word] for word in words], dtype=np.int64).reshape(-1, 2)
        n = len(labels)
    return _network(
        n,
        pairs,
        table.weights,
        labels=None if labels == tuple(range(n)) else labels,
        name=name,
        path=path,
        directed=np.ones(len(pairs), bool)
        if directed and table.directed is None
        else table.directed,
        remarks=table.remarks,
    )


def _numbered(names: np.ndarray) -> tuple[np.ndarray, tuple | None]:
    """Whole numbers as node numbers in their order, and what each node is called if not that."""
    top = int(names.max())
    if top > 4 * names.size + 1000:
        known, number = np.unique(names, return_inverse=True)
        number = number.reshape(names.shape)
    else:  # close together: a table of those that occur is sooner made than a sorted list
        occurs = np.zeros(top + 1, dtype=bool)
        occurs[names] = True
        known = np.flatnonzero(occurs)
        number = names if len(known) == len(occurs) else (np.cumsum(occurs) - 1)[names]
    return number, None if int(known[-1]) == len(known) - 1 else tuple(known.tolist())


def from_matrix(matrix: Any, *, name: str = "network", path: str | None = None) -> Graph:
    """The graph of a square adjacency matrix (n, n), sparse or dense.

    Entries off the diagonal are weights; an asymmetric pair counts as its mean, or as the one
    that is not zero. Flows of phases follow the matrix as it is, where row i lists what acts on
    node i, unless it is triangular: that is half of a symmetric one.

    Parameters
    ----------
    matrix : (n, n) array or sparse matrix
        Of real numbers.
    name : str
        What to call the graph.
    path : str, optional
        The file that it came from.

    Raises
    ------
    InputError
        Where it is not square, or not real and finite.
    """
    return _of_matrix(matrix, name, path)


def _of_matrix(
    matrix: Any,
    name: str,
    path: str | None,
    *,
    labels: tuple | None = None,
    remarks: tuple[str, ...] = (),
) -> Graph:
    try:
        table = sparse.coo_array(matrix)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path or name}: it is no matrix of numbers ({one_line(error)})"
        ) from None
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.dtype.kind not in "biuf":
        raise InputError(
            f"{path or name}: an adjacency matrix is square and real, "
            f"not of shape {table.shape} and type {table.dtype}"
        )
    row, column = table.coords
    inside = (row >= 0) & (row < table.shape[0]) & (column >= 0) & (column < table.shape[0])
    if not inside.all():
        raise InputError(f"{path or name}: the matrix names a row or column outside its shape")
    rows = sparse.csr_array(table)  # which adds up what stands in one place
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    stands = rows.data != 0
    row, column = row[stands], rows.indices[stands].astype(np.int64)
    weights = rows.data[stands].astype(np.float64)
    loops = row == column
    told = list(remarks)
    if repeated := table.nnz - rows.nnz:
        told.append(f"{counted(repeated, 'repeated entry', 'repeated entries')} added up")
    zeros = int((~stands).sum())
    if zeros and sparse.issparse(matrix):
        told.append(f"{counted(zeros, 'entry', 'entries')} of weight 0 left out")
    if loops.any():
        told.append(f"{counted(int(loops.sum()), 'entry', 'entries')} on the diagonal left out")
        row, column, weights = row[~loops], column[~loops], weights[~loops]
    if not np.isfinite(weights).all():
        raise InputError(f"{path or name}: an edge weight is NaN or infinite")
    pairs = np.stack([row, column], axis=1)
    pairs, mean, ways = _mean_of_directions(table.shape[0], pairs, weights)
    one_way = int((ways == 1).sum())
    if one_way:
        told.append(f"{counted(one_way, 'entry', 'entries')} without an opposite taken both ways")
    unequal = (rows != rows.T).nnz // 2 - one_way
    if unequal:
        told.append(
            f"{counted(unequal, 'pair')} of unequal opposite entries merged, with their mean"
        )
    arrows = None
    if unequal or (one_way and (row > column).any() and (row < column).any()):
        arrows = sparse.csr_array((weights, (row, column)), shape=rows.shape)
        told.append(BY_ROWS)
    return _network(
        table.shape[0], pairs, mean, labels=labels, name=name, path=path, arrows=arrows,
        remarks=tuple(told),
    )  # fmt: skip


def _read_mtx(path: Path, shown: str) -> Graph:
    """A Matrix Market file, its header checked against its size before SciPy believes it."""
    with path.open("rb") as file:
        banner = file.readline(1024).lower().split()
        line = file.readline(1 << 16)
        while line.startswith(b"%") or (line and not line.strip()):
            line = file.readline(1 << 16)
        left = path.stat().st_size - file.tell()
    try:
        if banner[0] != b"%%matrixmarket" or banner[1] != b"matrix":
            raise ValueError
        sizes = [int(word) for word in line.split()]
        entries = sizes[2] if banner[2] == b"coordinate" else sizes[0] * sizes[1] // 2
        bytes_each = 4 if banner[2] == b"coordinate" else 2  # "1 1\n", "0\n"
        if min(sizes) < 0:
            raise ValueError
    except (ValueError, IndexError):
        raise InputError(f"{shown}: it has no Matrix Market header: is it an .mtx file?") from None
    if entries * bytes_each > left + 1:
        raise InputError(
            f"{shown}: its header claims {entries:,} entries, but {left:,} bytes follow: "
            "it is cut short or damaged"
        )
    size = path.stat().st_size
    refuse_beyond_memory(shown, max(sizes[:2]), entries, size=size)
    found = arrays_apart(path, shown, "scipy", size)  # mmread crashes on some damaged files
    row, column, shape = found["row"], found["column"], found["shape"]
    if len(row) and not (
        min(row.min(), column.min()) >= 0 and row.max() < shape[0] and column.max() < shape[1]
    ):
        raise InputError(f"{shown}: it names a row or column outside its shape")
    matrix = sparse.coo_array((found["data"], (row, column)), shape=tuple(shape.tolist()))
    return from_matrix(matrix, name=path.stem, path=shown)
