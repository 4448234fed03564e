"""The row on clouds: how many steps runs take, in which units, and what is said of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from meshrep.backends import installed
from meshrep.minimisers.monitor import Stopping
from meshrep.view.write import write_json

SCRIPTS = Path(__file__).parent.parent / "scripts"
needs_gudhi = pytest.mark.skipif(not installed("gudhi"), reason="needs gudhi")


@pytest.fixture(autouse=True)
def in_scripts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(SCRIPTS))


@pytest.mark.parametrize("steps", [30, 100, 130])
def test_all_stages_together_take_the_steps(steps):
    from papers.cloud_runs import named, of_steps

    stages = of_steps(named("gcn").solver, steps).stages
    own = min(steps, 100)
    taken = [stage.stopping.max_steps for stage in stages]
    assert taken == ([own, steps - own] if steps > own else [own])


def test_the_papers_rule_is_kept_beside_the_limit_on_steps():
    from papers.cloud_runs import of_steps, papers_network

    solver = of_steps(papers_network(0.004, (4, 3)), 50)
    assert solver.stopping.patience == 10 and solver.stopping.atol == 1e-15
    assert solver.stopping.max_steps == 50 and solver.then is None
    assert solver.parametrization.widths == (4, 3) and solver.minimiser.lr == 0.004


@needs_gudhi
def test_in_the_papers_units_a_step_of_adam_has_its_length_in_any_box(monkeypatch):
    from papers import cloud_runs
    from papers.contest import Entrant

    from meshrep.composition import Solver
    from meshrep.minimisers.first_order import Adam

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
    from papers import cloud_runs, clouds

    monkeypatch.setattr(clouds, "QUICK_STEPS", {20: 6})
    monkeypatch.setattr(clouds, "QUICK_SEEDS", {20: 2})
    monkeypatch.setattr(clouds, "QUICK_SWEPT", 20)
    monkeypatch.setattr(cloud_runs, "ADAM_RATES", (0.02, 0.05))
    fit = cloud_runs.GraphNetwork
    monkeypatch.setattr(cloud_runs, "GraphNetwork", lambda **named: fit(**named, prefit_tol=0.05))
    return clouds


@needs_gudhi
def test_pieces_are_plain_and_the_same_again(tiny, tmp_path):
    made = tiny.pieces(True)
    done = {key: piece(lambda line: None) for key, piece in made.items()}
    write_json({"pieces": done}, tmp_path / "pieces.json")
    done = json.loads((tmp_path / "pieces.json").read_text())["pieces"]
    key = tiny.key_of(20, 4.0)
    again = made[key](lambda line: None)
    for label, runs in again["to tuned"]["runs"].items():
        kept = done[key]["to tuned"]["runs"][label]
        assert runs["energy"] == kept["energy"] and runs["steps"] == kept["steps"] == [6, 6]
    finding = tiny.findings(done)
    for words in ("20 points: loss reached", "| the papers' network |", "Widths and rates",
                  "stopping rule"):  # fmt: skip
        assert words in finding.text
    assert ("| Adam |" in finding.text) == installed("torch")
    assert "nan" not in finding.text + finding.why
    if installed("matplotlib"):
        files = [file for file, _ in tiny.draw(done, tmp_path)]
        assert files == ["gain.png", "cloud.png"]
        assert all((tmp_path / file).stat().st_size > 5_000 for file in files)


def test_nothing_done_is_open():
    from papers import clouds

    assert clouds.findings({}).verdict.name == "OPEN" and clouds.draw({}, Path()) == []


def contest(yardstick, several, gains, total):
    """A contest by hand: a yardstick takes 100 steps and 1 s, others ``gains`` times less."""

    def runs(steps, train, whole):
        return {"energy": [-1.0, -1.1], "steps": [200, 200], "train_s": [2.0, 2.0],
                "prefit_s": [0.1, 0.1], "steps_to": steps, "train_to": train,
                "total_to": whole}  # fmt: skip

    return {
        "tuned": yardstick,
        "runs": {
            yardstick: runs([100, 100], [1.0, 1.0], [1.0, 1.0]),
            **{
                label: runs([100 / gains, None], [1 / gains, None], [1 / total, None])
                for label in several
            },
        },
    }


def by_hand(of_tuned, of_papers):
    """Pieces of one size in two boxes: (gain, gain with the fit) over tuned Adam, and the other."""
    from papers.cloud_runs import NETWORK, PAPERS_ADAM, PAPERS_NETWORK

    return {
        f"100 points, range {bound:g}": {
            "n": 100, "bound": bound, "flat": [0, 4],
            "to tuned": contest("adam 0.02", (NETWORK, PAPERS_NETWORK, PAPERS_ADAM), *tuned),
            "to papers": contest(PAPERS_ADAM, (PAPERS_NETWORK,), *papers),
        }
        for bound, tuned, papers in zip((0.5, 4.0), of_tuned, of_papers, strict=True)
    }  # fmt: skip


def test_solvers_may_take_part_in_some_cells_only():
    from papers import clouds

    done = by_hand([(2, 1), (2, 1)], [(4, 2), (5, 3)])
    first = done["100 points, range 0.5"]
    first["n"] = 40
    first["to tuned"]["runs"]["lbfgs"] = first["to tuned"]["runs"]["adam 0.02"]
    text = clouds.findings(done).text
    assert "`lbfgs` reaches the level in 2 of 2 runs" in text and "in 0 of 1." in text
    assert "### 40 points" in text and "### 100 points" in text


def test_small_clouds_settle_nothing():
    from papers import clouds

    done = by_hand([(3.5, 1.8), (5.0, 2.4)], [(4, 2), (5, 3)])
    small = {key: {**data, "n": 40} for key, data in done.items()}
    assert clouds.findings(small).verdict.name == "OPEN"
    assert clouds.findings(done).verdict.name == "HOLDS"


@pytest.mark.parametrize(
    ("of_tuned", "of_papers", "verdict"),
    [
        ([(3.5, 1.8), (5.0, 2.4)], [(4, 2), (5, 3)], "HOLDS"),
        ([(5.0, 2.4), (3.5, 1.8)], [(4, 2), (5, 3)], "IN_PART"),  # falls with the range
        ([(3.5, 3.4), (5.0, 4.9)], [(4, 2), (5, 3)], "IN_PART"),  # nothing lost by the fit
        ([(1.2, 0.6), (2.0, 1.0)], [(2, 1), (2, 1)], "IN_PART"),  # faster, but by less
        ([(0.9, 0.5), (1.1, 0.5)], [(4, 2), (5, 3)], "IN_PART"),  # at the papers' rate only
        ([(0.9, 0.5), (1.1, 0.5)], [(1, 1), (2, 1)], "NOT"),
    ],
)
def test_the_verdict_follows_the_data(of_tuned, of_papers, verdict):
    from papers import clouds

    finding = clouds.findings(by_hand(of_tuned, of_papers))
    assert finding.verdict.name == verdict
    (first, _), (last, _) = of_tuned
    assert f", {(first * last) ** 0.5:.2g}× in training time" in finding.why
    assert f"from {first:.2g} to {last:.2g} (n = 100)" in finding.why
    assert "0 of 8 runs" in finding.text and "(1 of 2)" in finding.text
