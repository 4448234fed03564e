"""Files that are written whole or not at all: text, JSON, CSV, and others by ``replacing``."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import enum
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.base.interrupts import removed_at_end
from meshrep.errors import InputError


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary file to write to, which takes the place of ``path`` if the block succeeds.

    Missing folders are made. If the block fails, the temporary file is removed and an old file
    stays as it was.

    Yields
    ------
    Path
        An empty file in the same folder and with the same suffix.

    Raises
    ------
    InputError
        If the system refuses to write: the disk is full, permission is missing, or there is
        something other than a plain file.
    """
    target = Path(os.path.realpath(path))
    stem = target.name.removesuffix(target.suffix)[:64]
    temporary = target.with_name(f".{stem}-{secrets.token_hex(4)}{target.suffix}")
    try:
        if target.exists() and not target.is_file():
            raise InputError(f"{path} cannot be written: it exists and is not a plain file")
        target.parent.mkdir(parents=True, exist_ok=True)
        with removed_at_end(temporary):
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


def write_text(text: str, path: str | os.PathLike[str]) -> Path:
    """Write text in UTF-8; a lone surrogate, as in the name of a file, becomes ``\\udcff``.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    return Path(path)


def write_json(obj: Any, path: str | os.PathLike[str]) -> Path:
    """Write plain data as JSON.

    NaN and infinities become null, arrays become lists, and dataclasses become objects.

    Raises
    ------
    InputError
        If something is not data, or the file cannot be written.
    """
    text = json.dumps(plain(obj), indent=2, allow_nan=False, ensure_ascii=False)
    return write_text(text + "\n", path)


def plain(obj: Any) -> Any:
    """An object in the types that JSON knows, as :func:`write_json` writes it.

    Raises
    ------
    InputError
        If something in it is not data.
    """
    if isinstance(obj, np.generic | np.ndarray):
        obj = obj.tolist()
    if isinstance(obj, enum.Enum):
        return plain(obj.value)
    if obj is None or isinstance(obj, bool | int | str):
        return obj
    if isinstance(obj, float):
        return obj if np.isfinite(obj) else None
    if isinstance(obj, os.PathLike):
        return os.fspath(obj)
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return {f.name: plain(getattr(obj, f.name)) for f in dataclasses.fields(obj)}
    if isinstance(obj, Mapping):
        return {str(key): plain(value) for key, value in obj.items()}
    if isinstance(obj, Iterable):
        return [plain(value) for value in obj]
    raise InputError(f"{type(obj).__name__} cannot be written as JSON")


def write_csv(
    columns: Mapping[str, Sequence[Any] | np.ndarray], path: str | os.PathLike[str]
) -> Path:
    """Write named columns of one length as CSV with a header. NaN and None become empty cells.

    Raises
    ------
    InputError
        If the columns differ in length, or the file cannot be written.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"{path}: columns differ in length: {lengths}")
    lists = (v.tolist() if isinstance(v, np.ndarray) else v for v in columns.values())
    cells = [[_cell(value) for value in column] for column in lists]
    with (
        replacing(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        rows = csv.writer(file)
        rows.writerow(columns)
        rows.writerows(zip(*cells, strict=True))
    return Path(path)


def _cell(value: Any) -> str:
    """A value of a table; floats have the fewest digits that are read back exactly."""
    return "" if value is None or str(value) == "nan" else str(value)
