"""OBJ and OFF, read line by line.

No library keeps such a file as it is: trimesh cuts polygons into triangles and so adds edges that
the file does not have, VTK splits points at texture seams, meshio refuses such files. Only the
geometry matters here, which is two kinds of lines.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import Cells
from meshrep.sources.kinds import polygons
from meshrep.sources.normalise import Raw
from meshrep.sources.wording import counted

_AFTER_SLASH = re.compile(r"/\S*")


def text_of(data: bytes, path: str, what: str) -> str:
    """Bytes of a text format as text; refused where they are binary."""
    if b"\0" in data[:4096] or b"\0" in data[-4096:]:
        raise InputError(f"{path}: it is binary, not the text of {what}: check the file's format")
    return data.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def read_obj(path: str, data: bytes) -> Raw:
    """Vertices, faces and lines of a Wavefront OBJ; all else (textures, materials) is ignored.

    Points are the ``v`` lines in the file's order. Negative references count back from the last
    vertex, as the format has it.
    """
    vertices: list[str] = []
    vertex_lines: list[int] = []
    faces: list[str] = []
    face_lines: list[int] = []
    seen: list[int] = []  # vertices before each face, to resolve relative references
    is_line: list[bool] = []
    text = text_of(data, path, "an OBJ file").replace("\\\n", "  ")
    for number, line in enumerate(text.split("\n"), 1):
        word, _, rest = line.strip().replace("\t", " ").partition(" ")
        if word == "v":
            vertices.append(rest)
            vertex_lines.append(number)
        elif word in ("f", "fo", "l"):
            faces.append(rest.partition("#")[0])
            face_lines.append(number)
            seen.append(len(vertices))
            is_line.append(word == "l")
    if not vertices:
        raise InputError(f"{path}: it has no vertex lines 'v x y z': is it an OBJ file?")
    points = rows_of_numbers(vertices, vertex_lines, path)
    if "/" in text:
        faces = _AFTER_SLASH.sub("", "\n".join(faces)).split("\n") if faces else []
    nodes, sizes = _face_nodes(path, faces, face_lines)
    row = np.repeat(np.arange(len(sizes)), sizes)
    n = len(points)
    absolute = np.where(nodes > 0, nodes - 1, nodes + np.array(seen, dtype=np.int64)[row])
    wrong = (nodes == 0) | (absolute < 0) | (absolute >= n)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(
            f"{path}: line {face_lines[row[at]]} names vertex {nodes[at]}, but the file has "
            f"vertices 1 … {n}: the file is damaged or cut short"
        )
    cells = polygons(absolute, sizes)
    lines = np.array(is_line, dtype=bool)
    if lines.any():
        kinds = np.where(lines & (sizes > 2), 4, np.where(lines, np.minimum(sizes, 3), cells.kinds))
        kinds[lines & (sizes == 2)] = 3
        kinds[lines & (sizes == 1)] = 1
        cells = Cells(cells.connectivity, cells.offsets, kinds)
    return Raw(path, points, cells)


def _face_nodes(path: str, faces: list[str], lines: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers in the faces' rows, one row after the other, and how many each has."""
    table = plain_table(faces, np.int64)
    if table is not None:
        return table.ravel(), np.full(len(table), table.shape[1])
    words = [face.split() for face in faces]
    sizes = np.array([len(row) for row in words], dtype=np.int64)
    if len(sizes) and sizes.min() == 0:
        empty = lines[int(np.argmin(sizes))]
        raise InputError(f"{path}: line {empty} is a face of no vertices")
    try:
        return np.array([int(word) for row in words for word in row], dtype=np.int64), sizes
    except (ValueError, OverflowError):
        bad = next(k for k, row in enumerate(words) if not all(map(_is_integer, row)))
        raise InputError(
            f"{path}: line {lines[bad]} is no face: 'f {faces[bad].strip()[:60]}'"
        ) from None


