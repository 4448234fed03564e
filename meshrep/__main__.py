"""``python -m meshrep`` is the program ``meshrep``."""

import sys

from meshrep.cli.program import run

if __name__ == "__main__":
    sys.exit(run())
