"""Oscillators on a graph: one energy of phases, with the usual models as special cases.

    E(φ) = Σ_i α C_i + β C_i² + γ S_i²,
    C_i = Σ_j J_ij cos(φ_j − φ_i),   S_i = Σ_j J_ij sin(φ_j − φ_i)

=====================  =========  =====  =====
model                  α          β      γ
=====================  =========  =====  =====
Kuramoto, XY, glass    −½         0      0
Hopf–Kuramoto          −c s₁/2    0      s₂
Hopf–Kuramoto printed  s₁         s₂     0
=====================  =========  =====  =====

Everything takes O(m) time: it needs sums over neighbours of cos φ_j and sin φ_j, which are computed
once for each node. In time the phases follow dφ/dt = ω − ∇E + c Σ_j J_ij cos(φ_j − φ_i), whose last
term has no potential.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend
from meshrep.base.randomness import random_from
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.phase_law import PhaseLaw
from meshrep.energies.phases.couplings import Couplings, Drive, number, numbers
from meshrep.energies.phases.evaluators import Formula
from meshrep.energies.phases.frequencies import natural_frequencies
from meshrep.energies.phases.measures import order_parameter
from meshrep.energies.phases.pairs import Pairs
from meshrep.energies.phases.vortices import summary
from meshrep.graphs.graph import GraphLike
from meshrep.graphs.ordering import Order

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Oscillators(Energy):
    """Phases φ (n,) in radians under E = Σ_i α C_i + β C_i² + γ S_i².

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    K : float, (m,) array or Couplings
        Multiplies the graph's edge weights; of any sign.
    law : (α, β, γ)
    omega : float, (n,) array, mapping or str
        ω of the flow, in radians per unit of time, or what :func:`meshrep.natural_frequencies`
        takes; not part of the energy.
    torque : float
        c of the flow's term without a potential.

    Attributes
    ----------
    couplings : Couplings
        J.
    driven : str
        Why the flow has no potential, so that no minimum can be asked for; empty where it has one.

    Raises
    ------
    InputError
        When a number is not finite, or an array does not have one entry for each edge or node.

    Notes
    -----
    Adding a constant to the phases of a connected component keeps the energy. Self-loops would add
    a constant; a :class:`~meshrep.graphs.graph.Graph` has none. Nodes without edges keep their
    phases.
    """

    quantity = "phase"
    unit = 1.0
    shift_invariant = True
    propagation = "self"
    variable = ("K",)

    def __init__(
        self,
        graph: GraphLike,
        K: ArrayLike | Couplings,
        law: tuple[float, float, float],
        omega: ArrayLike | Mapping[Any, float] | str = 0.0,
        torque: float = 0.0,
    ) -> None:
        super().__init__(graph)
        graph = self.graph
        if not isinstance(K, Couplings):
            K = Pairs(graph, numbers(K, graph.m, "K", "edge"))
        self.couplings: Couplings = K
        self.omega = natural_frequencies(graph, omega)
        self.alpha, self.beta, self.gamma = (number(part, "a coefficient") for part in law)
        self.torque = number(torque, "c")
        self.driven = ""

    @property
    def coupling(self) -> sparse.csr_array:
        """J (n, n), symmetric with a zero diagonal; the graph's weights where J is too large."""
        J = self.couplings.matrix
        return self.graph.adjacency if J is None else J

    @property
    def has_hessian(self) -> bool:  # type: ignore[override]
        """Whether the couplings fit into a matrix."""
        return self.couplings.matrix is not None

    @property
    def phase_law(self) -> PhaseLaw | None:  # type: ignore[override]
        """J with α, β and γ."""
        J = self.couplings.matrix
        return None if J is None else PhaseLaw(J, self.alpha, self.beta, self.gamma)

    @property
    def attraction(self) -> np.ndarray | None:  # type: ignore[override]
        """J a (m,), or −J a where α > 0: its sign says which phases make α C_i lowest."""
        if not isinstance(self.couplings, Pairs):
            return None
        return self.couplings.K * self.graph.weights * (-1.0 if self.alpha > 0 else 1.0)

    @property
    def frequency_spread(self) -> float:  # type: ignore[override]
        """The largest ω minus the smallest."""
        return float(np.ptp(self.omega))

    @cached_property
    def component_of(self) -> np.ndarray:
        """Number of the component of each node, (n,), along couplings that are not 0."""
        return super().component_of if self.has_hessian else self.couplings.component_of

    @property
    def _number_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"K": (self.graph.m,)} if isinstance(self.couplings, Pairs) else {}

    def with_numbers(self, **numbers: np.ndarray) -> Oscillators:
        """The same oscillators with other couplings K (m,) of edges, undirected."""
        self._given(numbers, self._number_shapes)
        twin = copy.copy(self)
        if numbers:
            twin.couplings = Pairs(self.graph, np.array(numbers["K"], dtype=np.float64))
        return twin

    def value_with(self, backend: Backend, w: Array, numbers: Mapping[str, Array]) -> Any:
        """The energy in K as well."""
        self._given(numbers, self._number_shapes)
        J = self.couplings
        formula = Formula(J.matrix, J.matrix, self.law, Drive(self.omega, 0.0), backend)
        if numbers:
            i, j = self.graph.edges.T
            a = numbers["K"] * backend.asarray(self.graph.weights)
            formula.edges = backend.index(i), backend.index(j), a
        return formula.value(w)

    def __mul__(self, factor: float) -> Oscillators:
        """The oscillators with α, β, γ, ω and c multiplied by a factor."""
        return self._with(number(factor, "the factor"), None)

    __rmul__ = __mul__

    def __add__(self, other: Energy) -> Energy:
        """Oscillators again if both have the same couplings, else a sum of two energies."""
        alike = (
            isinstance(other, Oscillators)
            and other.graph.same_as(self.graph)
            and self.couplings.same_as(other.couplings)
        )
        return self._with(1.0, other) if alike else super().__add__(other)  # type: ignore[arg-type]

    def _with(self, factor: float, other: Oscillators | None) -> Oscillators:
        """factor · self + other, on the couplings of both."""
        law = factor * np.array([*self.law, self.torque])
        omega = factor * self.omega
        driven = self.driven
        if other is not None:
            law += [*other.law, other.torque]
            omega += other.omega
            driven = driven or other.driven
        alpha, beta, gamma, torque = law.tolist()
        joined = Oscillators(self.graph, self.couplings, (alpha, beta, gamma), omega, torque)
        joined.driven, joined.propagation = driven, self.propagation
        return joined

    @property
    def auto_solver(self) -> tuple[str, str]:
        """The solver that finds the lowest of many minima."""
        if self.phase_law is None:
            return "lbfgs", "lift needs all couplings, which are too many to store here"
        return "lift", "phases have many minima, of which lift finds the lowest ones soonest"

    @property
    def compared_solvers(self) -> tuple[str, ...]:
        """The usual solvers, and those that search beyond the nearest minimum."""
        known = ("gcn", "adam", "lbfgs", "newton", "rk4")
        return known if self.phase_law is None else (*known, "anneal", "lift")

    @property
    def law(self) -> tuple[float, float, float]:
        """(α, β, γ)."""
        return self.alpha, self.beta, self.gamma

    @property
    def unbounded(self) -> str:  # type: ignore[override]
        """Frequencies that differ tilt the potential, so that the phases never come to rest."""
        if self.driven or not self.frequency_spread:
            return self.driven
        return (
            "natural frequencies that differ tilt the potential without bound; follow the phases "
            "in time (meshrep.integrate, --transient T) or set omega=0"
        )

    def on(self, backend: Backend) -> Evaluator:
        """Numba kernels on the CPU where numba is installed, else the formula."""
        return self.couplings.on(self.law, self.drive, backend)

    def formula(self, backend: Backend) -> Evaluator:
        """The energy in the back end's own operations, whatever is installed."""
        return self.couplings.formula(self.law, self.drive, backend)

    @property
    def drive(self) -> Drive:
        """What drives the phases beside the energy."""
        return Drive(self.omega, self.torque)

    def reordered(self, order: Order) -> Oscillators:
        """The same oscillators with nodes in another order."""
        twin = self._on_renumbered(order)
        twin.omega = order.moved(self.omega)
        twin.couplings = self.couplings.reordered(order)
        return twin

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """J_Cᵀ 2β J_C + J_Sᵀ 2γ J_S + Σ_i u_i ∇²C_i + v_i ∇²S_i, sparse.

        Its pattern is that of A², or of A where β = γ = 0.
        """
        w = np.asarray(w, dtype=np.float64)
        J = self.coupling
        rows = np.repeat(np.arange(self.graph.n), np.diff(J.indptr))
        across = w[J.indices] - w[rows]
        along = sparse.csr_array((J.data * np.cos(across), J.indices, J.indptr), J.shape)
        turned = sparse.csr_array((J.data * np.sin(across), J.indices, J.indptr), J.shape)
        C, S = (np.asarray(part.sum(axis=1)).ravel() for part in (along, turned))
        u, v = self.alpha + 2 * self.beta * C, 2 * self.gamma * S
        U, V = sparse.diags_array(u), sparse.diags_array(v)
        curved = U @ along + along @ U + V @ turned - turned @ V
        own = -u * C - v * S - along @ u + turned @ v
        total = curved + sparse.diags_array(own)
        if self.beta:
            slope = sparse.diags_array(S) - turned
            total = total + 2 * self.beta * (slope.T @ slope)
        if self.gamma:
            slope = along - sparse.diags_array(C)
            total = total + 2 * self.gamma * (slope.T @ slope)
        return sparse.csr_array(total)

    def velocity_jacobian(self, w: np.ndarray) -> sparse.csr_array:
        """The derivative of ω − 2αS + cC, or −H + c ∂C/∂φ where β or γ is not 0."""
        J = self.couplings.acting
        if J is None:
            raise NotImplementedError("the couplings are too many for a matrix")
        rows = np.repeat(np.arange(self.graph.n), np.diff(J.indptr))
        across = w[J.indices] - w[rows]
        rates = -self.torque * np.sin(across)
        if self.pairwise:
            rates -= 2 * self.alpha * np.cos(across)
        along = sparse.csr_array((J.data * rates, J.indices, J.indptr), J.shape)
        own = sparse.diags_array(np.asarray(along.sum(axis=1)).ravel())
        driven = sparse.csr_array(along - own)
        return driven if self.pairwise else sparse.csr_array(driven - self.hessian(w))

    @property
    def by_fields(self) -> bool:  # type: ignore[override]
        """Whether β = γ = 0."""
        return self.pairwise

    @property
    def pairwise(self) -> bool:
        """Whether β = γ = 0, so that a node acts on its neighbours only."""
        return self.beta == 0 and self.gamma == 0

    @property
    def reach(self) -> float:
        """max_i Σ_j |J_ij|."""
        return self.couplings.reach

    @cached_property
    def scale(self) -> float:
        """The largest of 2|α|J, 2|β|J² and 2|γ|J², with J the mean |J_ij| except zeros; else 1."""
        J = self.couplings.size
        return 2 * J * max(abs(self.alpha), max(abs(self.beta), abs(self.gamma)) * J) or 1.0

    def steepest(self, start: np.ndarray) -> float:
        """4|α|D + 16(|β| + |γ|)D² with D the largest Σ_j |J_ij|: a bound everywhere."""
        D, several = self.reach, abs(self.beta) + abs(self.gamma)
        return 4 * abs(self.alpha) * D + 16 * several * D * D or self.scale

    def stiffness(self, start: np.ndarray) -> float:
        """The bound of ``steepest``, plus a bound of the torque's part."""
        return self.steepest(start) + 2 * abs(self.torque) * self.reach

    def random_start(self, seed: int = 0) -> np.ndarray:
        """Uniform on the circle, in [0, 2π)."""
        return random_from(seed).uniform(0.0, 2 * np.pi, self.graph.n)

    def readable(self, w: np.ndarray) -> np.ndarray:
        """Phases in [0, 2π)."""
        turned = np.mod(w, 2 * np.pi)
        return np.where(turned < 2 * np.pi, turned, 0.0)  # of a tiny negative phase mod is 2π

    def measures(self, w: np.ndarray) -> dict[str, float]:
        """ρ; where there are plaquettes the number of vortices; on a cycle the winding."""
        return summary(self.graph, w, self.attraction)

    def watched(self, w: np.ndarray) -> float:
        """ρ."""
        return float(order_parameter(w))

    def settings(self) -> dict[str, Any]:
        """α, β, γ, the couplings' spread and the flow's ω and c."""
        return {
            "energy": type(self).__name__, "alpha": self.alpha, "beta": self.beta,
            "gamma": self.gamma, "torque": self.torque,
            "coupling": list(self.couplings.extent),
            "omega": [float(self.omega.min()), float(self.omega.max())],
        }  # fmt: skip
