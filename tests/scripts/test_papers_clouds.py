"""The row on clouds: the steps that runs take, their units, and the verdicts."""

import json
from pathlib import Path

import numpy as np
import pytest
from papers.clouds import row as clouds
from papers.clouds import runs as cloud_runs
from papers.clouds.claims import claims_of, loss_table
from papers.clouds.runs import (
    FLAT,
    NETWORK,
    PAPERS_ADAM,
    PAPERS_NETWORK,
    PAPERS_STEPS,
    WINDOW,
    named,
    of_steps,
    papers_network,
    steps_of,
)

from meshrep.base.backends import installed
from meshrep.minimisers.monitor import Stopping
from meshrep.solving.entrants import Entrant
from meshrep.view.write import write_json

needs_gudhi = pytest.mark.skipif(not installed("gudhi"), reason="needs gudhi")


@pytest.mark.parametrize("steps", [30, 100, 130])
def test_all_stages_together_take_the_steps(steps):
    stages = of_steps(named("gcn").solver, steps).stages
    own = min(steps, 100)
    taken = [stage.stopping.max_steps for stage in stages]
    assert taken == ([own, steps - own] if steps > own else [own])


def test_the_papers_rule_is_kept_beside_the_limit_on_steps():
    solver = of_steps(papers_network(0.004, (4, 3)), 50)
    assert solver.stopping.patience == 10 and solver.stopping.atol == 1e-15
    assert solver.stopping.max_steps == 50 and solver.then is None
    assert solver.parametrization.widths == (4, 3) and solver.minimiser.lr == 0.004


def test_a_last_stage_ends_flat_and_keeps_its_rate():
    preset = named(NETWORK).solver
    first, last = of_steps(preset, 300).stages
    assert first.stopping.window == preset.stopping.window
    assert (last.stopping.window, last.stopping.ftol) == (WINDOW, FLAT)
    assert not last.minimiser.settle and preset.then.minimiser.settle  # not changed


def test_only_adam_at_the_papers_rate_takes_more_steps_in_a_wide_box():
    assert steps_of(PAPERS_ADAM, 4.0, 800) == 4 * PAPERS_STEPS
    assert steps_of(NETWORK, 4.0, 800) == 800 and steps_of(PAPERS_ADAM, 4.0, 40) == 40


@needs_gudhi
def test_in_the_papers_units_a_step_of_adam_has_its_length_in_any_box(monkeypatch):
    from meshrep.minimisers.first_order import Adam
    from meshrep.solving.solver import Solver

    solver = Solver(Adam(lr=0.005, settle=False), stopping=Stopping(gtol=0.0))
    entrants = [Entrant(cloud_runs.PAPERS_ADAM, solver), Entrant("in half widths", solver)]
    found, begun = cloud_runs.ends(20, 4.0, 1, 1, entrants, lambda line: None)
    start = cloud_runs.energy_of(20, 4.0, 0).points
    moved = [np.abs(ends[0].field - start).max() for ends in found.values()]
    assert moved == pytest.approx([0.005, 0.02], rel=1e-3)
    assert begun == [cloud_runs.energy_of(20, 4.0, 0).value(start)]  # inside the box already


@pytest.fixture
def tiny(monkeypatch):
    """The row on clouds of twenty points, a few steps each."""
    monkeypatch.setattr(clouds, "QUICK_RANGES", {20: (1.0, 4.0)})
    monkeypatch.setattr(clouds, "QUICK_STEPS", {20: 6})
    monkeypatch.setattr(clouds, "QUICK_SEEDS", {20: 2})
    monkeypatch.setattr(clouds, "QUICK_SWEPT", 20)
    monkeypatch.setattr(cloud_runs, "ADAM_RATES", (0.02, 0.05))
    fit = cloud_runs.GraphNetwork
    monkeypatch.setattr(cloud_runs, "GraphNetwork", lambda **named: fit(**named, prefit_tol=0.05))
    return clouds


@pytest.mark.slow
@needs_gudhi
def test_pieces_are_plain_and_the_same_again(tiny, tmp_path):
    made = tiny.pieces(True)
    done = {key: piece(lambda line: None) for key, piece in made.items()}
    write_json({"pieces": done}, tmp_path / "pieces.json")
    done = json.loads((tmp_path / "pieces.json").read_text())["pieces"]
    key = tiny.key_of(20, 4.0)
    again = made[key](lambda line: None)
    for label, runs in again["runs"].items():
        for run, kept in zip(runs, done[key]["runs"][label], strict=True):
            assert run["energy"] == kept["energy"] and run["steps"] == kept["steps"] == 6
    finding = tiny.findings(done)
    for words in ("| 20 points | range 1 | range 4 |", "| the papers' network", "Widths and rates"):
        assert words in finding.text
    assert ("| Adam |" in finding.text) == installed("torch")
    assert "nan" not in finding.text + finding.why
    if installed("matplotlib"):
        files = [file for file, _ in tiny.draw(done, tmp_path)]
        assert files == ["gain.png", "cloud.png"]
        assert all((tmp_path / file).stat().st_size > 5_000 for file in files)


