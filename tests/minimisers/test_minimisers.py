"""Minimisers against independent twins, the monitor, and the results of runs."""

import numpy as np
import pytest
from problems_of_tests import PROBLEMS, heat

import meshrep
from meshrep import Result, Solver, Stopping
from meshrep.base.backends import NumpyBackend, installed
from meshrep.base.outcome import History
from meshrep.minimisers.base import Objective
from meshrep.minimisers.first_order import Adam, GradientDescent, HeavyBall, Nesterov
from meshrep.minimisers.gradient_flow import GradientFlow
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.monitor import Monitor
from meshrep.minimisers.newton import Newton

RULES = [GradientDescent(0.05), HeavyBall(0.02), Nesterov(0.05), Adam(0.02, settle=False)]
NAMES = [rule.name for rule in RULES]


def path_of(minimiser, backend, steps, energy, **settings):
    solver = Solver(minimiser, stopping=Stopping(max_steps=steps, gtol=0.0), backend=backend)
    return meshrep.solve(energy, solver, seed=3, **settings)


@pytest.mark.parametrize("backend", ["numba", "torch"])
@pytest.mark.parametrize("minimiser", RULES, ids=NAMES)
@pytest.mark.parametrize("name", ["quartic ends", "cubic bath", "dirichlet", "weighted"])
def test_fifty_steps_are_the_same_on_every_back_end(name, minimiser, backend):
    pytest.importorskip(backend)
    energy = PROBLEMS[name]()
    if minimiser.name == "nesterov":
        minimiser = Nesterov(0.5 / energy.steepest(energy.random_start(3)))
    ours = path_of(minimiser, backend, 50, energy)
    plain = path_of(minimiser, "numpy", 50, energy)
    assert ours.backend == backend and plain.backend == "numpy"
    assert ours.steps == plain.steps == 50
    energies, expected = (np.array(run.history.energy[:50]) for run in (ours, plain))
    rises = np.flatnonzero(np.diff(expected) > 0)
    same = int(rises[0]) + 2 if minimiser.name == "nesterov" and len(rises) else 50
    assert same >= 12  # a fused step is taken before a rise is known, so it restarts a step later
    np.testing.assert_allclose(energies[:same], expected[:same], rtol=1e-11)
    norms, expected = (np.array(run.history.grad_norm[:same]) for run in (ours, plain))
    np.testing.assert_allclose(norms, expected, rtol=1e-8)


@pytest.mark.slow
def test_adam_agrees_with_torch_optim():
    """The reference is a loop of torch.optim.Adam with the energy's own gradient."""
    torch = pytest.importorskip("torch")
    energy = heat("lattice:8x8")
    w = torch.tensor(energy.random_start(3), requires_grad=True)
    optimiser = torch.optim.Adam([w], lr=0.02)
    energies = []
    for _ in range(50):
        value, gradient = energy.judge.value_and_grad(w.detach().numpy())
        energies.append(float(value))
        w.grad = torch.from_numpy(gradient)
        optimiser.step()
    for backend in ("numpy", "torch", *(["numba"] if installed("numba") else [])):
        ours = path_of(Adam(0.02, settle=False), backend, 50, energy)
        np.testing.assert_allclose(ours.field, w.detach().numpy(), rtol=1e-10)
        np.testing.assert_allclose(ours.history.energy[:50], energies, rtol=1e-10)


