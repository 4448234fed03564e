"""What libraries pass over without a word, looked for before they read a file."""

from __future__ import annotations

import math
import re
import zipfile
from pathlib import Path

from meshrep.errors import InputError
from meshrep.sources.formats.legacy_vtk import refuse_wrong_counts
from meshrep.sources.room import available_memory
from meshrep.sources.wording import counted

GRIDS = (".vti", ".vtr", ".vts")
_BYTES_PER_POINT = 800  # 690 measured: points, hexahedra, edges, and their sorting
_EXTENT = re.compile(rb"""\bWholeExtent\s*=\s*["']([-+\d\s]*)["']""")
_TIMESTEP = re.compile(rb"""timestep\s*=\s*["']([^"']*)["']""", re.I)


def look_before_reading(file: Path, path: str) -> tuple[str, ...]:
    """Remarks on parts of a file that its library leaves out.

    Raises
    ------
    InputError
        Where what is left out would make the rest wrong.
    """
    ending = file.suffix.lower()
    if ending == ".vtk":
        refuse_wrong_counts(file.read_bytes(), path)
    elif ending in GRIDS:
        _refuse_large_grid(path, points_of_grid(file))
    elif ending == ".3mf":
        _refuse_parts_of_3mf(file, path)
    elif ending in (".dat", ".tec"):
        zones = len(re.findall(rb"^\s*ZONE\b", file.read_bytes(), re.I | re.M))
        if not zones:
            raise InputError(f"{path}: it is no Tecplot file: no line begins with ZONE")
        _refuse_several(path, zones, "zone")
    elif ending == ".su2":
        told = re.search(rb"^\s*NZONE\s*=\s*(\d+)", file.read_bytes(), re.I | re.M)
        _refuse_several(path, int(told[1]) if told else 1, "zone")
    elif ending in (".ele", ".node"):
        if not re.search(rb"^[ \t]*\d", file.read_bytes(), re.M):  # meshio would look for ever
            raise InputError(f"{path}: it has no line of numbers: is it a file of TetGen?")
    elif ending == ".pvd":
        times = len(set(_TIMESTEP.findall(file.read_bytes())))
        if times > 1:
            return (f"the first of {times:,} time steps read",)
    return ()


def points_of_grid(file: Path) -> int:
    """The points of a grid of VTK's XML formats by its extent: compressed ones are small files."""
    with file.open("rb") as start:
        told = _EXTENT.search(start.read(1 << 16))
    ends = [int(word) for word in told[1].split()] if told else []
    return math.prod(
        max(last - first + 1, 0) for first, last in zip(ends[::2], ends[1::2], strict=False)
    )


def _refuse_large_grid(path: str, points: int) -> None:
    need, room = _BYTES_PER_POINT * points, available_memory()
    if need > room:
        raise InputError(
            f"{path}: its grid of {points:,} points needs about {need / 2**30:.3g} GiB "
            f"and {room / 2**30:.3g} GiB are free: cut it or make it coarser"
        )


def _refuse_several(path: str, count: int, what: str) -> None:
    if count > 1:
        raise InputError(f"{path}: it has {counted(count, what)}, and one is read: split the file")


def _refuse_parts_of_3mf(file: Path, path: str) -> None:
    """Objects in other members of the archive (3MF's production extension) are not followed."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open("3D/3dmodel.model") as model:
            head = model.read(1 << 24)
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError):
        return  # trimesh says what is wrong
    if re.search(rb"""<component\b[^>]*\b\w+:path\s*=|<item\b[^>]*\b\w+:path\s*=""", head):
        raise InputError(
            f"{path}: its objects stand in other parts of the archive (3MF's production "
            "extension), which are not read: save it as one model"
        )
