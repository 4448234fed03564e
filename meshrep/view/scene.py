"""Pictures of fields on meshes, lattices, clouds and networks: stills and an interactive window."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.view import display
from meshrep.view.colours import Palette, Quantity, palette
from meshrep.view.page import Box, Page, page_size, picture_path
from meshrep.view.subject import Marks, Subject, subject_of

Engine = Literal["pyvista", "matplotlib"]


@dataclass(frozen=True)
class Drawn:
    """A picture that was written, and by whom: PyVista, or matplotlib where OpenGL is missing."""

    path: Path
    engine: Engine


def picture(
    graph: Graph,
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
    size: tuple[int, int] = (1200, 900),
) -> Drawn:
    """Draw one field on a graph to an image file.

    Parameters
    ----------
    graph : Graph
    values : (n,) array
        One value a node; phases in radians. NaN is drawn grey.
    path : path
        A .png, .jpg, .pdf, .svg, .webp or .tif to write.
    quantity : "temperature", "phase" or "field"
        Chooses the colours; phases take the circle [0, 2π) whatever ``clim`` says.
    clim : (low, high) or None
        Values at the ends of the colour bar; by default those of the field.
    label : str or None
        At the colour bar; by default the quantity.
    marks : (k,) node numbers, (n,) mask, (k, 3) points, or a mapping of names to such
        Drawn as discs; names become a legend.
    cmap : str or None
        A colour map of matplotlib by name, or "hue"; by default one that suits the quantity. For
        phases it must be cyclic; theirs is cmocean's ``phase`` if installed, else ``twilight``.
    arrows : bool
        Draw phases as arrows too: in the plane of a flat graph, on a surface along it, measured
        from the projected x axis; thinned to about forty across.
    size : (width, height)
        Pixels of the image.

    Returns
    -------
    Drawn
        The path, and the engine that drew.

    Raises
    ------
    InputError
        Where values, marks, limits or colours do not fit, or the file cannot be written.
    """
    return panels(
        graph, {"": values}, path, quantity=quantity, title=title, clim=clim, label=label,
        marks=marks, cmap=cmap, arrows=arrows, size=size,
    )  # fmt: skip


def panels(
    graph: Graph,
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
    size: tuple[int, int] | None = None,
) -> Drawn:
    """Draw several fields on one graph side by side, in the same view and the same colours.

    Arguments are those of :func:`picture`; ``fields`` maps each panel's title to its values.
    """
    path = picture_path(path)
    if not fields:
        raise InputError(f"{path}: there is no field to draw")
    subjects = [
        subject_of(graph, values, marks, quantity=quantity, arrows=arrows)
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
    """A page with all subjects drawn in its boxes, and the engine that drew them."""
    page = Page(size or page_size(len(subjects), (450, 430), (190, 120)), heading)
    names = list(subjects[0].marks)
    boxes, key = page.grid(titles, legend=any(names))
    page.key(key, colours)
    if any(names):
        page.legend(colours, names)
    for box, title, subject in zip(boxes, titles, subjects, strict=True):
        page.title(box, title)
        engine = draw(page, box, subject, colours)
    return page, engine


def draw(page: Page, box: Box, subject: Subject, colours: Palette) -> Engine:
    """Draw a subject into a box of a page, of a whole number of pixels; what drew it."""
    size = round(box[2]), round(box[3])
    if display.can_render():
        from meshrep.view.stage import render

        page.place(box, render(subject, colours, size))
        return "pyvista"
    from meshrep.view.sketch import sketch

    sketch(page.canvas(box), subject, colours, size)
    return "matplotlib"


def show(
    graph: Graph,
    values: np.ndarray,
    *,
    quantity: Quantity = "field",
    title: str = "",
    clim: tuple[float, float] | None = None,
    label: str | None = None,
    marks: Marks = None,
    cmap: str | None = None,
    arrows: bool = False,
    size: tuple[int, int] = (1200, 900),
) -> None:
    """Open a window in which the graph can be turned, and wait until it is closed.

    Arguments are those of :func:`picture`.

    Raises
    ------
    InputError
        Where there is no screen.
    """
    if not display.has_screen():
        raise InputError("there is no screen to open a window on: save a picture instead")
    from meshrep.view import stage

    subject = subject_of(graph, values, marks, quantity=quantity, arrows=arrows)
    colours = palette(quantity, subject.values, clim, label, cmap)
    plotter = stage.window(subject, colours, title, size)
    plotter.show()
