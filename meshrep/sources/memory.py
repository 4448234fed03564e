"""What is in memory already: meshes of trimesh, PyVista and meshio, networks, plain arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from meshrep.errors import InputError, kind_of
from meshrep.graphs.cells import LINE, Cells
from meshrep.graphs.graph import CellsLike, DatasetLike, Graph, MeshLike
from meshrep.sources.formats.vtk_arrays import CELL, POINT, Arrays, arrays_of, of_numbers
from meshrep.sources.kinds import polygons
from meshrep.sources.normalise import Raw, graph_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_KIND_OF_MESHIO = {
    "vertex": 1, "line": 3, "triangle": 5, "polygon": 7, "quad": 9, "tetra": 10, "hexahedron": 12,
    "wedge": 13, "pyramid": 14, "line3": 21, "triangle6": 22, "quad8": 23, "tetra10": 24,
    "hexahedron20": 25, "wedge15": 26, "pyramid13": 27, "quad9": 28, "hexahedron27": 29,
    "quad6": 30, "wedge12": 31, "wedge18": 32, "hexahedron24": 33, "triangle7": 34, "line4": 35,
}  # fmt: skip


def as_graph(what: Any) -> Graph:
    """The graph of a mesh, network or sparse matrix of another package: see ``Graph.of``.

    Raises
    ------
    InputError
        When it is of no kind that is known.
    """
    if hasattr(what, "IsA"):
        return from_pyvista(what)
    if hasattr(what, "is_directed") and hasattr(what, "edges"):
        from meshrep.sources.networks import from_networkx

        return from_networkx(what, name=str(what.name) or "network")
    if sparse.issparse(what):
        from meshrep.sources.networks import from_matrix

        return from_matrix(what)
    if hasattr(what, "get_edgelist") and hasattr(what, "vs"):
        from meshrep.sources.pairs import from_igraph

        return from_igraph(what)
    if hasattr(what, "cells_dict"):
        return from_meshio(what)
    if hasattr(what, "vertices") or hasattr(what, "geometry"):
        return from_trimesh(what)
    from meshrep.sources.pairs import from_edge_list, looks_like_edges

    if looks_like_edges(what):
        return from_edge_list(what)
    if isinstance(what, str | os.PathLike):
        hint = f"write meshrep.graph_from({os.fspath(what)!r})"
    elif isinstance(what, np.ndarray):
        hint = (
            "write meshrep.from_arrays(points, faces) for points and faces, from_edge_list for "
            "rows of two nodes and a weight, or from_matrix for an adjacency matrix"
        )
    else:
        hint = (
            "give a meshrep.Graph, a PyVista, trimesh or meshio mesh, a networkx network, or a "
            "list of edges"
        )
    raise InputError(f"{kind_of(what)} is no graph: {hint}")


def from_trimesh(mesh: MeshLike, *, name: str = "mesh", merge: bool = True) -> Graph:
    """The graph of a ``trimesh.Trimesh``, ``PointCloud``, ``Path3D`` or ``Scene``.

    Parameters
    ----------
    mesh : trimesh geometry
        Its vertices keep their order in ``graph.origin``.
    name : str
        What to call the graph.
    merge : bool
        Whether vertices at the same position become one node.

    Raises
    ------
    InputError
        Where the geometry is empty or not sound.
    """
    try:
        arrays = arrays_of_scene(mesh)
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{name}: not a mesh that trimesh knows ({error})") from None
    return graph_of(raw_of(name, arrays), name=name, merge=merge)


def from_pyvista(dataset: DatasetLike, *, name: str = "mesh", merge: bool = True) -> Graph:
    """The graph of a PyVista or VTK dataset; point k of it is point k of ``graph.origin``.

    Parameters
    ----------
    dataset : PolyData, UnstructuredGrid, StructuredGrid, RectilinearGrid, ImageData, MultiBlock
        Blocks follow each other.
    name : str
        What to call the graph.
    merge : bool
        Whether points at the same position become one node.

    Raises
    ------
    InputError
        Where it is no dataset, is empty, or is not sound.
    """
    if not hasattr(dataset, "IsA"):
        raise InputError(f"{name}: a {type(dataset).__name__} is no PyVista or VTK dataset")
    try:
        arrays = arrays_of(dataset)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None
    return graph_of(raw_of(name, arrays), name=name, merge=merge)


def from_meshio(mesh: CellsLike, *, name: str = "mesh", merge: bool = True) -> Graph:
    """The graph of a ``meshio.Mesh``.

    Parameters
    ----------
    mesh : meshio.Mesh
        Its points keep their order in ``graph.origin``.
    name : str
        What to call the graph.
    merge : bool
        Whether points at the same position become one node.

    Raises
    ------
    InputError
        Where its cells are of kinds without edges, or it is empty or not sound.
    """
    try:
        arrays = arrays_of_meshio(mesh)
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{name}: not a mesh that meshio knows ({error})") from None
    return graph_of(raw_of(name, arrays), name=name, merge=merge)


def from_arrays(
    points: ArrayLike,
    faces: Cells | np.ndarray | Sequence[Sequence[int]],
    *,
    name: str = "mesh",
    merge: bool = True,
) -> Graph:
    """The graph of points and faces.

    Parameters
    ----------
    points : (n, 2) or (n, 3) float
        Where the vertices are.
    faces : (f, k) int, or Cells, or list of lists of int
        Vertex numbers from 0: a table of lines (k=2), triangles, quads, polygons, or a mixture.
        For tetrahedra and hexahedra give ``Cells.of_kind(TETRAHEDRON, table)``.
    name : str
        What to call the graph.
    merge : bool
        Whether points at the same position become one node.

    Raises
    ------
    InputError
        Where the arrays are not such tables, or a face names a missing point.
    """
    if isinstance(faces, Cells):
        cells = faces
    else:
        try:
            sizes = np.array([len(face) for face in faces], dtype=np.int64)
            flat = [np.asarray(face) for face in faces] if len(sizes) else [np.zeros(0, int)]
            nodes = np.concatenate(flat)
        except (TypeError, ValueError):
            raise InputError(f"{name}: faces must be a table or lists of vertex numbers") from None
        if nodes.dtype.kind not in "iu" or (len(sizes) and sizes.min() < 1):
            raise InputError(f"{name}: faces must hold whole numbers, one or more each")
        cells = polygons(nodes, sizes)
    return graph_of(Raw(name, np.asarray(points), cells), name=name, merge=merge)


def raw_of(path: str, arrays: Arrays) -> Raw:
    """Arrays by name as a raw input."""
    cells = Cells(arrays["connectivity"], arrays["offsets"], arrays["kinds"])
    of_points, of_cells = (
        {name[len(kind) :]: array for name, array in arrays.items() if name.startswith(kind)}
        for kind in (POINT, CELL)
    )
    return Raw(path, arrays["points"], cells, (), of_points, of_cells)


def arrays_of_scene(scene: Any) -> Arrays:
    """Arrays of a trimesh geometry; the parts of a scene are placed and follow each other."""
    if hasattr(scene, "geometry") and hasattr(scene, "graph"):
        placed = []
        for node in scene.graph.nodes_geometry:
            transform, geometry = scene.graph[node]
            placed.append((scene.geometry[geometry], transform))
    else:
        placed = [(scene, np.eye(4))]
    points, parts, shift = [np.zeros((0, 3))], [], 0
    for part, transform in placed:
        vertices = np.asarray(part.vertices, dtype=np.float64)
        if vertices.ndim == 2 and vertices.shape[1] == 2:
            vertices = np.pad(vertices, ((0, 0), (0, 1)))
        if not np.array_equal(transform, np.eye(4)):
            vertices = vertices @ transform[:3, :3].T + transform[:3, 3]
        faces = getattr(part, "faces", None)
        if faces is not None and len(faces):
            table = np.asarray(faces, dtype=np.int64)
            _check_table(table, len(vertices))
            parts.append(Cells.of_kind(5, table + shift))
        elif hasattr(part, "vertex_nodes"):  # a path: pairs of consecutive vertices
            parts.append(Cells.of_kind(LINE, np.asarray(part.vertex_nodes) + shift))
        points.append(vertices)
        shift += len(vertices)
    cells = Cells.join(parts)
    return _arrays(np.concatenate(points), cells)


def _check_table(table: np.ndarray, n: int) -> None:
    """Refuse bad references within a part before it is shifted among the others' points."""
    if len(table) and (table.min() < 0 or table.max() >= n):
        bad = int(np.argmax((table < 0) | (table >= n)))
        raise ValueError(f"a face names vertex {table.flat[bad]} of {n}")


