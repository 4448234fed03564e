"""What ends a program from outside: Ctrl-C, and a reader of its output who has left.

Compilers call back into Python, where what is raised is dropped, a Ctrl-C among it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from typing import Any


def send_lost_interrupts_again() -> None:
    """From now on send a Ctrl-C that fell into such a callback once more, a moment later."""
    sys.unraisablehook = _sent_again


def all_out(code: int) -> int:
    """The exit code, when all that was printed is out: BrokenPipeError if its reader has left."""
    sys.stdout.flush()
    return code


def output_closed() -> int:
    """Write to nowhere from now on, as after ``| head``; the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _sent_again(lost: Any) -> None:
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    send = signal.raise_signal if os.name == "nt" else partial(os.kill, os.getpid())
    threading.Timer(0.05, send, [signal.SIGINT]).start()
