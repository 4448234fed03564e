"""The part as a system of numbers: couplings by conduction, heat sources, capacities.

    ½ ∫ k|∇T|² = ½ Σ_{i<j} a_ij (T_i − T_j)²,   a_ij = −∫ k ∇φ_i·∇φ_j,

since the shape functions sum to one. So the matrix is symmetric and its rows sum to 0 exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.energies.conduction.blocks import Block, blocks_of, geometry, sound, weights_of
from meshrep.energies.conduction.couplings import Where, couplings, summed
from meshrep.energies.conduction.elements import Rule, rule
from meshrep.energies.conduction.facets import Facets, boundary, covering
from meshrep.energies.conduction.materials import Property
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph

_THICKNESS = {1: "area", 2: "thickness"}


@dataclass(frozen=True, eq=False)
class Material:
    """What the part is made of.

    Attributes
    ----------
    conductivity, capacity : Property
        k and ρc; per length, area or volume of the mesh they are times ``sections``. The capacity
        is None where it was not given.
    sections : dict of int to Property
        The area of wires (1) and the thickness of shells (2), where these conduct.
    """

    conductivity: Property
    capacity: Property | None
    sections: dict[int, Property]


class Part:
    """The cells of a graph that conduct heat.

    Parameters
    ----------
    graph : Graph
    conductivity, capacity : what :class:`Property` takes
    thickness, area : what :class:`Property` takes, optional
        Without them, shells conduct only in a mesh without solids, and wires in one without both,
        then with 1.
    length : float
        The unit of the mesh's coordinates in metres. ``points``, and the positions at which
        properties are asked, are in metres.
    conductive : bool
        Whether heat flows in it; else it is only where conditions are.

    Attributes
    ----------
    lower : list of Block
        The cells of less than the highest dimension, which may mark facets of others.

    Raises
    ------
    InputError
        Where there are no points or no cells, a node lies on no conducting cell, or a property
        cannot be used.
    """

    def __init__(
        self, graph: Graph, conductivity: Any, capacity: Any, thickness: Any, area: Any,
        length: float = 1.0, *, conductive: bool = True,
    ) -> None:  # fmt: skip
        if graph.points is None:
            raise InputError(f"{graph.name}: conduction needs a mesh with points and cells")
        if not np.isfinite(graph.points).all():
            raise InputError(f"{graph.name}: a point has a NaN or infinite coordinate")
        self.graph, self.length, self.conductive = graph, length, conductive
        self.points = graph.points * length
        blocks = blocks_of(graph, self.points)
        if not blocks:
            raise InputError(f"{graph.name}: conduction needs cells, and there are none")
        given = {1: area, 2: thickness}
        highest = max(block.dimension for block in blocks)
        conducts = {d for d, section in given.items() if section is not None} | {highest}
        self.lower = [block for block in blocks if block.dimension < highest]
        whole = [
            sound(graph, block, self.points, rule(block.kind, block.order))
            for block in blocks
            if block.dimension in conducts
        ]
        self.blocks = [block for block in whole if len(block.which)]
        self._refuse_uncovered()
        self.material = Material(
            self._property(conductivity, "conductivity", tensors=True, positive=conductive),
            None if capacity is None else self._property(capacity, "capacity"),
            {
                d: self._property(1.0 if given[d] is None else given[d], _THICKNESS[d])
                for d in conducts - {3}
            },
        )

    def _property(self, given: Any, name: str, **options: bool) -> Property:
        """A property whose functions are of the mesh's coordinates, to be asked in metres."""
        if callable(given) and self.length != 1:
            given = partial(_of_metres, given, self.length)
        return Property(self.graph, given, name, **options)

    def _refuse_uncovered(self) -> None:
        covered = np.zeros(self.graph.n, dtype=bool)
        for block in self.blocks:
            covered[block.nodes] = True
        if not covered.all():
            node = self.graph.called(int(covered.argmin()))
            raise InputError(
                f"{self.graph.name}: {int((~covered).sum())} nodes (node {node} is one) lie on no "
                "cell that conducts: give shells a thickness= and wires an area= where they "
                "conduct beside solids, or leave these cells out of the mesh"
            )

    @cached_property
    def boundary(self) -> list[Facets]:
        """Boundary faces of solids, boundary edges of shells, and ends of wires."""
        return boundary(self.blocks)

    @cached_property
    def covering(self) -> list[Facets]:
        """The shells and wires themselves."""
        return covering(self.blocks)

    def section(self, block: Block, positions: Where) -> np.ndarray | float:
        """Thickness of shells or area of wires at positions (c, q, 3); 1 for solids."""
        section = self.material.sections.get(block.dimension)
        return 1.0 if section is None else section.at(block.which, positions)

    @cached_property
    def coupling(self) -> sparse.csr_array:
        """The symmetric matrix (n, n) of a_ij = −∫ k ∇φ_i·∇φ_j, without diagonal."""
        n = self.graph.n
        total = sparse.csr_array((n, n))
        for number, block in enumerate(self.blocks if self.conductive else ()):
            table = rule(block.kind, block.order)
            values = []
            for piece in block.pieces(len(table.weights)):
                positions = piece.positions(self.points, table)
                k = self.material.conductivity.at(piece.which, positions)
                section = self.section(piece, positions)
                values.append(couplings(self.points, piece.nodes, table, k, section))
            matrix = summed(block.nodes, np.concatenate(values), n)
            total = sparse.csr_array(total + matrix) if number else matrix
        return total

    def source_of(self, source: Any) -> Property:
        """Heat q that the part makes, looked up by cell and position."""
        return self._property(source, "source", positive=False)

    def load_of(self, source: Any) -> np.ndarray:
        """∫ q φ_i (n,) of heat q that the part makes, which is what :class:`Property` takes."""
        given = self.source_of(source)
        load = np.zeros(self.graph.n)
        if given.one and not given.table:
            return load
        for piece, table, weights, positions in self.pieces():
            q = given.at(piece.which, positions)
            load += self._summed(piece.nodes, (weights * q) @ table.values)
        return load

    @property
    def capacity(self) -> Property:
        """ρc; raises InputError where it was not given."""
        if self.material.capacity is None:
            raise InputError(
                f"{self.graph.name}: its temperature in time needs the capacity ρc of its material "
                "in J/(m³ K): give capacity=, or capacity (or rho and c) in the file of the problem"
            )
        return self.material.capacity

    @cached_property
    def lumped(self) -> np.ndarray:
        """Capacity ∫ ρc φ_i, shape (n,), lumped by the diagonal of the consistent matrix.

        Row sums are negative at the corners of serendipity cells, so that they do not serve
        (Hinton, Rock and Zienkiewicz 1976).
        """
        lumped = np.zeros(self.graph.n)
        for piece, table, weights, positions in self.pieces():
            density = weights * self.capacity.at(piece.which, positions)
            diagonal = density @ table.values**2
            share = density.sum(axis=1) / diagonal.sum(axis=1)
            lumped += self._summed(piece.nodes, diagonal * share[:, None])
        return lumped

    @cached_property
    def consistent(self) -> sparse.csr_array:
        """The capacity ∫ ρc φ_i φ_j, (n, n), exact on affine cells."""
        n = self.graph.n
        diagonal, total = np.zeros(n), sparse.csr_array((n, n))
        for block in self.blocks:
            one, other = np.triu_indices(block.nodes.shape[1], 1)
            parts = []
            for piece, table, weights, positions in self._pieces(block, max(2, block.order)):
                density = weights * self.capacity.at(piece.which, positions)
                both = table.values[:, one] * table.values[:, other]
                parts.append(density @ both)
                diagonal += self._summed(piece.nodes, density @ table.values**2)
            values = np.concatenate(parts)
            same = block.nodes[:, one] == block.nodes[:, other]  # collapsed cells
            diagonal += 2.0 * np.bincount(block.nodes[:, one][same], values[same], n)
            total = total + summed(block.nodes, values, n)
        return sparse.csr_array(total + sparse.diags_array(diagonal))

    @cached_property
    def resistance(self) -> float:
        """About the rise of temperature by which one W crosses the part.

        Heat Q that crosses a part of length L, volume V and conductivity k makes a rise of about
        Q L²/kV, where Σ a_ij |x_i − x_j|² is kV times the number of dimensions. It is 0 where
        nothing conducts.
        """
        if not self.conductive:
            return 0.0
        apart = self.points - self.points.mean(axis=0)
        conductance = np.asarray(self.coupling.sum(axis=1))[:, None]
        conducted = float((apart * (conductance * apart - self.coupling @ apart)).sum())
        return float((np.ptp(self.points, axis=0) ** 2).sum()) / conducted

    @property
    def volume(self) -> float:
        """Length times area, area times thickness, and volume of all that conducts."""
        return sum(float(weights.sum()) for *_, weights, _ in self.pieces())

    def flux(self, field: np.ndarray) -> np.ndarray:
        """Mean of −k∇T in each cell of the graph, (c, 3); NaN in those that do not conduct."""
        total = np.zeros((len(self.graph.cells), 3))
        size = np.zeros(len(total))
        for piece, table, weights, positions in self.pieces():
            duals = geometry(self.points[piece.nodes], table)[1]
            slope = np.einsum("ck,cqkx->cqx", field[piece.nodes], table.slopes @ duals)
            k = self.material.conductivity.at(piece.which, positions)
            flow = -(slope[:, :, None] @ k)[:, :, 0] if k.ndim == 4 else -k[..., None] * slope
            np.add.at(total, piece.which, (weights[..., None] * flow).sum(axis=1))
            np.add.at(size, piece.which, weights.sum(axis=1))
        with np.errstate(invalid="ignore"):
            return total / size[:, None]

    def pieces(self) -> Iterator[tuple[Block, Rule, np.ndarray, Where]]:
        """Yield cells with their rule, weights (c, q) times section, and positions (c, q, 3).

        The positions are computed when they are called, which only functions of x, y, z need.
        """
        for block in self.blocks:
            yield from self._pieces(block, block.order)

    def _pieces(self, block: Block, order: int) -> Iterator[tuple[Block, Rule, np.ndarray, Where]]:
        table = rule(block.kind, order)
        for piece in block.pieces(len(table.weights)):
            positions = piece.positions(self.points, table)
            weights = abs(weights_of(self.points, piece.nodes, table))
            yield piece, table, weights * self.section(piece, positions), positions

    def _summed(self, nodes: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.bincount(nodes.ravel(), values.ravel(), minlength=self.graph.n)


def _of_metres(function: Callable[..., Any], length: float, *positions: np.ndarray) -> Any:
    """A function of the mesh's coordinates at positions in metres."""
    return function(*(position / length for position in positions))
