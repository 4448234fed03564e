"""Oscillators on a graph: one energy of phases, whose members are the field's models.

    E(φ) = Σ_i α C_i + β C_i² + γ S_i²,
    C_i = Σ_j J_ij cos(φ_j − φ_i),   S_i = Σ_j J_ij sin(φ_j − φ_i)

=====================  =========  =====  =====
model                  α          β      γ
=====================  =========  =====  =====
Kuramoto, XY, glass    −½         0      0
Hopf–Kuramoto          −c s₁/2    0      s₂
Hopf–Kuramoto printed  s₁         s₂     0
=====================  =========  =====  =====

Everything is O(m): sums over neighbours of cos φ_j and sin φ_j, each taken once a node. In time
the phases follow dφ/dt = ω − ∇E + c Σ_j J_ij cos(φ_j − φ_i), whose last term has no potential.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Backend
from meshrep.energies.base import Energy
from meshrep.energies.couplings import coupled, number, numbers
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.fused import by_kernels_or_formula
from meshrep.energies.oscillator_evaluators import Flow, Formula, Kernels
from meshrep.energies.phase_law import PhaseLaw
from meshrep.energies.phases import order_parameter, summary
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.graphs.operators import absolute_row_sums
from meshrep.graphs.ordering import Order


class Oscillators(Energy):
    """Phases φ (n,) in radians under E = Σ_i α C_i + β C_i² + γ S_i².

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    coupling : float or (m,) array
        Multiplies the graph's edge weights; of any sign.
    law : (α, β, γ)
    frequencies : float or (n,) array
        ω of the flow, in radians per unit of time; no part of the energy.
    torque : float
        c of the flow's term without a potential.

    Raises
    ------
    InputError
        When a number is not finite or an array has not one entry an edge or node.

    Notes
    -----
    A global shift of each connected component leaves the energy as it is. Self-loops would add a
    constant; a :class:`~meshrep.graphs.graph.Graph` has none. Nodes without edges stay where they
    are.
    """

    quantity = "phase"
    has_hessian = True
    shift_invariant = True
    propagation = "self"

    def __init__(
        self,
        graph: GraphLike,
        coupling: Any,
        law: tuple[float, float, float],
        frequencies: Any = 0.0,
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
        """J a (m,), with the other sign where α > 0: what α C_i asks of the ends of an edge."""
        return self.edge_coupling * self.graph.weights * (-1.0 if self.alpha > 0 else 1.0)

    @property
    def frequency_spread(self) -> float:  # type: ignore[override]
        """Largest ω less the smallest."""
        return float(np.ptp(self.frequencies))

    def __mul__(self, factor: float) -> Oscillators:
        """The oscillators with law, ω and c times a factor."""
        return self._with(number(factor, "the factor"), None)

    __rmul__ = __mul__

    def __add__(self, other: Energy) -> Energy:
        """Oscillators again where both have the same couplings, else a sum of two."""
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
        """Also those that look beyond the nearest minimum."""
        return ("gcn", "adam", "lbfgs", "newton", "rk4", "anneal", "lift")

    @property
    def law(self) -> tuple[float, float, float]:
        """(α, β, γ)."""
        return self.alpha, self.beta, self.gamma

    @property
    def unbounded(self) -> str:  # type: ignore[override]
        """With frequencies that differ the potential is tilted, and the phases never rest."""
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
        """J_Cᵀ 2β J_C + J_Sᵀ 2γ J_S + Σ_i u_i ∇²C_i + v_i ∇²S_i, sparse; of A²'s pattern unless
        β = γ = 0."""
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

    def steepest(self, start: np.ndarray) -> float:
        """4|α|D + 16(|β| + |γ|)D² with D the largest Σ_j |J_ij|: a bound everywhere."""
        D = self.reach
        return 4 * abs(self.alpha) * D + 16 * (abs(self.beta) + abs(self.gamma)) * D * D or 1.0

    def stiffness(self, start: np.ndarray) -> float:
        """The bound of ∇E with that of the torque's part added."""
        return self.steepest(start) + 2 * abs(self.torque) * self.reach

    def random_start(self, seed: int = 0) -> np.ndarray:
        """Uniform on the circle, in [0, 2π)."""
        return np.random.default_rng(seed).uniform(0.0, 2 * np.pi, self.graph.n)

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