def test_rules_follow_their_formulas():
    """The reference is each paper's recursion, written here again."""
    energy, lr, steps = heat("lattice:6x6"), 0.03, 30
    start, slope = energy.random_start(3), energy.gradient

    def heavy_ball():  # Polyak: x⁺ = x − lr g + β (x − x⁻)
        x = last = start
        for _ in range(steps):
            x, last = x - lr * slope(x) + 0.97 * (x - last), x
        return x

    def descent():
        x = start
        for _ in range(steps):
            x = x - lr * slope(x)
        return x

    def nesterov():  # x_k = y_{k−1} − lr g(y_{k−1}), y_k = x_k + k/(k+3) (x_k − x_{k−1})
        y = last = start
        for k in range(1, steps + 1):
            x = y - lr * slope(y)
            y, last = x + k / (k + 3) * (x - last), x
        return y

    for rule, expected in (
        (GradientDescent(lr), descent()), (HeavyBall(lr), heavy_ball()), (Nesterov(lr), nesterov())
    ):  # fmt: skip
        found = path_of(rule, "numpy", steps, energy)
        objective = Objective(energy, start, NumpyBackend(jit=False))
        params, memory = objective.start, rule._memory(objective, Monitor(Stopping()))
        for _ in range(steps):
            from meshrep.numerics.rules import advance_arrays

            advance_arrays(params, objective.value_and_grad(params)[1].copy(), memory)
        np.testing.assert_allclose(params, expected, rtol=1e-11)
        assert found.energy <= energy.value(expected) * (1 + 1e-11)


def test_nesterov_with_a_given_step_restarts():
    """Restarts save steps, because momentum without them overshoots."""
    energy = heat("lattice:40x40", power=2)
    best = meshrep.solve(energy, "newton").energy
    lr = 1.0 / energy.steepest(energy.random_start(3))
    steps = {}
    for backend in ("numpy", *(["numba"] if installed("numba") else [])):
        solver = Solver(Nesterov(lr), stopping=Stopping(max_steps=4000), backend=backend)
        steps[backend] = meshrep.solve(energy, solver, seed=3).history.steps_to(best * (1 + 1e-9))
    plain, y, last = 0, energy.random_start(3), energy.random_start(3)
    lowest = np.inf
    while lowest > best * (1 + 1e-9) and plain < 4000:
        value, gradient = energy.judge.value_and_grad(y)
        lowest, plain = min(lowest, float(value)), plain + 1
        x = y - lr * gradient
        y, last = x + plain / (plain + 3) * (x - last), x
    assert max(steps.values()) < 0.8 * plain
    assert max(steps.values()) < 1.2 * min(steps.values())


@pytest.mark.parametrize(
    "solver", ["gd", "heavy-ball", "nesterov", "adam", "rk4", "lbfgs", "newton"]
)
@pytest.mark.parametrize("name", ["quartic random", "dirichlet", "a function"])
def test_a_converged_run_has_a_small_gradient_in_double_precision(name, solver):
    solution = meshrep.solve(PROBLEMS[name](), solver, gtol=1e-6, max_seconds=10)
    assert solution.result is Result.CONVERGED
    assert solution.grad_norm <= 1e-6 * (1 + 1e-9)
    assert solution.history.grad_norm[-1] / PROBLEMS[name]().gradient_scale(
        solution.field
    ) == pytest.approx(solution.grad_norm, rel=1e-6)


def test_a_heavy_ball_that_rolls_through_the_minimum_keeps_the_right_state():
    """One node in a quartic well: an energy must be kept with the state that it belongs to."""
    energy = meshrep.HeatBath(meshrep.Graph.from_edges(1, []), [0])
    solution = meshrep.solve(energy, "heavy-ball", seed=0)
    assert solution.result in (Result.CONVERGED, Result.FLAT) and solution.grad_norm <= 1e-7


