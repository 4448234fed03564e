"""Fused numba kernels: plain arrays in, plain arrays out; compiled when first used, and cached."""

from meshrep.kernels.threading_layer import load_tbb

load_tbb()  # before numba starts its threads
