"""OBJ, read line by line.

No library keeps such a file as it is: trimesh cuts polygons into triangles and so adds edges that
the file does not have, VTK splits points at texture seams, meshio refuses such files. Only the
geometry matters here, which is two kinds of lines.
"""

from __future__ import annotations

import re

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import LINE, POLYLINE, VERTEX, Cells
from meshrep.sources.formats.text import plain_table, rows_of_numbers, text_of
from meshrep.sources.kinds import polygons
from meshrep.sources.normalise import Raw
from meshrep.sources.wording import counted

# Kinds of lines that hold no vertices, faces or lines.
_OTHERS = frozenset([
    "vt", "vn", "vp", "p", "o", "g", "s", "mg", "mtllib", "usemtl", "usemap", "maplib", "cstype",
    "deg", "bmat", "step", "curv", "curv2", "surf", "parm", "trim", "hole", "scrv", "sp", "end",
    "con", "bevel", "c_interp", "d_interp", "lod", "shadow_obj", "trace_obj", "ctech", "stech",
    "bsp", "bzp", "cdc", "cdp", "res", "call", "csh",
])  # fmt: skip
_AFTER_SLASH = re.compile(r"/\S*")


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
    unknown: list[int] = []
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
        elif word and word[0] != "#" and word not in _OTHERS:
            unknown.append(number)
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
    lines_of_size = np.array([0, VERTEX, LINE, POLYLINE])[np.minimum(sizes, 3)]
    kinds = np.where(np.array(is_line, dtype=bool), lines_of_size, cells.kinds)
    told = f"{counted(len(unknown), 'line')} of no known kind not read" if unknown else ""
    remarks = (f"{told}, the first is line {unknown[0]}",) if unknown else ()
    return Raw(path, points, Cells(cells.connectivity, cells.offsets, kinds), remarks)


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


def _is_integer(word: str) -> bool:
    try:
        return abs(int(word)) < 2**63
    except ValueError:
        return False
