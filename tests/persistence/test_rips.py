"""Rips persistence: known answers, the twin through gudhi's simplex tree, truncation, bad input."""

import numpy as np
import pytest

from meshrep.base import limits
from meshrep.errors import InputError
from meshrep.persistence.rips import RipsFiltration, edges_within, rips_diagrams

gudhi = pytest.importorskip("gudhi")
pytest.importorskip("sklearn")


def polygon(corners):
    turn = 2 * np.pi * np.arange(corners) / corners
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def lengths(points, edges):
    return np.sqrt(((points[edges[:, 0]] - points[edges[:, 1]]) ** 2).sum(axis=1))


def twin(points, dimension=1):
    """(births, deaths) by dimension, from the whole simplex tree and its critical edges."""
    tree = gudhi.RipsComplex(points=points).create_simplex_tree(max_dimension=dimension + 1)
    tree.compute_persistence(homology_coeff_field=2)
    components, higher, *_ = tree.flag_persistence_generators()
    deaths = lengths(points, components[:, 1:]) if len(components) else np.zeros(0)
    found = {0: np.stack([np.zeros(len(deaths)), deaths], axis=1)}
    for k in range(1, dimension + 1):
        rows = higher[k - 1] if k <= len(higher) else []
        rows = np.asarray(rows, dtype=int).reshape(-1, 4)
        born, dead = lengths(points, rows[:, :2]), lengths(points, rows[:, 2:])
        found[k] = np.stack([born, dead], axis=1)
    return {k: in_order(values[values[:, 1] - values[:, 0] > 1e-9]) for k, values in found.items()}


def in_order(values):
    return values[np.lexsort((values[:, 1].round(8), values[:, 0].round(8)))]


