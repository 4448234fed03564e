"""Small meshes whose graphs are known, and every writer of meshio, trimesh and PyVista."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from corpus.peers import Counts


class Written(NamedTuple):
    """A file that another library writes, and the graph that is in it."""

    library: str
    name: str
    ending: str
    write: Callable[[Path], object]
    counts: Counts

    def __str__(self) -> str:
        return f"{self.library}-{self.name}{self.ending}"


class Shape(NamedTuple):
    """Points, cells by meshio's names, and the graph that they make."""

    points: np.ndarray
    cells: list[tuple[str, list[list[int]]]]
    counts: Counts


def _grid(nx: int, ny: int, nz: int = 1) -> np.ndarray:
    z, y, x = np.meshgrid(range(nz), range(ny), range(nx), indexing="ij")
    return np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1).astype(float)


_SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=float)
_CORNER = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 2]], dtype=float)
_CUBE = 2 * np.array([*_SQUARE, *(_SQUARE + np.array([0, 0, 1]))])
_R2, _R3, _R5 = 2**0.5, 3**0.5, 5**0.5


def _with_middles(corners: np.ndarray, edges: list[tuple[int, int]]) -> np.ndarray:
    return np.concatenate([corners, [(corners[a] + corners[b]) / 2 for a, b in edges]])


SHAPES = {
    "triangles": Shape(
        np.concatenate([_SQUARE, _SQUARE + np.array([3, 0, 0])]),
        [("triangle", [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])],
        Counts(8, 10, 2, 8 + 2 * _R2),
    ),
    "quads": Shape(
        _grid(4, 3),
        [("quad", [[k, k + 1, k + 5, k + 4] for k in (0, 1, 2, 4, 5, 6)])],
        Counts(12, 17, 1, 17.0),
    ),
    "mixed": Shape(
        np.concatenate([_SQUARE, [[2, 0.5, 0]]]),
        [("quad", [[0, 1, 2, 3]]), ("triangle", [[1, 4, 2]])],
        Counts(5, 6, 1, 4 + _R5),
    ),
    "lines": Shape(
        np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 0, 0], [6, 0, 0]], dtype=float),
        [("line", [[0, 1], [1, 2], [2, 0], [3, 4]])],
        Counts(5, 4, 2, 3 + _R2),
    ),
    "rim": Shape(
        _SQUARE,
        [("triangle", [[0, 1, 2], [0, 2, 3]]), ("line", [[0, 1]])],
        Counts(4, 5, 1, 4 + _R2),
    ),
    "tetra": Shape(
        np.concatenate([_CORNER, [[2, 2, 2]]]),
        [("tetra", [[0, 1, 2, 3], [1, 2, 3, 4]])],
        Counts(5, 9, 1, 6 + 12 * _R2),
    ),
    "hexa": Shape(
        _grid(3, 2, 2),
        [("hexahedron", [[0, 1, 4, 3, 6, 7, 10, 9], [1, 2, 5, 4, 7, 8, 11, 10]])],
        Counts(12, 20, 1, 20.0),
    ),
    "wedge": Shape(
        np.concatenate([_CORNER[:3], _CORNER[:3] + np.array([0, 0, 1])]),
        [("wedge", [[0, 1, 2, 3, 4, 5]])],
        Counts(6, 9, 1, 11 + 4 * _R2),
    ),
    "pyramid": Shape(
        np.concatenate([_SQUARE, [[0.5, 0.5, 0.5]]]),
        [("pyramid", [[0, 1, 2, 3, 4]])],
        Counts(5, 8, 1, 4 + 2 * _R3),
    ),
    "triangle6": Shape(
        _with_middles(_CORNER[:3], [(0, 1), (1, 2), (2, 0)]),
        [("triangle6", [list(range(6))])],
        Counts(6, 6, 1, 4 + 2 * _R2),
    ),
    "quad8": Shape(
        _with_middles(2 * _SQUARE, [(0, 1), (1, 2), (2, 3), (3, 0)]),
        [("quad8", [list(range(8))])],
        Counts(8, 8, 1, 8.0),
    ),
    "tetra10": Shape(
        _with_middles(_CORNER, [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)]),
        [("tetra10", [list(range(10))])],
        Counts(10, 12, 1, 6 + 6 * _R2),
    ),
    "hexa20": Shape(
        _with_middles(
            _CUBE,
            [
                (0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4),
                (0, 4), (1, 5), (2, 6), (3, 7),
            ],
        ),
        [("hexahedron20", [list(range(20))])],
        Counts(20, 24, 1, 24.0),
    ),
    "polygon": Shape(
        np.array([[0, 0, 0], [3, 0, 0], [3, 4, 0], [0, 8, 0], [-3, 4, 0]], dtype=float),
        [("polygon", [[0, 1, 2, 3, 4]])],
        Counts(5, 5, 1, 22.0),
    ),
    "cloud": Shape(_grid(4, 3), [("vertex", [[k] for k in range(12)])], Counts(12)),
}  # fmt: skip

