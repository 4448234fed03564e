"""Names from outside, of files, nodes and arrays, as text that can be printed and written.

The name of a file is bytes, and those that are not UTF-8 reach Python as lone surrogates, which no
encoding takes. Names may also hold ends of lines and the escape codes of terminals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from meshrep.errors import escaped


def shown(name: Any) -> str:
    """A name as text for one line: what does not print is escaped.

    >>> shown("two\\nlines.ply"), shown("red\\x1b[31m"), shown("ü\\udcff")
    ('two\\\\nlines.ply', 'red\\\\x1b[31m', 'ü\\\\udcff')
    """
    return escaped(str(name))


def encodable(name: Any) -> str:
    """A name as text that every file in UTF-8 can hold: surrogates and zeros are escaped.

    >>> encodable("two\\nlines"), encodable("ü\\udcff"), encodable("a\\0b")
    ('two\\nlines', 'ü\\\\udcff', 'a\\\\x00b')
    """
    text = str(name).encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\0", "\\x00")


def distinct(names: Iterable[Any], taken: Iterable[str] = ()) -> list[str]:
    """Names of nodes as texts that every file can hold, of which no two are alike.

    Parameters
    ----------
    names : iterable
    taken : iterable of str
        Texts that stand for something else in the file.

    >>> distinct([1, "1", ("a", 2), "time"], taken=["time"])
    ['1', "'1'", "('a', 2)", "'time'"]
    """
    given, used = list(names), set(taken)
    texts = [encodable(name) for name in given]
    if len(set(texts)) == len(texts) and not used.intersection(texts):
        return texts
    counts = Counter(texts)
    for k, name in enumerate(given):
        text = texts[k]
        if (counts[text] > 1 and isinstance(name, str)) or text in used:
            texts[k] = encodable(repr(name))
        while texts[k] in used:
            texts[k] += f" (node {k})"
        used.add(texts[k])
    return texts
