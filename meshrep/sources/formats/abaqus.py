"""Abaqus and CalculiX input (.inp): nodes and elements of parts, placed by their instances.

Read here because meshio keeps only the last ``*Node`` block and knows neither parts nor instances.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import POLYLINE, VERTEX, Cells
from meshrep.sources.formats.text import text_of
from meshrep.sources.normalise import Raw
from meshrep.sources.references import read_included
from meshrep.sources.room import NODES_PER_POINT, most_points, refuse_many_points

_SOLIDS = {4: 10, 5: 14, 6: 13, 8: 12, 10: 24, 13: 27, 15: 26, 20: 25}
_FACES = {3: 5, 4: 9, 6: 22, 8: 23, 9: 28}
_SOLID = re.compile(r"(?:[ADEQ]|EM)?(?:C3D|COH3D|SC|CSS)(\d+)")
_FACE = re.compile(
    r"(?:CPS|CPE|CPEG|CAX|CGAX|DC2D|DCAX|AC2D|ACAX|EMC2D|M3D|STRI|D?S|R3D|SFM3D|COH2D|COHAX|F3D"
    r"|WARP2D)(\d)"
)
_BAR = re.compile(r"(?:T2D|T3D|DC1D|AC1D|R2D|RAX|RB2D|RB3D|CONN2D|CONN3D|F2D|FAX)([23])")
_OTHER_BAR = re.compile(
    r"(?:B[23]|PIPE[23]|ELBOW3|D?SAX|MG?AX|SFMG?AX)([123])"  # the digit is the order; 3 is cubic
)
_TWO_NODES = re.compile(r"FRAME[23]D|SPRING[A2]|DASHPOT[A2]|GAP|JOINTC|ITSCYL|DRAG")
_ONE_NODE = re.compile(r"MASS|ROTARYI|HEATCAP|SPRING1|DASHPOT1")
# Keywords that make nodes or elements, or move them, by rules.
_MAKERS = ("NGEN", "NCOPY", "NFILL", "NMAP", "ELGEN", "ELCOPY", "SYSTEM")
_TIES = ("TIE", "MPC", "EQUATION", "COUPLING", "EMBEDDED ELEMENT", "RIGID BODY")


@dataclass
class _Part:
    """Points and elements under one numbering."""

    name: str
    number: dict[str, int] = field(default_factory=dict)  # a node's label to its point
    points: list[list[float]] = field(default_factory=list)
    # Kind, labels of the nodes, line.
    elements: list[tuple[int, list[str], str]] = field(default_factory=list)

    @cached_property
    def listed(self) -> int:
        """How many nodes the elements have together."""
        return sum(len(labels) for _, labels, _ in self.elements)

    def placed(self, shift: int, all_labels: dict[str, int], path: str) -> list[Cells]:
        """The elements as cells on points counted from ``shift``, or on other parts' points."""
        by_kind: dict[tuple[int, int], list[list[int]]] = {}
        for kind, labels, where in self.elements:
            try:
                nodes = [
                    shift + self.number[label] if label in self.number else all_labels[label]
                    for label in labels
                ]
            except KeyError as error:
                raise InputError(
                    f"{path}: {where} names node {error.args[0]}, which is not there"
                ) from None
            by_kind.setdefault((kind, len(nodes)), []).append(nodes)
        return [Cells.of_kind(kind, np.array(rows)) for (kind, _), rows in by_kind.items()]


@dataclass
class _Instance:
    name: str
    part: str
    own: _Part
    moves: list[list[float]] = field(default_factory=list)


@dataclass
class _Block:
    """A keyword with its parameters, and the rows of data under it with where they stand."""

    keyword: str
    parameters: dict[str, str]
    where: str
    rows: list[tuple[str, str]] = field(default_factory=list)


def read_abaqus(path: str, data: bytes, folder: Path) -> Raw:
    """The nodes and elements of a model; every instance of a part has its own points."""
    model = _Model(path, most_points(len(data)))
    for block in _blocks(path, text_of(data, path, "an Abaqus file"), folder, ()):
        model.take(block)
    return model.raw()


