"""Eigenvalues and modes of H, K and K H against closed forms and dense matrices."""

import numpy as np
import pytest
from curvatures_of_tests import Dense, Quadratic, of_a_path, path_with_held_ends
from problems_of_tests import heat

import meshrep
from meshrep.base import limits
from meshrep.base.backends import NumpyBackend
from meshrep.diagnosis.curvature import Curvature
from meshrep.diagnosis.diagnosing import Examination
from meshrep.diagnosis.spectrum import of_hessian, of_kernel, of_product
from meshrep.diagnosis.tangent import Tangent
from meshrep.numerics import least
from meshrep.view.write import write_json

NUMPY = NumpyBackend(jit=False)


@pytest.fixture
def never_dense(monkeypatch):
    """Treat small problems as large ones."""
    for name in ("DENSE_UP_TO", "DENSE_BY_COLUMNS_UP_TO"):
        monkeypatch.setattr(limits, name, 10)


@pytest.mark.parametrize("n", [60, 900], ids=["dense", "by factors"])
def test_a_path_with_fixed_ends(n):
    energy = path_with_held_ends(n)
    known = of_a_path(n)
    found = of_hessian(Curvature(energy, energy.random_start(0)))
    np.testing.assert_allclose(found.values, known[:4], rtol=1e-6)
    assert found.size == n and found.negative == 0 and found.converged and not found.indefinite
    assert found.largest == pytest.approx(known[-1], rel=1e-3)
    assert found.condition == pytest.approx(known[-1] / known[0], rel=1e-3)
    for k, mode in enumerate(found.modes, 1):
        assert mode[0] == 0.0  # the fixed node
        sine = np.sin(np.pi * k * np.arange(1, n + 1) / (n + 1))
        overlap = (mode[1:] @ sine) / np.linalg.norm(mode) / np.linalg.norm(sine)
        assert abs(overlap) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["by factors", "by lobpcg", "by lobpcg on the diagonal"])
def test_a_lattice_up_to_constants(way, monkeypatch):
    """Kuramoto with equal phases: H is the Laplacian of 40×30 nodes, without its constants."""
    if way != "by factors":
        monkeypatch.setattr(limits, "FACTORED_UP_TO", 10)
    if way.endswith("diagonal"):
        monkeypatch.setattr(least, "expander", lambda matrix: True)
    energy = meshrep.Kuramoto(meshrep.graph_from("lattice:40x30"))
    found = of_hessian(Curvature(energy, np.zeros(1200)))
    i, j = np.arange(40), np.arange(30)[:, None]
    known = np.sort((4 - 2 * np.cos(np.pi * i / 40) - 2 * np.cos(np.pi * j / 30)).ravel())[1:]
    assert found.size == 1199
    if way.endswith("diagonal"):  # far from converged, as the residuals show
        near = abs(found.values[:, None] - known).min(axis=1)
        assert (near <= found.residuals).all() and (found.values >= known[:4]).all()
        assert found.values[0] == pytest.approx(known[0], rel=0.02)
    else:
        np.testing.assert_allclose(found.values, known[:4], rtol=2e-3)
        assert (found.residuals <= 0.05 * found.values).all()
    assert known[-1] * 0.99 <= found.largest <= known[-1] * (1 + 1e-12)
    assert abs(found.modes.mean(axis=1)).max() < 1e-8


@pytest.mark.slow
@pytest.mark.parametrize(("n", "q"), [(64, 3), (64, 25), (700, 7), (700, 260)])
def test_twisted_states_of_a_ring(n, q):
    """H = cos(2πq/n) L is PSD if neighbours differ by less than a quarter turn, else negative."""
    energy = meshrep.Kuramoto(meshrep.graph_from(f"ring:{n}"))
    found = of_hessian(Curvature(energy, 2 * np.pi * q * np.arange(n) / n))
    factor = np.cos(2 * np.pi * q / n)
    if factor > 0:
        assert found.least == pytest.approx(factor * (2 - 2 * np.cos(2 * np.pi / n)), rel=1e-5)
        assert found.negative == 0 and found.largest == pytest.approx(4 * factor, rel=1e-2)
    else:
        assert found.indefinite and np.isnan(found.condition) and found.negative == n - 1
        assert found.least == pytest.approx(4 * factor, rel=1e-2)


