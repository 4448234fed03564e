"""Rates, sentences and figures of a diagnosis."""

import json
from dataclasses import replace

import numpy as np
import pytest
from curvatures_of_tests import Quadratic, path_with_held_ends
from linear_variables import Positions
from problems_of_tests import heat

import meshrep
from meshrep.base.backends import installed
from meshrep.diagnosis.advice import character, which_solver, why_slow
from meshrep.diagnosis.curvature import Curvature
from meshrep.diagnosis.diagnosing import Examination
from meshrep.diagnosis.findings import GAP
from meshrep.diagnosis.rates import contraction, steps_to
from meshrep.view.write import write_json


@pytest.mark.parametrize(
    "recipe",
    [None, meshrep.Multilevel(), meshrep.Sobolev(), meshrep.GraphNetwork(residual=True)],
    ids=["identity", "multilevel", "sobolev", "gcn-res"],
)
def test_predicted_rates_are_observed(recipe):
    """The logarithms agree to 1%; for heavy ball to 5%, since it does not decay as a pure power."""
    energy = heat("lattice:9x9", power=2)
    found = meshrep.diagnose(energy, recipe)
    gd, ball = found.rates
    assert gd.predicted == pytest.approx(contraction("gd", found.end.product.condition), rel=1e-3)
    assert np.log(gd.observed) == pytest.approx(np.log(gd.predicted), rel=1e-2)
    assert np.log(ball.observed) == pytest.approx(np.log(ball.predicted), rel=5e-2)
    assert not gd.why and gd.steps > 3


def test_gradient_descent_on_a_quadratic_takes_the_predicted_steps():
    d = np.array([1.0, 3.0, 40.0])
    w, fall = np.array([1.0, 0.0, 1.0]), 1e-6
    first = 0.5 * (d * w * w).sum()
    taken = 0
    while 0.5 * (d * w * w).sum() > fall * first:
        w = w - 2 / 41 * d * w
        taken += 1
    assert steps_to(fall, 40.0)["gd"] == taken
    assert steps_to(1e-6, np.inf)["lbfgs"] == np.inf and steps_to(2.0, 10.0)["gd"] == 0
    steps = steps_to(1e-6, 1e4)
    assert steps["lbfgs"] < steps["nesterov"] < steps["gd"]


def test_no_rate_is_observed_far_from_a_minimum():
    energy = heat("lattice:6x6", power=2)
    # Heat is convex, so Newton's method first moves this end to the minimum.
    found = meshrep.diagnose(energy, field=energy.random_start(5))
    assert found.rates[0].observed < 1
    found = meshrep.diagnose(Quadratic(np.arange(1.0, 9.0)), field=np.ones(8))
    assert "too far from a minimum" in found.rates[0].why and np.isnan(found.rates[0].observed)


def test_sentences():
    energy = heat("lattice:20x20", power=4)
    found = meshrep.diagnose(energy)
    name, why = energy.auto_solver
    assert f"use {name}, as auto does ({why})" in found.advice
    assert any("L-BFGS" in sentence for sentence in found.advice)
    text = found.text()
    assert "κ(H) = " in text and "start" in text and "gd with the best step" in text
    slack = Curvature(energy, np.where(np.arange(400) % 20 < 10, 0.0, 1.0))
    mode = np.zeros(400)
    mode[energy.nodes] = 1.0
    assert "whose springs are weak there" in character(slack, mode)
    ends = path_with_held_ends(50)
    long = Curvature(ends, ends.random_start(0))
    assert "long wave of about 100 edges" in character(long, np.sin(np.pi * np.arange(51) / 51))
    assert "is nearly constant" in character(long, np.ones(51))
    lone = np.zeros(51)
    lone[7] = 1
    assert "is concentrated on about 1 of 51 nodes" in character(long, lone)


@pytest.mark.slow
def test_a_bound_is_called_a_bound():
    """If only a lower bound of κ is known, no sentence says that κ is small or that it grows."""
    energy = heat("lattice:20x20", power=4)
    found = meshrep.diagnose(energy, meshrep.GraphNetwork())
    at, end = Examination(energy).at["end"], found.end
    sure = replace(end.hessian, least=1.0, largest=50.0, least_residual=0.0, largest_residual=0.0)
    bound = replace(sure, least_residual=0.5)
    worse = replace(end.product, least=1e-3, least_residual=0.0, largest_residual=0.0)

    def words(hessian, product):
        return " ".join(why_slow(at, "end", "gcn", hessian, end.kernel, product, 2.0))

    assert "κ(H) = 50, easy" in words(sure, worse) and "larger than κ(H)" in words(sure, worse)
    text = words(bound, worse)
    assert "κ(H) ≥ 50, only a lower bound" in text and "easy" not in text
    assert "larger than κ(H)" not in text and "slowest mode of H found so far" in text
    text = words(sure, replace(worse, least_residual=1.0))
    assert "κ is at least" in text and "larger than κ(H)" in text
    same = replace(worse, least=worse.largest / 40)
    assert "hardly changes κ" in words(sure, same) and "hardly changes κ" not in words(bound, same)
    better = replace(worse, least=worse.largest / 2)
    assert "reduces κ to 2" in words(sure, better) and "reduces κ to 2" in words(bound, better)
    zero = replace(bound, least=-1e-6, least_residual=1e-3)
    assert "it is not known whether H is singular" in words(zero, worse)
    for product in (worse, better):
        assert len(why_slow(at, "end", "gcn", zero, end.kernel, product, 2.0)) == 1
    steps = steps_to(GAP, 50.0)
    text = " ".join(which_solver(energy, sure, steps, GAP))
    assert "κ at the end: gd" in text and "Newton is not needed" in text
    text = " ".join(which_solver(energy, bound, steps, GAP))
    assert "(lower bounds): gd" in text and "not needed" not in text
    text = " ".join(which_solver(energy, zero, steps_to(GAP, np.inf), GAP))
    assert "cannot be distinguished from 0" in text and "inf" not in text


