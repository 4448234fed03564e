"""Edges in memory: lists, arrays, frames, dictionaries, igraph; what is merged or used is told."""

import networkx as nx
import numpy as np
import pytest

import meshrep
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph

FORMS = {
    "triples": [("a", "b", 2.0), ("b", "c", 1.0)],
    "attributes": [("a", "b", {"weight": 2.0}), ("b", "c", {"weight": 1.0})],
    "neighbours": {"a": {"b": 2.0}, "b": {"a": 2.0, "c": 1.0}},
    "view": nx.Graph([("a", "b", {"weight": 2.0}), ("b", "c", {"weight": 1.0})]).edges(data=True),
}


class Igraph:
    """The part of igraph's Graph that is read, on two named and weighted edges."""

    class Sequence(dict):
        def attributes(self):
            return list(self)

    vs = Sequence(name=["a", "b", "c"])
    es = Sequence(weight=[2.0, 1.0])

    def get_edgelist(self):
        return [(0, 1), (1, 2)]

    def vcount(self):
        return 3

    def ecount(self):
        return 2

    def is_directed(self):
        return False


@pytest.mark.parametrize("form", [*FORMS, "igraph", "frame", "unnamed frame"])
def test_every_form_is_one_network(form):
    if "frame" in form:
        pandas = pytest.importorskip("pandas")
        names = ["weight", "target", "source"] if form == "frame" else ["p", "q", "r"]
        rows = [(2.0, "b", "a"), (1.0, "c", "b")]
        rows = rows if form == "frame" else [row[::-1] for row in rows]
        edges = pandas.DataFrame(rows, columns=names)
    else:
        edges = Igraph() if form == "igraph" else FORMS[form]
    graph = Graph.of(edges)
    assert graph.labels == ("a", "b", "c")
    assert graph.edges.tolist() == [[0, 1], [1, 2]] and graph.weights.tolist() == [2.0, 1.0]
    assert [told for told in graph.repairs if "graph.with_weights(1)" in told]
    assert graph.with_weights(1).weights.tolist() == [1.0, 1.0]


def test_arrays_pairs_and_views_have_no_weights():
    view = nx.path_graph(3).edges
    for edges in (np.array([[0, 1], [1, 2]]), [(0, 1), (1, 2)], [[0, 1], [1, 2]], view):
        graph = Graph.of(edges)
        assert (graph.n, graph.m, graph.labels, graph.repairs) == (3, 2, None, ())
    weighted = meshrep.from_edge_list(np.array([[7, 5, 0.5], [9, 7, 0.25]]))
    assert weighted.labels == (5, 7, 9) and weighted.weights.tolist() == [0.5, 0.25]


def test_alone_loops_and_repeats():
    graph = meshrep.from_edge_list([("a", "b"), ("b", "a"), ("b", "b")], nodes=["z", "b", "a"])
    assert graph.labels == ("z", "b", "a") and graph.component_count == 2
    assert graph.repairs == ("1 self-loop dropped", "1 repeated edge merged: the edge weighs 1")
    assert Graph.of({"a": ["b"], "c": []}).labels == ("a", "c", "b")
    assert Graph.of([(0, 1), (1, 2, 3.0)]).repairs[0] == "1 edge without a weight taken to weigh 1"


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([1, 2], "edges are pairs"),
        (["ab", "bc"], "edges are pairs"),
        ([(0.5, 1.5)], "edges are pairs"),
        ([("a", "b", "heavy")], "is no number"),
        ([("a", [])], "edges are pairs"),
        ({"a": "bc"}, "must be a list"),
        ([], "no nodes"),
        (np.array([[0.0, 1.0, 2.0]]), "from_edge_list"),
        (np.eye(4), "from_matrix"),
        ([[0, 1, 2], [1, 2, 3]], "is no graph"),
    ],
)
def test_what_is_no_list_of_edges_is_refused(edges, message):
    with pytest.raises(InputError, match=message) as caught:
        Graph.of(edges)
    assert "\n" not in str(caught.value)


def test_names_are_kept_to_the_end():
    found = meshrep.solve(meshrep.Kuramoto([("Ann", "Bob"), ("Bob", "Cy")]), "lbfgs")
    assert tuple(found.by_label()) == ("Ann", "Bob", "Cy")
    assert meshrep.select(found.problem.graph, ["Bob"]).tolist() == [1]


def test_directed_edges_and_weights_that_differ_by_direction():
    table = {"a": {"b": 2.0}, "b": {"a": 3.0}}
    with pytest.raises(InputError, match="different weights of their edge"):
        Graph.of(table)
    graph = meshrep.from_edge_list(table, directed=True)
    np.testing.assert_array_equal(graph.arrows.toarray(), [[0, 3], [2, 0]])
    array = meshrep.from_edge_list(np.array([[0, 1], [1, 2]]), directed=True)
    np.testing.assert_array_equal(array.arrows.toarray(), [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    with pytest.raises(InputError, match="give it to meshrep"):
        meshrep.Kuramoto([("a", "b")], directed=True)


def test_columns_of_a_frame_that_are_not_taken_are_told():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"from": ["a", "b"], "to": ["b", "c"], "strength": [1.0, 2.0]})
    assert Graph.of(frame).repairs == (
        "edges weigh 1: no column is called weight ('strength' not used)",
    )
    frame.loc[1, "to"] = None
    with pytest.raises(InputError, match="no end in the column 'to'"):
        Graph.of(frame)
