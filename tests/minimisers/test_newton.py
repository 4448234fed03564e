"""Newton's method: convex heat, saddles on the way down, and what "auto" chooses."""

import numpy as np
import pytest
from problems_of_tests import heat

import meshrep
from meshrep import Result, Solver, Stopping
from meshrep.base.backends import NumpyBackend
from meshrep.graphs.operators import laplacian
from meshrep.minimisers.base import Objective
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.monitor import Monitor
from meshrep.minimisers.newton import Newton
from meshrep.numerics.linear_solvers import choose


def xy_spins(xp):
    return lambda d: 1 - xp.cos(d), lambda d: xp.sin(d), lambda d: xp.cos(d)


def spring(xp):
    return lambda d: 0.5 * d * d, lambda d: d, lambda d: 1 + 0 * d


def run(energy, minimiser, start, gtol=1e-10, steps=500):
    objective = Objective(energy, start, NumpyBackend(jit=False))
    monitor = Monitor(Stopping(max_steps=steps, gtol=gtol), energy.gradient_scale(start))
    outcome = minimiser.minimise(objective, monitor)
    field = objective.field(outcome.params)
    return outcome, field, np.linalg.norm(energy.gradient(field)) / monitor.scale


@pytest.mark.parametrize("baths", ["ends", "random"])
@pytest.mark.parametrize("start", ["random", "at T", "level at T"])
def test_quartic_heat_takes_about_ten_steps(baths, start):
    energy = heat("lattice:40x40", baths)
    w = energy.random_start(3) if start != "level at T" else np.full(energy.graph.n, 0.5)
    if start != "random":
        w[energy.nodes] = energy.targets  # the bath's Hessian vanishes there
    outcome, _, norm = run(energy, Newton(), w, gtol=1e-12)
    assert outcome.result is Result.CONVERGED and outcome.steps <= 12 and norm <= 1e-12
    assert (np.diff(outcome.history.energy) <= 1e-13).all()


def test_extreme_temperatures_and_strengths():
    for settings in ({"t_hot": 301.0, "t_cold": 300.0}, {"t_hot": 1e4}, {"strength": 1e6}):
        energy = heat("lattice:20x20", **settings)
        outcome, _, norm = run(energy, Newton(), energy.random_start(0), gtol=1e-12)
        assert outcome.result is Result.CONVERGED and norm <= 1e-12 and outcome.steps < 40


@pytest.mark.parametrize("seed", range(3))
def test_a_minimum_without_curvature_is_approached_faster_than_by_plain_steps(seed):
    """With a hot bath alone, at T = 0, plain Newton steps would multiply (w−T)⁴ by (2/3)⁴.

    T is 0 because the field then keeps all its digits near T. With T = 1 the energies of the last
    steps would be rounding.
    """
    energy = meshrep.HeatBath(meshrep.graph_from("lattice:8x8"), hot=[0, 5], t_hot=0.0)
    outcome, field, _ = run(energy, Newton(), energy.random_start(seed), gtol=1e-12)
    assert outcome.result is Result.CONVERGED
    np.testing.assert_allclose(field, 0.0, atol=1e-5)
    late = np.array(outcome.history.energy[6:])
    assert len(late) > 8
    assert (late[1:] < 0.51 * (2 / 3) ** 4 * late[:-1]).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_minimum_without_curvature_is_found_to_rounding(seed):
    energy = meshrep.HeatBath(meshrep.graph_from("lattice:8x8"), hot=[0, 5])
    outcome, field, norm = run(energy, Newton(), energy.random_start(seed), gtol=1e-12)
    assert outcome.result is Result.CONVERGED and norm <= 1e-12
    np.testing.assert_allclose(field, 1.0, atol=1e-3)


def test_a_step_that_still_falls_steeply_is_lengthened():
    """½ Σ (w_i − w_j)² + Σ w_i⁴ from w = 1, where a plain step goes a third of the way to 0."""

    def wall(xp):
        return lambda w: w**4, lambda w: 4 * w**3, lambda w: 12 * w**2

    energy = meshrep.EdgeEnergy(meshrep.graph_from("ring:12"), spring, wall, convex=True)
    outcome, _, _ = run(energy, Newton(), np.ones(12), steps=1)
    assert 0 < outcome.params.max() < 0.4  # a plain step ends at 1 − ⅓


