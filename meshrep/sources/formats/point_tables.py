"""Points in tables of text: which columns are x, y and z."""

from __future__ import annotations

import numpy as np

from meshrep.errors import InputError
from meshrep.sources.formats import column_names
from meshrep.sources.formats.text_tables import TextTable, counts_rows

_ADVICE = "(a list of edges has 'source,target' as its first line, or is a file .edgelist)"


def points_of(table: TextTable) -> tuple[np.ndarray, tuple[str, ...]]:
    """The points (N, 2 or 3) in a table, and remarks that say which columns were taken.

    Columns are taken by their names, in any order, where the header names coordinates; else the
    first three that hold numbers, without one that numbers the rows.

    Raises
    ------
    InputError
        Where there are no two columns of numbers, or a cell is no number; names the line.
    """
    named = column_names.coordinates(table.header or ())
    columns = named or _numeric(table)[:3]
    if len(columns) < 2:
        count = "one" if len(columns) else "none"
        raise InputError(
            f"{table.shown}: points need two or three columns of numbers, and it has {count} "
            f"{_ADVICE}"
        )
    for k in columns:
        table.check_name(k)
    points = np.stack([table.numbers(k, "a coordinate") for k in columns], axis=1)
    remarks = table.remarks
    in_order = columns == list(range(table.width))
    if not in_order or (table.header is not None and not named):
        names = ", ".join(map(table.called, columns))
        axes = "x, y and z" if len(columns) == 3 else "x and y"
        remarks += (f"read as points: {axes} are {names}, of {table.width} columns",)
    return points, remarks


def _numeric(table: TextTable) -> list[int]:
    """The columns that hold numbers, without one that numbers the rows."""
    columns = [k for k in range(table.width) if table.holds_numbers(k)]
    return columns[1:] if columns[:1] == [0] and _is_row_number(table) else columns


def _is_row_number(table: TextTable) -> bool:
    """Whether the first column numbers the rows: by its name, or since it counts beside x, y, z."""
    if table.header is not None and not column_names.is_anonymous(table.header[:1]):
        return column_names.is_row_number(table.header[0]) and table.wholes(0) is not None
    if table.header is not None and not table.header[0]:
        return True
    others = [table.wholes(k) for k in range(1, table.width)]
    return (
        table.width > 3
        and len(table.columns[0]) > 2
        and table.wholes(0) is not None
        and counts_rows(table.columns[0])
        and all(whole is None for whole in others[:3])
    )
