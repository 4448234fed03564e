"""Which polygons vortices are counted on, the edges along them, and graphs that are one cycle."""

import gc
import weakref
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import meshrep
from meshrep.energies.phases.vortices import vortices
from meshrep.graphs.cells import QUAD, Cells
from meshrep.graphs.graph import Graph
from meshrep.graphs.plaquettes import (
    centres,
    edges_along,
    edges_along_plaquettes,
    plaquettes,
    shortest_cycles,
    whole_cycle,
)


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ("lattice:8x8:periodic", 64),
        ("lattice:4x4:periodic", 16),
        ("lattice:3x5:periodic", 15),
        ("lattice:3x3:periodic", 9),
        ("triangular:8x9:periodic", 80),
        ("triangular:4x5:periodic", 24),
        ("lattice:4x5x6:periodic", 360),
        ("lattice:4x4x4", 3 * 9 * 4),
        ("ring:3", 0),
        ("ring:4", 0),
        ("ring:9", 0),
        ("tree:2^4", 0),
        ("er:200:degree=4", 0),
        ("rgg:200", 0),
    ],
)
def test_plaquettes_are_counted(spec, count):
    graph = meshrep.graph_from(spec)
    found = plaquettes(graph)
    assert len(found) == len(found.distinct()) == count
    edges = set(map(tuple, np.sort(found.edges(), axis=1).tolist()))
    assert edges <= set(map(tuple, graph.edges.tolist()))
    assert plaquettes(graph) is found


def test_what_is_no_periodic_lattice_has_none():
    """Equal lengths without a way round, and a lattice's nodes with an edge too many."""
    cube = meshrep.graph_from("lattice:2x2x2")
    wires = Graph.from_edges(8, cube.edges, points=cube.points)
    assert not len(plaquettes(wires))
    assert len(shortest_cycles(wires)) == 6
    lattice = meshrep.graph_from("lattice:5x5:periodic")
    assert not len(plaquettes(Graph.from_edges(25, lattice.edges)))  # nowhere in space
    more = np.concatenate([lattice.edges, [[0, 7]]])
    assert not len(plaquettes(Graph.from_edges(25, more, points=lattice.points)))
    assert not len(plaquettes(Graph.from_edges(1, np.zeros((0, 2)), points=[[0, 0, 0]])))


def test_few_faces_are_turned_and_each_patch_alone():
    quads = meshrep.graph_from("lattice:9x9").cells
    few = np.zeros(128, dtype=bool)
    few[[3, 70, 71]] = True
    two = Cells.join([quads, quads.renumbered(np.arange(81) + 81)]).turned(few)
    assert np.array_equal(two.orientation < 0, few)
    strip = [[k, k + 1, k + 7, k + 6] for k in range(5)] + [[5, 6, 0, 11]]  # half a twist
    assert (Cells.of_kind(QUAD, strip).orientation == 1).all()
    assert not len(Cells.none().orientation)


def test_cycles_of_four_have_no_chord_and_are_found_once():
    nx = pytest.importorskip("networkx")
    for seed in range(4):
        network = nx.gnm_random_graph(14, 24, seed=seed)
        graph = Graph.from_edges(14, np.array(network.edges))
        rings = {frozenset(ring) for ring in nx.chordless_cycles(network, 4)}
        least = min(map(len, rings), default=0)
        cycles = shortest_cycles(graph)
        found = [frozenset(cycles.subset([k]).connectivity.tolist()) for k in range(len(cycles))]
        assert len(found) == len(set(found))
        assert set(found) == {ring for ring in rings if len(ring) == least}
        assert vortices(graph, np.zeros(14)).points.shape == (0, 3)
    squares = Graph.from_edges(14, np.array(nx.complete_bipartite_graph(3, 4).edges))
    assert len(shortest_cycles(squares)) == 3 * 6


def test_a_search_that_is_too_big_finds_none():
    spokes = np.stack([np.zeros(9000, int), np.arange(1, 9001)], axis=1)
    star = Graph.from_edges(9001, np.concatenate([spokes, [[1, 2]]]))
    assert len(shortest_cycles(star)) == 0


@pytest.mark.parametrize("spec", ["lattice:6x5", "triangular:8x9:periodic", "lattice:3x4x5"])
def test_sides_know_their_edges(spec):
    graph = meshrep.graph_from(spec)
    polygons = plaquettes(graph)
    edge, way = edges_along_plaquettes(graph)
    number = {pair: k for k, pair in enumerate(map(tuple, graph.edges.tolist()))}
    k = 0
    for ring in np.split(polygons.connectivity, polygons.offsets[1:-1]):
        for a, b in pairwise([*ring, ring[0]]):
            assert edge[k] == number[min(a, b), max(a, b)]
            assert way[k] == (1 if a < b else -1)
            k += 1
    assert k == len(edge)
    assert edges_along_plaquettes(graph)[0] is edge
    back = edges_along(graph, polygons.turned(np.ones(len(polygons), bool)))
    assert np.array_equal(np.bincount(back[0], back[1]), -np.bincount(edge, way))


def test_sides_that_are_no_edges_are_told():
    graph = meshrep.graph_from("lattice:3x3")
    edge, way = edges_along(graph, Cells.of_kind(QUAD, [[0, 1, 5, 4], [3, -1, 1, 1]]))
    assert way.tolist() == [1, 0, -1, 0, 0, 0, 0, 0]
    assert graph.edges[edge[0]].tolist() == [0, 1] and graph.edges[edge[2]].tolist() == [4, 5]
    bare = Graph.from_edges(4, np.zeros((0, 2)))
    assert edges_along(bare, Cells.of_kind(QUAD, [[0, 1, 2, 3]]))[1].tolist() == [0] * 4


def test_centres_are_means_of_corners(lattice):
    assert centres(lattice, np.array([12, 0])) == pytest.approx(
        np.array([[1.5, 1.5, 0], [0.5, 0.5, 0]])
    )
    assert centres(Graph.from_edges(3, [[0, 1]]), np.zeros(0, int)).shape == (0, 3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 12))
def test_a_cycle_is_followed_from_node_0_to_its_lower_neighbour(seed, n):
    nodes = np.random.default_rng(seed).permutation(n)
    graph = Graph.from_edges(n, np.stack([nodes, np.roll(nodes, 1)], axis=1))
    found = whole_cycle(graph).connectivity
    ways = [np.roll(ring, -ring.tolist().index(0)) for ring in (nodes, nodes[::-1])]
    assert found.tolist() == min(ring.tolist() for ring in ways)
    assert whole_cycle(graph) is whole_cycle(graph)


def test_what_is_no_single_cycle_has_none():
    for spec in ("tree:2^3", "lattice:3x3", "er:40:degree=3"):
        assert whole_cycle(meshrep.graph_from(spec)) is None
    two = [[0, 1], [1, 2], [2, 0], [3, 4], [4, 5], [5, 3]]
    assert whole_cycle(Graph.from_edges(6, two)) is None
    assert whole_cycle(Graph.from_edges(1, np.zeros((0, 2)))) is None


def test_what_is_kept_goes_with_its_graph():
    graph = meshrep.graph_from("lattice:5x5:periodic")
    plaquettes(graph), edges_along_plaquettes(graph), whole_cycle(graph)
    gone = weakref.ref(graph)
    del graph
    gc.collect()
    assert gone() is None