def test_nothing_done_is_open():
    assert clouds.findings({}).verdict.name == "OPEN" and clouds.draw({}, Path()) == []


def runs_of(steps, total, reached, seeds=3):
    """Return runs that arrive after ``steps`` steps, and a hundredth as many seconds."""
    there = {level: [steps, steps / 100] for level in ("0.8", "0.95")}
    run = {"steps": 200, "seconds": 2.0, "prefit": total - steps / 100, "result": "flat"}
    return [
        run | {"energy": energy, "to": there if seed < reached else dict.fromkeys(there)}
        for seed, energy in zip(range(seeds), (-1.0, -1.1, -1.2), strict=True)
    ]


def by_hand(of_tuned, of_papers, share=0.5, reached=3, n=100, fell=3):
    """Return pieces of one size in two boxes, with gains over tuned Adam and the papers' Adam."""
    found = {}
    for bound, tuned, papers in zip((1.0, 4.0), of_tuned, of_papers, strict=True):
        runs = {
            "adam 0.01": runs_of(100, 1.0, 3),
            "adam 0.02": runs_of(100, 1.0, 3),
            PAPERS_ADAM: runs_of(100 * papers, papers, 3),
            PAPERS_NETWORK: runs_of(100, 1.0 / share, reached),
            NETWORK: runs_of(100 / tuned, 1 / tuned, reached),
        }
        found[f"{n} points, range {bound:g}"] = {
            "n": n, "bound": bound, "seeds": 3, "fell": fell, "lowest": "adam 0.02",
            "tuned": "adam 0.02", "runs": runs,
        }  # fmt: skip
    return found


ALL = ["HOLDS"] * 5


@pytest.mark.parametrize(
    ("of_tuned", "of_papers", "others", "verdicts", "overall"),
    [
        ((3.5, 5.0), (4, 5), {}, ALL, "HOLDS"),
        ((5.0, 3.5), (4, 5), {}, [*ALL[:4], "NOT"], "IN_PART"),  # falls with the range
        ((3.5, 5.0), (4, 5), {"share": 0.9}, ["HOLDS", "HOLDS", "NOT", *ALL[3:]], "IN_PART"),
        ((1.3, 2.0), (4, 5), {}, ["HOLDS", "IN_PART", *ALL[2:]], "IN_PART"),  # faster, by less
        ((0.7, 0.9), (4, 5), {}, ["HOLDS", "NOT", "HOLDS", "HOLDS", "NOT"], "IN_PART"),
        ((0.7, 0.9), (1, 1), {"share": 0.9}, ["NOT"] * 5, "NOT"),
        ((3.5, 5.0), (4, 5), {"reached": 1}, ["OPEN"] * 5, "OPEN"),  # too few arrive
        ((3.5, 5.0), (4, 5), {"n": 40}, ["OPEN"] * 5, "OPEN"),  # small clouds settle nothing
    ],
)
def test_the_verdict_follows_the_data(of_tuned, of_papers, others, verdicts, overall):
    done = by_hand(of_tuned, of_papers, **others)
    assert [claim.verdict.name for claim in claims_of(done)] == verdicts
    finding = clouds.findings(done)
    assert finding.verdict.name == overall
    assert ("both arrive in 1 of 3" in finding.text) == ("reached" in others)
    assert "nan" not in finding.why + finding.text and len(finding.why.split()) <= 70


def test_a_gain_far_above_the_claim_is_called_so():
    assert "far above 4× in 2 of 2" in claims_of(by_hand((3.5, 5.0), (30, 57)))[0].seen


def test_cells_in_which_adam_does_not_fall_are_left_out_and_named():
    done = by_hand((3.5, 5.0), (4, 5))
    done["100 points, range 1"]["fell"] = 2
    text = clouds.findings(done).text
    assert "Left out, since Adam does not fall in every seed: 100 points, range 1." in text
    done["100 points, range 4"]["fell"] = 0
    assert clouds.findings(done).verdict.name == "OPEN"


def test_the_best_rate_at_an_edge_is_marked():
    assert "*†" in loss_table(by_hand((3.5, 5.0), (4, 5)))


@needs_gudhi
def test_the_yardstick_is_the_rate_that_arrives_soonest(monkeypatch):
    found, begun = cloud_runs.ends(20, 4.0, 1, 30, cloud_runs.adams(), lambda line: None)
    data = cloud_runs.contested(found, begun)
    goal = found[data["lowest"]][0].energy
    level = begun[0] + cloud_runs.SHARE * (goal - begun[0])
    steps = {label: ends[0].history.steps_to(level) for label, ends in found.items()}
    assert data["fell"] == 1 and data["tuned"] == min(
        (label for label, step in steps.items() if step is not None), key=steps.get
    )
    no_fall = cloud_runs.contested(found, [-9e9])
    assert no_fall["fell"] == 0
    assert all(run["to"]["0.8"] is None for runs in no_fall["runs"].values() for run in runs)
