"""Operators: identities, and spectra known in closed form."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import eigsh

import meshrep
from meshrep.graphs.cells import TETRAHEDRON, TRIANGLE, Cells
from meshrep.graphs.conductances import conductances, mass
from meshrep.graphs.operators import components, incidence, laplacian, propagation


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


def delaunay(dimension, seed=0):
    """Random points in the unit square or cube, its corners among them, and their simplices."""
    from itertools import product

    from scipy.spatial import Delaunay

    corners = np.array(list(product((0.0, 1.0), repeat=dimension)))
    points = np.vstack([corners, np.random.default_rng(seed).random((60, dimension))])
    kind = TETRAHEDRON if dimension == 3 else TRIANGLE
    cells = Cells.of_kind(kind, Delaunay(points).simplices)
    padded = np.pad(points, ((0, 0), (0, 3 - dimension)))
    return meshrep.Graph.from_cells(padded, cells), points


@pytest.mark.filterwarnings("ignore:.*(negative|no volume|no area)")
@pytest.mark.parametrize("dimension", [2, 3])
def test_finite_elements_are_exact_on_linear_fields(dimension):
    """½ uᵀLu = ½|c|²·volume for u = c·x, and (Lu)_i = 0 inside."""
    graph, points = delaunay(dimension)
    L = laplacian(conductances(graph, "cotan"))
    c = np.array([1.0, -2.0, 0.5])[:dimension]
    u = points @ c
    assert 0.5 * u @ (L @ u) == pytest.approx(0.5 * c @ c, rel=1e-9)
    inside = ((points > 0.2) & (points < 0.8)).all(axis=1)
    np.testing.assert_allclose((L @ u)[inside], 0, atol=1e-9)
    assert mass(graph, "cotan").sum() == pytest.approx(1.0, rel=1e-9)
    assert np.linalg.eigvalsh(L.toarray()).min() > -1e-9


def test_cotan_weights_of_two_right_triangles():
    """A unit square cut by a diagonal: ½ on the sides, 0 on the diagonal."""
    points = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    graph = meshrep.from_arrays(points, [[0, 1, 2], [0, 2, 3]])
    A = conductances(graph, "cotan").toarray()
    np.testing.assert_allclose(A[[0, 1, 2, 0], [1, 2, 3, 3]], 0.5)
    assert A[0, 2] == pytest.approx(0.0, abs=1e-15)
    np.testing.assert_allclose(mass(graph, "cotan"), [1 / 3, 1 / 6, 1 / 3, 1 / 6])


def test_negative_and_flat_triangles_are_said():
    thin = meshrep.from_arrays(
        [[0, 0, 0], [1, 0, 0], [0.5, 0.1, 0], [0.5, -0.1, 0]], [[0, 1, 2], [1, 0, 3]]
    )
    with pytest.warns(UserWarning, match="1 cotan weights are negative"):
        A = conductances(thin, "cotan")
    assert A[0, 1] < 0
    flat = meshrep.Graph.from_cells(
        np.array([[0, 0, 0], [1, 0, 0], [0.5, 0, 0], [0.5, 1, 0]], float),
        Cells.of_kind(TRIANGLE, [[0, 1, 2], [0, 1, 3]]),
    )
    with (
        pytest.warns(UserWarning, match="1 triangles have no area"),
        pytest.warns(UserWarning, match="negative"),
    ):
        A = conductances(flat, "cotan")
    assert np.isfinite(A.data).all() and (mass(flat, "cotan") > 0).all()


@pytest.mark.parametrize("kind", ["cotan", "robust"])
def test_nodes_beside_the_faces_are_refused(kind):
    """A node with edges but no face would be left without conductance."""
    if kind == "robust":
        pytest.importorskip("robust_laplacian")
    cells = Cells.join([Cells.of_kind(TRIANGLE, [[0, 1, 2]]), Cells.of_kind(3, [[2, 3]])])
    graph = meshrep.Graph.from_cells(np.eye(4, 3), cells)
    with pytest.raises(meshrep.InputError, match=r"1 nodes have edges but lie on no face \(node 3"):
        conductances(graph, kind)


def test_a_cloud_has_a_robust_laplacian():
    pytest.importorskip("robust_laplacian")
    points = np.random.default_rng(0).standard_normal((200, 3))
    points /= np.linalg.norm(points, axis=1)[:, None]
    cloud = meshrep.from_arrays(points, [])
    L = laplacian(conductances(cloud, "robust")).toarray()
    np.testing.assert_allclose(L @ np.ones(200), 0, atol=1e-10)
    assert np.linalg.eigvalsh(L).min() > -1e-9
    assert mass(cloud, "robust").sum() == pytest.approx(4 * np.pi, rel=0.15)


@pytest.mark.parametrize("kind", ["cotan", "robust"])
@pytest.mark.filterwarnings("ignore:.*cotan weights are negative")
def test_faces_that_are_not_convex_are_exact_or_refused(kind):
    if kind == "robust":
        pytest.importorskip("robust_laplacian")

    def weights(faces):
        return conductances(meshrep.from_arrays(square, faces), kind).toarray()

    square = np.array([[0, 0], [2, 0], [2, 2], [0, 2], [0.5, 0.5]])
    wanted = weights([[0, 1, 4], [0, 4, 3], [1, 2, 3], [1, 3, 4]])
    for turn in range(4):  # the reflex corner of the first face stands at each place in turn
        faces = [np.roll([0, 1, 4, 3], turn).tolist(), [1, 2, 3, 4]]
        np.testing.assert_allclose(weights(faces), wanted, atol=1e-12)
    twice = [[0, 1, 1, 4], [0, 4, 3, 3], [1, 2, 3, 4]]  # triangles written as quadrilaterals
    np.testing.assert_allclose(weights(twice), wanted, atol=1e-12)
    with pytest.raises(meshrep.InputError, match="folded or far from convex"):
        weights([[0, 1, 3, 2], [1, 2, 4]])


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (meshrep.graph_from("lattice:3x3x3"), "this is a solid"),
        (meshrep.graph_from("ring:12"), "lines or edges without faces"),
        (meshrep.from_arrays(np.eye(3), [[0, 1], [1, 2]]), "lines or edges without faces"),
    ],
)
def test_robust_weights_of_solids_and_wires_are_refused(graph, message):
    for call in (conductances, mass):
        with pytest.raises(meshrep.InputError, match=message):
            call(graph, "robust")


def test_edges_beside_the_faces_carry_no_heat_and_are_told():
    points = np.array([[0, 0], [1, 0], [0, 1], [5, 0], [6, 0], [5, 1]])
    graph = meshrep.from_arrays(points, [[0, 1, 2], [3, 4, 5], [1, 3]])
    with pytest.warns(UserWarning, match="1 edges lie on no face .1–3 is one"):
        assert conductances(graph, "cotan")[1, 3] == 0


def test_components_are_joined_by_what_is_not_zero():
    path = meshrep.Graph.from_edges(4, [[0, 1], [1, 2], [2, 3]], np.array([0.0, -1.0, 0.0]))
    assert path.component_count == 1
    assert components(path.adjacency).tolist() == [0, 1, 1, 2]
    assert path.adjacency.nnz == 6


def test_propagation_with_loops_is_kipfs():
    """Â = A + I, D̂ = D + I; the signed matrix takes Σ|a_ij| for its degrees."""
    A = meshrep.graph_from("lattice:4x3").adjacency
    hat = A.toarray() + np.eye(12)
    root = 1 / np.sqrt(hat.sum(1))
    expected = root[:, None] * hat * root
    np.testing.assert_allclose(propagation(A, "self").toarray(), expected, atol=1e-14)
    signed = meshrep.graph_from("lattice:4x3")
    signed = signed.with_weights(np.where(np.arange(signed.m) % 2, 1.0, -1.0)).adjacency
    P = propagation(signed).toarray()
    assert np.isfinite(P).all() and np.abs(np.linalg.eigvalsh(P)).max() <= 1 + 1e-12


@pytest.mark.parametrize("call", [conductances, mass, lambda g, k: propagation(g.adjacency, k)])
def test_unknown_kinds_are_refused(call):
    with pytest.raises(meshrep.InputError, match="unknown"):
        call(meshrep.graph_from("ring:5"), "round")
