"""Curves of a row: any number of panels side by side, axes linear or logarithmic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench import figures

STYLES = ("-", "--", "-.")  # of the first lines, and where colours come round again

Points = Sequence[Sequence[float]]  # (x, y) one by one


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes
    ----------
    title, x, y : str
        What it shows, and its axes with their units.
    lines : mapping of str to points
        By their names in the legend, which leaves out those that begin with "_".
    dashed : set of str
        Which lines are predictions; each takes the colour of the line before it.
    log : str
        Which axes are logarithmic: "", "x", "y" or "xy".
    markers : bool
        Whether points are marked, where they are few.
    bottom : float or None
        Where the y axis begins.
    ticks : sequence of float
        Of the x axis, where the points stand at few places; empty for matplotlib's.
    """

    title: str
    x: str
    y: str
    lines: Mapping[str, Points]
    dashed: frozenset[str] = frozenset()
    log: str = "xy"
    markers: bool = False
    bottom: float | None = None
    ticks: Sequence[float] = ()


def curves(
    panels: Sequence[Panel],
    path: Path,
    columns: int = 3,
    shared_legend: bool = False,
    shared_y: bool = False,
) -> None:
    """Write the panels as a picture, as many in a row as ``columns``.

    With ``shared_legend`` one legend stands below panels of the same lines; with ``shared_y`` all
    have the same y axis. Where there are more lines than colours, those after are dashed.
    """
    across = min(columns, len(panels))
    down = -(-len(panels) // across)
    figure, axes = figures.canvas(down, across, 4.5 * across + 0.2, 3.7 * down)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    for axis, panel in zip(axes, panels, strict=False):
        axis.set_title(panel.title, fontsize=10, loc="left")
        axis.set_xlabel(panel.x, fontsize=9)
        axis.set_ylabel(panel.y, fontsize=9)
        axis.set_xscale("log" if "x" in panel.log else "linear")
        axis.set_yscale("log" if "y" in panel.log else "linear")
        axis.grid(True, which="major", color=figures.GRID, linewidth=0.7)
        number = -1
        for name, points in panel.lines.items():
            predicted = name in panel.dashed
            number += not (predicted and number >= 0)
            again = number // len(figures.CYCLE) % len(STYLES)
            x, y = np.array(points, dtype=float).reshape(-1, 2).T
            axis.plot(
                x, y, ":" if predicted else STYLES[again], label=name,
                linewidth=1.9 if predicted else 1.4,
                color=figures.CYCLE[number % len(figures.CYCLE)], markersize=4.5,
                marker=figures.MARKERS[number % len(figures.MARKERS)]
                if panel.markers and not predicted else "",
            )  # fmt: skip
        if panel.bottom is not None:
            axis.set_ylim(bottom=panel.bottom)
        if not shared_legend:
            axis.legend(fontsize=7.5, frameon=False)
        axis.tick_params(labelsize=8)
        if panel.ticks:
            axis.set_xticks(panel.ticks, [f"{tick:g}" for tick in panel.ticks])
            axis.minorticks_off()
    if shared_y:
        bottoms, tops = zip(*(axis.get_ylim() for axis in axes[: len(panels)]), strict=True)
        for axis in axes[: len(panels)]:
            axis.set_ylim(min(bottoms), max(tops))
    if shared_legend:
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=min(2 * across, len(names)),
                      fontsize=8, frameon=False)  # fmt: skip
    figure.savefig(path, dpi=110)
