"""Heat: known answers, derivatives, the three back ends, and input that cannot be used."""

import numpy as np
import pytest
from problems_of_tests import PROBLEMS, heat
from taylor import taylor_slopes

import meshrep
from meshrep.base.backends import NumpyBackend, backend_for, installed


def test_ring_between_0_and_4_is_linear():
    ring = meshrep.graph_from("ring:8")
    energy = meshrep.HeatBath(ring, [4], [0], t_hot=4.0, kind="dirichlet")
    field = meshrep.solve(energy, "newton").field
    np.testing.assert_allclose(field, [0, 1, 2, 3, 4, 3, 2, 1], atol=1e-12)


@pytest.mark.parametrize("n", [2, 5, 33])
def test_path_is_linear_with_the_energy_of_its_length(n):
    path = meshrep.Graph.from_edges(n, np.stack([np.arange(n - 1), np.arange(1, n)], 1))
    energy = meshrep.HeatBath(path, [n - 1], [0], t_hot=3.0, t_cold=1.0, kind="dirichlet")
    solution = meshrep.solve(energy, "newton")
    np.testing.assert_allclose(solution.field, np.linspace(1, 3, n), atol=1e-12)
    assert solution.energy == pytest.approx(4 / (2 * (n - 1)), rel=1e-12)


def test_quadratic_bath_solves_its_linear_system():
    energy = PROBLEMS["quadratic"]()
    matrix = energy.matrix.toarray()
    right = np.zeros(energy.graph.n)
    matrix[energy.nodes, energy.nodes] += 2 * energy.strength
    right[energy.nodes] = 2 * energy.strength * energy.targets
    expected = np.linalg.solve(matrix, right)
    np.testing.assert_allclose(meshrep.solve(energy, "newton").field, expected, atol=1e-9)


def test_soft_quartic_bath_settles_near_06_and_04():
    """PHYSICS: with 10% + 10% random baths at λ = 1, hot settles near 0.60, cold near 0.39."""
    energy = heat("lattice:50x50", "random")
    field = meshrep.solve(energy, "newton").field
    assert 0.56 < field[energy.hot].mean() < 0.64
    assert 0.36 < field[energy.cold].mean() < 0.44


@pytest.mark.parametrize("name", PROBLEMS)
def test_taylor_slopes(name):
    energy = PROBLEMS[name]()
    rng = np.random.default_rng(3)
    w = energy.random_start(1) + 0.3 * energy.unit * rng.standard_normal(energy.shape)
    w[energy.fixed] = energy.fixed_values
    slopes = []
    for _ in range(7):  # in a single direction the third derivatives may cancel
        v = energy.unit * rng.standard_normal(energy.shape)
        v[energy.fixed] = 0.0
        slopes.append(taylor_slopes(energy, w, v))
    gradient, hessian = np.median(slopes, axis=0)
    assert gradient == pytest.approx(2.0, abs=0.05)
    if name not in ("quadratic", "dirichlet", "hundred degrees"):  # there the rest is rounding
        assert hessian == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("name", [name for name in PROBLEMS if PROBLEMS[name]().has_hessian])
def test_hessian_is_what_products_say(name):
    energy = PROBLEMS[name]()
    w = energy.random_start(2)
    v = np.random.default_rng(0).standard_normal(energy.shape)
    v[energy.fixed] = 0.0
    product = energy.hessian(w) @ v
    np.testing.assert_allclose(
        product[energy.free], energy.hvp(w, v)[energy.free], rtol=1e-11, atol=1e-11
    )


