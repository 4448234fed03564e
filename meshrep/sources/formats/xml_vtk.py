"""VTK's XML formats: the counts of pieces against what their arrays hold.

VTK reads as many points and cells as a piece counts. It passes over any more without a word, and
takes the coordinates of a grid that are missing from memory that was not set.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping

from meshrep.errors import InputError

_TAG = re.compile(
    rb"<(Piece|Points|Coordinates|Cells|Verts|Lines|Strips|Polys|PointData|CellData|DataArray)\b([^>]*)>"
)
_ATTRIBUTE = re.compile(rb"""(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_SIGNED = re.compile(rb"[-+]?\d{1,18}")
_WIDTHS = {b"Int8": 1, b"UInt8": 1, b"Int16": 2, b"UInt16": 2, b"Int32": 4, b"UInt32": 4,
           b"Float32": 4, b"Int64": 8, b"UInt64": 8, b"Float64": 8}  # fmt: skip

Attributes = Mapping[bytes, bytes]


def refuse_other_counts(data: bytes, path: str) -> None:
    """Raise where a piece counts fewer or more points or cells than its arrays hold.

    An array that does not tell how much it holds is left to VTK.

    Raises
    ------
    InputError
        Naming the array.
    """
    head, mark, appended = data.partition(b"<AppendedData")
    begin = appended.find(b"_") + 1
    raw = b"base64" not in appended[:begin]
    file = _attributes(head[: head.find(b">", head.find(b"<VTKFile")) + 1])
    piece: Attributes = {}
    section, arrays = b"", 0  # the part of the piece, and how many of its arrays are behind
    for tag in _TAG.finditer(head):
        name, given = tag[1], _attributes(tag[2])
        if name == b"Piece":
            piece = given
        if name != b"DataArray":
            section, arrays = name, 0
            continue
        need = _needed(section, given, piece, arrays)
        arrays += 1
        width = _WIDTHS.get(given.get(b"type", b""), 0)
        if need is None or not width:
            continue
        form = given.get(b"format", b"ascii")
        content = head[tag.end() : head.find(b"<", tag.end())]
        if form == b"ascii":
            found = len(content.split())
        else:
            coded = form == b"binary" or not raw
            if form == b"appended":
                start = begin + _whole(given.get(b"offset", b""), 0)
                content = appended[start : start + 64] if mark else b""
            found = _bytes_of(content.strip()[:64] if coded else content, file, coded) // width
        if found and found != need:
            raise InputError(
                f"{path}: its array '{given.get(b'Name', section).decode('latin-1')[:40]}' holds "
                f"{found:,} numbers, and its piece counts {need:,}: correct its counts"
            )


def _attributes(text: bytes) -> Attributes:
    return {key: first or second for key, first, second in _ATTRIBUTE.findall(text)}


def _whole(text: bytes, other: int) -> int:
    return int(text) if text.strip().isdigit() and len(text) < 19 else other


def _needed(section: bytes, array: Attributes, piece: Attributes, before: int) -> int | None:
    """How many numbers an array should hold; None where that is not checked.

    ``before`` are the arrays of its section that stand before it.
    """
    if section == b"Coordinates":
        ends = piece.get(b"Extent", b"").split()[2 * before : 2 * before + 2]
        if len(ends) < 2 or not all(_SIGNED.fullmatch(end) for end in ends):
            return None
        return max(int(ends[1]) - int(ends[0]) + 1, 0)
    name = array.get(b"Name", b"")
    if section == b"Points":
        count, each = piece.get(b"NumberOfPoints"), _whole(array.get(b"NumberOfComponents", b""), 3)
    elif name == b"offsets" or (section == b"Cells" and name == b"types"):
        count, each = piece.get(b"NumberOf" + section), 1
    else:
        return None
    return None if count is None or _whole(count, -1) < 0 else _whole(count, 0) * each


def _bytes_of(content: bytes, file: Attributes, coded: bool) -> int:
    """How many bytes an array holds by the numbers before it, which may be coded in base64."""
    width = 8 if file.get(b"header_type") == b"UInt64" else 4
    compressed = bool(file.get(b"compressor"))
    size = width * (3 if compressed else 1)
    if coded:
        try:
            content = base64.b64decode(content[: 4 * -(-size // 3)])
        except (binascii.Error, ValueError):
            return 0
    order = ">" if file.get(b"byte_order") == b"BigEndian" else "<"
    if len(content) < size:
        return 0
    numbers = struct.unpack_from(f"{order}{size // width}{'Q' if width == 8 else 'I'}", content)
    if not compressed:
        return int(numbers[0])
    blocks, each, last = numbers
    return int((blocks - 1) * each + (last or each)) if blocks else 0
