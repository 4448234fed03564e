"""Tables of text: their encoding, delimiter, decimal mark and header; their cells by columns."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meshrep.errors import InputError
from meshrep.sources.formats import column_names
from meshrep.sources.wording import counted

_WIDEST = 20_000  # columns of a table that is no matrix
SAMPLE = 1000  # rows from which the delimiter and the header are judged
_COMMENTS = ("#", "%", "//")
_MARKS = "\t;|,"  # in the order in which they are preferred
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_WORD = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eEdD][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)
_COMMA_NUMBER = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,16}")
_BRACE = re.compile(r"(?<=[\s,;|])\{(?=[}'\"])")
_MISSING = ("", "na", "n/a", "nan", "null", "none", "nil", "?", "-")

Column = np.ndarray | list[str]


@dataclass(frozen=True, eq=False)
class TextTable:
    """The cells of a table of text.

    Attributes
    ----------
    shown : str
        What to call the file in messages.
    columns : list of array or list of str
        The cells of each column, without quotes. Columns of numbers may be arrays: uint64 where
        all are whole numbers, float64 otherwise, all finite.
    lines : list of int
        The line that each row begins on, counted from 1; empty where all columns are arrays.
    header : tuple of str or None
        The name of each column, as the file spells it.
    braces : tuple of str or None
        The dictionary at the end of each row, as networkx writes it.
    decimal_comma : bool
        Whether numbers have a decimal comma.
    remarks : tuple of str
        What was chosen while it was read.
    """

    shown: str
    columns: list[Column]
    lines: list[int]
    header: tuple[str, ...] | None = None
    braces: tuple[str, ...] | None = None
    decimal_comma: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.columns)

    def called(self, k: int) -> str:
        """What to call a column in messages: its name, or its number counted from 1."""
        name = self.header[k] if self.header else ""
        return f"'{name}'" if name else f"column {k + 1}"

    def check_name(self, k: int) -> None:
        """Refuse a column whose name another column has too."""
        if self.header and self.header[k] and self.header.count(self.header[k]) > 1:
            raise InputError(f"{self.shown}: two columns are called '{self.header[k]}': rename one")

    def wholes(self, k: int) -> np.ndarray | None:
        """A column as int64 (rows,), or None unless all its cells are plain whole numbers."""
        column = self.columns[k]
        if isinstance(column, np.ndarray):
            return column.astype(np.int64) if column.dtype.kind == "u" else None
        if not all(map(is_whole, column)):
            return None
        return np.array(column, dtype=np.int64)

    def holds_numbers(self, k: int) -> bool:
        """Whether any cell of a column is a number."""
        column = self.columns[k]
        return isinstance(column, np.ndarray) or any(map(self._is_number, column))

    def is_empty(self, k: int) -> bool:
        """Whether a column holds no cell at all."""
        column = self.columns[k]
        return not isinstance(column, np.ndarray) and not any(map(str.strip, column))

    def words(self, k: int) -> list[str]:
        """The cells of a column as text."""
        return [str(cell) for cell in self.columns[k]]

    def numbers(self, k: int, what: str) -> np.ndarray:
        """A column as float64 (rows,).

        Raises
        ------
        InputError
            Where a cell is no finite number; names its line, and begins with ``what`` it is.
        """
        column = self.columns[k]
        if isinstance(column, np.ndarray):
            return column.astype(np.float64)
        if not self.decimal_comma and all(map(is_number, column)):
            try:
                return _finite(np.array(column, dtype=np.float64))
            except ValueError:  # Fortran's exponents, or what overflows
                pass
        return np.array([self._number(k, row, what) for row in range(len(column))])

    def _number(self, k: int, row: int, what: str) -> float:
        cell = self.columns[k][row]
        where = f"{self.shown}: line {self.lines[row]}"
        if cell.lower() in _MISSING:
            raise InputError(
                f"{where}: {what} is missing in {self.called(k)}: fill it in or leave the row out"
            )
        if self._is_number(cell):
            value = float(self._with_point(cell).lower().replace("d", "e"))
            if np.isfinite(value):
                return value
        if _NOT_FINITE.fullmatch(cell) or self._is_number(cell):
            raise InputError(f"{where}: {what} is not finite: {cell[:60]}")
        hint = ": other cells have a decimal comma" if is_number(cell) else ""
        raise InputError(f"{where}: {what} is no number but '{cell[:60]}'{hint}")

    def _is_number(self, cell: str) -> bool:
        if self.decimal_comma and "." in cell:
            return False
        return bool(_NUMBER.fullmatch(self._with_point(cell)))

    def _with_point(self, cell: str) -> str:
        return cell.replace(",", ".", 1) if self.decimal_comma else cell


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ValueError
    return values


def is_whole(word: str) -> bool:
    """Whether a word is a whole number in its plain form: not ``007``, ``+7`` or ``7.0``."""
    return bool(_WHOLE.fullmatch(word))


def is_number(word: str) -> bool:
    """Whether a word is a finite number with a decimal point, perhaps with Fortran's exponent."""
    return bool(_NUMBER.fullmatch(word))


