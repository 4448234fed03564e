"""Figures of the benchmark and of the papers' rows: bars of times, bars of shares, and curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from meshrep.base.tables import duration
from meshrep.view import page

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, PEERS, GRID = "#1f6fb4", "#9a9a9a", "#dddddd"
CYCLE = (
    "#1f6fb4", "#d1495b", "#2a9d6f", "#8e5bb5", "#e08e2b", "#4c4c4c", "#17a2b8", "#b0763a",
    "#e377c2", "#8a9a2b",
)  # fmt: skip
MARKERS = "osD^vP*X<>"
STYLES = ("-", "--", "-.")  # of the first, the second and the third round of colours

Points = Sequence[Sequence[float]]  # pairs (x, y)


def canvas(rows: int, columns: int, width: float, height: float) -> tuple[page.Page, list[Axes]]:
    """A page of plots of a size in inches, and its axes row by row."""
    sheet, axes = page.panels(rows, columns, (width, height), text=8.4, dpi=110)
    for each in axes:
        each.set_axisbelow(True)
    return sheet, axes


def legend_below(sheet: page.Page, axes: Axes, columns: int) -> None:
    """Write one legend, that of ``axes``, below all panels."""
    handles, names = axes.get_legend_handles_labels()
    sheet.figure.legend(handles, names, loc="outside lower center", fontsize=8, frameon=False,
                        ncols=min(columns, len(names)))  # fmt: skip


def bars(panels: Mapping[str, Sequence[tuple[str, float, bool]]], label: str, path: Path) -> None:
    """Draw horizontal bars (name, seconds, whether ours) on logarithmic axes, panel by panel."""
    columns = min(2, len(panels)) or 1
    rows = math.ceil(len(panels) / columns) or 1
    sheet, axes = canvas(rows, columns, 5.2 * columns, 2.4 * rows + 0.3)
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
        axis.set_xlabel(label, fontsize=8)
    sheet.save(path)


def shares(panels: Mapping[str, Mapping[str, float]], label: str, path: Path) -> None:
    """Draw horizontal bars of shares of one."""
    most = max(map(len, panels.values()))
    sheet, axes = canvas(1, len(panels), 7.0, 0.3 * most + 1.0)
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
    sheet.save(path)


@dataclass(frozen=True)
class Panel:
    """A pair of axes with curves.

    Attributes
    ----------
    title, x, y : str
        The texts above and at the axes, with units.
    lines : mapping of str to points
        Curves by their names in the legend, which leaves out names that begin with "_".
    dashed : set of str
        Which curves are predictions. They are dotted, each in the colour of the curve before it.
    guides : mapping of str to points
        Thin grey lines that show a slope.
    log : str
        Which axes are logarithmic: "", "x", "y" or "xy".
    markers : bool
        Whether points are marked.
    bottom : float or None
        The lower end of the vertical axis; None for matplotlib's.
    """

    title: str
    x: str
    y: str
    lines: Mapping[str, Points]
    dashed: frozenset[str] = frozenset()
    guides: Mapping[str, Points] = field(default_factory=dict)
    log: str = "xy"
    markers: bool = False
    bottom: float | None = None


def curves(
    panels: Sequence[Panel],
    path: Path,
    columns: int = 3,
    legend: Literal["inside", "beside", "below"] = "inside",
) -> None:
    """Draw panels of curves, at most ``columns`` in a row.

    A legend "below" is one for all panels, which then have the same curves; the others are one per
    panel. After the last colour, colours begin again with other dashes.
    """
    across = min(columns, len(panels))
    down = -(-len(panels) // across)
    width = (4.5 if legend != "beside" else 6.8) * across + 0.2
    sheet, axes = canvas(down, across, width, 3.7 * down)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    for axis, panel in zip(axes, panels, strict=False):
        axis.set_title(panel.title, fontsize=10, loc="left")
        axis.set_xlabel(panel.x, fontsize=9)
        axis.set_ylabel(panel.y, fontsize=9)
        axis.set_xscale("log" if "x" in panel.log else "linear")
        axis.set_yscale("log" if "y" in panel.log else "linear")
        axis.grid(True, which="major", color=GRID, linewidth=0.7)
        number = -1
        for name, points in panel.lines.items():
            predicted = name in panel.dashed
            number += not (predicted and number >= 0)
            x, y = np.array(points, dtype=float).reshape(-1, 2).T
            marked = panel.markers and not predicted
            axis.plot(
                x, y, ":" if predicted else STYLES[number // len(CYCLE) % len(STYLES)], label=name,
                color=CYCLE[number % len(CYCLE)], linewidth=1.9 if predicted else 1.4,
                marker=MARKERS[number % len(MARKERS)] if marked else "", markersize=4.5,
            )  # fmt: skip
        for name, points in panel.guides.items():
            axis.plot(*np.array(points, dtype=float).T, ":", color="#777777", linewidth=1.2,
                      label=name)  # fmt: skip
        if panel.bottom is not None:
            axis.set_ylim(bottom=panel.bottom)
        if legend == "inside":
            axis.legend(fontsize=7.5, frameon=False)
        elif legend == "beside":
            axis.legend(fontsize=7.5, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    if legend == "below":
        legend_below(sheet, axes[0], 2 * across)
    sheet.save(path)
