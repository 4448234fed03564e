"""Ctrl-C and SIGTERM at random moments of whole programs: no result is lost, nothing is untrue.

``pytest tests/cli/test_random_interrupts.py -m slow --interrupts 200`` sends 200 to each program.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from meshrep.base.backends import cores

ROOT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("interruptible")]

# Says when the program has begun to listen, and when a minimiser has returned a field.
HARNESS = """
import sys
from importlib.machinery import PathFinder
class Marking:
    def find_spec(self, name, path=None, target=None):
        if name != "meshrep.minimisers.base":
            return None
        spec = PathFinder.find_spec(name, path)
        load = spec.loader.exec_module
        def marking(module):
            load(module)
            minimise = module.Minimiser.minimise
            def marked(self, *given):
                outcome = minimise(self, *given)
                if outcome.steps:
                    open("solved", "w").close()
                return outcome
            module.Minimiser.minimise = marked
        spec.loader.exec_module = marking
        return spec
sys.meta_path.insert(0, Marking())
from meshrep.base import interrupts
listen = interrupts.listen
def said(*given):
    listen(*given)
    open("listening", "w").close()
interrupts.listen = said
"""
PROGRAM = HARNESS + "from meshrep.cli.program import run; sys.exit(run())"
SWEEP = HARNESS + (
    f"import runpy; runpy.run_path({str(ROOT / 'scripts' / 'phase_diagram.py')!r}, "
    "run_name='__main__')"
)
PROGRAMS = {
    "compare": ("--graph", "lattice:30x30", "--compare", "newton,lbfgs,gd"),
    "flow": ("--graph", "lattice:10x10", "--transient", "1", "--frames", "10"),
    "cloud": ("--topology", "--graph", "lattice:4x4", "--compare", "lbfgs,gd", "--max-steps", "9"),
    "simplify": ("--graph", "lattice:20x20", "--solver", "newton", "--simplify", "0.1"),
    "diagnose": ("--graph", "lattice:10x10", "--solver", "newton", "--diagnose"),
}
NEEDED = {"flow": "transient.pvd", "cloud": "diagrams.csv"}
_lasts: dict[str, float] = {}  # seconds that each program takes after it has begun to listen


def stopped(folder, code, arguments, after, number):
    """Exit code and errors of a program that gets a signal some seconds after it listens."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    while not (folder / "listening").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    begun = time.monotonic()
    if number is not None:
        time.sleep(after)
        process.send_signal(number)
    _, errors = process.communicate(timeout=300)
    assert "Traceback" not in errors and "Error" not in errors, errors
    return process.returncode, errors.splitlines(), time.monotonic() - begun


def moment(name, tmp_path, code, arguments, interrupt):
    """A random moment of a program's run, and a signal."""
    if name not in _lasts:
        (tmp_path / "whole").mkdir()
        *_, _lasts[name] = stopped(tmp_path / "whole", code, arguments, 0.0, None)
    draw = random.Random(f"{name} {interrupt}")
    return draw.uniform(0.0, _lasts[name]), draw.choice([signal.SIGINT, signal.SIGTERM])


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_result_is_lost(name, interrupt, tmp_path):
    for package in ("pyvista", "matplotlib", "gudhi"):
        pytest.importorskip(package)
    arguments = (*PROGRAMS[name], "--no-show", "--out", "o")
    after, number = moment(name, tmp_path, PROGRAM, arguments, interrupt)
    code, errors, _ = stopped(tmp_path, PROGRAM, arguments, after, number)
    files = {path.name for path in (tmp_path / "o").rglob("*")}
    assert not [file for file in files if file.startswith(".")]
    if code == 130 and errors[-1] == "meshrep: interrupted before there was a result to save":
        assert not files and not (tmp_path / "solved").exists()
        return
    assert code == 0 or (code == 130 and "saved" in errors[-1]), errors
    assert {"report.json", "history.csv", NEEDED.get(name, "report.json")} <= files
    json.loads((tmp_path / "o" / "report.json").read_text())


def test_a_sweep_keeps_every_finished_point(interrupt, tmp_path):
    count = min(2, cores())
    arguments = ("--graph", "lattice:6x6", "--s1", "0:1:3", "--s2", "0:1:3", "--out", "o",
                 "--processes", str(count))  # fmt: skip
    after, number = moment("sweep", tmp_path, SWEEP, arguments, interrupt)
    code, errors, _ = stopped(tmp_path, SWEEP, arguments, after, number)
    assert code == 0 or (code == 130 and "interrupted" in errors[-1]), errors
    kept = list((tmp_path / "o" / "points").glob("*"))
    assert not [path for path in kept if path.name.startswith(".")]
    for path in kept:
        with np.load(path) as arrays:
            assert np.isfinite(arrays["phi"]).all()
