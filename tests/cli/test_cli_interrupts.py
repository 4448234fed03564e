"""Ctrl-C and SIGTERM at named places of the whole program, by injection: nothing is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.usefixtures("interruptible")

# Runs the program and sends it a signal when a module is imported, or a function called or left.
HARNESS = """
import os, signal, sys
number, kind, name = signal.Signals[sys.argv[1]], sys.argv[2], sys.argv[3]
sent = False
def send():
    global sent
    if not sent:
        sent = True
        sys.setprofile(None)
        open("sent", "w").close()
        os.kill(os.getpid(), number)
        for _ in range(1000): pass
class Importing:
    def find_spec(self, wanted, *_):
        if wanted == name:
            send()
def happened(frame, event, _):
    if event == kind and frame.f_code.co_qualname == name and "meshrep" in frame.f_code.co_filename:
        send()
from meshrep.cli import program
if kind == "import":
    sys.meta_path.insert(0, Importing())
else:
    sys.setprofile(happened)
sys.argv[1:] = sys.argv[4:]
sys.exit(program.run())
"""
COMPARED = ("--graph", "lattice:12x12", "--compare", "newton,lbfgs")
FLOW = ("--graph", "lattice:6x6", "--transient", "0.5", "--frames", "4")
CLOUD = ("--topology", "--graph", "lattice:4x4", "--compare", "lbfgs,gd", "--max-steps", "3")
SIMPLE = ("--graph", "lattice:12x12", "--solver", "newton", "--simplify", "0.1")
EXAMINED = ("--graph", "lattice:8x8", "--solver", "newton", "--diagnose")


def interrupted(folder, kind, name, *arguments, number="SIGINT"):
    """The last line of errors and the files that are left, after exit code 130."""
    done = subprocess.run(
        [sys.executable, "-c", HARNESS, number, kind, name, *arguments, "--no-show", "--out", "o"],
        capture_output=True, text=True, cwd=folder, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (folder / "sent").exists(), f"{name} was never reached: {done.stderr}"
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    files = {path.name for path in (folder / "o").rglob("*")} if (folder / "o").exists() else set()
    assert not [name for name in files if name.startswith(".")], files
    return done.stderr.splitlines()[-1], files


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("import", "numpy"),
        pytest.param("import", "numpy.linalg", marks=pytest.mark.slow),
        pytest.param("import", "scipy.sparse", marks=pytest.mark.slow),
        pytest.param("import", "meshrep.cli.problem", marks=pytest.mark.slow),
        pytest.param("return", "parse", marks=pytest.mark.slow),
        pytest.param("call", "pose", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_before_the_first_solve(kind, name, number, tmp_path):
    said, files = interrupted(tmp_path, kind, name, *COMPARED, number=number)
    assert said == "meshrep: interrupted before there was a result to save" and not files


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("call", "best_known"),
        pytest.param("import", "pyvista", marks=pytest.mark.slow),
        pytest.param("return", "Minimiser.minimise", marks=pytest.mark.slow),
        pytest.param("return", "solve", marks=pytest.mark.slow),
        pytest.param("return", "best_known", marks=pytest.mark.slow),
        pytest.param("call", "Comparison.table", marks=pytest.mark.slow),
        pytest.param("call", "save", marks=pytest.mark.slow),
        pytest.param("call", "write_json", marks=pytest.mark.slow),
        pytest.param("return", "write_json", marks=pytest.mark.slow),
        pytest.param("call", "replacing", marks=pytest.mark.slow),
        pytest.param("import", "pyvista.plotting", marks=pytest.mark.slow),
        pytest.param("import", "matplotlib.pyplot", marks=pytest.mark.slow),
        pytest.param("call", "Solution.plot", marks=pytest.mark.slow),
        pytest.param("call", "convergence", marks=pytest.mark.slow),
        pytest.param("return", "save", marks=pytest.mark.slow),
    ],
)
def test_after_the_first_solve(kind, name, tmp_path):
    if name.startswith("pyvista"):
        pytest.importorskip("pyvista")
    if name in ("matplotlib.pyplot", "Solution.plot", "convergence"):
        pytest.importorskip("matplotlib")
    said, files = interrupted(tmp_path, kind, name, *COMPARED)
    assert said in (
        "meshrep: interrupted; the best field so far was saved",
        "meshrep: interrupted after the last solve; all results were saved",
    )
    assert {"report.json", "history.csv"} <= files
    assert any(name.startswith("field.") for name in files)
    report = json.loads((tmp_path / "o" / "report.json").read_text())
    assert report["solvers"][0]["energy"] < report["solvers"][0]["start_energy"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "arguments", "kept"),
    [
        ("call", "Run._trajectory", FLOW, {"report.json", "history.csv"}),
        ("call", "save_trajectory", FLOW, {"report.json", "history.csv", "transient.pvd"}),
        ("call", "write_series", FLOW, {"report.json", "history.csv", "transient.pvd"}),
        ("call", "save_clouds", CLOUD, {"report.json", "diagrams.csv"}),
        ("call", "persistence_picture", CLOUD, {"report.json", "diagrams.csv"}),
        ("call", "simplify", SIMPLE, {"report.json", "history.csv"}),
        ("return", "simplify", SIMPLE, {"report.json", "history.csv"}),
        ("call", "save_simplified", SIMPLE, {"report.json", "history.csv", "extrema.csv"}),
        ("call", "Examination.of", EXAMINED, {"report.json", "diagnosis.json"}),
        ("return", "Examination.of", EXAMINED, {"report.json", "diagnosis.json"}),
        ("call", "draw", EXAMINED, {"report.json", "diagnosis.json"}),
    ],
)
def test_every_program_keeps_what_it_has(kind, name, arguments, kept, tmp_path):
    for package in ("pyvista", "matplotlib"):
        pytest.importorskip(package)
    if arguments is CLOUD:
        pytest.importorskip("gudhi")
    said, files = interrupted(tmp_path, kind, name, *arguments)
    assert said.startswith("meshrep: interrupted") and "saved" in said
    assert kept <= files
