"""How phases wind round cells and cycles: vortices, charges and windings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from meshrep.energies.phases.measures import checked_values, opposed_edges, order_parameter
from meshrep.errors import InputError
from meshrep.graphs.cells import Cells
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.graphs.plaquettes import (
    centres,
    edges_along,
    edges_along_plaquettes,
    plaquettes,
    whole_cycle,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_TURN = 2 * np.pi


def windings(cells: Cells, phi: ArrayLike) -> np.ndarray:
    """How often the phase turns round each cell: 1/2π times the sum of its wrapped differences.

    Parameters
    ----------
    cells : Cells
        A negative node number is a corner without a phase.
    phi : (n,) array
        Phases in radians; NaN where there is none.

    Returns
    -------
    (c,) int64
        For a face, the number of turns along its corners in the cell's order. For a solid, the
        number of vortex lines through it: half the sum of |winding| over its sides. 0 for other
        cells, and where a corner has no phase.

    Raises
    ------
    InputError
        Where a cell names a node beyond the phases.

    Notes
    -----
    Differences are wrapped to [−π, π], and a difference of exactly ±π keeps its sign. A face that
    is turned over therefore has exactly the opposite winding.
    """
    return _flux(cells, phi).astype(np.int64)


def charges(
    cells: Cells,
    phi: ArrayLike,
    graph: Graph | None = None,
    coupling: ArrayLike | None = None,
) -> np.ndarray:
    """Vortex charge of each cell (c,): its winding, with neighbouring faces turned the same way.

    Parameters and errors are those of :func:`windings`. With a ``coupling`` (m,) on the edges of
    ``graph`` the charges are those of :func:`vortices`, and that of a solid is half the sum of
    |charge| over its sides. On a closed surface with two sides the charges sum to 0.
    """
    opposed = None
    if coupling is not None:
        if graph is None:
            raise InputError("charges with couplings need the graph whose edges they belong to")
        opposed = opposed_edges(graph, coupling)
    if graph is None or opposed is None:
        return windings(cells, phi) * cells.orientation
    return _flux(cells, phi, graph, opposed) * cells.orientation


def _flux(
    cells: Cells, phi: ArrayLike, graph: Graph | None = None, opposed: np.ndarray | None = None
) -> np.ndarray:
    """Turns round each face, and half the sum of |turns| round the sides of each solid, (c,)."""
    phi = checked_values(None, phi)
    if len(cells.connectivity) and cells.connectivity.max() >= len(phi):
        raise InputError(
            f"a cell names node {cells.connectivity.max()}, but there are {len(phi)} phases"
        )

    def turns(polygons: Cells) -> np.ndarray:
        if graph is None or opposed is None:
            return _turns(polygons, phi)
        return _turns(polygons, phi, _halves(opposed, *edges_along(graph, polygons)))

    found = np.zeros(len(cells))
    number, faces = cells.faces()
    found[number] = turns(faces)
    number, sides = cells.sides()
    if len(sides):
        found += np.bincount(number, np.abs(turns(sides)), minlength=len(cells)) / 2
    return np.nan_to_num(found)


def _turns(polygons: Cells, phi: np.ndarray, halves: np.ndarray | None = None) -> np.ndarray:
    """Turns of the phase round each polygon (f,), in halves; NaN where a corner has none.

    With d = Δ/2π − h, Σ (d − rint d) is −Σ (h + rint d), since Σ Δ = 0 round a polygon; the second
    form has no rounding error. A side in the other direction has the opposite h, so that the shares
    of two neighbouring faces cancel.
    """
    if not len(polygons):
        return np.zeros(0)
    at = phi[polygons.connectivity] / _TURN
    if polygons.connectivity.min() < 0:
        at[polygons.connectivity < 0] = np.nan
    with np.errstate(invalid="ignore"):  # a phase that is infinite
        along = at[polygons.following()] - at
        wound = np.rint(along) if halves is None else np.rint(along - halves) + halves
        return 0.0 - np.add.reduceat(wound, polygons.offsets[:-1])


def _halves(opposed: np.ndarray, edge: np.ndarray, way: np.ndarray) -> np.ndarray:
    """The half turn ±½ along each side with a negative coupling, else 0."""
    return 0.5 * way * opposed[edge]


@dataclass(frozen=True, eq=False)
class Vortices:
    """The vortices of a field of phases.

    Attributes
    ----------
    charge : (f,) int64, or float64 in halves where couplings are negative
        Turns of the phase round each plaquette of :func:`meshrep.graphs.plaquettes.plaquettes`.
    points : (k, 3) float64
        Centres of the plaquettes with a vortex: |charge| > ½. None where the graph has no points.
    signs : (k,) of charge's type
        Their charges.
    """

    charge: np.ndarray
    points: np.ndarray
    signs: np.ndarray

    @property
    def count(self) -> int:
        """The number of plaquettes with a vortex."""
        return len(self.signs)

    @property
    def frustrated(self) -> int:
        """The number of plaquettes that cannot satisfy all couplings: chirality ±½, or ±1½."""
        return int(np.count_nonzero(self.charge % 1))

    @property
    def total(self) -> float:
        """Sum of all charges: 0 on every closed surface with two sides."""
        return self.charge.sum().item()


def vortices(graph: GraphLike, phi: ArrayLike, coupling: ArrayLike | None = None) -> Vortices:
    """The vortices and antivortices of phases (n,), in radians, counted on the plaquettes.

    The charge of a plaquette is Σ (d − rint d) round it, where d = (φ_j − φ_i)/2π, minus ½ on sides
    with a negative coupling. The charge is an integer if the number of such sides is even.
    Otherwise it is ±½, the chirality of a frustrated plaquette, to which a vortex adds ±1.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    phi : (n,) array
        Phases in radians.
    coupling : (m,) array, optional
        One for each edge, in the order of ``graph.edges``; only negative signs count.

    Raises
    ------
    InputError
        Where there is not one phase a node or one coupling an edge.

    Notes
    -----
    Turning a phase by π and changing the signs of all couplings of its node changes no charge
    (Toulouse's gauge symmetry). A side of a quadratic face, which is two edges, counts as positive.

    References
    ----------
    Villain, "Two-level systems in a spin-glass model" (1977): chirality ±½.

    >>> from meshrep.sources.lattices import square
    >>> lattice = square(4, 4)
    >>> x, y, _ = lattice.points.T - 1.5
    >>> vortices(lattice, np.arctan2(y, x)).points
    array([[1.5, 1.5, 0. ]])
    """
    graph = Graph.of(graph)
    phi, opposed = checked_values(graph.n, phi), opposed_edges(graph, coupling)
    halves = None if opposed is None else _halves(opposed, *edges_along_plaquettes(graph))
    charge = np.nan_to_num(_turns(plaquettes(graph), phi, halves))
    charge = charge.astype(np.int64) if halves is None else charge
    which = np.flatnonzero(np.abs(charge) > 0.5)
    return Vortices(charge, centres(graph, which), charge[which])


def winding(graph: GraphLike, phi: ArrayLike, coupling: ArrayLike | None = None) -> float:
    """Turns of phases (n,) round a graph that is one cycle, as in a twisted state.

    They are counted from node 0 towards the lower of its two neighbours. The result is an int or,
    with negative couplings, a float in halves, as for :func:`vortices`.

    Raises
    ------
    InputError
        Where the graph is not one cycle, or there is not one phase a node or coupling an edge.

    >>> from meshrep.sources.lattices import ring
    >>> winding(ring(12), 2 * np.pi * np.arange(12) / 4)
    3
    """
    graph = Graph.of(graph)
    cycle = whole_cycle(graph)
    if cycle is None:
        raise InputError(f"{graph.name} is not one cycle, round which phases could be followed")
    phi, opposed = checked_values(graph.n, phi), opposed_edges(graph, coupling)
    if opposed is None:
        return int(np.nan_to_num(_turns(cycle, phi)).item())
    halves = _halves(opposed, *edges_along(graph, cycle))
    return float(np.nan_to_num(_turns(cycle, phi, halves)).item())


def summary(
    graph: GraphLike, phi: ArrayLike, coupling: ArrayLike | None = None
) -> dict[str, float]:
    """ρ; the number of vortices if there are plaquettes; the winding if the graph is one cycle."""
    graph = Graph.of(graph)
    found = {"rho": float(order_parameter(phi))}
    if len(plaquettes(graph)):
        found["vortices"] = vortices(graph, phi, coupling).count
    if whole_cycle(graph) is not None:
        found["winding"] = winding(graph, phi, coupling)
    return found
