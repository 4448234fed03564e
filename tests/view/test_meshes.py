"""Meshes with fields as files, and series of them over time."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import view_shapes as shapes

from meshrep.energies.phases.vortices import charges, windings
from meshrep.errors import InputError
from meshrep.graphs.cells import LINE, POLYGON, QUAD, TRIANGLE, VERTEX, Cells
from meshrep.graphs.graph import Graph
from meshrep.sources.files import load
from meshrep.view.dataset import padded
from meshrep.view.meshes import mesh_path, write_mesh, write_series

pv = pytest.importorskip("pyvista")
GRAPHS = {"lattice": shapes.lattice, "cube": shapes.cube, "ball": shapes.ball, "ring": shapes.ring}


def only(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def fields_on(graph):
    rng = np.random.default_rng(0)
    return {
        "temperature": rng.random(graph.n),
        "weird": np.where(np.arange(graph.n) % 7 == 0, np.nan, 1e-300),
        "vector": rng.standard_normal((graph.n, 3)),
        "fixed": np.arange(graph.n) < 3,
        "part": np.arange(graph.n) % 4,
    }


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("suffix", [".vtp", ".vtu", ".vtk"])
def test_fields_read_back_bitwise(tmp_path, name, suffix):
    graph = GRAPHS[name]()
    path = tmp_path / f"mesh{suffix}"
    fields = fields_on(graph)
    if name == "cube" and suffix == ".vtp":
        with pytest.raises(InputError, match=r"use \.vtu"):
            write_mesh(graph, fields, path)
        assert only(tmp_path) == []
        return
    write_mesh(graph, fields, path)
    read = pv.read(path)
    assert np.array_equal(read.points, graph.points)
    for field, values in fields.items():
        assert np.array_equal(read.point_data[field], values, equal_nan=values.dtype.kind == "f")
    assert only(tmp_path) == [path.name]


def test_default_path_fits_the_cells(tmp_path):
    assert mesh_path(shapes.lattice(), tmp_path / "a.b").name == "a.b.vtp"
    assert mesh_path(shapes.ring(), "out").name == "out.vtp"
    assert mesh_path(shapes.cube(), "out").name == "out.vtu"


def test_original_points_keep_their_order_and_dropped_ones_are_nan(tmp_path):
    graph = shapes.repaired()
    values = np.array([0.0, 1.0, 2.0, 3.0])
    read = pv.read(write_mesh(graph, {"w": values}, tmp_path / "a.vtp"))
    assert np.array_equal(read.points, graph.origin.points)
    assert np.array_equal(read["w"], [3, 2, 1, 0, np.nan], equal_nan=True)
    own = pv.read(write_mesh(graph, {"w": values}, tmp_path / "b.vtp", original=False))
    assert np.array_equal(own.points, graph.points)
    assert np.array_equal(own["w"], values)


@pytest.mark.parametrize("name", ["lattice", "ball"])
def test_ply_really_carries_fields(tmp_path, name):
    graph = GRAPHS[name]()
    fields = fields_on(graph)
    path = write_mesh(graph, fields, tmp_path / "mesh.ply")
    meshio = pytest.importorskip("meshio")
    read = meshio.read(path)
    assert np.array_equal(read.points, graph.points)
    for field in ("temperature", "weird", "fixed", "part"):
        assert np.array_equal(read.point_data[field], fields[field].astype(float), equal_nan=True)
    assert np.array_equal(read.point_data["vector_1"], fields["vector"][:, 1])
    assert sum(len(block) for block in read.cells) == len(graph.cells)
    seen = pv.read(path)
    assert seen.n_cells == len(graph.cells)
    trimesh = pytest.importorskip("trimesh")
    assert len(trimesh.load(path, process=False).vertices) == graph.n


def mixed():
    """A quad, a line, a triangle, a vertex and a pixel, in this order."""
    tables = ((QUAD, [[0, 1, 4, 3]]), (LINE, [[2, 5]]), (TRIANGLE, [[1, 2, 4]]), (VERTEX, [[5]]),
              (8, [[3, 4, 6, 7]]))  # fmt: skip
    points = [
        [0, 0, 0],
        [1, 0, 0],
        [2, 0, 0],
        [0, 1, 0],
        [1, 1, 0],
        [2, 1, 0],
        [0, 2, 0],
        [1, 2, 0],
    ]
    cells = Cells.join([Cells.of_kind(kind, np.array(table)) for kind, table in tables])
    return Graph.from_cells(np.array(points, float), cells, name="mixed")


def on_cells(graph):
    """Phases that turn round the middle, and cell fields: the winding and the centre of a cell."""
    middle = graph.points.mean(axis=0) + np.array([0.1, 0.2, 0])
    phi = np.arctan2(*(graph.points - middle).T[1::-1])

    def centre(cells):
        sums = np.add.reduceat(graph.points[cells.connectivity], cells.offsets[:-1])
        return sums / np.diff(cells.offsets)[:, None]

    return phi, {"vortex": lambda cells: windings(cells, phi), "centre": centre}


@pytest.mark.parametrize("make", [mixed, shapes.lattice, shapes.cube, shapes.ball, shapes.ring])
@pytest.mark.parametrize("suffix", [".vtp", ".vtu", ".vtk"])
def test_cell_fields_read_back_on_their_cells(tmp_path, make, suffix):
    if make is shapes.cube and suffix == ".vtp":
        return
    graph = make()
    phi, cell_fields = on_cells(graph)
    path = write_mesh(graph, {"phi": phi}, tmp_path / f"mesh{suffix}", cell_fields=cell_fields)
    read = pv.read(path)
    assert read["centre"] == pytest.approx(read.cell_centers().points, abs=1e-12)
    assert sorted(read["vortex"]) == sorted(windings(graph.cells, phi)) or make is shapes.ring
    assert read["vortex"].any() or make in (shapes.ring, mixed)
    assert list(read.point_data) == ["phi"]


def test_vortices_of_the_original_cells(tmp_path):
    points = shapes.lattice().points[::-1]
    cells = shapes.lattice().cells.renumbered(63 - np.arange(64))
    rng = np.random.default_rng(0)
    cells = cells.turned(rng.random(49) < 0.3).subset(rng.permutation(49))
    file = tmp_path / "in.vtu"
    pv.UnstructuredGrid(padded(cells), cells.kinds, np.append(points, [[9, 9, 9]], axis=0)).save(
        file
    )
    graph = load(file)
    assert graph.n == 64
    phi = np.arctan2(graph.points[:, 1] - 3.3, graph.points[:, 0] - 2.4)
    of = {"vortex": lambda cells: charges(cells, phi)}
    read = pv.read(write_mesh(graph, {"phi": phi}, tmp_path / "out.vtp", cell_fields=of))
    assert np.array_equal(read.regular_faces, cells.connectivity.reshape(-1, 4))
    (where,) = np.flatnonzero(read["vortex"])
    assert read.cell_centers().points[where] == pytest.approx([2.5, 3.5, 0])
    assert np.isnan(read["phi"][64])


def faces_of_ply(path, corners):
    """The faces of a binary PLY with equally many corners each, read as its header says."""
    content = path.read_bytes()
    header, body = content.split(b"end_header\n", 1)
    vertex, face = header.decode().split("element ")[1:]
    types = {"double": "<f8", "int": "<i4", "uchar": "u1"}
    words = [line.split() for line in (vertex + face).splitlines() if line.startswith("property")]
    scalars = [(name, types[kind]) for _, kind, *_, name in words if kind != "list"]
    at = len(vertex.splitlines()) - 1
    points = np.dtype(scalars[:at]).itemsize * int(vertex.split()[1])
    layout = [("n", "u1"), ("nodes", "<i4", corners), *scalars[at:]]
    faces = np.frombuffer(body[points:], dtype=layout)
    assert len(faces) == int(face.split()[1])
    assert (faces["n"] == corners).all()
    return faces


@pytest.mark.parametrize(("make", "corners"), [(shapes.lattice, 4), (shapes.ball, 3)])
def test_ply_carries_fields_of_faces(tmp_path, make, corners):
    graph = make()
    phi, cell_fields = on_cells(graph)
    cell_fields["small"] = np.arange(len(graph.cells)).astype(np.uint8)
    path = write_mesh(graph, {"phi": phi}, tmp_path / "mesh.ply", cell_fields=cell_fields)
    faces = faces_of_ply(path, corners)
    assert np.array_equal(faces["nodes"].ravel(), graph.cells.connectivity)
    assert np.array_equal(faces["vortex"], windings(graph.cells, phi))
    assert np.array_equal(faces["small"], cell_fields["small"])
    centre = graph.points[faces["nodes"]].mean(axis=1)
    assert faces["centre_1"] == pytest.approx(centre[:, 1])
    assert pv.read(path).n_cells == len(graph.cells)
    assert np.array_equal(load(path).origin.cells.connectivity, graph.cells.connectivity)
    trimesh = pytest.importorskip("trimesh")
    assert len(trimesh.load(path, process=False).vertices) == graph.n


def test_ply_keeps_fields_of_faces_beside_vertices_and_large_polygons(tmp_path):
    turn = 2 * np.pi * np.arange(300) / 300
    points = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    large = Cells.of_kind(POLYGON, np.arange(300)[None])
    parts = [large, Cells.of_kind(VERTEX, [[7]]), Cells.of_kind(TRIANGLE, [[0, 100, 200]])]
    graph = Graph.from_cells(points, Cells.join(parts))
    path = write_mesh(graph, {}, tmp_path / "a.ply", cell_fields={"number": np.array([5, 6, 7])})
    assert np.bincount(faces_of_ply(path, 3)["number"])[5:].tolist() == [298, 0, 1]


@pytest.mark.parametrize("suffix", [".stl", ".obj", ".off", ".msh", ".xdmf", ""])
def test_formats_without_fields_are_refused_by_name(tmp_path, suffix):
    with pytest.raises(InputError, match=r"\.vtp, \.vtu, \.vtk, \.ply"):
        write_mesh(shapes.lattice(), {}, tmp_path / f"mesh{suffix}")
    assert only(tmp_path) == []


def test_ply_refuses_what_it_cannot_hold(tmp_path):
    with pytest.raises(InputError, match="edges of a network"):
        write_mesh(shapes.ring(), {}, tmp_path / "mesh.ply")
    with pytest.raises(InputError, match="solid"):
        write_mesh(shapes.cube(), {}, tmp_path / "mesh.ply")


@pytest.mark.parametrize(
    ("values", "message"),
    [(np.zeros(3), "shape"), (np.zeros(64, complex), "real"), (np.full(64, "x"), "real")],
)
def test_fields_that_do_not_fit_are_refused(tmp_path, values, message):
    with pytest.raises(InputError, match=message):
        write_mesh(shapes.lattice(), {"w": values}, tmp_path / "mesh.vtp")
    assert only(tmp_path) == []


def test_full_disk_is_one_sentence(tmp_path):
    script = f"""
