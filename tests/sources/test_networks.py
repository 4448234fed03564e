"""Networks in and out, by networkx, tables and matrices."""

import numpy as np
import pytest
from scipy import sparse
from scipy.io import mmwrite

from meshrep.errors import InputError
from meshrep.sources.files import load
from meshrep.sources.networks import ALONG_ARROWS, from_matrix, from_networkx
from meshrep.view.as_networkx import to_networkx

nx = pytest.importorskip("networkx")


def same(graph, network):
    """Whether a graph has the nodes, edges and weights of a networkx graph, by name."""
    names = list(range(graph.n)) if graph.labels is None else graph.labels
    found = {
        frozenset((str(names[i]), str(names[j]))): w
        for (i, j), w in zip(graph.edges.tolist(), graph.weights.tolist(), strict=True)
    }
    wanted = {
        frozenset((str(u), str(v))): w for u, v, w in network.edges(data="weight", default=1.0)
    }
    return found == wanted and set(map(str, names)) == set(map(str, network))


def weighed(low, high):
    """What is told where weights differ."""
    how = "graph.with_weights(1) or --no-weights makes them all alike"
    return f"edges weigh {low} to {high}: {how}"


@pytest.fixture
def club():
    """Zachary's karate club: 34 nodes, 78 weighted edges."""
    return nx.karate_club_graph()


def test_in_and_out_again(club):
    graph = from_networkx(club)
    assert (graph.n, graph.m, graph.labels) == (34, 78, None)
    assert same(graph, club)
    assert nx.utils.graphs_equal(to_networkx(graph), to_networkx(from_networkx(to_networkx(graph))))


def test_names_of_any_kind_and_places():
    network = nx.Graph()
    network.add_node("b", pos=(0, 1))
    network.add_node((1, 2), pos=(2, 3))
    network.add_edge("b", (1, 2), weight=2.5)
    graph = from_networkx(network)
    assert graph.labels == ("b", (1, 2))
    assert graph.points.tolist() == [[0, 1, 0], [2, 3, 0]]
    back = to_networkx(graph)
    assert back["b"][1, 2]["weight"] == 2.5
    assert back.nodes["b"]["pos"] == (0, 1, 0)


def test_directions_and_parallels():
    directed = nx.DiGraph()
    directed.add_weighted_edges_from([(0, 1, 2.0), (1, 0, 4.0), (1, 2, 5.0), (2, 2, 9.0)])
    graph = from_networkx(directed, path="somewhere")
    assert graph.edges.tolist() == [[0, 1], [1, 2]]
    assert graph.weights.tolist() == [3.0, 5.0]
    assert graph.repairs == (
        "1 self-loop dropped",
        ALONG_ARROWS,
        "1 pair of opposite edges merged, with the mean weight",
        weighed(3, 5),
    )
    several = nx.MultiGraph([(0, 1, {"weight": 2.0}), (0, 1, {"weight": 4.0})])
    assert from_networkx(several).weights.tolist() == [6.0]


def test_refusals():
    for network in (nx.Graph(), nx.Graph([(0, 1, {"weight": "heavy"})])):
        with pytest.raises(InputError):
            from_networkx(network)
    with pytest.raises(InputError, match="NaN"):
        from_networkx(nx.Graph([(0, 1, {"weight": float("nan")})]))
    with pytest.raises(InputError, match="square"):
        from_matrix(np.zeros((2, 3)))
    with pytest.raises(InputError, match="square"):
        from_matrix(np.zeros((2, 2), dtype=complex))
    for wrong in ("abc", [[0, 1], [1]], np.array([[0, "a"], [1, 2]], dtype=object)):
        with pytest.raises(InputError, match="no matrix of numbers"):
            from_matrix(wrong)


@pytest.mark.parametrize("ending", ["graphml", "gexf", "gml"])
def test_files_of_networkx(tmp_path, club, ending):
    path = tmp_path / f"club.{ending}"
    getattr(nx, f"write_{ending}")(club, path)
    graph = load(path)
    assert same(graph, club)
    assert graph.origin.path == str(path)


@pytest.mark.parametrize("ending", ["edgelist", "edges", "txt", "csv", "tsv"])
@pytest.mark.parametrize("header", [True, False])
def test_lists_of_edges(tmp_path, club, ending, header):
    mark = {"csv": ",", "tsv": "\t"}.get(ending, " ")
    lines = [mark.join(("source", "target", "weight"))] if header else ["# edges"]
    lines += [mark.join(map(str, edge)) for edge in club.edges(data="weight")]
    path = tmp_path / f"club.{ending}"
    path.write_text("\n".join(lines))
    assert same(load(path), club)


