"""What is measured of phases on a graph: order, winding and vortices, clusters, frequencies."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from weakref import WeakKeyDictionary

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from meshrep.cells import POLYGON, Cells
from meshrep.errors import InputError
from meshrep.graph import Graph

_TURN = 2 * np.pi
_MOST = 30_000_000  # paths of two edges beyond which no cycles are looked for
_LONG = 1.5  # times the median: an edge that joins opposite sides of a periodic lattice
_FLAT = 1e-9  # area over squared size below which a cycle is a line round the whole lattice


def order_parameter(phi: np.ndarray) -> float | np.ndarray:
    """Kuramoto's order parameter ρ = |Σ_j e^{iφ_j}| / n of phases (n,), or of k fields (k, n).

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
            f"phases must be a row of real numbers, or a table with a row a field, "
            f"not of shape {phi.shape} and type {phi.dtype}"
        )
    rho = np.abs(np.exp(1j * phi).mean(axis=-1))
    return rho if phi.ndim == 2 else float(rho)


def local_order(graph: Graph, phi: np.ndarray) -> np.ndarray:
    """ρ of each node with its neighbours, |Σ_j e^{iφ_j}| over their number, shape (n,).

    Neighbours are those that an edge joins, whatever its weight; an isolated node has 1.

    Raises
    ------
    InputError
        Where there is not one phase a node.
    """
    circle = np.exp(1j * _checked(graph.n, phi))
    adjacency = graph.adjacency
    ones = np.ones(adjacency.nnz)
    joined = sparse.csr_array((ones, adjacency.indices, adjacency.indptr), shape=adjacency.shape)
    return np.abs(circle + joined @ circle) / (1 + np.diff(adjacency.indptr))


def windings(cells: Cells, phi: np.ndarray) -> np.ndarray:
    """How often the phase turns round each cell: 1/2π Σ of its wrapped differences, an integer.

    Parameters
    ----------
    cells : Cells
        A node number below 0 is one without a phase.
    phi : (n,) array
        Phases in radians; NaN where there is none.

    Returns
    -------
    (c,) int64
        Of a face, the sum along its corners in the cell's order. Of a solid, how many vortex
        lines pass through it: half the sum of |winding| over its sides. 0 for other cells, and
        where a corner has no phase.

    Raises
    ------
    InputError
        Where a cell names a node beyond the phases.

    Notes
    -----
    Differences are wrapped to [−π, π], and one of exactly ±π keeps its sign, so that a face
    turned over has exactly the opposite winding.
    """
    phi = _checked(None, phi)
    if len(cells.connectivity) and cells.connectivity.max() >= len(phi):
        raise InputError(
            f"a cell names node {cells.connectivity.max()}, but there are {len(phi)} phases"
        )
    found = np.zeros(len(cells))
    number, faces = cells.faces()
    found[number] = _turns(faces, phi)
    number, sides = cells.sides()
    if len(sides):
        found += np.bincount(number, np.abs(_turns(sides, phi)), minlength=len(cells)) // 2
    return np.nan_to_num(found).astype(np.int64)


def _turns(polygons: Cells, phi: np.ndarray) -> np.ndarray:
    """Turns of the phase round each polygon (f,), whole numbers; NaN where a corner has none.

    Σ (Δ − 2π rint(Δ/2π)) = −2π Σ rint(Δ/2π), since Σ Δ = 0 round a polygon: no rounding error.
    """
    if not len(polygons):
        return np.zeros(0)
    at = phi[polygons.connectivity] / _TURN
    if polygons.connectivity.min() < 0:
        at[polygons.connectivity < 0] = np.nan
    with np.errstate(invalid="ignore"):  # a phase that is infinite
        return -np.add.reduceat(np.rint(at[polygons.following()] - at), polygons.offsets[:-1])


def charges(cells: Cells, phi: np.ndarray) -> np.ndarray:
    """Vortex charge of each cell (c,): its winding, neighbouring faces run the same way round.

    Parameters and errors as for :func:`windings`. On a closed surface the charges sum to 0.
    """
    return windings(cells, phi) * cells.orientation


