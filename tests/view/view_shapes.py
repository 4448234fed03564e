"""Small graphs to draw and write."""

import numpy as np

from meshrep.graphs.cells import HEXAHEDRON, QUAD, TRIANGLE, Cells
from meshrep.graphs.graph import Graph
from meshrep.graphs.origin import Origin


def lattice(side: int = 8) -> Graph:
    """A square lattice of quads in the plane."""
    number = np.arange(side * side).reshape(side, side)
    y, x = np.mgrid[:side, :side]
    corners = [number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]]
    cells = Cells.of_kind(QUAD, np.stack(corners, axis=-1).reshape(-1, 4))
    points = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)
    return Graph.from_cells(points, cells, name="lattice")


def cube(side: int = 5) -> Graph:
    """A cubic lattice of hexahedra."""
    number = np.arange(side**3).reshape(side, side, side)
    z, y, x = np.mgrid[:side, :side, :side]
    shifts = [
        (0, 0, 0),
        (0, 0, 1),
        (0, 1, 1),
        (0, 1, 0),
        (1, 0, 0),
        (1, 0, 1),
        (1, 1, 1),
        (1, 1, 0),
    ]
    last = side - 1
    corners = [number[a : last + a, b : last + b, c : last + c] for a, b, c in shifts]
    cells = Cells.of_kind(HEXAHEDRON, np.stack(corners, axis=-1).reshape(-1, 8))
    return Graph.from_cells(np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1), cells, name="cube")


def ball(rings: int = 12) -> Graph:
    """A closed surface of triangles: the convex hull of points spread on a sphere."""
    from scipy.spatial import ConvexHull

    count = 20 * rings
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    across = np.sqrt(1 - height**2)
    points = np.stack([across * np.cos(turn), height, across * np.sin(turn)], axis=1)
    cells = Cells.of_kind(TRIANGLE, ConvexHull(points).simplices)
    return Graph.from_cells(points, cells, name="ball")


def ring(n: int = 24, *, placed: bool = True) -> Graph:
    """A ring, on a circle or without points."""
    turn = 2 * np.pi * np.arange(n) / n
    points = np.stack([np.cos(turn), np.sin(turn)], axis=1) if placed else None
    pairs = np.stack([np.arange(n), (np.arange(n) + 1) % n], axis=1)
    return Graph.from_edges(n, pairs, points=points, name="ring")


def repaired() -> Graph:
    """Two triangles of a file with five points, of which the last belongs to no triangle."""
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [9, 9, 9]], dtype=float)
    cells = Cells.of_kind(TRIANGLE, [[0, 1, 2], [0, 2, 3]])
    node_of = np.array([3, 2, 1, 0, -1])
    origin = Origin("two.obj", points, cells, node_of, ("1 unused point was dropped",))
    inner = Cells.of_kind(TRIANGLE, [[3, 2, 1], [3, 1, 0]])
    return Graph.from_cells(points[[3, 2, 1, 0]], inner, name="two", origin=origin)
