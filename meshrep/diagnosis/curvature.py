"""The Hessian of an energy at one field, restricted to the free coordinates."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator
from meshrep.minimisers.gap import gauge_of


class Curvature:
    """The Hessian H at a field, as a matrix or as products with vectors.

    Fixed nodes are left out. If a constant shift of the field costs no energy and no node is
    fixed, H is restricted to vectors with mean 0 on each component.

    Parameters
    ----------
    energy : Energy
    field : (n,) or (n, d)

    Attributes
    ----------
    free : (f,) int64
        Indices of the free entries in the flat field.
    size : int
        Dimension of the space: f, less one for each component if constants cost no energy.
    matrix : (f, f) csr_array or None
        H, or None if the energy has no sparse Hessian.
    by : str
        How H is computed, in words.
    gradient : (f,) float64
        The gradient at free coordinates.
    """

    def __init__(self, energy: Energy, field: np.ndarray) -> None:
        self.energy, self.field = energy, energy.clamp(field)
        shape = energy.shape
        self.free = energy.free_entries
        f = len(self.free)
        self.gauge = gauge_of(energy, f)
        self.size = len(self.gauge.kept)
        value, gradient = energy.judge.value_and_grad(self.field.copy())
        self.value = float(value)
        self.gradient = self.gauge.project(np.array(gradient).reshape(-1)[self.free])
        self.matrix: sparse.csr_array | None = None
        if energy.has_hessian and len(shape) == 1:
            matrix = sparse.csr_array(energy.hessian(self.field.copy()))
            self.matrix = matrix if f == energy.graph.n else matrix[self.free][:, self.free]
            self.matrix.sort_indices()
            self.by = "the sparse Hessian"
        elif _has_products(energy.judge, self.field):
            self.by = "Hessian-vector products"
        else:
            self.by = "differences of gradients"

    @property
    def dense_spectrum(self) -> bool:
        """Whether the spectrum of H is computed from a dense matrix."""
        return len(self.free) <= limits.DENSE_BY_COLUMNS_UP_TO

    @property
    def dense_products(self) -> bool:
        """Whether products of H with dense matrices are small enough to compute."""
        return len(self.free) <= (
            limits.DENSE_BY_COLUMNS_UP_TO if self.matrix is None else limits.DENSE_UP_TO
        )

    def spread(self, v: np.ndarray) -> np.ndarray:
        """Values (f,) as a field that is 0 at fixed nodes."""
        whole = np.zeros(int(np.prod(self.energy.shape)))
        whole[self.free] = v
        return whole.reshape(self.energy.shape)

    def product(self, v: np.ndarray) -> np.ndarray:
        """H v (f,). If constants cost no energy, the means are first subtracted from v."""
        v = self.gauge.project(v)
        if self.matrix is not None:
            return self.gauge.project(self.matrix @ v)
        product = self.energy.hvp(self.field, self.spread(v))
        return self.gauge.project(np.array(product).reshape(-1)[self.free])

    @cached_property
    def top(self) -> float:
        """A bound on |λ|: the largest row sum of the matrix, or 0 if there is no matrix."""
        return 0.0 if self.matrix is None else float(abs(self.matrix).sum(axis=1).max(initial=0.0))

    def times(self, columns: np.ndarray) -> np.ndarray:
        """H times columns (f, k)."""
        return (self.dense if self.matrix is None else self.matrix) @ columns

    @cached_property
    def dense(self) -> np.ndarray:
        """H as an exactly symmetric array (f, f)."""
        if self.matrix is not None:
            matrix = self.matrix.toarray()
        else:
            matrix = np.array([self.product(unit) for unit in np.eye(len(self.free))])
        return 0.5 * (matrix + matrix.T)


def _has_products(evaluator: Any, w: np.ndarray) -> bool:
    """Whether an evaluator computes Hessian-vector products without gradients; it tries one."""
    parts = getattr(evaluator, "terms", None)
    if parts:
        return all(_has_products(part, w) for _, part in parts)
    if type(evaluator).hvp is Evaluator.hvp:
        return False
    watched, calls = copy.copy(evaluator), []

    def value_and_grad(w: np.ndarray) -> Any:
        calls.append(1)
        return evaluator.value_and_grad(w)

    watched.value_and_grad = value_and_grad
    watched.hvp(w, np.ones_like(w))
    return not calls
