"""Persistence of the alpha filtration: Delaunay simplices by their smallest empty spheres.

The value of a simplex is 2R with R the radius of its smallest empty circumscribing sphere, so that
a lone edge comes at its length, as in a Rips filtration. Where the value is that of the simplex's
own circumsphere, of centre c = Σ_i λ_i v_i with Σ_i λ_i = 1,

    ∂(2R)/∂v_i = 2 λ_i (v_i − c) / R,

since R² is stationary in c within the simplex's affine hull.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.errors import InputError, MissingPart
from meshrep.persistence.diagrams import Diagram

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

ROUNDING = 1e-10  # what two values may differ by, relative to the greater, and count as one

_BYTES_A_POINT = {2: 2_500, 3: 11_000}  # measured, by dimension


@dataclass(frozen=True)
class AlphaDiagram(Diagram):
    """Pairs of an alpha filtration of points (n, d), with the slopes of their values.

    Attributes
    ----------
    births, deaths : (k, d + 1) int64
        The simplex whose circumsphere is born or dies, -1 beyond its nodes; a component is born
        as one node.
    slopes : (k, 2, d + 1, d) float64
        Derivative of each birth and death in each node of its simplex; 0 where there is none.
    count : int
        n.
    """

    slopes: np.ndarray
    count: int

    def pull_back(self, gradient: np.ndarray) -> np.ndarray:
        """A gradient (k, 2) in ``values`` as one (n, d) in the points."""
        gradient = np.asarray(gradient, dtype=np.float64)
        d = self.slopes.shape[-1]
        nodes = np.stack([self.births, self.deaths], axis=1)
        there = nodes >= 0
        pulls = (gradient[:, :, None, None] * self.slopes)[there]
        at = (nodes[there][:, None] * d + np.arange(d)).ravel()
        return np.bincount(at, pulls.ravel(), minlength=self.count * d).reshape(self.count, d)


def alpha_diagrams(points: ArrayLike, dimensions: Sequence[int] = (0, 1)) -> dict[int, Diagram]:
    """The persistence diagrams of the alpha filtration of points in the plane or in space.

    The value of a simplex is 2R, with R the radius of its smallest empty circumscribing sphere.
    Gudhi's alpha value is R², so a value here is 2√ of gudhi's. An edge between neighbours thus
    comes at its length, as in a Rips filtration.

    Parameters
    ----------
    points : (n, 2) or (n, 3) array
        Copies of a point count once. Points on a line or in a plane are allowed.
    dimensions : sequence of int
        0 for components, 1 for loops, 2 for cavities, which exist in space only.

    Returns
    -------
    dict of int to Diagram
        Births and deaths in the points' unit of length, and the simplices that have them. Pairs
        whose persistence is a rounding error and those that never die are left out.

    Raises
    ------
    InputError
        If the points are not (n, 2) or (n, 3) finite numbers, a dimension is not one of
        0 … d − 1, or the complex would not fit into memory.
    MissingPart
        If gudhi is not installed.

    Notes
    -----
    Components are those of the Rips filtration; loops and cavities come at other values. There
    are at most 6n simplices in the plane, where Rips has O(n³). Gudhi's Delaunay complexes use
    CGAL and come under the GPL, the rest of gudhi under the MIT licence.

    References
    ----------
    Edelsbrunner and Mücke, "Three-dimensional alpha shapes" (1994). Bauer and Edelsbrunner, "The
    Morse theory of Čech and Delaunay complexes" (2017): homology changes only at simplices that
    hold the centre of their own empty circumsphere; every other pairs off at its own value.

    Examples
    --------
    >>> import numpy as np, pytest
    >>> _ = pytest.importorskip("gudhi")
    >>> angles = np.arange(6) * np.pi / 3
    >>> hexagon = np.c_[np.cos(angles), np.sin(angles)]
    >>> alpha_diagrams(hexagon, [1])[1].values.round(12)
    array([[1., 2.]])
    """
    points = _points(points)
    wanted = _dimensions(dimensions, points.shape[1])
    _check_room(*points.shape)
    for precision in ("safe", "exact"):
        pairs = _pairs(points, precision, wanted)
        if all(sure for *_, sure in pairs.values()):
            break
    return {p: _diagram(points, p, *ends) for p, (*ends, _) in pairs.items()}


def _check_room(n: int, d: int) -> None:
    """Refuse more points than memory holds the complex of."""
    from meshrep.sources.room import available_memory

    needed, room = n * _BYTES_A_POINT[d], available_memory()
    if needed > room:
        raise InputError(
            f"the alpha complex of {n:,} points needs {needed / 1e9:.1f} GB where "
            f"{room / 1e9:.1f} are free: draw subsamples"
        )


def _points(points: Any) -> np.ndarray:
    try:
        array = np.ascontiguousarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("points must be an array of numbers, a row a point") from error
    if array.ndim != 2 or not len(array) or array.shape[1] not in (2, 3):
        raise InputError(
            f"alpha needs points in the plane or in space, (n, 2) or (n, 3), not of shape "
            f"{array.shape}: take rips"
        )
    bad = ~np.isfinite(array).all(axis=1)
    if bad.any():
        raise InputError(f"points hold a NaN or an infinite number (first at {bad.argmax()})")
    return array


def _dimensions(dimensions: Any, d: int) -> list[int]:
    wanted = sorted(set(np.atleast_1d(np.asarray(dimensions)).tolist()))
    if any(not isinstance(p, int) or not 0 <= p < d for p in wanted):
        raise InputError(
            f"dimensions {dimensions!r}: points in {d} dimensions have features of "
            f"{'0 and 1' if d == 2 else '0, 1 and 2'} only"
        )
    return wanted


def _pairs(
    points: np.ndarray, precision: str, wanted: list[int]
) -> dict[int, tuple[np.ndarray, np.ndarray, bool]]:
    """Of each dimension the simplices (k, d + 1) born and dying, and whether the pairs are sure.

    They are where every simplex has the value of its own circumsphere, as critical ones do.
    Gudhi's "safe" values may be off by 1e-5, which parts the near ties of thin simplices and makes
    pairs of them that are none; "exact" ones are true, and several times as dear.
    """
    try:
        from gudhi import AlphaComplex
    except ImportError as error:
        raise MissingPart("gudhi", "compute persistent homology", "topology") from error
    # far from the origin "safe" loses digits
    tree = AlphaComplex(points=points - points[0], precision=precision).create_simplex_tree()
    tree.compute_persistence()
    simplices: dict[int, tuple[list, list]] = {p: ([], []) for p in wanted}
    for birth, death in tree.persistence_pairs():
        if death and len(birth) - 1 in simplices:
            births, deaths = simplices[len(birth) - 1]
            births.append(birth)
            deaths.append(death)
    found = {}
    for p, (born, dying) in simplices.items():
        first, second = (_rows(part, points.shape[1] + 1) for part in (born, dying))
        sure = True
        if p and born:
            # squared radii, in the order of the pairs; in dimension 0 one never dies
            squared = np.asarray(tree.persistence_intervals_in_dimension(p))
            kept = squared[:, 1] - squared[:, 0] > ROUNDING * squared[:, 1]
            first, second, expected = first[kept], second[kept], 2 * np.sqrt(squared[kept])
            own = np.stack([_circumspheres(points, rows)[0] for rows in (first, second)], axis=1)
            sure = bool((abs(own - expected) <= ROUNDING * expected).all())
        found[p] = first, second, sure
    return found


def _diagram(points: np.ndarray, p: int, births: np.ndarray, deaths: np.ndarray) -> AlphaDiagram:
    d = points.shape[1]
    values, slopes = np.empty((len(births), 2)), np.empty((len(births), 2, d + 1, d))
    for k, rows in enumerate((births, deaths)):
        values[:, k], slopes[:, k] = _circumspheres(points, rows)
    kept = values[:, 1] - values[:, 0] > ROUNDING * values[:, 1]
    return AlphaDiagram(p, values[kept], births[kept], deaths[kept], slopes[kept], len(points))


def _rows(simplices: list[list[int]], width: int) -> np.ndarray:
    """Simplices of one dimension as rows (k, width), sorted, -1 beyond their nodes."""
    rows = np.full((len(simplices), width), -1, dtype=np.int64)
    if simplices:
        nodes = np.sort(np.array(simplices, dtype=np.int64), axis=1)
        rows[:, : nodes.shape[1]] = nodes
    return rows


def _circumspheres(points: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """2R (k,) of simplices (k, d + 1) and its derivative (k, d + 1, d) in their nodes.

    NaN where the nodes have no circumsphere; 0 for a node alone.
    """
    k, d = len(rows), points.shape[1]
    values, slopes = np.zeros(k), np.zeros((k, d + 1, d))
    sizes = (rows >= 0).sum(axis=1)
    for size in range(2, d + 2):
        here = sizes == size
        if not here.any():
            continue
        corners = points[rows[here, :size]]
        # Relative to v_0 with edges E as rows: E c = ½|E_i|² and c = Eᵀλ. By Eᵀ = QR the system
        # keeps the edges' condition, which the Gram matrix would square.
        edges = corners[:, 1:] - corners[:, :1]
        half = 0.5 * (edges**2).sum(axis=2)[..., None]
        Q, R = np.linalg.qr(edges.swapaxes(1, 2))
        flat = np.diagonal(R, axis1=1, axis2=2) == 0
        R[flat.any(axis=1)] = np.nan
        along = np.linalg.solve(R.swapaxes(1, 2), half)
        inner = np.linalg.solve(R, along)[..., 0]
        weights = np.concatenate([1 - inner.sum(axis=1, keepdims=True), inner], axis=1)
        centre = corners[:, 0] + (Q @ along)[..., 0]
        radius = np.sqrt((along[..., 0] ** 2).sum(axis=1))
        values[here] = 2 * radius
        pull = 2 * weights / radius[:, None]
        slopes[here, :size] = pull[..., None] * (corners - centre[:, None])
    return values, slopes
