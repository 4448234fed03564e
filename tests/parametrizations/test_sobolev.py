"""Sobolev variables and Adam with one second moment, after Nicolet, Jacobson and Jakob."""

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
from problems_of_tests import heat

import meshrep
from meshrep.base import limits
from meshrep.base.backends import NumpyBackend, installed
from meshrep.errors import InputError
from meshrep.minimisers.base import Objective
from meshrep.minimisers.first_order import UniformAdam
from meshrep.numerics.rules import UNIFORM, Memory, advance_arrays
from meshrep.parametrizations.linear.matrices import stiffness
from meshrep.parametrizations.linear.sobolev import Sobolev

ENERGIES = energies()
POWERS = [1.0, 0.5]
BACKENDS = [
    pytest.param(name, marks=[] if installed(name) else pytest.mark.skip(reason=f"no {name}"))
    for name in ("numpy", "numba", "torch")
]


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("name", ENERGIES)
def test_it_begins_at_the_start_and_pulls_back(name, power):
    check_start(Sobolev(power=power), ENERGIES[name])
    check_pullback(Sobolev(power=power), ENERGIES[name])


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("name", ["held nodes", "positions"])
def test_fixed_nodes_stay(name, power):
    check_fixed(Sobolev(power=power), ENERGIES[name])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize("name", ["held nodes", "positions"])
def test_every_back_end_agrees(name, kind, dtype):
    check_backend(Sobolev(), ENERGIES[name], kind, dtype)


def test_it_is_the_dense_solve():
    energy = heat("lattice:6x5", power=2)
    L = stiffness(energy).toarray()
    shifted = np.eye(30) + 7.0 / np.diag(L).mean() * L
    J = matrix_of(Sobolev(7.0), energy)
    np.testing.assert_allclose(J, 8.0 * energy.unit * np.linalg.inv(shifted), rtol=1e-9, atol=1e-9)


def test_the_half_is_its_root():
    energy = heat("lattice:6x5", power=2)
    whole, half = (matrix_of(Sobolev(50.0, power), energy) for power in POWERS)
    unit = energy.unit
    np.testing.assert_allclose(half @ half.T / unit**2, whole / unit, rtol=0.05, atol=0.02)


@pytest.mark.slow
def test_the_half_conditions_better():
    energy = heat("lattice:16x16", power=2)
    H = energy.hessian(energy.random_start(0)).toarray()
    whole, half = (condition(matrix_of(Sobolev(100.0, power), energy), H) for power in POWERS)
    assert half < whole / 3
    assert half < np.linalg.cond(H) / 3


@pytest.mark.parametrize("solver", ["sobolev", "sobolev-adam", "sobolev-half"])
def test_it_reaches_the_minimum(solver):
    energy = heat("lattice:10x10")
    best = meshrep.solve(energy, "newton").energy
    assert meshrep.solve(energy, solver).energy <= best + 1e-5 * abs(best)


def test_what_it_refuses(monkeypatch):
    with pytest.raises(InputError, match="positive"):
        Sobolev(0.0)
    with pytest.raises(InputError, match="unknown power"):
        Sobolev(power="two")
    monkeypatch.setattr(limits, "SOBOLEV_FACTORED_UP_TO", 20)
    with pytest.raises(InputError, match="take multilevel"):
        meshrep.solve(heat("lattice:5x5"), "sobolev")


def uniform(x, gradients, lr, beta1, beta2, eps):
    """The rule as it is written, on plain arrays."""
    m, v = np.zeros_like(x), np.zeros_like(x)
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        largest = np.sqrt(v / (1 - beta2**t)).max()
        x = x - lr * (m / (1 - beta1**t)) / (largest + eps)
    return x


@pytest.mark.parametrize("kind", ["arrays", *BACKENDS[1:]])
def test_adam_with_one_second_moment_is_its_formula(kind):
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal(30), rng.standard_normal((6, 30))
    expected = uniform(start, gradients, 0.1, 0.8, 0.95, 1e-8)

    def memory(zeros):
        return Memory(UNIFORM, 0.1, 0.8, 0.95, 1e-8, zeros, zeros + 0, zeros + 0, taken=np.zeros(2))

    if kind == "torch":
        import torch

        x = torch.tensor(start)
        s = memory(torch.zeros_like(x))
        for g in gradients:
            advance_arrays(x, torch.tensor(g), s)
        x = x.numpy()
    else:
        x, s = start.copy(), memory(np.zeros(30))
        for g in gradients:
            if kind == "arrays":
                advance_arrays(x, g, s)
            else:
                from meshrep.kernels.updates import advance

                advance(x, g, s.m, s.v, s.rule, s.lr, s.beta1, s.beta2, s.eps, s.taken)
    np.testing.assert_allclose(x, expected, rtol=1e-12)


def test_its_first_step_keeps_the_direction_of_the_gradient():
    energy = heat("lattice:5x5")
    objective = Objective(energy, energy.random_start(0), NumpyBackend())
    adam = UniformAdam(lr=0.1)
    from meshrep.minimisers.monitor import Monitor, Stopping

    gradient = energy.gradient(energy.random_start(0))
    outcome = adam.minimise(objective, Monitor(Stopping(max_steps=1)))
    moved = outcome.params - objective.start
    np.testing.assert_allclose(moved, -0.1 * gradient / abs(gradient).max(), rtol=1e-6)
