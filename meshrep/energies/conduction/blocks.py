"""The cells of a mesh as blocks of one kind of element each, and the geometry of their cells."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import installed
from meshrep.energies.conduction.elements import DIMENSION, LINEAR, SIMPLICES, Rule
from meshrep.errors import InputError
from meshrep.graphs.cells import (
    HEXAHEDRON,
    KIND_NAMES,
    LINE,
    POLYGON,
    POLYLINE,
    QUAD,
    TRIANGLE,
    VERTEX,
    VOXEL,
)
from meshrep.graphs.graph import Graph
from meshrep.sources.wording import counted

_TURNED = {8: (QUAD, (0, 1, 3, 2)), VOXEL: (HEXAHEDRON, (0, 1, 3, 2, 4, 5, 7, 6))}
_FLAT = 1e-12  # share of the cube of its extent below which a cell counts as having no volume
_FOLDED_AMONG = 20  # the mesh is refused where one in so many cells is folded
_AT_ONCE = 2**19  # nodes times quadrature points of the cells that are integrated at once


@dataclass(frozen=True, eq=False)
class Block:
    """Cells with the same kind of element.

    Attributes
    ----------
    kind : int
        VTK's code.
    which : (c,) int64
        The number of each cell in the graph.
    nodes : (c, k) int64
        Its nodes; those of collapsed cells occur repeatedly.
    """

    kind: int
    which: np.ndarray
    nodes: np.ndarray

    @property
    def dimension(self) -> int:
        """1 for wires, 2 for shells, 3 for solids."""
        return DIMENSION[self.kind]

    @property
    def order(self) -> int:
        """Gauss points in each direction that integrate stiffness and sources."""
        if self.kind in SIMPLICES:
            return 1
        return 2 if self.kind == LINEAR[self.kind] else 3

    def subset(self, which: np.ndarray | slice) -> Block:
        """The cells of a mask or a slice."""
        return Block(self.kind, self.which[which], self.nodes[which])

    def pieces(self, points: int) -> Iterator[Block]:
        """The block in parts whose arrays fit in memory for rules of so many points."""
        step = max(1, _AT_ONCE // (points * self.nodes.shape[1]))
        for begin in range(0, len(self.which), step):
            yield self.subset(slice(begin, begin + step))

    def positions(self, points: np.ndarray, rule: Rule) -> Callable[[], np.ndarray]:
        """A function that returns the positions (c, q, 3) of a rule's points, computed once."""
        return cache(lambda: rule.values @ points[self.nodes])


def blocks_of(graph: Graph, points: np.ndarray) -> list[Block]:
    """All cells of a graph as blocks; polylines become lines, and polygons fans of triangles.

    Raises
    ------
    InputError
        For a polygon that no fan covers.
    """
    found = []
    for kind, which, nodes in graph.cells.tables():
        count = nodes.shape[1]
        if kind in (POLYLINE, POLYGON):
            step = np.arange(count - 1) if kind == POLYLINE else np.arange(1, count - 1)
            local = [step, step + 1] if kind == POLYLINE else [0 * step, step, step + 1]
            split = nodes[:, np.stack(local, axis=1)]
            if kind == POLYGON:
                _refuse_folded(graph, which, points[split])
            simple = LINE if kind == POLYLINE else TRIANGLE
            numbers = np.repeat(which, len(step))
            found.append(Block(simple, numbers, split.reshape(-1, len(local))))
        elif kind in _TURNED:
            plain, order = _TURNED[kind]
            found.append(Block(plain, which, nodes[:, order]))
        elif kind != VERTEX:
            found.append(Block(kind, which, nodes))
    # Kernels are compiled for arrays that can be written, in the order of C.
    return [
        Block(one.kind, one.which, np.require(one.nodes, np.int64, ["C", "W"])) for one in found
    ]


def _refuse_folded(graph: Graph, which: np.ndarray, corners: np.ndarray) -> None:
    """InputError where a triangle of a fan (c, t, 3, 3) faces away from its polygon."""
    sides = corners[:, :, 1:] - corners[:, :, :1]
    normals = np.cross(sides[:, :, 0], sides[:, :, 1])
    whole = normals.sum(axis=1, keepdims=True)
    folded = ((normals * whole).sum(axis=2) < -1e-12 * (whole**2).sum(axis=2)).any(axis=1)
    if folded.any():
        raise InputError(
            f"{graph.name}: {int(folded.sum())} polygons are far from convex (cell "
            f"{int(which[folded.argmax()])} is one): triangulate the mesh first"
        )


