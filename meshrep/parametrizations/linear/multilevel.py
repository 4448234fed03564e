"""The field as a sum over levels of a multigrid hierarchy: multilevel preconditioning as variables.

    w = w₀ + s Σ_l Π_l D_l^{-1/2} z_l,   Π_l = P_1 ⋯ P_l,   D_l = diag(Π_lᵀ H Π_l)

with H the Hessian at the start. Then J Jᵀ = s² Σ_l Π_l D_l^{-1} Π_lᵀ is the preconditioner of
Bramble, Pasciak and Xu, for the price of one pass down the hierarchy and one up. The condition
number of Jᵀ H J grows slowly with the mesh: 9, 20, 32 on lattices of 10², 20², 40² nodes with
quadratic baths at the ends, where that of H is 81, 285, 1107.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Array, Backend
from meshrep.base.rows import kernel_rows
from meshrep.energies.base import Energy
from meshrep.numerics.multigrid import prolongations
from meshrep.parametrizations.base import Map, Parametrization, whole
from meshrep.parametrizations.linear.base import Kept, LinearMap, Root, each_row
from meshrep.parametrizations.linear.matrices import curvature, mean_size, stiffness

Chain = list[tuple[sparse.csr_array, sparse.csr_array]]  # prolongations and their transposes

FLOOR = 1e-3  # least D_l over that of the stiffness, where the Hessian is nearly flat
FLAT = 1e-15  # below this share of a constant's curvature, D_l is rounding


class Multilevel(Parametrization):
    """Variables on every level of a hierarchy of aggregates.

    Parameters
    ----------
    coarsest : int
        The hierarchy ends at this number of nodes, at least 1.

    Raises
    ------
    InputError
        For a ``coarsest`` that is not whole or below 1.

    Notes
    -----
    s is the energy's unit times the root of the mean diagonal of H, so that a unit of z on the
    finest level moves a node by about a unit of the field, as Adam's step length expects it.

    The prolongations depend on the couplings alone and are kept for further builds on the same
    energy; D_l is taken anew from the Hessian at each start. Solvers of several stages make use
    of that, since the Hessian of soft baths fades by orders of magnitude on the way to the
    minimum.

    References
    ----------
    Bramble, Pasciak and Xu, "Parallel multilevel preconditioners" (1990).
    Vaněk, Mandel and Brezina, "Algebraic multigrid by smoothed aggregation" (1996).
    """

    name = "multilevel"

    def __init__(self, coarsest: int = 8) -> None:
        self.coarsest = whole(coarsest, 1, "the number of nodes of the coarsest level")
        self._chain, self._scales = Kept(), Kept()

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """Coarsen the couplings, and scale every level by the Hessian at the start."""
        anywhere = np.zeros(0)
        chain = self._chain.get(energy, anywhere, lambda: self._coarsened(energy))
        scales = self._scales.get(energy, start, lambda: level_scales(energy, start, chain))
        return LinearMap(energy, start, backend, _Levels(chain, scales, backend))

    def _coarsened(self, energy: Energy) -> Chain:
        made = prolongations(stiffness(energy), self.coarsest)
        return [(P, sparse.csr_array(P.T)) for P in made]


def level_scales(energy: Energy, start: np.ndarray, chain: Chain) -> list[np.ndarray]:
    """s D_l^{-1/2} of every level, the finest first; 0 where the curvature of Π_l is rounding.

    D_l is that of the Hessian, but at least ``FLOOR`` times that of the stiffness.
    """
    matrix, floor = curvature(energy, start), stiffness(energy)
    weight = np.maximum(matrix.diagonal(), floor.diagonal())
    mean = mean_size(weight)
    scales = []
    for level in range(len(chain) + 1):
        if level:
            P, R = chain[level - 1]
            matrix, floor = (sparse.csr_array(R @ (part @ P)) for part in (matrix, floor))
            weight = R @ weight
        diagonal = np.maximum(matrix.diagonal(), FLOOR * floor.diagonal())
        curved = diagonal > FLAT * weight
        root = np.sqrt(np.where(curved, diagonal / mean, 1.0))
        scales.append(np.where(curved, energy.unit / root, 0.0))
    return scales


class _Levels(Root):
    """Σ_l Π_l diag(scale_l) z_l, level by level."""

    def __init__(self, chain: Chain, scales: list[np.ndarray], backend: Backend) -> None:
        self.sizes = [len(scale) for scale in scales]
        self.begins = np.concatenate([[0], np.cumsum(self.sizes)]).tolist()
        self.size = self.begins[-1]
        self.scales = [backend.asarray(scale) for scale in scales]
        self.by_column = backend.name == "numba"
        if not self.by_column:
            self.up: list[Any] = [backend.sparse(P) for P, _ in chain]
            self.down: list[Any] = [backend.sparse(R) for _, R in chain]
            return
        from meshrep.kernels import products

        self.up = [kernel_rows(P, backend.dtype) for P, _ in chain]
        self.down = [kernel_rows(R, backend.dtype) for _, R in chain]
        pair = products.SERIAL, products.PARALLEL
        self.kernels = [pair[size >= limits.THREADS_FROM] for size in self.sizes]
        self.fine = [backend.zeros(size) for size in self.sizes]

    def apply(self, theta: Array) -> Array:
        parts = [theta[a:b] for a, b in pairwise(self.begins)]
        y = each_row(self.scales[-1], theta) * parts[-1]
        for level in reversed(range(len(self.up))):
            if self.by_column:
                self.kernels[level].prolong(
                    *self.up[level], y, self.scales[level], parts[level], self.fine[level]
                )
                y = self.fine[level]
            else:
                y = self.up[level].dot(y) + each_row(self.scales[level], theta) * parts[level]
        return y

    def adjoint(self, gradient: Array, out: Array) -> None:
        g = gradient
        parts = [out[a:b] for a, b in pairwise(self.begins)]
        parts[0][:] = each_row(self.scales[0], g) * g
        for level, restriction in enumerate(self.down, 1):
            if self.by_column:
                coarse = self.fine[level]
                self.kernels[level].restrict(
                    *restriction, g, self.scales[level], coarse, parts[level]
                )
                g = coarse
            else:
                g = restriction.dot(g)
                parts[level][:] = each_row(self.scales[level], g) * g
