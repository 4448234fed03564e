import importlib.util

import numpy as np
import pytest

import meshrep
from meshrep import persistence_picture
from meshrep.errors import InputError

image = pytest.importorskip("matplotlib.image")
BLUE, VERMILION = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)


def cloud(loops=3, components=20):
    rng = np.random.default_rng(loops)
    births = rng.uniform(0.2, 0.5, loops)
    return {
        0: np.stack([np.zeros(components), np.linspace(0.01, 0.3, components)], axis=1),
        1: np.stack([births, births + rng.uniform(0, 0.4, loops)], axis=1),
    }


def has(path, colour):
    pixels = np.round(255 * image.imread(path)[:, :, :3]).astype(int)
    return int((np.abs(pixels - colour).max(axis=2) < 4).sum())


def drawn(axes):
    return [line for line in axes.lines if line.get_marker() not in ("None", "", None)
            and len(line.get_xdata())]  # fmt: skip


def test_columns_show_pairs_bars_and_numbers_on_the_same_axes(tmp_path, figures):
    given = {"before": cloud(3), "after": cloud(8)}
    path = persistence_picture(given, tmp_path / "p.png", title="both")
    barcodes, diagrams = figures[0].axes[::2], figures[0].axes[1::2]
    assert len({(a.get_xlim(), a.get_ylim()) for a in diagrams}) == 1
    assert {a.get_xlim() for a in barcodes} == {diagrams[0].get_xlim()}
    for above, below, (name, column) in zip(diagrams, barcodes, given.items(), strict=True):
        assert above.get_title() == name
        assert (above.get_xlabel(), above.get_ylabel()) == ("birth", "death")
        signs = drawn(above)
        assert len({(line.get_color(), line.get_marker()) for line in signs}) == 2
        for line, pairs in zip(signs, column.values(), strict=True):
            assert np.array_equal(np.stack(line.get_data(), axis=1), pairs)
        texts = [text.get_text() for text in above.get_legend().get_texts()]
        assert texts == ["H₀ components: 20 finite pairs",
                         f"H₁ loops: {len(column[1])} finite pairs"]  # fmt: skip
        for bars, pairs in zip(below.collections, column.values(), strict=True):
            ends = np.array([line[:, 0] for line in bars.get_segments()])
            assert np.array_equal(ends, pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])
        assert below.get_ylabel() == "pairs by birth"
    assert has(path, BLUE) > 100 and has(path, VERMILION) > 100


def test_long_barcodes_are_cut_to_the_longest_and_say_so(tmp_path, figures):
    pairs = np.stack([np.zeros(100), np.arange(1.0, 101)], axis=1)
    persistence_picture({"": {0: pairs}}, tmp_path / "p.png")
    (bars,) = figures[0].axes[0].collections
    assert [line[1, 0] for line in bars.get_segments()] == list(range(41, 101))
    assert "60 longest" in figures[0].axes[0].get_ylabel()
    (line,) = drawn(figures[0].axes[1])
    assert len(line.get_xdata()) == 100


def test_superlevel_pairs_fall_from_their_birth(tmp_path, figures):
    pairs = np.array([[0.2, 0.1], [0.9, 0.3], [0.5, 0.5]])
    persistence_picture({"field": {0: pairs}}, tmp_path / "p.png")
    below, above = figures[0].axes
    assert "superlevel" in above.get_xlabel() and "superlevel" in above.get_ylabel()
    (bars,) = below.collections
    assert [line[0, 0] for line in bars.get_segments()] == [0.9, 0.5, 0.2]
    assert below.get_xlabel() == "death to birth"
    renderer = figures[0].canvas.get_renderer()
    legend = above.get_legend().get_window_extent(renderer)
    assert not legend.count_contains(above.transData.transform(pairs))


def test_no_text_leaves_the_page_and_no_legend_hides_a_pair(tmp_path, figures):
    given = {name: {k: 1e-3 * pairs for k, pairs in cloud(30).items()} | {2: np.ones((1, 2)) * 5e-4}
             for name in ("a", "b", "c")}  # fmt: skip
    persistence_picture(given, tmp_path / "p.png", title="three columns")
    figure = figures[0]
    renderer = figure.canvas.get_renderer()
    width, height = figure.canvas.get_width_height()
    for axes in figure.axes:
        box = axes.get_tightbbox(renderer)
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        legend = axes.get_legend()
        if legend is not None:
            shown = legend.get_window_extent(renderer)
            for line in drawn(axes):
                points = axes.transData.transform(np.stack(line.get_data(), axis=1))
                assert not shown.count_contains(points)


@pytest.mark.parametrize("column", [{}, {0: np.zeros((0, 2)), 1: []}])
def test_empty_diagrams_say_so(tmp_path, figures, column):
    path = persistence_picture({"empty": column, "full": cloud()}, tmp_path / "p.png")
    texts = [[text.get_text() for text in axes.texts] for axes in figures[0].axes]
    assert texts == [["no pairs"], ["no pairs"], [], []]
    alone = persistence_picture({"empty": column}, tmp_path / "q.png")
    assert path.exists() and alone.exists()


def test_names_and_formats(tmp_path, figures):
    for suffix in (".png", ".pdf", ".svg"):
        path = persistence_picture({"": cloud()}, tmp_path / f"p{suffix}", names={0: "minima"})
        assert path.stat().st_size > 1000
    texts = [text.get_text() for text in figures[0].axes[1].get_legend().get_texts()]
    assert texts == ["H₀ minima: 20 finite pairs", "H₁: 3 finite pairs"]


