"""The energy of oscillators on arrays: by the back end's own operations, numba and Triton."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Array, Backend
from meshrep.base.rows import kernel_rows
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.fused import Fused, edges_on
from meshrep.energies.gathers import Rows
from meshrep.energies.phases.couplings import Drive


class Formula(Evaluator):
    """The energy as written, on NumPy arrays or torch tensors."""

    maps = True

    def __init__(
        self,
        coupling: sparse.csr_array,
        acting: sparse.csr_array,
        law: tuple[float, float, float],
        drive: Drive,
        backend: Backend,
    ) -> None:
        self.xp, self.backend, self.coupling = backend.xp, backend, coupling
        self.matrix = backend.sparse(coupling)
        self.acting = self.matrix if acting is coupling else backend.sparse(acting)
        self.law, self.single = law, law[1:] == (0.0, 0.0)
        self.drift, self.torque = backend.asarray(drive.omega), drive.torque

    @cached_property
    def edges(self) -> tuple[Array, Array, Array]:
        """Both ends and the coupling of every edge."""
        return edges_on(self.backend, self.coupling)

    def value(self, w: Array) -> Any:
        """The energy of a tensor without its gradient, by edges, which torch can differentiate."""
        (i, j, a), (alpha, beta, gamma) = self.edges, self.law
        across = w.index_select(0, j) - w.index_select(0, i)
        along = a * across.cos()
        if self.single:
            return 2 * alpha * along.sum()
        turned = a * across.sin()
        C = w.new_zeros(len(w)).index_add(0, i, along).index_add(0, j, along)
        S = w.new_zeros(len(w)).index_add(0, i, turned).index_add(0, j, -turned)
        return (alpha * C + beta * C * C + gamma * S * S).sum()

    def _gather(self, x: Array, y: Array, matrix: Any = None) -> tuple[Array, Array]:
        both = (self.matrix if matrix is None else matrix) @ self.xp.stack([x, y], 1)
        return both[:, 0], both[:, 1]

    def _evaluate(self, w: Array, matrix: Any = None) -> tuple[Any, Array, Array]:
        """Energy, gradient and C."""
        alpha, beta, gamma = self.law
        c, s = self.xp.cos(w), self.xp.sin(w)
        along, across = self._gather(c, s, matrix)
        C, S = c * along + s * across, c * across - s * along
        value = (alpha * C + beta * C * C + gamma * S * S).sum()
        if self.single:
            return value, 2 * alpha * S, C
        u, v = alpha + 2 * beta * C, 2 * gamma * S
        x, y = self._gather(v * c + u * s, v * s - u * c)
        return value, u * S - v * C + c * x + s * y, C

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        """Energy and gradient (n,)."""
        return self._evaluate(w)[:2]

    def velocity(self, w: Array) -> Array:
        """ω − ∇E + c C (n,)."""
        _, gradient, C = self._evaluate(w, self.acting)
        return self.drift - gradient + self.torque * C

    def fields(self, z: np.ndarray, inverse_mass: np.ndarray, H: np.ndarray) -> None:
        """Write H (2n,) of the spins z (2n,) where β = γ = 0: dφ/dt = ω + Im(H e^{−iφ})."""
        along, across = self._gather(z[::2], z[1::2], self.acting)
        strength = -2 * self.law[0]
        H[::2] = (strength * along - self.torque * across) * inverse_mass
        H[1::2] = (strength * across + self.torque * along) * inverse_mass

    def hvp(self, w: Array, v: Array) -> Array:
        """The gradient's formula differentiated along v."""
        alpha, beta, gamma = self.law
        c, s = self.xp.cos(w), self.xp.sin(w)
        along, across = self._gather(c, s)
        C, S = c * along + s * across, c * across - s * along
        turned, drawn = self._gather(-s * v, c * v)  # how Σ a cos and Σ a sin change
        dC = c * turned + s * drawn + v * S
        dS = c * drawn - s * turned - v * C
        if self.single:
            return 2 * alpha * dS
        p, q = alpha + 2 * beta * C, 2 * gamma * S
        dp, dq = 2 * beta * dC, 2 * gamma * dS
        x, y = q * c + p * s, q * s - p * c
        X, Y = self._gather(x, y)
        dX, dY = self._gather(dq * c + dp * s - v * y, dq * s - dp * c + v * x)
        own = dp * S + p * dS - dq * C - q * dC
        return own + v * (c * Y - s * X) + c * dX + s * dY


