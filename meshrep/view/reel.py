"""Images one after the other as a film: MP4 for browsers, animated GIF, WebP or PNG."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.errors import InputError, MissingPart
from meshrep.view.write import replacing

SUFFIXES = (".mp4", ".gif", ".webp", ".png")

_Writer = Callable[[Path, Iterator[np.ndarray], float, np.ndarray], None]


@dataclass(frozen=True)
class Reel:
    """A film to be written.

    Attributes
    ----------
    path : Path
    size : (width, height)
        Pixels that its images must have; even for an .mp4.
    rate : float
        Frames a second.
    """

    path: Path
    size: tuple[int, int]
    rate: float
    _writer: _Writer

    def write(self, images: Iterator[np.ndarray], colours: np.ndarray) -> None:
        """Write images (height, width, 3) uint8 as they come.

        ``colours`` (k, 3) uint8 are those that images may need. A .gif has 256 for all its images:
        these, or where they are more, those that come nearest to them and to the first image.

        Raises
        ------
        InputError
            Where there is no image, or the file cannot be written.
        """
        first = next(images, None)
        if first is None:
            raise InputError(f"{self.path}: a film needs at least one frame")
        with replacing(self.path) as temporary:
            self._writer(temporary, itertools.chain([first], images), self.rate, colours)


def reel(path: str | os.PathLike[str], size: tuple[int, int], rate: float) -> Reel:
    """A film to be written in the format of the suffix; odd sizes of an .mp4 grow by one.

    Raises
    ------
    InputError
        For an unknown suffix, a rate outside (0, 100], or an .mp4 under 16 pixels a side.
    MissingPart
        Where the package that writes the format is not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: films can be written to {', '.join(SUFFIXES)}")
    if not 0 < rate <= 100:
        raise InputError(f"{path}: a film needs a rate of up to 100 frames a second, not {rate}")
    if suffix != ".mp4":
        return Reel(path, size, rate, _pillow_writer(suffix))
    return Reel(path, (size[0] + size[0] % 2, size[1] + size[1] % 2), rate, _mp4_writer(size))


def _mp4_writer(size: tuple[int, int]) -> _Writer:
    """A writer of H.264 that hands each image over to ffmpeg as it comes."""
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise MissingPart("imageio_ffmpeg", "write .mp4 films", "viz") from error
    if min(size) < 16:
        raise InputError(f"an .mp4 needs 16 pixels or more a side, not {size[0]} x {size[1]}")

    def write(path: Path, images: Iterator[np.ndarray], rate: float, _: np.ndarray) -> None:
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


def _pillow_writer(suffix: str) -> _Writer:
    """A writer of what Pillow animates."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPart("pillow", "write films", "viz") from error

    def write(path: Path, images: Iterator[np.ndarray], rate: float, colours: np.ndarray) -> None:
        frames: Iterator[Any] = map(Image.fromarray, images)
        if suffix == ".gif":
            first = next(frames)
            # one palette for all frames, without dithering, or colours flicker
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
        first.save(path, save_all=True, append_images=others, duration=1000 / rate, loop=0)

    return write


def _swatch(page: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """The first page over as many pixels of every colour that later ones may need."""
    height, width = page.shape[:2]
    return np.concatenate([page, np.resize(colours.astype(np.uint8), (height, width, 3))])
