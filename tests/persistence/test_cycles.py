import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.persistence.cycles import longest_loops, representative_cycles


def polygon(count):
    turns = 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(turns), np.sin(turns)], axis=1)


def lengths_round(points, cycle):
    return np.linalg.norm(points[cycle] - points[np.roll(cycle, -1)], axis=1)


def births_of_h1(points):
    """Birth edges, births and deaths of the Rips filtration, by the reduction of its boundary."""
    n = len(points)
    length = np.linalg.norm(points[:, None] - points[None], axis=2)
    edges = sorted((length[i, j], i, j) for i in range(n) for j in range(i + 1, n))
    place = {(i, j): k for k, (_, i, j) in enumerate(edges)}
    triangles = []
    for i in range(n):
        for j in range(i + 1, n):
            for k in range(j + 1, n):
                sides = {place[i, j], place[j, k], place[i, k]}
                triangles.append((max(sides), sides))
    reduced, found = {}, []
    for last, sides in sorted(triangles, key=lambda triangle: triangle[0]):
        column = set(sides)
        while column and max(column) in reduced:
            column ^= reduced[max(column)]
        if column:
            reduced[max(column)] = column
            if max(column) != last:
                found.append((edges[max(column)], edges[last][0]))
    return [((i, j), birth, death) for (birth, i, j), death in found if death > birth]


@pytest.mark.parametrize("birth", [(0, 1), (5, 0), (3, 2)])
def test_a_hexagon_is_its_own_cycle(birth):
    (cycle,) = representative_cycles(polygon(6), np.array([birth]), np.ones(1))
    assert sorted(cycle) == list(range(6))
    assert (cycle[0], cycle[-1]) == (min(birth), max(birth))
    assert lengths_round(polygon(6), cycle) == pytest.approx(np.ones(6))


def test_a_square_with_ties_and_a_diagonal():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    for birth in ([0, 1], [1, 2], [2, 3], [3, 0]):  # whichever of the tied edges is the last
        (cycle,) = representative_cycles(square, np.array([birth]))
        assert sorted(cycle) == [0, 1, 2, 3]
        assert lengths_round(square, cycle) == pytest.approx(np.ones(4))


@pytest.mark.parametrize(("dimension", "seed"), [(2, 0), (2, 1), (3, 2), (4, 3)])
def test_cycles_of_random_clouds_are_simple_closed_and_born_with_their_edge(dimension, seed):
    points = np.random.default_rng(seed).uniform(-1, 1, (32, dimension))
    pairs = births_of_h1(points)
    assert len(pairs) >= 3
    births = np.array([edge for edge, _, _ in pairs])
    values = np.array([birth for _, birth, _ in pairs])
    cycles = representative_cycles(points, births, values)
    assert len(cycles) == len(pairs)
    for cycle, edge, birth in zip(cycles, births, values, strict=True):
        assert cycle.dtype == np.int64
        assert len(cycle) >= 4  # triangles are filled as soon as they are there
        assert len(set(cycle.tolist())) == len(cycle)
        assert {cycle[0], cycle[-1]} == set(edge)
        steps = lengths_round(points, cycle)
        assert steps[-1] == pytest.approx(birth)
        assert (steps[:-1] < birth).all()


def test_the_path_is_the_shortest_of_all(seed=5):
    points = np.random.default_rng(seed).uniform(-1, 1, (24, 2))
    edge, birth, _ = max(births_of_h1(points), key=lambda pair: pair[2] - pair[1])
    (cycle,) = representative_cycles(points, np.array([edge]))
    away = np.linalg.norm(points[:, None] - points[None], axis=2)
    away[away >= birth] = np.inf
    for k in range(len(points)):  # Floyd and Warshall's
        away = np.minimum(away, away[:, k, None] + away[None, k])
    assert lengths_round(points, cycle)[:-1].sum() == pytest.approx(away[edge])


def test_points_at_one_place_are_passed_through():
    points = np.array([[0, 0], [1, 0], [1, 1.1], [0, 1.1], [0, 0]])
    (cycle,) = representative_cycles(points, np.array([[1, 2]]))
    assert {1, 2, 3} < set(cycle.tolist())
    assert lengths_round(points, cycle).sum() == pytest.approx(4.2)


def test_no_pair_has_no_cycle():
    assert representative_cycles(polygon(6), np.zeros((0, 2), int)) == []
    assert representative_cycles(polygon(6), []) == []


def test_two_thousand_points_in_space():
    rng = np.random.default_rng(0)
    u, v = rng.uniform(0, 2 * np.pi, (2, 2000))
    ring = 1 + 0.4 * np.cos(v)
    points = np.stack([ring * np.cos(u), ring * np.sin(u), 0.4 * np.sin(v)], axis=1)
    near = np.linalg.norm(points - points[0], axis=1).argsort()
    births = np.stack([np.zeros(20, int), near[60:80]], axis=1)
    cycles = representative_cycles(points, births)
    assert all(len(cycle) >= 3 for cycle in cycles)


@pytest.mark.parametrize(
    ("births", "values", "message"),
    [
        ([[0, 6]], None, "0 … 5"),
        ([[1, 1]], None, "different"),
        ([[0, 1, 2]], None, r"\(k, 2\)"),
        ([[0.0, 1.0]], None, r"\(k, 2\)"),
        ([[0, 1]], [1.0, 1.0], "shape"),
        ([[0, 1]], [0.5], "not the lengths"),
    ],
)
def test_births_that_do_not_fit_are_refused(births, values, message):
    with pytest.raises(InputError, match=message):
        representative_cycles(polygon(6), np.array(births), values)


def test_an_edge_that_closes_nothing_is_refused():
    line = np.array([[0.0], [1.0], [3.0]])
    with pytest.raises(InputError, match="closes no loop"):
        representative_cycles(line, np.array([[1, 2]]))
    with pytest.raises(InputError, match="finite"):
        representative_cycles(np.array([[0.0, np.nan]]), np.array([[0, 1]]))


def test_the_longest_loops_of_a_cloud_come_first():
    pytest.importorskip("gudhi")
    large, small = 3 * polygon(12), polygon(6) + np.array([8, 0])
    points = np.concatenate([small, large])
    [first, second] = longest_loops(points)
    assert sorted(first[0]) == list(range(6, 18)) and sorted(second[0]) == list(range(6))
    side = 6 * np.sin(np.pi / 12)
    assert first[1] == pytest.approx(6 * np.cos(np.pi / 6) - side)  # a regular triangle fills it
    assert second[1] == pytest.approx(np.sqrt(3) - 1)
    assert len(longest_loops(points, most=1)) == 1
    assert longest_loops(points, max_length=1.2) == []  # neither has died by then
    assert longest_loops(np.eye(2)) == []
