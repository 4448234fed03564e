"""Films of a field in time, as MP4 for browsers or as animated GIF, WebP or PNG."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.errors import InputError, MissingPart
from meshrep.graph import Graph
from meshrep.view.colours import MISSING, Palette, Quantity, palette
from meshrep.view.scene import Drawn, Engine, composed
from meshrep.view.subject import Marks, subject_of
from meshrep.view.write import replacing

SUFFIXES = (".mp4", ".gif", ".webp", ".png")
_SHADES = np.linspace(1, 0.45, 14)[:, None, None]  # of the colours on a lit surface


def film(
    graph: Graph,
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
    rate: float = 12.0,
    size: tuple[int, int] = (720, 540),
    label_time: str = "t",
    headings: Sequence[str] | None = None,
) -> Drawn:
    """Draw a film of (time, field) frames, all in the same view and the same colours.

    Parameters
    ----------
    frames : iterable of (time, (n,) array)
    path : path
        A .mp4 (H.264, for browsers), .gif, .webp or animated .png to write; all but .mp4 play
        for ever.
    clim : (low, high) or None
        By default the least and the greatest value of all frames.
    rate : float
        Frames a second.
    size : (width, height)
        Pixels; odd ones of an .mp4 grow by one.
    label_time : str
        What the time is called in the title, "t" or "step"; "" leaves the time out.
    headings : sequence of str or None
        One a frame, in the place of the time.

    The other arguments are those of :func:`meshrep.view.scene.picture`; the time is added to the
    title.

    Raises
    ------
    InputError
        Where there is no frame, a field does not fit, headings are too few, or the file cannot be
        written.

    Notes
    -----
    Frames are drawn as they come: an .mp4 keeps one picture at a time in memory, a .gif a byte a
    pixel of each. Only an iterator without ``clim`` whose values are no phases is read to its end
    first.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: films can be written to {', '.join(SUFFIXES)}")
    if not 0 < rate <= 100:
        raise InputError(f"{path}: a film needs a rate of up to 100 frames a second, not {rate}")
    write = _mp4_writer(size) if suffix == ".mp4" else _pillow_writer(suffix)
    size = (size[0] + size[0] % 2, size[1] + size[1] % 2) if suffix == ".mp4" else size
    if quantity != "phase" and clim is None:
        frames = list(frames) if isinstance(frames, Iterator) else frames
        clim = _span(frames)
    colours = palette(quantity, np.zeros(0), clim, label, cmap)
    engines: list[Engine] = []

    def pages() -> Iterator[np.ndarray]:
        for k, (time, field) in enumerate(frames):
            if headings is not None and k >= len(headings):
                raise InputError(f"{path}: there are more frames than {len(headings)} headings")
            moment = f"{label_time} = {time:.4g}" if label_time else ""
            moment = moment if headings is None else headings[k]
            heading = ", ".join(text for text in (title, moment) if text)
            subject = subject_of(graph, field, marks, quantity=quantity, arrows=arrows)
            page, engine = composed([subject], [""], colours, heading, size)
            engines[:] = [engine]
            yield page.image()

    images = pages()
    first = next(images, None)
    if first is None:
        raise InputError(f"{path}: a film needs at least one frame")
    with replacing(path) as temporary:
        write(temporary, itertools.chain([first], images), rate, colours)
    return Drawn(path, engines[0])


Writer = Callable[[Path, Iterator[np.ndarray], float, Palette], None]


def _span(frames: Iterable[tuple[float, np.ndarray]]) -> tuple[float, float] | None:
    """The least and the greatest finite value of all frames; None unless they differ."""
    low, high = np.inf, -np.inf
    for _, field in frames:
        values = np.asarray(field, dtype=float)
        values = values[np.isfinite(values)]
        low, high = min(low, values.min(initial=np.inf)), max(high, values.max(initial=-np.inf))
    if high - low > 1e-12 * max(abs(low), abs(high)):
        return float(low), float(high)
    return (float(low) - 0.5, float(low) + 0.5) if np.isfinite(low) else None


def _mp4_writer(size: tuple[int, int]) -> Writer:
    """A writer of H.264 that hands each image over to ffmpeg as it comes."""
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise MissingPart("imageio_ffmpeg", "write .mp4 films", "viz") from error
    if min(size) < 16:
        raise InputError(f"an .mp4 needs 16 pixels or more a side, not {size[0]} x {size[1]}")

    def write(path: Path, images: Iterator[np.ndarray], rate: float, _: Palette) -> None:
        first = next(images)
        height, width = first.shape[:2]
        # BT.709 said and done, or players that guess shift the colours; the index at the front
        # lets a browser start before it has all
        options = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-color_primaries", "bt709",
                   "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv",
                   "-crf", "18", "-movflags", "+faststart"]  # fmt: skip
        sink = imageio_ffmpeg.write_frames(
            str(path), (width, height), fps=rate, codec="libx264", pix_fmt_in="rgb24",
            pix_fmt_out="yuv420p", quality=None, macro_block_size=2, output_params=options,
        )  # fmt: skip
        try:
            sink.send(None)
            for image in itertools.chain([first], images):
                sink.send(np.ascontiguousarray(image))
        finally:
            sink.close()

    return write


def _pillow_writer(suffix: str) -> Writer:
    """A writer of what Pillow animates."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPart("pillow", "write films", "viz") from error

    def write(path: Path, images: Iterator[np.ndarray], rate: float, colours: Palette) -> None:
        frames: Iterator[Any] = map(Image.fromarray, images)
        if suffix == ".gif":
            first = next(frames)
            shared = Image.fromarray(_swatch(np.asarray(first), colours))
            # one palette for all frames, without dithering, or colours flicker
            shared = shared.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=2)
            frames = (
                image.quantize(palette=shared, dither=Image.Dither.NONE)
                for image in itertools.chain([first], frames)
            )
        first, *others = frames
        first.save(path, save_all=True, append_images=others, duration=1000 / rate, loop=0)

    return write


def _swatch(page: np.ndarray, colours: Palette) -> np.ndarray:
    """The first page over as many pixels of every colour that later ones may need."""
    height, width = page.shape[:2]
    bright = colours.cmap(np.linspace(0, 1, 256), bytes=True)[:, :3]
    greys = np.linspace(0, 255, 64)[:, None] * np.ones(3)
    shades = np.concatenate([(bright * _SHADES).reshape(-1, 3), greys, [MISSING]])
    block = np.resize(shades.astype(np.uint8), (height, width, 3))
    return np.concatenate([page, block])
