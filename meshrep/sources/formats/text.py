"""Text formats: bytes as text, whatever their encoding, and its rows of numbers as arrays."""

from __future__ import annotations

import codecs
import warnings
from collections.abc import Sequence

import numpy as np

from meshrep.errors import InputError

# Marks of byte order; that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def text_of(data: bytes, path: str, what: str) -> str:
    """Bytes of a text format as text with "\\n" at the ends of lines, without its byte-order mark.

    Raises
    ------
    InputError
        Where they are binary.
    """
    encoding, begin = _encoding_of(data)
    return _with_newlines(data[begin:].decode(encoding, errors="replace"), path, what)


def decoded(data: bytes, path: str) -> tuple[str, tuple[str, ...]]:
    """The text of a table or network, every letter as it was written, and remarks on its encoding.

    Raises
    ------
    InputError
        Where the bytes are no text.
    """
    encoding, begin = _encoding_of(data)
    remarks: tuple[str, ...] = ()
    try:
        text = data[begin:].decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            told = encoding[:6].upper()
            raise InputError(f"{path}: its {told} text is damaged: write it again") from None
        text = data[begin:].decode("latin-1")
        remarks = ("read as Latin-1 text, since it is not UTF-8",)
    return _with_newlines(text, path, "a table or network"), remarks


def _encoding_of(data: bytes) -> tuple[str, int]:
    """The encoding that a byte-order mark names, else UTF-8, and the length of the mark."""
    found = ((encoding, len(mark)) for mark, encoding in _MARKS if data.startswith(mark))
    return next(found, ("utf-8", 0))


def _with_newlines(text: str, path: str, what: str) -> str:
    """A text with "\\n" at the ends of lines, refused where it is binary."""
    if "\0" in text[:4096] or "\0" in text[-4096:]:
        raise InputError(f"{path}: it is binary, not the text of {what}: check the file's format")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def plain_table(
    rows: Sequence[str], dtype: type, columns: Sequence[int] | None = None
) -> np.ndarray | None:
    """Columns of text rows by NumPy's own reader, fast; None where any row is not so plain."""
    if not rows:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # as when a whole number is written 1.0
            table: np.ndarray = np.loadtxt(rows, dtype, comments=None, usecols=columns, ndmin=2)
    except (ValueError, OverflowError, Warning):
        return None
    return table if len(table) == len(rows) else None  # it passes over empty rows


def _lists_of_one_size(rows: Sequence[str], skip: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Lists as :func:`lists_of_numbers` gives them, where all are of one size; else None."""
    try:
        size = int(rows[0].split()[skip])
    except (ValueError, IndexError):
        return None
    table = plain_table(rows, np.int64, range(skip, skip + 1 + size)) if 0 < size < 64 else None
    if table is None or (table[:, 0] != size).any():
        return None
    return table[:, 1:].ravel(), np.full(len(rows), size)


def rows_of_numbers(
    rows: Sequence[str], numbers: Sequence[int], path: str, columns: Sequence[int] = (0, 1, 2)
) -> np.ndarray:
    """The numbers in the given columns of text rows, shape (rows, columns).

    Raises
    ------
    InputError
        Naming the first line (``numbers[k]`` is the line of row k) that has no such numbers.
    """
    table = plain_table(rows, np.float64, columns)
    if table is not None:
        return table
    found = [row.split() for row in rows]
    try:
        by_column = [[float(words[c]) for words in found] for c in columns]
        return np.array(by_column, dtype=np.float64).T
    except (ValueError, IndexError):
        pass
    for k, words in enumerate(found):
        try:
            [float(words[c]) for c in columns]
        except (ValueError, IndexError):
            raise InputError(
                f"{path}: line {numbers[k]} should hold {max(columns) + 1} numbers or more: "
                f"'{rows[k][:60]}'"
            ) from None
    raise AssertionError("one of the rows is bad")


def lists_of_numbers(
    rows: Sequence[str], numbers: Sequence[int], path: str, skip: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Lists "count n1 n2 …" after ``skip`` words of each row, as flat numbers and sizes (rows,)."""
    listed = _lists_of_one_size(rows, skip)
    if listed is not None:
        return listed
    flat: list[int] = []
    sizes = np.empty(len(rows), dtype=np.int64)
    for k, row in enumerate(rows):
        found = row.split()
        try:
            size = int(found[skip])
            nodes = found[skip + 1 : skip + 1 + size]
            if size < 1 or len(nodes) != size:
                raise ValueError
            flat += map(int, nodes)
        except (ValueError, IndexError):
            raise InputError(
                f"{path}: line {numbers[k]} is no list of vertex numbers: '{row[:60]}'"
            ) from None
        sizes[k] = size
    try:
        return np.array(flat, dtype=np.int64), sizes
    except OverflowError:
        raise InputError(f"{path}: a face names a vertex number beyond all bounds") from None
