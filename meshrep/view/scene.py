"""Pictures of fields on meshes, lattices, clouds and networks, and a window to turn them in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.view import display
from meshrep.view.colours import Palette, Quantity, palette
from meshrep.view.page import Box, Page, page_size, picture_path
from meshrep.view.subject import Marks, Subject, subject_of

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
    title: str = "",
    clim: tuple[float, float] | None = None,
    label: str | None = None,
    marks: Marks = None,
    cmap: str | None = None,
    arrows: bool = False,
    labels: bool | None = None,
    size: tuple[int, int] = (1200, 900),
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
        Decides the colours. Phases have the limits 0 and 2π whatever ``clim`` says.
    title : str
        The text above everything.
    clim : (low, high) or None
        The values at the ends of the colour bar; by default those of the field.
    label : str or None
        The text at the colour bar; by default the quantity.
    marks : (k,) node numbers, (n,) mask, (k, 3) points, or a mapping of names to such
        What is marked by discs. The names are explained in a legend.
    cmap : str or None
        The name of a colour map of matplotlib, or "hue"; by default one that suits the quantity.
        A map for phases must be cyclic. Their default is cmocean's ``phase`` if it is installed,
        and ``twilight`` if not.
    arrows : bool
        Whether phases are drawn as arrows too: in the plane of a flat graph, or along a surface,
        at angles from the projected x axis. They are thinned to about forty along the longest
        side.
    labels : bool or None
        Whether the names of the nodes of a network in the plane are written. By default they are
        on a network without points that has 50 nodes or fewer.
    size : (width, height)
        Pixels of the picture.

    Returns
    -------
    Drawn
        The path, and what drew the picture.

    Raises
    ------
    InputError
        If values, marks, limits or colours do not fit, or the file cannot be written.
    MissingPart
        If matplotlib is not installed.
    """
    graph = Graph.of(graph)
    return panels(
        graph, {"": values}, path, quantity=quantity, title=title, clim=clim, label=label,
        marks=marks, cmap=cmap, arrows=arrows, labels=labels, size=size,
    )  # fmt: skip


def panels(
    graph: GraphLike,
    fields: Mapping[str, np.ndarray],
    path: str | os.PathLike[str],
    *,
    quantity: Quantity = "field",
    title: str = "",
    clim: tuple[float, float] | None = None,
    label: str | None = None,
    marks: Marks = None,
    cmap: str | None = None,
    arrows: bool = False,
    labels: bool | None = None,
    size: tuple[int, int] | None = None,
) -> Drawn:
    """Draw several fields on one graph side by side, in the same view and the same colours.

    The arguments are those of :func:`picture`; ``fields`` maps the title of each panel to the
    values (n,) that are drawn there.
    """
    graph = Graph.of(graph)
    path = picture_path(path)
    if not fields:
        raise InputError(f"{path}: there is no field to draw")
    subjects = [
        subject_of(graph, values, marks, quantity=quantity, arrows=arrows, labels=labels)
        for values in fields.values()
    ]
    everything = np.concatenate([subject.values for subject in subjects])
    colours = palette(quantity, everything, clim, label, cmap)
    page, engine = composed(subjects, list(fields), colours, title, size)
    return Drawn(page.save(path), engine)


def composed(
    subjects: list[Subject],
    titles: list[str],
    colours: Palette,
    heading: str,
    size: tuple[int, int] | None,
) -> tuple[Page, Engine]:
    """A page with a subject in each of its boxes, and what drew them."""
    page = Page(size or page_size(len(subjects), (450, 430), (190, 120)), heading)
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
        engine = draw(page, box, subject, colours)
    return page, engine


def draw(page: Page, box: Box, subject: Subject, colours: Palette) -> Engine:
    """Draw a subject into a box of whole pixels on a page; what drew it."""
    size = round(box[2]), round(box[3])
    if not subject.planar and display.can_render():
        from meshrep.view.stage import render

        page.place(box, render(subject, colours, size))
        return "pyvista"
    from meshrep.view.sketch import sketch

    sketch(page.canvas(box), subject, colours, size)
    return "matplotlib"


def show(
    graph: GraphLike,
    values: np.ndarray,
    *,
    quantity: Quantity = "field",
    title: str = "",
    clim: tuple[float, float] | None = None,
    label: str | None = None,
    marks: Marks = None,
    cmap: str | None = None,
    arrows: bool = False,
    labels: bool | None = None,
    size: tuple[int, int] = (1200, 900),
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
    graph = Graph.of(graph)
    if not display.has_screen():
        raise InputError("there is no screen to open a window on: save a picture instead")
    from meshrep.view import stage

    subject = subject_of(graph, values, marks, quantity=quantity, arrows=arrows, labels=labels)
    colours = palette(quantity, subject.values, clim, label, cmap)
    plotter = stage.window(subject, colours, title, size)
    plotter.show()
