"""The page of clouds: panels of one scale, and a colour bar of the persistence of loops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from meshrep.view.colours import INK, PAPER, Palette, palette
from meshrep.view.page import POINTS_A_PIXEL, Box, Page, quiet, round_numbers
from meshrep.view.projection import Outline, Projection

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NEAR, _FAR = np.array([58, 74, 92]) / 255, np.array([205, 212, 219]) / 255
_FLAT = np.array([100, 114, 131]) / 255
_LAYERS = 24  # layers of depth, each drawn at once
_SHARE = 0.42  # width of a disc over the mean distance to its neighbours
_MANY = 3_000  # more points or edges are drawn as pixels in vector formats
_FRAME = "#8d97a3"
_EDGE = "#9aa5b1"


@dataclass(frozen=True)
class Line:
    """A loop to draw: chains of nodes (k, c), and the persistence that decides its colour."""

    chains: np.ndarray
    persistence: float


class CloudPage(Page):
    """A page with a panel for each cloud.

    Parameters
    ----------
    size : (width, height)
        Pixels.
    projection : Projection
        The same for all panels.
    titles : list of str
        One per panel. Panels stand in rows, the first ones on top.
    heading : str
        The text above everything.
    most : float or None
        The persistence at the upper end of the colour bar, which begins at 0; None for no bar.
    """

    def __init__(
        self,
        size: tuple[int, int],
        projection: Projection,
        titles: list[str],
        heading: str = "",
        most: float | None = None,
    ) -> None:
        super().__init__(size, heading)
        self.projection = projection
        self.colours = None if most is None else _loop_colours(most or 1.0)
        boxes, key = self.grid(titles, key=19 if most is not None else 0)
        self._panels = [self._panel(box, title) for box, title in zip(boxes, titles, strict=True)]
        if projection.dimension == 3:
            self._triad()
        if self.colours is not None:
            self.bar(key, self.colours)

    def draw(
        self, k: int, points: np.ndarray, lines: list[Line], bounds: Outline, edges: np.ndarray
    ) -> None:
        """Draw a cloud into a panel, from back to front: its frame, edges, points and loops.

        Parameters
        ----------
        k : int
            Number of the panel.
        points : (n, d) array
        lines : list of Line
            The loops.
        bounds : Outline
            The frame.
        edges : (m, 2) integers
        """
        from matplotlib.collections import LineCollection

        axes, seen = self._panels[k], self.projection.seen(points)
        thin = 0.9 * self.scale
        for paths, order, strength in ((bounds.behind, 1.0, 0.55), (bounds.before, 4.0, 1.0)):
            axes.add_collection(
                LineCollection(paths, colors=_FRAME, lw=thin, ls=(0, (5, 3.5)), alpha=strength,
                               zorder=order, clip_on=False)
            )  # fmt: skip
        if len(edges):
            strength = float(np.clip(1.6 * len(points) / len(edges), 0.12, 0.7))
            axes.add_collection(
                LineCollection(list(seen[edges][:, :, :2]), colors=_EDGE, lw=0.7 * thin,
                               alpha=strength, zorder=2, rasterized=len(edges) > _MANY)
            )  # fmt: skip
        self._discs(axes, seen, len(points), order=3)
        wide = 2.1 * self.scale
        for rank, line in enumerate(lines):
            assert self.colours is not None
            colour = self.colours.cmap(line.persistence / self.colours.high)
            for lw, ink in ((wide + 1.7 * self.scale, PAPER), (wide, colour)):
                axes.add_collection(
                    LineCollection(list(seen[line.chains][:, :, :2]), colors=[ink], lw=lw,
                                   zorder=5 + rank / len(lines), capstyle="round",
                                   joinstyle="round")
                )  # fmt: skip
        if lines:  # show the nodes that loops hide, small where steps are short
            nodes = np.unique(np.concatenate([line.chains.ravel() for line in lines]))
            steps = np.concatenate([_steps(seen[line.chains]) for line in lines])
            bead = max(0.45 * self._a_unit(axes) * float(np.median(steps)),
                       0.7 * wide / POINTS_A_PIXEL)  # fmt: skip
            self._discs(axes, seen[nodes], len(points), order=7, at_most=bead)

    def _a_unit(self, axes: Axes) -> float:
        """The pixels of a unit of length in a panel."""
        return float(axes.get_position().width * self.size[0] / np.ptp(axes.get_xlim()))

    def _discs(
        self, axes: Axes, seen: np.ndarray, count: int, order: float, at_most: float = np.inf
    ) -> None:
        """Draw discs from far to near, far ones pale and small, in a size for ``count`` points."""
        taken = 0.5 * self._a_unit(axes) ** 2 * np.prod(self.projection.high - self.projection.low)
        wanted = _SHARE * np.sqrt(taken / count)
        least = float(np.clip(2.4 * self.scale, 1.6, 2.4))
        disc = float(np.clip(wanted, least, (8.5 if self.projection.flat else 10) * self.scale))
        disc = min(disc, at_most)
        near, flat = self.projection.nearness(seen), self.projection.flat
        layers = np.minimum((near * _LAYERS).astype(int), _LAYERS - 1)
        for layer in np.unique(layers):
            share = (layer + 0.5) / _LAYERS
            x, y, _ = seen[layers == layer].T
            colour = _FLAT if flat else _FAR + (_NEAR - _FAR) * share
            width = disc if flat else disc * (0.75 + 0.25 * share)
            axes.scatter(
                x, y, s=(width * POINTS_A_PIXEL) ** 2, lw=0, zorder=order, color=[colour],
                rasterized=count > _MANY, clip_on=False,
            )  # fmt: skip

    def _panel(self, box: Box, title: str) -> Axes:
        """Axes in the middle of a box, in the shape of what is shown; with numbers in the plane."""
        x, y, w, h = box
        unit, flat = self.unit, self.projection.flat
        left, bottom = (7.0 * unit, 5.5 * unit) if flat else (0.0, 0.0)
        w, h = max(w - left - unit, 16), max(h - bottom, 16)
        low, high = self.projection.low, self.projection.high
        a_unit = min(w / (high[0] - low[0]), h / (high[1] - low[1]))
        wide, tall = a_unit * (high - low)
        place = (x + left + (w - wide) / 2, y + bottom + (h - tall) / 2, wide, tall)
        self.title(place, title)
        axes = self.axes(place)
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(low[1], high[1])
        axes.patch.set_visible(False)
        if not flat:
            axes.set_axis_off()
            return axes
        quiet(axes, 0.9 * self.text)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(_FRAME)
            axes.spines[side].set_linewidth(0.8 * self.scale)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(round_numbers(5))
        axes.tick_params(color=_FRAME, length=3 * self.scale, width=0.8 * self.scale)
        axes.set_xlabel("x", size=self.text, color=INK, labelpad=2)
        if self.projection.dimension == 1:
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
        else:
            axes.set_ylabel("y", size=self.text, color=INK, labelpad=2, rotation=0, va="center")
        return axes

    def _triad(self) -> None:
        """Draw the directions of the axes of space in the corner."""
        unit = self.unit
        arms = self.projection.axes[:, :2] * 3.0 * unit
        foot = 3.4 * unit - np.minimum(arms.min(axis=0), 0)
        axes = self.canvas((0, 0, *self.size), zorder=-1)
        for arm, name in zip(arms, "xyz", strict=True):
            length = float(np.linalg.norm(arm))
            axes.plot(*np.stack([foot, foot + arm], axis=1), color=_FRAME, lw=1.1 * self.scale)
            if length > 0.5 * unit:
                tip = foot + arm * (1 + 1.1 * unit / length)
                axes.text(
                    tip[0], tip[1], name, size=0.9 * self.text, color=INK, ha="center", va="center"
                )


def _steps(chains: np.ndarray) -> np.ndarray:
    """The lengths in the plane of all steps of projected chains (k, c, 3)."""
    return np.linalg.norm(np.diff(chains[:, :, :2], axis=1), axis=2).ravel()


def _loop_colours(most: float) -> Palette:
    """The colours of loops whose persistence lies in [0, most]."""
    return palette("field", np.zeros(0), (0.0, most), "persistence\nof loops", "loops")


def film_colours() -> np.ndarray:
    """The colours (k, 3) uint8 of such pages: of loops, of points, and of their soft rims."""
    loops = _loop_colours(1.0).cmap(np.linspace(0, 1, 48))[:, :3]
    shares = np.linspace(0, 1, 24)[:, None]
    points = _FAR + (_NEAR - _FAR) * shares
    pale = [
        1 - (1 - np.asarray(colours)) * share
        for colours in (loops, points, [_FLAT])
        for share in (1, 0.66, 0.33)
    ]
    greys = np.linspace(0, 1, 16)[:, None] * np.ones(3)
    return np.round(255 * np.concatenate([*pale, greys])).astype(np.uint8)
