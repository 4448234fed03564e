"""Graphs and cells: order, counts known in closed form, and what cannot be one."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.csgraph import connected_components

import meshrep
from meshrep.base import limits
from meshrep.base.arrays import frozen, read_only
from meshrep.graphs.cells import (
    EDGES_OF_KIND,
    KIND_NAMES,
    POLYGON,
    POLYLINE,
    QUAD,
    SOLID_KINDS,
    TETRAHEDRON,
    TRIANGLE,
    TRIANGLES_OF_KIND,
    VERTEX,
    VOXEL,
    Cells,
    LazyCells,
)
from meshrep.graphs.graph import Graph
from meshrep.graphs.origin import Origin

CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
MIDS = (CORNERS + np.roll(CORNERS, -1, 0)) / 2
SHAPES = {  # corners and mid nodes of the reference cell, in VTK's order
    TRIANGLE: CORNERS[[0, 1, 3]],
    8: CORNERS[[0, 1, 3, 2]],
    QUAD: CORNERS,
    22: np.array([[0, 0], [1, 0], [0, 1], [0.5, 0], [0.5, 0.5], [0, 0.5]]),
    23: np.concatenate([CORNERS, MIDS]),
    28: np.concatenate([CORNERS, MIDS, [[0.5, 0.5]]]),
}
COUNTS = {  # nodes and edges, the halves of quadratic edges counted apart
    VERTEX: (1, 0), 3: (2, 1), TRIANGLE: (3, 3), 8: (4, 4), QUAD: (4, 4), TETRAHEDRON: (4, 6),
    11: (8, 12), 12: (8, 12), 13: (6, 9), 14: (5, 8), 21: (3, 2), 22: (6, 6), 23: (8, 8),
    24: (10, 12), 25: (20, 24), 26: (15, 18), 27: (13, 16), 28: (9, 12),
}  # fmt: skip


def one_cell(kind, size):
    return Cells.of_kind(kind, np.arange(size)[None])


@pytest.mark.parametrize("kind", EDGES_OF_KIND)
def test_every_kind_has_its_edges_and_is_in_one_piece(kind):
    nodes, edges = COUNTS[kind]
    cells = one_cell(kind, nodes)
    graph = Graph.from_edges(nodes, cells.edges())
    assert graph.m == edges == len(cells.edges())
    assert graph.component_count == 1
    assert kind in KIND_NAMES and cells.has_solids == (kind in SOLID_KINDS)


@pytest.mark.parametrize(("kind", "bits"), [(11, [0, 1, 2, 3, 4, 5, 6, 7]),
                                            (12, [0, 1, 3, 2, 4, 5, 7, 6])])  # fmt: skip
def test_edges_of_a_cube_turn_one_bit(kind, bits):
    pairs = np.array(bits)[one_cell(kind, 8).edges()]
    assert set(np.bitwise_xor(*pairs.T)) == {1, 2, 4}
    assert len({tuple(sorted(pair)) for pair in pairs.tolist()}) == 12


@pytest.mark.parametrize("kind", TRIANGLES_OF_KIND)
def test_triangles_cover_the_face_and_turn_one_way(kind):
    points = SHAPES[kind]
    a, b, c = (points[column] for column in one_cell(kind, len(points)).triangles().T)
    areas = 0.5 * ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx(0.5 if kind in (TRIANGLE, 22) else 1.0)


def test_polygons_and_polylines():
    assert len(one_cell(POLYGON, 6).edges()) == 6 and len(one_cell(POLYLINE, 6).edges()) == 5
    assert one_cell(POLYGON, 6).triangles().tolist() == [[0, k, k + 1] for k in range(1, 5)]
    assert len(one_cell(POLYLINE, 6).triangles()) == 0


def test_cells_join_select_and_renumber():
    mixed = Cells.join([one_cell(TRIANGLE, 3), Cells.none(), one_cell(QUAD, 4), one_cell(3, 2)])
    assert len(mixed) == 3 and mixed.offsets.tolist() == [0, 3, 7, 9]
    assert mixed.subset(np.array([False, True, True])).kinds.tolist() == [QUAD, 3]
    assert mixed.subset([1, 0]).connectivity.tolist() == [0, 1, 2, 3, 0, 1, 2]
    assert mixed.renumbered(np.arange(4)[::-1]).connectivity[:3].tolist() == [3, 2, 1]
    assert {kind: table.shape for kind, _, table in mixed.tables()} == {
        TRIANGLE: (1, 3), QUAD: (1, 4), 3: (1, 2),
    }  # fmt: skip
    assert len(Cells.join([])) == len(Cells.none().edges()) == 0
    with pytest.raises(ValueError, match="read-only"):
        mixed.kinds[0] = 1


def test_an_unknown_kind_is_named():
    with pytest.raises(meshrep.InputError, match="VTK kind 42"):
        one_cell(42, 3).edges()


def test_counts_of_the_triangular_lattice_of_the_papers():
    """P2, Fig. 20: 2926 nodes, 8550 edges."""
    graph = meshrep.graph_from("triangular:75x75")
    assert (graph.n, graph.m, graph.component_count) == (2926, 8550, 1)


def test_from_cells_shares_edges_between_faces():
    quads = np.array([[0, 1, 4, 3], [1, 2, 5, 4]])
    points = np.array([(x, y, 0) for y in range(2) for x in range(3)], float)
    graph = Graph.from_cells(points, Cells.of_kind(QUAD, quads))
    assert (graph.n, graph.m) == (6, 7) and (graph.weights == 1).all()
    assert graph.degree.tolist() == [2, 3, 2, 2, 3, 2]
    assert len(graph.triangles) == 4


def test_edges_come_into_order_whatever_their_order():
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, 30, (200, 2))
    weights = rng.random(200)
    graph = Graph.from_edges(30, pairs, weights)
    i, j = graph.edges.T
    assert (i < j).all() and (np.diff(i * 30 + j) > 0).all()
    shuffled = rng.permutation(200)
    again = Graph.from_edges(30, pairs[shuffled][:, ::-1], weights[shuffled])
    np.testing.assert_array_equal(graph.edges, again.edges)
    np.testing.assert_allclose(graph.weights, again.weights, rtol=1e-14)
    dense = np.zeros((30, 30))
    np.add.at(dense, tuple(pairs.T), weights)
    dense += dense.T
    np.fill_diagonal(dense, 0)
    np.testing.assert_allclose(graph.adjacency.toarray(), dense, atol=1e-14)
    np.testing.assert_allclose(graph.degree, dense.sum(1))


def test_components_points_and_labels():
    graph = Graph.from_edges(5, [[0, 1], [2, 3]], points=np.ones((5, 2)), labels=tuple("abcde"))
    assert graph.component_count == 3 and graph.component_of[0] == graph.component_of[1]
    assert graph.points.shape == (5, 3) and (graph.points[:, 2] == 0).all()
    assert graph.repairs == () and "n=5" in repr(graph)
    other = graph.with_weights([2.0, 3.0])
    assert other.labels == graph.labels and other.adjacency[2, 3] == 3 and graph.weights[0] == 1
    with pytest.raises(meshrep.InputError, match="labels"):
        Graph.from_edges(2, [[0, 1]], labels=("a",))


def test_a_graph_without_edges_is_one():
    graph = Graph.from_edges(3, [])
    assert (graph.m, graph.component_count) == (0, 3)
    assert graph.adjacency.shape == (3, 3) and graph.degree.tolist() == [0, 0, 0]


def test_a_graph_keeps_its_own_arrays():
    pairs, weights = np.array([[0, 1]]), np.array([1.0])
    graph = Graph(2, pairs, weights)
    pairs[0, 1] = weights[0] = 9
    assert graph.edges.tolist() == [[0, 1]] and graph.weights.tolist() == [1.0]


def test_an_origin_spreads_values_over_the_input():
    origin = Origin("file", np.zeros((4, 3)), Cells.none(), np.array([1, -1, 0, 1]), ("dropped",))
    spread = origin.spread(np.array([10.0, 20.0]))
    np.testing.assert_array_equal(spread, [20, np.nan, 10, 20])
    assert origin.spread(np.ones((2, 3))).shape == (4, 3)
    assert Graph.from_edges(2, [[0, 1]], origin=origin).repairs == ("dropped",)


def plain_adjacency(graph):
    """The matrix by SciPy, from both directions of every edge."""
    both = np.concatenate([graph.edges, graph.edges[:, ::-1]])
    weights = np.concatenate([graph.weights, graph.weights])
    matrix = sparse.csr_array((weights, tuple(both.T)), shape=(graph.n, graph.n))
    matrix.sort_indices()
    return matrix


@pytest.mark.parametrize("seed", range(8))
def test_rows_come_straight_from_the_edges_as_scipy_makes_them(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    pairs = rng.integers(0, n, (int(rng.integers(0, 150)), 2))
    weights = rng.integers(-2, 3, len(pairs)).astype(float)  # some vanish, and stay in the rows
    graph = Graph.from_edges(n, pairs, weights)
    found, wanted = graph.adjacency, plain_adjacency(graph)
    assert found.indices.dtype == found.indptr.dtype == np.int32
    for part in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(found, part), getattr(wanted, part))
    assert found.has_canonical_format and found.nnz == 2 * graph.m
    np.testing.assert_array_equal(
        graph.component_of, connected_components(wanted, directed=False)[1]
    )


@pytest.mark.parametrize("n", [46_342, 2**31 - 1])
def test_keys_of_pairs_do_not_overflow(n):
    """46,341² is the last square below 2^31; pairs of the largest graph need 62 bits."""
    pairs = np.array([[n - 1, n - 2], [0, n - 1], [n - 2, n - 1], [1, 0], [n - 1, n - 1]])
    wanted = [[0, 1], [0, n - 1], [n - 2, n - 1]]
    for kind in (np.int64, np.uint32):
        assert Graph.from_edges(n, pairs.astype(kind)).edges.tolist() == wanted
    graph = Graph.from_edges(n, pairs.astype(np.int64), [1.0, 2.0, 4.0, 8.0, 16.0])
    assert graph.edges.tolist() == wanted and graph.weights.tolist() == [8.0, 2.0, 5.0]


def test_more_nodes_than_32_bits_are_refused():
    for make in (lambda n: Graph.from_edges(n, []), lambda n: Graph(n, [], [])):
        assert make(limits.NODES_UP_TO).n == limits.NODES_UP_TO
        with pytest.raises(meshrep.InputError, match="2,147,483,647 nodes at most"):
            make(limits.NODES_UP_TO + 1)


@pytest.mark.parametrize("edges", [[[1, 2], [0, 1]], [[0, 2], [0, 1]], [[0, 1], [0, 1]]])
def test_edges_out_of_order_are_refused(edges):
    with pytest.raises(meshrep.InputError, match="in order"):
        Graph(3, np.array(edges), np.ones(2))


def test_weights_and_pairs_of_different_lengths_are_refused():
    with pytest.raises(meshrep.InputError, match="2 pairs"):
        Graph.from_edges(3, [[0, 1], [1, 1]], [1.0])


def test_only_arrays_that_cannot_change_are_shared():
    mine = np.arange(4.0)
    assert frozen(mine, np.float64) is not mine and mine.flags.writeable
    view = mine[:2]
    view.setflags(write=False)
    taken = frozen(view, np.float64)
    mine[:] = 9
    assert taken.tolist() == [0, 1] and not taken.flags.writeable
    settled = read_only(np.arange(3))
    assert frozen(settled, np.int64) is settled
    assert frozen(settled, np.float64).dtype == np.float64
    turned = read_only(np.zeros((3, 2), order="F"))
    assert frozen(turned, np.float64).flags.c_contiguous
    graph = Graph.from_edges(3, [[0, 1], [1, 2]], points=np.zeros((3, 3)))
    other = graph.with_weights(np.array([2.0, 3.0]))
    assert other.edges is graph.edges and other.points is graph.points
    for array in (graph.edges, graph.weights, graph.points, other.weights):
        assert not array.flags.writeable


def test_cells_in_waiting_are_made_once():
    calls = []
    waiting = LazyCells(lambda: calls.append(1) or one_cell(QUAD, 4))
    graph = Graph.from_edges(4, [[0, 1]], cells=waiting)
    assert graph.m == 1 and not calls
    assert len(graph.cells) == 1 and graph.triangles.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert graph.cells.edges().tolist() == one_cell(QUAD, 4).edges().tolist() and len(calls) == 1


def test_a_lattice_takes_no_more_memory_than_its_arrays():
    """Edges 32, weights 16, points 24 bytes a node, rows 52 more; twice that on the way."""
    n = 300 * 300
    tracemalloc.start()
    try:
        graph = meshrep.graph_from("lattice:300x300")
        held, peak = tracemalloc.get_traced_memory()
        assert held < 80 * n and peak < 140 * n
        _ = graph.adjacency
        held, peak = tracemalloc.get_traced_memory()
        assert held < 132 * n and peak < 240 * n
    finally:
        tracemalloc.stop()


PEAK = """
import meshrep, numpy as np
def resident(key):
    with open("/proc/self/status") as told:
        return next(int(line.split()[1]) * 1024 for line in told if line.startswith(key))
