"""The estimated error of a mesh beside the true one."""

import numpy as np
import pytest
from parts_of_tests import (
    LINES,
    SOLIDS,
    SURFACES,
    box,
    exact,
    flux_error,
    mesh,
    mixed_bar,
    on_boundary,
)

import meshrep
from meshrep.base.backends import installed
from meshrep.energies.conduction.elements import DIMENSION, mids

KINDS = {**LINES, **SURFACES, **SOLIDS}
SIMPLICES = {"line", "triangle", "tetrahedron"}
needs_scikit_fem = pytest.mark.skipif(not installed("skfem"), reason="needs scikit-fem")


def manufactured(dimension):
    """A temperature, its gradient, and the source that makes it where k = 1."""
    if dimension == 1:
        return (
            lambda x, y, z: np.exp(x),
            lambda x, y, z: np.stack([np.exp(x), 0 * x, 0 * x], axis=-1),
            lambda x, y, z: -np.exp(x),
        )

    def temperature(x, y, z):
        return np.sin(2 * x + 1) * np.exp(y) * (1 if dimension == 2 else np.cos(z))

    def gradient(x, y, z):
        t, c = temperature(x, y, z), np.cos(z) if dimension == 3 else 1.0
        along = 2 * np.cos(2 * x + 1) * np.exp(y) * c
        return np.stack([along, t, 0 * t if dimension == 2 else -t * np.tan(z)], axis=-1)

    factor = 3 if dimension == 2 else 4
    return temperature, gradient, lambda x, y, z: factor * temperature(x, y, z)


def sizes(energy):
    """The volume of every cell."""
    return np.concatenate([weights.sum(axis=1) for _, _, weights, _ in energy.part.pieces()])


@pytest.mark.parametrize("name", [
    name if name in SIMPLICES else pytest.param(name, marks=needs_scikit_fem) for name in KINDS
])  # fmt: skip
@pytest.mark.parametrize("distort", [0.0, 0.15])
def test_it_is_as_large_as_the_error_on_every_kind_of_cell(name, distort):
    kind = KINDS[name]
    temperature, gradient, source = manufactured(DIMENSION[kind])
    for n in (2, 4) if DIMENSION[kind] == 3 else (4, 8):
        graph = mesh(kind, *box(kind, n, distort))
        energy = meshrep.Conduction(
            graph, 1.0, fixed=on_boundary(graph, DIMENSION[kind], temperature), source=source
        )
        field = exact(energy)
        found = energy.mesh_error(field)
        assert 0.55 < found.squares.sum() ** 0.5 / flux_error(energy, field, gradient) < 1.6
        np.testing.assert_allclose((found.flux**2 * sizes(energy)).sum(), found.squares.sum())


@pytest.mark.parametrize("kind", [
    3, 5, 10, pytest.param(9, marks=needs_scikit_fem), pytest.param(12, marks=needs_scikit_fem),
])  # fmt: skip
@pytest.mark.parametrize("ratio", [1.0, 1e3, 1e-3])
def test_a_jump_of_the_conductivity_and_a_cooled_end_are_no_error(kind, ratio):
    """A wall with a source, of k = 1 and of k = ratio: −k T' = x + c."""
    points, cells = box(kind, 8 if kind < 10 else 4)
    k = np.where(points[cells][:, :, 0].mean(axis=1) < 0.5, 1.0, ratio)
    energy = meshrep.Conduction(
        mesh(kind, points, cells), k, fixed={"x < 1e-9": 0.0}, source=1.0,
        convection=[("x > 1 - 1e-9", 2.0, 0.0)],
    )  # fmt: skip
    c = -(1 + 0.25 + 0.75 / ratio) / (2 + 1 / ratio)  # from 2 T(1) = 1 + c

    def gradient(x, y, z):
        of = np.where(x < 0.5, 1.0, ratio)
        return np.stack([-(x + c) / of, 0 * x, 0 * x], axis=-1)

    field = exact(energy)
    found = np.nansum(energy.mesh_error(field).squares) ** 0.5
    assert found / flux_error(energy, field, gradient) == pytest.approx(1.0, abs=0.25)
    # A linear temperature is exact, however much the conductivity jumps.
    plain = meshrep.Conduction(
        energy.graph, k, convection=[("x < 1e-9", 3.0, 9.0)], flux=[("x > 1 - 1e-9", 5.0)]
    )
    assert plain.mesh_error(exact(plain)).relative < 1e-9