def read_off(path: str, data: bytes) -> Raw:
    """Vertices and faces of an OFF file, with or without colours, normals or texture."""
    lines: list[str] = []
    numbers: list[int] = []
    for number, line in enumerate(text_of(data, path, "an OFF file").split("\n"), 1):
        told = line.partition("#")[0].strip()
        if told:
            lines.append(told)
            numbers.append(number)
    head = lines[0].split() if lines else [""]
    if head[0].upper() not in ("OFF", "COFF", "NOFF", "CNOFF", "STOFF", "STCOFF", "STNOFF"):
        raise InputError(f"{path}: it does not begin with OFF: is it an OFF file?")
    if len(head) > 1:
        lines[0], start = " ".join(head[1:]), 0
    else:
        start = 1
    try:
        vertex_count, face_count = (int(word) for word in lines[start].split()[:2])
    except (ValueError, IndexError):
        raise InputError(f"{path}: the counts of vertices and faces are missing") from None
    body = slice(start + 1, None)
    lines, numbers = lines[body], numbers[body]
    if vertex_count < 0 or face_count < 0 or len(lines) < vertex_count + face_count:
        raise InputError(
            f"{path}: its header counts {vertex_count:,} vertices and {face_count:,} faces, but "
            f"{counted(len(lines), 'line')} follow: the file is cut short or damaged"
        )
    points = rows_of_numbers(lines[:vertex_count], numbers, path)
    faces, sizes = lists_of_numbers(
        lines[vertex_count : vertex_count + face_count], numbers[vertex_count:], path
    )
    return Raw(path, points, polygons(faces, sizes))


def plain_table(
    rows: Sequence[str], dtype: type, columns: Sequence[int] | None = None
) -> np.ndarray | None:
    """Columns of text rows by NumPy's own reader, fast; None where any row is not so plain."""
    if not rows:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # as when a whole number is written 1.0
            table: np.ndarray = np.loadtxt(rows, dtype, comments=None, usecols=columns, ndmin=2)
    except (ValueError, OverflowError, Warning):
        return None
    return table if len(table) == len(rows) else None  # it passes over empty rows


def _lists_of_one_size(rows: Sequence[str], skip: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Lists as :func:`lists_of_numbers` gives them, where all are of one size; else None."""
    try:
        size = int(rows[0].split()[skip])
    except (ValueError, IndexError):
        return None
    table = plain_table(rows, np.int64, range(skip, skip + 1 + size)) if 0 < size < 64 else None
    if table is None or (table[:, 0] != size).any():
        return None
    return table[:, 1:].ravel(), np.full(len(rows), size)


def rows_of_numbers(
    rows: Sequence[str], numbers: Sequence[int], path: str, columns: Sequence[int] = (0, 1, 2)
) -> np.ndarray:
    """The numbers in the given columns of text rows, shape (rows, columns).

    Raises
    ------
    InputError
        Naming the first line (``numbers[k]`` is the line of row k) that has no such numbers.
    """
    table = plain_table(rows, np.float64, columns)
    if table is not None:
        return table
    found = [row.split() for row in rows]
    try:
        by_column = [[float(words[c]) for words in found] for c in columns]
        return np.array(by_column, dtype=np.float64).T
    except (ValueError, IndexError):
        pass
    for k, words in enumerate(found):
        try:
            [float(words[c]) for c in columns]
        except (ValueError, IndexError):
            raise InputError(
                f"{path}: line {numbers[k]} should hold {max(columns) + 1} numbers or more: "
                f"'{rows[k][:60]}'"
            ) from None
    raise AssertionError("one of the rows is bad")


def lists_of_numbers(
    rows: Sequence[str], numbers: Sequence[int], path: str, skip: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Lists "count n1 n2 …" after ``skip`` words of each row, as flat numbers and sizes (rows,)."""
    listed = _lists_of_one_size(rows, skip)
    if listed is not None:
        return listed
    flat: list[int] = []
    sizes = np.empty(len(rows), dtype=np.int64)
    for k, row in enumerate(rows):
        found = row.split()
        try:
            size = int(found[skip])
            nodes = found[skip + 1 : skip + 1 + size]
            if size < 1 or len(nodes) != size:
                raise ValueError
            flat += map(int, nodes)
        except (ValueError, IndexError):
            raise InputError(
                f"{path}: line {numbers[k]} is no list of vertex numbers: '{row[:60]}'"
            ) from None
        sizes[k] = size
    try:
        return np.array(flat, dtype=np.int64), sizes
    except OverflowError:
        raise InputError(f"{path}: a face names a vertex number beyond all bounds") from None


def _is_integer(word: str) -> bool:
    try:
        return abs(int(word)) < 2**63
    except ValueError:
        return False
