"""Networks in the plane: every node is seen, names are written, dense networks are thinned."""

import numpy as np
import pytest
import view_shapes as shapes
from scipy.spatial import cKDTree

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.view.layout import layout
from meshrep.view.scene import picture
from meshrep.view.springs import _Grid, moved_apart
from meshrep.view.subject import subject_of
from meshrep.view.thinning import drawn_edges

nx = pytest.importorskip("networkx")
pytest.importorskip("matplotlib")
NETWORKS = {
    "karate": nx.karate_club_graph,
    "twins": lambda: nx.complete_bipartite_graph(2, 60),
    "star": lambda: nx.star_graph(200),
    "tree": lambda: nx.barabasi_albert_graph(150, 1, seed=0),
    "path": lambda: nx.path_graph(60),
    "ring": lambda: nx.cycle_graph(60),
    "complete": lambda: nx.complete_graph(60),
    "clique with a tail": lambda: nx.lollipop_graph(20, 20),
    "parts": lambda: nx.gnm_random_graph(120, 100, seed=1),
    "grid": lambda: nx.grid_2d_graph(20, 20),
    "hubs": lambda: nx.barabasi_albert_graph(1000, 3, seed=1),
    "edgeless": lambda: nx.empty_graph(12),
    "one node": lambda: nx.empty_graph(1),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_no_two_nodes_are_drawn_in_one_place(name):
    graph = Graph.of(NETWORKS[name]())
    places = layout(graph)
    assert np.array_equal(places, layout(graph))
    assert np.isfinite(places).all() and not places[:, 2].any()
    if graph.n == 1:
        return
    nearest = cKDTree(places).query(places, k=2)[0][:, 1].min()
    if graph.m:
        ends = places[graph.edges]
        edge = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1).mean()
        spacing = np.sqrt(np.prod(np.maximum(np.ptp(places, axis=0)[:2], edge)) / graph.n)
        assert nearest > 0.25 * min(edge, spacing)
    # components do not run into each other: nodes of two parts are a node's spacing apart
    assert nearest > 0.05


def test_a_mesh_keeps_its_shape_without_its_points():
    graph = Graph.of(nx.convert_node_labels_to_integers(nx.grid_2d_graph(20, 20)))
    places = layout(graph)
    ends = places[graph.edges]
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    assert lengths.max() < 2.5 * lengths.mean()


def test_the_repulsion_on_the_grid_is_that_of_all_pairs():
    even = np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), axis=2).reshape(-1, 2)
    points = even + np.random.default_rng(0).uniform(-0.25, 0.25, even.shape)
    away = points[:, None] - points
    square = (away**2).sum(axis=2)
    np.fill_diagonal(square, 1.0)
    exact = (away / square[:, :, None]).sum(axis=1)
    found = _Grid(128).repulsion(points)
    assert np.linalg.norm(found - exact) < 0.02 * np.linalg.norm(exact)


def test_nodes_in_one_place_are_moved_apart():
    moved = moved_apart(np.zeros((300, 2)), 0.5)
    assert cKDTree(moved).query(moved, k=2)[0][:, 1].min() >= 0.5
    assert np.ptp(moved, axis=0).max() < 3 * 0.5 * np.sqrt(300)
    far = np.array([[0.0, 0.0], [3.0, 0.0]])
    assert np.array_equal(moved_apart(far, 0.5), far)


def texts(figure):
    """The words in the axes of a figure, with their boxes in pixels."""
    found = [text for axes in figure.axes for text in axes.texts]
    return {text.get_text(): text.get_window_extent() for text in found}


def test_the_club_is_drawn_whole_with_its_names(tmp_path, figures):
    club = nx.relabel_nodes(nx.karate_club_graph(), {0: "Mr Hi", 33: "the officer"})
    graph = Graph.of(club)
    drawn = picture(graph, np.linspace(0, 6, 34), tmp_path / "club.png", quantity="phase")
    assert drawn.engine == "matplotlib"
    (figure,) = figures
    seen = texts(figure)
    assert {str(name) for name in club} <= set(seen)
    edges, nodes = figure.axes[1].collections
    assert len(nodes.get_offsets()) == 34 and len(np.unique(nodes.get_offsets(), axis=0)) == 34
    # each disc is inside the frame, and none reaches another's middle
    width, height = figure.axes[1].get_xlim()[1], figure.axes[1].get_ylim()[1]
    radii = np.sqrt(nodes.get_sizes()) / 2 / 0.48  # points in pixels at 150 dpi
    places = np.asarray(nodes.get_offsets())
    assert (places - radii[:, None] >= 0).all()
    assert (places + radii[:, None] <= (width, height)).all()
    apart = cKDTree(places).query(places, k=2)[0][:, 1]
    assert (apart > radii).all()
    for name in map(str, club):
        box = seen[name]
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
    # stronger ties are wider
    widths = np.asarray(edges.get_linewidths())
    assert np.argmax(widths) == np.argmax(graph.weights) and widths.min() < widths.max() / 2
    assert any("ρ = " in word for word in seen)


def test_names_are_written_when_they_are_asked_for(tmp_path, figures):
    many = Graph.of(nx.barabasi_albert_graph(60, 2, seed=1))
    few = Graph.of(nx.path_graph(["a", "$b", "c" * 40]))
    for graph, labels, count in (
        (many, None, 0),
        (many, True, 60),
        (few, None, 3),
        (few, False, 0),
    ):
        picture(graph, np.zeros(graph.n), tmp_path / "a.png", labels=labels, size=(600, 450))
        assert len(figures[-1].axes[-1].texts) == count
    mesh = shapes.lattice()
    with pytest.raises(InputError, match="labels are written on networks"):
        picture(mesh, np.zeros(mesh.n), tmp_path / "a.png", labels=True)


def test_of_many_edges_a_share_is_drawn_and_told(tmp_path, figures):
    graph = Graph.of(nx.complete_graph(150))
    subject = subject_of(graph, np.zeros(150))
    assert 149 < len(subject.edges) < graph.m
    assert f"of {graph.m:,} edges are drawn, a share of them" in subject.remark
    assert Graph.from_edges(150, subject.edges).component_count == 1
    picture(graph, np.zeros(150), tmp_path / "a.png")
    assert any(subject.remark == text.get_text() for text in figures[0].texts)
    weights = np.random.default_rng(0).uniform(0, 1, graph.m)
    chosen, remark = drawn_edges(graph.with_weights(weights), layout(graph))
    assert "the strongest" in remark
    assert weights[chosen].mean() > 0.6
    few = Graph.of(nx.karate_club_graph())
    assert drawn_edges(few, layout(few))[1] == ""


@pytest.mark.slow
def test_ten_thousand_nodes_are_laid_out_in_seconds():
    graph = Graph.of(nx.barabasi_albert_graph(10_000, 3, seed=1))
    places = layout(graph)
    assert cKDTree(places).query(places, k=2)[0][:, 1].min() > 0.2
