"""Which part of a mesh is drawn: clipped, within limits, or as surfaces of equal values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.view.camera import View
from meshrep.view.colours import INK
from meshrep.view.dataset import dataset
from meshrep.view.display import load_pyvista
from meshrep.view.look import Clip, Look, shown_numbers
from meshrep.view.surface import Surface, as_phases, on_unit_circle

if TYPE_CHECKING:
    import pyvista

_CREASE = 30.0  # degrees between faces above which an edge belongs to the outline of a solid
Depth = Callable[[np.ndarray], np.ndarray]
_NOT_FOR_PHASES = ("threshold", "isosurfaces")


@dataclass(frozen=True)
class Strokes:
    """Thin lines on a mesh.

    Attributes
    ----------
    ends : (k, 2, 3) float64
    ink : str
    opacity : float
    """

    ends: np.ndarray
    ink: str = INK
    opacity: float = 1.0


@dataclass(frozen=True)
class Part:
    """What is drawn of a mesh, thin lines on it, and what a reader has to know."""

    surface: Surface
    strokes: tuple[Strokes, ...] = ()
    remark: str = ""


def part_of(
    graph: Graph,
    points: np.ndarray,
    values: np.ndarray,
    look: Look,
    view: View,
    *,
    cyclic: bool = False,
) -> Part:
    """The part of a mesh with faces or solids that a look shows from a side; needs PyVista.

    Parameters
    ----------
    graph : Graph
    points : (n, 3) array
    values : (n,) array
    look : Look
        Its clip, threshold, isosurfaces and edges count.
    view : View
        The half of a clipped mesh that is nearer to the eye is cut away.
    cyclic : bool
        Whether the values are phases, which are interpolated by their cosine and sine.

    Raises
    ------
    InputError
        If nothing would be left, or phases are asked for their values.
    """
    for name in _NOT_FOR_PHASES if cyclic else ():
        if getattr(look, name) is not None:
            raise InputError(f"{name} is for values that have an order, and phases have none")
    mesh = dataset(graph, {"values": on_unit_circle(values) if cyclic else values})
    if not graph.cells.has_solids:
        mesh.verts, mesh.lines = np.zeros(0, int), np.zeros(0, int)
    remarks = []
    if look.threshold is not None:
        mesh, said = _within(mesh, look.threshold)
        remarks.append(said)
    if look.clip is not None:
        mesh, said = _clipped(mesh, look.clip, points, view)
        remarks.append(said)
    skin = mesh.extract_surface(nonlinear_subdivision=0, algorithm="dataset_surface")
    strokes = [Strokes(_segments(skin.extract_all_edges()), opacity=0.55)] if look.edges else []
    if look.isosurfaces is not None:
        skin, lines, said = _equal_values(mesh, skin, look)
        strokes.append(lines)
        remarks.append(said)
    skin = skin.triangulate()
    drawn = np.asarray(skin.point_data["values"], float)
    surface = Surface(
        np.asarray(skin.points, float),
        skin.faces.reshape(-1, 4)[:, 1:].astype(np.int64),
        as_phases(drawn) if cyclic else drawn,
    )
    return Part(surface, tuple(strokes), " ".join(remarks))


def _within(mesh: pyvista.DataSet, ends: tuple[float, float]) -> tuple[pyvista.DataSet, str]:
    """What lies between two values, cut through cells."""
    low, high = ends
    if np.isfinite(low):
        mesh = mesh.clip_scalar(scalars="values", value=low, invert=False)
    if np.isfinite(high) and mesh.n_cells:
        mesh = mesh.clip_scalar(scalars="values", value=high, invert=True)
    if not mesh.n_cells:
        raise InputError(f"threshold {low:g},{high:g}: no value of the field lies there")
    if np.isfinite(low) and np.isfinite(high):
        return mesh, f"Only values from {low:.4g} to {high:.4g} are drawn."
    some = f"of {low:.4g} or more" if np.isfinite(low) else f"up to {high:.4g}"
    return mesh, f"Only values {some} are drawn."


def _clipped(
    mesh: pyvista.DataSet, clip: Clip, points: np.ndarray, view: View
) -> tuple[pyvista.DataSet, str]:
    """The half of the mesh that is farther from the eye, or the mesh without a corner."""
    depth, said = clip_depth(clip, points, view)
    mesh.point_data["depth"] = depth(np.asarray(mesh.points, float))
    cut = mesh.clip_scalar(scalars="depth", value=0.0, invert=True)
    if not cut.n_cells:
        raise InputError(f"{said} nothing is left to draw")
    return cut, said


def clip_depth(clip: Clip, points: np.ndarray, view: View) -> tuple[Depth, str]:
    """The function that says how deep points (k, 3) lie in what is cut away, and a caption.

    Planes without a place pass through the node nearest to the middle, so that lattices are cut
    between cells.
    """
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    apex = points[np.abs(points - middle).argmin(axis=0), [0, 1, 2]]
    signs = np.where(view.toward >= 0, 1.0, -1.0)
    if clip.axis is None:
        said = "A corner is cut away to show the inside."
        return lambda places: ((places - apex) * signs).min(axis=1), said
    axis, name = clip.axis, "xyz"[clip.axis]
    at = float(apex[axis]) if clip.at is None else clip.at
    low, high = float(points[:, axis].min()), float(points[:, axis].max())
    if not low < at < high:
        raise InputError(
            f"clip {name}={at:g}: the mesh spans {name} from {low:.4g} to {high:.4g}, choose a "
            "place between"
        )
    return lambda places: (places[:, axis] - at) * signs[axis], f"Clipped at {name} = {at:.4g}."


def _equal_values(
    mesh: pyvista.DataSet, skin: pyvista.PolyData, look: Look
) -> tuple[pyvista.PolyData, Strokes, str]:
    """Surfaces of equal values in solids with an outline, or a surface with lines on it."""
    values = np.asarray(mesh.point_data["values"], float)
    low, high = look.limits or (float(np.nanmin(values)), float(np.nanmax(values)))
    wanted = look.isosurfaces
    if isinstance(wanted, int):
        wanted = tuple(np.linspace(low, high, wanted + 2)[1:-1].tolist())
    levels = wanted or ()
    found = mesh.contour(list(levels), scalars="values")
    if not found.n_cells:
        raise InputError(f"isosurfaces {shown_numbers(levels)}: no value of the field lies there")
    if mesh is not skin and hasattr(mesh, "celltypes"):
        rim = skin.extract_feature_edges(
            feature_angle=_CREASE, boundary_edges=True, non_manifold_edges=False
        )
        said = f"Surfaces of equal values: {shown_numbers(levels)}."
        return found, Strokes(_segments(rim), opacity=0.7), said
    return skin, Strokes(_segments(found)), f"Lines of equal values: {shown_numbers(levels)}."


def _segments(mesh: pyvista.PolyData) -> np.ndarray:
    """The lines of a mesh as pairs of points (k, 2, 3)."""
    pv = load_pyvista()
    lines = mesh.GetLines()
    offsets = pv.convert_array(lines.GetOffsetsArray())
    nodes = pv.convert_array(lines.GetConnectivityArray())
    starts = np.setdiff1d(np.arange(len(nodes)), offsets[1:] - 1)
    return np.asarray(mesh.points, float)[np.stack([nodes[starts], nodes[starts + 1]], axis=1)]
