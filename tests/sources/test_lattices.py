"""Lattices and random graphs against networkx, closed forms, and expectations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.sources.lattices import cubic, ring, square, tree, triangular
from meshrep.sources.random_graphs import (
    _chosen,
    _triangle_pair,
    erdos_renyi,
    random_geometric,
    stochastic_block,
)
from meshrep.sources.spec import graph_from

sizes = st.integers(1, 7)


def edge_set(graph):
    return set(map(tuple, graph.edges.tolist()))


def same_edges(graph, network, number):
    """Whether the graph is networkx's, node k of which is called ``number[k]``."""
    wanted = {tuple(sorted((number[u], number[v]))) for u, v in network.edges if u != v}
    return graph.n == len(network) and edge_set(graph) == wanted


@settings(max_examples=20, deadline=None)
@given(sizes, sizes)
def test_square_is_networkxs(rows, columns):
    nx = pytest.importorskip("networkx")
    graph = square(rows, columns)
    network = nx.grid_2d_graph(rows, columns)
    assert same_edges(graph, network, {node: k for k, node in enumerate(network)})
    assert np.array_equal(graph.points[:, :2], [(c, r) for r, c in network])
    assert len(graph.cells) == (rows - 1) * (columns - 1)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12))
def test_triangular_is_networkxs(rows, columns):
    nx = pytest.importorskip("networkx")
    graph = triangular(rows, columns)
    network = nx.triangular_lattice_graph(rows, columns)
    places = {node: data["pos"] for node, data in network.nodes(data=True)}
    spot = {tuple(np.round(p[:2], 6)): k for k, p in enumerate(graph.points)}
    assert same_edges(graph, network, {v: spot[tuple(np.round(p, 6))] for v, p in places.items()})
    assert graph.n - graph.m + len(graph.cells) == 1  # a disc
    a, b, c = graph.points[graph.triangles].swapaxes(0, 1)[..., :2]
    area = np.cross(np.c_[b - a, 0 * a[:, :1]], np.c_[c - a, 0 * a[:, :1]])[:, 2] / 2
    assert np.allclose(area, 3**0.5 / 4)  # all of one orientation


def test_triangular_of_the_papers():
    graph = triangular(75, 75)
    assert (graph.n, graph.m, graph.component_count) == (2926, 8550, 1)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_cubic_is_networkxs(a, b, c):
    nx = pytest.importorskip("networkx")
    graph = cubic(a, b, c)
    network = nx.grid_graph((c, b, a))
    assert same_edges(graph, network, {node: k for k, node in enumerate(sorted(network))})
    assert len(graph.cells) == (a - 1) * (b - 1) * (c - 1)
    if len(graph.cells) and min(a, b, c) > 1:
        lengths = np.diff(graph.points[graph.cells.edges()], axis=1)
        assert np.allclose(np.abs(lengths).sum(axis=2), 1)  # VTK's order of corners


def test_periodic_lattices_are_regular():
    nx = pytest.importorskip("networkx")
    torus = nx.grid_2d_graph(4, 5, periodic=True)
    assert same_edges(square(4, 5, periodic=True), torus, {v: k for k, v in enumerate(torus)})
    for graph, degree in (
        (square(3, 9, periodic=True), 4),
        (cubic(3, 4, 5, periodic=True), 6),
        (triangular(4, 5, periodic=True), 6),
        (triangular(8, 12, periodic=True), 6),
    ):
        assert (graph.degree == degree).all()
        assert graph.component_count == 1
        assert len(graph.cells) == 0


def test_periodic_triangles_are_a_torus():
    nx = pytest.importorskip("networkx")
    graph = triangular(6, 10, periodic=True)
    network = nx.Graph(map(tuple, graph.edges))
    assert set(nx.triangles(network).values()) == {6}


def test_tree_and_ring_are_networkxs():
    nx = pytest.importorskip("networkx")
    for branching, depth in ((2, 9), (3, 4), (1, 5), (4, 0)):
        network = nx.balanced_tree(branching, depth)
        assert same_edges(tree(branching, depth), network, range(len(network)))
    assert tree(2, 9).points is None
    network = nx.cycle_graph(17)
    graph = ring(17)
    assert same_edges(graph, network, range(17))
    assert np.allclose(np.linalg.norm(graph.points, axis=1), 1)


def test_a_million_nodes():
    assert square(1000, 1000).m == 2 * 1000 * 999