@pytest.mark.parametrize("kind", ["numba", "torch"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_backends_agree(name, kind):
    pytest.importorskip(kind)
    energy = PROBLEMS[name]()
    backend = backend_for(kind, "cpu")
    w = energy.clamp(energy.random_start(4))
    expected, gradient = energy.judge.value_and_grad(w)
    for evaluator in (energy.on(backend), energy.formula(backend)):
        value, found = evaluator.value_and_grad(backend.asarray(w))
        assert float(value) == pytest.approx(float(expected), rel=1e-12)
        np.testing.assert_allclose(backend.to_numpy(found), gradient, rtol=1e-11, atol=1e-11)
        v = np.random.default_rng(1).standard_normal(energy.shape)
        product = evaluator.hvp(backend.asarray(w), backend.asarray(v))
        tolerance = 1e-11 if energy.has_hessian else 1e-6  # by differences otherwise
        np.testing.assert_allclose(
            backend.to_numpy(product), energy.judge.hvp(w, v), rtol=tolerance, atol=tolerance
        )


def test_torch_can_differentiate_the_value():
    torch = pytest.importorskip("torch")
    for name in ("quartic ends", "cubic bath", "weighted", "edges and nodes"):
        energy = PROBLEMS[name]()
        backend = backend_for("torch", "cpu")
        w = backend.asarray(energy.random_start(0)).requires_grad_(True)
        energy.formula(backend).value(w).backward()
        expected = energy.gradient(w.detach().numpy())
        np.testing.assert_allclose(w.grad.numpy(), expected, rtol=1e-10, atol=1e-12)
    assert torch.is_grad_enabled()


def test_float32_is_close():
    energy = PROBLEMS["quartic ends"]()
    w = energy.random_start(0)
    value, gradient = energy.on(NumpyBackend("float32")).value_and_grad(w.astype(np.float32))
    assert value == pytest.approx(energy.value(w), rel=1e-5)
    np.testing.assert_allclose(gradient, energy.gradient(w), atol=1e-5)


def test_cotan_heat_on_a_sphere_is_antisymmetric(sphere):
    graph = sphere(3)
    energy = meshrep.HeatBath(
        graph, meshrep.select(graph, "z > 1.8"), meshrep.select(graph, "z < -1.8"),
        kind="dirichlet", laplacian="cotan",
    )  # fmt: skip
    field = meshrep.solve(energy, "newton").field
    equator = np.abs(graph.points[:, 2]) < 1e-9
    assert equator.sum() > 10
    np.testing.assert_allclose(field[equator], 0.5, atol=1e-6)


def test_robust_laplacian_is_close_to_cotan(sphere):
    pytest.importorskip("robust_laplacian")
    graph = sphere(3)
    hot, cold = meshrep.select(graph, "z > 1.8"), meshrep.select(graph, "z < -1.8")
    fields = [
        meshrep.solve(
            meshrep.HeatBath(graph, hot, cold, kind="dirichlet", laplacian=kind), "newton"
        ).field
        for kind in ("cotan", "robust")
    ]
    np.testing.assert_allclose(*fields, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hot": [1, 2], "cold": [2, 3]}, "both hot and cold"),
        ({"hot": [], "cold": []}, "neither bath has a node"),
        ({"hot": [99]}, "hot: there is no node 99"),
        ({"hot": [-1]}, "hot: there is no node -1"),
        ({"hot": [0.5]}, "node numbers are whole numbers"),
        ({"strength": -1.0}, "must be positive"),
        ({"strength": float("nan")}, "must be positive"),
        ({"t_hot": float("inf")}, "finite temperature"),
        ({"power": 1.0}, "2 or more"),
        ({"kind": "warm"}, "choose quartic, quadratic or dirichlet"),
        ({"kind": "dirichlet", "power": 2}, "has no power: drop the power"),
        ({"laplacian": "round"}, "graph"),
        ({"laplacian": "cotan"}, "face|triangle|points"),
        ({"unbathed": "what"}, "choose raise or hold"),
    ],
)
def test_unusable_settings_are_one_sentence(settings, message):
    ring = meshrep.graph_from("ring:8")
    with pytest.raises(meshrep.InputError, match=message) as caught:
        meshrep.HeatBath(ring, **{"hot": [0], "cold": [4], **settings})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "kind", "power"),
    [
        ({}, "quartic", 4),
        ({"kind": "quadratic"}, "quadratic", 2),
        ({"power": 2}, "quadratic", 2),
        ({"kind": "quadratic", "power": 4}, "quartic", 4),
        ({"power": 3}, "power", 3),
        ({"kind": "dirichlet"}, "dirichlet", None),
    ],
)
def test_a_power_takes_the_place_of_the_kinds(settings, kind, power):
    told = meshrep.HeatBath(meshrep.graph_from("ring:8"), [0], [4], **settings).settings()
    assert (told["kind"], told["power"]) == (kind, power)


