"""Clouds of any dimension brought into the plane of a picture, all by the same projection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from meshrep.errors import InputError
from meshrep.view.camera import View, view_of

Box = tuple[np.ndarray, np.ndarray]
Ball = tuple[np.ndarray, float]

_OBLIQUE = np.deg2rad(20)  # from every level axis: nearer, two axes of a box fall on one line
_TURN = np.linspace(0, 2 * np.pi, 181)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)


@dataclass(frozen=True)
class Projection:
    """A projection along parallel lines of sight, and what of the plane the pictures show.

    Attributes
    ----------
    dimension : int
        Of the points.
    middle : (d,) float64
    axes : (d, 3) float64
        Right, up and toward the eye.
    low, high : (2,) float64
        Corners of what is shown.
    far, near : float
        The span of the points toward the eye.
    """

    dimension: int
    middle: np.ndarray
    axes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    far: float
    near: float

    @property
    def flat(self) -> bool:
        """Whether points are drawn at their own coordinates."""
        return self.dimension <= 2

    @property
    def note(self) -> str:
        """What a title must say of the projection."""
        if self.dimension <= 3:
            return ""
        return f"the first 3 of {self.dimension} principal components"

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Points (n, d) as right, up and toward the eye (n, 3)."""
        return (points - self.middle) @ self.axes

    def nearness(self, seen: np.ndarray) -> np.ndarray:
        """Where seen points (n, 3) lie between the farthest, 0, and the nearest, 1."""
        if self.near - self.far <= 1e-9 * np.abs(self.high - self.low).max():
            return np.ones(len(seen))
        return np.clip((seen[:, 2] - self.far) / (self.near - self.far), 0, 1)


@dataclass(frozen=True)
class Outline:
    """Lines (k, 2) in the plane of the picture that bound a region, behind the points or before."""

    behind: list[np.ndarray]
    before: list[np.ndarray]


def checked_cloud(points: np.ndarray, name: str) -> np.ndarray:
    """Finite points (n, d) as float64.

    Raises
    ------
    InputError
        Where they are not.
    """
    cloud = np.asarray(points, dtype=float)
    if cloud.ndim != 2 or not cloud.size:
        raise InputError(f"{name}: a cloud has points (n, d), not values of shape {cloud.shape}")
    bad = np.flatnonzero(~np.isfinite(cloud).all(axis=1))
    if bad.size:
        raise InputError(f"{name}: point {bad[0]} of the cloud is not finite")
    return cloud


def projection_of(
    clouds: Sequence[np.ndarray], box: Box | None, ball: Ball | None, *, z_up: bool = True
) -> Projection:
    """The projection that shows all clouds, and their box or ball, in the same view.

    In the plane points stay where they are. In space a box with a volume, or a ball, alone
    decides where the eye stands, so that films and pictures of it are seen alike; without one,
    the points do. No axis of space lies along the line of sight, but for points in a plane. From
    higher dimensions the first three principal components of all clouds are taken.

    Raises
    ------
    InputError
        Where dimensions differ.
    """
    dimension = clouds[0].shape[1]
    if any(cloud.shape[1] != dimension for cloud in clouds):
        raise InputError(f"clouds of dimensions {sorted({c.shape[1] for c in clouds})} do not "
                         "go into one picture")  # fmt: skip
    _check_region(box, ball, dimension)
    if dimension <= 2:
        middle, axes = np.zeros(dimension), np.eye(dimension, 3)
    else:
        every = np.concatenate(clouds)
        middle, basis = every.mean(axis=0), np.eye(dimension)
        if dimension > 3:
            spread = every - middle
            basis = np.linalg.eigh(spread.T @ spread)[1][:, :-4:-1]
            # a sign is free: the largest entry's is taken, so that pictures can be repeated
            basis = basis * np.sign(basis[np.abs(basis).argmax(axis=0), range(3)])
        solid = _solid(box, ball) if dimension == 3 else None
        shape = (every - middle) @ basis if solid is None else solid
        view = view_of(shape, np.zeros((0, 3), int), z_up=z_up)
        if dimension == 3 and not view.flat:
            view = _oblique(view)
        axes = basis @ np.stack([view.right, view.up, view.toward], axis=1)
    bounds = np.array([_bounds((cloud - middle) @ axes) for cloud in clouds])
    far, near = bounds[:, 0, 2].min(), bounds[:, 1, 2].max()
    plane = [*bounds[:, :, :2]]
    if box is not None and dimension <= 3:
        plane.append(_bounds((_corners(box) - middle) @ axes)[:, :2])
    if ball is not None and dimension <= 3:
        centre = (np.asarray(ball[0], dtype=float) - middle) @ axes[:, :2]
        plane.append(np.array([centre - ball[1], centre + ball[1]]))
    low, high = np.min(plane, axis=0)[0], np.max(plane, axis=0)[1]
    size = float((high - low).max()) or 1.0
    slack = np.maximum(0.03 * size, (0.25 * size - (high - low)) / 2)  # of clouds on a line
    return Projection(dimension, middle, axes, low - slack, high + slack, float(far), float(near))


