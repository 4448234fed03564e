"""The Hessian of an energy at one field, among the coordinates that are free."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator
from meshrep.numerics.gauge import Gauge


class Curvature:
    """H at a field, as a matrix or as products with it.

    Fixed nodes are left out. Where constants cost no energy and no node is fixed, all is meant up
    to constants on each component: vectors are taken without their means.

    Parameters
    ----------
    energy : Energy
    field : (n,) or (n, d)

    Attributes
    ----------
    free : (f,) int64
        Numbers of the free entries of the flat field.
    size : int
        Dimension of what is left: f, less one for each component where constants are free.
    matrix : (f, f) csr_array or None
        None where the energy has no sparse Hessian.
    by : str
        Where H comes from, in words.
    gradient : (f,) float64
    """

    def __init__(self, energy: Energy, field: np.ndarray) -> None:
        self.energy, self.field = energy, energy.clamp(field)
        shape = energy.shape
        self.free = np.arange(int(np.prod(shape))).reshape(shape)[energy.free].ravel()
        f = len(self.free)
        constants = energy.shift_invariant and len(shape) == 1 and f == energy.graph.n
        self.gauge = Gauge(energy.graph.component_of if constants else None, f)
        self.size = len(self.gauge.kept)
        value, gradient = energy.judge.value_and_grad(self.field)
        self.value = float(value)
        self.gradient = self.gauge.project(np.array(gradient).reshape(-1)[self.free])
        self.matrix: sparse.csr_array | None = None
        if energy.has_hessian and len(shape) == 1:
            matrix = sparse.csr_array(energy.hessian(self.field))
            self.matrix = matrix if f == energy.graph.n else matrix[self.free][:, self.free]
            self.matrix.sort_indices()
            self.by = "the sparse Hessian"
        elif _has_products(energy.judge, self.field):
            self.by = "Hessian-vector products"
        else:
            self.by = "differences of gradients"

    @property
    def dense_spectrum(self) -> bool:
        """Whether the spectrum of H is that of a dense matrix."""
        return len(self.free) <= limits.DENSE_BY_COLUMNS_UP_TO

    @property
    def dense_products(self) -> bool:
        """Whether products of H with dense matrices may be taken."""
        return len(self.free) <= (
            limits.DENSE_BY_COLUMNS_UP_TO if self.matrix is None else limits.DENSE_UP_TO
        )

    def spread(self, v: np.ndarray) -> np.ndarray:
        """Values (f,) as a field, 0 at fixed nodes."""
        whole = np.zeros(int(np.prod(self.energy.shape)))
        whole[self.free] = v
        return whole.reshape(self.energy.shape)

    def product(self, v: np.ndarray) -> np.ndarray:
        """H v (f,), of the part of v without means where constants are free."""
        v = self.gauge.project(v)
        if self.matrix is not None:
            return self.gauge.project(self.matrix @ v)
        product = self.energy.hvp(self.field, self.spread(v))
        return self.gauge.project(np.array(product).reshape(-1)[self.free])

    @cached_property
    def top(self) -> float:
        """A bound of |λ|: the largest row sum of the matrix; 0 where there is no matrix."""
        return 0.0 if self.matrix is None else float(abs(self.matrix).sum(axis=1).max(initial=0.0))

    def times(self, columns: np.ndarray) -> np.ndarray:
        """H times columns (f, k)."""
        return (self.dense if self.matrix is None else self.matrix) @ columns

    @cached_property
    def dense(self) -> np.ndarray:
        """H (f, f) as an array, symmetric to the last digit."""
        if self.matrix is not None:
            matrix = self.matrix.toarray()
        else:
            matrix = np.array([self.product(unit) for unit in np.eye(len(self.free))])
        return 0.5 * (matrix + matrix.T)


def _has_products(evaluator: Any, w: np.ndarray) -> bool:
    """Whether an evaluator's products do without its gradient, seen as it makes one."""
    parts = getattr(evaluator, "terms", None)
    if parts:
        return all(_has_products(part, w) for _, part in parts)
    if type(evaluator).hvp is Evaluator.hvp:
        return False
    watched, asked = copy.copy(evaluator), []

    def value_and_grad(w: np.ndarray) -> Any:
        asked.append(1)
        return evaluator.value_and_grad(w)

    watched.value_and_grad = value_and_grad
    watched.hvp(w, np.ones_like(w))
    return not asked
