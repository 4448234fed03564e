"""What the names in a table's header mean: coordinates, the ends of edges, weights, row numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SOURCES = (
    "source", "src", "from", "i", "u", "node1", "tail", "fromnode", "fromnodeid", "fromid",
    "sourceid", "sourcenode", "id1", "nodea",
)  # fmt: skip
_TARGETS = (
    "target", "dst", "to", "j", "v", "node2", "head", "tonode", "tonodeid", "toid", "targetid",
    "targetnode", "id2", "nodeb", "destination", "dest",
)  # fmt: skip
_WEIGHTS = ("weight", "w", "weights", "edgeweight", "value")
_ROW_NUMBERS = (
    "", "index", "id", "unnamed0", "rownames", "rowname", "row", "no", "nr", "fid", "objectid",
    "pointid", "nodeid", "vertexid", "pid",
)  # fmt: skip

_UNIT = re.compile(r"\s*[\[(][^\])]*[\])]$")
_AXIS = re.compile(
    r"(?P<whose>p|pos|positions?|points?|coord|coords|coordinates?|node|vertex|center|centroid)?"
    r"(?P<axis>[xyz])(coord|coords|coordinate|pos|position)?"
)
_COMPONENT = re.compile(r"(?P<whose>points|positions?|coords|coordinates):(?P<axis>[012])")
_MAP = {"easting": "x", "northing": "y", "elevation": "z", "height": "z", "altitude": "z"}
_ANONYMOUS = re.compile(r"(v|x|c|col|column|field|var)?\d+|")


def plain(name: str) -> str:
    """A name in small letters, without its unit and without blanks, hyphens and underscores.

    >>> plain("Node_1"), plain("X [mm]")
    ('node1', 'x')
    """
    return re.sub(r"[\s_.\-'\"]+", "", _UNIT.sub("", name.strip().lower()))


def coordinates(header: Sequence[str]) -> list[int]:
    """The columns of x, y and z, in this order, where two of them or more are named; else none.

    >>> coordinates(["T", "Points:0", "Points:1", "Points:2"])
    [1, 2, 3]
    """
    found: dict[str, dict[str, int]] = {}
    for k, name in enumerate(header):
        component = _COMPONENT.fullmatch(
            re.sub(r"[\s_\[\]]+", ":", name.strip().lower()).strip(":")
        )
        word = plain(name)
        axis = _AXIS.fullmatch(word)
        if component:
            found.setdefault(component["whose"], {}).setdefault("xyz"[int(component["axis"])], k)
        elif axis:
            found.setdefault(axis["whose"] or "", {}).setdefault(axis["axis"], k)
        elif word in _MAP:
            found.setdefault("map", {}).setdefault(_MAP[word], k)
    groups = sorted(found.items(), key=lambda group: (group[0] != "", -len(group[1])))
    for _, columns in groups:
        if len(columns) > 1:
            return [columns[axis] for axis in "xyz" if axis in columns]
    return []


def ends(header: Sequence[str]) -> tuple[int, int] | None:
    """The columns that name both ends of edges, or None."""
    source, target = _first(header, _SOURCES), _first(header, _TARGETS)
    return None if source is None or target is None else (source, target)


def weight(header: Sequence[str]) -> int | None:
    """The column of weights, or None."""
    return _first(header, _WEIGHTS)


def kind_of_edge(header: Sequence[str]) -> int | None:
    """The column in which Gephi says whether an edge is directed, or None."""
    return _first(header, ("type",))


def is_row_number(name: str) -> bool:
    """Whether a column of this name may number the rows."""
    return plain(name) in _ROW_NUMBERS


def is_known(header: Sequence[str]) -> bool:
    """Whether a row can only be a header, because it names coordinates or the ends of edges."""
    return bool(coordinates(header)) or ends(header) is not None


def is_anonymous(header: Sequence[str]) -> bool:
    """Whether a header names its columns by numbers alone, such as R's V1, V2 and V3."""
    return all(_ANONYMOUS.fullmatch(plain(name)) for name in header)


def _first(header: Sequence[str], names: tuple[str, ...]) -> int | None:
    words = [plain(name) for name in header]
    return next((words.index(name) for name in names if name in words), None)
