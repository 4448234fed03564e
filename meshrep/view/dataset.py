"""A graph and fields on it as a PyVista data set: what is written to VTK files and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from meshrep.cells import LINE, POLYGON, POLYLINE, QUAD, TRIANGLE, VERTEX, Cells
from meshrep.errors import InputError
from meshrep.graph import Graph
from meshrep.view.display import load_pyvista
from meshrep.view.layout import positions

if TYPE_CHECKING:
    import pyvista

_PIXEL = 8
_STROKES = (VERTEX, LINE, POLYLINE)
_FACES = (TRIANGLE, POLYGON, QUAD, _PIXEL)


def checked_fields(graph: Graph, fields: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The fields as arrays whose first axis counts the nodes.

    Raises
    ------
    InputError
        Where a field has not one value (or one row) a node, or is not real numbers.
    """
    checked = {}
    for name, values in fields.items():
        array = np.asarray(values)
        if array.ndim not in (1, 2) or len(array) != graph.n:
            raise InputError(
                f"field {name!r} has shape {array.shape}, but {graph.name} has {graph.n} nodes"
            )
        if array.dtype.kind not in "biuf":
            raise InputError(f"field {name!r} holds {array.dtype}, not real numbers")
        checked[str(name)] = array.astype(np.uint8) if array.dtype.kind == "b" else array
    return checked


def dataset(
    graph: Graph, fields: Mapping[str, np.ndarray] | None = None, *, original: bool = False
) -> pyvista.DataSet:
    """The graph's points and cells with fields as point data.

    Parameters
    ----------
    graph : Graph
        Without points it is laid out by :func:`meshrep.view.layout.layout`.
    fields : mapping of str to (n,) or (n, k) array
        Named node values.
    original : bool
        On the points and cells of the input that the graph was read from, NaN at points that
        were dropped; without such an input, on the graph's own.

    Returns
    -------
    pyvista.PolyData or pyvista.UnstructuredGrid
        PolyData for surfaces, lines, clouds and networks (a graph without faces shows all its
        nodes as vertices and all its edges as lines); UnstructuredGrid where a cell is solid or
        has mid-edge nodes.

    Raises
    ------
    InputError
        Where a field does not fit the graph.
    """
    arrays = checked_fields(graph, fields or {})
    origin = graph.origin if original else None
    if origin is None or not len(origin.points):  # a network's file has no points
        mesh = _grid(positions(graph), graph.cells, graph.edges)
    else:
        arrays = {name: origin.spread(values) for name, values in arrays.items()}
        mesh = _grid(origin.points, origin.cells, None)
    for name, values in arrays.items():
        mesh.point_data[name] = values
    if arrays:
        mesh.set_active_scalars(next(iter(arrays)))
    return mesh


def needs_grid(cells: Cells) -> bool:
    """Whether PolyData cannot hold the cells, because some are solid or have mid-edge nodes."""
    return bool((~np.isin(cells.kinds, [*_STROKES, *_FACES])).any())


def _grid(points: np.ndarray, cells: Cells, edges: np.ndarray | None) -> pyvista.DataSet:
    """Points and cells as a data set; edges, if given, stand in where no cell has a face."""
    pv = load_pyvista()
    points = np.array(points, dtype=np.float64)
    every_point = Cells.of_kind(VERTEX, np.arange(len(points))[:, None])
    if edges is not None and not len(cells.triangles()) and not cells.has_solids:
        lines = Cells.of_kind(LINE, edges)
        return pv.PolyData(points, verts=padded(every_point), lines=padded(lines))
    if not len(cells):
        return pv.PolyData(points, verts=padded(every_point))
    if needs_grid(cells):
        return pv.UnstructuredGrid(padded(cells), cells.kinds.copy(), points)
    return pv.PolyData(
        points,
        verts=padded(cells.subset(cells.kinds == VERTEX)),
        lines=padded(cells.subset(np.isin(cells.kinds, (LINE, POLYLINE)))),
        faces=padded(_pixels_as_quads(cells.subset(np.isin(cells.kinds, _FACES)))),
    )


def _pixels_as_quads(cells: Cells) -> Cells:
    """Pixels, whose last two corners VTK swaps, with their corners in order round the cell."""
    pixels = cells.offsets[:-1][cells.kinds == _PIXEL]
    nodes = cells.connectivity.copy()
    nodes[pixels + 2], nodes[pixels + 3] = nodes[pixels + 3], nodes[pixels + 2]
    return Cells(nodes, cells.offsets, np.where(cells.kinds == _PIXEL, QUAD, cells.kinds))


def padded(cells: Cells) -> np.ndarray:
    """Cells as VTK's flat list: each cell's size, then its nodes."""
    return np.insert(cells.connectivity, cells.offsets[:-1], np.diff(cells.offsets))
