"""What a command prints while it works: lines that stay, and a line of progress."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from meshrep.base.progress import ProgressLine
from meshrep.cli.streams import printable


class Printer:
    """Lines on standard output, and on a terminal a line of progress on standard error.

    Parameters
    ----------
    quiet : bool
        Whether only errors are printed.

    Attributes
    ----------
    progress : ProgressLine
        How far a solver is; can be called as ``observe``.
    """

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.progress = ProgressLine(quiet=quiet)
        self.time = self.progress.time
        self.clear = self.progress.clear

    def __call__(self, line: str) -> None:
        """Print a line unless quiet."""
        if not self.quiet:
            print(printable(line), flush=True)

    def begin(self, name: str) -> None:
        """Say what begins, in the line of progress."""
        self.progress.show(f"{name} …")

    @contextlib.contextmanager
    def compiling(self) -> Iterator[None]:
        """Within, say once when numba compiles a kernel that it then keeps on disk."""
        if self.quiet or find_spec("numba") is None:
            yield
            return
        from numba.core import event

        class Announcement(event.Listener):
            told = False

            def on_start(self, event: Any) -> None:
                kept = event.data["dispatcher"].stats.cache_path is not None
                if kept and not self.told:
                    self.told = True
                    print("note: compiling kernels, once on this machine …", file=sys.stderr)

            def on_end(self, event: Any) -> None:
                pass

        with event.install_listener("numba:compile", Announcement()):
            yield
