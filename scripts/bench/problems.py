"""Heat problems by name: their energy, the start that all solvers share, the polished minimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import meshrep
from meshrep.energies.heat import HeatBath
from meshrep.errors import MeshrepError
from meshrep.solving.reference import Reference, minimum
from meshrep.sources.selection import ends, random_split

POLISH_SECONDS = 200.0
POLISHED = 1e-9  # scaled gradient norm, far below what a gap of 1e-6 needs


@dataclass(frozen=True)
class Heat:
    """A problem of the heat suite; ``cap`` is the most seconds that a solver may take."""

    graph: str
    bath: str
    cap: float

    @property
    def title(self) -> str:
        """The graph and the place of its baths, as in ``lattice 316×316, strip``."""
        return f"{graph_title(self.graph)}, {self.bath}"


@dataclass(frozen=True)
class Posed:
    """A problem as solvers get it."""

    title: str
    energy: Any
    start: np.ndarray
    reference: Reference
    cap: float

    @property
    def n(self) -> int:
        """Number of nodes."""
        return self.energy.graph.n

    @property
    def flat(self) -> bool:
        """Whether it is a surface, on which sparse factors stay thin."""
        return np.ptp(self.energy.graph.points[:, 2]) == 0 or len(self.energy.graph.triangles) > 0


def graph_title(spec: str) -> str:
    """Return ``lattice:50x50`` as ``lattice 50×50``."""
    return spec.removesuffix(".ply").replace(":", " ").replace("x", "×")


def energy_of(graph: str, bath: str) -> HeatBath:
    """Return quartic baths on a tenth of the nodes at either end ("strip") or drawn ("random")."""
    net = meshrep.graph_from(graph)
    if bath == "random":
        hot, cold = random_split(net, 0.1, 0)
    else:
        cold, hot = ends(net, 0.1)
    energy = HeatBath(net, hot, cold)
    _ = energy.matrix, energy.judge  # computed beforehand, for us and for peers
    return energy


def pose(problem: Heat) -> Posed:
    """Build a problem and find its minimum by Newton's method.

    Raises
    ------
    MeshrepError
        If Newton does not come close enough to serve as the reference.
    """
    energy = energy_of(problem.graph, problem.bath)
    start = energy.random_start(0)
    found = minimum(energy, start, POLISH_SECONDS)
    if not found.grad_norm <= POLISHED:
        raise MeshrepError(f"{problem.title}: Newton ended at a gradient of {found.grad_norm:.0e}")
    reference = Reference(found.energy, "newton", energy.value(start))
    return Posed(problem.title, energy, start, reference, problem.cap)


def tiny() -> Posed:
    """Return a problem that costs nothing, on which everything runs once before it is timed."""
    return pose(Heat("ring:40", "random", cap=0.2))
