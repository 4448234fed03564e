"""Tables as points, as lists of edges or as matrices: text, and arrays of NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.graphs.cells import Cells
from meshrep.sources.formats import column_names
from meshrep.sources.formats.edge_lists import (
    EdgeTable,
    adjacencies,
    columns_of_edges,
    edges_of,
    likely_ends,
)
from meshrep.sources.formats.numpy_files import read_npy, read_npz
from meshrep.sources.formats.point_tables import points_of
from meshrep.sources.formats.text import decoded
from meshrep.sources.formats.text_tables import TextTable, neighbour_rows
from meshrep.sources.formats.whole_tables import read_table
from meshrep.sources.formats.xyz import counted_points
from meshrep.sources.normalise import Raw

_POINT_ENDINGS = (".xyz", ".pts", ".asc", ".npy")
_EDGE_ENDINGS = (".edgelist", ".edges")
ENDINGS = (*_POINT_ENDINGS, *_EDGE_ENDINGS, ".adjlist", ".csv", ".tsv", ".txt", ".npz")


@dataclass(frozen=True, eq=False)
class MatrixTable:
    """An adjacency matrix (n, n), and what its rows are called."""

    matrix: Any
    labels: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()


def read(path: Path, shown: str, *, as_points: bool = False) -> Raw | EdgeTable | MatrixTable:
    """The points, the edges or the adjacency matrix in a table.

    A .csv, .tsv or .txt holds points where its header names coordinates; a matrix where it is
    square with the same names above and beside it, or without names and symmetric; edges where
    its header names their ends, where its first two columns are names, or where they are whole
    numbers and at most one column follows; else it holds points. Remarks say which columns were
    taken.

    Parameters
    ----------
    path : Path
        The file.
    shown : str
        What to call it in messages.
    as_points : bool
        Take it for points in any case.

    Raises
    ------
    InputError
        Where it is no such table; names the line.
    """
    ending = path.suffix.lower()
    if ending == ".npy":
        return read_npy(path, shown)
    if ending == ".npz":
        found = read_npz(path, shown)
        return found if isinstance(found, Raw) else MatrixTable(found)
    if ending == ".adjlist":
        text, remarks = decoded(path.read_bytes(), shown)
        return adjacencies(neighbour_rows(text, shown), remarks)
    if ending in (".xyz", ".pts") and _begins_with_count(path):
        text, remarks = decoded(path.read_bytes(), shown)
        raw = counted_points(text, shown, remarks, scan=ending == ".pts")
        if raw is not None:
            return raw
    table = read_table(path, shown)
    if as_points or ending in _POINT_ENDINGS:
        return _points(table)
    if ending not in _EDGE_ENDINGS:
        header = table.header or ()
        if column_names.coordinates(header):
            return _points(table)
        matrix = _matrix(table)
        if matrix is not None:
            return matrix
        if not column_names.ends(header) and table.braces is None and not likely_ends(table):
            return _points(table)
    if not table.lines and any(table.wholes(k) is None for k in columns_of_edges(table)[:2]):
        table = read_table(path, shown, by_rows=True)  # which keeps names as they are spelled
    return edges_of(table, told=ending in _EDGE_ENDINGS)


def _begins_with_count(path: Path) -> bool:
    with path.open("rb") as file:
        words = (
            file.read(1 << 12).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe").split(None, 1)
        )
    return bool(words) and words[0].isdigit()


def _points(table: TextTable) -> Raw:
    points, remarks = points_of(table)
    return Raw(table.shown, points, Cells.none(), remarks)


def _matrix(table: TextTable) -> MatrixTable | None:
    """The adjacency matrix that a table is, or None."""
    rows = len(table.columns[0])
    if table.header is not None:
        labels = table.header[1:]
        if table.width != rows + 1 or tuple(table.words(0)) != labels or len(set(labels)) < rows:
            return None
        columns, names = range(1, table.width), labels
        told = not column_names.is_anonymous(labels)
    else:
        if table.width != rows or not all(map(table.holds_numbers, range(rows))):
            return None
        columns, names, told = range(rows), None, False
    matrix = np.stack([table.numbers(k, "the weight") for k in columns], axis=1)
    if not told and (rows < 4 or not (matrix == matrix.T).all()):
        return None
    return MatrixTable(matrix, names, (*table.remarks, "read as an adjacency matrix"))
