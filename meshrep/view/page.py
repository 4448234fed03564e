"""The page of every figure: heading, boxes in rows, colour key, legend, and one way to save."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.errors import InputError, MissingPart
from meshrep.view.circle import draw_circle, draw_ring
from meshrep.view.colours import INK, PAPER, Palette
from meshrep.view.look import DPI, Look
from meshrep.view.write import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

POINTS_A_PIXEL = 72 / DPI
SUFFIXES = (".png", ".jpg", ".jpeg", ".pdf", ".svg", ".webp", ".tif", ".tiff")
TEXT = 10.5  # points
_PLAIN = 1200 * 900  # pixels of a page of scale 1

Box = tuple[float, float, float, float]  # left, bottom, width, height in pixels


class Page:
    """A figure of fixed size. Places on it are given in pixels from the lower left corner.

    A file may have more pixels: ``factor`` of them for each pixel of the layout.

    Parameters
    ----------
    size : (width, height)
        Pixels.
    heading : str
        The text above everything; "" for none.
    text : float
        Size of letters in points, at scale 1.
    scale : float or None
        Factor of letters and margins; by default it follows from the size of the page.
    dpi : float
        Pixels of the layout per inch.
    factor : float
        Pixels of the file for one of the layout.
    transparent : bool
        Whether there is no white behind everything.

    Attributes
    ----------
    unit : int
        Pixels of the unit of margins, 10 at scale 1.
    fitting : float
        What the size of titles is multiplied by, so that the longest one fits over its box.

    Raises
    ------
    MissingPart
        If matplotlib is not installed.
    """

    def __init__(
        self,
        size: tuple[float, float],
        heading: str = "",
        *,
        text: float = TEXT,
        scale: float | None = None,
        dpi: float = DPI,
        factor: float = 1.0,
        transparent: bool = False,
    ) -> None:
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError as error:
            raise MissingPart("matplotlib", "draw pictures", "viz") from error
        width, height = size
        if scale is None:
            scale = float(np.clip(np.sqrt(width * height / _PLAIN), 0.45, 2.5))
        self.size, self.heading, self.scale, self.dpi = size, heading, scale, dpi
        self.text, self.unit = text * scale, round(10 * scale)
        self.fitting = 1.0
        self.factor, self.paper = factor, "none" if transparent else PAPER
        more = 1e-6 / factor  # so that no pixel is lost by rounding
        inches = (width + more) / dpi, (height + more) / dpi
        self.figure: Figure = Figure(inches, dpi=dpi * factor, facecolor=self.paper)
        FigureCanvasAgg(self.figure)
        if heading:
            self.write(2.6 * self.unit, height - 2.2 * self.unit, heading, 1.25, va="top")

    def grid(
        self, titles: Sequence[str], *, key: float = 19, legend: bool = False
    ) -> tuple[list[Box], Box]:
        """Divide the page into boxes for drawings, in rows from the top, and a box for their key.

        Parameters
        ----------
        titles : sequence of str
            One per drawing. Unless all are empty, room for titles is left above the boxes.
        key : float
            Room that is left for a key at the right, in units; 0 for no key.
        legend : bool
            Whether room is left for a legend at the bottom.

        Returns
        -------
        list of Box
            One per drawing, all of the same size in whole pixels.
        Box
            For the key, as high as all drawings. It is meaningless without ``key``.
        """
        unit, (width, height) = self.unit, map(round, self.size)
        left, right = 2 * unit, width - round((key or 2) * unit)
        bottom, top = (5 if legend else 2) * unit, height - (7 if self.heading else 2) * unit
        head, gap, count = 5 * unit if any(titles) else 0, 2 * unit, len(titles)

        def size(columns: int) -> tuple[int, int]:
            rows = -(-count // columns)
            w = (right - left - gap * (columns - 1)) // columns
            h = (top - bottom - gap * (rows - 1)) // rows - head
            return max(w, 16), max(h, 16)

        columns = max(range(1, count + 1), key=lambda c: min(size(c)))
        w, h = size(columns)
        boxes: list[Box] = []
        for k in range(count):
            row, column = divmod(k, columns)
            y = top - (row + 1) * (h + head) - row * gap
            boxes.append((left + column * (w + gap), y, w, h))
        self.fitting = min(1.0, (w + 0.5 * gap) / max(map(self._width_of, titles)))
        return boxes, (right + 2.5 * unit, bottom, width - right - 2.5 * unit, top - bottom)

    def axes(self, box: Box, **look: Any) -> Axes:
        """Axes that fill a box."""
        x, y, w, h = box
        width, height = self.size
        return self.figure.add_axes((x / width, y / height, w / width, h / height), **look)

    def canvas(self, box: Box, **look: Any) -> Axes:
        """Axes without a frame that fill a box; data are pixels from its lower left corner."""
        axes = self.axes(box, **look)
        axes.set_axis_off()
        axes.set_xlim(0, box[2])
        axes.set_ylim(0, box[3])
        return axes

    def place(self, box: Box, image: np.ndarray) -> None:
        """Put an image (height, width, 3 or 4) uint8 into a box of exactly its size in the file."""
        left, bottom = (round(side * self.factor) for side in box[:2])
        self.figure.figimage(image, left, bottom, origin="upper")

    def pixels(self, box: Box) -> tuple[int, int]:
        """The width and the height of a box in pixels of the file."""
        return round(box[2] * self.factor), round(box[3] * self.factor)

    def write(self, x: float, y: float, words: str, size: float = 1.0, **look: Any) -> None:
        """Write words at a place, ``size`` times as large as the page's text."""
        width, height = self.size
        look.setdefault("color", INK)
        self.figure.text(x / width, y / height, words, size=size * self.text, **look)

    def title(self, box: Box, words: str) -> None:
        """Write a title above the middle of a box; "" writes nothing."""
        if words:
            x, y, w, h = box
            above = x + w / 2, y + h + self.unit
            self.write(*above, words, self.fitting, ha="center", va="bottom")

    def _width_of(self, words: str) -> float:
        """The pixels that a title would take in a line, and 1 at least."""
        written = self.figure.text(0, 0, words, size=self.text)
        width = written.get_window_extent().width / self.factor
        written.remove()
        return max(width, 1.0)

    def key(self, box: Box, palette: Palette) -> None:
        """Draw the colours of a palette in the middle of a box: a bar, or a wheel for phases."""
        if palette.cyclic:
            x, y, _, h = box
            side = 14 * self.unit
            self.wheel((x, y + h / 2 - side / 2, side, side), palette)
        else:
            self.bar(box, palette)

    def bar(self, box: Box, palette: Palette, ticks: Sequence[float] | None = None) -> None:
        """Draw a colour bar in the middle of a box, its numbers to the right, its label above.

        ``ticks`` are the values that are numbered; by default a few round ones.
        """
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        x, y, _, h = box
        unit, tall = self.unit, min(0.72 * h, 60 * self.unit)
        axes = self.axes((x + unit, y + (h - tall) / 2, 2.2 * unit, tall))
        colours = ScalarMappable(Normalize(palette.low, palette.high), palette.cmap)
        bar = self.figure.colorbar(colours, cax=axes, ticks=ticks)
        if ticks is None:
            bar.locator = round_numbers(5)
            bar.update_ticks()
        bar.formatter.set_locs(bar.get_ticks().tolist())
        if bar.formatter.get_offset():  # a power of ten or a shift, which would hide the label
            axes.yaxis.get_offset_text().set_visible(False)
            axes.set_xlabel(bar.formatter.get_offset(), size=self.text, color=INK, loc="left")
            axes.xaxis.set_label_coords(0, -0.02)
        bar.outline.set_visible(False)
        axes.tick_params(labelsize=self.text, colors=INK, length=3 * self.scale, width=0.8)
        label, room = palette.label, box[2] - 2 * unit
        if self._width_of(label) > room:
            label = label.replace(" (", "\n(", 1)
        fits = min(1.0, room / max(map(self._width_of, label.split("\n"))))
        axes.set_title(label, size=fits * self.text, color=INK, loc="left", pad=9 * self.scale)

    def wheel(self, box: Box, palette: Palette) -> None:
        """Draw a ring in the colours of phases, each at its angle, into a box."""
        axes = self.axes(box)
        draw_ring(axes, palette, (0.62, 1.0), self.text)
        axes.set_title(palette.label, size=self.text, color=INK, pad=5 * self.scale)

    def circle(self, box: Box, phases: np.ndarray, palette: Palette) -> None:
        """Draw phases on a circle in the middle of a box, with the key of their colours."""
        x, y, w, h = box
        side = w + self.unit
        axes = self.axes((x - self.unit, y + h / 2 - side / 2, side, side))
        draw_circle(axes, phases, palette, self.text)
        axes.set_title(palette.label, size=self.text, color=INK, pad=12 * self.scale)

    def remark(self, words: str) -> None:
        """Write sentences at the bottom of the page, at the right, small enough to fit."""
        fits = min(0.9, (self.size[0] - 4 * self.unit) / self._width_of(words))
        self.write(self.size[0] - 2 * self.unit, 1.4 * self.unit, words, fits, ha="right")

    def legend(self, palette: Palette, names: Sequence[str]) -> None:
        """Write a line at the bottom of the page that names the marks of a palette in order."""
        from matplotlib.lines import Line2D

        handles = []
        for k, name in enumerate(names):
            fill, rim = palette.marks[k % len(palette.marks)]
            handles.append(Line2D([], [], ls="", marker="o", ms=7 * self.scale, mfc=fill, mec=rim,
                                  mew=1.4 * self.scale, label=name or "marked"))  # fmt: skip
        self.figure.legend(
            handles=handles, loc="lower left", ncols=len(handles), frameon=False,
            fontsize=self.text, labelcolor=INK, handletextpad=0.2, columnspacing=1.4,
            bbox_to_anchor=(1.4 * self.unit / self.size[0], 0.4 * self.unit / self.size[1]),
        )  # fmt: skip

    def image(self) -> np.ndarray:
        """The page as pixels (height, width, 3) uint8."""
        canvas: Any = self.figure.canvas
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file in the format of its suffix, whole or not at all.

        Raises
        ------
        InputError
            If pictures cannot be written in that format, or the file cannot be written.
        """
        path = picture_path(path)
        with replacing(path) as temporary:
            self.figure.savefig(temporary, dpi="figure", facecolor=self.paper)
        return path


def panels(
    rows: int,
    columns: int,
    inches: tuple[float, float],
    heading: str = "",
    *,
    text: float = 10.0,
    dpi: float = DPI,
) -> tuple[Page, list[Axes]]:
    """A page of plots, and their axes row by row. Matplotlib makes room for their labels.

    Parameters
    ----------
    rows, columns : int
    inches : (width, height)
        The size of the page.
    heading, text, dpi
        As for :class:`Page`.

    Returns
    -------
    Page
    list of Axes
        With dark small numbers, and no frame at the top and the right.

    Raises
    ------
    MissingPart
        If matplotlib is not installed.
    """
    page = Page((inches[0] * dpi, inches[1] * dpi), text=text, scale=1.0, dpi=dpi)
    page.figure.set_layout_engine("constrained")
    if heading:
        page.figure.suptitle(heading, x=0.01, ha="left", color=INK, size=1.2 * text)
    axes = page.figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for each in axes:
        quiet(each, 0.95 * text)
    return page, axes


def quiet(axes: Axes, size: float) -> None:
    """Give axes dark numbers of ``size`` points, and no frame at the top and the right."""
    axes.tick_params(which="both", colors=INK, labelsize=size)
    axes.spines[["top", "right"]].set_visible(False)


def round_numbers(most: int) -> MaxNLocator:
    """A locator of round numbers that divide an axis into ``most`` parts or fewer."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10])


