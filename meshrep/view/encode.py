"""A data set as the bytes of a file, so that Python writes them and sees every failure.

VTK's own writers end the process on a full disk, and its PLY writer drops fields.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from meshrep.errors import InputError

if TYPE_CHECKING:
    import pyvista

FORMATS = (".vtp", ".vtu", ".vtk", ".ply")
_PLY_TYPES = {"f4": "float", "f8": "double", "u1": "uchar", "i4": "int"}


def encoded(mesh: pyvista.DataSet, path: Path) -> bytes:
    """The data set in the format that the suffix of ``path`` names.

    Raises
    ------
    InputError
        Where the format cannot hold the data set's cells.
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
    writer.SetCompressionLevel(1)  # half the time of the default level for a tenth more bytes
    writer.EncodeAppendedDataOn()  # base64: VTK hands the string over as text
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
    return content if isinstance(content, bytes) else content.encode()  # text if valid UTF-8


def _ply(mesh: pyvista.DataSet, path: Path) -> bytes:
    """Binary PLY with one property a field (a column of a field); points in double precision.

    Cell data go to the faces; PLY has no place for those of vertex cells. (meshio 5.3 fails on
    every binary PLY with values on faces; trimesh, VTK and meshrep read it.)
    """
    if not hasattr(mesh, "faces"):
        raise InputError(f"{path}: .ply cannot hold solid or quadratic cells; use .vtu")
    if mesh.n_lines:
        raise InputError(f"{path}: .ply cannot hold the edges of a network; use .vtp")
    columns = dict(zip("xyz", np.asarray(mesh.points, dtype="<f8").T, strict=True))
    points, of_points = _ply_table({**columns, **_ply_columns(mesh.point_data)}, mesh.n_points)
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
    if count and of_faces:  # a face's corners, then its values
        rows = np.frombuffer(table.tobytes(), np.uint8)
        ends = 4 * offsets[1:] + np.arange(1, count + 1)
        faces = np.insert(faces, np.repeat(ends, table.itemsize), rows)
    return "\n".join([*header, "end_header\n"]).encode() + points.tobytes() + faces.tobytes()


def _ply_columns(data: pyvista.DataSetAttributes) -> dict[str, np.ndarray]:
    """Fields by names of one word, a column each."""
    columns = {}
    for name in data:
        values = np.asarray(data[name])
        word = "_".join(name.split())
        if values.ndim == 1:
            columns[word] = values
        else:
            columns |= {f"{word}_{k}": column for k, column in enumerate(values.T)}
    return columns


def _ply_table(columns: dict[str, np.ndarray], count: int) -> tuple[np.ndarray, list[str]]:
    """The columns as rows of one structured array, and their lines in the header."""
    kinds = {name: _ply_kind(values) for name, values in columns.items()}
    table = np.empty(count, dtype=[(name, "<" + kind) for name, kind in kinds.items()])
    for name, values in columns.items():
        table[name] = values
    return table, [f"property {_PLY_TYPES[kind]} {name}" for name, kind in kinds.items()]


def _ply_kind(values: np.ndarray) -> str:
    """The PLY number that holds the values: bytes, 32-bit integers, else floating point."""
    if values.dtype == np.uint8:
        return "u1"
    if values.dtype.kind in "iu" and (not values.size or np.abs(values).max() < 2**31):
        return "i4"
    return "f4" if values.dtype == np.float32 else "f8"
