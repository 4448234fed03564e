"""A subject drawn by matplotlib: networks in the plane, and all others without OpenGL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from meshrep.view.arrows import Arrows
from meshrep.view.camera import Camera, framed
from meshrep.view.colours import INK, Palette
from meshrep.view.page import POINTS_A_PIXEL
from meshrep.view.plane import draw_in_plane, with_margin
from meshrep.view.shading import dimmed
from meshrep.view.subject import (
    EDGE_INK,
    Subject,
    arrow_inks,
    edge_opacity,
    mark_scale,
    node_pixels,
    what_is_seen,
)
from meshrep.view.surface import refined, refined_phases

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LIGHT = np.array([-0.34, 0.56, 0.75])
_FINE = 20_000  # triangles up to which surfaces are refined
_MANY = 3_000  # more triangles are drawn as pixels in vector formats
_NEIGHBOURS = 16  # nearest triangles that may hide a point


def sketch(
    axes: Axes, subject: Subject, palette: Palette, size: tuple[int, int], zoom: float = 1.0
) -> None:
    """Draw a subject into axes without a frame.

    Parameters
    ----------
    axes : Axes
        Their data are in pixels, from (0, 0) to ``size``.
    subject : Subject
    palette : Palette
    size : (width, height)
        Pixels.
    """
    camera = framed(what_is_seen(subject), subject.view, size[0] / size[1], zoom=zoom)
    if subject.planar:
        camera = with_margin(camera, subject, size)
    if subject.surface is not None:
        _surface(axes, subject, palette, camera, size)
        _strokes(axes, subject, camera, size)
        dot = size[1] / 60
    elif subject.planar:
        dot = draw_in_plane(axes, subject, palette, camera, size)
    else:
        dot = node_pixels(subject, camera, 2 * size[1]) / 2  # PyVista draws at twice the size
        _network(axes, subject, palette, camera, size, dot)
    if subject.arrows is not None:
        _arrows(axes, subject, subject.arrows, palette, camera, size)
    for k, points in enumerate(subject.marks.values()):
        fill, rim = palette.marks[k % len(palette.marks)]
        drawn = _on_page(points, camera, size)
        x, y, _ = drawn[~_hidden(drawn, subject, camera, size)].T
        area = (max(dot, size[1] / 80) * mark_scale(subject) * POINTS_A_PIXEL) ** 2
        axes.scatter(x, y, s=area, c=fill, edgecolors=rim, linewidths=0.8, zorder=4)


def _on_page(points: np.ndarray, camera: Camera, size: tuple[int, int]) -> np.ndarray:
    """Places (n, 3) of points: pixels to the right, pixels upwards, coordinate toward the eye."""
    drawn = camera.projected(points, size[1])
    drawn[:, :2] += np.array(size) / 2
    return drawn


def _surface(
    axes: Axes, subject: Subject, palette: Palette, camera: Camera, size: tuple[int, int]
) -> None:
    """Draw triangles from far to near, each in one colour."""
    from matplotlib.collections import PolyCollection

    surface = subject.surface
    assert surface is not None
    surface = refined_phases(surface, _FINE) if palette.cyclic else refined(surface, _FINE)
    corners = surface.points[surface.triangles]
    colours = palette.rgb(_face_values(surface.values[surface.triangles], palette)) / 255
    if not subject.view.flat:
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
        light = _lit(camera.view.seen(normals))
        colours = colours * dimmed(light, cyclic=palette.cyclic)[:, None]
    drawn = _on_page(surface.points, camera, size)[surface.triangles]
    order = drawn[:, :, 2].mean(axis=1).argsort()
    axes.add_collection(
        PolyCollection(
            list(drawn[order, :, :2]),
            facecolors=colours[order],
            edgecolors=colours[order],
            linewidths=0.3 * (not subject.view.flat),
            antialiased=not subject.view.flat,
            rasterized=len(order) > _MANY,
            zorder=2,
        )
    )


def _strokes(axes: Axes, subject: Subject, camera: Camera, size: tuple[int, int]) -> None:
    """Draw the thin lines whose middles are not hidden."""
    from matplotlib.collections import LineCollection

    for strokes in subject.strokes:
        hidden = _hidden(_on_page(strokes.ends.mean(axis=1), camera, size), subject, camera, size)
        ends = strokes.ends[~hidden]
        drawn = _on_page(ends.reshape(-1, 3), camera, size)[:, :2].reshape(-1, 2, 2)
        axes.add_collection(
            LineCollection(list(drawn), colors=strokes.ink, alpha=strokes.opacity,
                           linewidths=0.4, zorder=2.5)
        )  # fmt: skip


def _lit(normals: np.ndarray) -> np.ndarray:
    """The light (t,) in [0, 1] on faces; normals (t, 3) point to the right, upwards, to the eye."""
    facing = normals * np.where(normals[:, 2:] < 0, -1.0, 1.0)
    return np.clip(facing @ _LIGHT, 0.0, 1.0)


def _hidden(
    drawn: np.ndarray, subject: Subject, camera: Camera, size: tuple[int, int]
) -> np.ndarray:
    """Which points on the page (k, 3) lie behind triangles that are clearly nearer, (k,) bool."""
    if subject.surface is None or subject.view.flat or not len(drawn):
        return np.zeros(len(drawn), bool)
    from scipy.spatial import cKDTree

    surface = refined(subject.surface, _FINE)
    corners = _on_page(surface.points, camera, size)[surface.triangles]
    middles = corners.mean(axis=1)
    radius = np.linalg.norm(corners[:, :, :2] - middles[:, None, :2], axis=2).max(axis=1)
    count = min(_NEIGHBOURS, len(middles))
    away, near = cKDTree(middles[:, :2]).query(drawn[:, :2], k=[*range(1, count + 1)])
    a_pixel = 2 * camera.half_height / size[1]
    nearer = middles[near, 2] - drawn[:, 2:] > 4 * radius[near] * a_pixel
    return (nearer & (away <= radius[near])).any(axis=1)


def _arrows(
    axes: Axes,
    subject: Subject,
    arrows: Arrows,
    palette: Palette,
    camera: Camera,
    size: tuple[int, int],
) -> None:
    """Draw arrows, dark on bright colours and bright on dark ones."""
    from matplotlib.collections import PolyCollection

    seen = ~_hidden(_on_page(arrows.points, camera, size), subject, camera, size)
    corners = arrows.outlines()[seen]
    drawn = _on_page(corners.reshape(-1, 3), camera, size).reshape(corners.shape)
    inks = arrow_inks(subject, palette)[seen] / 255
    over = 3.0 if subject.surface is not None else 1.5  # below the nodes of a network
    axes.add_collection(PolyCollection(list(drawn[:, :, :2]), facecolors=inks, zorder=over))


def _face_values(corners: np.ndarray, palette: Palette) -> np.ndarray:
    """One value per triangle (t,) from those of its corners (t, 3); phases by mean direction."""
    if palette.cyclic:
        return np.arctan2(np.sin(corners).sum(axis=1), np.cos(corners).sum(axis=1))
    return corners.mean(axis=1)


def _network(
    axes: Axes,
    subject: Subject,
    palette: Palette,
    camera: Camera,
    size: tuple[int, int],
    dot: float,
) -> None:
    """Draw nodes from far to near over thin edges."""
    from matplotlib.collections import LineCollection

    drawn = _on_page(subject.points, camera, size)
    if len(subject.edges):
        strength = edge_opacity(subject)
        lines = LineCollection(list(drawn[subject.edges, :2]), colors=EDGE_INK, alpha=strength,
                               linewidths=0.5, zorder=1)  # fmt: skip
        axes.add_collection(lines)
    order = drawn[:, 2].argsort()
    axes.scatter(
        drawn[order, 0], drawn[order, 1], s=(dot * POINTS_A_PIXEL) ** 2,
        c=palette.rgb(subject.values)[order] / 255, edgecolors=INK,
        linewidths=0.4 if dot > 6 else 0.0, zorder=2,
    )  # fmt: skip
