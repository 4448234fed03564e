"""Meshes with fields as files: .vtp, .vtu, .vtk, .ply, and series of them over time.

The writers of VTK end the process on a full disk, and its PLY writer drops fields. Therefore files
are encoded here as bytes, which Python writes and whose failures become errors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import Cells
from meshrep.graphs.graph import Graph
from meshrep.view.dataset import CellField, dataset, needs_grid
from meshrep.view.write import replacing, write_text

if TYPE_CHECKING:
    import pyvista

_FORMATS = (".vtp", ".vtu", ".vtk", ".ply")
_PLY_TYPES = {"f4": "float", "f8": "double", "u1": "uchar", "i4": "int"}


def mesh_path(graph: Graph, stem: str | os.PathLike[str]) -> Path:
    """``stem`` with the suffix of a format for the graph: .vtu for solids, .vtp for others."""
    cells = [graph.cells] if graph.origin is None else [graph.cells, graph.origin.cells]
    suffix = ".vtu" if any(needs_grid(kind) for kind in cells) else ".vtp"
    return Path(f"{os.fspath(stem)}{suffix}")


def write_mesh(
    graph: Graph,
    fields: Mapping[str, np.ndarray],
    path: str | os.PathLike[str],
    *,
    original: bool = True,
    cell_fields: Mapping[str, CellField] | None = None,
    symbols: Mapping[str, str] | None = None,
) -> Path:
    """Write the mesh with its fields as point and cell data, in the format of the suffix.

    Parameters
    ----------
    graph : Graph
    fields : mapping of str to (n,) or (n, k) array
    path : path
        Ends in .vtp (surfaces, networks), .vtu (any cells), .vtk, or .ply (faces or points).
    original : bool
        Whether to take the points and cells of the file that the graph was read from, with NaN at
        points that were dropped.
    cell_fields : mapping of str to array, or to a function of the cells
        As for :func:`meshrep.view.dataset.dataset`. A .ply file holds those of faces only.
    symbols : mapping of str to str
        Symbols of units by the names of fields, which .vtp, .vtu and .vtk files keep.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If the format cannot hold the fields or the cells, or the file cannot be written.
    MissingPart
        If PyVista is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise InputError(
            f"{path}: fields can be written to {known}, not to "
            f"{path.suffix or 'a name without a suffix'}; choose one of these suffixes"
        )
    mesh = dataset(
        graph, fields, original=original, cell_fields=cell_fields, symbols=symbols
    )  # fmt: skip
    content = _encoded(mesh, path)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


def write_series(
    graph: Graph,
    frames: Iterable[tuple[float, np.ndarray]],
    folder: str | os.PathLike[str],
    name: str,
    *,
    field: str = "field",
    cell_fields: Mapping[str, Callable[[Cells, np.ndarray], np.ndarray]] | None = None,
    symbols: Mapping[str, str] | None = None,
) -> Path:
    """Write one mesh file per frame and a .pvd file that lists them with their times.

    Parameters
    ----------
    graph : Graph
    frames : iterable of (time, (n,) array)
        Frames are read one at a time, so that a generator of any length fits in memory.
    folder : path
    name : str
        ``folder/name.pvd`` lists ``folder/name/name_0000.vtp`` (or .vtu) and so on.
    field : str
        The name of the values in the files.
    cell_fields : mapping of str to function of (cells, values)
        Named cell data of each frame, as in ``{"vortex": charges}``.
    symbols : mapping of str to str
        As for :func:`write_mesh`.

    Returns
    -------
    Path
        Of the .pvd file. It contains the times as ``repr`` writes them, which are read back
        exactly.

    Raises
    ------
    InputError
        If the values do not fit the graph, or a file cannot be written.
    MissingPart
        If PyVista is not installed.
    """
    folder = Path(folder)
    lines = []
    for count, (time, values) in enumerate(frames):
        file = mesh_path(graph, folder / name / f"{name}_{count:04d}")
        of_cells = {key: _with(of, values) for key, of in (cell_fields or {}).items()}
        write_mesh(
            graph, {field: values}, file, original=False, cell_fields=of_cells, symbols=symbols
        )
        where = quoteattr(f"{name}/{file.name}")
        lines.append(f'    <DataSet timestep="{float(time)!r}" part="0" file={where}/>')
    listing = "\n".join(
        [
            '<?xml version="1.0"?>',
            '<VTKFile type="Collection" version="0.1">',
            "  <Collection>",
            *lines,
            "  </Collection>",
            "</VTKFile>",
            "",
        ]
    )
    return write_text(listing, folder / f"{name}.pvd")


def _with(
    of: Callable[[Cells, np.ndarray], np.ndarray], values: np.ndarray
) -> Callable[[Cells], np.ndarray]:
    """The function of the cells alone, for the values of one frame."""
    return lambda cells: of(cells, values)


def _encoded(mesh: pyvista.DataSet, path: Path) -> bytes:
    """The data set as the bytes of a file in the format of the suffix of ``path``.

    Raises
    ------
    InputError
        If the format cannot hold the cells of the data set.
    """
    suffix = path.suffix.lower()
    if suffix == ".ply":
        return _ply(mesh, path)
    if suffix == ".vtk":
        return _legacy(mesh)
    return _xml(mesh, path, suffix)


