"""Networks and tables that networkx, pandas, SciPy and NumPy write: the graph is the known one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from corpus.peers import Counts, of_network
from read_corpus import alike, ours
from scipy import io, sparse

from meshrep.sources.files import load

nx = pytest.importorskip("networkx")


def _apart() -> nx.Graph:
    """Two triangles with weights, a pair, and names with blanks and letters beyond ASCII."""
    network = nx.Graph()
    weights = (0.5, 2.0, 1.25, 3.0, 0.25, 8.0, 1.5)
    names = ["Ann Lee", "Bo", "Zoë", "d", "e", "f", "g", "h"]
    pairs = ((0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (6, 7))
    for (i, j), weight in zip(pairs, weights, strict=True):
        network.add_edge(names[i], names[j], weight=weight)
    return network


def _directed() -> nx.DiGraph:
    """One pair in both directions, whose weights 1 and 3 count as 2; another in one."""
    network = nx.DiGraph()
    network.add_weighted_edges_from([("a", "b", 1.0), ("b", "a", 3.0), ("b", "c", 5.0)])
    return network


def _parallel() -> nx.MultiGraph:
    """Two edges between the same nodes, whose weights add up."""
    network = nx.MultiGraph()
    network.add_weighted_edges_from([("a", "b", 1.0), ("a", "b", 3.0), ("b", "c", 5.0)])
    return network


def _alone() -> nx.Graph:
    """A node without edges, which lists of edges cannot hold."""
    network = nx.path_graph(4)
    network.add_node(4)
    return network


NETWORKS: dict[str, tuple[Callable[[], nx.Graph], Counts]] = {
    "karate": (nx.karate_club_graph, Counts(34, 78, 1, 231.0)),
    "miserables": (nx.les_miserables_graph, Counts(77, 254, 1, 820.0)),
    "davis": (nx.davis_southern_women_graph, Counts(32, 89, 1, 89.0)),
    "apart": (_apart, Counts(8, 7, 3, 16.5)),
    "directed": (_directed, Counts(3, 2, 1, 7.0)),
    "parallel": (_parallel, Counts(3, 2, 1, 9.0)),
    "alone": (_alone, Counts(5, 3, 2, 3.0)),
}  # fmt: skip
_ANY = tuple(name for name in NETWORKS if name != "davis")  # which keeps lists, not for GraphML
_OF_EDGES = ("karate", "miserables", "davis", "apart")


def matrix_of(network: nx.Graph) -> sparse.coo_array:
    return sparse.coo_array(nx.to_scipy_sparse_array(network, dtype=float, format="coo"))


def _table(**options) -> Callable[[nx.Graph, Path], None]:
    def write(network: nx.Graph, path: Path) -> None:
        pytest.importorskip("pandas")
        nx.to_pandas_edgelist(network).to_csv(path, **options)

    return write


WRITERS: dict[str, tuple[str, tuple[str, ...], Callable[[nx.Graph, Path], object]]] = {
    "graphml": (".graphml", _ANY, nx.write_graphml),
    "graphml-plain": (".graphml", _ANY, nx.write_graphml_xml),
    "gexf": (".gexf", ("karate", "miserables", "davis", "apart", "directed", "alone"),
             nx.write_gexf),
    "gml": (".gml", tuple(NETWORKS), nx.write_gml),
    "weighted-edgelist": (".edgelist", ("karate", "miserables"), nx.write_weighted_edgelist),
    "edgelist-of-dictionaries": (".edgelist", ("karate", "miserables"), nx.write_edgelist),
    "edgelist-tabs": (".edgelist", _OF_EDGES,
                      lambda network, path: nx.write_weighted_edgelist(
                          network, path, delimiter="\t")),
    "pandas": (".csv", _OF_EDGES, _table(index=False)),
    "pandas-index": (".csv", _OF_EDGES, _table()),
    "pandas-semicolons": (".csv", _OF_EDGES, _table(index=False, sep=";", decimal=",")),
    "pandas-tabs": (".tsv", _OF_EDGES, _table(index=False, sep="\t")),
    "pandas-quoted": (".csv", _OF_EDGES, _table(index=False, quoting=2)),
    "mtx": (".mtx", tuple(NETWORKS), lambda network, path: io.mmwrite(path, matrix_of(network))),
    "mtx-general": (".mtx", ("karate", "directed"), lambda network, path: io.mmwrite(
        path, matrix_of(network), symmetry="general")),
    "mtx-dense": (".mtx", ("karate",), lambda network, path: io.mmwrite(
        path, matrix_of(network).toarray())),
    **{
        f"npz-{form}": (".npz", tuple(NETWORKS), lambda network, path, form=form: sparse.save_npz(
            path, matrix_of(network).asformat(form)))
        for form in ("csr", "csc", "coo")
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("writer", "name"),
    [
        pytest.param(writer, name, marks=[] if name in ("karate", "apart") else pytest.mark.slow)
        for writer, (_, names, _) in WRITERS.items()
        for name in names
    ],
)
def test_networks(writer, name, tmp_path):
    ending, _, write = WRITERS[writer]
    make, counts = NETWORKS[name]
    network = make()
    assert alike(of_network(network), counts)
    path = tmp_path / f"network{ending}"
    write(network, path)
    own = ours(path)
    assert "counts" in own, own
    assert alike(own["counts"], counts), own


@pytest.mark.parametrize("writer", ["graphml", "gexf", "gml", "edgelist-tabs", "pandas"])
def test_names(writer, tmp_path):
    """Each edge joins the nodes of its names, with its weight."""
    ending, _, write = WRITERS[writer]
    path = tmp_path / f"network{ending}"
    network = _apart()
    write(network, path)
    graph = load(path)
    found = {
        frozenset((graph.labels[i], graph.labels[j])): weight
        for (i, j), weight in zip(graph.edges, graph.weights, strict=True)
    }
    assert found == {frozenset((u, v)): w for u, v, w in network.edges(data="weight")}


POINTS = np.array([[0.5, 1, -2], [3, 4.25, 5], [-6, 7, 8.5], [1e-3, 2e5, 9]])


def _frame(order: str = "x y z", **options) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(POINTS, columns=["x", "y", "z"]).assign(T=[1.0, 2.0, 3.0, 4.0])
        frame[order.split()].to_csv(path, **options)

    return write


TABLES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "pandas": (".csv", _frame(index=False)),
    "pandas-index": (".csv", _frame()),
    "pandas-more": (".csv", _frame("T z x y", index=False)),
    "pandas-semicolons": (".csv", _frame(index=False, sep=";", decimal=",")),
    "pandas-tabs": (".tsv", _frame("x y z T", index=False, sep="\t")),
    "savetxt": (".txt", lambda path: np.savetxt(path, POINTS)),
    "savetxt-commas": (".csv", lambda path: np.savetxt(path, POINTS, delimiter=",")),
    "savetxt-header": (".csv", lambda path: np.savetxt(path, POINTS, delimiter=",",
                                                       header="x,y,z")),
    "savetxt-xyz": (".xyz", lambda path: np.savetxt(path, POINTS)),
    "npy": (".npy", lambda path: np.save(path, POINTS)),
    "npy-fortran": (".npy", lambda path: np.save(path, np.asfortranarray(POINTS))),
    "npz": (".npz", lambda path: np.savez(path, points=POINTS)),
    "npz-compressed": (".npz", lambda path: np.savez_compressed(path, points=POINTS)),
}  # fmt: skip


@pytest.mark.parametrize("writer", TABLES)
def test_points(writer, tmp_path):
    ending, write = TABLES[writer]
    path = tmp_path / f"points{ending}"
    write(path)
    assert np.array_equal(load(path).points, POINTS)


def test_arrays_with_edges(tmp_path):
    path = tmp_path / "square.npz"
    np.savez(path, points=POINTS, edges=np.array([[0, 1], [1, 2], [2, 3], [3, 0]]))
    assert ours(path)["counts"][:3] == (4, 4, 1)