_LINEAR = "triangles quads mixed tetra hexa wedge pyramid"
_QUADRATIC = "triangle6 quad8 tetra10 hexa20"
# meshio's name of a format, the ending, what its writer keeps of the shapes above, its options.
_OF_MESHIO: list[tuple[str, str, str, dict]] = [
    ("abaqus", ".inp", f"triangles quads mixed tetra hexa wedge lines rim {_QUADRATIC}", {}),
    ("ansys", ".msh", _LINEAR, {"binary": True}),
    ("ansys", ".msh", _LINEAR, {"binary": False}),
    ("avsucd", ".avs", f"{_LINEAR} lines rim cloud", {}),
    ("dolfin-xml", ".xml", "triangles tetra", {}),
    ("flac3d", ".f3grid", "tetra hexa wedge pyramid", {"binary": True}),
    ("flac3d", ".f3grid", "tetra hexa wedge pyramid", {"binary": False}),
    ("gmsh", ".msh", f"triangles quads tetra hexa wedge pyramid lines cloud {_QUADRATIC}",
     {"binary": True}),
    ("gmsh", ".msh", f"triangles quads tetra hexa wedge pyramid lines cloud {_QUADRATIC}",
     {"binary": False}),
    ("gmsh22", ".msh", f"{_LINEAR} lines rim cloud {_QUADRATIC}", {"binary": True}),
    ("gmsh22", ".msh", f"{_LINEAR} lines rim cloud {_QUADRATIC}", {"binary": False}),
    ("mdpa", ".mdpa", f"triangles quads mixed tetra hexa wedge lines rim {_QUADRATIC}", {}),
    ("medit", ".mesh", f"{_LINEAR} lines rim", {}),
    ("medit", ".meshb", f"{_LINEAR} lines rim", {}),
    ("nastran", ".bdf", f"{_LINEAR} lines rim {_QUADRATIC}", {}),
    ("nastran", ".nas", _LINEAR, {}),
    ("nastran", ".fem", _LINEAR, {}),
    ("netgen", ".vol", f"{_LINEAR} lines rim", {}),
    ("obj", ".obj", "triangles quads mixed", {}),
    ("off", ".off", "triangles", {}),
    ("ply", ".ply", "triangles quads mixed polygon cloud", {"binary": True}),
    ("ply", ".ply", "triangles quads mixed polygon cloud", {"binary": False}),
    ("stl", ".stl", "triangles", {"binary": True}),
    ("stl", ".stl", "triangles", {"binary": False}),
    ("su2", ".su2", "tetra hexa wedge pyramid", {}),
    ("tecplot", ".dat", "triangles quads mixed tetra hexa wedge pyramid", {}),
    ("tecplot", ".tec", "triangles tetra", {}),
    ("tetgen", ".node", "tetra", {}),
    ("ugrid", ".lb8.ugrid", _LINEAR, {}),
    ("ugrid", ".b8.ugrid", _LINEAR, {}),
    ("vtk42", ".vtk", f"{_LINEAR} lines rim polygon cloud {_QUADRATIC}", {"binary": True}),
    ("vtk42", ".vtk", f"{_LINEAR} lines rim polygon cloud {_QUADRATIC}", {"binary": False}),
    ("vtk51", ".vtk", f"{_LINEAR} lines rim polygon cloud {_QUADRATIC}", {"binary": True}),
    ("vtk51", ".vtk", f"{_LINEAR} lines rim polygon cloud {_QUADRATIC}", {"binary": False}),
    ("vtu", ".vtu", f"{_LINEAR} lines rim polygon cloud {_QUADRATIC}", {"binary": True}),
    ("vtu", ".vtu", f"{_LINEAR} lines rim cloud", {"binary": False}),
    ("vtu", ".vtu", f"{_LINEAR} lines rim cloud", {"compression": None}),
    ("wkt", ".wkt", "triangles", {}),
]  # fmt: skip


