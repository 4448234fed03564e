"""The file that a film is written to: MP4 for browsers, animated GIF, WebP or PNG."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.base.interrupts import pending
from meshrep.errors import InputError, MissingPart
from meshrep.view.write import replacing

SUFFIXES = (".mp4", ".gif", ".webp", ".png")

_Writer = Callable[[Path, Iterator[np.ndarray], float, np.ndarray], None]


@dataclass(frozen=True)
class Reel:
    """The file of a film, before it is written.

    Attributes
    ----------
    path : Path
    size : (width, height)
        The pixels of each image, even for an .mp4.
    fps : float
        Frames per second.
    """

    path: Path
    size: tuple[int, int]
    fps: float
    _writer: _Writer

    def write(self, images: Iterator[np.ndarray], colours: np.ndarray) -> None:
        """Write images as they are made; Ctrl-C in a program ends the film at the last one made.

        Parameters
        ----------
        images : iterator of (height, width, 3) uint8 arrays
        colours : (k, 3) uint8 array
            The colours that images can have. All images of a .gif share 256 colours: these, or if
            they are more, colours near to them and to those of the first image.

        Raises
        ------
        InputError
            If there is no image, or the file cannot be written.
        """
        first = next(images, None)
        if first is None:
            raise InputError(f"{self.path}: a film needs at least one frame")
        with replacing(self.path) as temporary:
            more = itertools.takewhile(lambda _: not pending(), images)
            self._writer(temporary, itertools.chain([first], more), self.fps, colours)


def reel(path: str | os.PathLike[str], size: tuple[int, int], fps: float) -> Reel:
    """The file of a film, in the format of its suffix.

    Parameters
    ----------
    path : path
        A .mp4, .gif, .webp or .png.
    size : (width, height)
        Pixels. An odd number of an .mp4 grows by one.
    fps : float
        Frames per second.

    Raises
    ------
    InputError
        If the suffix is unknown, fps is not in (0, 100], or an .mp4 has a side of fewer than
        16 pixels.
    MissingPart
        If the package that writes the format is not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: films can be written to {', '.join(SUFFIXES)}")
    if not 0 < fps <= 100:
        raise InputError(f"{path}: a film needs up to 100 frames per second, not {fps}")
    if suffix != ".mp4":
        return Reel(path, size, fps, _pillow_writer(suffix))
    return Reel(path, (size[0] + size[0] % 2, size[1] + size[1] % 2), fps, _mp4_writer(size))


def _mp4_writer(size: tuple[int, int]) -> _Writer:
    """A writer of H.264 that gives each image to ffmpeg as it is made."""
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise MissingPart("imageio_ffmpeg", "write .mp4 films", "viz") from error
    if min(size) < 16:
        raise InputError(f"an .mp4 needs sides of 16 pixels or more, not {size[0]} x {size[1]}")

    def write(path: Path, images: Iterator[np.ndarray], fps: float, _: np.ndarray) -> None:
        first = next(images)
        height, width = first.shape[:2]
        # Colours are converted to BT.709 and the file says so, because players that have to guess
        # shift them. The index comes first, so that a browser can start before it has the whole.
        options = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-color_primaries", "bt709",
                   "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv",
                   "-crf", "18", "-movflags", "+faststart"]  # fmt: skip
        sink = imageio_ffmpeg.write_frames(
            str(path), (width, height), fps=fps, codec="libx264", pix_fmt_in="rgb24",
            pix_fmt_out="yuv420p", quality=None, macro_block_size=2, output_params=options,
        )  # fmt: skip
        try:
            sink.send(None)
            for image in itertools.chain([first], images):
                sink.send(np.ascontiguousarray(image))
        finally:
            sink.close()

    return write


def _pillow_writer(suffix: str) -> _Writer:
    """A writer of the formats that Pillow animates."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPart("pillow", "write films", "viz") from error

    def write(path: Path, images: Iterator[np.ndarray], fps: float, colours: np.ndarray) -> None:
        frames: Iterator[Any] = map(Image.fromarray, images)
        if suffix == ".gif":
            first = next(frames)
            # one palette for all frames and no dithering, because colours would flicker
            if len(colours) <= 256:
                shared = Image.new("P", (1, 1))
                shared.putpalette(np.resize(colours, (256, 3)).astype(np.uint8).tobytes())
            else:
                shared = Image.fromarray(_swatch(np.asarray(first), colours))
                shared = shared.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=2)
            frames = (
                image.quantize(palette=shared, dither=Image.Dither.NONE)
                for image in itertools.chain([first], frames)
            )
        first, *others = frames
        first.save(path, save_all=True, append_images=others, duration=1000 / fps, loop=0)

    return write


def _swatch(page: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """The first image above as many pixels of all colours that later images can have."""
    height, width = page.shape[:2]
    return np.concatenate([page, np.resize(colours.astype(np.uint8), (height, width, 3))])
