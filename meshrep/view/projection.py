"""The projection that brings clouds of any dimension into the plane of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from meshrep.errors import InputError
from meshrep.view.camera import View
from meshrep.view.side import view_of

Box = tuple[np.ndarray, np.ndarray]
Ball = tuple[np.ndarray, float]

_OBLIQUE = np.deg2rad(20)  # least angle to a level axis, so that no axis hides another
_TURN = np.linspace(0, 2 * np.pi, 181)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)


@dataclass(frozen=True)
class Projection:
    """A projection along parallel lines of sight, and the part of the plane that is shown.

    Attributes
    ----------
    dimension : int
        Of the points, d.
    middle : (d,) float64
        The point that is projected to the origin.
    axes : (d, 3) float64
        Unit vectors as columns: to the right, upwards and toward the eye.
    low, high : (2,) float64
        Lower left and upper right corner of what is shown.
    far, near : float
        The least and the greatest coordinate of the points toward the eye.
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
        """Whether points are drawn at their own coordinates: in one or two dimensions."""
        return self.dimension <= 2

    @property
    def note(self) -> str:
        """What a title must say about the projection; often nothing."""
        if self.dimension <= 3:
            return ""
        return f"the first 3 of {self.dimension} principal components"

    def seen(self, points: np.ndarray) -> np.ndarray:
        """The coordinates (n, 3) of points (n, d) to the right, upwards and toward the eye."""
        return (points - self.middle) @ self.axes

    def nearness(self, seen: np.ndarray) -> np.ndarray:
        """The nearness (n,) of projected points (n, 3): 0 for the farthest, 1 for the nearest."""
        if self.near - self.far <= 1e-9 * np.abs(self.high - self.low).max():
            return np.ones(len(seen))
        return np.clip((seen[:, 2] - self.far) / (self.near - self.far), 0, 1)


@dataclass(frozen=True)
class Outline:
    """The lines round a region, each (k, 2) in the plane, behind the points or in front of them."""

    behind: list[np.ndarray]
    before: list[np.ndarray]


def checked_cloud(points: np.ndarray, name: str) -> np.ndarray:
    """Points (n, d) as float64.

    Raises
    ------
    InputError
        If they have another shape or are not finite.
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

    Points in the plane keep their coordinates. In space, a box with a volume or a ball decides the
    view, so that films and pictures of it have the same one; without a region the points decide.
    The line of sight does not lie along an axis of space, unless the points lie in a plane. In
    higher dimensions the first three principal components of all clouds are shown.

    Parameters
    ----------
    clouds : sequence of (n, d) arrays
        At least one.
    box : (low (d,), high (d,)) or None
    ball : (centre (d,), radius) or None
    z_up : bool
        Whether z points up in a shape that is not thin; else y does.

    Raises
    ------
    InputError
        If dimensions differ.
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
            # the sign is arbitrary: a fixed choice makes pictures repeatable
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
    slack = np.maximum(0.03 * size, (0.25 * size - (high - low)) / 2)  # for clouds on a line
    return Projection(dimension, middle, axes, low - slack, high + slack, float(far), float(near))


def outline(projection: Projection, box: Box | None, ball: Ball | None) -> Outline:
    """The edges of a box, and the rim and the equator of a ball.

    There are none in more than three dimensions.
    """
    behind: list[np.ndarray] = []
    before: list[np.ndarray] = []
    if projection.dimension > 3:
        return Outline(behind, before)
    if box is not None:
        corners = np.unique(_corners(box), axis=0)  # a flat box has fewer
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
    """Points (k, 3) of the shape of a box with a volume, or of a ball; None if there is neither."""
    if box is not None:
        corners = _corners(box)
        return corners if (np.ptp(corners, axis=0) > 0).all() else None
    return None if ball is None else np.concatenate([np.eye(3), -np.eye(3)])


def _oblique(view: View) -> View:
    """The view turned about the upright axis until the sight is oblique to every level axis."""
    upright = int(np.abs(view.up).argmax())
    one, two = (k for k in range(3) if k != upright)
    turn = np.arctan2(view.toward[two], view.toward[one])
    quarter = np.floor(turn / (np.pi / 2) + 1e-9) * np.pi / 2
    by = float(np.clip(turn - quarter, _OBLIQUE, np.pi / 2 - _OBLIQUE)) - (turn - quarter)
    turned = np.eye(3)
    turned[np.ix_([one, two], [one, two])] = [[np.cos(by), -np.sin(by)], [np.sin(by), np.cos(by)]]
    return View(turned @ view.toward, turned @ view.up, flat=False)


def _bounds(seen: np.ndarray) -> np.ndarray:
    """The least and the greatest value (2, 3) of each column."""
    return np.stack([seen.min(axis=0), seen.max(axis=0)])


def _corners(box: Box) -> np.ndarray:
    """The corners (2^d, d) of a box."""
    low, high = (np.asarray(end, dtype=float).tolist() for end in box)
    return np.array(list(product(*zip(low, high, strict=True))))


def _check_region(box: Box | None, ball: Ball | None, dimension: int) -> None:
    """Refuse a box or a ball of another dimension, and an empty one."""
    if box is not None:
        ends = [np.asarray(end, dtype=float) for end in box]
        if [end.shape for end in ends] != [(dimension,)] * 2 or not (ends[0] <= ends[1]).all():
            raise InputError(f"a box needs two corners ({dimension},), low below high, not {box}")
    if ball is not None:
        centre = np.asarray(ball[0], dtype=float)
        if centre.shape != (dimension,) or not (np.isfinite(centre).all() and 0 < ball[1] < np.inf):
            raise InputError(f"a ball needs a centre ({dimension},) and a radius, not {ball}")
