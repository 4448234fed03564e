"""A line search that ends where the slope has levelled off, down to the last digits of an energy.

Along a direction d of descent, φ(α) = E(x + α d). A step is taken where

    φ(α) ≤ φ(0) + δ α φ'(0)  and  φ'(α) ≥ σ φ'(0)                         (Wolfe)

or, where φ(α) differs from φ(0) by no more than rounding, so that the values say nothing and the
slopes must say the same:

    φ(α) ≤ ceiling  and  (2δ − 1) φ'(0) ≥ φ'(α) ≥ σ φ'(0)         (approximate Wolfe)

after Hager and Zhang, "A new conjugate gradient method with guaranteed descent and an efficient
line search" (2005), §4. No bound on φ'(α) from above in the first: at a kink the slope leaps past
any such bound (Lewis and Overton, "Nonsmooth optimization via quasi-Newton methods", 2013), and
one below is what keeps a quasi-Newton matrix positive.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

FALL = 1e-4  # δ for the energy; HZ's (2δ − 1) takes SLOPE_FALL
SLOPE_FALL = 0.1
LEVEL = 0.9  # σ
MOST = 40  # evaluations of one search


class Point(NamedTuple):
    """A step length with the energy there and its slope along the direction."""

    alpha: float
    energy: float
    slope: float


def search(
    evaluate: Callable[[float], tuple[float, float]],
    energy: float,
    slope: float,
    noise: float = 0.0,
    ceiling: float = math.inf,
) -> tuple[Point, bool]:
    """A step length from a trial at 1.

    Parameters
    ----------
    evaluate : callable
        α -> (φ(α), φ'(α)); the last call before the return is that of the step returned, unless
        that is 0.
    energy, slope : float
        φ(0) and φ'(0) < 0.
    noise : float
        What differences of φ mean nothing.
    ceiling : float
        The most that φ may reach, though the slopes approve.

    Returns
    -------
    The point, and whether it satisfies the conditions. Where it does not, it is the lowest one
    known to lie below the start, or the start itself.
    """
    start = low = Point(0.0, energy, slope)
    high: Point | None = None
    alpha, width = 1.0, math.inf
    for _ in range(MOST):
        here = Point(alpha, *evaluate(alpha))
        if not (math.isfinite(here.energy) and math.isfinite(here.slope)):
            here = Point(alpha, math.inf, math.inf)
        if abs(here.energy - energy) <= noise:
            fell = here.energy <= ceiling and here.slope <= (2 * SLOPE_FALL - 1) * slope
        else:
            fell = here.energy <= energy + FALL * alpha * slope
        if fell and here.slope >= LEVEL * slope:
            return here, True
        if not fell:
            high = here
        before, low = low, here if fell else low
        if high is None:
            alpha = _beyond(before, low)
            continue
        gap = high.alpha - low.alpha
        if gap <= 1e-15 * high.alpha:
            break
        shrunk, width = gap <= 0.6 * width, gap
        alpha = _between(low, high, noise) if shrunk else low.alpha + 0.5 * gap
        if not low.alpha < alpha < high.alpha:
            break
    if low is not start and low.energy < energy:
        return Point(low.alpha, *evaluate(low.alpha)), False
    return start, False


def _beyond(before: Point, low: Point) -> float:
    """Where the slopes, continued, vanish; 2 to 10 times as far."""
    bend = (low.slope - before.slope) / (low.alpha - before.alpha)
    far = low.alpha - low.slope / bend if bend > 0 else math.inf
    return min(max(far, 2.0 * low.alpha), 10.0 * low.alpha)


def _between(low: Point, high: Point, noise: float) -> float:
    """The minimum of the cubic through both points, kept a tenth of the gap from the ends.

    Where their energies cannot be told apart, where the slope between them vanishes.
    """
    gap = high.alpha - low.alpha
    if not math.isfinite(high.energy):
        return low.alpha + 0.1 * gap
    if abs(high.energy - low.energy) <= noise and high.slope > 0:
        share = low.slope / (low.slope - high.slope)
        return low.alpha + min(max(share, 0.1), 0.9) * gap
    lean = low.slope + high.slope - 3.0 * (high.energy - low.energy) / gap
    inside = lean * lean - low.slope * high.slope
    share = 0.5
    if inside >= 0.0:
        root = math.sqrt(inside)
        down = high.slope - low.slope + 2.0 * root
        if down != 0.0:
            share = 1.0 - (high.slope + root - lean) / down
    return low.alpha + min(max(share, 0.1), 0.9) * gap
