"""What libraries pass over without a word or fail at, looked for before they read a file."""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from meshrep.errors import InputError
from meshrep.sources.formats.legacy_vtk import refuse_wrong_counts
from meshrep.sources.formats.xml_vtk import refuse_other_counts
from meshrep.sources.room import refuse_large_grid
from meshrep.sources.wording import counted

_GRIDS = (".vti", ".vtr", ".vts")
# Thirty digits of a number are enough to refuse it, and Python converts no more than 4,300.
_WHOLE = re.compile(rb"[-+]?\d{1,30}")
_EXTENT = re.compile(rb"""\bWholeExtent\s*=\s*["']([^"']*)["']""")
_PIECE = re.compile(rb"""<Piece\b[^>]*?\bExtent\s*=\s*["']([^"']*)["']""")
_DIMENSIONS = re.compile(rb"^\s*DIMENSIONS((?:\s+\d{1,30}){3})", re.I | re.M)
_XML_OF_VTK = (".vtu", ".vtp", *_GRIDS)
_CLAIM = re.compile(rb"""NumberOf(\w{1,20})\s*=\s*["']\s*\+?(\d{1,30})""")
# The most numbers that a byte of the file may stand for: a bit each, or more where compressed.
_NUMBERS_PER_BYTE, _NUMBERS_PER_COMPRESSED_BYTE = 8, 10_000
_ELEMENT = re.compile(rb"<([^\s/>!?:]+)[\s/>]")
_OF_3MF = frozenset(
    b"model metadata metadatagroup resources object mesh vertices vertex triangles triangle build "
    b"components component item basematerials base trianglesets triangleset ref refrange".split()
)
_TIMESTEP = re.compile(rb"""timestep\s*=\s*["']([^"']*)["']""", re.I)


def size_of(file: Path, named: Sequence[Path], path: str) -> int:
    """The bytes that a file and those that it names count as: see :func:`room_for`.

    Raises
    ------
    InputError
        Where they hold a grid that is too large.
    """
    files = (file, *named)
    size = sum(one.stat().st_size for one in files)
    return refuse_large_grid(path, sum(map(_points_of_grid, files)), size)


def look_before_reading(file: Path, path: str) -> tuple[str, ...]:
    """Remarks on parts of a file that its library leaves out.

    Raises
    ------
    InputError
        Where what is left out would make the rest wrong, or the file declares more than it holds.
    """
    ending = file.suffix.lower()
    if ending in _XML_OF_VTK:
        data = file.read_bytes()
        _refuse_large_claims(data, path)
        _refuse_other_extent(data, path)
        refuse_other_counts(data, path)
    if ending == ".vtk":
        refuse_wrong_counts(file.read_bytes(), path)
    elif ending == ".3mf":
        return _remarks_on_3mf(file, path)
    elif ending in (".dat", ".tec"):
        zones = len(re.findall(rb"^\s*ZONE\b", file.read_bytes(), re.I | re.M))
        if not zones:
            raise InputError(f"{path}: it is no Tecplot file: no line begins with ZONE")
        _refuse_several(path, zones, "zone")
    elif ending == ".su2":
        told = re.search(rb"^\s*NZONE\s*=\s*(\d{1,30})", file.read_bytes(), re.I | re.M)
        _refuse_several(path, int(told[1]) if told else 1, "zone")
    elif ending in (".ele", ".node"):
        if not re.search(rb"^[ \t]*\d", file.read_bytes(), re.M):  # meshio would look for ever
            raise InputError(f"{path}: it has no line of numbers: is it a file of TetGen?")
    elif ending == ".pvd":
        times = len(set(_TIMESTEP.findall(file.read_bytes())))
        if times > 1:
            return (f"the first of {times:,} time steps read",)
    return ()


def _points_of_grid(file: Path) -> int:
    """The points of a grid of VTK's formats by its extent: compressed ones are small files."""
    ending = file.suffix.lower()
    if ending not in (*_GRIDS, ".vtk"):
        return 0
    with file.open("rb") as start:
        told = (_DIMENSIONS if ending == ".vtk" else _EXTENT).search(start.read(1 << 16))
    numbers = [int(word) for word in _WHOLE.findall(told[1])] if told else [0]
    if ending == ".vtk":
        return math.prod(numbers)
    return math.prod(
        max(last - first + 1, 0) for first, last in zip(numbers[::2], numbers[1::2], strict=False)
    )


def _refuse_large_claims(data: bytes, path: str) -> None:
    """Raise where a file of VTK's XML formats declares more numbers than its bytes can hold.

    VTK takes minutes and all memory to set up arrays of many components before it reads them.
    """
    head = data.partition(b"<AppendedData")[0]
    share = _NUMBERS_PER_COMPRESSED_BYTE if b"compressor" in head else _NUMBERS_PER_BYTE
    for name, count in _CLAIM.findall(head):
        if int(count) > share * len(data):
            raise InputError(
                f"{path}: its attribute NumberOf{name.decode()} is {int(count):,}, too many for a "
                f"file of {counted(len(data), 'byte')}: it is cut short or damaged"
            )


def _refuse_other_extent(data: bytes, path: str) -> None:
    """Raise where the pieces of a grid do not fill its extent: VTK would read a part, or zeros."""
    whole = _EXTENT.search(data)
    pieces = [_WHOLE.findall(told) for told in _PIECE.findall(data.partition(b"<Appended")[0])]
    if whole is None or not pieces or any(len(piece) != 6 for piece in pieces):
        return
    ends = np.array(pieces, dtype=object).astype(float)
    covered = np.where(np.arange(6) % 2, ends.max(axis=0), ends.min(axis=0))
    if not np.array_equal(covered, [float(end) for end in _WHOLE.findall(whole[1])]):
        raise InputError(
            f"{path}: its WholeExtent is '{whole[1].decode('latin-1')[:80]}', and its pieces fill "
            f"'{' '.join(f'{end:.0f}' for end in covered)}': the file is damaged"
        )


def _refuse_several(path: str, count: int, what: str) -> None:
    if count > 1:
        raise InputError(f"{path}: it has {counted(count, what)}, and one is read: split the file")


def _remarks_on_3mf(file: Path, path: str) -> tuple[str, ...]:
    """A remark on elements that 3MF does not know, which trimesh passes over.

    Objects in other members of the archive (3MF's production extension) are refused.
    """
    try:
        with zipfile.ZipFile(file) as archive, archive.open("3D/3dmodel.model") as model:
            head = model.read(1 << 24)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError, RuntimeError, ValueError):
        return ()  # trimesh says what is wrong
    if re.search(rb"""<component\b[^>]*\b\w+:path\s*=|<item\b[^>]*\b\w+:path\s*=""", head):
        raise InputError(
            f"{path}: its objects stand in other parts of the archive (3MF's production "
            "extension), which are not read: save it as one model"
        )
    strange = [name for name in _ELEMENT.findall(head) if name.lower() not in _OF_3MF]
    if not strange:
        return ()
    first = strange[0].decode("latin-1")[:20]
    return (f"{counted(len(strange), 'element')} not read, such as <{first}>",)
