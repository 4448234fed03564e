"""Solvers: what they are made of, their names, how they run, how they compare."""
