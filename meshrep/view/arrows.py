"""Phases as arrows, as spins of the XY model: which nodes get one and where it points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ACROSS = 40  # arrows along the longest side
_SMOOTH = 0.75  # mean of the unit normals round a point, below which it lies on a sharp edge
# An arrow from (-1/2, 0) to (1/2, 0), and the triangles that fill it.
_OUTLINE = np.array([[-0.5, -0.055], [-0.5, 0.055], [0.08, 0.055], [0.08, 0.24], [0.5, 0.0],
                     [0.08, -0.24], [0.08, -0.055]])  # fmt: skip
_TRIANGLES = np.array([[0, 1, 2], [0, 2, 6], [3, 4, 5]])


@dataclass(frozen=True)
class Arrows:
    """Arrows of one length, their middles at nodes.

    Attributes
    ----------
    points : (k, 3) float64
    values : (k,) float64
        Phases.
    along, across : (k, 3) float64
        Unit vectors in the surface: where the arrow points, and a right angle on from there.
    length : float
    """

    points: np.ndarray
    values: np.ndarray
    along: np.ndarray
    across: np.ndarray
    length: float

    def outlines(self) -> np.ndarray:
        """Corners (k, 7, 3) of the arrows."""
        u, v = self.length * _OUTLINE.T[:, None, :, None]
        return self.points[:, None] + u * self.along[:, None] + v * self.across[:, None]

    def triangles(self) -> np.ndarray:
        """Corner numbers (3 k, 3) of triangles that fill all outlines."""
        first = len(_OUTLINE) * np.arange(len(self.points))
        return (first[:, None, None] + _TRIANGLES).reshape(-1, 3)


def arrows_of(points: np.ndarray, values: np.ndarray, normals: np.ndarray) -> Arrows | None:
    """Arrows at the angle of phases, thinned to about forty across; None where no phase is finite.

    Angles are measured from the x axis projected along the normal (the y axis where that
    vanishes), counter-clockwise as seen by an eye that the normal points to.

    Parameters
    ----------
    points : (n, 3) array
    values : (n,) array
    normals : (n, 3) array
        Unit vectors.
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
    """Unit vectors (k, 3) across the normals: the x axis, or the y axis, projected."""
    x, y, _ = np.eye(3)
    axis = np.where(np.abs(normals[:, :1]) < 0.98, x, y)
    flat = axis - (axis * normals).sum(axis=1, keepdims=True) * normals
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def _thinned(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Numbers of points that are about a fortieth of the longest side apart, and their spacing.

    The boxes that each keep a point are a whole number of neighbour distances wide, so that
    lattices are thinned evenly.
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
    off = np.square(place - box - 0.5 + 0.2 / every).sum(axis=1)  # off the middle: no ties
    order = np.lexsort([off, *box.T])
    first = np.ones(len(points), bool)
    first[1:] = (np.diff(box[order], axis=0) != 0).any(axis=1)
    return order[first], every * spacing


def normals_to_eye(
    points: np.ndarray, triangles: np.ndarray, toward: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals (p, 3) at corners of triangles, to an eye far ``toward``; which are smooth.

    Where triangles round a point run in opposite senses, each is turned to the eye first.
    """  # turning all would tilt the normals where a closed surface turns from the eye
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
    """Sums (count, c) of the faces' rows (t, c) at their corners."""
    sums = [np.bincount(triangles.ravel(), np.repeat(side, 3), count) for side in faces.T]
    return np.stack(sums, axis=1)
