"""The filter of the papers: its two series, what each does to a spectrum, and the map it makes."""

import numpy as np
import pytest
from linear_variables import (
    check_backend,
    check_fixed,
    check_pullback,
    check_start,
    condition,
    energies,
    matrix_of,
)
from numpy.polynomial import Polynomial
from problems_of_tests import heat

import meshrep
from meshrep.base.backends import installed
from meshrep.errors import InputError
from meshrep.parametrizations.linear.filters import MARGIN
from meshrep.parametrizations.linear.kappa import Kappa, coefficients, remainder
from meshrep.parametrizations.linear.matrices import curvature
from meshrep.parametrizations.linear.spectral import Spectral

ENERGIES = energies()
BACKENDS = [
    pytest.param(name, marks=[] if installed(name) else pytest.mark.skip(reason=f"no {name}"))
    for name in ("numpy", "numba", "torch")
]
RECIPES = [Kappa(), Kappa(8), Kappa(1, "printed"), Kappa(2, "printed")]
NAMES = [f"{recipe.series} {recipe.degree}" for recipe in RECIPES]


# The series


def test_the_right_series_is_the_binomial_one():
    assert coefficients(4).tolist() == [1, 1 / 2, 3 / 8, 5 / 16, 35 / 128]
    x = np.linspace(0.0, 0.5, 50)
    np.testing.assert_allclose(Polynomial(coefficients(40))(x), (1 - x) ** -0.5, rtol=1e-12)


def test_the_printed_series_is_as_printed_and_no_longer():
    assert coefficients(1, "printed").tolist() == [1, -1 / 2]
    assert coefficients(2, "printed").tolist() == [1, -1 / 2, -3 / 4]
    with pytest.raises(InputError, match="printed up to degree 2, not to 3"):
        Kappa(3, "printed")


def test_the_right_series_takes_twenty_to_six():
    assert Kappa(2).condition(0.05, 1.0) == pytest.approx(6.1, abs=0.05)
    assert Kappa(2).condition(0.5, 10.0) == pytest.approx(Kappa(2).condition(0.05, 1.0))


def test_the_printed_series_crosses_zero():
    kappa = Polynomial(coefficients(2, "printed"))
    assert kappa(1 - 0.05) < 0 < kappa(1 - 1.0)
    (zero,) = (1 - root for root in kappa.roots() if 0 <= root <= 1)
    assert zero == pytest.approx(0.1315, abs=1e-4)  # λ/h
    assert Kappa(2, "printed").condition(0.05, 1.0) == np.inf
    assert np.isfinite(Kappa(2, "printed").condition(0.14, 1.0))
    assert Kappa(1, "printed").condition(0.05, 1.0) > 20  # worse than without a filter


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
@pytest.mark.parametrize("low", [0.2, 0.5, 1.0])
def test_the_condition_number_is_that_of_a_fine_spectrum(recipe, low):
    spectrum = np.linspace(low, 1.0, 100_001)
    product = spectrum * Polynomial(recipe.coefficients)(1 - spectrum) ** 2
    found = recipe.condition(low, 1.0)
    assert found == pytest.approx(product.max() / product.min(), rel=1e-6)


@pytest.mark.parametrize("degree", [2, 8, 32])
def test_the_right_series_gains_in_proportion_to_its_degree(degree):
    """λκ² rises with λ, so that a low end λ → 0 gains κ(0)² = [(2k + 1)(2k choose k)/4^k]²."""
    gain = 1e9 / Kappa(degree).condition(1e-9, 1.0)
    assert gain == pytest.approx(coefficients(degree).sum() ** 2, rel=1e-5)
    assert gain == pytest.approx((2 * degree + 1) ** 2 / (np.pi * (degree + 0.25)), rel=1e-2)


# The filter and the map


def dense_root(H, least=1e-12):
    values, V = np.linalg.eigh(H)
    assert values[0] > least
    return V @ np.diag(values**-0.5) @ V.T


@pytest.mark.parametrize("degree", [4, 16, 64, 256])
def test_the_filter_goes_to_the_root_of_the_hessian(degree):
    """The rest of the series is at most c_{k+1} x^{k+1}/(1 − x) where X ≤ x."""
    energy = heat("lattice:5x5", power=2, strength=2.0)
    H = energy.hessian(energy.random_start(0)).toarray()
    values = np.linalg.eigvalsh(H)
    h = MARGIN * values[-1]
    x = 1 - values[0] / h
    rest = coefficients(degree + 1)[-1] * x ** (degree + 1) / (1 - x)
    kappa = matrix_of(Kappa(degree), energy) / energy.unit
    missed = np.linalg.norm(kappa - h**0.5 * dense_root(H), 2)
    assert missed <= rest * (1 + 1e-6) + 1e-9
    assert degree < 256 or missed < 0.01


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_the_map_is_the_polynomial_of_the_hessian(recipe):
    energy = heat("lattice:5x5")
    X = remainder(curvature(energy, energy.random_start(0))).toarray()
    wanted = sum(c * np.linalg.matrix_power(X, k) for k, c in enumerate(recipe.coefficients))
    J = matrix_of(recipe, energy)
    np.testing.assert_allclose(J, energy.unit * wanted, atol=1e-12)
    np.testing.assert_allclose(J, J.T, atol=1e-12)


