"""Which cell of the input each cell of a graph is, and values of cells in the input's order."""

from __future__ import annotations

import numpy as np

from meshrep.graphs.cells import (
    HEXAHEDRON,
    LINE,
    POLYLINE,
    PYRAMID,
    QUAD,
    TETRAHEDRON,
    TRIANGLE,
    VERTEX,
    VOXEL,
    WEDGE,
    Cells,
)
from meshrep.graphs.graph import Graph

_HASH = 0x9E3779B97F4A7C15
_CORNERS = {
    VERTEX: 1, LINE: 2, TRIANGLE: 3, QUAD: 4, TETRAHEDRON: 4, HEXAHEDRON: 8, WEDGE: 6, PYRAMID: 5,
}  # fmt: skip
_DIMENSION = {VERTEX: 0, LINE: 1, POLYLINE: 1, TETRAHEDRON: 3, HEXAHEDRON: 3, WEDGE: 3, PYRAMID: 3}
# The kind with the same corners, of kinds of higher order, of pixels and of voxels.
_PLAIN = {
    8: QUAD, VOXEL: HEXAHEDRON, 21: LINE, 22: TRIANGLE, 23: QUAD, 24: TETRAHEDRON, 25: HEXAHEDRON,
    26: WEDGE, 27: PYRAMID, 28: QUAD, 29: HEXAHEDRON, 30: QUAD, 31: WEDGE, 32: WEDGE,
    33: HEXAHEDRON, 34: TRIANGLE, 37: PYRAMID, 68: LINE, 69: TRIANGLE, 70: QUAD, 71: TETRAHEDRON,
    72: HEXAHEDRON, 73: WEDGE, 74: PYRAMID, 75: LINE, 76: TRIANGLE, 77: QUAD, 78: TETRAHEDRON,
    79: HEXAHEDRON, 80: WEDGE, 81: PYRAMID,
}  # fmt: skip


def input_cells(graph: Graph) -> np.ndarray:
    """The number (c,) of the input's cell that each cell of a graph is.

    Cells are compared by their corners. It is -1 for cells that are parts of a cell of the input,
    such as the triangles of a strip. Without an input cells keep their numbers.
    """
    count, origin = len(graph.cells), graph.origin
    if origin is None:
        return np.arange(count)
    renumbered = origin.cells.renumbered(origin.node_of)
    if (
        count == len(renumbered)
        and np.array_equal(renumbered.kinds, graph.cells.kinds)
        and np.array_equal(renumbered.connectivity, graph.cells.connectivity)
    ):
        return np.arange(count)
    given, wanted = _keys(renumbered), _keys(graph.cells)
    if not len(given):
        return np.full(count, -1)
    order = np.argsort(given, kind="stable")
    at = np.minimum(np.searchsorted(given[order], wanted), len(given) - 1)
    found = order[at]
    return np.where(given[found] == wanted, found, -1)


def in_input(graph: Graph, values: np.ndarray) -> np.ndarray:
    """Values (c, …) of a graph's cells in the order of the input's cells; NaN where it has none."""
    if graph.origin is None:
        return values
    cell = input_cells(graph)
    known = cell >= 0
    if known.all() and np.array_equal(cell, np.arange(len(graph.origin.cells))):
        return values
    spread = np.full((len(graph.origin.cells), *values.shape[1:]), np.nan)
    spread[cell[known]] = values[known]
    return spread


def _keys(cells: Cells) -> np.ndarray:
    """A number (c,) for each cell that depends on its set of corners and its dimension alone."""
    keys = np.zeros(len(cells), dtype=np.uint64)
    for kind, which, nodes in cells.tables():
        plain = _PLAIN.get(kind, kind)
        corners = _CORNERS.get(plain, nodes.shape[1])
        ordered = np.sort(nodes[:, :corners], axis=1)
        hashed = (ordered.astype(np.uint64) + np.uint64(1)) * np.uint64(_HASH)
        hashed ^= hashed >> np.uint64(29)
        hashed *= np.uint64(0xBF58476D1CE4E5B9)
        hashed ^= hashed >> np.uint64(32)
        hashed[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = 0
        dimension = _DIMENSION.get(plain, 2)
        keys[which] = hashed.sum(axis=1, dtype=np.uint64) + np.uint64(dimension)
    return keys
