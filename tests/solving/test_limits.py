"""Limits on steps bound all stages, seeds and fits of a run; what fails late costs nothing."""

import numpy as np
import pytest
from problems_of_tests import SOLVERS_OF_PHASES, graph_of, heat

import meshrep
from meshrep import Result, Solver, Stopping

GRID = graph_of("lattice:6x6")


@pytest.mark.parametrize("solver", SOLVERS_OF_PHASES)
def test_all_stages_together_take_no_more_steps_than_the_limit(solver):
    found = meshrep.solve(meshrep.XYGlass(GRID, seed=1), solver, max_steps=30, gtol=0.0)
    assert 1 <= found.steps <= 30 and found.history.step[-1] <= 30


def test_a_stage_hands_over_where_it_would_without_a_limit():
    energy = heat("lattice:6x6")
    for limit, left in ((12, 7), (5, 0)):
        found = meshrep.solve(energy, "gcn", switch=5, max_steps=limit, gtol=0.0)
        stages = np.array(found.history.stage)
        steps = np.array(found.history.step)
        assert found.steps == limit and found.result is Result.MAX_STEPS
        assert steps[stages == 0].max() == 5 and (steps[stages == 1] > 5).sum() == left
        assert any("handed over" in note for note in found.notes) == (left > 0)


def test_seeds_share_a_limit_on_steps():
    energy = meshrep.XYGlass(GRID, seed=1)
    found = meshrep.solve(energy, "gd", restarts=4, max_steps=30)
    assert 4 <= found.steps <= 30 and len(found.restart_energies) == 4
    with pytest.raises(meshrep.InputError, match="less than one step for each of 4 restarts"):
        meshrep.solve(energy, "gd", restarts=4, max_steps=3)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("solver", ["adam", "sobolev-half", "multilevel", "kappa"])
@pytest.mark.parametrize("weight", [1e-300, 1e300])
def test_weights_whose_squares_are_no_numbers_are_refused(solver, weight):
    graph = GRID.with_weights(np.full(GRID.m, weight))
    with pytest.raises(meshrep.InputError, match=r"size of the energy is about 1e[-+]30"):
        meshrep.solve(meshrep.HeatBath(graph, [0], [35]), solver)
    with pytest.raises(meshrep.InputError, match="natural size"):
        meshrep.solve(meshrep.FunctionEnergy(GRID, lambda w: (weight * w @ w, weight * w)), solver)


def test_a_fit_takes_part_of_the_limits():
    energy = heat("lattice:6x6")

    def solved(**limits):
        network = meshrep.GraphNetwork(network_start="prefit", prefit_tol=1e-12)
        return meshrep.solve(energy, Solver(meshrep.Adam(), network), gtol=0.0, **limits)

    found = solved(max_steps=40)
    assert "fitted to the start in 20 steps" in " ".join(found.notes) and found.steps == 20
    found = solved(max_seconds=1e-6)
    assert "fitted to the start in 0 steps" in " ".join(found.notes)
    assert found.result is Result.TIME_LIMIT and found.steps == 0


@pytest.mark.parametrize(
    "limit",
    [{name: wrong} for name in ("max_steps", "max_seconds", "gtol") for wrong in ("3", [1], np.nan)]
    + [{"max_steps": np.inf}, {"max_seconds": -1.0}],
    ids=str,
)
@pytest.mark.parametrize("restarts", [1, 2.0])
def test_limits_that_are_no_numbers_are_one_sentence(limit, restarts):
    with pytest.raises(meshrep.InputError, match=r"^max|^gtol"):
        meshrep.solve(meshrep.XYGlass(GRID, seed=1), "gd", restarts=restarts, **limit)


def test_a_field_whose_unit_is_no_usual_number_is_refused():
    with pytest.raises(meshrep.InputError, match=r"size of the field is about 1e\+300"):
        meshrep.solve(meshrep.HeatBath(GRID, [0], [35], t_hot=1e300), "lbfgs")


class Breaks(meshrep.Minimiser):
    name = "breaks"

    def __init__(self, error):
        self.error = error

    def run(self, objective, monitor):
        raise self.error


def test_a_later_stage_that_fails_keeps_the_field_before_it():
    energy = heat("lattice:6x6")
    first = Solver(meshrep.LBFGS(), stopping=Stopping(max_steps=20))
    alone = meshrep.solve(energy, first)
    for error in (MemoryError("no room"), np.linalg.LinAlgError("no end")):
        both = Solver(first.minimiser, stopping=first.stopping, then=Solver(Breaks(error)))
        found = meshrep.solve(energy, both)
        assert found.result is Result.FAILED and found.energy == alone.energy
        assert f"breaks failed: {error}" in " ".join(found.notes)
    refused = Solver(first.minimiser, then=Solver(Breaks(meshrep.InputError("not this"))))
    with pytest.raises(meshrep.InputError, match="not this"):
        meshrep.solve(energy, refused)
    with pytest.raises(MemoryError):
        meshrep.solve(energy, Breaks(MemoryError("no room")))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numbers near infinity
@pytest.mark.parametrize("solver", ["adam", "gd", "spectral-adam", "gcn"])
def test_a_field_that_overflows_has_diverged_and_sinks_no_comparison(solver):
    """Σ atan(w) is finite at −∞, and its gradient is 0 there."""
    energy = meshrep.FunctionEnergy(GRID, lambda w: (float(np.arctan(w).sum()), 1 / (1 + w * w)))
    found = meshrep.solve(energy, solver, lr=1.5e308, max_steps=50)
    assert np.isfinite(found.field).all() and np.isfinite(found.energy)
    assert found.result is not Result.CONVERGED or found.grad_norm < 1e-9
    both = meshrep.compare(energy, [solver, "lbfgs"], lr=1.5e308, max_steps=50)
    assert [row.solver for row in both.solutions] == [solver, "lbfgs"]


@pytest.mark.parametrize("seed", [-1, 1.5, "one", None])
def test_a_seed_is_a_whole_number(seed):
    energy = heat("lattice:4x4")
    for call in (
        lambda: meshrep.solve(energy, "gd", seed=seed),
        lambda: meshrep.compare(energy, ["gd", "lbfgs"], seed=seed),
        lambda: meshrep.integrate(energy, 1.0, seed=seed),
        lambda: meshrep.random_split(energy.graph, seed=seed),
        lambda: meshrep.graph_from("er:20", seed=seed),
        lambda: energy.random_start(seed),
    ):
        with pytest.raises(meshrep.InputError, match="seed must be a whole number of 0 or more"):
            call()
    assert meshrep.solve(energy, "gd", seed=np.int64(2), max_steps=1).steps == 1
