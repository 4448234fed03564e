"""The movers."""
