"""Nodes coloured one after another, each in the lowest colour that no node nearby has.

The same function is compiled by numba or run by Python, so that machines without numba get the same
colours, about a hundred times slower.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np


def first_fit(indptr: np.ndarray, indices: np.ndarray, distance: int) -> np.ndarray:
    """Colours (n,) int64 of a symmetric pattern: nodes within ``distance`` edges differ.

    Parameters
    ----------
    indptr, indices : (n + 1,) and (m,) integers
        The rows of the pattern; its diagonal does not count.
    distance : {1, 2}
        Takes O(m), or O(Σ degree²) for 2.
    """
    n = len(indptr) - 1
    colour = np.full(n, -1)
    taken = np.full(n + 1, -1)
    for i in range(n):
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            if colour[j] >= 0:
                taken[colour[j]] = i
            if distance == 2:
                for q in range(indptr[j], indptr[j + 1]):
                    if colour[indices[q]] >= 0:
                        taken[colour[indices[q]]] = i
        first = 0
        while taken[first] == i:
            first += 1
        colour[i] = first
    return colour


@cache
def compiled() -> Callable[..., Any]:
    """:func:`first_fit` compiled by numba."""
    from meshrep.kernels.compiling import kernel

    return kernel()(first_fit)
