"""Variables in other units than the field's: when a run has converged, and what may move at all."""

import numpy as np
import pytest

import meshrep
from meshrep.base.outcome import Result
from meshrep.errors import InputError
from meshrep.minimisers.base import Minimiser
from meshrep.minimisers.first_order import GradientDescent
from meshrep.minimisers.gradient_flow import GradientFlow
from meshrep.minimisers.monitor import Stopping
from meshrep.minimisers.newton import Newton
from meshrep.parametrizations.linear.multilevel import Multilevel
from meshrep.solving.solver import Solver

LINEAR = ("multilevel", "spectral", "sobolev", "kappa")


@pytest.mark.parametrize("solver", LINEAR)
def test_converged_means_the_same_at_every_temperature(solver):
    graph = meshrep.graph_from("lattice:16x16")
    cold, hot = meshrep.ends(graph)
    ends = []
    for span in (1e-3, 1.0, 1e3):
        energy = meshrep.HeatBath(graph, hot, cold, power=2, t_hot=span)
        start = span * np.random.default_rng(0).random(graph.n)
        ends.append(meshrep.solve(energy, solver, start=start))
    assert [end.result for end in ends] == [Result.CONVERGED] * 3
    steps = [end.steps for end in ends]
    assert max(steps) - min(steps) <= 0.05 * max(steps)  # up to rounding
    assert np.ptp(np.log10([end.grad_norm for end in ends])) < 1.5


@pytest.mark.parametrize("solver", LINEAR)
def test_nodes_without_couplings_move_too(solver):
    graph = meshrep.Graph.from_edges(30, meshrep.graph_from("ring:20").edges)
    target = np.random.default_rng(0).standard_normal((30, 2))
    energy = meshrep.FunctionEnergy(
        graph, lambda w: (0.5 * ((w - target) ** 2).sum(), w - target), shape=(30, 2), convex=True
    )
    end = meshrep.solve(energy, solver)
    assert end.result is Result.CONVERGED
    np.testing.assert_allclose(end.field, target, atol=1e-6)


@pytest.mark.slow
def test_lift_bears_a_node_whose_edges_weigh_nothing():
    graph = meshrep.graph_from("ring:6")
    weights = np.where((graph.edges == 2).any(axis=1), 0.0, 1.0)
    light = meshrep.Graph.from_edges(6, graph.edges, weights)
    end = meshrep.solve(meshrep.HopfKuramoto(light, 1.0, 1.0), "lift")
    assert np.isfinite(end.field).all()


@pytest.mark.parametrize("minimiser", [Newton(), GradientFlow()])
def test_what_needs_the_field_itself_refuses_other_variables(minimiser):
    with pytest.raises(InputError, match=f"{minimiser.name} works on the field itself"):
        Solver(minimiser, Multilevel())


class GivesUp(Minimiser):
    name = "gives-up"

    def run(self, objective, monitor):
        for step in range(4):
            value, _ = objective.value_and_grad(objective.start)
            monitor.record(step, float(value), objective.start)
        return Result.STALLED, objective.start, 3


def test_steps_that_a_leg_leaves_are_the_next_stage_s():
    graph = meshrep.graph_from("lattice:8x8")
    cold, hot = meshrep.ends(graph)
    descent = Solver(GradientDescent(), stopping=Stopping(gtol=0.0))
    solver = Solver(GivesUp(), stopping=Stopping(max_steps=10), then=descent, leg=True)
    end = meshrep.solve(meshrep.HeatBath(graph, hot, cold), solver, max_steps=12)
    assert (end.result, end.steps) == (Result.MAX_STEPS, 12)
