"""Where a picture is seen from: a view chosen by the shape, and the camera that frames it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FLAT = 1e-6  # ratio of thickness to width below which points lie in a plane
_LYING = 0.3  # ratio of thickness to width below which the thin axis points up
_AZIMUTHS = 24  # directions tried
VIEW_ANGLE = 18.0  # degrees of the height; small, so that parallel lines look nearly parallel


@dataclass(frozen=True)
class View:
    """A direction of view.

    Attributes
    ----------
    toward : (3,) float64
        Unit vector from the scene to the eye.
    up : (3,) float64
        Unit vector that points up in the picture, normal to ``toward``.
    flat : bool
        Whether the scene lies in a plane that is seen square on.
    """

    toward: np.ndarray
    up: np.ndarray
    flat: bool

    @property
    def right(self) -> np.ndarray:
        """Unit vector that points right in the picture."""
        return np.cross(self.up, self.toward)

    def seen(self, points: np.ndarray) -> np.ndarray:
        """The coordinates (n, 3) of points to the right, upwards and toward the eye."""
        return points @ np.stack([self.right, self.up, self.toward], axis=1)


@dataclass(frozen=True)
class Camera:
    """A view and the place of the eye that makes the scene fill the picture.

    Attributes
    ----------
    view : View
    focus : (3,) float64
        The point in the middle of the picture.
    distance : float
        From the focus to the eye.
    half_height : float
        Half the height of the picture at the focus, in the unit of the points.
    """

    view: View
    focus: np.ndarray
    distance: float
    half_height: float

    @property
    def eye(self) -> np.ndarray:
        """The place of the eye (3,)."""
        return self.focus + self.distance * self.view.toward

    def sight(self, points: np.ndarray) -> np.ndarray:
        """Unit vectors (n, 3) from points to the eye; one direction for a flat scene."""
        if self.view.flat:
            return np.broadcast_to(self.view.toward, points.shape)
        lines = self.eye - points
        return lines / np.linalg.norm(lines, axis=1, keepdims=True)

    def projected(self, points: np.ndarray, height: int) -> np.ndarray:
        """Where points (n, 3) are drawn in a picture of ``height`` pixels, shape (n, 3).

        The columns are pixels to the right and upwards from the middle, and the coordinate toward
        the eye.
        """
        seen = self.view.seen(points - self.focus)
        if not self.view.flat:
            seen[:, :2] *= (self.distance / (self.distance - seen[:, 2]))[:, None]
        seen[:, :2] *= height / (2 * self.half_height)
        return seen


def view_of(points: np.ndarray, triangles: np.ndarray, *, z_up: bool = False) -> View:
    """The view that shows a shape best.

    Points in a plane are seen square on. Otherwise the axis that points up is the thin one, if the
    shape is thin. If it is not, it is y, as in meshes for graphics, or z with ``z_up``, as in
    simulations. The eye first looks at the largest projected area. Then it turns by 30° toward the
    side to which the upper part leans, and rises, so that depth can be seen.

    Parameters
    ----------
    points : (n, 3) array
        Points that are not finite are left out.
    triangles : (t, 3) integers
        May be empty.
    z_up : bool
        Whether z points up in a shape that is not thin.
    """
    points = points[np.isfinite(points).all(axis=1)]
    spread = points - points.mean(axis=0)
    values, vectors = np.linalg.eigh(spread.T @ spread)
    if values[0] <= _FLAT**2 * values[2]:
        return _square_on(vectors, values)
    extent = np.ptp(points, axis=0)
    thin = int(extent.argmin())
    lying = extent[thin] < _LYING * np.sort(extent)[1]
    axis = thin if lying else (2 if z_up else 1)
    up = np.eye(3)[axis]
    front, side = (np.eye(3)[2], np.eye(3)[0]) if axis == 1 else (-np.eye(3)[1], np.eye(3)[0])
    if axis == 0:
        front, side = np.eye(3)[2], -np.eye(3)[1]

    angles = np.pi * (np.arange(_AZIMUTHS) / _AZIMUTHS - 0.5)  # half a turn: back equals front
    ways = np.cos(angles)[:, None] * front + np.sin(angles)[:, None] * side
    area = _areas(points, spread, triangles, ways)
    best = angles[area.argmax()] if np.ptp(area) > 0.02 * area.max() else 0.0
    turns = best + np.deg2rad([30, -30, 210, 150])
    levels = np.cos(turns)[:, None] * front + np.sin(turns)[:, None] * side
    high = points @ up > np.quantile(points @ up, 0.7)
    head = spread[high].mean(axis=0) if high.any() else np.zeros(3)
    level = levels[(levels @ (head / extent.max() + 0.1 * front + 0.01 * side)).argmax()]
    rise = np.deg2rad(40 if lying else 28 if z_up else 16)
    toward = np.cos(rise) * level + np.sin(rise) * up
    return View(toward, np.cos(rise) * up - np.sin(rise) * level, flat=False)


def _square_on(vectors: np.ndarray, values: np.ndarray) -> View:
    """The view along the normal of a plane, or at a right angle to a line."""
    _, y, z = np.eye(3)
    normal = vectors[:, 0]
    if values[1] <= _FLAT**2 * values[2] and abs(vectors[2, 2]) < 0.99:
        normal = z - vectors[2, 2] * vectors[:, 2]  # points on a line are seen from above
    normal = normal / np.linalg.norm(normal)
    normal = normal * (1 if normal[np.abs(normal).argmax()] > 0 else -1)
    up = y if abs(normal @ z) > 0.9 else z
    up = up - (up @ normal) * normal
    return View(normal, up / np.linalg.norm(up), flat=True)


def _areas(
    points: np.ndarray, spread: np.ndarray, triangles: np.ndarray, ways: np.ndarray
) -> np.ndarray:
    """How much is seen from each direction: the projected area, or without faces the spread."""
    if not len(triangles):
        total = np.einsum("ij,ij->", spread, spread)
        return np.sqrt(total - np.square(spread @ ways.T).sum(axis=0))
    if triangles.max() >= len(points):
        return np.ones(len(ways))
    a, b, c = points[triangles.T]
    return np.abs(np.cross(b - a, c - a) @ ways.T).sum(axis=0)


def framed(points: np.ndarray, view: View, aspect: float, *, margin: float = 1.04) -> Camera:
    """The camera whose picture just contains the points.

    Parameters
    ----------
    points : (n, 3) array
        Points that are not finite are left out.
    view : View
    aspect : float
        Width of the picture over its height.
    margin : float
        Factor of the size that is left free round the points.
    """
    seen = view.seen(points[np.isfinite(points).all(axis=1)])
    middle = (seen.min(axis=0) + seen.max(axis=0)) / 2
    half = np.ptp(seen, axis=0) / 2
    size = float(np.abs(half).max()) or 1.0
    axes = np.stack([view.right, view.up, view.toward])
    if view.flat:
        height = max(half[1], half[0] / aspect, 1e-3 * size) * margin
        return Camera(view, middle @ axes, 10 * size, height)
    slope = np.tan(np.deg2rad(VIEW_ANGLE / 2))
    distance = 1e-3 * size
    for _ in range(3):  # perspective shifts the middle: centre what is seen, then fit again
        offset = seen - middle
        needed = np.maximum(np.abs(offset[:, 1]), np.abs(offset[:, 0]) / aspect) / slope
        distance = max(float((needed * margin + offset[:, 2]).max()), 1e-3 * size)
        drawn = offset[:, :2] / (distance - offset[:, 2])[:, None]
        middle[:2] += (drawn.min(axis=0) + drawn.max(axis=0)) / 2 * distance
    offset = seen - middle
    needed = np.maximum(np.abs(offset[:, 1]), np.abs(offset[:, 0]) / aspect) / slope
    distance = max(float((needed * margin + offset[:, 2]).max()), 1e-3 * size)
    return Camera(view, middle @ axes, distance, distance * slope)
