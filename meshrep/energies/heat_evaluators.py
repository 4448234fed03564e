"""The energy of heat on arrays: by the back end's own operations, and by numba."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Array, Backend
from meshrep.base.rows import kernel_rows
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.fixed import Fixed
from meshrep.energies.fused import Fused, edges_on


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


class Formula(Evaluator):
    """The energy as written, on NumPy arrays or torch tensors."""

    def __init__(self, coupling: sparse.csr_array, baths: Baths, backend: Backend) -> None:
        self.diagonal = backend.asarray(np.asarray(coupling.sum(axis=1)).ravel())
        self.coupling = backend.sparse(coupling)
        self.nodes = backend.index(baths.nodes)
        self.targets = backend.asarray(baths.targets)
        self.strength, self.power = baths.strength, baths.power
        self.fixed = Fixed(baths.fixed, baths.fixed_values, backend)
        self.conductances, self.backend = coupling, backend

    @cached_property
    def edges(self) -> tuple[Array, Array, Array]:
        """Both ends and the conductance of every edge."""
        return edges_on(self.backend, self.conductances)

    def _flow(self, w: Array) -> Array:
        """L w."""
        return self.diagonal * w - self.coupling @ w

    def _conducted(self, w: Array) -> tuple[Any, Array]:
        """½ wᵀLw and L w."""
        flow = self._flow(w)
        return 0.5 * (w * flow).sum(), flow

    def value(self, w: Array) -> Any:
        """The energy without its gradient, which torch can differentiate.

        It is computed by edges: the derivative of a product with a CSR tensor would transpose the
        matrix every time.
        """
        i, j, a = self.edges
        take = self.backend.xp.take  # whose derivative is faster than that of w[i]
        across, off = take(w, i) - take(w, j), take(w, self.nodes) - self.targets
        bath = (abs(off) ** self.power).sum()
        return 0.5 * (a * across * across).sum() + self.strength * bath

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


class Differences(Formula):
    """The energy on NumPy arrays by differences over edges, which rounds less than L w.

    L w rounds each product of a weight and a temperature. Beside a weight of 1e12 that hides a
    flow of 1e-4. Differences take about five times as long.
    """

    def _conducted(self, w: np.ndarray) -> tuple[Any, np.ndarray]:
        i, j, a = self.edges
        across = w[i] - w[j]
        flow = a * across
        n = len(w)
        out = 0.0 + np.bincount(i, flow, n)  # a float, also without edges
        return 0.5 * (across @ flow), out - np.bincount(j, flow, n)


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