def parsed(text: str, remarks: tuple[str, ...], shown: str) -> TextTable:
    """The table in a text.

    Comments (lines that begin with ``#``, ``%`` or ``//``) and blank lines are left out. Cells are
    separated by the tab, semicolon, bar or comma that stands in most rows, else by blanks; quotes
    hold cells together. The first row is a header where it names coordinates or the ends of
    edges, has no name for its first column, or has words above numbers.

    Raises
    ------
    InputError
        Where it holds no rows, or rows differ in their number of columns; names the line.
    """
    kept, above, inside = without_comments(text)
    if inside:
        remarks += (f"{counted(inside, 'comment line')} between the rows left out",)
    mark = None
    if kept and re.fullmatch(r'"?sep=(.)"?', kept[0][1].strip(), re.IGNORECASE):  # Excel's
        mark = kept.pop(0)[1].strip().strip('"')[-1]
    lines, braces = [], []
    for _, line in kept:
        begin = _BRACE.search(line)
        braces.append(line[begin.start() :].strip() if begin else "")
        lines.append(line[: begin.start()].rstrip(" ,;|\t") if begin else line)
    if mark is None:
        mark = delimiter(lines[:SAMPLE])
    rows, numbers = _cells([number for number, _ in kept], lines, mark, shown)
    if not rows:
        raise InputError(f"{shown}: it holds no rows of data")
    rows = _square(rows, numbers, shown)
    if len(rows[0]) > max(_WIDEST, len(rows) + 1):  # wider than an adjacency matrix
        raise InputError(
            f"{shown}: it has {len(rows[0]):,} columns and {counted(len(rows), 'row')}, which are "
            "neither points, edges nor a matrix"
        )
    header = _header(rows) or None
    if header:
        again = next((k for k, row in enumerate(rows[1:], 1) if row == rows[0]), None)
        if again is not None and any(rows[0]):
            raise InputError(
                f"{shown}: line {numbers[again]} is the header of line {numbers[0]} again: "
                "leave it out"
            )
        rows, numbers, braces = rows[1:], numbers[1:], braces[1:]
        if not rows:
            raise InputError(f"{shown}: it holds no rows of data")
    elif above:
        header = _header_above(above, mark, len(rows[0]))
    comma = mark != "," and any(
        _COMMA_NUMBER.fullmatch(cell) for row in rows[:SAMPLE] for cell in row
    )
    return TextTable(
        shown,
        [list(column) for column in zip(*rows, strict=True)],
        numbers,
        header,
        tuple(braces) if any(braces) else None,
        comma,
        remarks,
    )


def neighbour_rows(text: str, shown: str) -> list[list[str]]:
    """The words of each row of an adjacency list, whose rows differ in length."""
    rows = [words for _, line in without_comments(text)[0] if (words := _words(line))]
    if not rows:
        raise InputError(f"{shown}: it holds no rows of data")
    return rows


def without_comments(text: str) -> tuple[list[tuple[int, str]], str, int]:
    """Lines with their numbers, the last comment above them, and the count of those between."""
    kept: list[tuple[int, str]] = []
    above, inside, pending = "", 0, 0
    for number, line in enumerate(text.split("\n"), 1):
        begin = line.lstrip()
        if not begin:
            continue
        if begin.startswith(_COMMENTS):
            if kept:
                pending += 1
            else:
                above = begin.lstrip("#%/")
            continue
        inside += pending
        pending = 0
        kept.append((number, line))
    return kept, above, inside


def delimiter(lines: list[str]) -> str | None:
    """The mark between cells, judged from some lines; None for blanks."""
    bare = [_QUOTED.sub("q", line) if '"' in line else line for line in lines]
    share = {mark: sum(mark in line for line in bare) for mark in _MARKS}
    best = max(_MARKS, key=lambda mark: share[mark])
    if 2 * share[best] <= len(bare):
        return None
    words = [line.split() for line in bare]
    if best == "\t" and len({len(row) for row in words}) == 1:  # tabs that only align
        numeric = all(is_number(word) for row in words[1:] for word in row)
        aligned = any(" " in line.strip() or "\t\t" in line.strip() for line in bare)
        return None if numeric and aligned else best
    if best == ",":  # the decimal comma of numbers between blanks
        cells = [word for row in words for word in row]
        wide = len(words[0]) > 1 and len({len(row) for row in words}) == 1
        if wide and all(_COMMA_NUMBER.fullmatch(w) or is_number(w) for w in cells):
            return None
    return best


