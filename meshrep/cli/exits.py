"""How a program ends: its exit code, and one sentence on what went wrong."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

from meshrep.base.interrupts import stop_listening
from meshrep.base.names import shown
from meshrep.cli.streams import Streams, printable
from meshrep.errors import InputError, MeshrepError

INTERRUPTED_AND_FAILED = "interrupted; what could be written was saved"


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
        The exit code: that of the work or of its error, and 130 after Ctrl-C. Where that would be
        0 and what was printed is lost, it is that of an :class:`meshrep.InputError`. A reader of
        the output who has left changes nothing.
    """
    os.environ["MPLBACKEND"] = "agg"  # programs draw into files, on a machine of any settings
    show, warnings.showwarning = warnings.showwarning, _note
    try:
        with Streams() as streams:
            code = _code(program, work, interrupted)
            lost = streams.lost
            if lost:
                tell(program, f"what was printed is lost, because standard output {lost}")
                code = code or InputError.exit_code
            return code
    finally:
        stop_listening()
        warnings.showwarning = show


def _code(program: str, work: Callable[[], int], interrupted: str) -> int:
    try:
        return work()
    except SystemExit as end:  # argparse has printed its help
        return end.code if isinstance(end.code, int) else 0
    except MeshrepError as error:
        tell(program, str(error))
        return error.exit_code
    except OSError as error:
        about = f"{error.filename}: " if error.filename else ""
        tell(program, f"{about}{(error.strerror or str(error)).lower()}")
        return InputError.exit_code
    except MemoryError:
        tell(program, "not enough memory for this problem: take a smaller one")
        return InputError.exit_code
    except KeyboardInterrupt:
        if interrupted:
            tell(program, interrupted)
        return 130


def tell(program: str, sentence: str) -> None:
    """Say in one line on standard error what went wrong, or how a program ended early."""
    print(f"{program}: {shown(sentence)}", file=sys.stderr)


def _note(message: Any, *_: Any, **__: Any) -> None:
    """A warning as one line."""
    print(f"note: {printable(' '.join(str(message).split()))}", file=sys.stderr)