def _blocks(path: str, text: str, folder: Path, chain: tuple[Path, ...]) -> Iterator[_Block]:
    """The blocks of a file and of those that it includes."""
    name = f"{chain[-1].name}, line" if chain else "line"
    lines = text.split("\n")
    block: _Block | None = None
    at = 0
    while at < len(lines):
        line, where = lines[at].strip(), f"{name} {at + 1}"
        at += 1
        if not line or line.startswith("**"):
            continue
        if not line.startswith("*"):
            if block is not None:
                block.rows.append((line, where))
            continue
        if block is not None:
            yield block
        while line.endswith(",") and at < len(lines):
            line += lines[at].strip()
            at += 1
        block = _keyword(line, where)
        if "INPUT" in block.parameters and block.keyword in ("INCLUDE", "NODE", "ELEMENT"):
            file, data = read_included(folder, block.parameters["INPUT"], path, chain)
            rows = text_of(data, path, "an Abaqus file")
            if block.keyword == "INCLUDE":
                yield from _blocks(path, rows, folder, (*chain, file))
                block = None
            else:
                block.rows += [
                    (row.strip(), f"{file.name}, line {k}")
                    for k, row in enumerate(rows.split("\n"), 1)
                    if row.strip() and not row.startswith("**")
                ]
    if block is not None:
        yield block


def _told(row: str, where: str) -> str:
    """A row in a message; one of an included file is not shown, whatever file that may be."""
    return f": '{row[:60]}'" if where.startswith("line") else ""


def _keyword(line: str, where: str) -> _Block:
    """``*Element, type=S3, elset="a, b"`` as a block without rows; names keep their case."""
    parts = re.findall(r'(?:"[^"]*"|[^,"])+', line[1:])
    parameters = {}
    for part in parts[1:]:
        name, _, value = part.partition("=")
        parameters[re.sub(r"\s", "", name).upper()] = value.strip().strip('"')
    return _Block(" ".join(parts[0].split()).upper() if parts else "", parameters, where)


