"""Plots of lines: how solvers converge."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.outcome import History
from meshrep.errors import InputError
from meshrep.view.colours import INK, SERIES
from meshrep.view.page import Page, panels, picture_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES = ("-", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
_SIGNS = ("", "s", "^", "D")  # marks on lines of the first, second, … round of colours
_POINTS = 500  # about the most that are drawn of one line
_LEVELS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)  # of thin level lines
PLOT_DPI = 160
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def convergence(
    histories: Mapping[str, History],
    reference: float,
    path: str | os.PathLike[str],
    *,
    order: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    floor: float = 1e-12,
    title: str = "",
) -> Path:
    """Draw each solver's gap to a reference energy against solve time and against steps.

    With ``order``, a third panel shows the order parameter against solve time.

    The gap of the best energy E so far is (E − E*) / |E*|. If E* is nearly zero it is
    (E − E*) / (E₀ − E*), with E₀ the largest energy at a start. All axes are logarithmic. An entry
    at zero seconds or steps is drawn at half the place of the next one. A dot marks the step at
    which a composed solver begins its next stage.

    Parameters
    ----------
    histories : mapping of str to History
        One line each, in this order; empty histories are left out.
    reference : float
        E*, the energy that is taken for the minimum.
    path : path
        A picture file to write.
    order : mapping of str to (seconds, ρ) or None
        Arrays (k,): seconds of solving, and the order parameter in [0, 1] at that time.
    floor : float
        The least gap that is drawn. Smaller and negative gaps are drawn there.
    title : str
        The text above everything.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If there is nothing to draw, ``order`` does not fit, or the file cannot be written.
    MissingPart
        If matplotlib is not installed.
    """
    path = picture_path(path)
    lines = _drawable(histories)
    starts = [history.energy[0] for history in lines.values()]
    if not lines or not np.isfinite(reference):
        raise InputError(f"{path}: convergence needs a history and a reference of finite energy")
    curves = checked_curves({} if order is None else order, path)
    strangers = [name for name in curves if name not in histories]
    if strangers:
        raise InputError(f"{path}: the order parameter of {strangers[0]!r} has no history")

    reach = max(abs(e - reference) for e in [*starts, reference] if np.isfinite(e))
    relative = abs(reference) > 1e-9 * reach
    scale = abs(reference) if relative and reference else reach or 1.0
    gaps = {
        name: np.maximum((history.best_energy() - reference) / scale, floor)
        for name, history in lines.items()
    }
    page, (left, right, *rest), looks = _against_work(lines, gaps, 3 if curves else 2, title)
    over = "|E*|" if relative else "(E₀ − E*)"
    left.set_ylabel(f"relative gap  (E − E*) / {over}", color=INK)
    for axes in (left, right):
        _dress(axes, floor)
    for axes in rest:
        for name in curves.keys() & looks:
            seconds, rho = curves[name]
            x = _positive(seconds)
            kept = _thinned(x, np.zeros(0, int))
            axes.plot(x[kept], rho[kept], label=name, **looks[name])
        axes.set_xscale("log")
        axes.set_xlabel("solve time in seconds", color=INK)
        order_axis(axes, "order parameter ρ")
    key_beside(page, left, _staged(lines))
    return page.save(path)


def losses(
    histories: Mapping[str, History],
    path: str | os.PathLike[str],
    *,
    title: str = "",
    label: str = "loss",
) -> Path:
    """Draw each solver's least energy so far against solve time and against steps.

    This is for energies whose minimum is not known. The vertical axis is linear and shows the
    energy itself; everything else is as in :func:`convergence`.

    Parameters
    ----------
    histories : mapping of str to History
        One line each, in this order; histories without a finite energy are left out.
    path : path
        A picture file to write.
    title : str
        The text above everything.
    label : str
        The text at the vertical axis.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If there is nothing to draw, or the file cannot be written.
    MissingPart
        If matplotlib is not installed.
    """
    path = picture_path(path)
    lines = {
        name: history
        for name, history in _drawable(histories).items()
        if np.isfinite(history.energy).any()
    }
    if not lines:
        raise InputError(f"{path}: losses need a history of finite energy")
    values = {name: history.best_energy() for name, history in lines.items()}
    page, (left, right), _ = _against_work(lines, values, 2, title)
    left.set_ylabel(label, color=INK)
    for axes in (left, right):
        _log_work(axes)
        axes.ticklabel_format(axis="y", useOffset=False)
    key_beside(page, left, _staged(lines))
    return page.save(path)


def _drawable(histories: Mapping[str, History]) -> dict[str, History]:
    """The histories that have entries; none of them if no entry is finite."""
    lines = {name: history for name, history in histories.items() if len(history)}
    return lines if any(np.isfinite(h.energy).any() for h in lines.values()) else {}


def _staged(lines: Mapping[str, History]) -> bool:
    """Whether a line has more than one stage."""
    return any(len(set(history.stage)) > 1 for history in lines.values())


def _against_work(
    lines: Mapping[str, History], values: Mapping[str, np.ndarray], count: int, title: str
) -> tuple[Page, list[Axes], dict[str, dict[str, Any]]]:
    """A page whose first two panels show values against time and steps, its axes, and the looks."""
    inches = 12.4 if count > 2 else 9.0, page_height(len(lines))
    page, (left, right, *rest) = panels(1, count, inches, title, dpi=PLOT_DPI)
    right.sharey(left)
    right.tick_params(which="both", labelleft=False)
    looks = {name: line_look(k) for k, name in enumerate(lines)}
    for name, history in lines.items():
        look, y = looks[name], np.where(np.isfinite(values[name]), values[name], np.nan)
        turns = np.flatnonzero(np.diff(history.stage)) + 1
        for axes, place in ((left, history.seconds), (right, history.step)):
            x = _positive(np.asarray(place, dtype=float))
            kept = _thinned(x, turns)
            axes.plot(x[kept], y[kept], label=name, **look)
            axes.plot(
                x[turns], y[turns], ls="", marker="o", ms=5.5, color=look["color"], mec="white",
                mew=0.9, zorder=4,
            )  # fmt: skip
    left.set_xlabel("solve time in seconds", color=INK)
    right.set_xlabel("steps", color=INK)
    return page, [left, right, *rest], looks


def _log_work(axes: Axes) -> None:
    """Make the horizontal axis logarithmic, with numbers at powers of ten only."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(_power))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _power(number: float, _: int | None = None) -> str:
    """A power of ten in plain letters, because matplotlib's mathematics takes 0.2 s per figure."""
    return "10" + str(round(np.log10(number))).translate(_RAISED)


