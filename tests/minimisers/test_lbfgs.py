"""L-BFGS against the printed recursion, its line search against its conditions, and how it ends."""

import math

import numpy as np
import pytest
from problems_of_tests import OSCILLATORS, PROBLEMS, heat, mostly_slow

import meshrep
from meshrep import Result, Solver, Stopping
from meshrep.base import limits
from meshrep.base.backends import NumpyBackend, backend_for, installed
from meshrep.minimisers import lbfgs, quasi_newton
from meshrep.minimisers.base import Objective
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.line_search import FALL, LEVEL, SLOPE_FALL, search
from meshrep.minimisers.monitor import Monitor
from meshrep.minimisers.scipy_lbfgs import ScipyLBFGS

BACKENDS = ["numpy", *(name for name in ("numba", "torch") if installed(name))]


def run(energy, minimiser=None, start=None, backend=None, **rule):
    start = energy.random_start(0) if start is None else start
    objective = Objective(energy, start, backend or NumpyBackend())
    monitor = Monitor(Stopping(**rule), energy.gradient_scale(start))
    outcome = (minimiser or LBFGS()).minimise(objective, monitor)
    return outcome, objective.field(outcome.params)


def printed(gradient, steps, differences, gamma):
    """−H g by the two loops of Nocedal (1980), on whole vectors."""
    q, alpha = gradient.copy(), []
    for s, y in zip(reversed(steps), reversed(differences), strict=True):
        alpha.append((s @ q) / (s @ y))
        q -= alpha[-1] * y
    r = gamma * q
    for s, y, a in zip(steps, differences, reversed(alpha), strict=True):
        r += s * (a - (y @ r) / (s @ y))
    return -r


def dense(steps, differences, first):
    """H by updating a dense matrix pair by pair (Nocedal and Wright, 6.17)."""
    H = first
    for s, y in zip(steps, differences, strict=True):
        V = np.eye(len(s)) - np.outer(y, s) / (s @ y)
        H = V.T @ H @ V + np.outer(s, s) / (s @ y)
    return H


def walk(count, memory, backend, precondition=None, p=40):
    """The directions of a run on a quadratic, with what a slow twin needs to compute them."""
    rng = np.random.default_rng(5)
    A = rng.standard_normal((p, p))
    A = A @ A.T + np.eye(p)
    x = rng.standard_normal(p)
    pairs = quasi_newton.pairs(memory, backend, backend.asarray(A @ x), precondition)
    pairs.gamma = 0.01
    steps, differences, found = [], [], []
    for k in range(count):
        trial = backend.zeros(p)
        slope = pairs.aim(backend.asarray(x), trial)
        d = backend.to_numpy(trial) - x
        found.append((d, slope, A @ x, list(steps), list(differences)))
        alpha = 1.0 if k % 3 else 0.3
        pairs.place(backend.asarray(x), alpha, trial)
        np.testing.assert_allclose(backend.to_numpy(trial), x + alpha * d, rtol=1e-12)
        steps = [*steps, alpha * d][-memory:]
        differences = [*differences, A @ (alpha * d)][-memory:]
        x = x + alpha * d
        norm = pairs.absorb(backend.asarray(A @ x), alpha)
        assert norm == pytest.approx(float((A @ x) @ (A @ x)), rel=1e-12)
    return found


@pytest.mark.parametrize("memory", [1, 3, 7])
@pytest.mark.parametrize("name", BACKENDS)
def test_directions_agree_with_the_printed_recursion_and_the_dense_matrix(name, memory):
    for d, slope, g, steps, differences in walk(12, memory, backend_for(name, "cpu")):
        gamma = 0.01
        if steps:
            gamma = (steps[-1] @ differences[-1]) / (differences[-1] @ differences[-1])
        np.testing.assert_allclose(d, printed(g, steps, differences, gamma), rtol=1e-7, atol=1e-10)
        H = dense(steps, differences, gamma * np.eye(len(g)))
        np.testing.assert_allclose(d, -H @ g, rtol=1e-7, atol=1e-10)
        assert slope == pytest.approx(float(d @ g), rel=1e-9) and slope < 0


