"""Colours of the nodes of a graph, so that nodes of one colour can be moved at the same time."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from meshrep.base.backends import installed
from meshrep.kernels import colouring


def colours(pattern: sparse.csr_array, distance: int = 1) -> np.ndarray:
    """The colour (n,) of each node, 0, 1, …: nodes within ``distance`` edges have different ones.

    Nodes in their own order take the lowest colour that is free. This gives two colours on a square
    lattice; a random order (Luby 1986) would give about five.

    Parameters
    ----------
    pattern : (n, n) csr_array
        Symmetric; every stored entry beside the diagonal is an edge.
    distance : {1, 2}

    >>> path = sparse.csr_array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    >>> colours(path).tolist(), colours(path, distance=2).tolist()
    ([0, 1, 0], [0, 1, 2])
    """
    fit = colouring.compiled() if installed("numba") else colouring.first_fit
    return fit(pattern.indptr, pattern.indices, distance)
