"""Several seeds at once: the best of them, all their energies, and Ctrl-C among them."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from problems_of_tests import SOLVERS_OF_PHASES, fails, heat, nan_beyond, phases

import meshrep
from meshrep import Result
from meshrep.base.backends import cores
from meshrep.minimisers.monitor import Monitor
from meshrep.solving import restarts


def never(_):
    return False


def glass():
    return phases("XYGlass", "lattice:8x8", seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS_OF_PHASES)
def test_restarts_are_the_best_of_single_runs(solver):
    energy = glass()
    steps = 200 if solver in ("rk4", "gd", "adam-torch") else None
    singles = [meshrep.solve(energy, solver, seed=seed, max_steps=steps) for seed in range(3, 7)]
    together = None if steps is None else 4 * steps
    many = meshrep.solve(energy, solver, seed=3, restarts=4, max_steps=together)
    assert many.restart_energies == pytest.approx([single.energy for single in singles], rel=1e-12)
    best = singles[int(np.argmin(many.restart_energies))]  # seeds may end equally low
    np.testing.assert_allclose(many.field, best.field, rtol=1e-9)
    assert many.energy == min(many.restart_energies) == energy.value(many.field)
    assert many.start_energy == best.start_energy and many.result is best.result
    assert many.steps == sum(single.steps for single in singles)
    assert many.evaluations == sum(single.evaluations for single in singles)
    assert many.solver == best.solver and best.restart_energies == []


def test_the_note_names_the_seed_and_the_spread():
    many = meshrep.solve(glass(), "lbfgs", seed=5, restarts=3)
    best = 5 + int(np.argmin(many.restart_energies))
    low, high = (f"{end(many.restart_energies):.9g}" for end in (min, max))
    assert many.notes[0].startswith(f"best of 3 seeds (seed {best}, ")
    assert f"energies {low} to {high}, mean {np.mean(many.restart_energies):.9g}" in many.notes[0]


def test_a_start_given_is_that_of_the_first():
    energy = glass()
    start = energy.random_start(77)
    first = meshrep.solve(energy, "lbfgs", start=start).energy
    second = meshrep.solve(energy, "lbfgs", seed=1).energy
    many = meshrep.solve(energy, "lbfgs", start=start, restarts=2)
    assert many.restart_energies == pytest.approx([first, second], rel=1e-12)


def test_restarts_of_a_convex_problem_agree():
    many = meshrep.solve(heat("lattice:12x12"), "newton", restarts=3)
    assert np.ptp(many.restart_energies) < 1e-9 and many.result is Result.CONVERGED


def test_one_restart_is_a_plain_run():
    energy = glass()
    one = meshrep.solve(energy, "lbfgs", seed=4, restarts=1)
    plain = meshrep.solve(energy, "lbfgs", seed=4)
    np.testing.assert_array_equal(one.field, plain.field)
    assert one.restart_energies == [] and one.notes == plain.notes


def test_comparisons_restart_too_and_keep_samples():
    comparison = meshrep.compare(glass(), ["lbfgs", "newton"], restarts=3)
    for row, entry in zip(comparison.solutions, comparison.report()["solvers"], strict=True):
        assert entry["restart_energies"] == row.restart_energies and len(row.restart_energies) == 3
        assert comparison.orders[row.solver][1][-1] == pytest.approx(row.measures["rho"])


@pytest.mark.parametrize("count", [0, -2, 2.5, "3", None, 10**9, np.int64(10**9)])
def test_counts_that_are_none_or_too_large_are_refused(count):
    with pytest.raises(meshrep.InputError, match=r"restarts must be (a whole|at most)") as caught:
        meshrep.solve(glass(), "lbfgs", restarts=count)
    assert "\n" not in str(caught.value)


def test_only_the_best_seed_keeps_its_arrays(monkeypatch):
    from meshrep.solving.stages import Stages

    found = []
    original = Stages.solution

    def noted(stages):
        found.append(original(stages))
        return found[-1]

    monkeypatch.setattr(Stages, "solution", noted)
    many = meshrep.solve(glass(), "lbfgs", restarts=9)
    assert sorted(len(end.field) for end in found) == [0] * 8 + [64]
    assert sum(len(end.history) > 0 for end in found) == 1
    assert many.energy == min(many.restart_energies) == many.problem.value(many.field)


RING = meshrep.graph_from("ring:6")


def test_nan_is_never_the_best_of_several():
    many = meshrep.solve(nan_beyond(RING, 2.0, 0.5), "gd", restarts=6, max_steps=6)
    ends = many.restart_energies
    assert np.isnan(ends[0]) and many.energy == np.nanmin(ends) and many.result.word == "max steps"
    lost = int(np.isnan(ends).sum())
    assert 0 < lost < 6 and f"{lost} ended at no finite energy" in many.notes[0]
    none = meshrep.solve(nan_beyond(RING, 2.0, -1.0), "gd", restarts=3)
    assert np.isnan(none.energy) and none.result is Result.DIVERGED
    assert "no seed ended at a finite energy" in none.notes[0]
    assert any("the energy at the start is nan" in note for note in none.notes)


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, TypeError, KeyError])
@pytest.mark.parametrize("failing", [{0}, {1}, {1, 2}])
def test_one_seeds_error_does_not_cost_the_others(error, failing):
    energy = glass()
    starts = {energy.random_start(seed)[0]: seed for seed in range(4)}

    def observe(field):
        if starts.get(field[0]) in failing:
            raise error("not here")

    many = meshrep.solve(energy, "lbfgs", restarts=4, sample=observe)
    alone = [meshrep.solve(energy, "lbfgs", seed=seed).energy for seed in range(4)]
    kept = [np.nan if seed in failing else end for seed, end in enumerate(alone)]
    np.testing.assert_allclose(many.restart_energies, kept, rtol=1e-12)
    assert many.energy == np.nanmin(many.restart_energies)
    said = [note for note in many.notes if "failed" in note]
    assert len(said) == len(failing) and all("not here" in note for note in said)


def test_an_error_in_every_seed_is_an_error():
    with pytest.raises(LookupError, match="not here"):
        meshrep.solve(fails(RING, 2, LookupError("not here")), "lbfgs", restarts=3)
    with pytest.raises(meshrep.InputError, match="not an array of shape"):
        meshrep.solve(glass(), "lbfgs", restarts=3, start=np.zeros(2))


def test_functions_run_in_one_thread():
    """They may keep arrays between calls, and hold the interpreter anyway."""
    threads = set()

    def value_and_grad(w):
        threads.add(threading.current_thread().name)
        return float((w * w).sum()), 2 * w

    energy = meshrep.FunctionEnergy(RING, value_and_grad)
    meshrep.solve(2.0 * energy + energy, "lbfgs", restarts=5)
    assert len(threads) <= 2  # the first seed's, and one for the others


def test_observers_hear_which_seed_it_is(monkeypatch):
    monkeypatch.setattr(Monitor, "observe_every", 0.0)
    names = set()
    meshrep.solve(
        glass(), "lbfgs", seed=2, restarts=3, observe=lambda name, progress: names.add(name)
    )
    assert names == {"lbfgs, seed 2", "lbfgs, seed 3", "lbfgs, seed 4"}


def test_ctrl_c_in_the_first_seed_ends_them_all(monkeypatch):
    """It comes in the main thread, where the first seed runs."""
    monkeypatch.setattr(Monitor, "observe_every", 0.0)
    names = []

    def observe(name, progress):
        names.append(name)
        if len(names) == 5:
            raise KeyboardInterrupt

    many = meshrep.solve(glass(), "lbfgs", restarts=4, observe=observe)
    assert many.result is Result.INTERRUPTED
    assert set(names) == {"lbfgs, seed 0"} and len(many.restart_energies) == 1
    assert many.energy <= many.start_energy and "3 of 4 seeds were not run" in " ".join(many.notes)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_among_the_others_keeps_the_best(monkeypatch):
    monkeypatch.setattr(Monitor, "observe_every", 0.0)
    sent = threading.Event()

    def observe(name, progress):
        if threading.current_thread() is threading.main_thread():
            return
        time.sleep(0.3 if not sent.is_set() else 0.05)  # until the main thread waits
        if not sent.is_set():
            sent.set()
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    energy = glass()
    first = meshrep.solve(energy, "lbfgs", seed=3)
    try:
        many = meshrep.solve(energy, "lbfgs", seed=3, restarts=12, observe=observe)
    except KeyboardInterrupt:
        pytest.fail("the interrupt came through, and the field was lost")
    assert many.result is Result.INTERRUPTED and 1 <= len(many.restart_energies) < 12
    assert many.restart_energies[0] == pytest.approx(first.energy, rel=1e-12)
    assert many.energy == min(many.restart_energies) == energy.value(many.field)
    missing = 12 - len(many.restart_energies)
    assert f"interrupted: {missing} of 12 seeds were not run" in many.notes


def test_work_comes_back_in_the_order_of_the_seeds():
    def work(seed, check):
        time.sleep(0.02 * (seed % 3))
        return seed * seed, threading.current_thread() is threading.main_thread()

    found, halted = restarts.for_each_seed(work, [5, 2, 9, 4], 3, never)
    assert found == [(25, True), (4, False), (81, False), (16, False)] and not halted
    assert restarts.for_each_seed(work, [7], 1, never) == ([(49, True)], False)
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_ctrl_c_while_seeds_are_handed_out_keeps_what_there_is(monkeypatch):
    class Interrupted(restarts.ThreadPoolExecutor):
        def submit(self, *work):
            future = super().submit(*work)
            if work[1] == 5:
                raise KeyboardInterrupt
            return future

    monkeypatch.setattr(restarts, "ThreadPoolExecutor", Interrupted)
    try:
        found, halted = restarts.for_each_seed(
            lambda seed, check: seed, [3, 4, 5, 6], 2, lambda s: False
        )
    except KeyboardInterrupt:
        pytest.fail("the interrupt came through, and the fields were lost")
    assert halted and found[0] == 3 and len(found) < 4


def test_times_count_what_ran_before_the_best_seed():
    energy = phases("XYGlass", "lattice:20x20", seed=0)
    for seed in range(4, 10):  # until the best is not the first
        many = meshrep.solve(energy, "lbfgs", restarts=12, seed=seed)
        best = int(np.argmin(many.restart_energies))
        if best > 0:
            break
    alone = meshrep.solve(energy, "lbfgs", seed=seed + best)
    assert many.history.energy == alone.history.energy
    assert many.history.seconds[0] > 0.25 * alone.solve_s
    assert many.history.seconds[-1] <= many.solve_s * 1.05
    assert many.solve_s > alone.solve_s


def test_samples_are_off_the_clock_of_restarts_too(clock, monkeypatch):
    monkeypatch.setattr("meshrep.solving.solve.cores", lambda: 1)
    energy = glass()

    def slow(field):
        clock.now += 10.0
        return 0.0

    many = meshrep.solve(energy, "lbfgs", restarts=3, sample=slow)
    assert many.sampling_s > 3 * 10.0 * 5 and many.solve_s < 10.0


def test_a_time_limit_is_for_all_seeds_together(clock):
    energy = phases("XYGlass", "lattice:20x20", seed=0)
    clock.tick = 0.01
    many = meshrep.solve(energy, "rk4", restarts=6, max_seconds=0.6, gtol=0.0)
    assert many.solve_s < 2.0
