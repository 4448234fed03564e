"""Variables that the field depends on linearly."""
