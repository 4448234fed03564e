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

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Backend
from meshrep.base.randomness import random_from
from meshrep.energies.base import Energy
from meshrep.energies.couplings import coupled, number, numbers
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.fused import by_kernels_or_formula
from meshrep.energies.oscillator_evaluators import Flow, Formula, Kernels
from meshrep.energies.phase_law import PhaseLaw
from meshrep.energies.phases import order_parameter
from meshrep.energies.vortices import summary
from meshrep.graphs.graph import GraphLike
from meshrep.graphs.operators import absolute_row_sums
from meshrep.graphs.ordering import Order

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Oscillators(Energy):
    """Phases φ (n,) in radians under E = Σ_i α C_i + β C_i² + γ S_i².

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    coupling : float or (m,) array
        Multiplies the graph's edge weights; of any sign.
    law : (α, β, γ)
    frequencies : float or (n,) array
        ω of the flow, in radians per unit of time; not part of the energy.
    torque : float
        c of the flow's term without a potential.

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
    has_hessian = True
    shift_invariant = True
    propagation = "self"

    def __init__(
        self,
        graph: GraphLike,
        coupling: ArrayLike,
        law: tuple[float, float, float],
        frequencies: ArrayLike = 0.0,
        torque: float = 0.0,
    ) -> None:
        super().__init__(graph)
        graph = self.graph
        self.edge_coupling = numbers(coupling, graph.m, "coupling", "edge")
        self._coupling = coupled(graph, self.edge_coupling)
        self.frequencies = numbers(frequencies, graph.n, "frequencies", "node")
        self.alpha, self.beta, self.gamma = (number(part, "a coefficient") for part in law)
        self.torque = number(torque, "c")

    @property
    def coupling(self) -> sparse.csr_array:
        """J (n, n), symmetric with a zero diagonal."""
        return self._coupling

    @property
    def phase_law(self) -> PhaseLaw:  # type: ignore[override]
        """J with α, β and γ."""
        return PhaseLaw(self._coupling, self.alpha, self.beta, self.gamma)

    @property
    def flow(self) -> Flow:
        """What drives the phases beside the energy."""
        return Flow(self.frequencies, self.torque)

    @property
    def attraction(self) -> np.ndarray:  # type: ignore[override]
        """J a (m,), or −J a where α > 0: its sign says which phases make α C_i lowest."""
        return self.edge_coupling * self.graph.weights * (-1.0 if self.alpha > 0 else 1.0)

    @property
    def frequency_spread(self) -> float:  # type: ignore[override]
        """The largest ω minus the smallest."""
        return float(np.ptp(self.frequencies))

    def __mul__(self, factor: float) -> Oscillators:
        """The oscillators with α, β, γ, ω and c multiplied by a factor."""
        return self._with(number(factor, "the factor"), None)

    __rmul__ = __mul__

    def __add__(self, other: Energy) -> Energy:
        """Oscillators again if both have the same couplings, else a sum of two energies."""
        alike = (
            isinstance(other, Oscillators)
            and other.graph.same_as(self.graph)
            and np.array_equal(other.edge_coupling, self.edge_coupling)
        )
        return self._with(1.0, other) if alike else super().__add__(other)  # type: ignore[arg-type]

    def _with(self, factor: float, other: Oscillators | None) -> Oscillators:
        """factor · self + other, on the couplings of both."""
        law = factor * np.array([*self.law, self.torque])
        frequencies = factor * self.frequencies
        if other is not None:
            law += [*other.law, other.torque]
            frequencies += other.frequencies
        alpha, beta, gamma, torque = law.tolist()
        joined = Oscillators(
            self.graph, self.edge_coupling, (alpha, beta, gamma), frequencies, torque
        )
        joined.propagation = self.propagation
        return joined

    @property
    def auto_solver(self) -> tuple[str, str]:
        """The solver that finds the lowest of many minima."""
        return "lift", "phases have many minima, of which lift finds the lowest ones soonest"

    @property
    def compared_solvers(self) -> tuple[str, ...]:
        """The usual solvers, and those that search beyond the nearest minimum."""
        return ("gcn", "adam", "lbfgs", "newton", "rk4", "anneal", "lift")

    @property
    def law(self) -> tuple[float, float, float]:
        """(α, β, γ)."""
        return self.alpha, self.beta, self.gamma

    @property
    def unbounded(self) -> str:  # type: ignore[override]
        """Frequencies that differ tilt the potential, so that the phases never come to rest."""
        if np.ptp(self.frequencies) == 0:
            return ""
        return (
            "natural frequencies that differ tilt the potential without bound; follow the phases "
            "in time (meshrep.integrate, --transient T) or set frequencies=0"
        )

    def on(self, backend: Backend) -> Evaluator:
        """Numba kernels on the CPU where numba is installed, else the formula."""
        given = self.phase_law, self.flow
        return by_kernels_or_formula(backend, partial(Kernels, *given), partial(Formula, *given))

    def formula(self, backend: Backend) -> Evaluator:
        """The energy in the back end's own operations, whatever is installed."""
        return Formula(self.phase_law, self.flow, backend)

    def reordered(self, order: Order) -> Oscillators:
        """The same oscillators with nodes in another order."""
        twin = self._on_renumbered(order)
        twin.edge_coupling = order.edges(self.edge_coupling)
        twin.frequencies = order.moved(self.frequencies)
        twin._coupling = coupled(order.graph, twin.edge_coupling)
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
        """−H + c ∂C/∂φ; the second part is not symmetric."""
        H = self.hessian(w)
        if not self.torque:
            return -H
        J = self.coupling
        rows = np.repeat(np.arange(self.graph.n), np.diff(J.indptr))
        turned = sparse.csr_array(
            (J.data * np.sin(w[J.indices] - w[rows]), J.indices, J.indptr), J.shape
        )
        own = sparse.diags_array(np.asarray(turned.sum(axis=1)).ravel())
        return sparse.csr_array(self.torque * (own - turned) - H)

    @cached_property
    def reach(self) -> float:
        """max_i Σ_j |J_ij|."""
        return float(absolute_row_sums(self.coupling).max())

    @cached_property
    def scale(self) -> float:
        """That of the phases' law."""
        return self.phase_law.scale

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

    def measures(self, w: np.ndarray) -> dict[str, float]:
        """ρ; where there are plaquettes the number of vortices; on a cycle the winding."""
        return summary(self.graph, w, self.attraction)

    def watched(self, w: np.ndarray) -> float:
        """ρ."""
        return float(order_parameter(w))

    def settings(self) -> dict[str, Any]:
        """α, β, γ, the couplings' spread and the flow's ω and c."""
        J, omega = self.coupling.data, self.frequencies
        J = J if len(J) else np.zeros(1)
        return {
            "energy": type(self).__name__, "alpha": self.alpha, "beta": self.beta,
            "gamma": self.gamma, "torque": self.torque,
            "coupling": [float(J.min()), float(J.max())],
            "frequencies": [float(omega.min()), float(omega.max())],
        }  # fmt: skip