def solved(size):
    graph = meshrep.graph_from(f"lattice:{size}x{size}")
    heat = meshrep.HeatBath(graph, hot=np.arange(size), cold=np.arange(size) + graph.n - size)
    return meshrep.solve(heat, "nesterov", max_steps=4)
solved(150)  # kernels and libraries
before = resident("VmRSS")
solved(700)
print((resident("VmHWM") - before) / 700**2)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_first_order_run_stays_below_500_bytes_a_node():
    """From the lattice to the judged field, the peak of a process of its own."""
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert 100 < float(done.stdout) < 500


@pytest.mark.parametrize(
    ("nodes", "offsets", "kinds", "told"),
    [
        ([0, 1, 2, 3], [0, 4], [VOXEL], "a voxel has 8 nodes, and one lists 4"),
        ([0, 1, 2, 3], [0, 4], [TRIANGLE], "a triangle has 3 nodes, and one lists 4"),
        ([0, 1, 2], [0, 5], [TRIANGLE], "need 5 node numbers and 3 are given"),
        ([0, 1, 2], [0, 3, 3, 3], [TRIANGLE], "one more"),
        ([0, 1, 2], [0, 3, 1, 3], [TRIANGLE] * 3, "never fall"),
        ([0, 1, 2.5], [0, 3], [TRIANGLE], "whole numbers"),
        ([0, 1, float("nan")], [0, 3], [TRIANGLE], "whole numbers"),
        ([0, 1, 2], [0, 3], [261], "from 0 to 255"),
        ([0, 1, 9], [0, 3], [TRIANGLE], "outside 0 … 3"),
    ],
)
def test_cells_that_do_not_fit(nodes, offsets, kinds, told):
    with pytest.raises(meshrep.InputError, match=told):
        Graph.from_cells(np.eye(4)[:, :3], Cells(nodes, offsets, kinds))
