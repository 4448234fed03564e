"""Slow modes drawn on the mesh, with their spectra and their shares of the gradient."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.view.colours import INK, SERIES, palette
from meshrep.view.page import Page, picture_path, quiet
from meshrep.view.scene import draw
from meshrep.view.subject import subjects_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANEL = (430, 400)  # pixels of one mode
_LEFT, _TOP, _TITLE, _LOWER, _GAP = 110, 80, 44, 470, 20
_TEXT = 9.5  # points
_FEWER = 300_000  # nodes above which two modes are drawn instead of four


@dataclass(frozen=True)
class Row:
    """The slow modes of one operator.

    Attributes
    ----------
    name : str
        The name of the operator.
    values : (k,) float64
        Eigenvalues.
    modes : (k, n) or (k, n, d) float64
    sure : (k,) bool
        Which eigenvalues have converged.
    """

    name: str
    values: np.ndarray
    modes: np.ndarray
    sure: np.ndarray


def draw_modes(
    graph: Graph,
    rows: list[Row],
    curves: Mapping[str, np.ndarray],
    shares: Mapping[str, np.ndarray],
    path: str | os.PathLike[str],
    *,
    title: str = "",
) -> Path:
    """Draw slow modes on a graph, one row per operator, above spectra and shares of the gradient.

    Parameters
    ----------
    graph : Graph
    rows : list of Row
        At least one with modes, whose largest entry is ±1. Of a mode (n, d) the length at each
        node is drawn. Up to four modes are drawn per row, and two above 300,000 nodes.
    curves : mapping of str to (2, m) array
        Eigenvalues in ascending order, and the share of the spectrum at or below each. Names are
        like "H, end", "K gcn, start" or "K H gcn, end". Eigenvalues of 0 or less are left out.
    shares : mapping of str to (k,) array
        Shares of the squared gradient at the start in its slow modes, by the names of the rows.
    path : path
        A picture file to write.
    title : str
        The text above everything.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If there is no mode to draw, or the file cannot be written.
    MissingPart
        If matplotlib is not installed.
    """
    path = picture_path(path)
    most = 4 if graph.n <= _FEWER else 2
    rows = [
        Row(row.name, row.values[:most], row.modes[:most], row.sure)
        for row in rows
        if len(row.modes)
    ]
    if not rows:
        raise InputError(f"{path}: there is no mode to draw")
    across = max(2, *(len(row.modes) for row in rows))
    width = _LEFT + across * (_PANEL[0] + _GAP) + 150
    height = _TOP + len(rows) * (_PANEL[1] + _TITLE) + _LOWER
    colours = {row.name: SERIES[k % len(SERIES)] for k, row in enumerate(rows)}
    heading = f"{title}: slowest modes at the end" if title else ""
    page = Page((width, height), heading, text=_TEXT, scale=1.0)
    for k, row in enumerate(rows):
        top = height - _TOP - k * (_PANEL[1] + _TITLE) - _TITLE
        _draw_row(page, graph, row, top, colours[row.name])
    bottom, tall = 90, _LOWER - 160
    split = int(0.62 * (width - _LEFT))
    left = page.axes((_LEFT, bottom, split - _LEFT - 40, tall))
    _draw_spectra(left, curves, colours)
    right = page.axes((split + 90, bottom, width - split - 130, tall))
    _draw_shares(right, shares, graph.n, colours)
    return page.save(path)


def _draw_row(page: Page, graph: Graph, row: Row, top: int, ink: str) -> None:
    """Draw the modes of an operator below ``top``, in colours from −1 to 1, and a colour bar."""
    signed = row.modes.ndim == 2
    colours = palette("field", np.zeros(1), (-1.0 if signed else 0.0, 1.0), "mode",
                      "coolwarm" if signed else "viridis")  # fmt: skip
    wide, tall = _PANEL
    page.write(30, top - tall / 2, row.name, 1.15, color=ink, rotation=90, va="center", ha="center")
    shown = [mode if signed else np.linalg.norm(mode, axis=1) for mode in row.modes]
    for k, views in enumerate(subjects_of(graph, shown)):
        box = (_LEFT + k * (wide + _GAP), top - tall, wide, tall)
        page.title(box, _title(row.values[k], bool(row.sure[k])))
        draw(page, box, views[""], colours)
    page.bar((page.size[0] - 128, top - tall, 0, tall), colours, (-1, 0, 1) if signed else (0, 1))


def _draw_spectra(axes: Axes, curves: Mapping[str, np.ndarray], colours: Mapping[str, str]) -> None:
    """Draw the share of each spectrum below a value: dashed at the start, thin lines for K."""
    for name, (values, below) in curves.items():
        kept = values > 0
        if not kept.any():
            continue
        operator, where = name.rsplit(", ", 1)
        of_kernel = operator.startswith("K ") and not operator.startswith("K H")
        ink = colours.get("K H " + operator[2:] if of_kernel else operator, INK)
        look: dict[str, Any] = {"color": ink, "lw": 0.8 if of_kernel else 1.7, "alpha": 0.95}
        if where == "start":
            look |= {"ls": (0, (3, 2)), "alpha": 0.75}
        x = values[kept] / values[-1]
        y = below[kept]
        axes.step(np.append(x, 1.0), np.append(y, 1.0), where="post", label=name, **look)
        axes.plot(x[:1], y[:1], marker="o", ms=4, color=look["color"], alpha=look["alpha"],
                  clip_on=False)  # fmt: skip
    axes.set_xscale("log")
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("eigenvalue over the largest", size=_TEXT, color=INK)
    axes.set_ylabel("share of the spectrum below", size=_TEXT, color=INK)
    axes.legend(frameon=False, fontsize=0.9 * _TEXT, labelcolor=INK, loc="upper left")
    quiet(axes, 0.9 * _TEXT)


def _draw_shares(
    axes: Axes, shares: Mapping[str, np.ndarray], n: int, colours: Mapping[str, str]
) -> None:
    """Draw how much of the squared gradient at the start lies in each slow mode there."""
    held = {name: found for name, found in shares.items() if len(found)}
    wide = 0.8 / max(len(held), 1)
    every = np.concatenate([[1 / n], *held.values()])
    floor = 10.0 ** np.floor(np.log10(max(every[every > 0].min(), 1e-16)) - 0.5)
    for k, (name, found) in enumerate(held.items()):
        x = np.arange(1, len(found) + 1) + (k - 0.5 * (len(held) - 1)) * wide
        axes.bar(x, np.maximum(found, floor), 0.9 * wide, label=name,
                 color=colours.get(name, INK), bottom=0)  # fmt: skip
    axes.axhline(1 / n, color="#777777", lw=0.9, ls=(0, (4, 3)), label="one mode in n")
    axes.set_yscale("log")
    axes.set_ylim(floor, 1.0)
    axes.set_xticks(range(1, 1 + max((len(found) for found in held.values()), default=1)))
    axes.set_xlabel("mode of least eigenvalue at the start", size=_TEXT, color=INK)
    axes.set_ylabel("share of the squared gradient", size=_TEXT, color=INK)
    axes.legend(frameon=False, fontsize=0.9 * _TEXT, labelcolor=INK, loc="lower right", ncols=3,
                bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)  # fmt: skip
    quiet(axes, 0.9 * _TEXT)


def _title(value: float, sure: bool) -> str:
    return f"λ = {_short(value)}" if sure else f"λ ≲ {_short(value)}, not converged"


def _short(value: float) -> str:
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e4 else f"{value:.1e}"
