"""STL, text and binary: triangles without numbering; the normaliser joins their corners."""

from __future__ import annotations

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import TRIANGLE, Cells
from meshrep.sources.formats.wavefront import rows_of_numbers, text_of
from meshrep.sources.normalise import Raw
from meshrep.sources.wording import counted

_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def read_stl(path: str, data: bytes) -> Raw:
    """All triangles of an STL file; point 3k+c is corner c of triangle k.

    Libraries return an empty scene for a file that is cut short; here the count decides.
    """
    if len(data) >= 84:
        count = int.from_bytes(data[80:84], "little")
        if len(data) == 84 + 50 * count or data.lstrip()[:5].lower() != b"solid":
            return _binary(path, data, count)
    if data.lstrip()[:5].lower() != b"solid":
        raise InputError(f"{path}: it is too short for an STL file ({counted(len(data), 'byte')})")
    return _text(path, data)


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
    return _soup(path, corners)


def _text(path: str, data: bytes) -> Raw:
    rows, numbers, begun, ended = [], [], 0, 0
    last = ""
    for number, line in enumerate(text_of(data, path, "an STL file").split("\n"), 1):
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


def _soup(path: str, corners: np.ndarray) -> Raw:
    return Raw(path, corners, Cells.of_kind(TRIANGLE, np.arange(len(corners)).reshape(-1, 3)))
