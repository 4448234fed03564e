"""The energy of heat on arrays: by the back end's own operations, and by numba."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Array, Backend
from meshrep.base.rows import kernel_rows
from meshrep.energies.dirichlet_energy import ByDifferences, DirichletEnergy
from meshrep.energies.fixed import Fixed
from meshrep.energies.fused import Fused


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


class Kernels(Fused):
    """The energy in numba: see :mod:`meshrep.kernels.heat`."""

    def __init__(self, coupling: sparse.csr_array, baths: Baths, backend: Backend) -> None:
        from meshrep.kernels import heat

        n = coupling.shape[0]
        self.kernels = heat.PARALLEL if n >= limits.THREADS_FROM else heat.SERIAL
        self.rows = kernel_rows(coupling, backend.dtype, equal_once=True)
        order = np.argsort(baths.nodes)
        self.baths = (
            baths.nodes[order].astype(np.uint32), backend.asarray(baths.targets[order]),
            baths.strength, baths.power, np.sort(baths.fixed).astype(np.uint32),
        )  # fmt: skip
        self.gradient = backend.empty(n)

    @property
    def state(self) -> tuple[Any, ...]:
        """The rows and the baths."""
        return self.rows, self.baths

    def value_and_grad(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy and gradient (n,), which the next call overwrites."""
        value = self.kernels.value_and_grad(*self.state, w, self.gradient)
        return value, self.gradient

    def hvp(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian at w times v (n,)."""
        product = np.empty_like(w)
        self.kernels.hvp(*self.state, w, v, product)
        return product

    def flow(
        self, w: np.ndarray, dt: float, steps: int, inverse_mass: np.ndarray, driven: bool = False
    ) -> np.ndarray:
        """Take RK4 steps in place; return the energy before each, (steps,)."""
        energies = np.empty(steps)
        first, second, total = (np.empty_like(w) for _ in range(3))
        self.kernels.flow(*self.state, w, first, second, total, dt, steps, inverse_mass, energies)
        return energies
