"""Solve a physical problem on a mesh from disk in several ways, compare and show the results.

    python scripts/solve_mesh.py bunny.ply --bath

This runs the program ``meshrep`` from a checkout.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from meshrep.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
