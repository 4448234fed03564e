"""Compute a phase diagram in several processes and save each finished point in a file.

A new run continues a sweep that was stopped. A worker that is killed costs at most one point.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.base.backends import cores
from meshrep.base.interrupts import interruptible
from meshrep.base.pickling import check_named
from meshrep.errors import InputError, MeshrepError
from meshrep.sweeps.patterns import Point, Row, Settings, evaluate
from meshrep.sweeps.workers import spread
from meshrep.view.diagram import raster
from meshrep.view.write import replacing

STALE = 60.0  # an incomplete file older than this many seconds is removed
MOST_VALUES = 100_000  # on one axis

Work = Callable[[Settings, Point], tuple[Row, np.ndarray]]


def numbers(text: str, name: str) -> list[float]:
    """Parse ``"0,0.5,1"`` or ``"start:stop:count"``, where both ends are included.

    Numbers of a range are rounded to 12 digits, so that every range gives the same 0.3.

    Raises
    ------
    InputError
        If there are no numbers, one is not finite or occurs twice, or the count is below 1.

    >>> numbers("0:1:6", "s2")
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    try:
        if ":" in text:
            start, stop, many = text.split(":")
            ends, count = [float(start), float(stop)], int(many)
        else:
            ends, count = [float(word) + 0.0 for word in text.split(",")], 0
    except ValueError:
        raise InputError(f"{name} {text!r}: write numbers as 0,0.5,1 or start:stop:count") from None
    if not all(map(math.isfinite, ends)):
        raise InputError(f"{name} {text}: every number must be finite")
    found = ends
    if ":" in text:
        if not 1 <= count <= MOST_VALUES:
            raise InputError(f"{name} {text}: the count must lie in 1 … {MOST_VALUES:,}")
        found = [
            float(f"{value:.12g}") + 0.0 for value in np.linspace(ends[0], ends[1], count).tolist()
        ]
    if len(set(found)) < len(found):
        raise InputError(f"{name} {text}: a number occurs twice")
    return found


def grid(s1: Sequence[float], s2: Sequence[float], seeds: int, first_seed: int = 0) -> list[Point]:
    """All points, ordered by seed, so that the first seed's diagram is complete early.

    Raises
    ------
    InputError
        If there is no seed, or a negative one.
    """
    if seeds < 1:
        raise InputError(f"a sweep needs 1 seed or more, not {seeds}")
    if first_seed < 0:
        raise InputError(f"seeds must be 0 or more, not {first_seed}")
    numbered = range(first_seed, first_seed + seeds)
    return [Point(x, y, seed) for seed in numbered for y in s2 for x in s1]


@dataclass
class Swept:
    """The result of a sweep.

    Attributes
    ----------
    rows : list of Row
        Rows of the points that are finished or failed, sorted by s₁, s₂ and seed.
    interrupted : bool
        Whether Ctrl-C ended the sweep.
    found : int
        Number of points that an earlier run had finished.
    """

    rows: list[Row] = field(default_factory=list)
    interrupted: bool = False
    found: int = 0

    @property
    def failures(self) -> list[Row]:
        """Rows of the points that failed."""
        return [row for row in self.rows if row.failed]

    def columns(self) -> dict[str, list[Any]]:
        """The table, with a list for each of Row's fields."""
        cells = [astuple(row) for row in self.rows]
        return {f.name: [row[k] for row in cells] for k, f in enumerate(fields(Row))}