def page_size(count: int, panel: tuple[int, int], margins: tuple[int, int]) -> tuple[int, int]:
    """The pixels of a page for ``count`` panels, three per row (four: two), with margins."""
    columns = min(count, 3 if count != 4 else 2)
    return margins[0] + panel[0] * columns, margins[1] + panel[1] * -(-count // columns)


def picture_path(path: str | os.PathLike[str]) -> Path:
    """The path of a picture that can be written.

    Raises
    ------
    InputError
        If pictures cannot be written in the format of its suffix.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: pictures can be written to {', '.join(SUFFIXES)}")
    return path


def drawn_path(path: str | os.PathLike[str], look: Look) -> Path:
    """The path of a picture with a look, which gives it a suffix if it has none.

    Raises
    ------
    InputError
        If the suffix is another one or no picture's, or a .jpg is to be transparent.
    """
    path = Path(path)
    if look.format is not None:
        path = path if path.suffix else path.with_suffix(f".{look.format}")
        if path.suffix.lower() != f".{look.format}":
            raise InputError(f"{path}: the format is to be {look.format}: leave one of them out")
    path = picture_path(path)
    if look.transparent and path.suffix.lower() in (".jpg", ".jpeg"):
        raise InputError(f"{path}: a .jpg cannot be transparent: take .png, .svg or .pdf")
    return path
