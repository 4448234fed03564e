"""Runs over seeds: levels, groups with searched rates, gains, and their tables."""

from types import SimpleNamespace

import numpy as np
import pytest

import meshrep
from meshrep.base.outcome import History, Result
from meshrep.base.tables import number, spread, times
from meshrep.errors import InputError
from meshrep.solving.entrants import Entrant, rates
from meshrep.solving.records import LEVELS, contest, record
from meshrep.solving.standings import gain, gained, geometric_mean, standings
from meshrep.solving.table import factor, table


def levels():
    """The levels of a fall from 101 to 1."""
    return {level: 1.0 + 100.0 * float(level) for level in LEVELS}


def end(energies, seconds=None, begun=None):
    steps = list(range(len(energies)))
    history = History(
        steps, seconds or [float(s) for s in steps], list(energies), [np.nan] * len(steps)
    )
    return SimpleNamespace(
        history=history, start_energy=begun or energies[0], energy=min(energies),
        steps=steps[-1], solve_s=history.seconds[-1], setup_s=0.0, prefit_s=0.0,
        result=Result.FLAT, measures={},
    )  # fmt: skip


def test_levels_are_shares_of_the_fall_that_is_left():
    found = record(end([101.0, 50.0, 10.9, 1.5, 1.0]), levels())
    assert found["to"]["1e-1"] == [2, 2.0]  # 1 + a tenth of 100
    assert found["to"]["1e-2"] == [3, 3.0] and found["to"]["1e-6"] == [4, 4.0]
    assert found["curve"][0] == [0, 0.0, 101.0] and found["curve"][-1][2] == 1.0
    assert record(end([101.0, 50.0]), levels())["to"]["1e-1"] is None


def cell_of(runs, groups=()):
    """A contest from 101 down to 1, of which only energies by step are given."""
    return {
        "begun": [101.0] * len(next(iter(runs.values()))), "reference": 1.0,
        "groups": dict(groups),
        "runs": {
            label: [record(end(energies), levels()) for energies in several]
            for label, several in runs.items()
        },
    }  # fmt: skip


FAST, SLOW, NEVER = [101.0, 1.0], [101.0, 80.0, 60.0, 40.0, 1.0], [101.0, 90.0]


def test_the_best_of_a_tuned_group_is_shown():
    groups = {"adam, rate 1": "adam", "adam, rate 2": "adam", "adam, rate 3": "adam"}
    runs = {"adam, rate 1": [NEVER, FAST], "adam, rate 2": [SLOW, SLOW],
            "adam, rate 3": [NEVER, NEVER], "lbfgs": [FAST, FAST]}  # fmt: skip
    found = standings(cell_of(runs, groups.items()), "1e-2")
    assert list(found) == ["adam", "lbfgs"]
    assert found["adam"].label == "adam, rate 2" and found["adam"].reached("1e-2") == 2
    assert found["adam"].to("1e-2").tolist() == [[4.0, 4.0], [4.0, 4.0]]
    assert not found["adam"].edge and not found["lbfgs"].edge
    lower = {"adam, rate 1": [NEVER], "adam, rate 3": [[101.0, 70.0]]}  # nobody gets there
    found = standings(cell_of(lower, groups.items()), "1e-2")
    assert found["adam"].label == "adam, rate 3" and found["adam"].shown == "adam, rate 3 (edge)"


def test_the_best_of_a_group_may_be_the_quickest():
    cell = cell_of({"net, rate 1": [FAST] * 2, "net, rate 2": [SLOW] * 2},
                   {"net, rate 1": "net", "net, rate 2": "net"})  # fmt: skip
    for run in cell["runs"]["net, rate 1"]:
        run["to"] = {level: [1, 9.0] for level in run["to"]}  # few steps, but dear ones
    assert standings(cell, "1e-3")["net"].label == "net, rate 1"
    assert standings(cell, "1e-3", "seconds")["net"].label == "net, rate 2"
    cell["by"] = {"net": "seconds"}
    assert standings(cell, "1e-3")["net"].label == "net, rate 2"
    assert standings(cell, "1e-3", "steps")["net"].label == "net, rate 1"