@pytest.mark.parametrize("name", BACKENDS)
def test_a_preconditioner_is_the_first_matrix(name):
    backend = backend_for(name, "cpu")
    M = np.diag(np.linspace(0.5, 3.0, 40))
    found = walk(9, 4, backend, lambda r: backend.asarray(M @ backend.to_numpy(r)))
    for d, _, g, steps, differences in found:
        np.testing.assert_allclose(d, -dense(steps, differences, M) @ g, rtol=1e-7, atol=1e-10)


@pytest.mark.slow
def test_single_precision_pairs_give_nearly_the_same_direction(monkeypatch):
    pytest.importorskip("numba")
    exact = walk(8, 5, NumpyBackend())
    monkeypatch.setattr(limits, "SINGLE_PAIRS_FROM", 1)
    rows = quasi_newton.pairs(2, NumpyBackend(), np.ones(3)).rows
    assert rows.dtype == np.float32
    for (d, *_), (same, *_) in zip(walk_of_single(), exact, strict=True):
        assert np.linalg.norm(d - same) < 1e-4 * np.linalg.norm(same)


def walk_of_single():
    """``walk`` without its check to twelve digits, since d itself is rounded to seven."""
    found = []
    rng = np.random.default_rng(5)
    A = rng.standard_normal((40, 40))
    A = A @ A.T + np.eye(40)
    x = rng.standard_normal(40)
    pairs = quasi_newton.pairs(5, NumpyBackend(), A @ x)
    pairs.gamma = 0.01
    for k in range(8):
        trial = np.zeros(40)
        pairs.aim(x, trial)
        found.append((trial - x,))
        alpha = 1.0 if k % 3 else 0.3
        x = x + alpha * (trial - x)
        pairs.absorb(A @ x, alpha)
    return found


def test_a_pair_with_negative_curvature_is_not_kept():
    for make in (quasi_newton.Pairs, quasi_newton.pairs):
        g, trial = np.array([1.0, -2.0, 0.5]), np.zeros(3)
        pairs = make(4, NumpyBackend(), g)
        pairs.aim(np.zeros(3), trial)
        pairs.absorb(2.0 * g, 1.0)  # the gradient grows along the step: s·y < 0
        assert pairs.count == 0 and pairs.gamma == 1.0
        assert pairs.aim(np.zeros(3), trial) == pytest.approx(-4.0 * float(g @ g))
        pairs.absorb(0.5 * g, 1.0)
        assert pairs.count == 1 and pairs.gamma == pytest.approx(2.0 / 1.5)


@pytest.mark.slow
@pytest.mark.parametrize("p", [1, 511, 5000, 30_000])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_passes_do_not_depend_on_the_number_of_threads(p, dtype):
    numba = pytest.importorskip("numba")
    from meshrep.kernels import lbfgs as kernels

    rng = np.random.default_rng(0)
    rows, g, old, x = (rng.standard_normal(s).astype(dtype) for s in ((6, p), p, p, p))
    ends = {}
    for threads in (1, 2):
        if threads > numba.config.NUMBA_NUM_THREADS:
            pytest.skip("one core")
        numba.set_num_threads(threads)
        r, o, trial = rows.copy(), old.copy(), np.zeros_like(x)
        products, sy, yy = np.zeros(6), np.zeros((3, 3)), np.zeros((3, 3))
        used, weights = np.array([2, 0, 1]), rng.standard_normal(6) * 0 + np.arange(6.0)
        norm = kernels.PARALLEL.absorb(r, used, 0.5, g, o, products, sy, yy)
        slope = kernels.PARALLEL.combine(r, used, weights, -0.7, g, 2, g, x, trial)
        ends[threads] = (norm, slope, r, o, trial, products, sy, yy)
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    for one, two in zip(ends[1], ends[2], strict=True):
        np.testing.assert_array_equal(one, two)
    norm, slope, r, o, trial, products, sy, _ = ends[1]
    rtol = 1e-10 if dtype == "float64" else 1e-3
    y = (g - old).astype(dtype)
    S = rows[:3].copy()
    S[1] *= np.dtype(dtype).type(0.5)
    np.testing.assert_array_equal(r[4], y)
    np.testing.assert_allclose(products[:3], S.astype(float) @ g.astype(float), rtol, 1e-9 * p)
    np.testing.assert_allclose(sy[:, 1], S.astype(float) @ y.astype(float), rtol, 1e-9 * p)
    full = np.vstack([S, rows[3:4], y[None], rows[5:]])
    d = -0.7 * g.astype(float) + np.arange(6.0) @ full.astype(float)
    np.testing.assert_allclose(trial, x + d, rtol, 1e-11 if dtype == "float64" else 1e-4)
    assert slope == pytest.approx(float(d @ g), rel=rtol, abs=1e-4 * p)
    assert norm == pytest.approx(float(g.astype(float) @ g), rel=1e-6)


