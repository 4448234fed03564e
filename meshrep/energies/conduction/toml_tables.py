"""A table of a TOML file, whose values are checked as they are asked for."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from meshrep.errors import InputError, kind_of


@dataclass(frozen=True)
class Table:
    """A table of the file, at a path of keys; unknown keys are refused.

    Attributes
    ----------
    file, path : str
        What errors begin with.
    content : dict
    known : tuple of str
        The keys that it may have.
    """

    file: str
    path: str
    content: Mapping[str, Any]
    known: Iterable[str] = field(default=())

    def __post_init__(self) -> None:
        known = list(self.known)
        for key in self.content if known else ():
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]}? " if near else ""
                raise self.error(key, f"is no key here: {hint}there are {', '.join(known)}")

    def error(self, key: str, what: str) -> InputError:
        """An error that begins with the file and the path of a key."""
        path = ".".join(filter(None, [self.path, key]))
        return InputError(f"{self.file}: {path} {what}")

    def __contains__(self, key: str) -> bool:
        return key in self.content

    def need(self, key: str) -> Any:
        """The value of a key, which must be there."""
        if key not in self.content:
            raise InputError(f"{self.file}: {self.path or 'it'} lacks {key}")
        return self.content[key]

    def text(self, key: str) -> str:
        """A text."""
        value = self.need(key)
        if not isinstance(value, str):
            raise self.error(key, f"must be a text in quotes, not {kind_in_toml(value)}")
        return value

    def number(self, key: str) -> float:
        """A finite number."""
        value = self.need(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(key, f"must be a number, not {kind_in_toml(value)}")
        if not math.isfinite(value):
            raise self.error(key, f"must be finite, not {value}")
        return value

    def amount(self, key: str, *, arrays: bool = False, in_time: bool = True) -> Any:
        """A number; the name of an array of cells; or { t = […], value = […] }."""
        value = self.need(key)
        if isinstance(value, str) and arrays:
            return value
        if isinstance(value, dict) and in_time:
            from meshrep.base.schedules import Schedule

            try:
                return Schedule.of(value)
            except InputError as error:
                raise self.error(key, f"cannot be used: {error}") from None
        return self.number(key)

    def table(self, key: str, known: Iterable[str] = ()) -> Table:
        """The table [key]."""
        value = self.need(key)
        if not isinstance(value, dict):
            name = ".".join(filter(None, [self.path, key]))
            raise self.error(key, f"must be a table [{name}], not {kind_in_toml(value)}")
        return Table(self.file, ".".join(filter(None, [self.path, key])), value, known)

    def tables(self, key: str, known: Iterable[str]) -> Iterator[Table]:
        """The tables [[key]], counted from 1 in errors."""
        value = self.need(key)
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.error(key, f"must be tables [[{key}]], not {kind_in_toml(value)}")
        for number, one in enumerate(value, 1):
            yield Table(self.file, f"{key}[{number}]", one, known)


def kind_in_toml(value: Any) -> str:
    """What a value of TOML is, in the words of its users."""
    names = {bool: "true or false", str: f'the text "{value}"', dict: "a table", list: "a list"}
    if type(value) in (int, float):
        return f"the number {value}"
    return names.get(type(value)) or kind_of(value)
