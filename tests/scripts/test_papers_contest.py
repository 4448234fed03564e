"""The papers' contests: levels, tuned groups, gains, tables, claims and pictures."""

from types import SimpleNamespace

import numpy as np
import pytest

import meshrep
from meshrep.base.outcome import History, Result
from meshrep.errors import InputError


@pytest.fixture
def contests(monkeypatch):
    """The module of contests."""
    from papers import contest

    return contest


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


def test_levels_are_shares_of_the_fall_that_is_left(contests):
    found = contests.record(end([101.0, 50.0, 10.9, 1.5, 1.0]), 101.0, 1.0)
    assert found["to"]["1e-1"] == [2, 2.0]  # 1 + a tenth of 100
    assert found["to"]["1e-2"] == [3, 3.0] and found["to"]["1e-6"] == [4, 4.0]
    assert found["curve"][0] == [0, 0.0, 101.0] and found["curve"][-1][2] == 1.0
    assert contests.record(end([101.0, 50.0]), 101.0, 1.0)["to"]["1e-1"] is None


def cell_of(contests, runs, groups=()):
    """A contest from 101 down to 1, of which only energies by step are given."""
    return {
        "begun": [101.0] * len(next(iter(runs.values()))), "reference": 1.0,
        "groups": dict(groups),
        "runs": {
            label: [contests.record(end(energies), 101.0, 1.0) for energies in several]
            for label, several in runs.items()
        },
    }  # fmt: skip


FAST, SLOW, NEVER = [101.0, 1.0], [101.0, 80.0, 60.0, 40.0, 1.0], [101.0, 90.0]


def test_the_best_of_a_tuned_group_is_shown(contests):
    groups = {"adam, rate 1": "adam", "adam, rate 2": "adam", "adam, rate 3": "adam"}
    runs = {"adam, rate 1": [NEVER, FAST], "adam, rate 2": [SLOW, SLOW],
            "adam, rate 3": [NEVER, NEVER], "lbfgs": [FAST, FAST]}  # fmt: skip
    found = contests.standings(cell_of(contests, runs, groups.items()), "1e-2")
    assert list(found) == ["adam", "lbfgs"]
    assert found["adam"].label == "adam, rate 2" and found["adam"].reached("1e-2") == 2
    assert found["adam"].to("1e-2").tolist() == [[4.0, 4.0], [4.0, 4.0]]
    assert not found["adam"].edge and not found["lbfgs"].edge
    lower = {"adam, rate 1": [NEVER], "adam, rate 3": [[101.0, 70.0]]}  # nobody gets there
    found = contests.standings(cell_of(contests, lower, groups.items()), "1e-2")
    assert found["adam"].label == "adam, rate 3" and found["adam"].shown == "adam, rate 3 (edge)"


def test_the_best_of_a_group_may_be_the_quickest(contests):
    cell = cell_of(contests, {"net, rate 1": [FAST] * 2, "net, rate 2": [SLOW] * 2},
                   {"net, rate 1": "net", "net, rate 2": "net"})  # fmt: skip
    for run in cell["runs"]["net, rate 1"]:
        run["to"] = {level: [1, 9.0] for level in run["to"]}  # few steps, but dear ones
    assert contests.standings(cell, "1e-3")["net"].label == "net, rate 1"
    assert contests.standings(cell, "1e-3", "seconds")["net"].label == "net, rate 2"
    cell["by"] = {"net": "seconds"}
    assert contests.standings(cell, "1e-3")["net"].label == "net, rate 2"
    assert contests.standings(cell, "1e-3", "steps")["net"].label == "net, rate 1"


def test_gains_are_geometric_means_over_seeds_that_both_reach(contests):
    runs = {"mine": [FAST, FAST, FAST], "other": [SLOW, FAST, NEVER], "lost": [NEVER] * 3}
    rows = contests.standings(cell_of(contests, runs), "1e-2")
    assert contests.gain(rows["mine"], rows["other"], "1e-2", "steps") == pytest.approx(2.0)
    assert contests.gain(rows["other"], rows["mine"], "1e-2", "seconds") == pytest.approx(0.5)
    assert np.isnan(contests.gain(rows["mine"], rows["lost"], "1e-2", "steps"))
    mean = contests.gained(rows["mine"], rows["other"], "1e-2", "steps")
    assert mean == (pytest.approx(2.0), 2, 1.0, 4.0)
    assert contests.factor(mean, 3) == "2× (1 to 4, 2 of 3)"
    assert contests.geometric_mean([2.0, 8.0, np.nan]).value == pytest.approx(4.0)
    assert contests.factor(contests.geometric_mean([]), 3) == "–"


