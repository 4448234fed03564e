"""Phases on the circle: a dot at each angle, and the mean vector, whose length is ρ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from meshrep.view.colours import INK, Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RING = (1.13, 1.22)  # radii of the ring of colours round the circle, whose radius is 1
_HALF = 0.45 + _RING[1]  # half the side of the axes
_DOTS = 2_000  # dots beyond which a share is drawn, because more hide one another
_NAMES = (("0", 1, 0), ("π/2", 0, 1), ("π", -1, 0), ("3π/2", 0, -1))


def draw_ring(axes: Axes, palette: Palette, radii: tuple[float, float], text: float) -> None:
    """Draw a ring in the colours of phases, each at its angle, and name four angles.

    Parameters
    ----------
    axes : Axes
        Emptied of their frame; their data become a plane that the ring fills.
    palette : Palette
        Of phases.
    radii : (inner, outer)
    text : float
        Size of letters in points.
    """
    inner, outer = radii
    edge = outer + 0.45
    line = np.linspace(-edge, edge, 400)
    x, y = np.meshgrid(line, line)
    radius = np.hypot(x, y)
    colours = palette.rgb(np.arctan2(y, x).ravel()).reshape(*x.shape, 3) / 255
    soft = np.clip((outer - radius) * 60, 0, 1) * np.clip((radius - inner) * 60, 0, 1)
    axes.imshow(
        np.dstack([colours, soft]), extent=(-edge, edge, -edge, edge), origin="lower",
        interpolation="bilinear",
    )  # fmt: skip
    axes.set_axis_off()
    for name, u, v in _NAMES:
        away = outer + (0.2 if u else 0.15) + 0.05 * len(name)
        axes.text(u * away, v * away, name, size=text, color=INK, ha="center", va="center")


def draw_circle(axes: Axes, phases: np.ndarray, palette: Palette, text: float) -> None:
    """Draw phases as dots on a circle, and their mean vector from its centre.

    Dots that would hide each other are drawn further inside, so that a heap is seen as such.

    Parameters
    ----------
    axes : Axes
        Emptied of their frame; their data become the plane of e^{iφ}.
    phases : (n,) array
        In radians. NaN is left out.
    palette : Palette
        Of phases.
    text : float
        Size of letters in points.
    """
    from matplotlib.patches import Circle, FancyArrowPatch

    phases = phases[np.isfinite(phases)]
    draw_ring(axes, palette, _RING, text)
    axes.add_patch(Circle((0, 0), 1, fill=False, ec="#b8bec6", lw=1.0, zorder=1))
    if not len(phases):
        return
    mean = np.exp(1j * phases).mean()
    some = phases[:: -(-len(phases) // _DOTS)]
    side = float(np.clip(1.6 / np.sqrt(len(some)), 0.028, 0.1))  # the diameter of a dot
    radius = _stacked(some, side)
    width = axes.get_window_extent().width * 72 / axes.figure.dpi  # in points
    area = (side / (2 * _HALF) * width) ** 2
    axes.scatter(
        radius * np.cos(some), radius * np.sin(some), s=area, c=palette.rgb(some) / 255,
        edgecolors=INK, linewidths=0.3, zorder=2,
    )  # fmt: skip
    if abs(mean) > 0.03:
        axes.add_patch(
            FancyArrowPatch(
                (0, 0), (mean.real, mean.imag), arrowstyle="-|>", mutation_scale=1.3 * text,
                color=INK, lw=1.6, shrinkA=0, shrinkB=0, zorder=3,
            )
        )  # fmt: skip
    else:
        axes.scatter([mean.real], [mean.imag], s=16, color=INK, zorder=3)
    below = mean.imag > 0  # where the arrow is not
    axes.text(
        0, -0.3 if below else 0.3, f"ρ = {min(abs(mean), 1.0):.3f}", size=text, color=INK,
        ha="center", va="center",
    )  # fmt: skip


def _stacked(phases: np.ndarray, side: float) -> np.ndarray:
    """The radius (n,) of dots of a diameter: those in one place of the circle stand in a row.

    The row goes inwards and is pressed together where it would pass the middle.
    """
    places = max(int(2 * np.pi / side), 1)
    place = np.floor(np.mod(phases, 2 * np.pi) / (2 * np.pi) * places).astype(int) % places
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(places))
    height = np.empty(len(phases))
    height[order] = np.arange(len(phases)) - starts[place[order]]
    step = min(side, 0.45 / max(height.max(), 1.0))
    return 1.0 - step * height
