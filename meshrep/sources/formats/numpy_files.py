"""Arrays that NumPy and SciPy save: points in .npy, points with cells or a matrix in .npz."""

from __future__ import annotations

import math
import os
import warnings
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

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
    return Raw(shown, read_array(path, shown), Cells.none())


def read_array(path: Path, shown: str) -> np.ndarray:
    """The array in a .npy file, whose header is checked against its size.

    Raises
    ------
    InputError
        Where it is no such file, declares more than it holds, or holds Python objects.
    """
    if not os.path.isfile(path):
        raise InputError(f"{shown}: there is no such file of NumPy")
    try:
        return _checked(lambda: path.open("rb"), path.stat().st_size, shown)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{shown}: it is no sound NumPy file ({one_line(error)})") from None


def _checked(begin: Callable[[], IO[bytes]], size: int, what: str) -> np.ndarray:
    """An array of ``size`` bytes with its header, which are as many as the header says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd about a header is found here
        with begin() as file:
            version = np.lib.format.read_magic(file)[0]
            reader = getattr(np.lib.format, f"read_array_header_{min(version, 2)}_0")
            shape, _, kind = reader(file)
            left = size - file.tell()
        need = math.prod(int(length) for length in shape) * kind.itemsize
        if kind.hasobject:
            raise InputError(f"{what}: it holds Python objects, which are never unpickled")
        if need != left or min(shape, default=0) < 0 or not kind.itemsize:
            raise InputError(
                f"{what}: its header claims an array {shape}, {need:,} bytes, but {left:,} "
                "follow: it is cut short or damaged"
            )
        with begin() as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def read_npz(path: Path, shown: str) -> Any:
    """Points with faces or edges, or a sparse matrix as SciPy saves it."""
    try:
        with zipfile.ZipFile(path) as archive:
            refuse_beyond_file(
                shown, sum(entry.file_size for entry in archive.infolist()), path.stat().st_size
            )
            arrays = {}
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                with archive.open(entry) as file:
                    if file.read(6) != np.lib.format.MAGIC_PREFIX:
                        raise InputError(f"{shown}: its member {name!r} is no NumPy array")
                what = f"{shown}: its member {name!r}"
                arrays[name] = _checked(partial(archive.open, entry), entry.file_size, what)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{shown}: it is no sound NumPy archive ({one_line(error)})") from None
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
