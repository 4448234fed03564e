"""Points along arcs, ellipses, polylines with bulges and splines, close enough for chords."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

CHORDS = 128  # to a full turn: a circle's length is then right to 1e-4
_CHORDS_OF_SPAN = 32  # between two knots of a spline


def along_ellipse(
    centre: np.ndarray, arms: np.ndarray, start: float = 0.0, end: float | None = None
) -> np.ndarray:
    """Points ``centre + cos t arms[0] + sin t arms[1]`` from t = start to end, counter-clockwise.

    Parameters
    ----------
    centre : (3,) float
    arms : (2, 3) float
        The half axes.
    start, end : float
        Radians. Without an end it is a full turn, whose last point is the one before its first.

    Returns
    -------
    (k, 3) float
    """
    sweep = 2 * np.pi if end is None else (end - start) % (2 * np.pi) or 2 * np.pi
    steps = max(2, int(np.ceil(CHORDS * sweep / (2 * np.pi) - 1e-9)))
    angle = start + sweep * np.arange(steps + (end is not None)) / steps
    return centre + np.stack([np.cos(angle), np.sin(angle)], axis=1) @ arms


def along_bulges(points: np.ndarray, bulges: np.ndarray, *, closed: bool) -> np.ndarray:
    """Points (k, 3) along a polyline whose k-th part is an arc of angle 4 atan(bulges[k]).

    The arcs lie in planes of equal z, counter-clockwise where the bulge is positive.
    """
    if not bulges.any():
        return points
    parts = []
    last = len(points) if closed else len(points) - 1
    for k in range(last):
        start, end, bulge = points[k], points[(k + 1) % len(points)], bulges[k]
        parts.append(start[None])
        if bulge == 0:
            continue
        chord = end - start
        across = np.array([-chord[1], chord[0], 0.0])
        centre = (start + end) / 2 + across * (1 - bulge**2) / (4 * bulge)
        sweep = 4 * np.arctan(bulge)
        steps = max(2, int(np.ceil(CHORDS * abs(sweep) / (2 * np.pi))))
        angle = sweep * np.arange(1, steps) / steps
        arm = start - centre
        turned = np.array([-arm[1], arm[0], 0.0])
        parts.append(centre + np.outer(np.cos(angle), arm) + np.outer(np.sin(angle), turned))
    if not closed:
        parts.append(points[-1:])
    return np.concatenate(parts)


def along_spline(
    controls: np.ndarray, knots: np.ndarray, weights: np.ndarray, degree: int
) -> np.ndarray:
    """Points (k, 3) along a rational B-spline, some for each span of its knots.

    Raises
    ------
    ValueError
        Where the knots do not fit the control points (c, 3) and the degree.
    """
    from scipy.interpolate import BSpline

    if degree < 1 or len(controls) <= degree or len(knots) != len(controls) + degree + 1:
        raise ValueError(
            f"a spline of degree {degree} has {len(controls)} control points and {len(knots)} knots"
        )
    curve = BSpline(knots, np.column_stack([controls * weights[:, None], weights]), degree)
    spans = np.unique(knots[degree : len(controls) + 1])
    steps = 1 if degree == 1 else _CHORDS_OF_SPAN
    parts = [np.linspace(a, b, steps, endpoint=False) for a, b in pairwise(spans)]
    found = curve(np.concatenate([*parts, spans[-1:]]))
    return found[:, :3] / found[:, 3:]
