"""Optimisers of the literature."""
