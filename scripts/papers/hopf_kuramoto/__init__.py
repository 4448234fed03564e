"""Hopf–Kuramoto oscillators over a plane of parameters."""