def test_the_condition_number_is_as_predicted():
    energy = heat("lattice:12x12", power=2)
    H = energy.hessian(energy.random_start(0)).toarray()
    values = np.linalg.eigvalsh(H)
    for degree in (2, 8):
        reached = condition(matrix_of(Kappa(degree), energy), H)
        predicted = Kappa(degree).condition(values[0], MARGIN * values[-1])
        assert reached == pytest.approx(predicted, rel=0.05)
        assert reached < np.linalg.cond(H)
    chebyshev = condition(matrix_of(Spectral(8), energy), H)
    assert 4 * chebyshev < reached


def test_a_laplacian_has_a_largest_eigenvalue_too():
    """Its rows sum to zero, and what begins at a constant finds nothing."""
    energy = meshrep.EdgeEnergy(
        meshrep.graph_from("ring:12"),
        lambda xp: (lambda d: d * d / 2, lambda d: d, lambda d: 1 + 0 * d),
        convex=True,
    )
    X = remainder(curvature(energy, energy.random_start(0))).toarray()
    np.testing.assert_allclose(X @ np.ones(12), 1.0)
    assert np.linalg.eigvalsh(X)[0] == pytest.approx(1 - 1 / MARGIN)
    np.testing.assert_allclose(remainder(0 * curvature(energy, np.zeros(12))).toarray(), np.eye(12))


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
@pytest.mark.parametrize("name", ENERGIES)
def test_it_begins_at_the_start_and_pulls_back(name, recipe):
    check_start(recipe, ENERGIES[name])
    check_pullback(recipe, ENERGIES[name])


@pytest.mark.parametrize("name", ENERGIES)
def test_the_pullback_is_the_transpose(name):
    energy = ENERGIES[name]
    start = energy.clamp(energy.random_start(3))
    made = Kappa(3).build(energy, start, meshrep.base.backends.NumpyBackend(jit=False), seed=0)
    rng = np.random.default_rng(0)
    theta, gradient = rng.standard_normal(len(made.start)), rng.standard_normal(energy.shape)
    ahead = ((made.field(theta) - start) * gradient).sum()
    assert made.pull_back(gradient) @ theta == pytest.approx(ahead, rel=1e-12)


@pytest.mark.parametrize("name", ["held nodes", "positions"])
def test_fixed_nodes_stay(name):
    check_fixed(Kappa(), ENERGIES[name])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize("name", ENERGIES)
def test_every_back_end_agrees(name, kind, dtype):
    check_backend(Kappa(5), ENERGIES[name], kind, dtype)


# By name


@pytest.mark.parametrize("solver", ["kappa", "kappa-adam"])
@pytest.mark.parametrize("kind", ["quartic", "dirichlet"])
def test_it_reaches_the_minimum(solver, kind):
    energy = heat("lattice:12x12", kind=kind)
    best = meshrep.solve(energy, "newton").energy
    found = meshrep.solve(energy, solver)
    assert found.solver.startswith(solver)
    assert found.energy <= best + 1e-7 * abs(best)


def test_degree_and_series_are_choices():
    energy = heat("lattice:8x8", power=2)
    best = meshrep.solve(energy, "newton").energy
    for settings in ({"degree": 5}, {"series": "printed"}, {"degree": 1, "series": "printed"}):
        assert meshrep.solve(energy, "kappa", **settings).energy == pytest.approx(best, rel=1e-6)
    for settings, word in (
        ({"degree": 0}, "degree"),
        ({"degree": 8, "series": "printed"}, "printed up to degree 2, not to 8"),
        ({"series": "left"}, "series must be one of right, printed, not 'left'"),
    ):
        with pytest.raises(InputError, match=word):
            meshrep.solve(energy, "kappa", **settings)


@pytest.mark.parametrize("degree", [0, 2.7, np.nan, "two"])
def test_degrees_that_are_none(degree):
    for recipe in (Kappa, Spectral):
        with pytest.raises(InputError, match="degree of a filter must be a whole number of 1"):
            recipe(degree)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, np.inf)])
def test_what_is_no_spectrum(low, high):
    with pytest.raises(InputError, match="spectrum lies in"):
        Kappa().condition(low, high)


def test_the_command_line_knows_them(run):
    asked = ("--graph", "lattice:8x8", "--solver", "kappa", "--no-pictures")
    for settings in (("--set", "degree=4"), ("--set", "series=printed")):
        code, said, errors, _ = run(*asked, *settings)
        assert code == 0 and "kappa" in said, errors
    code, _, errors, _ = run(*asked, "--set", "series=printed", "--set", "degree=3")
    assert code == 2 and "printed up to degree 2, not to 3" in errors
