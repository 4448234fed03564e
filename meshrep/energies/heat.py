"""Heat conduction on a graph, held by hot and cold baths.

    E(w) = ½ Σ_edges a_ij (w_i − w_j)² + λ Σ_hot (w_i − T_hot)^p + λ Σ_cold (w_i − T_cold)^p

after Both, Dehmamy, Long and Yu, "Faster Optimization on Sparse Graphs via Neural
Reparametrization", §3.1. Each edge is counted once, so that the first term is ½ wᵀLw.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend, NumpyBackend
from meshrep.base.randomness import random_from
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.fused import by_kernels_or_formula
from meshrep.energies.gathers import gathers_on
from meshrep.energies.heat_evaluators import Baths, Differences, Formula, Gathers, Kernels
from meshrep.errors import InputError
from meshrep.graphs.conductances import conductances, mass
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.graphs.operators import absolute_row_sums, laplacian
from meshrep.graphs.ordering import Order
from meshrep.sources.naming import nodes_called
from meshrep.sources.selection import select

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

POWERS = {"quartic": 4.0, "quadratic": 2.0}  # p of the kinds of bath that have one


class HeatBath(Energy):
    """Heat between hot and cold nodes.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        Where the heat flows; its edge weights are conductances.
    hot, cold : text, mask, or (k,) integers
        Nodes of the baths; disjoint, and together not empty. They are what :func:`meshrep.select`
        takes, except that whole numbers in arrays are the graph's own node numbers, which
        ``select``, ``ends`` and ``random_split`` return. Where the graph is given as a mesh or
        network that numbers or names its nodes in another way, such numbers are refused.
    t_hot, t_cold : float
        Bath temperatures.
    strength : float
        λ > 0; not used by the Dirichlet bath.
    kind : {"quartic", "quadratic", "dirichlet"}
        How a bath acts on its nodes: it pulls them with p = 4 (the papers' soft bath) or p = 2
        (a Robin bath), or holds them exactly at T.
    power : float, optional
        A p ≥ 2 in place of the kind's; a Dirichlet bath has none.
    laplacian : {"graph", "cotan", "robust"}
        Conductances: the graph's weights, finite elements on the faces, or intrinsic Delaunay.
    unbathed : {"raise", "hold"}
        What to do with a connected component without a bath node, whose temperature is not
        determined: raise, or hold its first node at the mean of the bath temperatures.

    Raises
    ------
    InputError
        When baths overlap, are empty or name nodes that do not exist, when a number is out of
        range, or when a component has no bath.

    Notes
    -----
    The energy is convex. At λ = 1 the quartic bath is soft: with 10% hot and 10% cold random nodes,
    the hot ones end near 0.6 and the cold ones near 0.4. Its Hessian p(p−1)λ(w−T)^{p−2} is 0 at T.

    Examples
    --------
    A ring of eight nodes held at 0 and 4 on opposite sides is linear in between:

    >>> import numpy as np, meshrep
    >>> ring = meshrep.graph_from("ring:8")
    >>> heat = meshrep.HeatBath(ring, hot=[4], cold=[0], t_hot=4.0, kind="dirichlet")
    >>> meshrep.solve(heat, solver="newton").field.round(6).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0]
    """

    quantity = "temperature"
    convex = True
    has_hessian = True
    variable = ("conductances", "temperatures")
    factor = 1.0  # by which conductances and λ have been multiplied

    def __init__(
        self,
        graph: GraphLike,
        hot: str | os.PathLike[str] | ArrayLike | None,
        cold: str | os.PathLike[str] | ArrayLike | None = None,
        *,
        t_hot: float = 1.0,
        t_cold: float = 0.0,
        strength: float = 1.0,
        kind: str = "quartic",
        power: float | None = None,
        laplacian: str = "graph",
        unbathed: str = "raise",
    ) -> None:
        super().__init__(graph)
        given, graph = graph, self.graph
        self.kind, self.power = _kind_and_power(kind, power)
        if unbathed not in ("raise", "hold"):
            raise InputError(f"unbathed={unbathed!r} is unknown: choose raise or hold")
        for name, number in (("t_hot", t_hot), ("t_cold", t_cold)):
            if not np.isfinite(number):
                raise InputError(f"{name} must be a finite temperature, not {number}")
        if not (np.isfinite(strength) and strength > 0):
            raise InputError(f"the bath's strength λ must be positive, not {strength}")
        self.hot = _bath_nodes(graph, hot, "hot", given)
        self.cold = _bath_nodes(graph, cold, "cold", given)
        both = np.intersect1d(self.hot, self.cold)
        if len(both):
            others = f", and so are {len(both) - 1} others" if len(both) > 1 else ""
            raise InputError(
                f"node {graph.called(both[0])} is both hot and cold{others}: choose baths that do "
                "not overlap"
            )
        if len(self.hot) + len(self.cold) == 0:
            raise InputError("neither bath has a node: choose at least one hot or cold node")
        self.t_hot, self.t_cold = float(t_hot), float(t_cold)
        self.strength, self.laplacian = float(strength), laplacian
        self._coupling = conductances(graph, laplacian)
        if laplacian == "graph" and len(graph.weights) and graph.weights.min() < 0:
            raise InputError(
                f"edge {int(graph.weights.argmin())} has a negative weight: "
                "heat needs conductances of 0 or more"
            )
        self.quadratic = kind == "dirichlet" or self.power == 2
        self.nodes = np.concatenate([self.hot, self.cold])
        self.targets = np.repeat([self.t_hot, self.t_cold], [len(self.hot), len(self.cold)])
        held = self._unbathed_nodes(unbathed)
        middle = np.full(len(held), 0.5 * (self.t_hot + self.t_cold))
        if kind == "dirichlet":
            self.fixed = np.concatenate([self.nodes, held])
            self.fixed_values = np.concatenate([self.targets, middle])
            self.nodes, self.targets = self.nodes[:0], self.targets[:0]
        else:
            self.fixed, self.fixed_values = held, middle
        self.held = held

    def _unbathed_nodes(self, unbathed: str) -> np.ndarray:
        """First node of every component, along conductances that are not 0, without a bath."""
        component = self.component_of
        bathed = np.zeros(component.max() + 1, dtype=bool)
        bathed[component[self.nodes]] = True
        if bathed.all():
            return np.zeros(0, dtype=np.int64)
        first = np.unique(component, return_index=True)[1][~bathed]
        if unbathed == "raise":
            number = int(component[first[0]])
            size = int((component == number).sum())
            raise InputError(
                f"{self.graph.name}: {len(first)} of {len(bathed)} connected components have no "
                f"bath node (one of size {size} holds node {self.graph.called(int(first[0]))}; a "
                "conductance of 0 connects nothing), so nothing decides their temperature: give "
                "them a bath, or hold them at the mean with unbathed='hold' (--unbathed hold)"
            )
        return first

    @property
    def unit(self) -> float:  # type: ignore[override]
        """The difference of the bath temperatures; where they are equal, their size."""
        return abs(self.t_hot - self.t_cold) or abs(self.t_hot) or 1.0

    @property
    def origin(self) -> float:  # type: ignore[override]
        """The lower bath temperature."""
        return min(self.t_hot, self.t_cold)

    @cached_property
    def scale(self) -> float:
        """The mean conductance times unit²; without edges the energy of a bath one unit off."""
        sizes = abs(self._coupling.data)
        if sizes.any():
            return float(sizes.mean()) * self.unit**2
        return self.strength * self.unit**self.power

    def __mul__(self, factor: float) -> Energy:
        """Heat with conductances and λ multiplied by a positive factor; else a sum of one term."""
        if not 0 < factor < np.inf:
            return super().__mul__(factor)
        twin = copy.copy(self)
        twin.factor = float(factor) * self.factor
        twin.strength = float(factor) * self.strength
        twin._coupling = sparse.csr_array(float(factor) * self._coupling)
        return twin

    __rmul__ = __mul__

    @property
    def coupling(self) -> sparse.csr_array:
        """The matrix of conductances a_ij of the chosen Laplacian."""
        return self._coupling

    @cached_property
    def diagonal(self) -> np.ndarray:
        """Σ_j a_ij of each node (n,), the diagonal of L."""
        return np.asarray(self._coupling.sum(axis=1)).ravel()

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """The Laplacian L = D − A of the conductances."""
        return laplacian(self._coupling)

    @property
    def capacity(self) -> np.ndarray:
        """The mass of each node (n,), lumped as the conductances are."""
        return mass(self.graph, self.laplacian)

    def on(self, backend: Backend) -> Evaluator:
        """By kernels of numba on the CPU or of Triton on a GPU where they are, else the formula."""
        given = self._coupling, self._baths
        gathers = partial(Gathers, *given) if gathers_on(backend, self._coupling) else None
        return by_kernels_or_formula(backend, partial(Kernels, *given), self.formula, gathers)

    def formula(self, backend: Backend) -> Evaluator:
        """The energy in the back end's own operations, whatever is installed."""
        return Formula(self._coupling, self._baths, backend)

    @cached_property
    def judge(self) -> Evaluator:
        """By differences over edges, since no other way bears weights that differ much."""
        return Differences(self._coupling, self._baths, NumpyBackend("float64", jit=False))

    @property
    def _baths(self) -> Baths:
        """What the evaluators need to know beside the conductances."""
        held = self.fixed, self.fixed_values
        return Baths(self.nodes, self.targets, self.strength, self.power, *held)

    def reordered(self, order: Order) -> HeatBath:
        """The same heat problem with nodes in another order."""
        twin = self._on_renumbered(order)
        twin.hot, twin.cold = np.sort(order.nodes(self.hot)), np.sort(order.nodes(self.cold))
        twin.nodes, twin.held = order.nodes(self.nodes), order.nodes(self.held)
        by_weights = self.laplacian == "graph" and self.factor == 1.0
        twin._coupling = order.graph.adjacency if by_weights else order.matrix(self._coupling)
        return twin

    @property
    def _number_shapes(self) -> dict[str, tuple[int, ...]]:
        baths: dict[str, tuple[int, ...]] = {"temperatures": (len(self.hot) + len(self.cold),)}
        return {"conductances": (self.graph.m,), **baths} if self.laplacian == "graph" else baths

    def with_numbers(self, **numbers: np.ndarray) -> HeatBath:
        """The same heat with other conductances (m,) of edges or temperatures (k,) of baths.

        Temperatures are those of the nodes ``hot`` and then ``cold``; conductances may be replaced
        where they are the graph's weights.
        """
        self._given(numbers, self._number_shapes)
        twin = copy.copy(self)
        if "conductances" in numbers:
            a = np.array(numbers["conductances"], dtype=np.float64)
            twin._coupling = self.graph.with_weights(a).adjacency
        if "temperatures" in numbers:
            given = np.array(numbers["temperatures"], dtype=np.float64)
            if self.kind == "dirichlet":
                twin.fixed_values = np.concatenate([given, self.fixed_values[len(given) :]])
            else:
                twin.targets = given
        return twin

    def value_with(self, backend: Backend, w: Array, numbers: Mapping[str, Array]) -> Any:
        """The energy in conductances and temperatures as well."""
        self._given(numbers, self._number_shapes)
        formula: Any = self.formula(backend)
        if "conductances" in numbers:
            i, j = self.graph.edges.T
            formula.edges = backend.index(i), backend.index(j), numbers["conductances"]
        if "temperatures" in numbers and self.kind != "dirichlet":
            formula.targets = numbers["temperatures"]
        return formula.value(w)

    def held_with(self, backend: Backend, numbers: Mapping[str, Array]) -> Array:
        """Values of the fixed nodes: temperatures where baths hold them."""
        values, given = super().held_with(backend, numbers), numbers.get("temperatures")
        if given is None or self.kind != "dirichlet":
            return values
        return backend.xp.cat([given, values[len(given) :]])

    def curvature(self, w: np.ndarray) -> np.ndarray:
        """Second derivative p(p−1)λ|w−T|^{p−2} of each bath node's energy."""
        p = self.power
        return p * (p - 1) * self.strength * np.abs(w[self.nodes] - self.targets) ** (p - 2)

    def springs(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """The bath nodes and their :meth:`curvature`; None where baths hold their nodes."""
        return (self.nodes, self.curvature(w)) if len(self.nodes) else None

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """L + diag(p(p−1)λ|w−T|^{p−2}), with the second part on bath nodes only."""
        curvature, at = self.curvature(np.asarray(w, dtype=np.float64)), self._bath_diagonal
        if at is None:
            extra = np.zeros(self.graph.n)
            extra[self.nodes] = curvature
            return sparse.csr_array(self.matrix + sparse.diags_array(extra))
        data = self.matrix.data.copy()
        data[at] += curvature
        return sparse.csr_array((data, self.matrix.indices, self.matrix.indptr), self.matrix.shape)

    @cached_property
    def _bath_diagonal(self) -> np.ndarray | None:
        """Where L stores the diagonal of the bath nodes; None where one of them is isolated."""
        L = self.matrix
        rows = np.repeat(np.arange(L.shape[0], dtype=L.indices.dtype), np.diff(L.indptr))
        diagonal = np.flatnonzero(L.indices == rows)
        place = np.full(L.shape[0], -1)
        place[L.indices[diagonal]] = diagonal
        at = place[self.nodes]
        return at if (at >= 0).all() else None

    def steepest(self, start: np.ndarray) -> float:
        """Gershgorin's bound of the Hessian at every field that the flow can reach from the start.

        By the maximum principle the field stays between the extremes of the start and the baths.
        """
        rows = abs(self.diagonal) + absolute_row_sums(self._coupling)
        if len(self.nodes):
            everything = np.concatenate([start, self.targets])
            reach = np.ptp(everything)
            p = self.power
            rows[self.nodes] += p * (p - 1) * self.strength * reach ** (p - 2)
        return float(rows.max()) or self.scale / self.unit**2

    def random_start(self, seed: int = 0) -> np.ndarray:
        """Uniform between the two bath temperatures."""
        low = self.origin
        draw = random_from(seed).random(self.graph.n)
        return self.clamp(low + self.unit * draw)

    def gradient_scale(self, start: np.ndarray) -> float:
        """‖diag L‖₂·|T_hot − T_cold|: the size of the gradient where neighbours differ by that."""
        size = float(np.linalg.norm(self.diagonal)) * self.unit
        return size if 0 < size < np.inf else self.scale / self.unit

    def settings(self) -> dict[str, Any]:
        """Bath sizes, temperatures, λ, p and the Laplacian."""
        return {
            "energy": "HeatBath", "kind": self.kind, "hot": len(self.hot), "cold": len(self.cold),
            "t_hot": self.t_hot, "t_cold": self.t_cold, "strength": self.strength,
            "power": None if self.kind == "dirichlet" else self.power,
            "laplacian": self.laplacian, "held": len(self.held),
            **({} if self.factor == 1.0 else {"factor": self.factor}),
        }  # fmt: skip


def _kind_and_power(kind: str, power: float | None) -> tuple[str, float]:
    """The kind of bath and its p.

    A given power decides the kind, which is "power" if no other kind has that power. The p of a
    Dirichlet bath is not used.
    """
    if kind not in (*POWERS, "dirichlet"):
        raise InputError(f"unknown kind of bath {kind!r}: choose {', '.join(POWERS)} or dirichlet")
    if power is None:
        return kind, POWERS.get(kind, 2.0)
    if kind == "dirichlet":
        raise InputError("a Dirichlet bath has no power: drop the power or choose another kind")
    if not (np.isfinite(power) and power >= 2):
        raise InputError(f"the bath's power p must be 2 or more, not {power}")
    named = {p: name for name, p in POWERS.items()}
    return named.get(float(power), "power"), float(power)


def _bath_nodes(graph: Graph, nodes: Any, name: str, given: GraphLike) -> np.ndarray:
    """Sorted distinct node numbers of a bath on a graph, which was given as itself or a mesh."""
    if isinstance(nodes, str | os.PathLike):
        return select(graph, nodes)
    if nodes is None or np.size(nodes) == 0:
        return np.zeros(0, dtype=np.int64)
    numbers_of: Literal["graph", "?"] = "graph" if given is graph else "?"
    return nodes_called(graph, nodes, name, numbers_of=numbers_of)
