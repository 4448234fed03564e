"""Rare kinds of cells brought to the common ones of :mod:`meshrep.graphs.cells`."""

from __future__ import annotations

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import (
    HEXAHEDRON,
    KIND_NAMES,
    LINE,
    POLYGON,
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
from meshrep.sources.wording import counted

POLY_VERTEX, TRIANGLE_STRIP = 2, 6

# Cells of higher order as (kind, first nodes kept): VTK numbers the corners first, then the mid
# nodes of the edges; nodes inside faces and cells come last and carry no edge.
_REDUCED = {
    29: (25, 20), 30: (QUAD, 4), 31: (WEDGE, 6), 32: (26, 15), 33: (25, 20), 34: (22, 6),
    35: (LINE, 2), 37: (27, 13),
    68: (LINE, 2), 69: (TRIANGLE, 3), 70: (QUAD, 4), 71: (TETRAHEDRON, 4), 72: (HEXAHEDRON, 8),
    73: (WEDGE, 6), 74: (PYRAMID, 5),
    75: (LINE, 2), 76: (TRIANGLE, 3), 77: (QUAD, 4), 78: (TETRAHEDRON, 4), 79: (HEXAHEDRON, 8),
    80: (WEDGE, 6), 81: (PYRAMID, 5),
}  # fmt: skip

# How many nodes a cell of each fixed kind has.
_SIZES = {
    VERTEX: 1, LINE: 2, TRIANGLE: 3, 8: 4, QUAD: 4, TETRAHEDRON: 4, VOXEL: 8, HEXAHEDRON: 8,
    WEDGE: 6, PYRAMID: 5, 15: 10, 16: 12, 21: 3, 22: 6, 23: 8, 24: 10, 25: 20, 26: 15, 27: 13,
    28: 9, 29: 27, 30: 6, 31: 12, 32: 18, 33: 24, 34: 7, 35: 4, 37: 19,
}  # fmt: skip


def refuse_wrong_sizes(cells: Cells, path: str) -> None:
    """Raise where a cell has more or fewer nodes than its kind.

    Raises
    ------
    InputError
        Naming the first such cell.
    """
    least, most = np.ones(256, dtype=np.int64), np.full(256, np.iinfo(np.int64).max)
    least[0], least[TRIANGLE_STRIP] = 0, 3  # 0: VTK's empty cell
    for kind, (_, kept) in _REDUCED.items():
        least[kind] = kept
    for kind, size in _SIZES.items():
        least[kind] = most[kind] = size
    sizes = np.diff(cells.offsets)
    wrong = (sizes < least[cells.kinds]) | (sizes > most[cells.kinds])
    if wrong.any():
        first = int(np.argmax(wrong))
        kind = int(cells.kinds[first])
        name = KIND_NAMES.get(kind, f"cell of VTK kind {kind}")
        more = "" if kind in _SIZES else " or more"
        raise InputError(
            f"{path}: cell {first} (counted from 0) is a {name} and lists {int(sizes[first])} "
            f"nodes, not {least[kind]}{more}: its kind or its list is wrong"
        )


def polygons(nodes: np.ndarray, sizes: np.ndarray) -> Cells:
    """Faces of the given sizes (c,), their nodes one after the other, as triangles, quads, …."""
    kind_of_size = np.array([POLYGON, VERTEX, LINE, TRIANGLE, QUAD, POLYGON])
    sizes = np.asarray(sizes, dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    return Cells(nodes, offsets, kind_of_size[np.minimum(sizes, 5)])


def common_kinds(cells: Cells, path: str) -> tuple[Cells, list[str]]:
    """The cells with strips cut up and higher orders reduced, and remarks on what was changed.

    Raises
    ------
    InputError
        Where a kind has no common counterpart, such as polyhedra.
    """
    rare = ~np.isin(cells.kinds, list(KIND_NAMES))
    if not rare.any():
        return cells, []
    parts = [cells.subset(~rare)]
    reduced = 0
    for kind, _, nodes in cells.subset(rare).tables():
        if kind == 0:  # VTK's empty cell
            continue
        if kind == POLY_VERTEX:
            parts.append(Cells.of_kind(VERTEX, nodes.reshape(-1, 1)))
        elif kind == TRIANGLE_STRIP:
            steps = np.arange(nodes.shape[1] - 2)
            # Every second triangle of a strip runs backwards.
            local = np.stack([steps + steps % 2, steps + 1 - steps % 2, steps + 2], axis=1)
            parts.append(Cells.of_kind(TRIANGLE, nodes[:, local].reshape(-1, 3)))
        elif kind == 35:  # cubic line: ends first, then the inner two
            parts.append(Cells.of_kind(POLYLINE, nodes[:, [0, 2, 3, 1]]))
        elif kind in _REDUCED:
            common, kept = _REDUCED[kind]
            parts.append(Cells.of_kind(common, nodes[:, :kept]))
            reduced += len(nodes)
        else:
            raise InputError(
                f"{path}: it has cells of VTK kind {kind}, which have no edges defined here: "
                f"convert them to one of {', '.join(KIND_NAMES.values())}"
            )
    remark = [f"{counted(reduced, 'cell')} of high order reduced to edges"] if reduced else []
    return Cells.join(parts), remark
