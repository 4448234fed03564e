"""Which colour stands for which value: one palette a quantity, phases on a closed circle."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from meshrep.errors import InputError, MissingPart

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

Quantity = Literal["temperature", "phase", "field"]

INK = "#2b2b2b"
PAPER = "#ffffff"
MISSING = (190, 190, 190)
TURN = 2 * np.pi


def on_circle(phases: np.ndarray) -> np.ndarray:
    """Phases in [0, 2π); a remainder alone rounds a small negative phase up to 2π itself."""
    phases = np.asarray(phases, dtype=float) % TURN
    return np.where(phases < TURN, phases, 0.0)


@dataclass(frozen=True)
class Palette:
    """The colours of one quantity between two values.

    Attributes
    ----------
    quantity : "temperature", "phase" or "field"
    low, high : float
        The values at the ends; 0 and 2π for phases, whose ends have the same colour.
    label : str
        What stands at the colour bar.
    """

    quantity: Quantity
    low: float
    high: float
    label: str

    @property
    def cyclic(self) -> bool:
        """Whether the values live on a circle."""
        return self.quantity == "phase"

    @property
    def cmap(self) -> Colormap:
        """Matplotlib's map from [0, 1] to colours."""
        return _cmap(self.quantity)

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


def palette(
    quantity: Quantity,
    values: np.ndarray,
    clim: tuple[float, float] | None = None,
    label: str | None = None,
) -> Palette:
    """The palette of a quantity; without ``clim`` it spans the finite values.

    Raises
    ------
    InputError
        For an unknown quantity or limits that are not two finite, increasing numbers.
    """
    if quantity not in get_args(Quantity):
        raise InputError(f"quantity {quantity!r} is not one of {', '.join(get_args(Quantity))}")
    label = quantity if label is None else label
    if quantity == "phase":
        return Palette(quantity, 0.0, TURN, label)
    if clim is None:
        finite = np.asarray(values, float)[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
            low, high = low - 0.5, high + 0.5
    else:
        low, high = map(float, clim)
        if not (np.isfinite([low, high]).all() and low < high):
            raise InputError(f"clim must be two increasing numbers, not {clim}")
    return Palette(quantity, low, high, label)


@functools.cache
def _cmap(quantity: Quantity) -> Colormap:
    try:
        import matplotlib as mpl
        from matplotlib.colors import ListedColormap
    except ImportError as error:
        raise MissingPart("matplotlib", "colour pictures", "viz") from error
    if quantity == "phase":
        return ListedColormap(_hue_circle(), name="phase")
    if quantity == "temperature":
        warm = mpl.colormaps["inferno"](np.linspace(0.10, 0.96, 256))  # black would hide shading
        return ListedColormap(warm, name="temperature")
    return mpl.colormaps["viridis"]


def _hue_circle(count: int = 512) -> np.ndarray:
    """Colours (count, 3) of the hue circle in Oklab: even steps, no dark or bright band but a
    gentle one, so that shading on a surface is not mistaken for phase.

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
