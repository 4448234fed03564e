"""Real and made files come back with the counts that they must have."""

import numpy as np
import pytest

import meshrep.sources.files as files
from meshrep.errors import InputError
from meshrep.graphs.cells import HEXAHEDRON, LINE, POLYGON, QUAD, TETRAHEDRON, TRIANGLE, VERTEX
from meshrep.sources.files import load, resolve


def euler(graph):
    return graph.n - graph.m + len(graph.cells)


def same_mesh(graph, points, faces):
    """Whether a graph is the given triangles, whatever the order of points and faces."""
    found = {frozenset(map(tuple, graph.points[list(t)].round(5))) for t in graph.triangles}
    wanted = {frozenset(map(tuple, points[list(t)].round(5))) for t in faces}
    return graph.n == len(points) and found == wanted


# Real meshes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n", "points", "characteristic"),
    [
        ("spot.obj", 2930, 2930, 2),
        ("armadillo.obj", 14587, 14587, 2),
        ("bunny_hr.obj", 29834, 29834, 2),
    ],
)
def test_watertight_surfaces(real, name, n, points, characteristic):
    graph = load(real(name))
    assert (graph.n, graph.component_count, euler(graph)) == (n, 1, characteristic)
    assert len(graph.origin.points) == points
    assert np.array_equal(graph.origin.node_of, np.arange(n))  # the file's own numbering
    assert graph.repairs == ()


def test_the_bunny_as_distributed(real):
    graph = load(real("bun_zipper.ply"))
    assert (graph.n, graph.component_count, len(graph.cells)) == (34834, 1, 69451)
    assert len(graph.origin.points) == 35947
    assert graph.repairs == ("1,113 points dropped: no cell uses them",)
    kept = graph.origin.node_of >= 0
    assert np.array_equal(graph.points[graph.origin.node_of[kept]], graph.origin.points[kept])
    assert np.isnan(graph.origin.spread(np.ones(graph.n))).sum() == 1113


def test_can_is_hexahedra(real):
    pytest.importorskip("pyvista")
    graph = load(real("can.vtu"))
    assert len(graph.cells) == 4800
    assert (graph.cells.kinds == HEXAHEDRON).all()
    assert graph.n == 6724
    assert graph.cells.has_solids


# Round trips -------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "binary"])
def test_ply_of_trimesh(tmp_path, icosahedron, encoding):
    trimesh = pytest.importorskip("trimesh")
    path = tmp_path / "ico.ply"
    mesh = trimesh.Trimesh(*icosahedron, process=False)
    path.write_bytes(mesh.export(file_type="ply", encoding=encoding))
    graph = load(path)
    assert same_mesh(graph, *icosahedron)
    assert np.array_equal(graph.cells.connectivity, icosahedron[1].ravel())
    assert euler(graph) == 2


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["obj", "stl", "off", "glb", "gltf", "stl_ascii"])
def test_formats_of_trimesh(tmp_path, icosahedron, ending):
    trimesh = pytest.importorskip("trimesh")
    path = tmp_path / f"ico.{ending.removesuffix('_ascii')}"
    mesh = trimesh.Trimesh(*icosahedron, process=False)
    if ending == "gltf":
        for name, data in mesh.export(file_type="gltf").items():
            (tmp_path / name).write_bytes(data)
        path = tmp_path / "model.gltf"
    else:
        data = mesh.export(file_type=ending)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    graph = load(path)
    assert same_mesh(graph, *icosahedron)
    assert euler(graph) == 2
    if "stl" in ending:
        assert graph.repairs == ("48 points merged with others at the same position",)


@pytest.mark.slow
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("ending", ["ply", "vtp", "vtk", "stl"])
def test_surfaces_of_pyvista(tmp_path, icosahedron, ending, binary):
    pv = pytest.importorskip("pyvista")
    path = tmp_path / f"ico.{ending}"
    pv.PolyData.from_regular_faces(*icosahedron).save(path, binary=binary)
    assert same_mesh(load(path), *icosahedron)


