"""Files that are written whole or not at all: meshes with fields, series in time, JSON, CSV."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import enum
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import Cells
from meshrep.graphs.graph import Graph
from meshrep.view.dataset import CellField, dataset, needs_grid
from meshrep.view.encode import FORMATS, encoded


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to, put in its place when the block succeeds.

    Missing folders are made. If the block fails, nothing is left and an old file stays as it was.

    Yields
    ------
    Path
        An empty file in the same folder and with the same suffix.

    Raises
    ------
    InputError
        Where the system refuses to write (full disk, no permission, not a plain file).
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise InputError(f"{path} cannot be written: it is there and is not a plain file")
    stem = target.name.removesuffix(target.suffix)[:64]
    temporary = target.with_name(f".{stem}-{secrets.token_hex(4)}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path} cannot be written: {reason}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def mesh_path(graph: Graph, stem: str | os.PathLike[str]) -> Path:
    """``stem`` with the suffix of the format that holds the graph: .vtu for solids, else .vtp."""
    cells = [graph.cells] if graph.origin is None else [graph.cells, graph.origin.cells]
    suffix = ".vtu" if any(needs_grid(kind) for kind in cells) else ".vtp"
    return Path(f"{os.fspath(stem)}{suffix}")


def write_mesh(
    graph: Graph,
    fields: Mapping[str, np.ndarray],
    path: str | os.PathLike[str],
    *,
    original: bool = True,
    cell_fields: Mapping[str, CellField] | None = None,
) -> Path:
    """Write the mesh with its fields as point and cell data, in the format of the suffix.

    Parameters
    ----------
    graph : Graph
    fields : mapping of str to (n,) or (n, k) array
    path : path
        Ends in .vtp (surfaces, networks), .vtu (any cells), .vtk, or .ply (faces or points).
    original : bool
        On the points and cells of the input that the graph was read from, NaN where dropped.
    cell_fields : mapping of str to array, or to a function of the cells
        As for :func:`meshrep.view.dataset.dataset`; .ply holds those of faces only.

    Raises
    ------
    InputError
        Where the format cannot hold the fields or the cells, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(FORMATS)
        raise InputError(
            f"{path}: fields can be written to {known}, not to "
            f"{path.suffix or 'a name without a suffix'}; choose one of these suffixes"
        )
    mesh = dataset(graph, fields, original=original, cell_fields=cell_fields)
    content = encoded(mesh, path)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


def write_series(
    graph: Graph,
    frames: Iterable[tuple[float, np.ndarray]],
    folder: str | os.PathLike[str],
    name: str,
    *,
    field: str = "field",
    cell_fields: Mapping[str, Callable[[Cells, np.ndarray], np.ndarray]] | None = None,
) -> Path:
    """Write one mesh file a frame and the .pvd that lists them with their times.

    Parameters
    ----------
    frames : iterable of (time, (n,) array)
        Read one at a time, so that a generator of any length fits in memory.
    folder, name
        ``folder/name.pvd`` lists ``folder/name/name_0000.vtp`` (or .vtu) and so on.
    field : str
        What the values are called in the files.
    cell_fields : mapping of str to function of (cells, values)
        Named cell data of each frame, as ``{"vortex": charges}``.

    Returns
    -------
    Path
        The .pvd file. Times stand in it as ``repr`` writes them, so that reading gives them back
        exactly.
    """
    folder = Path(folder)
    lines = []
    for count, (time, values) in enumerate(frames):
        file = mesh_path(graph, folder / name / f"{name}_{count:04d}")
        of_cells = {key: _with(of, values) for key, of in (cell_fields or {}).items()}
        write_mesh(graph, {field: values}, file, original=False, cell_fields=of_cells)
        where = quoteattr(f"{name}/{file.name}")
        lines.append(f'    <DataSet timestep="{float(time)!r}" part="0" file={where}/>')
    listing = "\n".join(
        [
            '<?xml version="1.0"?>',
            '<VTKFile type="Collection" version="0.1">',
            "  <Collection>",
            *lines,
            "  </Collection>",
            "</VTKFile>",
            "",
        ]
    )
    with replacing(folder / f"{name}.pvd") as temporary:
        temporary.write_text(listing, encoding="utf-8")
    return folder / f"{name}.pvd"


def _with(
    of: Callable[[Cells, np.ndarray], np.ndarray], values: np.ndarray
) -> Callable[[Cells], np.ndarray]:
    return lambda cells: of(cells, values)


def write_json(obj: Any, path: str | os.PathLike[str]) -> Path:
    """Write plain data as JSON; NaN and infinities become null, arrays lists, dataclasses objects.

    Raises
    ------
    InputError
        Where something is not data, or the file cannot be written.
    """
    text = json.dumps(_plain(obj), indent=2, allow_nan=False, ensure_ascii=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    return Path(path)


def _plain(obj: Any) -> Any:
    """The object in the types that JSON knows."""
    if isinstance(obj, np.generic | np.ndarray):
        obj = obj.tolist()
    if isinstance(obj, enum.Enum):
        return _plain(obj.value)
    if obj is None or isinstance(obj, bool | int | str):
        return obj
    if isinstance(obj, float):
        return obj if np.isfinite(obj) else None
    if isinstance(obj, os.PathLike):
        return os.fspath(obj)
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return {f.name: _plain(getattr(obj, f.name)) for f in dataclasses.fields(obj)}
    if isinstance(obj, Mapping):
        return {str(key): _plain(value) for key, value in obj.items()}
    if isinstance(obj, Iterable):
        return [_plain(value) for value in obj]
    raise InputError(f"{type(obj).__name__} cannot be written as JSON")


def write_csv(
    columns: Mapping[str, Sequence[Any] | np.ndarray], path: str | os.PathLike[str]
) -> Path:
    """Write named columns of one length as CSV with a header; NaN and None become empty cells.

    Raises
    ------
    InputError
        Where the columns differ in length, or the file cannot be written.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"{path}: columns differ in length: {lengths}")
    cells = [[_cell(value) for value in np.asarray(v).tolist()] for v in columns.values()]
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        rows.writerows(zip(*cells, strict=True))
    return Path(path)


def _cell(value: Any) -> str:
    """One value of a table, floats in the fewest digits that read back the same."""
    return "" if value is None or str(value) == "nan" else str(value)
