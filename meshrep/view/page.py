"""The page round one or several drawings: titles, colour bar, legend of marks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from meshrep.errors import MissingPart
from meshrep.view.colours import INK, PAPER, Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 150
_TEXT = 10.5  # points


class Page:
    """A figure of fixed size in pixels with boxes to draw in.

    Parameters
    ----------
    size : (width, height) in pixels
    palette : Palette
        What the colour bar shows; one for all boxes.
    titles : list of str
        One a box; boxes stand in rows, the first ones on top.
    heading : str
        Above everything.
    marks : list of str
        Names of the marks, for the legend.
    """

    def __init__(
        self,
        size: tuple[int, int],
        palette: Palette,
        titles: list[str],
        heading: str = "",
        marks: list[str] | None = None,
    ) -> None:
        self.size = size
        width, height = size
        self.scale = float(np.clip(np.sqrt(width * height / (1200 * 900)), 0.45, 2.5))
        self.text = _TEXT * self.scale
        self.figure = blank((width / DPI, height / DPI))
        unit = round(self.scale * 10)
        named = [name for name in marks or [] if name]
        top = 7 * unit if heading else 2 * unit
        bottom = 5 * unit if named else 2 * unit
        right = 19 * unit
        self._boxes = _boxes(
            (2 * unit, bottom, width - right, height - top), titles, 5 * unit, 2 * unit
        )
        if heading:
            self.figure.text(
                2.6 * unit / width, 1 - 2.2 * unit / height, heading,
                size=1.25 * self.text, color=INK, va="top", ha="left",
            )  # fmt: skip
        for (x, y, w, h), title in zip(self._boxes, titles, strict=True):
            if title:
                self.figure.text(
                    (x + w / 2) / width, (y + h + unit) / height, title,
                    size=self.text, color=INK, va="bottom", ha="center",
                )  # fmt: skip
        key = (width - right + 2.5 * unit, bottom, right, height - top - bottom)
        self._colour_key(palette, key, unit)
        if named:
            self._mark_key(palette, list(marks or []), unit)

    def pixels(self, k: int) -> tuple[int, int]:
        """Width and height of box k in pixels."""
        return self._boxes[k][2:]

    def axes(self, k: int) -> Axes:
        """Bare axes that fill box k, in pixels from its lower left."""
        x, y, w, h = self._boxes[k]
        width, height = self.size
        axes = self.figure.add_axes((x / width, y / height, w / width, h / height))
        axes.set_axis_off()
        axes.set_xlim(0, w)
        axes.set_ylim(0, h)
        return axes

    def place(self, k: int, image: np.ndarray) -> None:
        """Put an image of exactly the size of box k, pixel on pixel."""
        x, y, _, _ = self._boxes[k]
        self.figure.figimage(image, x, y, origin="upper")

    def image(self) -> np.ndarray:
        """The page as pixels (height, width, 3) uint8."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()

    def save(self, path: Path) -> None:
        """Write the page in the format of the suffix."""
        self.figure.savefig(path, dpi=DPI, facecolor=PAPER)

    def _colour_key(
        self, palette: Palette, box: tuple[float, float, float, float], unit: int
    ) -> None:
        """A colour bar, or for phases a wheel, in the middle of the box."""
        width, height = self.size
        x, y, _, h = box
        if palette.cyclic:
            side = 14 * unit
            place = (x, y + h / 2 - side / 2, side, side)
            axes = self.figure.add_axes(
                (place[0] / width, place[1] / height, side / width, side / height)
            )
            draw_wheel(axes, palette, self.text, 5 * self.scale)
            return
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize
        from matplotlib.ticker import MaxNLocator

        tall = min(h * 0.72, 60 * unit)
        axes = self.figure.add_axes(
            ((x + unit) / width, (y + (h - tall) / 2) / height, 2.2 * unit / width, tall / height)
        )
        bar = self.figure.colorbar(
            ScalarMappable(Normalize(palette.low, palette.high), palette.cmap), cax=axes
        )
        bar.locator = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10])
        bar.update_ticks()
        bar.formatter.set_locs(bar.get_ticks().tolist())
        if bar.formatter.get_offset():  # a power of ten or a shift, which would hide the label
            axes.yaxis.get_offset_text().set_visible(False)
            axes.set_xlabel(bar.formatter.get_offset(), size=self.text, color=INK, loc="left")
            axes.xaxis.set_label_coords(0, -0.02)
        bar.outline.set_visible(False)
        axes.tick_params(labelsize=self.text, colors=INK, length=3 * self.scale, width=0.8)
        axes.set_title(palette.label, size=self.text, color=INK, loc="left", pad=9 * self.scale)

    def _mark_key(self, palette: Palette, names: list[str], unit: int) -> None:
        """A line at the bottom that says what the marks are."""
        from matplotlib.lines import Line2D

        handles = []
        for k, name in enumerate(names):
            fill, rim = palette.marks[k % len(palette.marks)]
            handles.append(Line2D([], [], ls="", marker="o", ms=7 * self.scale, mfc=fill, mec=rim,
                                  mew=1.4 * self.scale, label=name or "marked"))  # fmt: skip
        self.figure.legend(
            handles=handles, loc="lower left", ncols=len(handles), frameon=False,
            fontsize=self.text, labelcolor=INK, handletextpad=0.2, columnspacing=1.4,
            bbox_to_anchor=(1.4 * unit / self.size[0], 0.4 * unit / self.size[1]),
        )  # fmt: skip


