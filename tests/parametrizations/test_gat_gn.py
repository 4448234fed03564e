"""Graph attention and message passing as variables.

Against slow twins, known answers, differences, autograd and each other. CI runs this file without
numba's compiler as well.
"""

import importlib
import itertools
from functools import partial

import numpy as np
import pytest
from problems_of_tests import PROBLEMS, heat, named

import meshrep
from meshrep.base.backends import NumpyBackend, backend_for, installed
from meshrep.minimisers.base import Objective
from meshrep.parametrizations.networks.gat import BENT, GraphAttention
from meshrep.parametrizations.networks.gn import MessagePassing

KINDS = {
    "gat": GraphAttention,
    "gat of 3 heads": partial(GraphAttention, heads=3),
    "gn": MessagePassing,
}
VERSIONS = ["SERIAL", "PARALLEL"]


@pytest.fixture(params=["numpy", "numba", "torch"])
def backend(request):
    pytest.importorskip(request.param)
    return backend_for(request.param, "cpu")


def uneven(n=24, seed=0):
    """Edges of both signs, weights of every size, a hub, a pair and a node without an edge."""
    rng = np.random.default_rng(seed)
    pairs = {tuple(sorted(pair)) for pair in rng.integers(0, n - 3, (2 * n, 2)) if len({*pair}) > 1}
    pairs |= {(0, k) for k in range(1, n // 2)} | {(n - 3, n - 2)}
    graph = meshrep.Graph.from_edges(n, sorted(pairs))
    return graph.with_weights(np.exp(rng.standard_normal(graph.m)) * rng.choice([-1, 1], graph.m))


def energy_of_columns(graph, d=2):
    target = np.random.default_rng(0).standard_normal((graph.n, d))
    energy = meshrep.FunctionEnergy(
        graph, lambda w: (float(((w - target) ** 2).sum()), 2 * (w - target)), shape=(graph.n, d)
    )
    energy.unit, energy.quantity = 7.0, "position"
    return energy


def signed_phases():
    graph = meshrep.graph_from("er:40:degree=3", seed=2)
    return meshrep.Kuramoto(graph, np.random.default_rng(0).standard_normal(graph.m))


ENERGIES = {
    "heat": lambda: heat("triangular:6x6", t_hot=80.0, t_cold=20.0),
    "held": PROBLEMS["dirichlet"],
    "weighted": PROBLEMS["weighted"],
    "phases": lambda: meshrep.Kuramoto(meshrep.graph_from("lattice:6x6"), 1.0),
    "signed phases": signed_phases,
    "columns": lambda: energy_of_columns(meshrep.graph_from("rgg:40", seed=1), 3),
}


def made(energy, recipe, backend, version=None):
    """The objective at a start of its own network, in one version of the kernels."""
    built = Objective(energy, energy.random_start(1), backend, recipe, seed=2)
    if version:
        file = "messages" if recipe.kind == "gn" else "attention"
        kernels = getattr(importlib.import_module(f"meshrep.kernels.{file}"), version)
        built.map.net.kernels = kernels
        if built.map.circle:
            built.map.circle.kernels = kernels
    return built


def away(objective, backend, by=0.1):
    noise = np.random.default_rng(3).standard_normal(objective.start.shape)
    return backend.to_numpy(objective.start) + by * noise


def bend(x, slope):
    return x if x > 0 else slope * x


def edges_of(graph):
    """The neighbours of every node, with the weights."""
    A = graph.adjacency.toarray()
    return A, [[j for j in range(graph.n) if A[i, j] != 0] for i in range(graph.n)]


def slow_attention(graph, x, layers):
    """GAT by its formula, node by node."""
    A, neighbours = edges_of(graph)
    mean = np.mean([abs(A[i, j]) for i in range(graph.n) for j in neighbours[i]])
    for W, a in layers:
        out = np.zeros((graph.n, W.shape[2]))
        for k, i in itertools.product(range(len(W)), range(graph.n)):
            scores = {}
            for j in [i, *neighbours[i]]:
                score = bend(a[k, :, 0] @ (x[i] @ W[k]) + a[k, :, 1] @ (x[j] @ W[k]), BENT)
                scores[j] = score + (0.0 if j == i else np.log(abs(A[i, j]) / mean))
            total = sum(np.exp(score) for score in scores.values())
            for j, score in scores.items():
                out[i] += np.exp(score) / total * (x[j] @ W[k]) / len(W)
        x = np.vectorize(bend)(out, 0.1)
    return x


def slow_messages(graph, x, layers):
    """GN by its formula, node by node."""
    A, neighbours = edges_of(graph)
    sizes = [abs(A[i, j]) for i in range(graph.n) for j in neighbours[i]]
    for M, N in layers:
        out = np.zeros((graph.n, N.shape[1]))
        for i in range(graph.n):
            heard = np.zeros(M.shape[1])
            for j in neighbours[i]:
                said = np.concatenate([x[i], x[j], [A[i, j] / np.mean(sizes)]]) @ M
                heard += [bend(part, 0.1) for part in said]
            out[i] = np.concatenate([x[i], heard * graph.n / len(sizes)]) @ N
        x = np.vectorize(bend)(out, 0.1)
    return x


@pytest.mark.slow
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("widths", [(3, 5), (4, 3, 9)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_the_field_is_the_formula_node_by_node(kind, widths, residual, backend):
    graph = uneven()
    energy = energy_of_columns(graph)
    recipe = KINDS[kind](hidden=widths, residual=residual, network_start="network", spread=1.0)
    objective = made(energy, recipe, backend)
    params = away(objective, backend)
    z, *weights = objective.map.net.split(params)
    inner = weights[: 2 * recipe.layers]
    slow = slow_messages if kind == "gn" else slow_attention
    expected = slow(graph, z, list(zip(inner[::2], inner[1::2], strict=True)))
    expected = expected @ weights[2 * recipe.layers] + (z @ weights[-1] if residual else 0)
    field = backend.to_numpy(objective.map.field(backend.asarray(params)))
    np.testing.assert_allclose(field, 7.0 * expected, rtol=1e-12, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("physics", ["heat", "signed phases", "columns"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_pullback_is_the_derivative(kind, physics, layers, residual, backend):
    energy = ENERGIES[physics]()
    recipe = KINDS[kind](layers, 5, residual=residual)
    objective = made(energy, recipe, backend)
    params = away(objective, backend)
    direction = np.random.default_rng(0).standard_normal(params.shape)
    direction /= np.linalg.norm(direction)
    gradient = backend.to_numpy(objective.value_and_grad(backend.asarray(params))[1])
    h = 1e-6
    up, down = (
        float(objective.value_and_grad(backend.asarray(params + sign * h * direction))[0])
        for sign in (1, -1)
    )
    scale = np.linalg.norm(gradient)
    assert gradient @ direction == pytest.approx((up - down) / (2 * h), abs=1e-6 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("physics", ENERGIES)
@pytest.mark.parametrize("kind", KINDS)
def test_shared_starts_pass_through(kind, physics, backend):
    energy = ENERGIES[physics]()
    start = energy.random_start(7)
    for residual in (False, True):
        recipe = KINDS[kind](2, 4, residual=residual)
        objective = Objective(energy, start, backend, recipe, seed=3)
        near = np.abs(objective.field(objective.start) - energy.clamp(start)).max()
        assert near <= 1e-13 * max(energy.unit, 1.0) * 10


@pytest.fixture(scope="module")
def graph():
    return meshrep.graph_from("rgg:300", seed=1)  # more rows than two tiles, not a whole number


ON_TILES = {
    "heat": lambda graph: meshrep.HeatBath(graph, [0, 1], [5], t_hot=80.0, unbathed="hold"),
    "signed phases": lambda graph: meshrep.Kuramoto(
        graph, np.random.default_rng(0).standard_normal(graph.m)
    ),
    "columns": lambda graph: energy_of_columns(graph, 3),
}


@pytest.mark.slow
@pytest.mark.parametrize("physics", ON_TILES)
@pytest.mark.parametrize("widths", [(8, 8), (2, 20, 7)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_kernels_and_tensors_are_the_arrays(kind, widths, physics, graph):
    energy, recipe = ON_TILES[physics](graph), KINDS[kind](hidden=widths, residual=True)
    plain = made(energy, recipe, NumpyBackend(jit=False))
    params = away(plain, NumpyBackend())
    value, gradient = plain.value_and_grad(params)
    others = []
    if installed("numba"):
        others += [(NumpyBackend(), made(energy, recipe, NumpyBackend(), v)) for v in VERSIONS]
    if installed("torch"):
        there = backend_for("torch", "cpu")
        others += [(there, made(energy, recipe, there))]
    for backend, other in others:
        found, fast = other.value_and_grad(backend.asarray(params))
        assert float(found) == pytest.approx(float(value), rel=1e-11)
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(backend.to_numpy(fast), gradient, rtol=1e-9, atol=1e-11 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_stays_and_is_near(kind, graph, backend):
    energy, recipe = ON_TILES["columns"](graph), KINDS[kind](2, 9, residual=True)
    single = backend_for(backend.name, "cpu", "float32")
    exact, fast = made(energy, recipe, backend), made(energy, recipe, single)
    pull = np.random.default_rng(4).standard_normal((graph.n, 3))
    ends = []
    for where, objective in ((backend, exact), (single, fast)):
        params = where.asarray(away(exact, backend))
        field = where.to_numpy(objective.map.field(params))
        found = objective.map.pull_back(where.asarray(pull))
        assert str(found.dtype).endswith(where.dtype)
        ends.append((field, where.to_numpy(found)))
    for a, b in zip(*ends, strict=True):
        assert np.abs(a - b).max() < 2e-5 * np.abs(a).max()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_threads_does_not_change_a_bit(kind):
    numba = pytest.importorskip("numba")
    energy, backend = heat("lattice:60x60"), NumpyBackend()  # eight blocks
    objective = made(energy, KINDS[kind](2, 5, residual=True), backend, "PARALLEL")
    params, ends = away(objective, backend), []
    most = numba.get_num_threads()
    try:
        for threads in (1, min(2, most), most):
            numba.set_num_threads(threads)
            ends.append(objective.value_and_grad(params)[1].copy())
    finally:
        numba.set_num_threads(most)
    for end in ends[1:]:
        np.testing.assert_array_equal(end, ends[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_passes_allocate_nothing_that_grows(kind, graph):
    pytest.importorskip("numba")
    objective = made(ON_TILES["heat"](graph), KINDS[kind](2, 5), NumpyBackend())
    net, pull = objective.map.net, np.ones((graph.n, 1))
    assert np.shares_memory(net.output(objective.start), net.field)
    assert np.shares_memory(net.pull_back(pull), net.gradient)


@pytest.mark.slow
def test_attention_of_equal_scores_is_the_mean_over_neighbours_and_self(backend):
    """With a = 0 every α_ij is 1 / (degree + 1); rows sum to one, whatever a is."""
    graph = meshrep.graph_from("sbm:3x8", seed=1)
    energy = meshrep.FunctionEnergy(graph, lambda w: (0.0, 0 * w), shape=(graph.n, 2))
    objective = made(
        energy, GraphAttention(hidden=(2, 2), network_start="network", slope=1.0), backend
    )
    rng = np.random.default_rng(0)
    z, equal = rng.standard_normal((graph.n, 2)), np.zeros(4)
    one = np.eye(2).ravel()

    def field(z, attention):
        params = np.concatenate([z.ravel(), one, attention, one])
        return backend.to_numpy(objective.map.field(backend.asarray(params)))

    A = graph.adjacency.toarray() + np.eye(graph.n)
    np.testing.assert_allclose(field(z, equal), A @ z / A.sum(1)[:, None], atol=1e-13)
    for scale in (1.0, 1e3):  # such scores overflow where the largest is not taken off
        same = z[:1] + 0 * z
        np.testing.assert_allclose(field(same, scale * rng.standard_normal(4)), same, rtol=1e-13)
        assert np.isfinite(field(z, scale * rng.standard_normal(4))).all()


def test_weights_are_multiplicities_to_attention_and_features_to_messages():
    """In units of their mean: a common factor changes neither, and a sign only messages."""
    graph, backend = uneven(), backend_for("numpy")
    for recipe, signed in ((GraphAttention(), False), (MessagePassing(), True)):
        fields = []
        for weights in (graph.weights, 5.0 * graph.weights, -graph.weights, np.ones(graph.m)):
            energy = energy_of_columns(graph.with_weights(weights))
            objective = Objective(energy, energy.random_start(0), backend, recipe, seed=1)
            objective.map.net.offset[:] = 0
            fields.append(objective.map.field(objective.start))
        np.testing.assert_allclose(fields[1], fields[0], rtol=1e-12, atol=1e-14)
        assert np.allclose(fields[2], fields[0]) != signed
        assert not np.allclose(fields[3], fields[0])


@pytest.mark.slow
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_renumbering_the_nodes_renumbers_the_field(kind, residual, backend):
    """F(Πz, θ) = ΠF(z, θ), where the latents are renumbered along."""
    graph = uneven()
    n = graph.n
    order = np.random.default_rng(2).permutation(n)  # the node k is called order[k]
    other = meshrep.Graph.from_edges(n, order[graph.edges], graph.weights)
    network = KINDS[kind](2, 4, residual=residual, network_start="network")
    fields = []
    for where, place in ((graph, np.arange(n)), (other, order)):
        energy = meshrep.FunctionEnergy(where, lambda w: (0.0, 0 * w))
        objective = Objective(energy, energy.random_start(), backend, network, seed=4)
        params = backend.to_numpy(objective.start)
        latents = params[: 4 * n].reshape(n, 4)
        latents[place] = latents.copy()
        fields.append(backend.to_numpy(objective.map.field(backend.asarray(params)))[place])
    np.testing.assert_allclose(fields[0], fields[1], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_fixed_nodes_stay(kind, backend):
    energy = PROBLEMS["dirichlet"]()
    objective = made(energy, KINDS[kind](2, 4), backend)
    field = objective.field(backend.asarray(away(objective, backend, by=1.0)))
    np.testing.assert_array_equal(field[energy.fixed], energy.fixed_values)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_without_edges_has_networks(kind, backend):
    energy = energy_of_columns(meshrep.Graph.from_edges(3, np.zeros((0, 2), int)))
    objective = made(energy, KINDS[kind](), backend)
    start = energy.random_start(1)
    np.testing.assert_allclose(objective.field(objective.start), start, rtol=1e-13)
    assert np.isfinite(backend.to_numpy(objective.value_and_grad(objective.start)[1])).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gat", "gn"])
def test_networks_are_fitted_to_a_start(kind):
    energy = energy_of_columns(meshrep.graph_from("er:30:degree=5"))
    start = energy.random_start(2)  # up to the unit, which is 7
    objective = Objective(energy, start, backend_for("numpy"), KINDS[kind](network_start="prefit"))
    miss = objective.field(objective.start) - start
    assert np.sqrt((miss**2).mean()) / 7.0 <= 1e-3 * (1 + 1e-9)
    assert objective.map.notes[0].startswith("the network was fitted to the start in")


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["gat", "gn"])
def test_named_solvers_arrive_where_newton_does(solver):
    energy = heat("triangular:16x16", t_hot=80.0, t_cold=20.0)
    found, least = meshrep.solve(energy, solver), meshrep.solve(energy, "newton")
    assert found.energy == pytest.approx(least.energy, rel=1e-5)
    stage = named(solver, layers=2, hidden=4).parametrization
    assert stage.name == solver and stage.widths == (4, 4, 4)
    assert named(solver, "phase").parametrization.spread == 1.0


def test_heads_are_counted():
    with pytest.raises(meshrep.InputError, match="a whole number of 1 or more, not 0"):
        GraphAttention(heads=0)
    with pytest.raises(meshrep.InputError, match=r"whole number of 1 or more, not 2\.5"):
        GraphAttention(heads=2.5)
    names = GraphAttention(residual=True).name, MessagePassing().name, meshrep.GraphAttention().name
    assert names == ("gat-res", "gn", "gat")
