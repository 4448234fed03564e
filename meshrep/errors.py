"""What can go wrong, as types whose messages say what, where and what to do."""

from __future__ import annotations

import pickle

_MOST, _END = 560, 120  # characters of a text, and of its end where it is cut


def escaped(text: str) -> str:
    """A text as one line that prints: what does not is escaped.

    >>> escaped("two\\nlines"), escaped("red\\x1b[31m"), escaped("ü\\udcff")
    ('two\\\\nlines', 'red\\\\x1b[31m', 'ü\\\\udcff')
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class MeshrepError(Exception):
    """Base of every error that meshrep raises on purpose; its text is one clear sentence.

    Whatever it quotes, the text is one line that prints, and long ones are cut in the middle.
    """

    exit_code = 1

    def __str__(self) -> str:
        line = escaped(super().__str__())
        return line if len(line) <= _MOST else f"{line[: _MOST - _END]} … {line[-_END:]}"


class InputError(MeshrepError, ValueError):
    """The input (a file, an option, an argument) cannot be used as it is."""

    exit_code = 2


class SolveError(MeshrepError, RuntimeError):
    """A solver could not bring the problem to an end."""

    exit_code = 1


class NotPickled(InputError, pickle.PicklingError):
    """An object holds something that pickle cannot carry, such as a lambda."""


class MissingPart(InputError, ImportError):
    """An optional package is needed here and is not installed.

    Parameters
    ----------
    package : str
        The name that would be imported.
    purpose : str
        What it is needed for: a verb that completes "… is needed to".
    extra : str
        The extra of meshrep that installs it.
    """

    def __init__(self, package: str, purpose: str, extra: str) -> None:
        super().__init__(
            f"{package} is needed to {purpose} and is not installed: pip install 'meshrep[{extra}]'"
        )
        self.package = package


def kind_of(thing: object) -> str:
    """What a thing is, for a message.

    >>> kind_of(7), kind_of("seven"), kind_of(None)
    ('an int', 'a str', 'None')
    """
    if thing is None:
        return "None"
    name = type(thing).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def in_words(error: BaseException) -> str:
    """An error in one line; its type is named where its text alone may say too little.

    >>> in_words(ValueError("too long")), in_words(KeyError("w")), in_words(MemoryError())
    ('too long', "KeyError: 'w'", 'MemoryError')
    """
    text, name = " ".join(str(error).split()), type(error).__name__
    if not text:
        return name
    telling = (MeshrepError, ArithmeticError, MemoryError, RuntimeError, ValueError)
    return text if isinstance(error, telling) else f"{name}: {text}"
