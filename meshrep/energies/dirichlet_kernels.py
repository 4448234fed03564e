"""The Dirichlet energy with what pulls and feeds its nodes, in numba."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Backend
from meshrep.base.rows import kernel_rows
from meshrep.energies.fused import Fused


@dataclass(frozen=True, eq=False)
class Pulls:
    """What acts on nodes beside their neighbours: Σ s |w − T|^p − Σ q (w − origin) + level.

    Attributes
    ----------
    nodes, targets : (k,) arrays
        Nodes that are pulled, and their T.
    strengths : (k,) or (1,) array
        s, one for all where there is one.
    power : float
        p.
    fixed : (j,) array
        Nodes that are held.
    load : (n,) or (0,) array
        q of each node; 0 everywhere where it is empty.
    origin, level : float
        Where the load's energy is 0, and a constant.
    """

    nodes: np.ndarray
    targets: np.ndarray
    strengths: np.ndarray
    power: float
    fixed: np.ndarray
    load: np.ndarray = field(default_factory=lambda: np.zeros(0))
    origin: float = 0.0
    level: float = 0.0


class DirichletKernels(Fused):
    """½ Σ_{i<j} a_ij (w_i − w_j)² and what pulls: see :mod:`meshrep.kernels.heat`."""

    def __init__(self, coupling: sparse.csr_array, pulls: Pulls, backend: Backend) -> None:
        from meshrep.kernels import heat

        n = coupling.shape[0]
        self.kernels = heat.PARALLEL if n >= limits.THREADS_FROM else heat.SERIAL
        self.rows = kernel_rows(coupling, backend.dtype, equal_once=True)
        order = np.argsort(pulls.nodes)
        strengths = pulls.strengths if len(pulls.strengths) == 1 else pulls.strengths[order]
        self.baths = (
            pulls.nodes[order].astype(np.uint32), backend.asarray(pulls.targets[order]),
            strengths, pulls.power, np.sort(pulls.fixed).astype(np.uint32),
            backend.asarray(pulls.load), pulls.origin, pulls.level,
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