@pytest.mark.parametrize(
    "make",
    [
        lambda: square(0, 5),
        lambda: square(2, 2, periodic=True),
        lambda: cubic(1, -1, 1),
        lambda: triangular(5, 8, periodic=True),
        lambda: triangular(4, 4, periodic=True),
        lambda: ring(2),
        lambda: tree(0, 3),
        lambda: tree(2, 64),
        lambda: tree(3, 10**9),
        lambda: square(10**7, 10**7),
        lambda: stochastic_block(2, 10, p_in=1.5),
        lambda: stochastic_block(0, 10),
        lambda: stochastic_block(10, 10**6, p_in=0.5),
        lambda: erdos_renyi(10, 20),
        lambda: erdos_renyi(10**9),
        lambda: random_geometric(10, radius=0),
        lambda: random_geometric(10, dim=4),
        lambda: random_geometric(10**6, radius=1.0),
    ],
)
def test_sizes_that_cannot_be(make):
    with pytest.raises(InputError) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_random_graphs_repeat_by_seed():
    for make in (
        lambda seed: stochastic_block(4, 50, seed=seed),
        lambda seed: erdos_renyi(300, seed=seed),
        lambda seed: random_geometric(300, seed=seed),
    ):
        assert np.array_equal(make(3).edges, make(3).edges)
        assert not np.array_equal(make(3).edges, make(4).edges)


def test_stochastic_blocks_have_the_expected_edges():
    graph = stochastic_block(10, 250, p_in=0.1, p_out=0.001, seed=1)
    block = graph.edges // 250
    inside = int((block[:, 0] == block[:, 1]).sum())
    for found, pairs, chance in (
        (inside, 10 * 250 * 249 / 2, 0.1),
        (graph.m - inside, 45 * 250**2, 0.001),
    ):
        assert abs(found - pairs * chance) < 5 * np.sqrt(pairs * chance)
    full = stochastic_block(3, 4, p_in=1, p_out=0)
    assert (full.m, full.component_count) == (18, 3)
    assert stochastic_block(3, 4, p_in=0, p_out=1).m == 48


def test_erdos_renyi_has_the_mean_degree():
    graph = erdos_renyi(20_000, 6.0, seed=0)
    assert abs(graph.m - 60_000) < 5 * np.sqrt(60_000)
    # Degrees are binomial: the variance is the mean, nearly.
    assert abs(graph.degree.var() - 6) < 0.5
    assert erdos_renyi(10, 9).m == 45
    assert erdos_renyi(10, 0).m == 0
    assert erdos_renyi(1, 0).n == 1


def test_random_geometric_joins_what_is_near():
    graph = random_geometric(400, radius=0.1, seed=2)
    apart = np.linalg.norm(graph.points[:, None] - graph.points, axis=2)
    near = np.argwhere(np.triu(apart <= 0.1, 1))
    assert np.array_equal(graph.edges, near)
    for dim in (2, 3):
        assert 6 < random_geometric(5000, dim=dim, seed=0).degree.mean() < 8


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**55))
def test_numbering_of_pairs_is_exact(slot):
    i, j = (int(end[0]) for end in _triangle_pair(np.array([slot])))
    assert 0 <= i < j
    assert j * (j - 1) // 2 + i == slot


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 3000), st.floats(0, 1), st.integers(0, 9))
def test_choices_are_sorted_and_within(total, chance, seed):
    slots = _chosen(total, chance, np.random.default_rng(seed))
    assert (np.diff(slots) > 0).all()
    assert not len(slots) or (slots[0] >= 0 and slots[-1] < total)


def test_a_tiny_chance_chooses_nothing():
    assert len(_chosen(10**6, 1e-300, np.random.default_rng(0))) == 0


@pytest.mark.parametrize(
    "name",
    ["lattice:1x1", "lattice:1x6", "lattice:6x1", "lattice:4x7", "lattice:3x5:periodic",
     "lattice:2x3x4", "lattice:1x4x3", "lattice:3x4x5:periodic"],
)  # fmt: skip
def test_boxes_have_the_edges_of_near_points_in_order(name):
    """Joined are points one apart along an axis, round the end where periodic."""
    graph = graph_from(name)
    shape = [int(size) for size in name.split(":")[1].split("x")]
    places = np.indices(shape).reshape(len(shape), -1).T
    steps = np.abs(places[:, None] - places[None])
    if name.endswith("periodic"):
        steps = np.minimum(steps, np.array(shape) - steps)
    pairs = np.argwhere(np.triu(steps.sum(axis=2) == 1))
    twin = Graph.from_edges(graph.n, np.random.default_rng(0).permutation(pairs)[:, ::-1])
    np.testing.assert_array_equal(graph.edges, twin.edges)
    np.testing.assert_array_equal(graph.weights, twin.weights)
    if len(graph.cells):
        shared = Graph.from_edges(graph.n, graph.cells.edges())
        np.testing.assert_array_equal(graph.edges, shared.edges)