class Kuramoto(Oscillators):
    """E = −Σ_edges K_ij a_ij cos(φ_i − φ_j); dφ_i/dt = ω_i − Σ_j K_ij a_ij sin(φ_i − φ_j).

    The XY model of magnetism. (Equations 17 and 15 of the papers print the energy with the other
    sign.)

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    coupling : float or (m,) array
        K, one for all or one an edge (in the order of ``graph.edges``), of any sign.
    frequencies : float or (n,) array
        ω_i of the flow. Where they differ the phases have no energy to minimise: use
        :func:`meshrep.integrate`.

    References
    ----------
    Both, Dehmamy, Long and Yu, "Faster Optimization on Sparse Graphs via Neural
    Reparametrization", eq. 6; Kuramoto (1975).

    Examples
    --------
    >>> import meshrep, numpy as np
    >>> phases = Kuramoto(meshrep.graph_from("lattice:8x8"))
    >>> round(phases.value(np.zeros(64)), 6)
    -112.0
    """

    def __init__(self, graph: GraphLike, coupling: Any = 1.0, frequencies: Any = 0.0) -> None:
        super().__init__(graph, coupling, (-0.5, 0.0, 0.0), frequencies)


class XYGlass(Kuramoto):
    """The XY spin glass: Kuramoto's energy with random couplings, without an evident minimum.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    coupling : {"binary", "gaussian"}
        ±1 with equal odds, or standard normal; times the edge weights.
    seed : int
        Of the couplings.

    Raises
    ------
    InputError
        For another kind of coupling or a negative seed.

    References
    ----------
    Edwards and Anderson, "Theory of spin glasses" (1975).
    """

    def __init__(self, graph: GraphLike, coupling: str = "binary", seed: int = 0) -> None:
        if coupling not in ("binary", "gaussian"):
            raise InputError(f"unknown coupling {coupling!r}: choose binary or gaussian")
        if not (isinstance(seed, (int, np.integer)) and seed >= 0):
            raise InputError(f"seed must be a whole number of 0 or more, not {seed!r}")
        graph, rng = Graph.of(graph), np.random.default_rng(seed)
        if coupling == "binary":
            drawn = rng.choice([-1.0, 1.0], graph.m)
        else:
            drawn = rng.standard_normal(graph.m)
        super().__init__(graph, drawn)
        self.coupling_kind, self.seed = coupling, seed

    def settings(self) -> dict[str, Any]:
        """Those of the oscillators, with kind and seed of the couplings."""
        kind = {"coupling_kind": self.coupling_kind, "coupling_seed": self.seed}
        return {**super().settings(), **kind}


class HopfKuramoto(Oscillators):
    """E = −(c s₁/2) Σ_i C_i + s₂ Σ_i S_i², the potential of Hopf oscillators' coupled phases.

    In time dφ_i/dt = ω_i + c C_i − ∂E/∂φ_i. At φ = 0 the Hessian of the s₂ part is 2 s₂ L².

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    s1, s2 : float
        Strengths of the sine coupling (in units of c) and of the next-nearest one.
    c : float
        Strength of the cosine coupling; it also scales s₁ in flow and energy alike.
    frequencies : float or (n,) array
    torque : float, optional
        Strength of the cosine coupling in the flow alone; c by default. With 0 the flow is −∇E.

    References
    ----------
    Lauter, Brendel, Habraken and Marquardt, "Pattern phase diagram for two-dimensional arrays of
    coupled limit-cycle oscillators" (2015). The loss that the papers print (P1 eq. 19, P2 eq. 7)
    is another function: :class:`HopfKuramotoPrinted`.
    """

    propagation = "square"

    def __init__(
        self,
        graph: GraphLike,
        s1: float = 1.0,
        s2: float = 0.5,
        c: float = 1.0,
        frequencies: Any = 0.0,
        torque: float | None = None,
    ) -> None:
        s1, s2, c = number(s1, "s1"), number(s2, "s2"), number(c, "c")
        law = -0.5 * c * s1, 0.0, s2
        super().__init__(graph, 1.0, law, frequencies, c if torque is None else torque)
        self.s1, self.s2, self.c = s1, s2, c

    def settings(self) -> dict[str, Any]:
        """Those of the oscillators, with s₁, s₂ and c."""
        return {**super().settings(), "s1": self.s1, "s2": self.s2, "c": self.c}


class HopfKuramotoPrinted(Oscillators):
    """E = Σ_i s₁ C_i + s₂ C_i², the loss as the papers print it, for reproducing them.

    It has the signs of s₁ and s₂ wrong and squares cosines, so that it is not the potential of
    the dynamics that they print beside it: see :class:`HopfKuramoto`.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    s1, s2 : float

    References
    ----------
    P1 eq. 19; Both, Dehmamy, Long and Yu, eq. 7.
    """

    propagation = "square"

    def __init__(self, graph: GraphLike, s1: float = 1.0, s2: float = 0.5) -> None:
        s1, s2 = number(s1, "s1"), number(s2, "s2")
        super().__init__(graph, 1.0, (s1, s2, 0.0))
        self.s1, self.s2 = s1, s2

    def settings(self) -> dict[str, Any]:
        """Those of the oscillators, with s₁ and s₂."""
        return {**super().settings(), "s1": self.s1, "s2": self.s2}
