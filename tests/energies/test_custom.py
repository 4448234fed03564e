"""Energies of one's own: derivatives, what is assumed where one is missing, and their sums."""

import numpy as np
import pytest
from problems_of_tests import exp_wall, heat, log_cosh
from scipy import sparse
from taylor import taylor_slopes

import meshrep
from meshrep.base.backends import backend_for
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.sums import Sum


def fourth_power(xp):
    return lambda d: 0.25 * d**4, lambda d: d**3, lambda d: 3 * d**2


def without_second(potential):
    return lambda xp: potential(xp)[:2]


def rosenbrock(graph, **settings):
    """Σ 100 (w_{k+1} − w_k²)² + (1 − w_k)², a curved valley with its minimum 0 at 1 … 1."""

    def value_and_grad(w):
        a, b = w[1:] - w[:-1] ** 2, 1 - w[:-1]
        gradient = np.zeros_like(w)
        gradient[:-1] = -400 * w[:-1] * a - 2 * b
        gradient[1:] += 200 * a
        return float((100 * a**2 + b**2).sum()), gradient

    return meshrep.FunctionEnergy(graph, value_and_grad, **settings)


def weighted_ring(n=9):
    graph = meshrep.graph_from(f"ring:{n}")
    return graph.with_weights(np.random.default_rng(2).uniform(0.5, 2, n))


def with_heat(factor):
    base = heat("lattice:4x4")
    return 2.0 * base + factor * meshrep.EdgeEnergy(base.graph, log_cosh)


ENERGIES = {
    "log cosh": lambda: meshrep.EdgeEnergy(weighted_ring(), log_cosh),
    "log cosh and wall": lambda: meshrep.EdgeEnergy(weighted_ring(), log_cosh, exp_wall),
    "fourth power": lambda: meshrep.EdgeEnergy(weighted_ring(), fourth_power),
    "by differences": lambda: meshrep.EdgeEnergy(weighted_ring(), without_second(fourth_power)),
    "rosenbrock": lambda: rosenbrock(weighted_ring()),
    "sum": lambda: with_heat(-0.3),
}


@pytest.mark.parametrize("name", ENERGIES)
def test_taylor_slopes(name):
    energy = ENERGIES[name]()
    rng = np.random.default_rng(8)
    w = rng.standard_normal(energy.shape)
    slopes = [taylor_slopes(energy, w, rng.standard_normal(energy.shape)) for _ in range(7)]
    assert np.median(slopes, axis=0) == pytest.approx([2.0, 3.0], abs=0.1)


def test_the_formula_is_the_sum_over_edges():
    graph = weighted_ring()
    energy = meshrep.EdgeEnergy(graph, log_cosh, exp_wall)
    w = energy.random_start(0)
    expected = sum(
        a * np.log(np.cosh(w[i] - w[j]))
        for (i, j), a in zip(graph.edges, graph.weights, strict=True)
    )
    expected += (np.exp(w - 1) + (w - 0.5) ** 2).sum()
    assert energy.value(w) == pytest.approx(expected, rel=1e-14)


def test_a_tuple_of_functions_is_a_potential_on_every_back_end():
    square = (lambda d: 0.5 * d * d, lambda d: d, lambda d: 1 + 0 * d)
    energy = meshrep.EdgeEnergy(weighted_ring(), square)
    w = energy.random_start(1)
    matrix = energy.hessian(w).toarray()
    np.testing.assert_allclose(matrix @ w, energy.gradient(w), atol=1e-14)
    pytest.importorskip("torch")
    backend = backend_for("torch", "cpu")
    value, gradient = energy.on(backend).value_and_grad(backend.asarray(w))
    assert float(value) == pytest.approx(energy.value(w), rel=1e-14)
    np.testing.assert_allclose(backend.to_numpy(gradient), energy.gradient(w), atol=1e-14)


def test_without_second_derivatives_products_come_by_differences():
    graph = weighted_ring()
    exact, plain = (
        meshrep.EdgeEnergy(graph, law) for law in (fourth_power, without_second(fourth_power))
    )
    assert exact.has_hessian and not plain.has_hessian
    w, v = np.random.default_rng(0).standard_normal((2, graph.n))
    np.testing.assert_allclose(plain.hvp(w, v), exact.hvp(w, v), rtol=1e-7, atol=1e-8)
    np.testing.assert_array_equal(plain.hvp(w, 0 * v), 0)
    with pytest.raises(NotImplementedError, match="no sparse Hessian"):
        plain.hessian(w)


def test_a_users_product_and_hessian_are_used():
    graph = weighted_ring()
    called = []

    def product(w, v):
        called.append("product")
        return 12 * w**2 * v

    def hessian(w):
        called.append("hessian")
        return sparse.diags_array(12 * w**2 + 1)

    energy = meshrep.FunctionEnergy(
        graph, lambda w: (float((w**4 + 0.5 * w**2).sum()), 4 * w**3 + w), hvp=product,
        hessian=hessian, convex=True,
    )  # fmt: skip
    energy.hvp(np.ones(9), np.ones(9))
    solution = meshrep.solve(energy, "newton")
    assert {"product", "hessian"} <= set(called)
    np.testing.assert_allclose(solution.field, 0, atol=1e-6)


