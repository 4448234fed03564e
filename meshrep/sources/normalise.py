"""From points and cells as they were read to a sound graph, every repair told with its count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import (
    EDGES_OF_KIND,
    LINE,
    POLYGON,
    POLYLINE,
    QUAD,
    TETRAHEDRON,
    TRIANGLE,
    VERTEX,
    Cells,
)
from meshrep.graphs.graph import Graph
from meshrep.graphs.origin import Origin
from meshrep.sources.clouds import as_cloud, connect
from meshrep.sources.kinds import common_kinds, refuse_wrong_sizes
from meshrep.sources.wording import counted

# Beyond this a square overflows float32, and no measured length comes near: bytes were misread.
LARGEST_COORDINATE = 1e18
# How many different corners a cell needs in order to be one.
_LEAST_CORNERS = {LINE: 2, TRIANGLE: 3, QUAD: 3, POLYGON: 3, 8: 3, TETRAHEDRON: 4}
_CORNERS_OF_QUADRATIC = {21: (2, 2), 22: (3, 3), 23: (4, 3), 24: (4, 4), 28: (4, 3)}


@dataclass(frozen=True, eq=False)
class Raw:
    """Points (N, 3), cells and arrays exactly as an input has them, and remarks of its reader."""

    path: str
    points: np.ndarray
    cells: Cells
    remarks: tuple[str, ...] = ()
    point_data: Mapping[str, np.ndarray] = field(default_factory=dict)
    cell_data: Mapping[str, np.ndarray] = field(default_factory=dict)


def graph_of(
    raw: Raw,
    *,
    name: str,
    merge: bool = True,
    neighbours: int | None = None,
    radius: float | None = None,
) -> Graph:
    """The graph of a raw input: checked, merged, stripped of what is empty, and reported.

    Parameters
    ----------
    raw : Raw
        What was read.
    name : str
        What to call the graph.
    merge : bool
        Whether points at exactly the same position become one node. Texture seams and triangle
        soups need it; a mesh with an open crack does not want it.
    neighbours, radius : int, float, optional
        Join the points by nearness and set the cells aside.

    Returns
    -------
    Graph
        Nodes in the order of the input's points; ``graph.origin`` holds the input and the map.

    Raises
    ------
    InputError
        Where a coordinate is not finite, a cell names a missing point, or nothing is left.

    Notes
    -----
    A sort of the points and one of the cells: about a second for a million triangles.
    """
    points = _checked_points(raw)
    _check_indices(raw)
    refuse_wrong_sizes(raw.cells, raw.path)
    remarks = list(raw.remarks)
    cells, remark = common_kinds(raw.cells, raw.path)
    remarks += remark
    number = _same_position(points) if merge else np.arange(len(points))
    is_cloud = neighbours is not None or radius is not None or not _has_edges(cells)
    if is_cloud:
        if _has_edges(cells):
            remarks.append(
                f"{counted(len(cells), 'cell')} set aside: the points are joined by nearness"
            )
        cells, used = Cells.none(), np.ones(len(points), dtype=bool)
    else:
        cells, used, told = _sound_cells(cells.renumbered(number), number)
        remarks += told
        if not len(cells):
            raise InputError(f"{raw.path}: every cell is degenerate: no edge is left to work on")
    kept = np.flatnonzero(used & (number == np.arange(len(points))))
    node_of = np.full(len(points), -1, dtype=np.int64)
    node_of[kept] = np.arange(len(kept))
    node_of = node_of[number]
    merged = int((used & (number != np.arange(len(points)))).sum())
    if merged:
        remarks.append(f"{counted(merged, 'point')} merged with others at the same position")
    if not used.all():
        dropped = int((~used).sum())
        remarks.append(f"{counted(dropped, 'point')} dropped: no cell uses them")
    data = raw.point_data, raw.cell_data
    origin = Origin(raw.path, points, raw.cells, node_of, tuple(remarks), *data)
    if is_cloud:
        pairs, chosen = connect(points[kept], neighbours, radius, where=raw.path)
        origin = Origin(raw.path, points, raw.cells, node_of, (*remarks, chosen), *data)
        return as_cloud(points[kept], pairs, name=name, origin=origin)
    return Graph.from_cells(points[kept], cells.renumbered(node_of), name=name, origin=origin)


def _checked_points(raw: Raw) -> np.ndarray:
    """The points as (N, 3) float64, refused where empty, not finite, or absurd."""
    points = np.asarray(raw.points)
    if points.ndim != 2 or points.shape[1] not in (2, 3) or points.dtype.kind not in "iuf":
        raise InputError(
            f"{raw.path}: points must be a table of numbers with 2 or 3 columns, "
            f"not of shape {points.shape} and type {points.dtype}"
        )
    if not len(points):
        raise InputError(f"{raw.path}: it holds no points and no faces: check that it is complete")
    with np.errstate(invalid="ignore"):  # some NaNs warn when they are converted
        points = np.ascontiguousarray(points, dtype=np.float64)
    if points.shape[1] == 2:
        points = np.pad(points, ((0, 0), (0, 1)))
    finite = np.isfinite(points)
    if not finite.all():
        first = int(np.argmin(finite.all(axis=1)))
        bad = int((~finite.all(axis=1)).sum())
        raise InputError(
            f"{raw.path}: {counted(bad, 'vertex', 'vertices')} not finite, the first is vertex "
            f"{first} (counted from 0) at {_triple(points[first])}: mend or remove it"
        )
    size = np.abs(points)
    if size.max() > LARGEST_COORDINATE or _mostly_denormal(size):
        first = int(np.argmax(size.max(axis=1)))
        raise InputError(
            f"{raw.path}: the coordinates are absurd (vertex {first} at {_triple(points[first])}): "
            "the byte order or the number format is probably not what the header says"
        )
    return points


def _mostly_denormal(size: np.ndarray) -> bool:
    """Whether many values are float32 denormals: what small numbers become with bytes swapped."""
    return bool(((size > 0) & (size < 1e-37)).sum() > 0.05 * size.size)


def _triple(point: np.ndarray) -> str:
    return "(" + ", ".join(f"{x:g}" for x in point) + ")"


def _check_indices(raw: Raw) -> None:
    """Refuse a cell that names a point which is not there."""
    cells, n = raw.cells, len(raw.points)
    offsets = cells.offsets
    if len(offsets) != len(cells) + 1 or offsets[0] != 0 or (np.diff(offsets) < 0).any():
        raise InputError(f"{raw.path}: the table of cells is damaged: write the file again")
    if offsets[-1] != len(cells.connectivity):
        raise InputError(f"{raw.path}: the table of cells is cut short: write the file again")
    bad = (cells.connectivity < 0) | (cells.connectivity >= n)
    if bad.any():
        at = int(np.argmax(bad))
        cell = int(np.searchsorted(offsets, at, side="right")) - 1
        raise InputError(
            f"{raw.path}: cell {cell} (counted from 0) names point {cells.connectivity[at]}, but "
            f"the points are 0 … {n - 1}: the file is damaged or its byte order is wrong"
        )


def _has_edges(cells: Cells) -> bool:
    return bool((cells.kinds != VERTEX).any())


def _equal_rows(table: np.ndarray) -> np.ndarray:
    """For each row of a table of 64-bit numbers, the number of the first row equal to it.

    Most rows have no equal, and a hash tells them apart sooner than sorting by every column.
    """
    if table.shape[1] > len(table):  # few long rows
        of: dict[bytes, int] = {}
        return np.array([of.setdefault(row.tobytes(), k) for k, row in enumerate(table)], np.int64)
    key = np.zeros(len(table), dtype=np.uint64)
    for column in table.T:
        key ^= np.ascontiguousarray(column).view(np.uint64)
        key *= np.uint64(0x9E3779B97F4A7C15)  # odd, so that nothing is lost
        key ^= key >> np.uint64(32)
    first = np.arange(len(table))
    ordered = np.sort(key)
    shared = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(shared):
        place = np.minimum(np.searchsorted(shared, key), len(shared) - 1)
        alike = np.flatnonzero(shared[place] == key)
        first[alike] = alike[_equal_among(table[alike])]
    return first


def _equal_among(table: np.ndarray) -> np.ndarray:
    """As :func:`_equal_rows`, by sorting."""
    order = np.lexsort(table.T[::-1])  # stable: equal rows stay in their order
    changes = (table[order[1:]] != table[order[:-1]]).any(axis=1)
    group = np.concatenate([[0], np.cumsum(changes)])
    first = np.empty(len(table), dtype=np.int64)
    first[order] = order[np.concatenate([[True], changes])][group]
    return first


def _same_position(points: np.ndarray) -> np.ndarray:
    """For each point, the first point at exactly its position (-0.0 counts as 0.0)."""
    return _equal_rows(points + 0.0)


def _sound_cells(cells: Cells, number: np.ndarray) -> tuple[Cells, np.ndarray, list[str]]:
    """Drop stray vertex cells, degenerate cells and repeated cells; say which points are used."""
    told = []
    stray = cells.kinds == VERTEX
    if stray.any():
        told.append(f"{counted(int(stray.sum()), 'vertex cell')} set aside: other cells have edges")
        cells = cells.subset(~stray)
    keep = np.ones(len(cells), dtype=bool)
    repeated = 0
    collapsed: list[Cells] = []
    for kind, all_of, table in cells.tables():
        sound = _distinct_corners(kind, table) >= _least(kind)
        keep[all_of[~sound]] = False
        which, nodes = all_of[sound], table[sound]
        if not len(nodes):
            continue
        first = _equal_rows(np.sort(nodes, axis=1))
        again = first != np.arange(len(nodes))
        keep[which[again]] = False
        repeated += int(again.sum())
        if kind in (QUAD, POLYGON):
            closed = (nodes == np.roll(nodes, -1, axis=1)).any(axis=1) & ~again
            keep[which[closed]] = False
            collapsed += [_without_repeats(row) for row in nodes[closed]]
    degenerate = len(cells) - int(keep.sum()) - repeated - len(collapsed)
    if degenerate:
        told.append(f"{counted(degenerate, 'degenerate cell')} dropped")
    if repeated:
        told.append(f"{counted(repeated, 'repeated cell')} dropped")
    if collapsed:
        told.append(f"{counted(len(collapsed), 'cell')} with a repeated corner simplified")
    if not keep.all():
        cells = Cells.join([cells.subset(keep), *collapsed])
    used = np.zeros(len(number), dtype=bool)
    used[cells.connectivity] = True
    return cells, used[number], told


def _distinct_corners(kind: int, nodes: np.ndarray) -> np.ndarray:
    """How many different corners each cell of a table has."""
    corners = _CORNERS_OF_QUADRATIC.get(kind, (nodes.shape[1], 0))[0]
    ordered = np.sort(nodes[:, :corners], axis=1)
    return 1 + (ordered[:, 1:] != ordered[:, :-1]).sum(axis=1)


def _least(kind: int) -> int:
    """Corners that must differ; solids may be collapsed ones (a hexahedron drawn as a wedge)."""
    if kind in _CORNERS_OF_QUADRATIC:
        return _CORNERS_OF_QUADRATIC[kind][1]
    if kind == POLYLINE:
        return 2
    return _LEAST_CORNERS.get(kind, 4 if kind in EDGES_OF_KIND else 1)


def _without_repeats(row: np.ndarray) -> Cells:
    """A polygon less its repeated consecutive corners."""
    row = row[row != np.roll(row, -1)]
    kind = {3: TRIANGLE, 4: QUAD}.get(len(row), POLYGON)
    return Cells.of_kind(kind, row[None])
