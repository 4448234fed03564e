"""The Dirichlet energy with what pulls and feeds its nodes, on a GPU by Triton."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend
from meshrep.energies.dirichlet_energy import DirichletEnergy
from meshrep.energies.dirichlet_kernels import Pulls
from meshrep.energies.gathers import Rows


class DirichletGathers(DirichletEnergy):
    """Value and gradient in one pass over the rows: see :mod:`meshrep.kernels.triton.heat`.

    A subclass has the formula as well, for products with the Hessian, and calls :meth:`gather`.
    """

    maps = False

    def gather(self, coupling: sparse.csr_array, pulls: Pulls, backend: Backend) -> None:
        """Lay out what the kernel reads."""
        from meshrep.kernels.triton import heat

        self.kernel, self.rows = heat.value_and_grad, Rows(coupling, backend)
        n = coupling.shape[0]
        kinds, targets, strengths = np.zeros(n, dtype=np.int8), np.zeros(n), np.zeros(n)
        kinds[pulls.nodes] |= heat.PULLED.value
        kinds[pulls.fixed] |= heat.FIXED.value
        targets[pulls.nodes], strengths[pulls.nodes] = pulls.targets, pulls.strengths
        self.baths: tuple[Array | None, ...] = (None, None, None)
        if kinds.any():
            there = backend.xp.from_numpy(kinds).to(backend.device)
            self.baths = there, backend.asarray(targets), backend.asarray(strengths)
        self.numbers = backend.asarray([pulls.power, pulls.origin])
        self.load = backend.asarray(pulls.load) if len(pulls.load) else None
        self.power = pulls.power
        self.level = pulls.level

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        """Energy, in float64, and gradient (n,), which the next call overwrites."""
        rows, power = self.rows, int(self.power) if self.power in (2.0, 4.0) else 0
        rows.run(
            self.kernel, w.contiguous(), *self.baths, self.numbers, self.load, rows.gradient,
            rows.energies, POWER=power,
        )  # fmt: skip
        return rows.energies.sum() + self.level, rows.gradient
