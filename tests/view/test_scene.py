import numpy as np
import pytest
import view_shapes as shapes

from meshrep.errors import InputError
from meshrep.graphs.cells import TRIANGLE, Cells
from meshrep.graphs.graph import Graph
from meshrep.view import display
from meshrep.view.camera import framed
from meshrep.view.colours import on_circle, palette
from meshrep.view.page import Page
from meshrep.view.scene import panels, picture, show
from meshrep.view.side import view_of
from meshrep.view.subject import mark_scale, subject_of

pytest.importorskip("pyvista")
image = pytest.importorskip("matplotlib.image")
SHAPES = {
    "lattice": shapes.lattice,
    "cube": shapes.cube,
    "ball": shapes.ball,
    "ring": shapes.ring,
    "unplaced": lambda: shapes.ring(placed=False),
    "cloud": lambda: Graph.from_edges(40, np.zeros((0, 2)), points=shapes.ball(2).points),
}


def pixels(path):
    return (image.imread(path)[:, :, :3] * 255).round().astype(int)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("quantity", ["temperature", "phase"])
def test_pictures_have_their_size_and_many_colours(tmp_path, engine, name, quantity):
    graph = SHAPES[name]()
    values = np.linspace(0, 6, graph.n)
    drawn = picture(graph, values, tmp_path / "a.png", quantity=quantity, size=(420, 300))
    in_plane = subject_of(graph, values).planar
    assert drawn.engine == ("matplotlib" if in_plane else engine)
    seen = pixels(drawn.path)
    assert seen.shape == (300, 420, 3)
    body = seen[:, :330].reshape(-1, 3)
    coloured = body[np.ptp(body, axis=1) > 40]
    assert len(np.unique(coloured, axis=0)) > 20
    assert (body == 255).all(axis=1).any()


