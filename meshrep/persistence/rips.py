"""Vietoris–Rips persistence of point clouds, with the edge that each birth and death is.

The simplices of a Rips complex enter with their longest edge, so every birth and every death is
the length of an edge. Edges are numbered in the order (length, i, j), and gudhi's Ripser-style
engine is given these numbers for lengths: what it returns names the critical edges exactly, and
ties are broken the same way every time.

Short edges suffice. An edge that enters together with a triangle gives birth to no loop (its link
is not empty, and attaching it along a connected set adds nothing to H1), so loops are born at edges
of the relative neighbourhood graph alone: those whose two ends have no third point nearer to both.
A diagram of the edges up to a reach is therefore that of all edges once every loop in it has died
and no edge beyond the reach is of that graph. The reach is raised until both hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist

from meshrep.base import limits
from meshrep.base.backends import installed
from meshrep.errors import InputError, MissingPart
from meshrep.persistence.diagrams import Diagram
from meshrep.persistence.neighbourhood import longest_beyond

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_ROUNDING = 1e-12  # persistence relative to the cloud's extent that is none
# Measured, in gudhi and here: memory, and seconds of an edge for each of its ends' neighbours
_BYTES_AN_EDGE, _BYTES_A_TRIANGLE = 120, 72
_SECONDS_A_NEIGHBOUR, _SECONDS_A_TRIANGLE = 4e-9, 1.7e-6
_MOST_SECONDS = 60.0  # of one diagram


@dataclass(frozen=True)
class EdgeDiagram(Diagram):
    """Pairs whose births and deaths are lengths of edges between points (n, d)."""

    points: np.ndarray

    def pull_back(self, gradient: np.ndarray) -> np.ndarray:
        """Each length's gradient along its edge; none where the ends coincide."""
        total = np.zeros_like(self.points)
        for edges, slopes in ((self.births, gradient[:, 0]), (self.deaths, gradient[:, 1])):
            real = edges[:, 0] >= 0
            i, j = edges[real].T
            along = self.points[i] - self.points[j]
            length = np.sqrt((along * along).sum(axis=1))
            along *= (slopes[real] / np.where(length > 0, length, 1.0))[:, None]
            for column in range(total.shape[1]):
                total[:, column] += np.bincount(i, along[:, column], minlength=len(total))
                total[:, column] -= np.bincount(j, along[:, column], minlength=len(total))
        return total


class RipsFiltration:
    """The Rips persistence of clouds that move little from call to call.

    Parameters
    ----------
    dimensions : iterable of int
        Of the diagrams: 0 components, 1 loops, 2 cavities.
    max_length : float
        Longest edge of the complex. What has not died by then is left out; without a limit only
        the one component that never dies is.

    Notes
    -----
    The reach at which the last diagram was complete is where the next one begins. With cavities
    it is the enclosing radius, beyond which the complex is a cone.

    References
    ----------
    Bauer, "Ripser: efficient computation of Vietoris–Rips persistence barcodes" (2021).
    """

    def __init__(self, dimensions: Iterable[int] = (0, 1), max_length: float = np.inf) -> None:
        self.dimensions = tuple(sorted(set(dimensions)))
        if not self.dimensions or not set(self.dimensions) <= {0, 1, 2}:
            raise InputError(f"Rips persistence has dimensions 0, 1, 2, not {self.dimensions}")
        if not max_length > 0:
            raise InputError(f"max_length must be a positive number, not {max_length}")
        if not (installed("gudhi") and installed("sklearn")):
            raise MissingPart("gudhi", "compute persistent homology", "topology")
        self.max_length = float(max_length)
        self.reach = 0.0

    def diagrams(self, points: ArrayLike) -> dict[int, EdgeDiagram]:
        """The diagrams of a cloud (n, d), by dimension.

        Raises
        ------
        InputError
            Where the points are no finite table, or their complex is beyond memory or patience.
        """
        points = checked_points(points)
        complete = min(self.max_length, _enclosing_radius(points))
        if 2 in self.dimensions:
            return self._truncated(points, complete)[0]
        reach = min(self.reach or _first_reach(points), complete)
        while True:
            found, alive = self._truncated(points, reach)
            if reach >= complete:
                break
            beyond = 0.0 if alive else longest_beyond(points, reach)
            if not (alive or beyond):
                break
            reach = min(max(1.5 * reach, 1.001 * beyond), complete)
        deaths = [found[k].values[:, 1].max(initial=0.0) for k in found]
        longest = max([*deaths, *(found[k].values[:, 0].max(initial=0.0) for k in found)])
        self.reach = min(reach, 1.1 * longest) if longest > 0 else reach
        return found

    def _truncated(self, points: np.ndarray, reach: float) -> tuple[dict[int, EdgeDiagram], bool]:
        """The diagrams of the edges up to the reach, and whether a loop outlives it."""
        check_cost(points, reach, cavities=2 in self.dimensions)
        edges, lengths = edges_within(points, reach)
        pairs = _pairs_of_numbers(len(points), edges, max(self.dimensions))
        found, alive = {}, False
        extent = float(np.ptp(points, axis=0).max())
        lengths = np.concatenate([[0.0], lengths])
        edges = np.concatenate([[[-1, -1]], edges])
        for k, numbers in enumerate(pairs):
            ends = np.isfinite(numbers[:, 1])
            alive = alive or (k > 0 and not ends.all())
            if k not in self.dimensions:
                continue
            births, deaths = numbers[ends].astype(np.int64).T
            values = np.stack([lengths[births], lengths[deaths]], axis=1)
            lasting = values[:, 1] - values[:, 0] > _ROUNDING * extent
            births, deaths = births[lasting], deaths[lasting]
            order = np.lexsort((deaths, births))
            births, deaths = births[order], deaths[order]
            values = np.stack([lengths[births], lengths[deaths]], axis=1)
            found[k] = EdgeDiagram(k, values, edges[births], edges[deaths], points)
        return found, alive


