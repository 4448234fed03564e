"""How far the temperature of a mesh is from that of infinitely fine cells, cell by cell.

In each cell K the error e of the temperature solves, among polynomials of one degree more that are
zero at the nodes,

    ∫_K k ∇e·∇v = ∫_K q v − ∫_K k ∇T·∇v − ∮_∂K g v   for all v,

where g is the heat that leaves through a facet (Bank and Weiser 1985). Between cells it is the mean
of what both of them say; the normal flux is continuous there, whatever the conductivities are. The
mean is weighted so that the worse conductor decides: the same heat needs less energy in the better
one. On the boundary g is what the conditions give.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from meshrep.energies.conduction.assembly import Part
from meshrep.energies.conduction.blocks import Block, geometry
from meshrep.energies.conduction.elements import LINEAR, SIMPLICES, Rule, places, quadrature, shapes
from meshrep.energies.conduction.facets import Facets, facet_keys, facets_of
from meshrep.energies.conduction.materials import Property
from meshrep.graphs.cells import LINE, PYRAMID, QUAD, TETRAHEDRON, TRIANGLE, VERTEX

Entering = tuple[Sequence[tuple[Facets, int]], np.ndarray]
# By how much the estimate is too large, as fine meshes of several shapes show.
_OVER = {TETRAHEDRON: 2.0, PYRAMID: 1.8}
_EVEN = 1e-8  # determinant, with eigenvalues of mean 1, below which a cell counts as very flat
_LEAST = 1e-9  # share of the largest eigenvalue below which one is rounding
_COUNT = {VERTEX: 1, LINE: 2, TRIANGLE: 3, QUAD: 4}


@dataclass(frozen=True, eq=False)
class MeshError:
    """The estimated error of a temperature.

    Attributes
    ----------
    squares : (c,) float64
        ∫ k |∇e|² in each cell of the graph, in W K; NaN in those that do not conduct.
    flux : (c,) float64
        The size of k∇e in each cell in the mean square, in W/m².
    relative : float
        √(∫ k|∇e|² / ∫ (k|∇T|² + k|∇e|²)), within [0, 1], in the whole part: the error of the heat
        flux in the mean square as a share of that of infinitely fine cells.
    """

    squares: np.ndarray
    flux: np.ndarray
    relative: float


def mesh_error(
    part: Part,
    field: np.ndarray,
    source: Property,
    fixed: np.ndarray,
    entering: Iterable[Entering],
) -> MeshError:
    """Estimate the error of a temperature (n,) that is a minimum.

    Parameters
    ----------
    part : Part
    field : (n,) array
    source : Property
        The heat that the part makes, in W/m³.
    fixed : (k,) int64
        Nodes whose temperature is given.
    entering : iterable of (facets, heat)
        What each condition brings: heat (p,) in W at points on facets, as
        :class:`meshrep.energies.conduction.patches.Samples` has them.
    """
    held = np.zeros(part.graph.n, dtype=bool)
    held[fixed] = True
    found = [_Cells(part, block, field, source) for block in part.blocks]
    for dimension in {block.dimension for block in part.blocks}:
        alike = {n: cells for n, cells in enumerate(found) if cells.block.dimension == dimension}
        # Neighbours compare their fluxes at the same points; one is enough where all are constant.
        order = max(max(2, cells.block.order) for cells in alike.values())
        one = all(cells.block.kind in SIMPLICES for cells in alike.values())
        sides = [side for n, cells in alike.items() for side in cells.sides(held, n, order, one)]
        _balance(sides)
        for side in sides:
            found[side.number].give(side.rows, side.bubbles, -side.flux)
    for patch, heat in entering:
        begin = 0
        for facets, order in patch:
            bubbles = found[facets.number].bubbles_at(facets.side, order)
            end = begin + len(facets.rows) * len(bubbles)
            there = heat[begin:end].reshape(len(facets.rows), len(bubbles))
            found[facets.number].give(facets.rows, bubbles, there)
            begin = end
    count = len(part.graph.cells)
    squares, energy, flux, size = (np.zeros(count) for _ in range(4))
    for cells in found:
        which = cells.block.which
        own = cells.squares()
        np.add.at(squares, which, own)
        np.add.at(energy, which, cells.energy)
        np.add.at(flux, which, own * cells.conductivity)
        np.add.at(size, which, cells.size)
    wrong = float(squares.sum())
    total = float(energy.sum()) + wrong
    with np.errstate(invalid="ignore", divide="ignore"):
        squares[size == 0] = np.nan
        flux = np.sqrt(flux / size)
    return MeshError(squares, flux, (wrong / total) ** 0.5 if total > 0 else 0.0)


@dataclass(eq=False)
class _Side:
    """One facet each of some cells of a block, at quadrature points that neighbours share.

    Attributes
    ----------
    number : int
        Of the block.
    rows : (f,) int64
        The cells.
    keys : (f,) uint64
        The same for facets of neighbours.
    bubbles : (q, m) array
    flux : (f, q) array
        Heat in W that leaves at the points.
    ease : (f, q) array
        Conductivity over the distance across the cell, times the area of the points.
    natural : (f,) bool
        Whether a facet that has no neighbour lets in only what conditions give.
    """

    number: int
    rows: np.ndarray
    keys: np.ndarray
    bubbles: np.ndarray
    flux: np.ndarray
    ease: np.ndarray
    natural: np.ndarray


def _balance(sides: list[_Side]) -> None:
    """Make the fluxes of neighbours sum to 0, and those of the boundary what conditions give."""
    keys = np.concatenate([side.keys for side in sides])
    flux = np.concatenate([side.flux for side in sides])
    ease = np.concatenate([side.ease for side in sides])
    natural = np.concatenate([side.natural for side in sides])
    facet = np.unique(keys, return_inverse=True)[1]
    alone = np.bincount(facet)[facet] == 1
    excess, whole = np.zeros((2, facet.max() + 1, flux.shape[1]))
    np.add.at(excess, facet, flux)
    np.add.at(whole, facet, ease)
    balanced = flux - ease / whole[facet] * excess[facet]
    balanced[alone] = np.where(natural[alone, None], 0.0, flux[alone])
    for side, own in zip(sides, np.split(balanced, np.cumsum([len(s.rows) for s in sides])[:-1]),
                         strict=True):  # fmt: skip
        side.flux = own


@dataclass(frozen=True, eq=False)
class _Values:
    """What is known at points (c, q) of cells: weights, dual basis, k, ∇T, −k∇T and the source."""

    weights: np.ndarray
    duals: np.ndarray
    k: np.ndarray
    gradient: np.ndarray
    flow: np.ndarray
    source: np.ndarray

    def means(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """∫ k |∇T|², the volume, and the mean conductivity of each cell."""
        w = self.weights
        energy = -(w * (self.flow * self.gradient).sum(axis=2)).sum(axis=1)
        k = np.trace(self.k, axis1=2, axis2=3) / 3.0 if self.k.ndim == 4 else self.k
        return energy, w.sum(axis=1), (w * k).sum(axis=1) / w.sum(axis=1)


class _Cells:
    """The local problems of the cells of a block.

    Attributes
    ----------
    matrix : (c, m, m) array
        ∫ k ∇v·∇v of the functions that are one degree higher.
    right : (c, m) array
        The right-hand side.
    energy, size, conductivity : (c,) arrays
        ∫ k |∇T|², the volume, and the mean conductivity.
    """

    def __init__(self, part: Part, block: Block, field: np.ndarray, source: Property) -> None:
        self.part, self.block, self.field, self.source = part, block, field, source
        pieces = block.pieces(max(2, block.order) ** block.dimension)
        compute = self._of_simplices if block.kind in SIMPLICES else self._of_any
        found = [compute(piece) for piece in pieces]
        self.matrix, self.right, self.energy, self.size, self.conductivity = (
            np.concatenate(parts) for parts in zip(*found, strict=True)
        )

    def _of_any(self, piece: Block) -> tuple[np.ndarray, ...]:
        points, weights = quadrature(LINEAR[piece.kind], max(2, piece.order))
        values, slopes = _bubbles(piece.kind, points)
        there = self._at(piece, points, weights)
        w, k, flow = there.weights, there.k, there.flow
        turned = slopes @ there.duals
        matrix = np.einsum("cq,cqmx,cqnx->cmn", w, turned, _times(k, turned), optimize=True)
        right = (w * there.source) @ values
        right += np.einsum("cq,cqx,cqmx->cm", w, flow, turned, optimize=True)
        return matrix, right, *there.means()

    def _of_simplices(self, piece: Block) -> tuple[np.ndarray, ...]:
        """The same where all gradients are constant, so that one point is enough."""
        points, weights = quadrature(piece.kind, 2)
        values, slopes = _bubbles(piece.kind, points)
        whole, weights = weights.sum(keepdims=True), weights / weights.sum()
        there = self._at(piece, (weights @ points)[None], whole)
        duals, w = there.duals[:, 0], there.weights
        metric = np.einsum("cdx,cex->cde", duals, _times(there.k, there.duals)[:, 0])
        both = np.einsum("q,qmd,qne->demn", weights, slopes, slopes)
        d, m = both.shape[1:3]
        matrix = (w[..., None] * metric.reshape(-1, 1, d * d)) @ both.reshape(d * d, m * m)
        right = (w * there.source) * (weights @ values)
        along = np.einsum("cx,cdx->cd", there.flow[:, 0], duals)
        right += w * (along @ np.einsum("q,qmd->dm", weights, slopes))
        return matrix.reshape(-1, m, m), right, *there.means()

    def _at(self, piece: Block, points: np.ndarray, weights: np.ndarray) -> _Values:
        """The part and the field at points (q, d) of cells."""
        part = self.part
        corners = part.points[piece.nodes]
        table = Rule(weights, *shapes(piece.kind, points))
        signed, duals = geometry(corners, table)
        positions = table.values @ corners
        w = abs(signed) * part.section(piece, positions)
        k = part.material.conductivity.at(piece.which, positions)
        gradient = np.einsum("ck,cqkx->cqx", self.field[piece.nodes], table.slopes @ duals)
        source = self.source.at(piece.which, positions)
        return _Values(w, duals, k, gradient, -_times(k, gradient), source)

    def sides(self, held: np.ndarray, number: int, order: int, one: bool) -> Iterable[_Side]:
        """All facets of the cells, at points of a rule or at one point."""
        block = self.block
        for side, (kind, local) in enumerate(facets_of(block.kind)):
            count = _COUNT[LINEAR[kind]]
            nodes = block.nodes[:, local]
            ordered = np.sort(nodes[:, :count], axis=1)
            proper = (ordered[:, 1:] != ordered[:, :-1]).all(axis=1)  # not collapsed
            for turn, rows in _alike(nodes[:, :count], proper, alike=one):
                at, normal, weights = _on_facet(block.kind, side, turn, order)
                bubbles = _bubbles(block.kind, at)[0]
                if one:
                    whole = weights.sum(keepdims=True)
                    bubbles, at = ((weights @ each)[None] / whole for each in (bubbles, at))
                    weights = whole
                flux, ease = self._flux(rows, at, normal, weights)
                keys = facet_keys(kind, nodes[rows])
                natural = ~held[nodes[rows]].all(axis=1)
                yield _Side(number, rows, keys, bubbles, flux, ease, natural)

    def _flux(
        self, rows: np.ndarray, at: np.ndarray, normal: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Heat that leaves at points of a facet, and the ease of conduction towards them."""
        there = self._at(self.block.subset(rows), at, weights)
        # Nanson: the normal on the real cell, as long as the area of the point.
        outward = (normal @ there.duals) * there.weights[..., None]
        flux = (there.flow * outward).sum(axis=2)
        unit = normal / np.linalg.norm(normal)
        return flux, (_times(there.k, outward) * (unit @ there.duals)).sum(axis=2)

    def bubbles_at(self, side: int, order: int) -> np.ndarray:
        """The functions (q, m) at the points of a facet; of the cell itself for side −1."""
        if side < 0:
            points = quadrature(LINEAR[self.block.kind], order)[0]
        else:
            count = _COUNT[LINEAR[facets_of(self.block.kind)[side][0]]]
            points = _on_facet(self.block.kind, side, tuple(range(count)), order)[0]
        return _bubbles(self.block.kind, points)[0]

    def give(self, rows: np.ndarray, bubbles: np.ndarray, heat: np.ndarray) -> None:
        """Bring heat (f, q) to cells at points."""
        np.add.at(self.right, rows, heat @ bubbles)

    def squares(self) -> np.ndarray:
        """∫ k |∇e|² of each cell."""
        if not self.right.size:
            return np.zeros(len(self.right))
        found = _energies(self.matrix, self.right)
        return found / _OVER.get(self.block.kind, 1.0) ** 2


