"""What stands on the command line takes effect or is refused, and what is missing is said."""

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from meshrep.cli import declared
from meshrep.cli.declared import flag
from meshrep.cli.options import parse, parser
from meshrep.energies.catalogue import known_energies
from meshrep.errors import InputError
from meshrep.solving.catalogue import known_solvers

ROOT = Path(__file__).parents[2]
LATTICE = ("--graph", "lattice:8x8")
TRANSIENT = ("--transient", "2")
BARE = ("--no-pictures", "--solver", "newton")
VALUES = {"hot": "0", "cold": "5", "solver": "newton", "compare": "adam,newton",
          "optimiser": "adam", "set": "degree=3", "window": "0.1,2"}  # fmt: skip


def typed(setting):
    """An option with a value that it takes."""
    if setting.kind is bool:
        return [flag(setting.name)]
    value = VALUES.get(setting.name) or next(iter(setting.choices), "0.3")
    return [flag(setting.name), "3" if setting.kind is int else value]


def refused(code, errors, out, words):
    assert code == 2 and errors.startswith(f"meshrep: {words}") and errors.count("\n") == 1
    assert not out.exists()


HEAT = known_energies()["heat"].options
CROSSED = [
    (energy, setting)
    for energy in known_energies().values()
    for owner in known_energies().values()
    for setting in owner.options
    if setting.name not in {own.name for own in energy.settings}
]


@pytest.mark.parametrize(
    ("energy", "setting"), CROSSED, ids=[f"{e.name}-{s.name}" for e, s in CROSSED]
)
def test_options_of_one_energy_are_refused_with_another(energy, setting):
    chosen = [] if energy.name == "heat" else [f"--{energy.name}"]
    with pytest.raises(InputError) as caught:
        parse([*LATTICE, *chosen, *typed(setting)])
    said = str(caught.value)
    assert said.startswith(f"{flag(setting.name)} ") and "\n" not in said
    assert "is for heat" in said or "needs --" in said


def test_two_energies_are_refused():
    with pytest.raises(InputError, match="choose one of --kuramoto and --topology"):
        parse([*LATTICE, "--kuramoto", "--topology"])


def test_heats_defaults_are_those_of_the_library(run):
    code, _, errors, out = run(*LATTICE, *BARE)
    assert code == 0, errors
    problem = json.loads((out / "report.json").read_text())["problem"]
    for setting in HEAT:
        if setting.default is not None and setting.name in problem:
            assert problem[setting.name] == setting.default, setting.name
    assert (problem["t_hot"], problem["t_cold"], problem["power"]) == (1, 0, 4)


def test_a_zero_is_given_too(run):
    code, said, errors, _ = run(*LATTICE, *BARE, "--t-hot", "0", "--t-cold", "-2")
    assert code == 0 and "hot nodes at 0," in said and "cold at -2 " in said, errors


@pytest.mark.parametrize("setting", declared.OF_MINIMISING, ids=lambda setting: setting.name)
def test_solvers_options_are_refused_in_time(run, setting):
    code, _, errors, out = run(*LATTICE, *TRANSIENT, *typed(setting))
    refused(code, errors, out, f"{flag(setting.name)} is for minimising")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--frames", "40"), "--frames needs --transient T"),
        (("--method", "rk4"), "--method needs --transient T"),
        (("--dt", "0.1", "--kuramoto"), "--dt needs --transient T"),
        ((*TRANSIENT, "--dt", "0.1", "--method", "bdf"), "--dt is the step of rk4, backward"),
        (("--hot", "0", "--share", "0.2"), "--share is for baths that are not named"),
        (("--strength", "2", "--kind", "dirichlet"), "--strength is for soft baths"),
        (("--topology", "--penalty", "tether", "--bound", "1"), "--bound is for the box"),
        (("--topology", "--penalty", "none", "--strength", "1"), "--strength belongs to a penalty"),
        (("--hopf-kuramoto", "printed", "--c", "1"), "--c is no part of the printed loss"),
        (("--kuramoto", "--omega", "normal"), "--omega needs --transient T"),
        (("--arrows",), "--arrows draws phases, and heat has none"),
        (("--topology", "--diagnose"), "--diagnose is for heat and phases"),
        (("--kuramoto", "--simplify", "0.1"), "--simplify is for heat"),
    ],
)
def test_what_would_do_nothing_is_refused(run, arguments, words):
    code, _, errors, out = run(*LATTICE, *arguments)
    refused(code, errors, out, words)


def test_every_value_is_read_by_its_declaration():
    """What a declaration does not take is refused with the option as it is typed."""
    for setting in declared.ALL:
        if setting.kind in (int, float):
            with pytest.raises(InputError, match=f"{flag(setting.name)} must be .*not 'x'"):
                parse(["--graph", "ring:5", flag(setting.name), "x"])


def test_options_are_frozen():
    options = parse([*LATTICE, "--t-hot", "3", "--set", "degree=4"])
    assert options.posed.options["t_hot"] == 3.0 and options.solving.settings["degree"] == "4"
    for part in (options, options.posed, options.solving, options.output):
        name = dataclasses.fields(part)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, name, None)
    with pytest.raises(TypeError):
        options.posed.options["t_hot"] = 4.0


@pytest.mark.parametrize("restarts", [None, 2])
def test_the_report_says_how_many_restarts(run, restarts):
    asked = () if restarts is None else ("--restarts", restarts)
    code, _, errors, out = run(*LATTICE, "--kuramoto", *BARE, *asked)
    assert code == 0, errors
    assert json.loads((out / "report.json").read_text())["problem"]["restarts"] == (restarts or 1)


