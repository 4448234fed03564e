"""Sums whose result does not depend on how many threads there are."""

from __future__ import annotations

from numba import njit


@njit
def in_order(parts):
    """The sum of an array, from its first entry to its last.

    Within a threaded kernel ``parts.sum()`` is itself cut up among the threads; a function of its
    own is not.
    """
    total = 0.0
    for k in range(len(parts)):
        total += parts[k]
    return total
