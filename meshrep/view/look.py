"""How pictures look: camera, cuts, size, letters and colours, by the same words everywhere.

A word is declared once, in ``LOOK``. Python's keywords, the options of the command line, their help
and the keys of a settings file all follow from it.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from meshrep.base.settings import Setting, unknown
from meshrep.errors import InputError

DPI = 150  # pixels per inch, in which pictures are laid out
NAMED_VIEWS = ("best", "iso", "elevations", "xy", "yz", "zx", "yx", "zy", "xz",
               "+x", "-x", "+y", "-y", "+z", "-z")  # fmt: skip
FORMATS = ("png", "svg", "pdf", "jpg", "webp", "tif")
_INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4}
_MOST_PIXELS = 20_000  # of a side

CAMERA = (
    Setting(
        "view",
        str,
        "the side: best, iso, xy, +x, …, a direction 1,-1,0.5, or elevations (three sides)",
        shown="best, which shows most of the field's variation",
        metavar="SIDE",
    ),
    Setting("azimuth", float, "then turn the eye to the right, in degrees", default=0.0),
    Setting("elevation", float, "and raise it, in degrees", default=0.0),
    Setting("zoom", float, "enlarge the middle of the picture", default=1.0, above=0),
)
CUTS = (
    Setting(
        "clip",
        str,
        "cut the half nearer to the eye away at a plane: x, y, z or z=3; or a corner",
        metavar="x|y|z[=V]|corner",
    ),
    Setting("threshold", str, "draw where LOW ≤ field ≤ HIGH alone", metavar="LOW,HIGH"),
    Setting(
        "isosurfaces",
        str,
        "surfaces of equal values in solids, and lines on surfaces: how many, or the values",
        metavar="N|A,B,…",
    ),
)
PAPER_SIZE = (
    Setting(
        "size", str, "pixels, or a length: 85x60mm, 8x6in", shown="8x6in", metavar="WIDTHxHEIGHT"
    ),
    Setting("dpi", int, "pixels per inch", default=DPI, least=20, below=2401),
    Setting("font_size", float, "of letters, in points", shown="by the size", above=0, metavar="P"),
    Setting("transparent", bool, "no white behind the picture", default=False),
)
CONTENT = (
    Setting("limits", str, "values at the ends of the colour bar", metavar="LOW,HIGH"),
    Setting("label", str, "text at the colour bar", metavar="TEXT"),
    Setting("title", str, "text above everything", metavar="TEXT"),
    Setting("edges", bool, "draw the edges of cells", default=False),
    Setting("arrows", bool, "draw phases as arrows too", default=False),
    Setting(
        "labels",
        str,
        "write the names of a network's nodes",
        choices=("yes", "no"),
        shown="yes up to 50 nodes",
    ),
    Setting("cmap", str, "matplotlib's colour map of that name", metavar="NAME"),
    Setting("format", str, "of picture files", shown="png", choices=FORMATS),
)
LOOK = (*CAMERA, *CUTS, *PAPER_SIZE, *CONTENT)

# PyVista's words for the same things, which are taken too.
PYVISTA = {
    "cpos": "view", "camera_position": "view", "window_size": "size", "clim": "limits",
    "show_edges": "edges", "transparent_background": "transparent", "text": "title",
}  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """Where a mesh is clipped: a plane normal to an axis, or a corner.

    Attributes
    ----------
    axis : 0, 1, 2 or None
        None for a corner.
    at : float or None
        The coordinate of the plane; None for the middle.
    """

    axis: int | None
    at: float | None = None


@dataclass(frozen=True)
class Size:
    """The width and the height of a picture, in pixels or in inches."""

    width: float
    height: float
    unit: Literal["pixels", "inches"] = "pixels"


@dataclass(frozen=True)
class Look:
    """How a picture looks. :func:`look_of` makes one of what users write, and checks it.

    Attributes
    ----------
    view : str, (3,) direction, (3, 3) eye, focus and up, or None
        The side that is seen. "xy", "+x" and so on are PyVista's; "iso", "+x" and "elevations"
        take the axis that points up in the shape. None and "best" choose the side from which most
        of the field's variation is seen.
    azimuth, elevation : float
        Degrees by which the eye is then turned to the right about the up axis, and raised.
    zoom : float
        By how much the picture is enlarged.
    clip : Clip or None
        What is cut away from a mesh; the half nearer to the eye.
    threshold : (low, high) or None
        The values that are drawn.
    isosurfaces : int, tuple of float, or None
        How many surfaces of equal values, or at which values.
    size : Size or None
        None for the usual size of the picture.
    dpi : int
        Pixels per inch.
    font_size : float or None
        Points; None for a size that follows from that of the picture.
    transparent : bool
        Whether the background is transparent.
    limits : (low, high) or None
        The values at the ends of the colour bar; by default those of the field.
    label, title : str or None
    edges : bool
        Whether edges of cells are drawn.
    arrows : bool
        Whether phases are drawn as arrows too.
    labels : bool or None
        Whether names of nodes are written; None for networks of up to 50 nodes.
    cmap : str or None
        The name of a colour map.
    format : str or None
        The suffix of picture files without a dot.
    """

    view: Any = None
    azimuth: float = 0.0
    elevation: float = 0.0
    zoom: float = 1.0
    clip: Clip | None = None
    threshold: tuple[float, float] | None = None
    isosurfaces: int | tuple[float, ...] | None = None
    size: Size | None = None
    dpi: int = DPI
    font_size: float | None = None
    transparent: bool = False
    limits: tuple[float, float] | None = None
    label: str | None = None
    title: str | None = None
    edges: bool = False
    arrows: bool = False
    labels: bool | None = None
    cmap: str | None = None
    format: str | None = None

    @property
    def factor(self) -> float:
        """Pixels of the file per unit of the layout, which is 1/150 inch."""
        return self.dpi / DPI

    @property
    def cuts(self) -> bool:
        """Whether only a part of a mesh is drawn."""
        return not (self.clip is None and self.threshold is None and self.isosurfaces is None)

    def layout(self, usual: tuple[float, float]) -> tuple[float, float]:
        """The size of the picture in units of the layout; ``usual`` unless it was chosen."""
        if self.size is None:
            return usual
        share = DPI if self.size.unit == "inches" else 1 / self.factor
        return self.size.width * share, self.size.height * share

    def pixels(self, usual: tuple[int, int]) -> tuple[int, int]:
        """The size in pixels of a film; ``usual`` unless it was chosen."""
        width, height = self.layout(usual)
        share = self.factor if self.size is not None else 1.0
        return round(width * share), round(height * share)

    def usually(self, **words: Any) -> Look:
        """The look with these values where it has none."""
        return replace(self, **{k: v for k, v in words.items() if getattr(self, k) is None})


def look_of(look: Look | str | os.PathLike[str] | None = None, **words: Any) -> Look:
    """The look that words describe, over those of a settings file or of another look.

    Parameters
    ----------
    look : Look, path of a .toml file, or None
        Its words hold where no others are given.
    **words
        As the attributes of :class:`Look`, as values or as texts of the command line, such as
        ``clip="z=3"``, ``size="85x60mm"`` and ``limits=(0, 1)``. PyVista's words ``cpos``,
        ``window_size``, ``clim``, ``show_edges`` and ``transparent_background`` are taken too.
        None leaves a word out.

    Raises
    ------
    InputError
        If a word is unknown or its value cannot be used, or the file cannot be read.

    Examples
    --------
    >>> look_of(view="iso", clip="z=3", window_size=(800, 600)).clip
    Clip(axis=2, at=3.0)
    """
    base = look if isinstance(look, Look) else Look() if look is None else read_look(look)
    return replace(base, **_checked(words, ""))


def read_look(path: str | os.PathLike[str]) -> Look:
    """The look that a .toml file states, such as one for all figures of a paper.

    Raises
    ------
    InputError
        If the file cannot be read, or a word in it is unknown or has a wrong value.
    """
    try:
        stated = tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"look {path}: cannot be read: {reason}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"look {path}: not a .toml file: {error}") from error
    return Look(**_checked({k.replace("-", "_"): v for k, v in stated.items()}, f"look {path}: "))


def _checked(words: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Values by our words, checked; errors begin with ``where``."""
    known = {field.name for field in fields(Look)}
    found: dict[str, Any] = {}
    for word, value in words.items():
        name = PYVISTA.get(word, word)
        if name not in known:
            raise InputError(where + unknown("a picture", word, sorted(known)))
        if value is None:
            continue
        if name in found:
            raise InputError(f"{where}{word} and {name} are the same: give one of them")
        try:
            found[name] = _value(name, value)
        except InputError as error:
            raise InputError(f"{where}{error}") from None
    return found


