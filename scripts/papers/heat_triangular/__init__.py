"""Heat on the triangular lattice."""
