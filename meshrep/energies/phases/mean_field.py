"""Oscillators that all act on each other, alike within groups: couplings without their n² edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from meshrep.base import limits
from meshrep.base.backends import Backend
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.fused import by_kernels_or_formula
from meshrep.energies.phases.couplings import Couplings, Drive
from meshrep.energies.phases.mean_field_evaluators import FieldFormula, FieldKernels
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.graphs.ordering import Order
from meshrep.sources.values import by_name

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Blocks:
    """Groups of oscillators in which each acts on each other one, for ``Kuramoto(coupling=…)``.

    Parameters
    ----------
    groups : (n,) whole numbers, or a mapping
        The group g_i of each node, from 0; in the order of the nodes, or by their labels.
    strengths : (b, b) array
        ``strengths[g, h]`` is the strength with which the nodes of group h act on those of g.

    Examples
    --------
    Two populations that act on themselves more than on each other:

    >>> blocks = Blocks([0, 0, 0, 1, 1, 1], [[0.6, 0.4], [0.4, 0.6]])
    """

    groups: ArrayLike | Mapping[Any, int]
    strengths: ArrayLike

    def arrays(self, graph: Graph) -> tuple[np.ndarray, np.ndarray]:
        """Groups (n,) and strengths (b, b), checked.

        Raises
        ------
        InputError
            Where there is not one group a node, or not one strength for each two groups.
        """
        n, groups = graph.n, by_name(graph, self.groups, "the group")
        if isinstance(self.groups, Mapping) and (groups == np.floor(groups)).all():
            groups = groups.astype(np.int64)
        try:
            groups = np.asarray(groups)
        except ValueError:
            groups = np.empty(0)
        if groups.shape != (n,) or groups.dtype.kind not in "iub":
            raise InputError(
                f"the groups of blocks must be {n} whole numbers, one a node, not of shape "
                f"{groups.shape} and type {groups.dtype}"
            )
        try:
            strengths = np.asarray(self.strengths, dtype=np.float64)
        except (TypeError, ValueError):
            strengths = np.empty(0)
        b = strengths.shape[0] if strengths.ndim else 0
        if strengths.shape != (b, b) or not b or not np.isfinite(strengths).all():
            raise InputError("the strengths of blocks must be a square table of finite numbers")
        groups = groups.astype(np.int64)
        if groups.min() < 0 or groups.max() >= b:
            raise InputError(f"a group of blocks is outside 0 … {b - 1}, which have strengths")
        return groups, strengths


class MeanField(Couplings):
    """J_ij = B[g_i, g_j] for i ≠ j, and 0 for i = j.

    Parameters
    ----------
    groups : (n,) int64
        The group g_i of each node.
    B : (b, b) float64
        That of the energy, symmetric.
    acting : (b, b) float64, optional
        That of the flow, where it is another one.
    directed : bool
        Whether that J has no potential.
    """

    def __init__(
        self,
        groups: np.ndarray,
        B: np.ndarray,
        acting: np.ndarray | None = None,
        directed: bool = False,
    ) -> None:
        self.groups, self.B, self.directed = groups, B, directed
        self.acting_B = B if acting is None or np.array_equal(acting, B) else acting

    @cached_property
    def matrix(self) -> sparse.csr_array | None:  # type: ignore[override]
        """J of the energy, where there are few nodes."""
        return self._explicit(self.B)

    @cached_property
    def acting(self) -> sparse.csr_array | None:  # type: ignore[override]
        """J of the flow, where there are few nodes."""
        return self.matrix if self.acting_B is self.B else self._explicit(self.acting_B)

    def _explicit(self, B: np.ndarray) -> sparse.csr_array | None:
        if len(self.groups) > limits.ALL_PAIRS_UP_TO:
            return None
        J = B[self.groups][:, self.groups]
        np.fill_diagonal(J, 0.0)
        return sparse.csr_array(J)

    @cached_property
    def _counts(self) -> np.ndarray:
        """How many ordered pairs i ≠ j there are from each group to each, (b, b)."""
        sizes = np.bincount(self.groups, minlength=len(self.B)).astype(np.float64)
        return np.outer(sizes, sizes) - np.diag(sizes)

    @cached_property
    def reach(self) -> float:  # type: ignore[override]
        """The largest sum of |J_ij| over a row."""
        sizes = np.bincount(self.groups, minlength=len(self.B))
        others = sizes - np.eye(len(sizes))
        return max(
            float((abs(B) * others).sum(axis=1)[sizes > 0].max()) for B in (self.B, self.acting_B)
        )

    @cached_property
    def size(self) -> float:  # type: ignore[override]
        """The mean |J_ij| except zeros."""
        pairs = self._counts * (self.B != 0)
        return float((pairs * abs(self.B)).sum() / pairs.sum()) if pairs.any() else 1.0

    @property
    def extent(self) -> tuple[float, float]:  # type: ignore[override]
        """The least and the largest J_ij of the flow."""
        found = self.acting_B[self._counts > 0] if self._counts.any() else np.zeros(1)
        return float(found.min()), float(found.max())

    @cached_property
    def component_of(self) -> np.ndarray:
        """Number of the component of each node, (n,)."""
        label = connected_components(sparse.csr_array(self.B != 0), directed=False)[1]
        apart = ~(self.B != 0).any(axis=1)  # groups whose nodes nothing acts on
        found = label[self.groups]
        alone = apart[self.groups]
        found[alone] = len(self.B) + np.arange(int(alone.sum()))
        return np.unique(found, return_inverse=True)[1]

    def on(self, law: tuple[float, float, float], drive: Drive, backend: Backend) -> Evaluator:
        """Numba kernels on the CPU where numba is installed, else the formula."""
        given = self.groups, self.B, self.acting_B, law, drive
        return by_kernels_or_formula(
            backend, partial(FieldKernels, *given), partial(FieldFormula, *given)
        )

    def formula(self, law: tuple[float, float, float], drive: Drive, backend: Backend) -> Evaluator:
        """The energy in the back end's own operations, whatever is installed."""
        return FieldFormula(self.groups, self.B, self.acting_B, law, drive, backend)

    def reordered(self, order: Order) -> MeanField:
        """The same couplings with nodes in another order."""
        return MeanField(order.moved(self.groups), self.B, self.acting_B, self.directed)

    def same_as(self, other: Couplings) -> bool:
        """Whether the others have the same groups and strengths."""
        return isinstance(other, MeanField) and all(
            np.array_equal(a, b)
            for a, b in (
                (self.groups, other.groups), (self.B, other.B), (self.acting_B, other.acting_B)
            )
        )  # fmt: skip
