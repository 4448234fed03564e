"""Components that merge as edges are added: persistence of dimension 0.

The same function is compiled by numba or run by Python, so that machines without numba get the same
pairs, about a hundred times slower.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np


def merge(
    age: np.ndarray, key: np.ndarray, first: np.ndarray, second: np.ndarray, keys: int
) -> tuple[np.ndarray, np.ndarray]:
    """Join the ends of edges in ascending order of ``key``; of two components the older remains.

    Parameters
    ----------
    age : (N,) integers
        When each node appears; all are different, and the least is the oldest.
    key : (m,) integers
        When each edge appears, 0 … keys − 1; edges with the same key are added in their own order.
    first, second : (m,) integers
        Ends of the edges.

    Returns
    -------
    elder : (N,) int64
        The oldest node of the component that a node's component was joined to; -1 where it was not
        joined. Following it leads to the oldest node of the whole component.
    edge : (N,) int64
        The edge that joined them, or -1.
    """
    m = len(key)
    slot = np.zeros(keys + 1, np.int64)
    for e in range(m):
        slot[key[e] + 1] += 1
    for k in range(keys):
        slot[k + 1] += slot[k]
    order = np.empty(m, np.int64)
    for e in range(m):
        order[slot[key[e]]] = e
        slot[key[e]] += 1
    n = len(age)
    elder, edge = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    up = np.arange(n)  # a node nearer to the oldest one, ever nearer as paths are shortened
    for k in range(m):
        e = order[k]
        a, b = first[e], second[e]
        while up[a] != a:
            up[a] = up[up[a]]
            a = up[a]
        while up[b] != b:
            up[b] = up[up[b]]
            b = up[b]
        if a == b:
            continue
        if age[a] > age[b]:
            a, b = b, a
        up[b], elder[b], edge[b] = a, a, e
    return elder, edge


@cache
def compiled() -> Callable[..., Any]:
    """:func:`merge` compiled by numba."""
    from meshrep.kernels.compiling import kernel

    return kernel()(merge)
