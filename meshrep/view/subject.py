"""A graph and a field made ready to draw, for PyVista and for matplotlib alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.view.arrows import Arrows, arrows_of, normals_to_eye
from meshrep.view.camera import Camera, View
from meshrep.view.colours import DARK, Palette, Quantity
from meshrep.view.cutting import Part, Strokes, clip_depth, part_of
from meshrep.view.dataset import checked_fields, dataset
from meshrep.view.layout import positions
from meshrep.view.look import Look
from meshrep.view.side import views_of
from meshrep.view.surface import Surface
from meshrep.view.thinning import drawn_edges

Marks = np.ndarray | Mapping[str, np.ndarray] | None

EDGE_INK = "#5a6472"
NAMES_UP_TO = 50  # nodes of a network whose names are written unless told otherwise
_SAMPLE = 2_000  # nodes whose spacing is measured


@dataclass(frozen=True)
class Subject:
    """A graph made ready to draw.

    Attributes
    ----------
    points : (n, 3) float64
        The places of all nodes.
    values : (n,) float64
    surface : Surface or None
        The triangles of faces and solids; None for networks and clouds, which are drawn by nodes
        and edges.
    edges : (k, 2) int64
        Edges to draw as lines; none if there is a surface. Of many edges it is a share.
    view : View
    marks : dict of str to (k, 3) float64
        The points to mark, by the names of the marks.
    arrows : Arrows or None
        Phases as directions.
    degrees : (n,) float64
        How many neighbours each node has.
    weights : (k,) float64 or None
        Those of the edges drawn, where they differ.
    names : sequence of n or None
        What is written at the nodes.
    remark : str
        What a reader has to know about the picture.
    strokes : tuple of Strokes
        Thin lines on the surface.
    round : bool
        Whether the picture has room for the shape while the eye goes round it.
    """

    points: np.ndarray
    values: np.ndarray
    surface: Surface | None
    edges: np.ndarray
    view: View
    marks: dict[str, np.ndarray]
    arrows: Arrows | None = None
    degrees: np.ndarray = field(default_factory=lambda: np.zeros(0))
    weights: np.ndarray | None = None
    names: Sequence[Any] | None = None
    remark: str = ""
    strokes: tuple[Strokes, ...] = ()
    round: bool = False

    @property
    def planar(self) -> bool:
        """Whether it is a network or a cloud in a plane that is seen square on."""
        return self.surface is None and self.view.flat


def subjects_of(
    graph: Graph,
    fields: Sequence[np.ndarray],
    marks: Marks = None,
    *,
    quantity: Quantity = "field",
    look: Look | None = None,
) -> list[dict[str, Subject]]:
    """For each field (n,) a graph made ready to draw, by the titles of its views.

    All fields are seen in the same views: one of the title "", or three elevations. Phases are in
    radians.

    Parameters
    ----------
    graph : Graph
    fields : sequence of (n,) arrays
    marks : (k,) node numbers, (n,) mask, (k, 2) or (k, 3) points, a mapping of names to such, None
        What is marked by discs.
    quantity : "temperature", "phase" or "field"
    look : Look or None

    Raises
    ------
    InputError
        If the values or the marks do not fit the graph, arrows are asked for and the values are
        not phases, cuts or elevations do not fit, or labels are asked for and there is a surface or
        no plane.
    """
    look = look or Look()
    views = views_on(graph, fields, quantity=quantity, look=look)
    return [
        {name: posed(graph, values, view, marks, quantity=quantity, look=look)
         for name, view in views.items()}
        for values in fields
    ]  # fmt: skip


def subject_of(
    graph: Graph,
    values: np.ndarray,
    marks: Marks = None,
    *,
    quantity: Quantity = "field",
    look: Look | None = None,
) -> Subject:
    """A graph made ready to draw with one field in one view; as :func:`subjects_of`."""
    (views,) = subjects_of(graph, [values], marks, quantity=quantity, look=look)
    return next(iter(views.values()))


def _checked(graph: Graph, values: np.ndarray) -> np.ndarray:
    values = checked_fields(graph, {"values": values})["values"].astype(np.float64)
    if values.ndim != 1:
        raise InputError(f"a picture shows one value per node, not values of shape {values.shape}")
    return values


def views_on(
    graph: Graph, fields: Sequence[np.ndarray], *, quantity: Quantity, look: Look
) -> dict[str, View]:
    """The views of a graph that a look asks for, by their titles; fields are (n,) arrays."""
    fields = [_checked(graph, values) for values in fields]
    points, cyclic = positions(graph), quantity == "phase"
    if _is_solid(graph) and np.ptp(points, axis=0).all():
        skin = dataset(graph, {str(k): field for k, field in enumerate(fields)}).extract_surface(
            nonlinear_subdivision=0, algorithm="dataset_surface"
        )
        skin = skin.triangulate()
        triangles = skin.faces.reshape(-1, 4)[:, 1:]
        seen = [np.asarray(skin.point_data[str(k)]) for k in range(len(fields))]
        return views_of(
            look, np.asarray(skin.points, float), triangles, seen, z_up=True, cyclic=cyclic
        )
    triangles = graph.triangles
    return views_of(look, points, triangles, fields, z_up=not len(triangles), cyclic=cyclic)


def view_on(graph: Graph, fields: Sequence[np.ndarray], *, quantity: Quantity, look: Look) -> View:
    """The one view, or the first of three elevations, as :func:`views_on`."""
    return next(iter(views_on(graph, fields, quantity=quantity, look=look).values()))


def _is_solid(graph: Graph) -> bool:
    """Whether the outside of solids is drawn; without PyVista their nodes and edges are."""
    return graph.cells.has_solids and find_spec("pyvista") is not None


def posed(
    graph: Graph, values: np.ndarray, view: View, marks: Marks, *, quantity: Quantity, look: Look
) -> Subject:
    """A graph made ready to draw in a view; raises as :func:`subjects_of` does."""
    if look.arrows and quantity != "phase":
        raise InputError(f"arrows show phases, not {quantity}: leave arrows out")
    values = _checked(graph, values)
    points, cyclic = positions(graph), quantity == "phase"
    solid = _is_solid(graph)
    faces = solid or (len(graph.triangles) > 0 and not graph.cells.has_solids)
    if look.cuts and not faces:
        raise InputError(f"{graph.name} has no faces: leave clip, threshold and isosurfaces out")
    part = None
    if solid or (faces and (look.cuts or look.edges)):
        part = part_of(graph, points, values, look, view, cyclic=cyclic)
    elif faces:
        part = Part(Surface(points, graph.triangles, values))
    if look.labels and (faces or not view.flat):
        raise InputError("labels are written on networks in the plane: leave labels out")
    labels = look.labels
    if labels is None:
        labels = graph.points is None and graph.n <= NAMES_UP_TO
    chosen, remark = (np.zeros(0, np.int64), "") if faces else drawn_edges(graph, points)
    weights = graph.weights[chosen]
    surface = None if part is None else part.surface
    return Subject(
        points,
        values,
        surface,
        graph.edges[chosen],
        view,
        _left(marked_points(graph, points, marks), look, points, view),
        _arrows(points, values, surface, view) if look.arrows else None,
        np.bincount(graph.edges.ravel(), minlength=graph.n).astype(np.float64),
        weights if len(weights) and np.ptp(weights) > 0 else None,
        graph.names if labels else None,
        remark if part is None else part.remark,
        () if part is None else part.strokes,
    )


def _left(
    marks: dict[str, np.ndarray], look: Look, points: np.ndarray, view: View
) -> dict[str, np.ndarray]:
    """The marks that are not clipped away."""
    if look.clip is None:
        return marks
    depth, _ = clip_depth(look.clip, points, view)
    return {name: places[depth(places) <= 0] for name, places in marks.items()}


def _arrows(
    points: np.ndarray, values: np.ndarray, surface: Surface | None, view: View
) -> Arrows | None:
    """Arrows on the surface if there is one, or in the plane of the picture."""
    if surface is None or view.flat:
        return arrows_of(points, values, np.broadcast_to(view.toward, points.shape))
    normals, smooth = normals_to_eye(surface.points, surface.triangles, view.toward)
    values = np.where(smooth | ~smooth.any(), surface.values, np.nan)
    return arrows_of(surface.points, values, normals)


def mark_scale(subject: Subject) -> float:
    """Factor of the size of marks: many marks are drawn smaller, so that they stay apart."""
    count = sum(map(len, subject.marks.values()))
    return float(np.clip(np.sqrt(60 / max(count, 1)), 0.5, 1.0))


def what_is_seen(subject: Subject) -> np.ndarray:
    """The points (k, 3) that the picture must contain."""
    drawn = subject.points if subject.surface is None else subject.surface.points
    lines = [some.ends.reshape(-1, 3) for some in subject.strokes]
    seen = np.concatenate([drawn, *subject.marks.values(), *_arrow_tips(subject), *lines])
    return _ring_round(seen, subject.view) if subject.round else seen


def _ring_round(points: np.ndarray, view: View) -> np.ndarray:
    """Points on the cylinder about the up axis that holds the given ones."""
    axis = view.up if view.axis is None else view.axis
    points = points[np.isfinite(points).all(axis=1)]
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    height = (points - middle) @ axis
    radius = np.linalg.norm(points - middle - height[:, None] * axis, axis=1).max()
    across = np.linalg.svd(axis[None])[2][1:]
    turns = 2 * np.pi * np.arange(72) / 72
    ring = radius * (np.cos(turns)[:, None] * across[0] + np.sin(turns)[:, None] * across[1])
    return np.concatenate([middle + ring + h * axis for h in (height.min(), height.max())])


def arrow_inks(subject: Subject, palette: Palette) -> np.ndarray:
    """Colours (k, 3) uint8 of the arrows: in contrast to a surface, dark on a network."""
    assert subject.arrows is not None
    inks = palette.ink_on(subject.arrows.values)
    return inks if subject.surface is not None else np.full_like(inks, DARK)


def _arrow_tips(subject: Subject) -> list[np.ndarray]:
    """Points that arrows can reach at any angle, so that the view of a film does not change."""
    if subject.arrows is None:
        return []
    reach = 0.5 * subject.arrows.length
    right, up = reach * subject.view.right, reach * subject.view.up
    return [subject.arrows.points + way for way in (right, -right, up, -up)]


def edge_opacity(subject: Subject) -> float:
    """The opacity of edges, which is less the more edges there are per node."""
    return float(np.clip(1.4 * len(subject.points) / max(len(subject.edges), 1), 0.12, 0.6))


def node_pixels(subject: Subject, camera: Camera, height: int) -> float:
    """The diameter of nodes in pixels, in a picture of ``height`` pixels.

    In the plane it follows from the distance to the nearest neighbour, in space from the number of
    nodes.
    """
    seen = subject.view.seen(subject.points)
    a_pixel = 2 * camera.half_height / height
    share = 0.62 if subject.arrows is None else 0.4  # of the spacing; arrows are seen beside nodes
    if subject.view.flat and len(seen) > 1:
        from scipy.spatial import cKDTree

        tree = cKDTree(seen[:, :2])
        some = seen[:: max(1, len(seen) // _SAMPLE), :2]
        distances = np.asarray(tree.query(some, k=2)[0])[:, 1]
        apart = distances[distances > 0]
        spacing = float(np.median(apart)) / a_pixel if apart.size else 20.0
        return float(np.clip(share * spacing, 3.0, 26.0))
    area = float(np.prod(np.ptp(seen[:, :2], axis=0))) / a_pixel**2
    return float(np.clip(0.75 * np.sqrt(area / len(seen)), 3.0, 24.0))


def marked_points(graph: Graph, points: np.ndarray, marks: Marks) -> dict[str, np.ndarray]:
    """Marks by name as points (k, 3); they are given as for :func:`subject_of`.

    Raises
    ------
    InputError
        If the graph does not have a node number.
    """
    if marks is None:
        return {}
    found = {}
    for name, given in (marks if isinstance(marks, Mapping) else {"": marks}).items():
        array = np.asarray(given)
        if array.ndim == 2 and array.shape[1] in (2, 3):
            found[name] = np.pad(array.astype(float), ((0, 0), (0, 3 - array.shape[1])))
            continue
        nodes = np.flatnonzero(array) if array.dtype.kind == "b" else array.astype(np.int64)
        if nodes.size and (nodes.min() < 0 or nodes.max() >= graph.n):
            raise InputError(f"marks {name!r} name a node outside 0 … {graph.n - 1}")
        found[name] = points[nodes.ravel()]
    return found
