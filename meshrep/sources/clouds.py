"""Clouds of points joined by nearness: k nearest neighbours, or all within a radius."""

from __future__ import annotations

import numpy as np

from meshrep.base import limits
from meshrep.base.randomness import random_from
from meshrep.errors import InputError
from meshrep.graphs.cells import Cells
from meshrep.graphs.graph import Graph
from meshrep.graphs.origin import Origin

DEFAULT_NEIGHBOURS = 8


def uniform(n: int, dim: int = 2, seed: int = 0) -> np.ndarray:
    """``n`` points drawn uniformly from the cube [-1, 1]^dim, shape (n, dim).

    >>> uniform(300).shape
    (300, 2)
    """
    if n < 1 or dim not in (1, 2, 3):
        raise InputError(f"a cloud needs n ≥ 1 points in 1, 2 or 3 dimensions, not {n} in {dim}")
    return random_from(seed).uniform(-1.0, 1.0, (n, dim))


def nearest(points: np.ndarray, k: int = DEFAULT_NEIGHBOURS, *, name: str = "cloud") -> Graph:
    """Join each point to its ``k`` nearest others; an edge stands where either end chose it.

    Parameters
    ----------
    points : (n, d) float
        Where the points are; of more than three dimensions the three principal ones are drawn.
    k : int
        Neighbours that each point chooses; n-1 at most.
    name : str
        What to call the graph.

    Raises
    ------
    InputError
        Where the points are no finite table, or k is not at least 1.
    """
    points = _table(points, name)
    pairs = _nearest_pairs(points, k, name)
    return as_cloud(in_space(points), pairs, name=name)


def within(points: np.ndarray, radius: float, *, name: str = "cloud") -> Graph:
    """Join all pairs of points (n, d) whose distance is at most ``radius``.

    Raises
    ------
    InputError
        Where the points are no finite table, the radius is not positive, or the pairs would
        not fit into memory.
    """
    points = _table(points, name)
    pairs = _pairs_within(points, radius, name)
    return as_cloud(in_space(points), pairs, name=name)


def as_cloud(
    points: np.ndarray, pairs: np.ndarray, *, name: str, origin: Origin | None = None
) -> Graph:
    """The graph of a cloud: pairs (e, 2) of its points (n, 3), each of which is a vertex cell."""
    n, cells = len(points), Cells.of_cloud(len(points))
    return Graph.from_edges(n, pairs, points=points, cells=cells, name=name, origin=origin)


def in_space(points: np.ndarray) -> np.ndarray:
    """Points (n, d) as they are drawn, (n, 3): beyond three dimensions, the principal ones."""
    missing = 3 - points.shape[1]
    if missing >= 0:
        return np.pad(points, ((0, 0), (0, missing)))
    middle = points - points.mean(axis=0)
    return middle @ np.linalg.svd(middle, full_matrices=False)[2][:3].T


def connect(
    points: np.ndarray, neighbours: int | None, radius: float | None, *, where: str
) -> tuple[np.ndarray, str]:
    """Pairs (e, 2) by neighbours or radius, and a sentence on which was used."""
    if neighbours is not None and radius is not None:
        raise InputError(f"{where}: give neighbours or radius, not both")
    if radius is not None:
        return _pairs_within(points, radius, where), f"points within {radius:g} joined"
    k = DEFAULT_NEIGHBOURS if neighbours is None else neighbours
    pairs = _nearest_pairs(points, k, where)
    return pairs, f"each point joined to its {min(k, len(points) - 1)} nearest"


def _table(points: np.ndarray, name: str) -> np.ndarray:
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or not points.size:
        raise InputError(f"{name}: points must be a table (n, d), not {points.shape}")
    if not np.isfinite(points).all():
        bad = int(np.argmin(np.isfinite(points).all(axis=1)))
        raise InputError(f"{name}: point {bad} is not finite")
    return points


def _nearest_pairs(points: np.ndarray, k: int, where: str) -> np.ndarray:
    if int(k) != k or k < 1:
        raise InputError(f"{where}: neighbours must be a whole number of at least 1, not {k}")
    k = min(int(k), len(points) - 1)
    if k * len(points) > limits.EDGES_UP_TO:
        raise InputError(f"{where}: {k} neighbours of {len(points):,} points are too many to hold")
    if k < 1:
        return np.zeros((0, 2), dtype=np.int64)
    from scipy.spatial import cKDTree

    _, chosen = cKDTree(points).query(points, k=k + 1, workers=-1)
    ends = np.repeat(np.arange(len(points)), k + 1)
    # A point is its own nearest one, unless others coincide with it: then it may be absent.
    pairs = np.stack([ends, chosen.ravel()], axis=1)
    itself = chosen == np.arange(len(points))[:, None]
    itself[~itself.any(axis=1), -1] = True
    return pairs[~itself.ravel()]


def _pairs_within(points: np.ndarray, radius: float, where: str) -> np.ndarray:
    if not (np.isfinite(radius) and radius > 0):
        raise InputError(f"{where}: radius must be a positive number, not {radius}")
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    expected = (int(tree.count_neighbors(tree, radius)) - len(points)) // 2
    if expected > limits.EDGES_UP_TO:
        raise InputError(
            f"{where}: radius {radius:g} joins {expected:,} pairs of points: choose a smaller one"
        )
    return tree.query_pairs(radius, output_type="ndarray").astype(np.int64)
