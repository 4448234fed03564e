"""STL, text and binary: triangles without numbering; the normaliser joins their corners."""

from __future__ import annotations

import re
from codecs import BOM_UTF8

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import TRIANGLE, Cells
from meshrep.sources.formats.text import rows_of_numbers, text_of
from meshrep.sources.normalise import Raw
from meshrep.sources.wording import counted

_BEFORE_NUMBER = re.compile(r"\s+(?=[-+.]?\d)")
_BEFORE_STATEMENT = re.compile(r"\s+(?=(?:facet|outer|vertex|endloop|endfacet|endsolid)\b)", re.I)
_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def read_stl(path: str, data: bytes) -> Raw:
    """All triangles of an STL file; point 3k+c is corner c of triangle k.

    Libraries return an empty scene for a file that is cut short; here the count decides.
    """
    if b"\0" not in data[80:] and data.removeprefix(BOM_UTF8).lstrip()[:5].lower() == b"solid":
        return _text(path, text_of(data, path, "an STL file"))
    if len(data) < 84:
        raise InputError(f"{path}: it is too short for an STL file ({counted(len(data), 'byte')})")
    return _binary(path, data, int.from_bytes(data[80:84], "little"))


def _binary(path: str, data: bytes, count: int) -> Raw:
    room = (len(data) - 84) // 50
    if count > room:
        raise InputError(
            f"{path}: its header claims {counted(count, 'triangle')}, but the file has room for "
            f"{room:,}: it is cut short, damaged or no STL file"
        )
    if not count:
        raise InputError(f"{path}: it holds no triangles")
    corners = np.frombuffer(data, _RECORD, count, 84)["corners"].reshape(-1, 3)
    left = len(data) - 84 - 50 * count
    remark = f"{counted(left, 'byte')} after the triangles that its header counts not read"
    return _soup(path, corners, (remark,) if left else ())


def _text(path: str, text: str) -> Raw:
    try:
        return _by_lines(path, text)
    except InputError as error:
        # The format is a sequence of words: put each statement on a line.
        text = _BEFORE_STATEMENT.sub("\n", _BEFORE_NUMBER.sub(" ", text))
        try:
            return _by_lines(path, text)
        except InputError:
            raise error from None


def _by_lines(path: str, text: str) -> Raw:
    rows, numbers, begun, ended = [], [], 0, 0
    last = ""
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split(None, 1)
        if not words:
            continue
        last = words[0].lower()
        if last == "vertex":
            rows.append(words[1] if len(words) > 1 else "")
            numbers.append(number)
        elif last == "facet":
            begun += 1
        elif last == "endfacet":
            ended += 1
    if not begun:
        raise InputError(f"{path}: it holds no triangles")
    if begun != ended or len(rows) != 3 * begun or not last.startswith("endsolid"):
        raise InputError(
            f"{path}: it begins {counted(begun, 'facet')}, ends {ended:,} and has "
            f"{counted(len(rows), 'vertex', 'vertices')}: the file is cut short or damaged"
        )
    return _soup(path, rows_of_numbers(rows, numbers, path))


def _soup(path: str, corners: np.ndarray, remarks: tuple[str, ...] = ()) -> Raw:
    cells = Cells.of_kind(TRIANGLE, np.arange(len(corners)).reshape(-1, 3))
    return Raw(path, corners, cells, remarks)