# Settings of solvers


def test_settings_of_solvers_take_effect(run):
    code, said, errors, _ = run(
        *LATTICE, "--no-pictures", "--compare", "spectral,adam,newton", "--max-steps", "20",
        "--set", "degree=3", "--set", "lr=0.05",
    )  # fmt: skip
    assert code == 0 and "spectral" in said, errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--solver", "spectral", "--set", "depth=3"), "--set depth: spectral has degree"),
        (("--solver", "newton", "--set", "degree=3"), "--set degree: newton has no settings"),
        (("--solver", "spectral", "--set", "degree=0"), "degree must be a whole number, 1 or mo"),
        (("--solver", "spectral", "--set", "degree=x"), "degree must be a whole number"),
        (("--solver", "spectral", "--set", "=3"), "--set is NAME=VALUE as in"),
        (("--set", "degree=3"), "--set degree: gcn, adam, gd, lbfgs, newton, rk4 has lr"),
        (("--solver", "spctral"), "unknown solver 'spctral': did you mean spectral?"),
    ],
)
def test_settings_that_no_solver_has_are_refused(run, arguments, words):
    code, _, errors, out = run(*LATTICE, *arguments)
    assert code == 2 and errors.startswith(f"meshrep: {words}") and errors.count("\n") == 1
    assert not list(out.glob("*"))


# Help


def shown(run, *words):
    code, said, errors, _ = run("--help", *words)
    assert code == 0 and errors == ""
    return said


def test_the_first_page_fits_a_screen(run):
    said = shown(run)
    assert len(said.splitlines()) <= 40 and max(map(len, said.splitlines())) <= 120
    for word in ("--bath", "--kuramoto", "--topology", "--solver", "--set", "--out", "examples"):
        assert word in said


@pytest.mark.parametrize("topic", ["heat", "phases", "topology", "time", "solvers", "pictures"])
def test_every_option_stands_on_the_page_of_its_topic(run, topic):
    said = shown(run, topic)
    for energy in known_energies().values():
        if energy.topic == topic:
            assert energy.equation in said
            assert all(flag(option.name) in said for option in energy.options)
    for name, settings in (("time", declared.FLOW), ("pictures", declared.OUTPUT),
                           ("solvers", declared.SOLVERS)):  # fmt: skip
        assert name != topic or all(flag(setting.name) in said for setting in settings)
    assert topic != "solvers" or all(name in said for name in known_solvers())


def test_every_solver_has_a_page_with_its_settings(run):
    for solver in known_solvers().values():
        said = shown(run, solver.name)
        assert said.startswith(f"{solver.name}: ")
        assert all(f"--set {setting.name}=" in said for setting in solver.settings)


def test_help_on_what_there_is_not_is_one_sentence(run):
    code, _, errors, _ = run("--help", "spectrl")
    assert code == 2 and "no help on 'spectrl': did you mean spectral?" in errors


def test_options_are_hinted_at(run):
    for word, near in (("--t-hott", "--t-hot"), ("--solvr", "--solver"), ("--kurmoto", "--kur")):
        code, _, errors, _ = run(*LATTICE, word, "3")
        assert code == 2 and f"did you mean {near}" in errors


# Values that begin with a minus


def parser_of_sweeps():
    script = ROOT / "scripts" / "phase_diagram.py"
    spec = importlib.util.spec_from_file_location("phase_diagram", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.parser()


@pytest.mark.parametrize("make", [parser, parser_of_sweeps])
@pytest.mark.parametrize("text", ["-1", "-1e-3", "-1E+2", "-.5", "-inf", "-nan"])
def test_negative_numbers_are_values(make, text):
    options = make().parse_args(["--graph", "ring:5", "--s1", text, "--quiet"])
    assert options.s1 == text and options.quiet


@pytest.mark.parametrize("text", ["-1:1:9", "-1e-3,-.5", "-.5:0:2"])
def test_lists_of_numbers_may_begin_with_a_minus(text):
    options = parser_of_sweeps().parse_args(["--s1", text, "--s2", text, "--quiet"])
    assert options.s1 == options.s2 == text and options.quiet


def test_what_is_no_value_stays_apart():
    top = parser()
    assert top.joined(["--kuramoto", "-2", "--s1", "-h"]) == ["--kuramoto=-2", "--s1=-h"]
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


@pytest.mark.slow
@pytest.mark.parametrize("way", [TRANSIENT, ("--solver", "newton")])
def test_without_matplotlib_the_rest_is_written(tmp_path, way):
    pytest.importorskip("PIL")
    done = without(["matplotlib"], [*way, "--film", "x.gif"], tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "pictures need matplotlib" in done.stdout and "no film: matplotlib" in done.stdout
    names = {path.name for path in (tmp_path / "o").iterdir()}
    assert {"report.json", "history.csv"} <= names and not any(n.endswith(".png") for n in names)
    assert not (tmp_path / "x.gif").exists()


@pytest.mark.slow
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
    from meshrep.cli import options

    monkeypatch.setattr(options, "find_spec", lambda package: package != module or None)
    code, said, errors, out = run(*LATTICE, *TRANSIENT, "--film", f"x{suffix.upper()}")
    refused(code, errors, out, f"{name} is needed to write {suffix} films")
    assert said == ""


@pytest.mark.parametrize("way", [TRANSIENT, ("--solver", "newton")])
def test_no_pictures(run, way):
    code, _, errors, out = run(*LATTICE, *way, "--no-pictures")
    assert code == 0, errors
    assert (out / "history.csv").is_file() and not list(out.rglob("*.png"))
