"""Oscillators on directed networks: who acts on whom, from every kind of input."""

import numpy as np
import pytest
from scipy import sparse
from scipy.integrate import solve_ivp

import meshrep
from meshrep.sources.networks import ALONG_ARROWS, BY_ROWS

networkx = pytest.importorskip("networkx")

OMEGA = np.linspace(-1, 1, 25)


def network():
    """A directed network with names, weights, mutual edges of unequal weight and a repeated one."""
    made = networkx.gnp_random_graph(25, 0.15, seed=4, directed=True)
    for k, (_, _, data) in enumerate(made.edges(data=True)):
        data["weight"] = 0.5 + 0.05 * k
    return networkx.relabel_nodes(made, {k: f"n{k}" for k in range(25)})


def J_of(made):
    """Entry (i, j) is the weight of the edge j → i."""
    return networkx.to_numpy_array(made).T


def pull(J, phi, lag=0.0):
    return (J * np.sin(phi - phi[:, None] - lag)).sum(axis=1)


@pytest.mark.parametrize("lag", [0.0, 0.4])
@pytest.mark.parametrize("kind", ["networkx", "matrix", "graphml", "gml", "gexf", "table"])
def test_every_input_keeps_who_acts_on_whom(kind, lag, tmp_path):
    made = network()
    J, remark = J_of(made), ALONG_ARROWS
    if kind == "networkx":
        graph = meshrep.Graph.of(made)
    elif kind == "matrix":
        graph, remark = meshrep.Graph.of(sparse.csr_array(J)), BY_ROWS
    elif kind == "table":
        path = tmp_path / "x.csv"
        rows = [f"{u},{v},{d['weight']},Directed" for u, v, d in made.edges(data=True)]
        path.write_text("\n".join(["source,target,weight,type", *rows]))
        graph = meshrep.load(path)
        order = [f"n{k}" for k in range(25)]
        assert sorted(graph.labels) == sorted(order)
        place = [order.index(label) for label in graph.labels]
        J = J[place][:, place]
    else:
        path = tmp_path / f"x.{kind}"
        getattr(networkx, f"write_{kind}")(made, path)
        graph = meshrep.load(path)
    assert remark in graph.repairs
    energy = meshrep.Kuramoto(graph, 1.3, OMEGA, lag=lag)
    phi = energy.random_start(0)
    expected = OMEGA + 1.3 * pull(J, phi, lag)
    for evaluator in (energy.judge, energy.on(meshrep.backend_for("numba"))):
        np.testing.assert_allclose(evaluator.velocity(phi), expected, atol=1e-12)


