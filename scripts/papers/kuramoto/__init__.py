"""Kuramoto oscillators."""
