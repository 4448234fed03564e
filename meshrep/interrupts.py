"""Ctrl-C that is not lost: compilers call back into Python, where what is raised is dropped."""

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


def _sent_again(lost: Any) -> None:
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    send = signal.raise_signal if os.name == "nt" else partial(os.kill, os.getpid())
    threading.Timer(0.05, send, [signal.SIGINT]).start()
