"""A mesh or network of another package is taken wherever a graph is."""

import inspect
import typing

import numpy as np
import pytest
from scipy import sparse

import meshrep
from meshrep.graphs.graph import GraphLike

nx = pytest.importorskip("networkx")


def network():
    graph = nx.grid_2d_graph(4, 3)
    return nx.relabel_nodes(graph, {node: k for k, node in enumerate(graph)})


def dataset():
    pyvista = pytest.importorskip("pyvista")
    return pyvista.Icosphere(nsub=1)


def trimesh():
    return pytest.importorskip("trimesh").creation.icosahedron()


def meshio():
    mesh = meshrep.graph_from("triangular:4x4")
    return pytest.importorskip("meshio").Mesh(mesh.points, [("triangle", mesh.triangles)])


def matrix():
    return meshrep.graph_from("ring:9").adjacency


KINDS = {"networkx": network, "PyVista": dataset, "trimesh": trimesh, "meshio": meshio,
         "sparse": matrix}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_heat_on_it_is_heat_on_its_graph(kind):
    thing = KINDS[kind]()
    graph = meshrep.Graph.of(thing)
    assert meshrep.Graph.of(graph) is graph
    hot, cold = meshrep.random_split(thing, seed=3)
    one = meshrep.HeatBath(thing, hot, cold)
    other = meshrep.HeatBath(graph, hot, cold)
    assert one.graph.same_as(graph)
    assert meshrep.solve(one, "newton").energy == meshrep.solve(other, "newton").energy
    assert (one + other).value(one.random_start()) == 2 * one.value(one.random_start())


def test_whatever_is_public_and_takes_a_graph_takes_a_network():
    """Every public signature with a graph says so; the functions are called with a network."""
    takers = {}
    for name in meshrep.__all__:
        thing = getattr(meshrep, name)
        if not callable(thing) or name == "Graph":
            continue
        try:
            parameters = inspect.signature(thing).parameters
        except ValueError:  # exceptions have none
            continue
        for parameter in ("graph", "cloud"):
            if parameter in parameters:
                takers[name] = parameters[parameter].annotation
    assert {"HeatBath", "XYGlass", "LowerStar", "mass", "select", "vortices"} <= set(takers)
    assert all("GraphLike" in annotation for annotation in takers.values()), takers
    assert meshrep.Graph in typing.get_args(GraphLike)


def test_functions_of_a_graph_take_a_network():
    net, graph = network(), meshrep.Graph.of(network())
    phi = np.linspace(0, 6, 12)
    assert meshrep.select(net, "degree > 3").tolist() == [4, 7]
    assert meshrep.mass(net).tolist() == [1.0] * 12
    assert np.array_equal(meshrep.local_order(net, phi), meshrep.local_order(graph, phi))
    assert np.array_equal(meshrep.clusters(net, phi, 1.0), meshrep.clusters(graph, phi, 1.0))
    charges = [meshrep.vortices(where, phi).charge for where in (net, graph)]
    assert np.array_equal(*charges)
    smooth = meshrep.simplify(net, np.sin(5 * phi), 0.3).field
    assert np.array_equal(smooth, meshrep.simplify(graph, np.sin(5 * phi), 0.3).field)
    for energy in (meshrep.Kuramoto, meshrep.XYGlass, meshrep.HopfKuramoto, meshrep.LowerStar):
        assert energy(net).value(phi) == energy(graph).value(phi)


def test_a_cloud_may_be_a_dataset():
    pytest.importorskip("gudhi")
    mesh = dataset()
    energy = meshrep.RipsPersistence(mesh)
    assert energy.value(energy.random_start()) == meshrep.RipsPersistence(
        np.asarray(mesh.points, dtype=float)
    ).value(energy.random_start())


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        ("lattice:4x4", r"a str is no graph: write meshrep.graph_from\('lattice:4x4'\)"),
        (np.eye(3), "a ndarray is no graph: write meshrep.from_arrays"),
        (7, "an int is no graph: give a meshrep.Graph, a PyVista"),
        (sparse.csr_array(np.ones((2, 3))), "square and real"),
        (nx.Graph(), "no nodes"),
    ],
)
def test_what_is_no_graph_is_one_sentence(thing, message):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        meshrep.Kuramoto(thing)
    assert "\n" not in str(caught.value)


def test_graphs_are_the_same_by_what_they_hold():
    ring = meshrep.graph_from("ring:9")
    assert ring.same_as(meshrep.graph_from("ring:9"))
    assert not ring.same_as(meshrep.graph_from("ring:10"))
    assert not ring.same_as(ring.with_weights(np.full(9, 2.0)))
    assert not ring.same_as(meshrep.Graph.from_edges(9, ring.edges))
    with pytest.raises(meshrep.InputError, match="share one graph"):
        meshrep.Kuramoto(ring) + meshrep.HeatBath(meshrep.graph_from("ring:10"), [0])
