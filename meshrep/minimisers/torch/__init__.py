"""Minimisers that need torch."""
