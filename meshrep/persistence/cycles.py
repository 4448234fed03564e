"""Loops to be seen: for each pair of H1 a cycle of nodes that its birth edge closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from meshrep.errors import InputError
from meshrep.persistence.rips import RipsFiltration

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_ROUNDING = 1e-9  # by which a birth value may miss its edge's length; tied edges may be as far


def representative_cycles(
    points: np.ndarray, births: np.ndarray, birth_values: np.ndarray | None = None
) -> list[np.ndarray]:
    """One cycle of the Rips filtration for each pair of H1, born with it.

    The birth edge (i, j) is closed by the path from i to j of least length, Σ |x_a − x_b|, over
    the edges that come before it in the order by (length, lower node, higher node).

    Parameters
    ----------
    points : (n, d) array
    births : (k, 2) integers
        The nodes of each pair's birth edge.
    birth_values : (k,) array or None
        Their lengths, to be checked against the points.

    Returns
    -------
    list of (c,) int64
        The nodes of each cycle in turn, c ≥ 3, from the birth edge's lower node to its higher;
        the birth edge is the step from the last node back to the first.

    Raises
    ------
    InputError
        Where arrays do not fit, a value is not the length of its edge, or an edge closes nothing.

    Notes
    -----
    Such a cycle has the class of the pair at its birth, up to classes that are older; where one
    edge parts a hole in two, it may go round either half. The cost is one search of Dijkstra's a
    pair, over the edges no longer than the longest birth: O(m log n) each.
    """
    points = np.asarray(points, dtype=float)
    births = np.asarray(births) if np.size(births) else np.zeros((0, 2), np.int64)
    births = _checked(points, births, birth_values)
    if not len(births):
        return []
    lengths = np.linalg.norm(points[births[:, 0]] - points[births[:, 1]], axis=1)
    reach = float(lengths.max()) * (1 + _ROUNDING)
    edges = cKDTree(points).query_pairs(reach, output_type="ndarray")  # i < j in every row
    measured = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    order = np.lexsort((edges[:, 1], edges[:, 0], measured))
    edges, measured = edges[order].astype(np.int64), measured[order]
    places = edges[:, 0] * len(points) + edges[:, 1]
    cycles = []
    for (i, j), length in zip(np.sort(births, axis=1).tolist(), lengths, strict=True):
        first = np.searchsorted(measured, length * (1 - _ROUNDING), "left")
        last = np.searchsorted(measured, length * (1 + _ROUNDING), "right")
        here = places[first:last] == i * len(points) + j
        if not here.any():
            raise InputError(f"{i}–{j} is no edge of the cloud")
        own = first + int(np.argmax(here))
        path = _shortest(len(points), edges[:own], measured[:own], i, j)
        if path is None:  # another order of tied edges made this one the last
            tied = np.delete(np.arange(last), own)
            path = _shortest(len(points), edges[tied], measured[tied], i, j)
        if path is None:
            raise InputError(f"the birth edge {i}–{j} closes no loop of shorter edges")
        cycles.append(path)
    return cycles


def longest_loops(
    points: ArrayLike, most: int = 8, max_length: float = np.inf
) -> list[tuple[np.ndarray, float]]:
    """The most persistent loops of a cloud, as pictures draw them.

    Parameters
    ----------
    points : (n, d) array
    most : int
        How many loops at the most.
    max_length : float
        Longest edge of the Rips complex; loops that are still alive there are left out.

    Returns
    -------
    list of ((c,) int64, float)
        The nodes of a cycle round each loop in turn, and its persistence in the points' unit of
        length; the most persistent loop comes first.

    Raises
    ------
    InputError, MissingPart
        As :func:`meshrep.rips_diagrams`.

    Examples
    --------
    >>> turn = np.arange(6) * np.pi / 3
    >>> [(nodes, persistence)] = longest_loops(np.stack([np.cos(turn), np.sin(turn)], axis=1))
    >>> sorted(nodes.tolist()), round(persistence, 6)
    ([0, 1, 2, 3, 4, 5], 0.732051)
    """
    diagram = RipsFiltration((1,), max_length).diagrams(points)[1]
    longest = np.argsort(-diagram.persistence, kind="stable")[:most]
    cycles = representative_cycles(np.asarray(points, dtype=float), diagram.births[longest])
    return list(zip(cycles, diagram.persistence[longest].tolist(), strict=True))


def _checked(points: np.ndarray, births: np.ndarray, values: np.ndarray | None) -> np.ndarray:
    """Birth edges (k, 2) of two different nodes each, as long as they are said to be."""
    if points.ndim != 2 or not np.isfinite(points).all():
        raise InputError(f"cycles need finite points (n, d), not values of shape {points.shape}")
    if births.ndim != 2 or births.shape[1] != 2 or births.dtype.kind not in "iu":
        raise InputError(f"births must be node pairs (k, 2), not {births.dtype} {births.shape}")
    if not len(births):
        return births
    if births.min() < 0 or births.max() >= len(points) or (births[:, 0] == births[:, 1]).any():
        raise InputError(f"births must be pairs of two different nodes in 0 … {len(points) - 1}")
    if values is not None:
        given = np.asarray(values, dtype=float)
        lengths = np.linalg.norm(points[births[:, 0]] - points[births[:, 1]], axis=1)
        if given.shape != lengths.shape:
            raise InputError(f"{len(births)} births have values of shape {given.shape}")
        if not np.allclose(given, lengths, rtol=1e-5, atol=1e-9 * float(lengths.max())):
            raise InputError("birth values are not the lengths of their edges: leave them out")
    return births.astype(np.int64)


def _shortest(
    n: int, edges: np.ndarray, lengths: np.ndarray, start: int, end: int
) -> np.ndarray | None:
    """Nodes of the shortest path from start to end; None where there is none."""
    weights = np.maximum(lengths, np.finfo(float).tiny)  # a stored zero would be no edge
    graph = csr_array((weights, (edges[:, 0], edges[:, 1])), shape=(n, n))
    away, before = dijkstra(graph, directed=False, indices=start, return_predecessors=True)
    if not np.isfinite(away[end]):
        return None
    path = [end]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
    return np.array(path[::-1], dtype=np.int64)