@pytest.mark.parametrize("rising", [1, -1])
def test_a_threshold_and_targets_are_drawn_and_named(tmp_path, figures, rising):
    columns = {"a": {k: pairs[:, ::rising] for k, pairs in cloud().items()}, "b": {1: []}}
    target = np.array([[0.1, 1.9][::rising]])
    given = {0: np.array([[0.0, 0.7][::rising]]), 1: target, 2: []}
    persistence_picture(columns, tmp_path / "p.png", threshold=0.15, targets=given)
    for axes in figures[0].axes[1::2]:
        (line,) = [line for line in axes.lines if line.is_dashed()]
        assert line.get_ydata() - line.get_xdata() == pytest.approx(0.15 * rising)
        hollow = [line for line in drawn(axes) if line.get_markerfacecolor() == "none"]
        assert [tuple(line.get_xydata()[0]) for line in hollow] == [(*given[0][0],), (*target[0],)]
        assert [line.get_markeredgecolor() for line in hollow] == ["#0072B2", "#D55E00"]
        assert axes.get_xlim()[0] < 0 and axes.get_xlim()[1] > 1.9
        texts = [text.get_text() for text in axes.get_legend().get_texts()]
        assert texts[-2:] == ["target", "threshold 0.15"]
        shown = axes.get_legend().get_window_extent()
        assert not any(shown.count_contains(axes.transData.transform(line.get_xydata()))
                       for line in drawn(axes))  # fmt: skip


def test_a_threshold_above_all_pairs_is_on_the_page(tmp_path, figures):
    persistence_picture({"a": {0: np.array([[0.1, 0.2]])}}, tmp_path / "p.png", threshold=3.0)
    low, high = figures[0].axes[1].get_xlim()
    assert high - low > 3.5


def test_axes_reach_over_the_span(tmp_path, figures):
    persistence_picture({"a": cloud()}, tmp_path / "p.png", span=(-1.0, 4.0))
    for axes in figures[0].axes:
        low, high = axes.get_xlim()
        assert -1.5 < low < -1 and 4 < high < 4.5


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
def test_near_pairs_have_short_numbers_without_an_offset_and_bars_that_show(
    tmp_path, figures, scale
):
    births = 0.113 + 1e-7 * np.arange(6.0)
    pairs = scale * np.stack([births, births + 2e-8], axis=1)
    persistence_picture({"a": {0: pairs}}, tmp_path / "p.png")
    below, above = figures[0].axes
    for axis in (above.xaxis, above.yaxis, below.xaxis):
        texts = [text.get_text() for text in axis.get_ticklabels()]
        assert axis.get_offset_text().get_text() == ""
        assert len(set(texts)) == len(texts) > 2 and max(map(len, texts)) <= 10
    low, high = above.get_xlim()
    assert high - low == pytest.approx(0.02 * 0.113 * scale * 1.09, rel=1e-3)
    wide = below.get_window_extent().width / (high - low)
    (bars,) = below.collections
    for bar, birth in zip(bars.get_segments(), pairs[:, 0], strict=True):
        assert bar[0, 0] == birth and 1.5 < wide * (bar[1, 0] - birth) < 3
    left = figures[0].axes[1].get_tightbbox(figures[0].canvas.get_renderer()).x0
    assert left >= 0


def test_pairs_all_at_zero_have_axes(tmp_path, figures):
    persistence_picture({"a": {0: np.zeros((3, 2))}}, tmp_path / "p.png")
    low, high = figures[0].axes[1].get_xlim()
    assert low < 0 < high


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no persistence diagram"),
        ({"a": {1: np.array([[0.1, np.nan]])}}, "dimension 1 of 'a' is not finite"),
        ({"a": {0: np.array([[0.1, np.inf]])}}, "never die"),
        ({"a": {0: np.zeros((4, 3))}}, r"shape \(4, 3\)"),
        ({"a": {0: np.zeros(4)}}, "shape"),
    ],
)
def test_refusals(tmp_path, given, message):
    with pytest.raises(InputError, match=message):
        persistence_picture(given, tmp_path / "p.png")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"\.png"):
        persistence_picture({"a": cloud()}, tmp_path / "p.docx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"threshold": -0.1}, "threshold"),
        ({"threshold": np.nan}, "threshold"),
        ({"span": (1.0, 1.0)}, "span"),
        ({"span": (0.0, np.inf)}, "span"),
        ({"targets": {1: np.zeros((2, 3))}}, "'targets' have shape"),
    ],
)
def test_what_cannot_be_added_is_refused(tmp_path, more, message):
    with pytest.raises(InputError, match=message):
        persistence_picture({"a": cloud()}, tmp_path / "p.png", **more)
    assert list(tmp_path.iterdir()) == []


def test_diagrams_are_drawn_as_they_are_computed(tmp_path, figures):
    turns = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    ring = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    field = meshrep.lower_star_diagrams(meshrep.graph_from("lattice:30x1"), np.sin(5 * turns))
    several = {"field": field}
    if importlib.util.find_spec("gudhi"):
        several |= {"rips": meshrep.rips_diagrams(ring), "alpha": meshrep.alpha_diagrams(ring)}
    persistence_picture(several, tmp_path / "several.png")
    for axes, column in zip(figures[0].axes[1::2], several.values(), strict=True):
        shown = [np.stack(line.get_data(), axis=1) for line in drawn(axes)]
        wanted = [pairs.values for pairs in column.values() if len(pairs)]
        assert len(shown) == len(wanted) > 0
        assert all(np.array_equal(*both) for both in zip(shown, wanted, strict=True))
    persistence_picture(field, tmp_path / "one.png")
    (line,) = drawn(figures[1].axes[1])
    assert np.array_equal(np.stack(line.get_data(), axis=1), field[0].values)
