"""The side that a shape is seen from: the one that is named, or the one that shows most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.view.camera import View, turned
from meshrep.view.look import Look

_FLAT = 1e-6  # ratio of thickness to width below which points lie in a plane
_LYING = 0.3  # ratio of thickness to width below which the thin axis points up
_AZIMUTHS = 24  # directions tried
_NEAR = 0.03  # relative loss of what is seen, below which the nicer of two sides is taken
_MOST = 40_000  # triangles that are looked at
_BASE = 0.04  # share of the extent in which the base of a shape lies
_STANDS, _STANDS_BETTER = 0.15, 0.35  # share of the outline from above that a base covers
_X, _Y, _Z = np.eye(3)
# Toward the eye and up, as PyVista's view_xy() and so on choose them.
_PLANES = {
    "xy": (_Z, _Y), "yx": (-_Z, _X), "xz": (-_Y, _Z), "zx": (_Y, _X), "yz": (_X, _Z),
    "zy": (-_X, _Y),
}  # fmt: skip
_AXES = {"x": _X, "y": _Y, "z": _Z}


def views_of(
    look: Look,
    points: np.ndarray,
    triangles: np.ndarray,
    fields: Sequence[np.ndarray] = (),
    *,
    z_up: bool = False,
    cyclic: bool = False,
) -> dict[str, View]:
    """The views that a look asks for, by their titles: one of the title "", or three elevations.

    The arguments are those of :func:`view_of`.

    Raises
    ------
    InputError
        If the up direction of a camera position is the direction of view.
    """
    best = view_of(points, triangles, fields, z_up=z_up, cyclic=cyclic)
    asked, up = look.view, best.up if best.axis is None else best.axis
    if asked == "elevations":
        front = _level(best, up)
        side = np.cross(up, front)
        ways = {"front": (front, up), "side": (side, up), "above": (up, -front)}
        views = {
            f"{name} ({_named(way)})": _view(way, over, up) for name, (way, over) in ways.items()
        }
    else:
        views = {"": best if asked is None else _chosen(asked, up)}
    views = {name: turned(view, look.azimuth, look.elevation) for name, view in views.items()}
    return {name: replace(view, flat=_is_flat(points, view)) for name, view in views.items()}


def _chosen(asked: Any, up: np.ndarray) -> View:
    """The view of a name, a direction, or a whole camera position."""
    if asked in _PLANES:
        toward, over = _PLANES[asked]
        return _view(toward, over, over)
    if asked == "iso":
        return _view(np.ones(3), up, up)
    if isinstance(asked, str):
        toward = _AXES[asked[1]] * (1.0 if asked[0] == "+" else -1.0)
        return _view(toward, up, up)
    rows = np.asarray(asked, float)
    if rows.ndim == 1:
        return _view(rows, up, up)
    eye, focus, over = rows
    if np.linalg.norm(np.cross(eye - focus, over)) < 1e-9 * np.linalg.norm(eye - focus):
        raise InputError("view: the up direction of the camera is its direction of view")
    return replace(_view(eye - focus, over, over), place=(eye, focus))


def _view(toward: np.ndarray, over: np.ndarray, axis: np.ndarray) -> View:
    """The view from a direction; seen along the up axis, y or x points up instead."""
    toward = toward / np.linalg.norm(toward)
    for way in (over, _Y, _X):
        up = way - (way @ toward) * toward
        if np.linalg.norm(up) > 1e-6 * np.linalg.norm(way):
            break
    return View(toward, up / np.linalg.norm(up), flat=False, axis=axis / np.linalg.norm(axis))


def _level(view: View, up: np.ndarray) -> np.ndarray:
    """The axis nearest to the direction of view among those at a right angle to ``up``."""
    ways = [sign * way for way in (_X, _Y, _Z) for sign in (1, -1) if abs(way @ up) < 0.5]
    return max(ways, key=lambda way: round(float(way @ view.toward), 9))


def _named(way: np.ndarray) -> str:
    axis = int(np.abs(way).argmax())
    return f"{'+' if way[axis] > 0 else '−'}{'xyz'[axis]}"


def _is_flat(points: np.ndarray, view: View) -> bool:
    """Whether the points lie in a plane that is seen square on."""
    if view.place is not None:
        return False
    finite = points[np.isfinite(points).all(axis=1)]
    deep = np.ptp(finite @ view.toward)
    return bool(deep <= 4 * _FLAT * np.ptp(finite, axis=0).max(initial=0.0))


def view_of(
    points: np.ndarray,
    triangles: np.ndarray,
    fields: Sequence[np.ndarray] = (),
    *,
    z_up: bool = False,
    cyclic: bool = False,
) -> View:
    """The view that shows a shape best.

    Points in a plane are seen square on. Otherwise the axis that points up is the thin one, if the
    shape is thin. If it is not, it is y, as in meshes for graphics, or z with ``z_up``, as in
    simulations; but if a surface plainly stands on another side (a flat or open base), the axis
    points away from there, so that a scan that lies down is not seen from below.

    The eye then goes round this axis to the side from which most of the fields' variation is seen,
    ∫|∇w| over what is visible of the surface, as large as it appears. Without fields, or if they
    are constant, that is the visible area. Without triangles the eye looks at the largest spread,
    and then turns by 30° toward the side to which the upper part leans.

    Parameters
    ----------
    points : (n, 3) array
        Points that are not finite are left out.
    triangles : (t, 3) integers
        May be empty.
    fields : sequence of (n,) arrays
        What is drawn on the surface.
    z_up : bool
        Whether z points up in a shape that is not thin.
    cyclic : bool
        Whether the fields are phases.
    """
    finite = np.isfinite(points).all(axis=1)
    if len(triangles) and (triangles.max() >= len(points) or not finite[triangles].all()):
        triangles = triangles[:0]
    kept = points[finite]
    spread = kept - kept.mean(axis=0)
    values, vectors = np.linalg.eigh(spread.T @ spread)
    if values[0] <= _FLAT**2 * values[2]:
        return _square_on(vectors, values)
    extent = np.ptp(kept, axis=0)
    thin = int(extent.argmin())
    lying = extent[thin] < _LYING * np.sort(extent)[1]
    up = np.eye(3)[thin if lying else (2 if z_up else 1)]
    if len(triangles) and not z_up:
        up = _upright(points, triangles, [up, -up] if lying else [up, _Z, _X, -_Z, -_X, -up])
    front, side = (_Z, _X) if abs(up[1]) else (-_Y, _X) if abs(up[2]) else (_Z, -_Y)
    rise = np.deg2rad(40 if lying else 28 if z_up else 16)
    angles = 2 * np.pi * np.arange(_AZIMUTHS) / _AZIMUTHS
    levels = np.cos(angles)[:, None] * front + np.sin(angles)[:, None] * side
    if len(triangles):
        ways = np.cos(rise) * levels + np.sin(rise) * up
        share = seen_variation(points, triangles, fields, ways, cyclic=cyclic)
    else:
        turns = np.deg2rad([30, -30, 210, 150]) + _broadside(spread, levels, angles)
        levels = np.cos(turns)[:, None] * front + np.sin(turns)[:, None] * side
        share = np.ones(len(levels))
    high = kept @ up > np.quantile(kept @ up, 0.7)
    head = spread[high].mean(axis=0) if high.any() else np.zeros(3)
    nice = levels @ (head / extent.max() + 0.1 * front + 0.01 * side)
    nice = np.where(share >= (1 - _NEAR) * share.max(), nice, -np.inf)
    level = levels[nice.argmax()]
    toward = np.cos(rise) * level + np.sin(rise) * up
    return View(toward, np.cos(rise) * up - np.sin(rise) * level, flat=False, axis=up)


def _square_on(vectors: np.ndarray, values: np.ndarray) -> View:
    """The view along the normal of a plane, or at a right angle to a line."""
    normal = vectors[:, 0]
    if values[1] <= _FLAT**2 * values[2] and abs(vectors[2, 2]) < 0.99:
        normal = _Z - vectors[2, 2] * vectors[:, 2]  # points on a line are seen from above
    normal = normal / np.linalg.norm(normal)
    normal = normal * (1 if normal[np.abs(normal).argmax()] > 0 else -1)
    up = _Y if abs(normal @ _Z) > 0.9 else _Z
    up = up - (up @ normal) * normal
    return View(normal, up / np.linalg.norm(up), flat=True)


def _broadside(spread: np.ndarray, levels: np.ndarray, angles: np.ndarray) -> float:
    """The angle from which points are spread most; 0 if all angles are nearly equal."""
    total = np.einsum("ij,ij->", spread, spread)
    wide = np.sqrt(total - np.square(spread @ levels.T).sum(axis=0))
    half = np.argsort(np.abs((angles + np.pi / 2) % (2 * np.pi) - np.pi), kind="stable")
    order = half[: len(angles) // 2]  # half a turn: back equals front
    return float(angles[order[wide[order].argmax()]]) if np.ptp(wide) > 0.02 * wide.max() else 0.0


def _upright(points: np.ndarray, triangles: np.ndarray, ups: list[np.ndarray]) -> np.ndarray:
    """The first of the directions, unless the shape plainly stands on another side."""
    ends = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    _, first, count = np.unique(
        ends[:, 0] * np.int64(len(points)) + ends[:, 1], return_index=True, return_counts=True
    )
    rim = np.unique(ends[first[count == 1]])
    stands = _base(points, triangles, rim, ups[0])
    if stands >= _STANDS:
        return ups[0]
    others = [_base(points, triangles, rim, up) for up in ups[1:]]
    return ups[1 + int(np.argmax(others))] if max(others) >= _STANDS_BETTER else ups[0]


def _base(points: np.ndarray, triangles: np.ndarray, rim: np.ndarray, up: np.ndarray) -> float:
    """The share of the outline from above that a flat or open base covers."""
    height = points[triangles] @ up
    band = height.min() + _BASE * np.ptp(height)
    a, b, c = points[triangles[height.max(axis=1) <= band]].transpose(1, 0, 2)
    flat = np.abs(np.cross(b - a, c - a) @ up).sum() / 2
    low = rim[points[rim] @ up <= band]
    whole = _outline(points[np.unique(triangles)], up)
    return float(max(flat, _outline(points[low], up)) / whole) if whole > 0 else 0.0


def _outline(points: np.ndarray, up: np.ndarray) -> float:
    """The area of the convex hull of points seen along an axis."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        return float(ConvexHull(points[:, np.abs(up) < 0.5]).volume)
    except (QhullError, ValueError):
        return 0.0


