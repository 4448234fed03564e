"""A graph as networkx has it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from meshrep.errors import InputError, MissingPart
from meshrep.graphs.graph import Graph, GraphLike


def to_networkx(graph: GraphLike) -> Any:
    """The networkx graph of a graph.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        Its labels become the nodes, its weights "weight" of the edges, its points "pos" of the
        nodes.

    Returns
    -------
    networkx.Graph, or networkx.DiGraph where the graph has directions
        An edge u → v says that u acts on v.

    Raises
    ------
    InputError
        Where a node is called None.
    MissingPart
        Where networkx is not installed.
    """
    graph = Graph.of(graph)
    if graph.labels is not None and None in graph.labels:
        raise InputError(f"{graph.name}: a node is called None, which networkx does not take")
    network = with_names(graph, graph.names)
    if graph.points is not None:
        for node, place in zip(graph.names, graph.points.tolist(), strict=True):
            network.nodes[node]["pos"] = tuple(place)
    return network


def with_names(graph: Graph, names: Sequence[Hashable]) -> Any:
    """The networkx graph without places, whose nodes have other names (n,)."""
    try:
        import networkx
    except ImportError:
        raise MissingPart("networkx", "hand over a network", "geometry") from None
    if graph.arrows is None:
        network, (sources, targets), weights = networkx.Graph(), graph.edges.T, graph.weights
    else:
        acting = graph.arrows.tocoo()
        network, (targets, sources), weights = networkx.DiGraph(), acting.coords, acting.data
    network.graph["name"] = graph.name
    network.add_nodes_from(names)
    network.add_weighted_edges_from(
        (names[i], names[j], weight)
        for i, j, weight in zip(sources.tolist(), targets.tolist(), weights.tolist(), strict=True)
    )
    return network
