"""Energies that become NaN or raise on the way: what every solver and comparison makes of it."""

import json

import numpy as np
import pytest
from problems_of_tests import SOLVERS, heat, nan_beyond

import meshrep
from meshrep.base.outcome import Result
from meshrep.solving.entrants import Entrant
from meshrep.solving.reference import best_known
from meshrep.solving.standings import Standing, rank

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numbers near infinity

LATTICE = meshrep.graph_from("lattice:5x5")
TARGET = np.linspace(0.0, 3.0, 25)


class Counted:
    """Σ (d⁴ + d²) with d = w − target; NaN or an error from evaluation ``first`` to ``last``."""

    def __init__(self, first, last=np.inf, error=None):
        self.first, self.last, self.error, self.calls = first, last, error, -1  # one is a check

    def __call__(self, w):
        self.calls += 1
        d = w - TARGET
        value, gradient = float((d**4 + d**2).sum()), 4 * d**3 + 2 * d
        if self.first <= self.calls <= self.last:
            if self.error is not None:
                raise self.error("on the way")
            return np.nan, gradient * np.nan
        return value, gradient


def counted(first, last=np.inf, error=None):
    return meshrep.FunctionEnergy(LATTICE, Counted(first, last, error), convex=True)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("after", [0, 9, 40])
def test_an_energy_that_becomes_nan_ends_diverged_at_a_finite_field(solver, after):
    """From evaluation ``after`` on everything is NaN, and so is the judge's energy."""
    found = meshrep.solve(counted(after), solver, max_steps=30, max_seconds=5.0)
    lost = np.isnan(found.energy)
    assert found.result is Result.DIVERGED if lost else after == 40  # some arrive before
    assert np.isfinite(found.field).all() and found.field.shape == (25,)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("at", [12, 25])
def test_one_evaluation_that_is_nan_costs_no_finite_end(solver, at):
    energy = counted(at, at)
    found = meshrep.solve(energy, solver, max_steps=200, max_seconds=5.0)
    assert np.isfinite(found.energy) and np.isfinite(found.grad_norm)
    assert found.energy <= found.start_energy and found.energy == energy.value(found.field)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_wall_of_nan_is_not_crossed(solver):
    energy = nan_beyond(LATTICE, 3.0, 1.0)
    found = meshrep.solve(energy, solver, start=np.zeros(25), max_steps=100, max_seconds=5.0)
    assert np.isfinite(found.energy) and found.energy <= found.start_energy
    assert found.field[0] <= 1.0 and found.result is not Result.CONVERGED


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, TypeError, KeyError, AssertionError])
def test_one_rows_error_does_not_cost_the_others(error):
    class Breaks(meshrep.GradientDescent):
        name = "breaks"

        def run(self, objective, monitor):
            raise error("out of\nwhatever")

    energy = heat("lattice:6x6")
    found = meshrep.compare(energy, ["lbfgs", Breaks(), "newton"])
    assert [row.solver for row in found.solutions] == ["lbfgs", "newton"]
    assert "out of" in found.rows[1].message and "\n" not in found.rows[1].message
    assert found.gap(found["lbfgs"]) is not None and "failed: " in found.table()
    assert json.dumps(found.report(), allow_nan=False)


def test_a_refused_row_does_not_cost_the_others_but_all_refused_is_an_error():
    class Refuses(meshrep.GradientDescent):
        name = "refuses"

        def run(self, objective, monitor):
            raise meshrep.InputError("not this energy")

    energy = heat("lattice:6x6")
    found = meshrep.compare(energy, [Refuses(), "newton"])
    assert found.rows[0].message == "not this energy" and found.best.solver == "newton"
    assert found.gap(found.best) is None  # it alone ended
    with pytest.raises(meshrep.InputError, match="not this energy"):
        meshrep.compare(energy, [Refuses()])


def test_nan_is_no_best_and_no_reference():
    class Lost(meshrep.Minimiser):
        """A peer of sorts whose end is NaN."""

        name = "lost"

        def run(self, objective, monitor):
            objective.start[:] = 1.5  # beyond the wall, and in place
            return Result.MAX_STEPS, objective.start, 1

    energy = nan_beyond(LATTICE, 3.0, 1.0)
    start = np.zeros(25)
    found = meshrep.compare(energy, [Lost(), "gd", "lbfgs"], start=start, max_steps=5)
    assert found["lost"].result is Result.DIVERGED
    np.testing.assert_array_equal(found["lost"].field, start)

    def lost(energy, start):
        return lambda recorder: recorder.look(1, lambda: start + 1.5)

    peer = Entrant("peer", peer=lambda energy, start: lost(energy, start))
    for order in ([peer, "gd", "lbfgs"], ["gd", "lbfgs", peer]):
        found = meshrep.compare(energy, order, start=start, max_steps=5)
        assert np.isfinite(found.reference.energy) and found.best.solver in ("gd", "lbfgs")
        assert json.dumps(found.report(), allow_nan=False) and found.table()


def test_a_solver_that_alone_is_finite_has_no_gap():
    energy = nan_beyond(LATTICE, 3.0, 1.0)
    beyond = meshrep.solve(energy, "gd", start=np.full(25, 2.0))
    inside = meshrep.solve(energy, "gd", start=np.zeros(25), max_steps=3)
    for rows in ([beyond, inside], [inside, beyond]):
        reference = best_known(energy, rows)
        assert not reference.independent and reference.energy == inside.energy
        assert np.isnan(reference.gap(inside.energy)) and "alone ended" in reference.how
    assert not best_known(energy, [beyond]).independent
    none = meshrep.compare(energy, ["gd", "lbfgs"], start=np.full(25, 2.0))
    assert [row.result for row in none.solutions] == [Result.DIVERGED] * 2
    assert none.gap(none.solutions[0]) is None and "–" in none.table()
    report = json.loads(json.dumps(none.report(), allow_nan=False))
    assert report["reference"]["energy"] is None and report["solvers"][0]["energy"] is None


def test_an_error_while_the_reference_is_polished_costs_no_row():
    calls = []

    def hessian(w):
        calls.append(1)
        raise MemoryError

    plain = counted(10**9)
    energy = meshrep.FunctionEnergy(LATTICE, plain.function, hessian=hessian, convex=True)
    found = meshrep.compare(energy, ["gd", "lbfgs"], max_steps=5)
    assert calls and len(found.solutions) == 2 and "the best of the solvers" in found.reference.how


def test_nan_ranks_last_in_a_group():
    def run(energy):
        return {"to": {"1e-2": None}, "energy": energy}

    good, bad = Standing("rate 1", [run(2.0)]), Standing("rate 2", [run(np.nan)])
    for order in ([good, bad], [bad, good]):
        assert min(order, key=lambda standing: rank(standing, "1e-2")) is good


class Sloppy(meshrep.Minimiser):
    """A user's solver that returns what it was made with."""

    name = "sloppy"

    def __init__(self, *ended):
        self.ended = ended

    def run(self, objective, monitor):
        return self.ended


@pytest.mark.parametrize(
    "ended",
    [
        (Result.FLAT, None, 1), (Result.FLAT, np.zeros(3), 1), (Result.FLAT, np.zeros(36), None),
        (Result.FLAT, np.zeros(36), 1.5), ("flat", np.zeros(36), 1), (Result.FLAT, np.zeros(36)),
    ],
)  # fmt: skip
def test_what_users_solvers_return_is_checked(ended):
    with pytest.raises(meshrep.InputError, match=r"Sloppy.run must return \(result, params, steps"):
        meshrep.solve(heat("lattice:6x6"), Sloppy(*ended))