def test_quadratics_and_how_their_hessian_is_computed():
    energy = Quadratic([1.0, 4.0, 9.0, 100.0])
    at = Curvature(energy, np.ones(4))
    found = of_hessian(at, 2)
    assert at.by == "differences of gradients"
    np.testing.assert_allclose(found.values, [1, 4], rtol=1e-6)
    assert found.condition == pytest.approx(100, rel=1e-6)
    np.testing.assert_allclose(found.shares, np.array([1, 16]) / (1 + 16 + 81 + 1e4), rtol=1e-6)
    assert Curvature(heat("lattice:4x4"), np.zeros(16)).by == "the sparse Hessian"
    by = {}
    for count in (2, 3):
        potential = (lambda d: d**4, lambda d: 4 * d**3, lambda d: 12 * d**2)[:count]
        edge = meshrep.EdgeEnergy(meshrep.graph_from("ring:5"), potential)
        edge.has_hessian = False
        by[count] = Curvature(2.0 * edge, np.zeros(5)).by
    assert by == {2: "differences of gradients", 3: "Hessian-vector products"}
    saddle = meshrep.diagnose(Quadratic([-3.0, -1.0, 2.0, 5.0], convex=False), field=np.zeros(4))
    assert saddle.end.hessian.negative == 2 and not saddle.rates and not saddle.steps
    assert saddle.end.hessian.least == pytest.approx(-3, rel=1e-6)
    assert any("indefinite" in text and "2 of its eigenvalues" in text for text in saddle.advice)
    flat = of_hessian(Curvature(Quadratic([0.0, 1.0, 2.0]), np.ones(3)))
    assert flat.singular and flat.condition == np.inf


def test_products_without_a_matrix_by_lanczos():
    d = np.linspace(1, 50, 700)
    found = of_hessian(Curvature(Quadratic(d), np.zeros(700)))
    assert found.how.startswith("Lanczos") and found.converged
    assert found.least == pytest.approx(1, abs=0.02) and found.largest == pytest.approx(
        50, rel=1e-2
    )


@pytest.mark.parametrize("size", ["dense", "large"])
def test_no_rate_is_fitted_when_one_step_is_enough(size, request):
    """κ = 1, so gradient descent reaches the minimum in one step."""
    if size == "large":
        request.getfixturevalue("never_dense")
    found = meshrep.diagnose(Quadratic(np.full(30, 3.0)), field=np.zeros(30))
    assert found.end.hessian.condition == pytest.approx(1, abs=1e-8)
    assert [rate.why for rate in found.rates] == ["one step reaches the minimum"] * 2
    assert all(np.isnan(rate.observed) and rate.steps == 1 for rate in found.rates)
    assert found.steps["gd"] == 1
    text = found.text()
    assert "not observed: one step reaches the minimum" in text and "∞" not in text


@pytest.mark.parametrize("size", ["dense", "large"])
def test_an_energy_without_curvature_or_a_map_that_moves_nothing(size, request, tmp_path):
    """With H = 0, or with K = 0, there is no condition number, no rate and no prediction."""
    if size == "large":
        request.getfixturevalue("never_dense")
    flat, bowl = Quadratic(np.zeros(20)), Quadratic(np.arange(1.0, 21.0))
    for recipe in (None, meshrep.GraphNetwork()):
        found = meshrep.diagnose(flat, recipe, field=np.zeros(20))
        assert found.end.hessian.largest == 0 and np.isnan(found.end.hessian.condition)
        assert not found.rates and not found.steps and np.isnan(found.end.boost)
        assert any("H is singular" in text for text in found.advice)
        assert not any("larger than" in text or "reduces κ" in text for text in found.advice)
    still = meshrep.diagnose(bowl, Dense(np.zeros((20, 3))), field=np.zeros(20))
    assert still.end.product.empty and np.isnan(still.end.kernel.largest)
    assert not still.rates and not still.steps
    assert any("K H of dense is 0" in text for text in still.advice)
    for diagnosis in (found, still):
        assert "–" in diagnosis.text()
        write_json(diagnosis.report(), tmp_path / "found.json")


@pytest.mark.parametrize("residual", [False, True])
def test_a_network_against_its_dense_jacobian(residual):
    energy = heat("ring:30")
    recipe = meshrep.GraphNetwork(hidden=3, residual=residual)
    w = energy.random_start(1)
    at = Curvature(energy, w)
    tangent = Tangent(recipe, at, seed=5)
    made = recipe.build(energy, w, NUMPY, 5)
    J = np.empty((30, made.start.size))
    h = 1e-6
    for k in range(made.start.size):
        step = np.zeros(made.start.size)
        step[k] = h
        ahead = np.array(made.field(made.start + step))
        J[:, k] = (ahead - made.field(made.start - step)) / (2 * h)
    assert not tangent.linear
    np.testing.assert_allclose(tangent.dense, J @ J.T, rtol=1e-6, atol=1e-7)
    theta = np.random.default_rng(0).standard_normal(made.start.size)
    np.testing.assert_allclose(tangent.push(theta), J @ theta, rtol=1e-6, atol=1e-7)
    kernel = of_kernel(tangent)
    singular = np.linalg.svd(J, compute_uv=False) ** 2
    assert kernel.largest == pytest.approx(singular[0], rel=1e-6)
    assert kernel.effective_rank == pytest.approx(
        singular.sum() ** 2 / (singular**2).sum(), rel=1e-5
    )
    product = of_product(tangent, of_hessian(at))
    known = np.linalg.eigvals(J @ J.T @ energy.hessian(w).toarray()).real
    assert product.largest == pytest.approx(known.max(), rel=1e-5)
    g = energy.gradient(w)
    assert 0 <= product.shares.sum() <= 1 + 1e-9
    mode = product.modes[-1]
    image = J @ J.T @ (energy.hessian(w) @ mode)
    np.testing.assert_allclose(image, product.values[-1] * mode, atol=1e-6 * product.largest)
    assert np.linalg.norm(J.T @ g) > 0


