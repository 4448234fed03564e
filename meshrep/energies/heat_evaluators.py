"""The energy of heat on arrays: by the back end's own operations, numba and Triton."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend
from meshrep.energies.dirichlet_energy import ByDifferences, DirichletEnergy
from meshrep.energies.dirichlet_gathers import DirichletGathers
from meshrep.energies.dirichlet_kernels import DirichletKernels, Pulls
from meshrep.energies.fixed import Fixed


@dataclass(frozen=True, eq=False)
class Baths:
    """What holds or pulls temperatures beside their neighbours.

    Attributes
    ----------
    nodes, targets : (k,) arrays
        Nodes that are pulled by λ |w − T|^p, and their T.
    strength, power : float
        λ and p.
    fixed, fixed_values : (j,) arrays
        Nodes that are held, and their temperatures.
    """

    nodes: np.ndarray
    targets: np.ndarray
    strength: float
    power: float
    fixed: np.ndarray
    fixed_values: np.ndarray

    @property
    def pulls(self) -> Pulls:
        """The same as kernels read it."""
        strength = np.array([self.strength])
        return Pulls(self.nodes, self.targets, strength, self.power, self.fixed)


class Formula(DirichletEnergy):
    """The energy as written, on NumPy arrays or torch tensors."""

    def __init__(self, coupling: sparse.csr_array, baths: Baths, backend: Backend) -> None:
        super().__init__(coupling, backend)
        self.nodes = backend.index(baths.nodes)
        self.targets = backend.asarray(baths.targets)
        self.strength, self.power = baths.strength, baths.power
        self.fixed = Fixed(baths.fixed, baths.fixed_values, backend)

    def value(self, w: Array) -> Any:
        """The energy without its gradient, which torch can differentiate."""
        off = self.backend.xp.take(w, self.nodes) - self.targets
        return self._by_edges(w) + self.strength * (abs(off) ** self.power).sum()

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        """Energy and gradient (n,)."""
        value, gradient = self._conducted(w)
        d = w[self.nodes] - self.targets
        below = d * abs(d) ** (self.power - 2) if self.power != 2 else d
        value = value + self.strength * (below * d).sum()
        gradient[self.nodes] += self.power * self.strength * below
        self.fixed.clear(gradient)
        return value, gradient

    def hvp(self, w: Array, v: Array) -> Array:
        """The Hessian at w times v (n,)."""
        p = self.power
        product = self._flow(v)
        d = abs(w[self.nodes] - self.targets) ** (p - 2)
        product[self.nodes] += p * (p - 1) * self.strength * d * v[self.nodes]
        self.fixed.clear(product)
        return product


class Differences(ByDifferences, Formula):
    """The energy on NumPy arrays, for the judge."""


class Kernels(DirichletKernels):
    """The energy in numba: see :mod:`meshrep.kernels.heat`."""

    def __init__(self, coupling: sparse.csr_array, baths: Baths, backend: Backend) -> None:
        super().__init__(coupling, baths.pulls, backend)


class Gathers(DirichletGathers, Formula):
    """The energy on a GPU by Triton."""

    def __init__(self, coupling: sparse.csr_array, baths: Baths, backend: Backend) -> None:
        super().__init__(coupling, baths, backend)
        self.gather(coupling, baths.pulls, backend)
