"""A line search that works down to the rounding of the energy.

Along a descent direction d let φ(α) = E(x + α d). A step length α is accepted if

    φ(α) ≤ φ(0) + δ α φ'(0)  and  φ'(α) ≥ σ φ'(0).                        (Wolfe)

If φ(α) differs from φ(0) by no more than rounding, the energies carry no information. Then the
slopes are compared instead, and α is accepted if

    φ(α) ≤ ceiling  and  (2δ − 1) φ'(0) ≥ φ'(α) ≥ σ φ'(0).        (approximate Wolfe)

Both conditions are from Hager and Zhang, "A new conjugate gradient method with guaranteed descent
and an efficient line search" (2005), §4. The lower bound on φ'(α) keeps a quasi-Newton matrix
positive definite. The Wolfe condition has no upper bound, because at a kink the slope jumps past
any such bound (Lewis and Overton, "Nonsmooth optimization via quasi-Newton methods", 2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

FALL = 1e-4  # δ of the Wolfe condition
SLOPE_FALL = 0.1  # δ of the approximate Wolfe condition
LEVEL = 0.9  # σ
MOST = 40  # maximum number of evaluations in one search


class Point(NamedTuple):
    """A step length α, the energy φ(α) and the slope φ'(α)."""

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
    """Find a step length, with 1 as the first trial.

    Parameters
    ----------
    evaluate : callable
        α -> (φ(α), φ'(α)). The last call is always for the returned step length, unless that is
        0.
    energy, slope : float
        φ(0) and φ'(0) < 0.
    noise : float
        Differences of φ up to this size are rounding.
    ceiling : float
        The largest energy that the approximate condition accepts.

    Returns
    -------
    The point, and whether it satisfies the conditions. If no point does, the point returned is
    the last one found below the start, or the start itself.
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
        # Bisect if the last trial shrank the gap too little.
        alpha = _between(low, high, noise) if shrunk else low.alpha + 0.5 * gap
        if not low.alpha < alpha < high.alpha:
            break
    if low is not start and low.energy < energy:
        return Point(low.alpha, *evaluate(low.alpha)), False
    return start, False


def _beyond(before: Point, low: Point) -> float:
    """A longer step length: the zero of the extrapolated slope, kept within 2 to 10 times low."""
    bend = (low.slope - before.slope) / (low.alpha - before.alpha)
    far = low.alpha - low.slope / bend if bend > 0 else math.inf
    return min(max(far, 2.0 * low.alpha), 10.0 * low.alpha)


def _between(low: Point, high: Point, noise: float) -> float:
    """A step length between two points, at least a tenth of the gap from either.

    It is the minimum of the cubic through both points. If their energies differ only by rounding,
    it is the zero of the slope interpolated between them.
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
