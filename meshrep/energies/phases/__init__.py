"""Phases: oscillators that act along edges or through mean fields, and what is measured of them."""
