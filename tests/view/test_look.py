"""Cameras, cuts, size and colours of pictures are as asked for, and wrong words are refused."""

import numpy as np
import pytest
import view_shapes as shapes

from meshrep.errors import InputError
from meshrep.graphs.cells import TRIANGLE, Cells
from meshrep.graphs.graph import Graph
from meshrep.view import display
from meshrep.view.colours import palette
from meshrep.view.look import Clip, Look, Size, look_of
from meshrep.view.scene import picture
from meshrep.view.shading import DARK, dimmed
from meshrep.view.side import seen_variation, view_of
from meshrep.view.subject import subject_of

NO_TRIANGLES = np.zeros((0, 3), int)


def pixels(path):
    from PIL import Image

    return np.asarray(Image.open(path)).astype(int)


def test_words_of_texts_values_and_pyvista_are_the_same(tmp_path):
    wanted = Look(
        view="iso", clip=Clip(2, 3.0), size=Size(800, 600), limits=(0.0, 1.0), dpi=300, edges=True,
        isosurfaces=(1.0, 2.0), transparent=True, zoom=2.0, labels=False,
    )  # fmt: skip
    file = tmp_path / "paper.toml"
    file.write_text('view = "xy"\nclip = "z=3"\nsize = [800, 600]\ndpi = 300\nshow_edges = true\n')
    rest = {"isosurfaces": "2,1", "transparent": True, "zoom": "2", "labels": "no"}
    assert look_of(file, cpos="iso", clim=(0, 1), **rest) == wanted
    assert look_of(view="iso", clip="z = 3", window_size="800x600", limits="0,1", dpi=300,
                   edges=True, **rest) == wanted  # fmt: skip
    assert look_of(size="254x127mm").layout((1, 1)) == pytest.approx((1500, 750))


@pytest.mark.parametrize(
    ("word", "value", "message"),
    [
        ("view", "up", "view is one of"),
        ("view", "0,0,0", "view is one of"),
        ("clip", "w=3", "clip is x, y, z"),
        ("clip", "z=high", "clip is x, y, z"),
        ("threshold", "60,20", "threshold is LOW,HIGH"),
        ("isosurfaces", "0", "how many, from 1"),
        ("size", "800", "size is WIDTHxHEIGHT"),
        ("size", "800x6e9", "size is WIDTHxHEIGHT"),
        ("dpi", 0, "dpi must be"),
        ("limits", "1,0", "limits are two"),
        ("labels", "perhaps", "labels must be yes or no"),
        ("format", "bmp", "format must be"),
        ("zooom", 1, "did you mean zoom"),
    ],
)
def test_a_wrong_value_is_one_sentence(word, value, message, tmp_path):
    with pytest.raises(InputError, match=message):
        look_of(**{word: value})
    file = tmp_path / "a.toml"
    file.write_text(f"{word} = {value!r}")
    with pytest.raises(InputError, match=f"a.toml: .*{message}"):
        look_of(file)


@pytest.mark.parametrize(
    ("view", "toward", "up"),
    [("xy", [0, 0, 1], [0, 1, 0]), ("-x", [-1, 0, 0], [0, 1, 0]), ("+y", [0, 1, 0], None),
     ("iso", [3**-0.5] * 3, None), ((0, 3, 4), [0, 0.6, 0.8], None)],
)  # fmt: skip
def test_named_views_look_from_there(view, toward, up):
    ball = shapes.ball()
    seen = subject_of(ball, np.zeros(ball.n), look=look_of(view=view)).view
    assert seen.toward == pytest.approx(toward)
    if up is not None:
        assert seen.up == pytest.approx(up)
    turned = subject_of(ball, np.zeros(ball.n), look=look_of(view="xy", azimuth=90)).view
    assert turned.toward == pytest.approx([1, 0, 0])  # to the right, as PyVista's azimuth
    raised = subject_of(ball, np.zeros(ball.n), look=look_of(view="xy", elevation=30)).view
    assert raised.toward == pytest.approx([0, 0.5, 0.75**0.5])


