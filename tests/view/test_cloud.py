import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.view import cloud as clouds
from meshrep.view.cloud import cloud_film, cloud_panels, cloud_picture
from meshrep.view.cloud_page import CloudPage
from meshrep.view.colours import palette
from meshrep.view.projection import outline, projection_of

image = pytest.importorskip("matplotlib.image")
BOX = (np.full(2, -1.0), np.full(2, 1.0))


def ring(n=40, d=2, radius=0.8):
    turns = 2 * np.pi * np.arange(n) / n
    points = np.zeros((n, d))
    points[:, :2] = radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    points[:, 2:] = 0.2 * np.sin(3 * turns)[:, None] * np.arange(1, d - 1)
    return points


def pixels(path):
    return np.round(255 * image.imread(path)[:, :, :3]).astype(int)


def count(shown, colour, within=12):
    return int((np.abs(shown - colour).max(axis=2) < within).sum())


def loop_colour(share):
    colours = palette("field", np.zeros(0), (0.0, 1.0), cmap="loops")
    return np.round(255 * np.array(colours.cmap(share)[:3]))


@pytest.fixture
def pages(monkeypatch):
    """The pages that are made, so that tests may look at their axes."""
    made = []

    class Seen(CloudPage):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(clouds, "CloudPage", Seen)
    return made


def test_panels_share_view_and_scale(tmp_path, pages):
    given = {"before": ring(), "after": 0.3 * ring()}
    path = cloud_panels(given, tmp_path / "c.png", box=BOX, title="two")
    assert pixels(path).shape[:2] == (610, 1080)
    first, second = pages[0].figure.axes
    assert [text.get_text() for text in pages[0].figure.texts] == ["two", "before", "after"]
    assert (first.get_xlim(), first.get_ylim()) == (second.get_xlim(), second.get_ylim())
    assert first.get_position().size == pytest.approx(second.get_position().size)
    assert (first.get_xlabel(), first.get_ylabel()) == ("x", "y")
    width, height = first.get_position().size * [1080, 610]
    assert width / height == pytest.approx(np.ptp(first.get_xlim()) / np.ptp(first.get_ylim()))
    places = np.concatenate([c.get_offsets() for c in first.collections if len(c.get_offsets())])
    assert {tuple(p) for p in np.round(ring(), 9)} <= {tuple(p) for p in np.round(places, 9)}


@pytest.mark.slow
@pytest.mark.parametrize("d", [2, 3, 5])
def test_loops_are_drawn_in_the_colour_of_their_persistence(tmp_path, d):
    points = ring(d=d)
    plain = pixels(cloud_picture(points, tmp_path / "a.png", size=(600, 450)))
    loops = [(np.arange(40), 1.0), (np.array([[0, 20]]), 0.0)]
    both = pixels(cloud_picture(points, tmp_path / "b.png", loops=loops, size=(600, 450)))
    for share in (0.0, 1.0):
        colour = loop_colour(share)
        assert count(plain, colour) == 0
        assert count(both[:, :450], colour) > 100  # not only in the colour bar
    assert (both < 250).any(axis=2).sum() > (plain < 250).any(axis=2).sum()


def test_a_scale_of_colours_only_where_there_are_loops(tmp_path, pages):
    cloud_picture(ring(), tmp_path / "a.png")
    loops = {"a": [(np.arange(40), 0.5)], "b": [(np.arange(40), 2.0)]}
    cloud_panels({"a": ring(), "b": ring()}, tmp_path / "b.png", loops=loops)
    cloud_picture(ring(), tmp_path / "c.png", loops=[(np.arange(40), 0.0)])
    assert [page.colours and page.colours.high for page in pages] == [None, 2.0, 1.0]
    bar = pages[1].figure.axes[-1]
    assert bar.get_title(loc="left") == "persistence\nof loops"
    assert bar.get_ylim() == (0, 2)


@pytest.mark.slow
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_no_text_leaves_the_page(tmp_path, pages, d):
    points = 1e3 * ring()[:, :1] if d == 1 else 1e3 * ring(d=d)
    cloud_panels({"a": points, "b": points}, tmp_path / "c.png", title="far out",
                 loops={"a": [(np.arange(40), 12345.0)]})  # fmt: skip
    figure = pages[0].figure
    renderer = figure.canvas.get_renderer()
    width, height = pages[0].size
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += axes.texts
        if axes.axison:
            texts += [axes._left_title, *axes.get_xticklabels(), *axes.get_yticklabels(),
                      axes.xaxis.label, axes.yaxis.label]  # fmt: skip
    assert len([text for text in texts if text.get_text()]) > 4
    for text in texts:
        if text.get_text():
            box = text.get_window_extent(renderer)
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height


