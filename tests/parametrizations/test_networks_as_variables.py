"""Reparametrizations: starts that pass through exactly, and pullbacks against differences."""

import itertools

import numpy as np
import pytest
from problems_of_tests import PROBLEMS, heat, phases

import meshrep
from meshrep.base.backends import backend_for
from meshrep.minimisers.base import Objective
from meshrep.parametrizations.base import Identity
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.solving.catalogue import solver_named

NETWORKS = [
    GraphNetwork(layers, 4, residual=residual, propagation=propagation)
    for layers, residual, propagation in itertools.product(
        (1, 2, 3), (False, True), ("sym", "self", "square", "none")
    )
]
NAMES = [f"{n.name} {n.layers} {n.propagation}" for n in NETWORKS]


@pytest.fixture(params=["numpy", "numba", "torch"])
def backend(request):
    pytest.importorskip(request.param)
    return backend_for(request.param, "cpu")


@pytest.mark.parametrize("network", [Identity(), *NETWORKS], ids=["identity", *NAMES])
def test_shared_start_passes_through_exactly(network, backend):
    energy = heat("lattice:6x6", t_hot=80.0, t_cold=20.0)
    start = energy.random_start(7)
    objective = Objective(energy, start, backend, network, seed=3)
    np.testing.assert_allclose(objective.field(objective.start), start, rtol=1e-13)


@pytest.mark.parametrize("network", [Identity(), *NETWORKS], ids=["identity", *NAMES])
def test_pullback_is_the_derivative(network, backend):
    energy = PROBLEMS["dirichlet"]() if network.name == "gcn" else heat("lattice:6x6")
    objective = Objective(energy, energy.random_start(1), backend, network, seed=5)
    rng = np.random.default_rng(0)
    params = backend.to_numpy(objective.start)
    params += 0.1 * rng.standard_normal(params.shape)
    direction = rng.standard_normal(params.shape)
    gradient = backend.to_numpy(objective.value_and_grad(backend.asarray(params))[1])
    h = 1e-6
    up, down = (
        float(objective.value_and_grad(backend.asarray(params + sign * h * direction))[0])
        for sign in (1, -1)
    )
    assert gradient @ direction == pytest.approx((up - down) / (2 * h), rel=1e-5)


@pytest.mark.parametrize("other", ["numba", "torch"])
def test_back_ends_agree(other):
    pytest.importorskip(other)
    energy = heat("lattice:6x6")
    both = []
    for kind in ("numpy", other):
        backend = backend_for(kind, "cpu")
        objective = Objective(energy, energy.random_start(1), backend, GraphNetwork(2, 5), seed=9)
        value, gradient = objective.value_and_grad(objective.start)
        both.append((float(value), backend.to_numpy(gradient)))
    assert both[0][0] == pytest.approx(both[1][0], rel=1e-12)
    np.testing.assert_allclose(both[0][1], both[1][1], rtol=1e-10, atol=1e-12)


def test_network_start_ignores_w0_and_is_smooth():
    """PHYSICS §3: the first output of a GCN has a smaller spread than the latents it is made of."""
    energy, backend = heat("lattice:12x12"), backend_for("numpy")
    network, spreads = GraphNetwork(network_start="network"), []
    for seed in range(6):
        one, two = (
            Objective(energy, energy.random_start(s), backend, network, seed) for s in (1, 2)
        )
        first = one.field(one.start)
        np.testing.assert_array_equal(first, two.field(two.start))
        spreads.append(first.std() / one.start[: 8 * energy.graph.n].std())
    assert 0 < np.mean(spreads) < 0.6


def test_vector_fields_go_through():
    graph = meshrep.graph_from("ring:8")
    target = np.random.default_rng(0).random((8, 2))
    energy = meshrep.FunctionEnergy(
        graph, lambda w: (float(((w - target) ** 2).sum()), 2 * (w - target)), shape=(8, 2)
    )
    start = energy.random_start(3)
    backend = backend_for("numpy")
    for network in (GraphNetwork(), GraphNetwork(residual=True)):
        objective = Objective(energy, start, backend, network)
        np.testing.assert_allclose(objective.field(objective.start), start, rtol=1e-13)
    found = meshrep.solve(energy, "lbfgs", start=start)
    np.testing.assert_allclose(found.field, target, atol=1e-6)