def plaquettes(graph: Graph) -> Cells:
    """The polygons on which vortices are counted, each once.

    The faces of the graph, those of one patch turned the same way round, and the sides of its
    solids, which vortex lines pierce, seen from where their coordinates grow. Where there are
    no cells of either kind, as on periodic lattices, the shortest chordless cycles: triangles,
    else cycles of four, without those that lie on a line (they go round the whole lattice), as
    seen from +z. None where there are neither, or where the search would pass thirty million
    paths of two edges.

    Notes
    -----
    Kept with the graph. The first call sorts the faces: some seconds for a million.
    """
    return _plaquettes(graph)[0]


_KNOWN: WeakKeyDictionary[Graph, tuple[Cells, float]] = WeakKeyDictionary()


def _plaquettes(graph: Graph) -> tuple[Cells, float]:
    """The plaquettes, and the length beyond which their edges come back from the other side."""
    if graph not in _KNOWN:
        faces, sides = (found.distinct() for _, found in (graph.cells.faces(), graph.cells.sides()))
        reach = np.inf
        if not len(faces) and not len(sides):
            reach = _reach(graph)
            faces = _cycles(graph, reach)
        faces = faces.turned(faces.orientation < 0)
        if len(sides):
            sides = _facing_up(sides, graph.points, reach)
            faces = Cells.join([faces, sides]).distinct() if len(faces) else sides
        _KNOWN[graph] = faces, reach
    return _KNOWN[graph]


@dataclass(frozen=True, eq=False)
class Vortices:
    """Where phases wind.

    Attributes
    ----------
    charge : (f,) int64
        Winding number of each plaquette of :func:`plaquettes`.
    points : (k, 3) float64
        Centres of the plaquettes whose charge is not 0; none where the graph has no points.
    signs : (k,) int64
        Their charges.
    """

    charge: np.ndarray
    points: np.ndarray
    signs: np.ndarray

    @property
    def count(self) -> int:
        """How many plaquettes have a charge."""
        return int(np.count_nonzero(self.charge))

    @property
    def total(self) -> int:
        """Sum of all charges: 0 on every closed surface with two sides."""
        return int(self.charge.sum())


def vortices(graph: Graph, phi: np.ndarray) -> Vortices:
    """The vortices and antivortices of phases (n,), in radians, counted on the plaquettes.

    Raises
    ------
    InputError
        Where there is not one phase a node.

    >>> from meshrep.sources.lattices import square
    >>> lattice = square(4, 4)
    >>> x, y, _ = lattice.points.T - 1.5
    >>> vortices(lattice, np.arctan2(y, x)).points
    array([[1.5, 1.5, 0. ]])
    """
    polygons, reach = _plaquettes(graph)
    charge = np.nan_to_num(_turns(polygons, _checked(graph.n, phi))).astype(np.int64)
    charged = np.flatnonzero(charge)
    signs = charge[charged]
    if graph.points is None:
        return Vortices(charge, np.zeros((0, 3)), signs)
    points = np.zeros((len(charged), 3))
    for _, which, nodes in polygons.subset(charged).tables():
        points[which] = sum(_corners(graph.points, nodes, reach)) / nodes.shape[1]
    return Vortices(charge, points, signs)


def clusters(graph: Graph, values: np.ndarray, within: float, *, cyclic: bool = True) -> np.ndarray:
    """Connected sets of nodes along whose edges the values differ by less than ``within``.

    Parameters
    ----------
    values : (n,) array
        Phases in radians, or with ``cyclic=False`` frequencies or any other numbers.
    within : float
        Positive, in the values' unit.
    cyclic : bool
        Whether differences are taken on the circle.

    Returns
    -------
    (n,) int64
        Number of each node's cluster, 0 the largest; a node without a value is one by itself.

    Raises
    ------
    InputError
        Where there is not one value a node, or ``within`` is not positive.
    """
    values = _checked(graph.n, values)
    if not within > 0:
        raise InputError(f"clusters need a positive difference to stay within: {within}")
    with np.errstate(invalid="ignore"):
        apart = values[graph.edges[:, 1]] - values[graph.edges[:, 0]]
        if cyclic:
            apart -= _TURN * np.rint(apart / _TURN)
        ends = graph.edges[np.abs(apart) < within].T
    links = sparse.coo_array((np.ones(ends.shape[1], bool), tuple(ends)), shape=(graph.n, graph.n))
    label = connected_components(links, directed=False)[1]
    by_size = np.argsort(-np.bincount(label), kind="stable")
    rank = np.empty(len(by_size), dtype=np.int64)
    rank[by_size] = np.arange(len(by_size))
    return rank[label]


