"""Phases as unit vectors in R^h, and sweeps over them by numba or by sparse products."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Array
from meshrep.base.rows import kernel_rows
from meshrep.energies.phase_law import PhaseLaw
from meshrep.numerics.colouring import colours


def lifted(phases: np.ndarray, h: int, replicas: int, spread: float, seed: int) -> np.ndarray:
    """Unit vectors (n, h, R) with the phases as angles and with random extra components."""
    n = len(phases)
    x = np.empty((n, h, replicas))
    x[:, 0], x[:, 1] = np.cos(phases)[:, None], np.sin(phases)[:, None]
    x[:, 2:] = spread * np.random.default_rng([seed, h]).standard_normal((n, h - 2, replicas))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


class Vectors:
    """Unit vectors of all nodes, sorted by colour; subclasses sweep over them.

    ``single`` means β = γ = 0: a node acts only on its neighbours, through −2αJ. Otherwise it also
    acts on the neighbours of its neighbours. Fixed nodes and nodes without neighbours come last.
    They keep their phases and have no extra components.
    """

    def __init__(
        self, law: PhaseLaw, fixed: np.ndarray, backend: Any, start: np.ndarray, dtype: str
    ) -> None:
        self.fields = backend
        self.backend = backend = replace(backend, dtype=dtype)
        self.single = law.pairwise
        n, self.h, self.replicas = start.shape
        coupling = law.coupling.copy()
        coupling.eliminate_zeros()  # a node whose edges all have weight 0 has no neighbours
        colour = colours(coupling, 1 if self.single else 2)
        still = np.diff(coupling.indptr) == 0
        still[fixed] = True
        colour[still] = n
        self.order = np.argsort(colour, kind="stable")
        self.bounds = np.concatenate([[0], np.cumsum(np.bincount(colour[~still]))])
        self.still = self.fields.index(np.flatnonzero(still))
        self.still_phases = self.fields.asarray(np.arctan2(start[still, 1, 0], start[still, 0, 0]))
        factor = -2.0 * law.alpha if self.single else 1.0
        self.law = (-0.5, 0.0, 0.0) if self.single else law.coefficients  # for matrix entries −2αJ
        self.matrix = sparse.csr_array(factor * coupling[self.order][:, self.order])
        self.whole = backend.sparse(self.matrix)
        self.squares = backend.asarray((self.matrix * self.matrix).sum(axis=1))
        self.x = backend.asarray(start[self.order].reshape(n, -1))
        self.noise = self._wide(self.x)[:, 2:] * 1
        self._flatten(self._wide(self.x))
        self.places = self.fields.index(np.argsort(self.order))

    def sweep(self, shrink: np.ndarray, over: np.ndarray) -> None:
        """Sweep once for each pair of a factor s and an over-relaxation ω."""
        raise NotImplementedError

    def plane(self) -> Array:
        """The unit vectors (n, 2, R) in the plane, sorted by colour."""
        x = self._wide(self.x)[:, :2]
        return x / self._length(x)

    def raise_up(self, plane: Array, kick: float, shift: int) -> None:
        """Lift vectors from the plane again, with random extra components of size ``kick``.

        The random numbers are those of the first lift, moved on by ``shift`` nodes.
        """
        xp = self.backend.xp
        noise = xp.roll(self.noise, shift, 0)
        x = xp.concatenate([plane, kick * noise / (noise * noise).mean() ** 0.5], 1)
        self._flatten(x)
        self.x = (x / self._length(x)).reshape(len(x), -1)

    def energies(self, plane: Array) -> np.ndarray:
        """E (R,) of vectors in the plane, summed in float64."""
        alpha, beta, gamma = self.law
        z = (self.whole @ plane.reshape(len(plane), -1)).reshape(plane.shape)
        inner = (plane * z).sum(1)
        each = (alpha + (beta - gamma) * inner) * inner + gamma * (z * z).sum(1)
        return np.array(each.sum(0, dtype=self.backend.xp.float64).tolist())

    def phases(self, replica: int) -> Array:
        """The angles (n,) in the plane, in the graph's order; still nodes keep their phases."""
        x = self._wide(self.x)
        phases = self.fields.empty(len(x))
        phases[:] = self.fields.xp.arctan2(x[:, 1, replica], x[:, 0, replica])[self.places]
        phases[self.still] = self.still_phases
        return phases

    def _flatten(self, x: Array) -> None:
        """Set the extra components of still nodes in (n, h, R) to 0."""
        still = x[int(self.bounds[-1]) :]
        still[:, 2:] = 0.0
        still[:, :2] /= self._length(still)

    def _wide(self, x: Array) -> Array:
        return x.reshape(len(x), self.h, self.replicas)

    def _length(self, x: Array) -> Array:
        return ((x * x).sum(1)[:, None] + 1e-30) ** 0.5