def test_edges_box_and_ball_add_lines(tmp_path):
    inks = []
    edges = np.stack([np.arange(40), np.roll(np.arange(40), 7)], axis=1)
    ball = (np.zeros(3), 1.0)
    box = (np.full(3, -1.0), np.full(3, 1.0))
    # the box is in all pictures, so that the view is the same
    for k, more in enumerate(
        ({}, {"edges": edges}, {"ball": ball}, {"edges": edges, "ball": ball})
    ):
        path = cloud_picture(ring(d=3), tmp_path / f"{k}.png", box=box, size=(400, 300), **more)
        inks.append(int((pixels(path) < 240).any(axis=2).sum()))
    assert inks[0] < min(inks[1:3]) <= max(inks[1:3]) < inks[3]


def test_outlines():
    flat = projection_of([ring()], BOX, (np.zeros(2), 2.0))
    lines = outline(flat, BOX, (np.zeros(2), 2.0))
    assert (len(lines.behind), len(lines.before)) == (0, 5)
    assert np.linalg.norm(lines.before[-1], axis=1) == pytest.approx(np.full(181, 2.0))
    assert (flat.low < -2).all() and (flat.high > 2).all()
    box = (np.full(3, -1.0), np.full(3, 1.0))
    deep = projection_of([ring(d=3)], box, None)
    lines = outline(deep, box, None)
    assert (len(lines.behind), len(lines.before)) == (3, 9)
    assert deep.axes.T @ deep.axes == pytest.approx(np.eye(3))


SOLID = (np.full(3, -1.0), np.full(3, 1.0))


def no_axis_along_the_sight(axes):
    """Whether all three axes of space are seen in clearly different directions."""
    arms = axes[:, :2] / np.linalg.norm(axes[:, :2], axis=1)[:, None]
    apart = np.abs(arms @ arms.T)[np.triu_indices(3, 1)]
    return np.linalg.norm(axes[:, :2], axis=1).min() > 0.3 and apart.max() < 0.9


@pytest.mark.parametrize("z_up", [True, False])
@pytest.mark.parametrize("degrees", [0, 15, 30, 45, 60, 75, 90, 120, 150])
def test_clouds_in_space_are_seen_obliquely_whichever_way_they_lie(degrees, z_up):
    turn = np.deg2rad(degrees)
    level = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points = np.random.default_rng(1).normal(size=(80, 3)) * [3, 1, 1.5]
    points[:, [0, 1] if z_up else [2, 0]] @= level
    seen = projection_of([points], None, None, z_up=z_up)
    assert seen.axes.T @ seen.axes == pytest.approx(np.eye(3))
    assert np.linalg.det(seen.axes) == pytest.approx(1)
    assert no_axis_along_the_sight(seen.axes)


@pytest.mark.parametrize("region", [(SOLID, None), (None, (np.zeros(3), 1.0))])
def test_a_region_alone_decides_the_view(region):
    still = projection_of([ring(d=3)], *region)
    assert no_axis_along_the_sight(still.axes)
    rng = np.random.default_rng(2)
    for frames in ([ring(d=3), ring(d=3) * [1, 1, 0]], [ring(d=3) * [1, 0, 1]],
                   [rng.normal(size=(9, 3)) * [0.1, 3, 1]], [np.zeros((4, 3))]):  # fmt: skip
        assert projection_of(frames, *region).axes == pytest.approx(still.axes)


def test_films_and_pictures_have_the_same_view(tmp_path, pages):
    frames = [(k, ring(d=3) * [1, 1, k]) for k in range(3)]
    cloud_film(frames, tmp_path / "f.gif", box=SOLID, size=(160, 120))
    cloud_picture(frames[-1][1], tmp_path / "c.png", box=SOLID)
    assert all((page.projection.axes == pages[0].projection.axes).all() for page in pages)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_box_without_a_size_is_not_drawn(tmp_path, d):
    points = np.ones((5, d))
    box = (points[0], points[0])
    lines = outline(projection_of([points], box, None), box, None)
    assert (lines.behind, lines.before) == ([], [])
    plain = pixels(cloud_picture(points, tmp_path / "a.png", size=(300, 200)))
    boxed = pixels(cloud_picture(points, tmp_path / "b.png", size=(300, 200), box=box))
    assert (plain == boxed).all()


def test_a_flat_box_is_a_rectangle(tmp_path):
    points = ring(d=3) * [1, 1, 0]
    box = (np.array([-1.0, -1, 0]), np.array([1.0, 1, 0]))
    lines = outline(projection_of([points], box, None), box, None)
    assert len(lines.behind) + len(lines.before) == 4
    assert cloud_picture(points, tmp_path / "c.png", box=box, size=(300, 200)).exists()


def test_higher_dimensions_are_seen_along_their_principal_components(tmp_path, pages):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 5)) * [1, 10, 0.1, 5, 3]
    seen = projection_of([points], None, None)
    kept = np.flatnonzero(np.linalg.norm(seen.axes, axis=1) > 0.5)
    assert set(kept) == {1, 3, 4}
    assert seen.axes.T @ seen.axes == pytest.approx(np.eye(3))
    cloud_picture(points, tmp_path / "c.png", title="five")
    said = [text.get_text() for text in pages[0].figure.texts]
    assert said == ["five, the first 3 of 5 principal components"]


