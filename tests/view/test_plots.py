import numpy as np
import pytest

from meshrep.base.outcome import History
from meshrep.errors import InputError
from meshrep.view import motion, plots

image = pytest.importorskip("matplotlib.image")


def fall(rate: float, count: int, *, stage_at: int | None = None, least: float = 2.0) -> History:
    history = History()
    for k in range(count):
        stage = int(stage_at is not None and k >= stage_at)
        history.append(k, 1e-3 * k, least + np.exp(-rate * k), stage=stage)
    return history


def named(axes):
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def test_panels_show_the_gap_against_time_and_steps(tmp_path, figures):
    histories = {"one": fall(0.1, 200), "two": fall(0.5, 40, stage_at=7)}
    path = plots.convergence(histories, 2.0, tmp_path / "c.png", title="both")
    assert image.imread(path).shape[:2] == (624, 1440)
    left, right = figures[0].axes
    assert left.get_shared_y_axes().joined(left, right)
    assert {a.get_xscale() for a in (left, right)} == {a.get_yscale() for a in (left, right)}
    assert left.get_xscale() == "log"
    for axes, column in ((left, "seconds"), (right, "step")):
        for name, history in histories.items():
            line = named(axes)[name]
            assert np.array_equal(line.get_xdata()[1:], getattr(history, column)[1:])
            gap = np.maximum((np.array(history.energy) - 2.0) / 2.0, 1e-12)
            assert line.get_ydata() == pytest.approx(gap)
    looks = [(line.get_color(), line.get_linestyle()) for line in named(left).values()]
    assert looks == [(line.get_color(), line.get_linestyle()) for line in named(right).values()]
    assert len({colour for colour, _ in looks}) == 2
    dots = [line for line in right.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert [list(dot.get_xdata()) for dot in dots] == [[7]]


def test_gaps_stop_at_the_floor_and_never_rise(tmp_path, figures):
    history = History([0, 1, 2, 3], [0.0, 1.0, 2.0, 3.0], [5.0, np.nan, 1.0, 4.0], [0] * 4, [0] * 4)
    plots.convergence({"a": history}, 2.0, tmp_path / "c.png", floor=1e-8)
    gaps = named(figures[0].axes[0])["a"].get_ydata()
    assert gaps == pytest.approx([1.5, 1.5, 1e-8, 1e-8])


def test_a_minimum_near_zero_is_measured_from_the_start(tmp_path, figures):
    plots.convergence({"a": fall(0.1, 50, least=0.0)}, 0.0, tmp_path / "c.png")
    left = figures[0].axes[0]
    assert named(left)["a"].get_ydata()[0] == pytest.approx(1.0)
    assert "E₀" in left.get_ylabel()


def test_long_histories_are_thinned_with_ends_and_switch_kept(tmp_path, figures):
    history = fall(1e-4, 50_000, stage_at=12_345)
    plots.convergence({"long": history}, 2.0, tmp_path / "c.png")
    steps = named(figures[0].axes[1])["long"].get_xdata()
    assert len(steps) < 700
    assert {0.5, 12_345, 49_999} <= set(steps)


def test_nothing_to_draw_is_said(tmp_path):
    for histories, reference in (({}, 1.0), ({"a": History()}, 1.0), ({"a": fall(1, 3)}, np.nan)):
        with pytest.raises(InputError, match="history"):
            plots.convergence(histories, reference, tmp_path / "c.png")
    assert list(tmp_path.iterdir()) == []


def test_a_solver_that_never_had_a_finite_energy_does_not_stop_the_plot(tmp_path):
    bad = History([0, 1], [0.0, 0.0], [np.nan, np.inf], [0, 0], [0, 0])
    assert plots.convergence({"bad": bad, "good": fall(1, 9)}, 2.0, tmp_path / "c.png").exists()
    with pytest.raises(InputError, match="finite"):
        plots.convergence({"bad": bad}, 2.0, tmp_path / "d.png")


def test_losses_are_the_best_so_far_in_the_looks_of_convergence(tmp_path, figures):
    up_and_down = History([0, 1, 2, 3], [0.0, 1.0, 2.0, 3.0], [-5.0, np.nan, -7.0, -6.0], [0] * 4,
                          [0, 0, 1, 1])  # fmt: skip
    histories = {"a": up_and_down, "empty": History(), "b": fall(0.1, 60),
                 "bad": History([0], [0.0], [np.inf], [0], [0])}  # fmt: skip
    path = plots.losses(histories, tmp_path / "l.png", title="both", label="energy")
    plots.convergence({name: histories[name] for name in "ab"}, -8.0, tmp_path / "c.png")
    assert path.exists()
    left, right = figures[0].axes
    assert left.get_ylabel() == "energy"
    for axes, x in ((left, [0.5, 1, 2, 3]), (right, [0.5, 1, 2, 3])):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
        assert list(named(axes)) == ["a", "b"]
        assert list(named(axes)["a"].get_xdata()) == x
        assert list(named(axes)["a"].get_ydata()) == [-5, -5, -7, -7]
        dots = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]
        assert [tuple(dot.get_xydata()[0]) for dot in dots] == [(2, -7)]
    for mine, other in zip(named(left).values(), named(figures[1].axes[0]).values(), strict=True):
        assert (mine.get_color(), mine.get_linestyle()) == (
            other.get_color(),
            other.get_linestyle(),
        )
        assert (mine.get_xdata() == other.get_xdata()).all()
    legends = [[t.get_text() for t in figure.legends[0].get_texts()] for figure in figures]
    assert legends == [["a", "b", "next stage"]] * 2


