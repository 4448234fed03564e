"""Solve a physical problem on a mesh from disk in several ways, compare and show the results.

    python scripts/solve_mesh.py bunny.ply --bath

This runs the program ``meshrep`` from a checkout.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from meshrep.cli.program import run

if __name__ == "__main__":
    sys.exit(run())
