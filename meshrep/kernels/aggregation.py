"""Nodes gathered into aggregates, the coarse nodes of algebraic multigrid.

The same function is compiled by numba or run by Python, so that machines without numba get the same
aggregates, about a hundred times slower.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np


def aggregate(indptr: np.ndarray, indices: np.ndarray, data: np.ndarray) -> tuple[np.ndarray, int]:
    """Greedy aggregates of a symmetric CSR matrix's graph (Vaněk, Mandel and Brezina 1996, §5.1).

    In the first pass a node whose neighbours are all free forms an aggregate with them. In the
    second pass a remaining node joins the aggregate of the first pass to which it is coupled most
    strongly. In the third pass what still remains forms aggregates with its free neighbours. The
    diagonal and entries of 0 are ignored.

    Returns
    -------
    aggregate_of : (n,) int32
        -1 for nodes without neighbours.
    count : int
    """
    n = len(indptr) - 1
    part = np.full(n, -1, np.int32)
    count = 0
    for i in range(n):
        if part[i] >= 0:
            continue
        free, neighbours = True, 0
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            if j != i and data[k] != 0.0:
                neighbours += 1
                if part[j] >= 0:
                    free = False
                    break
        if free and neighbours > 0:
            for k in range(indptr[i], indptr[i + 1]):
                if data[k] != 0.0:
                    part[indices[k]] = count
            part[i] = count
            count += 1
    first = part.copy()
    for i in range(n):
        strongest = 0.0
        if first[i] < 0:
            for k in range(indptr[i], indptr[i + 1]):
                j = indices[k]
                if j != i and first[j] >= 0 and abs(data[k]) > strongest:
                    strongest = abs(data[k])
                    part[i] = first[j]
    for i in range(n):
        if part[i] >= 0:
            continue
        coupled = False
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            if j != i and data[k] != 0.0:
                coupled = True
                if part[j] < 0:
                    part[j] = count
        if coupled:
            part[i] = count
            count += 1
    return part, count


@cache
def compiled() -> Callable[..., Any]:
    """:func:`aggregate` compiled by numba."""
    from meshrep.kernels.compiling import kernel

    return kernel()(aggregate)
