"""Oscillators that act on each other in pairs: one coupling for each edge of a network."""

from __future__ import annotations

from functools import cached_property, partial

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Backend
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.fused import by_kernels_or_formula
from meshrep.energies.gathers import gathers_on
from meshrep.energies.phases.couplings import Couplings, Drive, coupled
from meshrep.energies.phases.evaluators import Formula, Gathers, Kernels
from meshrep.energies.phases.mean_field import MeanField
from meshrep.graphs.graph import Graph
from meshrep.graphs.operators import absolute_row_sums, components
from meshrep.graphs.ordering import Order


class Pairs(Couplings):
    """One coupling for each edge.

    Parameters
    ----------
    graph : Graph
    K : (m,) array
        Multiplies the edge weights.
    acting : (n, n) csr_array, optional
        The J of the flow where it is another one; row i lists what acts on i.
    directed : bool
        Whether that J has no potential.
    """

    matrix: sparse.csr_array
    acting: sparse.csr_array

    def __init__(
        self,
        graph: Graph,
        K: np.ndarray,
        acting: sparse.csr_array | None = None,
        directed: bool = False,
    ) -> None:
        self.K, self.matrix, self.directed = K, coupled(graph, K), directed
        self.acting = self.matrix if acting is None else acting

    @cached_property
    def reach(self) -> float:  # type: ignore[override]
        """The largest sum of |J_ij| over a row."""
        both = (self.matrix,) if self.acting is self.matrix else (self.matrix, self.acting)
        return max(float(absolute_row_sums(J).max()) for J in both)

    @cached_property
    def size(self) -> float:  # type: ignore[override]
        """The mean |J_ij| except zeros."""
        sizes = abs(self.matrix.data)
        return float(sizes[sizes > 0].mean()) if sizes.any() else 1.0

    @property
    def extent(self) -> tuple[float, float]:  # type: ignore[override]
        """The least and the largest J_ij of the flow."""
        J = self.acting.data if self.acting.nnz else np.zeros(1)
        return float(J.min()), float(J.max())

    @cached_property
    def component_of(self) -> np.ndarray:
        """Number of the component of each node, (n,)."""
        return components(self.matrix)

    def on(self, law: tuple[float, float, float], drive: Drive, backend: Backend) -> Evaluator:
        """By kernels of numba on the CPU or of Triton on a GPU where they are, else the formula."""
        if self._as_field is not None and law[1:] == (0.0, 0.0):
            return self._as_field.on(law, drive, backend)
        given = self.matrix, self.acting, law, drive
        gathers = partial(Gathers, *given) if gathers_on(backend, self.matrix) else None
        return by_kernels_or_formula(
            backend, partial(Kernels, *given), partial(Formula, *given), gathers
        )

    def formula(self, law: tuple[float, float, float], drive: Drive, backend: Backend) -> Evaluator:
        """The energy in the back end's own operations, whatever is installed."""
        if self._as_field is not None and law[1:] == (0.0, 0.0):
            return self._as_field.formula(law, drive, backend)
        return Formula(self.matrix, self.acting, law, drive, backend)

    @cached_property
    def _as_field(self) -> MeanField | None:
        """The mean field that a complete graph with equal couplings is."""
        n = self.matrix.shape[0]
        if n < limits.MEAN_FIELD_FROM:
            return None
        found = []
        for J in (self.matrix, self.acting):
            if J.nnz < n * (n - 1) or np.ptp(J.data) > 0:
                return None
            found.append(np.full((1, 1), J.data[0]))
        return MeanField(np.zeros(n, dtype=np.int64), found[0], found[1])

    def reordered(self, order: Order) -> Pairs:
        """The same couplings with nodes in another order."""
        acting = None if self.acting is self.matrix else order.matrix(self.acting)
        return Pairs(order.graph, order.edges(self.K), acting, self.directed)

    def same_as(self, other: Couplings) -> bool:
        """Whether the others have equal matrices."""
        return isinstance(other, Pairs) and all(
            a is b or (a.nnz == b.nnz and (a != b).nnz == 0)
            for a, b in ((self.matrix, other.matrix), (self.acting, other.acting))
        )
