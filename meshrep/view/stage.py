"""A subject drawn by PyVista: surfaces in light, networks as spheres and lines, marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.names import shown
from meshrep.graphs.cells import LINE, VERTEX, Cells
from meshrep.view.arrows import Arrows
from meshrep.view.camera import VIEW_ANGLE, Camera, framed
from meshrep.view.colours import INK, MISSING, PAPER, Palette
from meshrep.view.dataset import padded
from meshrep.view.display import load_pyvista
from meshrep.view.subject import (
    EDGE_INK,
    Subject,
    arrow_inks,
    edge_opacity,
    mark_scale,
    node_pixels,
    what_is_seen,
)
from meshrep.view.surface import polydata, refined_phases, with_normals

if TYPE_CHECKING:
    import pyvista

_MATTE: dict[str, Any] = {"ambient": 0.50, "diffuse": 0.54, "specular": 0.06, "specular_power": 15}
# for phases, whose maps have dark and bright colours that shading must not hide
_PALE: dict[str, Any] = {"ambient": 0.78, "diffuse": 0.26, "specular": 0.0}
_LIFT = 0.3  # height of arrows above the surface, over their length


def render(subject: Subject, palette: Palette, size: tuple[int, int]) -> np.ndarray:
    """The subject as an image on white; needs OpenGL.

    Parameters
    ----------
    subject : Subject
    palette : Palette
    size : (width, height)
        Pixels.

    Returns
    -------
    (height, width, 3) uint8 array
    """
    pv = load_pyvista()
    width, height = size
    camera = framed(what_is_seen(subject), subject.view, width / height)
    plotter = pv.Plotter(off_screen=True, window_size=[2 * width, 2 * height], lighting="none")
    plotter.disable_anti_aliasing()  # the image is drawn at twice its size
    plotter.set_background(PAPER)
    _light(plotter)
    put(plotter, subject, palette, camera, 2 * height)
    _aim(plotter, camera)
    image = plotter.screenshot(None, return_img=True)
    plotter.close()
    return _halved(image[: 2 * height, : 2 * width, :3])  # smooths every edge


def window(
    subject: Subject, palette: Palette, title: str, size: tuple[int, int]
) -> pyvista.Plotter:
    """A plotter ready to be shown on a screen, with a title and a colour bar."""
    pv = load_pyvista()
    camera = framed(what_is_seen(subject), subject.view, size[0] / size[1])
    plotter = pv.Plotter(window_size=list(size), lighting="none", title=title or "meshrep")
    plotter.set_background(PAPER)
    plotter.enable_anti_aliasing("msaa", multi_samples=8)
    _light(plotter)
    put(plotter, subject, palette, camera, size[1])
    _aim(plotter, camera)
    table = pv.LookupTable(palette.cmap, scalar_range=(palette.low, palette.high))
    bar = plotter.add_scalar_bar(
        palette.label, mapper=None, vertical=True, color=INK, title_font_size=22,
        label_font_size=18, n_labels=5, fmt="%.3g", position_x=0.88, position_y=0.2, height=0.6,
    )  # fmt: skip
    bar.SetLookupTable(table)
    if subject.names is not None:
        words = [shown(str(name)) for name in subject.names]
        plotter.add_point_labels(
            subject.points, words, show_points=False, shape=None, font_size=16, text_color=INK,
            always_visible=True,
        )  # fmt: skip
    if title:
        plotter.add_text(title, color=INK, font_size=12)
    return plotter


def put(
    plotter: pyvista.Plotter, subject: Subject, palette: Palette, camera: Camera, height: int
) -> None:
    """Add the actors of a subject to a plotter whose window is ``height`` pixels high."""
    a_pixel = 2 * camera.half_height / height
    if subject.surface is not None:
        _put_surface(plotter, subject, palette)
        size = height / 60.0
        dot = 1.2 * size
    else:
        size = node_pixels(subject, camera, height)
        _put_network(plotter, subject, palette, size, a_pixel)
        least = height / (70 if palette.cyclic else 130)  # so that marks hide little of the nodes
        dot = max(0.62 * size, least)
    dot *= mark_scale(subject)
    lift = size * a_pixel
    if subject.arrows is not None:
        flying = _LIFT * subject.arrows.length if subject.surface is not None else -1.5 * lift
        _put_arrows(plotter, subject, subject.arrows, palette, camera, flying)
        lift = max(lift, 1.5 * flying)
    for k, points in enumerate(subject.marks.values()):
        fill, rim = palette.marks[k % len(palette.marks)]
        if len(points):
            toward = lift * camera.sight(points)
            _put_discs(plotter, points + toward, rim, dot)
            _put_discs(plotter, points + 2 * toward, fill, 0.66 * dot)


def _halved(image: np.ndarray) -> np.ndarray:
    """The image (2h, 2w, 3) uint8 at half its size, each pixel the rounded mean of four."""
    rows = image[0::2].astype(np.uint16) + image[1::2]
    sums = rows[:, 0::2] + rows[:, 1::2]
    return ((sums + 2) >> 2).astype(np.uint8)


def _colouring(palette: Palette, values: np.ndarray) -> dict[str, Any]:
    """Arguments of ``add_mesh`` that colour points; phases are given as colours."""
    if palette.cyclic:
        return {"scalars": palette.rgb(values), "rgb": True}
    return {
        "scalars": values,
        "cmap": palette.cmap,
        "clim": (palette.low, palette.high),
        "nan_color": MISSING,
        "show_scalar_bar": False,
    }


def _finish(subject: Subject, palette: Palette) -> dict[str, Any]:
    """Arguments of ``add_mesh`` for the light.

    There is none in the plane, so that colours are exact, and little on phases, because dark and
    bright colours stand for phases.
    """
    if subject.view.flat:
        return {"lighting": False}
    return {"lighting": True, **(_PALE if palette.cyclic else _MATTE)}


def _put_surface(plotter: pyvista.Plotter, subject: Subject, palette: Palette) -> None:
    surface = subject.surface
    assert surface is not None
    if not subject.view.flat:
        surface = with_normals(surface)
    if palette.cyclic:
        surface = refined_phases(surface)
    actor = plotter.add_mesh(
        polydata(surface),
        **_colouring(palette, surface.values),
        **_finish(subject, palette),
    )
    actor.prop.interpolation = "Phong"  # with these normals; smooth_shading computes others


def _put_network(
    plotter: pyvista.Plotter, subject: Subject, palette: Palette, size: float, a_pixel: float
) -> None:
    """Add nodes ``size`` pixels wide, and edges, which lie behind the nodes in the plane."""
    pv = load_pyvista()
    back = -subject.view.toward * size * a_pixel * subject.view.flat
    if len(subject.edges):
        strokes = padded(Cells.of_kind(LINE, subject.edges))
        lines = pv.PolyData(subject.points + 2 * back, lines=strokes)
        plotter.add_mesh(
            lines,
            color=EDGE_INK,
            line_width=float(np.clip(size / 8, 1.0, 3.0)),
            opacity=edge_opacity(subject),
            lighting=False,
        )
    if subject.view.flat and size > 6:
        _put_discs(plotter, subject.points + back, INK, size + 3)
    plotter.add_mesh(
        _vertices(subject.points),
        style="points",
        point_size=size,
        render_points_as_spheres=True,
        **_colouring(palette, subject.values),
        **_finish(subject, palette),
    )


def _put_arrows(
    plotter: pyvista.Plotter,
    subject: Subject,
    arrows: Arrows,
    palette: Palette,
    camera: Camera,
    lift: float,
) -> None:
    """Add all arrows as one mesh, slightly above a surface, or below the nodes of a network."""
    pv = load_pyvista()
    corners = arrows.outlines()
    corners += (lift * camera.sight(arrows.points))[:, None]
    mesh = pv.PolyData.from_regular_faces(corners.reshape(-1, 3), arrows.triangles())
    inks = np.repeat(arrow_inks(subject, palette), corners.shape[1], axis=0)
    plotter.add_mesh(mesh, scalars=inks, rgb=True, lighting=False)


def _put_discs(plotter: pyvista.Plotter, points: np.ndarray, colour: str, size: float) -> None:
    plotter.add_mesh(
        _vertices(points),
        style="points",
        color=colour,
        point_size=size,
        render_points_as_spheres=True,
        lighting=False,
    )


def _vertices(points: np.ndarray) -> pyvista.PolyData:
    numbers = Cells.of_kind(VERTEX, np.arange(len(points))[:, None])
    return load_pyvista().PolyData(np.array(points, float), verts=padded(numbers))


def _light(plotter: pyvista.Plotter) -> None:
    """Add a main light from the upper left and a weaker one from the right, fixed to the eye."""
    pv = load_pyvista()
    for place, intensity in (((-0.35, 0.9, 0.8), 0.95), ((1.0, 0.0, 0.6), 0.38)):
        light = pv.Light(light_type="camera light", intensity=intensity)
        light.position = place
        plotter.add_light(light)


def _aim(plotter: pyvista.Plotter, camera: Camera) -> None:
    plotter.camera_position = [camera.eye.tolist(), camera.focus.tolist(), camera.view.up.tolist()]
    if camera.view.flat:
        plotter.camera.parallel_projection = True
        plotter.camera.parallel_scale = camera.half_height
    else:
        plotter.camera.view_angle = VIEW_ANGLE
    plotter.reset_camera_clipping_range()
