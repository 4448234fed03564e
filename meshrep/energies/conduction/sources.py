"""Heat that the part makes, whose values may change in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from meshrep.base.schedules import Schedule
from meshrep.energies.conduction.assembly import Part
from meshrep.energies.conduction.materials import Property, names_groups


class Sources:
    """∫ q φ_i at any time, for a q that is a schedule, or has schedules as values of regions.

    Where the schedules give numbers, heat is summed over the cells once for each schedule.

    Parameters
    ----------
    part : Part
    given : what ``Part.load_of`` takes, with schedules
    """

    def __init__(self, part: Part, given: Any) -> None:
        self.part, self.given = part, given
        self._regions: dict[Any, Any] = {None: given}
        self._array: Any = None
        if names_groups(given):
            self._regions = dict(given)
        elif isinstance(given, Mapping) and len(given) == 1:
            array, inner = next(iter(given.items()))
            if isinstance(inner, Mapping):
                self._array, self._regions = array, dict(inner)
        self._changing = {
            key: value for key, value in self._regions.items() if isinstance(value, Schedule)
        }
        self._units: dict[Any, np.ndarray] = {}
        self._steady = self._load(dict.fromkeys(self._changing, 0.0))

    @property
    def schedules(self) -> list[Schedule]:
        """What they follow in time."""
        return list(self._changing.values())

    def at(self, time: float) -> np.ndarray:
        """∫ q φ_i (n,) at a time."""
        values = {key: schedule.at(time) for key, schedule in self._changing.items()}
        if not all(isinstance(value, int | float | np.number) for value in values.values()):
            return self._load(values)
        return sum((q * self._unit(key) for key, q in values.items()), self._steady)

    def property_at(self, time: float) -> Property:
        """q at a time, which is looked up by cell and position."""
        values = {key: schedule.at(time) for key, schedule in self._changing.items()}
        return self.part.source_of(self._given(values))

    def _unit(self, key: Any) -> np.ndarray:
        """The load where one schedule is 1 and everything else 0."""
        if key not in self._units:
            self._units[key] = self._load(dict.fromkeys(self._regions, 0.0) | {key: 1.0})
        return self._units[key]

    def _load(self, values: Mapping[Any, Any]) -> np.ndarray:
        """The load where schedules have these values."""
        return self.part.load_of(self._given(values))

    def _given(self, values: Mapping[Any, Any]) -> Any:
        """What the user gave, where schedules have these values."""
        regions = self._regions | dict(values)
        if self._array is not None:
            return {self._array: regions}
        return regions.get(None, regions)
