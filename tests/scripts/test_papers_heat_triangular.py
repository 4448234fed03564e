"""The row on the triangular lattice: its problem, its pieces, and its verdicts on made-up runs."""

import pytest
from papers.heat_triangular import row
from runs_by_hand import cell

import meshrep
from meshrep.base.backends import installed

needs_torch = pytest.mark.skipif(not installed("torch"), reason="needs torch")


def found(gcn, gat, gn, tuned=10):
    """Return pieces in which Adam in torch needs 100 steps (tuned 50), and networks as given."""
    adam = {"adam": 100, "adam, tuned, rate 0.1": 50, "adam-torch": 100,
            "adam-torch, tuned, rate 0.1": 50, "rk4": 30, "lbfgs": 5, "newton": 2}  # fmt: skip
    pieces = {"baselines": cell(adam, nodes=2926)}
    for kind, steps in {"gcn": gcn, "gat": gat, "gn": gn}.items():
        members = {f"{kind} by autograd, papers' start": steps, f"{kind}, shared start": 20}
        members[f"{kind} by autograd, papers' start, tuned, then 0.2, rate 0.1"] = tuned
        pieces[kind] = cell(members, nodes=2926)
    return pieces


def test_the_graph_is_networkx_s():
    networkx = pytest.importorskip("networkx")
    ours = meshrep.graph_from("triangular:75x75")
    theirs = meshrep.from_networkx(networkx.triangular_lattice_graph(75, 75))
    assert (ours.n, ours.m) == (theirs.n, theirs.m) == (2926, 8550)
    assert sorted(ours.degree) == sorted(theirs.degree)


def test_hot_at_the_top_and_cold_at_the_bottom():
    energy, least = row.problem("triangular:15x15")
    height = energy.graph.points[:, 1]
    assert height[energy.hot].min() > 0.89 * height.max() > 0.11 * height.max()
    assert height[energy.cold].max() < 0.11 * height.max()
    assert energy.value(energy.random_start(0)) > least > 0


@pytest.mark.parametrize(
    ("steps", "tuned", "verdict"),
    [
        ((20, 25, 40), 10, "HOLDS"),
        ((20, 40, 25), 10, "IN_PART"),  # attention is the last, not message passing
        ((20, 25, 80), 10, "IN_PART"),  # more than slightly worse
        ((20, 25, 40), 70, "IN_PART"),  # Adam at its best rate is ahead
        ((20, 25, 200), 10, "IN_PART"),
        ((200, 300, 250), 70, "NOT"),
        ((None, None, None), None, "NOT"),
    ],
)
def test_what_the_runs_say(steps, tuned, verdict):
    finding = row.findings(found(*steps, tuned=tuned))
    assert finding.verdict.name == verdict
    if steps == (20, 25, 40) and tuned == 10:
        assert "5× that of GCN, 4× that of GAT, 2.5× that of GN; to 1e-4" in finding.why
        assert "Fused and tuned, Adam takes 10× L-BFGS's time." in finding.why
        assert "| both at 0.02, to 1e-3 | 5× (5×) | 4× (4×) | 2.5× (2.5×) |" in finding.text
    assert "nan" not in finding.text and "### Claim by claim" in finding.text


def test_every_level_counts():
    pieces = found(20, 25, 40)
    runs = pieces["gn"]["runs"]["gn by autograd, papers' start"]
    for each in runs:
        each["to"] = each["to"] | {"1e-2": [150, 0.15]}  # slower than Adam, to this level alone
    finding = row.findings(pieces)
    assert finding.verdict.name == "IN_PART"
    assert "at the papers' rate to 1e-2 GCN, GAT; to 1e-3 GCN, GAT, GN;" in finding.text


def test_too_few_arrivals_settle_nothing():
    pieces = found(20, 25, 40)
    for key in ("baselines", "gcn"):
        for runs in pieces[key]["runs"].values():
            runs[:] = [one | {"to": one["to"] | {"1e-4": None}} for one in runs]
    finding = row.findings(pieces)
    assert finding.verdict.name == "OPEN" and "too few runs arrive" in finding.why


def test_a_part_of_the_runs_settles_nothing():
    pieces = found(20, 25, 40)
    assert row.findings({}).verdict.name == "OPEN"
    finding = row.findings({key: pieces[key] for key in ("baselines", "gat")})
    assert finding.verdict.name == "OPEN" and "not run" in finding.text


@pytest.mark.slow
@needs_torch
def test_the_row_in_small(tmp_path, monkeypatch):
    monkeypatch.setattr(row, "QUICK_SIZE", "triangular:7x7")
    monkeypatch.setattr(row, "QUICK_CAP", 0.1)
    monkeypatch.setattr(row, "QUICK_STOP_CAP", 0.05)
    monkeypatch.setattr(row, "QUICK_RATES", (0.1,))
    monkeypatch.setattr(row, "KINDS", ("gcn",))
    pieces = {key: piece(lambda line: None) for key, piece in row.pieces(True).items()}
    assert set(pieces) == {"baselines", "gcn", row.STOP}
    assert pieces["gcn"]["runs"]["gcn, shared start"][0]["to"]["1e-3"] is not None
    begun = pieces["gcn"]["runs"]["gcn, shared start"][0]["begun"]
    assert begun == pytest.approx(pieces["gcn"]["begun"][0])
    finding = row.findings(pieces)
    assert finding.verdict.name == "OPEN" and "### Over Adam in torch" in finding.text
    if installed("matplotlib"):
        assert [name for name, _ in row.draw(pieces, tmp_path)] == ["falls.png"]
