"""Adam with one second moment ends in the minimum, whatever the unit and the rounding."""

import numpy as np
import pytest
from problems_of_tests import heat, mostly_slow

import meshrep
from meshrep import Result, Solver, Stopping
from meshrep.base.backends import NumpyBackend
from meshrep.minimisers.base import Objective
from meshrep.minimisers.first_order import UniformAdam
from meshrep.minimisers.monitor import Monitor
from meshrep.numerics.rules import Walk, advance_arrays
from meshrep.parametrizations.linear.spectral import Spectral

RENEWED = ("spectral-adam", "multilevel-adam", "kappa-adam")


@pytest.mark.parametrize("solver", mostly_slow(1, RENEWED))
@pytest.mark.parametrize("baths", mostly_slow(1, ["ends", "random"]))
def test_every_start_between_hot_baths_ends_in_the_minimum(solver, baths):
    """The bath's curvature falls by a factor of 10⁴ during the run."""
    energy = heat("lattice:12x12", baths, t_hot=100.0, t_cold=0.0)
    exact = meshrep.solve(energy, "newton", gtol=1e-12).energy
    for seed in range(6):
        solution = meshrep.solve(energy, solver, seed=seed)
        assert solution.result in (Result.CONVERGED, Result.FLAT) and solution.steps < 2000
        assert solution.energy == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize("solver", [*RENEWED, "sobolev-adam"])
def test_other_units_take_the_same_path(solver):
    """E(s·w) = s² E(w) if temperatures are multiplied by s and the baths' strength by s⁻²."""
    start = 100.0 * np.random.default_rng(3).random(144)
    runs = []
    for s in (1.0, 2.0**-20, 2.0**20):
        energy = heat("lattice:12x12", t_hot=100.0 * s, t_cold=0.0, strength=s**-2)
        run = meshrep.solve(energy, solver, start=s * start, max_steps=150)
        runs.append((run.field / s, np.array(run.history.energy) / s**2))
    for run in runs[1:]:
        for found, expected in zip(run, runs[0], strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.slow
def test_a_run_returns_to_its_best_state_after_a_leap():
    """The variables are not renewed, so the run leaps; with ``settle`` it ends low all the same."""
    energy = heat("lattice:12x12", t_hot=100.0, t_cold=0.0)
    exact = meshrep.solve(energy, "newton", gtol=1e-12).energy
    rule = Stopping(window=100, ftol=1e-7)
    ends = []
    for settle in (False, True):
        adam = UniformAdam(0.1, 0.7, 0.99, settle=settle)
        run = meshrep.solve(energy, Solver(adam, Spectral(), rule), seed=15)
        past = np.array(run.history.energy)
        lowest = np.minimum.accumulate(past)
        assert (past[200:] > 100 * lowest[200:]).any()
        ends.append(run)
    assert ends[1].steps > ends[0].steps
    assert ends[1].energy < exact * (1 + 1e-3) < ends[0].energy


def test_a_restarted_walk_repeats_its_path():
    energy = heat("lattice:8x8", t_hot=10.0)
    objective = Objective(energy, energy.random_start(1), NumpyBackend(jit=False), Spectral())
    memory = UniformAdam(0.1)._memory(objective, Monitor(Stopping()))
    walk = Walk(objective.value_and_grad, advance_arrays, objective.start + 0, memory)
    ends = []
    for _ in range(2):
        for _ in range(10):
            walk.step()
        ends.append((walk.params.copy(), float(walk.value)))
        walk.begin_at(objective.start)
    np.testing.assert_array_equal(ends[0][0], ends[1][0])
    assert ends[0][1] == ends[1][1]


def test_flat_windows_in_a_row_are_counted_until_a_leap():
    levels = [1.0] * 21  # the first flat window ends at step 20
    levels += [0.5] * 20  # a fall resets the count: the next flat window, the first, ends at 40
    levels += [0.5] * 10  # the second in a row ends at 50
    levels += [0.5] * 9 + [0.7]  # a leap at step 60
    monitor, found = Monitor(Stopping(window=10, ftol=1e-3, gtol=0.0)), []
    for step, energy in enumerate(levels):
        if monitor.record(step, energy, np.zeros(1)) is Result.FLAT:
            found.append((step, monitor.flat_windows, monitor.leapt))
            monitor.begin_window()
    assert found == [(20, 1, False), (40, 1, False), (50, 2, False), (60, 0, True)]