@pytest.mark.parametrize("solver", ["lbfgs", "newton"])
def test_rosenbrocks_valley(solver):
    energy = rosenbrock(meshrep.graph_from("ring:10"), convex=False)
    solution = meshrep.solve(energy, solver, start=np.full(10, -0.5), gtol=1e-12)
    # the valley has a second, local minimum near −1, 1 … 1; from here both find the global one
    np.testing.assert_allclose(solution.field, 1.0, atol=1e-5)
    assert solution.energy < 1e-12


def test_the_function_cannot_spoil_the_field():
    """What the user's function does to its arrays afterwards must not reach the solver."""
    graph = weighted_ring()
    buffer = np.zeros(9)

    def value_and_grad(w):
        buffer[:] = 2 * (w - 3)
        return float(((w - 3) ** 2).sum()), buffer

    for solver in ("lbfgs", "newton", "adam", "gd"):
        found = meshrep.solve(meshrep.FunctionEnergy(graph, value_and_grad), solver)
        np.testing.assert_allclose(found.field, 3.0, atol=1e-4)


class Anchored(Energy):
    """Springs along edges with one end held: an energy written from the bases alone."""

    convex = True

    def __init__(self, graph):
        super().__init__(graph)
        self.fixed, self.fixed_values = np.array([0, graph.n - 1]), np.array([0.0, 2.0])
        self.law = meshrep.EdgeEnergy(graph, (lambda d: 0.5 * d * d, lambda d: d))

    def on(self, backend):
        inner, fixed = self.law.on(backend), backend.index(self.fixed)

        class Held(Evaluator):
            def value_and_grad(self, w):
                value, gradient = inner.value_and_grad(w)
                gradient[fixed] = 0.0
                return value, gradient

        return Held()


@pytest.mark.parametrize("solver", ["adam", "gd", "nesterov", "lbfgs", "newton", "rk4", "gcn"])
def test_an_energy_from_the_bases_alone(solver):
    if solver == "gcn":
        pytest.importorskip("torch")
    path = meshrep.Graph.from_edges(9, np.stack([np.arange(8), np.arange(1, 9)], 1))
    solution = meshrep.solve(Anchored(path), solver, seed=1)
    np.testing.assert_allclose(solution.field, np.linspace(0, 2, 9), atol=2e-4)
    assert solution.field[0] == 0 and solution.field[-1] == 2


def test_sums_are_linear_and_flatten():
    base = heat("lattice:4x4")
    edge = meshrep.EdgeEnergy(base.graph, log_cosh, convex=True)
    total = 2 * (base + 0.25 * edge) + edge
    assert [factor for factor, _ in total.terms] == [2.0, 0.5, 1.0]
    w, v = np.random.default_rng(1).standard_normal((2, 16))
    assert total.value(w) == pytest.approx(2 * base.value(w) + 1.5 * edge.value(w), rel=1e-14)
    np.testing.assert_allclose(
        total.gradient(w), 2 * base.gradient(w) + 1.5 * edge.gradient(w), rtol=1e-13, atol=1e-14
    )
    np.testing.assert_allclose(total.hessian(w) @ v, total.hvp(w, v), rtol=1e-12, atol=1e-13)
    assert total.convex and total.has_hessian and total.quantity == "temperature"
    assert total.steepest(w) >= np.linalg.eigvalsh(total.hessian(w).toarray()).max()
    assert [term["factor"] for term in total.settings()["terms"]] == [2.0, 0.5, 1.0]
    with pytest.raises(meshrep.InputError, match="multiplied by nan"):
        Sum([(np.nan, base)])


def test_a_sum_holds_what_its_terms_hold():
    base = heat("lattice:5x5", kind="dirichlet")
    total = base + meshrep.EdgeEnergy(base.graph, log_cosh, convex=True)
    np.testing.assert_array_equal(total.fixed, np.sort(base.fixed))
    np.testing.assert_array_equal(total.gradient(total.random_start())[total.fixed], 0.0)
    field = meshrep.solve(total, "newton").field
    np.testing.assert_array_equal(field[base.fixed], base.fixed_values)
    assert np.abs(total.gradient(field)).max() < 1e-9


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda g: meshrep.FunctionEnergy(g, lambda w: (w, w)), "must return a real number"),
        (lambda g: meshrep.FunctionEnergy(g, lambda w: (0.0, w), shape=(3,)), "no shape"),
        (lambda g: meshrep.FunctionEnergy(g, lambda w: (0.0, w), shape=(9, 2, 2)), "no shape"),
        (lambda g: meshrep.EdgeEnergy(g, lambda xp: (xp.sin,)), "potential is"),
        (lambda g: meshrep.EdgeEnergy(g, log_cosh).clamp(np.zeros(3)), "not an array of shape"),
        (lambda g: meshrep.EdgeEnergy(g, log_cosh).clamp(np.full(9, np.inf)), "infinite"),
    ],
)
def test_unusable_energies_are_one_sentence(build, message):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        build(weighted_ring())
    assert "\n" not in str(caught.value)
