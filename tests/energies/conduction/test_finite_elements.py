"""Every kind of cell: shape functions, the patch test, orders, and scikit-fem's own assembly."""

import numpy as np
import pytest
from parts_of_tests import LINES, SOLIDS, SURFACES, box, exact, l2_error, mesh, on_boundary
from scipy.sparse import csr_array

import meshrep
from meshrep.base.backends import installed
from meshrep.energies.conduction.blocks import geometry
from meshrep.energies.conduction.elements import DIMENSION, LINEAR, places, quadrature, rule, shapes

KINDS = {**LINES, **SURFACES, **SOLIDS}

pytestmark = pytest.mark.skipif(not installed("skfem"), reason="needs scikit-fem")


@pytest.mark.parametrize("name", KINDS)
def test_shape_functions_are_one_at_their_node_and_sum_to_one(name):
    kind = KINDS[name]
    at = places(kind)
    at = at - 1e-9 * (at[:, -1:] == 1) if LINEAR[kind] == 14 else at  # the tip is a limit
    values, _ = shapes(kind, at)
    np.testing.assert_allclose(values, np.eye(len(at)), atol=1e-8)
    table = rule(kind, 3)
    np.testing.assert_allclose(table.values.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(table.slopes.sum(axis=1), 0, atol=1e-14)
    volume = {3: 1, 5: 1 / 2, 9: 1, 10: 1 / 6, 12: 1, 13: 1 / 2, 14: 4 / 3}[LINEAR[kind]]
    assert table.weights.sum() == pytest.approx(volume, rel=1e-14)


def linear(x, y, z):
    return 1 + 2 * x - 3 * y + z


def of_a_patch(kind, conductivity=2.0):
    """Conduction in distorted cells with a linear temperature at their boundary."""
    points, cells = box(kind, 3, distort=0.2)
    edge = ~np.isnan(on_boundary(mesh(kind, points, cells), DIMENSION[kind], linear))
    if DIMENSION[kind] < 3:  # a plane, or a line, anywhere in space
        points = points @ np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    graph = mesh(kind, points, cells)
    wanted = linear(*graph.points.T)
    held = np.where(edge, wanted, np.nan)
    return meshrep.Conduction(graph, conductivity, fixed=held, capacity=1.0), wanted


@pytest.mark.parametrize("name", KINDS)
def test_a_linear_temperature_is_exact_on_distorted_cells(name):
    energy, wanted = of_a_patch(KINDS[name])
    assert abs(meshrep.solve(energy).field - wanted).max() < 1e-12 * np.ptp(wanted)
    assert energy.part.volume == pytest.approx(1, rel=1e-13)
    lumped = energy.capacity
    assert lumped.min() > 0
    assert lumped.sum() == pytest.approx(1, rel=1e-13)


@pytest.mark.parametrize("name", ["triangle", "quad 8", "tetrahedron", "pyramid", "hexahedron 20"])
def test_a_linear_temperature_is_exact_where_conductivity_has_directions(name):
    k = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
    energy, wanted = of_a_patch(KINDS[name], k)
    field = exact(energy)
    assert abs(field - wanted).max() < 1e-12 * np.ptp(wanted)
    if DIMENSION[KINDS[name]] == 3:
        flux = energy.heat_flux(field)
        np.testing.assert_allclose(flux, np.tile(-k @ [2, -3, 1], (len(flux), 1)), rtol=1e-11)


def manufactured(dimension):
    """A temperature and the source that makes it, −∇²T."""
    if dimension == 1:
        return lambda x, y, z: np.exp(x), lambda x, y, z: -np.exp(x)
    if dimension == 2:
        return (
            lambda x, y, z: np.sin(2 * x + 1) * np.exp(y),
            lambda x, y, z: 3 * np.sin(2 * x + 1) * np.exp(y),
        )
    return (
        lambda x, y, z: np.sin(2 * x + 1) * np.exp(y) * np.cos(z),
        lambda x, y, z: 4 * np.sin(2 * x + 1) * np.exp(y) * np.cos(z),
    )


def order(kind, counts, distort):
    temperature, source = manufactured(DIMENSION[kind])
    errors = []
    for n in counts:
        graph = mesh(kind, *box(kind, n, distort))
        given = on_boundary(graph, DIMENSION[kind], temperature)
        energy = meshrep.Conduction(graph, 1.0, fixed=given, source=source)
        errors.append(l2_error(energy, exact(energy), temperature))
    return np.log2(errors[-2] / errors[-1])


@pytest.mark.parametrize("name", KINDS)
def test_errors_fall_with_the_order_of_the_cell(name):
    kind = KINDS[name]
    wanted = 2 if kind == LINEAR[kind] else 3
    counts = (2, 4) if DIMENSION[kind] == 3 else (4, 8)
    assert order(kind, counts, 0.0) == pytest.approx(wanted, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_orders_on_finer_and_on_distorted_cells(name):
    kind = KINDS[name]
    wanted = 2 if kind == LINEAR[kind] else 3
    counts = (4, 8) if DIMENSION[kind] == 3 else (16, 32)
    assert order(kind, counts, 0.0) == pytest.approx(wanted, abs=0.05)
    assert order(kind, counts, 0.15) > 1.6


@pytest.mark.parametrize("name", ["quad", "tetrahedron", "hexahedron", "wedge"])
def test_the_matrix_is_that_of_scikit_fem(name):
    skfem = pytest.importorskip("skfem")
    from skfem.models import laplace

    kind = KINDS[name]
    made, element, turned = {
        "quad": (skfem.MeshQuad, skfem.ElementQuad1(), [0, 1, 2, 3]),
        "tetrahedron": (skfem.MeshTet, skfem.ElementTetP1(), [0, 1, 2, 3]),
        "hexahedron": (skfem.MeshHex, skfem.ElementHex1(), [6, 5, 7, 2, 4, 1, 3, 0]),
        "wedge": (skfem.MeshWedge1, skfem.ElementWedge1(), [0, 1, 2, 3, 4, 5]),
    }[name]
    points, cells = box(kind, 3, distort=0.2)
    dimension = DIMENSION[kind]
    theirs = made(points[:, :dimension].T.copy(), cells[:, turned].T.copy())
    # Weights of scikit-fem's own rule for wedges add up to 1/4, half of their volume.
    ours = quadrature(kind, 2)
    basis = skfem.Basis(theirs, element, quadrature=(ours[0].T, ours[1]))
    number = basis.nodal_dofs[0]
    wanted = csr_array(laplace.assemble(basis))[number][:, number]
    energy = meshrep.Conduction(mesh(kind, points, cells), 1.0, fixed={"x < 1e-9": 1.0})
    apart = abs(energy.hessian(np.zeros(len(points))) - wanted).max()
    assert apart < 1e-14 * abs(wanted).max()


@pytest.mark.parametrize("name", KINDS)
def test_the_consistent_capacity_is_exact_on_affine_cells(name):
    """∫ ρc f g of polynomials that the cells hold, by the matrix and by a finer rule."""
    kind = KINDS[name]
    points, cells = box(kind, 2)
    points = points @ np.array([[1.0, 0.2, 0.1], [0.0, 0.8, 0.3], [0.2, 0.0, 1.1]])
    energy = meshrep.Conduction(mesh(kind, points, cells), 1.0, fixed=np.ones(len(points)),
                                capacity=3.0)  # fmt: skip
    matrix, ones = energy.capacity_matrix, np.ones(len(points))
    assert (matrix - matrix.T).nnz == 0
    np.testing.assert_allclose(ones @ matrix @ ones, 3 * energy.part.volume, rtol=1e-13)
    f = points[:, 0] ** (1 if kind == LINEAR[kind] else 2)
    total = 0.0
    for block in energy.part.blocks:
        fine = rule(block.kind, block.order + 3)
        weights = abs(geometry(points[block.nodes], fine)[0])
        total += 3 * (weights * (f[block.nodes] @ fine.values.T) ** 2).sum()
    np.testing.assert_allclose(f @ matrix @ f, total, rtol=1e-12)
    assert np.linalg.eigvalsh(matrix.toarray()).min() > 0
