"""The row on momentum: fits and integrals with known answers, small runs, verdicts both ways."""

import copy
import json

import numpy as np
import pytest
from papers.claims import Verdict
from papers.momentum import row, runs

from meshrep.base.backends import installed
from meshrep.view.write import plain


@pytest.fixture(scope="module")
def small():
    """The row's pieces on small problems, as a ledger holds them."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (row, runs):
            patch.setattr(module, "CONDITIONS", (100.0,))
        patch.setattr(runs, "HEAT", "lattice:6x6")
        patch.setattr(runs, "RATES", (0.1,))
        patch.setattr(runs, "MODES", 40)
        done = {key: piece(lambda line: None) for key, piece in row.pieces(True).items()}
    return json.loads(json.dumps(plain(done)))


def test_fits_find_what_was_put_in():
    k = np.arange(1000)
    plain = np.column_stack([k, 0.9 ** (2 * k)])
    assert runs.fitted_factor(plain, False) == pytest.approx(0.9)
    double = np.column_stack([k, np.maximum(k, 1) ** 2 * 0.9 ** (2 * k)])
    assert runs.fitted_factor(double, True) == pytest.approx(0.9)
    assert np.isnan(runs.fitted_factor(plain[:20], False))  # the run is too short
    power = np.column_stack([k, np.maximum(k, 1) ** -2.0])
    assert runs.exponent(power, (10, 900)) == pytest.approx(-2)
    power[::2, 1] *= 0.01  # a swing that the envelope hides
    assert runs.exponent(power, (10, 900)) == pytest.approx(-2, abs=0.03)
    assert runs.envelope(np.array([3.0, 1.0, 2.0, 0.5])).tolist() == [3, 2, 2, 0.5]
    swing = np.column_stack([k[:4], [1.0, 0.01, 0.5, 0.05]])
    assert runs.steps_to(swing, 0.1) == 3 and np.isnan(runs.steps_to(swing, 0.01))


def test_the_equations_are_integrated():
    from scipy.special import j1

    t, eigenvalues = 7.0, np.array([1.0, 0.25])
    path = runs.integrated(eigenvalues, np.ones(2), lambda t: 3 / t)
    omega = np.sqrt(eigenvalues)
    np.testing.assert_allclose(path(t), 2 * j1(omega * t) / (omega * t), atol=1e-6)
    critical = runs.integrated(np.array([0.25]), np.ones(1), lambda t: 1.0)  # 2√μ
    assert critical(t)[0] == pytest.approx((1 + t / 2) * np.exp(-t / 2), abs=1e-6)


@pytest.mark.slow
def test_rates_are_those_predicted(small):
    cell = small["quadratic, κ = 100"]
    assert cell["predicted"]["heavy ball"] == pytest.approx(9 / 11)
    assert cell["predicted"]["NAG-SC"] == pytest.approx(0.9)
    for name, expected in cell["predicted"].items():
        assert row.agrees(cell["runs"][name]["factor"], expected), name
    assert cell["runs"]["NAG"]["factor"] is None


@pytest.mark.slow
def test_the_methods_follow_their_equations(small):
    for name, strays in small["equations"]["strays"].items():
        assert strays[0] > strays[1] > strays[2], name
        assert small["equations"]["orders"][name] == pytest.approx(1, abs=0.3)


def test_without_strong_convexity(small):
    runs = small["merely convex"]["runs"]
    assert runs["gradient descent"]["exponent"][0] == pytest.approx(-1, abs=0.1)
    assert runs["NAG"]["exponent"][0] == pytest.approx(-2, abs=0.2)
    bound = small["merely convex"]["bound"]
    assert all(gap <= bound / (k + 1) ** 2 for k, gap in runs["NAG"]["curve"])


@pytest.mark.slow
def test_the_claims_hold_and_say_why(small, tmp_path, monkeypatch):
    monkeypatch.setattr(row, "CONDITIONS", (100.0,))
    found = row.findings(small)
    assert found.verdict.value == "holds" and "of 5 claims 5 hold" in found.why
    assert "0.81818 predicted" in found.why and len(found.why.split()) <= 60
    assert "A remark on the last claim: at κ = 100 NAG without restarts does end" in found.text
    assert "nan" not in found.text
    if installed("matplotlib"):
        names = [name for name, _ in row.draw(small, tmp_path)]
        assert names == ["rates.png", "equations.png"]
        assert all((tmp_path / name).stat().st_size > 5000 for name in names)


def test_other_data_give_other_verdicts(small, monkeypatch):
    monkeypatch.setattr(row, "CONDITIONS", (100.0,))
    other = copy.deepcopy(small)
    other["Nesterov, late"]["factor"] = [1.0]
    assert "is not seen to end linearly" in row.findings(other).text
    assert row.findings(other).verdict is Verdict.HOLDS  # a remark decides nothing
    runs = other["quadratic, κ = 100"]["runs"]
    runs["heavy ball"]["factor"] = [0.95]
    found = row.findings(other)
    assert found.verdict is Verdict.IN_PART and "4 hold, 1 holds in part" in found.why
    runs["heavy ball"]["factor"] = [None]
    assert row.findings(other).verdict is Verdict.IN_PART
    runs["heavy ball"]["factor"], runs["heavy ball"]["steps"] = [9 / 11], [10**6]
    assert "| sooner than gradient descent | holds in part |" in row.findings(other).text
    wrong = {"merely convex": copy.deepcopy(small["merely convex"])}
    for run in wrong["merely convex"]["runs"].values():
        run["exponent"] = [-5.0]
    assert row.findings(wrong).verdict is Verdict.NOT
    assert row.findings({}).verdict is Verdict.OPEN
