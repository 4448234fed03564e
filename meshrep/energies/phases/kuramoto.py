"""Kuramoto oscillators, which are the XY model, and the XY spin glass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from meshrep.base.randomness import random_from
from meshrep.energies.phases.couplings import Couplings, coupled, is_one_number, number, numbers
from meshrep.energies.phases.mean_field import Blocks, MeanField
from meshrep.energies.phases.oscillators import Oscillators
from meshrep.energies.phases.pairs import Pairs
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.graphs.operators import absolute_row_sums

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

NORMALISATIONS = ("none", "n", "degree")


class Kuramoto(Oscillators):
    """E = −Σ_edges J_ij cos(φ_i − φ_j); dφ_i/dt = ω_i + Σ_j J_ij sin(φ_j − φ_i − lag).

    The XY model of magnetism, and oscillators on a network. (Equations 17 and 15 of the papers
    print the energy with the other sign.)

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        A mesh, a network of networkx, a sparse matrix of weights a_ij, …
    K : float or (m,) array
        J_ij = K a_ij; one K for all edges or one for each (in the order of ``graph.edges``), of
        any sign.
    omega : float, (n,) array, mapping or str
        Natural frequencies ω_i: numbers, or what :func:`meshrep.natural_frequencies` takes, such
        as "normal:0.5", "lorentz", "degree" or a mapping from labels. Where they differ the phases
        have no energy to minimise: use :func:`meshrep.integrate`.
    coupling : {"edges", "mean-field"} or Blocks
        Which oscillators act on each other: those that an edge joins, or all. With "mean-field"
        the edges and their weights have no effect, all a_ij are 1, and a step takes O(n) time.
        ``Blocks`` gives groups of nodes and the a_ij from group to group.
    normalisation : {"none", "n", "degree"}, optional
        What K is divided by: nothing, the number of nodes, or the degree Σ_j a_ij of each node.
        With ``Blocks``, "n" stands for the number of nodes of the group that acts. The default is
        "none" for edges, and "n" for mean fields. With "degree" the flow of a node is divided by
        its degree, so that the energy has J_ij = K a_ij all the same and its minima are where
        the phases come to rest.
    directed : bool, optional
        Whether u acts on v along a directed edge u → v, and not v on u; in a matrix row i lists
        what acts on i. The default is what the network is. With False an edge acts both ways, with
        the mean weight of its directions. A directed coupling has no potential, so that no minimum
        can be asked for; the energy of such phases is that of ``directed=False``.
    lag : float
        Phase lag of Sakaguchi and Kuramoto, in radians. sin(φ_j − φ_i − lag) has a part
        cos(lag) sin(φ_j − φ_i), which the energy contains, and a part −sin(lag) cos(φ_j − φ_i),
        which has no potential. So no minimum can be asked for.

    Raises
    ------
    InputError
        For a number that is not finite, an array of the wrong length or an unknown name.

    Notes
    -----
    An oscillator does not act on itself. Where a lag makes that matter, the mean field is that of
    the other nodes: J_ij = K/n for i ≠ j. A complete graph whose couplings are equal takes O(n)
    time without being told.

    References
    ----------
    Both, Dehmamy, Long and Yu, "Faster Optimization on Sparse Graphs via Neural
    Reparametrization", eq. 6; Kuramoto (1975); Sakaguchi and Kuramoto, "A soluble active rotator
    model showing phase transitions via mutual entrainment" (1986).

    Examples
    --------
    >>> import meshrep, numpy as np
    >>> phases = Kuramoto(meshrep.graph_from("lattice:8x8"))
    >>> round(phases.value(np.zeros(64)), 6)
    -112.0
    >>> network = meshrep.graph_from("ring:1000")
    >>> path = meshrep.integrate(Kuramoto(network, 2.0, "lorentz:0.5", coupling="mean-field"), 20.0)
    >>> bool(0.6 < path.order[-1] < 0.8)  # √(1 − 2·0.5/2) = 0.707
    True
    """

    def __init__(
        self,
        graph: GraphLike,
        K: ArrayLike = 1.0,
        omega: ArrayLike | Mapping[Any, float] | str = 0.0,
        *,
        coupling: str | Blocks = "edges",
        normalisation: str | None = None,
        lag: float = 0.0,
        directed: bool | None = None,
    ) -> None:
        graph, lag = Graph.of(graph), number(lag, "lag")
        _refuse_directed(graph, directed, coupling)
        arrows = None if directed is False else graph.arrows
        couplings, divisor = _couplings(graph, arrows, K, coupling, normalisation)
        sine = float(np.sin(lag))
        torque = 0.0 if abs(sine) < 1e-15 else -sine  # of a multiple of π it is rounding
        super().__init__(graph, couplings, (-0.5 * float(np.cos(lag)), 0.0, 0.0), omega, torque)
        self.lag, self.normalisation = lag, divisor
        if couplings.directed:
            self.driven = (
                "where i acts on j otherwise than j on i, the forces have no potential; follow the "
                "phases in time (meshrep.integrate, --transient T) or let both act alike "
                "(directed=False, --undirected)"
            )
        elif torque:
            self.driven = (
                "a phase lag turns the phases without end; follow them in time "
                "(meshrep.integrate, --transient T) or set lag=0"
            )

    def settings(self) -> dict[str, Any]:
        """The settings of the oscillators, with the lag, the directions and K's divisor."""
        own = {"lag": self.lag, "normalisation": self.normalisation}
        return {**super().settings(), **own, "directed": self.couplings.directed}


