"""The named solvers, one file a family: what a file lists in ``SOLVERS`` is known by name."""
