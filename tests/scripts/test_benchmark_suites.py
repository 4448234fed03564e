"""The benchmark's suites on tiny problems: what they print, keep and check, not their times."""

import contextlib
import json
from pathlib import Path

import bench
import numpy as np
import pytest
from bench import (
    basins,
    conduction,
    device,
    device_checks,
    device_kernels,
    device_steps,
    heat,
    integrators,
    jax_peers,
    kernel_ways,
    kernels,
    load,
    networks,
    phase_minima,
    problems,
    race,
    scale,
    scale_point,
    torch_peers,
)
from bench.store import Store

import meshrep
from meshrep.base.backends import installed
from meshrep.errors import InputError, MeshrepError
from meshrep.solving.catalogue import known_solvers
from meshrep.solving.contest import run_all
from meshrep.solving.entrants import Entrant

needs_numba = pytest.mark.skipif(not installed("numba"), reason="needs numba")
needs_torch = pytest.mark.skipif(not installed("torch"), reason="needs torch")


@pytest.fixture
def few(program, monkeypatch):
    """Few solvers on small problems."""
    problems = (heat.Heat("lattice:6x6", "strip", 1.0), heat.Heat("lattice:8x8", "random", 1.0))
    monkeypatch.setattr(heat, "QUICK_PROBLEMS", problems)
    monkeypatch.setattr(heat, "NAMES", ("lbfgs", "newton"))
    monkeypatch.setattr(race, "FAMILIES", ("none of them",))
    monkeypatch.setattr(jax_peers, "PEERS", [])  # their compiler takes seconds
    monkeypatch.setattr(torch_peers, "PEERS", torch_peers.PEERS[1:])  # Adam does not end
    return program


def section(text="## One", data=None, quick=False, date="2026-01-01"):
    about = {"command": "python scripts/benchmark.py one", "quick": quick, "seconds": 1.0}
    machine = {
        "date": date, "processor": "p", "cores": 2, "memory_gb": 1.0, "caches": [],
        "system": "s", "versions": {"numpy": "2", "jax": "not installed"}, "triad_gb_s": None,
    }  # fmt: skip
    return {"text": text, "data": data or {}, "about": about, "machine": machine}


def test_integrators_on_networks_agree(program, monkeypatch):
    monkeypatch.setattr(networks, "SLOW_PAIRS", 0)  # XGI takes seconds
    cases = (
        networks.Case("all", "nodes:12", 3.0, "lorentz", 1.0),
        networks.Case("some", "barabasi-albert:12,2", 0.5, "normal", 1.0),
    )
    monkeypatch.setattr(networks, "QUICK_CASES", cases)
    text, data = networks.run(True, lambda what: None)
    assert "### all, to t = 1" in text and "nan" not in text
    for name, peers in (("all", ("mean field, NumPy", "NetworkX adjacency")),
                        ("some", ("NetworkX adjacency",))):  # fmt: skip
        labels = ["**meshrep, moebius**", *(f"SciPy DOP853, {peer}" for peer in peers)]
        for label in labels:
            assert (
                data[name][label]["error"] <= networks.TARGET and data[name][label]["seconds"] > 0
            )


@pytest.mark.slow
def test_heat_end_to_end(few, monkeypatch, capsys):
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


@pytest.mark.slow
def test_codes_on_a_block_find_one_temperature(monkeypatch):
    monkeypatch.setattr(conduction, "QUICK_SIZES", (400,))
    text, data = conduction.run(True, lambda what: None)
    (entry,) = data.values()
    assert entry["cells"] == 384 and "384 tetrahedra (125 nodes)" in text and "nan" not in text
    missing = [one for one in conduction.CONTESTANTS if one.missing]
    assert len(entry["rows"]) + len(missing) == len(conduction.CONTESTANTS)
    for label, row in entry["rows"].items():
        assert abs(row["gap"]) <= 1e-8, label
    assert all(took > 0 for took in entry["others"].values())
    for one in missing:
        assert any(f"The package {package} is missing" in text for package in one.missing)


