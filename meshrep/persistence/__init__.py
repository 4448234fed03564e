"""Persistent homology: which features a filtration has, born and dying where."""
