"""Arrays that NumPy and SciPy save: points in .npy, points with cells or a matrix in .npz."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import LINE, Cells
from meshrep.sources.formats import sparse_npz
from meshrep.sources.kinds import polygons
from meshrep.sources.normalise import Raw
from meshrep.sources.room import refuse_beyond_file
from meshrep.sources.wording import one_line


def read_npy(path: Path, shown: str) -> Raw:
    """Points in an array file, whose header is checked against its size."""
    return Raw(shown, _array_in(path, shown), Cells.none())


def _array_in(path: Path, shown: str) -> np.ndarray:
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            reader = getattr(np.lib.format, f"read_array_header_{version[0]}_0")
            shape, _, kind = reader(file)
            left = path.stat().st_size - file.tell()
        need = int(np.prod([int(s) for s in shape], dtype=object)) * kind.itemsize
        if kind.hasobject:
            raise InputError(f"{shown}: it holds Python objects, which are never unpickled")
        if need > left:
            raise InputError(
                f"{shown}: its header claims an array {shape}, {need:,} bytes, but {left:,} "
                "follow: it is cut short or damaged"
            )
        return np.load(path, allow_pickle=False)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{shown}: it is no sound NumPy file ({one_line(error)})") from None


def read_npz(path: Path, shown: str) -> Any:
    """Points with faces or edges, or a sparse matrix as SciPy saves it."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        refuse_beyond_file(shown, unpacked, path.stat().st_size)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{shown}: it is no sound NumPy archive ({one_line(error)})") from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise InputError(f"{shown}: its member {name!r} is no NumPy array")
    numbers = sum(array.size for array in arrays.values())
    refuse_beyond_file(shown, 8 * numbers, path.stat().st_size)  # as the graph will hold them
    if set(arrays) >= sparse_npz.MARKS:
        return sparse_npz.matrix_of(arrays, shown, path.stat().st_size)
    points = _first_of(arrays, ("points", "vertices", "pos", "xyz"))
    if points is None and len(arrays) == 1:
        points = next(iter(arrays.values()))
    if points is None:
        raise InputError(
            f"{shown}: it holds no array 'points', but {', '.join(sorted(arrays)[:8])}"
        )
    faces = _first_of(arrays, ("faces", "triangles", "cells"))
    lines = _first_of(arrays, ("edges", "lines"))
    parts = []
    for table, name in ((faces, "faces"), (lines, "edges")):
        if table is None:
            continue
        if table.ndim != 2 or table.dtype.kind not in "iu" or table.shape[1] < 1:
            raise InputError(f"{shown}: '{name}' should be a table of whole numbers")
        if name == "edges":
            parts.append(Cells.of_kind(LINE, table))
        else:
            parts.append(polygons(table.ravel(), np.full(len(table), table.shape[1])))
    return Raw(shown, points, Cells.join(parts))


def _first_of(arrays: Mapping[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray | None:
    return next((arrays[name] for name in names if name in arrays), None)
