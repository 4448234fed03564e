"""A subject drawn by PyVista: surfaces in mild light, networks as spheres and lines, marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.names import shown
from meshrep.graphs.cells import LINE, VERTEX, Cells
from meshrep.view.arrows import Arrows
from meshrep.view.camera import Camera, framed
from meshrep.view.colours import INK, MISSING, PAPER, Palette
from meshrep.view.dataset import padded
from meshrep.view.display import load_pyvista
from meshrep.view.shading import DARK, PALE, dimmed
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

_LAMP = (-0.45, 0.75, 1.0)  # fixed to the eye: to the right, upwards, toward the eye
_LIFT = 0.3  # height of arrows above the surface, over their length


def render(
    subject: Subject,
    palette: Palette,
    size: tuple[int, int],
    *,
    zoom: float = 1.0,
    transparent: bool = False,
) -> np.ndarray:
    """The subject as an image on white, or on nothing; needs OpenGL.

    The scene is drawn twice: in its own colours without light, and white in light, whose image
    says how much each pixel is dimmed.

    Parameters
    ----------
    subject : Subject
    palette : Palette
    size : (width, height)
        Pixels.
    zoom : float
    transparent : bool
        Whether the image has a fourth channel, 0 where nothing is drawn.

    Returns
    -------
    (height, width, 3) or (height, width, 4) uint8 array
    """
    pv = load_pyvista()
    width, height = size
    camera = framed(what_is_seen(subject), subject.view, width / height, zoom=zoom)
    plotter = pv.Plotter(off_screen=True, window_size=[2 * width, 2 * height], lighting="none")
    plotter.disable_anti_aliasing()  # the image is drawn at twice its size
    plotter.set_background(PAPER)
    lit = put(plotter, subject, palette, camera, 2 * height)
    _aim(plotter, camera)
    image = _shot(plotter, transparent)[: 2 * height, : 2 * width].astype(float)
    if lit:
        _light(plotter)
        for actor in plotter.actors.values():
            _whiten(actor, lit=actor in lit)
        plotter.render()
        light = _shot(plotter, False)[: 2 * height, : 2 * width, :1] / 255.0
        image[:, :, :3] *= dimmed(light, cyclic=palette.cyclic)
    plotter.close()
    return _halved(image)  # smooths every edge


def _shot(plotter: pyvista.Plotter, transparent: bool) -> np.ndarray:
    return np.asarray(plotter.screenshot(None, return_img=True, transparent_background=transparent))


def _whiten(actor: pyvista.Actor, *, lit: bool) -> None:
    """Make an actor white, in full light or in that of the lamp."""
    actor.mapper.scalar_visibility = False
    actor.prop.color = "white"
    actor.prop.opacity = 1.0
    actor.prop.lighting = lit
    actor.prop.ambient, actor.prop.diffuse = 0.0, 1.0


def window(
    subject: Subject, palette: Palette, title: str, size: tuple[int, int], zoom: float = 1.0
) -> pyvista.Plotter:
    """A plotter ready to be shown on a screen, with a title and a colour bar."""
    pv = load_pyvista()
    camera = framed(what_is_seen(subject), subject.view, size[0] / size[1], zoom=zoom)
    plotter = pv.Plotter(window_size=list(size), lighting="none", title=title or "meshrep")
    plotter.set_background(PAPER)
    plotter.enable_anti_aliasing("msaa", multi_samples=8)
    _light(plotter)
    for actor in put(plotter, subject, palette, camera, size[1]):
        actor.prop.lighting = True
        actor.prop.ambient = PALE if palette.cyclic else DARK
        actor.prop.diffuse = 1 - actor.prop.ambient
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
) -> list[pyvista.Actor]:
    """Add the actors of a subject to a plotter whose window is ``height`` pixels high.

    Returns those that stand in light: surfaces and spheres in space.
    """
    a_pixel = 2 * camera.half_height / height
    if subject.surface is not None:
        main = _put_surface(plotter, subject, palette)
        _put_strokes(plotter, subject, camera, height)
        size = height / 60.0
        dot = 1.2 * size
    else:
        size = node_pixels(subject, camera, height)
        main = _put_network(plotter, subject, palette, size, a_pixel)
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
    return [] if subject.view.flat else [main]


def _halved(image: np.ndarray) -> np.ndarray:
    """The image (2h, 2w, c) at half its size, uint8; each pixel is the rounded mean of four.

    A fourth channel says how much the colours of a pixel count.
    """
    solid = image[:, :, 3:] if image.shape[2] == 4 else np.ones((*image.shape[:2], 1))
    rich = np.concatenate([image[:, :, :3] * solid, solid], axis=2)
    rows = rich[0::2] + rich[1::2]
    sums = rows[:, 0::2] + rows[:, 1::2]
    colours = sums[:, :, :3] / np.maximum(sums[:, :, 3:], 1e-12)
    whole = np.concatenate([colours, sums[:, :, 3:] / 4], axis=2)[:, :, : image.shape[2]]
    return np.floor(whole + 0.5).astype(np.uint8)


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


def _put_surface(plotter: pyvista.Plotter, subject: Subject, palette: Palette) -> pyvista.Actor:
    surface = subject.surface
    assert surface is not None
    if not subject.view.flat:
        surface = with_normals(surface)
    if palette.cyclic:
        surface = refined_phases(surface)
    actor = plotter.add_mesh(
        polydata(surface), lighting=False, **_colouring(palette, surface.values)
    )
    actor.prop.interpolation = "Phong"  # with these normals; smooth_shading computes others
    return actor


def _put_strokes(plotter: pyvista.Plotter, subject: Subject, camera: Camera, height: int) -> None:
    """Add thin lines, a little nearer to the eye than the surface that they lie on."""
    pv = load_pyvista()
    lift = 3 * camera.half_height / height
    for strokes in subject.strokes:
        ends = strokes.ends.reshape(-1, 3)
        if not len(ends):
            continue
        pairs = padded(Cells.of_kind(LINE, np.arange(len(ends)).reshape(-1, 2)))
        plotter.add_mesh(
            pv.PolyData(ends + lift * camera.sight(ends), lines=pairs), color=strokes.ink,
            opacity=strokes.opacity, line_width=max(1.0, height / 900), lighting=False,
        )  # fmt: skip


def _put_network(
    plotter: pyvista.Plotter, subject: Subject, palette: Palette, size: float, a_pixel: float
) -> pyvista.Actor:
    """Add nodes ``size`` pixels wide, which it returns; edges lie behind them in the plane."""
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
    return plotter.add_mesh(
        _vertices(subject.points),
        style="points",
        point_size=size,
        render_points_as_spheres=True,
        lighting=False,
        **_colouring(palette, subject.values),
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
    """Add a lamp at the upper left of the eye."""
    light = load_pyvista().Light(light_type="camera light", intensity=1.0)
    light.position = _LAMP
    plotter.add_light(light)


def _aim(plotter: pyvista.Plotter, camera: Camera) -> None:
    plotter.camera_position = [camera.eye.tolist(), camera.focus.tolist(), camera.view.up.tolist()]
    if camera.view.flat:
        plotter.camera.parallel_projection = True
        plotter.camera.parallel_scale = camera.half_height
    else:
        plotter.camera.view_angle = 2 * np.rad2deg(np.arctan(camera.half_height / camera.distance))
    plotter.reset_camera_clipping_range()