# The line search


def curves():
    """Random smooth functions of one variable that fall at 0 and rise far from it."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        a, b, c, d = rng.uniform(0, 3, 4) * 10.0 ** rng.uniform(-3, 3, 4)
        w = 10.0 ** rng.uniform(-1, 1)
        yield lambda x, a=a, b=b, c=c, d=d, w=w: (
            -(a + 1e-3) * x + b * x**2 + (c + 1e-6) * x**4 + d * (1 - math.cos(w * x) * 0.5),
            -(a + 1e-3) + 2 * b * x + 4 * (c + 1e-6) * x**3 + 0.5 * d * w * math.sin(w * x),
        )


def test_the_step_satisfies_wolfes_conditions():
    tried = []
    for phi in curves():
        calls = []
        energy, slope = phi(0.0)

        def evaluate(alpha, phi=phi, calls=calls):
            calls.append(alpha)
            return phi(alpha)

        found, good = search(evaluate, energy, slope)
        assert good and found.alpha == calls[-1] and calls[0] == 1.0
        assert phi(found.alpha) == (found.energy, found.slope)
        assert found.energy <= energy + FALL * found.alpha * slope
        assert found.slope >= LEVEL * slope
        tried.append(len(calls))
    assert np.mean(tried) < 4 and max(tried) <= 25


def test_slopes_decide_when_energies_differ_by_rounding():
    """A parabola plus 1 whose fall is below the rounding of its value."""
    for bottom in (0.03, 1.0, 7.0):
        jitter = iter(np.random.default_rng(0).uniform(-1e-13, 1e-13, 50))

        def phi(x, bottom=bottom, jitter=jitter):
            return 1.0 + 1e-15 * (x - bottom) ** 2 + next(jitter), 2e-15 * (x - bottom)

        slope = phi(0.0)[1]
        found, good = search(phi, 1.0, slope, 1e-12, 1.0 + 1e-12)
        assert good and LEVEL * slope <= found.slope <= (2 * SLOPE_FALL - 1) * slope


def test_a_search_backs_away_from_nan():
    for wall in (0.5, 1e-3, 1e-9):

        def phi(x, wall=wall):
            return (math.nan, math.nan) if x >= wall else (-x, -1.0 + (x > 0.5 * wall))

        found, good = search(phi, 0.0, -1.0)
        assert good and 0.5 * wall < found.alpha < wall


def test_a_search_passes_a_kink_and_gives_up_on_a_rise():
    found, good = search(lambda x: (abs(x - 0.3), 1.0 if x > 0.3 else -1.0), 0.3, -1.0)
    assert good and 0.3 < found.alpha < 0.6
    calls = []
    wrong, good = search(lambda x: calls.append(x) or (x, 1.0), 0.0, -1.0)
    assert not good and wrong.alpha == 0.0 and len(calls) <= 60


# The minimiser


@pytest.mark.parametrize("name", BACKENDS)
def test_the_path_is_the_same_on_every_back_end(name):
    energy = PROBLEMS["quartic random"]()
    plain = run(energy, backend=NumpyBackend(jit=False), max_steps=15, gtol=0.0)[0]
    other = run(energy, backend=backend_for(name, "cpu"), max_steps=15, gtol=0.0)[0]
    np.testing.assert_allclose(other.history.energy, plain.history.energy, rtol=1e-8)


def test_without_numba_it_is_the_same(monkeypatch):
    energy = PROBLEMS["quartic ends"]()
    fast = run(energy, gtol=1e-9)[1]
    monkeypatch.setattr(quasi_newton, "installed", lambda package: False)
    outcome, field = run(energy, backend=NumpyBackend(jit=False), gtol=1e-9)
    assert outcome.result is Result.CONVERGED
    np.testing.assert_allclose(field, fast, atol=1e-7)


def test_a_quadratic_with_three_eigenvalues_takes_few_steps():
    """With accurate line searches and enough pairs, BFGS is the method of conjugate gradients."""
    scales = np.repeat([1.0, 3.0, 10.0], 20)
    graph = meshrep.graph_from("ring:60")
    bowl = meshrep.FunctionEnergy(
        graph, lambda w: (0.5 * float(scales @ (w * w)), scales * w), convex=True
    )
    outcome, field = run(bowl, LBFGS(memory=10), gtol=1e-9)
    assert outcome.result is Result.CONVERGED and outcome.steps <= 25
    assert np.abs(field).max() < 1e-7


def ill_conditioned(p=400):
    scales = np.logspace(0, 6, p)
    graph = meshrep.graph_from(f"ring:{p}")
    bowl = meshrep.FunctionEnergy(
        graph, lambda w: (0.5 * float(scales @ ((w - 1) ** 2)), scales * (w - 1)), convex=True
    )
    return bowl, scales


def test_a_preconditioner_saves_most_of_the_steps():
    bowl, scales = ill_conditioned()
    rough = scales * np.random.default_rng(0).uniform(0.5, 2, len(scales))
    plain, _ = run(bowl, LBFGS(), gtol=1e-9)
    better, field = run(bowl, LBFGS(precondition=lambda r: r / rough), gtol=1e-9)
    assert better.result is Result.CONVERGED and better.steps < 0.1 * plain.steps
    np.testing.assert_allclose(field, 1.0, atol=1e-6)


@pytest.mark.parametrize("name", mostly_slow(3, PROBLEMS))
def test_it_ends_where_scipy_does_in_about_as_many_steps(name):
    energy = PROBLEMS[name]()
    ours, field = run(energy, LBFGS(), gtol=1e-8)
    theirs, other = run(energy, ScipyLBFGS(), gtol=1e-8)
    assert ours.result is Result.CONVERGED
    assert energy.value(field) <= energy.value(other) + 1e-10 * abs(energy.value(other))
    assert ours.steps <= 1.5 * theirs.steps + 5 and ours.evaluations <= 1.3 * ours.steps + 12


@pytest.mark.parametrize("name", list(OSCILLATORS))
def test_energies_never_rise_beyond_rounding(name):
    energy = OSCILLATORS[name]()
    outcome, _ = run(energy, gtol=1e-9)
    energies = np.array(outcome.history.energy)
    lowest = np.minimum.accumulate(energies)
    assert (energies <= lowest + 1.01e-12 * np.abs(lowest) + 1e-15).all()


@pytest.mark.parametrize("name", ["kuramoto", "gaussian glass", "hopf"])
def test_it_converges_when_the_energy_changes_only_by_rounding(name):
    """From a minimum displaced by 1e-7 the energy changes only by rounding all the way."""
    energy = OSCILLATORS[name]()
    _, minimum = run(energy, gtol=1e-11, max_steps=3000)
    shaken = minimum + 1e-7 * np.random.default_rng(2).standard_normal(len(minimum))
    outcome, _ = run(energy, start=shaken, gtol=1e-10)
    assert outcome.result is Result.CONVERGED and not outcome.notes
    assert outcome.steps > 5 and outcome.evaluations < 1.3 * outcome.steps + 12


def test_a_run_that_reaches_rounding_is_flat():
    energy = heat("lattice:12x12")
    outcome, _ = run(energy, gtol=1e-30)
    assert outcome.result is Result.FLAT
    assert outcome.history.grad_norm[-1] < 1e-9


@pytest.mark.slow
def test_single_precision():
    energy = heat("lattice:12x12")
    exact = meshrep.solve(energy, "newton").energy
    for name in BACKENDS:
        solver = Solver(LBFGS(), stopping=Stopping(gtol=1e-5), backend=name)
        found = meshrep.solve(energy, solver, dtype="float32", device="cpu")
        assert found.energy == pytest.approx(exact, rel=1e-5), name
        assert found.result is Result.CONVERGED, name


def test_a_run_that_ends_at_a_kink_has_a_note():
    graph = meshrep.graph_from("ring:6")
    kink = meshrep.FunctionEnergy(graph, lambda w: (1 + float(abs(w).sum()), np.sign(w)))
    kink.smooth = False
    outcome, field = run(kink, gtol=1e-9, max_steps=5000)
    assert outcome.result in (Result.STALLED, Result.FLAT)
    assert any("not smooth" in note for note in outcome.notes)
    assert np.abs(field).max() < 1e-3


def test_a_start_with_energy_nan_diverges_at_once():
    graph = meshrep.graph_from("ring:6")
    energy = meshrep.FunctionEnergy(graph, lambda w: (float(np.log(w).sum()), 1 / w))
    with np.errstate(all="ignore"):
        outcome, _ = run(energy, start=-np.ones(6), gtol=1e-9)
    assert outcome.result is Result.DIVERGED and outcome.steps == 0


def test_an_energy_without_lower_bound_ends():
    graph = meshrep.graph_from("ring:6")
    energy = meshrep.FunctionEnergy(graph, lambda w: (-float((w**3).sum()), -3 * w**2))
    with np.errstate(all="ignore"):
        outcome, _ = run(energy, start=np.ones(6), max_steps=200)
    assert outcome.result is not Result.CONVERGED
    assert np.isfinite(outcome.history.energy).all()


def test_limits_and_ctrl_c():
    energy = heat("lattice:30x30")
    outcome, _ = run(energy, max_steps=7, gtol=0.0)
    assert outcome.result is Result.MAX_STEPS and outcome.steps == 7

    def interrupt(progress):
        if progress.step >= 15:
            raise KeyboardInterrupt

    objective = Objective(energy, energy.random_start(0), NumpyBackend())
    monitor = Monitor(Stopping(gtol=0.0), observe=interrupt)
    monitor.observe_every = 0.0
    outcome = LBFGS().minimise(objective, monitor)
    assert outcome.result is Result.INTERRUPTED
    assert energy.value(objective.field(outcome.params)) < outcome.history.energy[0]


def test_gradients_may_be_overwritten_by_the_next_call():
    """A run whose evaluations all write the gradient to one array takes the same path."""
    energy = heat("lattice:12x12")
    straight = run(energy, max_steps=40, gtol=0.0)[0]
    objective = Objective(energy, energy.random_start(0), NumpyBackend())
    shared, inner = np.zeros(144), objective.evaluator.value_and_grad

    def value_and_grad(w):
        value, gradient = inner(w)
        shared[:] = gradient
        return value, shared

    objective.evaluator.value_and_grad = value_and_grad
    outcome = LBFGS().minimise(objective, Monitor(Stopping(max_steps=40, gtol=0.0)))
    assert outcome.history.energy[:41] == straight.history.energy[:41]


def test_both_are_named_solvers():
    energy = heat("lattice:8x8")
    ours, scipys = (meshrep.solve(energy, name) for name in ("lbfgs", "lbfgs-scipy"))
    assert ours.solver == "lbfgs" and scipys.solver == "lbfgs-scipy"
    assert ours.energy == pytest.approx(scipys.energy, rel=1e-10)
    assert lbfgs.ROUNDING["float64"] < lbfgs.ROUNDING["float32"]


def test_it_trains_a_network():
    pytest.importorskip("torch")
    from meshrep.parametrizations.networks.gcn import GraphNetwork

    energy = heat("lattice:8x8")
    solver = Solver(LBFGS(), GraphNetwork(), Stopping(max_steps=30, gtol=0.0))
    found = meshrep.solve(energy, solver)
    assert found.energy < 0.5 * found.start_energy
