"""What a program says and how it ends when its output has no reader, no space or no file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from meshrep.cli.exits import exit_code
from meshrep.errors import InputError

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")
LOST = "p: what was printed is lost, because standard output"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="shells and devices are POSIX")


def pipe_without_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def full():
    if not FULL.exists():
        pytest.skip("there is no /dev/full")
    return FULL.open("w")


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (pipe_without_reader, 0, ""),
        (full, 2, f"{LOST} cannot be written: no space left on device\n"),
        (lambda: None, 2, f"{LOST} is closed\n"),
    ],
)
@pytest.mark.parametrize("lines", [1, 9999])
def test_work_goes_on_when_standard_output_cannot_be_written(
    monkeypatch, capsys, make, code, said, lines
):
    done = []

    def work():
        for _ in range(lines):
            print("a line", flush=lines == 1)
        done.append(True)
        return 0

    monkeypatch.setattr(sys, "stdout", stream := make())
    assert exit_code("p", work) == code and done and sys.stdout is stream
    assert capsys.readouterr().err == said
    if stream:
        stream.close()  # which writes what is left in its buffer


def test_nothing_is_lost_where_nothing_is_printed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    assert exit_code("p", lambda: 0) == 0 and not capsys.readouterr().err


@pytest.mark.parametrize("make", [pipe_without_reader, full, lambda: None])
def test_the_exit_code_stands_when_standard_error_cannot_be_written(monkeypatch, capsys, make):
    def refuse():
        raise InputError("no")

    monkeypatch.setattr(sys, "stderr", stream := make())
    assert exit_code("p", refuse) == 2 and exit_code("p", lambda: 0) == 0
    assert not capsys.readouterr().out, "an error is no output"
    if stream:
        stream.close()


def test_errors_are_one_printable_line(capsys):
    def refuse():
        raise InputError("no file two\nlines \x1b[31m \udcff")

    assert exit_code("p", refuse) == 2
    assert capsys.readouterr().err == "p: no file two\\nlines \\x1b[31m \\udcff\n"
    assert exit_code("p", lambda: open("/nowhere/a\nb").close() or 0) == 2
    assert capsys.readouterr().err == "p: /nowhere/a\\nb: no such file or directory\n"


def test_files_do_not_get_the_numbers_of_closed_streams(tmp_path):
    program = (
        "import os, sys\n"
        "from meshrep.cli.exits import exit_code\n"
        "def work():\n"
        "    with open('kept', 'w') as file:\n"
        "        os.write(1, b'lost'), os.write(2, b'lost')\n"
        "        file.write(str(file.fileno() > 2))\n"
        "    return 3\n"
        "sys.exit(exit_code('p', work))\n"
    )
    (tmp_path / "program.py").write_text(program)
    command = f"exec {sys.executable} program.py <&- >&- 2>&-"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, shell=True, cwd=tmp_path, env=environment).returncode == 3
    assert (tmp_path / "kept").read_text() == "True"


LATTICE = ("--graph", "lattice:6x6", "--no-pictures")
CLOUD = ("--topology", "cloud:20", "--solver", "adam", "--max-steps", "3", "--no-pictures")


@pytest.mark.parametrize(
    ("arguments", "others"),
    [
        ((*LATTICE, "--solver", "newton"), "field.*"),
        ((*LATTICE, "--transient", "1", "--frames", "2"), "transient.pvd"),
        ((*CLOUD,), "diagrams.csv"),
    ],
)
def test_a_file_that_cannot_be_written_costs_only_itself(run, tmp_path, arguments, others):
    pytest.importorskip("pyvista")
    if "--topology" in arguments:
        pytest.importorskip("gudhi")
    for name in ("report.json", "history.csv"):
        (tmp_path / "results" / name).mkdir(parents=True)
    code, said, errors, out = run(*arguments)
    assert code == 2 and len(list(out.glob(others))) == 1
    assert errors == "".join(
        f"meshrep: results/{name} cannot be written: it exists and is not a plain file\n"
        for name in ("report.json", "history.csv")
    )
    assert "wrote results/: " in said and "report.json" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redirected", "code"),
    [("| head -1", 0), ("| true", 0), (">&-", 2), ("2>&-", 0), (">/dev/full", 2),
     ("2>/dev/full", 0), (">/dev/full 2>&1", 2), ("<&- >&- 2>&-", 2)],
)  # fmt: skip
def test_a_run_writes_its_files_whoever_reads(tmp_path, redirected, code):
    if "full" in redirected and not FULL.exists():
        pytest.skip("there is no /dev/full")
    command = f"{sys.executable} -m meshrep --graph lattice:8x8 --solver newton --no-pictures"
    command = f"set -o pipefail; {command} --no-show --out o {redirected}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    report = json.loads((tmp_path / "o" / "report.json").read_text())
    assert report["solvers"][0]["result"] == "converged"
    assert (tmp_path / "o" / "history.csv").exists()
