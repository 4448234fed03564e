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

from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.backends import Array, Backend, NumpyBackend, installed
from meshrep.energies.base import ByHost, Energy, Evaluator
from meshrep.errors import InputError
from meshrep.graph import Graph
from meshrep.measures import order_parameter, vortices

PARALLEL_FROM = 20_000  # nodes from which threads pay


class Oscillators(Energy):
    """Phases φ (n,) in radians under E = Σ_i α C_i + β C_i² + γ S_i².

    Parameters
    ----------
    graph : Graph
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
    constant; a :class:`~meshrep.graph.Graph` has none. Nodes without edges stay where they are.
    """

    quantity = "phase"
    has_hessian = True
    shift_invariant = True
    propagation = "self"

    def __init__(
        self,
        graph: Graph,
        coupling: Any,
        law: tuple[float, float, float],
        frequencies: Any = 0.0,
        torque: float = 0.0,
    ) -> None:
        super().__init__(graph)
        weights = graph.weights * _numbers(coupling, graph.m, "coupling", "edge")
        self._coupling = graph.with_weights(weights).adjacency
        self.frequencies = _numbers(frequencies, graph.n, "frequencies", "node")
        self.alpha, self.beta, self.gamma = (_number(part, "a coefficient") for part in law)
        self.torque = _number(torque, "c")

    @property
    def coupling(self) -> sparse.csr_array:
        """J (n, n), symmetric with a zero diagonal."""
        return self._coupling

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
        if backend.name == "numba":
            return _Kernels(self, backend)
        if backend.name == "torch" and backend.device == "cpu" and installed("numba"):
            return ByHost(_Kernels(self, NumpyBackend(backend.dtype)), backend)
        return _Formula(self, backend)

    def formula(self, backend: Backend) -> Evaluator:
        """The energy in the back end's own operations, whatever is installed."""
        return _Formula(self, backend)

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
        return float(abs(self.coupling).sum(axis=1).max())

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
        """The order parameter ρ and the number of vortices."""
        return {"rho": float(order_parameter(w)), "vortices": vortices(self.graph, w).count}

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
    graph : Graph
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

    def __init__(self, graph: Graph, coupling: Any = 1.0, frequencies: Any = 0.0) -> None:
        super().__init__(graph, coupling, (-0.5, 0.0, 0.0), frequencies)


