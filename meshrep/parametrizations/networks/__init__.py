"""Variables that a graph network turns into the field."""
