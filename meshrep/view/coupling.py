"""The plot of the order parameter over the coupling, up and down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from meshrep.errors import InputError
from meshrep.view.colours import INK, SERIES
from meshrep.view.page import panels, picture_path
from meshrep.view.plots import PLOT_DPI, key_beside, order_axis

_MARKS = ("^", "v")
_TALL, _WIDE = 3.9, 7.6  # inches


def order_over_coupling(
    K: np.ndarray,
    ways: Mapping[str, tuple[np.ndarray, np.ndarray]],
    path: str | os.PathLike[str],
    *,
    theory: tuple[np.ndarray, np.ndarray] | None = None,
    theory_label: str = "theory",
    onsets: Mapping[str, tuple[float, float]] | None = None,
    title: str = "",
) -> Path:
    """Draw order parameters over the coupling, with bands, theory, and where order sets in.

    Parameters
    ----------
    K : (k,) array
    ways : mapping of str to (r, spread)
        Arrays (k,) by the name of the line; a band of ± the spread is drawn about r, and NaN is
        left out.
    path : path
        A picture file to write.
    theory : (K, r) or None
        Arrays of a line that is drawn without marks.
    theory_label : str
        Its name.
    onsets : mapping of str to (K, error), optional
        A thin line where order sets in, by the names of ``ways``.
    title : str
        The text above everything.

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
    if not any(np.isfinite(r).any() for r, _ in ways.values()):
        raise InputError(f"{path}: there is no order parameter to draw")
    page, (axes,) = panels(1, 1, (_WIDE, _TALL), title, dpi=PLOT_DPI)
    if theory is not None:
        axes.plot(*theory, color="#8a8a8a", lw=2.4, zorder=1, label=theory_label)
    onsets = onsets or {}
    for k, (name, (r, spread)) in enumerate(ways.items()):
        known, colour = np.isfinite(r), SERIES[k]
        at, mean, half = K[known], r[known], spread[known]
        axes.fill_between(
            at, np.clip(mean - half, 0, 1), np.clip(mean + half, 0, 1), color=colour, alpha=0.18,
            linewidth=0, zorder=2,
        )  # fmt: skip
        # the way up is hollow, so that the way down shows where they agree
        axes.plot(
            at, mean, color=colour, marker=_MARKS[k % 2], ms=5.5, lw=1.3, zorder=4 - k, label=name,
            markerfacecolor="none" if k == 0 else colour,
        )  # fmt: skip
        if name in onsets:
            place, error = onsets[name]
            axes.axvspan(place - error, place + error, color=colour, alpha=0.12, lw=0, zorder=0)
            axes.axvline(
                place, color=colour, lw=1.0, ls=(0, (4, 2)), zorder=1,
                label=f"onset {name}, {_number(place, error)}",
            )  # fmt: skip
    axes.set_xlabel("coupling K", color=INK)
    order_axis(axes, "order parameter r")
    key_beside(page, axes, staged=False)
    return page.save(path)


def _number(value: float, error: float) -> str:
    """A value with as many digits as its error warrants."""
    digits = max(0, 1 - int(np.floor(np.log10(error)))) if error > 0 else 3
    return f"{value:.{digits}f} ± {error:.{digits}f}"
