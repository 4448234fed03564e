"""The named solvers, one file a family; each file lists its declarations in ``SOLVERS``."""
