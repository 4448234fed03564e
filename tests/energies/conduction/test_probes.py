"""Fields read at points, in cells of every kind."""

import numpy as np
import pytest
from parts_of_tests import LINES, SOLIDS, SURFACES, box, mesh

import meshrep
from meshrep.base.backends import installed
from meshrep.energies.conduction.elements import DIMENSION
from meshrep.energies.conduction.probes import Probes

KINDS = {**LINES, **SURFACES, **SOLIDS}


@pytest.mark.skipif(not installed("skfem"), reason="needs scikit-fem")
@pytest.mark.parametrize("name", KINDS)
def test_a_linear_field_is_read_exactly_anywhere(name):
    kind = KINDS[name]
    points, cells = box(kind, 3, distort=0.2)
    graph = mesh(kind, points, cells)
    field = 1 + points @ [2.0, -3.0, 0.5]
    at = np.zeros((12, 3))
    at[:, : DIMENSION[kind]] = np.random.default_rng(0).random((12, DIMENSION[kind]))
    at[0] = points[cells[-1, 1]]  # a node
    at[1] = points[cells[2]].mean(axis=0)
    probes = Probes(graph, at)
    np.testing.assert_allclose(probes.matrix @ field, 1 + at @ [2.0, -3.0, 0.5], atol=1e-11)
    assert probes.distances.max() < 1e-10 and not probes.remarks()


def test_a_quadratic_field_is_read_exactly_in_quadratic_cells():
    pytest.importorskip("skfem")
    points, cells = box(22, 3)
    field = points[:, 0] ** 2 - points[:, 0] * points[:, 1]
    found = Probes(mesh(22, points, cells), [0.31, 0.77]).matrix @ field
    assert found == pytest.approx([0.31**2 - 0.31 * 0.77], abs=1e-12)


def test_outside_the_nearest_point_is_read_and_told():
    points, cells = box(10, 2)
    graph = mesh(10, points, cells)
    probes = Probes(graph, [[0.3, 0.4, 1.25], [2, 2, 2], [0.5, 0.5, 1 + 1e-9]])
    np.testing.assert_allclose(probes.matrix @ points, [[0.3, 0.4, 1], [1, 1, 1], [0.5, 0.5, 1]])
    np.testing.assert_allclose(probes.distances, [0.25, 3**0.5, 1e-9], atol=1e-9)
    first, second = probes.remarks()
    assert "probe 1 (0.3, 0.4, 1.25) lies 0.25 outside" in first and "probe 2" in second


def test_curves_at_points_over_time():
    graph = mesh(10, *box(10, 2))
    energy = meshrep.Conduction(graph, 1.0, fixed={"x < 1e-9": 0.0}, capacity=1.0)
    path = meshrep.integrate(energy, 1.0, start=5.0, frames=4)
    curves = path.probe([[0.0, 0.2, 0.2], graph.points[13]])
    assert curves.shape == (5, 2) and (curves[:, 0] == 0).all()
    np.testing.assert_allclose(curves[:, 1], path.fields[:, 13], rtol=1e-12)
    with pytest.warns(UserWarning, match="outside"):
        path.probe([3.0, 0.2, 0.2])


@pytest.mark.parametrize("points, message", [
    (["a"], "not a list"), ([1.0], "of shape"), ([[0, 0, np.nan]], "finite"),
])  # fmt: skip
def test_what_is_no_point(points, message):
    with pytest.raises(meshrep.InputError, match=message):
        Probes(mesh(10, *box(10, 1)), points)


def test_a_network_has_no_places_to_read():
    with pytest.raises(meshrep.InputError, match="need a mesh"):
        Probes(meshrep.graph_from("ring:5"), [0, 0, 0])