@pytest.mark.parametrize("steps", [7, 16, 40, 333])
@pytest.mark.parametrize("minimiser", [HeavyBall(), Nesterov(), Adam()], ids=lambda m: m.name)
def test_the_best_energy_belongs_to_the_best_state(minimiser, steps):
    energy = meshrep.HeatBath(meshrep.graph_from("ring:4"), [0], power=4)
    objective = Objective(energy, energy.random_start(0), NumpyBackend())
    monitor = Monitor(Stopping(max_steps=steps, gtol=0.0))
    minimiser.minimise(objective, monitor)
    assert monitor.best_energy == pytest.approx(energy.value(monitor._best), rel=1e-12)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("minimiser", [GradientDescent(1e6), HeavyBall(1e6), Nesterov(1e6)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_step_far_too_long_diverges_and_keeps_a_finite_field(minimiser, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    energy = heat("lattice:6x6")
    long = Solver(minimiser, backend=backend)
    comparison = meshrep.compare(energy, [long, "newton"])
    row, good = comparison.rows
    assert row.result is Result.DIVERGED and np.isfinite(row.field).all()
    assert row.energy <= row.start_energy
    assert good.result is Result.CONVERGED and comparison.best is good


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_automatic_step_is_halved_if_the_curvature_was_underestimated(backend, monkeypatch):
    pytest.importorskip(backend)
    energy = heat("lattice:8x8")
    exact = meshrep.solve(energy, "newton").energy
    monkeypatch.setattr(type(energy), "steepest", lambda self, start: 0.05)
    for minimiser in (GradientDescent(), HeavyBall(), Nesterov(), GradientFlow()):
        if minimiser.name == "rk4" and backend == "numba":
            continue
        solver = Solver(minimiser, stopping=Stopping(gtol=1e-7), backend=backend)
        found = meshrep.solve(energy, solver, max_seconds=10)
        assert found.energy == pytest.approx(exact, rel=1e-8), minimiser.name


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["numpy", "numba", "torch"])
def test_rounding_in_single_precision_does_not_shorten_the_step(backend):
    pytest.importorskip(backend)
    energy = heat("lattice:8x8")
    exact = meshrep.solve(energy, "newton").energy
    solver = Solver(GradientDescent(), stopping=Stopping(max_steps=6000), backend=backend)
    found = meshrep.solve(energy, solver, dtype="float32", device="cpu")
    assert found.energy == pytest.approx(exact, rel=1e-6)


def test_settling_ends_adams_orbit():
    energy = heat("lattice:12x12")
    exact = meshrep.solve(energy, "newton").energy
    rule = Stopping(window=100, ftol=1e-7, gtol=1e-13)
    still, moving = (
        meshrep.solve(energy, Solver(Adam(0.05, settle=settle), stopping=rule))
        for settle in (True, False)
    )
    assert still.energy - exact < 1e-3 * (moving.energy - exact) + 1e-14


def test_settling_ends_at_the_time_limit(clock):
    clock.tick = 0.1
    rule = Stopping(window=100, ftol=1.0, gtol=0.0, max_seconds=30.0)  # flat at every window
    for backend in ("numpy", "numba") if installed("numba") else ("numpy",):
        end = meshrep.solve(heat("lattice:12x12"), Solver(Adam(), stopping=rule, backend=backend))
        assert end.history.seconds[-1] < 31.0


def test_calls_of_fused_steps_are_short_enough_for_ctrl_c(clock, monkeypatch):
    """If a step takes a millisecond, a call takes at most a hundred steps, or 0.1 s."""
    pytest.importorskip("numba")
    from meshrep.energies.heat_evaluators import Kernels

    descend, counts = Kernels.descend, []

    def slow(self, w, memory, steps):
        counts.append(steps)
        clock.now += 1e-3 * steps
        return descend(self, w, memory, steps)

    clock.tick = 0.0
    monkeypatch.setattr(Kernels, "descend", slow)
    rule = Stopping(max_steps=2000, gtol=0.0)
    meshrep.solve(heat("lattice:12x12"), Solver(GradientDescent(), stopping=rule))
    assert sum(counts) == 2000 and max(counts) == 100


@pytest.mark.parametrize("lr", [0.0, -1.0, np.nan, np.inf, "fast", None])
def test_wrong_step_lengths_are_refused(lr):
    with pytest.raises(meshrep.InputError, match="step length"):
        GradientDescent(lr)


def test_newton_solves_a_quadratic_in_one_step():
    for name in ("dirichlet", "quadratic"):
        solution = meshrep.solve(PROBLEMS[name](), "newton")
        assert solution.steps == 1 and solution.grad_norm < 1e-10


def test_newton_converges_quadratically():
    """Near the minimum the gradient's exponent about doubles from step to step."""
    norms = np.array(meshrep.solve(heat("lattice:20x20"), "newton").history.grad_norm)
    late = norms[(norms < 0.1 * norms[0]) & (norms > 1e-11)]
    orders = np.log(late[1:]) / np.log(late[:-1])
    assert len(late) >= 2 and orders.max() > 1.6


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Newton(shift=-1.0), "0 or more"),
        (lambda: Newton(shift=np.nan), "0 or more"),
        (lambda: LBFGS(memory=5, retries=-1), "retries"),
        (
            lambda: meshrep.solve(PROBLEMS["a function"](), Solver(Newton("direct"))),
            "no sparse Hessian",
        ),
    ],
)
def test_wrong_settings_are_refused(build, message):
    with pytest.raises(meshrep.InputError, match=message):
        build()