class Gathers(Formula):
    """The energy on a GPU by Triton: see :mod:`meshrep.kernels.triton.oscillators`."""

    maps = False

    def __init__(
        self,
        coupling: sparse.csr_array,
        acting: sparse.csr_array,
        law: tuple[float, float, float],
        drive: Drive,
        backend: Backend,
    ) -> None:
        super().__init__(coupling, acting, law, drive, backend)
        from meshrep.kernels.triton import oscillators

        n = coupling.shape[0]
        self.kernels, self.rows = oscillators, Rows(coupling, backend)
        self.numbers, self.z = backend.asarray(law), backend.empty(2 * n)
        self.y = None if self.single else backend.empty(2 * n)  # between two passes
        self.own = None if self.single else backend.empty(n)

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        """Energy, in float64, and gradient (n,), which the next call overwrites."""
        rows, kernels, z = self.rows, self.kernels, self.z
        rows.run_by_nodes(kernels.turn, w.contiguous(), z)
        between = self.y, self.own, rows.gradient
        rows.run(kernels.first_pass, z, self.numbers, *between, rows.energies, SINGLE=self.single)
        if not self.single:
            rows.run(kernels.second_pass, z, *between)
        return rows.energies.sum(), rows.gradient


class Kernels(Fused):
    """The energy in numba: see :mod:`meshrep.kernels.oscillators`."""

    def __init__(
        self,
        coupling: sparse.csr_array,
        acting: sparse.csr_array,
        law: tuple[float, float, float],
        drive: Drive,
        backend: Backend,
    ) -> None:
        from meshrep.kernels import oscillators

        n = coupling.shape[0]
        self.kernels = oscillators.PARALLEL if n >= limits.THREADS_FROM else oscillators.SERIAL
        self.rows = kernel_rows(coupling, backend.dtype, equal_once=True)
        same = acting is coupling
        self.acting = self.rows if same else kernel_rows(acting, backend.dtype, equal_once=True)
        self.law = law
        self.z, self.y = backend.empty(2 * n), backend.empty(2 * n)  # cos φ and sin φ; work space
        self.own = backend.empty(0 if law[1:] == (0.0, 0.0) else n)
        self.gradient = backend.empty(n)
        self.drift, self.torque = backend.asarray(drive.omega), drive.torque

    @property
    def state(self) -> tuple[Any, ...]:
        """The rows, (α, β, γ), and what the kernels keep of a field."""
        return self.rows, self.law, self.z, self.y, self.own

    def begin(self, w: np.ndarray) -> None:
        """Turn phases into cosines and sines."""
        self.kernels.turn(w, self.z)

    def value_and_grad(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy and gradient (n,)."""
        self.begin(w)
        nothing = np.empty(0, w.dtype)
        return self.kernels.value_and_grad(*self.state, nothing, self.gradient), self.gradient

    def velocity(self, w: np.ndarray) -> np.ndarray:
        """ω − ∇E + c C (n,)."""
        around = np.empty_like(w)
        self.begin(w)
        self.kernels.value_and_grad(self.acting, *self.state[1:], around, self.gradient)
        return self.drift - self.gradient + self.torque * around

    def fields(self, z: np.ndarray, inverse_mass: np.ndarray, H: np.ndarray) -> None:
        """Write H (2n,) of the spins z (2n,) where β = γ = 0: dφ/dt = ω + Im(H e^{−iφ})."""
        self.kernels.fields(self.acting, -2 * self.law[0], self.torque, inverse_mass, z, H)

    def hvp(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian at w times v (n,)."""
        product, dy = np.empty_like(w), np.empty(2 * len(self.own), w.dtype)
        self.begin(w)
        self.kernels.hvp(self.rows, self.law, self.z, self.y, dy, self.own, v, product)
        return product

    def flow(
        self, w: np.ndarray, dt: float, steps: int, inverse_mass: np.ndarray, driven: bool = False
    ) -> np.ndarray:
        """Take RK4 steps in place; return the energy before each, (steps,)."""
        energies = np.empty(steps)
        new, total, around = (np.empty_like(w) for _ in range(3))
        drift = self.drift if driven else np.zeros_like(w)
        rows = self.acting if driven else self.rows
        self.begin(w)
        self.kernels.flow(
            rows, *self.state[1:], around, w, new, total, drift, self.torque if driven else 0.0, dt,
            steps, inverse_mass, energies,
        )  # fmt: skip
        return energies