class XYGlass(Kuramoto):
    """The XY spin glass: Kuramoto's energy with random couplings, without an evident minimum.

    Parameters
    ----------
    graph : Graph
    couplings : {"binary", "gaussian"}
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

    def __init__(self, graph: Graph, couplings: str = "binary", seed: int = 0) -> None:
        if couplings not in ("binary", "gaussian"):
            raise InputError(f"unknown couplings {couplings!r}: choose binary or gaussian")
        if not (isinstance(seed, (int, np.integer)) and seed >= 0):
            raise InputError(f"seed must be a whole number of 0 or more, not {seed!r}")
        rng = np.random.default_rng(seed)
        if couplings == "binary":
            drawn = rng.choice([-1.0, 1.0], graph.m)
        else:
            drawn = rng.standard_normal(graph.m)
        super().__init__(graph, drawn)
        self.couplings, self.seed = couplings, seed

    def settings(self) -> dict[str, Any]:
        """Those of the oscillators, with kind and seed of the couplings."""
        return {**super().settings(), "couplings": self.couplings, "coupling_seed": self.seed}


class HopfKuramoto(Oscillators):
    """E = −(c s₁/2) Σ_i C_i + s₂ Σ_i S_i², the potential of Hopf oscillators' coupled phases.

    In time dφ_i/dt = ω_i + c C_i − ∂E/∂φ_i. At φ = 0 the Hessian of the s₂ part is 2 s₂ L².

    Parameters
    ----------
    graph : Graph
    s1, s2 : float
        Strengths of the sine coupling (in units of c) and of the next-nearest one.
    c : float
        Strength of the cosine coupling, which only the flow has.
    frequencies : float or (n,) array

    References
    ----------
    Lauter, Brendel, Habraken and Marquardt, "Pattern phase diagram for two-dimensional arrays of
    coupled limit-cycle oscillators" (2015). The loss that the papers print (P1 eq. 19, P2 eq. 7)
    is another function: :class:`HopfKuramotoPrinted`.
    """

    propagation = "square"

    def __init__(
        self,
        graph: Graph,
        s1: float = 1.0,
        s2: float = 0.5,
        c: float = 1.0,
        frequencies: Any = 0.0,
    ) -> None:
        s1, s2, c = _number(s1, "s1"), _number(s2, "s2"), _number(c, "c")
        super().__init__(graph, 1.0, (-0.5 * c * s1, 0.0, s2), frequencies, torque=c)
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
    graph : Graph
    s1, s2 : float

    References
    ----------
    P1 eq. 19; Both, Dehmamy, Long and Yu, eq. 7.
    """

    propagation = "square"

    def __init__(self, graph: Graph, s1: float = 1.0, s2: float = 0.5) -> None:
        s1, s2 = _number(s1, "s1"), _number(s2, "s2")
        super().__init__(graph, 1.0, (s1, s2, 0.0))
        self.s1, self.s2 = s1, s2

    @property
    def lower_bound(self) -> float:
        """Σ_i min of s₁C + s₂C² over |C| ≤ Σ_j|J_ij|: −s₁²/(4s₂) where that C is in reach."""
        most = np.asarray(abs(self.coupling).sum(axis=1)).ravel()
        ends = np.minimum(self.s1 * most, -self.s1 * most) + self.s2 * most**2
        if self.s2 <= 0:
            return float(ends.sum())
        inside = abs(self.s1 / (2 * self.s2)) <= most
        return float(np.where(inside, -(self.s1**2) / (4 * self.s2), ends).sum())

    def settings(self) -> dict[str, Any]:
        """Those of the oscillators, with s₁ and s₂."""
        return {**super().settings(), "s1": self.s1, "s2": self.s2}


