"""Values that change in time: tables and functions of t."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.pickling import Lean
from meshrep.errors import InputError, kind_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Schedule(Lean):
    """A value that changes in time, to stand where a number may stand.

    Parameters
    ----------
    times : (k,) array, or function
        Times that do not decrease, of a table; or a function of t that returns the value, which
        may be anything that may stand in its place.
    values : (k,) array, optional
        The values of a table at these times. Between them it is linear, before the first and after
        the last one constant. Where a time stands twice, it jumps from the first value to the
        second, which holds at this time.
    jumps : (j,) array, optional
        Times at which a function jumps.

    Raises
    ------
    InputError
        For times and values that make no table.

    Examples
    --------
    >>> import meshrep
    >>> oven = meshrep.Schedule([0, 60, 60, 90], [20, 80, 120, 120])
    >>> oven.at(30), oven.at(60), oven.at(1000)
    (50.0, 120.0, 120.0)
    >>> meshrep.Schedule(lambda t: 20 + t / 2).at(30)
    35.0
    """

    def __init__(
        self,
        times: ArrayLike | Callable[[float], Any],
        values: ArrayLike | None = None,
        *,
        jumps: ArrayLike = (),
    ) -> None:
        self.function: Callable[[float], Any] | None = None
        self.times, self.values = np.zeros(0), np.zeros(0)
        if callable(times):
            if values is not None:
                raise InputError("a schedule is a table of times and values, or a function of t")
            self.function = times
            self.jumps = np.unique(_numbers(jumps, "the jumps of a schedule"))
            return
        if values is None:
            raise InputError("a schedule of times needs their values: Schedule(times, values)")
        self.times = _numbers(times, "the times of a schedule")
        self.values = _numbers(values, "the values of a schedule")
        if len(self.times) != len(self.values) or not len(self.times):
            raise InputError(
                f"a schedule needs one value for each time, not {len(self.values)} for "
                f"{len(self.times)}"
            )
        apart = np.diff(self.times)
        if (apart < 0).any():
            where = int((apart < 0).argmax())
            raise InputError(
                f"the times of a schedule must not decrease: {self.times[where + 1]:g} follows "
                f"{self.times[where]:g}"
            )
        twice = self.times[1:][apart == 0]
        if len(np.unique(twice)) < len(twice):
            raise InputError("a time of a schedule stands more than twice: give it two values")
        self.jumps = twice

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Schedule:
        """The schedule of a mapping with "t" and "value", as files of problems have it.

        >>> Schedule.of({"t": [0, 60], "value": [20, 80]}).at(15)
        35.0
        """
        if not isinstance(table, Mapping) or set(table) != {"t", "value"}:
            raise InputError(
                "a value that changes in time is written { t = [0, 60], value = [20, 80] }"
            )
        return cls(table["t"], table["value"])

    def at(self, time: float) -> Any:
        """The value at a time; where it jumps, the value after."""
        if self.function is not None:
            return self.function(time)
        after = int(np.searchsorted(self.times, time, side="right"))
        if after in (0, len(self.times)):
            return float(self.values[min(after, len(self.times) - 1)])
        begin, end = self.times[after - 1 : after + 1]
        low, high = self.values[after - 1 : after + 1]
        return float(low + (high - low) * ((time - begin) / (end - begin)))


def value_at(value: Any, time: float) -> Any:
    """What may be a schedule, at a time."""
    return value.at(time) if isinstance(value, Schedule) else value


def _numbers(given: Any, name: str) -> np.ndarray:
    try:
        values = np.atleast_1d(np.array(given, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers, not {kind_of(given)}") from None
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(f"{name} must be a list of finite numbers")
    return values
