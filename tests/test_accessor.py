"""The add-on in PyVista, reached as a user would: in a fresh process, with no import of meshrep."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pv = pytest.importorskip("pyvista")
pytest.importorskip("trimesh")

BUNNY = Path(__file__).parent.parent / "assets" / "bunny.ply"


@pytest.mark.slow
def test_a_fresh_process_finds_the_accessor_through_the_entry_point():
    code = (
        f"import pyvista as pv; mesh = pv.read({str(BUNNY)!r}).meshrep.heat(); "
        "t = mesh.point_data['temperature']; print(len(t), t.min() >= 0, t.max() <= 1)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1839", "True", "True"]


@pytest.fixture
def sphere():
    import meshrep.accessor  # noqa: F401

    return pv.Icosphere(nsub=3)


def test_heat_keeps_the_dataset_and_orders_the_baths(sphere):
    before = sphere.copy()
    result = sphere.meshrep.heat(hot="z > 0.8", cold="z < -0.8", kind="dirichlet")
    temperature = result["temperature"]
    assert result.n_points == sphere.n_points and sphere == before
    assert np.all(temperature[sphere.points[:, 2] > 0.8] == 1.0)
    assert np.all(temperature[sphere.points[:, 2] < -0.8] == 0.0)
    assert np.corrcoef(temperature, sphere.points[:, 2])[0, 1] > 0.95


def test_unused_points_get_nan():
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 9, 9], [5, 0, 0]], dtype=float)
    import meshrep.accessor  # noqa: F401

    mesh = pv.PolyData(points, faces=[3, 0, 1, 2, 3, 1, 2, 4])
    temperature = mesh.meshrep.heat(hot=[4], cold=[0])["temperature"]
    assert np.isnan(temperature[3]) and np.isfinite(temperature[[0, 1, 2, 4]]).all()


def test_solve_takes_any_energy_on_its_own_graph(sphere):
    import meshrep

    graph = sphere.meshrep.graph()
    assert graph is sphere.meshrep.graph()
    energy = meshrep.HeatBath(graph, hot=[0], cold=[1], power=2)
    field = sphere.meshrep.solve(energy, solver="lbfgs")["temperature"]
    assert energy.value(field) == pytest.approx(meshrep.solve(energy, "newton").energy, rel=1e-9)
    other = meshrep.graph_from("ring:8")
    with pytest.raises(meshrep.InputError, match="another graph"):
        sphere.meshrep.solve(meshrep.HeatBath(other, [0], [4]))


def test_an_unknown_bath_is_one_sentence(sphere):
    import meshrep

    with pytest.raises(meshrep.InputError, match="choose ends or random"):
        sphere.meshrep.heat(bath="middle")
    with pytest.raises(meshrep.InputError, match=r"choose ends or random .*kind='dirichlet'"):
        sphere.meshrep.heat(bath="dirichlet")


def test_heat_takes_the_settings_of_its_bath_and_of_its_solver(sphere):
    import meshrep

    heated = sphere.meshrep.heat(kind="quadratic", t_hot=2.0, solver="spectral", degree=4)
    graph = sphere.meshrep.graph()
    hot, cold, _ = meshrep.baths(graph)
    energy = meshrep.HeatBath(graph, hot, cold, power=2, t_hot=2.0)
    expected = meshrep.solve(energy, "spectral", degree=4).field
    np.testing.assert_allclose(heated["temperature"], expected, atol=1e-9)


def test_simplify_removes_small_extrema(sphere):
    z = sphere.points[:, 2].astype(float)
    noisy = z + 0.02 * np.random.default_rng(0).standard_normal(len(z))
    sphere.point_data["height"] = noisy
    result = sphere.meshrep.simplify("height", 0.05)
    smooth = result["height_simplified"]
    assert (result["height"] == noisy).all() and np.abs(smooth - noisy).max() < 0.2
    from meshrep.energies.lower_star import LowerStar

    judge = LowerStar(sphere.meshrep.graph(), threshold=0.1)
    before, after = judge.measures(noisy), judge.measures(smooth)
    assert before["maxima"] > 3 and before["minima"] > 3
    assert after == {"minima": 1, "maxima": 1}


def test_a_field_of_heat_is_simplified_with_its_unused_points():
    import meshrep.accessor  # noqa: F401

    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 9, 9]], dtype=float)
    heated = pv.PolyData(points, faces=[3, 0, 1, 2]).meshrep.heat(hot=[0], cold=[1])
    simple = heated.meshrep.simplify("temperature")["temperature_simplified"]
    assert np.array_equal(simple[:3], heated["temperature"][:3]) and np.isnan(simple[3])


def test_baths_are_masks_of_points():
    import meshrep.accessor  # noqa: F401

    tube = pv.Cylinder(resolution=12)  # its rims are there twice
    hot, cold = tube.points[:, 0] > 0.4, tube.points[:, 0] < -0.4
    heated = tube.meshrep.heat(hot=hot, cold=cold, kind="dirichlet")["temperature"]
    assert (heated[hot] == 1).all() and (heated[cold] == 0).all()
    assert np.array_equal(
        tube.meshrep.heat(hot, cold.astype(int), kind="dirichlet")["temperature"], heated
    )
    plane = pv.Plane(i_resolution=2, j_resolution=2)
    ones = (plane.points[:, 0] > 0.4).astype(np.uint8)
    heated = plane.meshrep.heat(hot=ones, cold=[3], kind="dirichlet")["temperature"]
    assert (heated[[2, 5, 8]] == 1).all() and heated[3] == 0


def test_points_at_one_position_have_one_value():
    import meshrep

    tube = pv.Cylinder(resolution=12)
    tube["x"], tube["number"] = tube.points[:, 0], np.arange(tube.n_points)
    assert len(tube.meshrep.simplify("x")["x_simplified"]) == tube.n_points
    with pytest.raises(meshrep.InputError, match=r"'number': points .* are at the same position"):
        tube.meshrep.simplify("number")
    heated = tube.meshrep.heat(kind="dirichlet", start=tube["x"])
    again = tube.meshrep.heat(kind="dirichlet", start=heated["temperature"], max_steps=0)
    np.testing.assert_array_equal(again["temperature"], heated["temperature"])


def test_arrays_may_come_and_go_between_an_energy_and_its_solution(sphere):
    import meshrep

    energy = meshrep.HeatBath(sphere, hot=[0], cold=[1], power=2)
    sphere.point_data["later"] = np.zeros(sphere.n_points)
    result = sphere.meshrep.solve(energy)
    assert {"later", "temperature"} <= set(result.point_data.keys())
    sphere.point_data.clear()
    assert "temperature" in sphere.meshrep.solve(energy).point_data


def test_an_unknown_keyword_is_refused_with_the_known_ones(sphere):
    import meshrep

    sphere["z"] = sphere.points[:, 2]
    energy = meshrep.HeatBath(sphere, hot=[0], cold=[1])
    for call, known in (
        (sphere.meshrep.heat, "mesh.meshrep.heat has no .*did you mean max_steps.*t_hot.*gtol"),
        (lambda **words: sphere.meshrep.solve(energy, **words), "solve has no setting .*restarts"),
        (lambda **words: sphere.meshrep.simplify("z", **words), "has no .*share, .*seed.*lr"),
    ):
        with pytest.raises(meshrep.InputError, match=known) as caught:
            call(max_step=3)
        assert "\n" not in str(caught.value)


def test_simplify_names_what_is_missing(sphere):
    import meshrep

    with pytest.raises(meshrep.InputError, match="no point data 'heat'"):
        sphere.meshrep.simplify("heat")
    sphere.point_data["bad"] = np.full(sphere.n_points, np.nan)
    with pytest.raises(meshrep.InputError, match="'bad' is not one finite number"):
        sphere.meshrep.simplify("bad")


def bar(n=4):
    """A bar of hexahedra of 100 × 10 × 10 mm with a skin of quadrilaterals at its right end."""
    points = pv.ImageData(dimensions=(n + 1, 2, 2), spacing=(100 / n, 10, 10)).points
    i = np.arange(n)
    block = np.stack([i, i + 1, i + n + 2, i + n + 1], axis=1)
    cells = np.concatenate([block, block + 2 * (n + 1)], axis=1)
    end = cells[-1:, [1, 2, 6, 5]]
    data = pv.UnstructuredGrid({12: cells, 9: end}, points)
    data.cell_data["MaterialIds"] = np.r_[1 + (i >= n // 2), 7]
    return data


def test_conduct_gives_temperature_flux_and_heat_in_si_units():
    pytest.importorskip("skfem")
    import meshrep.accessor  # noqa: F401

    part = bar()
    before = part.copy()
    hot = part.meshrep.conduct(
        {"MaterialIds": {1: 50.0, 2: 10.0}}, fixed={"x < 1": 100.0},
        convection=[("x > 99", 100.0, 20.0)], units="mm",
    )  # fmt: skip
    q = 80 / (0.05 / 50 + 0.05 / 10 + 1 / 100)
    at = [0, 2, 4]
    wanted = [100, 100 - q * 0.05 / 50, 20 + q / 100]
    np.testing.assert_allclose(hot["temperature"][at], wanted, rtol=1e-9)
    np.testing.assert_allclose(hot["heat_flux"][:4], [[q, 0, 0]] * 4, atol=1e-6 * q)
    assert np.isnan(hot["heat_flux"][4]).all()  # the skin does not conduct
    heat = dict(zip(hot.field_data["heat_of"], hot.field_data["heat"], strict=True))
    assert heat["fixed 'x < 1'"] == pytest.approx(q * 1e-4) == -heat["convection 'x > 99'"]
    assert part == before and "temperature" not in part.array_names
    assert np.shares_memory(hot.points, part.points)
    array = hot.GetPointData().GetArray("temperature")
    assert array.GetInformation().Get(array.UNITS_LABEL()) == "°C"


def test_conduct_refuses_in_a_sentence():
    pytest.importorskip("skfem")
    import meshrep

    for options, message in (
        ({"units": "mile"}, "units 'mile' are unknown: choose m, cm, mm"),
        ({"units": -1.0}, "units must be a positive number"),
        ({"solver": "spectral", "degre": 3}, "did you mean degree"),
        ({"fixed": np.zeros(7)}, "values for 20 nodes"),
        ({"source": {"MaterialIds": {3: 1.0}}}, "source: no cell has MaterialIds 3"),
    ):
        with pytest.raises(meshrep.InputError, match=message):
            bar().meshrep.conduct(1.0, **{"fixed": {"x < 1": 1.0}, **options})


def test_conduct_takes_the_file_of_a_problem(tmp_path):
    import meshrep

    file = tmp_path / "bar.toml"
    file.write_text(
        'units = "mm"\nmaterials.steel = { k = 50 }\n'
        'fixed = [{ where = "nx < -0.9", temperature = 100 }]\n'
        'flux = [{ where = "nx > 0.9", q = 5e4 }]\n', encoding="utf-8"
    )  # fmt: skip
    part = bar().extract_cells(range(4)).triangulate()
    hot = part.meshrep.conduct(problem=file)["temperature"]
    np.testing.assert_allclose(hot, 100 + part.points[:, 0], rtol=1e-9)
    with pytest.raises(meshrep.InputError, match=r"units is stated by the file .*bar.toml"):
        part.meshrep.conduct(problem=file, units="m")
    with pytest.raises(meshrep.InputError, match="conductivity: None is no number"):
        part.meshrep.conduct(fixed={"x < 1": 1.0})
