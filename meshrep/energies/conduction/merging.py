"""The statements of two terms of one part as one statement."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from meshrep.energies.conduction.conditions import listed, pairs_of


class Unsaid(Enum):
    """What stands for the conductivity where conditions are alone."""

    CONDUCTIVITY = 0


_LISTS = ("convection", "flux", "radiation", "sides")
_ADDED = ("conductivity", "source")


def merged_statements(
    one: Mapping[str, Any], other: Mapping[str, Any], unsaid: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The keywords of both, with the conditions of the first before those of the second.

    ``unsaid`` holds what each keyword is where it is not given. None where both say something
    that adds otherwise, such as two conductivities, or that differs, such as two thicknesses.
    """
    together: dict[str, Any] = {}
    for name in one:
        first, second = one[name], other[name]
        if name in _LISTS:
            together[name] = [*listed(first), *listed(second)]
        elif _is(second, unsaid[name]):
            together[name] = first
        elif _is(first, unsaid[name]) or (name not in _ADDED and _is(first, second)):
            together[name] = second
        elif name == "fixed" and (pairs := _both(first, second)) is not None:
            together[name] = pairs
        else:
            return None
    return together


def _is(value: Any, other: Any) -> bool:
    """Whether two values are the same number, text or object."""
    if value is other:
        return True
    plain = (int, float, str)
    return isinstance(value, plain) and isinstance(other, plain) and value == other


def _both(first: Any, second: Any) -> list[tuple[Any, Any]] | None:
    one, other = pairs_of(first), pairs_of(second)
    return None if one is None or other is None else [*one, *other]
