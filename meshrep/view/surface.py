"""The triangles that are drawn: faces, the outside of solids, normals, finer triangles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from meshrep.graphs.graph import Graph
from meshrep.view.colours import on_circle
from meshrep.view.dataset import dataset
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


def surface_of(
    graph: Graph,
    points: np.ndarray,
    values: np.ndarray,
    corner: np.ndarray | None,
    *,
    cyclic: bool = False,
) -> Surface:
    """The faces of a graph, or the outside of its solid cells with a corner cut away.

    Parameters
    ----------
    graph : Graph
    points : (n, 3) array
    values : (n,) array
    corner : (3,) array or None
        Signs of the octant, as seen from the middle, that is cut from a solid to show its inside.
        None cuts nothing.
    cyclic : bool
        Whether the values are phases, which are interpolated by their cosine and sine.
    """
    if not graph.cells.has_solids:
        return Surface(points, graph.triangles, values)
    mesh = dataset(graph, {"values": _circle(values) if cyclic else values})
    if corner is not None:
        mesh.point_data["depth"] = _depth_in_octant(points, corner)
        cut = mesh.clip_scalar(scalars="depth", value=0.0, invert=True)
        mesh = cut if cut.n_cells else mesh
    skin = mesh.extract_surface(nonlinear_subdivision=0, algorithm="dataset_surface").triangulate()
    drawn = np.asarray(skin.point_data["values"], float)
    return Surface(
        np.asarray(skin.points, float),
        skin.faces.reshape(-1, 4)[:, 1:].astype(np.int64),
        _angle(drawn) if cyclic else drawn,
    )


def _circle(phases: np.ndarray) -> np.ndarray:
    """Phases (n,) as points (n, 2) of the unit circle."""
    return np.stack([np.cos(phases), np.sin(phases)], axis=1)


def _angle(vectors: np.ndarray) -> np.ndarray:
    """The phases (n,) in [0, 2π) of vectors (n, 2)."""
    return on_circle(np.arctan2(vectors[:, 1], vectors[:, 0]))


def _depth_in_octant(points: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Depth (n,) of points in an octant, positive inside.

    The planes of the octant pass through nodes, so that lattices are cut between cells.
    """
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    nearest = np.abs(points - middle).argmin(axis=0)
    apex = points[nearest, [0, 1, 2]]
    return ((points - apex) * corner).min(axis=1)


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
    finer = refined(replace(surface, values=_circle(surface.values)), fine)
    return replace(finer, values=_angle(finer.values))


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