def test_a_fin_that_is_cooled_on_its_sides_and_three_wires_that_meet():
    fin = mesh(3, *box(3, 8))
    fin = meshrep.Conduction(
        fin, 2.0, fixed={"x < 1e-9": 1.0}, sides=[("x >= 0", 3.0, 0.0)], area=1.0, perimeter=6.0
    )
    m = 3.0

    def gradient(x, y, z):
        return np.stack([-m * np.sinh(m * (1 - x)) / np.cosh(m), 0 * x, 0 * x], axis=-1)

    field = exact(fin)
    found = np.nansum(fin.mesh_error(field).squares) ** 0.5
    assert found == pytest.approx(flux_error(fin, field, gradient), rel=0.02)
    star = mesh(3, np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0.0]]),
                np.array([[0, 1], [0, 2], [0, 3]]))  # fmt: skip
    star = meshrep.Conduction(
        star, np.array([1.0, 5.0, 100.0]), fixed={"1": 0.0, "2": 3.0, "3": 9.0}
    )
    assert star.mesh_error(exact(star)).relative < 1e-12


@needs_scikit_fem
def test_kinds_side_by_side_agree_on_the_flux_between_them():
    bar = mixed_bar()
    energy = meshrep.Conduction(
        bar, 2.0, flux=[("x < 1e-9", 10.0)], convection=[("x > 3 - 1e-9", 5.0, 20.0)]
    )
    assert energy.mesh_error(exact(energy)).relative < 1e-12


@needs_scikit_fem
@pytest.mark.parametrize("kind", [12, 25])
def test_neighbours_are_compared_at_the_same_points(kind):
    """However the nodes of each cell are turned, the estimate is the same."""
    points, cells = box(kind, 2, 0.2)
    field = np.sin(3 * points).sum(axis=1)
    plain = meshrep.Conduction(mesh(kind, points, cells), 1.0, fixed={"0": 0.0})
    turned = cells.copy()
    for row in range(0, len(cells), 2):
        order = [3, 2, 6, 7, 0, 1, 5, 4] if row % 4 else [1, 2, 3, 0, 5, 6, 7, 4]
        turned[row, :8] = cells[row, order]
        if kind == 25:
            middle = {
                frozenset(ends): cells[row, m]
                for m, ends in (
                    (m, cells[row, list(ends)].tolist()) for m, ends in mids(25).items()
                )
            }
            for m, ends in mids(25).items():
                turned[row, m] = middle[frozenset(turned[row, list(ends)].tolist())]
    other = meshrep.Conduction(mesh(kind, points, turned), 1.0, fixed={"0": 0.0})
    np.testing.assert_allclose(
        other.mesh_error(field).squares, plain.mesh_error(field).squares, rtol=1e-9
    )


def test_a_coarse_mesh_is_told_with_the_place():
    graph = mesh(3, *box(3, 4))
    hot = {"x < 1e-9": 1.0}
    energy = meshrep.Conduction(graph, 1.0, fixed=hot, sides=[("x >= 0", 400.0, 0.0)], area=1.0)
    solution = meshrep.solve(energy)
    (remark,) = solution.remarks
    assert "coarse" in remark
    assert "the worst of which is at (0.125, 0, 0)" in remark
    assert solution.problem.cell_fields(solution.field)["heat_flux_error"].argmax() == 0
    smooth = meshrep.Conduction(graph, 1.0, fixed=hot, convection=[("x > 1 - 1e-9", 1.0, 0.0)])
    assert meshrep.solve(smooth).remarks == []


@pytest.mark.parametrize("thin", [1e-6, 1e-9])
def test_rounding_in_very_flat_cells_is_no_error_of_the_mesh(thin):
    """A linear temperature across a layer, which cells of any shape show exactly."""
    points, cells = box(10, 4)
    points[:, 0] = np.where(points[:, 0] > 0.5, points[:, 0], 2.0 * thin * points[:, 0])
    energy = meshrep.Conduction(
        mesh(10, points, cells), 1.0, fixed={"x == 0": 100.0}, convection=[("nx > 0.9", 10.0, 0.0)]
    )
    assert energy.mesh_error(meshrep.solve(energy).field).relative < 0.01
