"""Sums whose result does not depend on the number of threads."""

from __future__ import annotations

from numba import njit


@njit
def in_order(parts):
    """The sum of an array, from its first entry to its last.

    In a threaded kernel numba divides ``parts.sum()`` among the threads, but not this function.
    """
    total = 0.0
    for k in range(len(parts)):
        total += parts[k]
    return total
