"""Units of lengths, and numbers that must be positive."""

from __future__ import annotations

import numpy as np

from meshrep.errors import InputError

_METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "µm": 1e-6, "um": 1e-6, "km": 1e3, "in": 0.0254,
           "ft": 0.3048}  # fmt: skip


def metres(units: str | float) -> float:
    """The length of a unit in metres."""
    if isinstance(units, str):
        if units not in _METRES:
            raise InputError(
                f"units {units!r} are unknown: choose {', '.join(_METRES)}, or give the length of "
                "the unit in metres"
            )
        return _METRES[units]
    return positive(units, "units") or 1.0


def positive(value: float | None, name: str) -> float | None:
    """The number; None where it was not given.

    Raises
    ------
    InputError
        Where it is no positive number.
    """
    if value is None:
        return None
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not (is_number and 0 < value < np.inf):
        raise InputError(f"{name} must be a positive number, not {value!r}")
    return float(value)
