"""Tables of numbers: clouds of points, and lists of edges, as text or NumPy arrays."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import Cells
from meshrep.sources.formats.numpy_files import read_npy, read_npz
from meshrep.sources.formats.text import rows_of_numbers, text_of
from meshrep.sources.normalise import Raw
from meshrep.sources.wording import counted

_POINT_ENDINGS = (".xyz", ".pts", ".asc", ".npy")
_EDGE_ENDINGS = (".edgelist", ".edges")
ENDINGS = (*_POINT_ENDINGS, *_EDGE_ENDINGS, ".csv", ".tsv", ".txt", ".npz")

_HEAD = 1 << 16  # bytes from which a table's columns are judged
_SOURCES = ("source", "src", "from", "i", "u", "node1", "tail")
_TARGETS = ("target", "dst", "to", "j", "v", "node2", "head")
_WEIGHTS = ("weight", "w", "value")
_ATTRIBUTES = re.compile(r"\{[^{}]*\}\s*$")
_WEIGHT_ATTRIBUTE = re.compile(r"['\"]weight['\"]\s*:\s*([-+.\w]+)")


@dataclass(frozen=True, eq=False)
class EdgeTable:
    """Edges as a text has them: the names of both ends, and weights where it gives any.

    The names are int64 arrays where all are whole numbers and the table could be read as a whole.
    """

    sources: list[str] | np.ndarray
    targets: list[str] | np.ndarray
    weights: np.ndarray | None
    remarks: tuple[str, ...] = ()


def read(path: Path, shown: str, *, as_points: bool = False) -> Raw | EdgeTable | Any:
    """The points or the edges in a table.

    A .csv, .tsv or .txt is a list of edges where its header says so, where its first two columns
    are names, or where they are whole numbers and at most one column follows; else it is a cloud.

    Parameters
    ----------
    path : Path
        The file.
    shown : str
        What to call it in messages.
    as_points : bool
        Take it for points in any case.

    Returns
    -------
    Raw, EdgeTable, or a SciPy sparse array where an .npz holds one.

    Raises
    ------
    InputError
        Where it is no such table.
    """
    ending = path.suffix.lower()
    if ending == ".npy":
        return read_npy(path, shown)
    if ending == ".npz":
        return read_npz(path, shown)
    quick = _plain(path, ending, as_points)
    if quick is not None:
        return Raw(shown, quick, Cells.none()) if isinstance(quick, np.ndarray) else quick
    rows, numbers = _rows(text_of(path.read_bytes(), shown, "a table"))
    if not rows:
        raise InputError(f"{shown}: it holds no rows of data")
    header = None
    if ending == ".pts" and len(rows[0].split()) == 1 and rows[0].strip().isdigit():
        _check_count(shown, int(rows[0]), len(rows) - 1)
        rows, numbers = rows[1:], numbers[1:]
    elif ending == ".xyz" and _is_molecule(rows):
        _check_count(shown, int(rows[0]), len(rows) - 2)
        count = int(rows[0])
        return Raw(
            shown, rows_of_numbers(rows[2 : 2 + count], numbers[2:], shown, (1, 2, 3)), Cells.none()
        )
    elif _is_header(rows):
        header = [word.strip("\"'").lower() for word in rows[0].split()]
        rows, numbers = rows[1:], numbers[1:]
    points_wanted = as_points or ending in _POINT_ENDINGS
    if not points_wanted and (ending in _EDGE_ENDINGS or _looks_like_edges(rows, header)):
        return _edges(rows, numbers, shown, header, ending)
    return Raw(shown, _points(rows, numbers, shown, header), Cells.none())


def _plain(path: Path, ending: str, as_points: bool) -> EdgeTable | np.ndarray | None:
    """Edges or points of a table of numbers alone below its head, read by NumPy as a whole.

    None where there is anything else in it (names, remarks between the rows, rows of different
    lengths), which is then read row by row. Both ways give the same of a table that both read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("latin-1")
    if head.startswith("\xef\xbb\xbf"):  # UTF-8's mark
        return None
    whole = head.split("\n") if len(head) < _HEAD else head.split("\n")[:-1]
    rows, numbers = _rows("\n".join(whole))
    if len(rows) < 3 or rows[0].strip().isdigit() or "\r" in head.replace("\r\n", "\n"):
        return None
    header = None
    if _is_header(rows):
        header = [word.strip("\"'").lower() for word in rows[0].split()]
        rows, numbers = rows[1:], numbers[1:]
    first = whole[numbers[0] - 1]
    mark = next((mark for mark in ",;\t" if mark in first), None)
    width = len(rows[0].split())
    known = {"x", "y"} <= set(header or ())  # the header says that these are points
    points_wanted = as_points or ending in _POINT_ENDINGS
    if known and ending not in _EDGE_ENDINGS:
        points_wanted = True
    told = ending in _EDGE_ENDINGS or (header is not None and _names_edges(header))
    table = _Plain(path, mark, numbers[0] - 1)
    if not points_wanted and (told or width in (2, 3)):
        columns, weighted = _edge_columns(header)
        if weighted is not None and weighted >= width:
            weighted = None
        ends = table.columns(columns, np.uint64)
        if ends is not None and ends.max() < 10**17 and not table.has_plus:
            weights = None if weighted is None else table.columns([weighted], np.float64)
            if weighted is None or weights is not None:
                sources, targets = ends.astype(np.int64).T
                remark = () if ending in _EDGE_ENDINGS else ("read as a list of edges",)
                column = None if weights is None else weights[:, 0]
                return EdgeTable(sources, targets, column, remark)
        if told or ends is not None:
            return None
    points = list(range(min(width, 3)))
    if header is not None and known:
        points = [header.index(axis) for axis in "xyz" if axis in header]
    found = table.columns(points, np.float64) if len(points) > 1 else None
    if found is not None and not points_wanted and (found[:, :2] % 1 == 0).all():
        return None  # whole numbers that NumPy does not take for such
    return found