import resource, sys
sys.path[:0] = [{str(Path(__file__).parent)!r}]
import numpy as np, view_shapes as shapes
from meshrep.errors import InputError
from meshrep.view.meshes import write_mesh
from meshrep.view.write import write_json
graph = shapes.lattice(60)
write_mesh(graph, {{}}, {str(tmp_path)!r} + "/warm.vtk")
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for name in ("mesh.vtp", "mesh.vtu", "mesh.vtk", "mesh.ply"):
    try:
        write_mesh(graph, {{"w": np.random.rand(graph.n)}}, {str(tmp_path)!r} + "/" + name)
    except InputError as error:
        print(name, "cannot be written" in str(error) and "\\n" not in str(error))
try:
    write_json(list(range(9999)), {str(tmp_path)!r} + "/list.json")
except InputError:
    print("json", True)
"""
    (tmp_path / "mesh.vtp").write_text("old")
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert child.returncode == 0, child.stderr
    names = ["mesh.vtp", "mesh.vtu", "mesh.vtk", "mesh.ply", "json"]
    assert child.stdout.split() == " True ".join([*names, ""]).split()
    assert only(tmp_path) == ["mesh.vtp", "warm.vtk"]
    assert (tmp_path / "mesh.vtp").read_text() == "old"


@pytest.mark.parametrize("make", [shapes.lattice, shapes.cube])
def test_series_reads_back_with_its_exact_times(tmp_path, make):
    graph = make()
    times = [0.0, 0.1, 0.1 + 0.2, 1e-12]
    frames = [(t, np.full(graph.n, 10 * t)) for t in times]
    path = write_series(graph, iter(frames), tmp_path / "out", "heat", field="temperature")
    reader = pv.PVDReader(path)
    assert sorted(reader.time_values) == sorted(times)
    reader.set_active_time_value(0.1 + 0.2)
    (mesh,) = reader.read()
    assert np.array_equal(mesh["temperature"], np.full(graph.n, 10 * (0.1 + 0.2)))
    assert len(only(tmp_path / "out" / "heat")) == len(times)


def test_series_carries_cell_fields(tmp_path):
    graph = shapes.lattice()
    phi, _ = on_cells(graph)
    frames = [(0.0, np.zeros(graph.n)), (1.0, phi)]
    write_series(graph, frames, tmp_path, "xy", cell_fields={"vortex": charges})
    found = [pv.read(tmp_path / "xy" / f"xy_{k:04d}.vtp")["vortex"].sum() for k in range(2)]
    assert found == [0, 1]


def test_arrays_of_the_input_are_kept_and_fields_come_before_them(tmp_path):
    plane = pv.Plane(i_resolution=3, j_resolution=1)
    plane.point_data["T"], plane.cell_data["MaterialIds"] = np.arange(8.0), [1, 2, 3]
    plane.save(tmp_path / "in.vtp")
    graph = load(tmp_path / "in.vtp")
    for name in ("out.vtp", "out.vtu", "out.vtk"):
        write_mesh(graph, {"gcn": np.ones(8)}, tmp_path / name)
        read = pv.read(tmp_path / name)
        assert read["MaterialIds"].tolist() == [1, 2, 3] and read["T"].tolist() == [*range(8)]
    again = load(tmp_path / "out.vtp")
    write_mesh(again, {"gcn": np.zeros(8)}, tmp_path / "again.vtp")
    assert (pv.read(tmp_path / "again.vtp")["gcn"] == 0).all()


def test_a_network_keeps_the_names_of_its_nodes(tmp_path):
    pair = Graph.from_edges(2, [[0, 1]], labels=("Ann", 7))
    write_mesh(pair, {"T": np.arange(2.0)}, tmp_path / "pair.vtp")
    assert list(pv.read(tmp_path / "pair.vtp")["name"]) == ["Ann", "7"]
