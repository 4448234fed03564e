"""The row on theory: spectra and rates with known answers, small runs, verdicts both ways."""

import copy
import json

import numpy as np
import pytest
from papers.claims import Verdict
from papers.theory import moments, row, runs
from problems_of_tests import heat

import meshrep
from meshrep.base.backends import installed
from meshrep.parametrizations.base import Identity
from meshrep.view.write import plain


@pytest.fixture(scope="module")
def small():
    """The row's pieces on a ring of 16 nodes, as a ledger holds them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "RING", "ring:16")
        patch.setattr(runs, "HIDDEN", 4)
        patch.setattr(runs, "MOST_STEPS", 300)
        patch.setattr(runs, "DRAWS", 300)
        patch.setattr(runs, "RATES", (0.1,))
        done = {key: piece(lambda line: None) for key, piece in row.pieces(True).items()}
    return json.loads(json.dumps(plain(done)))


def test_kernels_are_held_against_the_root_of_the_moment():
    """M̄ = H² for unit fields, and K = H⁻¹ is M̄^{-1/2} while K = 1 is not."""
    energy = heat("lattice:5x5", power=2, t_hot=0.0)
    H = energy.hessian(np.zeros(25)).toarray()
    M = moments.gradient_moment(energy, range(25), lambda k: 5.0 * np.eye(25)[k])
    np.testing.assert_allclose(M, H @ H, atol=1e-10)
    best = moments.alignment(np.linalg.inv(H), M)
    assert best.cosine == pytest.approx(1, abs=1e-8) and best.slope == pytest.approx(-0.5, abs=1e-6)
    np.testing.assert_allclose(best.kernel, best.best, rtol=1e-6)
    plain = moments.alignment(moments.mean_kernel(energy, Identity()), M)
    assert plain.slope == pytest.approx(0, abs=1e-9) and plain.cosine < 0.9
    spectral = moments.mean_kernel(energy, meshrep.Spectral(degree=8), range(2))
    assert moments.alignment(spectral, M).cosine > 0.95
    for wrong in (lambda: moments.gradient_moment(energy, []),
                  lambda: moments.mean_kernel(energy, meshrep.Spectral(), []),
                  lambda: moments.alignment(np.eye(3), np.eye(4)),
                  lambda: moments.alignment(np.eye(3), np.zeros((3, 3))),
                  lambda: moments.gradient_moment(heat("lattice:50x50"), [0])):  # fmt: skip
        with pytest.raises(meshrep.InputError):
            wrong()


def test_the_sphere_is_closed():
    graph = runs.sphere(100)
    assert graph.n == 100 and graph.m == 3 * 100 - 6  # Euler, all faces triangles
    assert np.allclose(np.linalg.norm(graph.points, axis=1), 1)


def test_spectra_of_products_and_roots():
    rng = np.random.default_rng(0)
    A, B = (Q @ Q.T + np.eye(6) for Q in rng.standard_normal((2, 6, 6)))
    root = runs.root_of(A)
    np.testing.assert_allclose(root @ root, A, atol=1e-10)
    known = np.sort(np.linalg.eigvals(A @ B).real)
    np.testing.assert_allclose(runs.product_spectrum(A, B), known, rtol=1e-9)
    B[:, 2] = B[2] = 0.0  # a mode that the kernel does not reach
    assert runs.product_spectrum(A, B)[0] == 0.0
    assert runs.steps_predicted(runs.product_spectrum(A, B)) == np.inf


def test_steps_predicted_are_those_that_suffice():
    assert runs.steps_predicted(np.array([2.0, 2.0])) == 1.0
    spectrum = np.array([1.0, 3.0])  # the error halves in a step, the energy falls by four
    assert runs.contraction(spectrum) == 0.5
    assert runs.steps_predicted(spectrum, 4.0**-7) == 7


def test_gradient_descent_has_the_predicted_rate():
    H = np.diag(np.array([1.0, 9.0, 4.0, 2.0]))
    energy = runs.bowl(meshrep.HeatBath(meshrep.graph_from("ring:4"), hot=[0], power=2), H)
    values = np.array([1.0, 2.0, 4.0, 9.0])
    steps, factor = runs.descended(energy, runs.Identity(), values, np.array([1.0, 1.0, 1.0, 1.0]))
    assert factor == pytest.approx(0.8, rel=1e-3)  # (9 − 1)/(9 + 1)
    assert steps <= runs.steps_predicted(values)
    R = runs.Rooted(np.diag(np.diag(H) ** -0.5))
    assert runs.descended(energy, R, np.ones(4), np.ones(4))[0] == 1.0


@pytest.mark.slow
def test_powers_of_the_moment(small):
    powers = small["ring, powers"]["powers"]
    kappa = powers["0"]["condition"]
    for s, run in powers.items():
        assert run["condition"] == pytest.approx(kappa ** abs(1 - 2 * float(s)), rel=1e-8)
        assert row.as_predicted(run)
    cell = small["ring, powers"]
    assert powers["0.5"]["steps"] == [1.0] and row.best_power(cell, "powers") == "0.5"
    for moment in ("near", "drawn"):
        assert all(row.as_predicted(run) for run in cell[moment].values())
    assert cell["near"]["0.5"]["condition"] < 5 < cell["near"]["0"]["condition"]


@pytest.mark.slow
def test_kernels_against_the_moment(small):
    kernels = small["ring, kernels"]["kernels"]
    assert kernels["the field itself"]["slope"] == pytest.approx(0, abs=1e-9)
    best = kernels["Chebyshev, degree 8"]
    assert best["cosine"] > 0.95 and best["slope"] == pytest.approx(-1, abs=0.1)
    assert best["condition"] < kernels["κ, degree 2, right"]["condition"]
    assert kernels["κ, degree 2, printed"]["slope"] > 0
    moments, h = small["ring, kernels"]["moments"], small["ring, kernels"]["h"]
    assert moments["about the minimum"] > 0.95 and moments["size"] == pytest.approx(1, abs=0.1)
    assert h["lanczos"] == pytest.approx(h["exact"], rel=1e-6) and h["constant, no baths"] < 1e-12


@pytest.mark.slow
def test_the_series_as_they_are_known(small):
    conditions = small["series"]["conditions"]
    assert conditions["right"]["2"] == pytest.approx(6.08, abs=0.01)
    assert conditions["printed"]["2"] is None  # infinite: it crosses zero
    assert conditions["Chebyshev"]["2"] < conditions["right"]["2"] < conditions["right"]["0"] == 20


@pytest.mark.slow
def test_the_claim_holds_in_part_and_says_why(small, tmp_path):
    found = row.findings(small)
    assert found.verdict.value == "holds in part"
    assert (
        "of 5 claims 2 hold, 1 holds in part, 2 do not hold" in found.why
        and len(found.why.split()) <= 60
    )
    assert "at K = M̄^(−½) descent takes " in found.why
    assert "from 20 to ∞, the right one to 6.1" in found.why and "nan" not in found.text
    assert "| networks on the graph come near to that | does not hold |" in found.text
    if installed("matplotlib"):
        names = [name for name, _ in row.draw(small, tmp_path)]
        assert names == ["powers.png", "modes.png", "series.png"]
        assert all((tmp_path / name).stat().st_size > 5000 for name in names)


@pytest.mark.slow
def test_other_data_give_other_verdicts(small):
    kind = copy.deepcopy(small)
    for label in row.NETWORKS:
        kind["ring, kernels"]["kernels"][label] |= {"cosine": 0.99, "condition": 1.5}
    kind["series"]["conditions"]["printed"]["2"] = 6.0
    assert "holds in part" in row.findings(kind).text  # uniform starts have a mean
    kind["ring, powers"]["drawn"] = kind["ring, powers"]["near"]
    assert row.findings(kind).verdict is Verdict.HOLDS
    kind["ring, kernels"]["kernels"]["nograph-res"]["cosine"] = 0.1  # is not on the graph
    assert row.findings(kind).verdict is Verdict.HOLDS
    unreached = copy.deepcopy(kind)
    unreached["ring, powers"]["powers"]["0"] |= {"steps": [None], "steps predicted": 9e9}
    assert row.best_power(unreached["ring, powers"], "powers") == "0.5"
    assert "| – |" in row.findings(unreached).text
    kind["ring, powers"]["powers"]["0.75"]["steps"] = [0.5]
    found = row.findings(kind)
    assert found.verdict is Verdict.IN_PART and "fewest steps at s = 0.75" in found.text
    assert row.findings({"series": small["series"]}).verdict is Verdict.NOT
    assert row.findings({}).verdict is Verdict.OPEN