@pytest.mark.slow
def test_a_missing_peer_is_named(few, monkeypatch, capsys):
    for module in (bench, race):
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

    posed = problems.pose(problems.Heat("lattice:5x5", "strip", 2.0))
    for candidate in jax_peers.PEERS:
        end = race.runner(candidate, posed).run()
        gap = posed.reference.gap(end.energy)
        assert gap <= (1e-2 if "Adam" in candidate.label else 1e-6), candidate.label


def test_rows_are_the_named_solvers_that_there_are(program, monkeypatch):
    known = known_solvers()
    known["multilevel-new"] = known["adam"]
    del known["gd"]
    monkeypatch.setattr(race, "known_solvers", lambda: known)
    labels = [entrant.label for entrant in race.ours(("lbfgs", "gd", "unheard-of"))]
    assert labels[0] == "lbfgs" and "multilevel-new" in labels
    assert not {"gd", "unheard-of"} & set(labels)


def test_a_solver_that_misreports_is_caught(program, monkeypatch):
    posed = problems.tiny()
    race.judged(race.Candidate("lbfgs", "lbfgs"), posed)
    value = posed.energy.value
    monkeypatch.setattr(posed.energy, "value", lambda w: 1.001 * value(w))
    with pytest.raises(MeshrepError, match="lbfgs reports energies that are off"):
        race.judged(race.Candidate("lbfgs", "lbfgs"), posed)


def test_winner_and_lead(program):
    def row(time, ours):
        return {"ours": ours, "reason": "", "to": {"1e-2": time, "1e-4": None, "1e-6": None},
                "steps": {"1e-6": None}, "end_gap": 3e-3, "seconds": 5.0,
                "setup_s": 0.0}  # fmt: skip

    rows = {"a": row(0.2, True), "b": row(0.1, False), "c": {"reason": "c is missing"}}
    assert heat.winner(rows, "1e-2") == "b 100 ms (2× a)"
    assert heat.winner(rows, "1e-4") == "none in time"
    assert "| **a** | 200 ms | > 5 s | > 5 s |" in race.table(rows, cap=5.0)
    assert "| b | 100 ms | ends at 3e-03 |" in race.table(rows, cap=60.0)


@pytest.mark.slow
@needs_numba
def test_kernels_end_to_end(program, monkeypatch, capsys):
    monkeypatch.setattr(kernels, "QUICK_SIDES", (6,))
    monkeypatch.setattr(kernel_ways, "LBFGS_STEPS", 4)
    assert program.main(["kernels", "--quick", "--out", "o"]) == 0
    page = capsys.readouterr().out
    assert "| fused adam step | 0.25 µs |" in page and "### 36 nodes" in page
    assert ("| torch Adam step, eager |" in page) == installed("torch")


@needs_numba
def test_bytes_are_counted_once_an_array(program):
    a = np.zeros(10)
    assert kernel_ways.held((a, (a, np.zeros(3, dtype=np.float32)), 4.0)) == 92


def test_a_shuffled_problem_is_the_same_problem(program):
    energy = kernels.heat_on(5)
    order = np.random.default_rng(0).permutation(25)
    mixed = kernel_ways.permuted(energy, order)
    w = energy.random_start(1)
    renamed = np.empty(25)
    renamed[order] = w
    assert mixed.value(renamed) == pytest.approx(energy.value(w), rel=1e-13)


def test_integrators_reach_one_accuracy(program, monkeypatch):
    monkeypatch.setattr(integrators, "END", 1.0)
    rows = integrators.timed(integrators.posed(4), 1)
    assert "**meshrep, rk4**" in rows
    assert all(row["error"] <= integrators.TARGET for row in rows.values())


