"""Compute the points of a sweep in several processes and save each finished point in a file.

A new run continues a sweep that was stopped. A worker that is killed costs at most one point.
"""

from __future__ import annotations

import contextlib
import math
import operator
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, field, fields
from typing import Any

import numpy as np

from meshrep.base.backends import cores
from meshrep.base.interrupts import interruptible
from meshrep.base.pickling import check_named
from meshrep.errors import InputError, MeshrepError, SolveError
from meshrep.sweeps.store import Store
from meshrep.sweeps.workers import spread

MOST_VALUES = 100_000  # on one axis

# (settings, point) -> (row, phases), or (settings, point, the phases that it starts from)
Work = Callable[..., tuple[Any, np.ndarray]]


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


@dataclass
class Swept:
    """The result of a sweep.

    Attributes
    ----------
    rows : list of Row
        Rows of the points that are finished or failed, in the order of the points.
    interrupted : bool
        Whether Ctrl-C ended the sweep.
    found : int
        Number of points that an earlier run had finished.
    """

    rows: list[Any] = field(default_factory=list)
    interrupted: bool = False
    found: int = 0

    @property
    def failures(self) -> list[Any]:
        """Rows of the points that failed."""
        return [row for row in self.rows if row.failed]

    def columns(self) -> dict[str, list[Any]]:
        """The table, with a list for each field of the rows."""
        cells = [astuple(row) for row in self.rows]
        names = [f.name for f in fields(self.rows[0])] if self.rows else []
        return {name: [row[k] for row in cells] for k, name in enumerate(names)}


def sweep(
    points: Sequence[Any],
    store: Store,
    work: Work,
    *,
    processes: int | None = None,
    observe: Callable[[int, int, float], None] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Swept:
    """Compute the points that the store does not hold yet.

    Parameters
    ----------
    points : sequence of Point
        A point that starts from the phases of another one comes later than that one.
    store : Store
    work : callable
        (settings, point) -> (row, phases), which computes a point; or (settings, point, phases)
        for a point that starts from the phases of another one. With several processes it must be
        importable by name.
    processes : int, optional
        Number of processes; by default one per core. With 1, this process does everything.
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
    done, job = Swept(found=len(rows)), _Job(work, store)
    waiting = set(left)
    count = min(processes or cores(), sum(point.after not in waiting for point in left))
    if count > 1:
        check_named(work, "a sweep in several processes cannot be sent to them: its work is")
    begun = time.perf_counter()
    if count > 1:
        answers = spread(job, left, count, job.lost, after=operator.attrgetter("after"))
    else:
        answers = (job(point) for point in left)
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


@dataclass
class _Job:
    """Compute and save a point; return its row, which gives the error if it failed."""

    work: Work
    store: Store

    def __call__(self, point: Any) -> Any:
        try:
            row, phi = self.work(self.store.settings, point, *self._start(point))
            self.store.save(row, phi)
        except MeshrepError as error:
            return self.failed(point, str(error))
        except Exception as error:  # no error of one point may end the sweep
            return self.failed(point, f"{type(error).__name__}: {error}")
        return row

    def _start(self, point: Any) -> tuple[np.ndarray, ...]:
        """The phases that the point starts from, if they are those of another point."""
        if point.after is None:
            return ()
        before = self.store.load(point.after)
        if before is None:
            raise SolveError("the point that it starts from has failed")
        return (before[1],)

    def failed(self, point: Any, why: str) -> Any:
        """The row of a point that has no measurements."""
        words = f"failed: {' '.join(why.split())}"
        return self.store.settings.rows(**asdict(point), result=words)

    def lost(self, point: Any, how: str) -> Any:
        """The row of a point that ended its worker."""
        return self.failed(point, f"its process was killed twice ({how})")