def test_strip_baths_take_no_more_than_ten_steps_by_multigrid():
    """This is hard, because inside a strip the bath's curvature decays like 1 / depth²."""
    pytest.importorskip("numba")
    graph = meshrep.graph_from("lattice:90x60")
    nodes = np.arange(graph.n)
    energy = meshrep.HeatBath(graph, nodes[:540], nodes[-540:])
    fields = []
    for linear in ("amg", "direct"):
        outcome, field, norm = run(energy, Newton(linear), energy.random_start(0), gtol=1e-12)
        assert outcome.result is Result.CONVERGED and norm <= 1e-12 and outcome.steps <= 10
        fields.append(field)
    np.testing.assert_allclose(fields[0], fields[1], atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("signs", ["ferromagnet", "spin glass"])
@pytest.mark.parametrize("linear", ["auto", "direct", "jacobi", "cg"])
def test_spins_from_random_phases_reach_a_minimum(signs, linear):
    graph = meshrep.graph_from("lattice:12x12")
    rng = np.random.default_rng(1)
    if signs == "spin glass":
        graph = graph.with_weights(rng.choice([-1.0, 1.0], graph.m))
    energy = meshrep.EdgeEnergy(graph, xy_spins)
    outcome, field, norm = run(energy, Newton(linear), rng.uniform(0, 2 * np.pi, graph.n))
    assert outcome.result is Result.CONVERGED and norm <= 1e-10
    past = np.array(outcome.history.energy)
    assert (np.diff(past) <= 1e-12 * np.abs(past[:-1]) + 1e-13).all()
    assert np.linalg.eigvalsh(energy.hessian(field).toarray()).min() > -1e-6


@pytest.mark.parametrize("linear", ["auto", "direct", "amg", "jacobi", "cg"])
def test_components_and_isolated_nodes_without_fixed_nodes(linear):
    if linear == "amg":
        pytest.importorskip("numba")
    pairs = [[k, k + 1] for k in [*range(10), *range(20, 30)]]
    energy = meshrep.EdgeEnergy(meshrep.Graph.from_edges(40, pairs), spring, convex=True)
    start = np.random.default_rng(0).random(40)
    outcome, field, _ = run(energy, Newton(linear), start, gtol=1e-11)
    assert outcome.result is Result.CONVERGED
    assert np.ptp(field[:11]) < 1e-8 and np.ptp(field[20:31]) < 1e-8  # constant, at any value
    np.testing.assert_array_equal(field[31:], start[31:])


def test_a_convex_energy_not_declared_convex_changes_to_shifted_systems():
    energy = heat("lattice:60x60")
    energy.convex = False
    outcome, _, _ = run(energy, Newton(), energy.random_start(0), gtol=1e-11)
    assert outcome.result is Result.CONVERGED and outcome.steps < 20
    assert "truncated" in outcome.notes[0] and "sparse LU" in outcome.notes[1]


def test_a_run_that_reaches_rounding_is_flat_and_not_converged():
    energy = heat("lattice:20x20")
    for minimiser in (Newton(), LBFGS()):
        outcome, _, norm = run(energy, minimiser, energy.random_start(0), gtol=1e-30, steps=2000)
        assert outcome.result is Result.FLAT and 0 < norm < 1e-8


def test_auto_uses_plain_cg_on_graphs_without_separators():
    random = laplacian(meshrep.graph_from("er:4000:degree=6").adjacency)
    kind, why = choose(random)
    assert kind == "jacobi" and "no small separators" in why


def test_steps_to_nan_are_shortened():
    """The energy −log w is NaN for w < 0."""

    def barrier(xp):
        return lambda w: 0.01 * w - xp.log(w), lambda w: 0.01 - 1 / w, lambda w: 1 / w**2

    energy = meshrep.EdgeEnergy(meshrep.graph_from("lattice:6x6"), spring, barrier, convex=True)
    start = np.random.default_rng(0).uniform(1e-3, 1, 36)
    with np.errstate(all="ignore"):
        for minimiser in (Newton(), Newton("cg"), LBFGS()):
            _, field, norm = run(energy, minimiser, start, gtol=1e-9)
            np.testing.assert_allclose(field, 100.0, rtol=1e-4)
            assert norm < 1e-8


def test_direct_systems_need_a_sparse_hessian():
    graph = meshrep.graph_from("ring:6")
    bowl = meshrep.FunctionEnergy(graph, lambda w: (float((w * w).sum()), 2 * w))
    with pytest.raises(meshrep.InputError, match="no sparse Hessian"):
        meshrep.solve(bowl, Solver(Newton("direct")))
