"""The row on Hopf–Kuramoto: gains over a grid, their correlations, and the verdicts."""

from pathlib import Path

import numpy as np
import pytest
from papers import phases
from papers.hopf_kuramoto import row
from papers.hopf_kuramoto import runs as hopf_runs
from papers.hopf_kuramoto.grid import Grid, correlation
from papers.hopf_kuramoto.runs import AGAINST_TUNED, RULE, oscillators
from runs_by_hand import cell as contest
from runs_by_hand import run

from meshrep.base.backends import installed

needs_torch = pytest.mark.skipif(not installed("torch"), reason="needs torch")


def by(energy, seconds, rho, curve=()):
    """Return a run by the papers' rule that reaches no level."""
    return run(
        None, begun=0.0, energy=energy, steps=100 * seconds, seconds=seconds,
        measures={"rho": rho, "local order": rho}, curve=list(curve),
    )  # fmt: skip


def point(rho, gain, fair):
    """Return a contest in which the network stops ``gain`` times sooner than Adam.

    It gains ``fair`` from one start, and ends a tenth of the fall lower.
    """
    runs = {label: by(-10.0, 1.0, rho) for label in (row.OWN, row.SHARED, row.PRESET,
                                                      row.LBFGS, row.NEWTON)}  # fmt: skip
    runs |= {
        row.PAPERS: by(-9.0, 8.0, rho), row.OUTPUT: by(-10.0, 4.0, rho),
        row.STEP: by(0.0, 1.0, rho), row.NETWORK_STEP: by(0.0, 1.0, rho),
        row.GCN: by(-10.0, 8.0 / gain, rho), "adam, rate 0.1": by(-10.0, 1.0, rho),
    }  # fmt: skip
    common = {label: {"steps": fair, "seconds": fair} for label in AGAINST_TUNED}
    groups = {"adam, rate 0.1": "adam"}
    return contest(runs, 1, nodes=100, begun=[0.0], reference=-10.0, groups=groups, common=common)


def grid(gain, fair, side=5):
    """Return pieces on side × side points whose ρ falls with s₁; gains are functions of ρ."""
    found = {}
    for loss in row.LOSSES:
        for s2 in range(side):
            cells = {}
            for s1 in range(side):
                rho = 1 - (s1 * side + s2) / side**2
                cells[str(s1)] = point(rho, gain(rho), fair(rho))
            found[f"{loss}, s2 = {s2}"] = {"loss": loss, "s2": s2, "cells": cells}
    return found


def much(rho):
    return 8.0 ** (1.0 - rho)


def less(rho):
    return 8.0**rho


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gain", "fair", "side", "verdicts"),
    [
        (much, 3.0, 5, "HOLDS HOLDS HOLDS"),
        (much, 0.5, 5, "HOLDS HOLDS NOT"),
        (less, 0.5, 5, "HOLDS NOT NOT"),
        (lambda rho: 0.1 * much(rho), 0.5, 5, "HOLDS NOT NOT"),  # it rises, but is no gain
        (lambda rho: 2.0, 0.5, 5, "NOT NOT NOT"),
        (much, 3.0, 2, "OPEN OPEN OPEN"),
    ],
)
def test_the_verdict_follows_the_correlations(gain, fair, side, verdicts):
    data = grid(gain, lambda rho: fair, side)
    grids = {loss: Grid(data, loss) for loss in row.LOSSES}
    found = [of(grids)[0].verdict.name for of in (row.varies, row.highest, row.arrives)]
    assert found == verdicts.split()
    finding = row.findings(data)
    kinds = set(found)
    assert finding.verdict.name == (kinds.pop() if len(kinds) == 1 else "IN_PART")
    assert len(finding.why.split()) <= 60
    tables = [part for part in finding.text.split("\n\n") if part.startswith("|")]
    assert len(tables) == 9 and finding.text.startswith("### Claim by claim")
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_order_of_two_kinds_is_no_disorder():
    """Gains that rise with 1 − ρ alone, while neighbours are opposite, do not count as disorder."""
    data = grid(much, lambda rho: 1.0)
    for piece in data.values():
        for cell in piece["cells"].values():
            for runs in cell["runs"].values():
                runs[0]["measures"]["local order"] = 1.0
    claim, _ = row.highest({loss: Grid(data, loss) for loss in row.LOSSES})
    assert claim.verdict.name == "NOT"


