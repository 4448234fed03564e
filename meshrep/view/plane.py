"""A network in the plane, drawn by matplotlib: edges as wide as their weights, nodes, names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.names import shown
from meshrep.view.camera import Camera
from meshrep.view.colours import INK, PAPER, Palette
from meshrep.view.look import DPI
from meshrep.view.names import placed_names
from meshrep.view.page import POINTS_A_PIXEL
from meshrep.view.subject import EDGE_INK, NAMES_UP_TO, Subject, edge_opacity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEGATIVE_INK = "#c0392b"
_SMALLEST, _LARGEST = 2.2, 34.0  # diameters of nodes in pixels, in a picture 700 pixels high
_SAMPLE = 2_000  # nodes whose spacing is measured
_LONGEST_NAME = 24  # letters


def with_margin(camera: Camera, subject: Subject, size: tuple[int, int]) -> Camera:
    """The camera a little further away, so that nodes at the rim are whole in the picture."""
    _, _, diameters = _discs(camera, subject, size)
    margin = float(diameters.max()) / 2 + 3
    return replace(camera, half_height=camera.half_height / (1 - 2 * margin / min(size)))


def draw_in_plane(
    axes: Axes, subject: Subject, palette: Palette, camera: Camera, size: tuple[int, int]
) -> float:
    """Draw a network into axes whose data are pixels up to ``size``; the diameter of a node."""
    nodes, middle, diameters = _discs(camera, subject, size)
    scale = min(size) / 700
    if len(subject.edges):
        _edges(axes, subject, nodes, middle)
    x, y = nodes.T
    axes.scatter(
        x, y, s=(diameters * POINTS_A_PIXEL) ** 2, c=palette.rgb(subject.values) / 255,
        edgecolors=INK, linewidths=0.6 * scale if middle > 5 else 0.0, zorder=2,
    )  # fmt: skip
    if subject.names is not None:
        _names(axes, subject, palette, nodes, diameters, size)
    return middle


def _discs(
    camera: Camera, subject: Subject, size: tuple[int, int]
) -> tuple[np.ndarray, float, np.ndarray]:
    """Middles (n, 2) of the nodes in pixels, the usual diameter, and all diameters (n,)."""
    nodes = camera.projected(subject.points, size[1])[:, :2] + np.array(size) / 2
    share = 0.45 if subject.arrows is not None else 0.85  # of the spacing
    if subject.names is not None and len(nodes) > NAMES_UP_TO:
        share = 0.6  # names stand beside the nodes
    middle = _diameter(nodes, min(size) / 700, share)
    return nodes, middle, _by_degree(middle, subject.degrees, nodes)


def _diameter(nodes: np.ndarray, scale: float, share: float) -> float:
    """The diameter in pixels of a usual node: a share of the spacing, so that few touch."""
    most = _LARGEST * scale
    if len(nodes) < 2:
        return most
    from scipy.spatial import cKDTree

    some = nodes[:: max(1, len(nodes) // _SAMPLE)]
    away = np.asarray(cKDTree(nodes).query(some, k=2)[0])[:, 1]
    spacing = float(np.quantile(away, 0.2))
    return float(np.clip(share * spacing, _SMALLEST * scale, most))


def _by_degree(middle: float, degrees: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Diameters (n,): larger for nodes of many neighbours, up to the distance of the nearest."""
    if len(nodes) < 2 or not degrees.any():
        return np.full(len(nodes), middle)
    from scipy.spatial import cKDTree

    room = np.asarray(cKDTree(nodes).query(nodes, k=2)[0])[:, 1]
    wanted = middle * np.clip((degrees / degrees.mean()) ** 0.25, 0.85, 1.8)
    return np.minimum(wanted, np.maximum(0.95 * room, middle))


def _edges(axes: Axes, subject: Subject, nodes: np.ndarray, middle: float) -> None:
    """Draw edges; where their weights differ, the strongest are the widest, negative ones red."""
    from matplotlib.collections import LineCollection

    thin = float(np.clip(middle / 14, 0.4, 1.3))
    widths, inks = np.full(len(subject.edges), thin), EDGE_INK
    look: dict[str, Any] = {"alpha": edge_opacity(subject)}
    weights = subject.weights
    if weights is not None:
        strength = np.abs(weights) / np.abs(weights).max()
        widths = thin * (0.4 + 4.0 * strength)
        inks = np.where(weights < 0, NEGATIVE_INK, EDGE_INK).tolist()
    axes.add_collection(
        LineCollection(
            list(nodes[subject.edges]), colors=inks, linewidths=widths * POINTS_A_PIXEL,
            capstyle="round", rasterized=len(subject.edges) > 5_000, zorder=1, **look,
        )
    )  # fmt: skip


def _names(
    axes: Axes, subject: Subject, palette: Palette, nodes: np.ndarray, diameters: np.ndarray,
    size: tuple[int, int],
) -> None:  # fmt: skip
    """Write names on nodes where they fit, else beside them on a white rim."""
    from matplotlib.patheffects import withStroke

    assert subject.names is not None
    words = [_short(name) for name in subject.names]
    text = float(np.clip(70 / np.sqrt(len(words)), 4.5, 11.0) * np.sqrt(min(size) / 700))
    renderer: Any = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    extents = np.array([_extent(axes, renderer, word, text) for word in words])
    inks = palette.ink_on(subject.values) / 255
    for word, place, ink in zip(
        words, placed_names(nodes, diameters, extents, subject.edges, size), inks, strict=True
    ):
        rim = [] if place.inside else [withStroke(linewidth=2.0, foreground=PAPER, alpha=0.85)]
        axes.text(
            place.x, place.y, word, size=text, color=ink if place.inside else INK, ha="center",
            va="center_baseline" if place.inside else "center", path_effects=rim, zorder=5,
            parse_math=False,
        )  # fmt: skip


def _short(name: object) -> str:
    """A name that prints, cut where it is long."""
    word = shown(str(name))
    return word if len(word) <= _LONGEST_NAME else word[: _LONGEST_NAME - 1] + "…"


def _extent(axes: Axes, renderer: Any, word: str, text: float) -> tuple[float, float]:
    """The width and the height of a word in pixels."""
    from matplotlib.font_manager import FontProperties

    width, height, _ = renderer.get_text_width_height_descent(
        word or "x", FontProperties(size=text), ismath=False
    )
    pixels = axes.figure.dpi / DPI  # of the file, for one of the layout
    return float(width) / pixels, float(height) / pixels
