import numpy as np
import pytest
import view_shapes as shapes

from meshrep.errors import InputError
from meshrep.graphs.cells import LINE, TRIANGLE, VERTEX, Cells
from meshrep.graphs.graph import Graph
from meshrep.view.dataset import dataset
from meshrep.view.layout import layout
from meshrep.view.subject import subject_of
from meshrep.view.surface import Surface, refined_phases, with_normals

pv = pytest.importorskip("pyvista")


def test_kinds_of_data_sets():
    surface = dataset(shapes.lattice())
    assert isinstance(surface, pv.PolyData)
    assert (surface.n_faces, surface.n_lines, surface.n_verts) == (49, 0, 0)
    assert np.array_equal(surface.regular_faces[0], [0, 1, 9, 8])
    solid = dataset(shapes.cube())
    assert isinstance(solid, pv.UnstructuredGrid)
    assert solid.n_cells == 64
    network = dataset(shapes.ring())
    assert (network.n_verts, network.n_lines) == (24, 24)
    cloud = dataset(Graph.from_edges(5, np.zeros((0, 2)), points=np.eye(5, 3)))
    assert (cloud.n_verts, cloud.n_lines) == (5, 0)


def test_mixed_cells_go_to_their_lists():
    tables = ((VERTEX, [[0]]), (LINE, [[0, 1]]), (TRIANGLE, [[0, 1, 2]]), (8, [[0, 1, 3, 2]]))
    parts = [Cells.of_kind(kind, np.array(table)) for kind, table in tables]
    graph = Graph.from_cells(np.eye(4, 3), Cells.join(parts))
    mesh = dataset(graph)
    assert (mesh.n_verts, mesh.n_lines, mesh.n_faces) == (1, 1, 2)
    assert np.array_equal(mesh.faces, [3, 0, 1, 2, 4, 0, 1, 2, 3])  # a pixel's corners in order


def test_quadratic_cells_keep_their_kind():
    points = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    mesh = dataset(Graph.from_cells(points, Cells.of_kind(22, np.arange(6)[None])))
    assert isinstance(mesh, pv.UnstructuredGrid)
    assert mesh.celltypes.tolist() == [22]


def test_cell_fields_follow_their_cells():
    tables = ((TRIANGLE, [[0, 1, 2]]), (LINE, [[0, 1]]), (8, [[0, 1, 3, 2]]), (VERTEX, [[0]]))
    parts = [Cells.of_kind(kind, np.array(table)) for kind, table in tables]
    graph = Graph.from_cells(np.eye(4, 3), Cells.join(parts))
    kinds = {"kind": lambda cells: cells.kinds, "number": np.arange(4)}
    mesh = dataset(graph, {"w": np.zeros(4)}, cell_fields=kinds)
    assert mesh["kind"].tolist() == [VERTEX, LINE, TRIANGLE, 8]
    assert mesh["number"].tolist() == [3, 1, 0, 2]
    assert mesh.active_scalars_name == "w"
    ring = dataset(shapes.ring(), cell_fields={"size": lambda cells: np.diff(cells.offsets)})
    assert ring["size"].tolist() == [1] * 24 + [2] * 24
    for values, message in ((np.zeros(3), "4 cells"), (np.full(4, "x"), "real")):
        with pytest.raises(InputError, match=message):
            dataset(graph, cell_fields={"c": values})


def test_cell_fields_of_the_original_are_in_node_numbers():
    graph = shapes.repaired()
    seen = []
    fields = {"least": lambda cells: seen.append(cells) or cells.connectivity.reshape(-1, 3).min(1)}
    mesh = dataset(graph, original=True, cell_fields=fields)
    assert seen[0].connectivity.tolist() == [3, 2, 1, 3, 1, 0]
    assert mesh["least"].tolist() == [1, 0]


def test_data_set_is_a_copy():
    graph = shapes.lattice()
    mesh = dataset(graph, {"w": np.zeros(graph.n)})
    mesh.points[:] = 7
    assert graph.points.max() == 7
    assert graph.points.min() == 0


def test_layout_is_the_same_every_time_and_tells_nodes_apart():
    rng = np.random.default_rng(0)
    star = np.stack([np.zeros(9, int), np.arange(1, 10)], axis=1)
    loose = Graph.from_edges(60, rng.integers(0, 50, (90, 2)))
    for graph in (shapes.ring(placed=False), Graph.from_edges(12, star), loose):
        points = layout(graph)
        assert np.array_equal(points, layout(graph))
        assert np.isfinite(points).all()
        assert (points[:, 2] == 0).all()
        assert len(np.unique(points.round(6), axis=0)) == graph.n
    circle = layout(shapes.ring(placed=False))
    radius = np.linalg.norm(circle - circle.mean(axis=0), axis=1)
    assert np.ptp(radius) < 0.05 * radius.mean()


def test_phases_do_not_run_through_all_colours_where_they_pass_two_pi():
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], float)
    phases = np.array([0.2, 2 * np.pi - 0.2, 0.1])
    fine = refined_phases(Surface(corners, np.array([[0, 1, 2]]), phases), fine=5000)
    assert len(fine.triangles) == 4**6
    assert (fine.values >= 0).all()
    assert (fine.values < 2 * np.pi).all()
    off = np.minimum(fine.values, 2 * np.pi - fine.values)
    assert off.max() <= 0.2 + 1e-12
    middle = np.abs(fine.points - [0.5, 0, 0]).sum(axis=1).argmin()
    assert off[middle] == pytest.approx(0, abs=1e-12)
    assert fine.values[:3] == pytest.approx(phases)


def test_refining_keeps_the_area():
    graph = shapes.ball()
    fine = refined_phases(Surface(graph.points, graph.triangles, np.zeros(graph.n)))

    def area(surface):
        a, b, c = surface.points[surface.triangles.T]
        return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2

    whole = area(Surface(graph.points, graph.triangles, fine.values))
    assert area(fine) == pytest.approx(whole, rel=1e-12)


def test_normals_split_at_sharp_edges_only():
    ball = shapes.ball()
    smooth = with_normals(Surface(ball.points, ball.triangles, np.zeros(ball.n)))
    assert len(smooth.points) == ball.n
    cosine = np.abs((smooth.normals * smooth.points).sum(axis=1))
    assert cosine.min() > 0.95
    cube = shapes.cube(2)
    box = with_normals(subject_of(cube, np.zeros(8)).surface)
    assert len(box.points) == 24


def test_a_network_read_from_a_file_without_points_is_laid_out(tmp_path):
    from meshrep.sources.files import load

    file = tmp_path / "edges.csv"
    file.write_text("a,b\nb,c\nc,d\n")
    graph = load(file)
    mesh = dataset(graph, {"f": np.arange(4.0)}, original=True)
    assert mesh.n_points == 4 and mesh.n_lines == 3
    np.testing.assert_array_equal(mesh["f"], np.arange(4.0))
