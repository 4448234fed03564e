"""M-FAC: its product with the inverse, its memory of gradients, and its convergence."""

import numpy as np
import pytest
from problems_of_tests import heat, phases

import meshrep
from meshrep import Result, Solver, Stopping
from meshrep.base.backends import NumpyBackend, backend_for
from meshrep.minimisers.mfac import MFAC, RecentGradients
from meshrep.parametrizations.linear.sobolev import Sobolev
from meshrep.parametrizations.networks.gcn import GraphNetwork

SIZE, MOST = 23, 5


def gradients(count):
    return np.random.default_rng(0).standard_normal((count, SIZE)) * np.logspace(0, -2, SIZE)


def dense(held, damping):
    """λF⁻¹ as a dense matrix, and λ."""
    floor = damping * (held**2).sum(axis=1).mean()
    fisher = floor * np.eye(SIZE) + held.T @ held / len(held)
    return floor * np.linalg.inv(fisher), floor


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("damping", [10.0, 0.1, 1e-3])
def test_products_agree_with_the_dense_inverse_as_old_gradients_drop_out(kind, damping):
    if kind == "torch":
        pytest.importorskip("torch")
    backend = backend_for(kind, "cpu")
    recent = RecentGradients(backend, SIZE, MOST, damping)
    drawn = gradients(13)
    for step, gradient in enumerate(drawn):
        products = recent.push(backend.asarray(gradient))
        inverse, floor = dense(drawn[max(0, step + 1 - MOST) : step + 1], damping)
        assert recent.held == min(step + 1, MOST)
        assert recent.floor == pytest.approx(floor, rel=1e-13)
        for v, known in ((gradient, products), (drawn[0], None)):
            found = backend.to_numpy(recent.damped(backend.asarray(v), known))
            np.testing.assert_allclose(found, inverse @ v, rtol=1e-10, atol=1e-12)


def test_the_scale_of_the_gradients_cancels():
    found = []
    for size in (1.0, 1e-9):
        recent = RecentGradients(NumpyBackend(), SIZE, MOST, 0.1)
        for gradient in gradients(8) * size:
            recent.push(gradient)
        found.append(recent.damped(gradients(9)[-1]))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-10)


def test_a_zero_gradient_changes_nothing():
    recent = RecentGradients(NumpyBackend(), SIZE, MOST, 0.1)
    recent.push(np.zeros(SIZE))
    np.testing.assert_array_equal(recent.damped(np.ones(SIZE)), 1.0)


def test_a_damping_below_the_rounding_is_an_error():
    recent = RecentGradients(NumpyBackend(), SIZE, MOST, 1e-300)
    for _ in range(MOST):
        recent.push(gradients(1)[0])
    with pytest.raises(meshrep.SolveError, match="below the rounding of float64"):
        recent.damped(np.ones(SIZE))


def path(energy, minimiser, steps, **settings):
    """The solution after a number of steps from the start of seed 3."""
    parametrization = settings.pop("parametrization", None)
    more = {} if parametrization is None else {"parametrization": parametrization}
    stopping = Stopping(max_steps=steps, gtol=0.0)
    solver = Solver(minimiser, stopping=stopping, **more, **settings)
    return meshrep.solve(energy, solver, seed=3)


def test_steps_follow_the_formula():
    energy, lr, damping, beta, steps = heat("lattice:5x5"), 0.05, 0.3, 0.5, 12
    x, velocity, past = energy.random_start(3), 0.0, []
    for _ in range(steps):
        past = [*past, energy.gradient(x)][-4:]
        held = np.array(past)
        floor = damping * (held**2).sum(axis=1).mean()
        fisher = floor * np.eye(25) + held.T @ held / len(held)
        velocity = beta * velocity - lr * floor * np.linalg.solve(fisher, past[-1])
        x = x + velocity
    ours = path(energy, MFAC(lr, 4, damping, beta), steps)
    assert ours.energy < 0.2 * ours.start_energy and min(ours.history.energy) > 0.999 * ours.energy
    np.testing.assert_allclose(ours.field, x, rtol=1e-9)


@pytest.mark.parametrize("backend", ["numba", "torch"])
@pytest.mark.parametrize("variables", [None, Sobolev(smoothing=1.0), GraphNetwork()])
def test_the_path_is_the_same_on_every_back_end(backend, variables):
    pytest.importorskip(backend)
    energy, rule = heat("lattice:6x6", kind="dirichlet"), MFAC(0.01, 6, 0.3)
    plain = path(energy, rule, 30, backend="numpy", parametrization=variables)
    other = path(energy, rule, 30, backend=backend, parametrization=variables)
    assert other.backend == backend and plain.energy < plain.start_energy
    np.testing.assert_allclose(other.field, plain.field, rtol=1e-6)
    np.testing.assert_array_equal(plain.field[energy.fixed], energy.fixed_values)


@pytest.mark.parametrize("baths", ["ends", "random"])
def test_heat_is_solved(baths):
    energy = heat("lattice:12x12", baths)
    found = meshrep.solve(energy, "mfac")
    assert found.result is Result.CONVERGED
    assert found.energy == pytest.approx(meshrep.solve(energy, "newton").energy, rel=1e-9)
    assert "on the largest curvature" in found.notes[0]


def test_phases_end_in_a_minimum():
    energy = phases("Kuramoto", "lattice:6x6")
    found = meshrep.solve(energy, "mfac", seed=1)
    assert found.result is Result.CONVERGED and found.energy < found.start_energy
    assert np.linalg.eigvalsh(energy.hessian(found.field).toarray())[0] > -1e-6


def test_a_step_too_long_is_halved():
    """The bound on the curvature is far too low, so the automatic step is too long at first."""
    graph = meshrep.graph_from("lattice:4x4")
    steep = meshrep.FunctionEnergy(graph, lambda w: (float((w**4).sum()), 4 * w**3))
    start = np.linspace(1, 2, 16)
    steep.steepest = lambda start: 0.1
    stopping = Stopping(max_steps=2000, gtol=1e-5)
    found = meshrep.solve(steep, Solver(MFAC(), stopping=stopping), start=start)
    assert found.result is Result.CONVERGED and found.energy < 1e-3
    assert max(found.history.energy) > found.start_energy


def test_a_given_step_that_is_too_long_diverges():
    energy = heat("lattice:8x8", power=2)
    found = path(energy, MFAC(lr=1e6, damping=10.0), 5000)
    assert found.result is Result.DIVERGED and found.energy <= found.start_energy


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"lr": 0.0}, "step length"),
        ({"lr": "fast"}, "step length"),
        ({"memory": 0}, "memory"),
        ({"memory": 2.5}, "memory"),
        ({"damping": 0.0}, "damping"),
        ({"momentum": 1.0}, "momentum"),
    ],
)
def test_numbers_out_of_range_are_refused(settings, words):
    with pytest.raises(meshrep.InputError, match=words):
        MFAC(**settings)


def test_only_a_given_step_follows_noise():
    assert MFAC(0.1).follows_noise and not MFAC().follows_noise
