"""Renumbering: what an order does to a graph, when it is taken, and that solve() hides it."""

import numpy as np
import pytest
from problems_of_tests import solvers

import meshrep
from meshrep.base import limits
from meshrep.energies.phases.hopf_kuramoto import HopfKuramoto
from meshrep.energies.phases.kuramoto import Kuramoto, XYGlass
from meshrep.graphs import ordering
from meshrep.graphs.graph import Graph
from meshrep.graphs.ordering import Order, better_order, locality
from meshrep.minimisers.base import Minimiser


def shuffled(spec, seed=0):
    """A graph with its nodes in random order."""
    graph = meshrep.graph_from(spec)
    place = np.random.default_rng(seed).permutation(graph.n)
    weights = np.random.default_rng(seed + 1).uniform(0.5, 2.0, graph.m)
    return Graph.from_edges(graph.n, place[graph.edges], weights, name="shuffled")


def heat(graph, **settings):
    hot, cold = meshrep.random_split(graph, seed=3)
    return meshrep.HeatBath(graph, hot, cold, **settings)


ENERGIES = {
    "quartic": heat,
    "dirichlet": lambda graph: heat(graph, kind="dirichlet", t_hot=3.0),
    "kuramoto": Kuramoto,
    "coupled each its own": lambda g: Kuramoto(g, np.linspace(-1, 2, g.m)),
    "glass": lambda graph: XYGlass(graph, "gaussian", seed=4),
    "hopf": HopfKuramoto,
    "sum": lambda graph: 0.5 * heat(graph) + Kuramoto(graph),
}


@pytest.fixture
def small_cache(monkeypatch):
    """A machine whose cache is full with 400 nodes, 64 of which it reads at a time."""
    monkeypatch.setattr(limits, "REORDERED_FROM", 400)
    monkeypatch.setattr(ordering, "WINDOW", 64)


def test_an_order_moves_nodes_edges_and_matrices_alike():
    graph = shuffled("er:60:degree=4")
    order = Order(graph, np.random.default_rng(5).permutation(graph.n))
    values = np.random.default_rng(6).random((graph.n, 2))
    np.testing.assert_array_equal(order.back(order.moved(values)), values)
    np.testing.assert_array_equal(order.moved(values)[order.nodes([7, 9])], values[[7, 9]])
    apart = abs(values[graph.edges[:, 0], 0] - values[graph.edges[:, 1], 0])
    moved = order.moved(values)[order.graph.edges, 0]
    np.testing.assert_array_equal(order.edges(apart), abs(moved[:, 0] - moved[:, 1]))
    np.testing.assert_array_equal(order.graph.weights, order.edges(graph.weights))
    np.testing.assert_array_equal(
        order.matrix(graph.adjacency).toarray(), order.graph.adjacency.toarray()
    )


