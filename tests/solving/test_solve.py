"""solve and compare from outside: limits, interrupts, scaling, and what is not installed."""

import itertools

import numpy as np
import pytest
from problems_of_tests import PROBLEMS, SOLVERS, heat, log_cosh
from scipy import sparse

import meshrep
from meshrep import Result, Solver, Stopping
from meshrep.base.backends import installed
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.monitor import Monitor


def held_sum():
    base = heat("lattice:8x8", kind="dirichlet")
    return base + 0.5 * meshrep.EdgeEnergy(base.graph, log_cosh, convex=True)


def vectors():
    target = np.random.default_rng(0).random((8, 2))

    def value_and_grad(w):
        d = w - target
        return 1.0 + float((d**4 + d**2).sum()), 4 * d**3 + 2 * d

    return meshrep.FunctionEnergy(
        meshrep.graph_from("ring:8"), value_and_grad, shape=(8, 2), convex=True,
        hessian=lambda w: sparse.diags_array((12 * (w - target) ** 2 + 2).ravel()),
    )  # fmt: skip


def one_node():
    return meshrep.HeatBath(meshrep.Graph.from_edges(1, []), [0], power=2, t_hot=3.0)


def nothing_free():
    ring = meshrep.graph_from("ring:4")
    return meshrep.HeatBath(ring, [0, 1], [2, 3], kind="dirichlet")


def in_pieces():
    graph = meshrep.Graph.from_edges(7, [[0, 1], [1, 2], [3, 4], [4, 5]])
    return meshrep.HeatBath(graph, [0], [2], power=2, unbathed="hold")


