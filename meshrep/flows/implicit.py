"""Flows in time by implicit steps of one length: backward Euler and Crank–Nicolson."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from meshrep.errors import SolveError
from meshrep.flows.implicit_steps import Equations

Keep = Callable[[float, np.ndarray], None]
Told = Callable[[float], None]
_TIGHT = 1e-2  # share of rtol times the unit to which fixed steps solve their equations
_LINEAR = 1e-2  # share of rtol to which they solve linear systems


class ImplicitFlow(ABC):
    """A method that goes from one time to the next at which conditions jump."""

    def __init__(self, equations: Equations) -> None:
        self.equations = equations
        self.steps = 0

    def run(
        self, w: np.ndarray, times: np.ndarray, keep: Keep, told: Told, *, smooth: bool
    ) -> None:
        """Go from the first time to the last, and keep the fields of all times after the first.

        Where the conditions jump at such a time, the field after the jump is kept.

        Parameters
        ----------
        w : (n,) array
            The field at the first time.
        times : (k,) array
            Increasing.
        smooth : bool
            Whether the flow goes on from an earlier run, so that nothing has jumped.
        """
        begin, end = float(times[0]), float(times[-1])
        jumps = [s.jumps for s in self.equations.energy.schedules]
        inside = np.unique(np.concatenate([np.zeros(0), *jumps]))
        bounds = [begin, *inside[(inside > begin) & (inside < end)].tolist(), end]
        for low, high in pairwise(bounds):
            w = self.equations.hold(w, low)
            between = times[(times > low) & (times < high)].tolist()
            w = self.cross(w, (low, high), between, keep, told, smooth=smooth and low == begin)
            if high in times:
                keep(high, self.equations.hold(w.copy(), high))

    @abstractmethod
    def cross(
        self, w: np.ndarray, span: tuple[float, float], times: list[float], keep: Keep,
        told: Told, *, smooth: bool,
    ) -> np.ndarray:  # fmt: skip
        """Go from span[0] to span[1], between which conditions are continuous.

        Parameters
        ----------
        w : (n,) array
            The field at span[0].
        times : list of float
            Times between the ends of the span: ``keep`` is called with each and its field.
        told : function
            Called with the time that was reached.
        smooth : bool
            Whether the flow goes on from an earlier run, so that nothing has jumped.

        Returns
        -------
        (n,) array
            The field at span[1], before conditions jump.
        """

    def notes(self) -> list[str]:
        """Sentences on the run."""
        system = self.equations.system
        found = [system.note] if system.note else []
        one, many = ("hierarchy", "hierarchies") if system.iterations else (
            "factorisation", "factorisations"
        )  # fmt: skip
        count = system.factorisations
        found.append(f"{count} {one if count == 1 else many} for {self.steps:,} steps")
        return found


class EqualImplicitSteps(ImplicitFlow):
    """Backward Euler, of order 1, or Crank–Nicolson, of order 2, with steps of at most dt.

    Crank–Nicolson hardly damps what changes within a step. Therefore two steps after the start,
    and after each jump, are four half steps of backward Euler, which has the same matrix
    (Rannacher 1984).
    """

    def __init__(self, equations: Equations, dt: float, rtol: float, *, second_order: bool) -> None:
        super().__init__(equations)
        self.dt, self.rtol, self.second_order = dt, rtol, second_order

    def cross(
        self, w: np.ndarray, span: tuple[float, float], times: list[float], keep: Keep,
        told: Told, *, smooth: bool,
    ) -> np.ndarray:  # fmt: skip
        """Take a whole number of equal steps between the times that are kept."""
        rough = 0 if smooth or not self.second_order else 2
        now, end = span
        for stop in [*times, end]:
            count = max(1, int(np.ceil((stop - now) / self.dt * (1 - 1e-9))))
            dt, begun = (stop - now) / count, now
            for k in range(count):
                after = stop if k == count - 1 else begun + (k + 1) * dt
                if rough:
                    rough -= 1
                    middle = self._euler(w, now + 0.5 * dt, 0.5 * dt, end)
                    w = self._euler(middle, after, 0.5 * dt, end)
                elif self.second_order:
                    w = self._crank_nicolson(w, now, after, dt, end)
                else:
                    w = self._euler(w, after, dt, end)
                now = after
                told(now)
            if stop < end:
                keep(stop, w)
        return w

    def _euler(self, w: np.ndarray, after: float, dt: float, end: float) -> np.ndarray:
        return self._stepped(after, w, 1.0 / dt, 0.0, end)

    def _crank_nicolson(
        self, w: np.ndarray, now: float, after: float, dt: float, end: float
    ) -> np.ndarray:
        before = self.equations.force(w, now)
        return self._stepped(after, w, 2.0 / dt, before, end)

    def _stepped(
        self, after: float, w: np.ndarray, alpha: float, given: np.ndarray | float, end: float
    ) -> np.ndarray:
        self.steps += 1
        time = before_end(end, after)
        size = _TIGHT * self.rtol * self.equations.unit
        found = self.equations.solve(time, w, w, alpha, given, size, _LINEAR * self.rtol)
        if found is None:
            raise SolveError(
                f"Newton's method did not find the field at t = {after:g}: take a shorter dt, or "
                "the method bdf, which chooses its steps"
            )
        return found


def before_end(end: float, time: float) -> float:
    """A time, or the last number before the end of a span, at which conditions may jump."""
    return min(time, float(np.nextafter(end, -np.inf)))
