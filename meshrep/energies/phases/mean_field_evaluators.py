"""The energy of oscillators that act through the sums of their groups, on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Array, Backend
from meshrep.energies.fused import Fused
from meshrep.energies.phases.couplings import Drive
from meshrep.energies.phases.evaluators import Formula


class GroupSums:
    """J X of arrays X (n, k) in O(n k), where J_ij = B[g_i, g_j] for i ≠ j and J_ii = 0."""

    def __init__(self, groups: np.ndarray, B: np.ndarray, backend: Backend) -> None:
        n, b = len(groups), len(B)
        members = sparse.csr_array((np.ones(n), (groups, np.arange(n))), shape=(b, n))
        self.members = backend.sparse(members)
        self.groups, self.B = backend.index(groups), backend.asarray(B)
        self.own = backend.asarray(np.diag(B)[groups])[:, None]

    def __matmul__(self, X: Array) -> Array:
        return (self.B @ (self.members @ X))[self.groups] - self.own * X


class FieldFormula(Formula):
    """The energy as written, on NumPy arrays or torch tensors; β = γ = 0."""

    def __init__(
        self,
        groups: np.ndarray,
        B: np.ndarray,
        acting: np.ndarray,
        law: tuple[float, float, float],
        drive: Drive,
        backend: Backend,
    ) -> None:
        self.xp, self.backend = backend.xp, backend
        self.matrix = GroupSums(groups, B, backend)
        self.acting = self.matrix if acting is B else GroupSums(groups, acting, backend)
        self.law, self.single = law, True
        self.drift, self.torque = backend.asarray(drive.omega), drive.torque
        self.own = float(np.diag(B)[groups].sum())

    def value(self, w: Array) -> Any:
        """The energy of a tensor without its gradient, which torch can differentiate."""
        B, groups = self.matrix.B, self.matrix.groups
        power = 0.0
        for spin in (w.cos(), w.sin()):
            total = w.new_zeros(len(B)).index_add(0, groups, spin)
            power = power + total @ (B @ total)
        return self.law[0] * (power - self.own)


class FieldKernels(Fused):
    """The energy in numba: see :mod:`meshrep.kernels.mean_field`; β = γ = 0."""

    def __init__(
        self,
        groups: np.ndarray,
        B: np.ndarray,
        acting: np.ndarray,
        law: tuple[float, float, float],
        drive: Drive,
        backend: Backend,
    ) -> None:
        from meshrep.kernels import mean_field

        n = len(groups)
        self.kernels = mean_field.PARALLEL if n >= limits.THREADS_FROM else mean_field.SERIAL
        self.groups, self.B, self.acting = groups.astype(np.uint32), B, acting
        self.own, self.alpha = float(np.diag(B)[groups].sum()), law[0]
        self.z, self.gradient = backend.empty(2 * n), backend.empty(n)
        self._part = np.zeros((0, len(B), 2))
        self.drift, self.torque = backend.asarray(drive.omega), drive.torque

    @property
    def part(self) -> np.ndarray:
        """Work space for the sums of each block of rows."""
        blocks = -(-len(self.gradient) // self.kernels.block)
        if len(self._part) != blocks:
            self._part = np.zeros((blocks, len(self.B), 2))
        return self._part

    @property
    def state(self) -> tuple[Any, ...]:
        """The groups, B, Σ_i B_gg, α, and what the kernels keep of a field."""
        return self.groups, self.B, self.own, self.alpha, self.z, self.part

    def begin(self, w: np.ndarray) -> None:
        """Turn phases into cosines and sines, and add them up."""
        self.kernels.spin(w, self.z, self.groups, self.part)

    def value_and_grad(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy and gradient (n,)."""
        self.begin(w)
        nothing = np.empty(0, w.dtype)
        return self.kernels.value_and_grad(*self.state, nothing, self.gradient), self.gradient

    def velocity(self, w: np.ndarray) -> np.ndarray:
        """ω − ∇E + c C (n,)."""
        around = np.empty_like(w)
        self.begin(w)
        self.kernels.value_and_grad(
            self.groups, self.acting, *self.state[2:], around, self.gradient
        )
        return self.drift - self.gradient + self.torque * around

    def hvp(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian at w times v (n,)."""
        product = np.empty_like(w)
        self.begin(w)
        self.kernels.hvp(self.groups, self.B, self.alpha, self.z, self.part, v, product)
        return product

    def fields(self, z: np.ndarray, inverse_mass: np.ndarray, H: np.ndarray) -> None:
        """Write H (2n,) of the spins z (2n,): dφ/dt = ω + Im(H e^{−iφ})."""
        self.kernels.fields(
            self.groups, self.acting, self.part, -2 * self.alpha, self.torque, inverse_mass, z, H
        )

    def flow(
        self, w: np.ndarray, dt: float, steps: int, inverse_mass: np.ndarray, driven: bool = False
    ) -> np.ndarray:
        """Take RK4 steps in place; return the energy before each, (steps,)."""
        energies = np.empty(steps)
        new, total, around = (np.empty_like(w) for _ in range(3))
        self.begin(w)
        self.kernels.flow(
            self.groups, self.acting if driven else self.B, *self.state[2:], around, w, new, total,
            self.drift if driven else np.zeros_like(w), self.torque if driven else 0.0, dt, steps,
            inverse_mass, energies,
        )  # fmt: skip
        return energies
