"""A graph and fields on it as a PyVista data set, which is written to VTK files and drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.names import encodable, shown
from meshrep.errors import InputError
from meshrep.graphs.cells import LINE, POLYGON, POLYLINE, QUAD, TRIANGLE, VERTEX, Cells
from meshrep.graphs.correspondence import in_input
from meshrep.graphs.graph import Graph
from meshrep.view.display import load_pyvista
from meshrep.view.layout import positions

if TYPE_CHECKING:
    import pyvista
    from vtkmodules.vtkCommonCore import vtkStringArray

_PIXEL = 8
_STROKES = (VERTEX, LINE, POLYLINE)
_FACES = (TRIANGLE, POLYGON, QUAD, _PIXEL)

CellField = np.ndarray | Callable[[Cells], np.ndarray]


def checked_fields(graph: Graph, fields: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The fields as arrays whose first axis counts the nodes.

    Raises
    ------
    InputError
        If a field does not have one real number, or one row of them, per node.
    """
    what = f"{graph.name} has {graph.n} nodes"
    return {str(name): _checked(name, values, graph.n, what) for name, values in fields.items()}


def _checked(name: str, values: np.ndarray, count: int, what: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim not in (1, 2) or len(array) != count:
        raise InputError(f"field {name!r} has shape {array.shape}, but {what}")
    if array.dtype.kind not in "biuf":
        raise InputError(f"field {name!r} holds {array.dtype}, not real numbers")
    return array.astype(np.uint8) if array.dtype.kind == "b" else array


def dataset(
    graph: Graph,
    fields: Mapping[str, np.ndarray] | None = None,
    *,
    original: bool = False,
    cell_fields: Mapping[str, CellField] | None = None,
    symbols: Mapping[str, str] | None = None,
) -> pyvista.DataSet:
    """The points and cells of a graph, with fields as point data and cell fields as cell data.

    Parameters
    ----------
    graph : Graph
        A graph without points is drawn where :func:`meshrep.view.layout.layout` puts its nodes.
    fields : mapping of str to (n,) or (n, k) array
        Named node values.
    original : bool
        Whether to take the points and cells of the file that the graph was read from, with NaN at
        points that were dropped, and its arrays of numbers, where no field has their name. A graph
        that was not read from a file has only its own; the array "name" holds its labels.
    cell_fields : mapping of str to (c,) or (c, k) array, or to a function that returns it
        Named values of the cells: an array in the order of the graph's cells, with NaN at cells of
        the file that the graph has not, or a function that is called with the data set's cells, in
        the graph's node numbers and with -1 for points that were dropped, as in
        ``{"vortex": lambda cells: charges(cells, phi)}``.
    symbols : mapping of str to str
        The symbol of the unit of fields by their names, as in ``{"temperature": "°C"}``, which the
        arrays carry under VTK's key UNITS_LABEL.

    Returns
    -------
    pyvista.PolyData or pyvista.UnstructuredGrid
        PolyData for surfaces, lines, clouds and networks. A graph without faces shows all its
        nodes as vertices and all its edges as lines. UnstructuredGrid if a cell is solid or has
        mid-edge nodes.

    Raises
    ------
    InputError
        If a field does not fit the graph or its cells.
    MissingPart
        If PyVista is not installed.
    """
    arrays = checked_fields(graph, fields or {})
    origin = graph.origin if original else None
    if origin is None or not len(origin.points):  # the file of a network has no points
        points, cells, node_of = positions(graph), _shown(graph), None
    else:
        arrays = {name: origin.spread(values) for name, values in arrays.items()}
        points, node_of = origin.points, origin.node_of
        cells = origin.cells if len(origin.cells) else Cells.of_cloud(len(points))
    mesh, order = _grid(points, cells)
    if origin is not None and node_of is not None:
        for name, values in origin.point_data.items():
            mesh.point_data[shown(name)] = values
        if len(origin.cells):
            for name, values in origin.cell_data.items():
                mesh.cell_data[shown(name)] = values[order]
    elif original and graph.labels is not None:
        mesh.GetPointData().AddArray(text_array("name", graph.labels))
    for name, values in arrays.items():
        mesh.point_data[shown(name)] = values
    if cell_fields:
        known = cells if node_of is None else cells.renumbered(node_of)
        what = f"the mesh of {graph.name} has {len(cells)} cells"
        for name, of in cell_fields.items():
            of_cells = of(known) if callable(of) else np.asarray(of)
            if node_of is not None and not callable(of) and len(of_cells) == len(graph.cells):
                of_cells = in_input(graph, of_cells)
            mesh.cell_data[shown(name)] = _checked(name, of_cells, len(cells), what)[order]
    if arrays:
        mesh.set_active_scalars(shown(next(iter(arrays))))
    label_units(mesh, symbols or {})
    return mesh


def label_units(mesh: pyvista.DataSet, symbols: Mapping[str, str]) -> None:
    """Set VTK's key UNITS_LABEL of the arrays that have these names; files keep it."""
    for data in (mesh.GetPointData(), mesh.GetCellData(), mesh.GetFieldData()):
        for name, symbol in symbols.items():
            array = data.GetArray(shown(name))
            if symbol and array is not None:
                array.GetInformation().Set(array.UNITS_LABEL(), symbol)


def text_array(name: str, texts: Iterable[Any]) -> vtkStringArray:
    """An array of texts in UTF-8, which PyVista reads but does not make."""
    from vtkmodules.vtkCommonCore import vtkStringArray

    array = vtkStringArray()
    array.SetName(name)
    for text in texts:
        array.InsertNextValue(encodable(text))
    return array


def needs_grid(cells: Cells) -> bool:
    """Whether PolyData cannot hold the cells, because some are solid or have mid-edge nodes."""
    return bool((~np.isin(cells.kinds, [*_STROKES, *_FACES])).any())


def _shown(graph: Graph) -> Cells:
    """The cells of the graph; without faces, all nodes as vertices and all edges as lines."""
    if graph.cells.has_solids or len(graph.cells.triangles()):
        return graph.cells
    return Cells.join([Cells.of_cloud(graph.n), Cells.of_kind(LINE, graph.edges)])


def _grid(points: np.ndarray, cells: Cells) -> tuple[pyvista.DataSet, np.ndarray]:
    """Points and cells as a data set, and the numbers of its cells in the data set's order."""
    pv = load_pyvista()
    points = np.array(points, dtype=np.float64)
    if needs_grid(cells):
        grid = pv.UnstructuredGrid(padded(cells), cells.kinds.copy(), points)
        return grid, np.arange(len(cells))
    # PolyData keeps three lists of cells and numbers them one list after another.
    kinds = ((VERTEX,), (LINE, POLYLINE), _FACES)
    verts, lines, faces = (np.flatnonzero(np.isin(cells.kinds, kind)) for kind in kinds)
    mesh = pv.PolyData(
        points,
        verts=padded(cells.subset(verts)),
        lines=padded(cells.subset(lines)),
        faces=padded(_pixels_as_quads(cells.subset(faces))),
    )
    return mesh, np.concatenate([verts, lines, faces])


def _pixels_as_quads(cells: Cells) -> Cells:
    """Pixels as quadrilaterals: VTK stores the last two corners of a pixel in swapped order."""
    pixels = cells.offsets[:-1][cells.kinds == _PIXEL]
    nodes = cells.connectivity.copy()
    nodes[pixels + 2], nodes[pixels + 3] = nodes[pixels + 3], nodes[pixels + 2]
    return Cells(nodes, cells.offsets, np.where(cells.kinds == _PIXEL, QUAD, cells.kinds))


def padded(cells: Cells) -> np.ndarray:
    """Cells as the flat list of VTK: the size of each cell, then its nodes."""
    return np.insert(cells.connectivity, cells.offsets[:-1], np.diff(cells.offsets))
