"""The bodies of PLY files: the records of their elements, as text and in binary."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from meshrep.errors import InputError
from meshrep.sources.formats.text import lists_of_numbers, rows_of_numbers, text_of
from meshrep.sources.wording import counted

# The types as the module struct calls them.
_CODES = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q",
          "f4": "f", "f8": "d"}  # fmt: skip


@dataclass
class Element:
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


class Lines:
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
        self.surplus = 0  # numbers on lines that hold more than their records

    def _take(self, element: Element) -> tuple[list[str], list[int]]:
        start, self.at = self.at, self.at + element.count
        if self.at > len(self.lines):
            raise InputError(
                f"{self.path}: {self.claimed}, but {len(self.lines) - start:,} of "
                f"{element.count:,} lines for '{element.name}' are there: the file is cut short"
            )
        return self.lines[start : self.at], self.numbers[start : self.at]

    def skip(self, element: Element) -> None:
        """Pass over the records of an element."""
        if element.properties:
            self._take(element)

    def rows(self, element: Element, columns: list[int]) -> np.ndarray:
        """Plain numbers of the records of an element, shape (records, columns)."""
        if any(size for _, _, size in element.properties[: max(columns)]):
            raise InputError(f"{self.path}: a list before the numbers of '{element.name}'")
        lines, numbers = self._take(element)
        self._compare(element, lines, 0)
        return rows_of_numbers(lines, numbers, self.path, columns)

    def lists(self, element: Element, column: int) -> tuple[np.ndarray, np.ndarray]:
        """One list of each record of an element, as flat numbers and sizes (records,)."""
        if any(size for _, _, size in element.properties[:column]):
            raise InputError(f"{self.path}: a list before the list of '{element.name}'")
        lines, numbers = self._take(element)
        nodes, sizes = lists_of_numbers(lines, numbers, self.path, skip=column)
        self._compare(element, lines, len(nodes))
        return nodes, sizes

    def _compare(self, element: Element, lines: list[str], listed: int) -> None:
        """Count the numbers that lines hold beyond those of their records."""
        if sum(size is not None for _, _, size in element.properties) == bool(listed):
            held = sum(len(line.split()) for line in lines)
            self.surplus += max(0, held - listed - len(lines) * len(element.properties))

    def left(self) -> str:
        """A remark on lines and numbers beyond the header's counts; "" if there are none."""
        left = len(self.lines) - self.at
        told = [counted(left, "line")] * bool(left)
        told += [counted(self.surplus, "number")] * bool(self.surplus)
        return f"{' and '.join(told)} beyond the counts of its header not read" if told else ""


class Words:
    """Elements of an ASCII body, a sequence of numbers, whatever its lines are."""

    def __init__(self, path: str, lines: list[str]) -> None:
        self.path = path
        self.words = " ".join(lines).split()
        self.at = 0

    def _records(self, element: Element, column: int) -> Iterator[list[str]]:
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

    def _damaged(self, element: Element) -> InputError:
        return InputError(f"{self.path}: its numbers for '{element.name}' are damaged")

    def skip(self, element: Element) -> None:
        """Pass over the records of an element."""
        for _ in self._records(element, 0):
            pass

    def rows(self, element: Element, columns: list[int]) -> np.ndarray:
        """Plain numbers of the records of an element, shape (records, columns)."""
        start, found = self.at, []
        for column in columns:
            self.at = start
            found.append([" ".join(words) for words in self._records(element, column)])
        try:
            return np.array(found, dtype=np.float64).T
        except ValueError:
            raise self._damaged(element) from None

    def lists(self, element: Element, column: int) -> tuple[np.ndarray, np.ndarray]:
        """One list of each record of an element, as flat numbers and sizes (records,)."""
        rows = [" ".join(words) for words in self._records(element, column)]
        return lists_of_numbers(rows, range(len(rows)), self.path)

    def left(self) -> str:
        """Refuse words that are left over: the numbers were then not where they seemed to be."""
        if self.at != len(self.words):
            raise InputError(f"{self.path}: more numbers follow than its header counts")
        return ""