def _cells(
    numbers: list[int], lines: list[str], mark: str | None, shown: str
) -> tuple[list[list[str]], list[int]]:
    """The cells of each row, and the line that it begins on. A quoted cell may span lines."""
    if mark is None:
        return [_words(line) for line in lines], numbers
    rows, begins, done = [], [], 0
    reader = csv.reader(
        (line + "\n" for line in lines), delimiter=mark, skipinitialspace=True, strict=True
    )
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append(cells)
                begins.append(numbers[done])
            done = reader.line_num
    except csv.Error as error:
        raise InputError(
            f"{shown}: the quotes of line {numbers[min(done, len(numbers) - 1)]} do not match "
            f"({error})"
        ) from None
    return rows, begins


def _words(line: str) -> list[str]:
    """Words between blanks, up to a comment; quotes hold blanks together."""
    if '"' in line:
        words = [
            found[1].replace('""', '"') if found[2] is None else found[2]
            for found in _WORD.finditer(line)
        ]
    else:
        words = line.split()
    if "#" in line:
        words = words[: next((k for k, word in enumerate(words) if word[0:1] == "#"), None)]
    return words


def _square(rows: list[list[str]], numbers: list[int], shown: str) -> list[list[str]]:
    """Rows of one width: without delimiters at their ends, and with R's nameless first column."""
    if all(len(row) > 1 and not row[-1] for row in rows):
        rows = [row[:-1] for row in rows]
    width = Counter(map(len, rows[1:] or rows)).most_common(1)[0][0]
    first = len(rows[0])
    if first < width and all(not row[-1] for row in rows[1:] if len(row) == width):
        width = first  # a delimiter at the end of each row, but not of the header
    elif first == width - 1 and _names_its_rows(rows, width):
        rows = [["", *rows[0]], *rows[1:]]
    for k, row in enumerate(rows):
        if len(row) > width and not any(row[width:]):
            rows[k] = row[:width]
        elif len(row) != width:
            other = next(n for n, of in zip(numbers, rows, strict=True) if len(of) == width)
            raise InputError(
                f"{shown}: line {numbers[k]} has {counted(len(row), 'column')} where line {other} "
                f"has {width}: give every row the same columns"
            )
    return rows


def _names_its_rows(rows: list[list[str]], width: int) -> bool:
    """Whether a table is R's, whose header has no name above the names of the rows."""
    below = [row for row in rows[1 : 1 + SAMPLE] if len(row) == width]
    if not below or any(map(_is_any_number, rows[0])):
        return False
    first, *others = zip(*below, strict=True)
    return counts_rows(first) or all(_is_numeric(column) for column in others)


def counts_rows(column: Sequence[str] | np.ndarray) -> bool:
    """Whether cells count from 0 or from 1."""
    first = str(column[0])
    return first in ("0", "1") and all(
        str(cell) == str(k) for k, cell in enumerate(column, int(first))
    )


def _header(rows: list[list[str]]) -> tuple[str, ...]:
    """The first row where it names the columns; else nothing."""
    first, below = rows[0], rows[1 : 1 + SAMPLE]
    if column_names.is_known(first):
        return tuple(first)
    if not below or len(first) < 2 or not all(first[1:]):
        return ()
    if not first[0] and counts_rows([row[0] for row in below]):
        return tuple(first)
    numeric = [_is_numeric(column) for column in zip(*below, strict=True)]
    if any(numeric) and not any(map(_is_any_number, first)):
        return tuple(first)
    counts = first == [str(k) for k in range(len(first))]  # pandas names columns 0, 1, 2
    if counts and all(numeric) and not any(is_whole(cell) for row in below for cell in row):
        return tuple(first)
    return ()


def _is_numeric(column: Sequence[str]) -> bool:
    """Whether cells are numbers, but for missing ones."""
    numbers = [cell for cell in column if cell.lower() not in _MISSING]
    return bool(numbers) and all(map(_is_any_number, numbers))


def _is_any_number(cell: str) -> bool:
    return bool(is_number(cell) or _COMMA_NUMBER.fullmatch(cell))


def _header_above(comment: str, mark: str | None, width: int) -> tuple[str, ...] | None:
    """The last comment above a table, as NumPy and SNAP write headers, where it names columns."""
    for words in ([word.strip() for word in comment.split(mark)], comment.split()):
        if len(words) == width and column_names.is_known(words):
            return tuple(words)
    return None
