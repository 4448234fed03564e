"""Where conditions act: boundary faces of solids, boundary edges of shells, ends of wires."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.energies.conduction.assembly import Part
from meshrep.energies.conduction.blocks import Block, geometry
from meshrep.energies.conduction.elements import LINEAR, mids, rule
from meshrep.errors import InputError
from meshrep.graphs.cells import (
    EDGES_OF_KIND,
    FACES_OF_KIND,
    LINE,
    QUAD,
    TRIANGLE,
    VERTEX,
)

_QUADRATIC = {LINE: 21, TRIANGLE: 22, QUAD: 23}
_NAMES = {3: "face", 2: "edge of a surface", 1: "end of a wire"}


@dataclass(frozen=True, eq=False)
class Facets:
    """Facets of one kind, and the cells that they belong to.

    Attributes
    ----------
    block : Block
        Of the facets; ``which`` are numbers that no other facet has.
    owners : Block
        The cells, whose thickness or area the facets have.
    """

    block: Block
    owners: Block


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
    """

    matrix: sparse.csr_array
    weights: np.ndarray
    positions: np.ndarray


class Patch:
    """What a selection of nodes bounds, or covers.

    Parameters
    ----------
    part : Part
    nodes : (k,) int64
        The selected nodes.
    name : str
        What errors begin with.
    sides : bool
        Whether the patch is the area of shells and the hull of wires instead of the boundary.

    Raises
    ------
    InputError
        Where no facet has all its nodes selected.
    """

    def __init__(self, part: Part, nodes: np.ndarray, name: str, *, sides: bool = False) -> None:
        self.part, self.name, self.sides = part, name, sides
        mask = np.zeros(part.graph.n, dtype=bool)
        mask[nodes] = True
        self.facets = _covered(part, mask) if sides else _boundary(part, mask)
        if not self.facets:
            kinds = {block.dimension for block in part.blocks}
            wanted = "surface or wire" if sides else " or ".join(
                f"boundary {_NAMES[d]}" if d > 1 else _NAMES[d] for d in sorted(kinds, reverse=True)
            )  # fmt: skip
            raise InputError(
                f"{name}: no {wanted} of {part.graph.name} has all its nodes among the {len(nodes)}"
                " selected: widen the selection"
            )

    @property
    def numbers(self) -> np.ndarray:
        """A number for each facet that no other facet of the part has."""
        return np.concatenate([facets.block.which for facets in self.facets])

    def samples(self, radiates: bool, perimeter: Any = None) -> Samples:
        """Its quadrature points, of one more Gauss point in each direction where it radiates."""
        matrices, weights, positions = [], [], []
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
        return Samples(
            sparse.csr_array(sparse.vstack(matrices)),
            np.concatenate(weights),
            np.concatenate(positions),
        )

    def _width(self, facets: Facets, at: np.ndarray, perimeter: Any) -> Any:
        """By what the size of a facet is multiplied to be an area."""
        section = self.part.section(facets.owners, at)
        if not self.sides:
            return section
        if facets.block.dimension == 2:
            return 1.0
        return 2.0 * np.sqrt(np.pi * section) if perimeter is None else perimeter


def _covered(part: Part, mask: np.ndarray) -> list[Facets]:
    """The shells and wires whose nodes are all selected."""
    found = []
    for block in part.blocks:
        chosen = mask[block.nodes].all(axis=1)
        if block.dimension < 3 and chosen.any():
            cells = block.subset(chosen)
            found.append(Facets(cells, cells))
    return found


def _boundary(part: Part, mask: np.ndarray) -> list[Facets]:
    """The facets whose nodes are all selected and which belong to one cell of their dimension."""
    found = []
    for dimension in (3, 2, 1):
        facets = [
            one
            for number, block in enumerate(part.blocks)
            if block.dimension == dimension
            for one in _selected(block, mask, number)
        ]
        if not facets:
            continue
        single = _single([_corners_of(f.block, part.graph.n) for f in facets])
        for one, alone in zip(facets, single, strict=True):
            if alone.any():
                found.append(Facets(one.block.subset(alone), one.owners.subset(alone)))
    return found


def _selected(block: Block, mask: np.ndarray, number: int) -> list[Facets]:
    """The facets of a block's cells whose nodes are all selected."""
    inside = mask[block.nodes]
    found = []
    for k, (kind, local) in enumerate(facets_of(block.kind)):
        chosen = inside[:, local].all(axis=1)
        if chosen.any():
            owners = block.subset(chosen)
            # Cells of one number (of a polyline) are told apart by their place in the block.
            which = (np.flatnonzero(chosen) * 8 + k) * 2**8 + number
            found.append(Facets(Block(kind, which, owners.nodes[:, local]), owners))
    return found


def _corners_of(block: Block, n: int) -> np.ndarray:
    """The distinct corners (f, 4) of facets, sorted; n in the place of those that are missing."""
    count = {VERTEX: 1, LINE: 2, TRIANGLE: 3, QUAD: 4}[LINEAR[block.kind]]
    corners = np.full((len(block.which), 4), n)
    corners[:, :count] = np.sort(block.nodes[:, :count], axis=1)
    again = corners[:, 1:] == corners[:, :-1]
    corners[:, 1:][again] = n
    corners.sort(axis=1)
    return corners


def _single(tables: list[np.ndarray]) -> list[np.ndarray]:
    """Which rows of tables occur once in all of them and do not belong to a collapsed facet."""
    table = np.concatenate(tables)
    order = np.lexsort(table.T)
    ordered = table[order]
    same = (ordered[1:] == ordered[:-1]).all(axis=1)
    alone = np.ones(len(table), dtype=bool)
    alone[1:] &= ~same
    alone[:-1] &= ~same
    single = np.empty(len(table), dtype=bool)
    single[order] = alone
    return np.split(single, np.cumsum([len(t) for t in tables])[:-1])


@cache
def facets_of(kind: int) -> tuple[tuple[int, np.ndarray], ...]:
    """The facets of a kind of cell: their kind, and the local numbers of their nodes."""
    linear = LINEAR[kind]
    middle = {frozenset(ends): m for m, ends in mids(kind).items()} if kind != linear else {}
    if linear == LINE:
        return tuple((VERTEX, np.array([end])) for end in (0, 1))
    flat = linear in (TRIANGLE, QUAD)
    found = []
    for corners in EDGES_OF_KIND[linear] if flat else FACES_OF_KIND[kind]:
        plain = {2: LINE, 3: TRIANGLE, 4: QUAD}[len(corners)]
        if not middle:
            found.append((plain, np.array(corners)))
            continue
        following = corners[1:] + corners[:1] if len(corners) > 2 else corners[1:]
        between = [middle[frozenset(pair)] for pair in zip(corners, following, strict=False)]
        found.append((_QUADRATIC[plain], np.array([*corners, *between])))
    return tuple(found)
