"""Multigrid against dense algebra: prolongations, coarse matrices, sweeps, cycles."""

from itertools import pairwise

import numpy as np
import pytest
from problems_of_tests import heat
from scipy import sparse
from scipy.sparse.linalg import spsolve_triangular

import meshrep
from meshrep.base import limits
from meshrep.base.rows import kernel_rows
from meshrep.graphs.operators import laplacian
from meshrep.kernels import aggregation
from meshrep.numerics import multigrid
from meshrep.numerics.conjugate_gradients import PLAIN, conjugate_gradients
from meshrep.numerics.multigrid import Hierarchy, compact, prolongations


def strip(spec, strength=1.0):
    """A lattice's Laplacian with springs on its first and last tenth."""
    L = laplacian(meshrep.graph_from(spec).adjacency)
    n = L.shape[0]
    bath = np.zeros(n)
    bath[: n // 10] = bath[-n // 10 :] = strength
    return compact(sparse.csr_array(L + sparse.diags_array(bath)))


@pytest.fixture
def kernels(monkeypatch):
    """The threaded kernels, taken at any size."""
    pytest.importorskip("numba")
    from meshrep.kernels import multigrid as kernels

    monkeypatch.setattr(limits, "THREADS_FROM", 0)
    return kernels.PARALLEL


def path(n):
    return laplacian(meshrep.Graph.from_edges(n, [[k, k + 1] for k in range(n - 1)]).adjacency)


def test_aggregates_of_a_path():
    """Node 0 gathers 1; node 3 gathers 2 and 4; node 5 joins its neighbour's."""
    L = compact(path(6))
    part, count = aggregation.aggregate(L.indptr, L.indices, L.data)
    assert part.tolist() == [0, 0, 1, 1, 1, 1] and count == 2


@pytest.mark.parametrize("spec", ["lattice:13x17", "er:300:degree=3", "lattice:6x6x6", "ring:5"])
def test_aggregates_cover_what_is_coupled(spec):
    matrix = compact(laplacian(meshrep.graph_from(spec).adjacency))
    arrays = matrix.indptr, matrix.indices, matrix.data
    part, count = aggregation.aggregate(*arrays)
    assert ((part >= 0) == (matrix.diagonal() > 0)).all()
    assert np.array_equal(np.unique(part[part >= 0]), np.arange(count))
    rows, columns = matrix.nonzero()
    inside = part[rows] == part[columns]
    links = sparse.csr_array((np.ones(inside.sum()), (rows[inside], columns[inside])), matrix.shape)
    pieces = sparse.csgraph.connected_components(links)[0]
    assert pieces == count + (part < 0).sum()  # every aggregate is in one piece
    pytest.importorskip("numba")
    fast = aggregation.compiled()(*arrays)
    np.testing.assert_array_equal(fast[0], part)
    assert fast[1] == count


def test_a_prolongation_is_the_smoothed_indicator():
    L = path(6).toarray()
    T = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1]]).T
    (P,) = prolongations(path(6), coarsest=3)
    np.testing.assert_allclose(
        P.toarray(), T - (2 / 3) * np.diag(1 / np.diag(L)) @ L @ T, atol=1e-15
    )


def test_prolongations_keep_constants_and_do_not_see_the_diagonal():
    made = prolongations(strip("lattice:40x40"), coarsest=10)
    assert len(made) >= 2 and made[-1].shape[1] <= 10
    for P, next_one in pairwise(made):
        assert P.shape[1] == next_one.shape[0]
    for P, other in zip(made, prolongations(strip("lattice:40x40", 9.0), 10), strict=True):
        np.testing.assert_allclose(P.sum(axis=1), 1.0, atol=1e-12)
        np.testing.assert_allclose((P - other).toarray(), 0.0, atol=1e-12)


def test_without_numba_the_prolongations_are_the_same(monkeypatch):
    made = prolongations(strip("lattice:30x30"), 20)
    monkeypatch.setattr(multigrid, "installed", lambda package: False)
    for P, slow in zip(made, prolongations(strip("lattice:30x30"), 20), strict=True):
        np.testing.assert_array_equal(P.toarray(), slow.toarray())


