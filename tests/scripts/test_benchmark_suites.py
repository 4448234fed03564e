"""The benchmark's suites on tiny problems: what they say, keep and check, not how long it takes."""

import json
from pathlib import Path

import numpy as np
import pytest

from meshrep.base.backends import installed
from meshrep.errors import InputError, MeshrepError
from meshrep.solving.catalogue import known_solvers

needs_numba = pytest.mark.skipif(not installed("numba"), reason="needs numba")
needs_torch = pytest.mark.skipif(not installed("torch"), reason="needs torch")


@pytest.fixture
def few(program, monkeypatch):
    """Few solvers on small problems."""
    from bench import heat, jax_peers, race, torch_peers

    problems = (heat.Heat("lattice:6x6", "strip", 1.0), heat.Heat("lattice:8x8", "random", 1.0))
    monkeypatch.setattr(heat, "QUICK_PROBLEMS", problems)
    monkeypatch.setattr(heat, "NAMES", ("lbfgs", "newton"))
    monkeypatch.setattr(race, "FAMILIES", ("none of them",))
    monkeypatch.setattr(jax_peers, "PEERS", [])  # whose compiler takes seconds
    monkeypatch.setattr(torch_peers, "PEERS", torch_peers.PEERS[1:])  # Adam does not end
    return program


def section(text="## One", data=None, quick=False, date="2026-01-01"):
    about = {"command": "python scripts/benchmark.py one", "quick": quick, "seconds": 1.0}
    machine = {
        "date": date, "processor": "p", "cores": 2, "memory_gb": 1.0, "caches": [],
        "system": "s", "versions": {"numpy": "2", "jax": "not installed"}, "triad_gb_s": None,
    }  # fmt: skip
    return {"text": text, "data": data or {}, "about": about, "machine": machine}


def test_heat_end_to_end(few, monkeypatch, capsys):
    from bench import race, torch_peers

    monkeypatch.setattr(torch_peers, "PEERS", [])
    monkeypatch.setattr(race, "repeats", lambda first, quick: 2)
    assert few.main(["heat", "--quick", "--out", "o"]) == 0
    page = capsys.readouterr().out
    assert "### lattice 6×6, strip (36 nodes)" in page and "### Who wins" in page
    assert "| problem | nodes | to 1e-2 | to 1e-4 | to 1e-6 | auto |" in page and "nan" not in page
    kept = json.loads(Path("o/benchmark.json").read_text(encoding="utf-8"))["suites"]
    rows = kept["heat"]["data"]["lattice 8×8, random"]["rows"]
    for label in ("lbfgs", "newton", "SciPy L-BFGS-B", "SciPy Newton-CG", "Newton, splu"):
        assert rows[label]["end_gap"] <= 1e-6, label
        times = [rows[label]["to"][gap] for gap in ("1e-2", "1e-4", "1e-6")]
        assert times == sorted(times) and times[-1] > 0
    assert rows["lbfgs"]["ours"] and not rows["SciPy L-BFGS-B"]["ours"]


def test_a_missing_peer_is_named(few, monkeypatch, capsys):
    import bench
    from bench import runs

    for module in (bench, runs):
        monkeypatch.setattr(
            module, "installed", lambda name: name not in ("pyamg", "torch") and installed(name)
        )
    assert few.main(["heat", "--quick", "--out", "o"]) == 0
    page = capsys.readouterr().out
    assert "The package pyamg is missing: pip install 'meshrep[bench]'." in page
    assert "| torch L-BFGS | torch is missing |" in page


def test_peers_in_jax_reach_the_minimum(program):
    pytest.importorskip("jax")
    pytest.importorskip("optax")
    pytest.importorskip("optimistix")
    from bench import jax_peers, problems, runs

    posed = problems.pose(problems.Heat("lattice:5x5", "strip", 2.0))
    for entrant in jax_peers.PEERS:
        found = runs.Runner(entrant, posed).run()
        assert found.end_gap <= (1e-2 if "Adam" in entrant.label else 1e-6), entrant.label


def test_rows_are_the_named_solvers_that_there_are(program, monkeypatch):
    from bench import race

    known = known_solvers()
    known["multilevel-new"] = known["adam"]
    del known["gd"]
    monkeypatch.setattr(race, "known_solvers", lambda: known)
    labels = [entrant.label for entrant in race.ours(("lbfgs", "gd", "unheard-of"))]
    assert labels[0] == "lbfgs" and "multilevel-new" in labels
    assert not {"gd", "unheard-of"} & set(labels)


