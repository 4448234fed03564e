"""A block of steel and rubber in tetrahedra, as arrays that every finite element code takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

import meshrep
from meshrep.energies.conduction.energy import Conduction
from meshrep.graphs.cells import TETRAHEDRON, Cells
from meshrep.graphs.graph import Graph

CONTRAST = 1000.0
STEEL = 50.0  # W/(m K)
FIXED, FILM, AIR, FLUX, SOURCE = 80.0, 25.0, 20.0, 1500.0, 2000.0
EPS = 1e-9
MOVED = 0.2  # of a cell, by which points inside are moved at random


@dataclass(frozen=True, eq=False)
class Block:
    """A unit cube in about ``size`` tetrahedra: steel where x < 1/2, rubber beyond.

    It is held at 80 °C where z = 0, cooled by air where x = 1, heated by a flux where y = 0 and by
    a source everywhere.
    """

    size: float

    @property
    def sides(self) -> int:
        """Cells of the lattice along an edge; each is cut into six tetrahedra."""
        return max(2, round((self.size / 6) ** (1 / 3)))

    @cached_property
    def points(self) -> np.ndarray:
        """Points (n, 3)."""
        axis = np.linspace(0, 1, self.sides + 1)
        points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
        inside = ((points > EPS) & (points < 1 - EPS)).all(axis=1)
        moves = np.random.default_rng(0).uniform(-1, 1, (int(inside.sum()), 3))
        points[inside] += 0.5 * MOVED / self.sides * moves
        return points

    @cached_property
    def cells(self) -> np.ndarray:
        """Tetrahedra (c, 4) of positive volume (Kuhn 1960)."""
        k = self.sides
        number = np.arange((k + 1) ** 3).reshape(3 * (k + 1,))
        found = []
        for order in permutations(range(3)):
            at = np.zeros(3, dtype=int)
            corners = []
            for axis in (None, *order):
                if axis is not None:
                    at[axis] = 1
                x, y, z = at
                corners.append(number[x : x + k, y : y + k, z : z + k].ravel())
            odd = np.linalg.det(np.eye(3)[list(order)]) < 0
            found.append(np.stack([corners[i] for i in ((0, 1, 3, 2) if odd else range(4))], 1))
        return np.stack(found, axis=1).reshape(-1, 4)

    @cached_property
    def conductivity(self) -> np.ndarray:
        """k of each cell (c,)."""
        steel = self.points[self.cells, 0].mean(axis=1) < 0.5
        return np.where(steel, STEEL, STEEL / CONTRAST)

    def energy(self) -> Conduction:
        """The problem as an energy of ours, from the arrays on."""
        graph = Graph.from_cells(self.points, Cells.of_kind(TETRAHEDRON, self.cells), name="block")
        return meshrep.Conduction(
            graph, self.conductivity, fixed={f"z < {EPS}": FIXED},
            convection=[(f"x > 1 - {EPS}", FILM, AIR)], flux=[(f"y < {EPS}", FLUX)],
            source=SOURCE,
        )  # fmt: skip