def test_the_best_step_is_in_the_units_of_a_solver():
    """``solve(…, "gd", lr=…)`` from the slowest mode falls at the predicted rate, in any unit."""
    energy = heat("lattice:6x6", power=2, t_hot=7.0)
    end = meshrep.solve(energy, "newton", gtol=1e-12).field
    found = meshrep.diagnose(energy, field=end)
    rate = found.rates[0]
    start = end + 1e-2 * found.end.hessian.modes[0]
    gaps = [energy.value(start) - energy.value(end)]
    for steps in (5, 10):
        run = meshrep.solve(energy, "gd", start=start, lr=rate.lr, max_steps=steps, gtol=0.0)
        gaps.append(run.energy - energy.value(end))
    np.testing.assert_allclose(gaps[1] / gaps[0], rate.predicted**10, rtol=1e-3)
    np.testing.assert_allclose(gaps[2] / gaps[1], rate.predicted**10, rtol=1e-3)


@pytest.mark.slow
def test_variables_have_the_name_given():
    energy = heat("lattice:5x5")
    examined = Examination(energy)
    wide = examined.of(meshrep.GraphNetwork(propagation="square"), "gcn-a2")
    assert wide.parametrization == wide.report()["parametrization"] == "gcn-a2"
    assert "in the variables of gcn-a2" in wide.text()
    assert examined.of(meshrep.GraphNetwork()).parametrization == "gcn"


def test_modes_of_positions():
    found = meshrep.diagnose(Positions())
    assert found.end.hessian.modes.shape == (4, 20, 2) and found.end.hessian.size == 36
    assert found.by == "H by differences of gradients"
    values = found.end.hessian.values
    np.testing.assert_allclose(values[::2], values[1::2], rtol=1e-5)  # x and y are equivalent


def test_reports_are_reproducible_and_plain_data(tmp_path):
    energy = heat("lattice:7x7")
    first, second = (meshrep.diagnose(energy, meshrep.GraphNetwork()) for _ in range(2))
    one, two = first.report(), second.report()
    assert one.pop("seconds") > 0 and two.pop("seconds") > 0
    assert (
        write_json(one, tmp_path / "a").read_bytes() == write_json(two, tmp_path / "b").read_bytes()
    )
    read = json.loads((tmp_path / "a").read_text())
    assert set(read["end"]) == {"energy", "grad_norm", "boost", "H", "K", "KH"}
    assert read["end"]["KH"]["condition"] == pytest.approx(first.end.product.condition)


def test_what_cannot_be_diagnosed_is_refused():
    energy = heat("lattice:5x5")
    with pytest.raises(meshrep.InputError, match="is not a map"):
        meshrep.diagnose(energy, meshrep.KernelSmoothing("average"))
    with pytest.raises(meshrep.InputError, match="must be 1 or more"):
        meshrep.diagnose(energy, modes=0)
    graph = meshrep.graph_from("ring:3")
    held = meshrep.HeatBath(graph, hot=[0], cold=[1, 2], kind="dirichlet")
    with pytest.raises(meshrep.InputError, match="every node is fixed"):
        meshrep.diagnose(held)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["as it is", "matplotlib"])
def test_drawing(tmp_path, monkeypatch, engine):
    image = pytest.importorskip("matplotlib.image")
    if engine == "matplotlib":
        from meshrep.view import display

        monkeypatch.setattr(display, "can_render", lambda: False)
    elif not installed("pyvista"):
        pytest.skip("PyVista is not installed")
    energy = heat("lattice:6x6")
    recipe = meshrep.GraphNetwork() if engine == "matplotlib" else None
    found = Examination(energy, modes=2).of(recipe)
    pixels = image.imread(found.plot(tmp_path / "modes.png"))
    assert pixels.shape[0] > 900 and pixels[..., :3].std() > 0.05
    with pytest.raises(meshrep.InputError, match="no mode"):
        from meshrep.view.modes import draw_modes

        draw_modes(found.problem.graph, [], {}, {}, tmp_path / "none.png")
