"""The energy of conduction on arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend
from meshrep.energies.conduction.conditions import Exchange
from meshrep.energies.dirichlet_energy import ByDifferences, DirichletEnergy
from meshrep.energies.dirichlet_gathers import DirichletGathers
from meshrep.energies.dirichlet_kernels import DirichletKernels, Pulls
from meshrep.energies.fixed import Fixed
from meshrep.graphs.operators import laplacian
from meshrep.graphs.ordering import Order


@dataclass(frozen=True, eq=False)
class System:
    """The part and its conditions as numbers; temperatures are counted from ``origin``.

    Attributes
    ----------
    coupling : (n, n) csr_array
        Conductances between nodes.
    load : (n,) float64
        Heat that sources and fluxes bring to each node.
    exchanges : tuple of Exchange
        Convection and radiation.
    fixed, fixed_values : (k,) arrays
        Nodes that are held, and their temperatures.
    origin : float
        The lowest given temperature.
    absolute : float
        What makes a temperature of the field an absolute one: 0 or 273.15.
    """

    coupling: sparse.csr_array
    load: np.ndarray
    exchanges: tuple[Exchange, ...]
    fixed: np.ndarray
    fixed_values: np.ndarray
    origin: float
    absolute: float

    @cached_property
    def stiffness(self) -> sparse.csr_array:
        """The Laplacian of the coupling, and of convection ∫ h φ_i φ_j."""
        matrix, film = laplacian(self.coupling), self.joined(radiates=False)
        return matrix if film is None else _added(matrix, film.matrix, film.film)

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """The stiffness, and 4 ∫ εσ |T|³ φ_i φ_j where the part radiates."""
        radiation = self.joined(radiates=True)
        if radiation is None:
            return self.stiffness.copy()  # solvers may sort it in place
        slope = 4.0 * radiation.film * abs(radiation.matrix @ w + self.absolute) ** 3
        return _added(self.stiffness, radiation.matrix, slope)

    def reordered(self, order: Order) -> System:
        """The same system with nodes in another order."""
        moved = [
            replace(one, matrix=sparse.csr_array(one.matrix[:, order.old]))
            for one in self.exchanges
        ]
        return replace(
            self,
            coupling=order.matrix(self.coupling),
            load=order.moved(self.load),
            exchanges=tuple(moved),
            fixed=order.nodes(self.fixed),
        )

    def joined(self, *, radiates: bool) -> Exchange | None:
        """All exchanges of a kind as one."""
        parts = [one for one in self.exchanges if one.radiates == radiates]
        if not parts:
            return None
        return Exchange(
            "",
            sparse.csr_array(sparse.vstack([one.matrix for one in parts])),
            np.concatenate([one.film for one in parts]),
            np.concatenate([one.outside for one in parts]),
            radiates,
        )


def _added(
    matrix: sparse.csr_array, samples: sparse.csr_array, weights: np.ndarray
) -> sparse.csr_array:
    """The matrix (n, n) and Σ_p weight_p φ_i(p) φ_j(p), from the values (p, n) of φ."""
    return sparse.csr_array(matrix + samples.T @ sparse.diags_array(weights) @ samples)


class Formula(DirichletEnergy):
    """The energy as written, on NumPy arrays or torch tensors.

    Terms of the load and of radiation are counted from where they vanish, so that no large
    numbers cancel: − ∫ q (T − T₀), and with d = T − T_s

        |T|⁵/5 − T_s⁴ T + ⅘ T_s⁵ = 2 T_s³ d² + 2 T_s² d³ + T_s d⁴ + d⁵/5 + ⅖ max(−T, 0)⁵.
    """

    def __init__(self, system: System, backend: Backend) -> None:
        super().__init__(system.coupling, backend)
        self.origin = system.origin
        self.load = backend.asarray(system.load)
        self.convection = _on(system, backend, radiates=False)
        self.radiation = _on(system, backend, radiates=True)
        self.fixed = Fixed(system.fixed, system.fixed_values, backend)

    def value(self, w: Array) -> Any:
        """The energy without its gradient, which torch can differentiate."""
        u = w - self.origin
        total = self._by_edges(u) - (self.load * u).sum()
        for exchange in self._exchanges:
            total = total + exchange.value(exchange.matrix @ u)
        return total

    @property
    def _exchanges(self) -> list[_Convection | _Radiation]:
        return [part for part in (self.convection, self.radiation) if part is not None]

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        """Energy and gradient (n,)."""
        value, gradient = self.unheld(w)
        self.fixed.clear(gradient)
        return value, gradient

    def unheld(self, w: Array) -> tuple[Any, Array]:
        """Energy, and gradient (n,) that is the heat which fixed nodes need to be supplied."""
        u = w - self.origin
        value, gradient = self._conducted(u)
        value = value - (self.load * u).sum()
        gradient -= self.load
        for exchange in self._exchanges:
            t = exchange.matrix @ u
            value = value + exchange.value(t)
            gradient += exchange.transposed @ exchange.slope(t)
        return value, gradient

    def hvp(self, w: Array, v: Array) -> Array:
        """The Hessian at w times v (n,)."""
        product = self._flow(v)
        for exchange in self._exchanges:
            curvature = exchange.curvature(exchange.matrix @ (w - self.origin))
            product += exchange.transposed @ (curvature * (exchange.matrix @ v))
        self.fixed.clear(product)
        return product


def as_heat(system: System) -> tuple[sparse.csr_array, Pulls]:
    """The energy without radiation as a coupling and what pulls, as kernels of heat read it.

    Convection ½ ∫ h (T − T_air)² couples the nodes of a facet as a negative conductance does, and
    pulls each with r = ∫ h φ_i towards its mean T_air.
    """
    origin, coupling, level = system.origin, system.coupling, 0.0
    nodes, strengths, targets = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0)
    film = system.joined(radiates=False)
    if film is not None:
        between = film.matrix.T @ sparse.diags_array(film.film) @ film.matrix
        upper = sparse.triu(between, k=1)
        coupling = sparse.csr_array(coupling - (upper + upper.T))
        coupling.sort_indices()
        strength = film.matrix.T @ film.film
        above = film.outside - origin
        driven = film.matrix.T @ (film.film * above)
        nodes = np.flatnonzero(strength).astype(np.int64)
        strengths, mean = 0.5 * strength[nodes], driven[nodes] / strength[nodes]
        targets = origin + mean
        level = 0.5 * float(film.film @ above**2 - driven[nodes] @ mean)
    load = system.load if system.load.any() else np.zeros(0)
    return coupling, Pulls(nodes, targets, strengths, 2.0, system.fixed, load, origin, level)


class Kernels(DirichletKernels):
    """The energy without radiation in numba: see :mod:`meshrep.kernels.heat`."""

    def __init__(self, system: System, backend: Backend) -> None:
        super().__init__(*as_heat(system), backend)


class Gathers(DirichletGathers, Formula):
    """The energy without radiation on a GPU by Triton."""

    def __init__(self, system: System, backend: Backend) -> None:
        super().__init__(system, backend)
        self.gather(*as_heat(system), backend)


class Differences(ByDifferences, Formula):
    """The energy on NumPy arrays, for the judge."""


class _Exchanged:
    """What both kinds of exchange keep on a back end."""

    def __init__(self, exchange: Exchange, system: System, backend: Backend) -> None:
        self.matrix = backend.sparse(exchange.matrix)
        self.transposed = backend.sparse(sparse.csr_array(exchange.matrix.T))
        self.film = backend.asarray(exchange.film)
        self.outside = backend.asarray(exchange.outside - system.origin)
        self.zero = system.origin + system.absolute


class _Convection(_Exchanged):
    """½ h (T − T_air)² at temperatures t that are counted from the origin."""

    def value(self, t: Array) -> Any:
        return 0.5 * (self.film * (t - self.outside) ** 2).sum()

    def slope(self, t: Array) -> Array:
        return self.film * (t - self.outside)

    def curvature(self, t: Array) -> Array:
        return self.film


class _Radiation(_Exchanged):
    """εσ (|T|⁵/5 − T_s⁴ T), which is convex for negative T as well."""

    def _terms(self, t: Array) -> tuple[Array, Array, Array, Array]:
        """T − T_s, T, T_s and max(−T, 0), absolute."""
        absolute = t + self.zero
        return (
            t - self.outside,
            absolute,
            self.outside + self.zero,
            0.5 * (abs(absolute) - absolute),
        )

    def value(self, t: Array) -> Any:
        d, _, s, below = self._terms(t)
        rest = d * d * (2.0 * s**3 + d * (2.0 * s**2 + d * (s + 0.2 * d)))
        return (self.film * (rest + 0.4 * below**5)).sum()

    def slope(self, t: Array) -> Array:
        d, absolute, s, below = self._terms(t)
        return self.film * (d * (absolute + s) * (absolute**2 + s**2) - 2.0 * below**4)

    def curvature(self, t: Array) -> Array:
        return 4.0 * self.film * abs(t + self.zero) ** 3


def _on(system: System, backend: Backend, *, radiates: bool) -> Any:
    exchange = system.joined(radiates=radiates)
    if exchange is None:
        return None
    return (_Radiation if radiates else _Convection)(exchange, system, backend)