def _number(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise InputError(f"{name} must be a finite number, not {value!r}")
    return number


def _numbers(values: Any, count: int, name: str, each: str) -> np.ndarray:
    """One finite number for each of ``count`` things, spread from a single one if need be."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a number or one for each {each}") from error
    if array.ndim and array.shape != (count,):
        raise InputError(f"{name} must be a number or one for each {each} ({count}), "
                         f"not of shape {array.shape}")  # fmt: skip
    if not np.isfinite(array).all():
        place = (
            "" if not array.ndim else f" (first at {each} {int((~np.isfinite(array)).argmax())})"
        )
        raise InputError(f"{name} holds a NaN or an infinite number{place}")
    return np.broadcast_to(array, (count,)).copy()


class _Formula(Evaluator):
    """The energy as written, on NumPy arrays or torch tensors."""

    def __init__(self, energy: Oscillators, backend: Backend) -> None:
        self.xp = backend.xp
        self.matrix = backend.sparse(energy.coupling)
        self.law = energy.alpha, energy.beta, energy.gamma
        self.single = energy.beta == 0 and energy.gamma == 0
        self.drift, self.torque = backend.asarray(energy.frequencies), energy.torque
        upper = sparse.triu(energy.coupling, k=1, format="coo")
        self.ends = backend.index(upper.row), backend.index(upper.col)
        self.a = backend.asarray(upper.data)

    def value(self, w: Array) -> Any:
        """The energy of a tensor alone, which torch can differentiate, by edges."""
        (i, j), (alpha, beta, gamma) = self.ends, self.law
        across = w[j] - w[i]
        along = self.a * across.cos()
        if self.single:
            return 2 * alpha * along.sum()
        turned = self.a * across.sin()
        C = w.new_zeros(len(w)).index_add(0, i, along).index_add(0, j, along)
        S = w.new_zeros(len(w)).index_add(0, i, turned).index_add(0, j, -turned)
        return (alpha * C + beta * C * C + gamma * S * S).sum()

    def _sums(self, c: Array, s: Array) -> tuple[Array, Array]:
        """c Σ a c_j + s Σ a s_j and c Σ a s_j − s Σ a c_j: C and S."""
        along, across = self._gather(c, s)
        return c * along + s * across, c * across - s * along

    def _gather(self, x: Array, y: Array) -> tuple[Array, Array]:
        both = self.matrix @ self.xp.stack([x, y], 1)
        return both[:, 0], both[:, 1]

    def _evaluate(self, w: Array) -> tuple[Any, Array, Array]:
        """Energy, gradient and C."""
        alpha, beta, gamma = self.law
        c, s = self.xp.cos(w), self.xp.sin(w)
        C, S = self._sums(c, s)
        value = (alpha * C + beta * C * C + gamma * S * S).sum()
        if self.single:
            return value, 2 * alpha * S, C
        u, v = alpha + 2 * beta * C, 2 * gamma * S
        x, y = self._gather(v * c + u * s, v * s - u * c)
        return value, u * S - v * C + c * x + s * y, C

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        return self._evaluate(w)[:2]

    def velocity(self, w: Array) -> Array:
        _, gradient, C = self._evaluate(w)
        return self.drift - gradient + self.torque * C

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


class _Kernels(Evaluator):
    """The energy in numba: see :mod:`meshrep.kernels.oscillators`."""

    fused = True

    def __init__(self, energy: Oscillators, backend: Backend) -> None:
        from meshrep.kernels import oscillators

        n = energy.graph.n
        self.kernels = oscillators.PARALLEL if n >= PARALLEL_FROM else oscillators.SERIAL
        coupling = backend.sparse(energy.coupling)
        self.rows = (
            coupling.indptr.astype(np.uint32), coupling.indices.astype(np.uint32), coupling.data,
        )  # fmt: skip
        self.law = energy.alpha, energy.beta, energy.gamma
        self.spins = tuple(backend.zeros(n) for _ in range(6))
        self.drift, self.torque = backend.asarray(energy.frequencies), energy.torque
        self.formula = _Formula(energy, backend)

    def _turn(self, w: np.ndarray) -> None:
        self.kernels.turn(w, self.spins[0], self.spins[1])

    def value_and_grad(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        gradient = np.empty_like(w)
        self._turn(w)
        return self.kernels.value_and_grad(self.rows, self.law, self.spins, gradient), gradient

    def velocity(self, w: np.ndarray) -> np.ndarray:
        return self.formula.velocity(w)

    def hvp(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        return self.formula.hvp(w, v)

    def descend(self, w: np.ndarray, memory: Any, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Take steps in place; energies and squared gradient norms before each, (steps,).

        ``memory.spare`` is left holding the field before the last step.
        """
        energies, norms = np.empty(steps), np.empty(steps)
        m = memory
        self._turn(w)
        self.kernels.descend(
            self.rows, self.law, self.spins, w, m.spare, m.m, m.v, m.rule, m.lr, m.beta1, m.beta2,
            m.eps, m.taken, steps, energies, norms,
        )  # fmt: skip
        return energies, norms

    def flow(
        self, w: np.ndarray, dt: float, steps: int, inverse_mass: np.ndarray, driven: bool = False
    ) -> np.ndarray:
        """Take RK4 steps in place; energies before each, (steps,)."""
        energies = np.empty(steps)
        stage, total = np.empty_like(w), np.empty_like(w)
        drift = self.drift if driven else np.zeros_like(w)
        self._turn(w)
        self.kernels.flow(
            self.rows, self.law, self.spins, w, stage, total, drift,
            self.torque if driven else 0.0, dt, steps, inverse_mass, energies,
        )  # fmt: skip
        return energies
