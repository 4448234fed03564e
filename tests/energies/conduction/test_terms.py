"""Conditions as energies of their own, and their sums."""

import pickle

import numpy as np
import pytest
from parts_of_tests import box, mesh

import meshrep
from meshrep import InputError
from meshrep.energies.sums import Sum

HOT, FAR = "x < 1e-9", "x > 1 - 1e-9"


def cube():
    return mesh(10, *box(10, 2, distort=0.1))


def whole(graph):
    return meshrep.Conduction(
        graph, 3.0, fixed={HOT: 80.0}, convection=[(FAR, 25.0, 20.0)], source=100.0,
        flux=[("y < 1e-9", 300.0)], radiation=[("y > 1 - 1e-9", 0.8, 10.0)], kelvin=False,
    )  # fmt: skip


def pieces(graph):
    return [
        meshrep.Conduction(graph, 3.0), meshrep.FixedTemperature(graph, {HOT: 80.0}),
        meshrep.Convection(graph, FAR, 25.0, 20.0), meshrep.HeatSource(graph, 100.0),
        meshrep.HeatFlux(graph, "y < 1e-9", 300.0),
        meshrep.RadiationTo(graph, "y > 1 - 1e-9", 0.8, 10.0, kelvin=False),
    ]  # fmt: skip


@pytest.mark.parametrize("order", [range(6), [5, 3, 1, 4, 2, 0]])
@pytest.mark.parametrize("solver", ["newton", "lbfgs", "gcn"])
def test_conduction_and_its_conditions_add_to_what_states_them_at_once(order, solver):
    graph = cube()
    parts = [pieces(graph)[k] for k in order]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    once = whole(graph)
    assert type(total) is meshrep.Conduction
    assert (total.unit, total.scale, total.origin) == (once.unit, once.scale, once.origin)
    assert total.auto_solver == once.auto_solver
    ours, theirs = meshrep.solve(total, solver), meshrep.solve(once, solver)
    np.testing.assert_allclose(ours.field, theirs.field, rtol=1e-12)
    heat, wanted = total.heat_through(ours.field), once.heat_through(theirs.field)
    assert heat == pytest.approx(wanted, rel=1e-9, abs=1e-9 * max(map(abs, wanted.values())))


def test_terms_are_energies_whose_values_add():
    """Up to the constant by which each counts its sources from another level."""
    graph = cube()
    once, parts = whole(graph), pieces(graph)
    one, other = once.random_start(1), once.random_start(2)
    apart = sum(part.value(one) - part.value(other) for part in parts)
    assert apart == pytest.approx(once.value(one) - once.value(other), rel=1e-12)
    slope = sum(part.gradient(one) for part in parts)
    np.testing.assert_allclose(slope[once.free], once.gradient(one)[once.free], rtol=1e-10)
    for part in parts:
        assert 0 < part.scale < np.inf
        assert 0 < part.unit < np.inf
        assert pickle.loads(pickle.dumps(part)).value(one) == part.value(one)


def test_other_energies_and_multiples_add_term_by_term():
    graph = cube()
    air = meshrep.Convection(graph, FAR, 25.0, 20.0)
    bath = meshrep.HeatBath(graph, HOT, "(y > 0.9) & (x > 0.1)", kind="dirichlet", t_hot=80.0)
    cooled = bath + air
    assert isinstance(cooled, Sum)
    field = meshrep.solve(cooled).field
    np.testing.assert_allclose(
        bath.gradient(field)[cooled.free], -air.gradient(field)[cooled.free], atol=1e-5
    )
    twice = 2.0 * whole(graph) + air
    assert [factor for factor, _ in twice.terms] == [2.0, 1.0]
    # What a part has once is not merged, but both count.
    both = meshrep.Conduction(graph, 3.5, fixed={HOT: 0.0}) + meshrep.Conduction(graph, 3.5)
    w = whole(graph).random_start(1)
    alone = meshrep.Conduction(graph, 7.0, fixed={HOT: 0.0})
    np.testing.assert_allclose(both.gradient(w), alone.gradient(w), atol=1e-10)


def test_a_sum_is_refused_where_its_statement_would_be():
    graph = cube()
    bare = meshrep.Conduction(graph, 3.0) + meshrep.HeatSource(graph, 100.0)
    with pytest.raises(InputError, match="nothing decides the temperature of 1 of 1"):
        meshrep.solve(bare)
    air = meshrep.Convection(graph, FAR, 25.0, 20.0)
    with pytest.raises(InputError, match="share a part of the boundary"):
        air + air
    with pytest.raises(InputError, match="is held at 0 by"):
        meshrep.FixedTemperature(graph, {HOT: 0.0}) + meshrep.FixedTemperature(graph, {HOT: 1.0})
    pinned = meshrep.FunctionEnergy(graph, lambda w: (0.5 * w @ w, w), convex=True)
    field = meshrep.solve(meshrep.Conduction(graph, 3.0) + pinned).field
    assert abs(field).max() < 1e-6
