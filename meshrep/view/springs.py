"""Drawings of networks relaxed by springs, and nodes moved apart that are too near."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.spatial import cKDTree

_STEPS = 120
_COARSEST, _FINEST = 32, 256  # cells along a side
_GOLDEN = np.pi * (3 - np.sqrt(5))
_NEIGHBOURS = 9
_TRIES = 40  # steps of moving apart before the drawing grows


def relaxed(edges: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (n, 2) near which the forces of Fruchterman and Reingold balance.

    Nodes at a distance d repel with the force 1/d, and an edge pulls with d². A step is no longer
    than a temperature, which falls to zero.

    Parameters
    ----------
    edges : (m, 2) int64
    points : (n, 2) float64
        The start. No two points may be the same.

    Notes
    -----
    The repulsion is a convolution of the density of nodes with (x − y) / |x − y|², which takes
    O(n + g² log g) time on a grid of g² cells. Nodes of one cell hardly repel each other.

    References
    ----------
    T. Fruchterman, E. Reingold: Graph drawing by force-directed placement. Software: Practice and
    Experience 21 (1991).
    """
    n, side = len(points), np.sqrt(len(points))
    at = points - points.mean(axis=0)
    at = at * (side / max(float(np.ptp(at, axis=0).max()), 1e-300))
    ones, rows = np.ones(len(edges)), np.arange(len(edges))
    first, second = (sparse.csr_array((ones, (end, rows)), (n, len(edges))) for end in edges.T)
    pulls = first - second
    grid = _Grid(int(np.clip(2 * side, _COARSEST, _FINEST)))
    for step in range(_STEPS):
        apart = at[edges[:, 1]] - at[edges[:, 0]]
        stretched = apart * np.linalg.norm(apart, axis=1, keepdims=True)
        force = grid.repulsion(at) + pulls @ stretched
        length = np.linalg.norm(force, axis=1, keepdims=True)
        longest = 0.1 * side * (1 - step / _STEPS)
        at = at + force * np.minimum(1.0, longest / np.maximum(length, 1e-300))
    return at


class _Grid:
    """A square grid that computes forces between all nodes."""

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.size = next_fast_len(2 * cells, real=True)
        ways = np.arange(-cells, cells)
        across = np.meshgrid(ways, ways, indexing="ij")
        square = np.maximum(across[0] ** 2 + across[1] ** 2, 1)
        self.kernels = []
        for way in across:
            kernel = np.zeros((self.size, self.size))
            kernel[np.ix_(ways % self.size, ways % self.size)] = way / square
            self.kernels.append(rfft2(kernel))

    def repulsion(self, points: np.ndarray) -> np.ndarray:
        """Σ_j (x_i − x_j) / |x_i − x_j|² of each point (n, 2)."""
        cells, size = self.cells, (self.size, self.size)
        width = max(float(np.ptp(points, axis=0).max()), 1e-300) / (cells - 2)
        place = (points - points.min(axis=0)) / width + 0.5
        corner = np.floor(place).astype(np.int64)
        share = place - corner
        # A point is spread over the four corners of its cell, in proportion to its nearness.
        spots, weights = [], []
        for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
            spots.append((corner[:, 0] + a) * cells + corner[:, 1] + b)
            weights.append(np.abs(1 - a - share[:, 0]) * np.abs(1 - b - share[:, 1]))
        density = np.bincount(np.concatenate(spots), np.concatenate(weights), cells * cells)
        spectrum = rfft2(density.reshape(cells, cells), size)
        force = np.empty_like(points)
        for axis, kernel in enumerate(self.kernels):
            field = irfft2(spectrum * kernel, size)[:cells, :cells].ravel() / width
            force[:, axis] = sum(w * field[s] for s, w in zip(spots, weights, strict=True))
        return force


def unfolded(points: np.ndarray, distance: float) -> np.ndarray:
    """Points (n, 2), those in one place put on a spiral about it, ``distance`` apart."""
    place = np.round(points / (1e-3 * distance)).astype(np.int64)
    _, group, counts = np.unique(place, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    order = np.argsort(group, kind="stable")
    number = np.empty(len(points))
    number[order] = np.arange(len(points)) - (np.cumsum(counts) - counts)[group[order]]
    radius, angle = 0.6 * distance * np.sqrt(number), _GOLDEN * number
    return points + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def moved_apart(points: np.ndarray, distance: float) -> np.ndarray:
    """Points (n, 2) moved until no two are nearer than ``distance``.

    Neighbours that are too near push each other apart. Where there is no room for that, the whole
    drawing grows.
    """
    if len(points) < 2:
        return points
    at = unfolded(points, distance)
    wanted = 1.02 * distance  # so that the last small pushes are not needed
    count = min(_NEIGHBOURS, len(at))
    tries = 0
    while True:
        away, near = cKDTree(at).query(at, k=count)
        if away[:, 1].min() >= distance:
            return at
        away, near = away[:, 1:], near[:, 1:]
        lack = np.maximum(wanted - away, 0.0)
        ways = (at[:, None] - at[near]) / np.maximum(away, 1e-12 * distance)[:, :, None]
        at = at + 0.5 * (lack[:, :, None] * ways).sum(axis=1)
        tries += 1
        if tries % _TRIES == 0:
            at = at * 1.1
