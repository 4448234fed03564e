"""Eigenvalues up to constants, by factors and by Lanczos, against closed forms and dense twins."""

import numpy as np
import pytest
from problems_of_tests import pieces
from scipy import sparse

import meshrep
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.errors import SolveError
from meshrep.graphs.operators import laplacian
from meshrep.numerics.gauge import Gauge
from meshrep.numerics.lanczos import interval, lanczos
from meshrep.numerics.least import least_eigenvalue, least_pairs


def ring_hessian(n, q):
    """Kuramoto's Hessian at a twist: cos(2πq/n) times the ring's Laplacian."""
    ring = meshrep.graph_from(f"ring:{n}")
    return Kuramoto(ring).hessian(2 * np.pi * q * np.arange(n) / n), ring


@pytest.mark.slow
@pytest.mark.parametrize("n", [40, 299, 301, 700])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_the_least_eigenvalue_of_a_twisted_ring(n, share):
    """Below and above 300 nodes, where it is found by other means; positive and not."""
    q = int(share * n)
    matrix, ring = ring_hessian(n, q)
    step = np.cos(2 * np.pi * q / n)
    exact = (step * 2 * (1 - np.cos(2 * np.pi * np.arange(1, n) / n))).min()
    value, vector = least_eigenvalue(matrix, Gauge(ring.component_of, n))
    accuracy = 1e-5 if exact > 0 or n <= 300 else 0.03  # negative ones to some per cent
    assert value == pytest.approx(exact, rel=accuracy)
    assert np.linalg.norm(vector) == pytest.approx(1) and abs(vector.sum()) < 1e-6
    assert vector @ (matrix @ vector) == pytest.approx(exact, rel=max(accuracy, 1e-4))


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 400])
@pytest.mark.parametrize("shift", [5.0, 0.0])
@pytest.mark.parametrize("gauged", [True, False])
def test_the_least_eigenvalue_of_any_matrix(n, shift, gauged):
    """Against NumPy's, with parts of several nodes and of one, and with none."""
    rng = np.random.default_rng(n)
    B = sparse.random_array((n, n), density=4 / n, rng=rng)
    part_of = np.minimum(np.arange(n) // 30, 5)
    part_of[-3:] = 6, 7, 8
    gauge = Gauge(part_of if gauged else None, n)
    parts = np.eye(part_of.max() + 1)[part_of] if gauged else np.zeros((n, 1))
    projector = np.eye(n) - parts @ np.diag(1 / np.maximum(parts.sum(0), 1)) @ parts.T
    matrix = projector @ (B + B.T + shift * sparse.eye_array(n)).toarray() @ projector
    exact = np.linalg.eigvalsh(matrix + 1e3 * (np.eye(n) - projector))[0]
    assert (exact > 0) == (shift > 0)
    value, vector = least_eigenvalue(sparse.csr_array(matrix), gauge)
    assert value == pytest.approx(exact, rel=1e-4 if exact > 0 else 0.03)
    np.testing.assert_allclose(gauge.project(vector), vector, atol=1e-6)


def test_a_gauge_takes_the_mean_of_each_part():
    graph = pieces()
    gauge = Gauge(graph.component_of, graph.n)
    v = np.random.default_rng(0).standard_normal(graph.n)
    projected = gauge.project(v)
    for part in range(graph.component_count):
        assert projected[graph.component_of == part].sum() == pytest.approx(0, abs=1e-14)
    np.testing.assert_array_equal(projected[graph.degree == 0], 0)
    assert len(gauge.kept) == graph.n - graph.component_count
    np.testing.assert_allclose(gauge.spread(gauge.project(v)[gauge.kept] - 7, graph.n).sum(), 0,
                               atol=1e-12)  # fmt: skip
    np.testing.assert_array_equal(Gauge(None, 11).project(v), v)


def test_where_nothing_is_free_there_is_no_eigenvalue():
    lone = meshrep.Graph.from_edges(3, [])
    matrix = sparse.csr_array((3, 3))
    assert least_eigenvalue(matrix, Gauge(lone.component_of, 3)) is None


def test_a_sparse_matrix_of_zeros_has_no_least_pairs():
    gauge = Gauge(None, 8)
    assert not len(least_pairs(sparse.csr_array((8, 8)), gauge, 0.0, 2).values)


def test_the_inverse_among_fields_without_means():
    """Of a ring's Laplacian, and the count of negative eigenvalues of its opposite."""
    n = 12
    ring = meshrep.graph_from(f"ring:{n}")
    L, gauge = laplacian(ring.adjacency), Gauge(np.zeros(n, dtype=int), n)
    inverse, negative = gauge.inverse(sparse.csr_array(L))
    assert negative == 0
    np.testing.assert_allclose(inverse @ np.eye(n), np.linalg.pinv(L.toarray()), atol=1e-12)
    assert gauge.inverse(sparse.csr_array(-L)) == (None, n - 1)
    assert Gauge(None, n).inverse(sparse.csr_array(L)) == (None, None)  # singular
    lifted = gauge.lifted(L, 5.0) @ np.eye(n)
    np.testing.assert_allclose(lifted, L.toarray() + 20 / n, atol=1e-12)


def test_lanczos_in_a_metric():
    """The eigenvalues of K H that are not 0, of any sign, and nothing where K does not reach."""
    rng = np.random.default_rng(0)
    J, H = rng.standard_normal((12, 5)), rng.standard_normal((12, 12))
    K, H = J @ J.T, H + H.T
    known = np.sort(np.linalg.eigvalsh(J.T @ H @ J))
    ritz = lanczos(lambda v: H @ v, rng.standard_normal(12), 12, lambda x: K @ x)
    np.testing.assert_allclose(ritz.values[: len(known)], known, rtol=1e-8)
    assert len(ritz.values) == 5 and ritz.residuals.max() < 1e-6 * abs(known).max()
    u = ritz.vectors([0])[0]
    np.testing.assert_allclose(K @ H @ u, known[0] * u, atol=1e-7 * abs(known).max())
    with pytest.raises(ValueError, match="no length"):
        lanczos(lambda v: H @ v, np.zeros(12), 3)


def test_the_interval_is_the_spectrum_s():
    matrix = laplacian(meshrep.graph_from("ring:40").adjacency)
    least, most = interval(matrix, 40)
    assert least == pytest.approx(0.0, abs=1e-9)
    assert most == pytest.approx(4.0)
    assert interval(0 * matrix, 5) == (0.0, 0.0)


def test_lanczos_finds_the_ends_with_two_vectors_as_with_all():
    """Full orthogonality changes the ends of the spectrum by rounding alone once they are found."""
    matrix = laplacian(meshrep.graph_from("lattice:12x7").adjacency)
    start = np.random.default_rng(1).standard_normal(84)
    whole = lanczos(lambda v: matrix @ v, start, 80)
    short = lanczos(lambda v: matrix @ v, start, 80, reorthogonalise=False)
    exact = np.linalg.eigvalsh(matrix.toarray())
    for ritz in (whole, short):
        assert ritz.values[-1] == pytest.approx(exact[-1], rel=1e-9)
        assert ritz.values[0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("weight", [1e300, np.inf, np.nan])
def test_products_that_are_not_finite_are_told(weight):
    with pytest.raises(SolveError, match="products with the operator are not finite"):
        interval(sparse.csr_array(weight * np.ones((5, 5))), 5)
