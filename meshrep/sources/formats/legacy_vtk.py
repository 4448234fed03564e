"""ASCII legacy .vtk files, counted before VTK reads them: it takes what is missing for zeros."""

from __future__ import annotations

import re

from meshrep.errors import InputError

_SECTION = re.compile(r"^[ \t]*([A-Z_]{5,})\b([^\n]*)$", re.M)
_CELLS = ("VERTICES", "LINES", "POLYGONS", "TRIANGLE_STRIPS", "CELLS")


def refuse_short_legacy_vtk(data: bytes, path: str) -> None:
    """Raise where a section of an ASCII legacy file holds fewer numbers than it declares.

    A binary one is left to VTK, which complains by itself.

    Raises
    ------
    InputError
        Naming the section, the numbers declared and those found.
    """
    head = data[:1024].split(b"\n", 4)
    if len(head) < 4 or head[2].strip().upper() != b"ASCII":
        return
    text = data.decode("latin-1").replace("\r\n", "\n")
    sections = list(_SECTION.finditer(text, len(b"\n".join(head[:3]))))
    tuples = 0  # of the attributes that follow
    for k, section in enumerate(sections):
        name, words = section[1], section[2].split()
        end = sections[k + 1].start() if k + 1 < len(sections) else len(text)
        following = sections[k + 1][1] if k + 1 < len(sections) else ""
        try:
            if name in ("POINT_DATA", "CELL_DATA"):
                tuples = int(words[0])
                continue
            need = _declared(name, words, following, tuples)
            if name == "LOOKUP_TABLE" and k and sections[k - 1][1] == "SCALARS":
                scalars = sections[k - 1][2].split()
                need = tuples * (int(scalars[2]) if len(scalars) > 2 else 1)
            if name in ("OFFSETS", "CONNECTIVITY"):
                owner = next(s for s in reversed(sections[:k]) if s[1] in _CELLS)
                need = int(owner[2].split()[name == "CONNECTIVITY"])
        except (ValueError, IndexError, StopIteration):
            raise InputError(
                f"{path}: its section {name} does not say how many numbers it has: is it complete?"
            ) from None
        found = len(text[section.end() : end].split()) if need else 0
        if found < need:
            raise InputError(
                f"{path}: its section {name} declares {need:,} numbers and holds {found:,}: "
                "the file is cut short or damaged"
            )


def _declared(name: str, words: list[str], following: str, tuples: int) -> int:
    """How many numbers should stand between this section's line and the next one."""
    if name == "POINTS":
        return 3 * int(words[0])
    if name.endswith("_COORDINATES") and name[0] in "XYZ":
        return int(words[0])
    if name in _CELLS:
        return 0 if following == "OFFSETS" else int(words[1])
    if name == "CELL_TYPES":
        return int(words[0])
    if name in ("VECTORS", "NORMALS"):
        return 3 * tuples
    if name == "TENSORS":
        return 9 * tuples
    return 0
