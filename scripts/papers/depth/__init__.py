"""Depth as acceleration."""
