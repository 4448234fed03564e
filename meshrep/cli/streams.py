"""Standard output and error of a program whose readers may leave and whose disk may be full.

A run is worth more than what it prints, so that printing never ends it. What is printed to a stream
that cannot be written is dropped, and the program says so when it ends.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO, cast

from meshrep.base.names import shown

# Errors of a pipe whose reader has left; Windows reports EINVAL.
_LEFT = {errno.EPIPE, errno.EINVAL} if os.name == "nt" else {errno.EPIPE}


class Streams:
    """A block in which ``print`` raises no error; the streams are restored after it."""

    def __enter__(self) -> Streams:
        _open_what_is_closed()
        self._before = sys.stdout, sys.stderr
        self._streams = _Stream(sys.stdout), _Stream(sys.stderr)
        sys.stdout, sys.stderr = (cast(TextIO, stream) for stream in self._streams)
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._streams:
            stream.flush()
        sys.stdout, sys.stderr = self._before

    @property
    def lost(self) -> str:
        """What is wrong with standard output, in words that follow its name; "" if all went out.

        It is "" too where its reader has left, as after ``| head``, and so wanted no more.
        """
        self._streams[0].flush()
        return self._streams[0].lost


class _Stream:
    """A text stream that drops what cannot be written, and keeps the reason."""

    def __init__(self, stream: TextIO | None) -> None:
        self._closed = stream is None
        self._stream = stream or io.StringIO()
        self.lost = ""
        if isinstance(self._stream, io.TextIOWrapper):
            self._stream.reconfigure(errors="replace")

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        if self._closed:
            self.lost = "is closed"
            return len(text)
        try:
            return self._stream.write(text)
        except OSError as error:
            self._drop(error)
            return len(text)

    def flush(self) -> None:
        """Send out what was written."""
        try:
            self._stream.flush()
        except OSError as error:
            self._drop(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _drop(self, error: OSError) -> None:
        """From now on write to nowhere, also what waits in the buffers."""
        if error.errno not in _LEFT:
            reason = (error.strerror or str(error)).lower()
            self.lost = f"cannot be written: {reason}"
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


def _open_what_is_closed() -> None:
    """Open the null device for standard streams that are closed.

    A file that is opened later would otherwise get the number of the stream, and libraries and
    children would print into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def printable(text: str) -> str:
    """Lines as a terminal may be given them, with escape codes and the like escaped."""
    return text if text.isprintable() else "\n".join(map(shown, text.split("\n")))
