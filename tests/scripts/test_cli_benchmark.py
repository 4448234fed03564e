"""The benchmark's command line and the tables that it prints."""

import json
from pathlib import Path

import bench
import numpy as np
import pytest
from bench import large_clouds, papers_clouds, rips_ways, timing, topology

from meshrep.base.backends import NumpyBackend, installed
from meshrep.errors import MeshrepError

needs_gudhi = pytest.mark.skipif(
    not (installed("gudhi") and installed("sklearn")), reason="needs gudhi"
)


@pytest.fixture
def small(program, monkeypatch):
    """The benchmark with topology on clouds of a few points, and without oineus, which is slow."""
    monkeypatch.setattr(topology, "QUICK_SIZES", (25, 30))
    monkeypatch.setattr(topology, "LATE_SIZE", 25)
    monkeypatch.setattr(topology, "LATE_STEPS", 3)
    kept = [way for way in topology.WAYS if not way.label.startswith("oineus")]
    monkeypatch.setattr(topology, "WAYS", kept)
    monkeypatch.setattr(papers_clouds, "QUICK_SECONDS", {15: 0.05})
    monkeypatch.setattr(large_clouds, "QUICK_POINTS", 60)
    monkeypatch.setattr(large_clouds, "SUBSAMPLE", 20)
    monkeypatch.setattr(large_clouds, "STEPS", 3)
    assert rips_ways.WAYS
    return program


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--out", "FILE/x"), "--out FILE/x: cannot write there"),
        (("--out", "FILE"), "that is a file, not a folder"),
        (("--bogus",), "unrecognized arguments: --bogus (benchmark.py --help"),
        (("--qui",), "unrecognized arguments: --qui"),
        (("--out",), "expected one argument"),
        (("basin",), "unknown suite 'basin'"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(program, capsys, arguments, words):
    Path("FILE").write_text("precious")
    assert program.main(arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith("benchmark: ") and said.err.count("\n") == 1 and words in said.err
    assert said.out == "" and Path("FILE").read_text() == "precious"


@pytest.mark.parametrize("jit", [True, False])
def test_the_table_names_the_back_end_that_ran(program, monkeypatch, jit):
    if jit and not installed("numba"):
        pytest.skip("needs numba")
    monkeypatch.setattr(program.oscillators, "NumpyBackend", lambda: NumpyBackend(jit=jit))
    text, data = program.oscillators.gradients((6,))
    assert f"| lattice | meshrep, {'numba' if jit else 'NumPy'} | edge lists, NumPy |" in text
    assert "| 6×6 |" in text and set(data["6x6"]) >= {"ours", "edges", "csr"}


def test_slow_ways_are_timed_in_fewer_rounds(tmp_path, monkeypatch):
    calls = {"quick": 0, "slow": 0}
    clock = {"now": 0.0}

    def way(name, seconds):
        def call():
            calls[name] += 1
            clock["now"] += seconds

        return call

    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock["now"])
    took = timing.paired({"quick": way("quick", 0.5), "slow": way("slow", 2.0)}, rounds=7)
    assert took == pytest.approx({"quick": 0.5, "slow": 2.0})
    assert calls == {"quick": 2 + 7, "slow": 1 + 2}


@pytest.mark.slow
@needs_gudhi
def test_topology_end_to_end(small, capsys):
    assert small.main(["topology", "--quick", "--out", "o"]) == 0
    page = capsys.readouterr().out
    for heading in ("## Persistence of a cloud", "## The papers' clouds", "## Large clouds"):
        assert heading in page
    assert "| way | n = 25 | n = 30 | n = 25, late |" in page
    assert "| gudhi, simplex tree (the papers') | 0.001 ms (1×) |" in page
    assert "### n = 15: gain over tuned adam in steps / training / total" in page
    assert "60 points of a torus in 3 dimensions, diagrams of 20 of them" in page
    assert "| kernel, average |" in page and "nan" not in page
    written = Path("o/benchmark.md").read_text(encoding="utf-8")
    assert all(part in written for part in page.split("\n\n## ")[1].split("\n\n")[:-1])
    suites = json.loads(Path("o/benchmark.json").read_text(encoding="utf-8"))["suites"]
    data = suites["topology-papers"]["data"]
    assert list(data) == ["n = 15, range 1", "n = 15, range 2"]
    cell = data["n = 15, range 1"]
    tuned = cell["runs"][cell["tuned"]]
    fell = [run["energy"] < run["begun"] for run in tuned]
    assert [run["to"]["0.95"] is not None for run in tuned] == fell and any(fell)
    assert "gcn" in cell["runs"]


@pytest.mark.slow
@needs_gudhi
def test_a_cloud_of_ones_own(small, capsys):
    np.savetxt("cloud.xyz", np.random.default_rng(0).normal(size=(40, 3)))
    assert small.main(["topology-large", "--quick", "--cloud", "cloud.xyz", "--out", "o"]) == 0
    assert "40 points of cloud.xyz in 3 dimensions" in capsys.readouterr().out
    assert small.main(["topology-large", "--cloud", "none.ply", "--out", "o"]) == 2
    assert "none.ply" in capsys.readouterr().err


@needs_gudhi
def test_missing_peers_are_named(small, monkeypatch, capsys):
    absent = {"ripser", "oineus"}
    for module in (bench, rips_ways):
        monkeypatch.setattr(module, "installed", lambda name: name not in absent)
    assert small.main(["topology-gradients", "--quick", "--out", "o"]) == 0
    page = capsys.readouterr().out
    for name in absent:
        assert f"The package {name} is missing: pip install 'meshrep[bench]'." in page
    assert "| ripser (PyPI, float32) | no ripser | no ripser | no ripser |" in page


@needs_gudhi
def test_a_way_that_disagrees_stops_the_suite(small, monkeypatch):
    points = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    value, gradient = rips_ways.warmed(points)()
    wrong = rips_ways.Way("wrong", (), lambda points: lambda: (1.001 * value, gradient))
    monkeypatch.setattr(topology, "WAYS", [topology.WAYS[0], wrong])
    with pytest.raises(MeshrepError, match=r"wrong gives .* where meshrep gives"):
        topology.measured("n = 20", points, {}, {}, lambda line: None)


@needs_gudhi
def test_what_would_take_too_long_is_left_out(small):
    way = rips_ways.Way("cubic", (), rips_ways.simplex_tree)
    assert topology.why_not(way, 200, [(100, 1.0)]) == ""
    assert topology.why_not(way, 400, [(100, 1.0)]) == "> 30 s"
    assert topology.why_not(way, 400, [(100, 1.0), (300, np.nan)]) == "> 30 s"
    greedy = rips_ways.Way("greedy", (), rips_ways.simplex_tree, bytes_a_triangle=1e15)
    assert topology.why_not(greedy, 200, []) == "no room"


@needs_gudhi
@pytest.mark.parametrize("method", ["dgm-loss", "crit-sets"])
def test_oineus_gives_the_same_value(small, method):
    pytest.importorskip("oineus")
    pytest.importorskip("torch")

    points = np.random.default_rng(0).uniform(-1, 1, (25, 2))
    value, gradient = rips_ways.warmed(points)()
    theirs, pull = rips_ways.oineus_by(method)(points)()
    assert theirs == pytest.approx(value, rel=1e-6)
    if method == "dgm-loss":
        assert np.allclose(pull, gradient, atol=1e-6)
