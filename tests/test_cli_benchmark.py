"""The benchmark's command line and the table that it prints."""

import importlib.util
from pathlib import Path

import pytest

from meshrep.backends import NumpyBackend, installed

SCRIPT = Path(__file__).parent.parent / "scripts" / "benchmark.py"


@pytest.fixture
def script(tmp_path, monkeypatch):
    """The script as a module, in an empty folder, with clocks that take no time."""
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "paired", lambda ways: dict.fromkeys(ways, 1e-6))
    return module


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
def test_what_cannot_be_used_is_one_sentence(script, capsys, arguments, words):
    Path("FILE").write_text("precious")
    assert script.main(arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith("benchmark: ") and said.err.count("\n") == 1 and words in said.err
    assert said.out == "" and Path("FILE").read_text() == "precious"


@pytest.mark.parametrize("jit", [True, False])
def test_the_table_names_the_back_end_that_ran(script, monkeypatch, capsys, jit):
    if jit and not installed("numba"):
        pytest.skip("needs numba")
    monkeypatch.setattr(script, "NumpyBackend", lambda: NumpyBackend(jit=jit))
    assert script.main(["--quick", "--out", "o"]) == 0
    page = capsys.readouterr().out
    assert f"| lattice | meshrep, {'numba' if jit else 'NumPy'} | edge lists, NumPy |" in page
    assert "| 300×300 |" in page.split("## One step of its flow in time")[1]
    assert Path("o/benchmark.md").read_text(encoding="utf-8") == page.removesuffix("\n")
    if installed("kuramoto"):
        sentence = "The PyPI package builds dense n×n matrices, so that its ratio grows with n."
        assert sentence in page.split("\n\n")
