"""What stands on the command line takes effect or is refused, and what is missing is said."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from meshrep.cli.arguments import parser
from meshrep.cli.problems import HeatChoices
from meshrep.cli.rules import HEAT_ONLY, OF_SOLVERS
from meshrep.errors import InputError

ROOT = Path(__file__).parents[2]
LATTICE = ("--graph", "lattice:8x8")
TRANSIENT = ("--transient", "2")
BARE = ("--no-pictures", "--solver", "newton")
VALUES = {
    "bath": "ends", "hot": "0", "cold": "5", "power": "2", "share": "0.2",
    "bath_kind": "dirichlet", "t_hot": "0", "t_cold": "0", "strength": "3", "laplacian": "cotan",
    "unbathed": "hold", "solver": "newton", "compare": "adam,newton", "device": "cpu",
    "dtype": "float64", "propagation": "sym", "network_start": "shared", "switch": "auto",
    "readout": "value", "momentum": "0", "form": "average", "adaptive": None, "series": "right",
    "layout": "square", "optimiser": "adam",
}  # fmt: skip


def typed(name):
    """An option with a value that it takes."""
    value = VALUES.get(name, "3")
    return [f"--{name.replace('_', '-')}", *([] if value is None else [value])]


def refused(code, errors, out, words):
    assert code == 2 and errors.startswith(f"meshrep: {words}") and errors.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("name", HEAT_ONLY)
def test_heats_options_are_refused_with_phases(run, name):
    flag = typed(name)[0]
    for physics in ("--kuramoto", "--xy-glass", "--hopf-kuramoto"):
        code, _, errors, out = run(*LATTICE, physics, *typed(name))
        refused(code, errors, out, f"{flag} is for heat")
        why = "--kuramoto K" if name == "strength" else f"is for heat and not for {physics}"
        assert why in errors


def test_heats_defaults_are_those_of_the_library(run):
    code, _, errors, out = run(*LATTICE, *BARE)
    assert code == 0, errors
    problem = json.loads((out / "report.json").read_text())["problem"]
    plain = HeatChoices()
    assert problem["strength"] == plain.strength and problem["laplacian"] == plain.laplacian
    assert (problem["t_hot"], problem["t_cold"]) == (plain.t_hot, plain.t_cold) == (1, 0)
    assert problem["kind"] == "quartic" and problem["power"] == 4


def test_a_zero_is_given_too(run):
    code, said, errors, _ = run(*LATTICE, *BARE, "--t-hot", "0", "--t-cold", "-2")
    assert code == 0 and "hot nodes at 0," in said and "cold at -2 " in said, errors


@pytest.mark.parametrize("name", ["solver", "compare", "optimiser", *OF_SOLVERS])
def test_solvers_options_are_refused_in_time(run, name):
    code, _, errors, out = run(*LATTICE, *TRANSIENT, *typed(name))
    refused(code, errors, out, f"{typed(name)[0]} is for minimising")


def test_no_setting_of_solvers_is_forgotten():
    """Every option of the groups about solving is one that a transient refuses, or uses."""
    groups = {group.title: group for group in parser()._action_groups}
    solving = [
        action.dest
        for title in ("solving", "settings of single solvers")
        for action in groups[title]._group_actions
    ]
    beside = {"solver", "compare", "optimiser", "no_reorder", "start", "seed"}
    assert set(solving) == {*beside, *OF_SOLVERS}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--frames", "40"), "--frames needs --transient T"),
        (("--method", "rk4"), "--method needs --transient T"),
        (("--dt", "0.1", "--kuramoto"), "--dt needs --transient T"),
        ((*TRANSIENT, "--dt", "0.1", "--method", "bdf"), "--dt is the step of rk4, and bdf"),
        (("--hot", "0", "--share", "0.2"), "--share is for baths that are not named"),
        (("--strength", "2", "--bath-kind", "dirichlet"), "--strength is for soft baths"),
    ],
)
def test_what_would_do_nothing_is_refused(run, arguments, words):
    code, _, errors, out = run(*LATTICE, *arguments)
    refused(code, errors, out, words)


@pytest.mark.parametrize("restarts", [None, 2])
def test_the_report_says_how_many_restarts(run, restarts):
    asked = () if restarts is None else ("--restarts", restarts)
    code, _, errors, out = run(*LATTICE, "--kuramoto", *BARE, *asked)
    assert code == 0, errors
    assert json.loads((out / "report.json").read_text())["problem"]["restarts"] == (restarts or 1)


# Values that begin with a minus


def parser_of_sweeps():
    script = ROOT / "scripts" / "phase_diagram.py"
    spec = importlib.util.spec_from_file_location("phase_diagram", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.parser()


@pytest.mark.parametrize("make", [parser, parser_of_sweeps])
@pytest.mark.parametrize("text", ["-1", "-1e-3", "-1E+2", "-.5", "-inf", "-nan"])
def test_negative_numbers_of_every_option(make, text):
    top = make()
    numeric = [action for action in top._actions if action.type in (int, float)]
    assert {"c", "seed"} < {action.dest for action in numeric}
    for action in numeric:
        flag = action.option_strings[0]
        words = ["--graph", "ring:5", flag, text, "--quiet"]
        try:
            wanted = action.type(text)
        except ValueError:
            said = re.escape(f"argument {flag}: invalid int value: '{text}'")
            with pytest.raises(InputError, match=said):
                top.parse_args(words)
            continue
        options = top.parse_args(words)
        np.testing.assert_equal(getattr(options, action.dest), wanted)
        assert options.quiet


@pytest.mark.parametrize("text", ["-1:1:9", "-1e-3,-.5", "-.5:0:2"])
def test_lists_of_numbers_may_begin_with_a_minus(text):
    options = parser_of_sweeps().parse_args(["--s1", text, "--s2", text, "--quiet"])
    assert options.s1 == options.s2 == text and options.quiet


def test_what_is_no_value_stays_apart():
    top = parser()
    assert top.joined(["--kuramoto", "-2", "--s1", "-h"]) == ["--kuramoto=-2", "--s1", "-h"]
    assert top.joined(["--quiet", "-3", "x", "-4"]) == ["--quiet", "-3", "x", "-4"]
    assert top.joined(["--s1", "--s2", "-4"]) == ["--s1", "--s2=-4"]
    assert top.joined(["--s1=2", "-3", "--", "--s1", "-3"]) == ["--s1=2", "-3", "--", "--s1", "-3"]
    assert top.parse_args(["--kuramoto", "--", "-file.obj"]).input == "-file.obj"
    with pytest.raises(InputError, match="--s1: expected one argument"):
        top.parse_args(["--s1", "--quiet"])


def test_a_small_negative_coupling_runs(run):
    code, said, errors, _ = run(
        *LATTICE, "--hopf-kuramoto", "--s1", "-1e-3", "--c", "-2E0", *BARE[1:], "--no-pictures"
    )
    assert code == 0 and "s1 = -0.001, s2 = 0.5, c = -2" in said, errors
    code, said, errors, _ = run(*LATTICE, "--kuramoto", "-1.5e0", *BARE)
    assert code == 0 and "K = -1.5" in said, errors


# Packages that are not there


def without(packages, arguments, folder):
    """The program in a process that cannot import the packages."""
    code = f"import sys; sys.modules.update(dict.fromkeys({packages})); " \
           "from meshrep.cli.main import main; sys.exit(main())"  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", code, *LATTICE, *arguments, "--no-show", "--out", "o"],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.parametrize("way", [TRANSIENT, ("--solver", "newton")])
def test_without_matplotlib_the_rest_is_written(tmp_path, way):
    pytest.importorskip("PIL")
    done = without(["matplotlib"], [*way, "--film", "x.gif"], tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "pictures need matplotlib" in done.stdout and "no film: matplotlib" in done.stdout
    names = {path.name for path in (tmp_path / "o").iterdir()}
    assert {"report.json", "history.csv"} <= names and not any(n.endswith(".png") for n in names)
    assert not (tmp_path / "x.gif").exists()


def test_without_pyvista_a_transient_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    done = without(["pyvista"], [*TRANSIENT, "--frames", "3"], tmp_path)
    assert done.returncode == 0 and "frames need pyvista" in done.stdout, done.stderr
    names = {path.name for path in (tmp_path / "o").iterdir()}
    assert names == {"report.json", "history.csv", "field.png", "trajectory.png"}


@pytest.mark.parametrize(
    ("suffix", "module", "name"),
    [(".mp4", "imageio_ffmpeg", "imageio_ffmpeg"), (".gif", "PIL", "pillow"),
     (".webp", "PIL", "pillow"), (".png", "PIL", "pillow")],
)  # fmt: skip
def test_a_film_that_nothing_can_write_is_refused_at_once(run, monkeypatch, suffix, module, name):
    from meshrep.cli import rules as option_rules

    monkeypatch.setattr(option_rules, "find_spec", lambda package: package != module or None)
    code, said, errors, out = run(*LATTICE, *TRANSIENT, "--film", f"x{suffix.upper()}")
    refused(code, errors, out, f"{name} is needed to write {suffix} films")
    assert said == ""


@pytest.mark.parametrize("way", [TRANSIENT, ("--solver", "newton")])
def test_no_pictures(run, way):
    code, _, errors, out = run(*LATTICE, *way, "--no-pictures")
    assert code == 0, errors
    assert (out / "history.csv").is_file() and not list(out.rglob("*.png"))
