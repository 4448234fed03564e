"""Persistence diagrams and their barcodes, side by side on the same axes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from meshrep.errors import InputError
from meshrep.view.colours import INK, PAPER, SERIES
from meshrep.view.page import DPI, Page, picture_path, quiet, round_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_LOOKS = tuple(zip(SERIES, "o^sD", strict=False))  # colour and sign of each dimension
_NAMES = {0: "components", 1: "loops", 2: "cavities"}
_BARS = 60  # most bars of one dimension
_TEXT = 10.0  # points
_SIDE, _BARCODE = 525, 405  # pixels of the drawings; those of a column share their x axis
_LEFT, _COLUMN, _HEAD, _BETWEEN, _FOOT = 145, 715, 67, 113, 93
_QUIET = "#b4b4b4"
_FAINT = "#6b6b6b"
_VOID = "#f5f5f3"  # the half plane where no pair can be
_GAP = 3  # rows between dimensions
_RIMMED = 150  # more pairs of one dimension have no white rims, which would hide them
_MANY = 3_000  # more pairs are drawn as pixels in vector formats
_LEAST = 0.02  # least span of the axes over the greatest value; it keeps their numbers short
_VISIBLE = 2.0  # pixels of the shortest bar

Pairs = Mapping[int, ArrayLike]  # births and deaths (k, 2) by dimension, or diagrams of them


def persistence_picture(
    diagrams: Mapping[str, Pairs] | Pairs,
    path: str | os.PathLike[str],
    *,
    title: str = "",
    names: Mapping[int, str] | None = None,
    threshold: float | None = None,
    targets: Pairs | None = None,
    span: tuple[float, float] | None = None,
) -> Path:
    """Draw persistence diagrams in a row, and the barcode of each below it.

    All columns have the same axes, which span at least a fiftieth of the greatest value. A barcode
    shows the 60 most persistent pairs of each dimension; its label says so if others are left out.

    Parameters
    ----------
    diagrams : mapping of int to (k, 2) array, or mapping of str to such mappings
        Births and deaths by dimension, as :func:`meshrep.rips_diagrams` gives them; several by
        the names of their columns. Superlevel pairs (birth ≥ death) lie below the diagonal. Leave
        out pairs that never die.
    path : path
        A picture file to write.
    title : str
        The text above everything.
    names : mapping of int to str or None
        What the features of each dimension are called; by default components, loops, cavities.
    threshold : float or None
        A persistence, drawn as a dashed line along the diagonal.
    targets : mapping of int to (m, 2) array or None
        Births and deaths that pairs ought to have, by dimension. They are drawn hollow in every
        diagram.
    span : (low, high) or None
        An interval that the axes contain.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If there is no diagram, pairs are not finite (k, 2) arrays, the threshold is negative, the
        span is not an interval, or the file cannot be written.
    MissingPart
        If matplotlib is not installed.
    """
    path = picture_path(path)
    several: Any = {"": diagrams} if any(isinstance(k, int) for k in diagrams) else diagrams
    columns = {name: _checked(name, given, path) for name, given in several.items()}
    if not columns:
        raise InputError(f"{path}: there is no persistence diagram to draw")
    called = _NAMES if names is None else names
    wanted = _checked("targets", targets or {}, path)
    if threshold is not None and not 0 <= threshold < np.inf:
        raise InputError(f"{path}: the threshold must be 0 or more, not {threshold}")
    if span is not None and not -np.inf < span[0] < span[1] < np.inf:
        raise InputError(f"{path}: the span needs a low end below its high end, not {span}")
    drawn = [pairs for column in (*columns.values(), wanted) for pairs in column.values()]
    low, high = _limits(drawn, threshold or 0.0, span)

    head = _HEAD + (63 if title else 0) if any(columns) else 37 + (53 if title else 0)
    bottom = _FOOT + _BARCODE + _BETWEEN
    size = len(columns) * _COLUMN + 23, bottom + _SIDE + head
    page = Page(size, title, text=_TEXT, scale=1.0)
    for k, (name, column) in enumerate(columns.items()):
        left = k * _COLUMN + _LEFT
        below = page.axes((left, _FOOT, _SIDE, _BARCODE))
        above = page.axes((left, bottom, _SIDE, _SIDE))
        rising = _direction(column) or _direction(wanted)
        _diagram(above, column, called, (low, high), rising, threshold or 0.0, wanted)
        _barcode(below, column, (low, high), rising)
        above.set_title(name, size=1.15 * _TEXT, color=INK, pad=9)
    return page.save(path)


def _checked(name: str, given: Pairs, path: Path) -> dict[int, np.ndarray]:
    """Finite pairs (k, 2) by dimension, the lowest dimension first."""
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


def _limits(
    diagrams: list[np.ndarray], threshold: float, span: tuple[float, float] | None
) -> tuple[float, float]:
    """The ends of every axis, slightly outside all values and the span."""
    values = np.concatenate([np.array(span or ()), *[pairs.ravel() for pairs in diagrams]])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    # a threshold above all pairs must be on the page
    least = max(1.25 * threshold, _LEAST * max(abs(low), abs(high))) or 1.0
    wider = max(0.0, least - (high - low)) / 2
    pad = 0.045 * max(least, high - low)
    return low - wider - pad, high + wider + pad


def _direction(column: Mapping[int, np.ndarray]) -> int:
    """1 if most features die above their birth, -1 if below, 0 if there are none."""
    lives = np.concatenate([np.zeros(0), *[np.diff(pairs).ravel() for pairs in column.values()]])
    return int(np.sign(np.sign(lives).sum()))


def _look(dimension: int) -> tuple[str, str]:
    """The colour and the sign of a dimension."""
    return _LOOKS[dimension % len(_LOOKS)]


def _diagram(
    axes: Axes,
    column: Mapping[int, np.ndarray],
    called: Mapping[int, str],
    limits: tuple[float, float],
    rising: int,
    threshold: float,
    targets: Mapping[int, np.ndarray],
) -> None:
    """Draw deaths over births, the diagonal, and a legend in the half where no pair is."""
    from matplotlib.legend_handler import HandlerTuple

    low, high = limits
    corner = low if rising < 0 else high
    axes.fill([low, high, corner], [low, high, low + high - corner], color=_VOID, lw=0, zorder=0)
    axes.plot(limits, limits, color=_QUIET, lw=1.0, zorder=1)
    total = sum(map(len, column.values()))
    size = float(np.clip(5.8 * (300 / max(total, 1)) ** 0.25, 2.5, 6.5))
    handles: list[Any] = []
    labels: list[str] = []
    for dimension, pairs in column.items():
        colour, sign = _look(dimension)
        look: dict[str, Any] = {"ls": "", "marker": sign, "mfc": colour, "mec": "white", "mew": 0.4}
        rim = 0.4 * (len(pairs) <= _RIMMED)
        axes.plot(*pairs.T, ms=size, alpha=0.8, rasterized=total > _MANY, zorder=2 + dimension,
                  clip_on=False, **look | {"mew": rim})  # fmt: skip
        label = f"H{_lowered(dimension)} {called.get(dimension, '')}".rstrip()
        counted = f"{len(pairs):,} finite pair{'' if len(pairs) == 1 else 's'}"
        labels.append(f"{label}: {counted}")
        handles += axes.plot([], [], ms=6.8, **look)
    hollow = []
    for dimension, pairs in targets.items():
        if len(pairs):
            colour, sign = _look(dimension)
            hollow += axes.plot(*pairs.T, ls="", marker=sign, ms=9.5, mfc="none", mec=colour,
                                mew=1.3, zorder=12)  # fmt: skip
    if hollow:
        handles.append(tuple(hollow))
        labels.append("target")
    if threshold:
        beside = np.array(limits) + (-threshold if rising < 0 else threshold)
        handles += axes.plot(limits, beside, color=_FAINT, lw=0.9, ls=(0, (5, 3)), zorder=1.5)
        labels.append(f"threshold {threshold:.4g}")
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    for axis in (axes.xaxis, axes.yaxis):
        _number(axis)
    level = " (superlevel sets)" if rising < 0 else ""
    axes.set_xlabel(f"birth{level}", size=_TEXT, color=INK)
    axes.set_ylabel(f"death{level}", size=_TEXT, color=INK)
    if not total and not hollow:
        _say_empty(axes)
    if (total and labels) or hollow or threshold:
        place: Any = "upper left" if rising < 0 else "lower right"
        axes.legend(
            handles, labels, handler_map={tuple: HandlerTuple(ndivide=None, pad=0.3)}, loc=place,
            frameon=False, fontsize=0.95 * _TEXT, labelcolor=INK, handletextpad=0.6,
            borderaxespad=0.4,
        )  # fmt: skip
    quiet(axes, 0.9 * _TEXT)


def _barcode(
    axes: Axes, column: Mapping[int, np.ndarray], limits: tuple[float, float], rising: int
) -> None:
    """Draw a bar from birth to death for each pair, the dimensions one above the other."""
    from matplotlib.collections import LineCollection

    shown = {dimension: _longest(pairs, rising) for dimension, pairs in column.items()}
    rows = sum(len(pairs) + _GAP for pairs in shown.values() if len(pairs)) - _GAP
    thick = float(np.clip(0.62 * 72 / DPI * _BARCODE / max(rows, 1), 0.8, 5.0))
    visible = _VISIBLE * (limits[1] - limits[0]) / _SIDE
    bottom = 0
    for dimension, pairs in shown.items():
        at = bottom + np.arange(len(pairs))
        bars = np.stack([_widened(pairs, visible, rising), np.stack([at, at], axis=1)], axis=2)
        axes.add_collection(
            LineCollection(list(bars), colors=_look(dimension)[0], lw=thick, capstyle="butt")
        )
        bottom += len(pairs) + _GAP * (len(pairs) > 0)
    axes.set_xlim(*limits)
    edge = max(1.5, 0.02 * rows)
    axes.set_ylim(-edge, max(rows, 1) - 1 + edge)
    axes.set_yticks([])
    _number(axes.xaxis)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("death to birth" if rising < 0 else "birth to death", size=_TEXT, color=INK)
    cut = any(len(pairs) < len(column[dimension]) for dimension, pairs in shown.items())
    rest = f"\n(the {_BARS} longest of each dimension)" if cut else ""
    axes.set_ylabel(f"pairs by birth{rest}", size=_TEXT, color=INK, labelpad=8)
    if not bottom:
        _say_empty(axes)
    quiet(axes, 0.9 * _TEXT)


def _longest(pairs: np.ndarray, rising: int) -> np.ndarray:
    """The most persistent pairs in the order of their births, and of deaths for equal births."""
    most = np.argsort(-np.abs(pairs[:, 1] - pairs[:, 0]), kind="stable")[:_BARS]
    ways = pairs[most] * (-1 if rising < 0 else 1)
    return pairs[most][np.lexsort((ways[:, 1], ways[:, 0]))]


def _widened(pairs: np.ndarray, least: float, rising: int) -> np.ndarray:
    """Pairs as bars that begin at the birth and have at least the given length."""
    life = pairs[:, 1] - pairs[:, 0]
    way = np.where(life == 0, -1 if rising < 0 else 1, np.sign(life))
    deaths = np.where(np.abs(life) < least, pairs[:, 0] + least * way, pairs[:, 1])
    return np.stack([pairs[:, 0], deaths], axis=1)


def _number(axis: Axis) -> None:
    """Put a few round numbers on an axis, without a factor or an offset beside it."""
    from matplotlib.ticker import FuncFormatter

    low, high = axis.get_view_interval()
    axis.set_major_locator(round_numbers(6))
    axis.set_major_formatter(
        FuncFormatter(lambda x, _: f"{0 if abs(x) < 1e-9 * (high - low) else x:.6g}")
    )


def _say_empty(axes: Axes) -> None:
    axes.text(0.5, 0.5, "no pairs", transform=axes.transAxes, size=1.1 * _TEXT, color="#777777",
              ha="center", va="center",
              bbox={"boxstyle": "round,pad=0.4", "fc": PAPER, "ec": "none"})  # fmt: skip


def _lowered(number: int) -> str:
    """A number in subscript digits."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
