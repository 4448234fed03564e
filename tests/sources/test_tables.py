"""Tables of numbers read as a whole, which must give what reading row by row gives."""

import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.sources.files import load
from meshrep.sources.formats import text, whole_tables
from meshrep.sources.networks import ALONG_ARROWS, from_matrix

HEADS = ["", "source,target,weight\n", "weight,source,target\n", "# remark\n% more\n", "x y z\n",
         "a b\n", "\ufeff"]  # fmt: skip
BREAKS = ["", "# in between\n", "7\n", "1 2 3 4 5\n", "a b\n", "1,2,\n", "0 1 {'weight': 2}\n"]


def told(path):
    """What a file gives, or why it is refused."""
    try:
        graph = load(path)
    except InputError as error:
        return str(error)
    points = None if graph.points is None else graph.points.tolist()
    return (graph.n, graph.edges.tolist(), graph.weights.tolist(), points, graph.labels,
            graph.repairs)  # fmt: skip


def words(kind, column, draw):
    number = int(draw.integers(0, 8))
    return {
        "whole": str(number),
        "weighted": str(number) if column < 2 else f"{draw.random():.17g}",
        "points": f"{draw.standard_normal():.17g}",
        "signed": f"{number - 2:+d}" if draw.random() < 0.3 else str(number),
        "one.0": f"{number}.0",
        "names": "abcdefgh"[number],
        "long": str(10**18 + number),
    }[kind]


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["whole", "weighted", "points", "signed", "one.0", "names", "long"]
)
@pytest.mark.parametrize("mark", [" ", ",", "\t", "; "])
def test_a_table_read_whole_is_the_one_read_row_by_row(tmp_path, monkeypatch, kind, mark):
    draw = np.random.default_rng(0)
    for number, head in enumerate(HEADS):
        for ending in (".csv", ".txt", ".edgelist", ".xyz"):
            columns = int(draw.integers(2, 5))
            rows = [mark.join(words(kind, c, draw) for c in range(columns)) for _ in range(8)]
            odd = BREAKS[int(draw.integers(0, 2 * len(BREAKS))) % len(BREAKS)]
            path = tmp_path / f"t{number}{ending}"
            path.write_text(head + "\n".join(rows[:5]) + "\n" + odd + "\n".join(rows[5:]))
            quick = told(path)
            with monkeypatch.context() as slowly:
                slowly.setattr(whole_tables, "_plain", lambda *_: None)
                assert repr(quick) == repr(told(path)), path.read_text()


