"""How a program ends: its exit code, one sentence on what went wrong, a reader who has left."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from meshrep.base.interrupts import stop_listening
from meshrep.errors import MeshrepError


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
    finally:
        stop_listening()


def all_out(code: int) -> int:
    """The exit code, when all that was printed is out: BrokenPipeError if its reader has left."""
    sys.stdout.flush()
    return code


def output_closed() -> int:
    """Write to nowhere from now on, as after ``| head``; the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
