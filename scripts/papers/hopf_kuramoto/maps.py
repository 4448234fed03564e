"""Maps of values over two parameters, side by side, with the numbers in their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench import figures


@dataclass(frozen=True)
class Map:
    """One map.

    Attributes
    ----------
    title, label : str
        The texts above it and at the colour bar.
    values : (rows, columns) array
        A row for each y; NaN for unknown values.
    ratio : bool
        Whether values are ratios, coloured on a logarithmic scale about 1; else from 0 to 1.
    """

    title: str
    label: str
    values: np.ndarray
    ratio: bool = False


def signed(value: float) -> str:
    """Return a number to two digits, with a true minus sign."""
    return f"{value:.2g}".replace("-", "−")


def maps(
    panels: Sequence[Map],
    x: Sequence[float],
    y: Sequence[float],
    names: tuple[str, str],
    path: Path,
) -> None:
    """Write the maps as a picture, with x and y at the centres of cells and named by ``names``."""
    from matplotlib.colors import LogNorm, Normalize

    side = 0.5
    width, height = max(side * len(x), 2.0) + 1.6, max(side * len(y), 2.0) + 1.2
    sheet, axes = figures.canvas(1, len(panels), width * len(panels), height)
    for axis, panel in zip(axes, panels, strict=True):
        values = np.asarray(panel.values, dtype=float)
        if panel.ratio:
            known = np.abs(np.log(values[np.isfinite(values) & (values > 0)]))
            most = float(np.exp(known.max())) if known.size and known.max() > 0 else 2.0
            norm, colours = LogNorm(1 / most, most), "RdBu"
        else:
            norm, colours = Normalize(0, 1), "viridis"
        picture = axis.imshow(values, origin="lower", norm=norm, cmap=colours, aspect="equal")
        axis.set_title(panel.title, fontsize=9, loc="left")
        axis.set_xticks(range(len(x)), [signed(value) for value in x], fontsize=8)
        axis.set_yticks(range(len(y)), [signed(value) for value in y], fontsize=8)
        axis.set_xlabel(names[0], fontsize=9)
        axis.set_ylabel(names[1], fontsize=9)
        axis.set_facecolor(figures.GRID)
        for row, column in np.ndindex(*values.shape):
            value = values[row, column]
            if np.isfinite(value):
                red, green, blue, _ = picture.cmap(norm(value))
                dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
                words = f"{value:.2g}" if panel.ratio else f"{value:.2f}"
                axis.text(column, row, words, ha="center", va="center", fontsize=7,
                          color="white" if dark else "black")  # fmt: skip
            else:
                axis.text(column, row, "–", ha="center", va="center", fontsize=8)
        bar = sheet.figure.colorbar(picture, ax=axis, fraction=0.05, pad=0.03)
        if panel.ratio:
            ends = [float(norm.vmin), float(norm.vmin) ** 0.5, 1.0]  # type: ignore[arg-type]
            ticks = [*ends, 1 / ends[1], 1 / ends[0]]
            bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
            bar.minorticks_off()
        bar.set_label(panel.label, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    sheet.save(path)