@pytest.mark.parametrize("name", ["quartic ends", "dirichlet", "a function"])
def test_the_adaptive_flow_ends_at_the_minimum(name):
    energy = PROBLEMS[name]()
    exact = meshrep.solve(energy, "newton").energy
    flow = Solver(GradientFlow(adaptive=True), stopping=Stopping(gtol=1e-6, max_steps=1000))
    found = meshrep.solve(energy, flow, max_seconds=10)
    if energy.has_hessian:  # RK45 stays near its stability limit and may not converge
        assert found.result in (Result.CONVERGED, Result.FLAT)
    assert found.energy == pytest.approx(exact, rel=1e-6 if energy.has_hessian else 1e-5)


def test_evaluations_are_counted():
    calls = [0]

    def counted(w):
        calls[0] += 1
        return float((w**4).sum()) + 1.0, 4 * w**3

    energy = meshrep.FunctionEnergy(meshrep.graph_from("ring:9"), counted)
    for minimiser in (LBFGS(), GradientDescent(), Adam(), Newton("cg"), GradientFlow()):
        objective = Objective(energy, energy.random_start(), NumpyBackend(jit=False))
        minimiser.warm_up(objective)
        assert objective.evaluations == 0
        energy.steepest(objective.start)
        monitor, calls[0] = Monitor(Stopping(max_steps=20, gtol=0.0)), 0
        outcome = minimiser.minimise(objective, monitor)
        products = 2 * outcome.evaluations  # a product by differences takes two calls
        assert outcome.evaluations >= outcome.steps or minimiser.name == "newton"
        assert outcome.evaluations <= calls[0] <= products + 60  # ``steepest`` takes 20 iterations


# The monitor and the history


def watch(energies, norms=None, **rule):
    """The verdict on a sequence of energies, the step at which it fell, and the monitor."""
    monitor = Monitor(Stopping(**{"gtol": 0.0, **rule}))
    norms = [np.nan] * len(energies) if norms is None else norms
    for step, (energy, norm) in enumerate(zip(energies, norms, strict=True)):
        verdict = monitor.record(step, energy, np.array([energy]), norm, seconds=0.1 * step)
        if verdict:
            return verdict, step, monitor
    return None, None, monitor


