"""Edges in tables of text: which columns name both ends, and which one holds weights."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.sources.formats import column_names
from meshrep.sources.formats.text_tables import TextTable
from meshrep.sources.wording import counted

_KINDS = {"directed": True, "undirected": False, "mutual": False, "": False}
_OF_NUMPY = re.compile(r"\bnp\.\w+\(([^()]*)\)|\b\w+\.\w+\(([^()]*)\)")


@dataclass(frozen=True, eq=False)
class EdgeTable:
    """Edges as a text has them.

    Attributes
    ----------
    sources, targets : list of str or (k,) int64
        The names of both ends; int64 where all are plain whole numbers.
    weights : (k,) float64 or None
        Where the text gives weights.
    directed : (k,) bool or None
        Which edges have a direction; None where the text does not say.
    alone : tuple of str
        Names of further nodes, which may be on no edge.
    remarks : tuple of str
        Which columns were taken.
    """

    sources: list[str] | np.ndarray
    targets: list[str] | np.ndarray
    weights: np.ndarray | None = None
    directed: np.ndarray | None = None
    alone: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def edges_of(table: TextTable, *, told: bool) -> EdgeTable:
    """The edges in a table.

    Parameters
    ----------
    table : TextTable
    told : bool
        Whether the file's ending says that it is a list of edges.

    Raises
    ------
    InputError
        Where a name or a weight is missing or a weight is no number; names the line.
    """
    first, second, weighted = columns_of_edges(table)
    header = table.header or ()
    sources, targets = (_names(table, k) for k in (first, second))
    if not (isinstance(sources, np.ndarray) and isinstance(targets, np.ndarray)):
        sources, targets = table.words(first), table.words(second)
    remarks = []
    weights = None
    if table.braces is not None:
        weights = _braced_weights(table)
    elif weighted is not None and table.is_empty(weighted):
        remarks.append(f"edges weigh 1: {table.called(weighted)} is empty")
    elif weighted is not None and not header and not table.holds_numbers(weighted):
        remarks.append(f"edges weigh 1: {table.called(weighted)} holds words, not weights")
    elif weighted is not None:
        weights = table.numbers(weighted, "the weight")
    elif header:
        others = [k for k in range(second + 1, table.width) if table.holds_numbers(k)]
        unused = ", ".join(map(table.called, others))
        if unused:
            remarks.append(f"edges weigh 1: no column is called weight ({unused} not used)")
    if header or table.width > 3 or not told:
        columns = f"source {table.called(first)}, target {table.called(second)}"
        if weights is not None and weighted is not None:
            columns += f", weight {table.called(weighted)}"
        remarks.insert(0, f"read as a list of edges: {columns}")
    directed = _directions(table, column_names.kind_of_edge(header))
    return EdgeTable(sources, targets, weights, directed, (), (*table.remarks, *remarks))


def likely_ends(table: TextTable) -> tuple[int, int] | None:
    """The columns that most likely hold both ends of edges where no header names them.

    They are the first two columns (after one that numbers the rows) if these hold names, or if
    they hold whole numbers and at most one column follows.
    """
    first = 1 if _numbers_rows(table) else 0
    if table.width < first + 2:
        return None
    names = [k for k in (first, first + 1) if not table.holds_numbers(k) and not table.is_empty(k)]
    further = sum(table.holds_numbers(k) for k in range(first + 2, table.width))
    if len(names) == 2 and (further < 2 or table.width <= first + 3):
        return first, first + 1
    if table.width <= first + 3 and all(table.wholes(k) is not None for k in (first, first + 1)):
        return first, first + 1
    return None


def adjacencies(rows: list[list[str]], remarks: tuple[str, ...]) -> EdgeTable:
    """The edges of an adjacency list: each row names a node and then its neighbours."""
    pairs = [(row[0], other) for row in rows for other in row[1:]]
    return EdgeTable(
        [source for source, _ in pairs],
        [target for _, target in pairs],
        alone=tuple(row[0] for row in rows),
        remarks=remarks,
    )


def _numbers_rows(table: TextTable) -> bool:
    """Whether the first column has no name and so numbers or names the rows."""
    return table.header is not None and not table.header[0]


def columns_of_edges(table: TextTable) -> tuple[int, int, int | None]:
    """The columns of both ends of the edges, and of weights or None."""
    header = table.header
    if header is None:
        if table.width < 2:
            line = f"line {table.lines[0]}"
            raise InputError(f"{table.shown}: {line} should name two nodes: give one edge a line")
        return 0, 1, 2 if table.width > 2 else None
    first = 1 if _numbers_rows(table) else 0
    if table.width < first + 2:
        raise InputError(f"{table.shown}: a list of edges needs two columns that name nodes")
    source, target = column_names.ends(header) or (first, first + 1)
    weighted = column_names.weight(header)
    anonymous = column_names.is_anonymous(header[first:])
    if weighted is None and anonymous and table.width > first + 2:
        weighted = first + 2
    for k in (source, target, weighted):
        if k is not None:
            table.check_name(k)
    return source, target, weighted


def _names(table: TextTable, k: int) -> list[str] | np.ndarray:
    """The nodes in a column, refused where one has no name."""
    wholes = table.wholes(k)
    if wholes is not None:
        return wholes
    words = table.words(k)
    if "" in words:
        line = table.lines[words.index("")]
        raise InputError(
            f"{table.shown}: line {line} should name two nodes, but {table.called(k)} is empty"
        )
    foreign = next((row for row, w in enumerate(words) if w.isdigit() and not w.isascii()), None)
    if foreign is not None:
        raise InputError(
            f"{table.shown}: line {table.lines[foreign]} names the node '{words[foreign][:40]}': "
            "write numbers in the digits 0 to 9"
        )
    return words


def _directions(table: TextTable, kind: int | None) -> np.ndarray | None:
    """Which edges are directed, where a column says so in Gephi's words."""
    if kind is None:
        return None
    words = [word.lower() for word in table.words(kind)]
    if not set(words) <= set(_KINDS):
        return None
    return np.array([_KINDS[word] for word in words])


