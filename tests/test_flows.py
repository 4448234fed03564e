"""Flows in time against the matrix exponential, and their errors."""

import numpy as np
import pytest
from problems_of_tests import heat
from scipy.linalg import expm

import meshrep
from meshrep.flows import runge_kutta4, stable_step


def linear():
    """Linear heat with a mass, its start, and the exact field at t = 1."""
    energy = heat("lattice:5x5", power=2)
    mass = np.random.default_rng(0).uniform(0.5, 2.0, energy.graph.n)
    H = energy.hessian(np.zeros(energy.graph.n)).toarray()
    equilibrium = np.linalg.solve(H, -energy.gradient(np.zeros(energy.graph.n)))
    start = energy.random_start(1)
    exact = equilibrium + expm(-H / mass[:, None]) @ (start - equilibrium)
    return energy, mass, start, exact


def test_rk4_has_order_4():
    energy, mass, start, exact = linear()
    errors = []
    for steps in (10, 20, 40):
        w = start.copy()
        runge_kutta4(energy.judge, w, 1.0 / steps, steps, 1 / mass)
        errors.append(np.abs(w - exact).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(orders - 4) < 0.4)


@pytest.mark.parametrize("method", ["rk4", "rk45", "lsoda", "bdf", "radau"])
def test_every_method_finds_the_exact_field(method):
    energy, mass, start, exact = linear()
    seen = []
    path = meshrep.integrate(
        energy, 1.0, start=start, mass=mass, method=method, frames=7, rtol=1e-8, atol=1e-10,
        observe=lambda now, end: seen.append(now),
    )  # fmt: skip
    tolerance = 2e-4 if method == "rk4" else 1e-5
    np.testing.assert_allclose(path.fields[-1], exact, atol=tolerance)
    np.testing.assert_allclose(path.times, np.linspace(0, 1, 8))
    assert path.fields.shape == (8, 25) and len(seen) == 7
    assert (np.diff(path.energies) < 0).all() and path.evaluations > 0


def test_the_flow_ends_at_the_minimum():
    energy = heat("lattice:8x8", bath="dirichlet")
    path = meshrep.integrate(energy, 300.0, frames=3, method="bdf", rtol=1e-8)
    best = meshrep.solve(energy, "newton")
    np.testing.assert_allclose(path.fields[-1], best.field, atol=1e-5)
    np.testing.assert_array_equal(path.fields[1][energy.fixed], energy.fixed_values)


def test_the_stable_step_is_stable_and_hardly_too_small():
    energy = heat("lattice:10x10", power=2)
    ones, start = np.ones(100), energy.random_start(0)
    limit = stable_step(energy, start, ones)
    exact = 2.785 / np.linalg.eigvalsh(energy.hessian(start).toarray()).max()
    assert 0.5 * exact < limit <= exact
    with pytest.raises(meshrep.InputError, match="not a stable step"):
        meshrep.integrate(energy, 1.0, dt=2 * limit)
    with np.errstate(all="ignore"):
        w = start.copy()
        energies = runge_kutta4(energy.judge, w, 3 * exact, 200, ones)
    assert not energies[-1] < energies[0]


def test_ctrl_c_keeps_the_frames_so_far():
    def stop(now, end):
        if now > 0.5:
            raise KeyboardInterrupt

    path = meshrep.integrate(heat("lattice:8x8"), 1.0, frames=10, observe=stop)
    assert path.interrupted and 5 < len(path.times) < 11
    assert len(path.fields) == len(path.times) == len(path.energies)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"t": -1.0}, "positive and finite"),
        ({"t": float("nan")}, "positive and finite"),
        ({"t": 1.0, "frames": 0}, "at least one frame"),
        ({"t": 1.0, "method": "euler"}, "unknown integrator"),
        ({"t": 1.0, "mass": np.zeros(64)}, "positive number a node"),
        ({"t": 1.0, "mass": np.ones(3)}, "positive number a node"),
    ],
)
def test_unusable_settings(settings, message):
    with pytest.raises(meshrep.InputError, match=message):
        meshrep.integrate(heat("lattice:8x8"), **settings)