def test_numerical_rank_of_a_map_with_few_parameters():
    energy = heat("lattice:6x6")
    M = np.random.default_rng(0).standard_normal((36, 7))
    at = Curvature(energy, energy.random_start(0))
    tangent = Tangent(Dense(M), at)
    assert tangent.linear
    kernel, product = of_kernel(tangent), of_product(tangent, of_hessian(at))
    assert kernel.rank == product.rank == 7
    singular = np.linalg.svd(M, compute_uv=False) ** 2
    assert (kernel.least, kernel.largest) == pytest.approx((singular[-1], singular[0]), rel=1e-9)
    known = np.linalg.eigvalsh(M.T @ energy.hessian(at.field) @ M)
    assert (product.least, product.largest) == pytest.approx((known[0], known[-1]), rel=1e-9)


def test_the_inverse_square_root_of_h_has_condition_number_one():
    energy = heat("lattice:8x8")
    end = meshrep.solve(energy, "newton").field
    values, axes = np.linalg.eigh(energy.hessian(end).toarray())
    found = meshrep.diagnose(energy, Dense(axes @ np.diag(values**-0.5) @ axes.T), field=end)
    assert found.end.product.condition == pytest.approx(1, rel=1e-8)
    near = meshrep.diagnose(energy, meshrep.Spectral(degree=40), field=end)
    assert near.end.product.condition < 1.05 < near.end.hessian.condition
    assert any("reduces κ to" in text for text in near.advice)
    assert all(rate.observed < 0.1 for rate in near.rates)
    assert found.end.boost == pytest.approx(values[-1] / values[0], rel=1e-8)
    assert np.isnan(meshrep.diagnose(energy, field=end).end.boost)


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe", [meshrep.Multilevel(), meshrep.GraphNetwork()], ids=lambda r: r.name
)
def test_large_problems_agree_with_dense_ones(recipe, never_dense):
    energy = heat("lattice:15x15")
    end = meshrep.solve(energy, "newton").field
    at = Curvature(energy, end)
    tangent = Tangent(recipe, at)
    hessian = of_hessian(at)
    assert hessian.how.startswith("Lanczos on the inverse")
    kernel, product = of_kernel(tangent), of_product(tangent, hessian)
    assert kernel.rank is None
    exact, turned = np.linalg.eigvalsh(tangent.dense), tangent.dense @ energy.hessian(end).toarray()
    known = np.sort(np.linalg.eigvals(turned).real)
    assert kernel.largest == pytest.approx(exact[-1], rel=1e-2)
    assert product.largest == pytest.approx(known[-1], rel=1e-3)
    assert product.converged
    assert product.least == pytest.approx(known[0], rel=2e-2)
    assert kernel.effective_rank == pytest.approx(exact.sum() ** 2 / (exact @ exact), rel=0.5)


@pytest.mark.slow
def test_eigenvalues_that_have_not_converged_are_reported_as_bounds(never_dense, monkeypatch):
    monkeypatch.setattr(limits, "LANCZOS_NUMBERS_UP_TO", (1.0, 1.0, 1.0))  # allows twenty steps
    energy = heat("lattice:25x25")
    found = meshrep.diagnose(energy, meshrep.GraphNetwork())
    at = Curvature(energy, Examination(energy).at["end"].field)
    tangent = Tangent(meshrep.GraphNetwork(), at)
    known = np.sort(np.linalg.eigvals(tangent.dense @ energy.hessian(at.field).toarray()).real)
    product = found.end.product
    assert not product.converged and product.least_residual > 0 and not found.rates
    assert known[0] < product.least < 20 * known[0]
    assert product.condition < known[-1] / known[0]
    assert "≥ " in found.text() and "least not converged" in found.text()


def test_the_spectrum_of_k_leaves_out_constants():
    energy = meshrep.Kuramoto(meshrep.graph_from("ring:20"))
    at = Curvature(energy, np.zeros(20))
    tangent = Tangent(meshrep.Sobolev(), at)
    kernel, product = of_kernel(tangent), of_product(tangent, of_hessian(at))
    assert kernel.rank == product.rank == 19 and product.least > 0
    np.testing.assert_allclose(tangent.dense @ np.ones(20), 0, atol=1e-9 * kernel.largest)
