"""Films of a field over time, as MP4 or as animated GIF, WebP or PNG."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.view.colours import MISSING, Palette, Quantity, palette
from meshrep.view.reel import reel
from meshrep.view.scene import Drawn, Engine, composed
from meshrep.view.subject import Marks, subject_of

_SHADES = np.linspace(1, 0.45, 14)[:, None, None]  # of colours on a surface in the light


def film(
    graph: GraphLike,
    frames: Iterable[tuple[float, np.ndarray]],
    path: str | os.PathLike[str],
    *,
    clim: tuple[float, float] | None = None,
    quantity: Quantity = "field",
    title: str = "",
    label: str | None = None,
    marks: Marks = None,
    cmap: str | None = None,
    arrows: bool = False,
    labels: bool | None = None,
    rate: float = 12.0,
    size: tuple[int, int] = (720, 540),
    label_time: str = "t",
    time_symbol: str = "",
    headings: Sequence[str] | None = None,
) -> Drawn:
    """Draw a film of fields over time, all frames in the same view and the same colours.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    frames : iterable of (time, (n,) array)
    path : path
        A .mp4 (H.264, for browsers), .gif, .webp or animated .png to write. All but .mp4 repeat
        for ever.
    clim : (low, high) or None
        The values at the ends of the colour bar; by default the least and the greatest value of
        all frames.
    rate : float
        Frames per second.
    size : (width, height)
        Pixels. An odd number of an .mp4 grows by one.
    label_time : str
        The name of the time in the title, such as "t" or "step". "" leaves the time out.
    time_symbol : str
        The symbol of the unit of time, which stands behind it.
    headings : sequence of str or None
        A text per frame that takes the place of the time.

    The other arguments are those of :func:`meshrep.view.scene.picture`. The time is added to the
    title.

    Returns
    -------
    Drawn
        The path, and what drew the frames.

    Raises
    ------
    InputError
        If there is no frame, a field does not fit, there are too few headings, or the file cannot
        be written.
    MissingPart
        If a package that draws or writes the film is not installed.

    Notes
    -----
    Frames are drawn as they are read. An .mp4 keeps one picture in memory, a .gif one byte per
    pixel of every frame. The frames of an iterator are all read first if ``clim`` is not given and
    the values are not phases.
    """
    graph = Graph.of(graph)
    wanted = reel(path, size, rate)
    if quantity != "phase" and clim is None:
        frames = list(frames) if isinstance(frames, Iterator) else frames
        clim = _span(frames)
    colours = palette(quantity, np.zeros(0), clim, label, cmap)
    engines: list[Engine] = []

    def pages() -> Iterator[np.ndarray]:
        for k, (time, field) in enumerate(frames):
            if headings is not None and k >= len(headings):
                raise InputError(f"{path}: there are more frames than {len(headings)} headings")
            moment = f"{label_time} = {time:.4g} {time_symbol}".rstrip() if label_time else ""
            moment = moment if headings is None else headings[k]
            heading = ", ".join(text for text in (title, moment) if text)
            subject = subject_of(
                graph, field, marks, quantity=quantity, arrows=arrows, labels=labels
            )
            page, engine = composed([subject], [""], colours, heading, wanted.size)
            engines[:] = [engine]
            yield page.image()

    wanted.write(pages(), _shades(colours))
    return Drawn(wanted.path, engines[0])


def _span(frames: Iterable[tuple[float, np.ndarray]]) -> tuple[float, float] | None:
    """The least and the greatest finite value of all frames; None if no value is finite."""
    low, high = np.inf, -np.inf
    for _, field in frames:
        values = np.asarray(field, dtype=float)
        values = values[np.isfinite(values)]
        low, high = min(low, values.min(initial=np.inf)), max(high, values.max(initial=-np.inf))
    if high - low > 1e-12 * max(abs(low), abs(high)):
        return float(low), float(high)
    return (float(low) - 0.5, float(low) + 0.5) if np.isfinite(low) else None


def _shades(colours: Palette) -> np.ndarray:
    """The colours (k, 3) that frames need: a palette in light and shade, greys, that of NaN."""
    bright = colours.cmap(np.linspace(0, 1, 256), bytes=True)[:, :3]
    greys = np.linspace(0, 255, 64)[:, None] * np.ones(3)
    return np.concatenate([(bright * _SHADES).reshape(-1, 3), greys, [MISSING]])
