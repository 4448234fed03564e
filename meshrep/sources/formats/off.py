"""OFF, with or without colours, normals, texture and a fourth coordinate.

The format is a sequence of numbers, and most writers put a vertex or a face on a line. Only the
colours of a face depend on lines: they end with theirs.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from meshrep.errors import InputError
from meshrep.sources.formats.text import lists_of_numbers, rows_of_numbers, text_of
from meshrep.sources.kinds import polygons
from meshrep.sources.normalise import Raw
from meshrep.sources.wording import counted

# The keyword may stand right before the counts, or be absent.
_KEYWORD = re.compile(r"(ST)?(C)?(N)?(4)?(n)?OFF(?![A-Za-z])")


class _Body(NamedTuple):
    """What follows the header: its rows with their lines' numbers, and what the header counts."""

    path: str
    rows: list[str]
    numbers: list[int]
    vertices: int
    faces: int
    coordinates: int  # of a vertex
    components: int  # of a vertex with its normal, colour and texture


def read_off(path: str, data: bytes) -> Raw:
    """Vertices and faces of an OFF file, the vertices' fourth coordinate divided out."""
    if re.match(rb"\s*\w*OFF\s+BINARY\b", data[:200]):
        raise InputError(f"{path}: it is a binary OFF file, which is not read: save it as text")
    rows, numbers = [], []
    for number, line in enumerate(text_of(data, path, "an OFF file").split("\n"), 1):
        told = line.partition("#")[0].strip()
        if told:
            rows.append(told)
            numbers.append(number)
    if not rows:
        raise InputError(f"{path}: it does not begin with OFF: is it an OFF file?")
    keyword = _KEYWORD.match(rows[0]) or _KEYWORD.match(rows[0].upper())
    rows[0] = rows[0][keyword.end() :] if keyword else rows[0]
    _, colour, normal, four, dimensions = keyword.groups() if keyword else (None,) * 5
    texture = keyword[1] if keyword else None
    words, rows, numbers = _header(path, rows, numbers, bool(dimensions))
    dimension = int(words[0]) if dimensions else 3
    if dimension not in (2, 3):
        raise InputError(
            f"{path}: its points have {dimension} dimensions, and 2 or 3 are read: project it first"
        )
    coordinates = dimension + bool(four)
    more = 3 * bool(normal) + 4 * bool(colour) + 2 * bool(texture)
    vertices, faces = words[-2:]
    body = _Body(path, rows, numbers, vertices, faces, coordinates, coordinates + more)
    points, nodes, sizes, left = _contents(body)
    if four:
        points = _divided(path, points)
    remarks = (f"{counted(left, 'line')} beyond the counts of its header not read",) if left else ()
    return Raw(path, points, polygons(nodes, sizes), remarks)


def _header(
    path: str, rows: list[str], numbers: list[int], dimensions: bool
) -> tuple[list[int], list[str], list[int]]:
    """The numbers before the body, less the count of edges, and the rows that follow them.

    The numbers are the dimension, if the keyword says so, and the counts of vertices and faces.
    """
    need, at = 2 + dimensions, 0
    found: list[str] = []
    while at < len(rows) and len(found) < need:
        words = rows[at].split()
        # The count of edges is often absent, and stands with the others if it is there.
        taken = words[: need + 1 - len(found)]
        found += taken
        rest = " ".join(words[len(taken) :])
        at += 1
    try:
        counts = [int(word) for word in found]
        if len(counts) < need or min(counts) < 0:
            raise ValueError
    except ValueError:
        said = "" if dimensions else ": does it begin with OFF?"
        raise InputError(f"{path}: the counts of vertices and faces are missing{said}") from None
    rows, numbers = rows[at:], numbers[at:]
    if rest:
        rows, numbers = [rest, *rows], [0, *numbers]
    elif len(counts) == need and rows and len(rows[0].split()) == 1:
        rows, numbers = rows[1:], numbers[1:]  # the count of edges on a line of its own
    return counts[:need], rows, numbers


def _contents(body: _Body) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Points, nodes of the faces, their sizes, and how many lines are left over."""
    path, vertices, faces = body.path, body.vertices, body.faces
    whole = vertices + faces
    problem = InputError(
        f"{path}: its header counts {counted(vertices, 'vertex', 'vertices')} and "
        f"{counted(faces, 'face')}, but {counted(len(body.rows), 'line')} follow: "
        "the file is cut short or damaged"
    )
    if len(body.rows) >= whole:
        try:
            return *_parsed(body, body.rows, body.numbers), len(body.rows) - whole
        except InputError as error:
            problem = error
    for colours_end_lines in (True, False):
        regrouped = _regrouped(body, colours_end_lines)
        if regrouped is not None:
            with suppress(InputError):
                return *_parsed(body, *regrouped), 0
    raise problem


def _parsed(
    body: _Body, rows: list[str], numbers: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    vertices, whole = body.vertices, body.vertices + body.faces
    points = rows_of_numbers(rows[:vertices], numbers, body.path, range(body.coordinates))
    nodes, sizes = lists_of_numbers(rows[vertices:whole], numbers[vertices:], body.path)
    return points, nodes, sizes


def _regrouped(body: _Body, colours_end_lines: bool) -> tuple[list[str], list[int]] | None:
    """A row for each vertex and face, whatever the lines are.

    None where the numbers are not exactly as many as the header wants.
    """
    split = [row.split() for row in body.rows]
    words = [word for row in split for word in row]
    line = [k for k, row in enumerate(split) for _ in row]
    rows, numbers, at = [], [], 0
    if body.vertices * body.components + body.faces > len(words):
        return None
    for k in range(body.vertices + body.faces):
        if at >= len(words):
            return None
        size = body.components
        if k >= body.vertices:
            if not words[at].isdecimal() or len(words[at]) > 18:  # no file has so many nodes
                return None
            size = 1 + int(words[at])
        rows.append(" ".join(words[at : at + size]))
        numbers.append(body.numbers[line[at]])
        at += size
        if at > len(words):
            return None
        while k >= body.vertices and colours_end_lines and at < len(words):
            if line[at] != line[at - 1]:
                break
            at += 1
    return (rows, numbers) if at == len(words) else None


def _divided(path: str, points: np.ndarray) -> np.ndarray:
    """Points without their last coordinate, by which the others are divided."""
    if not points[:, -1].all():
        bad = int(np.argmin(points[:, -1] != 0))
        raise InputError(f"{path}: vertex {bad} (counted from 0) lies at infinity: remove it")
    return points[:, :-1] / points[:, -1:]
