"""The page that clouds are drawn on: panels of one scale, a colour bar of persistence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.errors import MissingPart
from meshrep.view.colours import INK, PAPER
from meshrep.view.page import DPI, blank
from meshrep.view.projection import Outline, Projection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

_NEAR, _FAR = np.array([58, 74, 92]) / 255, np.array([205, 212, 219]) / 255
_FLAT = np.array([100, 114, 131]) / 255
_LAYERS = 24  # of depth, each drawn at once
_SHARE = 0.42  # of a disc's width of the mean distance to its neighbours
_MANY = 3_000  # points beyond which vector formats get pixels
_FRAME = "#8d97a3"
_EDGE = "#9aa5b1"
_MAP_ENDS = (0.02, 0.80)  # of matplotlib's plasma: beyond, its yellow drowns on white
_TEXT = 10.5  # points
_POINTS_A_PIXEL = 72 / DPI


@dataclass(frozen=True)
class Line:
    """A loop to draw: chains of nodes (k, c), and the persistence that colours it."""

    chains: np.ndarray
    persistence: float


class Sheet:
    """A figure of fixed size in pixels with a panel for each cloud.

    Parameters
    ----------
    size : (width, height) in pixels
    projection : Projection
        The same for all panels.
    titles : list of str
        One a panel; panels stand in rows, the first ones on top.
    heading : str
        Above everything.
    most : float or None
        The persistence at the upper end of the colour bar, whose lower end is 0; None for no bar.
    """

    def __init__(
        self,
        size: tuple[int, int],
        projection: Projection,
        titles: list[str],
        heading: str = "",
        most: float | None = None,
    ) -> None:
        self.size, self.projection = size, projection
        self.most = None if most is None else most or 1.0
        width, height = size
        self.scale = float(np.clip(np.sqrt(width * height / (1200 * 900)), 0.6, 2.0))
        self.text = _TEXT * self.scale
        self.figure = blank((width / DPI, height / DPI))
        unit = 10 * self.scale
        top = (6.5 if heading else 1.5) * unit
        right = (17 if most is not None else 1.5) * unit
        area = (1.5 * unit, 1.5 * unit, width - right, height - top)
        self._panels = [self._panel(box, unit, any(titles)) for box in _boxes(area, len(titles))]
        if heading:
            self.figure.text(2.6 * unit / width, 1 - 2.2 * unit / height, heading,
                             size=1.25 * self.text, color=INK, va="top")  # fmt: skip
        for axes, title in zip(self._panels, titles, strict=True):
            if title:
                axes.set_title(title, size=1.05 * self.text, color=INK, pad=7 * self.scale)
        if projection.dimension == 3:
            self._triad(unit)
        if self.most is not None:
            self._colour_key((width - right + 2.5 * unit, area[1], area[3]), unit)

    def draw(
        self, k: int, points: np.ndarray, lines: list[Line], bounds: Outline, edges: np.ndarray
    ) -> None:
        """Draw a cloud into panel k: from back to front its frame, edges, points and loops."""
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
            assert self.most is not None
            colour = loop_colours()(line.persistence / self.most)
            for lw, ink in ((wide + 1.7 * self.scale, PAPER), (wide, colour)):
                axes.add_collection(
                    LineCollection(list(seen[line.chains][:, :, :2]), colors=[ink], lw=lw,
                                   zorder=5 + rank / len(lines), capstyle="round",
                                   joinstyle="round")
                )  # fmt: skip
        if lines:  # nodes that they have hidden, as beads where steps are short
            nodes = np.unique(np.concatenate([line.chains.ravel() for line in lines]))
            steps = np.concatenate([_steps(seen[line.chains]) for line in lines])
            bead = max(0.45 * self._a_unit(axes) * float(np.median(steps)),
                       0.7 * wide / _POINTS_A_PIXEL)  # fmt: skip
            self._discs(axes, seen[nodes], len(points), order=7, at_most=bead)

    def image(self) -> np.ndarray:
        """The sheet as pixels (height, width, 3) uint8."""
        canvas: Any = self.figure.canvas
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()

    def save(self, path: Path) -> None:
        """Write the sheet in the format of the suffix."""
        self.figure.savefig(path, dpi=DPI, facecolor=PAPER)

    def _a_unit(self, axes: Axes) -> float:
        """Pixels of a unit of length in a panel."""
        return float(axes.get_position().width * self.size[0] / np.ptp(axes.get_xlim()))

    def _discs(
        self, axes: Axes, seen: np.ndarray, count: int, order: float, at_most: float = np.inf
    ) -> None:
        """Discs from far to near, the far ones pale and small; of a size for ``count`` in all."""
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
                x, y, s=(width * _POINTS_A_PIXEL) ** 2, lw=0, zorder=order, color=[colour],
                rasterized=count > _MANY, clip_on=False,
            )  # fmt: skip

    def _triad(self, unit: float) -> None:
        """The directions of the axes of space, in the corner."""
        width, height = self.size
        arms = self.projection.axes[:, :2] * 3.0 * unit
        foot = 3.4 * unit - np.minimum(arms.min(axis=0), 0)
        axes = self.figure.add_axes((0, 0, 1, 1), zorder=-1)
        axes.set_xlim(0, width)
        axes.set_ylim(0, height)
        axes.set_axis_off()
        for arm, name in zip(arms, "xyz", strict=True):
            length = float(np.linalg.norm(arm))
            axes.plot(*np.stack([foot, foot + arm], axis=1), color=_FRAME, lw=1.1 * self.scale)
            if length > 0.5 * unit:
                tip = foot + arm * (1 + 1.1 * unit / length)
                axes.text(
                    tip[0], tip[1], name, size=0.9 * self.text, color=INK, ha="center", va="center"
                )

    def _panel(self, box: tuple[float, float, float, float], unit: float, titled: bool) -> Axes:
        """Axes in the middle of a box, of the shape of what is shown; numbers on them in 2-D."""
        from matplotlib.ticker import MaxNLocator

        width, height = self.size
        x, y, w, h = box
        flat = self.projection.flat
        left, bottom = (7.0 * unit, 5.5 * unit) if flat else (0.0, 0.0)
        head = 4.5 * unit if titled else 1.0 * unit
        w, h = max(w - left - unit, 16), max(h - bottom - head, 16)
        low, high = self.projection.low, self.projection.high
        a_unit = min(w / (high[0] - low[0]), h / (high[1] - low[1]))
        wide, tall = a_unit * (high - low)
        place = (x + left + (w - wide) / 2, y + bottom + (h - tall) / 2)
        axes = self.figure.add_axes(
            (place[0] / width, place[1] / height, wide / width, tall / height)
        )
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(low[1], high[1])
        axes.patch.set_visible(False)
        if not flat:
            axes.set_axis_off()
            return axes
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(_FRAME)
            axes.spines[side].set_linewidth(0.8 * self.scale)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
        axes.tick_params(labelsize=0.9 * self.text, color=_FRAME, labelcolor=INK,
                         length=3 * self.scale, width=0.8 * self.scale)  # fmt: skip
        axes.set_xlabel("x", size=self.text, color=INK, labelpad=2)
        if self.projection.dimension == 1:
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
        else:
            axes.set_ylabel("y", size=self.text, color=INK, labelpad=2, rotation=0, va="center")
        return axes

    def _colour_key(self, place: tuple[float, float, float], unit: float) -> None:
        """A colour bar from no persistence to the most."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize
        from matplotlib.ticker import MaxNLocator

        width, height = self.size
        x, bottom, top = place
        tall = min(0.62 * (top - bottom), 52 * unit)
        axes = self.figure.add_axes(
            (x / width, (bottom + (top - bottom - tall) / 2) / height, 1.8 * unit / width,
             tall / height)
        )  # fmt: skip
        bar = self.figure.colorbar(
            ScalarMappable(Normalize(0, self.most), loop_colours()), cax=axes
        )
        bar.locator = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10])
        bar.update_ticks()
        bar.outline.set_visible(False)
        axes.tick_params(labelsize=0.9 * self.text, colors=INK, length=3 * self.scale, width=0.8)
        axes.set_title("persistence\nof loops", size=self.text, color=INK, loc="left",
                       pad=8 * self.scale)  # fmt: skip


