"""A direction of view, and the camera that frames a scene seen from there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

VIEW_ANGLE = 18.0  # degrees of the height; small, so that parallel lines look nearly parallel
_SLOPE_OF_PYVISTA = np.tan(np.deg2rad(15))  # of its view angle, for cameras that are given whole


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
    axis : (3,) float64 or None
        The axis that points up in the scene; None if it is ``up``.
    place : ((3,) eye, (3,) focus) or None
        A camera that was given whole, and frames nothing.
    """

    toward: np.ndarray
    up: np.ndarray
    flat: bool
    axis: np.ndarray | None = None
    place: tuple[np.ndarray, np.ndarray] | None = None

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


def turned(view: View, azimuth: float, elevation: float) -> View:
    """The view after the eye has gone round the up axis, and then up, by degrees.

    As with PyVista's ``camera.azimuth``, the eye goes to the right. It does not go over the pole.
    """
    if not (azimuth or elevation):
        return view
    axis = view.up if view.axis is None else view.axis
    toward, up = (_about(axis, way, azimuth) for way in (view.toward, view.up))
    right = np.cross(up, toward)
    toward, up = (_about(right, way, -elevation) for way in (toward, up))
    return replace(view, toward=toward, up=up, axis=axis, flat=False, place=None)


def _about(axis: np.ndarray, way: np.ndarray, degrees: float) -> np.ndarray:
    """A vector turned about a unit vector, counter-clockwise for an eye at its tip."""
    angle = np.deg2rad(degrees)
    along = (axis @ way) * axis
    return along + np.cos(angle) * (way - along) + np.sin(angle) * np.cross(axis, way)


def framed(
    points: np.ndarray, view: View, aspect: float, *, margin: float = 1.04, zoom: float = 1.0
) -> Camera:
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
    zoom : float
        By how much the picture is then enlarged.
    """
    if view.place is not None:
        eye, focus = view.place
        distance = float(np.linalg.norm(eye - focus))
        return Camera(view, focus, distance, distance * _SLOPE_OF_PYVISTA / zoom)
    seen = view.seen(points[np.isfinite(points).all(axis=1)])
    middle = (seen.min(axis=0) + seen.max(axis=0)) / 2
    half = np.ptp(seen, axis=0) / 2
    size = float(np.abs(half).max()) or 1.0
    axes = np.stack([view.right, view.up, view.toward])
    if view.flat:
        height = max(half[1], half[0] / aspect, 1e-3 * size) * margin
        return Camera(view, middle @ axes, 10 * size, height / zoom)
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
    return Camera(view, middle @ axes, distance, distance * slope / zoom)