def _refuse_directed(graph: Graph, directed: Any, coupling: Any) -> None:
    """Raise InputError for ``directed`` where there are no directions."""
    if not (directed is None or isinstance(directed, bool | np.bool_)):
        raise InputError(f"directed must be True, False or None, not {directed!r}")
    if directed and graph.arrows is None:
        raise InputError(
            f"{graph.name} is no directed network: leave directed=True out, or give it to "
            "meshrep.from_edge_list or meshrep.load"
        )
    if directed and not (isinstance(coupling, str) and coupling == "edges"):
        raise InputError("a mean field has no directed edges: leave directed=True out")


def _couplings(
    graph: Graph, arrows: sparse.csr_array | None, K: ArrayLike, coupling: str | Blocks,
    normalisation: str | None,
) -> tuple[Couplings, str]:  # fmt: skip
    """J of Kuramoto's oscillators, and what K is divided by."""
    kind = coupling if isinstance(coupling, str) else ""
    everyone = isinstance(coupling, Blocks) or kind == "mean-field"
    if not everyone and kind != "edges":
        raise InputError(
            f"unknown coupling {coupling!r}: choose edges, mean-field, or give meshrep.Blocks"
        )
    divisor = ("n" if everyone else "none") if normalisation is None else normalisation
    if not isinstance(divisor, str) or divisor not in NORMALISATIONS:
        known = ", ".join(NORMALISATIONS)
        raise InputError(f"unknown normalisation {normalisation!r}: choose among {known}")
    if not everyone:
        return _pairs(graph, arrows, numbers(K, graph.m, "K", "edge"), divisor), divisor
    if not isinstance(coupling, Blocks):
        coupling = Blocks(np.zeros(graph.n, dtype=np.int64), [[1.0]])
    groups, strengths = coupling.arrays(graph)
    return _mean_field(groups, number(K, "K of a mean field"), strengths, divisor), divisor


def _pairs(graph: Graph, arrows: sparse.csr_array | None, K: np.ndarray, divisor: str) -> Pairs:
    """J_ij = K a_ij over 1, n or Σ_j |a_ij|, with a_ij along arrows if there are any."""
    if divisor == "n":
        same = len(K) and is_one_number(K)
        K = numbers(K[0] / graph.n if same else K / graph.n, graph.m, "K", "edge")
    if arrows is None and divisor != "degree":
        return Pairs(graph, K)
    if arrows is None:
        A, J = graph.adjacency, coupled(graph, K)
    elif is_one_number(K):
        A, J = arrows, arrows * (K[0] if len(K) else 1.0)
    else:
        A, J = arrows, sparse.csr_array(arrows.multiply(graph.with_weights(K).adjacency))
    if divisor == "degree":
        each = np.repeat(absolute_row_sums(A), np.diff(J.indptr))
        shares = np.divide(J.data, each, out=np.zeros(J.nnz), where=each > 0)
        J = sparse.csr_array((shares, J.indices, J.indptr), J.shape)
    return Pairs(graph, K, J, directed=arrows is not None)


def _mean_field(groups: np.ndarray, K: float, S: np.ndarray, divisor: str) -> MeanField:
    """J_ij = K S[g_i, g_j] over 1, the number of nodes of g_j, or Σ_j |S[g_i, g_j]|."""
    sizes = np.bincount(groups, minlength=len(S)).astype(np.float64)
    acting = energy = S
    if divisor == "n":
        # The flow of a node times 1/n_g has a symmetric J; the mean size keeps its magnitude.
        acting = S / np.maximum(sizes, 1)
        energy = acting * (sizes[sizes > 0].mean() / np.maximum(sizes, 1))[:, None]
    elif divisor == "degree":
        degree = (abs(S) * (sizes - np.eye(len(S)))).sum(axis=1)
        acting = S / np.where(degree > 0, degree, 1)[:, None]
    directed = not np.array_equal(S, S.T)
    return MeanField(groups, 0.5 * K * (energy + energy.T), K * acting, directed)


class XYGlass(Kuramoto):
    """The XY spin glass: Kuramoto's energy with random couplings, whose minimum is not evident.

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
        graph, rng = Graph.of(graph), random_from(seed)
        if coupling == "binary":
            drawn = rng.choice([-1.0, 1.0], graph.m)
        else:
            drawn = rng.standard_normal(graph.m)
        super().__init__(graph, drawn)
        self.coupling_kind, self.seed = coupling, seed

    def settings(self) -> dict[str, Any]:
        """The settings of the oscillators, with kind and seed of the couplings."""
        kind = {"coupling_kind": self.coupling_kind, "coupling_seed": self.seed}
        return {**super().settings(), **kind}
