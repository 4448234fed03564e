"""PLY, text and binary, checked against the file's size before a byte of it is believed.

Read here because trimesh cuts polygons into triangles (edges that the file does not have), and
VTK rounds double coordinates to float32 and crashes the process on damaged files.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import LINE, TRIANGLE, Cells
from meshrep.sources.formats.ply_bodies import Binary, Element, Lines, Words
from meshrep.sources.kinds import TRIANGLE_STRIP, polygons
from meshrep.sources.normalise import Raw
from meshrep.sources.wording import counted

_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "int64": "i8", "uint64": "u8", "float32": "f4",
    "float64": "f8",
}  # fmt: skip
# A header of the old Macintosh ends its lines with "\\r" alone.
_HEADER_END = re.compile(rb"(?<=[\r\n])[ \t]*end_header[ \t]*(\r?\n|\r)")
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


def read_ply(path: str, data: bytes) -> Raw:
    """Vertices, faces, strips and edges of a PLY file, in its own numbering."""
    data = data.removeprefix(BOM_UTF8)
    order, elements, body = _header(path, data)
    vertex = next((e for e in elements if e.name == "vertex"), None)
    if vertex is None or not vertex.count:
        raise InputError(f"{path}: its header declares no vertices")
    if None in (vertex.column(axis) for axis in "xyz"):
        raise InputError(f"{path}: its vertices lack the properties x, y and z")
    _check_room(path, order, elements, data, body)
    if order:
        return _contents(path, elements, Binary(path, data, body, order))
    lines = Lines(path, data, body, _claimed(elements))
    try:
        return _contents(path, elements, lines)
    except InputError as error:
        try:
            return _contents(path, elements, Words(path, lines.lines))
        except InputError:
            raise error from None


def _contents(path: str, elements: list[Element], reader: Lines | Words | Binary) -> Raw:
    """What the elements hold that a graph needs, and remarks on what else there is."""
    points = np.zeros((0, 3))
    parts, remarks = [], []
    for element in elements:
        if element.name == "vertex":
            points = reader.rows(element, element.columns("x", "y", "z"))
        elif element.name == "face" and element.count:
            listed = element.column("vertex_indices", "vertex_index")
            if listed is None:
                raise InputError(f"{path}: its faces lack the list vertex_indices")
            parts.append(polygons(*reader.lists(element, listed)))
        elif element.name == "tristrips" and element.count:
            parts.append(_strips(*reader.lists(element, 0)))
        elif element.name == "edge" and element.count:
            if None in (element.column("vertex1"), element.column("vertex2")):
                raise InputError(f"{path}: its edges lack the properties vertex1 and vertex2")
            ends = reader.rows(element, element.columns("vertex1", "vertex2"))
            parts.append(Cells.of_kind(LINE, ends))
        else:
            reader.skip(element)
            if element.count and element.properties:
                remarks.append(f"{counted(element.count, 'record')} of '{element.name}' not read")
    left = reader.left()
    return Raw(path, points, Cells.join(parts), (*remarks, left) if left else tuple(remarks))


def _header(path: str, data: bytes) -> tuple[str, list[Element], int]:
    """Byte order ("" for text), elements, and where the body begins."""
    if data[:3] != b"ply":
        raise InputError(f"{path}: it does not begin with 'ply': is it a PLY file?")
    ended = _HEADER_END.search(data, 0, 1 << 20)
    if ended is None:
        raise InputError(f"{path}: its header does not end: the file is cut short or damaged")
    order = None
    elements: list[Element] = []
    for line in data[: ended.start()].decode("latin-1").splitlines():
        words = line.split()
        try:
            match words:
                case ["format", name, *_]:
                    order = _ORDERS[name]
                case ["element", name, count]:
                    elements.append(Element(name, int(count)))
                    if elements[-1].count < 0:
                        raise ValueError
                case ["property", "list", size, kind, name]:
                    elements[-1].properties.append((name, _TYPES[kind], _TYPES[size]))
                case ["property", kind, name]:
                    elements[-1].properties.append((name, _TYPES[kind], None))
        except (KeyError, ValueError, IndexError):
            raise InputError(
                f"{path}: its header has a line that PLY does not know: '{' '.join(words)[:60]}'"
            ) from None
    if order is None:
        raise InputError(f"{path}: its header does not say whether it is text or binary")
    return order, elements, ended.end()


def _claimed(elements: list[Element]) -> str:
    return "its header claims " + " and ".join(
        counted(e.count, e.name, {"vertex": "vertices"}.get(e.name, "")) for e in elements
    )


def _check_room(path: str, order: str, elements: list[Element], data: bytes, body: int) -> None:
    """Refuse counts that the bytes after the header cannot hold."""
    have = len(data) - body
    if order == "":
        # A number takes a byte and a blank; the last may lack its blank.
        need = sum(2 * e.count * len(e.properties) for e in elements) - 1
    else:
        need = sum(e.count * e.least_bytes() for e in elements)
    if need > have:
        raise InputError(
            f"{path}: {_claimed(elements)}, at least {counted(need, 'byte')}, but "
            f"{counted(have, 'byte')} follow: the file is cut short or damaged"
        )


def _strips(nodes: np.ndarray, sizes: np.ndarray) -> Cells:
    """Triangle strips; the Stanford files write one list in which -1 ends each strip."""
    ends = np.flatnonzero(nodes == -1)
    if len(sizes) == 1 and len(ends):
        starts = np.concatenate([[0], ends + 1])
        sizes = np.append(ends, len(nodes)) - starts
        nodes = nodes[nodes != -1]
    strips = Cells(
        nodes,
        np.concatenate([[0], np.cumsum(sizes[sizes > 0])]),
        np.full(int((sizes > 0).sum()), TRIANGLE_STRIP),
    )
    lengths = np.diff(strips.offsets)
    kinds = np.where(lengths == 3, TRIANGLE, TRIANGLE_STRIP)
    return Cells(strips.connectivity, strips.offsets, kinds)
