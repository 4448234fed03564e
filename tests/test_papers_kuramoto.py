"""The row on Kuramoto's oscillators: its solvers, and what it says of runs made by hand."""

from pathlib import Path

import numpy as np
import pytest

import meshrep
from meshrep.backends import installed
from meshrep.study import network_output

SCRIPTS = Path(__file__).parent.parent / "scripts"
needs_torch = pytest.mark.skipif(not installed("torch"), reason="needs torch")


@pytest.fixture(autouse=True)
def in_scripts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(SCRIPTS))


def run(seconds, energy=-1200.0, begun=0.0, reached=10.0, **measures):
    """A run as a contest records it; ``reached`` steps and as many milliseconds to all levels."""
    levels = ("1e-1", "1e-2", "1e-3", "1e-4", "1e-6")
    to = None if reached is None else [reached, 1e-3 * reached]
    return {
        "begun": begun, "energy": energy, "steps": 1000 * seconds, "seconds": seconds,
        "setup": 0.0, "prefit": 0.0, "result": "flat", "to": dict.fromkeys(levels, to),
        "measures": {"rho": 1.0, "vortices": 0, **measures},
        "curve": [[1, 0.001, begun], [10, seconds, energy]],
    }  # fmt: skip


def cell(own, alone, fair, seeds=3):
    """A contest in which the network stops ``own`` times sooner than Adam, Adam from its output
    ``alone`` times, and from one start it is at the level ``fair`` times sooner."""
    from papers import kuramoto as row

    stuck = {"energy": -1180.0, "rho": 0.6, "vortices": 2}
    at_output = f"{row.OUTPUT}, rate 0.1"
    runs = {
        f"{row.TUNED}, rate 0.01": run(8.0, reached=900.0, **stuck),
        f"{row.TUNED}, rate 0.1": run(1.0, reached=100.0),
        row.AT_OUTPUT: run(8.0 / alone, begun=-900.0, reached=50.0),
        at_output: run(8.0 / alone, begun=-900.0, reached=20.0),
        row.switched(100): run(8.0 / own, begun=-900.0, reached=20.0 * alone / own),
        row.SHARED: run(1.0, reached=100.0 / fair),
        row.SHARED_CIRCLE: run(1.0), "gcn, papers' start": run(0.1),
        f"{row.FUSED}, rate 0.1": run(0.1, reached=5.0),
        row.PRESET: run(0.1, reached=10.0), row.PRESET_VALUE: run(0.1, reached=None),
        "lbfgs": run(0.1, reached=2.0),
    }  # fmt: skip
    groups = {label: label.rsplit(", rate", 1)[0] for label in runs if ", rate" in label}
    return {
        "nodes": 625, "edges": 1200, "begun": [0.0] * seeds, "reference": -1200.0,
        "groups": groups, "runs": {label: [one] * seeds for label, one in runs.items()},
    }  # fmt: skip


def three(**gains):
    return {name: cell(**gains) for name in ("lattice", "circle", "tree")}


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ({"own": 8.0, "alone": 2.0, "fair": 3.0}, "HOLDS"),
        ({"own": 8.0, "alone": 2.0, "fair": 0.5}, "IN_PART"),
        ({"own": 8.0, "alone": 16.0, "fair": 3.0}, "IN_PART"),
        ({"own": 1.1, "alone": 2.0, "fair": 0.5}, "NOT"),
        ({"own": 8.0, "alone": 2.0, "fair": 3.0, "seeds": 2}, "OPEN"),
    ],
)
def test_the_verdict_weighs_the_rule_the_start_and_the_baseline(gains, verdict):
    from papers import kuramoto as row

    finding = row.findings(three(**gains))
    assert finding.verdict.name == verdict
    assert f"stops {gains['own']:.2g}× (lattice)" in finding.why
    assert "75% (lattice)" in finding.why  # of the fall from 0 to −1200 lies behind −900
    assert f"{gains['own'] / gains['alone']:.2g}× (tree)" in finding.why
    tables = [part for part in finding.text.split("\n\n") if part.startswith("|")]
    assert len(tables) == 4
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_a_level_that_is_missed_is_no_gain():
    from papers import kuramoto as row

    cells = three(own=8.0, alone=2.0, fair=3.0)
    cells["tree"]["runs"][row.SHARED] = [run(1.0, reached=None)] * 3
    finding = row.findings(cells)
    assert finding.verdict.name == "IN_PART" and "– (tree)" in finding.why


