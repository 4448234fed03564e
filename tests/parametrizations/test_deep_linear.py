"""Products of factors as variables: exact balanced starts, and the dynamics that depth makes."""

from itertools import pairwise

import numpy as np
import pytest
from linear_variables import NUMPY, check_backend, check_pullback, check_start, energies
from problems_of_tests import heat
from scipy.integrate import solve_ivp

import meshrep
from meshrep.base.backends import installed
from meshrep.errors import InputError
from meshrep.minimisers.base import Objective
from meshrep.parametrizations.linear.deep_linear import DeepLinear, balanced

ENERGIES = energies()
BACKENDS = [
    pytest.param(name, marks=[] if installed(name) else pytest.mark.skip(reason=f"no {name}"))
    for name in ("numpy", "numba", "torch")
]
RECIPES = [DeepLinear(), DeepLinear(3), DeepLinear(4, 3), DeepLinear(2, 5)]
NAMES = [f"depth {recipe.depth}, width {recipe.width}" for recipe in RECIPES]


def factors(made):
    """The factors at the last field."""
    return [np.asarray(factor) for factor in made.factors]


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
@pytest.mark.parametrize("name", ENERGIES)
def test_it_begins_at_the_start_and_pulls_back(name, recipe):
    check_start(recipe, ENERGIES[name])
    check_pullback(recipe, ENERGIES[name])


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
@pytest.mark.parametrize("name", ENERGIES)
def test_the_pullback_is_the_derivative_away_from_the_start(name, recipe):
    energy = ENERGIES[name]
    objective = Objective(energy, energy.random_start(2), NUMPY, recipe)
    rng = np.random.default_rng(1)
    params = objective.start + 0.3 * rng.standard_normal(len(objective.start))
    direction = rng.standard_normal(len(params))
    slope = objective.value_and_grad(params)[1] @ direction
    h = 1e-6
    up, down = (objective.value_and_grad(params + t * direction)[0] for t in (h, -h))
    assert slope == pytest.approx((up - down) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize("name", ENERGIES)
def test_every_back_end_agrees(name, kind, dtype):
    check_backend(DeepLinear(3), ENERGIES[name], kind, dtype)


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
@pytest.mark.parametrize("name", ENERGIES)
def test_the_factors_begin_balanced(name, recipe):
    energy = ENERGIES[name]
    made = recipe.build(energy, energy.random_start(1), NUMPY, seed=0)
    made.field(made.start)
    parts = factors(made)
    assert len(parts) == recipe.depth
    for one, two in pairwise(parts):
        size = np.linalg.norm(one) ** 2
        np.testing.assert_allclose(one.T @ one, two @ two.T, atol=1e-12 * size)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_numbers_times_a_field(depth):
    """One column, one latent, w₀ counted from the origin: z = w₀/u and all others are ‖w₀‖/u."""
    energy = heat("lattice:6x6", t_hot=100.0, t_cold=20.0)
    start = energy.random_start(1)
    made = DeepLinear(depth).build(energy, start, NUMPY, seed=0)
    counted = (start - 20.0) / energy.unit
    np.testing.assert_allclose(made.start[:36], counted, rtol=1e-12)
    np.testing.assert_allclose(made.start[36:], np.linalg.norm(counted), rtol=1e-12)
    assert len(made.start) == 36 + depth - 1 and not made.notes


def test_balanced_factors_of_a_known_product():
    first, second, third = balanced(np.diag([8.0, 27.0]), 3, 2, np.random.default_rng(0))
    np.testing.assert_allclose(first @ second @ third, np.diag([8.0, 27.0]), atol=1e-12)
    for factor in (first, second, third):
        np.testing.assert_allclose(np.linalg.svd(factor)[1], [3, 2])


# The dynamics


def descended(made, gradient_at, seconds, step):
    """The field and parameters after gradient descent in the parameters."""
    params = made.start.copy()
    for _ in range(round(seconds / step)):
        gradient = gradient_at(made.field(params))
        params = params - step * made.pull_back(gradient)
    return made.field(params)


def check_first_order(made, gradient_at, law, seconds, step):
    """Descent goes to the solution of dw/dt = law(w) in proportion to its step."""
    w0 = np.array(made.field(made.start))
    flow = solve_ivp(
        lambda _, w: law(w.reshape(w0.shape)).ravel(), (0, seconds), w0.ravel(), rtol=1e-10,
        atol=1e-12,
    )  # fmt: skip
    end = flow.y[:, -1].reshape(w0.shape)
    errors = [
        np.linalg.norm(descended(made, gradient_at, seconds, h) - end) for h in (step, step / 2)
    ]
    moved = np.linalg.norm(end - w0)
    assert moved > 0.05 * np.linalg.norm(w0) and errors[1] < 0.01 * moved
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("share", [1.0, 0.3])
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_a_column_follows_the_law_of_arora_cohen_and_hazan(depth, share):
    """dw/dt = −c^{2/N} ‖w‖^{2−2/N} (∇E + (N − 1) Proj_w ∇E)."""
    energy = heat("lattice:5x5", power=2)
    made = DeepLinear(depth, share=share).build(energy, energy.random_start(1), NUMPY, seed=0)

    def law(w):
        gradient, size = energy.gradient(w), np.linalg.norm(w)
        along = (depth - 1) * w * (w @ gradient) / size**2
        return (
            -(float(made.anchor["scale"]) ** (2 / depth))
            * size ** (2 - 2 / depth)
            * (gradient + along)
        )

    check_first_order(made, energy.gradient, law, 0.4, 2e-3)


def test_from_the_start_only_the_projection_tells_it_from_the_field():
    energy = heat("lattice:5x5", t_hot=50.0)
    start = energy.random_start(1)
    made = DeepLinear(3).build(energy, start, NUMPY, seed=0)
    made.field(made.start)
    gradient = energy.gradient(start)
    along = start * (start @ gradient) / (start @ start)
    made.field(made.start)
    direction = made.pull_back(gradient)
    h = 1e-7 / np.linalg.norm(direction)
    up, down = (made.field(made.start + t * direction) for t in (h, -h))
    wanted = energy.unit**2 * (gradient + 2 * along)
    np.testing.assert_allclose((up - down) / (2 * h), wanted, rtol=1e-5, atol=1e-6 * energy.unit**2)


@pytest.mark.parametrize("width", [2, 4])
@pytest.mark.parametrize("depth", [2, 3])
def test_columns_follow_the_law_of_matrices(depth, width):
    """dW/dt = −c^{2/N} Σ_j (WWᵀ)^{(N−j)/N} ∇E (WᵀW)^{(j−1)/N}, whatever the width."""
    goal = np.random.default_rng(4).standard_normal((6, 2))
    energy = meshrep.FunctionEnergy(
        meshrep.graph_from("ring:6"),
        lambda w: (0.5 * float(((w - goal) ** 2).sum()), w - goal),
        shape=(6, 2),
    )
    made = DeepLinear(depth, width).build(energy, energy.random_start(1), NUMPY, seed=0)

    def power(V, sizes, exponent):
        """(V S² Vᵀ)^exponent."""
        return (V * sizes ** (2 * exponent)) @ V.T if exponent else np.eye(len(V))

    def law(w):
        left, sizes, right = np.linalg.svd(w, full_matrices=False)
        terms = (
            power(left, sizes, (depth - j) / depth)
            @ (w - goal)
            @ power(right.T, sizes, (j - 1) / depth)
            for j in range(1, depth + 1)
        )
        return -(float(made.anchor["scale"]) ** (2 / depth)) * sum(terms)

    check_first_order(made, energy.gradient, law, 0.3, 2e-3)


# Starts that cannot be balanced, and others


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_a_start_of_zero_can_be_left(recipe):
    energy = heat("lattice:6x6", power=2)
    zero = np.zeros(36)
    made = recipe.build(energy, zero, NUMPY, seed=0)
    np.testing.assert_allclose(made.field(made.start), 0.0, atol=1e-12)
    assert np.linalg.norm(made.pull_back(energy.gradient(zero))) > 0.1
    assert "dependent columns" in made.notes[0]
    best = meshrep.solve(energy, "newton").energy
    found = meshrep.solve(energy, "deep-linear", start=zero)
    assert found.start_energy == energy.value(zero)
    assert found.energy == pytest.approx(best, rel=1e-4)


def test_what_is_drawn_is_the_same_for_every_seed():
    energy = heat("lattice:6x6")
    for start in (np.zeros(36), energy.random_start(1)):
        one, two = (DeepLinear(3, 2).build(energy, start, NUMPY, seed=k).start for k in (0, 1))
        np.testing.assert_array_equal(one, two)
    assert not DeepLinear.random


def test_points_on_a_line_can_leave_it():
    energy = ENERGIES["positions"]
    start = np.linspace(0, 1, 20)[:, None] * [1.0, 2.0]
    made = DeepLinear(3).build(energy, start, NUMPY, seed=0)
    np.testing.assert_allclose(made.field(made.start), energy.clamp(start), atol=1e-12)
    assert made.notes
    solved = meshrep.solve(energy, "deep-linear", start=start)
    assert solved.energy == pytest.approx(meshrep.solve(energy, "lbfgs").energy, rel=1e-5)


def test_the_near_zero_start_of_the_paper():
    energy = heat("lattice:6x6", kind="dirichlet")
    start = energy.random_start(1)
    made = DeepLinear(3, share=0.01).build(energy, start, NUMPY, seed=0)
    begin = made.field(made.start)
    np.testing.assert_allclose(begin[energy.free], 0.01 * start[energy.free], rtol=1e-10)
    np.testing.assert_array_equal(begin[energy.fixed], energy.fixed_values)


@pytest.mark.parametrize("name", ["held nodes", "positions"])
def test_fixed_nodes_stay(name):
    energy = ENERGIES[name]
    solved = meshrep.solve(energy, "deep-linear", depth=3, max_steps=50)
    values = energy.clamp(np.ones(energy.shape))
    np.testing.assert_array_equal(solved.field[energy.fixed], values[energy.fixed])
    assert solved.energy < solved.start_energy


# By name


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("kind", ["quartic", "dirichlet"])
def test_it_reaches_the_minimum(depth, kind):
    energy = heat("lattice:12x12", kind=kind)
    best = meshrep.solve(energy, "newton").energy
    found = meshrep.solve(energy, "deep-linear", depth=depth)
    assert found.solver == "deep-linear"
    assert found.energy == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"depth": 1}, "depth of a product must be a whole number of 2 or more, not 1"),
        ({"depth": 2.7}, "whole number of 2 or more, not 2.7"),
        ({"width": 0}, "width of a product must be a whole number of 1 or more, not 0"),
        ({"width": 1.5}, "whole number of 1 or more, not 1.5"),
        ({"share": 0.0}, "share"),
        ({"share": 2.0}, "share"),
        ({"share": np.nan}, "share"),
    ],
)
def test_numbers_out_of_range(settings, word):
    with pytest.raises(InputError, match=word):
        DeepLinear(**settings)


def test_too_few_latents_and_wrong_choices():
    energy = ENERGIES["positions"]
    with pytest.raises(InputError, match="1 latents cannot reach every field of 2 columns"):
        DeepLinear(2, 1).build(energy, energy.random_start(0), NUMPY, seed=0)
    for depth in (0, 1):
        with pytest.raises(InputError, match="depth"):
            meshrep.solve(heat("lattice:6x6"), "deep-linear", depth=depth)


def test_the_command_line_knows_it(run):
    asked = ("--graph", "lattice:8x8", "--solver", "deep-linear", "--no-pictures")
    code, said, errors, _ = run(*asked, "--set", "depth=3")
    assert code == 0 and "deep-linear" in said, errors
    code, _, errors, _ = run(*asked, "--set", "depth=1")
    assert code == 2 and "depth must be a whole number, 2 or more, not 1" in errors
