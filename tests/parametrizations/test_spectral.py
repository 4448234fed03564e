"""The spectral filter: what it approximates, and what it does to the condition number."""

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
from numpy.polynomial.chebyshev import chebval
from problems_of_tests import heat

import meshrep
from meshrep.base import limits
from meshrep.base.backends import installed
from meshrep.errors import InputError
from meshrep.parametrizations.linear.filters import chebyshev
from meshrep.parametrizations.linear.spectral import Spectral, fitted

ENERGIES = energies()
BACKENDS = [
    pytest.param(name, marks=[] if installed(name) else pytest.mark.skip(reason=f"no {name}"))
    for name in ("numpy", "numba", "torch")
]


@pytest.mark.parametrize("name", ENERGIES)
def test_it_begins_at_the_start_and_pulls_back(name):
    check_start(Spectral(), ENERGIES[name])
    check_pullback(Spectral(), ENERGIES[name])


@pytest.mark.parametrize("name", ["held nodes", "positions"])
def test_fixed_nodes_stay(name):
    check_fixed(Spectral(), ENERGIES[name])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize("name", ENERGIES)
def test_every_back_end_agrees(name, kind, dtype):
    check_backend(Spectral(), ENERGIES[name], kind, dtype)


@pytest.mark.slow
def test_threads_change_nothing(monkeypatch):
    pytest.importorskip("numba")

    monkeypatch.setattr(limits, "THREADS_FROM", 1)
    check_backend(Spectral(), ENERGIES["baths"], "numba", "float64")


@pytest.mark.parametrize("degree", [4, 8, 16])
def test_the_series_converges_as_chebyshev_s_do(degree):
    low, high = 0.1, 2.0
    x = np.cos(np.linspace(0, np.pi, 500))
    root = (0.5 * (high + low) + 0.5 * (high - low) * x) ** -0.5
    error = abs(chebval(x, chebyshev(low, high, degree)) - root).max()
    rho = (high**0.5 + low**0.5) / (high**0.5 - low**0.5)  # λ^{-1/2} is singular at 0
    assert error <= 4 * low**-0.5 * rho**-degree


def test_left_of_the_interval_it_rises():
    x = np.linspace(-1.2, -1.0, 50)
    p = chebval(x, chebyshev(0.1, 2.0, 8))
    assert (np.diff(p) < 0).all()
    assert p[-1] == pytest.approx(0.1**-0.5, rel=0.02)


def test_the_map_is_the_root_of_the_hessian():
    energy = heat("lattice:5x5", power=2, strength=2.0)
    H = energy.hessian(energy.random_start(0)).toarray()
    J = matrix_of(Spectral(40), energy)
    scale = energy.unit**2 * np.diag(H).mean()
    np.testing.assert_allclose(J @ J.T / scale, np.linalg.inv(H), rtol=1e-3, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("degree", [4, 8, 16])
def test_the_condition_number_falls_with_the_square_of_the_degree(degree):
    energy = heat("lattice:30x30", power=2)
    H = energy.hessian(energy.random_start(0)).toarray()
    reached = condition(matrix_of(Spectral(degree), energy), H)
    best = np.linalg.cond(H) / (2 * degree + 1) ** 2  # of any polynomial
    assert reached < max(4 * best, 2.0)


def test_a_fit_is_positive_on_the_spectrum():
    for least in (1e-6, 1e-2, 0.5):
        low, high, series = fitted(least, 2.0, 8)
        at = np.linspace(1e-9, 2.0, 1000)
        assert (chebval((2 * at - high - low) / (high - low), series) > 0).all()
        assert least <= low or least == 1e-6
        assert high == 2.0


@pytest.mark.parametrize("solver", ["spectral", "spectral-adam"])
@pytest.mark.parametrize("kind", ["quartic", "dirichlet"])
def test_it_reaches_the_minimum(solver, kind):
    energy = heat("lattice:12x12", kind=kind)
    best = meshrep.solve(energy, "newton").energy
    found = meshrep.solve(energy, solver)
    assert found.energy <= best + 1e-7 * abs(best)


def test_the_degree_is_a_choice():
    energy = heat("lattice:8x8")
    assert meshrep.solve(energy, "spectral", degree=3).energy > 0
    with pytest.raises(InputError, match="degree"):
        meshrep.solve(energy, "spectral", degree=0)
    with pytest.raises(InputError, match="degree"):
        Spectral(0)
