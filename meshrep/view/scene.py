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
from meshrep.view.page import Page
from meshrep.view.subject import Marks, Subject, subject_of
from meshrep.view.write import replacing

Engine = Literal["pyvista", "matplotlib"]
SUFFIXES = (".png", ".jpg", ".jpeg", ".pdf", ".svg", ".webp", ".tif", ".tiff")


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
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: pictures can be written to {', '.join(SUFFIXES)}")
    if not fields:
        raise InputError(f"{path}: there is no field to draw")
    subjects = [
        subject_of(graph, values, marks, quantity=quantity, arrows=arrows)
        for values in fields.values()
    ]
    everything = np.concatenate([subject.values for subject in subjects])
    colours = palette(quantity, everything, clim, label, cmap)
    page, engine = composed(subjects, list(fields), colours, title, size)
    with replacing(path) as temporary:
        page.save(temporary)
    return Drawn(path, engine)


def composed(
    subjects: list[Subject],
    titles: list[str],
    colours: Palette,
    heading: str,
    size: tuple[int, int] | None,
) -> tuple[Page, Engine]:
    """A page with all subjects drawn in its boxes, and the engine that drew them."""
    size = size or _panel_size(len(subjects))
    page = Page(size, colours, titles, heading, list(subjects[0].marks))
    engine: Engine = "pyvista" if display.can_render() else "matplotlib"
    for k, subject in enumerate(subjects):
        _draw(page, k, subject, colours, engine)
    return page, engine


def _panel_size(count: int) -> tuple[int, int]:
    """Pixels of a page for so many panels."""
    columns = min(count, 3 if count != 4 else 2)
    return 190 + 450 * columns, 120 + 430 * -(-count // columns)


def _draw(page: Page, k: int, subject: Subject, colours: Palette, engine: Engine) -> None:
    if engine == "pyvista":
        from meshrep.view.stage import render

        page.place(k, render(subject, colours, page.pixels(k)))
    else:
        from meshrep.view.sketch import sketch

        sketch(page.axes(k), subject, colours, page.pixels(k))


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
