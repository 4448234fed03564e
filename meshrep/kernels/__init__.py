"""Fused numba kernels: plain arrays in, plain arrays out; compiled when first used, and cached."""