def outline(projection: Projection, box: Box | None, ball: Ball | None) -> Outline:
    """The edges of a box, those at the back apart, or the rim and the equator of a ball.

    Beyond three dimensions there is none.
    """
    behind: list[np.ndarray] = []
    before: list[np.ndarray] = []
    if projection.dimension > 3:
        return Outline(behind, before)
    if box is not None:
        corners = np.unique(_corners(box), axis=0)  # two are one where the box is flat
        seen = projection.seen(corners)
        hidden = int(seen[:, 2].argmin())
        for i, a in enumerate(corners):
            for j in range(i):
                if np.count_nonzero(a != corners[j]) == 1:
                    back = not projection.flat and hidden in (i, j)
                    (behind if back else before).append(seen[[i, j], :2])
    if ball is not None:
        centre, radius = np.asarray(ball[0], dtype=float), float(ball[1])
        before.append(projection.seen(centre[None])[:, :2] + radius * _CIRCLE)
        if not projection.flat:
            equator = np.pad(_CIRCLE, ((0, 0), (0, 1)))
            seen = projection.seen(centre + radius * equator)
            behind.append(seen[:, :2])
    return Outline(behind, before)


def _solid(box: Box | None, ball: Ball | None) -> np.ndarray | None:
    """Points (k, 3) of the shape of a box with a volume or of a ball; None where there is none."""
    if box is not None:
        corners = _corners(box)
        return corners if (np.ptp(corners, axis=0) > 0).all() else None
    return None if ball is None else np.concatenate([np.eye(3), -np.eye(3)])


def _oblique(view: View) -> View:
    """The view turned about the upright axis until no level axis lies along the sight."""
    upright = int(np.abs(view.up).argmax())
    one, two = (k for k in range(3) if k != upright)
    turn = np.arctan2(view.toward[two], view.toward[one])
    quarter = np.floor(turn / (np.pi / 2) + 1e-9) * np.pi / 2
    by = float(np.clip(turn - quarter, _OBLIQUE, np.pi / 2 - _OBLIQUE)) - (turn - quarter)
    turned = np.eye(3)
    turned[np.ix_([one, two], [one, two])] = [[np.cos(by), -np.sin(by)], [np.sin(by), np.cos(by)]]
    return View(turned @ view.toward, turned @ view.up, flat=False)


def _bounds(seen: np.ndarray) -> np.ndarray:
    """The least and the greatest of each column, (2, 3)."""
    return np.stack([seen.min(axis=0), seen.max(axis=0)])


def _corners(box: Box) -> np.ndarray:
    """The corners (2^d, d) of a box."""
    low, high = (np.asarray(end, dtype=float).tolist() for end in box)
    return np.array(list(product(*zip(low, high, strict=True))))


def _check_region(box: Box | None, ball: Ball | None, dimension: int) -> None:
    """Refuse a box or a ball that is none of that dimension."""
    if box is not None:
        ends = [np.asarray(end, dtype=float) for end in box]
        if [end.shape for end in ends] != [(dimension,)] * 2 or not (ends[0] <= ends[1]).all():
            raise InputError(f"a box needs two corners ({dimension},), low below high, not {box}")
    if ball is not None:
        centre = np.asarray(ball[0], dtype=float)
        if centre.shape != (dimension,) or not (np.isfinite(centre).all() and 0 < ball[1] < np.inf):
            raise InputError(f"a ball needs a centre ({dimension},) and a radius, not {ball}")
