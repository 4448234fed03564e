"""Operators: identities, and spectra known in closed form."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import eigsh

import meshrep
from meshrep.operators import (
    conductances,
    gershgorin,
    incidence,
    laplacian,
    largest_eigenvalue,
    mass,
    propagation,
)


@pytest.mark.parametrize("spec", ["lattice:7x5", "triangular:5x5", "sbm:3x20", "tree:2^4"])
def test_laplacian_is_b_t_a_b(spec):
    graph = meshrep.graph_from(spec)
    graph = graph.with_weights(np.random.default_rng(0).uniform(0.1, 2, graph.m))
    B, L = incidence(graph), laplacian(graph.adjacency)
    product = B.T @ sparse.diags_array(graph.weights) @ B
    np.testing.assert_allclose(product.toarray(), L.toarray(), atol=1e-13)
    np.testing.assert_allclose(L @ np.ones(graph.n), 0, atol=1e-13)
    assert np.linalg.eigvalsh(L.toarray()).min() > -1e-12


def test_spectrum_of_a_ring():
    n = 24
    L = laplacian(meshrep.graph_from(f"ring:{n}").adjacency).toarray()
    expected = np.sort(2 - 2 * np.cos(2 * np.pi * np.arange(n) / n))
    np.testing.assert_allclose(np.linalg.eigvalsh(L), expected, atol=1e-12)


def test_cotan_spectrum_of_a_sphere_converges_to_l_l_plus_1(sphere):
    """Eigenvalues l(l+1)/R² with multiplicity 2l+1; the error falls with the square of h."""
    expected = np.repeat([0, 2, 6, 12], [1, 3, 5, 7]) / 4  # R = 2
    errors = []
    for level in (2, 3, 4):
        graph = sphere(level)
        L = laplacian(conductances(graph, "cotan"))
        M = sparse.diags_array(mass(graph, "cotan"))
        found = np.sort(eigsh(sparse.csc_matrix(L), 16, sparse.csc_matrix(M), sigma=-0.1)[0])
        errors.append(np.abs(found[1:] / expected[1:] - 1).max())
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[-1] < 0.01
    assert (rates > 1.6).all()


def test_mass_of_a_sphere_is_its_area(sphere):
    assert mass(sphere(4), "cotan").sum() == pytest.approx(16 * np.pi, rel=0.01)


def test_propagation_keeps_the_square_roots_of_degrees():
    graph = meshrep.graph_from("lattice:6x6")
    P = propagation(graph.adjacency, "sym")
    root = np.sqrt(graph.degree)
    np.testing.assert_allclose(P @ root, root, atol=1e-13)
    np.testing.assert_allclose(
        propagation(graph.adjacency, "square").toarray(), (P @ P).toarray(), atol=1e-13
    )
    assert np.abs(np.linalg.eigvalsh(P.toarray())).max() <= 1 + 1e-12


def test_an_isolated_node_keeps_its_value():
    lonely = meshrep.Graph.from_edges(3, [[0, 1]])
    P = propagation(lonely.adjacency)
    assert np.isfinite(P.toarray()).all()
    np.testing.assert_allclose((P @ np.array([1.0, 1.0, 5.0]))[2], 5.0)


def test_bounds_of_the_spectrum():
    L = laplacian(meshrep.graph_from("lattice:15x15").adjacency)
    exact = np.linalg.eigvalsh(L.toarray()).max()
    assert largest_eigenvalue(L, 1e-6) == pytest.approx(exact, rel=1e-5)
    assert exact <= gershgorin(L) <= 8


def test_cotan_needs_faces():
    with pytest.raises(meshrep.InputError):
        conductances(meshrep.graph_from("ring:8"), "cotan")


def test_a_graph_orders_its_edges_and_adds_parallel_ones():
    graph = meshrep.Graph.from_edges(4, [[3, 0], [0, 3], [1, 1], [2, 1]], [1.0, 2.0, 9.0, 5.0])
    np.testing.assert_array_equal(graph.edges, [[0, 3], [1, 2]])
    np.testing.assert_array_equal(graph.weights, [3.0, 5.0])
    assert graph.component_count == 2
    with pytest.raises(ValueError, match="read-only"):
        graph.weights[0] = 1.0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: meshrep.Graph.from_edges(0, []), "at least one node"),
        (lambda: meshrep.Graph.from_edges(3, [[0, 3]]), "outside 0"),
        (lambda: meshrep.Graph.from_edges(3, [[0, 1]], [np.nan]), "NaN"),
        (lambda: meshrep.Graph(3, np.array([[1, 0]]), np.ones(1)), "pairs i < j"),
        (lambda: meshrep.Graph(3, np.array([[0, 1]]), np.ones(2)), "weights of shape"),
        (lambda: meshrep.Graph.from_edges(3, [[0, 1]], points=np.zeros((2, 3))), "points of shape"),
    ],
)
def test_impossible_graphs_are_one_sentence(build, message):
    with pytest.raises(meshrep.InputError, match=message):
        build()