@dataclass(frozen=True)
class _Plain:
    """A text of numbers in columns below some lines of head."""

    path: Path
    mark: str | None
    head: int

    def columns(self, columns: list[int], dtype: type) -> np.ndarray | None:
        """The columns as a table, or None where some entry is no such number."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # as when a whole number is written 1.0
                with self.path.open(encoding="latin-1") as file:
                    return np.loadtxt(
                        file, dtype, comments=None, delimiter=self.mark, skiprows=self.head,
                        usecols=columns, ndmin=2,
                    )  # fmt: skip
        except (ValueError, OverflowError, Warning):
            return None

    @property
    def has_plus(self) -> bool:
        """Whether some number begins with +, which makes a node's name another one."""
        data = self.path.read_bytes()
        return b"+" in data and bool(re.search(rb"(?:^|[\s,;])\+", data))


def _rows(text: str) -> tuple[list[str], list[int]]:
    """Rows with one blank between the columns, and their line numbers; comments are gone."""
    rows, numbers = [], []
    for number, whole in enumerate(text.lstrip("\ufeff").split("\n"), 1):
        line = whole.strip()
        if not line or line[0] in "#%" or line.startswith("//"):
            continue
        found = _ATTRIBUTES.search(line)  # "0 1 {'weight': 2}", as networkx writes it
        kept = ""
        if found:
            weight = _WEIGHT_ATTRIBUTE.search(found[0])
            line, kept = line[: found.start()], f" {weight[1]}" if weight else ""
        mark = next((mark for mark in ",;\t" if mark in line), None)
        if mark:
            line = " ".join(word.strip().replace(" ", "_") for word in line.split(mark))
        rows.append(line + kept)
        numbers.append(number)
    return rows, numbers


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_header(rows: list[str]) -> bool:
    """Whether the first row names columns: known names, or words above numbers."""
    words = [word.strip("\"'").lower() for word in rows[0].split()]
    if {"x", "y"} <= set(words) or (
        len(words) > 1 and words[0] in _SOURCES and words[1] in _TARGETS
    ):
        return True
    if any(map(_is_number, words)) or len(rows) < 2:
        return False
    return all(map(_is_number, rows[1].split()))


def _is_molecule(rows: list[str]) -> bool:
    """Whether an .xyz is the chemists': a count, a remark, then "C x y z"."""
    if len(rows) < 3 or not rows[0].strip().isdigit():
        return False
    words = rows[2].split()
    return len(words) >= 4 and not _is_number(words[0]) and all(map(_is_number, words[1:4]))


def _check_count(shown: str, claimed: int, there: int) -> None:
    if claimed > there:
        raise InputError(
            f"{shown}: it claims {counted(claimed, 'point')}, but {counted(there, 'line')} follow: "
            "it is cut short"
        )


def _names_edges(header: list[str]) -> bool:
    """Whether a header has columns for the ends of edges."""
    named = set(header)
    return header[0] in _SOURCES or bool(named & set(_SOURCES) and named & set(_TARGETS))


def _looks_like_edges(rows: list[str], header: list[str] | None) -> bool:
    if header is not None:
        if {"x", "y"} <= set(header):
            return False
        if _names_edges(header):
            return True
    width = len(rows[0].split())
    if width not in (2, 3):
        return False
    ends = [word for row in rows for word in row.split()[:2]]
    if all(word.isdigit() for word in ends):
        return True
    return not any(map(_is_number, ends))


def _points(
    rows: list[str], numbers: list[int], shown: str, header: list[str] | None
) -> np.ndarray:
    if not rows:
        raise InputError(f"{shown}: it holds no rows of data")
    width = len(rows[0].split())
    columns = list(range(min(width, 3)))
    if header is not None and {"x", "y"} <= set(header):
        columns = [header.index(axis) for axis in "xyz" if axis in header]
    if len(columns) < 2:
        raise InputError(f"{shown}: points need two or three columns of numbers, and it has one")
    return rows_of_numbers(rows, numbers, shown, columns)


def _edges(
    rows: list[str], numbers: list[int], shown: str, header: list[str] | None, ending: str
) -> EdgeTable:
    columns, weighted = _edge_columns(header)
    split = [row.split() for row in rows]
    short = next((k for k, words in enumerate(split) if len(words) <= max(columns)), None)
    if short is not None:
        raise InputError(
            f"{shown}: line {numbers[short]} should name two nodes: '{rows[short][:60]}'"
        )
    sources, targets = ([words[c] for words in split] for c in columns)
    weights = None
    has = [weighted is not None and len(words) > weighted for words in split]
    if weighted is not None and all(has):
        try:
            weights = np.array([float(words[weighted]) for words in split])
        except ValueError:
            weights = None
        if weights is None and header is not None:
            raise InputError(f"{shown}: its column of weights holds something that is no number")
    remark = () if ending in _EDGE_ENDINGS else ("read as a list of edges",)
    return EdgeTable(sources, targets, weights, remark)


def _edge_columns(header: list[str] | None) -> tuple[list[int], int | None]:
    """Where sources, targets and weights stand."""
    columns = [0, 1]
    if header is None:
        return columns, 2
    for k, names in enumerate((_SOURCES, _TARGETS)):
        columns[k] = next((header.index(name) for name in names if name in header), k)
    return columns, next((header.index(name) for name in _WEIGHTS if name in header), None)