@pytest.mark.parametrize("name", ENERGIES)
def test_a_reordered_energy_is_the_same(name):
    graph = shuffled("er:60:degree=6")
    graph = graph if graph.component_count == 1 else shuffled("lattice:8x8")
    energy = ENERGIES[name](graph)
    order = Order(graph, np.random.default_rng(5).permutation(graph.n))
    twin = energy.reordered(order)
    w = energy.clamp(energy.random_start(1))
    assert twin.value(order.moved(w)) == pytest.approx(energy.value(w), rel=1e-13)
    np.testing.assert_allclose(
        order.back(twin.gradient(order.moved(w))), energy.gradient(w), rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(
        twin.hessian(order.moved(w)).toarray(),
        order.matrix(energy.hessian(w)).toarray(),
        atol=1e-12,
    )
    np.testing.assert_array_equal(np.sort(twin.fixed), np.sort(order.nodes(energy.fixed)))
    np.testing.assert_array_equal(twin.clamp(order.moved(w)), order.moved(w))
    assert twin.steepest(order.moved(w)) == pytest.approx(energy.steepest(w), rel=1e-12)


def test_cotan_weights_are_moved_with_their_nodes():
    graph = meshrep.graph_from("triangular:6x6")
    energy = heat(graph, laplacian="cotan")
    order = Order(graph, np.random.default_rng(5).permutation(graph.n))
    w = energy.random_start(1)
    assert energy.reordered(order).value(order.moved(w)) == pytest.approx(energy.value(w))


def test_locality_of_known_orders(monkeypatch):
    """A window of a ring touches its own lines and one to either side; a chord, as many again."""
    monkeypatch.setattr(ordering, "WINDOW", 64)
    n = 1024
    ring = meshrep.graph_from(f"ring:{n}")
    lines, apart = locality(ring.adjacency)
    assert 8 / 64 <= lines <= 10 / 64
    assert apart == pytest.approx(1.0, abs=0.2 * n / 64)  # two of 2048 entries wrap round
    backwards = locality(ring.adjacency, np.arange(n)[::-1])
    assert backwards == pytest.approx((lines, apart), rel=0.05)
    strided = np.arange(n).reshape(32, 32).T.ravel()  # neighbours 32 apart
    lines, apart = locality(ring.adjacency, strided)
    assert apart > 31 and lines >= 2 * 8 / 64


def test_a_shuffled_mesh_is_brought_into_order(small_cache):
    graph = shuffled("lattice:40x40")
    order = better_order(graph, graph.adjacency)
    before, after = locality(graph.adjacency), locality(order.graph.adjacency)
    assert after[1] < 60 < 400 < before[1] and after[0] < 0.5 * before[0]
    assert f"{before[1]:,.0f} apart, now {after[1]:,.0f}" in order.note
    assert order.seconds > 0


@pytest.mark.parametrize("spec", ["lattice:40x40", "ring:2000"])
def test_a_good_order_is_left_alone(small_cache, spec):
    graph = meshrep.graph_from(spec)
    assert better_order(graph, graph.adjacency) is None


def test_an_expander_is_left_alone(small_cache):
    graph = meshrep.graph_from("er:2000:degree=8")
    assert locality(graph.adjacency)[0] > ordering.POOR  # it was tried
    assert better_order(graph, graph.adjacency) is None


def test_a_small_graph_is_left_alone():
    graph = shuffled("lattice:40x40")
    assert better_order(graph, graph.adjacency) is None


@pytest.mark.slow
@pytest.mark.parametrize("solver", solvers(["gd", "nesterov", "adam", "lbfgs", "rk4"]))
@pytest.mark.parametrize("name", ["quartic", "dirichlet", "kuramoto"])
def test_a_reordered_run_takes_the_same_steps(small_cache, solver, name):
    """Everything that comes back is in the user's order."""
    energy = ENERGIES[name](shuffled("lattice:40x38"))
    start = energy.random_start(7)
    a, b = (
        meshrep.solve(
            energy, solver, start=start, max_steps=12, gtol=0.0, reorder=reorder,
            sample=lambda w: w.copy(),
        )
        for reorder in (True, False)
    )  # fmt: skip
    assert any("renumbered" in note for note in a.notes)
    assert not any("renumbered" in note for note in b.notes)
    np.testing.assert_allclose(a.field, b.field, rtol=1e-12, atol=1e-12)
    assert (a.steps, a.history.step) == (b.steps, b.history.step)
    np.testing.assert_allclose(a.history.energy, b.history.energy, rtol=1e-12)
    assert [s.step for s in a.samples] == [s.step for s in b.samples]
    for one, other in zip(a.samples, b.samples, strict=True):
        np.testing.assert_allclose(one.value, other.value, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(a.field[energy.fixed], energy.fixed_values)
    assert a.start_energy == b.start_energy and a.problem is energy


def test_observers_see_the_users_order(small_cache, monkeypatch):
    from meshrep.minimisers.monitor import Monitor

    monkeypatch.setattr(Monitor, "observe_every", 0.0)
    energy = ENERGIES["quartic"](shuffled("lattice:40x38"))
    seen = {}
    for reorder in (True, False):
        meshrep.solve(
            energy, "gd", max_steps=1, reorder=reorder,
            observe=lambda _, p, r=reorder: seen.setdefault(r, p.params.copy()),
        )  # fmt: skip
    np.testing.assert_allclose(seen[True], seen[False], rtol=1e-12)


def test_only_solvers_whose_path_stays_the_same_are_renumbered(small_cache):
    assert not Minimiser.renumbers
    energy = ENERGIES["kuramoto"](shuffled("lattice:40x38"))
    solution = meshrep.solve(energy, "newton", max_steps=2)
    assert not any("renumbered" in note for note in solution.notes)


def test_an_energy_that_does_not_offer_it_is_solved_as_it_is(small_cache):
    graph = shuffled("lattice:40x38")
    plain = heat(graph)
    plain.reordered = lambda order: None
    solution = meshrep.solve(plain, "gd", max_steps=2)
    assert not any("renumbered" in note for note in solution.notes)
    assert (plain + Kuramoto(graph)).reordered(Order(graph, np.arange(graph.n))) is None
