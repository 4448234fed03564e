"""Materials and conditions: what they select, and what cannot be used."""

import numpy as np
import pytest
from parts_of_tests import box, exact, grid, mesh

import meshrep
from meshrep import InputError
from meshrep.base.backends import installed
from meshrep.energies.conduction.patches import Patch

needs_scikit_fem = pytest.mark.skipif(not installed("skfem"), reason="needs scikit-fem")
HELD = {"x < 1e-9": 0.0}


def cube(kind=10, n=2):
    return mesh(kind, *box(kind, n))


def area(energy, where, **options):
    patch = Patch(energy.part, where, "a patch", **options)
    return patch.samples(False).weights.sum()


def test_a_patch_is_the_boundary_faces_whose_nodes_are_all_selected():
    energy = meshrep.Conduction(cube(), 1.0, fixed=HELD)
    assert area(energy, "x > 1 - 1e-9") == pytest.approx(1, rel=1e-14)
    assert area(energy, "x >= 0") == pytest.approx(6, rel=1e-14)  # nothing inside counts
    assert area(energy, "(x > 1 - 1e-9) & (y < 0.6)") == pytest.approx(0.5, rel=1e-14)
    with pytest.raises(InputError, match="no boundary face of mesh has all its nodes among the 9"):
        area(energy, "(x > 0.4) & (x < 0.6)")


@needs_scikit_fem
@pytest.mark.parametrize("kind", [12, 13, 14, 24, 25, 26, 27])
def test_the_surface_of_a_cube_of_any_cells(kind):
    energy = meshrep.Conduction(cube(kind), 1.0, fixed=HELD)
    assert area(energy, "x >= 0") == pytest.approx(6, rel=1e-13)


def test_edges_of_a_sheet_have_its_thickness_and_ends_of_a_wire_its_area():
    energy = meshrep.Conduction(cube(5), 1.0, fixed=HELD, thickness=0.02)
    assert area(energy, "x > 1 - 1e-9") == pytest.approx(0.02, rel=1e-13)
    assert area(energy, "x >= 0") == pytest.approx(0.08, rel=1e-13)
    assert area(energy, "x >= 0", sides=True) == pytest.approx(1, rel=1e-13)
    wire = meshrep.Conduction(cube(3), 1.0, fixed=HELD, area=np.pi)
    assert area(wire, "x >= 0") == pytest.approx(2 * np.pi, rel=1e-13)
    assert area(wire, "x >= 0", sides=True) == pytest.approx(2 * np.pi, rel=1e-13)


def test_normals_point_out_of_the_part_and_combine_with_coordinates():
    energy = meshrep.Conduction(cube(), 1.0, fixed={"nz > 0.9": 1.0, "nz < -0.9": 0.0})
    np.testing.assert_allclose(exact(energy), energy.graph.points[:, 2], atol=1e-12)
    assert area(energy, "abs(nx) > 0.9") == pytest.approx(2, rel=1e-14)
    assert area(energy, "(nx > 0.9) & (y < 0.6)") == pytest.approx(0.5, rel=1e-14)
    assert area(energy, "(nx > 0.9) | (y == 0)") == pytest.approx(2, rel=1e-14)
    sheet = meshrep.Conduction(cube(5), 1.0, fixed={"nx < -0.9": 0.0}, thickness=0.02)
    assert len(sheet.fixed) == 3  # the nodes of the edges at x = 0
    assert area(sheet, "ny > 0.9") == pytest.approx(0.02, rel=1e-13)
    assert area(sheet, "abs(nz) > 0.9", sides=True) == pytest.approx(1, rel=1e-13)
    wire = meshrep.Conduction(cube(3), 1.0, fixed={"nx < 0": 0.0}, area=2.0)
    assert wire.fixed.tolist() == [0] and area(wire, "nx > 0.9") == 2.0
    with pytest.raises(InputError, match="no boundary face of mesh satisfies it"):
        area(energy, "(nx > 0.9) & (ny > 0.9)")
    with pytest.raises(InputError, match="no surface or wire of mesh satisfies it"):
        area(wire, "nx < 9", sides=True)  # a wire's hull has normals in all directions
    with pytest.raises(InputError, match="there is no 'mx'"):
        area(energy, "(mx > 0.9) & (nx > 0)")


