"""Meshes in memory, and the repairs that every mesh goes through."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshrep.errors import InputError
from meshrep.graphs.cells import HEXAHEDRON, QUAD, TETRAHEDRON, TRIANGLE, Cells
from meshrep.sources.memory import from_arrays, from_meshio, from_pyvista, from_trimesh

SQUARE = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)


def test_from_arrays(icosahedron):
    graph = from_arrays(*icosahedron)
    assert (graph.n, graph.m, len(graph.cells)) == (12, 30, 20)
    assert from_arrays(SQUARE, [(0, 1, 2, 3)]).m == 4
    assert from_arrays(SQUARE, [[0, 1, 2], [0, 2], [2, 3]]).m == 4
    tets = Cells.of_kind(TETRAHEDRON, [(0, 1, 2, 3)])
    assert from_arrays(np.eye(4)[:, :3], tets).m == 6
    assert from_arrays(SQUARE, []).m == 6  # a cloud


@pytest.mark.parametrize(
    ("points", "faces"),
    [
        (SQUARE, [(0, 1, 4)]),
        (SQUARE, [(0, 1, -1)]),
        (SQUARE, [(0.5, 1, 2)]),
        (SQUARE, 5),
        (SQUARE, [[]]),
        (np.zeros((0, 3)), []),
        (np.zeros((3, 5)), [(0, 1, 2)]),
        (np.array(["a"]), []),
        (np.full((3, 3), np.nan), [(0, 1, 2)]),
        (SQUARE[:3] * 0, [(0, 1, 2)]),
    ],
)
def test_arrays_that_are_no_mesh(points, faces):
    with pytest.raises(InputError):
        from_arrays(points, faces)


def test_data_of_pyvista_that_are_computed():
    """VTK computes the values of an affine array: they keep their type."""
    pytest.importorskip("pyvista")
    from vtkmodules import vtkCommonCore

    if not hasattr(vtkCommonCore, "vtkAffineTypeFloat64Array"):
        pytest.skip("this VTK has no such array")
    import pyvista as pv

    plane = pv.Plane(i_resolution=1, j_resolution=1)
    computed = vtkCommonCore.vtkAffineTypeFloat64Array()
    computed.SetName("computed")
    computed.SetNumberOfTuples(4)
    computed.ConstructBackend(0.5, 0.25)
    plane.GetPointData().AddArray(computed)
    data = from_pyvista(plane).origin.point_data
    assert data["computed"].tolist() == [0.25, 0.75, 1.25, 1.75]


def test_data_of_meshio_that_differ_between_blocks():
    """Data with one column for triangles and two for lines are left out, and the mesh is read."""
    meshio = pytest.importorskip("meshio")
    data = {"own": [np.zeros(1), np.zeros((1, 2))], "both": [np.ones(1), np.zeros(1)]}
    mesh = meshio.Mesh(SQUARE, [("triangle", [(0, 1, 2)]), ("line", [(2, 3)])], cell_data=data)
    graph = from_meshio(mesh)
    assert graph.m == 4
    assert {key: array.tolist() for key, array in graph.origin.cell_data.items()} == {
        "both": [1, 0]
    }


def test_repairs_are_told():
    points = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (1, 0, -0.0), (9, 9, 9), (2, 0, 0)]
    faces = [(0, 1, 2), (2, 0, 4), (0, 1, 4), (0, 2, 3, 3), (4, 6, 2), (0, 0, 1, 1)]
    graph = from_arrays(points, faces)
    assert graph.repairs == (
        "2 degenerate cells dropped",
        "1 repeated cell dropped",
        "1 cell with a repeated corner simplified",
        "1 point merged with others at the same position",
        "1 point dropped: no cell uses them",
    )
    assert graph.cells.kinds.tolist() == [TRIANGLE] * 3
    assert graph.origin.node_of.tolist() == [0, 1, 2, 3, 1, -1, 4]
    assert graph.m == 7


def test_collapsed_solids_stay():
    points = np.random.default_rng(0).normal(size=(8, 3))
    wedge = Cells.of_kind(HEXAHEDRON, [(0, 1, 2, 2, 4, 5, 6, 6)])
    graph = from_arrays(points, wedge)
    assert (len(graph.cells), graph.n, graph.m) == (1, 6, 9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000))
def test_a_soup_of_triangles_finds_its_mesh(seed):
    random = np.random.default_rng(seed)
    points = random.normal(size=(12, 3))
    faces = np.array([random.choice(12, 3, replace=False) for _ in range(15)])
    whole = from_arrays(points, faces)
    soup = from_arrays(points[faces].reshape(-1, 3), np.arange(45).reshape(-1, 3))
    assert (soup.n, soup.m, len(soup.cells)) == (whole.n, whole.m, len(whole.cells))

    def drawn(graph):
        return {frozenset(map(tuple, graph.points[edge])) for edge in graph.edges}

    assert drawn(soup) == drawn(whole)


def test_from_trimesh(icosahedron):
    trimesh = pytest.importorskip("trimesh")
    mesh = trimesh.Trimesh(*icosahedron, process=False)
    graph = from_trimesh(mesh)
    assert np.array_equal(graph.origin.points, mesh.vertices)
    scene = trimesh.Scene()
    scene.add_geometry(mesh)
    scene.add_geometry(mesh, transform=trimesh.transformations.translation_matrix([9, 0, 0]))
    graph = from_trimesh(scene)
    assert (graph.n, graph.component_count) == (24, 2)
    assert np.allclose(np.ptp(graph.points[:, 0]), 9 + np.ptp(icosahedron[0][:, 0]))
    assert from_trimesh(trimesh.PointCloud(icosahedron[0])).m > 0
    path = trimesh.load_path(icosahedron[0][[0, 11, 5]])
    assert (from_trimesh(path).n, from_trimesh(path).m) == (3, 2)
    with pytest.raises(InputError):
        from_trimesh("mesh.ply")
    wrong = trimesh.Trimesh(icosahedron[0], [(0, 1, 12)], process=False, validate=False)
    with pytest.raises(InputError, match="12"):
        from_trimesh(wrong)


def test_from_pyvista(icosahedron):
    pv = pytest.importorskip("pyvista")
    mesh = pv.PolyData.from_regular_faces(*icosahedron)
    graph = from_pyvista(mesh)
    assert (graph.n, graph.m) == (12, 30)
    assert np.allclose(graph.origin.points, mesh.points)
    plane = from_pyvista(pv.Plane(i_resolution=3, j_resolution=2))
    assert (plane.n, plane.m, set(plane.cells.kinds)) == (12, 17, {QUAD})
    image = pv.ImageData(dimensions=(3, 3, 3))
    for dataset in (image, image.cast_to_structured_grid(), image.cast_to_unstructured_grid()):
        graph = from_pyvista(dataset)
        assert (graph.n, graph.m, len(graph.cells)) == (27, 54, 8)
        assert np.array_equal(graph.points, dataset.points)
    assert from_pyvista(pv.MultiBlock([mesh, None, image])).n == 39
    strip = pv.Cylinder(resolution=6).triangulate().strip()
    assert (
        len(from_pyvista(strip).triangles)
        == len(pv.Cylinder(resolution=6).triangulate().faces) // 4
    )
    assert from_pyvista(pv.PolyData(np.random.default_rng(0).normal(size=(9, 3)))).m > 0
    for wrong in (pv.PolyData(), pv.Table({"a": np.arange(3)}), "mesh.vtp", None):
        with pytest.raises(InputError):
            from_pyvista(wrong)


def test_polyhedra_are_refused_in_a_sentence():
    pv = pytest.importorskip("pyvista")
    faces = [4, 3, 0, 1, 2, 3, 0, 1, 3, 3, 0, 2, 3, 3, 1, 2, 3]
    grid = pv.UnstructuredGrid([len(faces), *faces], [42], np.eye(4)[:, :3])
    with pytest.raises(InputError, match="convert them"):
        from_pyvista(grid)
