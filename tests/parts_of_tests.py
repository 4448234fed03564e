"""Small meshes of every kind of cell, and exact solutions of linear systems on them."""

from itertools import permutations, product

import numpy as np
from scipy.sparse.linalg import spsolve

import meshrep
from meshrep.energies.conduction.blocks import geometry
from meshrep.energies.conduction.elements import mids, rule

LINES = {"line": 3, "quadratic line": 21}
SURFACES = {"triangle": 5, "quad": 9, "quad 8": 23, "quad 9": 28, "triangle 6": 22}
SOLIDS = {
    "tetrahedron": 10, "hexahedron": 12, "wedge": 13, "pyramid": 14, "tetrahedron 10": 24,
    "hexahedron 20": 25, "wedge 15": 26, "pyramid 13": 27,
}  # fmt: skip
_LINEAR = {21: 3, 22: 5, 23: 9, 28: 9, 24: 10, 25: 12, 26: 13, 27: 14}


def grid(*counts):
    """Points of [0, 1]^d in cells of a lattice, and the lattice's cells in VTK's order."""
    axes = [np.linspace(0, 1, n + 1) for n in counts]
    points = np.stack([x.ravel() for x in np.meshgrid(*axes, indexing="ij")], axis=1)
    strides = [int(np.prod([n + 1 for n in counts[k + 1 :]])) for k in range(len(counts))]
    corner = {1: [(0,), (1,)], 2: [(0, 0), (1, 0), (1, 1), (0, 1)]}
    corner[3] = [(x, y, z) for z in (0, 1) for x, y in corner[2]]
    first = [sum(i * s for i, s in zip(at, strides, strict=True)) for at in
             product(*(range(n) for n in counts))]  # fmt: skip
    local = [sum(i * s for i, s in zip(at, strides, strict=True)) for at in corner[len(counts)]]
    return points, np.add.outer(first, local)


