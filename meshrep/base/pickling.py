"""What pickles and copies of an object carry, and what cannot be pickled."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from functools import cached_property, partial
from types import FunctionType, MethodType
from typing import Any

from meshrep.errors import NotPickled, kind_of

_BY_VALUE = ("copy", "cloudpickle", "dill")  # packages that carry functions whole, or share them


class Lean:
    """Objects whose pickles and copies leave out cached properties, which are rebuilt when needed.

    pickle finds functions and classes by their names. Where an object holds a function or is of a
    class that has no name in its module, the pickle is refused by one sentence. joblib, which
    carries functions whole, takes them.

    Raises
    ------
    NotPickled
        When the object is pickled and holds a lambda, or a function or class that was made inside
        a function.

    >>> class Square(Lean):
    ...     def __init__(self, side):
    ...         self.side = side
    ...
    ...     @cached_property
    ...     def area(self):
    ...         return self.side**2
    >>> square = Square(3)
    >>> square.area, square.__getstate__()
    (9, {'side': 3})
    """

    def __getstate__(self) -> dict[str, Any]:
        kind = type(self)
        return {
            name: value
            for name, value in vars(self).items()
            if not isinstance(getattr(kind, name, None), cached_property)
        }

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not _carried_whole():
            _check_names(self)
        return super().__reduce_ex__(protocol)


def check_named(function: Any, where: str) -> None:
    """Raise NotPickled if a function or class cannot be found by its name, as pickle does.

    Parameters
    ----------
    function : function, method, partial or class
    where : str
        Begins the sentence: what cannot be pickled, and what part of it the function is.
    """
    if isinstance(function, partial):
        function = function.func
    if isinstance(function, MethodType):
        function = function.__func__
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, AttributeError) as error:
        shown = getattr(function, "__qualname__", kind_of(function))
        if isinstance(function, FunctionType) and function.__name__ == "<lambda>":
            code = function.__code__
            shown = f"the lambda in line {code.co_firstlineno} of {code.co_filename}"
        raise NotPickled(
            f"{where} {shown}, and pickle finds functions and classes by their names: define it "
            "by def or class at the top level of a module"
        ) from error


def _check_names(holder: object) -> None:
    """Check the class of an object, and the functions among its attributes."""
    this = type(holder).__name__
    check_named(type(holder), f"this {this} cannot be pickled: its class is")
    for name, value in vars(holder).items():
        for function in _functions(value):
            check_named(function, f"this {this} cannot be pickled: its {name.strip('_')} is")


def _functions(value: Any) -> Iterator[Any]:
    """The functions in a value: itself, or those of a tuple, a list or a mapping."""
    if isinstance(value, tuple | list):
        for part in value:
            yield from _functions(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _functions(part)
    elif isinstance(value, FunctionType | MethodType | partial):
        yield value


def _carried_whole() -> bool:
    """Whether what runs is a copy, or a pickler that carries functions whole and not by name."""
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if any(name in module.split(".") for name in _BY_VALUE):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False
