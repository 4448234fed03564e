"""PLY, text and binary, checked against the file's size before a byte of it is believed.

Read here because trimesh cuts polygons into triangles (edges that the file does not have), and
VTK rounds double coordinates to float32 and crashes the process on damaged files.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import LINE, TRIANGLE, Cells
from meshrep.sources.formats.text import lists_of_numbers, rows_of_numbers, text_of
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


@dataclass
class _Element:
    """One "element" of the header: its properties as (name, type, type of the list's count)."""

    name: str
    count: int
    properties: list[tuple[str, str, str | None]] = field(default_factory=list)

    def least_bytes(self) -> int:
        """The fewest bytes that one record takes in binary; an empty list takes its count."""
        return sum(np.dtype(size or kind).itemsize for _, kind, size in self.properties)

    def column(self, *names: str) -> int | None:
        """The first property that has one of the names."""
        for k, (name, _, _) in enumerate(self.properties):
            if name in names:
                return k
        return None

    def columns(self, *names: str) -> list[int]:
        """The properties of the given names, which are there."""
        return [c for c in map(self.column, names) if c is not None]


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
        return _contents(path, elements, _Binary(path, data, body, order))
    lines = _Lines(path, data, body, _claimed(elements))
    try:
        return _contents(path, elements, lines)
    except InputError as error:
        try:
            return _contents(path, elements, _Words(path, lines.lines))
        except InputError:
            raise error from None


def _contents(path: str, elements: list[_Element], reader: _Lines | _Words | _Binary) -> Raw:
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


def _header(path: str, data: bytes) -> tuple[str, list[_Element], int]:
    """Byte order ("" for text), elements, and where the body begins."""
    if data[:3] != b"ply":
        raise InputError(f"{path}: it does not begin with 'ply': is it a PLY file?")
    ended = _HEADER_END.search(data, 0, 1 << 20)
    if ended is None:
        raise InputError(f"{path}: its header does not end: the file is cut short or damaged")
    order = None
    elements: list[_Element] = []
    for line in data[: ended.start()].decode("latin-1").splitlines():
        words = line.split()
        try:
            match words:
                case ["format", name, *_]:
                    order = _ORDERS[name]
                case ["element", name, count]:
                    elements.append(_Element(name, int(count)))
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


def _claimed(elements: list[_Element]) -> str:
    return "its header claims " + " and ".join(
        counted(e.count, e.name, {"vertex": "vertices"}.get(e.name, "")) for e in elements
    )


def _check_room(path: str, order: str, elements: list[_Element], data: bytes, body: int) -> None:
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


class _Lines:
    """Elements of an ASCII body that has a record a line, as nearly all have."""

    def __init__(self, path: str, data: bytes, body: int, claimed: str) -> None:
        header_lines = len(data[:body].splitlines())
        self.path, self.claimed = path, claimed
        self.lines: list[str] = []
        self.numbers: list[int] = []
        for number, line in enumerate(text_of(data[body:], path, "an ASCII PLY").split("\n"), 1):
            if line.strip():
                self.lines.append(line)
                self.numbers.append(header_lines + number)
        self.at = 0

    def _take(self, element: _Element) -> tuple[list[str], list[int]]:
        start, self.at = self.at, self.at + element.count
        if self.at > len(self.lines):
            raise InputError(
                f"{self.path}: {self.claimed}, but {len(self.lines) - start:,} of "
                f"{element.count:,} lines for '{element.name}' are there: the file is cut short"
            )
        return self.lines[start : self.at], self.numbers[start : self.at]

    def skip(self, element: _Element) -> None:
        if element.properties:
            self._take(element)

    def rows(self, element: _Element, columns: list[int]) -> np.ndarray:
        if any(size for _, _, size in element.properties[: max(columns)]):
            raise InputError(f"{self.path}: a list before the numbers of '{element.name}'")
        lines, numbers = self._take(element)
        return rows_of_numbers(lines, numbers, self.path, columns)

    def lists(self, element: _Element, column: int) -> tuple[np.ndarray, np.ndarray]:
        if any(size for _, _, size in element.properties[:column]):
            raise InputError(f"{self.path}: a list before the list of '{element.name}'")
        lines, numbers = self._take(element)
        return lists_of_numbers(lines, numbers, self.path, skip=column)

    def left(self) -> str:
        """A remark on lines beyond the header's counts; "" if there are none."""
        left = len(self.lines) - self.at
        return f"{counted(left, 'line')} beyond the counts of its header not read" if left else ""


class _Words:
    """Elements of an ASCII body, a sequence of numbers, whatever its lines are."""

    def __init__(self, path: str, lines: list[str]) -> None:
        self.path = path
        self.words = " ".join(lines).split()
        self.at = 0

    def _records(self, element: _Element, column: int) -> Iterator[list[str]]:
        """The words of one property of each record; a list comes with its count."""
        for _ in range(element.count):
            found: list[str] = []
            for k, (_, _, size) in enumerate(element.properties):
                start = self.at
                self.at += 1
                try:
                    self.at += int(self.words[start]) if size else 0
                except (ValueError, IndexError):
                    raise self._damaged(element) from None
                if self.at > len(self.words) or self.at <= start:
                    raise self._damaged(element)
                if k == column:
                    found = self.words[start : self.at]
            yield found

    def _damaged(self, element: _Element) -> InputError:
        return InputError(f"{self.path}: its numbers for '{element.name}' are damaged")

    def skip(self, element: _Element) -> None:
        for _ in self._records(element, 0):
            pass

    def rows(self, element: _Element, columns: list[int]) -> np.ndarray:
        start, found = self.at, []
        for column in columns:
            self.at = start
            found.append([" ".join(words) for words in self._records(element, column)])
        try:
            return np.array(found, dtype=np.float64).T
        except ValueError:
            raise self._damaged(element) from None

    def lists(self, element: _Element, column: int) -> tuple[np.ndarray, np.ndarray]:
        rows = [" ".join(words) for words in self._records(element, column)]
        return lists_of_numbers(rows, range(len(rows)), self.path)

    def left(self) -> str:
        """Refuse words that are left over: the numbers were then not where they seemed to be."""
        if self.at != len(self.words):
            raise InputError(f"{self.path}: more numbers follow than its header counts")
        return ""


class _Binary:
    """Elements of a binary body."""

    def __init__(self, path: str, data: bytes, body: int, order: str) -> None:
        self.path, self.data, self.at, self.order = path, data, body, order

    def _type(self, element: _Element, sizes: list[int]) -> np.dtype:
        """The record's type if its lists had the given sizes."""
        fields: list[tuple] = []
        left = iter(sizes)
        for k, (_, kind, size) in enumerate(element.properties):
            if size:
                fields.append((f"c{k}", self.order + size))
                fields.append((f"p{k}", self.order + kind, (next(left),)))
            else:
                fields.append((f"p{k}", self.order + kind))
        return np.dtype(fields)

    def _sizes_here(self, element: _Element) -> list[int]:
        """Sizes of the lists of the record that begins at ``self.at``."""
        at, sizes = self.at, []
        for _, kind, size in element.properties:
            if size:
                width = np.dtype(size).itemsize
                if at + width > len(self.data):
                    raise self._short(element)
                told = np.frombuffer(self.data, self.order + size, 1, at)[0]
                if not np.isfinite(told) or told != np.floor(told):
                    raise InputError(f"{self.path}: a list of '{element.name}' has {told} numbers")
                count = int(told)
                sizes.append(count)
                at += width + count * np.dtype(kind).itemsize
                if count < 0 or at > len(self.data):
                    raise self._short(element)
            else:
                at += np.dtype(kind).itemsize
        return sizes

    def _short(self, element: _Element) -> InputError:
        return InputError(
            f"{self.path}: a list of '{element.name}' runs past the end of the file: the file is "
            "cut short, or its byte order is not what the header says"
        )

    def _runs(self, element: _Element) -> list[np.ndarray]:
        """All records, in stretches whose lists have equal sizes."""
        runs, left = [], element.count
        guess = left
        while left:
            sizes = self._sizes_here(element)
            kind = self._type(element, sizes)
            fit = min(guess, left, (len(self.data) - self.at) // max(kind.itemsize, 1))
            if fit < 1:
                raise self._short(element)
            records = np.frombuffer(self.data, kind, fit, self.at)
            same = np.ones(fit, dtype=bool)
            lists = (k for k, p in enumerate(element.properties) if p[2])
            for k, size in zip(lists, sizes, strict=True):
                same &= records[f"c{k}"] == size
            length = fit if same.all() else int(np.argmin(same))
            runs.append(records[:length])
            self.at += length * kind.itemsize
            left -= length
            # Look ahead about as far as the last stretch went, so that mixed files stay linear.
            guess = max(64, 2 * length)
        return runs

    def left(self) -> str:
        """A remark on bytes beyond the header's counts; "" if there are none."""
        left = len(self.data) - self.at
        return f"{counted(left, 'byte')} beyond the counts of its header not read" if left else ""

    def skip(self, element: _Element) -> None:
        if element.properties:
            self._runs(element)

    def rows(self, element: _Element, columns: list[int]) -> np.ndarray:
        runs = self._runs(element)
        return np.concatenate([np.stack([r[f"p{c}"] for c in columns], axis=1) for r in runs])

    def lists(self, element: _Element, column: int) -> tuple[np.ndarray, np.ndarray]:
        flat, sizes = [], []
        for run in self._runs(element):
            table = run[f"p{column}"]
            if table.shape[1] == 0 or table.dtype.kind not in "iu":
                raise InputError(f"{self.path}: a list of '{element.name}' is empty or not whole")
            flat.append(table.astype(np.int64).ravel())
            sizes.append(np.full(len(table), table.shape[1]))
        return np.concatenate(flat), np.concatenate(sizes)


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
