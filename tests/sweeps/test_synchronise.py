"""r(K): theory, hysteresis, onsets, resuming, several processes, and what is refused."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import networkx
import numpy as np
import pytest
from scipy.special import iv

import meshrep
from meshrep.errors import InputError
from meshrep.sweeps.onset import Onset, onset, together
from meshrep.sweeps.theory import MeanField

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "synchronise.py"
SHORT = {"settle": 5.0, "average": 10.0, "processes": 1}


def differences(curve):
    """How far r is from theory, at most, on both ways and for all seeds."""
    theory = np.array([curve.theory.order(K) for K in curve.K])
    return np.abs(curve.r - theory).max()


@pytest.mark.parametrize(("distribution", "critical"), [("lorentz", 2.0), ("normal", 1.5958)])
def test_a_mean_field_follows_theory(distribution, critical):
    K = critical * np.array([1.4, 1.8])
    curve = meshrep.synchronise(1000, K, distribution, settle=20, average=40, processes=1)
    assert curve.theory.critical == pytest.approx(critical, abs=1e-4)
    assert differences(curve) < 3e-3
    assert (curve.errors > 0).all() and (curve.errors < 2e-3).all()


@pytest.mark.slow
@pytest.mark.parametrize(("distribution", "critical"), [("lorentz", 2.0), ("normal", 1.5958)])
def test_r_is_within_2e_3_of_theory_from_1_2_of_the_onset_on(distribution, critical):
    K = critical * np.linspace(1.2, 2.4, 7)
    assert differences(meshrep.synchronise("complete:2000", K, distribution)) < 2e-3


def test_theory():
    for spread in (1e-3, 2.0):
        lorentz = MeanField("lorentz", spread)
        for K in np.array([2.01, 3.0, 50.0]) * spread:
            assert lorentz.order(K) == pytest.approx(np.sqrt(1 - 2 * spread / K), abs=1e-9)
        assert lorentz.order(1.99 * spread) == lorentz.order(-spread) == 0
        uniform = MeanField("uniform", spread)
        assert uniform.critical == pytest.approx(4 * spread / np.pi)
        assert uniform.order(uniform.critical * 1.000001) == pytest.approx(np.pi / 4, abs=1e-3)
    assert MeanField("normal").order(2.0) == pytest.approx(0.71517, abs=1e-5)
    with pytest.raises(InputError, match="no theory"):
        MeanField("degree")
    with pytest.raises(InputError, match="positive spread"):
        MeanField("normal", 0.0)


@pytest.mark.parametrize("distribution", ["normal", "lorentz"])
@pytest.mark.parametrize("shift", [0.02, 0.05, 0.09])
def test_the_onset_of_theory_is_found_between_couplings(distribution, shift):
    theory = MeanField(distribution)
    K = theory.critical + shift + 0.1 * np.arange(-8, 12)
    found = onset(K, np.array([theory.order(k) for k in K]), 10**6)
    assert found.fitted and abs(found.K - theory.critical) < max(0.02, 2 * found.error)


def test_a_jump_lies_between_two_couplings():
    K = np.linspace(1, 2, 11)
    found = onset(K, np.where(K < 1.65, 0.04, 0.9 + 0.02 * K), 1000)
    assert not found.fitted and abs(found.K - 1.65) < 1e-12
    assert found.error == pytest.approx(0.1 / np.sqrt(12))
    assert repr(found) == "1.650 ± 0.029" and float(found) == found.K
    theory = MeanField("uniform")
    found = onset(K, np.array([theory.order(k) for k in K]), 1000)
    assert not found.fitted and abs(found.K - theory.critical) <= 0.05
    steep = np.where(K < 1.35, 0.02, np.sqrt(abs(0.16 + 0.8 * (K - 1.35))))  # from 0.4 on
    assert not onset(K, steep, 10**4).fitted


def test_no_onset_where_all_or_none_is_ordered():
    K = np.linspace(1, 2, 11)
    assert onset(K, np.full(11, 0.9), 1000) is None
    assert onset(K, np.linspace(0.01, 0.05, 11), 1000) is None
    assert onset(K, np.full(11, np.nan), 1000) is None and together([]) is None


def test_onsets_of_seeds_are_put_together():
    found = together([Onset(1.0, 0.01, True), Onset(1.2, 0.01, True)])
    assert abs(found.K - 1.1) < 1e-12 and found.error == pytest.approx(0.1)
    same = together([Onset(1.0, 0.03, False)] * 4)  # more seeds do not refine the couplings
    assert same == Onset(1.0, pytest.approx(0.03), False)


def test_hysteresis_where_frequencies_are_degrees():
    """Explosive synchronisation: between the two onsets r depends on where it came from."""
    network = networkx.barabasi_albert_graph(200, 3, seed=1)
    curve = meshrep.synchronise(
        network, [0.8, 1.3, 2.5], "degree", settle=15, average=10, processes=1
    )
    assert curve.up[0] < 0.3 and curve.down[0] < 0.3 and curve.up[2] > 0.9
    assert curve.up[1] < 0.4 and curve.down[1] > 0.8 and curve.theory is None
    assert curve.critical().down.K < 1.3 < curve.critical().up.K


@pytest.mark.slow
def test_hysteresis_on_a_thousand_nodes():
    network = networkx.barabasi_albert_graph(1000, 3, seed=1)
    found = meshrep.synchronise(network, "1:2:11", "degree", seeds=2).critical()
    assert 1.15 < found.down.K < 1.35
    assert found.down.K + 0.1 < found.up.K < 1.8  # up it jumps by chance, from 1.4 on


def test_a_complete_graph_is_a_mean_field():
    curves = [
        meshrep.synchronise(network, [1.0, 3.0], "uniform", **SHORT)
        for network in (30, "complete:30", networkx.complete_graph(30))
    ]
    for curve in curves:
        assert np.array_equal(curve.r, curves[0].r) and curve.theory is not None
    weighted = networkx.complete_graph(4)
    weighted.edges[0, 1]["weight"] = 2.0
    assert meshrep.synchronise(weighted, [0.1, 1], **SHORT).theory is None


def test_noise_of_identical_oscillators():
    """r = I₁(x)/I₀(x) with x = K r/D: Sakaguchi (1988)."""
    curve = meshrep.synchronise(
        400, [1.0, 4.0], 0.0, noise=0.5, settle=10, average=100, processes=1
    )  # fmt: skip
    r = curve.down[1]
    assert r == pytest.approx(iv(1, 8 * r) / iv(0, 8 * r), abs=5e-3)
    assert curve.up[0] < 0.3 and curve.theory is None  # K = 2D


def test_the_time_scale_is_that_of_the_frequencies():
    slow = meshrep.synchronise(10, [1e-3, 5e-3], "lorentz:0.001", processes=1)
    fast = meshrep.synchronise(10, [1e3, 5e3], "lorentz:1000", processes=1)
    assert np.allclose(slow.times, np.array(fast.times) * 1e6)
    assert np.allclose(slow.r[:, :, 1], fast.r[:, :, 1], atol=0.05)


def test_inertia_and_lag_are_followed():
    network = meshrep.graph_from("regular:40,4", seed=1)
    heavy = meshrep.synchronise(network, [0.1, 2.0], "uniform:0.5", inertia=2.0, **SHORT)
    assert heavy.up[1] > 0.5
    lagged = meshrep.synchronise(network, [0.1, 2.0], "uniform:0.5", lag=0.3, **SHORT)
    assert lagged.up[1] > 0.5 and not np.array_equal(lagged.r, heavy.r)
    even = dict.fromkeys(range(40), 2.0)
    again = meshrep.synchronise(network, [0.1, 2.0], "uniform:0.5", inertia=even, **SHORT)
    assert np.array_equal(again.r, heavy.r)


def test_a_sweep_goes_on_where_it_was_stopped(tmp_path):
    def stop(done, total, left):
        if done == 4:
            raise KeyboardInterrupt

    K = [0.5, 2.0]
    whole = meshrep.synchronise(60, K, seeds=2, **SHORT)
    part = meshrep.synchronise(60, K, seeds=2, folder=tmp_path, observe=stop, **SHORT)
    assert part.interrupted and part.done == 4 and "4 of 8 points, interrupted" in repr(part)
    assert np.isnan(part.up_spread).sum() == 0 and np.isfinite(part.down[1])
    assert part.plot(tmp_path / "part.png").exists()
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    again = meshrep.synchronise(60, K, seeds=2, folder=tmp_path, **SHORT)
    assert np.array_equal(again.r, whole.r) and not again.interrupted
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    with pytest.raises(InputError, match="another sweep"):
        meshrep.synchronise(60, K, "uniform", folder=tmp_path, **SHORT)


def test_a_point_that_fails_is_told(monkeypatch):
    from meshrep.sweeps import order_sweep, synchronise

    def fails(settings, point, before=None):
        if point.step == 2:
            raise ValueError("no luck")
        return order_sweep.evaluate(settings, point, before)

    monkeypatch.setattr(synchronise, "evaluate", fails)
    curve = meshrep.synchronise(20, [0.5, 1.0], **SHORT)
    assert curve.done == 2 and np.isnan(curve.down).all()
    assert curve.notes == ["2 points failed, the first one since ValueError: no luck"]


def test_what_is_saved(tmp_path):
    curve = meshrep.synchronise(20, "0.5:3:3", "lorentz", seeds=2, **SHORT)
    head, *rows = curve.save(tmp_path / "r.csv").read_text().splitlines()
    assert head == "K,up,up_spread,up_error,down,down_spread,down_error,theory" and len(rows) == 3
    assert float(rows[2].split(",")[1]) == curve.up[2] == curve.r[0, :, 2].mean()
    told = json.loads(curve.save(tmp_path / "r.json").read_text())
    assert told["nodes"] == 20 and told["settle"] == 5 and "up" in told["critical"]
    with np.load(curve.save(tmp_path / "r.npz")) as arrays:
        assert np.array_equal(arrays["r"], curve.r)
    assert curve.plot(tmp_path / "r.png").stat().st_size > 1000
    with pytest.raises(InputError, match=r"\.csv, \.json and \.npz"):
        curve.save(tmp_path / "r.txt")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"K": [1.0]}, "2 finite couplings"),
        ({"K": [1.0, np.nan]}, "2 finite couplings"),
        ({"K": "many"}, "start:stop:count"),
        ({"K": {"a": 1}}, "list of couplings"),
        ({"seeds": 0}, "1 seed or more"),
        ({"seed": -1}, "from 0 on"),
        ({"frequencies": "lorenz"}, "lorentz"),
        ({"coupling": "all"}, "unknown coupling"),
        ({"normalisation": "m"}, "unknown normalisation"),
        ({"settle": 0.0}, "settle must be a positive time"),
        ({"average": np.inf}, "average must be a positive time"),
        ({"noise": -1.0}, "must not be negative"),
        ({"processes": 0}, "1 process or more"),
        ({"network": 0}, "nodes"),
    ],
)
def test_what_cannot_be_used_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        meshrep.synchronise(**{"network": 10, "K": [0.5, 1.0], **SHORT, **given})


@pytest.mark.slow
def test_a_program_without_a_guard_runs_in_several_processes(tmp_path):
    (tmp_path / "program.py").write_text(
        "import meshrep\n"
        "curve = meshrep.synchronise(60, [0.5, 2], seeds=3, settle=5, average=10, processes=2)\n"
        "print(curve.r.tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip
    alone = meshrep.synchronise(60, [0.5, 2], seeds=3, **SHORT)
    assert json.loads(done.stdout) == alone.r.tolist()


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the script in an empty folder; return exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("synchronise_script", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    def call(*arguments):
        code = script.main([*arguments, "--out", "o", "--processes", "1"])
        return code, *capsys.readouterr()

    return call


def test_the_command(run):
    pytest.importorskip("matplotlib")
    asked = ("--graph", "nodes:50", "--K", "1:3:3", "--settle", "5", "--average", "10")
    code, said, errors = run(*asked)
    assert (code, errors) == (0, "") and "onset up: " in said
    assert "wrote o/: table.csv, curve.json, synchronisation.png" in said
    assert len(list(Path("o/points").glob("*.npz"))) == 6
    code, _, errors = run(*asked, "--lag", "0.1")
    assert code == 2 and "another sweep (lag 0.0, here 0.1)" in errors


def test_wrong_arguments_of_the_command(run):
    for arguments, words in ((("--K", "1"), "2 finite couplings"), (("--seeds", "0"), "1 seed")):
        code, said, errors = run(*arguments)
        assert code == 2 and said == "" and errors.count("\n") == 1 and words in errors
        assert not Path("o").exists()