class Store:
    """The folder with the finished points of one sweep, one file a point."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings

    def save(self, row: Row, phi: np.ndarray) -> None:
        """Write a point's file, so that it is either complete or absent."""
        with replacing(self.folder / row.point.file) as temporary:
            np.savez(
                temporary, phi=phi, row=json.dumps(asdict(row)),
                settings=json.dumps(self.settings.record()),
            )  # fmt: skip

    def load(self, point: Point) -> tuple[Row, np.ndarray] | None:
        """Row and phases (n,) of a point; None if its file is missing or damaged."""
        content = _read(self.folder / point.file)
        if content is None:
            return None
        try:
            row, phi = Row(**json.loads(str(content["row"]))), content["phi"]
        except (KeyError, TypeError, ValueError):
            return None
        whole = phi.shape == (self.settings.loaded.n,) and phi.dtype.kind == "f"
        return (row, phi) if row.point == point and whole and np.isfinite(phi).all() else None

    def finished(self, points: Sequence[Point], say: Callable[[str], None]) -> dict[Point, Row]:
        """Rows of the points with complete files; ``say`` is called for damaged files.

        Raises
        ------
        InputError
            If a file in the folder was made with other settings.
        """
        ours = json.loads(json.dumps(self.settings.record()))
        for path in sorted(self.folder.glob("s1=*.npz")):
            theirs = _settings(_read(path))
            if theirs is None or theirs == ours:
                continue
            name = next(name for name in ours | theirs if theirs.get(name) != ours.get(name))
            raise InputError(
                f"{self.folder} holds points of another sweep ({name} "
                f"{theirs.get(name, 'not set')}, here {ours.get(name, 'not set')}): "
                "choose another --out or remove that folder"
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
        for path in self.folder.glob(".s1=*.npz"):
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


def sweep(
    points: Sequence[Point],
    store: Store,
    *,
    processes: int | None = None,
    work: Work = evaluate,
    observe: Callable[[int, int, float], None] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Swept:
    """Compute the points that the store does not hold yet.

    Parameters
    ----------
    points : sequence of Point
    store : Store
    processes : int, optional
        Number of processes; by default one per core. With 1, this process does everything.
    work : callable
        (settings, point) -> (row, phases), which computes a point. With several processes it must
        be importable by name.
    observe : callable, optional
        Called with the number of points done, the number of all points, and the seconds left.
    say : callable
        Called with sentences for the user.

    Returns
    -------
    Swept
        Without the remaining points, if Ctrl-C ended the sweep. A point is reported as failed, and
        not saved, if it raises or if its worker is killed twice.

    Raises
    ------
    InputError
        If ``processes`` is below 1, the store has points of other settings, or ``work`` cannot be
        sent to other processes.
    """
    if processes is not None and processes < 1:
        raise InputError(f"a sweep needs 1 process or more, not {processes}")
    store.tidy()
    rows = store.finished(points, say)
    left = [point for point in points if point not in rows]
    done = Swept(found=len(rows))
    count = min(processes or cores(), len(left))
    job = _Job(work, store)
    if count > 1:
        check_named(work, "a sweep in several processes cannot be sent to them: its work is")
    begun = time.perf_counter()
    answers = (job(point) for point in left) if count <= 1 else spread(job, left, count, _lost)
    try:
        with interruptible(), contextlib.closing(answers):
            for row in answers:
                rows[row.point] = row
                if observe:
                    new = len(rows) - done.found
                    pace = (time.perf_counter() - begun) / new
                    observe(len(rows), len(points), pace * (len(left) - new))
    except KeyboardInterrupt:
        done.interrupted = True
        rows |= store.finished(left, lambda line: None)  # points saved but not yet reported
    done.rows = [rows[point] for point in sorted(rows)]
    return done


def cells(
    done: Swept, store: Store, value: str = "rho"
) -> dict[tuple[float, float], tuple[float, np.ndarray | None]]:
    """For each (s₁, s₂), the mean of a column over the seeds and a picture of the phases.

    Only finite numbers count. The mean is NaN if there is none. The picture is made by
    :func:`meshrep.view.diagram.raster` from the first seed that did not fail.
    """
    graph = store.settings.loaded
    found: dict[tuple[float, float], list[Row]] = {}
    for row in done.rows:
        found.setdefault((row.s1, row.s2), []).append(row)
    drawn = {}
    for place, rows in found.items():
        whole = [row for row in rows if not row.failed]
        known = [getattr(row, value) for row in whole if getattr(row, value) is not None]
        known = [number for number in known if math.isfinite(number)]
        mean = float(np.mean(known)) if known else math.nan
        kept = store.load(whole[0].point) if whole else None
        drawn[place] = mean, None if kept is None else raster(graph, kept[1])
    return drawn


@dataclass
class _Job:
    """Compute and save a point; return its row, which gives the error if it failed."""

    work: Work
    store: Store

    def __call__(self, point: Point) -> Row:
        try:
            row, phi = self.work(self.store.settings, point)
            self.store.save(row, phi)
        except MeshrepError as error:
            return _failed(point, str(error))
        except Exception as error:  # no error of one point may end the sweep
            return _failed(point, f"{type(error).__name__}: {error}")
        return row


def _failed(point: Point, why: str) -> Row:
    return Row(**asdict(point), result=f"failed: {' '.join(why.split())}")


def _lost(point: Point, how: str) -> Row:
    return _failed(point, f"its process was killed twice ({how})")