def test_vortices_that_stay_leave_no_time():
    """A vortex in the middle of the lattice is a minimum that descent does not leave."""
    magnet = meshrep.Kuramoto(meshrep.graph_from("lattice:8x8"))
    x, y = magnet.graph.points[:, 0] - 3.5, magnet.graph.points[:, 1] - 3.5
    entrants = [Entrant("gd", "gd"), Entrant("lift", "lift")]
    runs = run_all(magnet, entrants, (0, 1), lambda *_: np.arctan2(y, x), sample=basins.vortices)
    rows = {label: basins.ends(several) for label, several in runs.items()}
    assert (rows["gd"]["vortices"] == 1).all() and np.isnan(rows["gd"]["free_after"]).all()
    assert (rows["lift"]["free_after"] <= rows["lift"]["seconds"]).all()
    lines = basins.table(rows, -112.0).splitlines()
    assert "0 of 2 | – |" in lines[2] and "2 of 2" in lines[3]
    assert len({line.count("|") for line in lines}) == 1


def test_the_papers_network_puts_out_nearly_equal_phases():
    """The papers' start is most of the way down: their first output has a small spread."""
    energy = meshrep.Kuramoto(meshrep.graph_from("lattice:30x30"))
    energies = [energy.value(basins.network_output(energy, seed)) for seed in range(6)]
    assert np.mean(energies) < 0.5 * -1740
    assert abs(np.mean([energy.value(energy.random_start(seed)) for seed in range(6)])) < 100


@pytest.mark.slow
def test_phases_end_to_end(few, monkeypatch):
    monkeypatch.setattr(phase_minima, "QUICK_SIDES", (8,))
    text, data = phase_minima.run(True, lambda line: None)
    assert "lattice 8×8" in text
    assert data["phases, lattice 8×8"]["rows"]["lbfgs"]["end_gap"] <= 1e-6


@pytest.mark.slow
def test_a_point_of_scale(program):
    found = scale_point.point("heat", "lattice:12x12", "adam", 10)
    assert found["n"] == 144 and found["step_s"] > 0
    assert scale_point.point("kuramoto", "lattice:5x6", "adam", 10)["m"] == 49


def test_subdivision_keeps_the_surface(program):
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


@pytest.mark.slow
@needs_torch
def test_the_device_path_runs_on_the_cpu(program, monkeypatch, capsys):
    for suite in (device_kernels, device_steps):
        monkeypatch.setattr(suite, "QUICK_SIDES", (6,))
    monkeypatch.setattr(device_kernels, "ROUND", 1e-4)
    monkeypatch.setattr(device_checks, "MODULES", ("Multilevel",))
    monkeypatch.setattr(device, "TRIAD", 1000)
    assert program.main(["--device", "cpu", "--quick", "--out", "o"]) == 0
    page = capsys.readouterr().out
    for what in ("Checks", "Kernels", "Heat", "Oscillators", "Gcn"):
        assert f"## {what} on cpu" in page
    assert "comparisons are within bounds" in page and "| nn.Multilevel |" in page
    assert "| Hopf–Kuramoto | 36 | float32 | products of torch |" in page
    assert page.count("| 36 | float32 | ") == 3 + 4 * (2 if installed("numba") else 1)
    monkeypatch.setitem(device.SAME, "float32", 0.0)
    assert program.main(["heat", "--device", "cpu", "--quick", "--out", "o"]) == 1
    assert "differs from the CPU" in capsys.readouterr().err
    assert program.main(["scale", "--device", "cpu", "--out", "o"]) == 2
    assert "unknown suite 'scale': choose checks, kernels, heat" in capsys.readouterr().err
    monkeypatch.setattr(device, "LIMIT", 0.0)
    assert program.main(["kernels", "heat", "--device", "cpu", "--quick", "--out", "o"]) == 0
    assert "Left out, because the time was up: heat on 6×6" in capsys.readouterr().out


