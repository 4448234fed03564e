"""The colours that stand for values: one palette per quantity, a closed circle for phases."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from meshrep.errors import InputError, MissingPart

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

Quantity = Literal["temperature", "phase", "field"]

INK = "#2b2b2b"
PAPER = "#ffffff"
MISSING = (190, 190, 190)  # the colour of NaN
TURN = 2 * np.pi
_MARKS = (("#ffffff", INK), (INK, "#ffffff"), ("#3ddc97", INK), ("#ff5d8f", INK))
_MARKS_ON_PHASES = (("#ffe100", INK), ("#00e1ff", INK), ("#5dff5d", INK), ("#ff4fd8", INK))
DARK = (30, 30, 30)
# Lines of plots in Okabe and Ito's colours, which colour-blind readers tell apart. Their yellow is
# left out, because it is too pale on white.
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#111111", "#E69F00", "#56B4E9")
_BRIGHT = 120  # luminance, at most 255, above which dark ink is seen better than white
_JUMP = 0.1  # step of a channel in [0, 1] above which two neighbouring colours show a seam


def on_circle(phases: np.ndarray) -> np.ndarray:
    """Phases in [0, 2π). The remainder of a small negative phase rounds to 2π and is set to 0."""
    phases = np.asarray(phases, dtype=float) % TURN
    return np.where(phases < TURN, phases, 0.0)


@dataclass(frozen=True)
class Palette:
    """The colours of a quantity between two values.

    Attributes
    ----------
    quantity : "temperature", "phase" or "field"
    low, high : float
        The values at the ends. They are 0 and 2π for phases, and have the same colour there.
    label : str
        The text at the colour bar.
    map_name : str or None
        The name of a colour map; None for the default of the quantity.
    """

    quantity: Quantity
    low: float
    high: float
    label: str
    map_name: str | None = None

    @property
    def cyclic(self) -> bool:
        """Whether the values are angles."""
        return self.quantity == "phase"

    @property
    def marks(self) -> tuple[tuple[str, str], ...]:
        """Colours of the marks, fill and rim, that do not occur among those of the values."""
        return _MARKS_ON_PHASES if self.cyclic else _MARKS

    @property
    def cmap(self) -> Colormap:
        """Matplotlib's map from [0, 1] to colours."""
        return _cmap(self.map_name or _own_map(self.quantity))

    def rgb(self, values: np.ndarray) -> np.ndarray:
        """Colours (n, 3) uint8 of values (n,); grey where a value is NaN or infinite."""
        values = np.asarray(values, dtype=float)
        finite = np.isfinite(values)
        values = np.where(finite, values, self.low)
        values = on_circle(values) if self.cyclic else np.clip(values, self.low, self.high)
        share = (values - self.low) / (self.high - self.low)
        colours = self.cmap(share, bytes=True)[:, :3]
        colours[~finite] = MISSING
        return colours

    def ink_on(self, values: np.ndarray) -> np.ndarray:
        """Colours (n, 3) uint8, dark or white, that contrast with those of the values (n,)."""
        bright = self.rgb(values) @ [0.2126, 0.7152, 0.0722]
        return np.where(bright[:, None] > _BRIGHT, DARK, (255,) * 3).astype(np.uint8)


def palette(
    quantity: Quantity,
    values: np.ndarray,
    clim: tuple[float, float] | None = None,
    label: str | None = None,
    cmap: str | None = None,
) -> Palette:
    """The palette of a quantity.

    Parameters
    ----------
    quantity : "temperature", "phase" or "field"
    values : array
        What is drawn; it decides the limits unless ``clim`` is given.
    clim : (low, high) or None
        The values at the ends. Phases take 0 and 2π whatever is given.
    label : str or None
        The text at the colour bar; by default the quantity.
    cmap : str or None
        The name of a map of matplotlib, "hue" (the circle of hues in Oklab), or "loops". By
        default phases take cmocean's ``phase`` if it is installed, and ``twilight`` if not.

    Raises
    ------
    InputError
        If the quantity or the map is unknown, the limits are not two finite, increasing numbers,
        or a map for phases has different colours at its ends.
    MissingPart
        If matplotlib is not installed.
    """
    if quantity not in get_args(Quantity):
        raise InputError(f"quantity {quantity!r} is not one of {', '.join(get_args(Quantity))}")
    label = quantity if label is None else label
    if quantity == "phase":
        _refuse_open(cmap or _own_map(quantity))
        return Palette(quantity, 0.0, TURN, label, cmap)
    if clim is None:
        finite = np.asarray(values, float)[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
            low, high = low - 0.5, high + 0.5
    else:
        low, high = map(float, clim)
        if not (np.isfinite([low, high]).all() and low < high):
            raise InputError(f"clim must be two increasing numbers, not {clim}")
    _cmap(cmap or _own_map(quantity))
    return Palette(quantity, low, high, label, cmap)


def _own_map(quantity: Quantity) -> str:
    """The name of the default map of a quantity."""
    if quantity == "phase":
        return "cmo.phase" if find_spec("cmocean") else "twilight"
    return "warm" if quantity == "temperature" else "viridis"


def _refuse_open(name: str) -> None:
    """Refuse a map whose colours jump, at the ends or between them."""
    circle = _cmap(name)(np.linspace(0, 1, 512))[:, :3]
    if np.abs(circle - np.roll(circle, 1, axis=0)).max() > _JUMP:
        raise InputError(
            f"cmap {name!r} does not suit phases, whose colours at 0 and 2π must agree: "
            "choose twilight, twilight_shifted, hsv or hue"
        )


@functools.cache
def _cmap(name: str) -> Colormap:
    try:
        import matplotlib as mpl
        from matplotlib.colors import ListedColormap
    except ImportError as error:
        raise MissingPart("matplotlib", "colour pictures", "viz") from error
    if name == "hue":
        return ListedColormap(_hue_circle(), name=name)
    if name == "warm":
        warm = mpl.colormaps["inferno"](np.linspace(0.10, 0.96, 256))  # black hides shading
        return ListedColormap(warm, name=name)
    if name == "loops":
        loops = mpl.colormaps["plasma"](np.linspace(0.02, 0.80, 256))  # no yellow, pale on white
        return ListedColormap(loops, name=name)
    if name.startswith("cmo.") and find_spec("cmocean"):
        import cmocean  # noqa: F401  (adds its maps to matplotlib's)
    if name not in mpl.colormaps:
        raise InputError(f"cmap {name!r} is neither a colour map of matplotlib nor 'hue'")
    return mpl.colormaps[name]


def _hue_circle(count: int = 512) -> np.ndarray:
    """Colours (count, 3) of the hue circle in Oklab, in even steps and of nearly equal lightness.

    Shading on a surface is thus not mistaken for phase.

    References
    ----------
    B. Ottosson: A perceptual color space for image processing (2020), bottosson.github.io.
    """
    hue = TURN * np.arange(count) / count + np.deg2rad(29)
    lightness = 0.70 + 0.08 * np.cos(hue - np.deg2rad(100))
    chroma = 0.125
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    cone = np.stack(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(to_linear @ cone**3, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055).T