def test_losses_of_nothing_are_refused(tmp_path):
    for histories in ({}, {"a": History()}, {"a": History([0], [0.0], [np.nan], [0], [0])}):
        with pytest.raises(InputError, match="finite"):
            plots.losses(histories, tmp_path / "l.png")
    assert list(tmp_path.iterdir()) == []


def test_order_is_a_third_panel_in_the_same_lines(tmp_path, figures):
    histories = {"one": fall(0.1, 200), "two": fall(0.5, 40), "empty": History()}
    order = {
        "two": (np.array([0.0, 0.1, 0.2]), np.array([0.1, 0.5, 0.9])),
        "empty": (np.array([0.0]), np.array([1.0])),
    }
    plots.convergence(histories, 2.0, tmp_path / "c.png", order=order)
    left, _, third = figures[0].axes
    assert third.get_xscale() == "log"
    assert third.get_ylim() == (-0.02, 1.02)
    assert "ρ" in third.get_ylabel()
    (line,) = named(third).values()
    assert list(line.get_ydata()) == [0.1, 0.5, 0.9]
    assert list(line.get_xdata()) == [0.05, 0.1, 0.2]
    twin = named(left)["two"]
    assert (line.get_color(), line.get_linestyle()) == (twin.get_color(), twin.get_linestyle())


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"other": ([0.0], [1.0])}, "'other' has no history"),
        ({"one": ([0.0, 1.0], [1.0])}, "shape"),
        ({"one": ([], [])}, "shape"),
    ],
)
def test_order_that_does_not_fit_is_refused(tmp_path, order, message):
    with pytest.raises(InputError, match=message):
        plots.convergence({"one": fall(1, 9)}, 2.0, tmp_path / "c.png", order=order)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_many_solvers_are_told_apart_and_named(tmp_path, figures):
    histories = {f"solver {k}": fall(0.02 * (k + 1), 60) for k in range(20)}
    plots.convergence(histories, 2.0, tmp_path / "c.png")
    figure = figures[0]
    lines = named(figure.axes[0]).values()
    assert (
        len({(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines}) == 20
    )
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 20
    legend = figure.legends[0].get_window_extent()
    assert legend.y0 >= 0
    assert legend.x1 <= figure.bbox.x1


def test_order_over_time_is_linear(tmp_path, figures):
    times = np.linspace(0, 5, 30)
    curves = {"K = 1": np.linspace(0, 0.4, 30), "K = 2": np.linspace(0, 0.9, 30)}
    path = motion.order_over_time(times, curves, tmp_path / "o.png", "ring", label="r")
    assert image.imread(path).shape[:2] == (624, 1024)
    (axes,) = figures[0].axes
    assert (axes.get_xscale(), axes.get_ylabel(), axes.get_xlabel()) == ("linear", "r", "time")
    for name, line in named(axes).items():
        assert np.array_equal(line.get_xdata(), times)
        assert np.array_equal(line.get_ydata(), curves[name])
    assert [text.get_text() for text in figures[0].legends[0].get_texts()] == list(curves)
    with pytest.raises(InputError, match="shape"):
        motion.order_over_time(times, {"a": np.zeros(3)}, tmp_path / "b.png", "")
    with pytest.raises(InputError, match="no order parameter"):
        motion.order_over_time(times, {}, tmp_path / "b.png", "")
    assert [file.name for file in tmp_path.iterdir()] == ["o.png"]


def test_a_trajectory_shows_energy_and_order(tmp_path, figures):
    times, energies = np.arange(4.0), np.array([3.0, 2.0, 1.5, 1.4])
    order_of = np.array([0.0, 0.5, 0.8, 0.9])
    motion.trajectory(times, energies, order_of, tmp_path / "a.png", title="t")
    motion.trajectory(times, energies, None, tmp_path / "b.pdf")
    more = {"phases": np.ones(3), "natural": np.arange(3.0), "observed": np.zeros(3)}
    motion.trajectory(times, energies, order_of, tmp_path / "d.png", **more)
    assert [len(figure.axes) for figure in figures] == [2, 1, 4]
    assert any("ρ = 1.000" in text.get_text() for text in figures[2].axes[3].texts)
    energy, order = figures[0].axes
    assert list(energy.lines[0].get_ydata()) == list(energies)
    assert energy.get_yscale() == "linear"
    motion.trajectory(times, energies**10, None, tmp_path / "b.pdf")
    assert figures[-1].axes[0].get_yscale() == "log"
    assert order.get_ylim() == (-0.02, 1.02)
    for bad in ((times, energies[:3], None), (times, energies, np.zeros(2)), ([], [], None)):
        with pytest.raises(InputError, match="shape"):
            motion.trajectory(*bad, tmp_path / "c.png")
    assert not (tmp_path / "c.png").exists()
