"""Plots of how solvers converge."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from meshrep.errors import InputError, MissingPart
from meshrep.outcome import History
from meshrep.view.colours import INK
from meshrep.view.write import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by colour-blind readers, without the yellow that white drowns.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#111111", "#E69F00", "#56B4E9")
_STYLES = ("-", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
_POINTS = 500  # drawn of one line
_LEVELS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_DPI = 160


def convergence(
    histories: Mapping[str, History],
    reference: float,
    path: str | os.PathLike[str],
    *,
    floor: float = 1e-12,
    title: str = "",
) -> Path:
    """Draw each solver's gap to a reference energy against solve time and against steps.

    The gap of the best energy E so far is (E − E*) / |E*|, or (E − E*) / (E₀ − E*) from the
    largest start E₀ where E* is nearly zero. All axes are logarithmic; a start at zero is drawn
    half way before the first later entry. A dot marks where a composed solver goes on to its
    next stage.

    Parameters
    ----------
    histories : mapping of str to History
        One line each, in this order; empty ones are left out.
    reference : float
        E*, the energy that counts as the minimum.
    path : path
        A .png, .pdf or .svg to write.
    floor : float
        Gaps below are drawn at this value; so are energies under the reference.

    Raises
    ------
    InputError
        Where there is nothing to draw, or the file cannot be written.
    """
    path = Path(path)
    lines = {name: history for name, history in histories.items() if len(history)}
    starts = [history.energy[0] for history in lines.values()]
    finite = [np.isfinite(history.energy).any() for history in lines.values()]
    if not any(finite) or not np.isfinite(reference):
        raise InputError(f"{path}: convergence needs a history and a reference of finite energy")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPart("matplotlib", "draw plots", "viz") from error

    reach = max(abs(e - reference) for e in [*starts, reference] if np.isfinite(e))
    relative = abs(reference) > 1e-9 * reach
    scale = abs(reference) if relative and reference else reach or 1.0
    figure = Figure(figsize=(9.0, 3.9), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    for k, (name, history) in enumerate(lines.items()):
        look = {"color": _COLOURS[k % len(_COLOURS)], "ls": _STYLES[k % len(_STYLES)]}
        gap = np.maximum((history.best_energy() - reference) / scale, floor)
        gap[~np.isfinite(gap)] = np.nan
        turns = np.flatnonzero(np.diff(history.stage)) + 1
        for axes, place in ((left, history.seconds), (right, history.step)):
            x = _positive(np.asarray(place, dtype=float))
            kept = _thinned(x, turns)
            axes.plot(x[kept], gap[kept], lw=1.7, label=name, solid_capstyle="round", **look)
            axes.plot(
                x[turns], gap[turns], ls="", marker="o", ms=5.5, color=look["color"], mec="white",
                mew=0.9, zorder=4,
            )  # fmt: skip
    over = "|E*|" if relative else "(E₀ − E*)"
    left.set_ylabel(f"relative gap  (E − E*) / {over}", color=INK)
    left.set_xlabel("solve time in seconds", color=INK)
    right.set_xlabel("steps", color=INK)
    for axes in (left, right):
        _dress(axes, floor)
    _key(figure, left, any(len(set(history.stage)) > 1 for history in lines.values()))
    if title:
        figure.suptitle(title, x=0.01, ha="left", color=INK, size=12)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=_DPI)
    return path


def _positive(x: np.ndarray) -> np.ndarray:
    """Increasing places with what is not positive moved to half the first positive one."""
    positive = x[x > 0]
    first = positive[0] / 2 if positive.size else 0.5
    return np.where(x > 0, x, first)


def _thinned(x: np.ndarray, always: np.ndarray) -> np.ndarray:
    """Numbers of entries that stand evenly on a logarithmic axis, ends and ``always`` included."""
    if len(x) <= _POINTS:
        return np.arange(len(x))
    even = np.searchsorted(x, np.geomspace(x[0], x[-1], _POINTS)).clip(max=len(x) - 1)
    return np.unique(np.concatenate([[0, len(x) - 1], even, always]))


def _dress(axes: Axes, floor: float) -> None:
    """Logarithmic axes, quiet frame, thin lines at the levels that tables speak of."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, floor / 3), top)
    for level in _LEVELS:
        axes.axhline(level, color="#d0d0d0", lw=0.6, zorder=0)
    axes.yaxis.set_major_locator(LogLocator(base=10, numticks=9))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_locator(LogLocator(base=10, subs=(), numticks=9))
    axes.tick_params(colors=INK, labelsize=9.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _key(figure: Figure, axes: Axes, staged: bool) -> None:
    """A legend beside the panels, where it hides nothing."""
    from matplotlib.lines import Line2D

    handles, names = axes.get_legend_handles_labels()
    if staged:
        handles.append(Line2D([], [], ls="", marker="o", ms=5.5, color="#777777"))
        names.append("next stage")
    figure.legend(
        handles, names, loc="outside right upper", frameon=False, fontsize=10, labelcolor=INK,
        handlelength=2.6,
    )  # fmt: skip
