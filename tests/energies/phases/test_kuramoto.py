"""Kuramoto's oscillators: lag, normalisations, mean fields and blocks against loops over pairs."""

import numpy as np
import pytest

import meshrep
from meshrep.base import limits
from meshrep.base.backends import NumpyBackend, backend_for
from meshrep.energies.phases.mean_field import MeanField
from meshrep.energies.phases.mean_field_evaluators import FieldKernels

OMEGA = np.linspace(-1, 1, 40)
GROUPS = np.arange(40) % 7 // 3  # of 18, 17 and 5 nodes
STRENGTHS = np.array([[0.6, -0.4, 0.2], [-0.4, 0.5, 0.0], [0.2, 0.0, 0.3]])


def empty(n=40):
    return meshrep.Graph.from_edges(n, [])


def complete(n=40):
    return meshrep.Graph.from_edges(n, np.argwhere(np.triu(np.ones((n, n)), 1)))


def slow_velocity(J, omega, lag, phi):
    """ω_i + Σ_j J_ij sin(φ_j − φ_i − lag)."""
    n = len(phi)
    pull = [sum(J[i, j] * np.sin(phi[j] - phi[i] - lag) for j in range(n)) for i in range(n)]
    return omega + np.array(pull)


def all_on_all(strengths=((1.0,),), groups=None):
    """J (40, 40) of blocks without a diagonal."""
    groups = np.zeros(40, int) if groups is None else groups
    J = np.asarray(strengths)[groups][:, groups]
    return J - np.diag(np.diag(J))


@pytest.mark.parametrize("lag", [0.0, 0.7, np.pi, -2.0])
@pytest.mark.parametrize("divisor", ["none", "n", "degree"])
def test_lag_and_normalisation_on_a_network(divisor, lag):
    graph = meshrep.graph_from("er:40:degree=3")
    graph = graph.with_weights(np.linspace(0.5, 2, graph.m))
    A = graph.adjacency.toarray()
    degree = A.sum(axis=1, keepdims=True)
    J = 1.3 * A / {"none": 1.0, "n": 40.0, "degree": np.where(degree > 0, degree, 1)}[divisor]
    energy = meshrep.Kuramoto(graph, 1.3, OMEGA, normalisation=divisor, lag=lag)
    phi = energy.random_start(1)
    expected = slow_velocity(J, OMEGA, lag, phi)
    for evaluator in (energy.judge, energy.on(backend_for("numba"))):
        np.testing.assert_allclose(evaluator.velocity(phi), expected, atol=1e-13)
    scale = 1.3 / (40 if divisor == "n" else 1)
    i, j = graph.edges.T
    value = -scale * np.cos(lag) * (graph.weights * np.cos(phi[i] - phi[j])).sum()
    assert energy.value(phi) == pytest.approx(value, rel=1e-12)
    assert bool(energy.driven) == (lag not in (0.0, np.pi))
    v = np.random.default_rng(0).standard_normal(40)
    h = 1e-5
    change = energy.judge.velocity(phi + h * v) - energy.judge.velocity(phi - h * v)
    np.testing.assert_allclose(energy.velocity_jacobian(phi) @ v, change / (2 * h), atol=1e-8)