def test_a_contest_as_a_table(contests):
    runs = {"mine": [FAST, FAST], "other": [SLOW, NEVER]}
    lines = contests.table(cell_of(contests, runs), "1e-2", "other").splitlines()
    assert len({line.count("|") for line in lines}) == 1 and len(lines) == 4
    assert lines[2].startswith("| mine | 101 ± 0 | 1 ± 0 | 1 ± 0 |")
    assert "2 of 2" in lines[2] and lines[2].endswith("| 4× (1 of 2) | 4× (1 of 2) |")
    assert "fewer steps than other" in lines[0]
    assert "1 of 2" in lines[3]
    with pytest.raises(InputError, match="no entrant 'nobody' in this contest"):
        contests.table(cell_of(contests, runs), "1e-2", "nobody")


def test_numbers_are_read_without_powers_of_ten(contests):
    assert contests.spread(np.array([1.0, 3.0])) == "2 ± 1.4"
    assert contests.spread(np.array([30123.0])) == "30,100"
    assert contests.spread(np.array([np.nan])) == "–"
    assert contests.number(130.4, 2) == "130" and contests.number(0.00123, 2) == "0.0012"
    assert contests.number(340.0, 2) == "340" and contests.number(99.7, 2) == "100"
    assert contests.number(-1.96, 3) == "−1.96" and contests.number(7.1e-16, 2) == "7.1e−16"
    assert contests.number(float("inf"), 2) == "inf"


def test_every_entrant_runs_on_every_seed_from_the_same_start(contests):
    ring = meshrep.graph_from("ring:8")
    energy = meshrep.HeatBath(ring, hot=[4], cold=[0], power=2)
    entrants = [
        *contests.rates("gd, tuned", lambda lr: ("gd", {"lr": lr}), (0.01, 0.2)),
        contests.Entrant("newton", "newton"),
    ]
    said = []
    cell = contests.contest(energy, entrants, (0, 1), said.append, max_steps=2000)
    assert said == ["gd, tuned, rate 0.01", "gd, tuned, rate 0.2", "newton"]
    begun = [energy.value(energy.random_start(seed)) for seed in (0, 1)]
    assert cell["begun"] == begun and cell["nodes"] == cell["edges"] == 8
    assert all([run["begun"] for run in runs] == begun for runs in cell["runs"].values())
    rows = contests.standings(cell, "1e-6")
    assert rows["gd, tuned"].label == "gd, tuned, rate 0.2" and rows["newton"].reached("1e-6") == 2
    assert contests.gain(rows["newton"], rows["gd, tuned"], "1e-6", "steps") > 1
    assert cell["reference"] == pytest.approx(rows["newton"].column("energy")[0], abs=1e-12)


def test_ctrl_c_in_a_solver_ends_the_piece(contests):
    with pytest.raises(KeyboardInterrupt):
        contests.whole(SimpleNamespace(result=Result.INTERRUPTED))


def test_claims_make_a_verdict_and_a_table(contests):
    from papers.row import Claim, Verdict, claim_table, counted, judged, together

    right, wrong = Claim("it is", Verdict.HOLDS, "2×"), Claim("so", Verdict.NOT, "1×")
    assert together([right, right]) is Verdict.HOLDS and together([wrong]) is Verdict.NOT
    assert together([right, wrong]) is Verdict.IN_PART and together([]) is Verdict.OPEN
    unknown = Claim("or not", Verdict.OPEN, "1 of 5 seeds arrive")
    assert together([right, unknown]) is Verdict.OPEN
    assert together([right, unknown, wrong]) is Verdict.IN_PART
    assert judged([True, False]) is Verdict.IN_PART and judged([True, None]) is Verdict.OPEN
    assert judged([True]) is Verdict.HOLDS and judged([False]) is Verdict.NOT
    assert counted([right, wrong, right]) == "of 3 claims 2 hold, 1 does not hold"
    lines = claim_table([right, wrong]).splitlines()
    assert lines[0] == "### Claim by claim" and lines[-1] == "| so | does not hold | 1× |"
    assert claim_table([]) == ""


def test_lines_that_share_a_colour_differ_in_style(contests, monkeypatch, tmp_path):
    from bench import figures
    from papers import drawing

    if not figures.drawable():
        pytest.skip("needs matplotlib")
    made = []
    canvas = figures.canvas
    monkeypatch.setattr(figures, "canvas", lambda *size: made.append(canvas(*size)) or made[-1])
    many = {f"line {k}": [[1, 1], [2, k + 1]] for k in range(12)}
    panels = [drawing.Panel("a", "x", "y", many, ticks=(1, 2)),
              drawing.Panel("b", "x", "y", {"one": [[1, 1], [2, 90]]})]  # fmt: skip
    drawing.curves(panels, tmp_path / "lines.png", shared_y=True)
    first, second = made[0][1][:2]
    drawn = {(line.get_color(), line.get_linestyle()) for line in first.get_lines()}
    assert len(drawn) == 12 and [t.get_text() for t in first.get_xticklabels()] == ["1", "2"]
    assert first.get_ylim() == second.get_ylim() and first.get_ylim()[1] > 90
