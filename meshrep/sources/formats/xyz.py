"""Points in .xyz and .pts files that begin with a count: molecules of chemists, scans."""

from __future__ import annotations

import re

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import Cells
from meshrep.sources.formats.text import plain_table
from meshrep.sources.formats.text_tables import is_number
from meshrep.sources.normalise import Raw
from meshrep.sources.wording import counted

_COUNT = re.compile(r"\s*([0-9]{1,12})\s*")
_PROPERTIES = re.compile(r"\bProperties=\"?([^\s\"]+)")


def counted_points(text: str, shown: str, remarks: tuple[str, ...], *, scan: bool) -> Raw | None:
    """The points of a file that begins with their count, or None where it does not.

    The points of a ``scan`` (.pts) follow the count at once, those of an .xyz follow a line of any
    text, which may be blank. A line of a molecule is an element, or its number, and x, y, z; what
    follows is set aside. Extended XYZ says in ``Properties=`` where the positions stand. Of
    several frames the first is read.

    Raises
    ------
    InputError
        Where fewer points follow than were counted, or a line is no point; names the line.
    """
    lines = text.split("\n")
    first = next((k for k, line in enumerate(lines) if line.strip()), 0)
    claimed = _COUNT.fullmatch(lines[first])
    if not claimed:
        return None
    count, told = int(claimed[1]), list(remarks)
    while len(lines) > first + 1 and not lines[-1].strip():
        lines.pop()
    body = lines[first + 1 :]
    at_once = scan or (len(body) == count and _numbers_of(body[0].split()) > 2)
    begin = first + 1 if at_once else first + 2
    there = max(len(lines) - begin, 0)
    if count > there:
        raise InputError(
            f"{shown}: line {first + 1} claims {counted(count, 'point')}, but "
            f"{counted(there, 'line')} follow: it is cut short"
        )
    if not count:
        raise InputError(f"{shown}: line {first + 1} claims no points: it is empty")
    rows = [line.replace(",", " ") for line in lines[begin : begin + count]]
    at = _position(rows[0].split(), "" if at_once else lines[begin - 1])
    points = _columns(rows, at)
    if points is None:
        points = np.array([_point(row, at, begin + k, shown) for k, row in enumerate(rows, 1)])
    rest = [line for line in lines[begin + count :] if line.strip()]
    if rest and _COUNT.fullmatch(rest[0]):
        told.append("the first of several frames is read")
    elif rest:
        told.append(f"{counted(len(rest), 'line')} after the {counted(count, 'point')} left out")
    return Raw(shown, points, Cells.none(), tuple(told))


def _numbers_of(words: list[str]) -> int:
    return sum(map(is_number, words))


def _position(row: list[str], comment: str) -> int:
    """The column of x."""
    properties = _PROPERTIES.search(comment)
    if properties:
        words = properties[1].split(":")
        at = 0
        for name, width in zip(words[::3], words[2::3], strict=False):
            if name.lower() in ("pos", "position", "positions"):
                return at
            at += int(width) if width.isdecimal() else 1
    if not row:
        return 0
    named = not is_number(row[0])
    return 1 if named or (len(row) > 3 and row[0].isdecimal() and "." in row[1]) else 0


def _columns(rows: list[str], at: int) -> np.ndarray | None:
    """Three columns of numbers (rows, 3), or None where a row does not have them."""
    found = plain_table(rows, np.float64, range(at, at + 3))
    return found if found is not None and np.isfinite(found).all() else None


def _point(row: str, at: int, line: int, shown: str) -> list[float]:
    words = row.split()[at : at + 3]
    if len(words) < 3 or not all(map(is_number, words)):
        raise InputError(f"{shown}: line {line} is no point but '{row[:60]}': give it x, y and z")
    return [float(word.lower().replace("d", "e")) for word in words]
