"""Where conditions act: boundary faces of solids, boundary edges of shells, ends of wires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.energies.conduction.assembly import Part
from meshrep.energies.conduction.blocks import geometry
from meshrep.energies.conduction.elements import LINEAR, rule
from meshrep.energies.conduction.facets import Facets, lying_on
from meshrep.errors import InputError
from meshrep.sources.conditions import FacetTable, concerns_facets, holds_on_facets
from meshrep.sources.selection import select

_NAMES = {3: "face", 2: "edge of a surface", 1: "end of a wire"}


@dataclass(frozen=True, eq=False)
class Samples:
    """Quadrature points on a patch: T at them is ``matrix @ field``.

    Attributes
    ----------
    matrix : (p, n) csr_array
    weights : (p,) float64
        Area of each point, in m².
    positions : (p, 3) float64
        In the mesh's own coordinates.
    facets : list of (Facets, int)
        Those on which they are, in the same order, and the Gauss points in each direction there.
    """

    matrix: sparse.csr_array
    weights: np.ndarray
    positions: np.ndarray
    facets: list[tuple[Facets, int]]


class Patch:
    """The facets that a condition selects: of the boundary, or of shells and wires.

    A facet belongs to it where the condition holds at all its nodes. ``nx``, ``ny`` and ``nz`` in a
    condition are the facet's outward normal; arrays of cells have the value of the cell behind it,
    or of one that lies on it, such as the triangles that mark the boundary of a solid.

    Parameters
    ----------
    part : Part
    where : what :func:`meshrep.select` takes, or a condition on normals
    name : str
        What errors begin with.
    sides : bool
        Whether the patch is the area of shells and the hull of wires instead of the boundary.

    Raises
    ------
    InputError
        Where the condition holds at all nodes of no facet.
    """

    def __init__(self, part: Part, where: Any, name: str, *, sides: bool = False) -> None:
        self.part, self.name, self.sides = part, name, sides
        graph = part.graph
        every = part.covering if sides else part.boundary
        if concerns_facets(graph, where):
            chosen = [holds_on_facets(graph, where, _table(part, facets)) for facets in every]
            why = "satisfies it"
        else:
            nodes = select(graph, where)
            mask = np.zeros(graph.n, dtype=bool)
            mask[nodes] = True
            chosen = [mask[facets.block.nodes].all(axis=1) for facets in every]
            why = f"has all its nodes among the {len(nodes)} selected"
        self.facets = [
            facets.subset(one) for facets, one in zip(every, chosen, strict=True) if one.any()
        ]
        if not self.facets:
            kinds = {block.dimension for block in part.blocks}
            wanted = "surface or wire" if sides else " or ".join(
                f"boundary {_NAMES[d]}" if d > 1 else _NAMES[d] for d in sorted(kinds, reverse=True)
            )  # fmt: skip
            raise InputError(f"{name}: no {wanted} of {graph.name} {why}: widen the selection")

    @property
    def nodes(self) -> np.ndarray:
        """The nodes (k,) of its facets, each once, in order."""
        return np.unique(np.concatenate([facets.block.nodes.ravel() for facets in self.facets]))

    @property
    def numbers(self) -> np.ndarray:
        """A number for each facet that no other facet of the part has."""
        return np.concatenate([facets.block.which for facets in self.facets])

    def samples(self, radiates: bool, perimeter: Any = None) -> Samples:
        """Its quadrature points, of one more Gauss point in each direction where it radiates."""
        matrices, weights, positions, orders = [], [], [], []
        for facets in self.facets:
            block = facets.block
            order = (2 if block.kind == LINEAR[block.kind] else 3) + radiates
            table = rule(block.kind, order)
            corners = self.part.points[block.nodes]
            at = table.values @ corners
            area = abs(geometry(corners, table)[0]) * self._width(facets, at, perimeter)
            q, k = table.values.shape
            rows = len(block.which) * q
            columns = np.repeat(block.nodes, q, axis=0).ravel()
            values = np.tile(table.values.ravel(), len(block.which))
            starts = k * np.arange(rows + 1)
            matrix = sparse.csr_array((values, columns, starts), (rows, self.part.graph.n))
            matrix.sum_duplicates()
            matrices.append(matrix)
            weights.append(area.ravel())
            positions.append(at.reshape(-1, 3) / self.part.length)
            orders.append(order)
        return Samples(
            sparse.csr_array(sparse.vstack(matrices)),
            np.concatenate(weights),
            np.concatenate(positions),
            list(zip(self.facets, orders, strict=True)),
        )

    def _width(self, facets: Facets, at: np.ndarray, perimeter: Any) -> Any:
        """By what the size of a facet is multiplied to be an area."""
        section = self.part.section(facets.owners, at)
        if not self.sides:
            return section
        if facets.block.dimension == 2:
            return 1.0
        return 2.0 * np.sqrt(np.pi * section) if perimeter is None else perimeter


def _table(part: Part, facets: Facets) -> FacetTable:
    """What a condition may ask of facets; a cell that lies on a facet counts beside its owner."""
    cells = np.stack([facets.owners.which, lying_on(part.lower, facets)], axis=1)
    return FacetTable(facets.block.nodes, facets.normals(part.points), cells)
