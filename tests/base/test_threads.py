"""The number of threads follows the cores that a run gets; results do not depend on it."""

import types

import numpy as np
import pytest

import meshrep
from meshrep.base import limits, threads
from meshrep.base.backends import installed
from meshrep.base.threads import FittedThreads, calm_threads, fit_threads
from meshrep.errors import InputError

needs_numba = pytest.mark.skipif(not installed("numba"), reason="needs numba")


class Machine:
    """A machine whose time passes when told, beside other processes; it stands for numba too."""

    def __init__(self, monkeypatch, threads_of_run):
        self.threads, self.wall, self.cpu, self.taken = threads_of_run, 0.0, 0.0, 0.0
        monkeypatch.setattr(threads, "cores_taken", lambda: self.taken)
        clock = types.SimpleNamespace(perf_counter=lambda: self.wall, process_time=lambda: self.cpu)
        monkeypatch.setattr(threads, "time", clock)

    def get_num_threads(self):
        return self.threads

    def set_num_threads(self, count):
        self.threads = count

    def run(self, fitted, seconds, cores):
        """Pass time in which the run gets so many cores at most; the threads it had meanwhile."""
        had = []
        for _ in range(round(seconds / 0.05)):
            self.wall += 0.05
            self.cpu += 0.05 * min(self.threads, cores)
            self.taken += 10.0 * (self.threads > cores)  # 200 a second
            fitted.look()
            had.append(self.threads)
        return had


def test_fewer_threads_on_a_busy_machine_and_all_on_a_quiet_one(monkeypatch):
    machine = Machine(monkeypatch, 4)
    fitted = FittedThreads(machine)
    assert set(machine.run(fitted, 1.0, cores=4)) == {4}
    busy = machine.run(fitted, 10.0, cores=2)
    assert busy[-1] == 2 and 4 in busy  # it tries more again, ever less often
    assert busy[: len(busy) // 2].count(4) > busy[len(busy) // 2 :].count(4)
    assert machine.run(fitted, 4.0, cores=4)[-1] == 4
    machine.run(fitted, 1.0, cores=1)
    fitted.end()
    assert machine.threads == 4


def test_threads_without_work_are_not_taken_for_threads_without_cores(monkeypatch):
    machine = Machine(monkeypatch, 2)
    fitted = FittedThreads(machine)
    machine.set_num_threads(2)
    for _ in range(40):  # half of the time in one thread, on a quiet machine
        machine.wall += 0.05
        machine.cpu += 0.05 * 1.1
        fitted.look()
    assert machine.threads == 2
    machine.taken = np.nan  # where cores taken are not counted, the time alone decides
    for _ in range(4):
        machine.wall += 0.05
        machine.cpu += 0.05 * 1.1
        fitted.look()
    assert machine.threads == 1


def test_cores_that_were_taken_are_counted_or_unknown(monkeypatch):
    assert threads.cores_taken() >= 0 or threads.resource is None
    monkeypatch.setattr(threads, "resource", None)
    assert np.isnan(threads.cores_taken())


def test_a_neighbour_that_takes_a_fair_share_changes_nothing(monkeypatch):
    machine = Machine(monkeypatch, 2)
    assert set(machine.run(FittedThreads(machine), 2.0, cores=4 / 3)) == {2}


@needs_numba
def test_runs_are_fitted_and_leave_the_number_of_threads_as_it_was(monkeypatch):
    import numba

    before = numba.get_num_threads()
    looks = []
    monkeypatch.setattr(limits, "THREADS_FROM", 100)
    monkeypatch.setattr(FittedThreads, "look", lambda fitted: looks.append(fitted))
    energy = meshrep.HeatBath(meshrep.graph_from("lattice:12x12"), [0], [143])
    meshrep.solve(energy, "lbfgs", max_steps=5)
    assert looks and len(set(map(id, looks))) == 1
    with calm_threads(200):
        numba.set_num_threads(1)
    assert numba.get_num_threads() == before
    looks.clear()
    fit_threads()  # no run is under way
    assert looks == []


@needs_numba
def test_a_change_of_threads_within_a_run_changes_no_bit(monkeypatch):
    import numba

    monkeypatch.setattr(limits, "THREADS_FROM", 100)
    energy = meshrep.HeatBath(meshrep.graph_from("lattice:80x80"), [0], [6399])
    fields = []
    for some in (numba.get_num_threads(), 1):
        monkeypatch.setattr(
            FittedThreads, "look", lambda fitted, some=some: numba.set_num_threads(some)
        )
        fields.append(meshrep.solve(energy, "lbfgs", max_steps=40).field)
    np.testing.assert_array_equal(*fields)


@pytest.mark.parametrize("number", ["0", "-3"])
def test_a_number_of_threads_that_numba_refuses_is_one_sentence(number, monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", number)
    installed.cache_clear()
    with pytest.raises(InputError, match=f"NUMBA_NUM_THREADS is {number}"):
        installed("numba")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    assert isinstance(installed("numba"), bool)