@pytest.mark.parametrize(
    ("energies", "rule", "expected"),
    [
        ([3.0, 2.0, 1.0], {}, (None, None)),
        ([3.0, np.nan, 1.0], {}, (Result.DIVERGED, 1)),
        ([3.0, -np.inf], {}, (Result.DIVERGED, 1)),
        ([3.0] * 9, {"max_steps": 5}, (Result.MAX_STEPS, 5)),
        ([3.0] * 9, {"max_seconds": 0.35}, (Result.TIME_LIMIT, 4)),
        ([3.0] * 9, {"patience": 3, "atol": 1e-6}, (Result.FLAT, 3)),
        ([3, 3, 3, 2, 2, 2, 2.0], {"patience": 3, "atol": 1e-6}, (Result.FLAT, 6)),
        ([3.0] * 9, {"window": 2, "ftol": 1e-3}, (Result.FLAT, 4)),
        ([-3.0] * 9, {"window": 2, "ftol": 1e-3}, (Result.FLAT, 4)),  # negative energies too
        (list(-np.arange(9.0)), {"window": 2, "ftol": 1e-3}, (None, None)),
        ([0.0] * 9, {"window": 2, "ftol": 1e-3}, (Result.FLAT, 4)),
    ],
)
def test_stopping_rules(energies, rule, expected):
    assert watch(energies, **rule)[:2] == expected


def test_patience_counts_all_steps_of_a_stretch():
    rule = Stopping(patience=3, atol=0.5, gtol=0.0)
    x = np.zeros(1)
    ragged = np.repeat(np.arange(1000.0, 0.0, -1.0), 3)  # never three small changes in a row
    monitor = Monitor(rule)
    assert monitor.record_stretch(0, 0.0, 1.0, ragged, ragged, x) is None
    assert monitor.record_stretch(3000, 1.0, 2.0, np.array([1.0, 1.0]), np.ones(2), x) is not None
    level = np.array([9.0, 8.0, 7.0, 7.0, 7.0, 7.0, 1.0])  # three small changes, then a fall
    assert Monitor(rule).record_stretch(0, 0.0, 1.0, level, level, x) is Result.FLAT


def test_the_gradient_is_compared_with_its_scale():
    monitor = Monitor(Stopping(gtol=1e-3), scale=100.0)
    assert monitor.record(0, 1.0, np.zeros(1), 0.11) is None
    assert monitor.record(1, 1.0, np.zeros(1), 0.1) is Result.CONVERGED


def test_the_best_state_is_a_copy():
    monitor = Monitor(Stopping())
    params = np.array([1.0])
    monitor.record(0, 1.0, params)
    params[:] = 99.0
    assert monitor._best.tolist() == [1.0]


def test_a_stretch_is_thinned_and_cut_at_the_first_nan():
    monitor = Monitor(Stopping(gtol=0.0))
    energies = np.linspace(5, 4, 5000)
    assert monitor.record_stretch(0, 0.0, 1.0, energies, np.ones(5000), np.zeros(1)) is None
    past = monitor.history
    assert len(past) <= Monitor.stretch_entries and past.step[0] == 0 and past.step[-1] == 4999
    assert monitor.best_energy == 4.0
    energies = np.array([4.0, 3.5, np.inf, np.nan])
    verdict = monitor.record_stretch(5000, 1.0, 2.0, energies, np.ones(4), np.zeros(1))
    assert verdict is Result.DIVERGED and past.energy[-1] == 3.5
    assert np.isfinite(past.energy).all() and monitor.best_energy == 4.0


def test_histories_are_joined():
    one, two = History(), History()
    for step, energy in enumerate([5.0, 3.0, np.nan, 4.0]):
        one.append(step, 0.5 * step, energy)
    two.append(0, 0.0, 3.0)
    two.append(2, 0.25, 1.0)
    both = one.then(two)
    assert both.step == [0, 1, 2, 3, 3, 5] and both.stage == [0, 0, 0, 0, 1, 1]
    assert both.seconds == [0, 0.5, 1.0, 1.5, 1.5, 1.75]
    assert both.best_energy().tolist() == [5, 3, 3, 3, 3, 1]
    assert (both.time_to(3.0), both.steps_to(3.0)) == (0.5, 1)
    assert (both.time_to(2.0), both.steps_to(0.5)) == (1.75, None)
    assert History().then(two).step == [0, 2] and both.time_to(-1) is None
