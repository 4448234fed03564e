"""Regions and conditions by the names of groups of cells, as meshers write them."""

import numpy as np
import pytest

import meshrep
from meshrep.errors import InputError

meshio = pytest.importorskip("meshio")

POINTS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1.0]])
CELLS = [("tetra", np.array([[0, 1, 2, 3], [1, 2, 3, 4]])), ("triangle", np.array([[0, 1, 2]]))]
NUMBERS = {"gmsh:physical": [np.array([1, 2]), np.array([7])],
           "gmsh:geometrical": [np.array([1, 2]), np.array([3])]}  # fmt: skip
NAMES = {"steel": np.array([1, 3]), "hot rubber": np.array([2, 3]), "inlet": np.array([7, 2])}
MATERIALS = {"steel": 50.0, "hot rubber": 0.3}


@pytest.fixture
def file(tmp_path):
    mesh = meshio.Mesh(POINTS, CELLS, cell_data=NUMBERS, field_data=NAMES)
    meshio.write(tmp_path / "part.msh", mesh, file_format="gmsh22", binary=False)
    return tmp_path / "part.msh"


def test_physical_groups_of_gmsh_are_regions_and_patches(file, tmp_path):
    graph = meshrep.load(file)
    energy = meshrep.Conduction(
        graph, MATERIALS, fixed={"inlet": 1.0},
        source={"hot rubber": meshrep.Schedule([0, 1], [3, 5])},
    )  # fmt: skip
    by_number = meshrep.Conduction(
        graph, {"gmsh:physical": {1: 50.0, 2: 0.3}}, fixed={"'gmsh:physical' == 7": 1.0},
        source={"gmsh:physical": {2: 3.0}},
    )  # fmt: skip
    field = meshrep.solve(energy).field
    assert np.allclose(field, meshrep.solve(by_number).field, rtol=1e-12)
    heat = energy.heat_through(field)
    assert heat["fixed 'inlet'"] == pytest.approx(-1.0)  # 3 W/m³ in a third of a cubic metre
    assert energy.at(1.0).heat_through(field)["source"] == pytest.approx(5 / 3)
    (tmp_path / "part.toml").write_text(
        '[materials.a]\nregion = "steel"\nk = 50\n[materials.b]\nregion = ["hot rubber"]\nk = 0.3\n'
        'source = 3\n[[fixed]]\nwhere = "inlet"\ntemperature = 1\n'
    )
    stated = meshrep.conduction_from(tmp_path / "part.toml", graph)
    assert np.allclose(meshrep.solve(stated).field, field, rtol=1e-12)


def test_sets_of_meshio_are_groups():
    sets = {"core": [np.array([0]), np.zeros(0, dtype=int)], "gmsh:entity": [None, None]}
    mesh = meshio.Mesh(POINTS, CELLS, point_sets={"left": np.array([0, 2, 3])}, cell_sets=sets)
    origin = meshrep.Graph.of(mesh).origin
    assert origin.cell_data["core"].tolist() == [True, False, False]
    assert origin.point_data["left"].tolist() == [True, False, True, True, False]
    assert "gmsh:entity" not in origin.cell_data


@pytest.mark.parametrize(
    ("conductivity", "message"),
    [
        ({"steel": 50.0}, "cell 1 is in none of the groups steel: each cell needs one"),
        ({"steel": 50.0, "stel": 1.0}, "no array of cells called 'stel'"),
        ({"steel": 50.0, "gmsh:physical": 1.0}, "'gmsh:physical' is no group of cells"),
        ({"steel": 50.0, "twice": 1.0}, "cell 0 is in 'steel' and in 'twice'"),
        ({"steel": 50.0, "none": 1.0}, "no cell is in 'none'"),
        ({"steel": "x", "hot rubber": 1.0}, "a str is no number"),
        ({"steel": [1.0, 2.0], "hot rubber": 1.0}, "region 'steel' needs one number"),
    ],
)
def test_a_mistake_with_groups_is_one_sentence(conductivity, message):
    extra = {"twice": [np.array([1, 1]), np.array([0])], "none": [np.array([0, 0]), np.array([0])]}
    mesh = meshio.Mesh(POINTS, CELLS, cell_data=NUMBERS | extra, field_data=NAMES)
    with pytest.raises(InputError, match=message):
        meshrep.solve(meshrep.Conduction(mesh, conductivity, fixed={"inlet": 1.0}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = { region = 'x', k = 1 }\nb = { region = 2, k = 1 }", "by name and by number"),
        ("a = { region = true, k = 1 }", "region must be a number or a name"),
    ],
)
def test_a_file_has_regions_of_one_sort(file, tmp_path, text, message):
    (tmp_path / "part.toml").write_text(f"[materials]\n{text}\n")
    with pytest.raises(InputError, match=message):
        meshrep.conduction_from(tmp_path / "part.toml", file)
