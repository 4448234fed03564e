"""Pictures of fields on meshes, lattices, clouds and networks, and a window to turn them in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.view import display
from meshrep.view.colours import Palette, Quantity, palette
from meshrep.view.look import Look, Size, look_of
from meshrep.view.page import TEXT, Box, Page, drawn_path, page_size
from meshrep.view.subject import Marks, Subject, subject_of, subjects_of

Engine = Literal["pyvista", "matplotlib"]


@dataclass(frozen=True)
class Drawn:
    """A picture that was written.

    Attributes
    ----------
    path : Path
    engine : "pyvista" or "matplotlib"
        What drew it; matplotlib draws networks in the plane, and everything without OpenGL.
    """

    path: Path
    engine: Engine


def picture(
    graph: GraphLike,
    values: np.ndarray,
    path: str | os.PathLike[str],
    *,
    quantity: Quantity = "field",
    marks: Marks = None,
    look: Look | str | os.PathLike[str] | None = None,
    **words: Any,
) -> Drawn:
    """Draw one field on a graph to an image file.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    values : (n,) array
        One value per node. Phases are in radians. NaN is drawn grey.
    path : path
        A .png, .jpg, .pdf, .svg, .webp or .tif to write.
    quantity : "temperature", "phase" or "field"
        Decides the colours. Phases have the limits 0 and 2π whatever ``limits`` says. Their map is
        cmocean's ``phase`` if it is installed, and ``twilight`` if not.
    marks : (k,) node numbers, (n,) mask, (k, 3) points, or a mapping of names to such
        What is marked by discs. The names are explained in a legend.
    look : Look, path of a .toml file, or None
        How the picture looks, where ``words`` do not say.
    **words
        The camera (``view``, ``azimuth``, ``elevation``, ``zoom``), what is drawn of a mesh
        (``clip``, ``threshold``, ``isosurfaces``, ``edges``), the paper (``size``, ``dpi``,
        ``font_size``, ``transparent``, ``format``), and ``limits``, ``label``, ``title``,
        ``cmap``, ``arrows`` and ``labels``, as :class:`meshrep.view.look.Look` describes them.
        PyVista's words, such as ``cpos`` and ``window_size``, are taken too.

    Returns
    -------
    Drawn
        The path, and what drew the picture.

    Raises
    ------
    InputError
        If values, marks or words do not fit, or the file cannot be written.
    MissingPart
        If matplotlib is not installed.
    """
    looked = look_of(look, **words)
    if looked.size is None and looked.view != "elevations":
        looked = replace(looked, size=Size(8.0, 6.0, "inches"))
    return panels(graph, {"": values}, path, quantity=quantity, marks=marks, look=looked)


def panels(
    graph: GraphLike,
    fields: Mapping[str, np.ndarray],
    path: str | os.PathLike[str],
    *,
    quantity: Quantity = "field",
    marks: Marks = None,
    look: Look | str | os.PathLike[str] | None = None,
    **words: Any,
) -> Drawn:
    """Draw several fields on one graph side by side, in the same view and the same colours.

    The arguments are those of :func:`picture`; ``fields`` maps the title of each panel to the
    values (n,) that are drawn there.
    """
    graph, looked = Graph.of(graph), look_of(look, **words)
    path = drawn_path(path, looked)
    if not fields:
        raise InputError(f"{path}: there is no field to draw")
    views = subjects_of(graph, list(fields.values()), marks, quantity=quantity, look=looked)
    subjects = {
        ", ".join(filter(None, (title, side))): subject
        for title, some in zip(fields, views, strict=True)
        for side, subject in some.items()
    }
    everything = np.concatenate([subject.values for subject in subjects.values()])
    colours = palette(quantity, everything, looked.limits, looked.label, looked.cmap)
    page, engine = composed(list(subjects.values()), list(subjects), colours, looked)
    return Drawn(page.save(path), engine)


def composed(
    subjects: list[Subject], titles: list[str], colours: Palette, look: Look
) -> tuple[Page, Engine]:
    """A page with a subject in each of its boxes, and what drew them."""
    size = look.layout(page_size(len(subjects), (450, 430), (190, 120)))
    scale = None if look.font_size is None else look.font_size / TEXT
    page = Page(
        size, look.title or "", scale=scale, factor=look.factor, transparent=look.transparent
    )
    names = list(subjects[0].marks)
    circle = len(subjects) == 1 and subjects[0].surface is None and colours.cyclic
    remark = subjects[0].remark
    boxes, key = page.grid(titles, key=34 if circle else 19, legend=any(names) or bool(remark))
    if circle:
        page.circle(key, subjects[0].values, colours)
    else:
        page.key(key, colours)
    if any(names):
        page.legend(colours, names)
    if remark:
        page.remark(remark)
    for box, title, subject in zip(boxes, titles, subjects, strict=True):
        page.title(box, title)
        engine = draw(page, box, subject, colours, look)
    return page, engine


def draw(
    page: Page, box: Box, subject: Subject, colours: Palette, look: Look | None = None
) -> Engine:
    """Draw a subject into a box of whole pixels on a page; what drew it."""
    look = look or Look()
    if not subject.planar and display.can_render():
        from meshrep.view.stage import render

        size = page.pixels(box)
        page.place(
            box, render(subject, colours, size, zoom=look.zoom, transparent=look.transparent)
        )
        return "pyvista"
    from meshrep.view.sketch import sketch

    sketch(page.canvas(box), subject, colours, (round(box[2]), round(box[3])), look.zoom)
    return "matplotlib"


def show(
    graph: GraphLike,
    values: np.ndarray,
    *,
    quantity: Quantity = "field",
    marks: Marks = None,
    look: Look | str | os.PathLike[str] | None = None,
    **words: Any,
) -> None:
    """Open a window in which the graph can be turned, and wait until it is closed.

    The arguments are those of :func:`picture`.

    Raises
    ------
    InputError
        If there is no screen, or arguments do not fit.
    MissingPart
        If PyVista is not installed.
    """
    graph, looked = Graph.of(graph), look_of(look, **words)
    if not display.has_screen():
        raise InputError("there is no screen to open a window on: save a picture instead")
    from meshrep.view import stage

    subject = subject_of(graph, values, marks, quantity=quantity, look=looked)
    colours = palette(quantity, subject.values, looked.limits, looked.label, looked.cmap)
    size = looked.pixels((1200, 900))
    plotter = stage.window(subject, colours, looked.title or "", size, looked.zoom)
    plotter.show()