def _energies(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """rᵀ A⁻¹ r of each cell (c,).

    Rounding decides the small eigenvalues of very flat cells. They are left out, so that such a
    cell shows the error across it alone.
    """
    count = matrix.shape[1]
    even = matrix / (np.trace(matrix, axis1=1, axis2=2) / count)[:, None, None]
    # The determinant is a bound of the condition, since the eigenvalues are 1 in the mean.
    flat = np.linalg.slogdet(even)[1] < np.log(_EVEN)
    found = np.zeros(len(right))
    some = right[~flat]
    found[~flat] = (np.linalg.solve(matrix[~flat], some[..., None])[..., 0] * some).sum(axis=1)
    values, vectors = np.linalg.eigh(matrix[flat])
    along = (vectors.transpose(0, 2, 1) @ right[flat][..., None])[..., 0]
    kept = values > _LEAST * values[:, -1:]
    found[flat] = np.divide(along**2, values, out=np.zeros_like(along), where=kept).sum(axis=1)
    return found


def _times(k: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """k times vectors (c, q, …, 3)."""
    if k.ndim == 4:
        return vectors @ k if vectors.ndim == 4 else (vectors[:, :, None] @ k)[:, :, 0]
    return k.reshape(*k.shape, *[1] * (vectors.ndim - 2)) * vectors


def _bubbles(kind: int, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Functions (q, m) and slopes (q, m, d) that are 0 at the nodes of a kind, at points (q, d)."""
    powers, mix = _basis(kind)
    values, slopes = shapes(kind, at)
    monomials, derived = _monomials(powers, at)
    there = _monomials(powers, places(kind))[0]
    slope = derived - np.einsum("qkd,km->qmd", slopes, there)
    return (monomials - values @ there) @ mix, np.einsum("qmd,mn->qnd", slope, mix)


@cache
def _basis(kind: int) -> tuple[tuple[tuple[int, ...], ...], np.ndarray]:
    """The monomials of one degree more than the cells have, and what combines them (m, n).

    Combinations that the shape functions contain are left out.
    """
    degree = 2 if kind == LINEAR[kind] else 3
    dimension = places(kind).shape[1]
    powers = tuple(p for p in product(range(degree + 1), repeat=dimension) if sum(p) == degree)
    at = quadrature(LINEAR[kind], 4)[0]
    values = shapes(kind, at)[0]
    left = _monomials(powers, at)[0] - values @ _monomials(powers, places(kind))[0]
    _, sizes, turned = np.linalg.svd(left, full_matrices=False)
    return powers, turned[sizes > 1e-6 * sizes[0]].T


def _monomials(powers: Any, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Monomials (q, m) and their slopes (q, m, d)."""
    exponents = np.array(powers)
    values = np.prod(at[:, None] ** exponents, axis=2)
    slopes = []
    for axis in range(at.shape[1]):
        lower = exponents.copy()
        lower[:, axis] = np.maximum(lower[:, axis] - 1, 0)
        slopes.append(exponents[:, axis] * np.prod(at[:, None] ** lower, axis=2))
    return values, np.stack(slopes, axis=2)


def _alike(
    corners: np.ndarray, proper: np.ndarray, *, alike: bool
) -> Iterable[tuple[tuple[int, ...], np.ndarray]]:
    """Facets (f, count) by the order in which their corners are read, the same for neighbours.

    Corners are read from the smallest number on, of quadrilaterals towards its smaller neighbour.
    With ``alike`` the order does not matter.
    """
    rows = np.flatnonzero(proper)
    if alike or not len(rows):
        if len(rows):
            yield tuple(range(corners.shape[1])), rows
        return
    if corners.shape[1] < 4:
        order = np.argsort(corners[rows], axis=1)
    else:
        first = corners[rows].argmin(axis=1)
        ahead, behind = (first + 1) % 4, (first - 1) % 4
        each = np.arange(len(rows))
        turn = np.where(corners[rows][each, ahead] < corners[rows][each, behind], 1, -1)
        order = (first[:, None] + turn[:, None] * np.arange(4)) % 4
    key = order @ (4 ** np.arange(corners.shape[1]))
    for value in np.unique(key):
        chosen = np.flatnonzero(key == value)
        yield tuple(order[chosen[0]].tolist()), rows[chosen]


@cache
def _on_facet(
    kind: int, side: int, order: tuple[int, ...], points: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (q, d) of a rule on a facet of the reference cell, outward normal, and weights (q,).

    The normal is as long as the facet's parameters are stretched.
    """
    facet, local = facets_of(kind)[side]
    corners = places(kind)[local[list(order)]]
    plain = LINEAR[facet]
    if plain == VERTEX:
        at, weights, normal = corners, np.ones(1), np.ones(1)
    else:
        where, weights = quadrature(plain, points)
        at = shapes(plain, where)[0] @ corners
        along = [corner - corners[0] for corner in (corners[1], corners[-1])]
        flat = plain == LINE
        normal = np.array([along[0][1], -along[0][0]]) if flat else np.cross(*along)
    inside = places(LINEAR[kind]).mean(axis=0)
    outward = np.sign(normal @ (corners.mean(axis=0) - inside))
    return at, outward * normal, weights