@needs_scikit_fem
@pytest.mark.parametrize("kind", [12, 13, 14, 24, 25, 26, 27])
def test_normals_of_any_cells(kind):
    points, cells = box(kind, 2, distort=0.2)
    energy = meshrep.Conduction(mesh(kind, points, cells), 1.0, fixed=HELD)
    for side in ("nx > 0.99", "ny < -0.99", "nz > 0.99"):
        assert area(energy, side) == pytest.approx(1, rel=1e-12)


def test_arrays_of_cells_mark_facets_by_the_cell_behind_or_on_them():
    pv = pytest.importorskip("pyvista")
    points, cells = box(10, 2)
    at_top = np.flatnonzero(points[:, 2] > 1 - 1e-9)
    data = pv.UnstructuredGrid({10: cells, 5: at_top[[[0, 3, 4], [0, 1, 4]]]}, points)
    low = points[cells].mean(axis=1)[:, 2] < 0.5
    data.cell_data["part"] = np.concatenate([np.where(low, 1, 2), [7, 7]])
    data.cell_data["half low"] = np.concatenate([low, [False, False]])
    data.point_data["inlet"] = (points[:, 0] == 0).astype(np.uint8)
    data.point_data["held"] = np.where(points[:, 0] == 0, 5.0, np.nan)
    energy = meshrep.Conduction(data, 1.0, fixed="held")
    assert set(energy.fixed) == set(np.flatnonzero(energy.graph.points[:, 0] == 0))
    np.testing.assert_allclose(exact(energy), 5.0)
    for where, size in {
        "part == 1": 3.0, "(part == 1) & (nz < -0.9)": 1.0, "half low": 3.0, "part == 7": 0.25,
        "inlet": 1.0, "inlet == 1": 1.0, "inlet & (nx < 0) & (y < 0.6)": 0.5,
    }.items():  # fmt: skip
        assert area(energy, where) == pytest.approx(size, rel=1e-12)
    assert area(energy, data.cell_data["part"] == 2) == pytest.approx(3.0, rel=1e-12)


def with_cells(k=None):
    """Two rows of triangles in a dataset of PyVista, with regions 1 and 2."""
    pv = pytest.importorskip("pyvista")
    points, cells = grid(2, 1)
    points = np.pad(points, ((0, 0), (0, 1)))
    faces = np.concatenate([cells[:, [0, 1, 2]], cells[:, [0, 2, 3]], cells[:1, [0, 1, 2]]])
    data = pv.UnstructuredGrid({5: faces}, points)  # the last triangle is there twice
    data.cell_data["MaterialIds"] = np.array([1, 2, 1, 2, 9])
    data.cell_data["k"] = np.array([50.0, 0.3, 50.0, 0.3, 7.0])
    return data


@pytest.mark.parametrize("conductivity", [
    {"MaterialIds": {1: 50.0, 2: 0.3}}, "k", np.array([50.0, 0.3, 50.0, 0.3, np.nan]),
    lambda x, y, z: np.where(x < 0.5, 50.0, 0.3),
    {"MaterialIds": {1: 50.0 * np.eye(3), 2: 0.3}},
])  # fmt: skip
def test_materials_by_region_name_array_and_function(conductivity):
    """Values of cells that the reader dropped do not move those of the others."""
    energy = meshrep.Conduction(with_cells(), conductivity, fixed={"x == 0": 1.0, "x == 1": 0.0})
    middle = exact(energy)[np.flatnonzero(energy.graph.points[:, 0] == 0.5)]
    np.testing.assert_allclose(middle, 50 / 50.3, rtol=1e-12)


def test_temperatures_at_the_points_of_the_input():
    data = with_cells()
    energy = meshrep.Conduction(
        data, 1.0, fixed=np.where(data.points[:, 0] == 0.5, np.nan, 3 * data.points[:, 0])
    )
    np.testing.assert_allclose(exact(energy), 3 * energy.graph.points[:, 0], atol=1e-14)


