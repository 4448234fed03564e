"""Where the program ``meshrep`` begins: it listens for Ctrl-C before anything else is imported."""

from __future__ import annotations

import sys

from meshrep.base.interrupts import listen

INTERRUPTED_EARLY = "interrupted before there was a result to save"


def run() -> int:
    """Run the command line; return the exit code."""
    listen("meshrep", INTERRUPTED_EARLY)
    from meshrep.cli.main import main

    return main(sys.argv[1:])
