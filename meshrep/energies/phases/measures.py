"""What is measured of phases on a graph: their order, their clusters, their frequencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def order_parameter(phi: ArrayLike) -> float | np.ndarray:
    """Kuramoto's order parameter ρ = |Σ_j e^{iφ_j}| / n of phases (n,), or of k fields (k, n).

    Parameters
    ----------
    phi : (n,) or (k, n) array
        Phases in radians.

    Returns
    -------
    float, or (k,) array
        1 where all phases agree.

    Raises
    ------
    InputError
        Where there are no phases, or they are not real numbers.

    >>> round(order_parameter([0.0, 0.0, 3.141592653589793]), 3)
    0.333
    """
    phi = np.asarray(phi)
    if phi.ndim not in (1, 2) or not phi.shape[-1] or phi.dtype.kind not in "biuf":
        raise InputError(
            "phases must be a row of real numbers, or a table with one row for each field, "
            f"not of shape {phi.shape} and type {phi.dtype}"
        )
    rho = np.minimum(np.abs(np.exp(1j * phi).mean(axis=-1)), 1.0)  # rounding may exceed 1
    return rho if phi.ndim == 2 else float(rho)


def local_order(graph: GraphLike, phi: ArrayLike, coupling: ArrayLike | None = None) -> np.ndarray:
    """ρ of each node with its neighbours, |e^{iφ_i} + Σ_j ±e^{iφ_j}| over their number, (n,).

    Neighbours are nodes that an edge joins, whatever its weight; an isolated node has 1.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    phi : (n,) array
        Phases in radians.
    coupling : (m,) array, optional
        One for each edge, in the order of ``graph.edges``. The sign of a term is that of its
        coupling, so that a node whose couplings are all satisfied has 1.

    Raises
    ------
    InputError
        Where there is not one phase a node or one coupling an edge.
    """
    graph = Graph.of(graph)
    circle = np.exp(1j * checked_values(graph.n, phi))
    opposed = opposed_edges(graph, coupling)
    links = graph.adjacency
    if opposed is None:
        links = sparse.csr_array((np.ones(links.nnz), links.indices, links.indptr), links.shape)
    else:
        links = graph.with_weights(1.0 - 2.0 * opposed).adjacency
    return np.abs(circle + links @ circle) / (1 + np.diff(links.indptr))


def clusters(
    graph: GraphLike,
    values: ArrayLike,
    within: float,
    coupling: ArrayLike | None = None,
    *,
    cyclic: bool = True,
) -> np.ndarray:
    """Connected sets of nodes along whose edges the values differ by less than ``within``.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    values : (n,) array
        Phases in radians, or with ``cyclic=False`` frequencies or any other numbers.
    within : float
        Positive, in the values' unit.
    coupling : (m,) array, optional
        Where it is negative, a phase is compared with the opposite of the neighbour's phase.
    cyclic : bool
        Whether differences are taken on the circle.

    Returns
    -------
    (n,) int64
        Number of each node's cluster, 0 for the largest; a node without a value is alone in its
        cluster.

    Raises
    ------
    InputError
        Where there is not one value a node or coupling an edge, ``within`` is not positive, or
        values that are not ``cyclic`` have couplings.
    """
    graph = Graph.of(graph)
    values, opposed = checked_values(graph.n, values), opposed_edges(graph, coupling)
    if not within > 0:
        raise InputError(f"clusters need a positive difference to stay within: {within}")
    if not cyclic and coupling is not None:
        raise InputError("couplings apply to phases only: clusters of other values take none")
    with np.errstate(invalid="ignore"):
        apart = values[graph.edges[:, 1]] - values[graph.edges[:, 0]]
        if opposed is not None:
            apart -= np.pi * opposed
        if cyclic:
            apart -= 2 * np.pi * np.rint(apart / (2 * np.pi))
        ends = graph.edges[np.abs(apart) < within].T
    links = sparse.coo_array((np.ones(ends.shape[1], bool), tuple(ends)), shape=(graph.n, graph.n))
    label = connected_components(links, directed=False)[1]
    by_size = np.argsort(-np.bincount(label), kind="stable")
    rank = np.empty(len(by_size), dtype=np.int64)
    rank[by_size] = np.arange(len(by_size))
    return rank[label]


def frequency_spread(frequencies: np.ndarray) -> float:
    """The largest frequency minus the smallest; InputError where there are none."""
    frequencies = np.asarray(frequencies)
    if not frequencies.size:
        raise InputError("a spread needs at least one frequency")
    return float(np.ptp(frequencies))


def steady_frequencies(times: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """Mean frequency (n,) over the second half of a trajectory of unwrapped phases (k, n).

    (φ_end − φ_mid) / (t_end − t_mid), where t_mid is the last time in the first half.

    Raises
    ------
    InputError
        Where the times (k,) do not increase or do not fit the fields.
    """
    times, fields = np.asarray(times, float), np.asarray(fields, float)
    if times.ndim != 1 or fields.ndim != 2 or len(times) != len(fields):
        raise InputError(
            f"a trajectory has one row of phases for each time, not times {times.shape} and phases "
            f"{fields.shape}"
        )
    if len(times) < 2 or not (np.diff(times) > 0).all():
        raise InputError("mean frequencies need two times at least, each later than the last")
    middle = np.searchsorted(times, (times[0] + times[-1]) / 2, side="right") - 1
    return (fields[-1] - fields[middle]) / (times[-1] - times[middle])


def checked_values(n: int | None, values: ArrayLike) -> np.ndarray:
    """Values (n,) as float64."""
    values = np.asarray(values)
    if values.ndim != 1 or values.dtype.kind not in "biuf" or n not in (None, len(values)):
        wanted = "one real number a node" if n is None else f"{n} real numbers, one a node"
        raise InputError(f"need {wanted}, not shape {values.shape} and type {values.dtype}")
    return values.astype(np.float64, copy=False)


def opposed_edges(graph: Graph, coupling: ArrayLike | None) -> np.ndarray | None:
    """Mask (m,) of the edges with a negative coupling; None where there are none."""
    if coupling is None:
        return None
    coupling = np.asarray(coupling)
    if coupling.shape != (graph.m,) or coupling.dtype.kind not in "biuf":
        raise InputError(
            f"need {graph.m} real couplings, one an edge, not shape {coupling.shape} and type "
            f"{coupling.dtype}"
        )
    opposed = coupling < 0
    return opposed if opposed.any() else None
