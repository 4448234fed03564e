"""What ends a program from outside: Ctrl-C, and a reader of its output who has left.

Compilers call back into Python, where what is raised is dropped, a Ctrl-C among it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from meshrep.errors import MeshrepError


def send_lost_interrupts_again() -> None:
    """From now on send a Ctrl-C that fell into such a callback once more, a moment later."""
    sys.unraisablehook = _sent_again


def exit_code(program: str, work: Callable[[], int], interrupted: str = "") -> int:
    """Do the work of a program; say in one line on standard error what went wrong.

    Parameters
    ----------
    program : str
        The name that begins the line.
    work : callable
        Returns the exit code of a program that ends well.
    interrupted : str
        What is said after Ctrl-C; "" for nothing.

    Returns
    -------
    int
        The exit code: that of the work or of its error, 130 after Ctrl-C, 0 if the reader of the
        output has left.
    """
    send_lost_interrupts_again()
    try:
        return all_out(work())
    except MeshrepError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        if interrupted:
            print(f"{program}: {interrupted}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return output_closed()


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
