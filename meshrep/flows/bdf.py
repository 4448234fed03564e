"""Flows in time by backward differentiation formulas with adaptive steps and orders."""

from __future__ import annotations

import numpy as np

from meshrep.errors import SolveError
from meshrep.flows.implicit import ImplicitFlow, Keep, Told, before_end
from meshrep.flows.implicit_steps import Equations

# Of the numerical differentiation formulas of orders 1 to 5 (Shampine and Reichelt 1997): κ, and
# γ_k = Σ_{j≤k} 1/j.
_KAPPA = np.array([0.0, -0.1850, -1 / 9, -0.0823, -0.0415, 0.0])
_GAMMA = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, 6))])
_ALPHA = (1.0 - _KAPPA) * _GAMMA
_ERROR = _KAPPA * _GAMMA + 1.0 / np.arange(1, 7)
_MOST_ORDER = 5
_FIRST = 1e-2  # share of √rtol times the unit by which the field may change in the first step
_SAFETY = 0.8


class AdaptiveBDF(ImplicitFlow):
    """Backward differentiation of orders 1 to 5, whose steps keep the error within a tolerance.

    Steps are doubled or halved, and only when that is worth it, so that factors are used for many
    steps. The local error of each node is at most ``atol + rtol |w − origin|``. A step passes at
    most one time of a table of conditions, so that no peak is missed.

    References
    ----------
    Shampine and Reichelt, "The MATLAB ODE suite" (1997): numerical differentiation formulas of
    quasi-constant step.
    """

    def __init__(
        self, equations: Equations, rtol: float, atol: float, longest: float, tables: np.ndarray
    ) -> None:
        super().__init__(equations)
        self.rtol, self.atol, self.longest, self.tables = rtol, atol, longest, tables
        self.rejected = 0

    def _size(self, w: np.ndarray) -> np.ndarray:
        """The local error (n,) that each node may have."""
        return self.atol + self.rtol * abs(w - self.equations.energy.origin)

    def _first_step(self, w: np.ndarray, span: tuple[float, float]) -> float:
        """A step in which the field changes by a small part of its unit."""
        rate = self.equations.rate(w, span[0])
        fastest = float(abs(rate).max(initial=0.0))
        longest = min(self.longest, span[1] - span[0])
        change = _FIRST * self.rtol**0.5 * self.equations.unit
        return min(longest, change / fastest) if fastest > 0 else 0.01 * longest

    def _limit(self, now: float) -> float:
        """The longest step that passes at most one time of a table."""
        later = self.tables[self.tables > now]
        return min(self.longest, float(later[1]) - now if len(later) > 1 else np.inf)

    def _fitting(self, h: float, now: float, end: float, clipped: bool) -> float:
        """A step of h or less that passes at most one time of a table, and not the end."""
        limit = self._limit(now)
        if h > limit:
            h *= _power_of_two(limit / h)
        left = end - now
        if clipped and left < 2.0 * h:
            return left if left <= h * (1 + 1e-9) else 0.5 * left
        return h

    def cross(
        self, w: np.ndarray, span: tuple[float, float], times: list[float], keep: Keep,
        told: Told, *, smooth: bool,
    ) -> np.ndarray:  # fmt: skip
        """Step to the end, and interpolate at the times that are kept."""
        equations, (now, end) = self.equations, span
        clipped = bool(equations.energy.schedules)  # conditions may not go on beyond the end
        h = self._first_step(w, span)
        differences = np.zeros((_MOST_ORDER + 3, len(w)))
        differences[0] = w
        ahead = equations.hold(w.copy(), before_end(end, now + h))
        differences[1] = ahead - w  # of fixed nodes
        differences[1, equations.free] = h * equations.rate(w, now)
        order, equal = 1, 0
        waiting = list(times)
        while now < end:
            shorter = self._fitting(h, now, end, clipped)
            if abs(shorter - h) > 1e-9 * h:
                _rescale(differences, order, shorter / h)
                equal = 0
            h = shorter
            if now + h <= now:
                raise SolveError(
                    f"bdf gave up at t = {now:g}, where its step became {h:.2g}: loosen rtol"
                )
            after = end if abs(now + h - end) <= 1e-9 * h else now + h
            tried = self._attempt(
                differences, order, h, before_end(end, after) if clipped else after
            )
            if tried is None or tried[2] > 1.0:
                self.rejected += 1
                wanted = 0.25 if tried is None else _SAFETY * tried[2] ** (-1.0 / (order + 1))
                factor = min(max(_power_of_two(wanted), 1 / 16), 0.5)
                _rescale(differences, order, factor)
                h, equal = h * factor, 0
                continue
            found, d, error = tried
            self.steps += 1
            now, equal = after, equal + 1
            differences[order + 2] = d - differences[order + 1]
            differences[order + 1] = d
            for k in reversed(range(order + 1)):
                differences[k] += differences[k + 1]
            while waiting and waiting[0] <= now:
                time = waiting.pop(0)
                field = _interpolated(differences, order, h, (time - now) / h)
                keep(time, equations.hold(field, time))
            told(min(now, end))
            if equal > order and now < end:
                order, factor = self._next(differences, order, error, found, self._limit(now) / h)
                if factor > 1.0:
                    _rescale(differences, order, factor)
                    h, equal = h * factor, 0
        last = _interpolated(differences, order, h, (end - now) / h)
        return equations.hold(last, before_end(end, end))

    def _attempt(
        self, differences: np.ndarray, order: int, h: float, time: float
    ) -> tuple[np.ndarray, np.ndarray, float] | None:
        """A step: the field, its distance from the prediction, and its error; None if it fails."""
        equations = self.equations
        predicted = differences[: order + 1].sum(axis=0)
        alpha = _ALPHA[order] / h
        base = predicted - _GAMMA[1 : order + 1] @ differences[1 : order + 1] / _ALPHA[order]
        size = self._size(predicted)
        found = equations.solve(
            time, predicted, base, alpha, 0.0, 0.03 * size[equations.free], 1e-4
        )
        if found is None:
            return None
        d = found - predicted
        return found, d, _ERROR[order] * float((abs(d) / size).max(initial=0.0))

    def _next(
        self, differences: np.ndarray, order: int, error: float, w: np.ndarray, most: float
    ) -> tuple[int, float]:
        """The next order, and by how much the step is lengthened: 1, 2, 4 or 8."""
        size = self._size(w)

        def growth(k: int, size_of_error: float) -> float:
            return max(size_of_error, 1e-12) ** (-1.0 / (k + 1))

        def other(k: int) -> float:
            return _ERROR[k] * float((abs(differences[k + 1]) / size).max(initial=0.0))

        chances = {order: growth(order, error)}
        if order > 1:
            chances[order - 1] = growth(order - 1, other(order - 1))
        if order < _MOST_ORDER:
            chances[order + 1] = growth(order + 1, other(order + 1))
        best = max(chances, key=lambda k: chances[k])
        factor = min(_SAFETY * chances[best], 8.0, most)
        return (best, _power_of_two(factor)) if factor >= 2.0 else (order, 1.0)

    def notes(self) -> list[str]:
        """Sentences on the run."""
        found = super().notes()
        if self.rejected:
            found.append(f"{self.rejected} further steps were taken again with a shorter length")
        return found


def _power_of_two(factor: float) -> float:
    """The largest power of two that is not above a positive number."""
    return float(2.0 ** np.floor(np.log2(factor)))


def _rescale(differences: np.ndarray, order: int, factor: float) -> None:
    """Turn backward differences of a step h into those of factor·h, of the same polynomial."""
    steps = np.arange(1, order + 1)

    def table(ratio: float) -> np.ndarray:
        rows = np.ones((order + 1, order + 1))
        rows[1:, 1:] = np.cumprod((steps[:, None] - 1 - ratio * steps) / steps[:, None], axis=0)
        rows[1:, 0] = 0.0
        return rows

    change = table(factor) @ table(1.0)
    differences[: order + 1] = change.T @ differences[: order + 1]


def _interpolated(differences: np.ndarray, order: int, h: float, x: float) -> np.ndarray:
    """The polynomial of the backward differences at x steps after the last time."""
    steps = np.arange(order)
    weights = np.cumprod((x + steps) / (1 + steps))
    return differences[0] + weights @ differences[1 : order + 1]