def test_faces_that_mark_the_boundary_of_a_solid_do_not_conduct():
    points, cells = box(10, 1)
    marked = meshrep.Cells.join([
        meshrep.Cells.of_kind(10, cells), meshrep.Cells.of_kind(5, cells[:1, :3])
    ])  # fmt: skip
    graph = meshrep.Graph.from_cells(points, marked)
    plain = meshrep.Conduction(graph, 2.0, fixed=HELD)
    assert plain.part.volume == pytest.approx(1, rel=1e-14)
    coated = meshrep.Conduction(graph, 2.0, fixed=HELD, thickness=0.1)
    assert coated.part.volume > 1.04


def test_a_polygon_a_pixel_a_voxel_and_a_polyline_conduct():
    Cells = meshrep.Cells
    angle = np.linspace(0, 2 * np.pi, 5, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    five = meshrep.Graph.from_cells(ring, Cells.of_kind(7, np.arange(5)[None]))
    assert meshrep.Conduction(five, 1.0, fixed={"0": 1.0}).part.volume == pytest.approx(
        2.5 * np.sin(2 * np.pi / 5), rel=1e-14
    )
    bent = meshrep.Graph.from_cells(ring, Cells.of_kind(4, np.arange(5)[None]))
    assert meshrep.Conduction(bent, 1.0, fixed={"0": 1.0}).part.volume == pytest.approx(
        8 * np.sin(np.pi / 5), rel=1e-14
    )
    if installed("skfem"):
        points, cells = grid(1, 1, 1)
        voxel = cells[:, [0, 1, 3, 2, 4, 5, 7, 6]]
        graph = meshrep.Graph.from_cells(points, Cells.of_kind(11, voxel))
        assert meshrep.Conduction(graph, 1.0, fixed=HELD).part.volume == pytest.approx(1)


TENSOR = np.diag([1.0, 2.0, -1.0])


@pytest.mark.parametrize("options, message", [
    ({}, "nothing decides the temperature of 1 of 1 connected components"),
    ({"flux": [("x > 0.9", 1.0)]}, "nothing decides the temperature"),
    ({"fixed": {"x > 7": 1.0}}, "selects no node"),
    ({"fixed": {"x < 0.1": 1.0, "y < 0.1": 2.0}}, "is held at 1 by fixed 'x < 0.1' and at 2 by"),
    ({"fixed": {"x < 0.1": np.nan}}, "must be finite"),
    ({"fixed": {"x < 0.1": "hot"}}, "must be a number or a function"),
    ({"fixed": "x < 0.1"}, "no array of points called"),
    ({"fixed": [1.0, 2.0]}, "values for 27 nodes"),
    ({"fixed": HELD, "conductivity": 0.0}, "conductivity must be positive and finite, and is 0"),
    ({"fixed": HELD, "conductivity": -2.0}, "conductivity must be positive"),
    ({"fixed": HELD, "conductivity": np.nan}, "conductivity must be positive"),
    ({"fixed": HELD, "conductivity": "k"}, "no array of cells called 'k'"),
    ({"fixed": HELD, "conductivity": None}, "None is no number"),
    ({"fixed": HELD, "conductivity": np.ones(5)}, "5 values for 48 cells"),
    ({"fixed": HELD, "conductivity": TENSOR}, "must be a symmetric, positive definite matrix"),
    ({"fixed": HELD, "conductivity": lambda x, y, z: np.ones(7)}, "one number for each position"),
    ({"fixed": HELD, "source": np.inf}, "source must be finite"),
    ({"fixed": HELD, "convection": [("x > 0.9", -1.0, 20.0)]}, ": h must be positive, not -1"),
    ({"fixed": HELD, "convection": [("x > 0.9", 1.0)]}, r"condition is \(where, h, air\)"),
    ({"fixed": HELD, "convection": 3.0}, "convection is a list of"),
    ({"fixed": HELD, "convection": [("x == 0.5", 1.0, 20.0)]}, "has all its nodes among the 9"),
    ({"fixed": HELD, "convection": [("x > 0.9", 1.0, 20.0), ("(x > 0.9) & (y < 0.6)", 1.0, 3.0)]},
     "share a part of the boundary"),
    ({"fixed": HELD, "radiation": [("x > 0.9", 0.8, 20.0)]}, "say kelvin=True"),
    ({"fixed": HELD, "radiation": [("x > 0.9", 1.8, 20.0)], "kelvin": True}, r"within \(0, 1\]"),
    ({"fixed": {"x < 0.1": -3.0}, "kelvin": True}, "-3 K is below absolute zero"),
    ({"fixed": {"x < 0.1": -300.0}, "kelvin": False}, "-300 °C is below absolute zero"),
    ({"fixed": HELD, "sides": [("x > 0.9", 1.0, 2.0)]}, "no surface or wire of mesh"),
    ({"fixed": HELD, "perimeter": -1.0}, "perimeter must be a positive number"),
    ({"fixed": HELD, "units": True}, "units must be a positive number"),
    ({"fixed": HELD, "kelvin": "C"}, "kelvin must be True or False, not 'C'"),
    ({"fixed": HELD, "conductivity": lambda x, y: x}, "cannot be called with three arrays"),
])  # fmt: skip
def test_what_cannot_be_used_is_told_in_a_sentence(options, message):
    options = {"conductivity": 1.0, **options}
    with pytest.raises(InputError, match=message) as caught:
        meshrep.solve(meshrep.Conduction(cube(), options.pop("conductivity"), **options))
    assert "\n" not in str(caught.value)


def test_a_region_without_a_material_is_told():
    with pytest.raises(InputError, match="MaterialIds 2 has no value"):
        meshrep.Conduction(with_cells(), {"MaterialIds": {1: 50.0}}, fixed={"x == 0": 1.0})


def test_meshes_that_cannot_conduct_are_told():
    for points, message in ((np.eye(2, 3), "needs cells"), (None, "needs a mesh with points")):
        pair = meshrep.Graph.from_edges(2, np.array([[0, 1]]), points=points)
        with pytest.raises(InputError, match=message):
            meshrep.Conduction(pair, 1.0, fixed={"0": 1})
    points, cells = box(10, 1)
    stray = meshrep.Cells.join([
        meshrep.Cells.of_kind(10, cells), meshrep.Cells.of_kind(3, np.array([[0, len(points)]]))
    ])  # fmt: skip
    graph = meshrep.Graph.from_cells(np.concatenate([points, [[-1, 0, 0]]]), stray)
    with pytest.raises(InputError, match=r"1 nodes .node 8 is one. lie on no cell that conducts"):
        meshrep.Conduction(graph, 1.0, fixed=HELD)


@needs_scikit_fem
def test_a_cell_that_is_folded_is_refused_and_one_without_area_left_out():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0.0]])
    crossed = meshrep.Cells.of_kind(9, np.array([[0, 1, 3, 2]]))
    with pytest.raises(InputError, match="folded or numbered wrongly"):
        meshrep.Conduction(meshrep.Graph.from_cells(points[:4], crossed), 1.0, fixed=HELD)
    flat = meshrep.Cells.of_kind(5, np.array([[0, 1, 2], [0, 2, 3], [1, 2, 4], [0, 1, 4]]))
    with pytest.warns(UserWarning, match="1 cell of kind triangle has no extent"):
        meshrep.Conduction(meshrep.Graph.from_cells(points, flat), 1.0, fixed=HELD)


@needs_scikit_fem
def test_a_few_folded_cells_are_told_and_conduct():
    points, cells = box(12, 3)
    points[21] -= 0.25  # moves into one of the 27 cells
    with pytest.warns(UserWarning, match="1 cell of kind hexahedron is folded .cell 0 is one"):
        energy = meshrep.Conduction(mesh(12, points, cells), 1.0, fixed={**HELD, "x > 0.99": 1.0})
    found = meshrep.solve(energy)
    assert -0.1 < found.field.min() <= found.field.max() < 1.1


def test_a_missing_scikit_fem_is_named(monkeypatch):
    monkeypatch.setattr("meshrep.energies.conduction.elements.installed", lambda name: False)
    meshrep.energies.conduction.elements.rule.cache_clear()
    with pytest.raises(meshrep.MissingPart, match=r"scikit-fem.*meshrep\[fem\]"):
        meshrep.Conduction(cube(12), 1.0, fixed=HELD)
    assert meshrep.Conduction(cube(10), 1.0, fixed=HELD, flux=[("x > 0.9", 1.0)]).unit > 0
