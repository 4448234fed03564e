"""The variables in which minimisers move."""
