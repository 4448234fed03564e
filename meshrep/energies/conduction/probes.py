"""The value of a field at given points, by the shape functions of the cells that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from meshrep.base.tables import number
from meshrep.energies.conduction.blocks import Block, blocks_of
from meshrep.energies.conduction.elements import LINEAR, places, shapes
from meshrep.energies.conduction.facets import facets_of
from meshrep.errors import InputError, kind_of
from meshrep.graphs.cells import HEXAHEDRON, PYRAMID, QUAD, VERTEX, WEDGE
from meshrep.graphs.graph import Graph

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_TOUCHES = 1e-6  # share of the size of the mesh within which a point counts as on it
_INSIDE = 1e-9  # by how much reference coordinates may lie outside the reference cell
_ITERATIONS = 30
_FAR = 10.0  # reference coordinates beyond which no foot is searched for

# The distance of a point of a cell, the nodes of the cell, and the shape functions there.
_Found = tuple[float, np.ndarray, np.ndarray]


class Probes:
    """Points at which fields on a graph are read.

    Parameters
    ----------
    graph : Graph
        With points and cells.
    points : (p, 3) or (3,) array
        In the coordinates of the mesh; two coordinates for a mesh in the plane z = 0.

    Attributes
    ----------
    points : (p, 3) float64
    matrix : (p, n) csr_array
        The values at the points are ``matrix @ field``.
    distances : (p,) float64
        How far each point lies from the nearest one of the mesh, where it is read.

    Raises
    ------
    InputError
        For points that cannot be read, and a graph without cells.
    """

    def __init__(self, graph: Graph, points: ArrayLike) -> None:
        self.points = _checked(points)
        if graph.points is None or not len(graph.cells):
            raise InputError(f"{graph.name}: probes need a mesh with points and cells")
        self.graph, places_of_nodes = graph, graph.points
        blocks = [block for block in blocks_of(graph, places_of_nodes) if block.dimension]
        if not blocks:
            raise InputError(f"{graph.name}: probes need a mesh with points and cells")
        cells = _Candidates(blocks, places_of_nodes)
        self._size = float(np.linalg.norm(np.ptp(places_of_nodes, axis=0)))
        rows, columns, values, distances = [], [], [], []
        for row, point in enumerate(self.points):
            distance, nodes, shares = cells.at(point, 1e-12 * self._size)
            distances.append(distance)
            rows += [row] * len(nodes)
            columns += nodes.tolist()
            values += shares.tolist()
        shape = len(self.points), graph.n
        self.matrix = sparse.csr_array(sparse.coo_array((values, (rows, columns)), shape=shape))
        self.distances = np.array(distances)

    def remarks(self) -> list[str]:
        """A sentence for each point that does not lie on the mesh."""
        return [
            f"probe {k + 1} {name_of(point)} lies {number(distance, 3)} outside of "
            f"{self.graph.name}: it shows the nearest point of it"
            for k, (point, distance) in enumerate(zip(self.points, self.distances, strict=True))
            if distance > _TOUCHES * self._size
        ]

    @property
    def names(self) -> list[str]:
        """The coordinates of each point, as curves and columns are called."""
        return [name_of(point) for point in self.points]


def name_of(point: np.ndarray) -> str:
    """A point as (x, y, z)."""
    return f"({', '.join(f'{x:.4g}' for x in point.tolist())})"


def _checked(points: ArrayLike) -> np.ndarray:
    """Points as an array (p, 3)."""
    try:
        found = np.atleast_2d(np.array(points, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"probes are points of 3 coordinates, not {kind_of(points)}") from None
    if found.ndim != 2 or found.shape[1] not in (2, 3) or not np.isfinite(found).all():
        raise InputError(f"probes are points of 3 finite coordinates, not of shape {found.shape}")
    return np.pad(found, ((0, 0), (0, 3 - found.shape[1])))


class _Candidates:
    """All cells with boxes around them, by which the cell that holds a point is found."""

    def __init__(self, blocks: list[Block], points: np.ndarray) -> None:
        self.points, self.blocks = points, blocks
        boxes = [_boxes(block, points) for block in blocks]
        self.low, self.high = (np.concatenate(side) for side in zip(*boxes, strict=True))
        counts = [len(block.which) for block in blocks]
        self.owner = np.repeat(np.arange(len(blocks)), counts)
        self.place = np.concatenate([np.arange(count) for count in counts])

    def at(self, point: np.ndarray, touches: float) -> _Found:
        """The nearest point of all cells."""
        beyond = np.maximum(np.maximum(self.low - point, point - self.high), 0.0)
        least = (beyond**2).sum(axis=1) ** 0.5
        around = np.flatnonzero(least == 0)
        middles = 0.5 * (self.low[around] + self.high[around])
        for cell in around[np.argsort(((middles - point) ** 2).sum(axis=1), kind="stable")]:
            found = _inside(*self._cell(cell), self.points, point)
            if found is not None and found[0] <= touches:
                return found
        best: _Found = (np.inf, np.zeros(0, int), np.zeros(0))
        for cell in np.argsort(least, kind="stable"):
            if least[cell] >= best[0]:
                break
            found = _nearest(*self._cell(cell), self.points, point)
            best = found if found[0] < best[0] else best
        return best

    def _cell(self, cell: int) -> tuple[int, np.ndarray]:
        block = self.blocks[self.owner[cell]]
        return block.kind, block.nodes[self.place[cell]]


def _boxes(block: Block, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corners (c, 3) of boxes that contain the cells."""
    corners = points[block.nodes]
    low, high = corners.min(axis=1), corners.max(axis=1)
    if block.kind == LINEAR[block.kind]:
        return low, high
    # Curved edges may leave the box of their nodes, by less than a quarter of its extent.
    bulge = 0.25 * (high - low).max(axis=1, keepdims=True)
    return low - bulge, high + bulge