def test_a_part_of_the_claim_that_fails_counts():
    from papers.kuramoto import together
    from papers.row import Verdict

    assert together([Verdict.HOLDS, Verdict.HOLDS]) is Verdict.HOLDS
    assert together([Verdict.HOLDS, Verdict.NOT]) is Verdict.IN_PART
    assert together([Verdict.NOT, Verdict.NOT]) is Verdict.NOT
    assert together([Verdict.OPEN, Verdict.NOT]) is Verdict.OPEN


def test_where_phases_end():
    from papers import phases
    from papers.contest import Standing

    ends = [{}, {"vortices": 2}, {"rho": 0.9}, {"vortices": np.nan, "winding": -1}]
    standing = Standing("a", [run(1.0, **measures) for measures in ends])
    np.testing.assert_array_equal(phases.defects(standing), [0, 2, 0, 1])
    assert phases.synchronised(standing) == 0.25
    tree = Standing("b", [run(1.0, vortices=np.nan)])
    assert np.isnan(phases.defects(tree)).all() and phases.synchronised(tree) == 1.0


@pytest.mark.parametrize("times", [(0.1, 0.2, 0.3), (0.1, 0.2, 0.2)])
def test_deeper_is_slower_where_it_is(times):
    from papers import kuramoto_variants as variants

    runs = {"adam in torch, rate 0.01": [run(1.0)]}
    for start in variants.STARTS:
        for layers, seconds in zip(variants.LAYERS, times, strict=True):
            runs[variants.deep(layers, start)] = [run(seconds)]
    found = {"begun": [0.0], "reference": -1200.0, "groups": {}, "runs": runs}
    holds, said, table = variants.compare_depths(found)
    assert holds == (times[2] > times[1])
    assert said.count("deeper is slower") == (2 if times[2] > times[1] else 0)
    assert "3 layers" in table and said.count("0.1, 0.2") == 2


@pytest.mark.parametrize(("sgd", "said"), [(5.0, "sgd in torch does better"), (9.9, "no other"),
                                           (None, "no other")])  # fmt: skip
def test_an_optimiser_is_better_that_arrives_clearly_sooner(sgd, said):
    from papers import kuramoto_variants as variants

    runs, groups = {}, {}
    for method, reached in (("Adam", 10.0), ("SGD", sgd)):
        for rate in ("0.01", "0.1"):
            label = f"{variants.group(method)}, rate {rate}"
            late = 50.0 if rate == "0.01" else reached
            runs[label], groups[label] = [run(1.0, reached=late)], variants.group(method)
    found = {"begun": [0.0], "reference": -1200.0, "groups": groups, "runs": runs}
    holds, clause, table = variants.compare_optimisers(found, "directly")
    assert holds == (said == "no other")
    at_best = clause.split(" and ")[1]
    assert "no other optimiser" in clause.split(" and ")[0] and said in at_best
    assert "| sgd in torch |" in table


@needs_torch
def test_with_a_switch_at_0_adam_begins_at_the_networks_output():
    from papers import phases

    from meshrep.minimisers.monitor import Stopping

    rule = Stopping(max_steps=5, gtol=0.0)
    energy = meshrep.Kuramoto(meshrep.graph_from("lattice:6x6"))
    end = meshrep.solve(energy, phases.network(True, rule, switch=0), seed=3)
    output = network_output(energy, 3)
    assert end.start_energy == pytest.approx(energy.value(output), rel=1e-9)
    straight = meshrep.solve(energy, phases.direct(True, rule), start=output)
    assert (end.steps, straight.steps) == (5, 5)
    assert end.energy == pytest.approx(straight.energy, rel=1e-9)


@needs_torch
def test_the_row_runs(monkeypatch):
    from papers import kuramoto as row
    from papers import kuramoto_variants as variants

    monkeypatch.setattr(row, "QUICK_GRAPHS", {"lattice": "lattice:4x4", "tree": "tree:2^2"})
    for module in (row, variants):
        monkeypatch.setattr(module, "QUICK_SECONDS", 0.01)
    monkeypatch.setattr(row, "QUICK_SEEDS", range(1))
    monkeypatch.setattr(row, "QUICK_RATES", (0.1,))
    monkeypatch.setattr(variants, "LAYERS", (1, 2))
    monkeypatch.setattr(variants, "QUICK_RATES", (0.01,))
    data = {key: piece(lambda line: None) for key, piece in row.pieces(True).items()}
    finding = row.findings(data)
    assert finding.verdict.name == "OPEN" and "deeper" in finding.why
    assert row.findings({}).text == ""
    if installed("matplotlib"):
        for file, _ in row.draw(data, Path(".")):
            assert Path(file).stat().st_size > 1000
