"""Problems in TOML files: they say what the library says, and mistakes are told with their key."""

from pathlib import Path

import numpy as np
import pytest

import meshrep
from meshrep import InputError
from meshrep.energies.conduction.statement import EXAMPLE, problem_file, read_statement

pv = pytest.importorskip("pyvista")


def block():
    """Tetrahedra in 40 × 20 × 40 mm, of material 1 above and 2 below."""
    grid = pv.ImageData(dimensions=(5, 3, 5), spacing=(10, 10, 10))
    mesh = grid.to_tetrahedra(5, pass_data=False)
    mesh.clear_data()
    mesh.cell_data["MaterialIds"] = np.where(mesh.cell_centers().points[:, 2] < 15, 2, 1)
    return mesh


def written(folder, text):
    path = folder / "part.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_says_what_the_library_says():
    file = Path(meshrep.__file__).parents[1] / "assets" / "bracket.toml"
    assert file.read_text(encoding="utf-8") == EXAMPLE  # which help and the docs show
    mesh = meshrep.load("bracket.vtu")
    read = meshrep.conduction_from(file, mesh)
    said = meshrep.Conduction(
        mesh, {"MaterialIds": {1: 50.0, 2: 0.3}}, source={"MaterialIds": {2: 2e5}},
        capacity={"MaterialIds": {1: 7850.0 * 460.0, 2: 2.1e6}},
        fixed={"z < zmin + 0.001": 80.0},
        convection=[
            ("(nx > 0.9) & (z > 20)", 25.0, 20.0),
            ("(hypot(y - 30, z - 26) < 11.1) & (x <= 10)", 200.0, 15.0),
        ],
        flux=[("y < ymin + 0.001", 1500.0)], radiation=[("nz > 0.9", 0.8, 20.0)],
        kelvin=False, units="mm",
    )  # fmt: skip
    field = said.random_start(1)
    assert read.settings() == said.settings() and read.value(field) == said.value(field)
    assert np.array_equal(read.capacity, said.capacity)


def test_what_the_example_shows_behind_comments_can_be_used(tmp_path):
    lines = [line.removeprefix("#").strip() for line in EXAMPLE.splitlines()]
    assert read_statement(written(tmp_path, "\n".join(lines))).options == {
        "start": "20.0", "transient": "600.0", "method": "backward-euler", "dt": "5.0",
        "frames": "60", "probe": "75,30,10;5,30,38", "out": "out/bracket", "film": "bracket.gif",
    }  # fmt: skip


def test_one_material_arrays_schedules_and_options(tmp_path):
    mesh = block()
    mesh.cell_data["k"] = np.full(mesh.n_cells, 3.0)
    mesh.point_data["T0"] = np.where(mesh.points[:, 0] < 1, 5.0, np.nan)
    path = written(
        tmp_path,
        """
        units = 0.01
        temperatures = "K"
        fixed = "T0"
        start = 300
        materials.all = { k = "k", rho = 2, c = 3 }
        [[convection]]
        where = "ny < -0.9"
        h = 2
        air = { t = [0, 10], value = [20, 80] }
        [[convection]]
        where = "ny > 0.9"
        h = 1
        air = 1
        [transient]
        time = 60
        step = 0.5
        [output]
        folder = "here"
        pictures = false
    """,
    )
    energy = meshrep.conduction_from(path, mesh)
    assert energy.kelvin is True and energy.part.length == 0.01
    assert energy.capacity.sum() == pytest.approx(6 * 0.4 * 0.2 * 0.4)
    assert [schedule.at(5) for schedule in energy.schedules] == [50.0]
    assert read_statement(path).options == {
        "start": "300", "transient": "60", "dt": "0.5", "out": "here", "no_pictures": True,
    }  # fmt: skip


BASE = 'fixed = [{ where = "x == 0", temperature = 1 }]\n'
STEEL = "materials.steel = { k = 50 }\n"