def arrays_of_meshio(mesh: Any) -> Arrays:
    """Arrays of a ``meshio.Mesh``; its wedges are turned to VTK's order."""
    parts = []
    for block in mesh.cells:
        kind = _KIND_OF_MESHIO.get(block.type)
        if block.type.startswith("polygon"):
            kind = 7
        if block.type.startswith("VTK_"):
            kind = _lagrange(block.type)
        if kind is None:
            raise ValueError(f"cells of type {block.type} have no edges defined here")
        if kind == 7:
            sizes = np.array([len(row) for row in block.data])
            parts.append(polygons(np.concatenate([np.asarray(r) for r in block.data]), sizes))
            continue
        table = np.asarray(block.data)
        if table.dtype.kind not in "iu" or table.ndim != 2:
            raise ValueError(f"its {block.type} cells are no table of whole numbers")
        if block.type == "wedge" and table.shape[1] == 6:
            table = table[:, [0, 2, 1, 3, 5, 4]]
        parts.append(Cells.of_kind(kind, table))
    points = np.asarray(mesh.points, dtype=np.float64)
    if points.ndim == 2 and points.shape[1] == 2:
        points = np.pad(points, ((0, 0), (0, 1)))
    data = {POINT + name: np.asarray(array) for name, array in mesh.point_data.items()}
    for name, blocks in mesh.cell_data.items():
        of_blocks = [np.asarray(block) for block in blocks]
        if len({block.shape[1:] for block in of_blocks}) == 1:
            data[CELL + name] = np.concatenate(of_blocks)
    cells = Cells.join(parts)
    data = _groups(mesh) | data
    return _arrays(points, cells) | of_numbers(data, len(points), len(cells))


