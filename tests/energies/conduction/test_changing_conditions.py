"""Conditions and sources that change in time."""

import numpy as np
import pytest
from parts_of_tests import box, mesh

import meshrep
from meshrep import Schedule


def posed(graph, t):
    """A problem in which everything changes; with ``t`` None by schedules, else by its numbers."""

    def value(function):
        return Schedule(function) if t is None else function(t)

    return meshrep.Conduction(
        graph, 2.0,
        fixed=[("x < 1e-9", value(lambda t: 20 + t)), ("(x > 0.9) & (y < 1e-9)", 5.0)],
        convection=[("y > 1 - 1e-9", value(lambda t: 3 + t), value(lambda t: 10 - t))],
        flux=[("z < 1e-9", value(lambda t: 100 * t)),
              ("z > 1 - 1e-9", value(lambda t: lambda x, y, z: t * x))],
        radiation=[("x > 1 - 1e-9", 0.5, value(lambda t: 30 * t))],
        source={"part": {1: value(lambda t: 7 * t), 2: 4.0}}, kelvin=False,
    )  # fmt: skip


def test_the_energy_at_a_time_has_the_values_of_that_time():
    pv = pytest.importorskip("pyvista")
    points, cells = box(10, 2)
    raw = pv.UnstructuredGrid({10: cells}, points)
    raw.cell_data["part"] = 1 + (np.arange(len(cells)) % 2)
    graph = meshrep.Graph.of(raw)
    changing = posed(graph, None)
    w = changing.random_start(1)
    for t in (0.0, 0.5):
        now, plain = changing.at(t), posed(graph, t)
        field = now.clamp(w)
        assert now.value(field) == pytest.approx(plain.value(field), rel=1e-12)
        np.testing.assert_allclose(now.gradient(field), plain.gradient(field), rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(now.fixed_values, plain.fixed_values)
        assert now.unit == pytest.approx(plain.unit) and now.origin == plain.origin
        assert now.heat_through(field) == pytest.approx(plain.heat_through(field), abs=1e-9)
    assert changing.at(0.0) is changing and len(changing.schedules) == 7
    assert (changing + 2 * changing).at(0.5).value(field) == pytest.approx(3 * plain.value(field))
    assert posed(graph, 1.0).schedules == []


def test_the_source_as_a_whole_may_change():
    graph = mesh(10, *box(10, 1))
    energy = meshrep.Conduction(
        graph, 1.0, fixed={"x < 1e-9": 0.0}, source=Schedule([0, 1], [0, 6])
    )
    assert energy.at(0.5).heat_through(np.zeros(graph.n))["source"] == pytest.approx(3)
    moving = Schedule(lambda t: lambda x, y, z: t + 0 * x)
    energy = meshrep.Conduction(graph, 1.0, fixed={"x < 1e-9": 0.0}, source=moving)
    assert energy.at(2.0).heat_through(np.zeros(graph.n))["source"] == pytest.approx(2)


@pytest.mark.parametrize("options, message", [
    ({"fixed": {"x < 1e-9": Schedule(lambda t: -300 * t)}, "kelvin": False}, "absolute zero"),
    ({"fixed": {"x < 1e-9": Schedule(lambda t: np.nan if t else 1)}}, "must be finite"),
    ({"convection": [("x < 1e-9", Schedule([0, 1], [1, -1]), 3)]}, "h must be positive, not -1 at"),
])  # fmt: skip
def test_values_that_cannot_be_used_at_a_time(options, message):
    energy = meshrep.Conduction(mesh(10, *box(10, 1)), 1.0, **options)
    with pytest.raises(meshrep.InputError, match=message):
        energy.at(1.0)


def test_two_schedules_cannot_hold_one_node():
    graph = mesh(10, *box(10, 1))
    ramp, other = Schedule([0, 1], [0, 6]), Schedule([0, 1], [0, 7])
    with pytest.raises(meshrep.InputError, match="do not overlap"):
        meshrep.Conduction(graph, 1.0, fixed=[("x < 1e-9", ramp), ("y < 1e-9", other)])
    both = meshrep.Conduction(graph, 1.0, fixed=[("x < 1e-9", ramp), ("y < 1e-9", ramp)])
    assert (both.at(0.5).fixed_values == 3).all()