def test_plain_tables_are_not_read_row_by_row(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("row by row")

    edges, weighted, points = (tmp_path / name for name in ("e.edgelist", "w.csv", "p.csv"))
    edges.write_text("# made by hand\n" + "5\t7\n7\t9\n5\t9\n")
    weighted.write_text("source,target,weight\n0,1,0.5\n1,2,2.5\n1,0,1.5\n")
    points.write_text("0.5,0,0\n1,0.5,0\n0,0.5,1\n")
    monkeypatch.setattr(whole_tables, "decoded", refuse)
    assert load(edges).labels == (5, 7, 9) and load(edges).m == 3
    assert load(weighted).weights.tolist() == [2.0, 2.5] and load(weighted).labels is None
    assert load(points).points[0].tolist() == [0.5, 0, 0]


def test_names_far_apart_are_numbered_in_their_order(tmp_path):
    path = tmp_path / "far.edgelist"
    path.write_text("900000000000 3\n3 17\n17 900000000000\n17 17\n")
    graph = load(path)
    assert graph.labels == (3, 17, 900000000000) and graph.edges.tolist() == [
        [0, 1],
        [0, 2],
        [1, 2],
    ]
    assert graph.repairs == ("1 self-loop dropped",)


def test_lists_of_numbers_whole_and_row_by_row(monkeypatch):
    rows, lines = ["3 0 1 2", "3 2 1 3 255 0 0", "3 4 5 6"], [7, 8, 9]
    numbers, sizes = text.lists_of_numbers(rows, lines, "file")
    assert numbers.tolist() == [0, 1, 2, 2, 1, 3, 4, 5, 6] and sizes.tolist() == [3, 3, 3]
    mixed = text.lists_of_numbers([*rows, "4 0 1 2 3"], [*lines, 10], "file")
    assert mixed[0].tolist() == [*numbers, 0, 1, 2, 3] and mixed[1].tolist() == [3, 3, 3, 4]
    for bad in ("3 0 1", "3 0 1 x", "", "0", "3 0 1 2.5", "-1 0"):
        with pytest.raises(InputError, match="line 8"):
            text.lists_of_numbers([rows[0], bad, rows[2]], lines, "file")
    for bad in ("0.5 1", "", "0.5 1 x"):
        with pytest.raises(InputError, match="line 8"):
            text.rows_of_numbers(["0 1 2", bad, "0 1 2"], lines, "file")


def test_a_matrix_counts_each_pair_once_whichever_way_it_stands():
    draw = np.random.default_rng(3)
    dense = np.where(draw.random((40, 40)) < 0.2, draw.integers(-2, 3, (40, 40)), 0.0)
    graph = from_matrix(dense)
    wanted = {}
    for i in range(40):
        for j in range(i):
            there = [w for w in (dense[i, j], dense[j, i]) if w]
            if there:
                wanted[j, i] = sum(there) / len(there)
    found = dict(zip(map(tuple, graph.edges.tolist()), graph.weights.tolist(), strict=True))
    assert found == wanted


POINTS = [[0.1, 0.2, 0.3], [1.1, 0.2, 0.3], [0.1, 1.2, 0.3]]
HALF = "0.1,0.2,0.3\n1.1,0.2,0.3\n0.1,1.2,0.3\n"
COMMA = "0,1;0,2;0,3\n1,1;0,2;0,3\n0,1;1,2;0,3\n"
NUMBERED = "1,0.1,0.2,0.3\n2,1.1,0.2,0.3\n3,0.1,1.2,0.3\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pandas.csv", ",x,y,z\n" + NUMBERED),
        ("pandas_numbers.csv", ",0,1,2\n" + NUMBERED),
        ("header_of_numbers.csv", "0,1,2\n" + HALF),
        ("numbered.csv", NUMBERED),
        ("r.csv", '"","x","y","z"\n' + NUMBERED.replace("1,0.", '"1",0.', 1)),
        ("r.txt", '"x" "y" "z"\n' + NUMBERED.replace(",", " ").replace("1 0.", '"a b" 0.', 1)),
        ("paraview.csv", '"T","Points:0","Points:1","Points:2"\n' + NUMBERED),
        ("any_order.csv", "z,name,x [mm],Y\n0.3,a,0.1,0.2\n0.3,b,1.1,0.2\n0.3,c,0.1,1.2\n"),
        ("europe.csv", "x;y;z\n" + COMMA),
        ("europe.tsv", COMMA.replace(";", "\t")),
        ("europe.txt", COMMA.replace(";", " ")),
        ("excel.csv", "sep=;\r\nx;y;z\r\n" + COMMA.replace("\n", "\r\n")),
        ("utf16.csv", ("x;y;z\n" + COMMA).encode("utf-16")),
        ("bom.csv", b"\xef\xbb\xbf" + HALF.encode()),
        ("return.csv", HALF.replace("\n", "\r")),
        ("ends_in_commas.csv", "x,y,z\n" + HALF.replace("\n", ",\n") + ",,,\n"),
        ("numpy.txt", "# T x y z\n" + NUMBERED.replace(",", " ")),
        ("atoms.xyz", "3\n\nC 0.1 0.2 0.3 -0.5\nH 1.1 0.2 0.3 .2\nH 0.1 1.2 0.3 .2\n"
         "1\n\nC 0 0 0\n"),
        ("numbers.xyz", "3\n5 5 5\n6 0.1 0.2 0.3\n1 1.1 0.2 0.3\n1 0.1 1.2 0.3\n"),
        ("at_once.xyz", "3\n" + HALF.replace(",", "\t")),
        ("extended.xyz", "3\nProperties=species:S:1:q:R:1:pos:R:3\n"
         + HALF.replace("0.1,0.2", "C 9 0.1,0.2").replace("1.1,", "H 9 1.1,")
         .replace("0.1,1.2", "H 9 0.1,1.2").replace(",", " ")),
    ],
)  # fmt: skip
def test_dialects_of_points(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert load(path).points.tolist() == POINTS


ABC = {("a", "b"): 2.0, ("b", "c"): 3.5}


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("gephi.csv", "Source,Target,Type,Id,Label,Weight\na,b,Undirected,0,,2\n"
         "b,c,Undirected,1,,3.5\n", ABC),
        ("europe.csv", "source;target;weight\na;b;2\nb;c;3,5\n", ABC),
        ("r.csv", '"","from","to","w"\n"1","a","b",2\n"2","b","c",3.5\n', ABC),
        ("quotes.csv", 'source,target\n"b, ""c""",a\n', {("b, \"c\"", "a"): 1.0}),
        ("nested.edgelist", "a b {'pos': {'x': 1}, 'weight': 2}\n"
         "b c {'weight': np.float64(3.5), 't': (1, 2)}\n", ABC),
        ("zeros.csv", "source,target,weight\n007,7,2\n7,10,-1\n",
         {("007", "7"): 2.0, ("7", "10"): -1.0}),
        ("latin.csv", "source,target\nM\xfcller,M\xe4ller\n".encode("latin-1"),
         {("M\xfcller", "M\xe4ller"): 1.0}),
        ("utf32.csv", "source,target\nM\xfcller,b\n".encode("utf-32"), {("M\xfcller", "b"): 1.0}),
        ("huge.edgelist", f"{10**30} 1\n1 2\n", {(str(10**30), "1"): 1.0, ("1", "2"): 1.0}),
        ("list.adjlist", "# by networkx\na b\nb c\n", {("a", "b"): 1.0, ("b", "c"): 1.0}),
        ("matrix.csv", ";a;b;c\na;0;2;0\nb;2;0;3,5\nc;0;3,5;0\n", ABC),
        ("snap.txt", "# FromNodeId\tToNodeId\n4\t5\n5\t9\n", {(4, 5): 1.0, (5, 9): 1.0}),
    ],
)  # fmt: skip
def test_dialects_of_edges(tmp_path, name, text, wanted):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    graph = load(path)
    ends = [tuple(graph.labels[k] for k in edge) for edge in graph.edges.tolist()]
    assert dict(zip(ends, graph.weights.tolist(), strict=True)) == wanted


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("cell.csv", "x,y,z\n0.1,0.2,0.3\n1.1,,0.3\n", "line 3: a coordinate is missing in 'y'"),
        ("ragged.csv", "x,y,z\n0.1,0.2,0.3\n1.1,,0.3,7\n", "line 3 has 4 columns where line 1"),
        ("word.csv", "x,y,z\n0.1,0.2,0.3\n\n1.1,oops,0.3\n", "line 4: a coordinate is no number"),
        ("marks.csv", "x;y\n0,1;0,2\n0,1;1.234\n", "line 3: .* decimal comma"),
        ("weight.csv", "u,v,w\na,b,1\nb,c,\nc,a,2\n", "line 3: the weight is missing"),
        ("first.csv", "a,b,\nb,c,1\n", "line 1: the weight is missing"),
        ("first.edgelist", "0 1\n1 2 5\n2 0 7\n", "line 1 has 2 columns where line 2 has 3"),
        ("inf.csv", "u,v,w\na,b,1\nb,c,inf\n", "line 3: the weight is not finite"),
        ("heavy.csv", "u,v,w\na,b,1\nb,c,heavy\n", "line 3: the weight is no number"),
        ("name.csv", "source,target\na,b\n,c\n", "line 3 should name two nodes"),
        ("digit.edgelist", "0 ²\n1 2\n", "line 1 names the node '²'"),
        ("some.edgelist", "0 1 {'weight': 2}\n1 2 {}\n", "line 2 has no weight"),
        ("open.edgelist", "0 1 {}\n1 2 {'weight':\n", "line 2: .* is no dictionary"),
        ("quote.csv", 'source,target\n"a,b\nb,c\n', "quotes of line 2"),
        ("twice.csv", "source,target\na,b\nsource,target\n", "line 3 is the header of line 1"),
        ("atoms.xyz", "3\nc\nO 0 0 0\nH 1 0 0\n", "line 1 claims 3 points, but 2 lines follow"),
        ("atom.xyz", "2\nc\nO 0 0 0\nH 1 x 0\n", "line 4 is no point"),
    ],
)  # fmt: skip
def test_refusals_name_the_line(tmp_path, name, text, line):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=line):
        load(tmp_path / name)


def test_remarks_say_which_columns_were_taken(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Target,Source,distance\na,b,2\nb,a,3\na,a,1\n")
    assert load(path).repairs == (
        "read as a list of edges: source 'Source', target 'Target'",
        "edges weigh 1: no column is called weight ('distance' not used)",
        "1 self-loop dropped",
        "1 repeated edge merged: the edge weighs 1",
    )
    path.write_text("T,Points:0,Points:1\n1,0.5,2\n2,1.5,2\n")
    told = "read as points: x and y are 'Points:0', 'Points:1', of 3 columns"
    assert load(path).repairs[0] == told
    path.write_text("source,target,type,w\n1,2,Directed,1\n2,1,Directed,3\n2,3,Undirected,4\n")
    graph = load(path)
    assert graph.weights.tolist() == [2.0, 4.0] and graph.repairs[1:3] == (
        ALONG_ARROWS, "1 pair of opposite edges merged, with the mean weight"
    )  # fmt: skip
