"""The benchmark's figures, by matplotlib: bars of times, and lines against the number of nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meshrep.base.backends import installed
from meshrep.solving.table import duration

OURS, PEERS, GRID = "#1f6fb4", "#9a9a9a", "#dddddd"
CYCLE = (
    "#1f6fb4", "#d1495b", "#2a9d6f", "#8e5bb5", "#e08e2b", "#4c4c4c", "#17a2b8", "#b0763a",
    "#e377c2", "#8a9a2b",
)  # fmt: skip
MARKERS = "osD^vP*X<>"
MANY = 5  # series, from which the legend stands beside the axes


def canvas(rows: int, columns: int, width: float, height: float) -> tuple[Any, list[Any]]:
    """A figure without a screen, and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_axisbelow(True)
    return figure, axes


def drawable() -> bool:
    """Whether matplotlib is there."""
    return installed("matplotlib")


def bars(panels: Mapping[str, Sequence[tuple[str, float, bool]]], label: str, path: Path) -> None:
    """Horizontal bars (name, seconds, ours?) in a panel each, on logarithmic axes."""
    columns = min(2, len(panels)) or 1
    rows = math.ceil(len(panels) / columns) or 1
    figure, axes = canvas(rows, columns, 5.2 * columns, 2.4 * rows + 0.3)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    for axis, (title, entries) in zip(axes, panels.items(), strict=False):
        axis.set_title(title, fontsize=10, loc="left")
        if not entries:
            axis.text(0.5, 0.5, "none in time", ha="center", transform=axis.transAxes)
            axis.set_axis_off()
            continue
        names = [entry[0] for entry in entries]
        times = [entry[1] for entry in entries]
        colours = [OURS if entry[2] else PEERS for entry in entries]
        axis.barh(range(len(names)), times, color=colours, height=0.72)
        axis.set_yticks(range(len(names)), names, fontsize=8)
        axis.invert_yaxis()
        axis.set_xscale("log")
        axis.set_xlim(10 ** math.floor(math.log10(min(times))), 10 * max(times))
        axis.xaxis.set_minor_formatter("")
        for row, time in enumerate(times):
            axis.annotate(
                duration(time), (time, row), (3, 0), textcoords="offset points", va="center",
                fontsize=8,
            )  # fmt: skip
        axis.tick_params(axis="x", labelsize=8)
        axis.set_xlabel(label, fontsize=8)
    figure.savefig(path, dpi=110)


def lines(
    panels: Sequence[tuple[str, str, Mapping[str, Mapping[float, float]]]],
    x_label: str,
    path: Path,
    guides: Mapping[str, Sequence[tuple[str, float]]] | None = None,
    linear: Sequence[str] = (),
) -> None:
    """Values against n on doubly logarithmic axes, or from 0 up in panels that are ``linear``.

    ``panels`` are (title, axis label, {series: {n: value}}); ``guides`` gives panels dotted lines
    (label, exponent) through the first series' first point.
    """
    most = max((len(series) for _, _, series in panels), default=0)
    beside = most > MANY
    figure, axes = canvas(1, len(panels), 4.6 * len(panels) + (2.4 if beside else 0.4), 3.9)
    for axis, (title, y_label, series) in zip(axes, panels, strict=True):
        axis.set_title(title, fontsize=10, loc="left")
        axis.set_xlabel(x_label, fontsize=9)
        axis.set_ylabel(y_label, fontsize=9)
        axis.set_xscale("log")
        axis.set_yscale("linear" if title in linear else "log")
        axis.grid(True, which="major", color=GRID, linewidth=0.7)
        for number, (name, points) in enumerate(series.items()):
            axis.plot(
                list(points), list(points.values()), label=name, markersize=5, linewidth=1.4,
                marker=MARKERS[number % len(MARKERS)], color=CYCLE[number % len(CYCLE)],
            )  # fmt: skip
        known = [points for points in series.values() if points]
        every = sorted({n for points in known for n in points})
        for text, exponent in (guides or {}).get(title, ()):
            if known and len(every) > 1:
                n0, value = next(iter(known[0].items()))
                ends = [every[0], every[-1]]
                axis.plot(
                    ends, [value * (n / n0) ** exponent for n in ends], ":", color="#777777",
                    linewidth=1.2, label=text,
                )  # fmt: skip
        if known:
            place = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if beside else {}
            axis.legend(fontsize=8, frameon=False, **place)
        if title in linear:
            axis.set_ylim(bottom=0.0, top=1.25 * axis.get_ylim()[1])  # room for the legend
        axis.tick_params(labelsize=8)
    figure.savefig(path, dpi=110)


def shares(panels: Mapping[str, Mapping[str, float]], label: str, path: Path) -> None:
    """Horizontal bars of shares of one."""
    figure, axes = canvas(1, len(panels), 7.0, 0.3 * max(map(len, panels.values())) + 1.0)
    for axis, (title, values) in zip(axes, panels.items(), strict=True):
        axis.set_title(title, fontsize=10, loc="left")
        axis.barh(range(len(values)), [100 * v for v in values.values()], color=OURS, height=0.7)
        axis.set_yticks(range(len(values)), list(values), fontsize=8)
        axis.invert_yaxis()
        axis.axvline(100, color="#555555", linewidth=1)
        for row, value in enumerate(values.values()):
            axis.annotate(f"{value:.0%}", (100 * value, row), (3, 0), va="center", fontsize=8,
                          textcoords="offset points")  # fmt: skip
        axis.set_xlabel(f"{label}, %", fontsize=9)
        axis.tick_params(axis="x", labelsize=8)
    figure.savefig(path, dpi=110)
