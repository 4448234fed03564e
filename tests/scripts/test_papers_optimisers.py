"""The row on the literature's optimisers: its search for rates, and verdicts on made-up runs."""

import pytest
from papers.literature import Method
from papers.optimisers import row
from runs_by_hand import cell

import meshrep
from meshrep.base.backends import installed
from meshrep.solving.records import LEVELS

needs_torch = pytest.mark.skipif(not installed("torch"), reason="needs torch")


def contest(missing=(), **steps):
    classics = {"adam, fused": 90, "lbfgs": 5, "newton": 2, "gcn": 40}
    rates = dict.fromkeys(steps, 0.1)
    return cell(classics | steps, rates=rates, missing=list(missing), level="1e-3")


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ({"SGD": 100, "SOAP, folded": 200}, {"SGD": None}, "HOLDS"),
        ({"SGD": 25, "AdaHessian": 50}, {"SGD": 80}, "IN_PART"),
        ({"SGD": 25}, {"AdaGrad": 10}, "NOT"),
    ],
)
def test_what_the_runs_say(first, second, verdict):
    one, two, three = row.PROBLEMS
    pieces = {one: contest(Adam=100, **first), two: contest(Adam=100, **second)}
    assert row.findings(pieces).verdict.name == "OPEN"  # of three problems
    pieces[three] = pieces[two]
    finding = row.findings(pieces)
    assert finding.verdict.name == verdict
    assert "L-BFGS 20×, Newton 50× and fused Adam 1.1× less time" in finding.text
    if verdict == "IN_PART":
        assert f"on {one} SGD (4×) and 1 more; on {two} none;" in finding.why
        assert "SGD wins in time (4× less than Adam; 2 are ahead of it)" in finding.text
        assert "none of the literature's takes clearly less time than Adam" in finding.text
        assert "| SGD (rate 0.1) |" in finding.text
    assert "nan" not in finding.text + finding.why


def test_one_that_gets_there_where_adam_does_not_is_ahead():
    finding = row.findings(dict.fromkeys(row.PROBLEMS, contest(Adam=None, SGD=10)))
    assert finding.verdict.name == "NOT"
    assert "SGD (where Adam does not arrive)" in finding.why


def test_mfac_is_judged_by_its_steps():
    quick = contest(**{"Adam": 100, "M-FAC": 90})
    for each in quick["runs"]["M-FAC"]:
        each["to"] = {level: [90, 1e-3] for level in LEVELS}  # a hundredth of Adam's time
    assert row.findings(dict.fromkeys(row.PROBLEMS, quick)).verdict.name == "HOLDS"
    finding = row.findings(dict.fromkeys(row.PROBLEMS, contest(**{"Adam": 100, "M-FAC": 50})))
    assert finding.verdict.name == "NOT" and "none, but M-FAC fewer steps" in finding.why


def test_nothing_is_settled_where_adam_and_the_rest_do_not_arrive():
    finding = row.findings(dict.fromkeys(row.PROBLEMS, contest(Adam=None, SGD=None)))
    assert finding.verdict.name == "OPEN"


def test_a_rate_at_the_end_of_its_grid_is_marked():
    assert row.label({"rates": {"SGD": 10.0}}, "SGD") == "SGD (rate 10, edge)"
    assert row.label({"rates": {"SGD": 0.3}}, "SGD") == "SGD (rate 0.3)"


def test_the_minimum_of_kuramoto_is_all_phases_alike():
    energy, least = row.problem(row.PROBLEMS[2])
    alike = energy.random_start(0) * 0
    assert least == energy.value(alike) == -1200


def test_what_is_missing_is_named():
    finding = row.findings({"one": contest(("Sophia",), Adam=100)})
    assert "pytorch_optimizer is not installed: Sophia." in finding.text
    assert row.findings({}).verdict.name == "OPEN"


@needs_torch
def test_the_rate_found_is_the_one_with_the_fewest_steps():
    ring = meshrep.graph_from("ring:12")
    energy = meshrep.HeatBath(ring, [0, 6], [3, 9], power=2)
    descent = Method("descent", "sgd", rates=(0.001, 0.2, 5.0))
    least = meshrep.solve(energy, "newton").energy
    # The Hessian's spectrum lies within (0, 6]: 5 diverges and 0.001 crawls.
    assert row.searched(energy, descent, least, "1e-3", False) == 0.2


@pytest.mark.slow
@needs_torch
def test_the_row_in_small(tmp_path, monkeypatch):
    monkeypatch.setattr(row, "MESH", "lattice:6x6")
    monkeypatch.setattr(row, "LATTICE", "lattice:4x4")
    monkeypatch.setattr(row, "QUICK_PROBLEMS", (row.PROBLEMS[1], row.PROBLEMS[2]))
    monkeypatch.setattr(row, "QUICK_METHODS", ("Adam", "M-FAC"))
    monkeypatch.setattr(row, "QUICK_RATES", (0.1,))
    monkeypatch.setattr(row, "QUICK_CAP", 0.1)
    row.problem.cache_clear()
    pieces = {key: piece(lambda line: None) for key, piece in row.pieces(True).items()}
    assert list(pieces) == list(row.PROBLEMS[1:])
    assert pieces[row.PROBLEMS[1]]["rates"] == {"Adam": 0.1, "M-FAC": 0.1}
    finding = row.findings(pieces)
    row.problem.cache_clear()
    assert "<summary>Kuramoto, lattice 25×25, all solvers to 1e-1</summary>" in finding.text
    if installed("matplotlib"):
        assert {name for name, _ in row.draw(pieces, tmp_path)} == {"steps.png", "time.png"}
