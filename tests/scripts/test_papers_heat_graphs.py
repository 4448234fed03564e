"""The row on six graphs: its graphs, its solvers, and its verdicts on made-up runs."""

import json

import numpy as np
import pytest
from papers import heat, literature
from papers.heat_graphs import claims as heat_claims
from papers.heat_graphs import row
from runs_by_hand import cell, run

import meshrep
from meshrep.base.backends import installed
from meshrep.solving.records import LEVELS

needs_torch = pytest.mark.skipif(not installed("torch"), reason="needs torch")


def graph_pieces(graph, *, torch=5, rk4=2000, shampoo=None, first="gcn-res", layers=1):
    """Return pieces in which Adam needs 100 steps, tuned 50; ``first`` wins the sweep."""
    steps = {"adam": 100, "adam, tuned, rate 0.1": 50, "adam-torch": 100,
             "adam-torch, tuned, rate 0.1": 50, "rk4": rk4, "lbfgs": 5, "newton": 2}  # fmt: skip
    for kind in row.KINDS:
        eager = f"{kind} by autograd, papers' start"
        steps |= {eager: torch, f"{eager}, tuned, then 0.2, rate 0.1": torch}
        steps |= {f"{kind}, papers' start": 40, f"{kind}, shared start": 40}
        steps[f"{kind}, shared start, tuned, then 0.2, rate 0.1"] = 25
    sweep = {"adam": 100}
    for kind in row.KINDS:
        for depth in (1, 2):
            sweep[row.sized(kind, depth, 16)] = 10 if (kind, depth) == (first, layers) else 60
    late = {"adam-torch": 100, "Shampoo on n×1": None, "Shampoo, folded, rate 1": shampoo}
    return {
        f"{graph}, solvers": cell(steps),
        f"{graph}, sweep": cell(sweep),
        f"{graph}, Shampoo": cell(late, cap=5.0),
    }


def six(**settings):
    found = {}
    for graph in row.GRAPHS:
        found |= graph_pieces(graph, **settings)
    return found


def claims(finding):
    """The verdicts in the table of claims."""
    rows = finding.text.split("### Claim by claim")[1].split("###")[0].strip().splitlines()[2:]
    return [line.split(" | ")[1] for line in rows]


def test_all_claims_may_hold():
    finding = row.findings(six())
    assert finding.verdict.name == "HOLDS" and claims(finding) == ["holds"] * 5
    assert "of 5 claims 5 hold. To 1e-3" in finding.why and len(finding.why.split()) <= 60
    assert "Adam takes 20× the time of the best network, both in torch by autograd" in finding.why
    assert "(10× with both tuned), and 2× with Adam fused" in finding.why
    assert "and 2× with Adam fused, the network jitted and both tuned" in finding.why
    assert "RK4 at its longest stable step takes 20× Adam's time" in finding.text
    assert "80× its gradients" in finding.text  # four gradients per step
    assert "nan" not in finding.text


def test_none_may_hold():
    finding = row.findings(six(torch=50, rk4=100, shampoo=80, first="gcn", layers=2))
    says = claims(finding)
    assert says[0] == says[2] == says[3] == says[4] == "does not hold"
    assert says[1] == "holds in part"  # it arrives folded, but not as a column
    assert finding.verdict.name == "IN_PART"
    assert "folded gets to 1e-3 on 6 of 6 graphs, in 0.8× Adam's time" in finding.text
    assert "first by time: gcn on 6; by steps: gcn on 6" in finding.text


@pytest.mark.parametrize(
    ("time", "steps", "verdict"),
    [
        (5, 5, "HOLDS"),
        (9.8, 10, "NOT"),  # ahead by less than a clock shows
        (5, 20, "IN_PART"),  # in time alone
        (20, 20, "NOT"),
    ],
)
def test_first_is_who_is_clearly_ahead_in_time_and_in_steps(time, steps, verdict):
    members = {("gcn", 1, 16): (10, 10), ("gcn-res", 1, 16): (time, steps)}
    sweep = {"a": members, "b": members}
    assert heat_claims.residual_best(sweep, ("gcn", "gcn-res")).verdict.name == verdict


def test_one_graph_ahead_on_both_counts_is_a_part():
    sweep = {"a": {("gcn", 1, 16): (10, 10), ("gcn", 2, 16): (20, 20)},
             "b": {("gcn", 1, 16): (20, 20), ("gcn", 2, 16): (10, 10)}}  # fmt: skip
    assert heat_claims.shallow_best(sweep).verdict.name == "IN_PART"


def test_one_graph_out_of_six_makes_a_claim_hold_in_part():
    pieces = six(torch=50)
    pieces |= graph_pieces("bunny", torch=5)
    finding = row.findings(pieces)
    assert claims(finding)[0] == "holds in part" and finding.verdict.name == "IN_PART"
    assert "Adam takes 2 to 20× the best kind's time to 1e-3" in finding.text


def test_fewer_graphs_settle_nothing():
    assert row.findings({}).verdict.name == "OPEN"
    assert row.findings(graph_pieces("bunny")).verdict.name == "OPEN"
    missing = six()
    for key in [key for key in missing if key.endswith("Shampoo")]:
        missing[key]["runs"] = {"adam-torch": missing[key]["runs"]["adam-torch"]}
        missing[key]["groups"] = {}
    finding = row.findings(missing)
    assert finding.verdict.name == "OPEN" and "pytorch_optimizer is not installed" in finding.text


