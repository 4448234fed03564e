import sys
import tracemalloc

import numpy as np
import pytest
import view_shapes as shapes

from meshrep.errors import InputError, MissingPart
from meshrep.view import display
from meshrep.view import film as films
from meshrep.view.film import film

image = pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def sketched(monkeypatch):
    monkeypatch.setattr(display, "can_render", lambda: False)


def read_mp4(path):
    """What ffmpeg says about a film, and its frames."""
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    reader = ffmpeg.read_frames(str(path))
    facts = next(reader)
    width, height = facts["size"]
    return facts, [np.frombuffer(raw, np.uint8).reshape(height, width, 3) for raw in reader]


def warming(graph, count=5):
    return [(0.1 * k, np.full(graph.n, k / (count - 1))) for k in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_film_has_all_frames_and_moves(tmp_path, suffix):
    graph = shapes.lattice(6)
    drawn = film(graph, iter(warming(graph)), tmp_path / f"a{suffix}", quantity="temperature",
                 size=(240, 180), fps=10)  # fmt: skip
    assert drawn.engine == "matplotlib"
    with image.open(drawn.path) as read:
        assert (read.n_frames, read.size) == (5, (240, 180))
        middles = []
        for k in range(5):
            read.seek(k)
            middles.append(np.asarray(read.convert("RGB"))[100, 80].astype(int))
    assert middles[-1].sum() > middles[0].sum() + 200


@pytest.mark.slow
def test_mp4_is_h264_for_browsers_with_the_right_colours(tmp_path):
    graph = shapes.lattice(6)
    drawn = film(graph, warming(graph), tmp_path / "a.mp4", quantity="temperature",
                 size=(241, 179), fps=10)  # fmt: skip
    facts, frames = read_mp4(drawn.path)
    assert facts["codec"] == "h264"
    assert facts["pix_fmt"].startswith("yuv420p")
    assert (facts["size"], facts["fps"], len(frames)) == ((242, 180), 10, 5)
    assert facts["duration"] == pytest.approx(0.5, abs=0.05)
    data = drawn.path.read_bytes()
    assert data[4:8] == b"ftyp"
    assert data.find(b"moov") < data.find(b"mdat")  # plays before the whole has arrived
    colours = films.palette("temperature", np.zeros(0), (0, 1))
    for k, frame in enumerate(frames):
        wanted = colours.rgb(np.array([k / 4]))[0].astype(int)
        assert np.abs(frame[100, 80].astype(int) - wanted).max() < 12
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.slow
def test_the_camera_stands_still(tmp_path):
    graph = shapes.lattice(5)
    frames = [(k, np.linspace(0, k, graph.n)) for k in range(3)]
    path = film(graph, frames, tmp_path / "a.gif", quantity="phase", size=(320, 240)).path
    places = set()
    with image.open(path) as read:
        for k in range(3):
            read.seek(k)
            body = (np.asarray(read.convert("RGB"))[60:160, :240] < 245).any(axis=2).any(axis=0)
            places.add((int(body.argmax()), int(body[::-1].argmax())))
    assert len(places) == 1


def headings_of(monkeypatch):
    said = []
    original = films.composed
    monkeypatch.setattr(films, "composed", lambda *a: (said.append(a[3].title), original(*a))[1])
    return said


@pytest.mark.slow
def test_headings(tmp_path, monkeypatch):
    graph = shapes.lattice(4)
    said = headings_of(monkeypatch)
    draw = {"size": (160, 120), "clim": (0, 1)}
    film(graph, warming(graph, 2), tmp_path / "a.gif", title="heat", **draw)
    film(graph, [(0, np.zeros(16)), (10, np.ones(16))], tmp_path / "a.gif", label_time="step",
         **draw)  # fmt: skip
    film(graph, warming(graph, 2), tmp_path / "a.gif", headings=["one", "two"], **draw)
    film(graph, warming(graph, 2), tmp_path / "a.gif", title="only", label_time="", **draw)
    assert said == ["heat, t = 0", "heat, t = 0.1", "step = 0", "step = 10", "one", "two",
                    "only", "only"]  # fmt: skip
    with pytest.raises(InputError, match="headings"):
        film(graph, warming(graph, 3), tmp_path / "b.gif", headings=["one", "two"], **draw)
    assert [file.name for file in tmp_path.iterdir()] == ["a.gif"]


@pytest.mark.slow
def test_frames_are_drawn_as_they_come(tmp_path, monkeypatch):
    graph = shapes.lattice(4)
    said = headings_of(monkeypatch)

    def frames():
        for k in range(4):
            assert len(said) >= k - 1  # at most one frame ahead of the drawing
            yield k, np.full(graph.n, k / 3)

    film(graph, frames(), tmp_path / "a.mp4", clim=(0, 1), size=(64, 48))
    assert len(said) == 4


def test_memory_does_not_grow_with_the_length_of_an_mp4(tmp_path, monkeypatch):
    pytest.importorskip("imageio_ffmpeg")
    graph = shapes.lattice(3)
    page = np.zeros((480, 640, 3), np.uint8)

    class Page:
        def image(self):
            return page.copy()

    monkeypatch.setattr(films, "composed", lambda *a: (Page(), "matplotlib"))
    peaks = []
    for count in (3, 40):
        frames = ((k, np.zeros(9)) for k in range(count))
        tracemalloc.start()
        film(graph, frames, tmp_path / "a.mp4", clim=(0, 1), size=(640, 480))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2 * page.nbytes


def test_limits_span_all_frames(tmp_path):
    graph = shapes.lattice(3)
    frames = [(0, np.full(9, np.nan)), (1, np.arange(9.0)), (2, np.full(9, -3.0))]
    assert films._span(frames) == (-3, 8)
    assert films._span([(0, np.full(9, 2.0))]) == (1.5, 2.5)
    assert films._span(frames[:1]) is None
    film(graph, frames[:1], tmp_path / "a.gif", size=(120, 90))


def test_a_failing_frame_leaves_no_file_and_no_ffmpeg(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    graph = shapes.lattice(4)
    frames = [(0, np.zeros(16)), (1, np.zeros(15))]
    with pytest.raises(InputError, match="shape"):
        film(graph, frames, tmp_path / "a.mp4", clim=(0, 1), size=(64, 48))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        film(graph, frames[:1], tmp_path / "file" / "a.mp4", size=(64, 48))
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_refusals(tmp_path, monkeypatch):
    graph = shapes.lattice(4)
    frame = [(0, np.zeros(16))]
    for path, frames, options, message in (
        ("a.gif", [], {}, "frame"),
        ("a.mp4", [], {}, "frame"),
        ("a.avi", frame, {}, r"\.mp4"),
        ("a.gif", frame, {"fps": 0}, "frames per second"),
        ("a.mp4", frame, {"fps": np.inf}, "frames per second"),
        ("a.mp4", frame, {"size": (8, 400)}, "16 pixels"),
        ("a.gif", frame, {"cmap": "nonsense"}, "colour map"),
    ):
        with pytest.raises(InputError, match=message):
            film(graph, frames, tmp_path / path, **options)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingPart, match=r"pip install 'meshrep\[viz\]'"):
        film(graph, frame, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []
