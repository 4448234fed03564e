"""Conduction: temperatures that are known in closed form or published."""

import numpy as np
import pytest
from parts_of_tests import box, divided, enriched, exact, grid, l2_error, mesh, mixed_bar

import meshrep
from meshrep.base.backends import installed

needs_scikit_fem = pytest.mark.skipif(not installed("skfem"), reason="needs scikit-fem")


def imbalance(energy, field):
    """The balance of heat, relative to the largest part of it."""
    heat = energy.heat_through(field)
    return abs(heat.pop("balance")) / max(map(abs, heat.values()))


def observed(errors):
    return np.log2(errors[-2] / errors[-1])


@pytest.mark.parametrize("kind", [5, 10, pytest.param(12, marks=needs_scikit_fem)])
def test_a_wall_of_two_materials(kind):
    """In series: q = ΔT / (d₁/k₁ + d₂/k₂ + 1/h)."""
    points, cells = box(kind, 4)
    k = np.where(points[cells][:, :, 0].mean(axis=1) < 0.5, 50.0, 0.3)
    graph = mesh(kind, points, cells)
    energy = meshrep.Conduction(
        graph, k, fixed={"x < 1e-9": 80.0}, convection=[("x > 1 - 1e-9", 25.0, 20.0)]
    )
    field = meshrep.solve(energy).field
    q = 60 / (0.5 / 50 + 0.5 / 0.3 + 1 / 25)
    x = points[:, 0]
    wanted = 80 - q * (np.minimum(x, 0.5) / 50 + np.maximum(x - 0.5, 0) / 0.3)
    np.testing.assert_allclose(field, wanted, rtol=1e-11)
    heat = energy.heat_through(field)
    assert heat["fixed 'x < 1e-9'"] == pytest.approx(q, rel=1e-10)
    assert heat["convection 'x > 1 - 1e-9'"] == pytest.approx(-q, rel=1e-10)
    assert imbalance(energy, field) < 1e-10


def around_an_axis(points):
    """A quarter of a cylinder shell between the radii 1 and 2."""
    r, angle = 1 + points[:, 0], points[:, 1] * np.pi / 2
    return np.stack([r * np.cos(angle), r * np.sin(angle), points[:, 2]], axis=1)


def around_a_point(points):
    """A sixth of a sphere shell between the radii 1 and 2."""
    y, z = np.tan((points[:, 1:].T - 0.5) * np.pi / 2)
    towards = np.stack([np.ones(len(points)), y, z], axis=1)
    length = np.linalg.norm(towards, axis=1, keepdims=True)
    return (1 + points[:, :1]) * towards / length


@pytest.mark.parametrize("kind, shape, counts, order", [
    (5, around_an_axis, (4, 8), 2), (10, around_a_point, (3, 6), 2),
    *(pytest.param(*row, marks=needs_scikit_fem) for row in [
        (9, around_an_axis, (4, 8), 2), (23, around_an_axis, (4, 8), 3),
        (12, around_a_point, (3, 6), 2), (14, around_a_point, (3, 6), 2),
        (24, around_a_point, (2, 4), 3),
    ]),
])  # fmt: skip
def test_shells_of_cylinders_and_spheres(kind, shape, counts, order):
    """Logarithmic in the radius round an axis, and its inverse round a point."""
    errors, heats = [], []
    for n in counts:
        points, cells = box(kind, n)
        graph = mesh(kind, shape(points), cells)
        inner, outer = points[:, 0] < 1e-9, points[:, 0] > 1 - 1e-9
        energy = meshrep.Conduction(graph, 3.0, fixed=[(inner, 100.0), (outer, 20.0)])
        field = exact(energy)
        if shape is around_an_axis:
            errors.append(l2_error(energy, field, lambda x, y, z:
                                   100 - 80 * np.log2(np.hypot(x, y))))  # fmt: skip
            flow = 3 * 80 / np.log(2) * np.pi / 2
        else:
            errors.append(l2_error(energy, field, lambda x, y, z:
                                   160 / np.sqrt(x**2 + y**2 + z**2) - 60))  # fmt: skip
            flow = 3 * 160 * 4 * np.pi / 6
        heats.append(abs(energy.heat_through(field)["fixed 1"] / flow - 1))
        assert imbalance(energy, field) < 1e-10
    assert observed(errors) > order - 0.15
    assert heats[1] < 0.4 * heats[0] < 0.1


