"""Facets of the cells of a part: boundary faces of solids, edges of shells, ends of wires."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from meshrep.energies.conduction.blocks import Block
from meshrep.energies.conduction.elements import LINEAR, mids
from meshrep.graphs.cells import (
    EDGES_OF_KIND,
    FACES_OF_KIND,
    LINE,
    QUAD,
    TRIANGLE,
    VERTEX,
)

_QUADRATIC = {LINE: 21, TRIANGLE: 22, QUAD: 23}
_CORNERS = {VERTEX: 1, LINE: 2, TRIANGLE: 3, QUAD: 4}


@dataclass(frozen=True, eq=False)
class Facets:
    """Facets of one kind, and the cells that they belong to.

    Attributes
    ----------
    block : Block
        Of the facets; ``which`` are numbers that no other facet has.
    owners : Block
        The cells, whose thickness or area the facets have.
    number : int
        The number of the owners' block among those of the part.
    rows : (f,) int64
        The owners' places in that block.
    side : int
        Which of the facets of its owner each is; −1 where it is the owner itself.
    """

    block: Block
    owners: Block
    number: int
    rows: np.ndarray
    side: int

    def subset(self, chosen: np.ndarray) -> Facets:
        """Those of a mask."""
        block, owners = self.block.subset(chosen), self.owners.subset(chosen)
        return Facets(block, owners, self.number, self.rows[chosen], self.side)

    def normals(self, points: np.ndarray) -> np.ndarray:
        """Unit normals (f, 3), of the planes through the corners of curved facets.

        They point out of the owner: along a wire at its end, in the plane of a surface at its edge.
        A surface that is its own facet has the normal by the order of its nodes, a wire has NaN.
        """
        kind = LINEAR[self.block.kind]
        corners = points[self.block.nodes[:, : _CORNERS[kind]]]
        own = self.block.kind == self.owners.kind
        cells = points[self.owners.nodes[:, : _corner_count(self.owners.kind)]]
        outward = corners.mean(axis=1) - cells.mean(axis=1)
        if kind in (TRIANGLE, QUAD):
            a, b = corners[:, 2] - corners[:, 0], corners[:, -1] - corners[:, 1]
            normal = np.cross(a, b)  # of the diagonals; of a triangle, of two sides
            if not own:
                normal = normal * np.sign((normal * outward).sum(axis=1))[:, None]
        elif kind == LINE:
            along = corners[:, 1] - corners[:, 0]
            share = (outward * along).sum(axis=1) / (along * along).sum(axis=1)
            normal = np.full_like(along, np.nan) if own else outward - share[:, None] * along
        else:
            normal = outward
        with np.errstate(invalid="ignore"):
            return normal / np.linalg.norm(normal, axis=1)[:, None]


def covering(blocks: list[Block]) -> list[Facets]:
    """Shells and wires as facets of their own, which their sides are."""
    found, count = [], 0
    for number, block in enumerate(blocks):
        if block.dimension < 3:
            rows = np.arange(len(block.which))
            facets = Block(block.kind, count + rows, block.nodes)
            found.append(Facets(facets, block, number, rows, -1))
            count += len(rows)
    return found


def boundary(blocks: list[Block]) -> list[Facets]:
    """The facets that belong to one cell of their dimension."""
    found, count = [], 0
    for dimension in (3, 2, 1):
        facets = [
            (number, side, kind, local, facet_keys(kind, block.nodes[:, local]))
            for number, block in enumerate(blocks)
            if block.dimension == dimension
            for side, (kind, local) in enumerate(facets_of(block.kind))
        ]
        single = _single([keys for *_, keys in facets])
        for (number, side, kind, local, keys), which in zip(facets, single, strict=True):
            if len(which):
                owners = blocks[number].subset(which)
                block = Block(kind, count + which, owners.nodes[:, local])
                found.append(Facets(block, owners, number, which, side))
            count += len(keys)
    return found


def lying_on(cells: list[Block], facets: Facets) -> np.ndarray:
    """For each facet (f,) the number of a cell with its corners, such as one that marks it; or -1.

    Parameters
    ----------
    cells : list of Block
    facets : Facets
    """
    alike = [block for block in cells if LINEAR[block.kind] == LINEAR[facets.block.kind]]
    if not alike:
        return np.full(len(facets.block.which), -1)
    keys = np.concatenate([facet_keys(block.kind, block.nodes) for block in alike])
    order = np.argsort(keys)
    wanted = facet_keys(facets.block.kind, facets.block.nodes)
    at = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    numbers = np.concatenate([block.which for block in alike])
    return np.where(keys[at] == wanted, numbers[at], -1)


def facet_keys(kind: int, nodes: np.ndarray) -> np.ndarray:
    """A number for each facet (f,) with these nodes (f, k), which depends on its corners alone."""
    corners = nodes[:, : _CORNERS[LINEAR[kind]]]
    keys = np.zeros(len(corners), dtype=np.uint64)
    for column in corners.T:
        keys += _mixed(column)
    if corners.shape[1] == 4:  # the face of a collapsed cell has a node twice
        pairs = ((0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (1, 3))
        twice = np.logical_or.reduce([corners[:, a] == corners[:, b] for a, b in pairs])
        for row in np.flatnonzero(twice):
            keys[row] = _mixed(np.unique(corners[row])).sum(dtype=np.uint64)
    return keys


def _mixed(nodes: np.ndarray) -> np.ndarray:
    """Numbers of 64 bits whose sums tell sets of nodes apart."""
    mixed = (nodes.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    return mixed


def _single(keys: list[np.ndarray]) -> list[np.ndarray]:
    """Where in each array the keys stand that occur once in all of them.

    A sort of the keys alone is several times faster than one of their places. A table by their
    first bits then rules most keys out.
    """
    if not keys:
        return []
    ordered = np.sort(np.concatenate(keys))
    alone = np.ones(len(ordered), dtype=bool)
    same = ordered[1:] == ordered[:-1]
    alone[1:] &= ~same
    alone[:-1] &= ~same
    single = ordered[alone]
    shift = np.uint64(64 - 20)
    table = np.zeros(2**20, dtype=bool)
    table[single >> shift] = True
    found = []
    for some in keys:
        which = np.flatnonzero(table[some >> shift])
        found.append(which[np.isin(some[which], single)])
    return found


def _corner_count(kind: int) -> int:
    """How many corners a kind of cell has; its nodes begin with them."""
    edges = EDGES_OF_KIND[LINEAR[kind]]
    return 1 + max((max(edge) for edge in edges), default=0)


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