def checked_curves(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], path: Path
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Curves as arrays of numbers; refuse x and y of different lengths, and empty ones."""
    checked = {}
    for name, (places, values) in curves.items():
        x, y = np.asarray(places, dtype=float), np.asarray(values, dtype=float)
        if x.ndim != 1 or x.shape != y.shape or not x.size:
            raise InputError(
                f"{path}: {name!r} has values of shape {y.shape} at times of shape {x.shape}"
            )
        checked[name] = (x, y)
    return checked


def page_height(lines: int) -> float:
    """The height in inches of a page whose legend names so many lines."""
    return max(3.9, 0.24 * lines + 0.8)


def line_look(k: int) -> dict[str, Any]:
    """How line k is drawn: no two of the first 28 have both the same colour and dashes."""
    round_ = k // len(SERIES) % len(_SIGNS)
    return {
        "color": SERIES[k % len(SERIES)], "ls": _STYLES[k % len(_STYLES)], "lw": 1.7,
        "solid_capstyle": "round", "marker": _SIGNS[round_], "markevery": 0.16, "ms": 5.0,
        "mec": "white", "mew": 0.6,
    }  # fmt: skip


def order_axis(axes: Axes, label: str) -> None:
    """Make the vertical axis reach from 0 to 1."""
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel(label, color=INK)


def _positive(x: np.ndarray) -> np.ndarray:
    """Increasing numbers (k,), those of 0 or less replaced by half the first positive one."""
    positive = x[x > 0]
    first = positive[0] / 2 if positive.size else 0.5
    return np.where(x > 0, x, first)


def _thinned(x: np.ndarray, always: np.ndarray) -> np.ndarray:
    """Numbers of entries that are even on a logarithmic axis, with the ends and ``always``."""
    if len(x) <= _POINTS:
        return np.arange(len(x))
    even = np.searchsorted(x, np.geomspace(x[0], x[-1], _POINTS)).clip(max=len(x) - 1)
    return np.unique(np.concatenate([[0, len(x) - 1], even, always]))


def _dress(axes: Axes, floor: float) -> None:
    """Make axes logarithmic and draw thin lines at the levels that tables report."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    _log_work(axes)
    axes.set_yscale("log")
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, floor / 3), top)
    for level in _LEVELS:
        axes.axhline(level, color="#d0d0d0", lw=0.6, zorder=0)
    axes.yaxis.set_major_locator(LogLocator(base=10, numticks=9))
    if top > 20 * bottom:  # on shorter axes ticks between powers of ten are needed
        axes.yaxis.set_major_formatter(FuncFormatter(_power))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_minor_locator(LogLocator(base=10, subs=(), numticks=9))


def key_beside(page: Page, axes: Axes, staged: bool) -> None:
    """Write a legend beside the panels, where it hides nothing."""
    from matplotlib.lines import Line2D

    handles, names = axes.get_legend_handles_labels()
    if staged:
        handles.append(Line2D([], [], ls="", marker="o", ms=5.5, color="#777777"))
        names.append("next stage")
    page.figure.legend(
        handles, names, loc="outside right upper", frameon=False, fontsize=10, labelcolor=INK,
        handlelength=3.4,
    )  # fmt: skip
