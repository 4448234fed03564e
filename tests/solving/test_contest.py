"""Contests over seeds: the same starts for all, judged ends, and Ctrl-C passed on."""

import itertools

import numpy as np
import pytest

import meshrep
from meshrep.base.outcome import Result
from meshrep.minimisers.monitor import Monitor
from meshrep.solving.contest import Failure, Runner, in_turn, run_all
from meshrep.solving.entrants import Entrant
from meshrep.solving.peers import Built, Enough, Recorder


@pytest.fixture
def magnet():
    return meshrep.Kuramoto(meshrep.graph_from("lattice:8x8"))


def test_runs_are_those_of_single_solves(magnet):
    entrants = [Entrant("adam, long steps", "adam", {"lr": 0.1}), Entrant("lift", "lift")]
    said = []
    runs = run_all(
        magnet, entrants, range(3), begin=said.append, warm_seconds=0.02,
        sample=lambda energy, phi: energy.measures(phi)["vortices"],
    )  # fmt: skip
    assert said == list(runs) == ["adam, long steps", "lift"]
    for seed, end in enumerate(runs["adam, long steps"]):
        alone = meshrep.solve(magnet, "adam", seed=seed, lr=0.1)
        assert (end.energy, end.steps) == (alone.energy, alone.steps)
        assert end.start_energy == magnet.value(magnet.random_start(seed))
        assert end.samples[-1].value == alone.measures["vortices"]
    np.testing.assert_allclose([end.energy for end in runs["lift"]], -112, rtol=1e-9)


def test_a_problem_of_its_own_for_every_seed():
    ring = meshrep.graph_from("ring:12")
    problem = {seed: meshrep.HeatBath(ring, [0], [6], t_hot=1.0 + seed) for seed in (2, 5)}
    start = np.full(12, 0.5)
    runs = run_all(problem.get, [Entrant("lbfgs", "lbfgs")], (2, 5), lambda energy, seed: start)
    assert [end.problem for end in runs["lbfgs"]] == list(problem.values())
    assert [end.start_energy for end in runs["lbfgs"]] == [e.value(start) for e in problem.values()]


def test_a_run_ends_where_it_is_close_enough():
    energy = meshrep.HeatBath(meshrep.graph_from("lattice:40x40"), [0], [1599])
    least = meshrep.solve(energy, "newton").energy
    aim = least + 0.1 * (energy.value(energy.random_start(0)) - least)
    runner = Runner(energy, Entrant("gd", "gd"), energy.random_start(0), until=aim, gtol=0.0)
    runner.warm_up(0.01)
    end = runner.run()
    assert end.result is Result.REACHED and not end.interrupted and end.energy <= aim


def test_failures_are_rows_where_they_are_asked_for(lattice):
    energy = meshrep.HeatBath(lattice, [0], [143])

    def angry(w, seed):
        raise ArithmeticError("no more")

    entrants = [Entrant("lbfgs", "lbfgs"), Entrant("gd", "gd")]
    rows = [row for _, _, row in in_turn(energy, entrants, (0,), angry, failures=True)]
    assert rows == [Failure("lbfgs", "no more"), Failure("gd", "no more")]
    with pytest.raises(ArithmeticError):
        run_all(energy, entrants, (0,), angry)


def test_ctrl_c_is_passed_on(magnet, monkeypatch):
    def interrupted(self, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Monitor, "record", interrupted)
    for warm in (None, 0.1):
        with pytest.raises(KeyboardInterrupt):
            run_all(magnet, [Entrant("lbfgs", "lbfgs")], range(2), warm_seconds=warm)


def test_judging_a_peer_is_off_the_clock(magnet, monkeypatch):
    clock = {"now": 0.0}

    def slow_judge(w):
        clock["now"] += 100.0
        return 1e9

    monkeypatch.setattr("time.perf_counter", lambda: clock["now"])
    monkeypatch.setattr(magnet, "value", slow_judge)
    recorder = Recorder(magnet, max_seconds=10.0)
    for step in range(4):
        clock["now"] += 1.0
        recorder.look(step, lambda: np.zeros(64))
    assert recorder.history.seconds == [1.0, 2.0, 3.0, 4.0]


def test_a_peer_ends_at_the_energy_asked_for_or_at_a_limit(magnet):
    def raised(look, **limits):
        with pytest.raises(Enough) as enough:
            look(Recorder(magnet, **limits))
        return enough.value.result

    close, far = np.zeros(64), magnet.random_start(0)
    assert raised(lambda r: r.look(1, lambda: close), until=-111.9) is Result.REACHED
    assert raised(lambda r: r.check(), max_seconds=-1.0) is Result.TIME_LIMIT
    assert raised(lambda r: r.look(1, lambda: far), max_seconds=-1.0) is Result.TIME_LIMIT
    assert raised(lambda r: r.look(3, lambda: far), max_steps=3) is Result.MAX_STEPS


def test_a_peer_is_built_once_and_keeps_its_best_field(magnet, monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr("time.perf_counter", lambda: 0.1 * next(ticks))  # no look is skipped
    built = []

    def peer(energy, start):
        built.append(start)

        def go(recorder):
            recorder.look(0, lambda: start)
            recorder.look(1, lambda: 0.5 * start)
            recorder.look(2, lambda: start)

        return go

    start = 0.1 * magnet.random_start(0)
    runner = Built(magnet, "halving", peer, start)
    ends = [runner.run(), runner.run()]
    assert len(built) == 2  # the second time is the one that is timed
    for end in ends:
        np.testing.assert_array_equal(end.field, 0.5 * start)
        assert end.result is Result.OWN_RULE and end.steps == 2 and len(end.history) == 3
        assert end.energy == magnet.value(end.field) < end.start_energy

    def stopped(energy, start):
        def go(recorder):
            raise KeyboardInterrupt

        return go

    with pytest.raises(KeyboardInterrupt):
        Built(magnet, "stopped", stopped, start)
