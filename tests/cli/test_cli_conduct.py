"""--conduct: a problem of conduction from a file beside the mesh, by solvers and in time."""

import json
import re

import numpy as np
import pytest

from meshrep.cli.main import main
from meshrep.cli.options import parse

pv = pytest.importorskip("pyvista")

PROBLEM = """
units = "mm"
materials.steel = { k = 50, rho = 7850, c = 460 }
fixed = [{ where = "nx < -0.9", temperature = 100 }]
convection = [{ where = "x > xmax - 1", h = 1000, air = 20 }]
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with bar.vtu, of 100 × 10 × 10 mm, and bar.toml."""
    grid = pv.ImageData(dimensions=(5, 2, 2), spacing=(25, 10, 10))
    grid.to_tetrahedra(5, pass_data=False).save(tmp_path / "bar.vtu")
    (tmp_path / "bar.toml").write_text(PROBLEM, encoding="utf-8")
    return tmp_path


def run(folder, *words):
    return main([str(folder / "bar.vtu"), *words, "--no-show", "--out", str(folder / "out")])


def test_the_file_beside_the_mesh_is_solved_and_written(folder, capsys):
    assert run(folder, "--conduct", "--compare", "newton,lbfgs", "--no-pictures") == 0
    said = capsys.readouterr().out
    assert "nodes held, as" in said and "bar.toml" in said and "fixed 'nx < -0.9'" in said
    mesh = pv.read(folder / "out" / "field.vtu")
    flux = 80 / (0.1 / 50 + 1 / 1000)
    wanted = 100 - flux / 50 * 1e-3 * mesh.points[:, 0]
    for name in ("temperature_newton", "temperature_lbfgs"):
        np.testing.assert_allclose(mesh[name], wanted, atol=1e-3)
    np.testing.assert_allclose(mesh["heat_flux"], [[flux, 0, 0]] * mesh.n_cells, atol=1e-2 * flux)
    for data, name, symbol in (
        (mesh.GetPointData(), "temperature_newton", "°C"), (mesh.GetCellData(), "heat_flux", "W/m²")
    ):  # fmt: skip
        array = data.GetArray(name)
        assert array.GetInformation().Get(array.UNITS_LABEL()) == symbol
    report = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["problem"]["conditions"] == ["fixed 'nx < -0.9'", "convection 'x > xmax - 1'"]


def test_answers_and_a_coarse_mesh_are_told(folder, capsys):
    halves = pv.ImageData(dimensions=(3, 2, 2), spacing=(50, 10, 10))
    halves.to_tetrahedra(5, pass_data=False).save(folder / "bar.vtu")
    warm = PROBLEM.replace("k = 50", "k = 0.5") + "source = 2e7\n"
    (folder / "warm.toml").write_text(warm, encoding="utf-8")
    words = ["--conduct", str(folder / "warm.toml"), "--solver", "newton", "--no-pictures"]
    assert run(folder, *words) == 0
    said = capsys.readouterr().out
    assert re.search(r"heat in, source +200 W\n", said)
    assert "warning: the mesh is coarse for this temperature" in said
    report = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))
    answers = {answer["name"]: answer for answer in report["answers"]}
    assert answers["heat in, source"]["value"] == pytest.approx(200)
    assert answers["highest temperature"]["unit"] == "°C"
    assert "coarse" in report["remarks"][0]
    assert pv.read(folder / "out" / "field.vtu")["heat_flux_error"].min() > 0
    timed = PROBLEM + "start = 20\n[transient]\ntime = 60\nframes = 3\n"
    (folder / "timed.toml").write_text(timed, encoding="utf-8")
    assert run(folder, "--conduct", str(folder / "timed.toml"), "--no-pictures") == 0
    assert "at t = 60 s:" in capsys.readouterr().out
    report = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["answers"][-1]["name"] == "largest heat flux"


def test_a_transient_of_the_file_is_followed_unless_a_solver_is_typed(folder):
    timed = PROBLEM + "start = 20\n[transient]\ntime = 60\nframes = 3\n[output]\npictures = false\n"
    (folder / "timed.toml").write_text(timed, encoding="utf-8")
    words = [str(folder / "bar.vtu"), "--conduct", str(folder / "timed.toml")]
    options = parse(words)
    assert options.flow.time == 60 and options.flow.settings["frames"] == 3
    assert options.posed.start == "20" and not options.output.pictures
    assert parse([*words, "--frames", "7"]).flow.settings["frames"] == 7
    steady = parse([*words, "--solver", "newton"])
    assert steady.flow is None and "transient is left out" in steady.posed.said[0]
    assert run(folder, "--conduct", str(folder / "timed.toml")) == 0
    assert len(list((folder / "out" / "transient").iterdir())) == 4


@pytest.mark.parametrize("text, words, message", [
    ("k = ", [], "bar.toml: it is no TOML file"),
    (PROBLEM.replace("k = 50", "k = 0"), [], "bar.toml: conductivity must be positive"),
    (PROBLEM.replace("nx < -0.9", "nx < -1.9"), [], "no boundary face of bar satisfies it"),
    (PROBLEM.split("fixed")[0], [], "nothing decides the temperature"),
    (PROBLEM.replace("where", "were"), [], r"bar.toml: fixed[1].were is no key here"),
    (PROBLEM, ["--transient", "1", "--solver", "newton"], "--transient integrates instead"),
    (PROBLEM, ["--kind", "dirichlet"], "--kind is for heat"),
    (PROBLEM, ["--bath"], "--bath is for heat"),
    (PROBLEM + "[transient]\ntime = 1\nmethod = 'euler'", [], "--method must be one of"),
    (None, [], "there is no bar.toml beside it"),
])  # fmt: skip
def test_mistakes_are_one_sentence_and_exit_code_2(folder, capsys, text, words, message):
    (folder / "bar.toml").unlink()
    if text is not None:
        (folder / "bar.toml").write_text(text, encoding="utf-8")
    assert run(folder, "--conduct", *words) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1 and message in errors[0]


def test_help_shows_the_file_of_a_problem(capsys):
    assert main(["--help", "conduct"]) == 0
    assert "[[convection]]" in capsys.readouterr().out
