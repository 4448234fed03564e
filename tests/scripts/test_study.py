"""Studies over seeds: same fields for all, judged ends, and Ctrl-C passed on."""

import numpy as np
import pytest

import meshrep
from meshrep.minimisers.monitor import Monitor
from meshrep.solving.study import Entrant, network_output, study, table


@pytest.fixture
def magnet():
    return meshrep.Kuramoto(meshrep.graph_from("lattice:8x8"))


def random_start(energy, seed):
    return energy.random_start(seed)


def test_standings_are_single_runs(magnet):
    entrants = [Entrant("adam, long steps", "adam", {"lr": 0.1}), Entrant("lift", "lift")]
    adam, lift = study(magnet, entrants, range(3), random_start, max_seconds=10.0)
    for seed in range(3):
        alone = meshrep.solve(magnet, "adam", seed=seed, lr=0.1)
        assert adam.energy[seed] == alone.energy
        assert adam.begun[seed] == magnet.value(magnet.random_start(seed))
        assert adam.vortices[seed] == alone.measures["vortices"]
    assert adam.label == "adam, long steps" and (adam.seconds > 0).all()
    np.testing.assert_allclose(lift.energy, -112, rtol=1e-9)
    assert np.isfinite(lift.free_after).all() and (lift.free_after <= lift.seconds).all()


def test_vortices_that_stay_leave_no_time(magnet):
    """A vortex in the middle of the lattice is a minimum that descent does not leave."""
    x, y = magnet.graph.points[:, 0] - 3.5, magnet.graph.points[:, 1] - 3.5
    stuck = np.arctan2(y, x)
    (row,) = study(magnet, [Entrant("gd", "gd")], [0], lambda energy, seed: stuck)
    assert row.vortices[0] == 1 and np.isnan(row.free_after[0])
    text = table([row], -112.0)
    assert "0 of 1 | – |" in text and len({line.count("|") for line in text.splitlines()}) == 1


def test_the_papers_network_puts_out_nearly_equal_phases():
    """P1 and P2 start most of the way down: the spread of their first output is small."""
    energy = meshrep.Kuramoto(meshrep.graph_from("lattice:30x30"))
    energies = [energy.value(network_output(energy, seed)) for seed in range(6)]
    assert np.mean(energies) < 0.5 * -1740
    assert abs(np.mean([energy.value(energy.random_start(seed)) for seed in range(6)])) < 100


def test_ctrl_c_is_passed_on(magnet, monkeypatch):
    def interrupted(self, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Monitor, "record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study(magnet, [Entrant("lbfgs", "lbfgs")], range(2), random_start)
