"""The row on depth: the regression's derivatives, small runs, verdicts both ways."""

import json

import numpy as np
import pytest
from papers.depth import regression, row
from runs_by_hand import cell
from taylor import taylor_slopes

import meshrep
from meshrep.base.backends import backend_for, installed
from meshrep.view.write import plain

needs_torch = pytest.mark.skipif(not installed("torch"), reason="needs torch")


@pytest.fixture(scope="module")
def small():
    """The row's pieces on few examples at few rates, as a ledger holds them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row, "QUICK_EXAMPLES", 60)
        patch.setattr(row, "QUICK_FEATURES", 6)
        patch.setattr(row, "STEPS", 150)
        patch.setattr(row, "WARM", 0.001)
        for name in ("ADAM_RATES", "ADAGRAD_RATES", "ADADELTA_RATES"):
            patch.setattr(row, name, (0.1,))
        done = {key: piece(lambda line: None) for key, piece in row.pieces(True).items()}
    return json.loads(json.dumps(plain(done)))


@pytest.mark.parametrize("p", [2, 3, 4])
def test_derivatives_of_the_regression(p):
    X, y = regression.data(30, 5, 100.0, 0.1, 0, False)
    energy = regression.LpRegression(X, y, p)
    w, v = np.random.default_rng(1).standard_normal((2, 5))
    first, second = taylor_slopes(energy, w, v)
    assert first == pytest.approx(2, abs=0.1)
    assert p == 2 or second == pytest.approx(3, abs=0.2)  # p = 2 has no remainder
    np.testing.assert_allclose(energy.hessian(w) @ v, energy.hvp(w, v), rtol=1e-10)


def test_least_squares_is_solved():
    X, y = regression.data(40, 6, 100.0, 0.3, 0, False)
    energy = regression.LpRegression(X, y, 2)
    end = meshrep.solve(energy, "newton")
    np.testing.assert_allclose(end.field, np.linalg.lstsq(X, y)[0], atol=1e-9)
    assert end.energy == pytest.approx(0.5 * np.mean((X @ end.field - y) ** 2))


def test_whitened_features_are_white():
    X, y = regression.data(50, 4, 1e4, 0.1, 0, True)
    np.testing.assert_allclose(X.T @ X / 50, np.eye(4), atol=1e-10)
    assert y.mean() == pytest.approx(0, abs=1e-12) and y.std() == pytest.approx(1)
    plain = regression.data(50, 4, 1e4, 0.1, 0, False)[0]
    np.testing.assert_allclose(plain.std(axis=0), 1)


@needs_torch
def test_torch_sees_the_same_regression():
    X, y = regression.data(20, 3, 10.0, 0.1, 0, True)
    energy = regression.LpRegression(X, y, 4)
    backend = backend_for("torch", "cpu", "float64")
    w = np.array([0.1, -0.2, 0.3])
    value, gradient = energy.on(backend).value_and_grad(backend.asarray(w))
    assert float(value) == pytest.approx(energy.value(w))
    np.testing.assert_allclose(backend.to_numpy(gradient), energy.gradient(w))


@pytest.mark.slow
@needs_torch
def test_small_runs_make_a_page(small, tmp_path):
    found = row.findings(small)
    assert found.text.count("| gd, rate") == 2 and "| adagrad, rate 0.1 |" in found.text
    assert "on whitened features one step is enough" in found.text  # so that ℓ_2 is open
    assert "of 6 claims" in found.why and "1 is open" in found.why and len(found.why.split()) <= 60
    cell = small["p = 2, whitened, seed 0"]
    assert cell["curvature"] == pytest.approx(1)  # whitened: one step arrives
    gd = [
        run
        for label, runs in cell["runs"].items()
        if label.startswith("gd, rate 1")
        for run in runs
    ]
    assert gd[0]["to"]["1e-6"][0] == 1
    if installed("matplotlib"):
        assert row.draw(small, tmp_path)[0][0] == "depth.png"
        assert (tmp_path / "depth.png").stat().st_size > 5000


def made_up(steps, kinds=("standardised",)):
    """Return contests with given steps to every level; None for methods that never arrive."""
    pieces = {}
    for p, counts in steps.items():
        for kind in kinds:
            for seed in (0, 1):
                taken = {
                    name: count[seed] if isinstance(count, tuple) else count
                    for name, count in counts.items()
                }
                pieces[f"p = {p}, {kind}, seed {seed}"] = cell(taken, seeds=1)
    return pieces


AS_CLAIMED = {
    2: {"gd": 10, "gd, depth 2": 15, "gd, depth 3": 18},
    4: {"gd": 40, "gd, depth 2": 15, "gd, depth 3": 20, "adagrad": 30, "adadelta": 50, "adam": 12,
        "adam, depth 2": 8, "adam, depth 3": 13},
}  # fmt: skip


def changed(p, **counts):
    """Return what the paper claims, with other steps for some methods on ℓ_p."""
    new = {name.replace("_", " ").replace(" depth", ", depth"): v for name, v in counts.items()}
    return {q: {**methods, **(new if q == p else {})} for q, methods in AS_CLAIMED.items()}


def verdicts(found):
    """Return the verdicts by claim, from the table."""
    rows = [line.split(" | ") for line in found.text.splitlines() if line.startswith("| ")]
    return {row[0].removeprefix("| "): row[1] for row in rows if len(row) == 3}


def test_what_the_paper_says_holds():
    found = row.findings(made_up(AS_CLAIMED))
    assert found.verdict is row.Verdict.HOLDS and "of 6 claims 6 hold" in found.why
    assert "gd, depth 2 15 ± 0 and gd 40 ± 0 steps to 1e-3, 2.7×" in found.text


@pytest.mark.parametrize(
    ("steps", "claim", "verdict"),
    [
        (changed(4, adam=90), "but not Adam", "does not hold"),
        (changed(4, adam=None), "but not Adam", "does not hold"),  # a rival that never arrives
        (changed(4, adadelta=None), "and AdaDelta", "holds"),
        (changed(4, gd_depth_2=None), "it speeds ℓ_4", "holds"),  # by the other depth
        (changed(4, gd=(40, 15)), "it speeds ℓ_4", "does not hold"),  # on one seed alone
        (changed(4, adam=8), "it helps Adam", "does not hold"),
        (changed(4, adam=None, adam_depth_2=None, adam_depth_3=None), "it helps Adam",
         "is not settled by what was run"),
        (changed(2, gd=1), "depth slows ℓ_2 slightly", "holds in part"),  # but not slightly
        (changed(2, gd=30), "depth slows ℓ_2 slightly", "does not hold"),
    ],
)  # fmt: skip
def test_what_it_does_not_say_does_not(steps, claim, verdict):
    found = row.findings(made_up(steps))
    assert verdicts(found)[claim] == verdict
    assert "nan" not in found.text and "nan" not in found.why


def test_both_kinds_of_features_count_on_the_fourth_power():
    pieces = made_up(AS_CLAIMED) | made_up(changed(4, gd=15), ("whitened",))
    found = verdicts(row.findings(pieces))
    assert found["it speeds ℓ_4"] == "holds in part" and found["it helps Adam"] == "holds"
    assert row.findings({}).verdict is row.Verdict.OPEN
