"""Order, windings, vortices, clusters and frequencies against what can be counted by hand."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import meshrep
from meshrep.energies.phases.measures import (
    clusters,
    frequency_spread,
    local_order,
    order_parameter,
    steady_frequencies,
)
from meshrep.energies.phases.vortices import charges, vortices, winding, windings
from meshrep.errors import InputError
from meshrep.graphs.cells import KIND_NAMES, POLYGON, QUAD, SOLID_KINDS, TRIANGLE, VERTEX, Cells
from meshrep.graphs.graph import Graph
from meshrep.graphs.plaquettes import plaquettes

seeds = st.integers(0, 2**32 - 1)


def vortex(graph, x, y):
    return np.arctan2(graph.points[:, 1] - y, graph.points[:, 0] - x)


def slow_winding(ring, phi):
    """The definition, one corner after the other."""
    turn = 0.0
    for a, b in pairwise([*ring, ring[0]]):
        turn += (phi[b] - phi[a] + np.pi) % (2 * np.pi) - np.pi
    return round(turn / (2 * np.pi))


def shuffled(graph, rng):
    """The same mesh, a random half of its faces with their corners the other way round."""
    cells = graph.cells.turned(rng.random(len(graph.cells)) < 0.5)
    return Graph.from_cells(graph.points, cells, name=graph.name)


# Order


def test_order_parameter_of_known_states():
    assert order_parameter(np.full(7, 1.3)) == pytest.approx(1)
    ring = 2 * np.pi * np.arange(24) / 24
    assert order_parameter(ring) == pytest.approx(0, abs=1e-15)
    both = order_parameter(np.stack([ring, 0 * ring]))
    assert both == pytest.approx([0, 1])
    rng = np.random.default_rng(0)
    squares = order_parameter(rng.uniform(0, 2 * np.pi, (4000, 100))) ** 2
    assert squares.mean() == pytest.approx(1 / 100, rel=0.1)


def test_local_order_counts_neighbours_and_self():
    graph = Graph.from_edges(5, [[0, 1], [1, 2], [2, 3]], np.array([1.0, -3.0, 0.0]))
    found = local_order(graph, np.array([0, 0, np.pi, np.pi, 9]))
    assert found == pytest.approx([1, 1 / 3, 1 / 3, 1, 1])
    ring = meshrep.graph_from("ring:12")
    twisted = local_order(ring, 2 * np.pi * np.arange(12) / 12)
    assert twisted == pytest.approx((1 + 2 * np.cos(np.pi / 6)) / 3)


# Windings


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_windings_are_the_definition(seed):
    rng = np.random.default_rng(seed)
    phi = rng.uniform(-20, 20, 30)
    rings = [rng.permutation(30)[: rng.integers(3, 9)] for _ in range(40)]
    cells = Cells.join([Cells.of_kind(POLYGON, ring[None]) for ring in rings])
    found = windings(cells, phi)
    assert found.tolist() == [slow_winding(ring, phi) for ring in rings]
    assert np.array_equal(windings(cells.turned(np.ones(40, bool)), phi), -found)


def test_windings_of_every_kind_of_face():
    phi = np.append([0, 2.0, 3.3, 5.1], [9.0] * 5)  # once round; 9 is no corner's
    parts = [
        Cells.of_kind(VERTEX, [[0]]),
        Cells.of_kind(QUAD, [[0, 1, 2, 3]]),
        Cells.of_kind(8, [[0, 1, 3, 2]]),
        Cells.of_kind(TRIANGLE, [[0, 2, 1]]),
        Cells.of_kind(3, [[0, 1]]),
        Cells.of_kind(23, [[3, 2, 1, 0, 4, 5, 6, 7]]),
        Cells.of_kind(28, [[0, 1, 2, 3, 4, 5, 6, 7, 8]]),
        Cells.of_kind(22, [[0, 1, 3, 4, 5, 6]]),
        Cells.of_kind(POLYGON, [[3, 2, 1, 0]]),
    ]
    assert windings(Cells.join(parts), phi).tolist() == [0, 1, 1, -1, 0, -1, 1, 1, -1]
    assert not windings(Cells.join(parts[:1]), phi).any()
    assert not len(windings(Cells.none(), phi))


def test_a_face_without_all_its_phases_does_not_wind():
    graph = meshrep.graph_from("lattice:6x6")
    phi = vortex(graph, 2.5, 2.5)
    assert np.abs(windings(graph.cells, phi)).sum() == 1
    for missing in (np.nan, np.inf):
        phi[graph.cells.subset([12]).connectivity[1]] = missing
        assert not windings(graph.cells, phi).any()
        assert vortices(graph, phi).count == 0
    dropped = Cells.of_kind(QUAD, [[-1, 0, 1, 2]])
    assert windings(dropped, np.array([0, 2.0, 4.0])).tolist() == [0]
    assert charges(dropped, np.array([0, 2.0, 4.0])).tolist() == [0]


def test_half_turns_wind_oppositely_when_a_face_is_turned_over():
    rng = np.random.default_rng(0)
    graph = meshrep.graph_from("lattice:30x30")
    phi = np.pi * rng.integers(-3, 4, graph.n)
    over = graph.cells.turned(np.ones(len(graph.cells), bool))
    assert np.array_equal(windings(over, phi), -windings(graph.cells, phi))


@pytest.mark.parametrize("kind", sorted(SOLID_KINDS))
def test_sides_of_a_solid_close(kind):
    size = {10: 4, 11: 8, 12: 8, 13: 6, 14: 5, 24: 10, 25: 20, 26: 15, 27: 13}[kind]
    cell = Cells.of_kind(kind, np.arange(size)[None])
    _, sides = cell.sides()
    corners = {4: 4, 6: 5, 8: 6, 5: 5}[len(np.unique(sides.connectivity))]
    assert len(sides) == corners, KIND_NAMES[kind]
    tail, head = sides.connectivity, sides.connectivity[sides.following()]
    once = set(zip(tail.tolist(), head.tolist(), strict=True))
    assert len(once) == len(tail)
    assert once == {(b, a) for a, b in once}
    if kind < 20:
        edges = set(map(tuple, np.sort(cell.edges(), axis=1).tolist()))
        assert edges == {(min(a, b), max(a, b)) for a, b in once}


# Vortices


@pytest.mark.parametrize("spec", ["lattice:12x12", "triangular:12x12"])
def test_one_vortex_one_antivortex_and_a_pair(spec):
    graph = meshrep.graph_from(spec)
    where = graph.points[plaquettes(graph).subset([60]).connectivity].mean(axis=0)
    x, y = where[0] + 0.01, where[1] + 0.02
    for sign in (1, -1):
        found = vortices(graph, sign * vortex(graph, x, y))
        assert (found.count, found.total) == (1, sign)
        assert found.charge[60] == sign
        assert found.signs.tolist() == [sign]
        assert found.points[0] == pytest.approx(where)
        assert np.array_equal(windings(graph.cells, sign * vortex(graph, x, y)), found.charge)
    pair = vortices(graph, vortex(graph, 2.6, 2.7) - vortex(graph, 4.6, 6.7))
    assert (pair.count, pair.total) == (2, 0)
    assert sorted(pair.signs) == [-1, 1]


@settings(max_examples=10, deadline=None)
@given(seeds, st.floats(-50, 50), st.sampled_from(["lattice:9x7", "lattice:8x8:periodic"]))
def test_charges_do_not_see_shifts_and_whole_turns(seed, shift, spec):
    rng = np.random.default_rng(seed)
    graph = meshrep.graph_from(spec)
    phi = rng.uniform(0, 2 * np.pi, graph.n)
    charge = vortices(graph, phi).charge
    turned = phi + shift + 2 * np.pi * rng.integers(-3, 4, graph.n)
    assert np.array_equal(vortices(graph, turned).charge, charge)
    assert np.array_equal(vortices(graph, -phi).charge, -charge)


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_charges_on_a_sphere_cancel_whatever_the_order_of_corners(sphere, seed):
    rng = np.random.default_rng(seed)
    graph = sphere(2)
    mixed = shuffled(graph, rng)
    for phi in (rng.uniform(0, 2 * np.pi, graph.n), np.pi * rng.integers(0, 2, graph.n)):
        found, again = vortices(graph, phi), vortices(mixed, phi)
        assert found.total == again.total == charges(mixed.cells, phi).sum() == 0
        assert abs(found.charge @ again.charge) == found.count == again.count
    assert vortices(graph, rng.uniform(0, 2 * np.pi, graph.n)).count > 0
    assert (graph.cells.orientation == 1).all()


def test_charges_on_the_bunny_cancel():
    rng = np.random.default_rng(0)
    bunny = meshrep.graph_from("assets/bunny.ply")
    phi = rng.uniform(0, 2 * np.pi, bunny.n)
    for graph in (bunny, shuffled(bunny, rng)):
        found = vortices(graph, phi)
        assert found.total == 0
        assert found.count > 100
        centres = graph.points[graph.triangles].mean(axis=1)
        assert np.abs(found.points[0] - centres).sum(axis=1).min() < 1e-12


@pytest.mark.parametrize("spec", ["lattice:8x8:periodic", "triangular:8x9:periodic"])
def test_a_torus_has_no_charge_and_its_vortices_stand_where_they_are(spec):
    graph = meshrep.graph_from(spec)
    phi = np.random.default_rng(1).uniform(0, 2 * np.pi, graph.n)
    found = vortices(graph, phi)
    assert found.total == 0
    assert found.count > 5
    centres = graph.points[plaquettes(graph).connectivity].reshape(len(found.charge), -1, 3)
    inside = np.ptp(centres, axis=1).max(axis=1) < 1.5
    assert inside[found.charge != 0].any()
    stood = centres.mean(axis=1)[found.charge != 0]
    assert found.points[inside[found.charge != 0]] == pytest.approx(
        stood[inside[found.charge != 0]]
    )
    away = found.points[:, None] - graph.points
    assert np.linalg.norm(away, axis=2).min(axis=1).max() < 1.6  # also beyond the rim
    lone = vortices(graph, vortex(graph, 2.6, 2.7))
    assert lone.signs[np.abs(lone.points - [2.6, 2.7, 0]).max(axis=1).argmin()] == 1


@pytest.mark.parametrize("periodic", ["", ":periodic"])
def test_a_vortex_line_pierces_every_layer_once(periodic):
    graph = meshrep.graph_from(f"lattice:6x6x5{periodic}")
    phi = vortex(graph, 2.4, 2.6)
    found = vortices(graph, phi)
    here = (np.abs(found.points[:, :2] - 2.5) < 0.1).all(axis=1)
    assert found.points[here, 2].tolist() == [0, 1, 2, 3, 4]
    assert (found.signs[here] == 1).all()
    if not periodic:
        assert here.all()
        through = windings(graph.cells, phi)
        assert through.sum() == 4  # as many cells in a column
        middle = graph.points[graph.cells.connectivity].reshape(-1, 8, 3).mean(axis=1)
        assert (middle[through > 0][:, :2] == 2.5).all()
        phi[graph.cells.connectivity[8 * np.flatnonzero(through)[1]]] = np.inf
        assert windings(graph.cells, phi).sum() == 2  # neither of the two cells on that node
    else:
        for layer in range(5):  # the charges of a torus cancel
            assert found.signs[found.points[:, 2] == layer].sum() == 0


# Clusters and frequencies


def test_clusters_are_ordered_by_size():
    path = Graph.from_edges(7, np.stack([np.arange(6), np.arange(1, 7)], axis=1))
    values = np.array([0.0, 6.2, 3.0, 3.1, 3.2, np.nan, 3.2])
    assert clusters(path, values, 0.2).tolist() == [1, 1, 0, 0, 0, 2, 3]
    assert clusters(path, values, 0.2, cyclic=False).tolist() == [1, 2, 0, 0, 0, 3, 4]
    assert clusters(path, np.full(7, 1.0), 1e-9).tolist() == [0] * 7
    assert clusters(path, np.arange(7.0), 1.0, cyclic=False).tolist() == list(range(7))


def test_frequencies():
    times = np.array([0.0, 1.0, 2.0, 4.0])
    omega = np.array([1.0, -2.0, 0.5])
    fields = times[:, None] * omega
    fields[0] += 7  # a transient
    assert steady_frequencies(times, fields) == pytest.approx(omega)
    assert steady_frequencies(times[1:3], fields[1:3]) == pytest.approx(omega)
    assert frequency_spread(omega) == pytest.approx(3)


# Refusals


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (lambda graph: order_parameter(np.zeros((2, 2, 2))), "phases"),
        (lambda graph: order_parameter([]), "phases"),
        (lambda graph: order_parameter(["x"]), "phases"),
        (lambda graph: local_order(graph, np.zeros(3)), "144 real numbers"),
        (lambda graph: vortices(graph, np.zeros((144, 2))), "144 real numbers"),
        (lambda graph: vortices(graph, np.zeros(144, complex)), "144 real numbers"),
        (lambda graph: windings(graph.cells, np.zeros(143)), "names node 143"),
        (lambda graph: windings(graph.cells, np.zeros((1, 144))), "one real number a node"),
        (lambda graph: clusters(graph, np.zeros(1), 1), "144 real numbers"),
        (lambda graph: clusters(graph, np.zeros(144), 0), "positive"),
        (lambda graph: clusters(graph, np.zeros(144), np.nan), "positive"),
        (
            lambda graph: clusters(graph, np.zeros(144), 1, np.ones(264), cyclic=False),
            "phases only",
        ),
        (lambda graph: clusters(graph, np.zeros(144), 1, np.ones(3)), "264 real couplings"),
        (lambda graph: vortices(graph, np.zeros(144), np.ones(264, complex)), "264 real couplings"),
        (lambda graph: local_order(graph, np.zeros(144), -1.0), "264 real couplings"),
        (lambda graph: charges(graph.cells, np.zeros(144), coupling=np.ones(264)), "the graph"),
        (lambda graph: winding(graph, np.zeros(144)), "not one cycle"),
        (lambda graph: frequency_spread([]), "at least one"),
        (lambda graph: steady_frequencies([0.0], np.zeros((1, 3))), "two times"),
        (lambda graph: steady_frequencies([0.0, 0.0], np.zeros((2, 3))), "two times"),
        (lambda graph: steady_frequencies([0.0, 1.0], np.zeros(2)), "one row of phases"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(lattice, measure, message):
    with pytest.raises(InputError, match=message) as caught:
        measure(lattice)
    assert "\n" not in str(caught.value)


def test_many_fields_on_one_graph_are_quick():
    graph = meshrep.graph_from("lattice:50x50")
    phi = np.random.default_rng(0).uniform(0, 2 * np.pi, graph.n)
    coupling = np.random.default_rng(1).standard_normal(graph.m)
    vortices(graph, phi, coupling)
    took = []
    for _ in range(20):
        start = time.perf_counter()
        vortices(graph, phi, coupling)
        took.append(time.perf_counter() - start)
    assert min(took) < 1e-3
