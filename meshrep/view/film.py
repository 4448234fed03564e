"""Films of a field over time, as MP4 or as animated GIF, WebP or PNG."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import replace
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.view.camera import View, turned
from meshrep.view.colours import MISSING, Palette, Quantity, palette
from meshrep.view.look import DPI, Look, Size, look_of
from meshrep.view.reel import reel
from meshrep.view.scene import Drawn, Engine, composed
from meshrep.view.shading import DARK
from meshrep.view.subject import Marks, posed, view_on

_SHADES = np.linspace(1, DARK, 8)[:, None, None]  # of colours on a surface in the light
_LOOKED_AT = 5  # frames by whose variation the side is chosen
MovingMarks = Callable[[np.ndarray], Marks]


def film(
    graph: GraphLike,
    frames: Iterable[tuple[float, np.ndarray]],
    path: str | os.PathLike[str],
    *,
    quantity: Quantity = "field",
    marks: Marks | MovingMarks = None,
    fps: float = 12.0,
    orbit: float = 0.0,
    label_time: str = "t",
    time_symbol: str = "",
    headings: Sequence[str] | None = None,
    look: Look | str | os.PathLike[str] | None = None,
    **words: Any,
) -> Drawn:
    """Draw a film of fields over time, all frames on the same side and in the same colours.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    frames : iterable of (time, (n,) array)
    path : path
        A .mp4 (H.264, for browsers), .gif, .webp or animated .png to write. All but .mp4 repeat
        for ever.
    marks : as for :func:`meshrep.view.scene.picture`, or a function of the field (n,) to such
        A function marks what moves, such as vortices.
    fps : float
        Frames per second.
    orbit : float
        Degrees by which the eye goes round the shape from the first frame to the last; 360 is a
        whole turn.
    label_time : str
        The name of the time in the title, such as "t" or "step". "" leaves the time out.
    time_symbol : str
        The symbol of the unit of time, which stands behind it.
    headings : sequence of str or None
        A text per frame that takes the place of the time.
    look, **words
        As for :func:`meshrep.view.scene.picture`. The usual size is 720 × 540 pixels, of which an
        .mp4 needs even numbers and grows by one. Without ``limits`` they are the least and the
        greatest value of all frames.

    The other arguments are those of :func:`meshrep.view.scene.picture`. The time is added to the
    title.

    Returns
    -------
    Drawn
        The path, and what drew the frames.

    Raises
    ------
    InputError
        If there is no frame, a field does not fit, there are too few headings, the film is to be
        transparent or of three elevations, or the file cannot be written.
    MissingPart
        If a package that draws or writes the film is not installed.

    Notes
    -----
    Frames are drawn as they are read. An .mp4 keeps one picture in memory, a .gif one byte per
    pixel of every frame. The frames of an iterator are all read first if ``limits`` are not given
    and the values are not phases, and if the eye goes round.
    """
    graph, looked = Graph.of(graph), look_of(look, **words)
    if looked.transparent or looked.view == "elevations":
        raise InputError(f"{path}: a film is neither transparent nor of three elevations")
    wanted = reel(path, looked.pixels((720, 540)), fps)
    if isinstance(frames, Iterator) and (orbit or (quantity != "phase" and looked.limits is None)):
        frames = list(frames)
    if quantity != "phase" and looked.limits is None:
        looked = replace(looked, limits=_span(frames))
    colours = palette(quantity, np.zeros(0), looked.limits, looked.label, looked.cmap)
    engines: list[Engine] = []

    def pages() -> Iterator[np.ndarray]:
        view: View | None = None
        last = len(frames) - 1 if isinstance(frames, Sized) else 0
        for k, (time, field) in enumerate(frames):
            if headings is not None and k >= len(headings):
                raise InputError(f"{path}: there are more frames than {len(headings)} headings")
            moment = f"{label_time} = {time:.4g} {time_symbol}".rstrip() if label_time else ""
            moment = moment if headings is None else headings[k]
            heading = ", ".join(text for text in (looked.title, moment) if text)
            if view is None:
                seen = _some(frames) if isinstance(frames, Sequence) else [field]
                view = view_on(graph, seen, quantity=quantity, look=looked)
            side = turned(view, orbit * k / max(last, 1), 0.0)
            found = marks(field) if callable(marks) else marks
            subject = posed(graph, field, side, found, quantity=quantity, look=looked)
            page, engine = composed(
                [replace(subject, round=bool(orbit))], [""], colours,
                replace(looked, title=heading, size=Size(*wanted.size), dpi=DPI),
            )  # fmt: skip
            engines[:] = [engine]
            yield page.image()

    wanted.write(pages(), _shades(colours))
    return Drawn(wanted.path, engines[0])


def _some(frames: Sequence[tuple[float, np.ndarray]]) -> list[np.ndarray]:
    """A few fields from the first frame to the last."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, _LOOKED_AT).round().astype(int))
    return [frames[k][1] for k in chosen]


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