def test_where_the_network_ends_higher_there_is_no_gain():
    data = grid(much, lambda rho: 1.0)
    cell = data["printed, s2 = 0"]["cells"]["0"]
    cell["runs"][row.GCN][0]["energy"] = -8.0
    found = row.honest(Grid(data, "printed"))
    assert np.isnan(found[0, 0]) and np.isfinite(found).sum() == found.size - 1
    assert "24 of 25 points" in row.varies({"printed": Grid(data, "printed")})[0].seen


def test_gains_are_to_an_energy_that_both_reach():
    """Adam at 0.1 ends lowest, at −9.5; the network at −10: both pass −9.4 on the way."""
    own = by(-10.0, 1.0, 1.0, [(1, 0.1, -1.0), (5, 0.5, -9.45), (9, 0.9, -10.0)])
    slow = by(-9.5, 1.0, 1.0, [(1, 0.1, -1.0), (50, 0.2, -9.5)])
    high = by(-8.0, 1.0, 1.0, [(1, 0.1, -8.0)])
    found = {
        "begun": [0.0], "reference": -10.0, "groups": {"adam, rate 0.1": "adam", "b": "adam"},
        "runs": {"own": [own], "adam, rate 0.1": [slow], "b": [high]},
    }  # fmt: skip
    gains = hopf_runs.to_common(found, "own")
    assert gains["steps"] == pytest.approx(10.0) and gains["seconds"] == pytest.approx(0.4)


def test_a_step_has_the_price_of_torch():
    """Adam: 800 steps at 0.01 s; the network: 100 at 0.05 s and 300 at 0.01 s."""
    found = point(0.5, 2.0, 1.0)
    found["runs"][row.NETWORK_STEP][0]["seconds"] = 5.0
    assert row.at_stop(row.GCN, "steps")(found) == pytest.approx(2.0)
    assert row.at_stop(row.GCN)(found) == pytest.approx(8.0 / (5.0 + 3.0))
    assert row.at_stop(row.OUTPUT)(found) == pytest.approx(2.0)  # no step of a network


def test_the_papers_rule_sees_losses_as_torch_has_them():
    import meshrep

    energy = meshrep.Kuramoto(meshrep.graph_from("lattice:6x6"))
    start = 0.1 * energy.random_start(0)
    end = meshrep.solve(energy, phases.direct(False, RULE), start=start)
    losses = np.array(end.history.energy[-12:-1])  # the last one is evaluated again, exactly
    assert end.result.word == "flat" and 100 < end.steps < RULE.max_steps
    assert (losses == losses[0]).all() and (losses == losses.astype(np.float32)).all()
    assert end.energy == energy.value(end.field)  # the judge does not round


def test_correlations_leave_out_what_is_not_known():
    disorder = np.linspace(0, 1, 8)
    gains = np.exp(disorder)
    gains[3] = np.nan
    r, p, count = correlation(gains, disorder)
    assert (r, count) == (pytest.approx(1.0), 7) and p < 1e-3
    assert np.isnan(correlation(np.ones(8), disorder)[0])


@pytest.mark.slow
@needs_torch
def test_the_row_runs(monkeypatch):
    monkeypatch.setattr(hopf_runs, "QUICK_GRAPH", "lattice:4x4")
    monkeypatch.setattr(hopf_runs, "QUICK_S1", (-0.5, 0.5))
    monkeypatch.setattr(hopf_runs, "QUICK_S2", (0.2,))
    monkeypatch.setattr(hopf_runs, "QUICK_SECONDS", 0.01)
    monkeypatch.setattr(hopf_runs, "WARM", 0.01)
    data = {key: piece(lambda line: None) for key, piece in row.pieces(True).items()}
    assert list(data) == ["printed, s2 = 0.2", "potential, s2 = 0.2"]
    for piece in data.values():
        for cell in piece["cells"].values():
            for gains in cell["common"].values():
                assert gains["steps"] > 0 and gains["seconds"] > 0
    assert row.findings(data).verdict.name == "OPEN"
    if installed("matplotlib"):
        for file, _ in row.draw(data, Path(".")):
            assert Path(file).stat().st_size > 1000


@needs_torch
def test_both_losses_are_posed():
    assert oscillators("printed", 0.3, 0.2, "lattice:3x3").law == (0.3, 0.2, 0.0)
    assert oscillators("potential", 0.3, 0.2, "lattice:3x3").law == (-0.15, 0.0, 0.2)
