"""A field on a flat graph as the pixels of a small image."""

from __future__ import annotations

import numpy as np

from meshrep.graphs.graph import Graph

PIXELS = 60  # along the longer side


def raster(graph: Graph, field: np.ndarray) -> np.ndarray | None:
    """A field (n,) as an image (rows, columns), the largest y on top; None unless flat.

    A rectangular lattice of up to 60 nodes a side has a pixel a node; elsewhere a pixel has the
    value of the nearest node.
    """
    if graph.points is None:
        return None
    size = np.ptp(graph.points, axis=0)
    flat = int(size.argmin())
    if size[flat] > 1e-9 * size.max():
        return None
    from scipy.spatial import cKDTree

    points = np.delete(graph.points, flat, axis=1)
    axes = [np.unique(column) for column in points.T]
    if len(axes[0]) * len(axes[1]) != graph.n or max(map(len, axes)) > PIXELS:
        step = size.max() / PIXELS
        ends = zip(points.min(axis=0), points.max(axis=0), strict=True)
        axes = [np.arange(low + step / 2, max(high, low + step), step) for low, high in ends]
    places = np.stack(np.meshgrid(axes[0], axes[1][::-1]), axis=-1)
    return field[cKDTree(points).query(places)[1]]