def _by_meshio(shape: Shape, file_format: str, options: dict) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        import meshio

        meshio.write(path, meshio.Mesh(shape.points, shape.cells), file_format, **options)

    return write


def _of_meshio() -> Iterator[Written]:
    for file_format, ending, names, options in _OF_MESHIO:
        word = "".join(f"-{key}-{value}" for key, value in options.items())
        for name in names.split():
            shape = SHAPES[name]
            write = _by_meshio(shape, file_format, options)
            yield Written("meshio", f"{file_format}{word}-{name}", ending, write, shape.counts)


# trimesh: a surface by itself, the same three times in a scene, drawings and clouds.
_MOVED = np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 5], [0, 0, 0, 1]], dtype=float)


def _by_trimesh(what: str, options: dict) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        import trimesh

        shape = SHAPES["triangles"]
        surface = trimesh.Trimesh(shape.points, shape.cells[0][1], process=False)
        if what == "scene":
            geometry: object = trimesh.Scene([surface])
            geometry.add_geometry(surface, transform=_MOVED)
            geometry.add_geometry(surface, transform=_MOVED @ _MOVED)
        elif what == "lines":
            runs = [np.array([[0, 0], [3, 0], [3, 4]]), np.array([[10, 0], [10, 1]])]
            geometry = trimesh.path.Path2D(
                **trimesh.path.exchange.misc.lines_to_path(
                    np.concatenate([np.stack([run[:-1], run[1:]], axis=1) for run in runs])
                )
            )
        elif what == "cloud":
            geometry = trimesh.PointCloud(SHAPES["cloud"].points)
        else:
            geometry = surface
        exported = geometry.export(file_type=path.suffix[1:], **options)
        if isinstance(exported, dict):  # a glTF file and its buffers
            for name, data in exported.items():
                (path if name == "model.gltf" else path.parent / name).write_bytes(data)
        else:
            path.write_bytes(exported.encode() if isinstance(exported, str) else exported)

    return write


def _of_trimesh() -> Iterator[Written]:
    one = SHAPES["triangles"].counts
    three = Counts(3 * one.nodes, 3 * one.edges, 3 * one.components, 3 * one.size)
    cases: list[tuple[str, str, dict, Counts]] = [
        *(("surface", ending, {}, one) for ending in (".stl", ".obj", ".off", ".ply")),
        ("surface", ".ply", {"encoding": "ascii"}, one),
        *(("surface", ending, {}, one) for ending in (".glb", ".gltf", ".3mf")),
        *(("scene", ending, {}, three) for ending in (".glb", ".gltf", ".3mf", ".obj", ".ply")),
        ("lines", ".dxf", {}, Counts(5, 3, 2, 8.0)),
        ("cloud", ".ply", {}, SHAPES["cloud"].counts),
        ("cloud", ".xyz", {}, SHAPES["cloud"].counts),
        ("cloud", ".glb", {}, SHAPES["cloud"].counts),
    ]
    for what, ending, options, counts in cases:
        name = "-".join([what, *options.values()])
        yield Written("trimesh", name, ending, _by_trimesh(what, options), counts)


# PyVista: every class of dataset in every format that it is saved in, and every kind of cell.
_BOX = Counts(24, 46, 1, 46.0)
_SURFACE = SHAPES["mixed"].counts
_BOTH = Counts(25, 48, 1, 46 + _R5)  # of which four points and four edges are the same


def _saved(make: Callable[[], object], options: dict) -> Callable[[Path], object]:
    return lambda path: make().save(path, **options)