@needs_torch
def test_a_check_that_fails_is_told_and_the_others_go_on(monkeypatch):
    def path(dtype):
        raise RuntimeError("no kernel image")

    ways = [("broken", path), ("whole", lambda dtype: (0.0, [])), ("off", lambda dtype: (1.0, []))]
    monkeypatch.setattr(device_checks, "paths", lambda device, quick: ways)
    page, data = device_checks.run(True, print, device.Device("cpu"))
    assert "broken in float32 failed (RuntimeError: no kernel image)" in page
    assert "off in float64 differs from the CPU by 1.0e+00" in page
    assert len(data["wrong"]) == 4 and "| whole | 0e+00 | 0e+00 |" in page


def test_sections_of_other_suites_stay(program):
    store = Store(Path("."), "page")
    store.keep("scale", section("## Scale"))
    store.keep("startup", section("## Start-up"))
    store.keep("scale", section("## Scale, again", quick=True, date="2026-02-02"))
    page = store.page({}).read_text(encoding="utf-8")
    assert page.index("## Start-up") < page.index("## Scale, again") and page.count("## Sc") == 1
    assert "2026-02-02. It was a quick run" in page
    assert "Not installed, and so missing below: " in page
    Path("page.json").write_text('{"suites": {"x": 1}}')
    with pytest.raises(InputError, match=r"page\.json is not a file of the benchmark"):
        store.sections()


def test_docs_are_full_runs(program, monkeypatch, capsys):
    monkeypatch.setattr(program, "DOCS", Path("docs"))
    assert program.main(["heat", "--docs", "--quick"]) == 2
    assert "--docs holds full runs" in capsys.readouterr().err
    Path("docs").mkdir()
    Store(Path("docs"), "benchmarks").keep("startup", section("## Start-up"))
    assert program.main(["--docs"]) == 0
    assert "## Start-up" in Path("docs/benchmarks.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(not installed("matplotlib"), reason="needs matplotlib")
def test_figures_are_drawn_from_the_data(program):
    row = {"ours": True, "reason": "", "to": {"1e-2": 0.1, "1e-4": 0.2, "1e-6": 0.3}}
    heat.draw({"p": {"n": 9, "rows": {"a": row}}, "q": {"n": 9, "rows": {}}}, Path("."))
    kernel = {"seconds": 1.0, "bytes": 8.0, "share": 0.5, "rate": 1.0}
    kernels.draw({"6x6": {"n": 36, "rows": {"k": kernel}}}, Path("."))
    point = {"n": 10, "step_s": 1e-6, "peak": 1e4}
    steps = {"heat": [point, point | {"n": 100, "step_s": 1e-5}]}
    scale.draw({"steps": steps, "iterations": {"a": {"10": {"steps": 3}}}}, Path("."))
    for name in ("heat", "kernels", "scale", "iterations"):
        assert Path(f"{name}.png").stat().st_size > 5000


def test_rates_under_load_are_measured_in_turn(monkeypatch):
    """Every way runs beside every number of processes, which are stopped and end at last."""
    started, beside, seen = [], [], []
    start = load.subprocess.Popen

    def popen(*given, **named):
        started.append(start(*given, **named))
        return started[-1]

    def way():
        seen.append(beside[-1])
        return 10.0 / (1 + beside[-1])

    @contextlib.contextmanager
    def watched(count):
        with neighbours(count) as running:
            yield lambda some: (running(some), beside.append(some))

    neighbours = load.neighbours
    monkeypatch.setattr(load.subprocess, "Popen", popen)
    monkeypatch.setattr(load, "neighbours", watched)
    rows = load.rates({"one": way}, [0, 1, 2], 2, lambda what: None)
    assert seen == [0, 0, 1, 2, 0, 1, 2] and rows == {"one": {"0": 10.0, "1": 5.0, "2": 10.0 / 3}}
    assert len(started) == 2 and all(process.returncode is not None for process in started)
    assert "| one | 10 | 0.50 | 0.33 |" in load.table(rows, [0, 1, 2])
