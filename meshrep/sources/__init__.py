"""Where graphs come from: files, lattices, clouds, networks, and the command line's short names."""
