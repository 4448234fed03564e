"""What a command prints while it works: lines, and on a terminal a line of progress."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any


class Printer:
    """Lines on standard output, and on a terminal a line of progress that replaces itself."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.live = sys.stderr.isatty() and not quiet
        self.width = 0

    def __call__(self, line: str) -> None:
        """Print a line unless quiet."""
        if not self.quiet:
            print(line, flush=True)

    def begin(self, name: str) -> None:
        """Say what begins."""
        self._replace(f"{name} …")

    def progress(self, name: str, progress: Any) -> None:
        """Say how far a solver is."""
        self._replace(
            f"{name}: step {progress.step:,}, {progress.seconds:.1f} s, E {progress.energy:.9g}"
        )

    def time(self, now: float, end: float) -> None:
        """Say how far an integration is."""
        self._replace(f"t = {now:.4g} of {end:.4g}")

    @contextlib.contextmanager
    def compiling(self) -> Iterator[None]:
        """Within, say so when numba begins to compile a kernel that it will keep on disk; once."""
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

    def clear(self) -> None:
        """Take the line of progress away."""
        self._replace("")

    def _replace(self, text: str) -> None:
        if self.live:
            text = text[:100]
            sys.stderr.write("\r" + text.ljust(self.width) + ("\r" if not text else ""))
            sys.stderr.flush()
            self.width = len(text)