def test_nodes_without_couplings_have_empty_rows():
    matrix = sparse.block_diag([path(8), [[3.0]], path(8)], format="csr")
    P = prolongations(matrix, 10)[0]
    assert np.diff(P.indptr)[8] == 0
    np.testing.assert_allclose(np.delete(P.sum(axis=1), 8), 1.0, atol=1e-14)
    assert prolongations(sparse.csr_array(sparse.eye_array(50)), 10) == []


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_refreshed_coarse_matrices_are_those_built_anew(kernels, shift):
    """PᵀAP on every level after the baths have faded, and once the couplings have changed."""
    hierarchy = Hierarchy(strip("lattice:24x24", 5.0), coarsest=10)
    energy = heat("lattice:24x24")
    changed = strip("lattice:24x24", 0.5)
    changed.data = changed.data * np.where(changed.data > 0, 2.0, 0.7)
    faded = compact(sparse.csr_array(energy.hessian(energy.random_start(0))))
    for matrix in (strip("lattice:24x24", 5.0), strip("lattice:24x24", 1e-3), faded, changed):
        assert hierarchy.renew(matrix, shift)
        expected = matrix.toarray() + shift * np.eye(576)
        expected += np.diag(1e-10 * matrix.diagonal())
        assert len(hierarchy._levels) >= 2
        for level in hierarchy._levels:
            np.testing.assert_allclose(level.matrix.toarray(), expected, atol=1e-12)
            P = hierarchy.prolongations[hierarchy._levels.index(level)].toarray()
            expected = P.T @ expected @ P
        np.testing.assert_allclose(hierarchy._coarsest.matrix.toarray(), expected, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("threads_from", [0, 10**9])
def test_a_cycle_is_symmetric_positive_definite_and_near_the_inverse(monkeypatch, threads_from):
    pytest.importorskip("numba")
    monkeypatch.setattr(limits, "THREADS_FROM", threads_from)
    matrix = strip("lattice:24x24", 0.1)
    hierarchy = Hierarchy(matrix, coarsest=10)
    assert hierarchy.renew(matrix)
    M = np.array([hierarchy.cycle(row).copy() for row in np.eye(576)])
    np.testing.assert_allclose(M, M.T, atol=1e-12 * np.abs(M).max())
    assert np.linalg.eigvalsh(0.5 * (M + M.T)).min() > 0
    near = np.linalg.eigvals(M @ matrix.toarray()).real
    assert near.min() > 0.3 and near.max() < 1 + 1e-8  # the error shrinks in the energy's norm


def test_sweeps_are_those_of_the_split_matrix(kernels):
    """Gauss–Seidel within 2048 rows, Jacobi between them."""
    matrix = strip("lattice:70x70", 1.0)
    n = matrix.shape[0]
    rng = np.random.default_rng(1)
    b, old = rng.standard_normal((2, n))
    entries = matrix.tocoo()
    inside = entries.row // 2048 == entries.col // 2048
    assert not inside.all()
    block = sparse.csr_array(
        (entries.data[inside], (entries.row[inside], entries.col[inside])), shape=(n, n)
    )
    outside = abs(matrix - block).sum(axis=1)
    inverse, x = np.empty((2, n))
    assert kernels.pivots(*kernel_rows(matrix), inverse) == matrix.diagonal().min()
    np.testing.assert_allclose(1 / inverse, matrix.diagonal() + 0.5 * outside, rtol=1e-14)
    block = block + sparse.diags_array(0.5 * outside)
    kernels.forward(*kernel_rows(matrix), inverse, b, x)
    lower = sparse.csr_array(sparse.tril(block))
    np.testing.assert_allclose(x, spsolve_triangular(lower, b), rtol=1e-12, atol=1e-12)
    x[:] = old
    kernels.backward(*kernel_rows(matrix), inverse, b, x, old)
    upper = sparse.csr_array(sparse.triu(block))
    expected = old + spsolve_triangular(upper, b - matrix @ old, lower=False)
    np.testing.assert_allclose(x, expected, rtol=1e-11, atol=1e-11)


def test_a_scattered_numbering_with_couplings_of_both_signs_stays_definite(kernels):
    """Where most couplings join different blocks, and rows are not dominated by the diagonal."""
    graph = meshrep.graph_from("lattice:50x50")
    order = np.random.default_rng(0).permutation(graph.n)
    near = laplacian(graph.adjacency)
    matrix = sparse.csr_array(near @ near + 0.05 * near)[order][:, order]  # a plate, PSD
    matrix = compact(sparse.csr_array(matrix + 1e-3 * sparse.eye_array(graph.n)))
    hierarchy = Hierarchy(matrix)
    assert hierarchy.renew(matrix)
    rng = np.random.default_rng(1)
    for _ in range(5):
        a, b = rng.standard_normal((2, graph.n))
        down, up = hierarchy.cycle(a).copy(), hierarchy.cycle(b).copy()
        assert a @ down > 0 and a @ up == pytest.approx(b @ down, rel=1e-9)
    answer = conjugate_gradients(lambda v: matrix @ v, a, 1e-6, hierarchy.cycle)
    assert answer.positive and np.linalg.norm(matrix @ answer.s - a) <= 1.01e-6 * np.linalg.norm(a)


def test_products_and_vectors_are_those_of_numpy(kernels):
    matrix = strip("lattice:70x70")
    rng = np.random.default_rng(2)
    x, r, p, q = rng.standard_normal((4, matrix.shape[0]))
    y = np.empty_like(x)
    kernels.product(*kernel_rows(matrix), 0.7, x, y)
    np.testing.assert_allclose(y, matrix @ x + 0.7 * x, rtol=1e-12, atol=1e-12)
    kernels.residual(*kernel_rows(matrix), p, x, y)
    np.testing.assert_allclose(y, p - matrix @ x, rtol=1e-12, atol=1e-12)
    assert kernels.dot(p, q) == pytest.approx(float(p @ q), rel=1e-12)
    slow = x.copy(), r.copy(), p.copy()
    left = kernels.advance(x, r, p, q, 0.3)
    assert left == pytest.approx(PLAIN.advance(*slow, q, 0.3), rel=1e-12)
    kernels.turn(q, p, -0.4)
    PLAIN.turn(q, slow[2], -0.4)
    for fast, plain in zip((x, r, p), slow, strict=True):
        np.testing.assert_allclose(fast, plain, rtol=1e-13, atol=1e-14)


def test_the_number_of_threads_changes_nothing(kernels):
    import numba

    if numba.config.DISABLE_JIT:
        pytest.skip("one thread only without the compiler")
    matrix = strip("lattice:90x90")
    b = np.random.default_rng(0).standard_normal(8100)
    most, cycles = numba.get_num_threads(), []
    try:
        for count in (1, most):
            numba.set_num_threads(count)
            hierarchy = Hierarchy(matrix)
            assert hierarchy.renew(matrix)
            cycles.append(hierarchy.cycle(b).copy())
    finally:
        numba.set_num_threads(most)
    np.testing.assert_array_equal(*cycles)


def test_iterations_hardly_grow_with_the_size():
    pytest.importorskip("numba")
    counts = []
    for side in (20, 40, 80):
        matrix = strip(f"lattice:{side}x{side}", 1e-3)
        b = np.random.default_rng(0).standard_normal(side * side)
        hierarchy = Hierarchy(matrix, coarsest=50)
        assert hierarchy.renew(matrix)
        answer = conjugate_gradients(lambda v, A=matrix: A @ v, b, 1e-8, hierarchy.cycle)
        assert answer.positive
        counts.append(answer.iterations)
    assert max(counts) <= 25 and counts[-1] <= counts[-2] + 3


def test_indefinite_matrices_and_other_patterns_are_refused():
    pytest.importorskip("numba")
    matrix = strip("lattice:24x24")
    hierarchy = Hierarchy(matrix, coarsest=10)
    eye = sparse.eye_array(576)
    assert not hierarchy.renew(compact(sparse.csr_array(matrix - 5.5 * eye)))  # on the diagonal
    assert not hierarchy.renew(compact(sparse.csr_array(matrix - 1 * eye)))  # further down
    assert hierarchy.renew(matrix)
    with pytest.raises(ValueError, match="pattern"):
        hierarchy.renew(compact(sparse.csr_array(eye)))


def test_many_small_pieces_end_the_levels():
    """Once every piece is one node nothing is coupled, and sweeps are exact."""
    pytest.importorskip("numba")
    pair = sparse.csr_array([[2.0, -1.0], [-1.0, 2.0]])
    matrix = compact(sparse.csr_array(sparse.kron(sparse.eye_array(1700), pair)))
    hierarchy = Hierarchy(matrix)
    assert hierarchy.renew(matrix) and len(hierarchy.prolongations) == 1
    b = np.random.default_rng(0).standard_normal(3400)
    answer = conjugate_gradients(lambda v: matrix @ v, b, 1e-10, hierarchy.cycle)
    assert answer.positive and answer.iterations < 20
    expected = np.linalg.solve(pair.toarray(), b.reshape(-1, 2).T).T.ravel()
    np.testing.assert_allclose(answer.s, expected, atol=1e-8)
