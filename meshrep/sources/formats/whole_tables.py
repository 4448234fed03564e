"""Tables of numbers alone, read by NumPy as a whole; all other tables go row by row."""

from __future__ import annotations

import codecs
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from meshrep.errors import InputError
from meshrep.sources.formats.text import decoded
from meshrep.sources.formats.text_tables import (
    SAMPLE,
    TextTable,
    delimiter,
    is_number,
    is_whole,
    parsed,
    without_comments,
)

_HEAD = 1 << 16  # bytes from which a table's columns are judged before it is read as a whole
_SIGNED = re.compile(rb"(?:^|[\s,;|])(?:\+|0[0-9])")


def read_table(path: Path, shown: str, *, by_rows: bool = False) -> TextTable:
    """The table in a file of text: see :func:`meshrep.sources.formats.text_tables.parsed`.

    A table of numbers alone is read by NumPy as a whole, unless ``by_rows``; both give the same
    numbers.
    """
    table = None if by_rows else _plain(path, shown)
    return parsed(*decoded(path.read_bytes(), shown), shown) if table is None else table


def _plain(path: Path, shown: str) -> TextTable | None:
    """A table of numbers alone below its header, read by NumPy as a whole; else None."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        whole = not file.read(1)
    if b'"' in head or b"\0" in head or head.startswith(codecs.BOM_UTF8) or not head.isascii():
        return None
    text = head.decode("ascii").replace("\r\n", "\n").replace("\r", "\n")
    try:
        table = parsed(text if whole else text[: text.rfind("\n") + 1], (), shown)
    except InputError:
        return None
    sample = [_type_of(table, k) for k in range(table.width)]
    if len(table.lines) < 2 or table.width < 2 or table.braces or None in sample:
        return None
    ends_alone = [*sample[:2], *["f8"] * (table.width - 2)]
    mark = delimiter([line for _, line in without_comments(text)[0][:SAMPLE]])
    for types in (sample, ends_alone, ["f8"] * table.width):
        columns = _loaded(path, mark, table.lines[0] - 1, [str(kind) for kind in types])
        if columns is not None:
            exact = _is_exact(columns, sample, path)
            return replace(table, columns=list(columns), lines=[]) if exact else None
    return None


def _type_of(table: TextTable, k: int) -> str | None:
    """How NumPy may read a column, judged from its first cells."""
    column = table.columns[k]
    if all(map(is_whole, column)):
        return "u8"
    return "f8" if all(map(is_number, column)) else None


def _loaded(path: Path, mark: str | None, skip: int, types: list[str]) -> list[np.ndarray] | None:
    """The columns in the given types, or None where a row or a cell does not fit them."""
    kinds = np.dtype([(f"f{k}", kind) for k, kind in enumerate(types)])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # as when a whole number is written 1.0
            with path.open(encoding="ascii") as file:
                data = np.loadtxt(
                    file, kinds, comments=None, delimiter=mark, skiprows=skip, ndmin=1
                )
    except (ValueError, OverflowError, Warning):
        return None
    return [np.ascontiguousarray(data[name]) for name in kinds.names or ()]


def _is_exact(columns: list[np.ndarray], sample: list[str | None], path: Path) -> bool:
    """Whether reading row by row would give the same columns."""
    wholes = [column for column in columns if column.dtype.kind == "u"]
    if any(column.max() >= 10**17 for column in wholes):
        return False
    if not all(np.isfinite(column).all() for column in columns):
        return False
    for column, kind in zip(columns, sample, strict=True):
        if kind == "u8" and column.dtype.kind == "f" and (column % 1 == 0).all():
            return False  # all may be plain whole numbers, or one of them may be written 1.0
    # A name such as 007 or +7 is not the number 7.
    return not wholes or _SIGNED.search(path.read_bytes()) is None
