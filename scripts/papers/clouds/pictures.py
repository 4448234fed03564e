"""Pictures of clouds that grow loops: gains over the range, and a cloud before and after."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from bench import figures
from bench.papers_clouds import Cell

from meshrep.solving.standings import geometric_mean
from papers.clouds.runs import NETWORK, PAPERS_NETWORK


def curves(
    tuned: Mapping[tuple[int, float], Cell],
    papers: Mapping[tuple[int, float], Cell],
    claimed: float,
    path: Path,
) -> None:
    """Draw two panels of gains over ranges, with a line for every size."""
    sheet, axes = figures.canvas(1, 2, 9.6, 3.9)
    panels = (
        (tuned, NETWORK, "over tuned adam"),
        (papers, PAPERS_NETWORK, "over the papers' adam"),
    )
    for axis, (cells, label, title) in zip(axes, panels, strict=True):
        shown = [found.gains(label, "seconds") for found in cells.values()]
        for number, n in enumerate(dict.fromkeys(n for n, _ in cells)):
            colour, marker = figures.CYCLE[number], figures.MARKERS[number]
            row = {bound: found for (size, bound), found in cells.items() if size == n}
            several = {bound: found.gains(label, "seconds") for bound, found in row.items()}
            shift = 1.0 + 0.03 * (number - 1)
            for bound, values in several.items():
                axis.plot([bound * shift] * len(values), values, marker, color=colour,
                          markersize=3, alpha=0.45)  # fmt: skip
            kept = {
                bound: geometric_mean(values).value
                for bound, values in several.items()
                if len(values)
            }
            axis.plot(list(kept), list(kept.values()), color=colour, marker=marker, markersize=6,
                      linewidth=1.4, label=f"{n} points")  # fmt: skip
        axis.axhline(1.0, color="#777777", linewidth=1)
        axis.axhline(claimed, color="#777777", linewidth=1, linestyle=":")
        axis.annotate("claimed", (0.01, claimed), (0, 3), xycoords=("axes fraction", "data"),
                      textcoords="offset points", fontsize=8, color="#555555")  # fmt: skip
        axis.set_xscale("log", base=2)
        axis.set_yscale("log", base=2)
        every = [0.5, 1.3 * claimed, *(v for values in shown for v in values if v > 0)]
        axis.set_ylim(0.9 * min(every), 1.1 * max(every))
        ticks = sorted({bound for _, bound in cells})
        axis.set_xlim(0.85 * ticks[0], ticks[-1] / 0.85)
        axis.set_xticks(ticks, [f"{bound:g}" for bound in ticks])
        axis.yaxis.set_major_formatter("{x:g}×")
        axis.set_title(title, fontsize=10, loc="left")
        axis.set_xlabel("range: half width of the box", fontsize=9)
        axis.grid(True, which="major", axis="y", color=figures.GRID, linewidth=0.6)
    axes[0].set_ylabel("gain in training time", fontsize=9)
    figures.legend_below(sheet, axes[0], 3)
    sheet.save(path)


def cloud(data: Mapping[str, Any], path: Path) -> None:
    """Draw the start and two ends side by side, with the box."""
    sheet, axes = figures.canvas(1, len(data["clouds"]), 3.4 * len(data["clouds"]), 3.7)
    bound = data["bound"]
    reach = 1.08 * max(bound, *(np.abs(c["points"]).max() for c in data["clouds"].values()))
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * bound
    for axis, (label, found) in zip(axes, data["clouds"].items(), strict=True):
        points = np.array(found["points"])
        axis.plot(*corners.T, color="#aaaaaa", linewidth=1)
        axis.plot(*points.T, "o", color=figures.OURS, markersize=3)
        axis.set_title(f"{label}: loss {found['energy']:.3g}", fontsize=9, loc="left")
        axis.set_aspect("equal")
        axis.set_xlim(-reach, reach)
        axis.set_ylim(-reach, reach)
        axis.tick_params(labelsize=7)
    sheet.save(path)