@pytest.mark.slow
def test_volumes_of_pyvista(tmp_path):
    pv = pytest.importorskip("pyvista")
    image = pv.ImageData(dimensions=(4, 3, 2))
    image.save(tmp_path / "a.vti")
    image.cast_to_rectilinear_grid().save(tmp_path / "a.vtr")
    image.cast_to_structured_grid().save(tmp_path / "a.vts")
    image.cast_to_unstructured_grid().save(tmp_path / "a.vtu")
    edges = 3 * 3 * 2 + 4 * 2 * 2 + 4 * 3
    for ending in ("vti", "vtr", "vts", "vtu"):
        graph = load(tmp_path / f"a.{ending}")
        assert (graph.n, graph.m, len(graph.cells)) == (24, edges, 6), ending
        assert np.array_equal(graph.points, image.points)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["msh", "vtk", "vtu", "mesh", "inp", "su2", "bdf"])
def test_formats_of_meshio(tmp_path, ending):
    meshio = pytest.importorskip("meshio")
    corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)], float)
    tets = np.array([(0, 1, 2, 3), (1, 2, 3, 4)])
    path = tmp_path / f"tets.{ending}"
    kind = {"msh": "gmsh", "vtk": "vtk", "vtu": "vtu"}.get(ending)
    meshio.Mesh(corners, [("tetra", tets)]).write(path, file_format=kind)
    graph = load(path)
    assert (graph.n, graph.m, len(graph.cells)) == (5, 9, 2)
    assert (graph.cells.kinds == TETRAHEDRON).all()
    assert np.array_equal(graph.points, corners)


def test_xdmf_with_its_numbers_inside(tmp_path, xdmf):
    pytest.importorskip("pyvista")
    text = xdmf.format(form="XML", points="0 0 0 1 0 0 0 1 0 0 0 1")
    (tmp_path / "one.xdmf").write_text(text)
    graph = load(tmp_path / "one.xdmf")
    assert (graph.n, graph.m, graph.cells.kinds.tolist()) == (4, 6, [TETRAHEDRON])


def test_surface_and_volume_in_one_file(tmp_path):
    meshio = pytest.importorskip("meshio")
    corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (5, 5, 5)], float)
    blocks = [
        ("vertex", [[0]]),
        ("line", [[0, 1]]),
        ("triangle", [[0, 1, 2]]),
        ("tetra", [[0, 1, 2, 3]]),
    ]
    meshio.Mesh(corners, blocks).write(tmp_path / "mixed.msh", file_format="gmsh22")
    graph = load(tmp_path / "mixed.msh")
    assert (graph.n, graph.m, len(graph.cells)) == (4, 6, 3)
    assert graph.repairs == (
        "1 vertex cell set aside: other cells have edges",
        "1 point dropped: no cell uses them",
    )


