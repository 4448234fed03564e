"""What "converged" says where weights differ much, and where gradients are infinite."""

import numpy as np
import pytest
from problems_of_tests import SOLVERS, graph_of, heat
from scipy import sparse

import meshrep
from meshrep import Result, Stopping
from meshrep.minimisers import gap
from meshrep.minimisers.gap import relative_gap
from meshrep.minimisers.monitor import Monitor
from meshrep.numerics.conjugate_gradients import conjugate_gradients


def path(weights):
    return meshrep.Graph(len(weights) + 1, [(i, i + 1) for i in range(len(weights))], weights)


def resistors(factor, every):
    """A path from 1 to 0, some of whose 39 edges are heavy, and its least energy ½ / Σ 1/a."""
    weights = np.ones(39)
    weights[5::every] *= factor
    return meshrep.HeatBath(path(weights), [0], [39], kind="dirichlet"), 0.5 / (1 / weights).sum()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("factor", "every"), [(1e8, 2), (1e10, 40)])
def test_heavy_edges_hide_no_gap(solver, factor, every):
    energy, least = resistors(factor, every)
    found = meshrep.solve(energy, solver, max_steps=3000, max_seconds=2.0)
    assert found.energy / least - 1 <= 1e-6 or found.result is not Result.CONVERGED
    if solver == "newton":
        assert found.result is Result.CONVERGED and found.energy == pytest.approx(least, rel=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("factor", [1e-10, 1e4, 1e12, 1e16])
@pytest.mark.parametrize("every", [1, 2, 10, 40])
def test_no_weight_hides_a_gap(solver, factor, every):
    energy, least = resistors(factor, every)
    found = meshrep.solve(energy, solver, max_steps=20_000, max_seconds=1.0)
    assert found.energy / least - 1 <= 1e-6 or found.result is not Result.CONVERGED


def test_a_gap_that_cannot_be_computed_is_large(monkeypatch):
    monkeypatch.setattr(gap, "_newton_gap", lambda *_: np.inf)
    energy = heat("lattice:6x6")
    assert relative_gap(energy, energy.random_start(0), 1.0) == np.inf


def test_an_energy_that_is_not_known_to_be_convex_has_a_gap_too():
    graph = resistors(1e10, 2)[0].graph
    spring = (lambda d: 0.5 * d * d, lambda d: d, lambda d: 1.0)
    wells = (lambda w: 1e-3 * w**4, lambda w: 4e-3 * w**3, lambda w: 12e-3 * w**2)
    energy = meshrep.EdgeEnergy(graph, spring, wells)
    w = np.full(graph.n, 1.0)
    assert relative_gap(energy, w, energy.value(w)) > 0.5
    assert np.isnan(relative_gap(meshrep.Kuramoto(graph_of("lattice:4x4")), np.arange(16.0), 0.0))


def test_a_minimum_of_0_is_reached_and_heavy_edges_are_not_its_size():
    level = heat("lattice:6x6", t_hot=1.0, t_cold=1.0, kind="quadratic")
    start = level.random_start(0) + np.linspace(0, 1, 36)
    for solver in ("newton", "lbfgs", "gd"):
        found = meshrep.solve(level, solver, start=start)
        assert found.result is Result.CONVERGED and found.energy <= 1e-12 * found.start_energy
    energy, least = resistors(1e10, 40)
    w = meshrep.solve(energy, "newton").field
    w[20] += 0.05  # whose energy is 1e-13 of that of a start where the heavy edge is stretched
    above = energy.value(w) / least - 1
    assert relative_gap(energy, w, 1e13) == pytest.approx(above, rel=1e-4) and above > 0.1


@pytest.mark.parametrize("kind", ["direct", "amg", "jacobi"])
def test_stiff_noise_does_not_hide_a_soft_gap(kind, monkeypatch):
    """The residual of heavy edges is 10⁵ times that of the soft directions with all the energy."""
    graph, rng = graph_of("er:1000"), np.random.default_rng(1)
    weights = np.where(rng.random(graph.m) < 0.5, 1e8, 1.0)
    energy = meshrep.HeatBath(
        graph.with_weights(weights), [0], [999], kind="quadratic", unbathed="hold"
    )
    matrix = energy.hessian(np.zeros(1000))[energy.free][:, energy.free]
    soft = sparse.linalg.spsolve(sparse.csc_matrix(matrix), rng.standard_normal(matrix.shape[0]))
    error = soft + 1e-8 * rng.standard_normal(len(soft))
    monkeypatch.setattr(gap, "choose", lambda matrix: (kind, ""))
    found = gap._newton_gap(sparse.csr_array(matrix), matrix @ error)
    assert found == pytest.approx(0.5 * error @ (matrix @ error), rel=0.05)


def test_conjugate_gradients_say_that_they_did_not_arrive():
    matrix = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(40, 40)).tocsr()
    answer = conjugate_gradients(lambda v: matrix @ v, np.ones(40), 1e-9, most=3)
    assert answer.positive and not answer.reached
    assert conjugate_gradients(lambda v: matrix @ v, np.ones(40), 1e-9).reached


def test_the_judge_of_heat_keeps_light_edges_beside_heavy_ones():
    energy = meshrep.HeatBath(path([1e16, 1.0, 1e16]), [0], [3], kind="dirichlet")
    w = np.array([1.0, 1.0, 0.0, 0.0])
    w[1:3] = 0.9, 0.9 - 1 / 3
    w[0] = 0.9  # the judge takes any field
    value = 0.5 * (1 / 3) ** 2 + 0.5e16 * (0.9 - 1 / 3) ** 2
    assert energy.value(w) == pytest.approx(value, rel=1e-14)
    w[3] = w[2]
    assert energy.value(w) == pytest.approx(0.5 * (1 / 3) ** 2, rel=1e-14)
    assert abs(energy.gradient(w)[1:3]) == pytest.approx([1 / 3, 1 / 3], rel=1e-14)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numbers near infinity
def test_an_infinite_gradient_or_scale_has_not_converged():
    x = np.zeros(3)
    assert Monitor(Stopping(), np.inf).record(0, 1.0, x, np.inf) is None
    assert Monitor(Stopping(), np.inf).record(0, 1.0, x, 1.0) is None
    assert Monitor(Stopping(), 1.0).record(0, 1.0, x, 0.0) is Result.CONVERGED
    heavy = heat("lattice:4x4")
    graph = heavy.graph.with_weights(np.full(heavy.graph.m, 1e300))
    energy = meshrep.HeatBath(graph, heavy.hot, heavy.cold)
    assert np.isfinite(energy.gradient_scale(energy.random_start(0)))
