"""Finite elements on reference cells: shape functions, their slopes, and quadrature rules.

Nodes are in VTK's order. Linear lines, triangles and tetrahedra, pyramids and quadratic wedges are
written here; scikit-fem has the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import roots_jacobi

from meshrep.base.backends import installed
from meshrep.errors import MissingPart
from meshrep.graphs.cells import (
    EDGES_OF_KIND,
    HEXAHEDRON,
    LINE,
    PYRAMID,
    QUAD,
    TETRAHEDRON,
    TRIANGLE,
    VERTEX,
    WEDGE,
)

# The linear kind of each kind that has an element.
LINEAR = {
    VERTEX: VERTEX, LINE: LINE, 21: LINE, TRIANGLE: TRIANGLE, 22: TRIANGLE, QUAD: QUAD, 23: QUAD,
    28: QUAD, TETRAHEDRON: TETRAHEDRON, 24: TETRAHEDRON, HEXAHEDRON: HEXAHEDRON, 25: HEXAHEDRON,
    WEDGE: WEDGE, 26: WEDGE, PYRAMID: PYRAMID, 27: PYRAMID,
}  # fmt: skip
DIMENSION = {
    kind: {VERTEX: 0, LINE: 1, TRIANGLE: 2, QUAD: 2}.get(linear, 3)
    for kind, linear in LINEAR.items()
}
SIMPLICES = (LINE, TRIANGLE, TETRAHEDRON)
_BY_SCIKIT_FEM = {
    21: "ElementLineP2", 22: "ElementTriP2", QUAD: "ElementQuad1", 23: "ElementQuadS2",
    28: "ElementQuad2", 24: "ElementTetP2", HEXAHEDRON: "ElementHex1", 25: "ElementHexS2",
    WEDGE: "ElementWedge1",
}  # fmt: skip

_SQUARE = ((0, 0), (1, 0), (1, 1), (0, 1))
_CORNERS: dict[int, tuple[tuple[int, ...], ...]] = {
    LINE: ((0,), (1,)),
    TRIANGLE: ((0, 0), (1, 0), (0, 1)),
    QUAD: _SQUARE,
    TETRAHEDRON: ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)),
    HEXAHEDRON: tuple((x, y, z) for z in (0, 1) for x, y in _SQUARE),
    WEDGE: tuple((x, y, z) for z in (0, 1) for x, y in ((0, 0), (1, 0), (0, 1))),
    PYRAMID: ((-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0), (0, 0, 1)),
}


@dataclass(frozen=True, eq=False)
class Rule:
    """A quadrature rule on a reference cell, and the shape functions φ_k at its points.

    Attributes
    ----------
    weights : (q,) array
    values : (q, k) array
        φ_k at the points.
    slopes : (q, k, d) array
        Their derivatives by the d reference coordinates.
    """

    weights: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


def mids(kind: int) -> dict[int, tuple[int, int]]:
    """The two corners between which each mid-edge node of a kind lies."""
    edges = EDGES_OF_KIND.get(kind, ())
    halves = zip(edges[::2], edges[1::2], strict=False)
    return {m: (a, b) for (a, m), (again, b) in halves if m == again}


def places(kind: int) -> np.ndarray:
    """Where the nodes (k, d) of a reference cell are."""
    corners = np.array(_CORNERS[LINEAR[kind]], dtype=np.float64)
    between = [] if kind == LINEAR[kind] else sorted(mids(kind).items())
    nodes = [*corners, *(0.5 * (corners[a] + corners[b]) for _, (a, b) in between)]
    if kind == 28:  # the nine-node quadrilateral has a node at its centre
        nodes.append(corners.mean(axis=0))
    return np.array(nodes)


@cache
def rule(kind: int, order: int) -> Rule:
    """The rule of ``order`` Gauss points in each direction, exact to degree 2·order − 1.

    Raises
    ------
    MissingPart
        For a kind that needs scikit-fem, where that is not installed.
    """
    if kind == VERTEX:
        return Rule(np.ones(1), np.ones((1, 1)), np.zeros((1, 1, 0)))
    points, weights = quadrature(LINEAR[kind], order)
    values, slopes = shapes(kind, points)
    return Rule(weights, np.ascontiguousarray(values), np.ascontiguousarray(slopes))


def shapes(kind: int, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shape functions (q, k) and slopes (q, k, d) of a kind at reference points (q, d)."""
    if kind in SIMPLICES:
        values = np.column_stack([1.0 - at.sum(axis=1), at])
        dimension = at.shape[1]
        slope = np.concatenate([-np.ones((1, dimension)), np.eye(dimension)])
        return values, np.broadcast_to(slope, (len(at), *slope.shape))
    if kind in _BY_SCIKIT_FEM:
        return _by_scikit_fem(kind, at)
    function = {PYRAMID: _pyramid, 27: _quadratic_pyramid, 26: _quadratic_wedge}[kind]
    # Complex steps give the derivatives of rational functions without rounding.
    step = 1e-30
    turned = [function(at + 1j * step * axis).imag / step for axis in np.eye(3)]
    return function(at + 0j).real, np.stack(turned, axis=2)