def test_gains_are_geometric_means_over_seeds_that_both_reach():
    runs = {"mine": [FAST, FAST, FAST], "other": [SLOW, FAST, NEVER], "lost": [NEVER] * 3}
    rows = standings(cell_of(runs), "1e-2")
    assert gain(rows["mine"], rows["other"], "1e-2", "steps") == pytest.approx(2.0)
    assert gain(rows["other"], rows["mine"], "1e-2", "seconds") == pytest.approx(0.5)
    assert np.isnan(gain(rows["mine"], rows["lost"], "1e-2", "steps"))
    mean = gained(rows["mine"], rows["other"], "1e-2", "steps")
    assert mean == (pytest.approx(2.0), 2, 1.0, 4.0)
    assert factor(mean, 3) == "2× (1 to 4, 2 of 3)"
    assert geometric_mean([2.0, 8.0, np.nan]).value == pytest.approx(4.0)
    assert factor(geometric_mean([]), 3) == "–"


def test_a_contest_as_a_table():
    runs = {"mine": [FAST, FAST], "other": [SLOW, NEVER]}
    lines = table(cell_of(runs), "1e-2", "other").splitlines()
    assert len({line.count("|") for line in lines}) == 1 and len(lines) == 4
    assert lines[2].startswith("| mine | 101 ± 0 | 1 ± 0 | 1 ± 0 |")
    assert "2 of 2" in lines[2] and lines[2].endswith("| 4× (1 of 2) | 4× (1 of 2) |")
    assert "fewer steps than other" in lines[0]
    assert "1 of 2" in lines[3]
    with pytest.raises(InputError, match="no entrant 'nobody' in this contest"):
        table(cell_of(runs), "1e-2", "nobody")


def test_numbers_are_read_without_powers_of_ten():
    assert spread(np.array([1.0, 3.0])) == "2 ± 1.4"
    assert spread(np.array([30123.0])) == "30,100"
    assert spread(np.array([np.nan])) == "–"
    assert number(130.4, 2) == "130" and number(0.00123, 2) == "0.0012"
    assert number(340.0, 2) == "340" and number(99.7, 2) == "100"
    assert number(-1.96, 3) == "−1.96" and number(7.1e-16, 2) == "7.1e−16"
    assert number(float("inf"), 2) == "inf"
    said = [times(value) for value in (0.072, 3.456, 99.6, 340.2, float("nan"))]
    assert said == ["0.072×", "3.5×", "100×", "340×", "–"]


def test_every_entrant_runs_on_every_seed_from_the_same_start():
    ring = meshrep.graph_from("ring:8")
    energy = meshrep.HeatBath(ring, hot=[4], cold=[0], power=2)
    entrants = [
        *rates("gd, tuned", lambda lr: ("gd", {"lr": lr}), (0.01, 0.2)),
        Entrant("newton", "newton"),
    ]
    said = []
    cell = contest(energy, entrants, (0, 1), said.append, max_steps=2000)
    assert said == ["gd, tuned, rate 0.01", "gd, tuned, rate 0.2", "newton"]
    begun = [energy.value(energy.random_start(seed)) for seed in (0, 1)]
    assert cell["begun"] == begun and cell["nodes"] == cell["edges"] == 8
    assert all([run["begun"] for run in runs] == begun for runs in cell["runs"].values())
    rows = standings(cell, "1e-6")
    assert rows["gd, tuned"].label == "gd, tuned, rate 0.2" and rows["newton"].reached("1e-6") == 2
    assert gain(rows["newton"], rows["gd, tuned"], "1e-6", "steps") > 1
    assert cell["reference"] == pytest.approx(rows["newton"].column("energy")[0], abs=1e-12)