def _nearest(kind: int, nodes: np.ndarray, points: np.ndarray, wanted: np.ndarray) -> _Found:
    """The nearest point of a cell.

    It is the foot of the perpendicular where that lies inside the cell, and else the nearest point
    of its facets.
    """
    if kind == VERTEX:
        return float(np.linalg.norm(points[nodes[0]] - wanted)), nodes, np.ones(1)
    found = _inside(kind, nodes, points, wanted)
    if found is not None:
        return found
    facets = [_nearest(facet, nodes[members], points, wanted) for facet, members in facets_of(kind)]
    return min(facets, key=lambda one: one[0])


def _inside(kind: int, nodes: np.ndarray, points: np.ndarray, wanted: np.ndarray) -> _Found | None:
    """The foot of the perpendicular on a cell, if it lies inside."""
    local = _foot(kind, points[nodes], wanted)
    if local is None:
        return None
    values = shapes(kind, local[None])[0][0]
    return float(np.linalg.norm(values @ points[nodes] - wanted)), nodes, values


def _foot(kind: int, corners: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """Reference coordinates of the foot of the perpendicular by Gauss–Newton; None outside."""
    nodes = places(LINEAR[kind])
    local = nodes.mean(axis=0)
    size = float(np.ptp(corners, axis=0).max()) or 1.0
    for _ in range(_ITERATIONS):
        values, slopes = shapes(kind, local[None])
        tangents = slopes[0].T @ corners
        step = np.linalg.lstsq(tangents.T, wanted - values[0] @ corners, rcond=None)[0]
        local = local + step
        if LINEAR[kind] == PYRAMID:
            local[2] = min(local[2], 1.0 - 1e-12)  # functions are not defined at the tip
        if abs(local).max() > _FAR:
            return None
        if float(abs(step @ tangents).max()) <= 1e-14 * size:
            break
    return local if _outside(kind, local) <= _INSIDE else None


def _outside(kind: int, local: np.ndarray) -> float:
    """By how much reference coordinates lie outside the reference cell; negative inside."""
    linear = LINEAR[kind]
    if linear in (QUAD, HEXAHEDRON):
        return float(max(-local.min(), local.max() - 1.0))
    if linear == PYRAMID:
        flat, height = abs(local[:2]).max(), local[2]
        return float(max(flat - (1.0 - height), -height))
    if linear == WEDGE:
        return float(max(-local.min(), local[:2].sum() - 1.0, local[2] - 1.0))
    return float(max(-local.min(), local.sum() - 1.0))
