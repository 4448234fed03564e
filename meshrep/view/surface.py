"""The triangles that are drawn: with normals, or split into finer ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from meshrep.view.colours import on_circle
from meshrep.view.display import load_pyvista

if TYPE_CHECKING:
    import pyvista

_SHARP = 60.0  # degrees between faces above which an edge is drawn sharp
_FINE = 150_000  # triangles up to which a surface with phases is refined


@dataclass(frozen=True)
class Surface:
    """Triangles with a value at each corner.

    Attributes
    ----------
    points : (p, 3) float64
    triangles : (t, 3) int64
    values : (p,) float64, or (p, 2) while phases are refined
    normals : (p, 3) float64 or None
        Unit vectors; None for a surface that is drawn without light.
    """

    points: np.ndarray
    triangles: np.ndarray
    values: np.ndarray
    normals: np.ndarray | None = None


def on_unit_circle(phases: np.ndarray) -> np.ndarray:
    """Phases (n,) as points (n, 2) of the unit circle."""
    return np.stack([np.cos(phases), np.sin(phases)], axis=1)


def as_phases(vectors: np.ndarray) -> np.ndarray:
    """The phases (n,) in [0, 2π) of vectors (n, 2)."""
    return on_circle(np.arctan2(vectors[:, 1], vectors[:, 0]))


def with_normals(surface: Surface) -> Surface:
    """The surface with normals at its points, which are doubled along sharp edges."""
    mesh = polydata(surface)
    mesh.point_data["values"] = surface.values
    mesh = mesh.compute_normals(
        cell_normals=False,
        split_vertices=True,
        feature_angle=_SHARP,
        consistent_normals=True,
        auto_orient_normals=False,
    )
    return Surface(
        np.asarray(mesh.points, float),
        mesh.faces.reshape(-1, 4)[:, 1:].astype(np.int64),
        np.asarray(mesh.point_data["values"], float),
        np.asarray(mesh.point_data["Normals"], float),
    )


def polydata(surface: Surface) -> pyvista.PolyData:
    """The surface as PolyData, with its normals if there are any."""
    pv = load_pyvista()
    faces = np.pad(surface.triangles, ((0, 0), (1, 0)), constant_values=3)
    mesh = pv.PolyData(surface.points, faces=faces.ravel())
    if surface.normals is not None:
        mesh.point_data.active_normals = surface.normals
    return mesh


def refined_phases(surface: Surface, fine: int = _FINE) -> Surface:
    """The surface on finer triangles, with phases interpolated by their cosine and sine.

    Phases that are interpolated as numbers run through all colours where they pass 2π.

    Parameters
    ----------
    surface : Surface
        Its values are phases in radians.
    fine : int
        The most triangles.
    """
    finer = refined(replace(surface, values=on_unit_circle(surface.values)), fine)
    return replace(finer, values=as_phases(finer.values))


def refined(surface: Surface, fine: int) -> Surface:
    """The surface with all triangles split in four, as often as ``fine`` triangles permit."""
    points, triangles = surface.points, surface.triangles
    values, normals = surface.values, surface.normals
    while 0 < 4 * len(triangles) <= fine:
        triangles, pairs = _split(triangles, len(points))
        points, values = _with_middles(points, pairs), _with_middles(values, pairs)
        normals = None if normals is None else _with_middles(normals, pairs)
    return Surface(points, triangles, values, normals)


def _with_middles(array: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    return np.concatenate([array, (array[pairs[:, 0]] + array[pairs[:, 1]]) / 2])


def _split(triangles: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Triangles split in four at the middles of their edges, and the ends (k, 2) of these edges."""
    sides = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    keys, slot = np.unique(sides[:, 0] * np.int64(count) + sides[:, 1], return_inverse=True)
    a, b, c = triangles.T
    ab, bc, ca = (count + slot).reshape(-1, 3).T
    quarters = [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]
    pairs = np.stack([keys // count, keys % count], axis=1)
    return np.concatenate([np.stack(corners, axis=1) for corners in quarters]), pairs