def test_impossible_networks_are_refused():
    with pytest.raises(meshrep.InputError, match="layer"):
        GraphNetwork(0, 4)
    with pytest.raises(meshrep.InputError, match="choose shared, network or prefit"):
        GraphNetwork(network_start="elsewhere")
    for slope in (-0.1, 1.5, np.nan):
        with pytest.raises(meshrep.InputError, match="slope"):
            GraphNetwork(slope=slope)


@pytest.mark.parametrize(
    ("physics", "solver"), [("HopfKuramoto", "gcn"), ("HopfKuramotoPrinted", "gcn"),
                            ("HopfKuramoto", "gcn-a2"), ("Kuramoto", "gcn-a2")]
)  # fmt: skip
def test_a2_is_the_square_of_the_normalised_matrix(physics, solver):
    """As the papers have it for Hopf–Kuramoto: one layer is σ((D^{-1/2} A D^{-1/2})² z W) R."""
    energy = phases(physics, "er:30:degree=4")
    stage = solver_named(solver, energy, network_start="network", readout="value")
    objective = Objective(
        energy, energy.random_start(), backend_for("numpy"), stage.parametrization, seed=3
    )
    n, h = energy.graph.n, 8
    z, weights, readout = np.split(objective.start, [n * h, n * h + h * h])
    A = energy.graph.adjacency.toarray()
    degree = A.sum(1)
    A[degree == 0, degree == 0] = degree[degree == 0] = 1.0  # a node alone keeps its value
    P = A / np.sqrt(np.outer(degree, degree))
    x = P @ P @ z.reshape(n, h) @ weights.reshape(h, h)
    x = np.where(x > 0, x, 0.1 * x) @ readout.reshape(h, 1)
    np.testing.assert_allclose(objective.field(objective.start), energy.unit * x[:, 0], atol=1e-12)


@pytest.mark.parametrize("propagation", ["sym", "self", "square", "none"])
@pytest.mark.parametrize("residual", [False, True])
def test_renumbering_the_nodes_renumbers_the_field(propagation, residual):
    """F(Πz, θ) = ΠF(z, θ), where the latents are renumbered along."""
    graph = meshrep.graph_from("sbm:3x8", seed=1)
    n = graph.n
    order = np.random.default_rng(2).permutation(n)  # the node k is called order[k]
    other = meshrep.Graph.from_edges(n, order[graph.edges], graph.weights)
    backend = backend_for("numpy")
    network = GraphNetwork(
        2, 4, residual=residual, propagation=propagation, network_start="network"
    )
    fields = []
    for where, place in ((graph, np.arange(n)), (other, order)):
        energy = meshrep.FunctionEnergy(where, lambda w: (0.0, 0 * w))
        objective = Objective(energy, energy.random_start(), backend, network, seed=4)
        params = objective.start.copy()
        latents = params[: 4 * n].reshape(n, 4)
        latents[place] = latents.copy()
        fields.append(objective.field(params)[place])
    np.testing.assert_allclose(fields[0], fields[1], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("network", NETWORKS, ids=NAMES)
def test_fixed_nodes_stay_and_pull_nothing(network, backend):
    """Whatever the parameters: the field is exact there, and their gradient does not pass back."""
    energy = PROBLEMS["dirichlet"]()
    objective = Objective(energy, energy.random_start(1), backend, network, seed=5)
    params = backend.to_numpy(objective.start)
    params += np.random.default_rng(3).standard_normal(params.shape)
    field = objective.field(backend.asarray(params))
    np.testing.assert_array_equal(field[energy.fixed], energy.fixed_values)
    if network.propagation == "none":
        n = energy.graph.n
        gradient = backend.to_numpy(objective.value_and_grad(backend.asarray(params))[1])
        np.testing.assert_array_equal(gradient[: 4 * n].reshape(n, 4)[energy.fixed], 0.0)
