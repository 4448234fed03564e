"""Kernels for a GPU in Triton: the twins of numba's, on tensors.

A program owns a block of consecutive rows of a matrix in CSR form and reads their entries in tiles
of ``ROWS × WIDTH``, so that neighbouring threads read neighbouring entries. It gathers from other
rows and writes only to its own, so no two programs write to the same place. Each writes one partial
energy, and the blocks are fixed: the result does not depend on which program ends first.

Triton passes a number of Python to a kernel as float32, so numbers such as (α, β, γ) come as
tensors. Where ``EQUAL``, ``a`` is a single number.
"""
