"""What a field answers beside itself, and where it is told."""

import json

import numpy as np
import pytest
from parts_of_tests import box, mesh

import meshrep
from meshrep.base.backends import installed
from meshrep.energies.answers import answers_table

BRACKET = {
    "conductivity": {"MaterialIds": {1: 50.0, 2: 0.3}}, "fixed": {"z == 0": 80.0},
    "convection": [("x == 80", 25.0, 20.0)], "flux": [("y == 0", 1500.0)],
    "source": {"MaterialIds": {1: 0.0, 2: 2e5}}, "kelvin": False,
}  # fmt: skip


def cooled(**options):
    graph = mesh(10, *box(10, 3))
    return meshrep.Conduction(
        graph, 3.0, fixed={"x < 1e-9": 80.0}, convection=[("x > 1 - 1e-9", 3.0, 20.0)],
        kelvin=False, **options,
    )  # fmt: skip


def test_a_solution_answers_with_heat_extremes_and_places():
    solution = meshrep.solve(cooled())
    found = {answer.name: answer for answer in solution.answers}
    assert found["heat in, fixed 'x < 1e-9'"].value == pytest.approx(90)
    assert found["heat in, convection 'x > 1 - 1e-9'"].value == pytest.approx(-90)
    assert abs(found["balance of heat"].value) < 1e-10
    hottest, coldest = found["highest temperature"], found["lowest temperature"]
    assert (hottest.value, hottest.position[0]) == (80, 0)
    assert (coldest.value, coldest.position[0]) == (pytest.approx(50), 1)
    assert solution.problem.graph.points[int(hottest.node)].tolist() == list(hottest.position)
    assert found["largest heat flux"].value == pytest.approx(90)
    table = answers_table(solution.answers)
    assert "highest temperature" in table
    assert "80 °C" in table
    assert "W/m²" in table


def test_answers_stand_in_the_report_of_a_comparison():
    comparison = meshrep.compare(cooled(), ["newton", "lbfgs"])
    answers = json.loads(json.dumps(comparison.report()))["answers"]
    assert answers[0]["name"] == "heat in, fixed 'x < 1e-9'"
    assert answers[0]["unit"] == "W"
    assert answers[0]["value"] == pytest.approx(90)
    assert (
        "answers"
        not in meshrep.compare(meshrep.Kuramoto(meshrep.graph_from("ring:5")), ["gd"]).report()
    )


def test_a_sum_of_energies_answers_for_its_terms():
    energy = cooled() + meshrep.FunctionEnergy(
        cooled().graph, lambda w: (0.5 * w @ w, w), convex=True
    )
    field = np.full(energy.shape, 30.0)
    assert {a.name for a in energy.answers(field)} >= {"highest temperature", "balance of heat"}


def test_a_trajectory_answers_for_its_last_frame():
    """What enters and does not leave warms the part."""
    energy = meshrep.Conduction(
        mesh(10, *box(10, 2)), 3.0, flux=[("x < 1e-9", meshrep.Schedule([0, 1], [0, 8]))],
        convection=[("x > 1 - 1e-9", 3.0, 20.0)], capacity=10.0, kelvin=False,
    )  # fmt: skip
    trajectory = meshrep.integrate(energy, 0.5, start=np.full(energy.shape, 20.0), frames=2)
    found = {answer.name: answer.value for answer in trajectory.answers}
    assert found["heat in, flux 'x < 1e-9'"] == pytest.approx(4.0)
    assert found["balance of heat"] == pytest.approx(
        found["heat in, flux 'x < 1e-9'"] + found["heat in, convection 'x > 1 - 1e-9'"]
    )


def test_the_heat_of_the_bundled_parts_balances():
    bracket = meshrep.Conduction(meshrep.load("bracket.vtu"), **BRACKET, units="mm")
    parts = [bracket]
    if installed("skfem"):
        parts.append(meshrep.Conduction(
            meshrep.load("pipe.vtu"), {"MaterialIds": {1: 50.0, 2: 0.04}}, units="mm",
            convection=[("hypot(x, y) < 25.01", 1000.0, 90.0), ("hypot(x, y) > 59.99", 10.0, 20.0)],
        ))  # fmt: skip
    for energy in parts:
        solution = meshrep.solve(energy, gtol=1e-12)
        assert solution.grad_norm < 1e-12  # the residual over the right-hand side
        heat = energy.heat_through(solution.field)
        assert abs(heat["balance"]) < 1e-10 * max(map(abs, heat.values()))


def test_the_heat_flux_of_a_field_is_computed_once(monkeypatch):
    energy, fields = cooled(), []
    flux = energy.part.flux
    monkeypatch.setattr(energy.part, "flux", lambda w: fields.append(w) or flux(w))
    solution = meshrep.solve(energy)
    assert solution.answers
    own = solution.mesh().cell_data["heat_flux"]
    own *= 0.0  # a caller's copy
    assert np.allclose(energy.heat_flux(solution.field)[:, 0], 90.0)
    assert len(fields) == 1
    assert np.allclose(energy.heat_flux(np.full(energy.shape, 80.0)), 0.0)
    assert len(fields) == 2


def test_heat_that_does_not_balance_is_told():
    energy = cooled()
    early = meshrep.solve(energy, "gd", max_steps=2)
    assert "the heat does not balance" in early.remarks[0]
    assert not meshrep.solve(energy).remarks
    # Rounding is no heat: neither of a uniform temperature, nor where one condition gives and takes
    graph = energy.graph
    assert not meshrep.solve(meshrep.Conduction(graph, 3.0, fixed={"x < 1e-9": 20.0})).remarks
    given = meshrep.Conduction(graph, 3.0, fixed=graph.points[:, 0])
    assert not meshrep.solve(given).remarks
