"""Plots of motion: energy, order, phases and frequencies over time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from meshrep.errors import InputError
from meshrep.view.circle import draw_circle
from meshrep.view.colours import INK, SERIES, palette
from meshrep.view.page import panels, picture_path
from meshrep.view.plots import (
    PLOT_DPI,
    checked_curves,
    key_beside,
    line_look,
    order_axis,
    page_height,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = 30  # ratio of energies along a flow from which their axis is logarithmic


def order_over_time(
    times: np.ndarray,
    curves: Mapping[str, np.ndarray],
    path: str | os.PathLike[str],
    title: str = "",
    label: str = "order parameter ρ",
) -> Path:
    """Draw order parameters in [0, 1] over the time of a flow, one line each.

    Parameters
    ----------
    times : (k,) array
    curves : mapping of str to (k,) array
        The order parameter ρ at these times, by the name of the line.
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
        If there is nothing to draw, a curve does not fit, or the file cannot be written.
    MissingPart
        If matplotlib is not installed.
    """
    path = picture_path(path)
    drawn = checked_curves({name: (times, rho) for name, rho in curves.items()}, path)
    if not drawn:
        raise InputError(f"{path}: there is no order parameter to draw")
    page, (axes,) = panels(1, 1, (6.4, page_height(len(drawn))), title, dpi=PLOT_DPI)
    for k, (name, (x, rho)) in enumerate(drawn.items()):
        axes.plot(x, rho, label=name, **line_look(k))
    axes.set_xlabel("time", color=INK)
    order_axis(axes, label)
    if len(drawn) > 1 or any(drawn):
        key_beside(page, axes, staged=False)
    return page.save(path)


def values_over_time(
    times: np.ndarray,
    curves: Mapping[str, np.ndarray],
    path: str | os.PathLike[str],
    *,
    title: str = "",
    label: str = "field",
    time_symbol: str = "",
) -> Path:
    """Draw values over the time of a flow, one line each, such as those at probes.

    Parameters
    ----------
    times : (k,) array
    curves : mapping of str to (k,) array
        The values at these times, by the name of the line.
    path : path
        A picture file to write.
    title : str
        The text above everything.
    label : str
        The text at the vertical axis.
    time_symbol : str
        The symbol of the unit of time; empty where it has none.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If there is nothing to draw, a curve does not fit, or the file cannot be written.
    MissingPart
        If matplotlib is not installed.
    """
    path = picture_path(path)
    drawn = checked_curves({name: (times, values) for name, values in curves.items()}, path)
    if not drawn:
        raise InputError(f"{path}: there are no values over time to draw")
    page, (axes,) = panels(1, 1, (6.4, page_height(len(drawn))), title, dpi=PLOT_DPI)
    for k, (name, (x, values)) in enumerate(drawn.items()):
        axes.plot(x, values, label=name, **line_look(k))
    axes.set_xlabel(_time(time_symbol), color=INK)
    axes.set_ylabel(label, color=INK)
    axes.ticklabel_format(axis="y", useOffset=False)
    key_beside(page, axes, staged=False)
    return page.save(path)


def trajectory(
    times: np.ndarray,
    energies: np.ndarray,
    order: np.ndarray | None,
    path: str | os.PathLike[str],
    *,
    phases: np.ndarray | None = None,
    natural: np.ndarray | None = None,
    observed: np.ndarray | None = None,
    title: str = "",
    time_symbol: str = "",
) -> Path:
    """Draw the energy of a flow over time, and beside it what is known of its phases.

    Parameters
    ----------
    times, energies : (k,) array
    order : (k,) array or None
        The order parameter ρ in [0, 1].
    path : path
        A picture file to write.
    phases : (n,) array or None
        Phases in radians, which are drawn on the circle with their mean vector.
    natural, observed : (n,) array or None
        The natural frequency ω and the mean frequency Ω of each node, which are drawn against each
        other where the natural ones differ.
    title : str
        The text above everything.
    time_symbol : str
        As for :func:`values_over_time`.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If there is no time, lengths differ, or the file cannot be written.
    MissingPart
        If matplotlib is not installed.
    """
    path = picture_path(path)
    columns = {"energy": energies} if order is None else {"energy": energies, "ρ": order}
    drawn = checked_curves({name: (times, values) for name, values in columns.items()}, path)
    pulled = natural is not None and observed is not None and np.ptp(natural) > 0
    count = len(drawn) + (phases is not None) + pulled
    rows, columns_of = (2, 2) if count == 4 else (1, count)
    inches = (5.2 if count == 1 else 4.5 * columns_of, 3.6 * rows)
    page, parts = panels(rows, columns_of, inches, title, dpi=PLOT_DPI)
    rest = iter(parts)
    for k, (name, (x, values)) in enumerate(drawn.items()):
        axes = next(rest)
        axes.plot(x, values, **line_look(k) | {"ls": "-"})
        axes.set_xlabel(_time(time_symbol), color=INK)
        if name == "energy":
            axes.set_ylabel("energy", color=INK)
            if values.min() > 0 and values.max() > _WIDE * values.min():
                axes.set_yscale("log")
        else:
            order_axis(axes, "order parameter ρ")
    if pulled:
        _frequencies(next(rest), np.asarray(natural), np.asarray(observed))
    if phases is not None:
        axes = next(rest)
        draw_circle(axes, np.asarray(phases), palette("phase", np.zeros(0)), 10.0)
        axes.set_title(f"phases at t = {float(times[-1]):.4g}", size=10, color=INK)
    return page.save(path)


def _frequencies(axes: Axes, natural: np.ndarray, observed: np.ndarray) -> None:
    """Draw mean frequencies against natural ones: locked nodes stand on a level line."""
    low, high = float(natural.min()), float(natural.max())
    axes.plot([low, high], [low, high], color="#b0b0b0", lw=1.0, zorder=1, label="Ω = ω")
    size = float(np.clip(4000 / len(natural), 3.0, 22.0))
    axes.scatter(natural, observed, s=size, color=SERIES[0], linewidths=0, zorder=2)
    axes.set_xlabel("natural frequency ω", color=INK)
    axes.set_ylabel("mean frequency Ω", color=INK)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)


def _time(symbol: str) -> str:
    """The text at an axis of time."""
    return f"time ({symbol})" if symbol else "time"
