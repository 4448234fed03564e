"""Shifted systems by every kind of solver against dense algebra, definite or not."""

import numpy as np
import pytest
from problems_of_tests import heat
from scipy import sparse

import meshrep
from meshrep.base import limits
from meshrep.graphs.operators import laplacian
from meshrep.numerics import linear_solvers
from meshrep.numerics.conjugate_gradients import conjugate_gradients, steihaug
from meshrep.numerics.linear_solvers import ShiftedSystem, by_factors, choose, smoothed_aggregation


@pytest.fixture(params=["direct", "amg", "jacobi"])
def system(request):
    if request.param == "amg":
        pytest.importorskip("numba")
    return ShiftedSystem(request.param)


def positive():
    energy = heat("lattice:20x20", power=2)
    return energy.hessian(energy.random_start())


def right(n):
    return np.random.default_rng(3).standard_normal(n)


@pytest.mark.parametrize("shift", [0.0, 1e-6, 0.3, 50.0])
def test_solutions_are_those_of_dense_algebra(system, shift):
    H, r = positive(), right(400)
    system.renew(H)
    answer = system.solve(r, shift, 1e-12)
    assert answer.positive
    expected = np.linalg.solve(H.toarray() + shift * np.eye(400), r)
    np.testing.assert_allclose(answer.s, expected, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("rtol", [1e-1, 1e-4, 1e-8])
def test_the_residual_is_within_its_tolerance(system, rtol):
    H, r = positive(), right(400)
    system.renew(H)
    s = system.solve(r, 0.01, rtol).s
    assert np.linalg.norm(H @ s + 0.01 * s - r) <= 1.001 * rtol * np.linalg.norm(r)


def test_a_negative_eigenvalue_is_met(system):
    """31 of the 625 eigenvalues are below 0.5.

    The lattice is larger than multigrid's coarsest matrix: a preconditioner that is the exact
    inverse hides negative eigenvalues from conjugate gradients.
    """
    L = laplacian(meshrep.graph_from("lattice:25x25").adjacency)
    system.renew(L - 0.5 * sparse.eye_array(625))
    assert not system.solve(right(625), 0.0, 1e-10).positive
    assert system.solve(right(625), 0.6, 1e-10).positive


def test_nodes_on_their_own_are_divided_off(system):
    """An isolated node without curvature and without pull stays where it is."""
    matrix = sparse.block_diag([[[2.0, -1.0], [-1.0, 2.0]], [[4.0]], [[0.0]]], format="csr")
    system.renew(matrix)
    answer = system.solve(np.array([1.0, 1.0, 2.0, 0.0]), 0.0, 1e-12)
    assert answer.positive
    np.testing.assert_allclose(answer.s, [1, 1, 0.5, 0], atol=1e-12)
    assert not system.solve(np.ones(4), 0.0, 1e-12).positive  # pulled, and nothing holds it
    np.testing.assert_allclose(system.solve(np.ones(4), 1.0, 1e-12).s[2:], [0.2, 1.0])


def test_a_diagonal_matrix_is_all_nodes_on_their_own(system):
    system.renew(sparse.diags_array([1.0, 2.0, -1.0]))
    answer = system.solve(np.array([1.0, 1.0, 0.0]), 0.0, 1e-12)
    assert answer.positive
    np.testing.assert_allclose(answer.s, [1, 0.5, 0])
    assert not system.solve(np.ones(3), 0.0, 1e-12).positive


@pytest.mark.parametrize("package", ["numba", "pyamg"])
def test_the_multigrid_hierarchy_is_kept_while_it_serves(package, monkeypatch):
    pytest.importorskip(package)
    monkeypatch.setattr(linear_solvers, "installed", lambda asked: asked == package)
    system, H = ShiftedSystem("amg"), positive()
    for k in range(4):
        system.renew(H * (1 + 0.01 * k))
        assert system.solve(right(400), 0.0, 1e-10).positive
    assert system.setups == 1 and system.iterations > 4
    iterations = system.solve(right(400), 0.0, 1e-10).iterations
    system.kind = "jacobi"
    assert iterations < 0.5 * system.solve(right(400), 0.0, 1e-10).iterations


def test_a_bath_that_fades_costs_no_iterations():
    """From a diagonal of 4 to one of 10⁻⁸ at a tenth of the nodes, by the same prolongations."""
    pytest.importorskip("numba")
    L = laplacian(meshrep.graph_from("lattice:60x60").adjacency)
    system, counts = ShiftedSystem("amg"), []
    for strength in 4.0 ** np.arange(1, -14, -2):
        bath = np.zeros(3600)
        bath[:360] = strength
        system.renew(sparse.csr_array(L + sparse.diags_array(bath)))
        answer = system.solve(right(3600), 0.0, 1e-8)
        assert answer.positive
        counts.append(answer.iterations)
    assert system.setups == 1 and max(counts) <= 25


def test_other_couplings_get_other_prolongations_once_the_old_serve_badly():
    """A lattice whose conductances along rows and along columns change places."""
    pytest.importorskip("numba")
    graph = meshrep.graph_from("lattice:50x50")
    along = (graph.edges[:, 1] - graph.edges[:, 0]) == 1
    system = ShiftedSystem("amg")
    for strong in (along, ~along, ~along):
        weights = np.where(strong, 1.0, 0.01)
        matrix = laplacian(graph.with_weights(weights).adjacency) + 1e-6 * sparse.eye_array(2500)
        for _ in range(2):
            system.renew(sparse.csr_array(matrix))
            answer = system.solve(right(2500), 0.0, 1e-8)
            assert answer.positive
    assert system.setups == 2


@pytest.mark.slow
def test_threads_and_plain_vectors_give_the_same_iterates(monkeypatch):
    pytest.importorskip("numba")
    H, r = positive(), right(400)
    for kind in ("amg", "jacobi"):
        solutions = []
        for size in (10**9, 1):
            monkeypatch.setattr(limits, "THREADS_FROM", size)
            system = ShiftedSystem(kind)
            system.renew(H)
            solutions.append(system.solve(r, 0.1, 1e-6).s)
        np.testing.assert_allclose(*solutions, rtol=1e-9, atol=1e-12)


def test_multigrid_leaves_the_global_random_state_alone():
    pytest.importorskip("pyamg")
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    smoothed_aggregation(positive(), 0.0)
    assert np.random.random() == expected


@pytest.mark.parametrize("seed", range(6))
def test_pivots_tell_the_sign(seed):
    """Sylvester: positive exactly where the least eigenvalue is."""
    rng = np.random.default_rng(seed)
    dense = sparse.random_array((30, 30), density=0.15, rng=rng).toarray()
    dense = dense + dense.T
    least = np.linalg.eigvalsh(dense).min()
    r = rng.standard_normal(30)
    for shift in (-least - 0.05, -least + 0.05):
        answer = by_factors(sparse.csr_array(dense), r, shift)
        assert answer.positive == (shift > -least)
        if answer.positive:
            expected = np.linalg.solve(dense + shift * np.eye(30), r)
            np.testing.assert_allclose(answer.s, expected, rtol=1e-9, atol=1e-9)


def test_a_singular_matrix_is_not_positive():
    L = laplacian(meshrep.graph_from("ring:10").adjacency)
    assert not by_factors(L, right(10), 0.0).positive
    assert by_factors(L, right(10), 1e-3).positive


def test_conjugate_gradients_end_after_as_many_steps_as_eigenvalues():
    """Three distinct eigenvalues: three steps, in exact arithmetic and here."""
    diagonal = np.repeat([1.0, 5.0, 20.0], 10)
    answer = conjugate_gradients(lambda v: diagonal * v, right(30), 1e-12)
    assert answer.iterations == 3 and answer.positive
    np.testing.assert_allclose(answer.s, right(30) / diagonal, rtol=1e-11)
    exact = conjugate_gradients(lambda v: diagonal * v, right(30), 1e-12, lambda r: r / diagonal)
    assert exact.iterations == 1
    assert conjugate_gradients(lambda v: v, np.zeros(3), 1e-12).iterations == 0


def test_conjugate_gradients_stop_where_they_meet_negative_curvature():
    answer = conjugate_gradients(lambda v: np.array([1.0, -1.0]) * v, np.array([1.0, 2.0]), 1e-12)
    assert not answer.positive
    bad = conjugate_gradients(lambda v: v, np.ones(2), 1e-12, lambda r: -r)
    assert not bad.positive


def test_conjugate_gradients_keep_to_their_most():
    H = positive()
    answer = conjugate_gradients(lambda v: H @ v, right(400), 1e-14, most=5)
    assert answer.iterations == 5


def test_steihaug_inside_the_ball_is_newton():
    H, g = positive(), right(400)
    s, hs, _ = steihaug(lambda v: H @ v, g, 1e9, 1e-12)
    np.testing.assert_allclose(s, np.linalg.solve(H.toarray(), -g), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(hs, H @ s, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_steihaug_stops_on_the_boundary(sign):
    """By a long step, and along negative curvature; below the Cauchy point's model either way."""
    H, g = sign * positive(), right(400)
    radius = 0.1
    s, hs, _ = steihaug(lambda v: H @ v, g, radius, 1e-12)
    assert np.linalg.norm(s) == pytest.approx(radius, rel=1e-12)
    np.testing.assert_allclose(hs, H @ s, rtol=1e-9, atol=1e-12)
    curvature, norm = g @ (H @ g), np.linalg.norm(g)
    length = radius / norm if curvature <= 0 else min(radius / norm, norm**2 / curvature)
    cauchy = -length * norm**2 + 0.5 * length**2 * curvature
    assert g @ s + 0.5 * s @ hs <= cauchy + 1e-12 * abs(cauchy)


def test_the_choice_follows_size_and_bandwidth(monkeypatch):
    lattice = laplacian(meshrep.graph_from("lattice:40x40").adjacency)
    kind, why = choose(lattice)
    assert kind == "direct" and "1600 unknowns" in why
    monkeypatch.setattr(limits, "DIRECT_WORK_UP_TO", 1e3)
    monkeypatch.setattr(limits, "DIRECT_WORK_WITHOUT_NUMBA_UP_TO", 1e4)
    monkeypatch.setattr(linear_solvers, "installed", lambda package: True)
    assert choose(lattice)[0] == "amg"
    monkeypatch.setattr(linear_solvers, "installed", lambda package: False)
    kind, why = choose(lattice)
    assert kind == "jacobi" and "pip install" in why


def test_a_band_is_found_whatever_the_numbering():
    order = np.random.default_rng(0).permutation(50)
    pairs = np.stack([order[:-1], order[1:]], 1)
    path = laplacian(meshrep.Graph.from_edges(50, pairs).adjacency)
    assert linear_solvers.bandwidth(path) == 1


def test_unusable_kinds(monkeypatch):
    with pytest.raises(meshrep.InputError, match="unknown linear solver"):
        ShiftedSystem("magic")
    monkeypatch.setattr(linear_solvers, "installed", lambda package: False)
    with pytest.raises(meshrep.MissingPart, match="numba"):
        ShiftedSystem("amg")
