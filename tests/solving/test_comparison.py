"""Comparisons: one start, one judge, one reference, and what is reported."""

import json
from dataclasses import replace

import numpy as np
import pytest
from problems_of_tests import fails, heat

import meshrep
from meshrep.base.outcome import Result
from meshrep.base.tables import duration
from meshrep.solving.entrants import Entrant
from meshrep.solving.reference import Reference
from meshrep.solving.solution import lowest

SOLVERS = ["adam", "gd", "lbfgs", "newton", "rk4"]


@pytest.fixture(scope="module")
def comparison():
    return meshrep.compare(heat("lattice:12x12"), SOLVERS, seed=4)


def test_all_start_at_the_same_field(comparison):
    assert len({row.start_energy for row in comparison.solutions}) == 1


def test_the_reference_is_below_all(comparison):
    for row in comparison.solutions:
        assert comparison.reference.gap(row.energy) >= -1e-12
    least = min(row.energy for row in comparison.solutions)
    assert comparison.best.energy == pytest.approx(least, rel=1e-9)


def test_the_best_is_the_first_that_arrived_whatever_rounding_says(comparison):
    newton, gd = comparison["newton"], comparison["gd"]
    least, size = newton.energy, abs(newton.energy)
    beside = [replace(gd, energy=least + 1e-10 * size), newton]
    assert lowest(beside) is beside[0]
    beside = [replace(gd, energy=least + 1e-8 * size), newton]
    assert lowest(beside) is newton
    # Where the least energy is 0 the fall from the start is what counts.
    beside = [replace(gd, energy=1e-10, start_energy=1.0), replace(newton, energy=0.0)]
    beside[1].start_energy = 1.0
    assert lowest(beside) is beside[0]
    failed = replace(gd, energy=np.nan)
    assert lowest([failed, newton]) is newton and lowest([failed]) is failed


def test_the_report_is_json_with_everything(comparison):
    report = json.loads(json.dumps(comparison.report(), allow_nan=False))
    assert set(report) >= {"graph", "problem", "reference", "solvers", "seed", "versions"}
    assert set(report["graph"]) >= {"nodes", "edges", "components", "repairs"}
    assert report["graph"]["nodes"] == 144 and report["seed"] == 4
    assert set(report["reference"]) == {"energy", "how"}
    wanted = {
        "name", "result", "energy", "gap", "grad_norm", "steps", "evaluations", "solve_s",
        "setup_s", "compile_s", "time_to", "backend", "device", "dtype",
    }  # fmt: skip
    for entry in report["solvers"]:
        assert set(entry) >= wanted
        assert list(entry["time_to"]) == ["1e-2", "1e-3", "1e-4", "1e-6"]
    assert [entry["name"] for entry in report["solvers"]] == SOLVERS


def test_times_to_gaps_are_ordered(comparison):
    for row in comparison.solutions:
        times = [t for t in comparison.time_to(row).values() if t is not None]
        assert len(times) >= 3 and times == sorted(times)


def test_the_table_has_a_row_a_solver(comparison):
    lines = comparison.table().splitlines()
    assert [line.split()[0] for line in lines[2:]] == SOLVERS


def test_columns_have_one_length(comparison):
    lengths = {len(column) for column in comparison.columns().values()}
    assert len(lengths) == 1 and lengths.pop() > 50


def test_a_solver_that_raises_is_a_row(lattice):
    energy = fails(lattice, 3, RuntimeError("no more\nof this"))
    comparison = meshrep.compare(energy, ["lbfgs", "newton"])
    assert all(row.message == "no more of this" for row in comparison.rows)
    assert "failed: no more of this" in comparison.table()
    with pytest.raises(meshrep.MeshrepError, match="every solver failed"):
        _ = comparison.best
    json.dumps(comparison.report()["solvers"])


def test_gaps_where_the_minimum_is_zero():
    assert Reference(0.0, "", 8.0).gap(4.0) == 0.5
    assert Reference(-2.0, "", 8.0).gap(-1.0) == 0.5
    assert Reference(2.0, "", 8.0).level(0.5) == 3.0


def test_a_solver_alone_has_no_gap():
    """Its own end is no reference for it, however far from the minimum it stopped."""
    comparison = meshrep.compare(heat("lattice:12x12"), ["gd"], max_steps=3)
    (row,) = comparison.solutions
    assert comparison.gap(row) is None and set(comparison.time_to(row).values()) == {None}
    assert comparison.table().splitlines()[2].split()[1] == "–"
    report = json.loads(json.dumps(comparison.report(), allow_nan=False))
    assert report["solvers"][0]["gap"] is None and np.isnan(comparison.columns()["gap"]).all()
    assert (
        report["reference"]["energy"] == row.energy and "gd ran alone" in report["reference"]["how"]
    )


def descent(energy, start):
    """Gradient descent as a solver of another package, which stops after 500 steps."""

    def go(recorder):
        w = start.copy()
        for step in range(500):
            recorder.look(step, lambda at=w: at)
            w = w - 0.1 * energy.gradient(w)

    return go


def test_a_solver_of_another_package_is_judged_beside_ours():
    energy = heat("lattice:12x12")
    peer = Entrant("descent", peer=descent)
    told = []
    comparison = meshrep.compare(energy, ["lbfgs", peer], observe=lambda name, _: told.append(name))
    ours, theirs = comparison.solutions
    assert theirs.result is Result.OWN_RULE and theirs.start_energy == ours.start_energy
    assert theirs.energy == energy.value(theirs.field) == theirs.history.best_energy()[-1]
    assert 0 < comparison.gap(theirs) < 1 and theirs.steps == 499 and "descent" in told
    assert "descent" in comparison.table() and json.dumps(comparison.report(), allow_nan=False)
    short = meshrep.compare(energy, ["lbfgs", peer], max_steps=7)["descent"]
    assert short.result is Result.MAX_STEPS and short.steps == 7


@pytest.mark.parametrize(
    ("time", "text"), [(None, "–"), (2.5, "2.5 s"), (0.0031, "3.1 ms"), (4.2e-5, "42 µs")]
)
def test_times_are_readable(time, text):
    assert duration(time) == text


def test_solution_knows_its_arrays(comparison):
    assert set(comparison.fields) == {f"temperature_{name}" for name in SOLVERS}
    assert np.shape(comparison["adam"].field) == (144,)
    with pytest.raises(KeyError):
        _ = comparison["gcn"]
