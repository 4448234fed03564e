"""Films of a field in time, as animated GIF, WebP or PNG."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from meshrep.errors import InputError, MissingPart
from meshrep.graph import Graph
from meshrep.view.colours import Quantity, palette
from meshrep.view.scene import Drawn, composed
from meshrep.view.subject import Marks, subject_of
from meshrep.view.write import replacing

SUFFIXES = (".gif", ".webp", ".png")


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
    rate: float = 12.0,
    size: tuple[int, int] = (720, 540),
) -> Drawn:
    """Draw a film of (time, field) frames, all in the same view and the same colours.

    Parameters
    ----------
    frames : iterable of (time, (n,) array)
    path : path
        A .gif, .webp or animated .png to write; it plays for ever.
    clim : (low, high) or None
        By default the least and the greatest value of all frames.
    rate : float
        Frames a second.

    The other arguments are those of :func:`meshrep.view.scene.picture`; the time is added to the
    title.

    Raises
    ------
    InputError
        Where there is no frame, a field does not fit, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: films can be written to {', '.join(SUFFIXES)}")
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPart("pillow", "write films", "viz") from error
    shots = list(frames)
    if not shots or not 0 < rate <= 100:
        raise InputError(f"{path}: a film needs a frame and a rate of up to 100 frames a second")
    colours = palette(quantity, np.concatenate([field for _, field in shots]), clim, label)
    images = []
    for time, field in shots:
        heading = f"{title}, t = {time:.4g}" if title else f"t = {time:.4g}"
        page, engine = composed([subject_of(graph, field, marks)], [""], colours, heading, size)
        images.append(Image.fromarray(page.image()))
    if path.suffix.lower() == ".gif":
        # one palette for all frames, without dithering, or colours flicker
        shared = images[len(images) // 2].quantize(256, method=Image.Quantize.MEDIANCUT)
        images = [image.quantize(palette=shared, dither=Image.Dither.NONE) for image in images]
    with replacing(path) as temporary:
        images[0].save(
            temporary, save_all=True, append_images=images[1:], duration=1000 / rate, loop=0
        )
    return Drawn(path, engine)