def _steps(chains: np.ndarray) -> np.ndarray:
    """The lengths in the plane of all steps of seen chains (k, c, 3)."""
    return np.linalg.norm(np.diff(chains[:, :, :2], axis=1), axis=2).ravel()


def loop_colours() -> Colormap:
    """The colours of loops, from little to much persistence."""
    try:
        import matplotlib as mpl
        from matplotlib.colors import ListedColormap
    except ImportError as error:
        raise MissingPart("matplotlib", "colour pictures", "viz") from error
    return ListedColormap(mpl.colormaps["plasma"](np.linspace(*_MAP_ENDS, 256)), name="loops")


def film_colours() -> np.ndarray:
    """Colours (k, 3) uint8 that a sheet may have: of loops, of points, and of their soft rims."""
    loops = loop_colours()(np.linspace(0, 1, 48))[:, :3]
    shares = np.linspace(0, 1, 24)[:, None]
    points = _FAR + (_NEAR - _FAR) * shares
    pale = [
        1 - (1 - np.asarray(colours)) * share
        for colours in (loops, points, [_FLAT])
        for share in (1, 0.66, 0.33)
    ]
    greys = np.linspace(0, 1, 16)[:, None] * np.ones(3)
    return np.round(255 * np.concatenate([*pale, greys])).astype(np.uint8)


def _boxes(
    area: tuple[float, float, float, float], count: int
) -> list[tuple[float, float, float, float]]:
    """Boxes (x, y, width, height) in rows that use the area (left, bottom, right, top) best."""
    left, bottom, right, top = area
    sizes = {c: ((right - left) / c, (top - bottom) / -(-count // c)) for c in range(1, count + 1)}
    columns = max(sizes, key=lambda c: min(sizes[c]))
    w, h = sizes[columns]
    return [(left + (k % columns) * w, top - (k // columns + 1) * h, w, h) for k in range(count)]