def _value(name: str, value: Any) -> Any:
    """The value of a word."""
    reader = _READERS.get(name)
    if reader is not None:
        return reader(value)
    setting = next(setting for setting in LOOK if setting.name == name)
    return setting.read(value) if isinstance(value, str) else setting.check(value)


def _view(value: Any) -> Any:
    if isinstance(value, str):
        word = " ".join(value.lower().split())
        word = "elevations" if word == "3 elevations" else word
        word = f"+{word}" if word in ("x", "y", "z") else word
        if word in NAMED_VIEWS:
            return None if word == "best" else word
        numbers = _numbers(value)
    else:
        rows = _rows(value)
        if rows is not None:
            return rows
        numbers = _numbers(value)
    if numbers is None or len(numbers) != 3 or not any(numbers):
        raise InputError(
            f"view is one of {', '.join(NAMED_VIEWS)}, a direction such as 1,-1,0.5, or in Python "
            f"PyVista's camera position, not {value!r}"
        )
    return numbers


def _rows(value: Any) -> Any:
    """Eye, focus and up of a camera position; None for another value."""
    try:
        rows = tuple(_numbers(row) for row in value)
    except TypeError:
        return None
    whole = len(rows) == 3 and all(row is not None and len(row) == 3 for row in rows)
    return rows if whole and rows[0] != rows[1] and any(rows[2] or ()) else None


