"""Tables of numbers read as a whole, which must give what reading row by row gives."""

import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.sources.files import load
from meshrep.sources.formats import tables, text
from meshrep.sources.networks import from_matrix

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
                slowly.setattr(tables, "_plain", lambda *_: None)
                assert repr(quick) == repr(told(path)), path.read_text()


def test_plain_tables_are_not_read_row_by_row(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("row by row")

    edges, weighted, points = (tmp_path / name for name in ("e.edgelist", "w.csv", "p.csv"))
    edges.write_text("# made by hand\n" + "5\t7\n7\t9\n5\t9\n")
    weighted.write_text("source,target,weight\n0,1,0.5\n1,2,2.5\n1,0,1.5\n")
    points.write_text("0.5,0,0\n1,0.5,0\n0,0.5,1\n")
    monkeypatch.setattr(tables, "text_of", refuse)
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
