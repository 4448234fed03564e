"""Networks by name, as networkx makes them: scale-free, small-world, regular, classics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from meshrep.base.randomness import random_from
from meshrep.errors import InputError, MissingPart
from meshrep.graphs.graph import Graph
from meshrep.sources.networks import from_networkx
from meshrep.sources.room import refuse_beyond_memory

CLASSICS = {
    "karate": "karate_club_graph",
    "les-miserables": "les_miserables_graph",
    "florentine": "florentine_families_graph",
}


def complete(n: int) -> Graph:
    """``n`` nodes, each joined to every other one.

    Raises
    ------
    InputError
        Where the edges would not fit into memory; says what to take instead.
    """
    what = f"complete:{n}"
    _at_least(what, n, 1, "node")
    try:
        refuse_beyond_memory(what, n, n * (n - 1) // 2)
    except InputError as error:
        raise InputError(
            f"{error}; oscillators need no edges if you write nodes:{n} and the coupling "
            "mean-field, which is the complete graph with K/n"
        ) from None
    return Graph.from_edges(n, np.stack(np.triu_indices(n, 1), axis=1), name=what)


def nodes(n: int) -> Graph:
    """``n`` nodes without edges, for couplings that need none.

    Raises
    ------
    InputError
        Where there is no node, or too many.
    """
    what = f"nodes:{n}"
    _at_least(what, n, 1, "node")
    refuse_beyond_memory(what, n, 0)
    return Graph.from_edges(n, np.zeros((0, 2), dtype=np.int64), name=what)


def star(leaves: int) -> Graph:
    """Node 0 joined to nodes 1 … ``leaves``."""
    what = f"star:{leaves}"
    _at_least(what, leaves, 1, "leaf")
    return _made(what, leaves + 1, leaves, "star_graph", leaves)


def cycle(n: int) -> Graph:
    """``n`` nodes, each joined to the next and the last to the first, without points."""
    what = f"cycle:{n}"
    _at_least(what, n, 3, "node")
    return _made(what, n, n, "cycle_graph", n)


def barabasi_albert(n: int, m: int, seed: int = 0) -> Graph:
    """A scale-free network: each new node is joined to ``m`` others, chosen by their degrees.

    Raises
    ------
    InputError
        Unless 1 ≤ m < n, or where it would not fit into memory.

    References
    ----------
    A.-L. Barabási, R. Albert: Emergence of scaling in random networks. Science 286 (1999).
    """
    what = f"barabasi-albert:{n},{m}"
    if not 1 <= m < n:
        raise InputError(f"{what}: a new node is joined to 1 … {max(n - 1, 1)} others, not {m}")
    return _made(what, n, n * m, "barabasi_albert_graph", n, m, seed=random_from(seed))


def watts_strogatz(n: int, k: int, p: float = 0.1, seed: int = 0) -> Graph:
    """A small world: a ring whose nodes are joined to ``k`` others, edges moved by chance ``p``.

    Raises
    ------
    InputError
        Unless 2 ≤ k < n and 0 ≤ p ≤ 1, or where it would not fit into memory.

    References
    ----------
    D. Watts, S. Strogatz: Collective dynamics of small-world networks. Nature 393 (1998).
    """
    what = f"watts-strogatz:{n},{k},{p:g}"
    if not 2 <= k < n:
        raise InputError(f"{what}: a node is joined to 2 … {max(n - 1, 2)} others, not {k}")
    _chance(what, p)
    return _made(what, n, n * k // 2, "watts_strogatz_graph", n, k, p, seed=random_from(seed))


def regular(n: int, d: int, seed: int = 0) -> Graph:
    """A random network in which every node has ``d`` neighbours.

    Raises
    ------
    InputError
        Unless 0 ≤ d < n and n d is even, or where it would not fit into memory.
    """
    what = f"regular:{n},{d}"
    if not 0 <= d < n or n * d % 2:
        raise InputError(f"{what}: a node has fewer than {n} neighbours, and n times d is even")
    return _made(what, n, n * d // 2, "random_regular_graph", d, n, seed=random_from(seed))


def erdos_renyi(n: int, p: float, seed: int = 0) -> Graph:
    """``n`` nodes, of which each pair is joined by chance ``p``.

    Raises
    ------
    InputError
        Unless 0 ≤ p ≤ 1, or where it would not fit into memory.
    """
    what = f"erdos-renyi:{n},{p:g}"
    _at_least(what, n, 1, "node")
    _chance(what, p)
    from meshrep.sources.random_graphs import erdos_renyi as by_degree

    found = by_degree(n, p * (n - 1), seed)
    return Graph.from_edges(n, found.edges, name=what)


def classic(name: str) -> Graph:
    """A network of the literature by its name: one of ``CLASSICS``."""
    return _made(name, 100, 1000, CLASSICS[name])


def _made(what: str, n: int, edges: int, maker: str, *args: Any, **more: Any) -> Graph:
    """What a generator of networkx makes, refused before that where it would not fit."""
    refuse_beyond_memory(what, n, edges)
    try:
        import networkx
    except ImportError:
        raise MissingPart("networkx", f"make {what}", "geometry") from None
    make: Callable[..., Any] = getattr(networkx, maker)
    return from_networkx(make(*args, **more), name=what)


def _at_least(what: str, count: int, least: int, unit: str) -> None:
    if count < least:
        raise InputError(f"{what}: it needs {least} {unit}{'s' * (least > 1)} or more")


def _chance(what: str, p: float) -> None:
    if not (math.isfinite(p) and 0 <= p <= 1):
        raise InputError(f"{what}: p is a chance between 0 and 1, not {p}")