def geometry(corners: np.ndarray, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the quadrature points on the real cells, and the dual basis of their tangents.

    Parameters
    ----------
    corners : (c, k, 3) array
        Positions of the nodes.
    rule : Rule
        Of d dimensions.

    Returns
    -------
    weights : (c, q) array
        Quadrature weight times length, area or signed volume; the sign is that of the first point
        for surfaces.
    duals : (c, q, d, 3) array
        ∇u = Σ_d (∂u/∂reference_d) dual_d, tangential on shells and wires.
    """
    q, k, d = rule.slopes.shape
    tangents = rule.slopes.transpose(0, 2, 1).reshape(q * d, k) @ corners
    tangents = tangents.reshape(len(corners), q, d, 3)
    with np.errstate(divide="ignore", invalid="ignore"):
        if d == 0:
            return np.ones((len(corners), q)), tangents
        if d == 1:
            length = np.linalg.norm(tangents, axis=3)
            return length[:, :, 0] * rule.weights, tangents / length[..., None] ** 2
        a, b = tangents[:, :, 0], tangents[:, :, 1]
        if d == 2:
            normal = np.cross(a, b)
            squared = (normal**2).sum(axis=2)
            facing = np.sign((normal * normal[:, :1]).sum(axis=2))
            duals = np.stack([np.cross(b, normal), np.cross(normal, a)], axis=2)
            return rule.weights * facing * np.sqrt(squared), duals / squared[:, :, None, None]
        c = tangents[:, :, 2]
        duals = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=2)
        volume = (a * duals[:, :, 0]).sum(axis=2)
        return rule.weights * volume, duals / volume[:, :, None, None]


def weights_of(points: np.ndarray, nodes: np.ndarray, rule: Rule) -> np.ndarray:
    """The weights (c, q) of :func:`geometry` for cells (c, k), by kernels where there is numba."""
    if not rule.slopes.shape[2] or not installed("numba"):
        return geometry(points[nodes], rule)[0]
    weights = np.empty((len(nodes), len(rule.weights)))
    kernels_for(len(nodes)).weigh(points, nodes, rule.weights, rule.slopes, weights)
    return weights


def kernels_for(cells: int) -> Any:
    """The kernels of :mod:`meshrep.kernels.elements` for so many cells."""
    from meshrep.kernels import elements

    return elements.PARALLEL if cells >= limits.THREADS_FROM else elements.SERIAL


def sound(graph: Graph, block: Block, points: np.ndarray, rule: Rule) -> Block:
    """The block without the cells that have no length, area or volume, which are told.

    A few folded cells, whose volume or normal changes sign inside, are told too. They occur in
    deformed meshes, and conduct with the size of their volume.

    Raises
    ------
    InputError
        Where one of twenty cells or more is folded, as where nodes are numbered in a wrong order.
    """
    kept = np.ones(len(block.which), dtype=bool)
    folded = np.zeros(len(block.which), dtype=bool)
    whole = float(np.ptp(points, axis=0).max())
    begin = 0
    for part in block.pieces(len(rule.weights)):
        weights = weights_of(points, part.nodes, rule)
        size = abs(weights).sum(axis=1)
        # No cell is larger than the part, so that the extent of few cells is needed.
        flat = ~(size > _FLAT * whole**part.dimension)
        if flat.any():
            extent = np.ptp(points[part.nodes[flat]], axis=1).max(axis=1)
            flat[flat] = ~(size[flat] > _FLAT * extent**part.dimension)
        end = begin + len(flat)
        kept[begin:end] = ~flat
        folded[begin:end] = ~flat & (weights.min(axis=1) < 0) & (weights.max(axis=1) > 0)
        begin = end
    if folded.any():
        count, some = int(folded.sum()), f"(cell {block.which[folded.argmax()]} is one)"
        are = "is" if count == 1 else "are"
        what = (
            f"{graph.name}: {counted(count, 'cell')} of kind {KIND_NAMES[block.kind]} {are} folded"
        )
        if count * _FOLDED_AMONG >= len(folded):
            raise InputError(f"{what} or numbered wrongly {some}: mend them in the mesher")
        warnings.warn(
            f"{what} {some}: the temperature is rough there unless they are mended in the mesher",
            stacklevel=4,
        )
    if kept.all():
        return block
    lost, some = int((~kept).sum()), f"(cell {block.which[kept.argmin()]} is one)"
    have, are = ("has", "is") if lost == 1 else ("have", "are")
    warnings.warn(
        f"{graph.name}: {counted(lost, 'cell')} of kind {KIND_NAMES[block.kind]} {have} no extent "
        f"{some} and {are} left out",
        stacklevel=4,
    )
    return block.subset(kept)