def test_a_piece_without_a_bath_is_named_or_held():
    two = meshrep.Graph.from_edges(6, [[0, 1], [1, 2], [3, 4], [4, 5]], name="two paths")
    with pytest.raises(meshrep.InputError, match=r"1 of 2 connected components.*node 3"):
        meshrep.HeatBath(two, [0], [2])
    energy = meshrep.HeatBath(two, [0], [2], unbathed="hold", t_hot=3.0, t_cold=1.0)
    field = meshrep.solve(energy, "newton").field
    np.testing.assert_allclose(field[3:], 2.0, atol=1e-9)


def test_a_conductance_of_zero_leaves_a_node_without_a_bath():
    names = ("far", "middle", "near")
    path = meshrep.Graph.from_edges(3, [[0, 1], [1, 2]], np.array([0.0, 1.0]), labels=names)
    with pytest.raises(meshrep.InputError, match=r"1 of 2 connected components.*node 'far'"):
        meshrep.HeatBath(path, [2], [1])
    energy = meshrep.HeatBath(path, [2], [1], kind="dirichlet", unbathed="hold")
    assert meshrep.solve(energy, "newton").field.tolist() == [0.5, 0.0, 1.0]


def test_baths_are_named_as_the_input_names_its_nodes():
    path = meshrep.Graph.from_edges(3, [[0, 1], [1, 2]], labels=("10", "20", "0"))
    energy = meshrep.HeatBath(path, ["10"], "0")
    assert (energy.hot.tolist(), energy.cold.tolist()) == ([0], [2])
    energy = meshrep.HeatBath(path, [0], np.array([False, True, False]))  # numbers of the graph
    assert (energy.hot.tolist(), energy.cold.tolist()) == ([0], [1])
    assert meshrep.HeatBath(path, None, [1, 2]).cold.tolist() == [1, 2]
    networkx = pytest.importorskip("networkx")
    network = networkx.path_graph([1, 2, 3])
    with pytest.raises(meshrep.InputError, match="1 could be a node of the graph, or what network"):
        meshrep.HeatBath(network, [1], [2])
    assert meshrep.HeatBath(network, "1", "2").hot.tolist() == [0]


def test_negative_weights_are_refused():
    graph = meshrep.graph_from("ring:8").with_weights(np.r_[-1.0, np.ones(7)])
    with pytest.raises(meshrep.InputError, match="negative weight"):
        meshrep.HeatBath(graph, [0], [4])


def test_sums_check_what_they_add():
    one, again, other = heat("lattice:8x8"), heat("lattice:8x8"), heat("lattice:8x9")
    with pytest.raises(meshrep.InputError, match="share one graph"):
        one + other
    start = one.random_start()
    assert (one + again).value(start) == pytest.approx(2 * one.value(start))
    other = meshrep.HeatBath(one.graph, one.hot, [], kind="dirichlet", t_hot=5.0)
    clash = meshrep.HeatBath(one.graph, one.hot, [], kind="dirichlet", t_hot=6.0)
    with pytest.raises(meshrep.InputError, match="fix node"):
        other + clash
    assert (2 * one).value(one.random_start()) == pytest.approx(2 * one.value(one.random_start()))
    assert not (-1.0 * one).convex
    assert installed("numpy")


def test_a_potential_must_be_complete():
    ring = meshrep.graph_from("ring:8")
    with pytest.raises(meshrep.InputError, match="potential is"):
        meshrep.EdgeEnergy(ring, (lambda d: d,))
    with pytest.raises(meshrep.InputError, match=r"of shape \(8,\), not an array of shape \(3,\)"):
        meshrep.FunctionEnergy(ring, lambda w: (0.0, np.zeros(3)))
