"""The command line's names of graphs."""

import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.sources.spec import KNOWN, graph_from


@pytest.mark.parametrize(
    ("text", "n", "m"),
    [
        ("lattice:50x50", 2500, 4900),
        ("lattice:20x20x20", 8000, 3 * 20 * 20 * 19),
        ("lattice:50x50:periodic", 2500, 5000),
        ("lattice:5X6:periodic=no", 30, 49),
        ("triangular:75x75", 2926, 8550),
        ("ring:625", 625, 625),
        ("tree:2^9", 1023, 1022),
        ("sbm:10x250", 2500, None),
        ("sbm:4x5:p_in=1:p_out=0", 20, 40),
        ("rgg:2500", 2500, None),
        ("rgg:50:radius=2", 50, 1225),
        ("rgg:50:radius=2:dim=3", 50, 1225),
        ("rgg:500:degree=4", 500, None),
        ("er:2500:degree=6", 2500, None),
        ("cloud:300", 300, None),
        ("cloud:30:dim=3:neighbours=29", 30, 435),
        ("cloud:30:radius=9", 30, 435),
        ("complete:30", 30, 435),
        ("nodes:7", 7, 0),
        ("star:6", 7, 6),
        ("cycle:5", 5, 5),
        ("barabasi-albert:50,2", 50, 96),
        ("watts-strogatz:50, 4, 0.3", 50, 100),
        ("watts-strogatz:50,4:p=0", 50, 100),
        ("regular:10,3", 10, 15),
        ("erdos-renyi:20,1", 20, 190),
        ("karate", 34, 78),
        ("les-miserables", 77, 254),
    ],
)
def test_known_names(text, n, m):
    graph = graph_from(text)
    assert graph.n == n
    assert m is None or graph.m == m


def test_every_example_is_built_and_repeats_by_seed():
    for text in KNOWN:
        assert np.array_equal(graph_from(text, seed=1).edges, graph_from(text, seed=1).edges)
    random = ("sbm:10x250", "rgg:2500", "er:2500", "cloud:300", "barabasi-albert:100,3",
              "watts-strogatz:100,4,0.1", "regular:100,3", "erdos-renyi:100,0.1")  # fmt: skip
    for text in random:
        assert not np.array_equal(graph_from(text, seed=1).edges, graph_from(text, seed=2).edges)


def test_anything_else_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "t.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    assert graph_from(tmp_path / "t.obj").n == 3
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ring:5.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    assert graph_from("ring:5.obj").n == 3  # a file that is there comes first
    np.save("p.npy", np.eye(3))
    assert graph_from("p.npy", radius=2.0).m == 3
    assert graph_from("cloud:30", neighbours=29).m == 435
    assert graph_from("cloud:30:neighbors=29").m == graph_from("cloud:30", neighbors=29).m == 435


@pytest.mark.parametrize(
    "text",
    [
        "lattice:50", "lattice:0x5", "lattice:5x5x5x5", "lattice:axb", "lattice:", "lattice",
        "lattice:-5x5", "lattice:5x5:foo", "lattice:5x5:periodic=maybe", "lattice:2x2:periodic",
        "lattice:99999999x99999999", "lattice:99999999999999999999999x2", "ring:1e3", "ring:2",
        "tree:2x9", "tree:2^900", "tree:0^4", "sbm:10x250:p_in=2", "sbm:10x250:p_in",
        "er:10:degree=99", "er:9999999999", "rgg:100:radius=0", "rgg:100:radius=nan",
        "rgg:100:dim=7",
        "cloud:99999999999", "cloud:5:neighbours=2:radius=1", "foo:3", "nothing", "", "a\nb:3",
        "x" * 5000, "x" * 5000 + ":1", "ring:٣",
        "complete", "complete:0", "nodes:0", "star:0", "cycle:2", "barabasi-albert:50",
        "barabasi-albert:3,3", "barabasi-albert:9999999999,3", "watts-strogatz:9,1,0.1",
        "watts-strogatz:9,4,2", "watts-strogatz:9,4,x", "watts-strogatz:9,4,0.1,7", "regular:5,3",
        "erdos-renyi:10,-1",
    ],
)  # fmt: skip
def test_names_that_are_not(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        graph_from(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_the_unknown_is_told_what_is_known():
    with pytest.raises(InputError) as caught:
        graph_from("mesh:50x50")
    assert all(example in str(caught.value) for example in KNOWN)


@pytest.mark.parametrize("spec", ["tree:1000000^64", "lattice:" + "9" * 320 + "x2"])
def test_a_size_beyond_every_float_is_refused(spec):
    with pytest.raises(InputError, match=r"more than 1e300 nodes|beyond any computer"):
        graph_from(spec)


def test_a_radius_beyond_the_square_connects_all_points():
    assert graph_from("rgg:10", radius=1e300).m == 45


def test_a_complete_graph_beyond_memory_says_what_to_take():
    with pytest.raises(InputError, match="write nodes:10000000 and the coupling mean-field"):
        graph_from("complete:10000000")
    assert graph_from("nodes:100000").n == 100_000
