"""The row on the literature's optimisers: its search for rates, and what made-up runs say."""

from pathlib import Path

import pytest

import meshrep
from meshrep.backends import installed

SCRIPTS = Path(__file__).parent.parent / "scripts"
needs_torch = pytest.mark.skipif(not installed("torch"), reason="needs torch")
LEVELS = ("1e-1", "1e-2", "1e-3", "1e-4", "1e-6")


@pytest.fixture(autouse=True)
def in_scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))


def run(reached):
    to = None if reached is None else [reached, 1e-3 * reached]
    return {
        "begun": 1.0, "energy": 0.0, "steps": 500, "seconds": 0.5, "setup": 0.0, "prefit": 0.0,
        "result": "flat", "measures": {}, "to": dict.fromkeys(LEVELS, to),
        "curve": [[0, 0.0, 1.0], [10, 0.01, 0.5], [500, 0.5, 0.0]],
    }  # fmt: skip


def cell(missing=(), **steps):
    classics = {"adam, fused": 90, "lbfgs": 5, "newton": 2, "gcn": 40}
    runs = {label: [run(count)] * 2 for label, count in (classics | steps).items()}
    return {
        "nodes": 9, "edges": 12, "begun": [1.0, 1.0], "reference": 0.0, "groups": {}, "runs": runs,
        "rates": dict.fromkeys(steps, 0.1), "missing": list(missing), "level": "1e-3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ({"SGD": 100, "SOAP, folded": 200}, {"SGD": None}, "HOLDS"),
        ({"SGD": 25, "AdaHessian": 50}, {"SGD": 80}, "IN_PART"),
        ({"SGD": 25}, {"AdaGrad": 10}, "NOT"),
    ],
)
def test_what_the_runs_say(first, second, verdict):
    from papers import optimisers as row

    one, two, three = row.PROBLEMS
    pieces = {one: cell(Adam=100, **first), two: cell(Adam=100, **second)}
    assert row.findings(pieces).verdict.name == "OPEN"  # of three problems
    pieces[three] = pieces[two]
    finding = row.findings(pieces)
    assert finding.verdict.name == verdict
    assert "L-BFGS 20× and Newton 50×" in finding.why
    if verdict == "IN_PART":
        assert f"on {one} SGD wins in time (4× less than Adam; 2 are ahead of it)" in finding.why
        assert f"On {two} none of the literature's takes clearly less time than Adam" in finding.why
        assert "| SGD (rate 0.1) |" in finding.text
    assert "nan" not in finding.text + finding.why


def test_one_that_gets_there_where_adam_does_not_is_ahead():
    from papers import optimisers as row

    finding = row.findings(dict.fromkeys(row.PROBLEMS, cell(Adam=None, SGD=10)))
    assert finding.verdict.name == "NOT"
    assert "SGD wins in time (Adam does not get there)" in finding.why


def test_what_is_missing_is_named():
    from papers import optimisers as row

    finding = row.findings({"one": cell(("Sophia",), Adam=100)})
    assert "pytorch_optimizer is not installed: Sophia." in finding.text
    assert row.findings({}).verdict.name == "OPEN"


@needs_torch
def test_the_rate_found_is_the_one_with_the_fewest_steps():
    from papers import optimisers as row
    from papers.literature import Method

    ring = meshrep.graph_from("ring:12")
    energy = meshrep.HeatBath(ring, [0, 6], [3, 9], power=2)
    descent = Method("descent", "sgd", rates=(0.001, 0.2, 5.0))
    least = meshrep.solve(energy, "newton").energy
    # The Hessian's spectrum lies within (0, 6]: 5 diverges and 0.001 crawls.
    assert row.searched(energy, descent, least, "1e-3", False) == 0.2
    assert row.searched(energy, descent, None, "1e-3", False) == 0.2


@needs_torch
def test_the_row_in_small(tmp_path, monkeypatch):
    from papers import optimisers as row

    monkeypatch.setattr(row, "MESH", "lattice:6x6")
    monkeypatch.setattr(row, "LATTICE", "lattice:4x4")
    monkeypatch.setattr(row, "QUICK_PROBLEMS", (row.PROBLEMS[1], row.PROBLEMS[2]))
    monkeypatch.setattr(row, "QUICK_METHODS", ("Adam", "M-FAC"))
    monkeypatch.setattr(row, "QUICK_RATES", (0.1,))
    monkeypatch.setattr(row, "QUICK_CAP", 0.1)
    pieces = {key: piece(lambda line: None) for key, piece in row.pieces(True).items()}
    assert list(pieces) == list(row.PROBLEMS[1:])
    assert pieces[row.PROBLEMS[1]]["rates"] == {"Adam": 0.1, "M-FAC": 0.1}
    finding = row.findings(pieces)
    assert "### Kuramoto, lattice 25×25" in finding.text
    if installed("matplotlib"):
        assert {name for name, _ in row.draw(pieces, tmp_path)} == {"steps.png", "time.png"}
