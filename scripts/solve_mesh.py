"""The front door: a mesh on disk becomes a field, solved several ways, compared and shown.

    python scripts/solve_mesh.py bunny.ply --bath

It is the program ``meshrep``, run from a checkout.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from meshrep.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
