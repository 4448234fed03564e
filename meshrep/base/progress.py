"""A line that shows the progress of work, for commands and for users who ask for it."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from typing import Self

_WIDTH = 88  # characters where the width of the terminal is unknown


class ProgressLine:
    """A line of progress; on a terminal each text takes the place of the one before.

    It is given as ``observe`` to :func:`meshrep.solve`, :func:`meshrep.compare` and
    :func:`meshrep.simplify`. Its methods ``time``, ``points`` and ``show`` are given to
    :func:`meshrep.integrate`, to sweeps, and to :func:`meshrep.diagnose`. Within a ``with`` block
    the line is removed at the end.

    Parameters
    ----------
    every : float or None
        Seconds between two lines where the stream is no terminal, as in a notebook or a log file.
        None prints nothing there.
    stream : text stream or None
        Where to print; by default standard error.
    quiet : bool
        Whether nothing is printed at all.
    """

    def __init__(
        self, every: float | None = None, stream: TextIO | None = None, *, quiet: bool = False
    ) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.every = None if quiet else every
        self.on_terminal = self.stream.isatty() and not quiet
        self._shown = 0  # characters on the terminal
        self._last = time.monotonic()

    def __call__(self, name: str, progress: Any) -> None:
        """Say how far a solver is, given its name and a Progress with step, seconds and energy."""
        self.show(
            f"{name}: step {progress.step:,}, {progress.seconds:.1f} s, E {progress.energy:.9g}"
        )

    def time(self, now: float, end: float) -> None:
        """Say how far an integration is, given its time now and at the end."""
        self.show(f"t = {now:.4g} of {end:.4g}")

    def points(self, done: int, total: int, left: float) -> None:
        """Say how far a sweep is, given the points done, all points, and the seconds left."""
        self.show(f"{done:,} of {total:,} points, {left:,.0f} s left")

    def show(self, text: str) -> None:
        """Show a text in place of the one before."""
        if self.on_terminal:
            width = shutil.get_terminal_size((_WIDTH, 24)).columns - 1
            text = text[:width]
            self.stream.write("\r" + text.ljust(min(self._shown, width)))
            self.stream.flush()
            self._shown = len(text)
        elif self.every is not None and time.monotonic() - self._last >= self.every:
            self._last = time.monotonic()
            print(text, file=self.stream, flush=True)

    def clear(self) -> None:
        """Remove what is shown, so that other lines can be printed."""
        if self._shown:
            self.show("")
            self.stream.write("\r")
            self.stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def __del__(self) -> None:
        # a line given as ``observe=meshrep.progress()`` has no other owner that could remove it
        with contextlib.suppress(Exception):
            self.clear()


def progress(every: float = 10.0) -> ProgressLine:
    """A line that says how far a solver is, to be given as ``observe``.

    Parameters
    ----------
    every : float
        Seconds between two lines where standard error is no terminal, as in a notebook.

    Returns
    -------
    ProgressLine
        On a terminal each text takes the place of the one before, and the last one is removed.

    Examples
    --------
    >>> import meshrep
    >>> graph = meshrep.graph_from("lattice:8x8")
    >>> cold, hot = meshrep.ends(graph)
    >>> energy = meshrep.HeatBath(graph, hot, cold)
    >>> meshrep.solve(energy, "lbfgs", observe=meshrep.progress()).result.word
    'converged'
    """
    return ProgressLine(every)
