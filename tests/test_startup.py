"""What a start costs is what it imports: each command in a process of its own."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WATCHED = ("gudhi", "matplotlib", "networkx", "numba", "numpy", "pyamg", "pyvista", "scipy",
           "sklearn", "torch", "trimesh")  # fmt: skip

# Runs the program and prints, last, which of the watched packages it imported.
PROGRAM = f"""
import json, sys
from meshrep.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print()
print(json.dumps([code, [name for name in {WATCHED!r} if name in sys.modules]]))
"""


def child(folder, code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True,
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=300, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr


def imported(folder, *arguments):
    """The exit code, what was said, and the packages that a run of the program imported."""
    said, errors = child(folder, PROGRAM, *arguments)
    code, names = json.loads(said.splitlines()[-1])
    return code, said, errors, set(names)


def test_importing_the_package_imports_nothing_else(tmp_path):
    said, _ = child(
        tmp_path,
        "import sys, meshrep\n"
        "print(sorted(name for name in sys.modules if name.startswith('meshrep')))\n"
        f"print([name for name in {WATCHED!r} if name in sys.modules])",
    )
    assert said.splitlines() == ["['meshrep']", "[]"]


def test_a_name_brings_only_what_it_needs(tmp_path):
    said, _ = child(
        tmp_path,
        "import sys, meshrep\n"
        "meshrep.HeatBath, meshrep.Kuramoto, meshrep.graph_from, meshrep.solve\n"
        f"print([name for name in {WATCHED!r} if name in sys.modules])",
    )
    assert said == "['numpy', 'scipy']\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--help",), 0),
        (("--no-such-option",), 2),
        ((), 2),
        (("bunny.ply", "--bath", "--kuramoto"), 2),
        (("bunny.ply", "--strength", "two"), 2),
        (("bunny.ply", "--seed", "-1"), 2),
        (("bunny.ply", "--transient", "9", "--film", "film.doc"), 2),
    ],
)
def test_help_and_refused_options_need_no_numbers(tmp_path, arguments, code):
    got, said, errors, names = imported(tmp_path, *arguments)
    assert got == code and names == set()
    assert (code == 0) == ("--bath" in said) and (code == 2) == errors.startswith("meshrep: ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("missing.ply",), "missing.ply"),
        (("--graph", "blob:3"), "known are"),
        (("missing.ply", "--solver", "nwton"), "did you mean newton"),
    ],
)
def test_refused_inputs_compile_and_draw_nothing(tmp_path, arguments, word):
    got, _, errors, names = imported(tmp_path, *arguments)
    assert got == 2 and word in errors
    assert names <= {"numpy", "scipy"}


BATH = ("--graph", "lattice:12x12", "--bath", "--no-show", "--out", "o")


@pytest.mark.slow
def test_the_default_comparison_asks_for_no_torch(tmp_path):
    got, said, errors, names = imported(tmp_path, *BATH, "--no-pictures")
    assert got == 0, errors
    assert all(solver in said for solver in ("gcn", "adam", "gd", "lbfgs", "newton", "rk4"))
    assert not names & {"torch", "networkx", "trimesh", "gudhi", "sklearn", "pyamg", "matplotlib"}


@pytest.mark.slow
def test_one_solver_with_its_pictures_asks_for_no_torch(tmp_path):
    pytest.importorskip("matplotlib")
    got, _, errors, names = imported(tmp_path, *BATH, "--solver", "newton")
    assert got == 0, errors
    assert (tmp_path / "o" / "field.png").is_file()
    assert not names & {"torch", "networkx", "trimesh", "gudhi", "sklearn", "pyamg"}


@pytest.mark.slow
def test_torch_is_there_when_it_is_chosen(tmp_path):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    got, _, errors, names = imported(tmp_path, *BATH, "--no-pictures", "--solver", "adam-torch")
    assert got == 0, errors
    assert "torch" in names


# A kernel of one line in a file of its own, which numba's cache is asked for.
KERNEL = """
import sys
from numba import njit
from meshrep.cli.printer import Printer

@njit(cache=True)
def kept(x):
    return x + 1

@njit
def passing(x):
    return x + 2

with Printer(quiet="--quiet" in sys.argv).compiling():
    print(passing(1), passing(1.0), kept(1), kept(1.0))
"""


@pytest.mark.slow
def test_compiling_is_announced_once_and_only_where_the_cache_is_cold(tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "0")
    (tmp_path / "kernel.py").write_text(KERNEL)
    run = "import runpy; runpy.run_path('kernel.py')"
    assert child(tmp_path, run, "--quiet") == ("3 3.0 2 2.0\n", "")
    assert child(tmp_path, run)[1] == ""
    (tmp_path / "cache").rename(tmp_path / "away")
    assert child(tmp_path, run)[1] == "note: compiling kernels, once on this machine …\n"