KINDS = {
    "random": lambda rng, n: rng.uniform(-1, 1, (n, 2)),
    "a grid, with ties": lambda rng, n: rng.integers(0, 5, (n, 2)).astype(float),
    "two clusters": lambda rng, n: (
        np.repeat([[0.0, 0.0], [50.0, 3.0]], [n, 5], axis=0) + 0.1 * rng.standard_normal((n + 5, 2))
    ),
    "a line": lambda rng, n: np.outer(rng.uniform(-1, 1, n), [1.0, 2.0, -1.0]),
    "in space": lambda rng, n: rng.standard_normal((n, 3)),
    "in five dimensions": lambda rng, n: rng.standard_normal((n, 5)),
    "two clusters in nine": lambda rng, n: (
        np.repeat([[0.0] * 9, [192.0] + 8 * [0.1]], [n, 20], axis=0)
        + 0.1 * rng.standard_normal((n + 20, 9))
    ),
    "far from the origin": lambda rng, n: (
        np.repeat(40 * polygon(12), 3, axis=0) + 0.3 * rng.standard_normal((36, 2)) + [5e5, 5e6]
    ),
    "near copies": lambda rng, n: (
        np.repeat(rng.uniform(-1, 1, (n, 2)), 2, axis=0) + 1e-14 * rng.standard_normal((2 * n, 2))
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_pairs_are_those_of_the_simplex_tree(kind):
    rng = np.random.default_rng(7)
    for _ in range(35):
        points = KINDS[kind](rng, int(rng.integers(1, 40)))
        expected, found = twin(points), rips_diagrams(points)
        for k in (0, 1):
            values = in_order(found[k].values)
            values = values[values[:, 1] - values[:, 0] > 1e-9]
            assert values.shape == expected[k].shape
            assert np.allclose(values, expected[k], rtol=0, atol=1e-9)


def test_critical_edges_have_the_lengths_of_births_and_deaths():
    points = np.random.default_rng(3).uniform(-1, 1, (120, 2))
    for k, diagram in rips_diagrams(points, (0, 1, 2)).items():
        assert (lengths(points, diagram.deaths) == diagram.values[:, 1]).all()
        if k:
            assert (lengths(points, diagram.births) == diagram.values[:, 0]).all()
        else:
            assert (diagram.births == -1).all()


@pytest.mark.parametrize(
    ("corners", "birth", "death"), [(6, 1.0, 3**0.5), (4, 2**0.5, 2.0), (12, None, None)]
)
def test_a_polygon_has_one_loop(corners, birth, death):
    diagram = rips_diagrams(polygon(corners))[1]
    assert len(diagram) == 1
    if birth:
        assert diagram.values == pytest.approx(np.array([[birth, death]]))
    else:
        assert diagram.values[0, 0] == pytest.approx(2 * np.sin(np.pi / 12))


def test_an_octahedron_has_one_cavity():
    points = np.concatenate([np.eye(3), -np.eye(3)])
    found = rips_diagrams(points, (1, 2))
    assert len(found[1]) == 0
    assert found[2].values == pytest.approx(np.array([[2**0.5, 2.0]]))
    assert np.allclose(in_order(found[2].values), twin(points, 2)[2])


def test_cavities_are_those_of_the_simplex_tree():
    points = np.random.default_rng(0).standard_normal((35, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    assert np.allclose(in_order(rips_diagrams(points, (2,))[2].values), twin(points, 2)[2])


@pytest.mark.parametrize("small", [0, 10**9])
def test_both_ways_to_list_edges_agree(small, monkeypatch):
    points = np.random.default_rng(1).integers(0, 6, (60, 2)).astype(float)
    expected = edges_within(points, 2.5)
    monkeypatch.setattr(limits, "ALL_DISTANCES_UP_TO", small)
    edges, found = edges_within(points, 2.5)
    assert (edges == expected[0]).all()
    assert (found == expected[1]).all()


def test_a_loop_far_beyond_the_first_reach_is_found():
    """Twelve tight clusters on a circle: the great loop is born at a hundred times the spacing."""
    rng = np.random.default_rng(5)
    points = np.repeat(100 * polygon(12), 12, axis=0) + 0.3 * rng.standard_normal((144, 2))
    found = rips_diagrams(points)[1]
    assert found.persistence.max() > 100
    assert np.allclose(in_order(found.values), twin(points)[1])


def test_a_filtration_that_has_seen_other_clouds_gives_the_same():
    filtration = RipsFiltration((0, 1))
    rng = np.random.default_rng(2)
    for scale in (1.0, 0.01, 30.0, 1.0):
        points = scale * rng.uniform(-1, 1, (80, 2))
        fresh = rips_diagrams(points)
        for k, diagram in filtration.diagrams(points).items():
            assert (diagram.values == fresh[k].values).all()
            assert (diagram.deaths == fresh[k].deaths).all()


def test_what_has_not_died_by_the_greatest_length_is_left_out():
    points = polygon(6)
    assert len(rips_diagrams(points, (1,), max_length=1.5)[1]) == 0
    assert len(rips_diagrams(points, (1,), max_length=1.8)[1]) == 1
    assert len(rips_diagrams(points, (0,), max_length=0.5)[0]) == 0


def test_equal_edges_give_the_same_pairs_every_time():
    grid = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), axis=-1).reshape(-1, 2)
    first, second = rips_diagrams(grid)[1], rips_diagrams(grid)[1]
    assert len(first) == 25
    assert np.allclose(first.values, [[1.0, 2**0.5]])
    assert (first.births == second.births).all()
    assert (first.deaths == second.deaths).all()


@pytest.mark.parametrize("points", [np.zeros((1, 2)), np.zeros((9, 3)), np.ones((2, 1))])
def test_clouds_without_a_pair(points):
    for diagram in rips_diagrams(points, (0, 1, 2)).values():
        assert len(diagram) == 0
        assert (diagram.pull_back(np.zeros((0, 2))) == 0).all()


def test_pull_back_is_the_derivative():
    rng = np.random.default_rng(4)
    points, way = rng.uniform(-1, 1, (40, 3)), rng.standard_normal((40, 3))
    for k in (0, 1, 2):

        def at(x, k=k):
            return rips_diagrams(x, (k,))[k]

        slopes = rng.standard_normal((len(at(points)), 2))
        h = 1e-6
        rise = (slopes * (at(points + h * way).values - at(points - h * way).values)).sum() / 2 / h
        assert (at(points).pull_back(slopes) * way).sum() == pytest.approx(rise, rel=1e-6)


@pytest.mark.parametrize("points", [np.zeros(3), np.zeros((0, 2)), [[0.0, np.nan]], [[np.inf]]])
def test_bad_points_are_refused(points):
    with pytest.raises(InputError, match="cloud"):
        rips_diagrams(points)


@pytest.mark.parametrize("dimensions", [(), (3,), (-1, 0)])
def test_bad_dimensions_are_refused(dimensions):
    with pytest.raises(InputError, match="0, 1, 2"):
        RipsFiltration(dimensions)


@pytest.mark.parametrize("length", [0.0, -1.0, np.nan])
def test_a_bad_greatest_length_is_refused(length):
    with pytest.raises(InputError, match="max_length"):
        RipsFiltration((1,), length)


def test_a_cloud_that_needs_too_much_memory_is_refused_with_the_figure(monkeypatch):
    from meshrep.sources import room

    monkeypatch.setattr(room, "available_memory", lambda: 1_000_000)
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 2))
    with pytest.raises(InputError, match=r"2,000 points has .* edges .* draw subsamples"):
        rips_diagrams(points)
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 5))
    with pytest.raises(InputError, match="draw subsamples"):
        rips_diagrams(points, (0,))


def test_cavities_of_many_points_are_refused_with_the_time():
    points = np.random.default_rng(0).standard_normal((3000, 3))
    with pytest.raises(InputError, match=r"3,000 points .* s for every diagram"):
        rips_diagrams(points, (2,))


@pytest.mark.slow
def test_a_line_of_many_points_is_quick():
    points = np.outer(np.random.default_rng(0).uniform(-1, 1, 20_000), [1.0, 2.0, -1.0])
    found = rips_diagrams(points)
    assert len(found[0]) == len(points) - 1 and len(found[1]) == 0


def test_many_copies_do_not_lead_to_the_whole_complex():
    points = np.repeat(np.random.default_rng(0).uniform(-1, 1, (300, 2)), 2, axis=0)
    filtration = RipsFiltration((1,))
    filtration.diagrams(points)
    assert filtration.reach < 0.6
