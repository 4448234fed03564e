"""Named solvers: each is one declaration, from which everything else derives."""

import re
import sys

import numpy as np
import pytest
from problems_of_tests import heat, phases

import meshrep
from meshrep import InputError, NamedSolver, Solver
from meshrep.cli.main import main
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.solving import catalogue, named
from meshrep.solving.catalogue import known_solvers, named_solver, solver_named

NEW = """
from meshrep import LBFGS, NamedSolver, Setting, Solver

MEMORY = Setting("memory", int, "steps that are remembered", default=4, least=1)
SOLVERS = (
    NamedSolver(
        "lbfgs-short", "L-BFGS that remembers few steps.", "When memory is short.",
        lambda energy, memory=4: Solver(LBFGS(memory=memory)), (MEMORY,), "curvature",
    ),
)
"""


@pytest.fixture
def one_more_file(tmp_path, monkeypatch):
    """A file beside those of the named solvers, which adds one."""
    (tmp_path / "short.py").write_text(NEW, encoding="utf-8")
    monkeypatch.setattr(named, "__path__", [*named.__path__, str(tmp_path)])
    yield "lbfgs-short"
    sys.modules.pop("meshrep.solving.named.short", None)


def test_a_solver_is_added_by_one_file(one_more_file):
    energy = heat("lattice:8x8")
    assert one_more_file in known_solvers()
    solution = meshrep.solve(energy, one_more_file, memory=3)
    assert solution.solver == one_more_file and solution.composed.minimiser.memory == 3
    assert meshrep.compare(energy, [one_more_file, "newton"])[one_more_file].energy > 0
    with pytest.raises(InputError, match="did you mean lbfgs-short"):
        meshrep.solve(energy, "lbfgs-shrt")
    with pytest.raises(InputError, match=r"known are auto, .*lbfgs-short"):
        meshrep.solve(energy, "zzz")
    with pytest.raises(InputError, match="lbfgs-short has no setting 'degree': it has memory"):
        meshrep.solve(energy, one_more_file, degree=3)
    with pytest.raises(InputError, match="memory must be a whole number, 1 or more, not 0"):
        meshrep.solve(energy, one_more_file, memory=0)


def test_a_solver_is_registered_from_outside(monkeypatch):
    monkeypatch.setattr(catalogue, "_registered", {})
    mine = NamedSolver("mine", "L-BFGS.", "Never.", lambda energy: Solver(LBFGS()))
    meshrep.register(mine)
    assert meshrep.solve(heat("lattice:6x6"), "mine").solver == "mine"
    assert list(known_solvers())[-1] == "mine"
    meshrep.register(mine)  # the same one again is no clash
    for taken in ("mine", "newton", "auto"):
        with pytest.raises(InputError, match="choose another name"):
            meshrep.register(NamedSolver(taken, "", "", lambda energy: Solver(LBFGS())))


def test_every_declaration_is_complete_and_builds():
    for name, solver in known_solvers().items():
        assert solver.name == name and solver.group in catalogue.GROUPS
        for text in (solver.sentence, solver.when):
            assert text[0].isupper() or text[0].islower()
            assert text.endswith(".") and "\n" not in text, name
        settings = [setting.name for setting in solver.settings]
        assert len(settings) == len(set(settings))
        if not all(map(meshrep.solving.catalogue.installed, solver.needs)):
            continue
        for setting in solver.settings:
            assert setting.help and setting.values and setting.default_in_words
            if setting.default is not None:
                assert setting.check(setting.default) == setting.default


@pytest.mark.parametrize("name", [n for n in known_solvers() if not n.endswith("-torch")])
def test_defaults_are_what_is_built_without_settings(name):
    """The default that a declaration shows is the one in force."""
    solver, energy = named_solver(name), heat("lattice:6x6")

    def parts(**settings):
        stage = solver.solver(energy, **settings)
        made = [vars(stage.minimiser), vars(stage.parametrization), stage.stopping]
        return re.sub("0x[0-9a-f]+", "", repr(made))  # addresses of objects within

    plain = parts()
    for setting in solver.settings:
        if setting.default is not None:
            assert parts(**{setting.name: setting.default}) == plain, setting.name


def test_a_comparison_gives_settings_to_those_that_have_them():
    energy = heat("lattice:8x8")
    rows = meshrep.compare(energy, ["spectral", "newton", "adam"], degree=3, lr=0.05)
    assert rows["spectral"].composed.parametrization.degree == 3
    assert rows["adam"].composed.minimiser.lr == 0.05
    with pytest.raises(InputError, match="spectral, newton has no setting 'depth': it has degree"):
        meshrep.compare(energy, ["spectral", "newton"], depth=3)


def test_what_stands_for_a_solver():
    energy = heat("lattice:8x8")
    least = meshrep.solve(energy, "newton").energy
    for solver in (None, "auto", Solver(LBFGS()), LBFGS(), LBFGS, named_solver("lbfgs")):
        found = meshrep.solve(energy) if solver is None else meshrep.solve(energy, solver)
        assert found.energy == pytest.approx(least, rel=1e-8)
    assert meshrep.solve(energy, LBFGS, memory=3).composed.minimiser.memory == 3
    for wrong in (3, object()):
        with pytest.raises(InputError, match="is not a solver: give a name"):
            meshrep.solve(energy, wrong)
    with pytest.raises(InputError, match="memory only apply to a solver given by name"):
        meshrep.solve(energy, LBFGS(), memory=3)


def test_auto_and_comparisons_ask_the_energy():
    energy = phases("Kuramoto")
    assert energy.auto_solver[0] == "lift" and "lift" in catalogue.compared(energy)
    assert heat("ring:8").auto_solver[0] == "lbfgs-newton"
    solution = meshrep.solve(energy)
    assert solution.solver == "lift" and "auto chose lift" in solution.notes[0]

    class Mine(meshrep.FunctionEnergy):
        auto_solver = "gd", "it says so itself"
        compared_solvers = "gd", "adam"

    mine = Mine(heat("ring:8").graph, lambda w: (float(w @ w), 2 * w))
    assert meshrep.solve(mine).notes[0] == "auto chose gd: it says so itself"
    assert [row.solver for row in meshrep.compare(mine).rows] == ["gd", "adam"]
    np.testing.assert_allclose(meshrep.solve(mine).field, 0, atol=1e-6)


def test_an_optimiser_of_torch_is_named_or_given_as_a_class():
    torch = pytest.importorskip("torch")
    energy = heat("lattice:6x6")
    ends = [
        meshrep.solve(energy, solver, max_steps=50, lr=0.05).energy
        for solver in ("rmsprop-torch", torch.optim.RMSprop, "torch.optim:RMSprop")
    ]
    assert ends[0] == ends[1] == ends[2]
    assert solver_named("adam-torch", energy, layout="square").minimiser.layout == "square"


def test_a_solver_of_one_file_stands_in_the_help(one_more_file, capsys):
    assert main(["--help", "solvers"]) == 0
    assert one_more_file in capsys.readouterr().out
    assert main(["--help", one_more_file]) == 0
    said = capsys.readouterr().out
    assert "L-BFGS that remembers few steps." in said and "--set memory=N" in said
    assert main(["--graph", "ring:8", "--solver", one_more_file, "--set", "degree=2"]) == 2
    assert f"--set degree: {one_more_file} has memory" in capsys.readouterr().err