def test_near_points_are_darker():
    points = ring(d=3)
    seen = projection_of([points], None, None)
    near = seen.nearness(seen.seen(points))
    assert (near.min(), near.max()) == pytest.approx((0, 1))
    flat = projection_of([ring()], None, None)
    assert (flat.nearness(flat.seen(ring())) == 1).all()


@pytest.mark.parametrize("points", [np.zeros((1, 2)), np.ones((4, 3)), ring()[:, :1],
                                    np.outer(np.arange(9.0), [1, 2, 3])])  # fmt: skip
def test_one_point_points_at_one_place_and_lines_are_drawn(tmp_path, points):
    path = cloud_picture(points, tmp_path / "c.png", size=(300, 200))
    assert (pixels(path) < 200).any()


def test_many_points_stay_small_in_vector_formats(tmp_path):
    points = np.random.default_rng(0).normal(size=(20_000, 3))
    assert cloud_picture(points, tmp_path / "c.svg", size=(400, 300)).stat().st_size < 1_000_000
    assert cloud_picture(ring(), tmp_path / "c.pdf", size=(400, 300)).stat().st_size > 1000


def moving(k=4):
    return [(10 * step, (1 - 0.15 * step) * ring()) for step in range(k)]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".mp4"])
def test_films_have_all_frames_and_move(tmp_path, pages, suffix):
    pil = pytest.importorskip("PIL.Image")
    if suffix == ".mp4":
        pytest.importorskip("imageio_ffmpeg")
    loops = [[(np.arange(40), 0.1 * (k + 1))] for k in range(4)]
    path = cloud_film(iter(moving()), tmp_path / f"f{suffix}", loops=loops, box=BOX, title="ring",
                      size=(320, 240))  # fmt: skip
    headings = [page.figure.texts[0].get_text() for page in pages]
    assert headings == [f"ring, step = {10 * k}" for k in range(4)]
    assert {page.colours.high for page in pages} == {0.4}
    assert len({page.figure.axes[0].get_xlim() for page in pages}) == 1
    if suffix == ".mp4":
        assert path.read_bytes()[4:8] == b"ftyp"
        return
    with pil.open(path) as read:
        assert (read.n_frames, read.size) == (4, (320, 240))
        frames = []
        for k in range(4):
            read.seek(k)
            frames.append(np.asarray(read.convert("RGB")).astype(int))
    assert (frames[0] != frames[3]).any()
    assert frames[0][2, 2].tolist() == [255, 255, 255]
    if suffix == ".webp":  # which blurs the colours of thin lines
        return
    last = loop_colour(1.0)
    assert count(frames[3][:, :215], last, 20) > 20 > count(frames[0][:, :215], last, 20)


@pytest.mark.parametrize(
    ("points", "more", "message"),
    [
        (np.array([[0, 0], [np.nan, 0]]), {}, "point 1 of the cloud is not finite"),
        (np.zeros(4), {}, r"\(n, d\)"),
        (np.zeros((0, 2)), {}, r"\(n, d\)"),
        (ring(), {"loops": [(np.array([0, 40]), 1)]}, "outside 0 … 39"),
        (ring(), {"loops": [(np.zeros((3, 4), int), 1)]}, r"\(3, 4\)"),
        (ring(), {"loops": [(np.arange(5.0), 1)]}, "nodes"),
        (ring(), {"loops": [(np.arange(5), np.nan)]}, "persistence"),
        (ring(), {"edges": np.array([[0, -1]])}, "an edge names"),
        (ring(), {"edges": np.zeros((2, 3), int)}, "node pairs"),
        (ring(), {"box": (np.zeros(3), np.ones(3))}, r"two corners \(2,\)"),
        (ring(), {"box": (np.ones(2), np.zeros(2))}, "low below high"),
        (ring(), {"ball": (np.zeros(2), -1.0)}, "radius"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, points, more, message):
    with pytest.raises(InputError, match=message):
        cloud_picture(points, tmp_path / "c.png", **more)
    assert list(tmp_path.iterdir()) == []


def test_refusals_of_panels_and_films(tmp_path):
    for call, message in (
        (lambda: cloud_panels({}, tmp_path / "c.png"), "no cloud"),
        (lambda: cloud_panels({"a": ring()}, tmp_path / "c.txt"), r"\.png"),
        (lambda: cloud_panels({"a": ring()}, tmp_path / "c.png", loops={"b": []}), "'b'"),
        (lambda: cloud_panels({"a": ring(), "b": ring(d=3)}, tmp_path / "c.png"), "dimensions"),
        (lambda: cloud_film([], tmp_path / "c.gif"), "frame"),
        (lambda: cloud_film(moving(), tmp_path / "c.avi"), r"\.mp4"),
        (lambda: cloud_film(moving(), tmp_path / "c.gif", loops=[[]]), "4 frames"),
        (lambda: cloud_film([(0, np.full((3, 2), np.inf))], tmp_path / "c.gif"), "frame 0"),
    ):
        with pytest.raises(InputError, match=message):
            call()
    assert list(tmp_path.iterdir()) == []
