"""Kuramoto oscillators, which are the XY model, and the XY spin glass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshrep.base.randomness import random_from
from meshrep.energies.oscillators import Oscillators
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Kuramoto(Oscillators):
    """E = −Σ_edges K_ij a_ij cos(φ_i − φ_j); dφ_i/dt = ω_i − Σ_j K_ij a_ij sin(φ_i − φ_j).

    The XY model of magnetism. (Equations 17 and 15 of the papers print the energy with the other
    sign.)

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    coupling : float or (m,) array
        K, one for all edges or one for each (in the order of ``graph.edges``), of any sign.
    frequencies : float or (n,) array
        ω_i of the flow. Where they differ the phases have no energy to minimise: use
        :func:`meshrep.integrate`.

    References
    ----------
    Both, Dehmamy, Long and Yu, "Faster Optimization on Sparse Graphs via Neural
    Reparametrization", eq. 6; Kuramoto (1975).

    Examples
    --------
    >>> import meshrep, numpy as np
    >>> phases = Kuramoto(meshrep.graph_from("lattice:8x8"))
    >>> round(phases.value(np.zeros(64)), 6)
    -112.0
    """

    def __init__(
        self, graph: GraphLike, coupling: ArrayLike = 1.0, frequencies: ArrayLike = 0.0
    ) -> None:
        super().__init__(graph, coupling, (-0.5, 0.0, 0.0), frequencies)


class XYGlass(Kuramoto):
    """The XY spin glass: Kuramoto's energy with random couplings, whose minimum is not evident.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    coupling : {"binary", "gaussian"}
        ±1 with equal odds, or standard normal; times the edge weights.
    seed : int
        Of the couplings.

    Raises
    ------
    InputError
        For another kind of coupling or a negative seed.

    References
    ----------
    Edwards and Anderson, "Theory of spin glasses" (1975).
    """

    def __init__(self, graph: GraphLike, coupling: str = "binary", seed: int = 0) -> None:
        if coupling not in ("binary", "gaussian"):
            raise InputError(f"unknown coupling {coupling!r}: choose binary or gaussian")
        graph, rng = Graph.of(graph), random_from(seed)
        if coupling == "binary":
            drawn = rng.choice([-1.0, 1.0], graph.m)
        else:
            drawn = rng.standard_normal(graph.m)
        super().__init__(graph, drawn)
        self.coupling_kind, self.seed = coupling, seed

    def settings(self) -> dict[str, Any]:
        """The settings of the oscillators, with kind and seed of the couplings."""
        kind = {"coupling_kind": self.coupling_kind, "coupling_seed": self.seed}
        return {**super().settings(), **kind}
