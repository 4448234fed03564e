"""Settings: each declares its type, range, default and help once, and checks its values."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from meshrep.errors import InputError

BRITISH = {
    "center": "centre", "maximize": "maximise", "minimize": "minimise",
    "neighbors": "neighbours", "optimizer": "optimiser",
}  # fmt: skip
P = ParamSpec("P")
T = TypeVar("T")


def british(word: str) -> str:
    """The British spelling of a word in American spelling; any other word unchanged."""
    return BRITISH.get(word, word)


def both_spellings(function: Callable[P, T]) -> Callable[P, T]:
    """Take the function's keywords in the American spelling too, such as ``neighbors``.

    Raises
    ------
    InputError
        When the function is called with both spellings of a word.
    """

    @functools.wraps(function)
    def spelled(*args: P.args, **kwargs: P.kwargs) -> T:
        for american, name in BRITISH.items():
            if american in kwargs:
                if name in kwargs:
                    raise InputError(f"{name} and {american} are the same: give one of them")
                kwargs[name] = kwargs.pop(american)
        return function(*args, **kwargs)

    return spelled


@dataclass(frozen=True)
class Setting:
    """One setting of a named solver or of an energy.

    Attributes
    ----------
    name : str
        The keyword in Python, and the NAME of ``--set NAME=VALUE``.
    kind : type
        float, int, str or bool.
    help : str
        What it is, in a few words.
    default : object
        Its value when it is not given; None where the solver decides by the problem.
    shown : str
        The default in words, where it depends on the problem.
    least, above, below : float
        The range of a number: at least, greater than, less than.
    choices : tuple of str
        The only values that a text may have.
    words : tuple of str
        Words that are taken in place of a number, such as "auto".
    metavar : str
        The placeholder for the value in help.
    several : bool
        Whether a tuple of such numbers is taken too (on the command line 8,6).

    Examples
    --------
    >>> degree = Setting("degree", int, "degree of the polynomial", default=8, least=1)
    >>> degree.read("12"), degree.values
    (12, 'whole number, 1 or more')
    """

    name: str
    kind: type
    help: str
    default: Any = None
    shown: str = ""
    least: float = -math.inf
    above: float = -math.inf
    below: float = math.inf
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    several: bool = False
    metavar: str = ""

    @property
    def values(self) -> str:
        """The values that are allowed, in words."""
        if self.kind is bool:
            return "true or false"
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.kind is str:
            return "text"
        return " or ".join([*(repr(word) for word in self.words), self._numbers])

    @property
    def _numbers(self) -> str:
        """The range of numbers, in words."""
        if self.kind is int:
            text = "whole number" + (f", {self.least:g} or more" if self.least > -math.inf else "")
        elif self.above == 0 and self.below == math.inf:
            text = "positive number"
        elif self.above > -math.inf and self.below < math.inf:
            text = f"number between {self.above:g} and {self.below:g}"
        elif self.least > -math.inf and self.below < math.inf:
            text = f"number from {self.least:g} to below {self.below:g}"
        elif self.least > -math.inf:
            text = f"number, {self.least:g} or more"
        else:
            text = "finite number"
        return text + (", or several joined by commas" if self.several else "")

    @property
    def default_in_words(self) -> str:
        """The default as tables and help show it."""
        if self.shown:
            return self.shown
        if isinstance(self.default, bool):
            return str(self.default).lower()
        if isinstance(self.default, float):
            return f"{self.default:g}"
        return "–" if self.default is None else f"{self.default}"

    def check(self, value: Any) -> Any:
        """The value, if it is allowed.

        Raises
        ------
        InputError
            When it is not allowed; the message says which values are.
        """
        if self.choices and isinstance(value, str):
            value = british(value)
        if self.several and isinstance(value, tuple | list) and len(value):
            return tuple(self._one(part, value) for part in value)
        return self._one(value, value)

    def _one(self, value: Any, whole: Any) -> Any:
        if isinstance(value, str) and value in (*self.words, *self.choices):
            return value
        if self.kind is bool and isinstance(value, bool):
            return value
        if self.kind is str and isinstance(value, str) and not self.choices:
            return value
        if self.kind in (int, float) and not isinstance(value, bool | str):
            number = self._number(value)
            inside = number is not None and self.least <= number < self.below
            if inside and number > self.above:
                return number
        raise InputError(f"{self.name} must be {_article(self.values)}, not {whole!r}")

    def _number(self, value: Any) -> Any:
        """The value as a finite number of the setting's kind; None if it is not one."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            return None
        if not math.isfinite(number) or (self.kind is int and number != int(number)):
            return None
        whole = self.kind is int and not isinstance(value, float)
        return int(value) if whole else None if self.kind is int else number

    def read(self, text: str) -> Any:
        """Read a value from text and check it; raises as :meth:`check` does."""
        text = text.strip()
        if self.kind is bool:
            known = {"true": True, "yes": True, "on": True, "1": True, "": True,
                     "false": False, "no": False, "off": False, "0": False}  # fmt: skip
            return self.check(known.get(text.lower(), text))
        if self.kind is str or text in self.words:
            return self.check(text)
        parts = [self._from_text(word) for word in text.split(",")] if self.several else None
        if parts is not None and len(parts) > 1:
            return self.check(tuple(parts))
        return self.check(self._from_text(text))

    def _from_text(self, text: str) -> Any:
        try:
            return self.kind(text)
        except ValueError:
            return text  # check refuses it with its own message


def _article(values: str) -> str:
    """The values, with an indefinite article if they describe a number."""
    starts = ("whole", "positive", "number", "finite")
    return f"a {values}" if values.startswith(starts) else values


def checked(owner: str, settings: Iterable[Setting], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values, each checked by the setting of its name.

    Raises
    ------
    InputError
        For a value out of range or an unknown name; the message lists the known names.
    """
    known = {setting.name: setting for setting in settings}
    chosen = {}
    for word, value in given.items():
        name = british(word)
        if name not in known:
            raise InputError(unknown(owner, word, known))
        if value is not None:
            chosen[name] = known[name].check(value)
    return chosen


def unknown(owner: str, name: str, known: Iterable[str]) -> str:
    """The sentence that refuses a setting which the owner does not have."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    has = f"it has {', '.join(names)}" if names else "it has none"
    return f"{owner} has no setting {name!r}: {hint}{has}"
