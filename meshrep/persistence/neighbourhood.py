"""The relative neighbourhood graph of a cloud: no third point is nearer to both ends of an edge.

Loops and components of a Rips filtration change at its edges alone: see
:mod:`meshrep.persistence.rips`.

References
----------
Toussaint, "The relative neighbourhood graph of a finite planar set" (1980): it is a part of every
Delaunay triangulation.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import Delaunay, QhullError, cKDTree
from scipy.spatial.distance import cdist, pdist

from meshrep.errors import InputError

# Lengths that nearly tie are held for tied: the graph may then have an edge too many, never too few
_NEARER = 1 - 1e-9
_FLAT = 1e-12  # extent relative to the longest, across which a cloud has none
_BYTES_A_PAIR = 64


def longest_beyond(points: np.ndarray, reach: float) -> float:
    """Length of the graph's longest edge from the reach on; 0 where it has none there.

    Raises
    ------
    InputError
        Where all pairs would have to be looked at and would not fit into memory.
    """
    i, j = _candidates(points - points.mean(axis=0), reach * _NEARER)
    if not len(i):
        return 0.0
    lengths = np.sqrt(((points[i] - points[j]) ** 2).sum(axis=1))
    nearest = np.asarray(cKDTree(points).query(points, k=min(7, len(points)))[1])
    for between in nearest.reshape(len(points), -1).T[1:]:  # nearly always settled by a near one
        for which in (0, 1):
            third = points[between[(i, j)[which]]]
            to_i = np.sqrt(((points[i] - third) ** 2).sum(axis=1))
            to_j = np.sqrt(((points[j] - third) ** 2).sum(axis=1))
            empty = ~(np.maximum(to_i, to_j) < _NEARER * lengths)
            i, j, lengths = i[empty], j[empty], lengths[empty]
    longest = 0.0
    for begun in range(0, len(i), 256):
        some = slice(begun, begun + 256)
        apart = np.maximum(cdist(points[i[some]], points), cdist(points[j[some]], points))
        empty = ~(apart < _NEARER * lengths[some, None]).any(axis=1)
        longest = max(longest, float(lengths[some][empty].max(initial=0.0)))
    return longest


def _candidates(points: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges beyond the reach among which are all of the graph, of points about the origin."""
    n, d = points.shape
    if d > 1 and n > 1:
        widths, axes = np.linalg.svd(points, full_matrices=False)[1:]
        spanned = max(1, int((widths > _FLAT * widths[0]).sum()))
        if spanned < d:
            return _candidates(points @ axes[:spanned].T, reach)
    if d == 1:
        order = np.argsort(points[:, 0], kind="stable")
        return _far(points, order[:-1], order[1:], reach)
    if d in (2, 3) and n > d + 1:
        try:
            corners = Delaunay(points).simplices
        except QhullError:
            corners = None
        if corners is not None:
            a, b = np.triu_indices(d + 1, 1)
            edges = np.sort(corners[:, np.stack([a, b], axis=1)].reshape(-1, 2), axis=1)
            edges = np.unique(edges[:, 0].astype(np.int64) * n + edges[:, 1])
            return _far(points, edges // n, edges % n, reach)
    _check_room(n)
    i, j = np.triu_indices(n, 1)
    far = pdist(points) > reach
    return i[far], j[far]


def _far(
    points: np.ndarray, i: np.ndarray, j: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Those of the edges that are longer than the reach."""
    far = ((points[i] - points[j]) ** 2).sum(axis=1) > reach * reach
    return i[far], j[far]


def _check_room(n: int) -> None:
    """Refuse more pairs of points than memory holds."""
    from meshrep.sources.room import available_memory

    needed, room = n * (n - 1) // 2 * _BYTES_A_PAIR, available_memory()
    if needed > room:
        raise InputError(
            f"all pairs of {n:,} points need {needed / 1e9:.1f} GB where {room / 1e9:.1f} are "
            "free: draw subsamples, or set a max_length"
        )
