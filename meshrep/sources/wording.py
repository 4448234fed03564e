"""Words for messages: counts with their plurals, and foreign texts on one line."""

from __future__ import annotations

from typing import Any


def counted(count: int, what: str, plural: str = "") -> str:
    """A count with its noun.

    >>> counted(1, "vertex", "vertices"), counted(2000, "face")
    ('1 vertex', '2,000 faces')
    """
    return f"{count:,} {what if count == 1 else plural or what + 's'}"


def one_line(text: Any, most: int = 160) -> str:
    """Some library's words as one printable line of at most ``most`` characters."""
    printable = "".join(c if c.isprintable() else " " for c in str(text))
    words = " ".join(printable.replace("[0m", "").split()).rstrip(".:")
    return words if len(words) <= most else words[: most - 1] + "…"


def brief(text: str, most: int = 80) -> str:
    """A user's text in a message: ``most`` characters at most, ? for those that do not print.

    >>> brief("z <\\n0.1"), brief("x" * 100, 4)
    ('z <?0.1', 'xxx…')
    """
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= most else text[: most - 1] + "…"