@pytest.mark.parametrize("side", [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_the_default_side_shows_where_the_field_varies(side):
    ball = shapes.ball(30)
    x, _, z = ball.points.T
    values = np.exp(-8 * ((x - side[0]) ** 2 + (z - side[1]) ** 2))
    view = subject_of(ball, values).view
    assert view.toward[[0, 2]] @ side > 0.85
    assert view.axis == pytest.approx([0, 1, 0])
    ways = np.array([view.toward, -view.toward])
    seen = seen_variation(ball.points, ball.triangles, [values], ways)
    assert seen[0] > 3 * seen[1]


@pytest.mark.parametrize("up", [0, 1, 2])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_scan_that_lies_down_is_not_seen_from_below(up, sign):
    """A dome that is open at its base."""
    ball = shapes.ball(40)
    base = ball.points[:, 1] < -0.3
    places = np.roll(ball.points * [1, sign, 1], up - 1, axis=1)
    kept = ball.triangles[~base[ball.triangles].any(axis=1)]
    view = view_of(places, kept)
    assert view.axis == pytest.approx(sign * np.eye(3)[up])
    assert view.toward @ view.axis > 0


def test_cuts_leave_the_right_part_and_say_so():
    pytest.importorskip("pyvista")
    cube = shapes.cube()
    values = cube.points.sum(axis=1)

    def drawn(**words):
        subject = subject_of(cube, values, look=look_of(**words))
        assert subject.surface.values == pytest.approx(subject.surface.points.sum(axis=1))
        return subject.surface.points, subject

    whole, subject = drawn()
    assert subject.remark == "" and np.ptp(whole, axis=0) == pytest.approx([4, 4, 4])
    half, subject = drawn(clip="z=2.5", view="+z")
    assert half[:, 2].max() == pytest.approx(2.5) and half[:, 2].min() == 0
    assert subject.remark == "Clipped at z = 2.5."
    assert drawn(clip="z=2.5", view="-z")[0][:, 2].min() == pytest.approx(2.5)
    corner, subject = drawn(clip="corner", view="1,1,1")
    assert not (corner > 2 + 1e-9).all(axis=1).any() and "corner" in subject.remark
    some = drawn(threshold="3,7")[0].sum(axis=1)
    assert some.min() == pytest.approx(3) and some.max() == pytest.approx(7)
    flat, subject = drawn(isosurfaces="6")[0], drawn(isosurfaces=(6,))[1]
    assert subject.remark == "Surfaces of equal values: 6." and len(subject.strokes[0].ends) >= 12
    assert len(np.unique(np.round(flat.sum(axis=1), 9))) == 6
    assert len(drawn(edges=True)[1].strokes[0].ends) == 6 * 2 * 4 * 5 - 12 * 4
    for words, message in (
        ({"clip": "z=9"}, "the mesh spans z from 0 to 4"),
        ({"threshold": "50,60"}, "no value of the field lies there"),
        ({"isosurfaces": (99,)}, "no value of the field lies there"),
    ):
        with pytest.raises(InputError, match=message):
            drawn(**words)
    with pytest.raises(InputError, match="phases have none"):
        subject_of(cube, values, quantity="phase", look=look_of(threshold="0,1"))
    ring = shapes.ring()
    with pytest.raises(InputError, match="ring has no faces"):
        subject_of(ring, np.zeros(ring.n), look=look_of(clip="x"))


def test_a_colour_means_its_number_on_the_bar(tmp_path, engine):
    """Of a constant field many pixels have its colour; others are dimmed in all channels alike."""
    from scipy.ndimage import binary_erosion

    ball = shapes.ball(40)
    for share in (0.25, 0.6, 0.9):
        values = np.full(ball.n, share)
        path = tmp_path / "a.png"
        image = pixels(picture(ball, values, path, limits=(0, 1), size="400x300").path)
        image = image[:, :300, :3]  # without the bar
        ink = palette("field", values, (0, 1)).rgb(np.array([share]))[0].astype(float)
        inside = image[binary_erosion(np.ptp(image, axis=2) > 15, iterations=3)]
        assert len(inside) > 20_000
        exact = np.abs(inside - ink).max(axis=1) <= 2
        assert exact.mean() > 0.4
        factor = inside @ ink / (ink @ ink)
        assert np.abs(inside - factor[:, None] * ink).max() <= 2
        assert factor.min() > DARK - 0.02 and factor.max() < 1.02
    assert dimmed(np.array([0.0, 0.72, 1.0])) == pytest.approx([DARK, 1, 1])


def test_the_paper_is_as_large_fine_and_transparent_as_asked(tmp_path, engine):
    from PIL import Image

    ball = shapes.ball()
    args = {"values": np.linspace(0, 1, ball.n), "size": "2x1.5in", "font_size": 7}
    for dpi in (100, 300):
        path = picture(ball, path=tmp_path / "a.png", dpi=dpi, transparent=True, **args).path
        image = Image.open(path)
        assert image.size == (2 * dpi, 1.5 * dpi) and image.info["dpi"] == pytest.approx(
            (dpi, dpi), abs=0.1
        )
        alpha = np.asarray(image)[:, :, 3]
        assert alpha[0, 0] == 0 and alpha[:, :dpi].max() == 255
    small, large = (
        pixels(picture(ball, path=tmp_path / "b.png", dpi=dpi, **args).path) for dpi in (100, 300)
    )
    mean = large[:, :, :3].reshape(150, 3, 200, 3, 3).mean(axis=(1, 3))
    assert np.abs(mean - small[:, :, :3]).mean() < 6  # the same picture
    with pytest.raises(InputError, match="cannot be transparent"):
        picture(ball, path=tmp_path / "a.jpg", transparent=True, **args)
    assert picture(ball, path=tmp_path / "c", format="svg", **args).path.name == "c.svg"
    with pytest.raises(InputError, match="the format is to be pdf"):
        picture(ball, path=tmp_path / "c.svg", format="pdf", **args)


def test_three_elevations_and_a_given_camera(tmp_path, engine):
    ball = shapes.ball()
    values = ball.points[:, 0]
    wide = pixels(picture(ball, values, tmp_path / "a.png", view="3 elevations").path)
    columns = np.flatnonzero((np.ptp(wide[:, :, :3], axis=2) > 40).any(axis=0))
    assert (np.diff(columns) > 10).sum() == 3  # three balls and the bar
    if display.can_render():
        near, far = (
            pixels(picture(ball, values, tmp_path / "b.png", size="400x300",
                           cpos=[(d, 0, 0), (0, 0, 0), (0, 0, 1)]).path)
            for d in (6, 12)
        )  # fmt: skip
        sizes = [(np.ptp(image[:, :300, :3], axis=2) > 40).sum() for image in (near, far)]
        assert 3.5 < sizes[0] / sizes[1] < 4.6


def test_marks_that_are_clipped_away_are_not_drawn():
    pytest.importorskip("pyvista")
    square = Graph.from_cells(
        np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float),
        Cells.of_kind(TRIANGLE, [[0, 1, 2], [0, 2, 3]]),
    )
    look = look_of(clip="x=0.5")
    subject = subject_of(square, np.arange(4.0), marks=np.arange(4), look=look)
    assert subject.surface.points[:, 0].max() == pytest.approx(0.5)
    assert subject.marks[""][:, 0].max() == 0
