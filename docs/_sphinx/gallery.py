"""Pictures and films of the examples, which an example writes into the folder where it runs."""

import shutil
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from matplotlib import image
from sphinx_gallery.scrapers import figure_rst

FILMS = Path("_films")  # of the built site; conf.py says where


def scraper(block: tuple, variables: dict[str, Any], conf: dict[str, Any]) -> str:
    """Move what an example has written into the gallery; gives the lines that show it."""
    folder = Path(variables["src_file"]).parent
    pictures, films = [], []
    for made in sorted(folder.glob("*.png")):
        pictures.append(next(variables["image_path_iterator"]))
        shutil.move(made, pictures[-1])
    for made in sorted(folder.glob("*.mp4")):
        poster = next(variables["image_path_iterator"])
        image.imsave(poster, _last_frame(made))
        FILMS.mkdir(parents=True, exist_ok=True)
        shutil.move(made, FILMS / made.name)
        films.append(
            ".. raw:: html\n\n"
            f'    <video controls loop muted playsinline width="100%" '
            f'src="../../_films/{made.name}"></video>\n'
        )
    for made in folder.glob("*.vt[pu]"):  # fields for ParaView, which a page cannot show
        made.unlink()
    return figure_rst(pictures, conf["src_dir"]) + "\n\n" + "\n\n".join(films)


def _last_frame(film: Path) -> np.ndarray:
    """(rows, columns, 3) bytes of a film's last frame, which stands for it."""
    frames = imageio_ffmpeg.read_frames(str(film))
    width, height = next(frames)["size"]
    for frame in frames:
        last = frame
    return np.frombuffer(last, np.uint8).reshape(height, width, 3)
