"""A field on a graph without an energy, for variables that know only the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator
from meshrep.graphs.conductances import conductances
from meshrep.graphs.graph import GraphLike


class Bare(Energy):
    """The energy 0 of a field (n,) or (n, d): parametrizations ask it for couplings and a unit.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    shape : (n,) or (n, d)
    coupling : csr_array or text
        The couplings, or the Laplacian that has them: "graph", "cotan" or "robust".
    held : (k,) integers
        Nodes that no parameter moves. Their values are those of each start.
    unit : float, optional
        The natural size of differences of the field.
    """

    def __init__(
        self,
        graph: GraphLike,
        shape: tuple[int, ...],
        coupling: sparse.csr_array | str,
        held: np.ndarray,
        unit: float | None = None,
    ) -> None:
        super().__init__(graph)
        self._shape = shape
        if isinstance(coupling, str):
            coupling = conductances(self.graph, coupling)
        self._coupling = coupling
        self.fixed, self.fixed_values = held, np.zeros((len(held), *shape[1:]))
        if unit is not None:
            self.unit = float(unit)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a field."""
        return self._shape

    @property
    def coupling(self) -> sparse.csr_array:
        """The couplings that were given, or those of the Laplacian."""
        return self._coupling

    @property
    def scale(self) -> float:
        """That of an energy ½ Σ a (difference)² with couplings of mean 1."""
        return self.unit**2

    def with_fixed(self, w: np.ndarray) -> np.ndarray:
        """The field itself: held nodes keep the values of a start."""
        return w

    def random_start(self, seed: int = 0) -> np.ndarray:
        """Zeros."""
        return np.zeros(self.shape)

    def on(self, backend: Backend) -> Evaluator:
        """An evaluator of 0."""
        return _Nothing()


class _Nothing(Evaluator):
    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        """0 and zeros."""
        return 0.0, w * 0.0