def _surface() -> object:
    import pyvista as pv

    return pv.PolyData(SHAPES["mixed"].points, [4, 0, 1, 2, 3, 3, 1, 4, 2])


def _image() -> object:
    import pyvista as pv

    return pv.ImageData(dimensions=(4, 3, 2))


def _blocks() -> object:
    import pyvista as pv

    return pv.MultiBlock([_surface(), pv.MultiBlock([_image().cast_to_unstructured_grid()])])


_CELLS = {
    "Line": (2, 1), "PolyLine": (4, 3), "Triangle": (3, 3), "TriangleStrip": (8, 13),
    "Polygon": (6, 6), "Pixel": (4, 4), "Quadrilateral": (4, 4), "Tetrahedron": (4, 6),
    "Voxel": (8, 12), "Hexahedron": (8, 12), "Wedge": (6, 9), "Pyramid": (5, 8),
    "QuadraticEdge": (3, 2), "QuadraticTriangle": (6, 6), "QuadraticQuadrilateral": (8, 8),
    "QuadraticTetrahedron": (10, 12), "QuadraticHexahedron": (20, 24), "QuadraticWedge": (15, 18),
    "QuadraticPyramid": (13, 16), "CubicLine": (4, 3), "BiQuadraticTriangle": (6, 6),
    "BiQuadraticQuadrilateral": (9, 12), "BiQuadraticQuadraticWedge": (15, 18),
    "BiQuadraticQuadraticHexahedron": (20, 24), "TriQuadraticHexahedron": (20, 24),
    "TriQuadraticPyramid": (13, 16), "QuadraticLinearQuadrilateral": (4, 4),
    "QuadraticLinearWedge": (6, 9), "LagrangeCurve": (2, 1), "LagrangeQuadrilateral": (4, 4),
    "LagrangeHexahedron": (8, 12), "LagrangeWedge": (6, 9), "BezierCurve": (2, 1),
    "BezierQuadrilateral": (4, 4), "BezierHexahedron": (8, 12), "BezierWedge": (6, 9),
}  # fmt: skip


def _cell(name: str) -> Callable[[], object]:
    def make() -> object:
        from pyvista.examples import cells

        return getattr(cells, name)()

    return make


def _of_pyvista() -> Iterator[Written]:
    either: list[dict] = [{"binary": True}, {"binary": False}]
    grids: list[tuple[str, Callable[[], object], str, Counts]] = [
        ("surface", _surface, ".ply .vtp .vtk .obj", _SURFACE),
        ("image", _image, ".vti .vtk", _BOX),
        ("rectilinear", lambda: _image().cast_to_rectilinear_grid(), ".vtr .vtk", _BOX),
        ("structured", lambda: _image().cast_to_structured_grid(), ".vts .vtk", _BOX),
        ("grid", lambda: _image().cast_to_unstructured_grid(), ".vtu .vtk", _BOX),
        ("blocks", _blocks, ".vtm", _BOTH),
    ]
    for name, make, endings, counts in grids:
        for ending in endings.split():
            for options in either:
                word = "binary" if options["binary"] else "ascii"
                yield Written("pyvista", f"{name}-{word}", ending, _saved(make, options), counts)
    cut = Counts(5, 7, 1, 4 + _R5 + _R2)  # an STL file has triangles alone
    for options in either:
        word = "binary" if options["binary"] else "ascii"
        yield Written("pyvista", f"surface-{word}", ".stl", _saved(_surface, options), cut)
    for name, make, counts in (
        ("surface", _surface, _SURFACE),
        ("grid", lambda: _image().cast_to_unstructured_grid(), _BOX),
        ("blocks", _blocks, _BOTH),
    ):
        yield Written("pyvista", name, ".vtkhdf", _saved(make, {}), counts)
    for name, (nodes, edges) in _CELLS.items():
        counts = Counts(nodes, edges, 1, np.nan)  # how long they are is VTK's affair
        yield Written("pyvista", name, ".vtu", _saved(_cell(name), {}), counts)


MESHES = [*_of_meshio(), *_of_trimesh(), *_of_pyvista()]