def test_the_hot_end_is_warmer_and_on_its_side(tmp_path, engine):
    graph = shapes.lattice(20)
    x = graph.points[:, 0] / 19
    path = picture(graph, x, tmp_path / "a.png", quantity="temperature", size=(600, 450)).path
    body = pixels(path)[:, :480]
    rows, columns = np.nonzero((body < 250).any(axis=2))
    width = np.ptp(columns)
    strip = body[rows.mean().astype(int), columns.min() : columns.max()]
    cold, hot = strip[: width // 5].mean(axis=0), strip[-width // 5 :].mean(axis=0)
    assert hot[0] > cold[0] + 100
    wanted = palette("temperature", x).rgb(np.linspace(0, 1, len(strip)))
    assert np.abs(strip[5:-5] - wanted[5:-5].astype(int)).mean() < 12


def test_limits_are_kept(tmp_path, engine):
    graph = shapes.lattice(6)
    args = {"quantity": "temperature", "clim": (0, 1), "size": (300, 225)}
    low = pixels(picture(graph, np.full(36, 0.1), tmp_path / "a.png", **args).path)
    high = pixels(picture(graph, np.full(36, 0.9), tmp_path / "b.png", **args).path)
    middle = (112, 110)
    assert np.abs(low[middle] - palette("temperature", [0, 1]).rgb([0.1])[0]).max() < 3
    assert np.abs(high[middle] - palette("temperature", [0, 1]).rgb([0.9])[0]).max() < 3


def test_no_seam_where_phases_pass_two_pi(tmp_path, engine):
    graph = shapes.lattice(9)
    values = on_circle(np.where(graph.points[:, 0] < 4.5, 0.3, -0.3))
    path = picture(graph, values, tmp_path / "a.png", quantity="phase", size=(400, 300)).path
    colours = pixels(path)[150, 90:240]
    ends = palette("phase", values).rgb(np.linspace(-0.3, 0.3, 60)).astype(int)
    apart = np.abs(colours[:, None] - ends[None]).sum(axis=2).min(axis=1)
    assert apart.max() < 25  # every pixel has a colour of the short way between the two phases


def test_nan_is_grey_and_constant_fields_are_drawn(tmp_path, engine):
    graph = shapes.lattice(6)
    values = np.full(36, np.nan)
    seen = pixels(picture(graph, values, tmp_path / "a.png", size=(300, 225)).path)
    assert np.ptp(seen[112, 110]) < 6
    picture(graph, np.zeros(36), tmp_path / "b.png", size=(300, 225))


@pytest.mark.slow
def test_marks_are_seen(tmp_path, engine):
    graph = shapes.lattice(7)
    args = {"size": (400, 300), "clim": (0, 1)}
    plain = pixels(picture(graph, np.full(49, 0.5), tmp_path / "a.png", **args).path)
    for marks in (
        [24],
        np.arange(49) == 24,
        graph.points[[24]],
        {"vortex": graph.points[[24], :2]},
    ):
        marked = pixels(
            picture(graph, np.full(49, 0.5), tmp_path / "b.png", marks=marks, **args).path
        )
        assert (np.abs(marked - plain).sum(axis=2) > 60)[:, :310].sum() > 20


@pytest.mark.slow
@pytest.mark.parametrize("make", [shapes.lattice, shapes.ball, shapes.ring])
def test_vortices_and_antivortices_have_discs_of_their_own(tmp_path, engine, make):
    graph = make()
    view = subject_of(graph, np.zeros(graph.n)).view
    right, up, near = view.seen(graph.points - graph.points.mean(axis=0)).T
    front = graph.points[np.argsort(np.hypot(right, up) - 9 * (near > 0), kind="stable")]
    marks = {"vortices (2)": front[[0, 8]] + 0.01, "antivortices (1)": front[[16]] + 0.01}
    seen = pixels(
        picture(graph, np.full(graph.n, 1.0), tmp_path / "a.png", quantity="phase", marks=marks,
                size=(900, 675)).path
    )  # fmt: skip
    counts = []
    for fill, _ in palette("phase", np.zeros(0)).marks[:2]:
        colour = [int(fill[k : k + 2], 16) for k in (1, 3, 5)]
        near = np.abs(seen - colour).sum(axis=2) < 60
        counts.append(near[:635, :745].sum())
        assert near[635:].sum() > 5  # in the legend
    assert counts[1] >= 20
    assert 1.4 < counts[0] / counts[1] < 2.8


def test_many_marks_are_drawn_smaller():
    graph = shapes.lattice(30)
    sizes = [
        mark_scale(subject_of(graph, np.zeros(900), marks=np.arange(count)))
        for count in (0, 1, 60, 150, 600, 900)
    ]
    assert sizes[:3] == [1, 1, 1]
    assert 0.5 < sizes[3] < 1
    assert sizes[-1] == 0.5


def test_marks_behind_a_surface_are_hidden(tmp_path, engine):
    graph = shapes.ball(40)
    behind = -subject_of(graph, np.zeros(graph.n)).view.toward
    args = {"size": (400, 300), "clim": (0, 1)}
    plain = pixels(picture(graph, np.full(graph.n, 0.5), tmp_path / "a.png", **args).path)
    marked = pixels(
        picture(graph, np.full(graph.n, 0.5), tmp_path / "b.png", marks=behind[None], **args).path
    )
    assert np.array_equal(plain, marked)


@pytest.mark.slow
def test_panels_stand_side_by_side(tmp_path, engine):
    graph = shapes.ball()
    fields = {f"solver {k}": np.linspace(0, k, graph.n) for k in (1, 2, 3)}
    drawn = panels(graph, fields, tmp_path / "a.png", quantity="temperature", title="all")
    seen = pixels(drawn.path)
    columns = np.flatnonzero((np.ptp(seen, axis=2) > 40).any(axis=0))
    assert (np.diff(columns) > 10).sum() == 3  # gaps between three balls and the colour bar
    assert pixels(panels(graph, fields, tmp_path / "b.png", size=(500, 200)).path).shape[:2] == (
        200,
        500,
    )


@pytest.mark.slow
def test_other_formats_and_refusals(tmp_path, engine):
    graph = shapes.lattice(4)
    for suffix in (".jpg", ".pdf", ".svg"):
        size = picture(graph, np.arange(16), tmp_path / f"a{suffix}").path.stat().st_size
        assert 1000 < size < 500_000  # many triangles are drawn as pixels
    bad = [
        (np.arange(15), {}, "shape"),
        (np.zeros((16, 2)), {}, "one value per node"),
        (np.arange(16), {"quantity": "colour"}, "quantity"),
        (np.arange(16), {"clim": (1, 0)}, "limits"),
        (np.arange(16), {"marks": [16]}, "outside"),
    ]
    for values, options, message in bad:
        with pytest.raises(InputError, match=message):
            picture(graph, values, tmp_path / "b.png", **options)
    with pytest.raises(InputError, match=r"\.png"):
        picture(graph, np.arange(16), tmp_path / "b.txt")
    assert len(list(tmp_path.iterdir())) == 3


def test_degenerate_shapes_are_drawn(tmp_path, engine):
    one = Graph.from_edges(1, [], points=np.zeros((1, 3)))
    same = Graph.from_edges(3, [[0, 1]], points=np.ones((3, 3)))
    line = Graph.from_edges(4, [[0, 1], [1, 2], [2, 3]], points=np.arange(4)[:, None] * np.ones(3))
    sliver = Graph.from_cells(
        np.array([[0, 0, 0], [1, 1, 1], [2, 2, 2]]), Cells.of_kind(TRIANGLE, [[0, 1, 2]])
    )
    for graph in (one, same, line, sliver):
        picture(graph, np.arange(graph.n), tmp_path / "a.png", size=(200, 150))


def test_window_needs_a_screen(monkeypatch):
    monkeypatch.setattr(display, "has_screen", lambda: False)
    with pytest.raises(InputError, match="no screen"):
        show(shapes.lattice(), np.zeros(64))


def test_views_frame_the_points_tightly():
    rng = np.random.default_rng(1)
    for graph in (shapes.lattice(), shapes.cube(), shapes.ball(), shapes.ring()):
        subject = subject_of(graph, np.zeros(graph.n))
        axes = np.stack([subject.view.right, subject.view.up, subject.view.toward])
        assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
        assert subject.view.flat == (np.ptp(graph.points[:, 2]) == 0)
        for aspect in (0.5, 1.5):
            camera = framed(graph.points, subject.view, aspect)
            x, y, _ = camera.projected(graph.points, 200).T
            assert max(np.abs(x).max() / aspect, np.abs(y).max()) == pytest.approx(
                100 / 1.04, rel=0.02
            )
    flat = view_of(np.pad(rng.random((9, 2)), ((0, 0), (0, 1))), np.zeros((0, 3), int))
    assert np.array_equal(flat.toward, [0, 0, 1])
    assert np.array_equal(flat.up, [0, 1, 0])


def test_a_head_looks_at_the_viewer():
    body = shapes.ball(6).points * [1, 1, 2]
    head = shapes.ball(2).points * 0.5 + [0, 1.5, -2]
    view = view_of(np.concatenate([body, head]), np.zeros((0, 3), int))
    assert view.toward[2] < 0
    assert view.up[1] > 0.9


def test_long_titles_do_not_run_into_each_other():
    page = Page((900, 600))
    titles = ["short", "a title that is much longer than the box below it", ""]
    boxes, _ = page.grid(titles, key=False)
    for box, title in zip(boxes, titles, strict=True):
        page.title(box, title)
    first, second = (text.get_window_extent() for text in page.figure.texts)
    assert first.x1 < second.x0 and second.x1 < boxes[2][0]
    assert Page((900, 600)).fitting == 1.0


def test_a_long_label_of_the_colours_stays_on_the_page():
    pytest.importorskip("matplotlib")
    for label in ("temperature (°C)", "a quantity of a very long name (W/m²)"):
        page = Page((600, 450))
        page.bar(page.grid([""])[1], palette("temperature", np.arange(2.0), label=label))
        page.figure.draw_without_rendering()
        title = page.figure.axes[-1].get_title(loc="left")
        assert title.replace("\n", " ") == label
        width = page.figure.axes[-1]._left_title.get_window_extent().x1
        assert width <= 600
