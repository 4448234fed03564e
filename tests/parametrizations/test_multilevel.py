"""Multilevel variables: they are the preconditioner that they are said to be."""

import numpy as np
import pytest
from linear_variables import (
    NUMPY,
    check_backend,
    check_fixed,
    check_pullback,
    check_start,
    condition,
    energies,
    matrix_of,
)
from problems_of_tests import heat, phases

import meshrep
from meshrep.base import limits
from meshrep.base.backends import installed
from meshrep.errors import InputError
from meshrep.numerics.multigrid import prolongations
from meshrep.parametrizations.linear.matrices import stiffness
from meshrep.parametrizations.linear.multilevel import Multilevel

ENERGIES = energies()
BACKENDS = [
    pytest.param(name, marks=[] if installed(name) else pytest.mark.skip(reason=f"no {name}"))
    for name in ("numpy", "numba", "torch")
]


@pytest.mark.parametrize("name", ENERGIES)
def test_it_begins_at_the_start_and_pulls_back(name):
    check_start(Multilevel(2), ENERGIES[name])
    check_pullback(Multilevel(2), ENERGIES[name])


@pytest.mark.parametrize("name", ["held nodes", "positions"])
def test_fixed_nodes_stay(name):
    check_fixed(Multilevel(2), ENERGIES[name])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize("name", ENERGIES)
def test_every_back_end_agrees(name, kind, dtype):
    check_backend(Multilevel(2), ENERGIES[name], kind, dtype)


@pytest.mark.slow
def test_threads_change_nothing(monkeypatch):
    pytest.importorskip("numba")

    monkeypatch.setattr(limits, "THREADS_FROM", 1)
    check_backend(Multilevel(2), ENERGIES["baths"], "numba", "float64")


def test_it_is_the_preconditioner_of_bramble_pasciak_and_xu():
    energy = heat("lattice:9x7", power=2)
    H = energy.hessian(energy.random_start(0)).toarray()
    J = matrix_of(Multilevel(3), energy)
    expected, composed = np.zeros_like(H), np.eye(energy.graph.n)
    chain = prolongations(stiffness(energy), 3)
    assert len(chain) >= 2
    for P in [None, *chain]:
        composed = composed if P is None else composed @ P.toarray()
        diagonal = np.diag(composed.T @ H @ composed)
        expected += composed / diagonal @ composed.T
    scale = energy.unit**2 * np.diag(H).mean()
    np.testing.assert_allclose(J @ J.T, scale * expected, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_the_condition_number_hardly_grows_with_the_mesh():
    plain, reached = [], []
    for side in (8, 32):
        energy = heat(f"lattice:{side}x{side}", power=2)
        H = energy.hessian(energy.random_start(0)).toarray()
        plain.append(np.linalg.cond(H))
        reached.append(condition(matrix_of(Multilevel(), energy), H))
    assert plain[1] > 12 * plain[0]  # it is a hard problem, and gets harder
    assert reached[1] / reached[0] < (plain[1] / plain[0]) ** 0.5
    assert reached[1] < plain[1] / 20


def test_steps_grow_less_than_those_in_the_field():
    steps = {}
    for side in (16, 64):
        energy = heat(f"lattice:{side}x{side}", power=2)
        best = meshrep.solve(energy, "newton").energy
        for solver in ("lbfgs", "multilevel"):
            history = meshrep.solve(energy, solver).history
            below = np.array(history.energy) <= best + 1e-6 * abs(best)
            steps[solver, side] = history.step[int(below.argmax())]
            assert below.any()
    growth = {name: steps[name, 64] / steps[name, 16] for name in ("lbfgs", "multilevel")}
    assert growth["multilevel"] < 0.75 * growth["lbfgs"]
    assert steps["multilevel", 64] < steps["lbfgs", 64] / 3


@pytest.mark.parametrize("solver", ["multilevel", "multilevel-adam"])
@pytest.mark.parametrize("kind", ["quartic", "dirichlet"])
def test_it_reaches_the_minimum(solver, kind):
    energy = heat("lattice:12x12", kind=kind)
    best = meshrep.solve(energy, "newton").energy
    found = meshrep.solve(energy, solver)
    assert found.energy <= best + 1e-7 * abs(best)


def test_components_and_lone_nodes_are_served():
    edges = [[0, 1], [1, 2], [2, 3], [4, 5], [5, 6]]  # and node 7
    graph = meshrep.Graph.from_edges(8, np.array(edges))
    energy = meshrep.HeatBath(graph, hot=[0, 7], cold=[4], power=2, t_hot=2.0)
    found = meshrep.solve(energy, "multilevel")
    np.testing.assert_allclose(found.field, [2, 2, 2, 2, 0, 0, 0, 2], atol=1e-6)


def test_a_flat_direction_is_left_alone():
    energy = phases("Kuramoto", "lattice:8x8")
    start = 0.3 * np.random.default_rng(0).standard_normal(64)
    found = meshrep.solve(energy, "multilevel", start=start)
    assert found.energy == pytest.approx(-112.0, abs=1e-6)
    assert abs(found.field).max() < 10.0


def test_random_phases_go_down():
    energy = phases("Kuramoto", "lattice:8x8")
    found = meshrep.solve(energy, "multilevel", seed=1)
    assert found.energy < found.start_energy
    assert found.grad_norm < 1e-5


def test_prolongations_are_kept_and_scales_renewed():
    energy, recipe = heat("lattice:8x8"), Multilevel(4)
    one, two = energy.random_start(0), energy.random_start(1)
    first = recipe.build(energy, one, NUMPY, 0).root
    second = recipe.build(energy, two, NUMPY, 0).root
    fresh = Multilevel(4).build(energy, two, NUMPY, 0).root
    assert abs(first.scales[0] - second.scales[0]).max() > 0.0
    for kept, made in zip(second.scales, fresh.scales, strict=True):
        np.testing.assert_array_equal(kept, made)
    other = heat("lattice:6x6")
    assert recipe.build(other, other.random_start(0), NUMPY, 0).root.sizes[0] == 36


def test_it_needs_a_level():
    with pytest.raises(InputError, match="coarsest level"):
        Multilevel(0)
    with pytest.raises(InputError, match=r"whole number of 1 or more, not 1\.5"):
        Multilevel(1.5)