def test_edges_as_networkx_writes_them(tmp_path, club):
    nx.write_edgelist(club, tmp_path / "club.edgelist")
    assert same(load(tmp_path / "club.edgelist"), club)


def test_names_in_a_list_of_edges(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("who,whom\nAnn,Bob\nBob,Cy Young\n")
    graph = load(path)
    assert graph.labels == ("who", "whom", "Ann", "Bob", "Cy Young")  # no header that is known
    path.write_text("from,to\nAnn,Bob\nBob,Cy Young\n")
    graph = load(path)
    assert graph.labels == ("Ann", "Bob", "Cy Young")
    path.write_text("to,from,w\n7,30,2\n30,5,3\n")
    graph = load(path)
    assert (graph.labels, graph.weights.tolist()) == ((5, 7, 30), [3.0, 2.0])


@pytest.mark.slow
def test_matrices(tmp_path, club):
    matrix = nx.to_scipy_sparse_array(club)
    mmwrite(tmp_path / "club.mtx", matrix)
    mmwrite(tmp_path / "full.mtx", matrix.toarray())
    sparse.save_npz(tmp_path / "club.npz", matrix)
    for name in ("club.mtx", "full.mtx", "club.npz"):
        assert same(load(tmp_path / name), club)
    with pytest.raises(InputError, match="its own edges"):
        load(tmp_path / "club.mtx", neighbours=3)


def test_a_table_of_three_columns_is_told_apart(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("0.5,1,2\n1,1,2\n2,1,0.5\n")
    assert load(path, radius=10).points is not None
    path.write_text("0,1,2\n1,2,2\n")
    assert load(path).points is None
    assert load(path, neighbours=1).points.tolist() == [[0, 1, 2], [1, 2, 2]]
    path.write_text("t,y,x,z\n9,2,1,3\n9,5,4,6\n")
    assert load(path).points.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_xyz_and_pts_dialects(tmp_path):
    (tmp_path / "w.xyz").write_text("3\nwater\nO 0 0 0\nH 1 0 0\nH 0 1 0\n")
    assert load(tmp_path / "w.xyz").points.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    (tmp_path / "s.pts").write_text("2\n0 0 0 255\n1 2 3 255\n")
    assert load(tmp_path / "s.pts").points.tolist() == [[0, 0, 0], [1, 2, 3]]
    (tmp_path / "s.pts").write_text("9\n0 0 0 255\n1 2 3 255\n")
    with pytest.raises(InputError, match="cut short"):
        load(tmp_path / "s.pts")


def read(path, text):
    """A file's graph."""
    path.write_text(text)
    return load(path)


def test_graphml_has_defaults_groups_and_directions(tmp_path):
    path = tmp_path / "a.graphml"
    graph = read(
        path,
        """<?xml version="1.0"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="d0" for="edge" attr.name="weight" attr.type="double"><default>2.5</default></key>
<graph edgedefault="undirected"><node id="2"/><node id="1"><graph><node id="1::a"/>
<edge source="1::a" target="2"/></graph></node>
<edge source="1" target="2"><data key="d0">4</data></edge></graph></graphml>""",
    )
    assert graph.labels == ("2", "1", "1::a") and graph.called(1) == "'1'"
    assert graph.edges.tolist() == [[0, 1], [0, 2]] and graph.weights.tolist() == [4.0, 2.5]
    directed = path.read_text().replace('source="1"', 'directed="true" source="1"')
    assert ALONG_ARROWS in read(path, directed).repairs
    with pytest.raises(InputError, match="hyperedges"):
        read(path, directed.replace("<edge", "<hyperedge/><edge", 1))


@pytest.mark.parametrize("version", ["http://www.gexf.net/1.3", "http://gexf.net/1.2draft"])
def test_gexf_of_any_version(tmp_path, version):
    graph = read(
        tmp_path / "a.gexf",
        f"""<gexf xmlns="{version}" xmlns:viz="{version}/viz">
<graph defaultedgetype="undirected"><nodes>
<node id="0" label="Hi"><viz:position x="1" y="2" z="0"/></node>
<node id="1" label="Ho"><viz:position x="3" y="2" z="0"/></node></nodes>
<edges><edge id="0" source="0" target="1" weight="3.5"/></edges></graph></gexf>""",
    )
    assert graph.labels == ("0", "1") and graph.weights.tolist() == [3.5]
    assert graph.points.tolist() == [[1, 2, 0], [3, 2, 0]]
    assert graph.repairs == ("nodes are named by their ids, not by their labels",)
    with pytest.raises(InputError, match="two nodes have the id '0'"):
        read(tmp_path / "b.gexf", (tmp_path / "a.gexf").read_text().replace('id="1"', 'id="0"'))


def test_places_that_are_none_are_left_out():
    network = nx.path_graph(3)
    nx.set_node_attributes(network, {"position": 3}, "viz")
    assert from_networkx(network).points is None


def test_edges_of_both_kinds_are_counted_once(tmp_path):
    path = tmp_path / "both.csv"
    path.write_text(
        "source,target,type,weight\na,b,Undirected,1\nb,a,Undirected,2\n"
        "b,c,Directed,2\nc,b,Directed,4\nc,d,Directed,2\n"
    )
    graph = load(path)
    assert graph.weights.tolist() == [3.0, 3.0, 2.0] and graph.repairs[1:] == (
        ALONG_ARROWS,
        "1 pair of opposite edges merged, with the mean weight",
        "1 repeated edge merged: the weights are added up",
        weighed(2, 3),
    )


def test_gml_has_values_and_numbers_of_every_spelling(tmp_path):
    path = tmp_path / "a.gml"
    text = """Creator "by hand"
graph [ directed 0 node [ id 7 label "A &amp; B" ] node [ id 3 label "C" graphics [ x 1 y 2 ] ]
node [ id 5 label "D" ] edge [ source 7 target 3 value 1E3 ]
edge [ source 3 target 5 value 2 ] ]"""
    graph = read(path, text)
    assert graph.labels == ("A & B", "C", "D") and graph.weights.tolist() == [1000.0, 2.0]
    assert graph.repairs == ("weights are the attribute 'value'", weighed(2, 1000))
    assert read(path, text.replace('"C"', '"D"')).labels == (7, 3, 5)
    for wrong, why in ((text[:-1], "cut short"), (text.replace("target 5", "target 9"), "no node")):
        with pytest.raises(InputError, match=why):
            read(path, wrong)


def test_what_is_merged_or_dropped_is_told():
    several = from_networkx(nx.MultiGraph([(0, 1, {"weight": 2.0}), (0, 1, {"weight": 4.0})]))
    assert several.repairs == ("1 repeated edge merged: the weights are added up",)
    some = from_networkx(nx.Graph([(0, 1, {"weight": 2.0}), (1, 2)]))
    assert some.weights.tolist() == [2.0, 1.0]
    assert some.repairs == ("1 edge without a weight taken to weigh 1", weighed(1, 2))
    lengths = from_networkx(nx.DiGraph([(0, 1, {"length": 2.0})]))
    assert lengths.repairs == (
        "edges weigh 1: none of their attributes 'length' is called weight",
        ALONG_ARROWS,
    )
    with pytest.raises(InputError, match="edge 'a'–'b' is no number"):
        from_networkx(nx.Graph([("a", "b", {"weight": "heavy"})]))
    matrix = from_matrix(np.array([[5.0, 2, 1], [4, 0, 0], [0, 0, 0]]))
    assert matrix.weights.tolist() == [3.0, 1.0] and len(matrix.repairs) == 5


def test_the_ends_of_an_edge_of_gml_are_no_attributes(tmp_path):
    path = tmp_path / "a.gml"
    text = "graph [ node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 {} ] ]"
    path.write_text(text.format(""))
    assert load(path).repairs == ()
    path.write_text(text.format("strength 3"))
    assert "none of their attributes 'strength' is" in load(path).repairs[0]


def test_directions_go_out_and_come_in_again():
    nx = pytest.importorskip("networkx")
    web = nx.DiGraph()
    web.add_weighted_edges_from(
        [("grass", "hare", 2.0), ("hare", "fox", 1.0), ("fox", "hare", 3.0)]
    )
    graph = from_networkx(web)
    back = to_networkx(graph)
    assert back.is_directed() and nx.utils.graphs_equal(
        back, to_networkx(from_networkx(back, name=graph.name))
    )
    assert dict(back.edges) == dict(web.edges)


def test_a_table_of_edges_may_be_directed(tmp_path):
    path = tmp_path / "web.csv"
    path.write_text("source,target,weight\ngrass,hare,2\nhare,fox,1\n")
    assert load(path).arrows is None
    graph = load(path, directed=True)
    acts = graph.arrows.toarray()  # row i lists what acts on i
    assert graph.labels == ("grass", "hare", "fox")
    np.testing.assert_array_equal(acts, [[0, 0, 0], [2, 0, 0], [0, 1, 0]])
    dense = tmp_path / "web.txt"
    dense.write_text("0 1 0 0\n1 0 1 0\n0 1 0 1\n0 0 1 0\n")
    with pytest.raises(InputError, match="a matrix says by itself"):
        load(dense, directed=True)
    gml = tmp_path / "web.gml"
    gml.write_text("graph [ node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 ] ]")
    with pytest.raises(InputError, match="its format says"):
        load(gml, directed=True)
    with pytest.raises(InputError, match="no table of edges"):
        load("bunny.ply", directed=True)
