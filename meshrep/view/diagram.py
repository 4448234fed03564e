"""Phase diagrams: a value over two parameters, and beside it a small picture of each pair."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.view.colours import INK, PAPER, Palette, palette
from meshrep.view.page import DPI, Page, picture_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PIXELS = 60  # along the longer side of a small picture
_CELL = 78  # least pixels of the side of a cell
_PANEL = 660  # least pixels of the longer side of all cells
_TEXT = 9.0  # points
_HATCH: dict[str, Any] = {
    "facecolor": "#e4e4e4",
    "edgecolor": "#a8a8a8",
    "hatch": "////",
    "linewidth": 0.0,
}

Cells = Mapping[tuple[float, float], tuple[float, "np.ndarray | None"]]


def diagram(
    cells: Cells,
    path: str | os.PathLike[str],
    *,
    x_label: str,
    y_label: str,
    value_label: str,
    title: str = "",
    clim: tuple[float, float] | None = None,
    cmap: str | None = None,
    value_cmap: str | None = None,
) -> Path:
    """Draw values over a grid of two parameters and, to the right, the phases found there.

    Parameters
    ----------
    cells : mapping of (x, y) to (value, phases)
        Phases are in radians, an array (rows, columns) with the first row on top, or None. A pair
        that is missing, and a value or phases that are NaN or None, are drawn hatched in grey.
    path : path
        A picture file to write.
    x_label, y_label, value_label : str
        The texts at the axes and at the colour bar.
    title : str
        The text above everything.
    clim : (low, high) or None
        The values at the ends of the colour bar; by default those of the cells.
    cmap, value_cmap : str or None
        Names of the colour maps of the phases, which must be cyclic, and of the values.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If there is no cell, a parameter is not finite, phases are not an image, a map does not
        suit, or the file cannot be written.
    MissingPart
        If matplotlib is not installed.

    References
    ----------
    R. Lauter, C. Brendel, S. Habraken, F. Marquardt: Pattern phase diagram for two-dimensional
    arrays of coupled limit-cycle oscillators. Phys. Rev. E 92 (2015) 012902.
    """
    path = picture_path(path)
    if not cells:
        raise InputError(f"{path}: a diagram needs at least one cell")
    for pair, (_, phases) in cells.items():
        if not np.isfinite(np.asarray(pair, dtype=float)).all():
            raise InputError(f"{path}: the parameters of a cell must be finite numbers, not {pair}")
        if phases is not None and (np.ndim(phases) != 2 or not np.size(phases)):
            raise InputError(
                f"{path}: the phases at {pair} have shape {np.shape(phases)}, not (rows, columns)"
            )
    columns = {x: j for j, x in enumerate(sorted({x for x, _ in cells}))}
    rows = {y: i for i, y in enumerate(sorted({y for _, y in cells}))}
    values = np.full((len(rows), len(columns)), np.nan)
    pictures: dict[tuple[int, int], np.ndarray] = {}
    for (x, y), (value, phases) in cells.items():
        place = rows[y], columns[x]
        values[place] = np.nan if value is None else value
        if phases is not None and np.isfinite(phases).any():
            pictures[place] = np.asarray(phases, dtype=float)
    heat = palette("field", values, clim, value_label, value_cmap)
    wheel = palette("phase", np.zeros(0), None, "phase", cmap)

    cell = max(_CELL, _PANEL / max(len(rows), len(columns)))
    wide, high = cell * len(columns), cell * len(rows)
    left, gap, right, bottom, top = 128, 292, 203, 113, 90 if title else 45
    tall = max(high, 240)
    size = left + 2 * wide + gap + right, bottom + tall + top
    page = Page(size, title, text=_TEXT, scale=1.0)
    first, second = (
        page.axes((x, bottom + (tall - high) / 2, wide, high)) for x in (left, left + wide + gap)
    )
    for axes in (first, second):
        _grid(axes, list(columns), list(rows), cell, x_label, y_label)
    _heat(first, values, heat, cell)
    _small_pictures(second, values.shape, pictures, wheel)
    page.key((left + wide + 11, bottom, 0, tall), heat)
    page.key((left + 2 * wide + gap + 30, bottom, 0, tall), wheel)
    return page.save(path)


def raster(graph: Graph, field: np.ndarray) -> np.ndarray | None:
    """A field on a flat graph as the pixels of a small picture.

    A rectangular lattice of up to 60 nodes a side has one pixel a node. Elsewhere a pixel has the
    value of the nearest node.

    Parameters
    ----------
    graph : Graph
    field : (n,) array

    Returns
    -------
    (rows, columns) array or None
        The largest y is in the first row. None if the graph has no points in a plane that two of
        the axes span.
    """
    if graph.points is None:
        return None
    size = np.ptp(graph.points, axis=0)
    flat = int(size.argmin())
    if size[flat] > 1e-9 * size.max():
        return None
    from scipy.spatial import cKDTree

    points = np.delete(graph.points, flat, axis=1)
    axes = [np.unique(column) for column in points.T]
    if len(axes[0]) * len(axes[1]) != graph.n or max(map(len, axes)) > PIXELS:
        step = size.max() / PIXELS
        ends = zip(points.min(axis=0), points.max(axis=0), strict=True)
        axes = [np.arange(low + step / 2, max(high, low + step), step) for low, high in ends]
    places = np.stack(np.meshgrid(axes[0], axes[1][::-1]), axis=-1)
    return field[cKDTree(points).query(places)[1]]


def _grid(
    axes: Axes, xs: list[float], ys: list[float], cell: float, x_label: str, y_label: str
) -> None:
    """Prepare axes with squares of side 1 about whole numbers, hatched unless drawn over."""
    from matplotlib.patches import Rectangle

    axes.set_xlim(-0.5, len(xs) - 0.5)
    axes.set_ylim(-0.5, len(ys) - 0.5)
    axes.add_patch(Rectangle((-0.5, -0.5), len(xs), len(ys), zorder=0, **_HATCH))
    names = [f"{x:.4g}" for x in xs]
    slanted = max(map(len, names)) * 0.6 * _TEXT > 0.9 * cell * 72 / DPI
    axes.set_xticks(range(len(xs)), names, rotation=90 if slanted else 0)
    axes.set_yticks(range(len(ys)), [f"{y:.4g}" for y in ys])
    axes.set_xlabel(x_label, size=1.1 * _TEXT, color=INK)
    axes.set_ylabel(y_label, size=1.1 * _TEXT, color=INK)
    axes.tick_params(labelsize=_TEXT, colors=INK, length=2.5, width=0.8)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _alike(values: np.ndarray) -> list[str]:
    """Numbers in one format: up to two digits after the point, or powers of ten."""
    most = float(np.abs(values).max(initial=0.0))
    if not 0.05 <= most < 1e5:
        return [f"{value:.1e}" for value in values]
    digits = int(np.clip(2 - np.floor(np.log10(max(most, 1.0))), 0, 2))
    return [f"{value:.{digits}f}" for value in values]


def _heat(axes: Axes, values: np.ndarray, colours: Palette, cell: float) -> None:
    """Draw squares in the colours of their values, with the values as numbers."""
    image = np.zeros((*values.shape, 4), np.uint8)
    known = np.isfinite(values)
    image[known, :3] = colours.rgb(values[known])
    image[known, 3] = 255
    extent = (-0.5, values.shape[1] - 0.5, -0.5, values.shape[0] - 0.5)
    axes.imshow(image, origin="lower", interpolation="nearest", aspect="auto", zorder=1,
                extent=extent)  # fmt: skip
    texts = _alike(values[known])
    inks = colours.ink_on(values[known]) / 255
    longest = max(map(len, texts), default=1)
    size = min(_TEXT, 0.92 * cell * 72 / DPI / (0.62 * longest))
    for (i, j), text, ink in zip(np.argwhere(known), texts, inks, strict=True):
        axes.text(j, i, text, size=size, color=ink, ha="center", va="center", zorder=2)


def _small_pictures(
    axes: Axes,
    shape: tuple[int, int],
    pictures: Mapping[tuple[int, int], np.ndarray],
    colours: Palette,
) -> None:
    """Draw the phases of each pair as large as its square permits, with white lines between."""
    for (i, j), phases in pictures.items():
        tall, wide = phases.shape
        half = 0.5 * np.array([wide, tall]) / max(wide, tall) - 0.03
        axes.imshow(
            colours.rgb(phases.ravel()).reshape(tall, wide, 3), interpolation="nearest", zorder=2,
            extent=(j - half[0], j + half[0], i - half[1], i + half[1]), aspect="auto",
        )  # fmt: skip
    from matplotlib.patches import Rectangle

    for i, j in pictures:
        axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=PAPER, zorder=1))
    axes.set_xlim(-0.5, shape[1] - 0.5)
    axes.set_ylim(-0.5, shape[0] - 0.5)