def _numbers(value: Any) -> tuple[float, ...] | None:
    """Finite numbers of a text with commas or of a sequence; None for another value."""
    try:
        parts = value.split(",") if isinstance(value, str) else list(value)
        numbers = tuple(float(part) for part in parts)
    except (TypeError, ValueError):
        return None
    return numbers if numbers and all(map(math.isfinite, numbers)) else None


def _clip(value: Any) -> Clip | None:
    if isinstance(value, Clip):
        return value
    word, equals, at = str(value).lower().replace(" ", "").partition("=")
    if word in ("none", "no", "off") and not equals:
        return None
    if word == "corner" and not equals:
        return Clip(None)
    number = _numbers(at) if equals else (0.0,)
    if word not in ("x", "y", "z") or number is None or len(number) != 1:
        raise InputError(
            f"clip is x, y, z, one of them with a place as z=3, or corner, not {value!r}"
        )
    return Clip("xyz".index(word), number[0] if equals else None)


def _threshold(value: Any) -> tuple[float, float]:
    try:
        parts = value.split(",") if isinstance(value, str) else list(value)
        low, high = (str(part).strip() if part is not None else "" for part in parts)
        ends = float(low or "-inf"), float(high or "inf")
    except (TypeError, ValueError):
        ends = (1.0, 0.0)
    if not ends[0] < ends[1]:
        raise InputError(
            f"threshold is LOW,HIGH as in 20,60, where one of them may be left out, not {value!r}"
        )
    return ends


def _isosurfaces(value: Any) -> int | tuple[float, ...]:
    count = str(value).strip()
    if count.isdigit() and 0 < int(count) <= 100:
        return int(count)
    numbers = _numbers(value)
    if numbers is None or (isinstance(value, str) and count.isdigit()):
        raise InputError(
            f"isosurfaces is how many, from 1 to 100, or their values as 20,40,60, not {value!r}"
        )
    return tuple(sorted(numbers))


def _size(value: Any) -> Size:
    if isinstance(value, Size):
        return value
    share, unit, given = 1.0, "pixels", value
    if isinstance(value, str):
        text = value.lower().replace(" ", "").replace("×", "x").removesuffix("px")
        for name, inches in _INCHES.items():
            if text.endswith(name):
                share, unit, text = inches, "inches", text.removesuffix(name)
        given = text.replace("x", ",")
    sides = _numbers(given)
    least, most = (0.2, 100.0) if unit == "inches" else (8, _MOST_PIXELS)
    if sides is None or len(sides) != 2 or not all(least <= s * share <= most for s in sides):
        raise InputError(
            f"size is WIDTHxHEIGHT in pixels from 8 to {_MOST_PIXELS:,}, or with a unit as "
            f"85x60mm or 8x6in, not {value!r}"
        )
    return Size(sides[0] * share, sides[1] * share, unit)  # type: ignore[arg-type]


def _limits(value: Any) -> tuple[float, float]:
    ends = _numbers(value)
    if ends is None or len(ends) != 2 or not ends[0] < ends[1]:
        raise InputError(f"limits are two increasing numbers as 0,100, not {value!r}")
    return ends[0], ends[1]


def _labels(value: Any) -> bool:
    known = {"yes": True, "no": False, True: True, False: False}
    if isinstance(value, str | bool) and value in known:
        return known[value]
    raise InputError(f"labels must be yes or no, not {value!r}")


_READERS = {
    "view": _view, "clip": _clip, "threshold": _threshold, "isosurfaces": _isosurfaces,
    "size": _size, "limits": _limits, "labels": _labels,
}  # fmt: skip


def shown_numbers(numbers: Sequence[float]) -> str:
    """Numbers of a caption."""
    return ", ".join(f"{number:.4g}" for number in numbers)
