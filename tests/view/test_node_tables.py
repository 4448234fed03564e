"""Values by the names of the nodes, in memory and in files."""

import json

import numpy as np
import pytest

import meshrep
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph

NAMES = ("Ann", "Bob", "Cy Young")


@pytest.fixture
def energy():
    """Oscillators on a path of three named nodes, of which the middle one is slow."""
    graph = Graph.from_edges(3, [[0, 1], [1, 2]], np.array([2.0, 3.0]), labels=NAMES)
    return meshrep.Kuramoto(graph, omega=[1.0, -2.0, 1.0])


def test_a_trajectory_by_names_in_every_file(energy, tmp_path, figures):
    way = meshrep.integrate(energy, 2.0, frames=4)
    assert tuple(way.by_label()) == NAMES
    assert list(way.by_label().values()) == energy.readable(way.fields[-1]).tolist()
    assert len(repr(way)) < 200 and "5 frames of 3 nodes" in repr(way)
    lines = way.save(tmp_path / "way.csv").read_text().splitlines()
    assert lines[0] == "time,energy,rho,Ann,Bob,Cy Young" and len(lines) == 6
    assert [float(word) for word in lines[-1].split(",")[3:]] == way.fields[-1].tolist()
    assert (
        json.loads(way.save(tmp_path / "way.json").read_text())["Bob"] == way.fields[:, 1].tolist()
    )
    arrays = np.load(way.save(tmp_path / "way.npz"))
    assert np.array_equal(arrays["fields"], way.fields) and tuple(arrays["names"]) == NAMES
    with pytest.raises(InputError, match="frames can be written to"):
        way.save(tmp_path / "way.xls")
    assert way.plot(tmp_path / "way.png").exists()
    labels = [axes.get_ylabel() for axes in figures[-1].axes]
    assert labels == ["energy", "order parameter ρ", "mean frequency Ω", ""]


def test_a_solution_by_names_in_every_file(energy, tmp_path):
    pytest.importorskip("networkx")
    found = meshrep.solve(meshrep.Kuramoto(energy.graph), "lbfgs")
    by_name = {name: {"phase": value} for name, value in found.by_label().items()}
    assert json.loads(found.save(tmp_path / "a.json").read_text()) == by_name
    lines = found.save(tmp_path / "a.csv").read_text().splitlines()
    assert [line.rsplit(",", 1)[0] for line in lines] == ["node", *NAMES]
    again = meshrep.load(found.save(tmp_path / "a.graphml"))
    assert again.labels == NAMES and again.weights.tolist() == [2.0, 3.0]


def test_names_that_do_not_tell_nodes_apart_are_refused():
    graph = Graph.from_edges(2, [[0, 1]], labels=("a", "a"))
    with pytest.raises(InputError, match="two nodes have one name"):
        graph.by_label([1, 2])
    with pytest.raises(InputError, match="values of shape"):
        graph.by_label([1, 2, 3])
    assert Graph.from_edges(2, [[0, 1]]).by_label([1.5, 2.5]) == {0: 1.5, 1: 2.5}


def test_odd_names_stay_apart_in_every_file(tmp_path):
    networkx = pytest.importorskip("networkx")
    network = [(1, "1"), ("1", ("a", 2)), (("a", 2), "time"), ("time", None)]
    energy = meshrep.Kuramoto(network, omega=[0.0, 1, 2, 3, 4])
    with pytest.raises(InputError, match="a node is called None"):
        meshrep.to_networkx(energy.graph)
    path = meshrep.integrate(energy, 1.0, frames=2)
    words = ["1", "'1'", "('a', 2)", "time", "None"]
    lines = path.save(tmp_path / "way.csv").read_text().splitlines()
    assert lines[0] == "time,energy,rho,1,'1',\"('a', 2)\",'time',None"
    assert np.load(path.save(tmp_path / "way.npz"))["names"].tolist() == words
    found = meshrep.solve(meshrep.Kuramoto(network), "lbfgs")
    rows = found.save(tmp_path / "field.csv").read_text().splitlines()
    assert len(rows) == 6
    assert list(json.loads(found.save(tmp_path / "field.json").read_text())) == words
    assert list(networkx.read_graphml(found.save(tmp_path / "field.graphml"))) == words


def test_a_directed_network_is_saved_as_one(tmp_path):
    networkx = pytest.importorskip("networkx")
    graph = meshrep.from_edge_list([("a", "b", 2.0), ("b", "c", 1.0)], directed=True)
    found = meshrep.solve(meshrep.Kuramoto(graph, directed=False), "lbfgs")
    back = networkx.read_graphml(found.save(tmp_path / "web.graphml"))
    assert back.is_directed() and sorted(back.edges) == [("a", "b"), ("b", "c")]


def test_phases_by_name_are_without_full_turns():
    energy = meshrep.Kuramoto([("a", "b")], 0.0, omega={"a": -1.0, "b": 5.0})
    named = meshrep.integrate(energy, 10.0, start={"b": 0.25, "a": -1e-18}).by_label()
    assert named["a"] == pytest.approx(-10 + 4 * np.pi)
    assert named["b"] == pytest.approx(50.25 - 14 * np.pi)
    assert energy.readable(np.array([-1e-18, 7.0])).tolist() == [0.0, 7.0 - 2 * np.pi]
