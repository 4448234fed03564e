"""``python -m meshrep`` is the program ``meshrep``."""

import sys

from meshrep.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