def test_judging_is_off_the_clock(program, monkeypatch):
    from bench import problems, runs

    posed = problems.tiny()
    clock = {"now": 0.0}

    def slow_judge(w):
        clock["now"] += 100.0
        return 1e9

    monkeypatch.setattr(runs.time, "perf_counter", lambda: clock["now"])
    monkeypatch.setattr(posed.energy, "value", slow_judge)
    recorder = runs.Recorder(posed, cap=10.0, setup=0.5)
    for step in range(4):
        clock["now"] += 1.0
        recorder.look(step, lambda: posed.start)
    assert recorder.history.seconds == [1.5, 2.5, 3.5, 4.5]


def test_a_run_ends_at_the_finest_gap_or_the_cap(program):
    from bench import problems, runs

    posed = problems.tiny()
    good = runs.Recorder(posed, cap=1e9)
    close = np.full(posed.n, np.nan)
    posed.energy.value = lambda w: posed.reference.level(1e-7)
    with pytest.raises(runs.Enough):
        good.look(1, lambda: close)
    late = runs.Recorder(posed, cap=-1.0)
    with pytest.raises(runs.Enough):
        late.check()


def test_a_solver_that_misreports_is_caught(program, monkeypatch):
    from bench import problems, runs

    posed = problems.tiny()
    runs.judged(runs.Entrant("lbfgs", solver="lbfgs"), posed)
    value = posed.energy.value
    monkeypatch.setattr(posed.energy, "value", lambda w: 1.001 * value(w))
    with pytest.raises(MeshrepError, match="lbfgs reports energies that are off"):
        runs.judged(runs.Entrant("lbfgs", solver="lbfgs"), posed)


def test_winner_and_lead(program):
    from bench import heat, race

    def row(time, ours):
        return {"ours": ours, "reason": "", "to": {"1e-2": time, "1e-4": None, "1e-6": None},
                "steps": {"1e-6": None}, "end_gap": 3e-3, "seconds": 5.0,
                "setup_s": 0.0}  # fmt: skip

    rows = {"a": row(0.2, True), "b": row(0.1, False), "c": {"reason": "c is missing"}}
    assert heat.winner(rows, "1e-2") == "b 100 ms (2× a)"
    assert heat.winner(rows, "1e-4") == "none in time"
    assert "| **a** | 200 ms | > 5 s | > 5 s |" in race.table(rows, cap=5.0)
    assert "| b | 100 ms | ends at 3e-03 |" in race.table(rows, cap=60.0)


@needs_numba
def test_kernels_end_to_end(program, monkeypatch, capsys):
    from bench import kernel_ways, kernels

    monkeypatch.setattr(kernels, "QUICK_SIDES", (6,))
    monkeypatch.setattr(kernel_ways, "LBFGS_STEPS", 4)
    assert program.main(["kernels", "--quick", "--out", "o"]) == 0
    page = capsys.readouterr().out
    assert "| fused adam step | 0.25 µs |" in page and "### 36 nodes" in page
    assert ("| torch Adam step, eager |" in page) == installed("torch")


@needs_numba
def test_bytes_are_counted_once_an_array(program):
    from bench import kernel_ways

    a = np.zeros(10)
    assert kernel_ways.held((a, (a, np.zeros(3, dtype=np.float32)), 4.0)) == 92


def test_a_shuffled_problem_is_the_same_problem(program):
    from bench import kernel_ways, kernels

    energy = kernels.heat_on(5)
    order = np.random.default_rng(0).permutation(25)
    mixed = kernel_ways.permuted(energy, order)
    w = energy.random_start(1)
    renamed = np.empty(25)
    renamed[order] = w
    assert mixed.value(renamed) == pytest.approx(energy.value(w), rel=1e-13)


def test_integrators_reach_one_accuracy(program, monkeypatch):
    from bench import integrators

    monkeypatch.setattr(integrators, "END", 1.0)
    rows = integrators.timed(integrators.posed(4), 1)
    assert "**meshrep, rk4**" in rows
    assert all(row["error"] <= integrators.TARGET for row in rows.values())


def test_phases_end_to_end(few, monkeypatch):
    from bench import phase_minima

    monkeypatch.setattr(phase_minima, "QUICK_SIDES", (8,))
    text, data = phase_minima.run(True, lambda line: None)
    assert "lattice 8×8" in text
    assert data["phases, lattice 8×8"]["rows"]["lbfgs"]["end_gap"] <= 1e-6


