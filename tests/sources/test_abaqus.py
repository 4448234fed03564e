"""Abaqus input: parts and their instances, every *Node block; and AVS UCD under the same ending."""

import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.sources.files import load
from meshrep.sources.formats import avs

NODES = "*Node\n1, 0., 0., 0.\n2, 1., 0., 0.\n3, 0., 1., 0.\n"
TRIANGLE = "*Element, type=S3\n1, 1, 2, 3\n"


def read(tmp_path, text, name="a.inp"):
    (tmp_path / name).write_text(text)
    return load(tmp_path / name)


def test_parts_are_placed_by_their_instances(tmp_path):
    parts = f'*Part, name=A\n{NODES}{TRIANGLE}*End Part\n*PART, NAME="b c"\n{NODES}{TRIANGLE}'
    assembly = (
        "*End Part\n*Assembly, name=X\n*Instance, name=A-1, part=a\n*End Instance\n"
        '*Instance, name=B-1, part="b c"\n0., 0., 7.\n0, 0, 7, 0, 0, 8, 90\n*End Instance\n'
    )
    graph = read(tmp_path, parts + assembly + "*End Assembly\n")
    assert (graph.n, graph.m, graph.component_count) == (6, 6, 2)
    assert np.allclose(graph.points[3:], [(0, 0, 7), (0, 1, 7), (-1, 0, 7)])
    joined = "*Element, type=SPRINGA, elset=s\n9, A-1.1, b-1.2\n*Tie, name=t\na, b\n*End Assembly\n"
    graph = read(tmp_path, parts + assembly + joined)
    assert (graph.m, graph.component_count) == (7, 1)
    assert graph.repairs == ("not read: *Tie, which tie nodes together",)
    graph = read(tmp_path, parts + "*End Part\n")
    assert "each part taken once" in graph.repairs[0]
    with pytest.raises(InputError, match="places part"):
        read(tmp_path, parts + assembly.replace("part=a", "part=c"))


def test_all_blocks_of_nodes_and_elements(tmp_path):
    text = "** a comment\n*Heading\n a, b\n" + NODES + "*NODE, NSET=more,\n system=C\n4, 2, 90, 1\n"
    text += "*Nset, nset=all\n1, 2\n*Node\n" + "".join(f"{k}, {k}.\n" for k in range(10, 18))
    text += TRIANGLE + "*Element,TYPE=C3D8R\n5, 10, 11, 12,\n 13, 14, 15, 16, 17\n"
    text += "*Element, type=B32\n6, 3, 4, 10\n*Node Output\n*Element Output\n"
    (tmp_path / "quads.txt").write_text("*Element, type=S4\n7, 1, 2, 4, 3\n")
    graph = read(tmp_path, text + "*Include, input=quads.txt\n")
    assert (graph.n, len(graph.cells), graph.component_count) == (12, 4, 1)
    assert np.allclose(graph.points[3], (0, 2, 1))  # given in cylindrical coordinates
    edges = {tuple(edge) for edge in graph.edges.tolist()}
    assert {(2, 3), (3, 4), (1, 3)} <= edges and (2, 4) not in edges


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (NODES + "*Element, type=XYZ9\n1, 1, 2, 3\n", "type XYZ9"),
        (NODES + "*Element, type=S4\n1, 1, 2, 3\n", "after 3 of its 4 nodes"),
        (NODES + "*Element, type=S3\n1, 1, 2, 5\n", "line 6 names node 5"),
        (NODES + "*Ngen\n1, 3, 1\n", r"line 5 makes or moves nodes by \*NGEN"),
        (NODES + "*Include, input=none.txt\n", "not beside it"),
        (NODES.replace("2, 1.", "2, x"), "line 3 should hold numbers"),
        ("*Heading\n", "no nodes"),
        ("\7\0\0", "binary AVS UCD"),
        ("3 1 0 0 0\n1 0 0 0\n2 1 0 0\n3 0 1 0\n1 1 tri 1 2\n", "cut short"),
    ],
)
def test_what_is_refused(tmp_path, text, word):
    with pytest.raises(InputError, match=word):
        read(tmp_path, text)


@pytest.mark.parametrize("name", ["a.inp", "a.avs"])
def test_avs_ucd(tmp_path, name):
    places = ("0 0 1", "0 0 0", "1 0 0", "1 1 0", "0 1 0")
    nodes = "".join(f"{k} {place}\n" for k, place in enumerate(places, 7))
    text = f"# a comment\n5 2 1 4 0\n{nodes}1 1 pyr 7 8 9 10 11\n2 6 tri 7 8 9\n1 1\nmy t, K\n"
    text += "".join(f"{k} {k}.5\n" for k in (8, 7, 9, 10, 11))
    text += "2 1 3\np, Pa\nv, m\n2 1 2 3 4\n1 5 6 7 8\n"
    graph = read(tmp_path, text, name)
    assert (graph.n, graph.m, len(graph.cells)) == (5, 8, 2)
    assert graph.degree.tolist() == [4, 3, 3, 3, 3]  # the apex comes first
    damaged = avs.read_avs(name, text.replace("8 8.5", "1e400 8.5").encode())
    assert damaged.remarks == ("its data not read: they are damaged",)
    raw = avs.read_avs(name, text.encode())
    assert raw.point_data["my t"].tolist() == [7.5, 8.5, 9.5, 10.5, 11.5]
    assert {key: array.tolist() for key, array in raw.cell_data.items()} == {
        "material": [1, 6], "p": [5, 1], "v": [[6, 7, 8], [2, 3, 4]],
    }  # fmt: skip