def seen_variation(
    points: np.ndarray,
    triangles: np.ndarray,
    fields: Sequence[np.ndarray],
    ways: np.ndarray,
    *,
    cyclic: bool = False,
) -> np.ndarray:
    """How much of fields is seen from far along each direction (k,): ∫|∇w| as large as it appears.

    The backs of faces, such as the inside of an open surface, do not count, if the faces have
    outsides. The fields count alike, whatever their units; if none varies the area counts.
    """
    from meshrep.view.surface import Surface, refined

    stacked = [np.asarray(field, float) for field in fields]
    table = np.stack(stacked, axis=1) if stacked else np.zeros((len(points), 0))
    if cyclic:
        table = np.concatenate([np.cos(table), np.sin(table)], axis=1)
    every = max(1, len(triangles) // _MOST)
    fine = refined(Surface(points, triangles[::every], table), _MOST // 2)
    a, b, c = fine.points[fine.triangles].transpose(1, 0, 2)
    first, second = b - a, c - a
    normals = np.cross(first, second) / 2
    area = np.maximum(np.linalg.norm(normals, axis=1), 1e-300)
    corners = fine.values[fine.triangles]
    rises = corners[:, 1:] - corners[:, :1]
    slope = _slopes(np.nan_to_num(rises), first, second, area)
    mean = (slope * area[:, None]).sum(axis=0) / area.sum()
    varies = mean > 1e-9 * np.nanmax(np.abs(table), axis=0, initial=0.0) / np.cbrt(area.sum())
    weight = (slope[:, varies] / mean[varies]).sum(axis=1) if varies.any() else np.ones(len(area))
    middles = (a + b + c) / 3
    fronts, backs = np.zeros(len(ways)), np.zeros(len(ways))
    for k, way in enumerate(ways):
        facing = normals @ way
        seen = _nearest(middles, way, len(middles)) * weight
        fronts[k] = (seen * np.maximum(facing, 0)).sum()
        backs[k] = (seen * np.maximum(-facing, 0)).sum()
    total = fronts.sum() + backs.sum()
    if backs.sum() < 0.25 * total:
        return fronts
    return backs if fronts.sum() < 0.25 * total else fronts + backs


def _slopes(
    rises: np.ndarray, first: np.ndarray, second: np.ndarray, area: np.ndarray
) -> np.ndarray:
    """|∇w| (t, f) on triangles from the rises (t, 2, f) along two of their edges (t, 3)."""
    u, v = rises[:, 0], rises[:, 1]
    aa, bb, ab = (
        np.einsum("ij,ij->i", p, q)[:, None]
        for p, q in ((first, first), (second, second), (first, second))
    )
    square = u**2 * bb - 2 * u * v * ab + v**2 * aa
    return np.sqrt(np.maximum(square, 0)) / (2 * area[:, None])


def _nearest(middles: np.ndarray, way: np.ndarray, count: int) -> np.ndarray:
    """Whether each point (t,) is near the nearest one in its cell of a grid across the way."""
    across = np.linalg.svd(way[None])[2][1:]
    flat = middles @ across.T
    side = float(np.ptp(flat, axis=0).max()) or 1.0
    cells = int(np.clip(np.sqrt(count) / 2, 8, 80))
    place = np.minimum((flat - flat.min(axis=0)) / side * cells, cells - 1).astype(np.int64)
    slot = place[:, 0] * cells + place[:, 1]
    depth = middles @ way
    nearest = np.full(cells * cells, -np.inf)
    np.maximum.at(nearest, slot, depth)
    return depth >= nearest[slot] - 2.5 * side / cells