def _by_scikit_fem(kind: int, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """scikit-fem's element, its functions in the order of VTK's nodes."""
    if not installed("skfem"):
        raise MissingPart("scikit-fem", "conduct heat on cells other than simplices", "fem")
    import skfem

    element = getattr(skfem, _BY_SCIKIT_FEM[kind])()
    apart = abs(places(kind)[:, None] - element.doflocs[None]).sum(axis=2)
    found = [element.lbasis(at.T, int(i)) for i in apart.argmin(axis=1)]
    values = np.stack([np.broadcast_to(value, len(at)) for value, _ in found], axis=1)
    slopes = [np.broadcast_to(slope, at.T.shape).T for _, slope in found]
    return values, np.stack(slopes, axis=1)


def _pyramid(at: np.ndarray) -> np.ndarray:
    """The linear pyramid on |x|, |y| ≤ 1 − z, whose triangular faces are linear.

    It is a hexahedron with one face collapsed to the tip. The points may not be the tip itself.
    """
    x, y, z = at.T
    c = 1.0 - z
    base = [(c + s * x) * (c + t * y) / (4.0 * c) for s, t in _SIGNS]
    return np.stack([*base, z], axis=1)


def _quadratic_pyramid(at: np.ndarray) -> np.ndarray:
    """The pyramid of 13 nodes (Bedrosian 1992)."""
    x, y, z = at.T
    c = 1.0 - z
    over = [(c + s * x) * (c + t * y) / c for s, t in _SIGNS]
    corners = [(s * x + t * y - 1.0) * f / 4.0 for (s, t), f in zip(_SIGNS, over, strict=True)]
    along_x, along_y = (c + x) * (c - x) / (2.0 * c), (c + y) * (c - y) / (2.0 * c)
    base = [along_x * (c - y), along_y * (c + x), along_x * (c + y), along_y * (c - x)]
    return np.stack([*corners, z * (2.0 * z - 1.0), *base, *(z * f for f in over)], axis=1)


_SIGNS = ((-1, -1), (1, -1), (1, 1), (-1, 1))


def _quadratic_wedge(at: np.ndarray) -> np.ndarray:
    """The wedge of 15 nodes: quadratic triangles below and above, serendipity sides."""
    x, y, height = at.T
    z = 2.0 * height - 1.0
    flat = (1.0 - x - y, x, y)
    ends = [
        0.5 * f * ((2.0 * f - 1.0) * (1.0 + s * z) - (1.0 - z * z)) for s in (-1, 1) for f in flat
    ]
    edges = [2.0 * flat[i] * flat[i - 2] * (1.0 + s * z) for s in (-1, 1) for i in range(3)]
    return np.stack([*ends, *edges, *(f * (1.0 - z * z) for f in flat)], axis=1)


def quadrature(linear: int, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (q, d) and weights (q,) of a conical product rule (Stroud 1971)."""

    def gauss(alpha: int) -> tuple[np.ndarray, np.ndarray]:
        nodes, weights = roots_jacobi(order, alpha, 0)
        return 0.5 * (1.0 + nodes), weights / 2.0 ** (alpha + 1)

    powers = {
        LINE: (0,), QUAD: (0, 0), HEXAHEDRON: (0, 0, 0), TRIANGLE: (0, 1), TETRAHEDRON: (0, 1, 2),
        WEDGE: (0, 1, 0), PYRAMID: (0, 0, 2),
    }[linear]  # fmt: skip
    axes = [gauss(alpha) for alpha in powers]
    grids = np.meshgrid(*(nodes for nodes, _ in axes), indexing="ij")
    weight_grids = np.meshgrid(*(weights for _, weights in axes), indexing="ij")
    x = [grid.ravel() for grid in grids]
    weights = np.prod([grid.ravel() for grid in weight_grids], axis=0)
    if linear in (TRIANGLE, WEDGE):
        x[0] = x[0] * (1.0 - x[1])
    elif linear == TETRAHEDRON:
        x[1] = x[1] * (1.0 - x[2])
        x[0] = x[0] * (1.0 - x[2] - x[1])
    elif linear == PYRAMID:
        x[:2] = [(2.0 * value - 1.0) * (1.0 - x[2]) for value in x[:2]]
        weights = 4.0 * weights
    return np.stack(x, axis=1), weights