def blank(inches: tuple[float, float]) -> Figure:
    """An empty white figure with a canvas to draw on.

    Raises
    ------
    MissingPart
        Where matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPart("matplotlib", "draw pictures", "viz") from error
    figure = Figure(figsize=inches, dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def draw_wheel(axes: Axes, palette: Palette, text: float, pad: float = 5.0) -> None:
    """A ring whose angle is the phase, in its colours; letters of ``text`` points round it."""
    line = np.linspace(-1.45, 1.45, 300)
    x, y = np.meshgrid(line, line)
    radius = np.hypot(x, y)
    colours = palette.rgb(np.arctan2(y, x).ravel()).reshape(*x.shape, 3) / 255
    soft = np.clip((1 - radius) * 60, 0, 1) * np.clip((radius - 0.62) * 60, 0, 1)
    axes.imshow(np.dstack([colours, soft]), extent=(-1.45, 1.45, -1.45, 1.45), origin="lower",
                interpolation="bilinear")  # fmt: skip
    axes.set_axis_off()
    for name, u, v in (("0", 1.2, 0), ("π/2", 0, 1.22), ("π", -1.22, 0), ("3π/2", 0, -1.25)):
        axes.text(u, v, name, size=text, color=INK, ha="center", va="center")
    axes.set_title(palette.label, size=text, color=INK, pad=pad)


def _boxes(
    area: tuple[int, int, int, int], titles: list[str], title_height: int, gap: int
) -> list[tuple[int, int, int, int]]:
    """Boxes (x, y, width, height) in rows that use the area (left, bottom, right, top) best."""
    left, bottom, right, top = area
    count = len(titles)
    head = title_height if any(titles) else 0

    def box_size(columns: int) -> tuple[int, int]:
        rows = -(-count // columns)
        w = (right - left - gap * (columns - 1)) // columns
        h = (top - bottom - gap * (rows - 1)) // rows - head
        return max(w, 16), max(h, 16)

    columns = max(range(1, count + 1), key=lambda c: min(box_size(c)))
    w, h = box_size(columns)
    return [
        (
            left + (k % columns) * (w + gap),
            top - (k // columns + 1) * (h + head) - (k // columns) * gap,
            w,
            h,
        )
        for k in range(count)
    ]
