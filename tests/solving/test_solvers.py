"""The contract that every solver keeps on every energy, and how runs end."""

import numpy as np
import pytest
from problems_of_tests import NETWORKS, PROBLEMS, SOLVERS, heat

import meshrep
from meshrep import Result, Solver, Stopping
from meshrep.base.backends import backend_for
from meshrep.minimisers.base import Objective
from meshrep.minimisers.first_order import Adam, GradientDescent
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.monitor import Monitor
from meshrep.minimisers.newton import Newton
from meshrep.solving.named.second_order import PATIENCE


@pytest.fixture(scope="module")
def truth():
    """Newton's solution of each problem, found once."""
    found = {}

    def solution(name):
        if name not in found:
            energy = PROBLEMS[name]()
            found[name] = meshrep.solve(energy, "newton", gtol=1e-12)
        return found[name]

    return solution


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_every_solver_solves_every_energy(name, solver, truth):
    reference = truth(name)
    energy = reference.problem
    start = energy.random_start(11)
    solution = meshrep.solve(energy, solver, start=start, seed=2, max_seconds=20)
    assert solution.result in (Result.CONVERGED, Result.FLAT)
    assert solution.energy == pytest.approx(reference.energy, rel=1e-4)
    if solver in ("newton", "lbfgs"):
        assert solution.energy == pytest.approx(reference.energy, rel=1e-9)
    assert solution.energy == energy.value(solution.field) <= energy.value(start)
    begin = energy.value(start)
    if solver == "gcn-prefit":  # begins near the start
        assert solution.start_energy == pytest.approx(begin, rel=1e-2)
        begin = solution.start_energy
    assert solution.start_energy == begin
    assert solution.field.shape == energy.shape and np.isfinite(solution.field).all()
    np.testing.assert_array_equal(solution.field[energy.fixed], energy.fixed_values)
    past = solution.history
    assert (np.diff(past.step) >= 0).all() and (np.diff(past.seconds) >= 0).all()
    assert past.energy[0] == pytest.approx(begin, rel=1e-9)
    assert past.best_energy()[-1] == pytest.approx(solution.energy, rel=1e-6)
    assert solution.evaluations >= 1 and solution.solve_s > 0


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_limit_on_steps_is_kept(solver):
    short = meshrep.solve(heat("lattice:12x12"), solver, max_steps=3)
    assert 0 < short.steps <= 3 * (1 + (solver in NETWORKS))
    assert short.energy < short.start_energy


def test_the_path_does_not_depend_on_the_run():
    energy = heat("lattice:12x12")
    for solver in ("adam", "nesterov", "lbfgs", "gcn"):
        one, two = (meshrep.solve(energy, solver, seed=5, max_steps=40) for _ in range(2))
        np.testing.assert_array_equal(one.field, two.field)