def _groups(mesh: Any) -> Arrays:
    """The named groups of a mesh as arrays that are True in them.

    They are physical groups of Gmsh, and the sets of cells and of points that meshio knows.
    """
    blocks = mesh.cells
    found: Arrays = {}
    for name, nodes in mesh.point_sets.items():
        found[POINT + name] = _flags(len(mesh.points), nodes)
    for name, sets in mesh.cell_sets.items():
        if not name.startswith("gmsh:"):  # which are no groups of the user
            of_blocks = [_flags(len(b.data), one) for b, one in zip(blocks, sets, strict=True)]
            found[CELL + name] = np.concatenate(of_blocks)
    tags = mesh.cell_data.get("gmsh:physical", ())
    for name, entry in mesh.field_data.items():
        if len(tags) == len(blocks) and np.shape(entry) == (2,):
            number, dimension = np.asarray(entry).tolist()
            of_blocks = [
                (np.asarray(tag) == number) & (block.dim == dimension)
                for block, tag in zip(blocks, tags, strict=True)
            ]
            found[CELL + name] = np.concatenate(of_blocks)
    return found


def _flags(count: int, members: Any) -> np.ndarray:
    """An array (count,) that is True at members, which are numbers, flags, or None."""
    flags = np.zeros(count, dtype=bool)
    if members is not None and len(members):
        flags[np.asarray(members)] = True
    return flags


def _lagrange(name: str) -> int | None:
    shapes = ("CURVE", "TRIANGLE", "QUADRILATERAL", "TETRAHEDRON", "HEXAHEDRON", "WEDGE", "PYRAMID")
    for first, family in ((68, "VTK_LAGRANGE_"), (75, "VTK_BEZIER_")):
        for k, shape in enumerate(shapes):
            if name == family + shape:
                return first + k
    return None


def _arrays(points: np.ndarray, cells: Cells) -> Arrays:
    return {
        "points": points,
        "connectivity": cells.connectivity,
        "offsets": cells.offsets,
        "kinds": cells.kinds,
    }