@pytest.mark.parametrize("kind, order", [
    (3, 2), pytest.param(21, 3, marks=needs_scikit_fem), (5, 2),
])  # fmt: skip
def test_a_straight_fin(kind, order):
    """Cooled on its sides and its tip: T − T_air ∝ cosh m(L − x) + (h/mk) sinh m(L − x)."""
    length, k, h, base, air = 0.1, 200.0, 25.0, 100.0, 20.0
    section, perimeter = 4e-6, 8e-3
    m = np.sqrt(h * perimeter / (k * section))

    def shape(x):
        return np.cosh(m * (length - x)) + h / (m * k) * np.sinh(m * (length - x))

    def wanted(x, y, z):
        return air + (base - air) * shape(x) / shape(0)

    errors = []
    for n in (8, 16):
        if kind == 5:  # a sheet of thickness 2A/P, both of whose sides are cooled
            points, cells = grid(n, 1)
            points, cells = divided(5, np.pad(points, ((0, 0), (0, 1))), cells)
            given = {"thickness": 2 * section / perimeter, "sides": [("x >= 0", 2 * h, air)]}
        else:
            points, cells = box(kind, n)
            given = {"area": section, "perimeter": perimeter, "sides": [("x >= 0", h, air)]}
        graph = mesh(kind, points * [length, 0.002, 1], cells)
        energy = meshrep.Conduction(
            graph, k, fixed={"x < 1e-9": base}, convection=[("x > 0.1 - 1e-9", h, air)], **given
        )
        field = meshrep.solve(energy).field
        errors.append(l2_error(energy, field, wanted))
        assert imbalance(energy, field) < 1e-10
    assert observed(errors) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("kind, n, off", [
    (5, 2, 0.07), pytest.param(9, 2, 0.05, marks=needs_scikit_fem),
    pytest.param(23, 2, 1e-3, marks=needs_scikit_fem),
])  # fmt: skip
def test_nafems_t4_convection_beside_a_held_edge(kind, n, off):
    """18.25 °C at (0.6, 0.2); four kinds of cell converge to 18.2538, and 18.3 is published."""
    points, cells = grid(12 * n, 20 * n)
    points, cells = enriched(kind, *divided(kind, np.pad(points, ((0, 0), (0, 1))), cells))
    graph = mesh(kind, points * [0.6, 1, 1], cells)
    energy = meshrep.Conduction(
        graph, 52.0, fixed={"y < 1e-9": 100.0},
        convection=[("x > 0.6 - 1e-9", 750.0, 0.0), ("y > 1 - 1e-9", 750.0, 0.0)],
    )  # fmt: skip
    field = meshrep.solve(energy).field
    (at,) = np.flatnonzero(np.linalg.norm(graph.points - [0.6, 0.2, 0], axis=1) < 1e-9)
    assert field[at] == pytest.approx(18.2538, abs=off)
    assert imbalance(energy, field) < 1e-10


@pytest.mark.parametrize("kelvin", [True, False])
@pytest.mark.parametrize("kind", [3, 10])
def test_nafems_t2_radiation_at_the_end_of_a_wall(kind, kelvin):
    """927.0 K where 55.6 (1000 − T)/0.1 = 0.98 σ (T⁴ − 300⁴)."""
    zero = 0.0 if kelvin else 273.15
    points, cells = box(kind, 2)
    energy = meshrep.Conduction(
        mesh(kind, points * [0.1, 1, 1], cells), 55.6, fixed={"x < 1e-9": 1000 - zero},
        radiation=[("x > 0.1 - 1e-9", 0.98, 300 - zero)], kelvin=kelvin, stefan_boltzmann=5.67e-8,
    )  # fmt: skip
    solution = meshrep.solve(energy)
    assert "newton" in solution.solver
    end = solution.field[points[:, 0] > 0.9] + zero
    np.testing.assert_allclose(end, 927.0, atol=0.05)
    np.testing.assert_allclose(
        55.6 * (1000 - end) / 0.1, 0.98 * 5.67e-8 * (end**4 - 300**4), rtol=1e-9
    )
    assert imbalance(energy, solution.field) < 1e-10


@needs_scikit_fem
def test_kinds_of_solids_side_by_side():
    """A bar that is hot at one end and cooled at the other one has a linear temperature."""
    bar = mixed_bar()
    energy = meshrep.Conduction(
        bar, 2.0, flux=[("x < 1e-9", 10.0)], convection=[("x > 3 - 1e-9", 5.0, 20.0)]
    )
    field = meshrep.solve(energy).field
    np.testing.assert_allclose(field, 22 + 5 * (3 - bar.points[:, 0]), rtol=1e-12)
    np.testing.assert_allclose(energy.heat_flux(field)[:, 0], 10, rtol=1e-11)
    assert energy.part.volume == pytest.approx(3, rel=1e-14)


def test_a_wire_between_two_sheets():
    """Sheets of other cells, held at 0 and 1, whose wire carries k A / L."""
    points, cells = box(5, 1)
    away = points + np.array([3.0, 0.0, 0.0])
    graph = meshrep.Graph.from_cells(
        np.concatenate([points, away]),
        meshrep.Cells.join([
            meshrep.Cells.of_kind(5, np.concatenate([cells, cells + len(points)])),
            meshrep.Cells.of_kind(3, np.array([[2, len(points)]])),
        ]),
    )  # fmt: skip
    energy = meshrep.Conduction(
        graph, 4.0, thickness=0.01, area=1e-3, fixed={"x < 2": 0.0, "x > 2": 1.0}
    )
    span = np.linalg.norm(graph.points[2] - graph.points[len(points)])
    heat = energy.heat_through(meshrep.solve(energy).field)
    assert heat["fixed 'x > 2'"] == pytest.approx(4 * 1e-3 / span, rel=1e-12)