def test_a_point_of_scale(program):
    from bench import scale_point

    found = scale_point.point("heat", "lattice:12x12", "adam", 10)
    assert found["n"] == 144 and found["step_s"] > 0
    assert scale_point.point("kuramoto", "lattice:5x6", "adam", 10)["m"] == 49


def test_subdivision_keeps_the_surface(program):
    from bench import scale_point

    import meshrep

    net = meshrep.graph_from("triangular:4x4")
    finer = scale_point.subdivided(net)
    faces = len(net.triangles)
    assert finer.n == net.n + net.m and finer.m == 2 * net.m + 3 * faces
    assert len(finer.triangles) == 4 * faces and finer.component_count == 1
    length = np.linalg.norm(
        finer.points[finer.edges[:, 0]] - finer.points[finer.edges[:, 1]], axis=1
    )
    before = np.linalg.norm(net.points[net.edges[:, 0]] - net.points[net.edges[:, 1]], axis=1)
    assert length.max() <= 0.5 * before.max() + 1e-12


@needs_torch
def test_the_device_path_runs_on_the_cpu(program, monkeypatch, capsys):
    from bench import device

    monkeypatch.setattr(device, "QUICK_SIDES", (6,))
    monkeypatch.setattr(device, "TRIAD", 1000)
    assert program.main(["--device", "cpu", "--quick", "--out", "o"]) == 0
    page = capsys.readouterr().out
    for what in ("Heat", "Oscillators", "Gcn"):
        assert f"## {what} on cpu" in page
    assert page.count("| 36 | float32 |") == 3
    monkeypatch.setattr(device, "SAME", {"float64": 0.0, "float32": 0.0})
    assert program.main(["heat", "--device", "cpu", "--quick", "--out", "o"]) == 1
    assert "differs from the CPU" in capsys.readouterr().err
    assert program.main(["scale", "--device", "cpu", "--out", "o"]) == 2
    assert "unknown suite 'scale': choose heat, oscillators, gcn" in capsys.readouterr().err


def test_sections_of_other_suites_stay(program):
    from bench.store import Store

    store = Store(Path("."), "page")
    store.keep("scale", section("## Scale"))
    store.keep("startup", section("## Start-up"))
    store.keep("scale", section("## Scale, again", quick=True, date="2026-02-02"))
    page = store.page({}).read_text(encoding="utf-8")
    assert page.index("## Start-up") < page.index("## Scale, again") and page.count("## Sc") == 1
    assert "2026-02-02. It was a quick run" in page
    assert "Not installed, and so missing below: " in page
    Path("page.json").write_text('{"suites": {"x": 1}}')
    with pytest.raises(InputError, match=r"page\.json is no benchmark's file"):
        store.sections()


def test_docs_are_full_runs(program, monkeypatch, capsys):
    from bench.store import Store

    monkeypatch.setattr(program, "DOCS", Path("docs"))
    assert program.main(["heat", "--docs", "--quick"]) == 2
    assert "--docs holds full runs" in capsys.readouterr().err
    Path("docs").mkdir()
    Store(Path("docs"), "benchmarks").keep("startup", section("## Start-up"))
    assert program.main(["--docs"]) == 0
    assert "## Start-up" in Path("docs/benchmarks.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not installed("matplotlib"), reason="needs matplotlib")
def test_figures_are_drawn_from_the_data(program):
    from bench import heat, kernels, scale

    row = {"ours": True, "reason": "", "to": {"1e-2": 0.1, "1e-4": 0.2, "1e-6": 0.3}}
    heat.draw({"p": {"n": 9, "rows": {"a": row}}, "q": {"n": 9, "rows": {}}}, Path("."))
    kernel = {"seconds": 1.0, "bytes": 8.0, "share": 0.5, "rate": 1.0}
    kernels.draw({"6x6": {"n": 36, "rows": {"k": kernel}}}, Path("."))
    point = {"n": 10, "step_s": 1e-6, "peak": 1e4}
    steps = {"heat": [point, point | {"n": 100, "step_s": 1e-5}]}
    scale.draw({"steps": steps, "iterations": {"a": {"10": {"steps": 3}}}}, Path("."))
    for name in ("heat", "kernels", "scale", "iterations"):
        assert Path(f"{name}.png").stat().st_size > 5000
