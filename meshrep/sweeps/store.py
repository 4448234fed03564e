"""The folder of a sweep: one file a point, which a new run of the sweep reads."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from meshrep.errors import InputError
from meshrep.view.write import replacing

STALE = 60.0  # an incomplete file older than this many seconds is removed


class Point(Hashable, Protocol):
    """Where a sweep measures; a frozen dataclass, which sorts as its rows are to stand."""

    @property
    def file(self) -> str:
        """The name of its file."""

    @property
    def after(self) -> Any:
        """The point whose phases it starts from, or None."""


class Settings(Protocol):
    """What all points of a sweep share.

    ``rows`` is the class of its rows: a dataclass that begins with the fields of a point, and has
    ``result``, ``point`` and ``failed``.
    """

    rows: ClassVar[type[Any]]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the phases at a point."""

    def record(self) -> dict[str, Any]:
        """What determines the results, as plain data."""


S = TypeVar("S", bound=Settings)


class Store(Generic[S]):
    """The folder with the finished points of one sweep, one file a point."""

    def __init__(self, folder: Path, settings: S) -> None:
        self.folder, self.settings = folder, settings

    def save(self, row: Any, phi: np.ndarray) -> None:
        """Write a point's file, so that it is either complete or absent."""
        with replacing(self.folder / row.point.file) as temporary:
            np.savez(
                temporary, phi=phi, row=json.dumps(asdict(row)),
                settings=json.dumps(self.settings.record()),
            )  # fmt: skip

    def load(self, point: Point) -> tuple[Any, np.ndarray] | None:
        """Row and phases of a point; None if its file is missing or damaged."""
        content = _read(self.folder / point.file)
        if content is None:
            return None
        try:
            row, phi = self.settings.rows(**json.loads(str(content["row"]))), content["phi"]
        except (KeyError, TypeError, ValueError):
            return None
        whole = phi.shape == self.settings.shape and phi.dtype.kind == "f"
        return (row, phi) if row.point == point and whole and np.isfinite(phi).all() else None

    def finished(self, points: Iterable[Any], say: Callable[[str], None]) -> dict[Any, Any]:
        """Rows of the points with complete files; ``say`` is called for damaged files.

        Raises
        ------
        InputError
            If a file in the folder was made with other settings.
        """
        ours = json.loads(json.dumps(self.settings.record()))
        for path in sorted(self.folder.glob("[!.]*.npz")):
            theirs = _settings(_read(path))
            if theirs is None or theirs == ours:
                continue
            name = next(name for name in ours | theirs if theirs.get(name) != ours.get(name))
            raise InputError(
                f"{self.folder} holds points of another sweep ({name} "
                f"{theirs.get(name, 'not set')}, here {ours.get(name, 'not set')}): "
                "choose another folder or remove that one"
            )
        rows = {}
        for point in points:
            kept = self.load(point)
            if kept is not None:
                rows[point] = kept[0]
            elif (self.folder / point.file).exists():
                say(f"{point.file} is damaged and will be computed again")
        return rows

    def tidy(self) -> None:
        """Remove incomplete files of killed workers."""
        for path in self.folder.glob(".*.npz"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > STALE:
                    path.unlink()


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """All arrays of an .npz file; None if it is not one, is cut short, or holds objects."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except Exception:  # damaged archives raise many different types
        return None


def _settings(content: dict[str, np.ndarray] | None) -> dict[str, Any] | None:
    try:
        found = json.loads(str((content or {})["settings"]))
    except (KeyError, ValueError):
        return None
    return found if isinstance(found, dict) else None
