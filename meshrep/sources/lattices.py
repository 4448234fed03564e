"""Lattices and random graphs, built by whole arrays: a million nodes in about a second."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from meshrep.base.arrays import read_only
from meshrep.errors import InputError
from meshrep.graphs.cells import HEXAHEDRON, QUAD, TRIANGLE, Cells, LazyCells
from meshrep.graphs.graph import Graph
from meshrep.sources.room import refuse_beyond_memory


def _at_least(what: str, least: int, **sizes: int) -> None:
    for name, size in sizes.items():
        if int(size) != size or size < least:
            raise InputError(f"{what}: {name} must be a whole number of at least {least}: {size}")


def _box(
    shape: tuple[int, ...], periodic: bool, make_cells: Callable[..., Cells], axes: tuple[int, ...]
) -> Graph:
    """The lattice of a box, its last axis fastest, in steps of 1.

    Parameters
    ----------
    shape : tuple of int
        Nodes along each axis.
    make_cells : function of the sizes
        Makes the cells, when they are wanted; a periodic lattice and one without extent has none.
    axes : tuple of int
        Which of x, y, z each axis of the shape is drawn along.
    """
    name = "lattice:" + "x".join(map(str, shape))
    for axis, size in enumerate(shape):
        _at_least(name, 3 if periodic else 1, **{f"size {axis + 1}": size})
    n = math.prod(shape)
    refuse_beyond_memory(name, n, len(shape) * n)
    points = np.zeros((n, 3))
    for axis, drawn in enumerate(axes):
        along = np.arange(shape[axis]).reshape(-1, *[1] * (len(shape) - axis - 1))
        points.reshape(*shape, 3)[..., drawn] = along
    cells = Cells.none()
    if not periodic and min(shape) > 1:
        cells = LazyCells(partial(make_cells, *shape))
    edges = read_only(_box_edges(shape, periodic))
    return Graph(
        n, edges, read_only(np.ones(len(edges))), points=read_only(points), cells=cells,
        name=name + ":periodic" * periodic,
    )  # fmt: skip


def _box_edges(shape: tuple[int, ...], periodic: bool) -> np.ndarray:
    """The edges (m, 2) of a box lattice, i < j, in lexicographic order.

    Each node has an edge to the next one along every axis and, where it is the first of a
    periodic row, one to the last: from the fastest axis to the slowest these lie ever further on.
    """
    n, stride = math.prod(shape), 1
    steps, exists = [], []
    for axis in reversed(range(len(shape))):
        size = shape[axis]
        place = np.arange(size).reshape(-1, *[1] * (len(shape) - axis - 1))
        ahead = [(stride, place < size - 1), ((size - 1) * stride, place == 0)]
        for step, stands in ahead[: 1 + periodic]:
            steps.append(step)
            exists.append(np.broadcast_to(stands, shape))
        stride *= size
    there = np.stack(exists, axis=-1).reshape(n, len(steps))
    edges = np.empty((np.count_nonzero(there), 2), dtype=np.int64)
    edges[:, 0] = np.repeat(np.arange(n), there.sum(axis=1))
    edges[:, 1] = np.broadcast_to(steps, there.shape)[there]
    edges[:, 1] += edges[:, 0]
    return edges


def square(rows: int, columns: int, periodic: bool = False) -> Graph:
    """The square lattice; node ``r * columns + c`` lies at (c, r, 0).

    Parameters
    ----------
    rows, columns : int
        Nodes each way.
    periodic : bool
        Whether opposite sides are joined; then there are no faces to draw, and each size is
        three at least.

    Raises
    ------
    InputError
        Where a size is too small, or the lattice does not fit into memory.

    >>> square(50, 50).m
    4900
    """
    return _box((rows, columns), periodic, _quads, axes=(1, 0))


def _quads(rows: int, columns: int) -> Cells:
    number = np.arange(rows * columns).reshape(rows, columns)
    corners = (number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1])
    return Cells.of_kind(QUAD, np.stack([c.ravel() for c in corners], axis=1))


def cubic(a: int, b: int, c: int, periodic: bool = False) -> Graph:
    """The cubic lattice; node ``(i * b + j) * c + k`` lies at (i, j, k).

    Parameters and errors as for :func:`square`; the cells are hexahedra.

    >>> cubic(2, 2, 2).m
    12
    """
    return _box((a, b, c), periodic, _hexahedra, axes=(0, 1, 2))


def _hexahedra(a: int, b: int, c: int) -> Cells:
    number = np.arange(a * b * c).reshape(a, b, c)
    low, high = slice(None, -1), slice(1, None)
    corners = [
        number[i, j, k].ravel()
        for k in (low, high)
        for i, j in ((low, low), (high, low), (high, high), (low, high))
    ]
    return Cells.of_kind(HEXAHEDRON, np.stack(corners, axis=1))


def triangular(rows: int, columns: int, periodic: bool = False) -> Graph:
    """The triangular lattice with ``rows`` × ``columns`` triangles, as networkx has it.

    Open, it has (rows+1) rows of nodes; every second row is shifted by half a step and, where
    ``columns`` is odd, one node shorter. Periodic, it is a torus of ``rows`` × (columns+1)//2
    nodes of degree six.

    Parameters
    ----------
    rows, columns : int
        Rows of triangles, and triangles in each row.
    periodic : bool
        Whether opposite sides are joined: ``rows`` is then even, and ``columns`` five at least.

    Raises
    ------
    InputError
        Where a size is too small or odd, or the lattice does not fit into memory.

    >>> triangular(75, 75)
    Graph('triangular:75x75', n=2926, m=8550, components=1)
    """
    what = f"triangular:{rows}x{columns}"
    _at_least(what, 4 if periodic else 1, rows=rows)
    _at_least(what, 5 if periodic else 1, columns=columns)
    across = (columns + 1) // 2
    refuse_beyond_memory(what, (rows + 1) * (across + 1), 3 * (rows + 1) * (across + 1))
    if periodic:
        if rows % 2:
            raise InputError(f"{what}: a periodic triangular lattice needs an even number of rows")
        shape = (rows, across)
    else:
        shape = (rows + 1, across + 1)
    r, c = (axis.ravel() for axis in np.indices(shape))
    odd = r % 2
    # Up to the left and up to the right of node (r, c): odd rows are shifted half a step.
    steps = [(0, 1), (1, 0), (1, 1)]
    ends = []
    for down, right in steps:
        row, column = r + down, c + right - (down * (1 - odd))
        ends.append((row, column))
    exists = np.ones(shape, dtype=bool)
    if not periodic and columns % 2:
        exists[1::2, -1] = False  # the shifted rows are one shorter
    number = np.where(exists.ravel(), np.cumsum(exists.ravel()) - 1, -1).reshape(shape)
    here = number[r, c]
    there = []
    for row, column in ends:
        if periodic:
            there.append(number[row % shape[0], column % shape[1]])
        else:
            inside = (row < shape[0]) & (column >= 0) & (column < shape[1])
            there.append(np.where(inside, number[row % shape[0], column % shape[1]], -1))
    pairs = np.concatenate([np.stack([here, other], axis=1) for other in there])
    pairs = pairs[(pairs >= 0).all(axis=1)]
    points = np.stack([c + 0.5 * odd, r * math.sqrt(3) / 2, np.zeros(len(r))], axis=1)
    points = points[exists.ravel()]
    cells = Cells.none()
    if not periodic:
        right, left_up, right_up = there
        found = np.concatenate(
            [np.stack([here, right_up, left_up], 1), np.stack([here, right, right_up], 1)]
        )
        cells = Cells.of_kind(TRIANGLE, found[(found >= 0).all(axis=1)])
    name = what + ":periodic" * periodic
    return Graph.from_edges(len(points), pairs, points=points, cells=cells, name=name)


def ring(n: int) -> Graph:
    """The cycle of ``n`` ≥ 3 nodes, drawn as a circle of radius 1.

    >>> ring(625).m
    625
    """
    _at_least(f"ring:{n}", 3, n=n)
    refuse_beyond_memory(f"ring:{n}", n, n)
    number = np.arange(n)
    angle = 2 * np.pi * number / n
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    pairs = np.stack([number, np.roll(number, -1)], axis=1)
    return Graph.from_edges(n, pairs, points=points, name=f"ring:{n}")


def tree(branching: int, depth: int) -> Graph:
    """The balanced tree in which every node above the last level has ``branching`` children.

    Node 0 is the root; the children of node k are ``branching * k + 1`` and on. ``tree(2, 9)``
    is ``networkx.balanced_tree(2, 9)``: 1,023 nodes.

    >>> tree(2, 9)
    Graph('tree:2^9', n=1023, m=1022, components=1)
    """
    what = f"tree:{branching}^{depth}"
    _at_least(what, 1, branching=branching)
    _at_least(what, 0, depth=depth)
    if depth > 64 and branching > 1:
        refuse_beyond_memory(what, branching**64, branching**64)
    n = depth + 1 if branching == 1 else (branching ** (depth + 1) - 1) // (branching - 1)
    refuse_beyond_memory(what, n, n)
    child = np.arange(1, n)
    pairs = np.stack([(child - 1) // branching, child], axis=1)
    return Graph.from_edges(n, pairs, name=what)