def test_flows_agree_with_an_eighth_order_method():
    made = network()
    J = J_of(made)
    each = meshrep.Graph.of(made)
    K = np.linspace(0.2, 2, each.m)
    by_edge = np.zeros((25, 25))
    by_edge[tuple(each.edges.T)] = K
    by_edge += by_edge.T
    degree = np.maximum(J.sum(axis=1, keepdims=True), 1e-300)
    cases = (
        (meshrep.Kuramoto(each, 0.8, OMEGA), 0.8 * J),
        (meshrep.Kuramoto(each, K, OMEGA), by_edge * J),
        (meshrep.Kuramoto(each, 2.0, OMEGA, normalisation="degree"), 2 * J / degree),
        (meshrep.Kuramoto(each, 20.0, OMEGA, normalisation="n"), 20 / 25 * J),
        (meshrep.Kuramoto(each, 0.8, OMEGA, directed=False), 0.8 * each.adjacency.toarray()),
    )
    for energy, matrix in cases:
        start = energy.random_start(1)

        def rate(_, phi, matrix=matrix):
            return OMEGA + pull(matrix, phi)

        exact = solve_ivp(rate, (0, 2), start, "DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        for method, more in (("rk4", {"dt": 2e-3}), ("moebius", {"rtol": 1e-7})):
            path = meshrep.integrate(energy, 2.0, start=start, frames=2, method=method, **more)
            np.testing.assert_allclose(path.fields[-1], exact, atol=1e-8)
        h, v = 1e-5, np.cos(np.arange(25.0))
        change = energy.judge.velocity(start + h * v) - energy.judge.velocity(start - h * v)
        np.testing.assert_allclose(energy.velocity_jacobian(start) @ v, change / (2 * h), atol=1e-8)
    implicit = meshrep.integrate(
        cases[0][0], 2.0, start=cases[0][0].random_start(1), frames=2, method="bdf", rtol=1e-8
    )
    again = meshrep.integrate(
        cases[0][0], 2.0, start=cases[0][0].random_start(1), frames=2, dt=2e-3
    )
    np.testing.assert_allclose(implicit.fields[-1], again.fields[-1], atol=1e-5)


def test_a_driven_pair():
    """The first turns freely and drags the second, which trails by arcsin of the detuning."""
    pair = networkx.DiGraph([("leader", "follower")])
    energy = meshrep.Kuramoto(pair, 1.0, {"leader": 0.5, "follower": 0.2})
    path = meshrep.integrate(energy, 40.0, start=[0.0, 1.0])
    np.testing.assert_allclose(path.fields[-1][0], 20.0, atol=1e-9)
    assert path.fields[-1][0] - path.fields[-1][1] == pytest.approx(np.arcsin(0.3), abs=1e-6)


def test_a_directed_network_has_no_minimum_unless_asked_to():
    made = network()
    with pytest.raises(meshrep.InputError, match=r"no potential; follow.*directed=False") as caught:
        meshrep.solve(meshrep.Kuramoto(made))
    assert "\n" not in str(caught.value)
    both = meshrep.Kuramoto(made, directed=False)
    found = meshrep.solve(both, "lbfgs", start=np.zeros(25))
    assert found.energy == pytest.approx(-meshrep.Graph.of(made).weights.sum())
    with pytest.raises(meshrep.InputError, match="no directed network"):
        meshrep.Kuramoto(meshrep.graph_from("ring:5"), directed=True)


def test_what_counts_as_directed():
    mutual = networkx.DiGraph([(0, 1), (1, 0), (1, 2), (2, 1)])
    assert meshrep.Graph.of(mutual).arrows is None
    half = sparse.csr_array(np.triu(np.ones((4, 4)), 1))
    assert meshrep.Graph.of(half).arrows is None  # half of a symmetric matrix
    assert meshrep.Graph.of(half + half.T).arrows is None
    one_way = meshrep.Graph.of(sparse.csr_array(np.roll(np.eye(4), 1, axis=1)))
    np.testing.assert_array_equal(one_way.arrows.toarray(), np.roll(np.eye(4), 1, axis=1))
    weighed = one_way.with_weights([1.0, 2.0, 3.0, 4.0])
    assert weighed.edges.tolist() == [[0, 1], [0, 3], [1, 2], [2, 3]]
    expected = [[0, 1, 0, 0], [0, 0, 3, 0], [0, 0, 0, 4], [2, 0, 0, 0]]
    np.testing.assert_array_equal(weighed.arrows.toarray(), expected)
    np.testing.assert_array_equal(
        weighed.with_weights(1).arrows.toarray(), one_way.arrows.toarray()
    )


def test_directed_sums_and_orders():
    from meshrep.graphs.ordering import Order

    graph = meshrep.Graph.of(network())
    energy = meshrep.Kuramoto(graph, 1.3, OMEGA)
    phi = energy.random_start(0)
    both = energy + 0.5 * energy
    np.testing.assert_allclose(both.judge.velocity(phi), 1.5 * energy.judge.velocity(phi))
    assert isinstance(both, meshrep.Oscillators) and "no potential" in both.unbounded
    mixed = energy + meshrep.Kuramoto(graph, 1.3, directed=False)
    assert not isinstance(mixed, meshrep.Oscillators)
    order = Order(graph, np.random.default_rng(0).permutation(25))
    twin = energy.reordered(order)
    np.testing.assert_allclose(
        order.back(twin.judge.velocity(order.moved(phi))), energy.judge.velocity(phi), atol=1e-12
    )
