"""Clouds of points that grow loops."""