def test_adam_is_that_of_torch():
    pytest.importorskip("torch")
    energy = heat("lattice:8x8")
    start = energy.random_start(0)
    ours, theirs = (
        meshrep.solve(energy, name, start=start, max_steps=60).field
        for name in ("adam", "adam-torch")
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_momentum_beats_descent_on_a_hard_problem():
    """On a quadratic of condition number κ descent needs ~κ steps and momentum ~√κ."""
    energy = heat("lattice:80x80", power=2)
    best = meshrep.solve(energy, "newton").energy
    steps = {
        name: meshrep.solve(energy, name, max_seconds=20).history.steps_to(best * 1.0001)
        for name in ("gd", "heavy-ball", "nesterov")
    }
    assert 5 * steps["nesterov"] < steps["gd"] and 5 * steps["heavy-ball"] < steps["gd"]


def test_newton_converges_quadratically_from_a_vanishing_bath_hessian():
    energy = heat("lattice:30x30")
    start = np.full(energy.graph.n, 0.5)
    start[energy.nodes] = energy.targets
    solution = meshrep.solve(energy, "newton", start=start, gtol=1e-12)
    assert solution.result is Result.CONVERGED and solution.steps <= 25
    assert (np.diff(solution.history.energy) <= 1e-13).all()


@pytest.mark.parametrize("linear", ["direct", "amg", "jacobi", "cg"])
def test_newton_by_every_linear_solver(linear):
    if linear == "amg":
        pytest.importorskip("pyamg")
    energy = heat("lattice:25x25")
    exact = meshrep.solve(energy, "newton").energy
    solver = Solver(Newton(linear), stopping=Stopping(max_steps=200, gtol=1e-9))
    found = meshrep.solve(energy, solver)
    assert found.result in (Result.CONVERGED, Result.FLAT)
    assert found.energy == pytest.approx(exact, rel=1e-9)


def double_well(xp):
    return lambda w: 0.25 * (w * w - 1) ** 2, lambda w: w**3 - w, lambda w: 3 * w * w - 1


@pytest.mark.parametrize("minimiser", [Newton(), Newton("cg"), LBFGS(), GradientDescent(), Adam()])
def test_a_nonconvex_energy_ends_in_a_minimum(minimiser):
    ring = meshrep.graph_from("ring:12")

    def spring(xp):
        return lambda d: 0.05 * d * d, lambda d: 0.1 * d, lambda d: 0.1 + 0 * d

    energy = meshrep.EdgeEnergy(ring, spring, double_well)
    start = 0.2 * np.random.default_rng(0).standard_normal(12)  # about the saddle at 0
    solution = meshrep.solve(energy, Solver(minimiser), start=start, max_steps=5000)
    assert solution.grad_norm < 1e-5
    assert np.linalg.eigvalsh(energy.hessian(solution.field).toarray()).min() > 0


def test_a_composition_of_ones_own():
    energy = heat("lattice:12x12")
    solver = Solver(Adam(0.05), stopping=Stopping(max_steps=20), then=Solver(LBFGS()))
    solution = meshrep.solve(energy, solver)
    assert solution.solver == "adam+lbfgs"
    assert set(solution.history.stage) == {0, 1}
    assert any("handed over to lbfgs after 20 steps" in note for note in solution.notes)
    assert solution.energy == pytest.approx(meshrep.solve(energy, "newton").energy, rel=1e-9)


def test_the_switch_can_be_fixed():
    solution = meshrep.solve(heat("lattice:12x12"), "gcn", switch=7)
    stage = np.array(solution.history.stage)
    assert solution.history.step[np.flatnonzero(stage == 0)[-1]] == 7


def test_the_papers_stopping_rule():
    energy = heat("lattice:8x8")
    rule = Stopping(patience=10, atol=1e-6, gtol=0.0)
    solution = meshrep.solve(energy, Solver(Adam(settle=False), backend="numpy", stopping=rule))
    assert solution.result is Result.FLAT
    small = np.abs(np.diff(solution.history.energy)) < 1e-6
    assert small[-10:].all() and not small[-11]


class Counting:
    """Σ w⁴, which counts its evaluations and does something else from one of them on."""

    def __init__(self, graph, at=None, do=None):
        self.calls, self.at, self.do = 0, at, do
        self.energy = meshrep.FunctionEnergy(graph, self)

    def __call__(self, w):
        self.calls += 1
        if self.at is not None and self.calls >= self.at:
            return self.do(self, w)
        return float((w**4).sum()), 4 * w**3


@pytest.fixture
def counted(lattice, monkeypatch):
    """The first and the last evaluation of a run's own, when nothing happens to it."""
    monkeypatch.setattr(Monitor, "observe_every", 0.0)

    def count(solver, **limits):
        meshrep.solve(Counting(lattice).energy, solver, max_steps=1)  # loads kernels
        plain, told = Counting(lattice), []
        meshrep.solve(plain.energy, solver, observe=lambda *_: told.append(plain.calls), **limits)
        return told[0], plain.calls

    return count


@pytest.mark.parametrize("solver", SOLVERS)
def test_nan_keeps_the_best_finite_field(solver, lattice, counted):
    """From three quarters of a run on."""
    first, last = counted(solver, max_steps=100)
    at = first + 3 * (last - first) // 4
    broken = Counting(lattice, at, lambda _, w: (float("nan"), np.full_like(w, np.nan)))
    start = broken.energy.random_start(0)
    solution = meshrep.solve(broken.energy, solver, start=start, max_steps=100)
    assert np.isfinite(solution.field).all()
    assert (solution.field**4).sum() < (start**4).sum()
    assert solution.result is not Result.CONVERGED


def interrupt_once(counting, w):
    counting.at = None
    raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
def test_ctrl_c_keeps_the_best_so_far_and_ends_a_comparison(solver, lattice, counted):
    """At the first evaluation of a run, in its middle, at its last one, and when it is judged."""
    first, last = counted(solver, max_steps=40)
    middle = (first + last) // 2
    for at in sorted({first + 1, middle, *range(last - 3, last + 1)} - set(range(first + 1))):
        interrupted = Counting(lattice, at, interrupt_once)
        solution = meshrep.solve(interrupted.energy, solver, max_steps=40)
        assert solution.result is Result.INTERRUPTED, at
        assert np.isfinite(solution.field).all() and solution.energy <= solution.start_energy
    interrupted = Counting(lattice, middle, interrupt_once)
    comparison = meshrep.compare(interrupted.energy, [solver, "lbfgs", "gd"], max_steps=40)
    assert comparison.interrupted and len(comparison.rows) == 1
    assert comparison.rows[0].result is Result.INTERRUPTED


def test_without_torch_lbfgs_takes_the_place_of_its_adam(monkeypatch):
    from meshrep.solving import solve as solving

    monkeypatch.setattr(solving, "installed", lambda package: package != "torch")
    energy = heat("lattice:12x12")
    with pytest.warns(UserWarning, match="lbfgs takes the place of adam-torch") as caught:
        solution = meshrep.solve(energy, "adam-torch")
    assert len(caught) == 1 and solution.solver == "lbfgs"
    with pytest.warns(UserWarning, match="takes the place"):
        comparison = meshrep.compare(energy, ["gcn", "adam-torch", "lbfgs", "newton"])
    assert [row.solver for row in comparison.rows] == ["gcn", "lbfgs", "newton"]


def test_auto_says_what_it_chose():
    solution = meshrep.solve(heat("lattice:8x8"), "auto")
    assert solution.solver == "lbfgs-newton"
    assert solution.notes[0].startswith("auto chose lbfgs-newton: convex")
    assert meshrep.solve(PROBLEMS["a function"](), "auto").solver == "lbfgs"


def test_newton_goes_on_only_where_lbfgs_has_not_arrived():
    easy = meshrep.solve(heat("lattice:8x8"), "lbfgs-newton")
    assert easy.result is Result.CONVERGED and easy.steps < PATIENCE
    energy = heat("ring:5000")  # far too long for L-BFGS
    hard = meshrep.solve(energy, "lbfgs-newton")
    assert hard.result is Result.CONVERGED and PATIENCE < hard.steps < PATIENCE + 20
    assert hard.history.stage[-1] == 1 and np.all(np.diff(hard.history.seconds) >= 0)
    alone = meshrep.solve(energy, "newton")
    assert hard.energy == pytest.approx(alone.energy, rel=1e-9)
    assert meshrep.solve(energy, "lbfgs-newton", max_steps=20).steps == 20


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: meshrep.solve(e, "gcm"), "did you mean gcn"),
        (lambda e: meshrep.solve(e, "lbfgs", hiden=3), "lbfgs has no setting 'hiden': it has none"),
        (lambda e: meshrep.solve(e, "adam", start=np.zeros(3)), "not an array of shape"),
        (lambda e: meshrep.solve(e, "adam", start=np.full(144, np.nan)), "NaN"),
        (lambda e: meshrep.solve(e, "adam", start=["a"] * 144), "must be an array of real numbers"),
        (lambda e: meshrep.solve(e, "adam", start=[[1.0], [1, 2]]), "not a list of 2"),
        (lambda e: meshrep.solve(e, "adam", start=np.full(144, 1j)), "type complex128"),
        (lambda e: meshrep.random_split(e.graph, share="a"), "between 0 and 0.5, not a"),
        (lambda e: meshrep.solve(e, "adam", dtype="float16"), "float32 or float64"),
        (lambda e: meshrep.solve(e, Solver(LBFGS()), lr=0.1), "by name"),
        (lambda e: meshrep.compare(e, []), "no solver"),
        (lambda e: meshrep.compare(e, ["newton", "nowton"]), "did you mean newton"),
        (lambda e: Newton("magic"), "linear solver"),
        (lambda e: meshrep.solve(e, "gd", max_steps=-3), "max_steps must be a number of 0 or more"),
        (lambda e: meshrep.solve(e, "gd", gtol=float("nan")), "gtol must be"),
        (lambda e: meshrep.solve(e, "gd", seed=-1), "seed must be"),
        (lambda e: meshrep.solve(e, "gcn", hidden="x"), "hidden must be a whole number"),
        (lambda e: meshrep.solve(e, "gcn", switch="soon"), "switch must be"),
        (lambda e: meshrep.solve(e, "heavy-ball", momentum=2.0), "momentum must be a number"),
        (lambda e: LBFGS(0), "memory"),
        (lambda e: backend_for("jax"), "choose numpy"),
    ],
)
def test_unusable_settings_are_one_sentence(call, message):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        call(heat("lattice:12x12"))
    assert "\n" not in str(caught.value)


def test_newton_moves_the_field_itself():
    energy = heat("lattice:8x8")
    objective = Objective(energy, energy.random_start(), backend_for("numpy"))
    assert objective.direct and not Newton.parametrizable
