import sys
import types

import numpy as np
import pytest
import view_shapes as shapes

from meshrep.errors import InputError
from meshrep.graphs.cells import HEXAHEDRON, Cells
from meshrep.graphs.graph import Graph
from meshrep.view import colours, sketch, stage
from meshrep.view.colours import TURN, on_circle, palette
from meshrep.view.look import look_of
from meshrep.view.scene import picture
from meshrep.view.subject import subject_of
from meshrep.view.surface import refined

pytest.importorskip("pyvista")
image = pytest.importorskip("matplotlib.image")


@pytest.mark.parametrize("cmap", [None, "twilight", "twilight_shifted", "hsv", "hue"])
def test_phases_close_to_a_circle_of_colours(cmap):
    colours = palette("phase", np.zeros(0), cmap=cmap)
    circle = colours.rgb(np.linspace(0, TURN, 400)).astype(int)
    assert np.abs(np.diff(circle, axis=0)).max() < 26
    assert np.abs(circle[0] - circle[-1]).max() < 26
    assert np.ptp(circle, axis=0).max() > 50


@pytest.mark.parametrize("cmap", ["viridis", "RdBu", "Pastel2", "coolwarm"])
def test_maps_with_a_jump_are_refused_for_phases_only(cmap):
    with pytest.raises(InputError, match="0 and 2π must agree"):
        palette("phase", np.zeros(3), cmap=cmap)
    assert palette("field", np.arange(3.0), cmap=cmap).cmap.name == cmap


@pytest.mark.slow
def test_maps_by_name_for_every_quantity(tmp_path, engine):
    graph = shapes.lattice(6)
    x = graph.points[:, 0]
    middle = {}
    for cmap in ("magma", "hue", "gray"):
        path = picture(graph, x, tmp_path / "a.png", quantity="temperature", cmap=cmap,
                       size=(300, 225)).path  # fmt: skip
        middle[cmap] = (image.imread(path)[112, 110, :3] * 255).round().astype(int)
        wanted = palette("temperature", x, cmap=cmap).rgb([2.4])[0].astype(int)
        assert np.abs(middle[cmap] - wanted).max() < 40
    assert len({tuple(colour) for colour in middle.values()}) == 3
    for quantity in ("temperature", "phase", "field"):
        with pytest.raises(InputError, match="neither a colour map"):
            picture(graph, x, tmp_path / "b.png", quantity=quantity, cmap="nonsense")
    with pytest.raises(InputError, match="must agree"):
        picture(graph, x, tmp_path / "b.png", quantity="phase", cmap="viridis")
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("cmap", ["twilight", "hue"])
def test_the_wheel_shows_the_colours_of_the_picture(tmp_path, cmap):
    graph = shapes.lattice(4)
    path = picture(graph, np.zeros(16), tmp_path / "a.png", quantity="phase", cmap=cmap,
                   size=(800, 600)).path  # fmt: skip
    key = (image.imread(path)[:, 660:, :3] * 255).round().astype(int).reshape(-1, 3)
    for colour in palette("phase", np.zeros(0), cmap=cmap).rgb(np.arange(12) * TURN / 12):
        assert np.abs(key - colour).sum(axis=1).min() < 8


CORNER = look_of(clip="corner")


def seam_graphs():
    """Coarse meshes, and on them the angle about an axis outside, which lies within ±0.7."""
    for graph in (shapes.ball(4), shapes.lattice(8)):
        points = graph.points - (graph.points.min(axis=0) + graph.points.max(axis=0)) / 2
        x, y = points[:, :2].T / np.abs(points).max()
        yield graph, on_circle(np.arctan2(y, x + 1.6))


def false_pixels(path, cmap):
    """Pixels whose hue belongs to phases beyond ±2.2 rather than to those within ±0.75."""
    body = image.imread(path)[:, :320, :3].reshape(-1, 3)
    body = body[(body < 0.98).any(axis=1)]
    towards = body / np.linalg.norm(body, axis=1, keepdims=True)  # light scales colours

    def nearest(phases):
        colours = palette("phase", np.zeros(0), cmap=cmap).rgb(phases) / 255
        colours /= np.linalg.norm(colours, axis=1, keepdims=True)
        return np.arccos(np.clip(towards @ colours.T, -1, 1)).min(axis=1)

    far = np.linspace(2.2, TURN - 2.2, 200)
    assert len(body) > 10_000
    return int((nearest(far) + 0.03 < nearest(np.linspace(-0.75, 0.75, 200))).sum())


@pytest.mark.slow
@pytest.mark.parametrize("cmap", [None, "hue"])
@pytest.mark.parametrize("kind", [0, 1])
def test_no_false_seam_at_two_pi(tmp_path, engine, monkeypatch, kind, cmap):
    graph, phases = list(seam_graphs())[kind]
    draw = {"quantity": "phase", "cmap": cmap, "size": (400, 300)}
    right = picture(graph, phases, tmp_path / "right.png", **draw).path
    assert false_pixels(right, cmap) <= 5

    def raw(surface, fine=20_000):
        return refined(surface, fine)  # interpolates angles as numbers, which draws the seam

    monkeypatch.setattr(stage, "refined_phases", raw)
    monkeypatch.setattr(sketch, "refined_phases", raw)
    wrong = picture(graph, phases, tmp_path / "wrong.png", **draw).path
    assert false_pixels(wrong, cmap) > 300


def test_a_solid_cut_between_nodes_reads_phases_the_short_way():
    cube = shapes.cube(6)
    rng = np.random.default_rng(0)
    points = cube.points + rng.uniform(-0.3, 0.3, cube.points.shape)
    cells = Cells.of_kind(HEXAHEDRON, hexahedra(6))
    graph = Graph.from_cells(points, cells)
    phases = on_circle(0.2 * (points[:, 0] - 2.5))
    surface = subject_of(graph, phases, quantity="phase", look=CORNER).surface
    assert len(surface.points) > 0
    assert np.abs(np.angle(np.exp(1j * surface.values))).max() <= 0.6
    raw = subject_of(graph, phases, quantity="field", look=CORNER).surface.values
    assert np.abs(np.angle(np.exp(1j * raw))).max() > 1.0  # a cut that interpolates plain numbers


def hexahedra(side):
    number = np.arange(side**3).reshape(side, side, side)
    a, b = slice(None, -1), slice(1, None)
    corners = [number[z, y, x] for z in (a, b) for y, x in ((a, a), (a, b), (b, b), (b, a))]
    return np.stack(corners, axis=-1).reshape(-1, 8)


def test_cmocean_gives_phases_their_map_where_it_is_installed(monkeypatch):
    mpl = pytest.importorskip("matplotlib")
    monkeypatch.setitem(sys.modules, "cmocean", types.ModuleType("cmocean"))
    monkeypatch.setattr(colours, "find_spec", lambda name: name == "cmocean")
    mpl.colormaps.register(mpl.colormaps["hsv"], name="cmo.phase", force=True)
    try:
        assert palette("phase", np.zeros(0)).cmap.name == "cmo.phase"
    finally:
        mpl.colormaps.unregister("cmo.phase")
        colours._cmap.cache_clear()
    monkeypatch.undo()
    assert palette("phase", np.zeros(0), cmap="twilight").cmap.name == "twilight"