def rips_diagrams(
    points: ArrayLike, dimensions: Iterable[int] = (0, 1), max_length: float = np.inf
) -> dict[int, EdgeDiagram]:
    """The persistence diagrams of the Vietoris–Rips filtration of a cloud of points.

    A simplex comes at the length of its longest edge.

    Parameters
    ----------
    points : (n, d) array
    dimensions : iterable of int
        0 for components, 1 for loops, 2 for cavities.
    max_length : float
        Longest edge of the complex. Pairs that are still alive there are left out.

    Returns
    -------
    dict of int to EdgeDiagram
        Births and deaths in the points' unit of length, and the edges that have them.

    Raises
    ------
    InputError
        If the points are not finite, a dimension is another, or the complex would be too large.
    MissingPart
        If gudhi is needed and not installed.

    Notes
    -----
    :class:`RipsFiltration` is faster for clouds that move little from call to call.

    Examples
    --------
    The loop of a hexagon is born with its sides and dies with its short diagonals:

    >>> turn = np.arange(6) * np.pi / 3
    >>> hexagon = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    >>> rips_diagrams(hexagon)[1].values.round(6).tolist()
    [[1.0, 1.732051]]
    """
    return RipsFiltration(dimensions, max_length).diagrams(points)


def checked_points(points: ArrayLike) -> np.ndarray:
    """The points (n, d) in float64.

    Raises
    ------
    InputError
        Where they are no finite table of at least one point in at least one dimension.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or not points.size:
        raise InputError(f"a cloud is a table (n, d) of points, not of shape {points.shape}")
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        raise InputError(f"point {int(np.argmin(finite))} of the cloud is not finite")
    return points


def edges_within(points: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges (m, 2), i < j, of length up to the reach, and lengths (m,), by (length, i, j)."""
    n = len(points)
    if n <= limits.ALL_DISTANCES_UP_TO:
        lengths = pdist(points)
        near = np.flatnonzero(lengths <= reach)
        i, j = np.triu_indices(n, 1)
        i, j, lengths = i[near], j[near], lengths[near]
        order = np.argsort(lengths, kind="stable")  # pdist goes through the pairs in order
    else:
        found = cKDTree(points).query_pairs(reach, output_type="ndarray")
        i, j = np.sort(found, axis=1).T
        lengths = np.sqrt(((points[i] - points[j]) ** 2).sum(axis=1))
        order = np.lexsort((j, i, lengths))
    return np.stack([i[order], j[order]], axis=1), lengths[order]


def check_cost(points: np.ndarray, reach: float, *, cavities: bool = False) -> None:
    """Refuse a complex that would not fit into memory, or take more than a minute.

    Raises
    ------
    InputError
        With the figures, and what to do.
    """
    from meshrep.sources.room import available_memory

    n = len(points)
    if n <= limits.ALL_DISTANCES_UP_TO and not cavities:
        return
    tree = cKDTree(points)
    edges = (int(tree.count_neighbors(tree, reach)) - n) // 2
    filled = edges / max(n * (n - 1) / 2, 1)
    triangles = filled**3 * n * (n - 1) * (n - 2) / 6 if cavities else 0.0
    needed = edges * _BYTES_AN_EDGE + triangles * _BYTES_A_TRIANGLE
    seconds = edges * (2 * edges / n) * _SECONDS_A_NEIGHBOUR + triangles * _SECONDS_A_TRIANGLE
    room = available_memory()
    if needed > room or seconds > _MOST_SECONDS:
        raise InputError(
            f"the Rips complex of {n:,} points has {edges:,} edges up to {reach:.3g} and needs "
            f"some {needed / 1e9:.2g} GB ({room / 1e9:.2g} are free) and {seconds:,.0f} s for "
            "every diagram: draw subsamples, set a smaller max_length, or take the alpha filtration"
        )


def _pairs_of_numbers(n: int, edges: np.ndarray, dimension: int) -> list[np.ndarray]:
    """Births and deaths of each dimension as numbers of edges counted from 1, 0 for a point."""
    from gudhi.sklearn.rips_persistence import RipsPersistence

    numbers = np.arange(1, len(edges) + 1, dtype=np.float64)
    matrix = sparse.coo_matrix(
        (numbers, (edges[:, 0].astype(np.int32), edges[:, 1].astype(np.int32))), shape=(n, n)
    )
    wanted = list(range(dimension + 1))
    if not len(edges):
        return [np.zeros((0, 2)) for _ in wanted]
    engine = RipsPersistence(
        wanted, input_type="distance coo_matrix", homology_coeff_field=2,
        num_collapses="auto" if dimension > 1 else 0,
    )  # fmt: skip
    return [np.asarray(pairs).reshape(-1, 2) for pairs in engine.fit_transform([matrix])[0]]


def _enclosing_radius(points: np.ndarray) -> float:
    """A length from which on the complex is a cone over the point nearest to the middle."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    top = points[np.argmin(((points - middle) ** 2).sum(axis=1))]
    return 1.000001 * float(np.sqrt(((points - top) ** 2).sum(axis=1).max()))


def _first_reach(points: np.ndarray) -> float:
    """Three times what separates a point from its nearest one, for most of them."""
    if len(points) < 3:
        return np.inf
    nearest = np.asarray(cKDTree(points).query(points, k=2)[0])[:, 1]
    apart = nearest[nearest > 0]
    return 3.0 * float(np.quantile(apart, 0.9)) if len(apart) else np.inf