CORNERS = {
    "a sum with held nodes": (held_sum, None),
    "two numbers a node": (vectors, 1.0),
    "a single node": (one_node, 0.0),
    "nothing to move": (nothing_free, 1.0),
    "pieces without a bath": (in_pieces, None),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", CORNERS)
def test_every_solver_keeps_the_contract_in_the_corners(name, solver):
    build, energy_known = CORNERS[name]
    energy = build()
    exact = meshrep.solve(energy, "newton", gtol=1e-12).energy
    if energy_known is not None:
        assert exact == pytest.approx(energy_known, rel=1e-12, abs=1e-12)
    start = energy.random_start(5)
    before = start.copy()
    solution = meshrep.solve(energy, solver, start=start, max_seconds=10)
    assert isinstance(solution.result, Result)
    assert solution.result in (Result.CONVERGED, Result.FLAT)
    assert solution.energy == pytest.approx(exact, rel=1e-4, abs=1e-6)
    assert solution.energy == energy.value(solution.field) <= solution.start_energy
    assert solution.field.shape == energy.shape and np.isfinite(solution.field).all()
    if len(energy.fixed):
        np.testing.assert_array_equal(solution.field[energy.fixed], energy.fixed_values)
    np.testing.assert_array_equal(start, before)
    assert not np.shares_memory(start, solution.field)


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_hundred_degrees_between_the_baths(solver):
    """t_hot = 100: a quartic bath 10⁴ times stiffer; steps are in units of the span."""
    if solver == "sgd":
        pytest.skip("its first step, which is given, is far beyond stability")
    if solver in ("gd", "mfac", "rk4"):
        pytest.skip("the condition number is above 10⁵: explicit steps take seconds")
    energy = heat("lattice:12x12", t_hot=100.0, t_cold=0.0)
    exact = meshrep.solve(energy, "newton", gtol=1e-12)
    solution = meshrep.solve(energy, solver, max_seconds=20)
    assert solution.energy == pytest.approx(exact.energy, rel=1e-4)
    np.testing.assert_allclose(solution.field, exact.field, atol=2.0)


@pytest.mark.parametrize(
    "solver", [s for s in SOLVERS if s.values[0] in ("adam", "gcn", "gcn-res")]
)
@pytest.mark.parametrize("factor", [100.0, 10.0])
def test_the_path_scales_with_the_temperatures(solver, factor):
    """With Dirichlet baths E(s·w) = s²E(w): the same steps, in other units."""
    runs = []
    for s in (1.0, factor):
        energy = heat("lattice:8x8", kind="dirichlet", t_hot=s, t_cold=0.0)
        runs.append(meshrep.solve(energy, solver, seed=1, max_steps=30).field / s)
    np.testing.assert_allclose(*runs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_step_and_no_time(solver):
    energy = heat("lattice:8x8")
    still = meshrep.solve(energy, solver, max_steps=0)
    assert still.result is Result.MAX_STEPS and still.steps == 0
    assert still.energy == still.start_energy
    late = meshrep.solve(energy, solver, max_seconds=0.0)
    assert late.result is Result.TIME_LIMIT and late.energy <= late.start_energy


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_time_limit_is_kept(solver, clock):
    """A run ends within ten readings of the clock after the limit, and two stages within twenty."""
    energy = heat("lattice:12x12")
    meshrep.solve(energy, solver, max_steps=1)  # loads kernels
    clock.tick = 0.1
    run = meshrep.solve(energy, solver, gtol=0.0, max_seconds=1.0)
    assert run.result is Result.TIME_LIMIT
    assert run.history.seconds[-1] < 2.0 and run.solve_s < 3.0


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
def test_single_precision_is_judged_in_double(solver):
    energy = heat("lattice:12x12")
    exact = meshrep.solve(energy, "newton", gtol=1e-12).energy
    single = meshrep.solve(energy, solver, dtype="float32", max_seconds=5, max_steps=20_000)
    assert single.dtype == "float32" and single.field.dtype == np.float64
    assert single.energy == energy.value(single.field)
    assert exact * (1 - 1e-12) <= single.energy <= exact * (1 + 1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_observer_is_told_and_may_interrupt(solver, monkeypatch):
    monkeypatch.setattr(Monitor, "observe_every", 0.0)
    energy, seen = heat("lattice:12x12"), []

    def observe(name, progress):
        seen.append((name, progress.step, progress.seconds, progress.energy))
        if len(seen) == 3:
            raise KeyboardInterrupt

    solution = meshrep.solve(energy, solver, observe=observe)
    assert solution.result is Result.INTERRUPTED and solution.interrupted and len(seen) == 3
    with pytest.raises(KeyboardInterrupt):
        solution.raise_if_interrupted()
    names, steps, seconds, energies = zip(*seen, strict=True)
    assert set(names) == {solver}
    assert sorted(steps) == list(steps) and sorted(seconds) == list(seconds)
    assert np.isfinite(solution.field).all()
    assert solution.energy <= min(solution.start_energy, energies[0]) + 1e-12
    seen.clear()
    comparison = meshrep.compare(energy, [solver, "lbfgs"], observe=observe)
    assert comparison.interrupted and [row.solver for row in comparison.rows] == [solver]


def test_progress_counts_on_across_stages(monkeypatch):
    monkeypatch.setattr(Monitor, "observe_every", 0.0)
    seen = []
    solver = Solver(Adam(), stopping=Stopping(max_steps=40), then=Solver(LBFGS()), name="mine")
    solution = meshrep.solve(
        heat("lattice:12x12"), solver, observe=lambda name, p: seen.append((name, p.step))
    )
    names, steps = zip(*seen, strict=True)
    assert set(names) == {"mine"} and sorted(steps) == list(steps)
    assert max(steps) == solution.steps > 40
    assert solution.steps == solution.history.step[-1]


def test_an_interrupt_in_the_second_stage_keeps_what_the_first_found():
    energy = heat("lattice:12x12")
    first = meshrep.solve(energy, Solver(Adam(), stopping=Stopping(max_steps=40)), seed=2)

    class Interrupted(LBFGS):
        def run(self, objective, monitor):
            raise KeyboardInterrupt

    solver = Solver(Adam(), stopping=Stopping(max_steps=40), then=Solver(Interrupted()))
    solution = meshrep.solve(energy, solver, seed=2)
    assert solution.result is Result.INTERRUPTED
    assert solution.energy == pytest.approx(first.energy, rel=1e-12)


def test_without_numba_everything_is_numpy(monkeypatch):
    from meshrep.base import backends
    from meshrep.energies import fused
    from meshrep.numerics import rules
    from meshrep.solving import solve as solving

    energy = heat("lattice:12x12")
    names, gone = ("adam", "nesterov", "rk4", "lbfgs", "gcn"), ("numba", "torch")
    with_it = {name: meshrep.solve(energy, name).energy for name in names}
    for module in (backends, solving, fused, rules):
        monkeypatch.setattr(module, "installed", lambda name: name not in gone and installed(name))
    for name in names:
        solution = meshrep.solve(energy, name, max_seconds=20)
        assert solution.backend == "numpy"
        assert solution.energy == pytest.approx(with_it[name], rel=1e-7)
    with pytest.raises(meshrep.MissingPart, match="torch"):
        backends.backend_for("torch")


@pytest.mark.parametrize(
    ("solver", "setting", "near"),
    [("gcn", "hiden", "hidden"), ("gcn", "layer", "layers"), ("sgd", "momentun", "momentum")],
)
def test_a_misspelt_setting_names_the_near_one(solver, setting, near):
    with pytest.raises(meshrep.InputError, match=f"did you mean {near}"):
        meshrep.solve(heat("lattice:4x4"), solver, **{setting: 3})


def test_labels_stages_and_limits_of_a_composition():
    solver = Solver(Adam(), stopping=Stopping(max_steps=7), then=Solver(LBFGS()))
    assert solver.label == "adam+lbfgs" and len(solver.stages) == 2
    assert Solver(Adam(), meshrep.GraphNetwork(residual=True)).label == "gcn-res-adam"
    limited = solver.limited(max_steps=3, gtol=None)
    assert [stage.stopping.max_steps for stage in limited.stages] == [3, 3]
    assert [stage.stopping.gtol for stage in limited.stages] == [1e-9, 1e-9]
    assert solver.stopping.max_steps == 7


def test_seeds_choose_the_start():
    energy = heat("lattice:8x8")
    runs = [meshrep.solve(energy, "lbfgs", seed=seed) for seed in (1, 1, 2)]
    assert runs[0].start_energy == runs[1].start_energy != runs[2].start_energy
    np.testing.assert_array_equal(runs[0].field, runs[1].field)


@pytest.mark.parametrize(
    "pair", list(itertools.combinations(["newton", "lbfgs", "nesterov", "rk4"], 2))
)
def test_solvers_find_one_field(pair):
    energy = PROBLEMS["weighted"]()
    fields = [meshrep.solve(energy, name, seed=k, gtol=1e-10).field for k, name in enumerate(pair)]
    np.testing.assert_allclose(*fields, atol=1e-7)


def test_a_comparison_takes_names_and_compositions_once_each():
    mine = Solver(LBFGS(), name="mine")
    start = np.full(64, 0.25)
    comparison = meshrep.compare(heat("lattice:8x8"), ["gd", mine, "gd"], start=start)
    assert [row.solver for row in comparison.rows] == ["gd", "mine"]
    assert {row.start_energy for row in comparison.rows} == {comparison.problem.value(start)}
    told = []
    meshrep.compare(heat("lattice:8x8"), [mine, "newton"], begin=told.append, max_steps=2)
    assert told == ["mine", "newton"]


def test_an_unusable_setting_ends_a_comparison_before_any_row():
    with pytest.raises(meshrep.InputError, match="not an array of shape"):
        meshrep.compare(heat("lattice:8x8"), ["gd"], start=np.zeros(3))
    with pytest.raises(meshrep.InputError, match="did you mean layers"):
        meshrep.compare(heat("lattice:8x8"), ["gcn"], layer=3)
