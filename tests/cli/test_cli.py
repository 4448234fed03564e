"""The command line end to end: what it writes, what it says, and how it refuses."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from meshrep.base.backends import installed
from meshrep.cli.main import main

ROOT = Path(__file__).parents[2]
TWO_PIECES = "v 0 0 0\nv 9 0 0\nv 0 1 0\nv 4 4 0\nv 5 4 0\nv 4 5 0\nf 1 2 3\nf 4 5 6\n"


def test_the_main_job(run):
    """Six solvers on the bunny, the fields on the mesh, two pictures, a report and a history."""
    for package in ("torch", "pyvista", "matplotlib", "trimesh"):
        pytest.importorskip(package)
    code, said, errors, out = run("bunny.ply", "--bath")
    assert code == 0, errors
    assert "not a file here, found in" in said and "1,839 nodes, 5,511 edges, 1 component" in said
    names = {"field.vtp", "field.png", "convergence.png", "report.json", "history.csv"}
    assert {path.name for path in out.iterdir()} == names
    report = json.loads((out / "report.json").read_text())
    solvers = ["gcn", "adam", "gd", "lbfgs", "newton", "rk4"]
    assert [entry["name"] for entry in report["solvers"]] == solvers
    assert all(entry["gap"] < 1e-4 for entry in report["solvers"])
    assert report["graph"] == {
        "name": "bunny", "nodes": 1839, "edges": 5511, "components": 1, "repairs": []
    }  # fmt: skip
    import pyvista as pv

    mesh = pv.read(out / "field.vtp")
    assert mesh.n_points == 1839 and mesh.n_cells == 3674
    for name in solvers:
        field = mesh.point_data[f"temperature_{name}"]
        x = mesh.points[:, 0]
        assert field[x == x.max()] > 0.7 and field[x == x.min()] < 0.3
    rows = list(csv.DictReader((out / "history.csv").open()))
    assert {row["solver"] for row in rows} == set(solvers)


@pytest.mark.slow
def test_the_checkout_runs_as_the_readme_says(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "solve_mesh.py", "bunny.ply", "--bath", "--solver",
         "newton", "--no-show", "--no-pictures", "--out", tmp_path / "o"],
        capture_output=True, text=True, cwd=tmp_path, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and "converged" in done.stdout, done.stderr
    assert (tmp_path / "o" / "report.json").is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--graph", "lattice:12x12", "--solver", "auto"),
        ("--graph", "lattice:5x5x5", "--bath", "random", "--compare", "adam,newton"),
        ("--graph", "ring:20", "--hot", "0,3-5", "--cold", "10"),
        ("--graph", "triangular:9x9", "--hot", "y > ymax - 1", "--cold", "y < ymin + 1"),
        ("--graph", "sbm:3x30", "--unbathed", "hold", "--solver", "lbfgs"),
        ("--graph", "lattice:8x8", "--kind", "dirichlet", "--t-hot", "80", "--start", "mean"),
        ("--graph", "lattice:8x8", "--kind", "quadratic", "--dtype", "float32"),
        ("--graph", "lattice:8x8", "--solver", "rk4", "--set", "adaptive"),
        (
            "--graph",
            "lattice:8x8",
            "--solver",
            "heavy-ball",
            "--set",
            "momentum=0.9",
            "--set",
            "lr=0.05",
        ),
        ("bunny.ply", "--laplacian", "cotan", "--solver", "newton"),
        ("edges.csv", "--solver", "newton"),
        ("cloud.xyz", "--solver", "newton", "--neighbours", "6"),
    ],
)
def test_problems_that_run(run, arguments):
    Path("edges.csv").write_text("a,b\nb,c\nc,d\n")
    points = np.random.default_rng(0).random((60, 3))
    np.savetxt("cloud.xyz", points)
    if "--compare" not in arguments and "--solver" not in arguments:
        arguments = (*arguments, "--compare", "adam,newton")
    code, said, errors, out = run(*arguments, "--no-pictures")
    assert code == 0, errors
    report = json.loads((out / "report.json").read_text())
    assert all(np.isfinite(entry["energy"]) for entry in report["solvers"])
    fields = sorted((path.name for path in out.glob("field.*")), key=lambda name: ".csv" in name)
    assert len(fields) == 1 or fields[1:] == ["field.csv"]  # of networks, by the names of nodes
    assert f"wrote results/: report.json, history.csv, {', '.join(fields)}" in said


@pytest.mark.parametrize("method", ["rk4", "bdf", "crank-nicolson"])
def test_transient(run, method):
    pv = pytest.importorskip("pyvista")
    pytest.importorskip("matplotlib")
    code, _, errors, out = run(
        "--graph", "lattice:8x8", "--transient", "3", "--frames", "4", "--method", method
    )
    assert code == 0, errors
    reader = pv.get_reader(out / "transient.pvd")
    assert reader.time_values == [0.0, 0.75, 1.5, 2.25, 3.0]
    energies = [float(row["energy"]) for row in csv.DictReader((out / "history.csv").open())]
    assert len(energies) == 5 and energies == sorted(energies, reverse=True)


def make_bad_files():
    Path("empty.ply").touch()
    Path("short.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
        "property float z\nelement face 1\nproperty list uchar int vertex_indices\n"
        "end_header\n0 0 0\n1 0 0\n"
    )
    Path("huge.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 1000000000000\nproperty float x\n"
        "property float y\nproperty float z\nend_header\n0 0 0\n"
    )
    Path("garbage.ply").write_bytes(bytes(range(256)) * 20)
    Path("beyond.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n")
    Path("nan.obj").write_text("v 0 0 0\nv nan 0 0\nv 0 1 0\nf 1 2 3\n")
    Path("two.obj").write_text(TWO_PIECES)
    Path("nothing.obj").write_text("# nothing\n")
    Path("file").write_text("x")
    np.save("short.npy", np.zeros(3))
    np.save("nan.npy", np.full(64, np.nan))
    Path("objects.npy").write_bytes(b"\x93NUMPY garbage")


LATTICE = ("--graph", "lattice:8x8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.ply",), "missing.ply"),
        (("empty.ply",), "empty"),
        (("short.ply",), "cut short"),
        (("huge.ply",), "1,000,000,000,000"),
        (("garbage.ply",), "garbage.ply"),
        (("beyond.obj",), "vertex 9"),
        (("nan.obj",), "not finite"),
        (("nothing.obj",), "no vertex"),
        ((".",), "folder"),
        (("two.obj", "--hot", "0", "--cold", "1"), "1 of 2 connected components"),
        ((), "give one input"),
        (("--kuramoto", "0.5"), "give one input"),
        (("--conduct", "bracket.vtu"), "meshrep bracket.vtu --conduct"),
        (("--conduct", "bracket.toml"), "name the mesh too"),
        (("bunny.ply", *LATTICE), "give one input"),
        ((*LATTICE, "--solver", "nwton"), "did you mean newton"),
        ((*LATTICE, "--compare", "adam,nwton"), "did you mean newton"),
        ((*LATTICE, "--compare", ","), "no solver"),
        ((*LATTICE, "--hot", "0-3", "--cold", "3"), "both hot and cold"),
        ((*LATTICE, "--hot", "x > 99"), "selects no node"),
        ((*LATTICE, "--hot", "__import__('os')"), "no function"),
        ((*LATTICE, "--hot", "64"), "64"),
        ((*LATTICE, "--bath", "--hot", "1"), "drop"),
        ((*LATTICE, "--strength", "-1"), "--strength must be a positive number"),
        ((*LATTICE, "--strength", "two"), "not 'two'"),
        ((*LATTICE, "--power", "1"), "2 or more"),
        ((*LATTICE, "--power", "2", "--kind", "dirichlet"), "--power is for soft baths"),
        ((*LATTICE, "--t-hot", "nan"), "finite"),
        ((*LATTICE, "--start", "short.npy"), "shape"),
        ((*LATTICE, "--start", "nan.npy"), "NaN"),
        ((*LATTICE, "--start", "objects.npy"), "readable .npy"),
        ((*LATTICE, "--transient", "-1"), "positive"),
        ((*LATTICE, "--seed", "-1"), "0 or more"),
        ((*LATTICE, "--set", "switch=soon"), "switch must be 'auto' or whole number"),
        ((*LATTICE, "--share", "0.7"), "between 0 and 0.5"),
        ((*LATTICE, "--solver", "sgd", "--set", "momentum=1"), "from 0 to below 1"),
        ((*LATTICE, "--laplacian", "cotan", "--hott", "3"), "unrecognized arguments: --hott"),
        (("--graph", "lattice:100000x100000"), "choose a smaller size"),
        (("--graph", "blob:3"), "known are"),
        (("--graph", "ring:1"), "at least 3"),
        (("--graph", "sbm:2x20:p_out=0:p_in=0"), "connected components"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(run, arguments, words):
    make_bad_files()
    code, _, errors, out = run(*arguments)
    assert code == 2
    assert errors.startswith("meshrep: ") and errors.count("\n") == 1 and words in errors
    assert not out.exists() or not list(out.iterdir())


def test_out_must_be_a_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("precious")
    assert main([*LATTICE, "--no-show", "--out", "file"]) == 2
    assert "not a folder" in capsys.readouterr().err
    assert Path("file").read_text() == "precious"


def test_out_is_in_the_home_folder_where_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert main([*LATTICE, "--no-show", "--no-pictures", "--out=~/results"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert (tmp_path / "home" / "results" / "report.json").exists()
    for option in ("--out=", "--film="):
        assert main([*LATTICE, "--no-show", option]) == 2
        assert f"{option[:-1]} is empty" in capsys.readouterr().err


def test_a_missing_gpu_is_one_sentence(run):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    code, _, errors, _ = run(*LATTICE, "--device", "cuda")
    assert code == 2 and "choose cpu" in errors


@pytest.mark.skipif(installed("torch"), reason="torch is installed")
def test_without_torch_lbfgs_stands_in_once(run):
    code, _, errors, out = run(*LATTICE, "--no-pictures", "--compare", "gcn,adam-torch,lbfgs")
    assert code == 0
    assert errors.count("lbfgs takes the place of adam-torch") == 1
    report = json.loads((out / "report.json").read_text())
    names = [entry["name"] for entry in report["solvers"]]
    assert names == ["gcn", "lbfgs"]


@pytest.mark.slow
def test_a_long_comparison_shows_its_first_field_early(run, monkeypatch):
    pytest.importorskip("matplotlib")
    from meshrep.cli import comparing as cli

    drawn = []
    plot = cli.plot
    monkeypatch.setattr(
        cli, "plot", lambda found, *at: drawn.append(found.solver) or plot(found, *at)
    )
    monkeypatch.setattr(cli, "PATIENCE", 0.0)
    code, said, errors, out = run(*LATTICE, "--compare", "gd,adam,newton")
    assert code == 0, errors
    assert drawn == ["gd"] and (out / "field.png").is_file()
    assert said.count("field.png shows gd for now") == 1
    code, said, *_ = run(*LATTICE, "--compare", "gd,adam", "--no-pictures")
    assert code == 0 and drawn == ["gd"] and "for now" not in said
    code, said, *_ = run(*LATTICE, "--solver", "newton")
    assert code == 0 and drawn == ["gd"] and "for now" not in said


def test_ctrl_c_while_the_early_picture_is_drawn_keeps_the_field(run, monkeypatch):
    pytest.importorskip("matplotlib")
    from meshrep.cli import comparing as cli

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "plot", interrupted)
    monkeypatch.setattr(cli, "PATIENCE", 0.0)
    code, said, _, out = run(*LATTICE, "--compare", "adam,newton")
    assert code == 130 and "interrupted; skipped: newton" in said
    report = json.loads((out / "report.json").read_text())
    assert [entry["name"] for entry in report["solvers"]] == ["adam"] and report["interrupted"]


def test_quiet_is_quiet(run):
    code, said, errors, _ = run(*LATTICE, "--solver", "newton", "--no-pictures", "--quiet")
    assert (code, said, errors) == (0, "", "")


MARKED = """
import sys
from pathlib import Path
from meshrep.cli.program import run
from meshrep.minimisers.monitor import Monitor
record = Monitor.record_stretch
def marked(self, step, *given):
    verdict = record(self, step, *given)
    if step > 100:
        Path("under way").touch()
    return verdict
Monitor.record_stretch = marked
sys.exit(run())
"""


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_in_mid_solve_saves_the_best_field(tmp_path):
    pytest.importorskip("numba")
    process = subprocess.Popen(
        [sys.executable, "-c", MARKED, "--graph", "lattice:100x100", "--compare", "gd,rk4",
         "--no-show", "--no-pictures", "--max-seconds", "600", "--out", "o"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    while not (tmp_path / "under way").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "meshrep: interrupted; the best field so far was saved"
    report = json.loads((tmp_path / "o" / "report.json").read_text())
    assert report["interrupted"] and report["solvers"][0]["result"] == "interrupted"
    assert report["solvers"][0]["energy"] < report["solvers"][0]["start_energy"]
    assert len(report["solvers"]) == 1
    assert len(list((tmp_path / "o").glob("field.*"))) == 1
