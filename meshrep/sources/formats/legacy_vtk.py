"""Legacy .vtk files, counted before VTK reads them.

VTK takes numbers that are missing for zeros, believes any count, and passes over what is beyond it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from meshrep.errors import InputError

_WORD = re.compile(r"(?<!\S)(?!(?:nan(?:\(\S*\))?|inf|infinity)(?!\S))[A-Za-z_]\S*", re.I)
_HEAD = re.compile(rb"[^\n]*\n[^\n]*\n\s*(ASCII|BINARY)\b", re.I)
_BINARY_POINTS = re.compile(rb"^\s*POINTS\s+(\d{1,30})\d*\s+(\w+)", re.I | re.M)
_CELLS = ("VERTICES", "LINES", "POLYGONS", "TRIANGLE_STRIPS", "CELLS")
_WIDTHS = {"double": 8, "long": 8, "unsigned_long": 8, "vtkidtype": 8, "float": 4, "int": 4,
           "unsigned_int": 4, "short": 2, "unsigned_short": 2}  # fmt: skip
# The numbers of an attribute for each point or cell, from the words of its keyword's line.
_ATTRIBUTES: dict[str, tuple[int, Callable[[list[str]], int]]] = {
    "VECTORS": (2, lambda words: 3),
    "NORMALS": (2, lambda words: 3),
    "TENSORS": (2, lambda words: 9),
    "TENSORS6": (2, lambda words: 6),
    "TEXTURE_COORDINATES": (3, lambda words: int(words[1])),
    "COLOR_SCALARS": (2, lambda words: int(words[1])),
}


def refuse_wrong_counts(data: bytes, path: str) -> None:
    """Raise where a section of a legacy file holds fewer or more numbers than it declares.

    Only the count of points is checked in a binary file: VTK complains of the rest by itself.

    Raises
    ------
    InputError
        Naming the section, the numbers declared and those found.
    """
    head = _HEAD.match(data)
    if head is None:
        return
    if head[1].upper() == b"ASCII":
        _Sections(data[head.end() :].decode("latin-1"), path).check()
    elif points := _BINARY_POINTS.search(data, head.end()):
        width = _WIDTHS.get(points[2].decode("latin-1").lower(), 1)
        _refuse_short(path, "POINTS", 3 * int(points[1]), (len(data) - points.end()) // width)


def _refuse_short(path: str, name: str, need: int, found: int) -> None:
    if found < need:
        raise InputError(
            f"{path}: its section {name} declares {need:,} numbers and holds {found:,}: "
            "the file is cut short or damaged"
        )


class _Sections:
    """The sections of an ASCII file: keywords with a few words each, then numbers.

    Lines mean nothing to VTK: numbers may begin on the keyword's own.
    """

    def __init__(self, text: str, path: str) -> None:
        self.text, self.path = text, path
        self.at = 0
        self.tuples = 0  # of the attributes that follow

    def check(self) -> None:
        """Go through all sections."""
        while word := _WORD.search(self.text, self.at):
            self.at = word.end()
            try:
                self._section(word[0].upper())
            except InputError:
                raise
            except (ValueError, IndexError):
                raise InputError(
                    f"{self.path}: its section {word[0]} does not say how many numbers it has: "
                    "is it complete?"
                ) from None

    def _section(self, name: str) -> None:
        if name == "POINTS":
            self._numbers(name, 3 * int(self._words(2)[0]))
        elif name in ("X_COORDINATES", "Y_COORDINATES", "Z_COORDINATES"):
            self._numbers(name, int(self._words(2)[0]))
        elif name in _CELLS:
            count, size = map(int, self._words(2))
            if self._next().upper() != "OFFSETS":
                self._refuse_other_count(name, count, self._numbers(name, size))
                return
            for part, need in (("OFFSETS", count), ("CONNECTIVITY", size)):
                self._words(2)  # the part's name and its type
                self._numbers(part, need)
        elif name == "CELL_TYPES":
            self._numbers(name, int(self._words(1)[0]))
        elif name in ("POINT_DATA", "CELL_DATA"):
            self.tuples = int(self._words(1)[0])
        elif name in _ATTRIBUTES:
            words, per_tuple = _ATTRIBUTES[name]
            self._numbers(name, self.tuples * per_tuple(self._words(words)))
        elif name == "SCALARS":
            self._words(2)
            components = int(self._words(1)[0]) if self._next().isdecimal() else 1
            if self._next().upper() == "LOOKUP_TABLE":
                self._words(2)
            self._numbers(name, self.tuples * components)
        elif name == "LOOKUP_TABLE":
            self._numbers(name, 4 * int(self._words(2)[1]))
        elif name == "FIELD":
            for _ in range(int(self._words(2)[1])):
                self._field_array()
        elif name == "METADATA":
            self._pass_metadata()

    def _field_array(self) -> None:
        if self._next().upper() == "METADATA":
            self._pass_metadata()
        name, components, tuples, kind = self._words(4)
        need = int(components) * int(tuples)
        if kind.lower() != "string":
            self._numbers(f"FIELD array {name}", need)
            return
        self.at = (self.text.find("\n", self.at) + 1) or len(self.text)
        for found in range(need):  # a text a line
            if self.at == len(self.text):
                _refuse_short(self.path, f"FIELD array {name}", need, found)
            self.at = (self.text.find("\n", self.at) + 1) or len(self.text)

    def _pass_metadata(self) -> None:
        """It ends with an empty line."""
        empty = re.compile(r"\n[ \t\r]*(\n|\Z)").search(self.text, self.at)
        self.at = empty.end() if empty else len(self.text)

    def _next(self) -> str:
        """The next word, left where it is; "" at the end."""
        found = re.compile(r"\s*(\S+)").match(self.text, self.at)
        return found[1] if found else ""

    def _words(self, count: int) -> list[str]:
        """The next words; IndexError where the text ends first."""
        found = re.compile(r"\s*(\S+)" * count).match(self.text, self.at)
        if found is None:
            raise IndexError
        self.at = found.end()
        return list(found.groups())

    def _refuse_other_count(self, name: str, count: int, words: list[str]) -> None:
        """Raise where lists of cells, each after its size, are not as many as declared."""
        at = found = 0
        while at < len(words):
            size = int(words[at])
            if size < 0:
                break
            at += 1 + size
            found += 1
        if at != len(words) or found != count:
            raise InputError(
                f"{self.path}: its section {name} declares {count:,} cells, and the sizes in its "
                f"list make {found:,}: the file is damaged"
            )

    def _numbers(self, name: str, need: int) -> list[str]:
        """Pass over the numbers up to the next word, which should be as many as needed."""
        following = _WORD.search(self.text, self.at)
        end = following.start() if following else len(self.text)
        words = self.text[self.at : end].split()
        found = len(words)
        self.at = end
        _refuse_short(self.path, name, need, found)
        if found > need:
            raise InputError(
                f"{self.path}: its section {name} declares {need:,} numbers and holds {found:,}: "
                "correct its counts"
            )
        return words