def frequency_spread(frequencies: np.ndarray) -> float:
    """Largest less smallest frequency; InputError where there are none."""
    frequencies = np.asarray(frequencies)
    if not frequencies.size:
        raise InputError("a spread needs at least one frequency")
    return float(np.ptp(frequencies))


def steady_frequencies(times: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """Mean frequency (n,) over the second half of a trajectory of unwrapped phases (k, n).

    (φ_end − φ_mid) / (t_end − t_mid), mid the last of the rising times (k,) in the first half.

    Raises
    ------
    InputError
        Where the times do not rise or do not fit the fields.
    """
    times, fields = np.asarray(times, float), np.asarray(fields, float)
    if times.ndim != 1 or fields.ndim != 2 or len(times) != len(fields):
        raise InputError(
            f"a trajectory has a row of phases a time: {times.shape} times, {fields.shape} phases"
        )
    if len(times) < 2 or not (np.diff(times) > 0).all():
        raise InputError("mean frequencies need two times at least, each later than the last")
    middle = np.searchsorted(times, (times[0] + times[-1]) / 2, side="right") - 1
    return (fields[-1] - fields[middle]) / (times[-1] - times[middle])


def _checked(n: int | None, values: np.ndarray) -> np.ndarray:
    """Values (n,) as float64."""
    values = np.asarray(values)
    if values.ndim != 1 or values.dtype.kind not in "biuf" or n not in (None, len(values)):
        wanted = "one real number a node" if n is None else f"{n} real numbers, one a node"
        raise InputError(f"need {wanted}, not shape {values.shape} and type {values.dtype}")
    return values.astype(np.float64, copy=False)


def _reach(graph: Graph) -> float:
    """Length of the edges that join opposite sides of a lattice; of other graphs infinite."""
    if graph.points is None or not graph.m:
        return np.inf
    a, b = graph.points[graph.edges.T]
    low, median = np.quantile(np.linalg.norm(b - a, axis=1), [0.1, 0.5])
    return _LONG * float(median) if np.isclose(low, median) else np.inf


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


def _cycles(graph: Graph, reach: float) -> Cells:
    """The triangles, else the chordless cycles of four, that do not lie on a line."""
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
    return np.stack([i, j, k], axis=1)[_joined(graph, j, k)]


def _squares(graph: Graph) -> np.ndarray:
    """Chordless cycles of four (c, 4), the least node first; none where too many to look at."""
    neighbours = graph.adjacency.indices
    one, other = _pairs(graph.adjacency.indptr)
    centre = np.repeat(np.arange(graph.n), np.diff(graph.adjacency.indptr))[one]
    i, k = neighbours[one].astype(np.int64), neighbours[other].astype(np.int64)
    path = i < centre  # i - centre - k with i the least of the cycle
    i, k, centre = i[path], k[path], centre[path]
    path = ~_joined(graph, i, k)
    i, k, centre = i[path], k[path], centre[path]
    ends = i * np.int64(graph.n) + k
    order = np.argsort(ends, kind="stable")
    starts = np.flatnonzero(np.diff(ends[order], prepend=-1, append=-1))
    one, other = (order[half] for half in _pairs(starts))
    found = np.stack([i[one], centre[one], k[one], centre[other]], axis=1)
    return found[~_joined(graph, centre[one], centre[other])]


def _joined(graph: Graph, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Whether an edge joins the nodes of each pair low < high."""
    if not graph.m:
        return np.zeros(len(low), dtype=bool)
    known = graph.edges[:, 0] * np.int64(graph.n) + graph.edges[:, 1]
    wanted = low * np.int64(graph.n) + high
    return known[np.searchsorted(known, wanted).clip(max=graph.m - 1)] == wanted


def _pairs(starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs a < b of places in each stretch ``starts[s]:starts[s+1]``; none if too many."""
    starts = np.asarray(starts, dtype=np.int64)
    sizes = np.diff(starts)
    if (sizes * (sizes - 1) // 2).sum() > _MOST or not len(sizes):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    partners = np.repeat(starts[1:], sizes) - np.arange(starts[0], starts[-1]) - 1
    one = np.repeat(np.arange(starts[0], starts[-1]), partners)
    first = np.cumsum(partners) - partners
    other = one + 1 + np.arange(len(one)) - np.repeat(first, partners)
    return one, other