# VTK's kind: nodes, edges with each quadratic one in two halves
QUADRATIC = {
    21: (3, 2), 22: (6, 6), 23: (8, 8), 24: (10, 12), 25: (20, 24), 26: (15, 18), 27: (13, 16),
    28: (9, 12),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", QUADRATIC)
def test_quadratic_cells(tmp_path, kind):
    pv = pytest.importorskip("pyvista")
    n, m = QUADRATIC[kind]
    points = np.random.default_rng(0).normal(size=(n, 3))
    pv.UnstructuredGrid([n, *range(n)], [kind], points).save(tmp_path / "one.vtu")
    graph = load(tmp_path / "one.vtu")
    assert (graph.n, graph.m, graph.component_count) == (n, m, 1)


def test_cells_beyond_quadratic_keep_their_edges(tmp_path):
    meshio = pytest.importorskip("meshio")
    points = np.random.default_rng(0).normal(size=(27, 3))
    meshio.Mesh(points, [("hexahedron27", [list(range(27))])]).write(tmp_path / "one.vtu")
    graph = load(tmp_path / "one.vtu")
    assert (graph.n, graph.m) == (20, 24)
    assert graph.repairs == (
        "1 cell of high order reduced to edges",
        "7 points dropped: no cell uses them",
    )


def test_polygons_are_not_cut_into_triangles(tmp_path):
    square = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n2 .5 0\n"
    (tmp_path / "a.off").write_text(
        f"OFF\n# two faces\n5 2 0\n{square}4 0 1 2 3\n3 1 4 2 255 0 0\n"
    )
    vertices = "".join(f"v {line}\n" for line in square.splitlines())
    (tmp_path / "a.obj").write_text(f"{vertices}f 1/1 2/2 3/3 4/4\nf 2//1 5//1 3//1\n")
    header = (
        "ply\nformat ascii 1.0\nelement vertex 5\nproperty float x\nproperty float y\n"
        "property float z\nelement face 2\nproperty list uchar int vertex_index\nend_header\n"
    )
    (tmp_path / "a.ply").write_text(f"{header}{square}4 0 1 2 3\n3 1 4 2\n")
    for ending in ("off", "obj", "ply"):
        graph = load(tmp_path / f"a.{ending}")
        assert (graph.n, graph.m) == (5, 6)
        assert graph.cells.kinds.tolist() == [QUAD, TRIANGLE]


def test_obj_with_all_its_oddities(tmp_path):
    path = tmp_path / "odd.obj"
    path.write_bytes(
        b"# comment\r\nmtllib ../../nothing.mtl\r\no part\r\nv 0 0 0 1 0 0\r\nv 1 0 0\r\n"
        b"  v\t1 1 0 # here\r\nvt 0 0\r\nvn 0 0 1\r\nusemtl red\r\nf -3/1/1 -2/1/1 \\"
        b"\r\n -1/1/1\r\n"
        b"v 0 1 0\r\nv 0 2 0\r\nv 0 3 0\r\nf 1//1 3//1 4//1\r\nl 4 5 6\r\np 1\r\n"
    )
    graph = load(path)
    assert (graph.n, graph.m) == (6, 7)
    assert sorted(graph.cells.kinds.tolist()) == [4, TRIANGLE, TRIANGLE]


@pytest.mark.parametrize("order", ["little", "big"])
def test_binary_ply_of_mixed_faces_and_doubles(tmp_path, order):
    mark = "<" if order == "little" else ">"
    n = 50
    points = np.random.default_rng(1).normal(size=(n, 3))
    vertex = np.zeros(n, [("red", "u1"), ("xyz", mark + "f8", 3), ("k", mark + "i2")])
    vertex["xyz"] = points
    rng = np.random.default_rng(2)
    faces = [rng.choice(n, size, replace=False) for size in rng.integers(3, 6, 200)]
    body = b"".join(
        b"\7" + bytes([len(f)]) + np.array(f, mark + "u4").tobytes() + b"\1\2" for f in faces
    )
    header = (
        f"ply\nformat binary_{order}_endian 1.0\ncomment made here\nelement camera 1\n"
        "property float f\nproperty list uchar float l\nelement vertex 50\nproperty uchar red\n"
        "property double x\nproperty double y\nproperty double z\nproperty short k\n"
        "element face 200\nproperty char a\nproperty list uchar uint vertex_indices\n"
        "property uchar b\nproperty uchar c\nend_header\n"
    )
    camera = np.array([1], mark + "f4").tobytes() + b"\2" + np.array([1, 2], mark + "f4").tobytes()
    path = tmp_path / "mixed.ply"
    path.write_bytes(header.encode() + camera + vertex.tobytes() + body)
    graph = load(path)
    assert np.array_equal(graph.origin.points, points)  # doubles stay doubles
    found = [c.tolist() for c in np.split(graph.origin.cells.connectivity,
                                          graph.origin.cells.offsets[1:-1])]  # fmt: skip
    assert found == [f.tolist() for f in faces]
    assert set(graph.cells.kinds.tolist()) == {TRIANGLE, QUAD, POLYGON}


def test_ply_strips_and_edges(tmp_path):
    start = "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
    start += "property float z\n"
    points = "0 0 0\n1 0 0\n0 1 0\n1 1 0\n"
    strips = "element tristrips 1\nproperty list int int vertex_indices\nend_header\n"
    (tmp_path / "strip.ply").write_text(start + strips + points + "8 0 1 2 3 -1 0 1 3\n")
    graph = load(tmp_path / "strip.ply")
    assert len(graph.triangles) == 3
    assert graph.m == 6
    lines = "element edge 3\nproperty int vertex1\nproperty int vertex2\nend_header\n"
    (tmp_path / "edge.ply").write_text(start + lines + points + "0 1\n1 3\n3 2\n")
    graph = load(tmp_path / "edge.ply")
    assert (graph.m, set(graph.cells.kinds.tolist())) == (3, {LINE})


# Clouds, networks, options, names ----------------------------------------------------------------


def test_points_without_cells_are_a_cloud(tmp_path):
    points = np.random.default_rng(0).uniform(size=(60, 3))
    np.save(tmp_path / "p.npy", points)
    np.savez(tmp_path / "p.npz", points=points)
    np.savetxt(tmp_path / "p.xyz", points)
    np.savetxt(tmp_path / "p.csv", points, delimiter=",", header="x,y,z", comments="")
    body = "\n".join(" ".join(map(repr, row)) for row in points.tolist())
    header = "ply\nformat ascii 1.0\nelement vertex 60\nproperty double x\nproperty double y\n"
    (tmp_path / "p.ply").write_text(header + "property double z\nend_header\n" + body + "\n")
    graphs = [load(tmp_path / f"p.{ending}") for ending in ("npy", "npz", "xyz", "csv", "ply")]
    for graph in graphs:
        assert np.allclose(graph.points, points)
        assert np.array_equal(graph.edges, graphs[0].edges)
        assert graph.degree.min() >= 8
        assert graph.repairs[-1] == "each point joined to its 8 nearest"
    pv = pytest.importorskip("pyvista")
    pv.PolyData(np.float32(points)).save(tmp_path / "p.vtp")
    assert load(tmp_path / "p.vtp").n == 60


def test_neighbours_and_radius(tmp_path):
    np.save(tmp_path / "line.npy", np.array([(0, 0), (1, 0), (2, 0), (3.5, 0)]))
    assert load(tmp_path / "line.npy", radius=1.2).edges.tolist() == [[0, 1], [1, 2]]
    assert load(tmp_path / "line.npy", neighbours=1).m in (2, 3)
    with pytest.raises(InputError, match="not both"):
        load(tmp_path / "line.npy", neighbours=1, radius=1)
    for wrong in ({"neighbours": 0}, {"radius": -1.0}, {"radius": float("nan")}):
        with pytest.raises(InputError, match=r"line\.npy"):
            load(tmp_path / "line.npy", **wrong)


def test_a_mesh_joined_by_nearness_sets_its_faces_aside(tmp_path):
    (tmp_path / "t.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 9 9 9\nf 1 2 3\n")
    graph = load(tmp_path / "t.obj", neighbours=3)
    assert (graph.n, graph.m, len(graph.triangles)) == (4, 6, 0) and graph.cells.are_points
    assert "1 cell set aside" in graph.repairs[0]


def test_merging_is_a_choice(tmp_path):
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 0 0\nv 0 1 -0.0\nv 1 1 0\nf 1 2 3\nf 4 6 5\n"
    (tmp_path / "crack.obj").write_text(text)
    assert load(tmp_path / "crack.obj").n == 4
    apart = load(tmp_path / "crack.obj", merge=False)
    assert (apart.n, apart.component_count, apart.repairs) == (6, 2, ())


def test_resolve_looks_into_assets(tmp_path, monkeypatch):
    package = tmp_path / "repository" / "meshrep"
    assets = tmp_path / "repository" / "assets"
    assets.mkdir(parents=True)
    (assets / "tri.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    monkeypatch.setattr(files, "__file__", str(package / "sources" / "files.py"))
    monkeypatch.chdir(tmp_path)
    assert resolve("tri.obj") == (assets / "tri.obj", True)
    assert resolve("tri") == (assets / "tri.obj", True)
    assert load("tri").n == 3
    (tmp_path / "tri.obj").write_text("v 0 0 0\n")
    assert resolve("tri.obj")[1] is False
    with pytest.raises(InputError, match="no such file"):
        resolve("other.obj")
    with pytest.raises(InputError, match="no such file"):
        resolve("folder/tri.obj")


def test_vertex_cells_alone_are_a_cloud(tmp_path):
    meshio = pytest.importorskip("meshio")
    points = np.random.default_rng(0).normal(size=(20, 3))
    meshio.Mesh(points, [("vertex", np.arange(20)[:, None])]).write(tmp_path / "v.vtu")
    graph = load(tmp_path / "v.vtu", neighbours=2)
    assert graph.n == 20
    assert graph.m >= 20
    assert (graph.origin.cells.kinds == VERTEX).all()
