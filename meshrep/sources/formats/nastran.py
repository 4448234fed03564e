"""Nastran bulk data: nodes in their coordinate systems, elements with their continuation lines.

Read here because meshio passes over coordinate systems and loses the nodes of continued elements.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import LINE, Cells
from meshrep.sources.formats.text import text_of
from meshrep.sources.normalise import Raw
from meshrep.sources.references import read_included

# VTK's kind and the nodes' fields, with middle nodes and with corners only.
_LINES = dict.fromkeys(("CROD", "CTUBE", "CBAR", "CBEAM", "CBUSH", "CGAP", "CVISC"), (2, 3))
_LINES |= dict.fromkeys(("CELAS1", "CELAS2", "CDAMP1", "CDAMP2"), (2, 4))
_LINES |= {"CONROD": (1, 2), "PLOTEL": (1, 2)}
_FACES = {"CTRIA3": 3, "CTRIAR": 3, "CQUAD4": 4, "CQUADR": 4, "CSHEAR": 4}
_TWO_ORDERS = {
    "CTRIA6": (3, 5, 22, range(6)),
    "CTRIAX6": (3, 5, 22, (0, 2, 4, 1, 3, 5)),
    "CQUAD8": (4, 9, 23, range(8)),
    "CQUAD": (4, 9, 23, range(8)),
    "CTETRA": (4, 10, 24, range(10)),
    "CPYRAM": (5, 14, 27, range(13)),
    "CPYRA": (5, 14, 27, range(13)),
    # Nastran numbers the middle nodes of upright edges before those of the top.
    "CPENTA": (6, 13, 26, (*range(9), 12, 13, 14, 9, 10, 11)),
    "CHEXA": (8, 12, 25, (*range(12), 16, 17, 18, 19, 12, 13, 14, 15)),
}
_NO_ELEMENTS = ("CORD", "CONM", "CONV", "CHBDY", "CSET", "CASE", "CEND", "CONTROL", "CAERO", "CRIT")
_TIES = ("RBE1", "RBE2", "RBE3", "RBAR", "RROD", "MPC")


def read_nastran(path: str, data: bytes, folder: Path) -> Raw:
    """The nodes and elements of a bulk data deck, in the basic coordinate system."""
    cards: dict[str, list[list[str]]] = {}
    for name, fields in _cards(path, text_of(data, path, "a Nastran deck"), folder, ()):
        cards.setdefault(name, []).append(fields)
    try:
        number, points = _nodes(cards)
        groups, left = _elements(cards, number)
    except KeyError as error:
        raise InputError(f"{path}: its card {error.args[0]} is not there") from None
    except RecursionError:
        raise InputError(
            f"{path}: its coordinate systems refer to each other in a circle or a long chain"
        ) from None
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: one of its cards is damaged ({error})") from None
    if not len(points):
        raise InputError(f"{path}: it has no nodes (GRID): is it a Nastran deck?")
    left += Counter({name: len(cards[name]) for name in _TIES if name in cards})
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(left.items()))
    cells = [Cells.of_kind(kind, np.array(rows)) for (kind, _), rows in groups.items()]
    return Raw(path, points, Cells.join(cells), (f"not read: {told}",) if told else ())


def _cards(
    path: str, text: str, folder: Path, chain: tuple[Path, ...]
) -> Iterator[tuple[str, list[str]]]:
    """Each card's name and its fields, continuation lines put together."""
    text = re.split(r"(?im)^\s*BEGIN\s+(?:BULK|SUPER)[^\n]*\n", text, maxsplit=1)[-1]
    name, fields = "", [""]
    for whole in text.split("\n"):
        line = whole.partition("$")[0].rstrip()
        if not line:
            continue
        if re.match(r"\s*ENDDATA\b", line, re.I):
            break
        if included := re.match(r"""\s*INCLUDE\s+['"]?([^'"]+)""", line, re.I):
            if name:
                yield name, fields
            name = ""
            file, data = read_included(folder, included[1].strip(), path, chain)
            yield from _cards(path, text_of(data, path, "a deck"), folder, (*chain, file))
            continue
        first, row = _split(line)
        if not first or first[0] in "+*":
            fields += row
            continue
        if name:
            yield name, fields
        name, fields = first.upper().rstrip("*").strip(), row
    if name:
        yield name, fields


def _split(line: str) -> tuple[str, list[str]]:
    """A line's first field, and its eight data fields, or four wide ones."""
    if "," in line:
        first, *row = [field.strip() for field in line.split(",")]
        count = 4 if first.endswith("*") else 8
        return first, (row + [""] * count)[:count]
    line = line.expandtabs(8)
    wide = "*" in line[:8]
    width, count = (16, 4) if wide else (8, 8)
    return line[:8].strip(), [
        line[8 + width * k : 8 + width * (k + 1)].strip() for k in range(count)
    ]