@pytest.mark.parametrize("text, message", [
    ("units = ", "it is no TOML file: Invalid value"),
    (BASE, "it lacks materials"),
    (BASE + STEEL + "unit = 'mm'", "unit is no key here: did you mean units"),
    (BASE + STEEL + "units = 'mile'", "units 'mile' are unknown"),
    (BASE + STEEL + "units = true", "units must be a number, not true or false"),
    (BASE + STEEL + "temperatures = 'F'", 'temperatures must be "°C" or "K"'),
    (BASE + "materials.steel = 3", "materials.steel must be a table"),
    (BASE + "[materials]", "materials holds no material"),
    (BASE + "materials.steel = { rho = 1 }", "materials.steel lacks k"),
    (BASE + "materials.steel = { k = 50, roh = 1 }", "materials.steel.roh .* mean rho"),
    (BASE + "materials.steel = { k = 50, rho = 1 }", "materials.steel lacks c"),
    (BASE + "materials.steel = { k = 5, c = 1, capacity = 1 }", "materials.steel.capacity is ρc"),
    (BASE + "materials.steel = { k = [[1, 0], [0, 1]] }", "materials.steel.k must be a number or"),
    (BASE + "materials.steel = { k = -50 }", "conductivity must be positive"),
    (BASE + STEEL + "materials.rubber = { k = 1, region = 2 }", "materials.steel lacks region"),
    (BASE + "materials.steel = { k = 1, region = 1 }", "it lacks regions, the array of cells"),
    (BASE + "regions = 'Mat'\nmaterials.steel = { k = 1, region = 1 }", "no array of cells called"),
    (BASE + "regions = 'MaterialIds'\nmaterials.steel = { k = 1, region = 1 }",
     "MaterialIds 2 has no value"),
    (STEEL + "fixed = [{ where = 'x == 0' }]", r"fixed\[1\] lacks temperature"),
    (STEEL + "fixed = [{ where = 'x == 0', temperature = 'hot' }]",
     r"fixed\[1\].temperature must be a number, not the text"),
    (STEEL + "fixed = [{ where = 'x == 0', temperature = { t = [0], values = [1] } }]",
     r"fixed\[1\].temperature cannot be used: a value that changes in time is written"),
    (STEEL + "fixed = [{ where = 'x == 0', temperature = nan }]", "must be finite"),
    (STEEL + "fixed = [{ where = 'x == 0', temperature = -300 }]", "below absolute zero"),
    (STEEL + "fixed = 'T0'", "no array of points called .T0."),
    (STEEL + BASE + "[convection]\nh = 3", r"convection must be tables \[\[convection\]\]"),
    (STEEL + BASE + "[[convection]]\nwhere = 'nx > 2'\nh = 3\nair = 2", "satisfies it"),
    (STEEL + BASE + "[transient]\nmethod = 'rk4'", "transient lacks time"),
    (STEEL + BASE + "[transient]\ntime = 1\nprobes = [[1, 2]]", "transient.probes must be points"),
    (STEEL + BASE + "[output]\npictures = 1", "output.pictures must be true or false"),
])  # fmt: skip
def test_a_mistake_is_one_sentence_with_the_file_and_the_key(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=f"^{path}: .*{message}") as caught:
        meshrep.conduction_from(path, block())
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there_or_no_text_are_told(tmp_path):
    for name, content, message in (
        ("none.toml", None, "there is no such file"),
        ("bytes.toml", b"\xff\xfe", "no text in UTF-8"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            meshrep.conduction_from(tmp_path / name, block())
    block().save(tmp_path / "part.vtu")
    with pytest.raises(InputError, match=r"there is no part.toml beside it"):
        problem_file(str(tmp_path / "part.vtu"))
    beside = written(tmp_path, EXAMPLE)
    assert problem_file(str(tmp_path / "part.vtu")) == beside
    with pytest.raises(InputError, match=r"is a .toml file"):
        problem_file("", "part.vtu")


def test_flows_in_time_need_a_capacity(tmp_path):
    energy = meshrep.conduction_from(written(tmp_path, BASE + STEEL), block())
    with pytest.raises(InputError, match=r"needs the capacity ρc"):
        _ = energy.capacity
