"""DXF drawings: curves as chords, faces as they are, blocks placed by their insertions.

Read here because trimesh keeps three points of a circle or an arc and drops z, and meshio knows no
curves. Group codes and entities are those of Autodesk's DXF reference.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import POLYLINE, VERTEX, Cells
from meshrep.sources.formats.curves import along_bulges, along_ellipse, along_spline
from meshrep.sources.formats.text import text_of
from meshrep.sources.kinds import polygons
from meshrep.sources.normalise import Raw
from meshrep.sources.room import NODES_PER_POINT, most_points, refuse_many_points
from meshrep.sources.wording import counted

# Ends of curves are computed, and other entities' ends are rounded when they are written: those
# closer than this share of the drawing's size are one.
_JOINED_WITHIN = 1e-6


class _Entity(NamedTuple):
    """An entity's type and its groups (code, value) in the file's order."""

    kind: str
    groups: list[tuple[int, str]]

    def first(self, code: int, default: float = 0.0) -> float:
        return next((float(value) for c, value in self.groups if c == code), default)

    def flags(self, code: int = 70) -> int:
        return int(self.first(code))

    def text(self, code: int) -> str:
        return next((value.strip() for c, value in self.groups if c == code), "")

    def all(self, code: int) -> np.ndarray:
        return np.array([float(value) for c, value in self.groups if c == code])

    def point(self, code: int = 10, default: float = 0.0) -> np.ndarray:
        return np.array([self.first(code + 10 * axis, default) for axis in range(3)])

    def rows(self, *codes: int) -> np.ndarray:
        """Groups that come once a vertex, the first of the codes beginning a vertex."""
        found: list[list[float]] = []
        for code, value in self.groups:
            if code == codes[0]:
                found.append([0.0] * len(codes))
            if code in codes and found:
                found[-1][codes.index(code)] = float(value)
        return np.array(found).reshape(-1, len(codes))

    def axes(self) -> np.ndarray:
        """The entity's own axes as rows, by DXF's arbitrary-axis algorithm."""
        normal = np.array([self.first(210), self.first(220), self.first(230, 1.0)])
        if not normal.any():
            return np.eye(3)
        normal /= np.linalg.norm(normal)
        steep = abs(normal[0]) < 1 / 64 and abs(normal[1]) < 1 / 64
        x = np.cross([0, 1, 0] if steep else [0, 0, 1], normal)
        x /= np.linalg.norm(x)
        return np.stack([x, np.cross(normal, x), normal])


@dataclass
class _Drawing:
    """What has been drawn so far."""

    path: str
    most_points: int
    blocks: dict[str, tuple[np.ndarray, list[_Entity]]]
    points: list[np.ndarray] = field(default_factory=list)
    cells: list[Cells] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)  # of curves, whose places are computed
    count: int = 0
    curves: int = 0
    passed: Counter[str] = field(default_factory=Counter)
    drawn: dict[str, _Drawing] = field(default_factory=dict)  # blocks in their own coordinates
    open: list[str] = field(default_factory=list)  # blocks that are being drawn

    def block(self, name: str) -> tuple[np.ndarray, _Drawing]:
        """The base point of a block, and its drawing, which is made once."""
        key = name.upper()
        if key not in self.blocks or key in self.open or len(self.open) > 16:
            why = "is not there" if key not in self.blocks else "has itself inside"
            raise InputError(f"{self.path}: it inserts the block '{name[:60]}', which {why}")
        base, entities = self.blocks[key]
        if key not in self.drawn:
            block = _Drawing(self.path, self.most_points, self.blocks)
            block.drawn, block.open = self.drawn, [*self.open, key]
            _draw(block, entities)
            self.drawn[key] = block
        return base, self.drawn[key]

    def copies(
        self, block: _Drawing, turn: np.ndarray, shifts: np.ndarray, base: np.ndarray
    ) -> None:
        """Put a block down at each of the shifts (k, 3), its points p at (p - base) @ turn."""
        copies = len(shifts)
        self.curves += copies * block.curves
        for kind, count in block.passed.items():
            self.passed[kind] += copies * count
        if not block.count:
            return
        points = (np.concatenate(block.points) - base) @ turn
        cells = Cells.join(block.cells)
        begins = self.add((points + shifts[:, None]).reshape(-1, 3)) + block.count * np.arange(
            copies
        )
        nodes = (cells.connectivity + begins[:, None]).ravel()
        sizes = np.tile(np.diff(cells.offsets), copies)
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        self.cells.append(Cells(nodes, offsets, np.tile(cells.kinds, copies)))
        if block.ends:
            self.ends += (np.array(block.ends) + begins[:, None]).ravel().tolist()

    def add(self, points: np.ndarray) -> int:
        """Put points down; the number of the first."""
        begin = self.count
        self.count += len(points)
        refuse_many_points(self.path, self.count, self.most_points)
        self.points.append(points)
        return begin

    def line(self, points: np.ndarray, *, closed: bool = False, curve: bool = False) -> None:
        """A polyline."""
        begin = self.add(points)
        nodes = np.arange(begin, self.count)
        if closed:
            nodes = np.append(nodes, begin)
        elif curve:
            self.ends += [begin, self.count - 1]
        self.curves += curve
        self.cells.append(Cells.of_kind(POLYLINE, nodes[None]))

    def faces(self, points: np.ndarray, faces: list[list[int]]) -> None:
        begin = self.add(points)
        nodes = np.array([node for face in faces for node in face], dtype=np.int64)
        if len(nodes) and (nodes.min() < 0 or nodes.max() >= len(points)):
            raise InputError(f"{self.path}: a face names a vertex that its mesh does not have")
        self.cells.append(polygons(nodes + begin, np.array([len(face) for face in faces])))


def read_dxf(path: str, data: bytes) -> Raw:
    """The lines, curves, faces and points of a drawing's model space, or of its paper space.

    Paper space is read where model space is empty.
    """
    if data.startswith(b"AutoCAD Binary DXF"):
        raise InputError(f"{path}: it is a binary DXF, which is not read: save it as ASCII DXF")
    try:
        blocks, entities = _sections(path, text_of(data, path, "an ASCII DXF"))
        drawing = _Drawing(
            path,
            most_points(len(data)),
            blocks,
        )
        paper = [entity for entity in entities if entity.flags(67)]
        model = [entity for entity in entities if not entity.flags(67)]
        _draw(drawing, model)
        if drawing.count:
            drawing.passed["of paper space"] += len(paper)
        else:
            _draw(drawing, paper)
    except (ValueError, OverflowError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: an entity is damaged ({error}): save the drawing again"
        ) from None
    passed = ", ".join(
        f"{count:,} {kind}" for kind, count in sorted(drawing.passed.items()) if count
    )
    if not drawing.count:
        only = f" but {passed}" if passed else ""
        raise InputError(f"{path}: it draws no lines, curves, faces or points{only}")
    remarks = []
    if drawing.curves:
        remarks.append(f"{counted(drawing.curves, 'curve')} drawn as chords, 128 to a full circle")
    points = np.concatenate(drawing.points)
    if joined := _join_ends(points, drawing.ends):
        remarks.append(f"{counted(joined, 'end')} of curves moved onto others by rounding")
    if passed:
        remarks.append(f"not read: {passed}")
    return Raw(path, points, Cells.join(drawing.cells), tuple(remarks))


def _join_ends(points: np.ndarray, ends: list[int]) -> int:
    """Move ends of curves onto other points that differ from them by rounding; how many moved."""
    from scipy.spatial import cKDTree

    if not ends or not np.isfinite(points).all():
        return 0
    near = _JOINED_WITHIN * np.linalg.norm(np.ptp(points, axis=0))
    # Given points come before computed ones, so that these are moved onto those.
    given = np.ones(len(points), dtype=bool)
    given[ends] = False
    order = np.concatenate([np.flatnonzero(given), ends])
    moved = 0
    tree = cKDTree(points[order])
    for end, found in zip(ends, tree.query_ball_point(points[ends], near), strict=True):
        target = points[order[min(found)]].copy()
        moved += bool((target != points[end]).any())
        points[end] = target
    return moved


def _sections(
    path: str, text: str
) -> tuple[dict[str, tuple[np.ndarray, list[_Entity]]], list[_Entity]]:
    """The blocks by name, each with its base point, and the entities of the drawing."""
    lines = text.split("\n")
    found: list[_Entity] = []
    for number in range(0, len(lines) - 1, 2):
        try:
            code = int(lines[number])
        except ValueError:
            raise InputError(
                f"{path}: line {number + 1} should hold a group code of DXF: is it a DXF file?"
            ) from None
        if code == 0 and lines[number + 1].strip() == "EOF":
            break
        if code == 0:
            found.append(_Entity(lines[number + 1].strip().upper(), []))
        elif found:
            found[-1].groups.append((code, lines[number + 1]))
    blocks: dict[str, tuple[np.ndarray, list[_Entity]]] = {}
    entities: list[_Entity] | None = None
    at: list[_Entity] = []
    section, ended = "", False
    for entity in found:
        if entity.kind == "SECTION":
            section, at = entity.text(2).upper(), []
            if section == "ENTITIES":
                entities = at
        elif entity.kind == "ENDSEC":
            ended = ended or section == "ENTITIES"
            section, at = "", []
        elif entity.kind == "BLOCK" and section == "BLOCKS":
            at = []
            blocks[entity.text(2).upper()] = entity.point(), at
        else:
            at.append(entity)
    if entities is None or not ended:
        raise InputError(
            f"{path}: its section ENTITIES is missing or does not end: is it cut short?"
        )
    return blocks, entities


def _draw(drawing: _Drawing, entities: list[_Entity]) -> None:
    """Draw entities in their own coordinates."""
    following = iter(entities)
    for entity in following:
        kind = entity.kind
        if kind == "LINE":
            drawing.line(np.stack([entity.point(10), entity.point(11)]))
        elif kind == "POINT":
            begin = drawing.add(entity.point()[None])
            drawing.cells.append(Cells.of_kind(VERTEX, np.array([[begin]])))
        elif kind in ("CIRCLE", "ARC"):
            whole, radius = kind == "CIRCLE", entity.first(40)
            arms = np.array([(radius, 0, 0), (0, radius, 0)])
            start, end = np.radians([entity.first(50), entity.first(51)])
            span = () if whole else (start, end)
            curve = along_ellipse(entity.point(), arms, *span) @ entity.axes()
            drawing.line(curve, closed=whole, curve=True)
        elif kind == "ELLIPSE":
            major = entity.point(11)
            arms = np.stack([major, entity.first(40, 1.0) * np.cross(entity.axes()[2], major)])
            start, end = entity.first(41), entity.first(42, 2 * np.pi)
            whole = abs(end - start - 2 * np.pi) < 1e-6
            curve = along_ellipse(entity.point(), arms, *(() if whole else (start, end)))
            drawing.line(curve, closed=whole, curve=True)
        elif kind in ("SPLINE", "HELIX"):
            curve, closed = _spline(entity)
            drawing.line(curve, closed=closed, curve=True)
        elif kind == "LWPOLYLINE":
            x, y, bulge = entity.rows(10, 20, 42).T
            flat = np.stack([x, y, np.full(len(x), entity.first(38))], axis=1)
            closed = bool(entity.flags() & 1)
            curve = along_bulges(flat, bulge, closed=closed)
            drawing.curves += bool(bulge.any())
            drawing.line(curve @ entity.axes(), closed=closed)
        elif kind == "POLYLINE":
            vertices = []
            for vertex in following:
                if vertex.kind != "VERTEX":
                    break
                vertices.append(vertex)
            _polyline(drawing, entity, vertices)
        elif kind in ("3DFACE", "SOLID", "TRACE"):
            corners = np.stack([entity.point(code) for code in (10, 11, 12, 13)])
            if kind != "3DFACE":
                corners = corners[[0, 1, 3, 2]] @ entity.axes()
            same = (corners == np.roll(corners, 1, axis=0)).all(axis=1)
            drawing.faces(corners[~same], [list(range(int((~same).sum())))])
        elif kind == "MESH":
            _mesh(drawing, entity)
        elif kind == "INSERT":
            _insert(drawing, entity)
        elif kind not in ("SEQEND", "ATTRIB", "ENDBLK", "VIEWPORT"):
            drawing.passed[kind] += 1


def _spline(entity: _Entity) -> tuple[np.ndarray, bool]:
    """Points along a spline, and whether it closes."""
    controls, fitted = entity.rows(10, 20, 30), entity.rows(11, 21, 31)
    closed = bool(entity.flags() & 1)
    if len(controls) < 2:
        if len(fitted) < 2:
            raise ValueError("a spline without points")
        return fitted, closed  # it passes through these, and its shape between them is not told
    weights = entity.all(41)
    weights = weights if len(weights) == len(controls) else np.ones(len(controls))
    curve = along_spline(controls, entity.all(40), weights, int(entity.first(71, 3)))
    size = np.ptp(curve, axis=0).max()
    if np.abs(curve[0] - curve[-1]).max() <= 1e-9 * size:
        return curve[:-1], True
    return curve, False


def _polyline(drawing: _Drawing, entity: _Entity, vertices: list[_Entity]) -> None:
    """The older polyline: flat with bulges, in space, a grid of points, or a mesh of faces."""
    flags = entity.flags()
    if flags & 64:
        located = [v for v in vertices if v.flags() & 64]
        listed = [v for v in vertices if v.flags() & 128 and not v.flags() & 64]
        faces = []
        for vertex in listed:
            corners = [abs(int(vertex.first(code))) for code in (71, 72, 73, 74)]
            faces.append([corner - 1 for corner in corners if corner])
        points = np.array([vertex.point() for vertex in located]).reshape(-1, 3)
        drawing.faces(points, [face for face in faces if face])
        return
    if flags & 4:  # smoothed: the frame that it was smoothed from stands before it
        vertices = [v for v in vertices if not v.flags() & 16]
    points = np.array([vertex.point() for vertex in vertices]).reshape(-1, 3)
    if flags & 16:
        rows, columns = (
            int(entity.first(a if not flags & 4 else b)) for a, b in ((71, 73), (72, 74))
        )
        if rows < 2 or columns < 2 or rows * columns != len(points):
            raise ValueError(f"a mesh of {rows} by {columns} vertices has {len(points)}")
        grid = np.arange(len(points)).reshape(rows, columns)
        grid = np.vstack([grid, grid[:1]]) if flags & 1 else grid
        grid = np.hstack([grid, grid[:, :1]]) if flags & 32 else grid
        quads = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=-1)
        drawing.faces(points, quads.reshape(-1, 4).tolist())
        return
    closed = bool(flags & 1)
    if not flags & 8:
        points[:, 2] = entity.first(30)
        bulges = np.array([vertex.first(42) for vertex in vertices])
        drawing.curves += bool(bulges.any())
        points = along_bulges(points, bulges, closed=closed) @ entity.axes()
    if len(points):
        drawing.line(points, closed=closed)


def _mesh(drawing: _Drawing, entity: _Entity) -> None:
    """A subdivision mesh, at the level at which it is stored."""
    codes = [code for code, _ in entity.groups]
    begin = codes.index(93)
    size = int(float(entity.groups[begin][1]))
    listed = [int(value) for _, value in entity.groups[begin + 1 : begin + 1 + size]]
    faces, at = [], 0
    while at < len(listed):
        if listed[at] < 1:
            raise ValueError("a face of no vertices")
        faces.append(listed[at + 1 : at + 1 + listed[at]])
        at += 1 + listed[at]
    drawing.faces(entity.rows(10, 20, 30), faces)


def _insert(drawing: _Drawing, entity: _Entity) -> None:
    """A block, scaled, turned and moved, once or in rows and columns."""
    name = entity.text(2)
    base, block = drawing.block(name)
    scale = np.array([entity.first(code, 1.0) for code in (41, 42, 43)])
    cosine, sine = np.cos(np.radians(entity.first(50))), np.sin(np.radians(entity.first(50)))
    axes = np.array([(cosine, sine, 0), (-sine, cosine, 0), (0, 0, 1)]) @ entity.axes()
    columns, rows = (max(1, int(entity.first(code, 1))) for code in (70, 71))
    listed = sum(len(cells.connectivity) for cells in block.cells)
    many = drawing.count + columns * rows * max(1, block.count, listed // NODES_PER_POINT)
    refuse_many_points(drawing.path, many, drawing.most_points)
    steps = np.zeros((columns, rows, 3))
    steps[:, :, 0] = (np.arange(columns) * entity.first(44))[:, None]
    steps[:, :, 1] = np.arange(rows) * entity.first(45)
    shifts = entity.point() @ entity.axes() + steps.reshape(-1, 3) @ axes
    drawing.copies(block, scale[:, None] * axes, shifts, base)
