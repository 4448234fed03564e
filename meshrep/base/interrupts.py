"""Ctrl-C and SIGTERM: heard at any moment, acted on only where nothing can be lost.

A program calls :func:`listen` in its first lines. From then on a signal ends it at once, with one
sentence and exit code 130, as long as there is nothing to lose. After :func:`hold` a signal is
noted, and the program goes on to write what it has; only an :class:`interruptible` block, whose
owner keeps what it has found so far, is ended by a KeyboardInterrupt. Imports and calls of VTK are
never ended in the middle, because that breaks them.

In a program that does not listen, such as a user's script, Ctrl-C raises KeyboardInterrupt
wherever it falls, as Python has it, and :func:`pending` is false.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

ECHO = 1.0  # seconds within which a second signal is the first one, passed on by a wrapper
AGAIN = 0.05  # seconds after which a signal that fell into an import is tried again
_HINT = b"\r\x1b[K(interrupted: what was found is written first; Ctrl-C again stops at once)\n"

_temporary: set[str] = set()  # files and folders that must not outlive the process
_listening: list[_Listener] = []  # at most one


def listen(program: str, sentence: str) -> None:
    """From now on handle Ctrl-C and SIGTERM in this process, whose name begins the sentence.

    A signal that the process ignores from birth, as in the background of a shell, stays ignored.
    """
    listener = _Listener(program, sentence)
    _listening[:] = [listener]
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, listener.hear)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, listener.act)
    sys.unraisablehook = listener.dropped


def hold() -> None:
    """From now on only note a signal, and say that it came by :func:`pending`."""
    for listener in _listening:
        listener.holding = True


def stop_listening() -> None:
    """Ignore signals from now on, because the program has done all that it was to do.

    Otherwise Python would give them back to the system while it ends, which would kill the process.
    """
    if _listening:
        _listening.clear()
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def pending() -> bool:
    """Whether a signal has asked this program to end."""
    return any(listener.asked is not None for listener in _listening)


class interruptible:
    """A block that a signal ends by KeyboardInterrupt, which its owner must catch outside of it.

    If a signal has come before, the block does not begin. In threads other than the main one it
    changes nothing, since Python handles signals in the main thread.
    """

    def __enter__(self) -> None:
        here = threading.current_thread() is threading.main_thread()
        self.listener = _listening[0] if here and _listening else None
        if self.listener is None:
            return
        if self.listener.asked is not None:
            raise KeyboardInterrupt
        self.outside = self.listener.raising
        self.listener.raising = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.listener is not None:
            self.listener.raising = self.outside


@contextlib.contextmanager
def removed_at_end(path: str | os.PathLike[str]) -> Iterator[None]:
    """A block in which a file or folder exists that is removed if the program ends in it."""
    name = os.fspath(path)
    _temporary.add(name)
    try:
        yield
    finally:
        _temporary.discard(name)


def leave(code: int) -> None:
    """End the process at once, without a trace in the file system."""
    for name in list(_temporary):
        if os.path.isdir(name):
            shutil.rmtree(name, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                os.unlink(name)
    os._exit(code)


class _Listener:
    """What the program has been told, and what it is about.

    Its methods run between any two instructions of the program, so they take no locks and write
    to no buffered stream.
    """

    def __init__(self, program: str, sentence: str) -> None:
        self.program, self.sentence = program, sentence
        self.asked: float | None = None  # when the first signal came
        self.holding = self.raising = self.raised = False

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Note a signal and act on it; a second one ends a program that is still writing."""
        now = time.monotonic()
        if self.asked is None:
            self.asked = now
            if self.holding and os.isatty(2):
                self._say(_HINT)
        elif now - self.asked > ECHO:
            self._leave("stopped at once; files that were written are whole")
        self.act(number, frame)

    def act(self, number: int, frame: FrameType | None) -> None:
        """End what can be ended here."""
        if not self.holding and not self.raising:
            self._leave(self.sentence)
        if self.raising and not self.raised:
            if _is_importing(frame):
                self._act_later()
                return
            self.raised = True
            raise KeyboardInterrupt

    def dropped(self, lost: Any) -> None:
        """Raise again what a compiler's callback into Python has dropped."""
        if lost.exc_type is not KeyboardInterrupt:
            sys.__unraisablehook__(lost)
            return
        self.raised = False
        self._act_later()

    def _act_later(self) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, AGAIN)
        else:  # Windows
            threading.Timer(AGAIN, signal.raise_signal, [signal.SIGINT]).start()

    def _leave(self, sentence: str) -> None:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        start = "\r\x1b[K" if os.isatty(2) else ""
        self._say(f"{start}{self.program}: {sentence}\n".encode())
        leave(130)

    def _say(self, text: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(2, text)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether an import is under way: C code in the middle of it turns Ctrl-C into other errors."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
