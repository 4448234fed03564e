"""A linear classifier of digits."""