def fields():
    """Mean fields, and J of the flow and of the energy that each has."""
    sizes = np.bincount(GROUPS)
    shares = STRENGTHS / sizes
    symmetric = shares * (sizes.mean() / sizes)[:, None]
    degree = abs(all_on_all(STRENGTHS, GROUPS)).sum(axis=1, keepdims=True)
    blocks = meshrep.Blocks(GROUPS, STRENGTHS)
    uneven = np.array([[0.6, -0.4, 0.2], [0.3, 0.5, 0.1], [0.2, 0.0, 0.3]])
    one_sided = all_on_all(uneven, GROUPS)
    everyone = all_on_all()
    return {
        "mean field": ({"coupling": "mean-field"}, everyone / 40, everyone / 40),
        "undivided": (
            {"coupling": "mean-field", "normalisation": "none"}, everyone, everyone
        ),
        "by degree": (
            {"coupling": "mean-field", "normalisation": "degree"}, everyone / 39, everyone
        ),
        "blocks": (
            {"coupling": blocks}, all_on_all(shares, GROUPS), all_on_all(symmetric, GROUPS)
        ),
        "blocks, undivided": (
            {"coupling": blocks, "normalisation": "none"}, *[all_on_all(STRENGTHS, GROUPS)] * 2
        ),
        "blocks by degree": (
            {"coupling": blocks, "normalisation": "degree"},
            all_on_all(STRENGTHS, GROUPS) / degree, all_on_all(STRENGTHS, GROUPS),
        ),
        "one-sided": (
            {"coupling": meshrep.Blocks(GROUPS, uneven), "normalisation": "none"},
            one_sided, 0.5 * (one_sided + one_sided.T),
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", fields())
def test_fields_are_the_sums_over_all_pairs(name):
    settings, acting, J = fields()[name]
    energy = meshrep.Kuramoto(empty(), 1.3, OMEGA, lag=0.4, **settings)
    same = meshrep.Oscillators(complete(), 1.3 * J[np.triu_indices(40, 1)], (-0.5, 0, 0))
    phi, v = energy.random_start(1), np.random.default_rng(0).standard_normal(40)
    for kind in ("numba", "numpy", "torch"):
        pytest.importorskip(kind)
        backend = backend_for(kind, "cpu")
        here, along = backend.asarray(phi), backend.asarray(v)
        for evaluator in (energy.on(backend), energy.formula(backend)):
            value, gradient = evaluator.value_and_grad(here)
            expected = np.cos(0.4) * same.value(phi)
            assert float(value) == pytest.approx(expected, rel=1e-12, abs=1e-12)
            gradient = backend.to_numpy(gradient)
            np.testing.assert_allclose(gradient, np.cos(0.4) * same.gradient(phi), atol=1e-12)
            product = backend.to_numpy(evaluator.hvp(here, along))
            np.testing.assert_allclose(product, np.cos(0.4) * same.hvp(phi, v), atol=1e-12)
            rate = backend.to_numpy(evaluator.velocity(here))
            expected = slow_velocity(1.3 * acting, OMEGA, 0.4, phi)
            np.testing.assert_allclose(rate, expected, atol=1e-12)
    np.testing.assert_allclose(energy.hessian(phi) @ v, energy.hvp(phi, v), atol=1e-12)
    h = 1e-5
    change = energy.judge.velocity(phi + h * v) - energy.judge.velocity(phi - h * v)
    np.testing.assert_allclose(energy.velocity_jacobian(phi) @ v, change / (2 * h), atol=1e-8)
    assert energy.reach == pytest.approx(
        1.3 * max(abs(part).sum(axis=1).max() for part in (acting, J))
    )
    assert energy.scale == pytest.approx(np.cos(0.4) * same.scale)
    assert energy.settings()["coupling"] == pytest.approx(
        [1.3 * acting[~np.eye(40, dtype=bool)].min(), 1.3 * acting.max()]
    )
    assert (name == "one-sided") == ("no potential" in energy.unbounded)


def test_torch_can_differentiate_a_field():
    pytest.importorskip("torch")
    backend = backend_for("torch", "cpu")
    energy = meshrep.Kuramoto(empty(), 1.3, coupling=meshrep.Blocks(GROUPS, STRENGTHS))
    w = backend.asarray(energy.random_start(0)).requires_grad_(True)
    value = energy.formula(backend).value(w)
    value.backward()
    assert value.item() == pytest.approx(energy.value(w.detach().numpy()), rel=1e-12)
    np.testing.assert_allclose(w.grad.numpy(), energy.gradient(w.detach().numpy()), atol=1e-12)


@pytest.mark.parametrize("divisor", ["n", "degree"])
def test_a_complete_graph_takes_the_field(divisor, monkeypatch):
    pytest.importorskip("numba")
    energy = meshrep.Kuramoto(complete(), 1.3, OMEGA, normalisation=divisor)
    assert isinstance(energy.on(NumpyBackend()), FieldKernels)
    phi = energy.random_start(2)
    found = energy.value(phi), energy.gradient(phi), energy.judge.velocity(phi)
    monkeypatch.setattr(limits, "MEAN_FIELD_FROM", 1000)
    pairs = meshrep.Kuramoto(complete(), 1.3, OMEGA, normalisation=divisor)
    assert not isinstance(pairs.on(NumpyBackend()), FieldKernels)
    expected = pairs.value(phi), pairs.gradient(phi), pairs.judge.velocity(phi)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)
    uneven = complete().with_weights(np.linspace(1, 2, 780))
    assert not isinstance(meshrep.Kuramoto(uneven).on(NumpyBackend()), FieldKernels)


@pytest.mark.parametrize("solver", ["gd", "lbfgs", "newton", "nesterov"])
def test_fields_are_minimised_beyond_what_a_matrix_holds(solver, monkeypatch):
    """K > 0: all phases equal. K < 0: any state without order."""
    monkeypatch.setattr(limits, "ALL_PAIRS_UP_TO", 30)
    together = meshrep.Kuramoto(empty(), 2.0, coupling="mean-field")
    assert together.couplings.matrix is None and not together.has_hessian
    assert meshrep.solve(together, solver).energy == pytest.approx(-39.0, rel=1e-9)
    apart = meshrep.Kuramoto(empty(), -2.0, coupling="mean-field")
    solution = meshrep.solve(apart, solver)
    assert solution.energy == pytest.approx(-1.0, rel=1e-9) and solution.measures["rho"] < 1e-5
    with pytest.raises(meshrep.InputError, match="of 40 nodes are not stored: use lbfgs"):
        meshrep.solve(together, "lift")


def test_components_of_blocks():
    def parts(strengths):
        return MeanField(np.array([0, 0, 1, 1, 2]), np.array(strengths)).component_of.tolist()

    assert parts([[1, 0, 0], [0, 1, 0], [0, 0, 1]]) == [0, 0, 1, 1, 2]
    assert parts([[0, 1, 0], [1, 0, 0], [0, 0, 0]]) == [0, 0, 0, 0, 1]
    assert len(set(parts([[0, 0, 0], [0, 1, 0], [0, 0, 0]]))) == 4


@pytest.mark.parametrize("threads", [1, 2])
def test_sums_do_not_depend_on_threads(threads):
    numba = pytest.importorskip("numba")
    if threads > numba.config.NUMBA_NUM_THREADS:
        pytest.skip("one core")
    energy = meshrep.Kuramoto(empty(30_000), 2.0, "normal", coupling="mean-field", lag=0.1)
    w, before = energy.random_start(0), numba.get_num_threads()
    ends = []
    for count in (1, threads):
        numba.set_num_threads(count)
        try:
            ends.append(w.copy())
            energy.on(NumpyBackend()).flow(ends[-1], 0.1, 3, np.ones(30_000), driven=True)
        finally:
            numba.set_num_threads(before)
    np.testing.assert_array_equal(*ends)


def test_sums_of_fields():
    field = meshrep.Kuramoto(empty(), 1.3, OMEGA, coupling="mean-field", lag=0.4)
    both = 2 * field + field
    assert isinstance(both, meshrep.Oscillators) and "lag" in both.unbounded
    phi = field.random_start(0)
    np.testing.assert_allclose(both.judge.velocity(phi), 3 * field.judge.velocity(phi), atol=1e-12)
    ring = meshrep.Kuramoto(meshrep.graph_from("ring:40"))
    mixed = ring + meshrep.Kuramoto(ring.graph, 1.3, OMEGA, coupling="mean-field")
    assert not isinstance(mixed, meshrep.Oscillators)
    lone = meshrep.Kuramoto(ring.graph, 1.3, OMEGA, coupling="mean-field")
    expected = ring.judge.velocity(phi) + lone.judge.velocity(phi)
    np.testing.assert_allclose(mixed.judge.velocity(phi), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"coupling": "all"}, "choose edges, mean-field, or give meshrep.Blocks"),
        ({"normalisation": "size"}, "choose among none, n, degree"),
        ({"lag": np.inf}, "lag must be a finite number"),
        ({"K": np.ones(8), "coupling": "mean-field"}, "K of a mean field must be a finite number"),
        ({"coupling": meshrep.Blocks([0, 1], np.eye(2))}, "must be 8 whole numbers"),
        ({"coupling": meshrep.Blocks([0.5] * 8, np.eye(2))}, "must be 8 whole numbers"),
        ({"coupling": meshrep.Blocks([2] * 8, np.eye(2))}, r"outside 0 … 1"),
        ({"coupling": meshrep.Blocks([0] * 8, np.ones((1, 2)))}, "a square table"),
        ({"coupling": meshrep.Blocks([0] * 8, [[np.nan]])}, "a square table of finite numbers"),
    ],
)
def test_settings_that_cannot_be_used(settings, message):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        meshrep.Kuramoto(meshrep.graph_from("ring:8"), **settings)
    assert "\n" not in str(caught.value)


def test_a_lag_cannot_be_minimised():
    energy = meshrep.Kuramoto(meshrep.graph_from("ring:8"), lag=0.3)
    with pytest.raises(meshrep.InputError, match=r"no minimum: a phase lag.*set lag=0") as caught:
        meshrep.solve(energy)
    assert "\n" not in str(caught.value)
