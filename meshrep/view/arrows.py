"""Phases as arrows, like the spins of the XY model: which nodes get one, and where it points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ACROSS = 40  # arrows along the longest side
_SMOOTH = 0.75  # length of the mean unit normal round a point; less means a sharp edge
# The outline of an arrow from (-1/2, 0) to (1/2, 0), and the triangles that fill it.
_OUTLINE = np.array([[-0.5, -0.055], [-0.5, 0.055], [0.08, 0.055], [0.08, 0.24], [0.5, 0.0],
                     [0.08, -0.24], [0.08, -0.055]])  # fmt: skip
_TRIANGLES = np.array([[0, 1, 2], [0, 2, 6], [3, 4, 5]])


@dataclass(frozen=True)
class Arrows:
    """Arrows of equal length whose middles lie at nodes.

    Attributes
    ----------
    points : (k, 3) float64
        Middles of the arrows.
    values : (k,) float64
        Phases in radians.
    along, across : (k, 3) float64
        Unit vectors: the direction of the arrow, and that direction turned by a right angle
        counter-clockwise.
    length : float
        In the unit of the points.
    """

    points: np.ndarray
    values: np.ndarray
    along: np.ndarray
    across: np.ndarray
    length: float

    def outlines(self) -> np.ndarray:
        """The corners (k, 7, 3) of the arrows, in order round each arrow."""
        u, v = self.length * _OUTLINE.T[:, None, :, None]
        return self.points[:, None] + u * self.along[:, None] + v * self.across[:, None]

    def triangles(self) -> np.ndarray:
        """Triangles (3 k, 3) that fill the outlines, as numbers of corners."""
        first = len(_OUTLINE) * np.arange(len(self.points))
        return (first[:, None, None] + _TRIANGLES).reshape(-1, 3)


def arrows_of(points: np.ndarray, values: np.ndarray, normals: np.ndarray) -> Arrows | None:
    """Arrows at the angles of phases, thinned to about forty along the longest side.

    An angle is measured from the x axis, projected along the normal, counter-clockwise for an eye
    that the normal points to. The y axis takes the place of an x axis along the normal.

    Parameters
    ----------
    points : (n, 3) array
    values : (n,) array
        Phases in radians; NaN gets no arrow.
    normals : (n, 3) array
        Unit vectors.

    Returns
    -------
    Arrows or None
        None if no phase is finite.
    """
    known = np.flatnonzero(np.isfinite(values) & np.isfinite(points).all(axis=1))
    if not len(known):
        return None
    chosen, spacing = _thinned(points[known])
    nodes = known[chosen]
    normals = normals[nodes]
    east = _reference(normals)
    north = np.cross(normals, east)
    cosine, sine = np.cos(values[nodes])[:, None], np.sin(values[nodes])[:, None]
    along, across = cosine * east + sine * north, cosine * north - sine * east
    return Arrows(points[nodes], values[nodes], along, across, 0.92 * spacing)


def _reference(normals: np.ndarray) -> np.ndarray:
    """Unit vectors (k, 3) normal to the given ones: the projected x axis, or y axis."""
    x, y, _ = np.eye(3)
    axis = np.where(np.abs(normals[:, :1]) < 0.98, x, y)
    flat = axis - (axis * normals).sum(axis=1, keepdims=True) * normals
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def _thinned(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Numbers of points about a fortieth of the longest side apart, and their spacing.

    Space is divided into boxes, each of which keeps one point. A box is a whole number of
    neighbour distances wide, so that lattices are thinned evenly.
    """
    from scipy.spatial import cKDTree

    extent = float(np.ptp(points, axis=0).max())
    near = np.asarray(cKDTree(points).query(points, k=min(2, len(points)))[0]).ravel()
    apart = near[near > 0]
    if not apart.size:
        return np.arange(len(points)), extent or 1.0
    spacing = float(np.median(apart))
    every = int(np.ceil(extent / (_ACROSS * spacing) - 1e-9))
    if every <= 1:
        return np.arange(len(points)), spacing
    place = (points - points.min(axis=0)) / (every * spacing) + 0.5 / every
    box = np.floor(place)
    off = np.square(place - box - 0.5 + 0.2 / every).sum(axis=1)  # shifted: no ties
    order = np.lexsort([off, *box.T])
    first = np.ones(len(points), bool)
    first[1:] = (np.diff(box[order], axis=0) != 0).any(axis=1)
    return order[first], every * spacing


def normals_to_eye(
    points: np.ndarray, triangles: np.ndarray, toward: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals at the corners of triangles, turned to a far eye.

    Neighbouring triangles of opposite orientation are each turned to the eye before the mean is
    taken. Others are not, because that would tilt the normals at the rim of a closed surface.

    Parameters
    ----------
    points : (p, 3) array
    triangles : (t, 3) integers
    toward : (3,) array
        Unit vector to the eye.

    Returns
    -------
    normals : (p, 3) float64
    smooth : (p,) bool
        False at sharp edges.
    """
    a, b, c = points[triangles.T]
    faces = np.cross(b - a, c - a)
    area = _sums(np.linalg.norm(faces, axis=1)[:, None], triangles, len(points))[:, 0]
    area = np.where(area > 0, area, 1.0)
    turned = faces * np.where(faces @ toward < 0, -1.0, 1.0)[:, None]
    means, others = (_sums(f, triangles, len(points)) / area[:, None] for f in (faces, turned))
    length, other = (np.linalg.norm(m, axis=1) for m in (means, others))
    means = np.where((other > 1.001 * length)[:, None], others, means)
    length = np.maximum(length, other)
    normals = np.where(length[:, None] > 0, means, toward)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return normals * np.where(normals @ toward < 0, -1.0, 1.0)[:, None], length > _SMOOTH


def _sums(faces: np.ndarray, triangles: np.ndarray, count: int) -> np.ndarray:
    """The rows (t, c) of the faces summed at each corner, (count, c)."""
    sums = [np.bincount(triangles.ravel(), np.repeat(side, 3), count) for side in faces.T]
    return np.stack(sums, axis=1)