class Jitted(Vectors):
    """Vectors swept by the kernels of :mod:`meshrep.kernels.lift`."""

    def __init__(self, *given: Any) -> None:
        from meshrep.kernels.lift import compiled

        super().__init__(*given)
        self.rows = kernel_rows(self.whole)
        self.kernels = compiled(self.h, self.replicas == 1, len(self.x) >= limits.LIFT_THREADS_FROM)

    def sweep(self, shrink: np.ndarray, over: np.ndarray) -> None:
        """Sweep in one call of a kernel."""
        x = self.x.reshape(-1)
        if self.single:
            self.kernels.pull(self.rows, self.bounds, x, self.replicas, shrink, over)
            return
        z = (self.whole @ self.x).reshape(-1)
        self.kernels.descend(
            self.rows, self.bounds, self.law, self.squares, x, z, self.replicas, shrink, over
        )


class Arrays(Vectors):
    """Vectors swept by sparse products, on NumPy arrays or on torch tensors of any device."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.parts = [slice(a, b) for a, b in zip(self.bounds, self.bounds[1:], strict=False)]
        self.rows = [self.backend.sparse(self.matrix[part]) for part in self.parts]
        if not self.single:
            columns = [sparse.csr_array(self.matrix[:, part]) for part in self.parts]
            self.columns = [self.backend.sparse(part) for part in columns]

    def sweep(self, shrink: np.ndarray, over: np.ndarray) -> None:
        """Sweep colour by colour."""
        z = None if self.single else self.whole @ self.x
        fade = self.backend.zeros(self.x.shape[1]) + 1
        for s, ahead in zip(shrink.tolist(), over.tolist(), strict=True):
            fade[2 * self.replicas :] = s
            for number, part in enumerate(self.parts):
                if self.single:
                    p = fade * (self.rows[number] @ self.x)
                else:
                    p = self._shift(z, part) * self._wide(self.x[part])
                    p = p.reshape(-1, self.x.shape[1]) - self.slope(fade, z, number)
                p = self._wide(p)
                old = self._wide(self.x[part])
                new = (1.0 - ahead) * old + ahead * p / self._length(p)
                new = (new / self._length(new)).reshape(len(p), -1)
                if z is not None:
                    z += self.columns[number] @ (new - self.x[part])
                self.x[part] = new

    def slope(self, fade: Array, z: Array, number: int) -> Array:
        """∂E/∂x at a colour's nodes: D (u z + Σ_j J_ij (u_j x_j + 2γ z_j)) with z = J x.

        D is the diagonal matrix of ``fade`` and u = α + 2 (β − γ) x·D z.
        """
        alpha, beta, gamma = self.law
        u = alpha + 2 * (beta - gamma) * self._wide(fade * self.x * z).sum(1)
        u = self.backend.xp.concatenate([u] * self.h, 1)
        part = self.parts[number]
        around = self.rows[number] @ (u * self.x + 2 * gamma * z)
        return fade * (u[part] * z[part] + around)

    def _shift(self, z: Array, part: slice) -> Array:
        """The shift λ (k, 1, R) at a colour's nodes; with it x ∝ λx − ∂E/∂x lowers E."""
        _, beta, gamma = self.law
        squares = self.squares[part, None]
        convex = (self._wide(z[part]) ** 2).sum(1) + squares
        return (2 * gamma * squares + 2 * max(beta - gamma, 0.0) * convex)[:, None]