def test_the_papers_stop_and_the_hard_case_have_their_tables():
    pieces = graph_pieces("bunny")
    pieces[row.HARD] = pieces["bunny, solvers"]
    stops = cell({"adam-torch": 9, "gcn by autograd, papers' start": 9, "gcn-res by autograd": 9})
    stops["runs"]["adam-torch"] = [run(9, result="time limit"), run(9)]
    stops["runs"]["gcn-res by autograd"] = [run(9, result="time limit")] * 2
    pieces["bunny, the papers' stop"] = stops
    text = row.findings(pieces).text
    assert "| bunny | 0.5 (1 of 2) | 0.5 ± 0 (2 of 2) | – (0 of 2) | 1× | – |" in text
    assert f"### A hard case: {row.HARD}" in text


def test_the_graphs_are_connected_and_of_the_sizes_that_the_row_states():
    sizes = {}
    for name, spec in row.GRAPHS.items():
        graph = heat.largest_component(meshrep.graph_from(spec))
        assert graph.component_count == 1
        sizes[name] = graph.n
    assert sizes == {"bunny": 1839, "SBM": 2500, "2-D lattice": 2500, "3-D lattice": 2744,
                     "random geometric": 2473, "random": 2494}  # fmt: skip


def test_the_largest_component_keeps_weights_and_points():
    pairs = [[0, 1], [2, 4], [3, 4], [4, 5]]
    points = np.arange(18.0).reshape(6, 3)
    whole = meshrep.Graph.from_edges(6, pairs, np.array([9.0, 1.0, 2.0, 3.0]), points=points)
    graph = heat.largest_component(whole)
    assert graph.edges.tolist() == [[0, 2], [1, 2], [2, 3]]
    assert graph.weights.tolist() == [1.0, 2.0, 3.0]
    assert np.array_equal(graph.points, points[2:])


def test_networks_have_the_papers_adam_and_their_start():
    solver = heat.network("gcn-res", layers=2, hidden=64)
    adam, variables = solver.minimiser, solver.parametrization
    assert (adam.lr, adam.beta1, adam.beta2, adam.settle) == (0.02, 0.9, 0.999, False)
    assert variables.widths == (64, 64, 64) and variables.residual
    assert variables.network_start == "network" and solver.then.minimiser.lr == 0.02
    assert heat.network("gcn", 0.05, second=0.2).then.minimiser.lr == 0.2


def test_the_best_rates_are_read_of_the_group():
    runs = cell({"gcn, tuned, then 0.02, rate 0.1": 30, "gcn, tuned, then 0.5, rate 0.05": 20})
    runs["groups"] = dict.fromkeys(runs["runs"], "gcn, tuned")
    assert heat.best_rates(runs, "gcn, tuned", ("1e-3", "1e-4")) == {(0.5, 0.05): " (edge)"}
    for late in runs["runs"]["gcn, tuned, then 0.5, rate 0.05"]:
        late["to"] = {level: [20, 0.05] for level in LEVELS}  # fewer steps, but slower ones
    both = heat.best_rates(runs, "gcn, tuned", ("1e-3",), ("steps", "seconds"))
    assert list(both) == [(0.5, 0.05), (0.02, 0.1)]
    adam = cell({"adam, tuned, rate 0.5": 30, "adam, tuned, rate 1": 20})
    assert heat.field_rates(adam, ("1e-3",)) == [1.0]
    assert heat.second_rates(adam, ("1e-3",)) == [0.02, 1.0]


@pytest.mark.slow
@needs_torch
@pytest.mark.parametrize("kind", ["gcn", "gcn-res", "nograph", "gat", "gn"])
def test_autograd_takes_the_steps_that_the_written_pullback_takes(kind):
    energy = heat.heated(meshrep.graph_from("lattice:6x6"), "ends")
    solved = [
        meshrep.solve(energy, heat.network(kind, way=way, hidden=4), seed=1, max_steps=60)
        for way in (heat.TORCH, heat.AUTOGRAD)
    ]
    ours, torch = (
        dict(zip(end.history.step, end.history.best_energy(), strict=True)) for end in solved
    )
    assert ours.keys() == torch.keys() and len(ours) > 60
    assert np.allclose(list(ours.values()), list(torch.values()), rtol=1e-9)


@pytest.mark.slow
@needs_torch
def test_the_row_in_small(tmp_path, monkeypatch):
    monkeypatch.setattr(row, "QUICK_GRAPHS", {"tiny": "lattice:6x6"})
    for name in ("QUICK_CAP", "CAP", "QUICK_SHAMPOO_CAP", "STOP_CAP"):
        monkeypatch.setattr(row, name, 0.05)
    monkeypatch.setattr(row, "QUICK_RATES", (0.1,))
    monkeypatch.setattr(row, "KINDS", ("gcn",))
    monkeypatch.setattr(row, "NETWORK_RATES", (0.1,))
    monkeypatch.setattr(row, "QUICK_WIDTHS", (4,))
    monkeypatch.setattr(row, "STOP_KINDS", ("gcn",))
    pieces = {key: piece(lambda line: None) for key, piece in row.pieces(True).items()}
    pieces["tiny, the papers' stop"] = row._stop("tiny", lambda line: None)
    json.dumps(pieces)
    assert heat.least(row.problem("tiny")[0]) == pytest.approx(
        pieces["tiny, solvers"]["reference"], rel=1e-9
    )
    assert len(pieces["tiny, sweep"]["runs"]) == 1 + 2
    assert ("Shampoo on n×1" in pieces["tiny, Shampoo"]["runs"]) != (
        literature.FOLDED_SHAMPOO.missing
    )
    finding = row.findings(pieces)
    assert finding.verdict.name == "OPEN" and "### Kinds, layers and widths" in finding.text
    if installed("matplotlib"):
        assert {name for name, _ in row.draw(pieces, tmp_path)} == {"falls.png", "sweep.png"}
        assert (tmp_path / "falls.png").stat().st_size > 0