def _braced_weights(table: TextTable) -> np.ndarray | None:
    """The weights in the dictionaries at the end of the rows, or None where none has one."""
    found = [_weight_in(table, row) for row in range(len(table.lines))]
    missing = [row for row, weight in enumerate(found) if weight is None]
    if len(missing) == len(found):
        return None
    if missing:
        raise InputError(
            f"{table.shown}: line {table.lines[missing[0]]} has no weight, but other lines have "
            f"one ({counted(len(missing), 'line')} without): give every edge a weight, or none"
        )
    return np.array(found, dtype=np.float64)


def _weight_in(table: TextTable, row: int) -> float | None:
    """The weight in one row's dictionary."""
    text = (table.braces or ())[row]
    if text in ("{}", ""):
        return None
    where = f"{table.shown}: line {table.lines[row]}"
    weight = _attributes(text, where).get("weight")
    if weight is None:
        return None
    try:
        value = float(weight)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{where}: the weight is no number but {str(weight)[:60]!r}") from None
    if not np.isfinite(value):
        raise InputError(f"{where}: the weight is not finite: {value}")
    return value


def _attributes(text: str, where: str) -> dict[Any, Any]:
    """A dictionary as networkx writes it, where NumPy spells its numbers np.float64(1)."""
    plain = _OF_NUMPY.sub(lambda found: found[1] or found[2] or "None", text)
    plain = re.sub(r"(?<![\w'\"])(nan|-?inf)(?![\w'\"])", r"'\1'", plain)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about spellings such as 1or, which are refused below
            found = ast.literal_eval(plain)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{where}: '{text[:60]}' is no dictionary of plain values")
    return found
