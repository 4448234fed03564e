"""Selections by number, by file and by condition, and the two default ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshrep.errors import InputError
from meshrep.graphs.cells import Cells
from meshrep.graphs.graph import Graph
from meshrep.sources.files import load
from meshrep.sources.lattices import cubic, square, tree
from meshrep.sources.selection import baths, ends, random_split, select


@pytest.fixture
def grid():
    """A 10 × 10 lattice, node r*10+c at (c, r, 0)."""
    return square(10, 10)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("x < 3", lambda x, y, d, k: x < 3),
        ("0.5 < x <= 2", lambda x, y, d, k: (x > 0.5) & (x <= 2)),
        ("(x > 5) & (degree == 4)", lambda x, y, d, k: (x > 5) & (d == 4)),
        ("x > 5 and not y > 2 or x == 0", lambda x, y, d, k: ((x > 5) & ~(y > 2)) | (x == 0)),
        ("(x - 4.5)**2 + (y - 4.5)**2 < 4", lambda x, y, d, k: (x - 4.5) ** 2 + (y - 4.5) ** 2 < 4),
        ("~(x < 9) ^ (y < 9)", lambda x, y, d, k: ~(x < 9) ^ (y < 9)),
        ("index % 7 == 0", lambda x, y, d, k: k % 7 == 0),
        ("index // 10 == n / 20", lambda x, y, d, k: k // 10 == 5),
        ("x > mean(x) + 1", lambda x, y, d, k: x > 5.5),
        ("x < xmin + 0.1 * (xmax - xmin)", lambda x, y, d, k: x < 0.9),
        ("hypot(x, y) < 5 - -1", lambda x, y, d, k: np.hypot(x, y) < 6),
        ("abs(x - 5) < 1 | y", None),
        ("component == 0", lambda x, y, d, k: k >= 0),
        ("max(x) == x", lambda x, y, d, k: x == 9),
        ("degree < 4 and xmean > 4", lambda x, y, d, k: d < 4),
        ("sin(pi * x / 2) > 0.5", lambda x, y, d, k: np.sin(np.pi * x / 2) > 0.5),
    ],
)
def test_conditions(grid, text, condition):
    if condition is None:
        with pytest.raises(InputError, match="parentheses"):
            select(grid, text)
        return
    x, y = grid.points[:, 0], grid.points[:, 1]
    wanted = np.flatnonzero(condition(x, y, grid.degree, np.arange(grid.n)))
    found = select(grid, text)
    assert np.array_equal(found, wanted)
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    "text",
    [
        "x.__class__", "__import__('os').system('true')", "x < 'a'", "[k for k in x]", "lambda: x",
        "(y := x) < 2", "x[0] < 1", "z > 9**9**9", "2**x < 3", "x**17 < 3", "x if y else z", "x <",
        "x", "1.5", "open('/etc/hosts') < 1", "sin(x, y) < 1", "sin() < 1", "min(x=1) < 2", "q < 3",
        "x is y", "x in y", "x < 1j", "f'{x}' < 1", "x @ y < 1", "x < 1, y < 2", "{1: 2} < x",
        "not x", "-(x < 1) < 1", "x & y", "*x", "...", "None", "(" * 300 + "x" + ")" * 300,
        "-" * 1500 + "x < 1", "x < 1" + " or x < 1" * 500, "x << 2 < 1", "await x", "x < 1; y",
        "\0", "x<1\n", "x <\n 1 +", "q\n< 3", " ", "",
    ],
)  # fmt: skip
def test_what_is_no_condition(grid, text):
    if text == "x<1\n":
        assert len(select(grid, text)) == 10
        return
    with pytest.raises(InputError) as caught:
        select(grid, text)
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="xyzn0189.+-*/<>=&|~() ,_abe", max_size=25))
def test_any_text_selects_or_is_refused(text):
    graph = square(4, 4)
    try:
        nodes = select(graph, text)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert len(nodes)
        assert (np.diff(nodes) > 0).all()
        assert nodes[0] >= 0
        assert nodes[-1] < graph.n


def test_an_empty_selection_tells_the_ranges(grid):
    with pytest.raises(InputError, match=r"selects no node.*x is 0 … 9"):
        select(grid, "x > 100")


def test_lists_and_ranges(grid):
    assert select(grid, "0,5,7-12").tolist() == [0, 5, 7, 8, 9, 10, 11, 12]
    assert select(grid, " 3 - 4 , 3,").tolist() == [3, 4]
    assert select(grid, "5").tolist() == [5]
    for wrong in ("100", "0-100", "7-3", "99999999999999999999999", "0-99999999999"):
        with pytest.raises(InputError):
            select(grid, wrong)


def test_arrays(grid):
    assert select(grid, np.array([4, 2, 2])).tolist() == [2, 4]
    assert select(grid, [1.0, 3.0]).tolist() == [1, 3]
    mask = np.zeros(100, bool)
    mask[7] = True
    assert select(grid, mask).tolist() == [7]
    for wrong in ([0.5], [-1], [100], [], mask[:9], ~mask & mask, ["a"]):
        with pytest.raises(InputError):
            select(grid, np.array(wrong))


def test_files_of_numbers(grid, tmp_path):
    (tmp_path / "hot.txt").write_text("# hot\n0 5, 7-9\n20\n")
    np.save(tmp_path / "hot.npy", np.array([20, 0, 5, 7, 8, 9]))
    for name in ("hot.txt", "hot.npy"):
        for path in (tmp_path / name, str(tmp_path / name)):
            assert select(grid, path).tolist() == [0, 5, 7, 8, 9, 20]
    (tmp_path / "words.txt").write_text("one two")
    (tmp_path / "none.txt").write_text("# nothing")
    (tmp_path / "long.txt").write_text("0-999999999999")
    (tmp_path / "bad.npy").write_bytes(b"nothing")
    for name in ("words.txt", "none.txt", "bad.npy", "missing.txt", "long.txt"):
        with pytest.raises(InputError, match=name):
            select(grid, tmp_path / name)


def test_numbers_are_those_of_the_file(tmp_path):
    text = "v 9 9 9\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 0 0\nv 1 1 0\nf 2 3 4\nf 5 6 4\n"
    (tmp_path / "seam.obj").write_text(text)
    graph = load(tmp_path / "seam.obj")
    assert graph.origin.node_of.tolist() == [-1, 0, 1, 2, 1, 3]
    assert select(graph, "2,4").tolist() == [1]
    assert select(graph, "5").tolist() == [3]
    with pytest.raises(InputError, match="point 0 of seam was dropped"):
        select(graph, "0,1")
    with pytest.raises(InputError, match="no node 6: seam has 0 … 5"):
        select(graph, "6")
    assert select(graph, "index == 3").tolist() == [3]  # a condition counts nodes


def test_numbers_are_the_names_of_a_network(tmp_path):
    (tmp_path / "n.edges").write_text("10 20\n20 30\n")
    graph = load(tmp_path / "n.edges")
    assert select(graph, "30,10").tolist() == [0, 2]
    assert select(graph, "10-25").tolist() == [0, 1] and select(graph, [20.0]).tolist() == [1]
    for wrong in ("11", "0", [0], "11-19", "-1", [0.5], [np.nan], None):
        with pytest.raises(InputError, match="no node of n is called"):
            select(graph, wrong)


NAMES = {
    "numpy integers": ([np.int64(3), np.int64(1), np.int64(2)], "3,2", [0, 2]),
    "texts of digits": (["1", "2", "3"], "1,3", [0, 2]),
    "padded texts": (["001", "002", "010"], "001,010", [0, 2]),
    "words": (["Ann", "Cy Young", "a-b"], "Ann, a-b", [0, 2]),
    "tuples": ([(0, 0), (0, 1), (1, 0)], [(0, 0), (1, 0)], [0, 2]),
    "negative": ([-1, 0, 1], "-1,1", [0, 2]),
}


@pytest.mark.parametrize("kind", NAMES)
def test_nodes_are_called_as_the_network_calls_them(kind, tmp_path):
    labels, some, nodes = NAMES[kind]
    graph = Graph.from_edges(3, [[0, 1], [1, 2]], labels=tuple(labels))
    chosen = [labels[k] for k in nodes]
    for what in (some, chosen, set(chosen), tuple(chosen), iter(chosen)):
        assert select(graph, what).tolist() == nodes
    for k, label in enumerate(labels):
        assert select(graph, [label]).tolist() == [k]
        assert select(graph, str(label)).tolist() == [k]
    if not isinstance(labels[0], tuple):
        assert select(graph, np.array(chosen)).tolist() == nodes
        (tmp_path / "some.txt").write_text("\n".join(map(str, chosen)))
        np.save(tmp_path / "some.npy", np.array(chosen))
        for name in ("some.txt", "some.npy"):
            assert select(graph, tmp_path / name).tolist() == nodes
    assert select(graph, "index == 0").tolist() == [0]
    for wrong in ("nobody", ["nobody"], [7], "7"):
        with pytest.raises(InputError, match="is called"):
            select(graph, wrong)


def test_names_may_be_larger_than_64_bits():
    graph = Graph.from_edges(3, [[0, 1], [1, 2]], labels=(2**63 + 5, 10**30, 2))
    assert select(graph, np.array([2])).tolist() == [2]
    assert select(graph, np.array([2**63 + 5], dtype=np.uint64)).tolist() == [0]
    assert select(graph, [10**30]).tolist() == [1]


def test_a_number_is_the_name_that_it_is_written_as():
    graph = Graph.from_edges(3, [[0, 1], [1, 2]], labels=("1", "2", "3"))
    for what in ([1], [1.0], np.array([1]), np.uint8(1), ["1"], "1"):
        assert select(graph, what).tolist() == [0]
    assert select(graph, "2-9").tolist() == [1, 2]


def test_masks_are_of_nodes_or_of_points(tmp_path):
    text = "v 9 9 9\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 0 0\nv 1 1 0\nf 2 3 4\nf 5 6 4\n"
    (tmp_path / "seam.obj").write_text(text)
    graph = load(tmp_path / "seam.obj")  # 6 points, 4 nodes, 2 cells
    for kind in (bool, np.uint8, float, list):
        points, nodes = [1, 0, 0, 0, 1, 0], [0, 1, 1, 0]
        if kind is not list:
            points, nodes = np.array(points, dtype=kind), np.array(nodes, dtype=kind)
        assert select(graph, points).tolist() == [1]  # point 0 is no node
        assert select(graph, nodes).tolist() == [1, 2]
    assert select(graph, [True, False]).tolist() == [0, 1, 2]  # the nodes of the first cell
    np.save(tmp_path / "mask.npy", np.array([0, 1, 1, 0]))
    assert select(graph, tmp_path / "mask.npy").tolist() == [1, 2]
    for wrong, said in (
        ([1, 0, 0, 0, 0, 0], "selects no node"),
        ([0, 1, 1], r"one value a node \(4\), or one a point \(6\), or one a cell \(2\)"),
        ([0, 9, 9, 0], "compare them, as in values > 0"),
        ([True, 3], "mixes true and false"),
        ({0: True}, "give a list or a mask"),
    ):
        with pytest.raises(InputError, match=said):
            select(graph, wrong)


def test_ranges_in_a_file_cost_no_more_than_the_graph(tmp_path):
    (tmp_path / "many.txt").write_text("0-99999\n" * 50_000)
    (tmp_path / "far.txt").write_text("0-999999990\n")
    assert len(select(square(1000, 100), tmp_path / "many.txt")) == 100_000
    with pytest.raises(InputError, match="no node 999999990"):
        select(square(1000, 100), tmp_path / "far.txt")


def test_pandas_says_by_its_index_which_nodes_are_chosen(grid):
    pandas = pytest.importorskip("pandas")
    assert select(grid, pandas.Index([4, 2])).tolist() == [2, 4]
    mask = pandas.Series([True, False, True], index=[30, 10, 20])
    assert select(grid, mask).tolist() == [20, 30]
    names = Graph.from_edges(3, [[0, 1], [1, 2]], labels=("a", "b", "c"))
    assert select(names, pandas.Series([True, True, False], index=["c", "a", "b"])).tolist() == [
        0,
        2,
    ]
    for wrong in (pandas.date_range("2020", periods=3), [1j, 2j], [True, 3, False]):
        with pytest.raises(InputError):
            select(grid, pandas.Series(wrong))


@pytest.mark.parametrize("ending", [".vtp", ".vtu", ".vtk", ""])
def test_conditions_over_arrays_of_the_input(ending, tmp_path):
    pv = pytest.importorskip("pyvista")
    strip = pv.Plane(i_resolution=3, j_resolution=1)  # x = -0.5 … 0.5, three cells in a row
    strip.clear_data()
    strip.cell_data["MaterialIds"] = [1, 2, 3]
    strip.point_data["my T"], strip.point_data["x"] = strip.points[:, 0], np.arange(8)
    strip.point_data["both"] = np.stack([np.arange(8.0)] * 2, axis=1)
    if ending:
        mesh = strip.cast_to_unstructured_grid() if ending == ".vtu" else strip
        mesh.save(tmp_path / f"strip{ending}")
        graph = load(tmp_path / f"strip{ending}")
    else:
        graph = Graph.of(strip)
    for text, nodes in {
        "MaterialIds == 3": [2, 3, 6, 7],
        "(MaterialIds == 3) & (x > 0.4)": [3, 7],
        "MaterialIds != 1": [1, 2, 3, 5, 6, 7],
        "'my T' > 0.4": [3, 7],
        "x > 0.4": [3, 7],
        "'x' > 6 or MaterialIds < 2": [0, 1, 4, 5, 7],
        "index == 0": [0],
    }.items():
        assert select(graph, text).tolist() == nodes
    for text, said in (
        ("MaterialIds > 3", "selects no node of .*: MaterialIds is 1 … 3"),
        ("material == 1", "there is no 'material': the names are x .*'my T'.* MaterialIds"),
        ("both > 1", "'both' has 2 numbers"),
        ("'nothing' > 1", "there is no 'nothing'"),
    ):
        with pytest.raises(InputError, match=said):
            select(graph, text)


def test_small_integers_do_not_wrap():
    pv = pytest.importorskip("pyvista")
    strip = pv.Plane(i_resolution=3, j_resolution=1)
    strip["up"], strip["down"] = np.arange(8, dtype=np.uint8), np.arange(8, dtype=np.uint8)[::-1]
    assert select(strip, "up - down > 0").tolist() == [4, 5, 6, 7]
    assert select(strip, "-up < -5").tolist() == [6, 7]
    assert select(strip, "up * 99 * down < 0.5").tolist() == [0, 7]


def test_an_array_of_points_reaches_the_node_that_they_share():
    pv = pytest.importorskip("pyvista")
    tube = pv.Cylinder(resolution=6)  # its rims are there twice
    tube["number"] = np.arange(tube.n_points)
    tube.cell_data["part"] = np.arange(tube.n_cells)
    graph = Graph.of(tube)
    for k in range(tube.n_points):
        assert select(graph, f"number == {k}").tolist() == [graph.origin.node_of[k]]
    for k in range(tube.n_cells):
        corners = graph.origin.node_of[tube.get_cell(k).point_ids]
        assert select(graph, f"part == {k}").tolist() == sorted(corners)
    blocks = pv.MultiBlock([tube, tube.translate((5, 0, 0))])
    assert len(select(blocks, "part == 0")) == 8


def test_conditions_on_a_graph_without_points():
    graph = tree(2, 3)
    assert select(graph, "degree == 1").tolist() == list(range(7, 15))
    with pytest.raises(InputError, match="the names are degree index component n"):
        select(graph, "x < 1")


def test_ends_of_the_longest_axis():
    low, high = ends(cubic(21, 3, 3), share=0.1)
    assert low.tolist() == list(range(27))
    assert high.tolist() == list(range(21 * 9 - 27, 21 * 9))
    for share in (0.01, 0.49):
        low, high = ends(square(7, 30), share)
        assert len(low)
        assert len(high)
        assert not set(low) & set(high)


def test_ends_that_are_not():
    with pytest.raises(InputError, match="random"):
        ends(tree(2, 3))
    point = Graph.from_edges(2, [[0, 1]], points=np.zeros((2, 3)), cells=Cells.none())
    with pytest.raises(InputError, match="coincide"):
        ends(point)
    for share in (0, 0.5, -1, 2, float("nan")):
        with pytest.raises(InputError):
            ends(square(5, 5), share)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.floats(0.01, 0.5), st.integers(0, 5))
def test_random_split_is_disjoint(size, share, seed):
    graph = square(size, 5)
    hot, cold = random_split(graph, share, seed)
    assert len(hot) == len(cold) == max(1, int(share * graph.n))
    assert not set(hot) & set(cold)
    again = random_split(graph, share, seed)
    assert np.array_equal(hot, again[0])
    assert np.array_equal(cold, again[1])


def test_random_split_refusals():
    with pytest.raises(InputError):
        random_split(square(5, 5), 0.6)
    with pytest.raises(InputError):
        random_split(square(1, 1))


def test_baths_are_the_selections_the_ends_or_random_nodes(grid):
    hot, cold, notes = baths(grid, "random", hot="3", cold="x < 1")
    assert hot.tolist() == [3] and np.array_equal(cold, select(grid, "x < 1")) and notes == []
    hot, cold, _ = baths(grid, cold=[7])
    assert hot.tolist() == [] and cold.tolist() == [7]
    low, high = ends(grid, 0.2)
    hot, cold, _ = baths(grid, share=0.2)
    assert np.array_equal(hot, high) and np.array_equal(cold, low)
    hot, cold, _ = baths(grid, "random", share=0.2, seed=3)
    drawn = random_split(grid, 0.2, 3)
    assert np.array_equal(hot, drawn[0]) and np.array_equal(cold, drawn[1])


def test_baths_of_a_graph_without_coordinates_are_random_with_a_note(grid):
    bare = Graph.from_edges(grid.n, grid.edges)
    hot, cold, notes = baths(bare, "ends", seed=2)
    drawn = random_split(bare, seed=2)
    assert np.array_equal(hot, drawn[0]) and np.array_equal(cold, drawn[1])
    assert len(notes) == 1 and "no coordinates" in notes[0]
    assert baths(bare, "random")[2] == []


@pytest.mark.parametrize("bath", ["middle", "dirichlet"])
def test_an_unknown_place_of_baths_is_refused(grid, bath):
    with pytest.raises(InputError, match="choose ends or random") as caught:
        baths(grid, bath, hot=[1])
    assert ("kind='dirichlet'" in str(caught.value)) == (bath == "dirichlet")


def test_an_array_of_zeros_and_ones_is_a_condition_by_its_name():
    pv = pytest.importorskip("pyvista")
    strip = pv.Plane(i_resolution=3, j_resolution=1)
    strip.clear_data()
    strip["at inlet"] = (np.arange(8) < 2).astype(float)
    strip["wet"] = np.arange(8) > 5
    strip.cell_data["last"] = [0, 0, 1]
    for text, nodes in {
        "at inlet": [0, 1], "wet": [6, 7], "wet | 'at inlet'": [0, 1, 6, 7], "wet < 1": [*range(6)],
        "last": [2, 3, 6, 7], "not last": [0, 1, 2, 4, 5, 6],
    }.items():  # fmt: skip
        assert select(strip, text).tolist() == nodes
    with pytest.raises(InputError, match="'index' is a number, not a condition"):
        select(strip, "index")
