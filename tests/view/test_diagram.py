import numpy as np
import pytest

import meshrep
from meshrep.errors import InputError
from meshrep.view.colours import palette
from meshrep.view.diagram import diagram, raster

image = pytest.importorskip("matplotlib.image")
LABELS = {"x_label": "s₁", "y_label": "s₂", "value_label": "ρ"}


def cells(side, *, pictures=True):
    grid = np.arange(side) * 0.25
    y, x = np.mgrid[:16, :16] / 16
    return {
        (float(a), float(b)): (a * b, 6 * (a * x + b * y) if pictures else None)
        for a in grid
        for b in grid
    }


def test_ticks_numbers_and_pictures_are_those_of_the_cells(tmp_path, figures):
    given = cells(3)
    del given[0.25, 0.5]
    given[0.5, 0.5] = (np.nan, given[0.5, 0.5][1])
    given[0.0, 0.0] = (0.3, None)
    path = diagram(given, tmp_path / "d.png", title="three", **LABELS)
    assert path.read_bytes().startswith(b"\x89PNG")
    first, second = figures[0].axes[:2]
    for axes in (first, second):
        assert [t.get_text() for t in axes.get_xticklabels()] == ["0", "0.25", "0.5"]
        assert [t.get_text() for t in axes.get_yticklabels()] == ["0", "0.25", "0.5"]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("s₁", "s₂")
        assert axes.patches[0].get_hatch()
    numbers = {text.get_position(): text.get_text() for text in first.texts}
    assert len(numbers) == 7
    assert numbers[2, 1] == "0.12"
    assert (1, 2) not in numbers
    assert len(second.images) == 7
    places = {tuple(np.round(np.add(im.get_extent()[::2], im.get_extent()[1::2]) / 2))
              for im in second.images}  # fmt: skip
    assert {(0, 0), (1, 2)}.isdisjoint(places)
    assert all(im.get_interpolation() == "nearest" for im in second.images)
    phases = given[0.5, 0.25][1]
    (shown,) = [im for im in second.images if np.allclose(im.get_extent()[0], 1.53)
                and np.allclose(im.get_extent()[2], 0.53)]  # fmt: skip
    wanted = palette("phase", phases).rgb(phases.ravel()).reshape(16, 16, 3)
    assert np.array_equal(np.asarray(shown.get_array()), wanted)


@pytest.mark.slow
def test_twelve_by_twelve_text_stays_in_its_squares(tmp_path, figures):
    diagram(cells(12), tmp_path / "d.png", **LABELS)
    figure = figures[0]
    first = figure.axes[0]
    renderer = figure.canvas.get_renderer()
    square = first.get_window_extent(renderer).width / 12
    for text in first.texts:
        assert text.get_window_extent(renderer).width < square
    size = figure.canvas.get_width_height()
    for axes in figure.axes:
        box = axes.get_tightbbox(renderer)
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= size[0] and box.y1 <= size[1]


def test_one_cell_and_other_formats(tmp_path):
    for suffix in (".png", ".pdf", ".svg"):
        path = diagram({(0, 1): (2.0, np.ones((4, 9)))}, tmp_path / f"d{suffix}", **LABELS)
        assert path.stat().st_size > 1000


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ({}, {}, "at least one cell"),
        ({(0, np.nan): (1, None)}, {}, "finite numbers"),
        ({(0, 0): (1, np.zeros(4))}, {}, "shape"),
        ({(0, 0): (1, np.zeros((0, 4)))}, {}, "shape"),
        ({(0, 0): (1, None)}, {"cmap": "viridis"}, "must agree"),
        ({(0, 0): (1, None)}, {"clim": (1, 0)}, "clim"),
    ],
)
def test_refusals(tmp_path, given, options, message):
    with pytest.raises(InputError, match=message):
        diagram(given, tmp_path / "d.png", **LABELS, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_pixel_a_node_or_that_of_the_nearest():
    oblong = meshrep.graph_from("lattice:3x5")
    phi = np.arange(15.0)
    assert np.array_equal(raster(oblong, phi), phi.reshape(3, 5)[::-1])  # y = 0 lowest
    triangles = meshrep.graph_from("triangular:20x20")
    drawn = raster(triangles, triangles.points[:, 0])
    assert drawn.ndim == 2 and max(drawn.shape) == 60
    assert (np.diff(drawn, axis=1) >= -1.01).all() and drawn[5, 0] < 1 and drawn[5, -1] > 9
    assert raster(meshrep.graph_from("lattice:4x4x4"), np.zeros(64)) is None
    assert raster(meshrep.graph_from("tree:2^3"), np.zeros(15)) is None
    large = meshrep.graph_from("lattice:70x100")
    assert raster(large, large.points[:, 1]).shape == (42, 60)
