"""AVS UCD as text, whose files end in .avs or, like those of Abaqus, in .inp.

Read here because meshio fails on data in several blocks and VTK rounds points to float32.
"""

from __future__ import annotations

import re

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import Cells
from meshrep.sources.formats.text import text_of
from meshrep.sources.normalise import Raw
from meshrep.sources.wording import counted

_COUNTS = re.compile(rb"(?:\s*#[^\n]*\n)*\s*\d+[ \t]+\d+[ \t]+\d+[ \t]+\d+[ \t]+\d+\s*\n")
# VTK's kind and the place of each of VTK's nodes in the list: the apex of a pyramid comes first.
_KINDS = {
    "pt": (1, (0,)),
    "line": (3, (0, 1)),
    "tri": (5, (0, 1, 2)),
    "quad": (9, (0, 1, 2, 3)),
    "tet": (10, (0, 1, 2, 3)),
    "pyr": (14, (1, 2, 3, 4, 0)),
    "prism": (13, (0, 1, 2, 3, 4, 5)),
    "hex": (12, (0, 1, 2, 3, 4, 5, 6, 7)),
}


def is_avs(data: bytes) -> bool:
    """Whether a file begins like AVS UCD: five counts, or the mark of its binary form."""
    return data[:1] == b"\7" or _COUNTS.match(data) is not None


def read_avs(path: str, data: bytes) -> Raw:
    """The nodes, cells and numbers of an AVS UCD file."""
    if data[:1] == b"\7":
        raise InputError(
            f"{path}: it is a binary AVS UCD file, which is not read: save it as text, or as .vtu "
            "with ParaView"
        )
    text = text_of(data, path, "an AVS UCD file")
    words = re.sub(r"^\s*#.*$", "", text, flags=re.M).split()
    try:
        node_count, cell_count = int(words[0]), int(words[1])
        if node_count < 0 or cell_count < 0 or 4 * node_count + 4 * cell_count > len(words):
            raise IndexError
        end = 5 + 4 * node_count
        rows = np.array(words[5:end], dtype=np.float64).reshape(node_count, 4)
        number = {int(label): k for k, label in enumerate(rows[:, 0])}
        nodes: list[int] = []
        kinds, offsets, materials, numbered = [], [0], [], {}
        for k in range(cell_count):
            numbered[int(words[end])] = k
            materials.append(int(words[end + 1]))
            kind, places = _KINDS[words[end + 2].lower()]
            listed = words[end + 3 : end + 3 + len(places)]
            nodes += [number[int(listed[place])] for place in places]
            kinds.append(kind)
            offsets.append(len(nodes))
            end += 3 + len(places)
    except (IndexError, ValueError, KeyError, OverflowError) as error:
        why = f"'{error.args[0]}' is unknown" if isinstance(error, KeyError) else "it is cut short"
        raise InputError(
            f"{path}: its counts, nodes or cells are damaged ({why} among "
            f"{counted(len(words), 'word')}): is it an AVS UCD file?"
        ) from None
    lines = [
        line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")
    ]
    at = 1 + node_count + cell_count
    remarks: tuple[str, ...] = ()
    of_points: dict[str, np.ndarray] = {}
    of_cells = {"material": np.array(materials)}
    try:
        if int(words[2]):
            at = _data(lines, at, number, of_points)
        if int(words[3]):
            _data(lines, at, numbered, of_cells)
    except (IndexError, ValueError, KeyError, OverflowError):
        remarks = ("its data not read: they are damaged",)
    cells = Cells(np.array(nodes), np.array(offsets), np.array(kinds))
    return Raw(path, rows[:, 1:], cells, remarks, of_points, of_cells)


def _data(lines: list[str], at: int, number: dict[int, int], into: dict[str, np.ndarray]) -> int:
    """Read the data of nodes or cells, whose labels have numbers; the line that follows them.

    A line with the sizes of the components comes first, then a line "name, unit" for each, and
    then a line for each node or cell.
    """
    count, *sizes = map(int, lines[at].split())
    names = [line.partition(",")[0].strip() for line in lines[at + 1 : at + 1 + count]]
    at += 1 + count
    table = np.array([line.split() for line in lines[at : at + len(number)]], dtype=np.float64)
    if table.shape[1] != 1 + sum(sizes) or min(sizes) < 1:
        raise ValueError
    place = [number[int(label)] for label in table[:, 0]]
    values = np.empty((len(number), sum(sizes)))
    values[place] = table[:, 1:]
    begins = np.cumsum([0, *sizes])
    for name, begin, end in zip(names, begins[:-1], begins[1:], strict=True):
        into[name] = values[:, begin] if end == begin + 1 else values[:, begin:end]
    return at + len(number)
