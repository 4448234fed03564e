"""Clouds of points and their loops: pictures, panels in the same view, films."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from meshrep.errors import InputError
from meshrep.view.cloud_page import CloudPage, Line, film_colours
from meshrep.view.page import page_size, picture_path
from meshrep.view.projection import Ball, Box, Projection, checked_cloud, outline, projection_of
from meshrep.view.reel import reel

Loop = tuple[np.ndarray, float]
Up = Literal["y", "z"]


def cloud_picture(
    points: np.ndarray,
    path: str | os.PathLike[str],
    *,
    loops: Sequence[Loop] = (),
    box: Box | None = None,
    ball: Ball | None = None,
    edges: np.ndarray | None = None,
    title: str = "",
    size: tuple[int, int] = (1200, 900),
    up: Up = "z",
) -> Path:
    """Draw one cloud of points, with its loops, to an image file.

    A cloud in the plane has numbered axes. A cloud in space is seen along parallel lines, with
    near points darker. In higher dimensions the first three principal components are drawn.

    Parameters
    ----------
    points : (n, d) array
    path : path
        A .png, .jpg, .pdf, .svg, .webp or .tif to write.
    loops : sequence of (nodes, persistence)
        Loops, drawn over the points in the colours of their persistence. The nodes are those of a
        closed path (c,), as :func:`meshrep.longest_loops` gives them, or pairs of nodes (k, 2).
    box : (low (d,), high (d,)) or None
        Drawn dashed in up to three dimensions.
    ball : (centre (d,), radius) or None
        Drawn dashed in up to three dimensions.
    edges : (m, 2) node pairs or None
        Edges of a graph on the points, drawn thinly below them.
    title : str
        The text above everything.
    size : (width, height)
        Pixels of the picture.
    up : "y" or "z"
        The axis of space that points up if the cloud is not thin.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If points, loops, box, ball or edges do not fit, or the file cannot be written.
    MissingPart
        If matplotlib is not installed.
    """
    return cloud_panels(
        {"": points}, path, loops={"": loops}, box=box, ball=ball, edges=edges, title=title,
        size=size, up=up,
    )  # fmt: skip


def cloud_panels(
    clouds: Mapping[str, np.ndarray],
    path: str | os.PathLike[str],
    *,
    loops: Mapping[str, Sequence[Loop]] | None = None,
    box: Box | None = None,
    ball: Ball | None = None,
    edges: np.ndarray | None = None,
    title: str = "",
    size: tuple[int, int] | None = None,
    up: Up = "z",
) -> Path:
    """Draw several clouds of one dimension side by side, in the same view and scale.

    The arguments are those of :func:`cloud_picture`; ``clouds`` and ``loops`` map the title of
    each panel to its points and its loops. All loops share one scale of colours.
    """
    path = picture_path(path)
    if not clouds:
        raise InputError(f"{path}: there is no cloud to draw")
    drawn = {name: checked_cloud(points, name or "cloud") for name, points in clouds.items()}
    found = {} if loops is None else loops
    strangers = [name for name in found if name not in drawn]
    if strangers:
        raise InputError(f"{path}: the loops of {strangers[0]!r} have no cloud")
    projection = projection_of(list(drawn.values()), box, ball, z_up=up == "z")
    lines = {name: _lines(found.get(name, ()), len(points)) for name, points in drawn.items()}
    most = _most([line for some in lines.values() for line in some])
    size = size or page_size(len(drawn), (520, 520), (40 if most is None else 190, 90))
    page = CloudPage(size, projection, list(drawn), _heading(title, "", projection), most)
    bounds = outline(projection, box, ball)
    for k, (name, points) in enumerate(drawn.items()):
        page.draw(k, points, lines[name], bounds, _checked_edges(edges, len(points)))
    return page.save(path)


def cloud_film(
    frames: Iterable[tuple[float, np.ndarray]],
    path: str | os.PathLike[str],
    *,
    loops: Sequence[Sequence[Loop]] | None = None,
    box: Box | None = None,
    ball: Ball | None = None,
    edges: np.ndarray | None = None,
    title: str = "",
    label_time: str = "step",
    fps: float = 12.0,
    size: tuple[int, int] = (720, 540),
    up: Up = "z",
) -> Path:
    """Draw a film of a moving cloud, all frames in the same view and scale.

    Parameters
    ----------
    frames : iterable of (step, (n, d) array)
    path : path
        A .mp4 (H.264, for browsers), .gif, .webp or animated .png to write. All but .mp4 repeat
        for ever.
    loops : sequence of sequence of (nodes, persistence), or None
        The loops of each frame.
    label_time : str
        The name of the step in the heading. "" leaves the step out.
    fps : float
        Frames per second.
    size : (width, height)
        Pixels. An odd number of an .mp4 grows by one.

    The other arguments are those of :func:`cloud_picture`.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If there is no frame, points or loops do not fit, or the file cannot be written.
    MissingPart
        If a package that draws or writes the film is not installed.

    Notes
    -----
    The view contains all frames, which are therefore read before the first one is drawn.
    """
    wanted = reel(path, size, fps)
    clouds = [(step, checked_cloud(points, f"{path}, frame {k}"))
              for k, (step, points) in enumerate(frames)]  # fmt: skip
    if not clouds:
        raise InputError(f"{path}: a film needs at least one frame")
    if loops is not None and len(loops) != len(clouds):
        raise InputError(f"{path}: {len(clouds)} frames have the loops of {len(loops)}")
    projection = projection_of([points for _, points in clouds], box, ball, z_up=up == "z")
    lines = [
        _lines(() if loops is None else loops[k], len(points))
        for k, (_, points) in enumerate(clouds)
    ]
    most = _most([line for some in lines for line in some])
    bounds = outline(projection, box, ball)

    def pages() -> Iterator[np.ndarray]:
        for (step, points), some in zip(clouds, lines, strict=True):
            moment = f"{label_time} = {step:.4g}" if label_time else ""
            heading = _heading(title, moment, projection)
            page = CloudPage(wanted.size, projection, [""], heading, most)
            page.draw(0, points, some, bounds, _checked_edges(edges, len(points)))
            yield page.image()

    wanted.write(pages(), film_colours())
    return wanted.path


def _heading(title: str, moment: str, projection: Projection) -> str:
    return ", ".join(text for text in (title, moment, projection.note) if text)


def _lines(loops: Sequence[Loop], n: int) -> list[Line]:
    """Checked loops as chains of nodes, the least persistent first."""
    lines = []
    for nodes, persistence in loops:
        chain = np.asarray(nodes)
        if not np.isfinite(persistence) or persistence < 0:
            raise InputError(f"a loop has the persistence {persistence}, which must be 0 or more")
        closed = chain.ndim == 1 and len(chain) > 1
        pairs = chain.ndim == 2 and chain.shape[1] == 2
        if not (closed or pairs) or chain.dtype.kind not in "iu":
            raise InputError(f"a loop has nodes (c,) or node pairs (k, 2), not {chain.shape}")
        _check_nodes(chain, n, "a loop names")
        ends = np.append(chain, chain[0])[None] if closed else chain
        lines.append(Line(ends, float(persistence)))
    return sorted(lines, key=lambda line: line.persistence)


def _checked_edges(edges: np.ndarray | None, n: int) -> np.ndarray:
    pairs = np.zeros((0, 2), np.int64) if edges is None else np.asarray(edges)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise InputError(f"edges must be node pairs (m, 2), not {pairs.dtype} {pairs.shape}")
    _check_nodes(pairs, n, "an edge names")
    return pairs


def _check_nodes(nodes: np.ndarray, n: int, what: str) -> None:
    if nodes.size and (nodes.min() < 0 or nodes.max() >= n):
        raise InputError(f"{what} a node outside 0 … {n - 1}")


def _most(lines: Sequence[Line]) -> float | None:
    """The greatest persistence; None if there is no loop."""
    return max((line.persistence for line in lines), default=None)
