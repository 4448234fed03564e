"""Triton's kernels without a GPU: interpreted, compiled for one, and when they are taken."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from problems_of_tests import heat

import meshrep
from meshrep.base.backends import NumpyBackend, installed
from meshrep.energies import fused, gathers
from meshrep.energies.evaluator import SumEvaluator

needs_triton = pytest.mark.skipif(
    not (installed("triton") and installed("torch")),
    reason="needs triton, which comes with torch for CUDA",
)
CHECKS = Path(__file__).parent / "triton_checks.py"
GPU = SimpleNamespace(name="torch", device="cuda:0", dtype="float64", xp=None)


def checked(what, tmp_path, **environment):
    """Run the checks of one kind in a process of its own."""
    root = Path(meshrep.__file__).parent.parent
    kept = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment = {
        **kept, "PYTHONPATH": str(root), "TRITON_CACHE_DIR": str(tmp_path), **environment
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, CHECKS, what], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@needs_triton
def test_interpreted_kernels_agree_with_the_formulas(tmp_path):
    checked("interpreted", tmp_path, TRITON_INTERPRET="1")


@needs_triton
@pytest.mark.slow
def test_kernels_compile_for_a_gpu_that_is_not_here(tmp_path):
    checked("compiled", tmp_path)


def formula(_):
    return heat("lattice:5x5").formula(NumpyBackend())


def test_kernels_of_triton_are_taken_on_a_gpu_where_they_run(monkeypatch):
    monkeypatch.setattr(fused, "refusal", lambda backend: "")
    taken = fused.by_kernels_or_formula(GPU, None, formula, lambda backend: "gathers")
    assert taken == "gathers"
    assert not fused.by_kernels_or_formula(GPU, None, formula, None).notes


def test_a_solution_says_why_kernels_of_triton_do_not_run(monkeypatch):
    monkeypatch.setattr(fused, "refusal", lambda backend: "there is no C compiler")
    found = fused.by_kernels_or_formula(GPU, None, formula, lambda backend: None)
    (note,) = found.notes
    assert "cuda:0 (there is no C compiler)" in note
    assert SumEvaluator([(1.0, found), (2.0, found)], found.fixed).notes == (note,)
    energy = heat("lattice:5x5")
    monkeypatch.setattr(type(energy), "on", lambda self, backend: found)
    assert note in meshrep.solve(energy, "lbfgs", max_steps=3).notes


def test_triton_takes_matrices_with_short_rows_on_a_gpu(monkeypatch):
    monkeypatch.setattr(gathers, "installed", lambda package: True)
    matrix = meshrep.graph_from("lattice:5x5").adjacency
    assert gathers.gathers_on(GPU, matrix)
    assert not gathers.gathers_on(SimpleNamespace(device="cpu"), matrix)
    monkeypatch.setattr(gathers, "LONGEST", 3)
    assert not gathers.gathers_on(GPU, matrix)