def divided(kind, points, cells):
    """A lattice's cells cut up into cells of a linear kind."""
    if kind == 5:
        return points, np.concatenate([cells[:, [0, 1, 2]], cells[:, [0, 2, 3]]])
    if kind == 13:
        return points, np.concatenate([cells[:, [0, 1, 2, 4, 5, 6]], cells[:, [0, 2, 3, 4, 6, 7]]])
    if kind == 10:
        at = {(0, 0, 0): 0, (1, 0, 0): 1, (1, 1, 0): 2, (0, 1, 0): 3,
              (0, 0, 1): 4, (1, 0, 1): 5, (1, 1, 1): 6, (0, 1, 1): 7}  # fmt: skip
        found = []
        for order in permutations(range(3)):
            steps = np.cumsum([np.zeros(3, int), *np.eye(3, dtype=int)[list(order)]], axis=0)
            found.append(cells[:, [at[tuple(step)] for step in steps.tolist()]])
        return points, np.concatenate(found)
    if kind == 14:
        middle = len(points) + np.arange(len(cells))
        faces = [(0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
        found = [np.column_stack([cells[:, face], middle]) for face in faces]
        return np.concatenate([points, points[cells].mean(axis=1)]), np.concatenate(found)
    return points, cells


def enriched(kind, points, cells):
    """Linear cells with the mid-edge nodes of a quadratic kind, one for each edge."""
    if kind not in _LINEAR:
        return points, cells
    number, points, columns = {}, list(points), []
    for m, (a, b) in sorted(mids(kind).items()):
        assert m == cells.shape[1] + len(columns)
        column = []
        for i, j in cells[:, [a, b]].tolist():
            key = (min(i, j), max(i, j))
            if key not in number:
                number[key] = len(points)
                points.append((points[i] + points[j]) / 2)
            column.append(number[key])
        columns.append(column)
    if kind == 28:
        columns.append(len(points) + np.arange(len(cells)))
        points += list(np.array(points)[cells].mean(axis=1))
    return np.array(points), np.column_stack([cells, *columns])


def box(kind, n, distort=0.0, seed=0):
    """Points (N, 3) and cells of a kind in [0, 1]^d; points inside are moved at random."""
    dimension = 1 if kind in (3, 21) else 2 if kind in SURFACES.values() else 3
    points, cells = divided(_LINEAR.get(kind, kind), *grid(*[n] * dimension))
    rng = np.random.default_rng(seed)

    def moved(points, share):
        inside = ((points > 1e-9) & (points < 1 - 1e-9)).all(axis=1)
        return points + share * distort / n * inside[:, None] * rng.uniform(-1, 1, points.shape)

    points, cells = enriched(kind, moved(points, 1.0), cells)
    if kind in _LINEAR:
        points = moved(points, 0.2)  # curved edges
    return np.pad(points, ((0, 0), (0, 3 - dimension))), cells


def mesh(kind, points, cells):
    """The graph of cells of one kind; points are not merged."""
    return meshrep.Graph.from_cells(points, meshrep.Cells.of_kind(kind, cells))


def mixed_bar():
    """A bar of three cubes: a hexahedron; pyramids and two tetrahedra; two wedges."""
    points, cells = grid(3, 1, 1)
    points = np.concatenate([points * [3, 1, 1], [[1.4, 0.6, 0.5]]])
    first, second, third = cells
    faces = [(0, 1, 2, 3), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    Cells = meshrep.Cells
    parts = [
        Cells.of_kind(12, first[None]),
        Cells.of_kind(14, np.array([[*second[list(face)], len(points) - 1] for face in faces])),
        Cells.of_kind(10, np.array([[*second[[4, 5, 6]], len(points) - 1],
                                    [*second[[4, 6, 7]], len(points) - 1]])),
        Cells.of_kind(13, np.array([third[[0, 1, 2, 4, 5, 6]], third[[0, 2, 3, 4, 6, 7]]])),
    ]  # fmt: skip
    return meshrep.Graph.from_cells(points, Cells.join(parts))


def on_boundary(graph, dimension, function):
    """Values of a function on the boundary of [0, 1]^d, NaN inside."""
    x = graph.points[:, :dimension]
    edge = ((x < 1e-9) | (x > 1 - 1e-9)).any(axis=1)
    return np.where(edge, function(*graph.points.T), np.nan)


def exact(energy):
    """The minimum of a quadratic energy, by one direct solve."""
    w = energy.with_fixed(np.full(energy.graph.n, energy.origin))
    free = energy.free
    matrix = energy.hessian(w)[free][:, free].tocsc()
    for _ in range(2):  # a step of refinement
        w[free] -= spsolve(matrix, energy.gradient(w)[free])
    return w


def l2_error(energy, field, function):
    """√∫ (T_h − T)² by a rule of one more point in each direction."""
    total = 0.0
    for block in energy.part.blocks:
        table = rule(block.kind, block.order + 2)
        corners = energy.part.points[block.nodes]
        at = table.values @ corners
        off = field[block.nodes] @ table.values.T - function(*np.moveaxis(at, 2, 0))
        total += float((abs(geometry(corners, table)[0]) * off**2).sum())
    return total**0.5


def flux_error(energy, field, gradient):
    """√∫ k |∇T_h − ∇T|², by the same rules."""
    total = 0.0
    for block in energy.part.blocks:
        table = rule(block.kind, block.order + 2)
        corners = energy.part.points[block.nodes]
        at = table.values @ corners
        weights, duals = geometry(corners, table)
        slope = np.einsum("ck,cqkx->cqx", field[block.nodes], table.slopes @ duals)
        off = ((slope - gradient(*np.moveaxis(at, 2, 0))) ** 2).sum(axis=2)
        k = energy.part.material.conductivity.at(block.which, at)
        total += float((abs(weights) * k * off).sum())
    return total**0.5