def _xml(mesh: pyvista.DataSet, path: Path, suffix: str) -> bytes:
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter, vtkXMLUnstructuredGridWriter

    is_surface = hasattr(mesh, "faces")
    if suffix == ".vtp" and not is_surface:
        raise InputError(f"{path}: .vtp cannot hold solid or quadratic cells; use .vtu")
    if suffix == ".vtu" and is_surface:
        mesh = mesh.cast_to_unstructured_grid()
    writer = vtkXMLPolyDataWriter() if suffix == ".vtp" else vtkXMLUnstructuredGridWriter()
    writer.SetInputData(mesh)
    writer.WriteToOutputStringOn()
    writer.SetDataModeToAppended()
    writer.SetCompressionLevel(1)  # half the time of the default, a tenth more bytes
    writer.EncodeAppendedDataOn()  # base64, because VTK returns the file as text
    writer.Write()
    return writer.GetOutputString().encode()


def _legacy(mesh: pyvista.DataSet) -> bytes:
    from vtkmodules.vtkIOLegacy import vtkPolyDataWriter, vtkUnstructuredGridWriter

    writer = vtkPolyDataWriter() if hasattr(mesh, "faces") else vtkUnstructuredGridWriter()
    writer.SetInputData(mesh)
    writer.WriteToOutputStringOn()
    writer.SetFileTypeToBinary()
    writer.Write()
    content = writer.GetOutputStdString()
    return content if isinstance(content, bytes) else content.encode()  # text if it is valid UTF-8


def _ply(mesh: pyvista.DataSet, path: Path) -> bytes:
    """Binary PLY with one property per column of each field, and points in double precision.

    Cell data become properties of the faces; those of other cells are dropped. Trimesh, VTK and
    meshrep read such files; meshio 5.3 fails on every binary PLY file with values on faces.
    """
    if not hasattr(mesh, "faces"):
        raise InputError(f"{path}: .ply cannot hold solid or quadratic cells; use .vtu")
    if mesh.n_lines:
        raise InputError(f"{path}: .ply cannot hold the edges of a network; use .vtp")
    columns = dict(zip("xyz", np.asarray(mesh.points, dtype="<f8").T, strict=True))
    others = _ply_columns(mesh.point_data)
    columns |= {name: values for name, values in others.items() if name not in columns}
    points, of_points = _ply_table(columns, mesh.n_points)
    import pyvista as pv

    if mesh.GetPolys().GetMaxCellSize() > 255:
        mesh = mesh.triangulate()
    polys, first = mesh.GetPolys(), mesh.n_verts
    count = polys.GetNumberOfCells()
    values = {name: column[first:] for name, column in _ply_columns(mesh.cell_data).items()}
    table, of_faces = _ply_table(values, count)
    offsets = pv.convert_array(polys.GetOffsetsArray())
    corners = pv.convert_array(polys.GetConnectivityArray()).astype("<i4").view(np.uint8)
    header = ["ply", "format binary_little_endian 1.0", "comment written by meshrep"]
    header += [f"element vertex {mesh.n_points}", *of_points]
    if count:
        header += [f"element face {count}", "property list uchar int vertex_indices", *of_faces]
    faces = np.insert(corners, 4 * offsets[:-1], np.diff(offsets).astype(np.uint8))
    if count and of_faces:  # the corners of a face are followed by its values
        rows = np.frombuffer(table.tobytes(), np.uint8)
        ends = 4 * offsets[1:] + np.arange(1, count + 1)
        faces = np.insert(faces, np.repeat(ends, table.itemsize), rows)
    return "\n".join([*header, "end_header\n"]).encode() + points.tobytes() + faces.tobytes()


def _ply_columns(data: pyvista.DataSetAttributes) -> dict[str, np.ndarray]:
    """The columns of fields by names of one word."""
    columns = {}
    for name in data:
        values = np.asarray(data[name])
        word = "_".join(name.split())
        if values.dtype.kind not in "biuf":
            continue
        if values.ndim == 1:
            columns[word] = values
        else:
            columns |= {f"{word}_{k}": column for k, column in enumerate(values.T)}
    return columns


def _ply_table(columns: dict[str, np.ndarray], count: int) -> tuple[np.ndarray, list[str]]:
    """Columns as the rows of a structured array, and the lines of the header that declare them."""
    kinds = {name: _ply_kind(values) for name, values in columns.items()}
    table = np.empty(count, dtype=[(name, "<" + kind) for name, kind in kinds.items()])
    for name, values in columns.items():
        table[name] = values
    return table, [f"property {_PLY_TYPES[kind]} {name}" for name, kind in kinds.items()]


def _ply_kind(values: np.ndarray) -> str:
    """The type that holds the values: bytes, 32-bit integers, or floating-point numbers."""
    if values.dtype == np.uint8:
        return "u1"
    if values.dtype.kind in "iu" and (not values.size or np.abs(values).max() < 2**31):
        return "i4"
    return "f4" if values.dtype == np.float32 else "f8"
