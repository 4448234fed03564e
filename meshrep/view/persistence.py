"""Persistence diagrams and barcodes, side by side on the same axes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.errors import InputError
from meshrep.view.colours import INK, PAPER
from meshrep.view.page import DPI, blank
from meshrep.view.write import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's blue, vermilion and green: one colour and one sign a dimension
_LOOKS = (("#0072B2", "o"), ("#D55E00", "^"), ("#009E73", "s"), ("#CC79A7", "D"))
_NAMES = {0: "components", 1: "loops", 2: "cavities"}
_SUFFIXES = (".png", ".pdf", ".svg")
_BARS = 60  # drawn of one dimension
_TEXT = 10.0  # points
_SIDE, _BARCODE = 3.5, 2.7  # inches of the drawings; those of a column share their x axis
_LEFT, _COLUMN, _HEAD, _BETWEEN, _FOOT = 0.85, 4.65, 0.45, 0.75, 0.62
_QUIET = "#b4b4b4"
_VOID = "#f5f5f3"  # where no pair can be
_GAP = 3  # rows between dimensions
_RIMMED = 150  # pairs of one dimension beyond which white rims would bury them
_MANY = 3_000  # pairs beyond which vector formats get pixels

Pairs = Mapping[int, np.ndarray]


def persistence_picture(
    diagrams: Mapping[str, Pairs],
    path: str | os.PathLike[str],
    *,
    title: str = "",
    names: Mapping[int, str] | None = None,
) -> Path:
    """Draw persistence diagrams in a row, and the barcode of each below it.

    All columns have the same axes. A barcode has the 60 most persistent pairs of each dimension
    at the most; its label says so where some are left out.

    Parameters
    ----------
    diagrams : mapping of str to mapping of int to (k, 2) array
        Births and deaths by dimension, a column each under its name; superlevel pairs
        (birth ≥ death) lie below the diagonal. Pairs that never die are to be left out.
    path : path
        A .png, .pdf or .svg to write.
    names : mapping of int to str or None
        What the features of each dimension are called; by default components, loops, cavities.

    Raises
    ------
    InputError
        Where there is no diagram, pairs are not finite (k, 2) arrays, or the file cannot be
        written.
    """
    path = Path(path)
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{path}: diagrams can be written to {', '.join(_SUFFIXES)}")
    columns = {name: _checked(name, given, path) for name, given in diagrams.items()}
    if not columns:
        raise InputError(f"{path}: there is no persistence diagram to draw")
    called = _NAMES if names is None else names
    low, high = _limits([pairs for column in columns.values() for pairs in column.values()])

    top = _HEAD + (0.42 if title else 0.0) if any(columns) else 0.25 + (0.35 if title else 0.0)
    width, height = len(columns) * _COLUMN + 0.15, top + _SIDE + _BETWEEN + _BARCODE + _FOOT
    figure = blank((width, height))
    for k, (name, column) in enumerate(columns.items()):
        left = (k * _COLUMN + _LEFT) / width
        share = _SIDE / width
        below = figure.add_axes((left, _FOOT / height, share, _BARCODE / height))
        bottom = (_FOOT + _BARCODE + _BETWEEN) / height
        above = figure.add_axes((left, bottom, share, _SIDE / height))
        rising = _direction(column)
        _diagram(above, column, called, (low, high), rising)
        _barcode(below, column, (low, high), rising)
        above.set_title(name, size=1.15 * _TEXT, color=INK, pad=9)
    if title:
        figure.text(0.17 / width, 1 - 0.15 / height, title, size=1.25 * _TEXT, color=INK, va="top")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DPI, facecolor=PAPER)
    return path


def _checked(name: str, given: Pairs, path: Path) -> dict[int, np.ndarray]:
    """Finite pairs (k, 2) by dimension, the lowest first."""
    checked = {}
    for dimension in sorted(given):
        pairs = np.asarray(given[dimension], dtype=float)
        pairs = pairs.reshape(0, 2) if not pairs.size else pairs
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            raise InputError(
                f"{path}: the pairs of dimension {dimension} of {name!r} have shape "
                f"{pairs.shape}, not (k, 2)"
            )
        if not np.isfinite(pairs).all():
            raise InputError(
                f"{path}: a pair of dimension {dimension} of {name!r} is not finite: leave out "
                "pairs that never die"
            )
        checked[dimension] = pairs
    return checked


def _limits(diagrams: list[np.ndarray]) -> tuple[float, float]:
    """The ends of every axis: a little beyond the least and the greatest value."""
    values = np.concatenate([np.zeros(0), *[pairs.ravel() for pairs in diagrams]])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    pad = 0.045 * (high - low) or 0.5
    return low - pad, high + pad


def _direction(column: Mapping[int, np.ndarray]) -> int:
    """1 where most features die above their birth, -1 below, 0 where there is none."""
    lives = np.concatenate([np.zeros(0), *[np.diff(pairs).ravel() for pairs in column.values()]])
    return int(np.sign(np.sign(lives).sum()))


def _look(dimension: int) -> tuple[str, str]:
    """Colour and sign of a dimension."""
    return _LOOKS[dimension % len(_LOOKS)]


def _diagram(
    axes: Axes,
    column: Mapping[int, np.ndarray],
    called: Mapping[int, str],
    limits: tuple[float, float],
    rising: int,
) -> None:
    """Death against birth, the diagonal, and a legend in the half where no pair is."""
    from matplotlib.ticker import MaxNLocator

    low, high = limits
    corner = low if rising < 0 else high
    axes.fill([low, high, corner], [low, high, low + high - corner], color=_VOID, lw=0, zorder=0)
    axes.plot(limits, limits, color=_QUIET, lw=1.0, zorder=1)
    total = sum(map(len, column.values()))
    size = float(np.clip(5.8 * (300 / max(total, 1)) ** 0.25, 2.5, 6.5))
    handles = []
    for dimension, pairs in column.items():
        colour, sign = _look(dimension)
        look: dict[str, Any] = {"ls": "", "marker": sign, "mfc": colour, "mec": "white", "mew": 0.4}
        rim = 0.4 * (len(pairs) <= _RIMMED)
        axes.plot(*pairs.T, ms=size, alpha=0.8, rasterized=total > _MANY, zorder=2 + dimension,
                  clip_on=False, **look | {"mew": rim})  # fmt: skip
        label = f"H{_lowered(dimension)} {called.get(dimension, '')}".rstrip()
        handles += axes.plot([], [], ms=6.8, label=f"{label}: {len(pairs):,}", **look)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    level = " (superlevel sets)" if rising < 0 else ""
    axes.set_xlabel(f"birth{level}", size=_TEXT, color=INK)
    axes.set_ylabel(f"death{level}", size=_TEXT, color=INK)
    if not total:
        _say_empty(axes)
    elif handles:
        axes.legend(
            handles=handles, loc="upper left" if rising < 0 else "lower right", frameon=False,
            fontsize=0.95 * _TEXT, labelcolor=INK, handletextpad=0.3, borderaxespad=0.4,
        )  # fmt: skip
    _quiet(axes)


def _barcode(
    axes: Axes, column: Mapping[int, np.ndarray], limits: tuple[float, float], rising: int
) -> None:
    """A line from birth to death for each pair, the dimensions one above the other."""
    from matplotlib.collections import LineCollection
    from matplotlib.ticker import MaxNLocator

    shown = {dimension: _longest(pairs, rising) for dimension, pairs in column.items()}
    rows = sum(len(pairs) + _GAP for pairs in shown.values() if len(pairs)) - _GAP
    thick = float(np.clip(0.62 * 72 * _BARCODE / max(rows, 1), 0.8, 5.0))
    bottom = 0
    for dimension, pairs in shown.items():
        at = bottom + np.arange(len(pairs))
        bars = np.stack([pairs, np.stack([at, at], axis=1)], axis=2)
        axes.add_collection(
            LineCollection(list(bars), colors=_look(dimension)[0], lw=thick, capstyle="butt")
        )
        bottom += len(pairs) + _GAP * (len(pairs) > 0)
    axes.set_xlim(*limits)
    edge = max(1.5, 0.02 * rows)
    axes.set_ylim(-edge, max(rows, 1) - 1 + edge)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("death to birth" if rising < 0 else "birth to death", size=_TEXT, color=INK)
    cut = any(len(pairs) < len(column[dimension]) for dimension, pairs in shown.items())
    rest = f"\n(the {_BARS} longest of each dimension)" if cut else ""
    axes.set_ylabel(f"pairs by birth{rest}", size=_TEXT, color=INK, labelpad=8)
    if not bottom:
        _say_empty(axes)
    _quiet(axes)


def _longest(pairs: np.ndarray, rising: int) -> np.ndarray:
    """The most persistent pairs, the first born first; those born together by their death."""
    most = np.argsort(-np.abs(pairs[:, 1] - pairs[:, 0]), kind="stable")[:_BARS]
    ways = pairs[most] * (-1 if rising < 0 else 1)
    return pairs[most][np.lexsort((ways[:, 1], ways[:, 0]))]


def _say_empty(axes: Axes) -> None:
    axes.text(0.5, 0.5, "no pairs", transform=axes.transAxes, size=1.1 * _TEXT, color="#777777",
              ha="center", va="center",
              bbox={"boxstyle": "round,pad=0.4", "fc": PAPER, "ec": "none"})  # fmt: skip


def _lowered(number: int) -> str:
    """A number in lowered digits."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _quiet(axes: Axes) -> None:
    """Dark small numbers and no frame at the top and the right."""
    axes.tick_params(labelsize=0.9 * _TEXT, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