class _Model:
    """Parts and instances, filled block by block."""

    def __init__(self, path: str, most_points: int) -> None:
        self.path = path
        self.most_points = most_points
        self.flat = _Part("")  # outside all parts: a file without parts, or an assembly's own
        self.parts: dict[str, _Part] = {}
        self.instances: list[_Instance] = []
        self.ties: set[str] = set()
        self.at = self.flat

    def take(self, block: _Block) -> None:
        keyword, name = block.keyword, block.parameters.get("NAME", "")
        if keyword == "PART":
            self.at = self.parts.setdefault(name.upper(), _Part(name))
        elif keyword == "INSTANCE":
            self.at = _Part(name)
            part = block.parameters.get("PART", "").upper()
            moves = [self._numbers(row, where) for row, where in block.rows]
            self.instances.append(_Instance(name, part, self.at, moves))
        elif keyword in ("END PART", "END INSTANCE"):
            self.at = self.flat
        elif keyword == "NODE":
            self._nodes(block)
        elif keyword == "ELEMENT":
            self._elements(block)
        elif keyword in _MAKERS:
            raise InputError(
                f"{self.path}: {block.where} makes or moves nodes by *{keyword}, which is not "
                "read: write all nodes and elements out"
            )
        elif keyword in _TIES:
            self.ties.add(keyword.capitalize())

    def _numbers(self, row: str, where: str) -> list[float]:
        try:
            return [float(word) if word.strip() else 0.0 for word in row.rstrip(", ").split(",")]
        except ValueError:
            raise InputError(
                f"{self.path}: {where} should hold numbers{_told(row, where)}"
            ) from None

    def _nodes(self, block: _Block) -> None:
        system = block.parameters.get("SYSTEM", "R").upper()
        dimensions = 0
        for row, where in block.rows:
            label, _, rest = row.partition(",")
            numbers = self._numbers(rest, where)[:3]  # a normal may follow
            dimensions = dimensions or len(numbers)
            if len(numbers) != dimensions:
                raise InputError(
                    f"{self.path}: {where} has {len(numbers)} coordinates where the first node of "
                    f"its block has {dimensions}: is the file cut short?"
                )
            point = (numbers + [0.0] * 3)[:3]
            label = _label(label)
            if not label.isdecimal():
                raise InputError(f"{self.path}: {where} is no node{_told(row, where)}")
            if label in self.at.number:  # as Abaqus does, the last definition holds
                self.at.points[self.at.number[label]] = _rectangular(point, system)
                continue
            self.at.number[label] = len(self.at.points)
            self.at.points.append(_rectangular(point, system))

    def _elements(self, block: _Block) -> None:
        name = block.parameters.get("TYPE", "").upper()
        kind, size, kept = _kind(name)
        if not kind:
            raise InputError(
                f"{self.path}: {block.where} has elements of type {name or '(none)'}, whose nodes "
                "are not known: leave them out"
            )
        row: list[str] = []
        for text, where in block.rows:
            row += [_label(word) for word in text.split(",") if word.strip()]
            if len(row) < 1 + size or text.endswith(","):
                continue
            self.at.elements.append((kind, row[1 : 1 + kept], where))
            row = []
        if len(row) > size:
            self.at.elements.append((kind, row[1 : 1 + kept], block.rows[-1][1]))
        elif row:
            raise InputError(
                f"{self.path}: {block.rows[-1][1]} ends an element of type {name} after "
                f"{len(row) - 1} of its {size} nodes: the file is cut short or damaged"
            )

    def raw(self) -> Raw:
        remarks = []
        if not self.instances:
            self.instances = [
                _Instance(part.name, name, _Part(part.name)) for name, part in self.parts.items()
            ]
            if self.parts:
                remarks.append("no *Instance places its parts: each part taken once as it is")
        placed, points = [(self.flat, 0)], [np.array(self.flat.points).reshape(-1, 3)]
        shift, listed = len(self.flat.points), self.flat.listed
        labels: dict[str, int] = {}
        for instance in self.instances:
            if instance.part and instance.part not in self.parts:
                raise InputError(
                    f"{self.path}: instance {instance.name} places part {instance.part}, "
                    "which is not there"
                )
            part = self.parts.get(instance.part, instance.own)
            part = instance.own if instance.own.points else part
            listed += part.listed
            nodes = max(shift + len(part.points), listed // NODES_PER_POINT)
            refuse_many_points(self.path, 2 * nodes, self.most_points)  # labels take as much
            placed.append((part, shift))
            points.append(_moved(np.array(part.points).reshape(-1, 3), instance.moves))
            for label, number in part.number.items():
                labels[f"{instance.name}.{label}".upper()] = shift + number
            shift += len(part.points)
        if not shift:
            raise InputError(f"{self.path}: it has no nodes under *Node: is it an Abaqus file?")
        cells = Cells.join(
            [part for own, begin in placed for part in own.placed(begin, labels, self.path)]
        )
        idle = set(self.parts) - {instance.part for instance in self.instances}
        remarks += [
            f"part {self.parts[name].name} not read: no instance places it" for name in sorted(idle)
        ]
        if self.ties:
            remarks.append(f"not read: *{', *'.join(sorted(self.ties))}, which tie nodes together")
        return Raw(self.path, np.concatenate(points), cells, tuple(remarks))


def _label(word: str) -> str:
    """A node's label, ``7`` or ``Instance-1.7``, as it is looked up."""
    word = word.strip().upper()
    return word.lstrip("0") or "0" if word.isdecimal() else word


def _kind(name: str) -> tuple[int, int, int]:
    """VTK's kind of an element's type, how many nodes it has at least, and how many are kept.

    Kind 0 where the type is not known. Abaqus numbers the nodes of solids and faces as VTK does;
    the middle node of a line stands second.
    """
    if found := _SOLID.match(name):
        size = min(int(found[1]), 20) if found[1] in ("21", "27") else int(found[1])
        return _SOLIDS.get(size, 0), size, size
    if found := _FACE.match(name):
        size = int(found[1])
        return _FACES.get(size, 0), size, size
    if _ONE_NODE.match(name):
        return VERTEX, 1, 1
    if _TWO_NODES.match(name):
        return POLYLINE, 2, 2
    if found := _BAR.match(name):
        return POLYLINE, int(found[1]), int(found[1])
    if found := _OTHER_BAR.match(name):
        size = 3 if found[1] == "2" else 2
        return POLYLINE, size, size
    return 0, 0, 0


def _rectangular(point: list[float], system: str) -> list[float]:
    """A point given in cylindrical (C) or spherical (S) coordinates, angles in degrees."""
    radius, angle, third = point[0], np.radians(point[1]), point[2]
    if system == "C":
        return [radius * np.cos(angle), radius * np.sin(angle), third]
    if system == "S":
        flat, third = radius * np.cos(np.radians(third)), radius * np.sin(np.radians(third))
        return [flat * np.cos(angle), flat * np.sin(angle), third]
    return point


def _moved(points: np.ndarray, moves: list[list[float]]) -> np.ndarray:
    """Points moved by an instance's two rows: a translation, then a turn about a line.

    The second row holds two points of the line and the angle in degrees.
    """
    if moves:
        points = points + (moves[0] + [0.0] * 3)[:3]
    if len(moves) > 1 and len(moves[1]) >= 7:
        start, end = np.array(moves[1][:3]), np.array(moves[1][3:6])
        axis, angle = (end - start) / np.linalg.norm(end - start), np.radians(moves[1][6])
        arms = points - start
        along = np.outer(arms @ axis, axis)
        across = np.cross(axis, arms)
        points = start + along + np.cos(angle) * (arms - along) + np.sin(angle) * across
    return points