def _number(field: str) -> float:
    """A number as Nastran writes it: 1.5-3 and 1.5D-3 are 0.0015; an empty field is 0."""
    return float(re.sub(r"(?<=[\d.])[dDeE]?([+-]\d+)$", r"e\1", field)) if field else 0.0


def _nodes(cards: dict[str, list[list[str]]]) -> tuple[dict[str, int], np.ndarray]:
    """The row of each node by its label, and the points (n, 3) in the basic system."""
    rows = {fields[0]: fields for fields in cards.get("GRID", [])}
    default = next(iter(cards.get("GRDSET", [])), ["", ""])[1]
    systems = {
        fields[0]: (name, fields)
        for name in ("CORD2R", "CORD2C", "CORD2S")
        for fields in cards.get(name, [])
    }
    for name in ("CORD1R", "CORD1C", "CORD1S"):
        for fields in cards.get(name, []):
            for start in (0, 4):
                if fields[start]:
                    systems[fields[start]] = (name, fields[start : start + 4])
    frames: dict[str, tuple[str, np.ndarray, np.ndarray]] = {}

    def placed(label: str) -> np.ndarray:
        if label not in rows:
            raise KeyError(f"GRID {label}")
        fields = rows[label]
        return basic([_number(field) for field in fields[2:5]], fields[1] or default)

    def basic(point: list[float], system: str) -> np.ndarray:
        if system in ("", "0"):
            return np.array(point)
        if system not in frames:
            if system not in systems:
                raise KeyError(f"CORD {system}")
            name, fields = systems[system]
            if name.startswith("CORD1"):
                origin, up, across = (placed(label) for label in fields[1:4])
            else:
                values = [_number(field) for field in fields[2:11]]
                corners = (values[:3], values[3:6], values[6:9])
                origin, up, across = (basic(corner, fields[1]) for corner in corners)
            z = (up - origin) / np.linalg.norm(up - origin)
            y = np.cross(z, across - origin)
            y /= np.linalg.norm(y)
            frames[system] = name[-1], origin, np.stack([np.cross(y, z), y, z])
        kind, origin, axes = frames[system]
        return origin + _rectangular(point, kind) @ axes

    points = np.array([placed(label) for label in rows]).reshape(-1, 3)
    return {label: k for k, label in enumerate(rows)}, points


def _rectangular(point: list[float], kind: str) -> np.ndarray:
    """A point of a rectangular (R), cylindrical (C) or spherical (S) system; angles in degrees."""
    radius, second, third = point[0], np.radians(point[1]), point[2]
    if kind == "C":
        return np.array([radius * np.cos(second), radius * np.sin(second), third])
    if kind == "S":
        flat, turn = radius * np.sin(second), np.radians(third)
        return np.array([flat * np.cos(turn), flat * np.sin(turn), radius * np.cos(second)])
    return np.array(point)


def _elements(
    cards: dict[str, list[list[str]]], number: dict[str, int]
) -> tuple[dict[tuple[int, int], list[list[int]]], Counter[str]]:
    """Rows of nodes for each kind and size, and how many elements of other types there are."""
    groups: dict[tuple[int, int], list[list[int]]] = {}
    left: Counter[str] = Counter()
    for name, all_of in cards.items():
        known = name in _LINES or name in _FACES or name in _TWO_ORDERS
        if not known:
            if re.fullmatch(r"C[A-Z]{2,}\d*[A-Z]?\d*", name) and not name.startswith(_NO_ELEMENTS):
                left[name] += len(all_of)
            continue
        for fields in all_of:
            if name in _LINES:
                kind, labels = LINE, [fields[k] for k in _LINES[name]]
                if "" in labels or "0" in labels:
                    left[f"{name} with an end that is no node"] += 1
                    continue
            elif name in _FACES:
                size = _FACES[name]
                kind, labels = {3: 5, 4: 9}[size], fields[2 : 2 + size]
            else:
                corners, kind, with_middles, order = _TWO_ORDERS[name]
                labels = fields[2 : 2 + len(order)]
                if len(labels) == len(order) and all(label not in ("", "0") for label in labels):
                    kind, labels = with_middles, [labels[k] for k in order]
                else:
                    labels = [labels[k] for k in order[:corners]]
            for label in labels:
                if label not in number:
                    raise KeyError(f"GRID {label}, which {name} {fields[0]} names,")
            groups.setdefault((kind, len(labels)), []).append([number[label] for label in labels])
    return groups, left