class Binary:
    """Elements of a binary body."""

    def __init__(self, path: str, data: bytes, body: int, order: str) -> None:
        self.path, self.data, self.at, self.order = path, data, body, order

    def _alike(self, element: Element) -> np.ndarray | None:
        """All records, where each list has the size that it has in the first; else None."""
        first = self._places(element, 1)[1][0].tolist()
        fields: list[tuple] = []
        left = iter(first)
        for k, (_, kind, size) in enumerate(element.properties):
            if size:
                fields.append((f"c{k}", self.order + size))
                fields.append((f"p{k}", self.order + kind, (next(left),)))
            else:
                fields.append((f"p{k}", self.order + kind))
        whole = np.dtype(fields)
        if element.count * whole.itemsize > len(self.data) - self.at:
            return None
        records = np.frombuffer(self.data, whole, element.count, self.at)
        lists = (k for k, p in enumerate(element.properties) if p[2])
        if any((records[f"c{k}"] != size).any() for k, size in zip(lists, first, strict=False)):
            return None
        self.at += element.count * whole.itemsize
        return records

    def _places(self, element: Element, count: int) -> tuple[np.ndarray, np.ndarray, int]:
        """Where the lists of records begin and how many numbers each has, and where all end.

        Both are of shape (count, lists).
        """
        gaps, lists = _layout(element)
        plan = [
            (gap, struct.Struct((self.order or "<") + _CODES[size]), np.dtype(kind).itemsize)
            for gap, (_, kind, size) in zip(gaps, lists, strict=False)
        ]
        at, begins, sizes = self.at, array("q"), array("q")
        try:
            for _ in range(count):
                for gap, told, width in plan:
                    at += gap
                    size = told.unpack_from(self.data, at)[0]
                    at += told.size
                    begins.append(at)
                    if size.__class__ is float:
                        size = self._whole(size, element)
                    sizes.append(size)
                    if size < 0:
                        raise self._short(element)
                    at += size * width
                at += gaps[-1]
        except (struct.error, OverflowError):
            raise self._short(element) from None
        if at > len(self.data):
            raise self._short(element)
        shape = count, len(lists)
        return (
            np.frombuffer(begins, np.int64).reshape(shape),
            np.frombuffer(sizes, np.int64).reshape(shape),
            at,
        )

    def _whole(self, size: float, element: Element) -> int:
        if not size.is_integer():
            raise InputError(f"{self.path}: a list of '{element.name}' has {size} numbers")
        return int(size)

    def _short(self, element: Element) -> InputError:
        return InputError(
            f"{self.path}: a list of '{element.name}' runs past the end of the file: the file is "
            "cut short, or its byte order is not what the header says"
        )

    def _columns(self, element: Element, columns: list[int]) -> list[tuple]:
        """The numbers of some properties, one record after the other, and how many each has."""
        records = self._alike(element)
        if records is not None:
            tables = [records[f"p{k}"].reshape(element.count, -1) for k in columns]
            return [(of.ravel(), np.full(element.count, of.shape[1])) for of in tables]
        begins, sizes, end = self._places(element, element.count)
        starts, self.at = np.append(self.at, np.zeros(element.count - 1, np.int64)), end
        gaps, lists = _layout(element)
        widths = [np.dtype(kind).itemsize for _, kind, _ in lists]
        starts[1:] = begins[:-1, -1] + sizes[:-1, -1] * widths[-1] + gaps[-1]
        found = {}
        at, j = starts, 0
        for k, (_, kind, size) in enumerate(element.properties):
            if size:
                if k in columns:
                    found[k] = self._gathered(begins[:, j], sizes[:, j], kind), sizes[:, j]
                at, j = begins[:, j] + sizes[:, j] * widths[j], j + 1
                continue
            if k in columns:
                one = np.ones(element.count, np.int64)
                found[k] = self._gathered(at, one, kind), one
            at = at + np.dtype(kind).itemsize
        return [found[k] for k in columns]

    def _gathered(self, begins: np.ndarray, sizes: np.ndarray, kind: str) -> np.ndarray:
        """The numbers of lists that begin at some bytes, one list after the other."""
        width = np.dtype(kind).itemsize
        before = np.cumsum(sizes) - sizes
        place = np.repeat(begins - width * before, sizes) + width * np.arange(sizes.sum())
        octets = np.frombuffer(self.data, np.uint8)[place[:, None] + np.arange(width)]
        return octets.view(self.order + kind).ravel()

    def left(self) -> str:
        """A remark on bytes beyond the header's counts; "" if there are none."""
        left = len(self.data) - self.at
        return f"{counted(left, 'byte')} beyond the counts of its header not read" if left else ""

    def skip(self, element: Element) -> None:
        """Pass over the records of an element."""
        if element.count and element.properties:
            self._columns(element, [])

    def rows(self, element: Element, columns: list[int]) -> np.ndarray:
        """Plain numbers of the records of an element, shape (records, columns)."""
        return np.stack([numbers for numbers, _ in self._columns(element, columns)], axis=1)

    def lists(self, element: Element, column: int) -> tuple[np.ndarray, np.ndarray]:
        """One list of each record of an element, as flat numbers and sizes (records,)."""
        ((numbers, sizes),) = self._columns(element, [column])
        if not sizes.all() or numbers.dtype.kind not in "iu":
            raise InputError(f"{self.path}: a list of '{element.name}' is empty or not whole")
        return numbers.astype(np.int64), sizes


def _layout(element: Element) -> tuple[list[int], list[tuple[str, str, str]]]:
    """The bytes of plain numbers before each list and after the last, and the lists."""
    gaps, lists = [0], []
    for name, kind, size in element.properties:
        if size:
            lists.append((name, kind, size))
            gaps.append(0)
        else:
            gaps[-1] += np.dtype(kind).itemsize
    return gaps, lists
