"""The command line on phases: what it writes and says, and how it refuses."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from problems_of_tests import missing

from meshrep.base.backends import installed
from meshrep.cli.main import main

LATTICE = ("--graph", "lattice:8x8")
FAST = ("--compare", "adam,newton", "--no-pictures")


def report_of(out):
    return json.loads((out / "report.json").read_text())


def table(path):
    return list(csv.DictReader(path.open()))


# Minimising


@pytest.mark.slow
def test_the_main_job(run):
    """The default comparison on the bunny with everything it writes."""
    for package in ("torch", "numba", "pyvista", "matplotlib"):
        pytest.importorskip(package)
    if missing("anneal"):
        pytest.skip(missing("anneal"))
    code, said, errors, out = run("bunny.ply", "--kuramoto", "--max-seconds", "2")
    assert code == 0, errors
    assert "Kuramoto: K = 1 on 5,511 edges" in said
    assert "rho" in said and "vortices" in said
    names = {"field.vtp", "field.png", "convergence.png", "report.json", "history.csv", "order.csv"}
    assert names <= {path.name for path in out.iterdir()}
    solvers = ["gcn", "adam", "lbfgs", "newton", "rk4", "anneal", "lift"]
    entries = report_of(out)["solvers"]
    assert [entry["name"] for entry in entries] == solvers
    assert {row["solver"] for row in table(out / "order.csv")} == set(solvers)
    best = min(entries, key=lambda entry: entry["energy"])
    assert best["energy"] == pytest.approx(-5511, rel=1e-6)
    assert best["measures"] == {"rho": pytest.approx(1, abs=1e-4), "vortices": 0}
    import pyvista as pv

    mesh = pv.read(out / "field.vtp")
    assert mesh.n_points == 1839 and mesh.n_cells == 3674
    wanted = {f"phase_{name}" for name in solvers} | {"local_order", "cluster"}
    assert wanted <= set(mesh.point_data) and set(mesh.cell_data) >= {"vortex"}
    np.testing.assert_array_equal(mesh.cell_data["vortex"], 0)
    np.testing.assert_allclose(mesh.point_data["local_order"], 1, atol=1e-3)
    np.testing.assert_array_equal(mesh.point_data["cluster"], 0)
    phase = mesh.point_data[f"phase_{best['name']}".replace("-", "_")]
    assert np.abs(np.exp(1j * phase).mean()) == pytest.approx(1, abs=1e-4)


def test_the_files_of_a_glass(run):
    """Vortices in the report are the cells round which the phase turns once."""
    pv = pytest.importorskip("pyvista")
    code, said, errors, out = run(
        "bunny.ply", "--xy-glass", "gaussian", "--seed", "3", "--solver", "newton", "--no-pictures"
    )
    assert code == 0, errors
    assert "XY glass: gaussian couplings on 5,511 edges, seed 3" in said
    report = report_of(out)
    (entry,) = report["solvers"]
    mesh = pv.read(out / "field.vtp")
    charge = mesh.cell_data["vortex"]  # ±1/2 where the couplings round a face are frustrated
    assert entry["measures"]["vortices"] == np.count_nonzero(np.abs(charge) > 0.5) > 10
    assert np.count_nonzero(np.abs(charge) == 0.5) > 100 and not (2 * charge % 1).any()
    assert charge.sum() == 0 or mesh.n_open_edges > 0
    rho = np.abs(np.exp(1j * mesh.point_data["phase_newton"]).mean())
    assert entry["measures"]["rho"] == pytest.approx(rho, abs=1e-6)
    assert (
        report["problem"]["coupling_kind"] == "gaussian" and report["problem"]["coupling_seed"] == 3
    )
    rows = table(out / "order.csv")
    assert set(rows[0]) == {"solver", "seconds", "rho"}
    assert float(rows[-1]["rho"]) == pytest.approx(entry["measures"]["rho"], abs=1e-9)
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)
    assert {"energy", "gap", "grad_norm", "step"} <= set(table(out / "history.csv")[0])


@pytest.mark.parametrize(
    ("arguments", "said", "problem"),
    [
        (("--kuramoto",), "K = 1 on 112", {"energy": "Kuramoto", "beta": 0.0}),
        (("--kuramoto", "2"), "K = 2 on 112", {"alpha": -0.5, "gamma": 0.0}),
        (("--kuramoto", "-1.5"), "K = -1.5", {"energy": "Kuramoto", "torque": 0.0}),
        (("--xy-glass",), "binary couplings", {"energy": "XYGlass", "coupling_kind": "binary"}),
        (("--xy-glass", "gaussian"), "gaussian couplings", {"coupling_kind": "gaussian"}),
        (("--hopf-kuramoto",), "s1 = 1, s2 = 0.5, c = 1", {"energy": "HopfKuramoto", "s2": 0.5}),
        (
            ("--hopf-kuramoto", "--s1", "0.3", "--s2", "-0.1", "--c", "2"),
            "s1 = 0.3, s2 = -0.1, c = 2",
            {"s1": 0.3, "s2": -0.1, "torque": 2.0, "alpha": -0.3, "gamma": -0.1},
        ),
        (
            ("--hopf-kuramoto", "printed", "--s1", "0.4"),
            "the loss as printed",
            {"energy": "HopfKuramotoPrinted", "alpha": 0.4, "beta": 0.5, "gamma": 0.0},
        ),
    ],
)
def test_problems_that_run(run, arguments, said, problem):
    code, words, errors, out = run(*LATTICE, *arguments, *FAST)
    assert code == 0, errors
    assert said in words
    report = report_of(out)
    assert {name: report["problem"][name] for name in problem} == problem
    for entry in report["solvers"]:
        assert entry["energy"] < entry["start_energy"] - 10
        assert set(entry["measures"]) == {"rho", "vortices"}


@pytest.mark.slow
def test_the_default_comparison_is_of_solvers_for_phases(run):
    if missing("anneal"):
        pytest.skip(missing("anneal"))
    code, _, errors, out = run(*LATTICE, "--kuramoto", "--no-pictures")
    assert code == 0, errors
    names = [entry["name"] for entry in report_of(out)["solvers"]]
    assert names == ["gcn", "adam", "lbfgs", "newton", "rk4", "anneal", "lift"]


def test_results_go_to_a_folder_named_after_the_physics(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*LATTICE, "--xy-glass", *FAST, "--no-show"]) == 0
    (found,) = (tmp_path / "out").iterdir()
    assert found.name.endswith("-xy-glass") and (found / "report.json").is_file()
    assert "wrote out/" in capsys.readouterr().out


def test_restarts(run):
    code, said, errors, out = run(
        *LATTICE, "--xy-glass", "--solver", "lbfgs", "--restarts", "3", "--no-pictures"
    )
    assert code == 0, errors
    (entry,) = report_of(out)["solvers"]
    assert len(entry["restart_energies"]) == 3 and entry["energy"] == min(entry["restart_energies"])
    assert "lbfgs: best of 3 seeds" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        ("--solver", "gcn", "--set", "readout=value"),
        ("--solver", "gcn", "--set", "network_start=network"),
        ("--solver", "gcn-a2", "--set", "layers=2", "--set", "hidden=4"),
        ("--solver", "anneal", "--set", "sweeps=50"),
        ("--solver", "lift", "--set", "steps=50", "--set", "dimensions=3"),
        ("--solver", "rk4", "--set", "adaptive"),
    ],
)
def test_settings_of_single_solvers(run, settings):
    if missing(settings[1]):
        pytest.skip(missing(settings[1]))
    code, _, errors, out = run(*LATTICE, "--xy-glass", *settings, "--no-pictures")
    assert code == 0, errors
    (entry,) = report_of(out)["solvers"]
    assert entry["name"] == settings[1] and entry["energy"] < -70


def test_starts_for_phases(run):
    code, _, errors, out = run(*LATTICE, "--kuramoto", "--start", "mean", *FAST)
    assert code == 0, errors
    starts = [entry["start_energy"] for entry in report_of(out)["solvers"]]
    assert starts == pytest.approx([-112, -112])
    np.save("twist.npy", 2 * np.pi * np.arange(12) / 12)
    ring = ("--graph", "ring:12", "--kuramoto", "--solver", "newton", "--no-pictures")
    code, _, errors, out = run(*ring, "--start", "twist.npy")
    assert code == 0, errors
    assert report_of(out)["solvers"][0]["energy"] == pytest.approx(-12 * np.cos(np.pi / 6))


@pytest.mark.slow
def test_arrows_and_colours(run):
    for package in ("pyvista", "matplotlib"):
        pytest.importorskip(package)
    pictures = []
    for look in ((), ("--arrows",), ("--cmap", "hsv")):
        code, _, errors, out = run(*LATTICE, "--kuramoto", "--solver", "newton", *look)
        assert code == 0, errors
        pictures.append((out / "field.png").read_bytes())
        assert (out / "convergence.png").stat().st_size > 1000
    assert len(set(pictures)) == 3


@pytest.mark.slow
def test_a_film_of_the_best_run(run):
    for package in ("pyvista", "matplotlib", "PIL"):
        pytest.importorskip(package)
    code, said, errors, out = run(
        *LATTICE, "--kuramoto", "--compare", "adam,lbfgs", "--no-pictures", "--film", "way.gif"
    )
    assert code == 0, errors
    assert Path("way.gif").stat().st_size > 1000 and "way.gif" in said
    rows = table(out / "order.csv")
    assert {row["solver"] for row in rows} == {"adam", "lbfgs"}
    assert all(0 <= float(row["rho"]) <= 1 for row in rows)


@pytest.mark.skipif(installed("pyvista"), reason="pyvista is installed")
def test_without_pyvista_fields_are_columns(run):
    code, said, errors, out = run(*LATTICE, "--kuramoto", *FAST)
    assert code == 0, errors
    assert "pip install 'meshrep[viz]'" in said
    assert set(table(out / "field.csv")[0]) == {"node", "phase_adam", "phase_newton"}


def test_a_network_by_name_with_and_without_its_weights(run):
    pytest.importorskip("networkx")
    energies = []
    for more in ([], ["--no-weights"]):
        code, said, errors, out = run("--graph", "karate", "--kuramoto", "--solver", "lbfgs",
                                      "--no-pictures", *more)  # fmt: skip
        assert code == 0, errors
        assert "edges weigh 1 to 7" in said and ("all weights are set to 1" in said) == bool(more)
        energies.append(report_of(out)["solvers"][0]["energy"])
    assert energies == pytest.approx([-231.0, -78.0])
    assert [row["node"] for row in table(out / "field.csv")] == [str(k) for k in range(34)]


# In time


@pytest.mark.slow
def test_a_driven_transient_with_a_film(run):
    for package in ("pyvista", "matplotlib", "PIL"):
        pytest.importorskip(package)
    import pyvista as pv

    code, said, errors, out = run(
        *LATTICE, "--kuramoto", "3", "--transient", "5", "--omega", "normal:0.2", "--frames", "10",
        "--film", "x.gif",
    )  # fmt: skip
    assert code == 0, errors
    assert "frequencies of spread 0.1" in said or "frequencies of spread 0.2" in said
    assert "order parameter" in said and "phase-locked" in said
    rows = table(out / "history.csv")
    assert len(rows) == 11 and set(rows[0]) == {"time", "energy", "rho"}
    assert float(rows[-1]["rho"]) > float(rows[0]["rho"])
    reader = pv.get_reader(out / "transient.pvd")
    np.testing.assert_allclose(reader.time_values, np.linspace(0, 5, 11))
    reader.set_active_time_value(5.0)
    phase = reader.read()[0].point_data["phase"]
    assert np.abs(np.exp(1j * phase).mean()) == pytest.approx(float(rows[-1]["rho"]), abs=1e-5)
    assert {"field.png", "trajectory.png"} <= {path.name for path in out.iterdir()}
    from PIL import Image

    assert getattr(Image.open("x.gif"), "n_frames", 1) > 2
    report = report_of(out)
    assert report["flow"]["method"] == "rk4" and report["problem"]["omega"][0] < 0


@pytest.mark.slow
@pytest.mark.parametrize("method", ["rk4", "radau"])
def test_frequencies_from_a_file_lock_two_oscillators(run, method):
    Path("pair.csv").write_text("a,b\n")
    np.save("omega.npy", np.array([0.0, 1.0]))
    code, said, errors, out = run(
        "pair.csv", "--kuramoto", "0.8", "--transient", "60", "--omega", "omega.npy",
        "--method", method,
    )  # fmt: skip
    assert code == 0, errors
    assert ": phase-locked" in said
    apart = np.arcsin(1 / 1.6)
    rho = float(table(out / "history.csv")[-1]["rho"])
    assert rho == pytest.approx(np.cos(apart / 2), abs=1e-4)
    np.save("omega.npy", np.array([0.0, 2.0]))
    code, said, *_ = run(
        "pair.csv", "--kuramoto", "0.8", "--transient", "60", "--omega", "omega.npy"
    )
    assert code == 0 and "not phase-locked" in said


@pytest.mark.slow
def test_frequencies_depend_on_the_seed_alone(run):
    energies = []
    for seed in (1, 1, 2):
        code, _, errors, out = run(
            *LATTICE, "--hopf-kuramoto", "--transient", "1", "--frames", "2", "--omega", "normal",
            "--seed", seed, "--start", "mean",
        )  # fmt: skip
        assert code == 0, errors
        energies.append([row["energy"] for row in table(out / "history.csv")])
    assert energies[0] == energies[1] != energies[2]


def test_a_mean_field_with_a_lag_noise_and_inertia(run):
    code, said, errors, out = run(
        *LATTICE, "--kuramoto", "2", "--coupling", "mean-field", "--omega", "lorentz:0.5",
        "--lag", "0.3", "--noise", "0.1", "--inertia", "0.5", "--transient", "1", "--frames", "4",
        "--no-pictures", "--seed", "3",
    )  # fmt: skip
    assert code == 0, errors
    assert "Kuramoto: K = 2/64 of all nodes on all" in said and "lag 0.3" in said
    report = report_of(out)
    assert report["flow"]["method"] == "heun" and report["problem"]["normalisation"] == "n"
    code, said, errors, out = run(
        *LATTICE, "--kuramoto", "--normalisation", "degree", "--omega", "lorentz:20",
        "--transient", "1", "--frames", "2", "--no-pictures",
    )  # fmt: skip
    assert code == 0, errors
    assert "K = 1/degree on 112 edges" in said and report_of(out)["flow"]["method"] == "moebius"
    Path("chain.gml").write_text(
        "graph [ directed 1 node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 ] ]"
    )
    code, _, errors, _ = run("chain.gml", "--kuramoto")
    assert code == 2 and "directed=False, --undirected" in errors
    code, said, errors, _ = run("chain.gml", "--kuramoto", "--undirected", *FAST)
    assert code == 0 and "directed" not in said.split("Kuramoto: ")[1].split("\n")[0], errors
    code, _, errors, _ = run(*LATTICE, "--kuramoto", "--lag", "0.3")
    assert code == 2 and "a phase lag turns the phases without end" in errors


@pytest.mark.slow
def test_frequencies_of_no_spread_may_rest(run):
    code, _, errors, out = run(
        *LATTICE, "--kuramoto", "--transient", "2", "--omega", "normal:0", "--frames", "4"
    )
    assert code == 0, errors
    energies = [float(row["energy"]) for row in table(out / "history.csv")]
    assert energies == sorted(energies, reverse=True)


# What cannot be used

TRANSIENT = ("--transient", "2")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--kuramoto", "--bath"), "--bath is for heat and not for --kuramoto"),
        (("--kuramoto", "--hot", "0"), "--hot is for heat"),
        (("--xy-glass", "--power", "2"), "--power is for heat"),
        (("--kuramoto", "--xy-glass"), "choose one of --kuramoto and --xy-glass"),
        (("--hopf-kuramoto", "--kuramoto", "2"), "choose one of"),
        (("--s1", "1"), "--s1 needs --hopf-kuramoto"),
        (("--kuramoto", "--s2", "1"), "--s2 needs --hopf-kuramoto"),
        (("--xy-glass", "--c", "1"), "--c needs --hopf-kuramoto"),
        (("--omega", "normal:0.1", *TRANSIENT), "--omega needs --kuramoto or --hopf-kuramoto"),
        (("--kuramoto", "--omega", "normal:0.1"), "--omega needs --transient T"),
        (("--kuramoto", *TRANSIENT, "--omega", "lorentz:nan"), "must be a finite number"),
        (("--kuramoto", *TRANSIENT, "--omega", "normal:-1"), "spread must be 0 or more"),
        (("--kuramoto", *TRANSIENT, "--omega", "short.npy"), "(64), not of shape (3,)"),
        (("--kuramoto", *TRANSIENT, "--omega", "nan.npy"), "NaN"),
        (("--kuramoto", *TRANSIENT, "--omega", "none.npy"), "readable .npy"),
        (("--xy-glass", *TRANSIENT, "--omega", "normal:0.5"), "--omega needs --kuramoto or"),
        (("--hopf-kuramoto", "printed", *TRANSIENT, "--omega", "normal"), "has no flow"),
        (("--kuramoto", "--film", "x.avi"), "films end in"),
        (("--arrows",), "--arrows draws phases"),
        (("--kuramoto", "nan"), "--kuramoto must be a finite number, not nan"),
        (("--kuramoto", "inf"), "--kuramoto must be a finite number"),
        (("--kuramoto", "two"), "--kuramoto must be a finite number, not 'two'"),
        (("--xy-glass", "ternary"), "--xy-glass must be one of binary, gaussian"),
        (("--hopf-kuramoto", "wrong"), "must be one of potential, printed"),
        (("--hopf-kuramoto", "--s1", "nan"), "s1 must be a finite number"),
        (("--hopf-kuramoto", "--c", "inf"), "c must be a finite number"),
        (("--kuramoto", *TRANSIENT, "--dt", "9"), "not a stable step"),
        (("--kuramoto", "--restarts", "0"), "--restarts must be a whole number, 1 or more"),
        (("--kuramoto", "--restarts", "-2"), "--restarts must be a whole number, 1 or more"),
        (("--xy-glass", "--seed", "-1"), "--seed must be a whole number, 0 or more"),
        (
            ("--kuramoto", "--solver", "lift", "--set", "dimensions=0"),
            "dimensions must be a whole number, 3 or more",
        ),
        (("--kuramoto", "--set", "readout=square"), "readout must be one of value, circle"),
        (("--kuramoto", "--start", "short.npy"), "not an array of shape"),
        (("--kuramoto", "--start", "nan.npy"), "NaN"),
        (("--solver", "lift"), "lift works on oscillators"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(run, arguments, words):
    np.save("short.npy", np.zeros(3))
    np.save("nan.npy", np.full(64, np.nan))
    results = Path("results")
    results.mkdir()
    for name in ("report.json", "field.vtp"):
        (results / name).write_text("precious")
    Path("x.avi").write_text("precious")
    code, _, errors, out = run(*LATTICE, *arguments)
    assert code == 2, errors
    assert errors.startswith("meshrep: ") and errors.count("\n") == 1 and words in errors
    assert {path.name for path in out.iterdir()} == {"report.json", "field.vtp"}
    assert all(path.read_text() == "precious" for path in (*out.iterdir(), Path("x.avi")))


@pytest.mark.slow
@pytest.mark.parametrize(
    "physics",
    [(), ("--kuramoto",)],
)
def test_ctrl_c_before_the_first_frame_saves_the_start(run, monkeypatch, physics):
    from meshrep.flows import runge_kutta

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(runge_kutta, "runge_kutta4", interrupted)
    code, _, errors, out = run(*LATTICE, *physics, "--transient", "2")
    assert (code, errors) == (130, "meshrep: interrupted; the frames so far were saved\n")
    assert len(table(out / "history.csv")) == 1


@pytest.mark.slow
def test_ctrl_c_in_a_transient_of_phases_saves_the_frames(run, monkeypatch):
    from meshrep.flows import runge_kutta

    calls, whole = [], runge_kutta.runge_kutta4

    def interrupted(*arguments, **settings):
        calls.append(arguments)
        if len(calls) > 20:
            raise KeyboardInterrupt
        return whole(*arguments, **settings)

    monkeypatch.setattr(runge_kutta, "runge_kutta4", interrupted)
    code, said, errors, out = run(*LATTICE, "--kuramoto", "--transient", "50", "--frames", "40")
    assert (code, errors) == (130, "meshrep: interrupted; the frames so far were saved\n")
    assert 2 < len(table(out / "history.csv")) < 41 and "order parameter" in said
