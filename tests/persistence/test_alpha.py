"""Persistence of alpha filtrations: known shapes, gudhi's values, exact gradients, degeneracies."""

import sys

import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

from meshrep.errors import InputError, MissingPart
from meshrep.persistence.alpha import ROUNDING, alpha_diagrams

gudhi = pytest.importorskip("gudhi")


def cloud(n, d, seed=0):
    return np.random.default_rng(seed).random((n, d))


def ring(n, radius=1.0):
    angles = 2 * np.pi * np.arange(n) / n
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def grid(n, d):
    return np.stack(np.meshgrid(*[np.arange(n) * 0.1] * d), axis=-1).reshape(-1, d)


def weighted(points, weights, dimensions):
    """Σ of values times fixed weights, and its gradient in the points."""
    total, slope = 0.0, np.zeros_like(points)
    for p, diagram in alpha_diagrams(points, dimensions).items():
        total += (diagram.values * weights[p][: len(diagram)]).sum()
        slope += diagram.pull_back(weights[p][: len(diagram)])
    return total, slope


@pytest.mark.parametrize(
    "points, birth, death",
    [
        (ring(6), 1.0, 2.0),
        (ring(3), np.sqrt(3), 2.0),
        (ring(4), np.sqrt(2), 2.0),
        (ring(12), 2 * np.sin(np.pi / 12), 2.0),
        (np.array([[0.0, 0], [3, 0], [3, 2], [0, 2]]), 3.0, np.sqrt(13)),
    ],
    ids=["hexagon", "triangle", "square", "dodecagon", "rectangle"],
)
def test_loops_of_polygons(points, birth, death):
    loops = alpha_diagrams(points, [1])[1]
    np.testing.assert_allclose(loops.values, [[birth, death]], rtol=1e-12)
    lengths = np.linalg.norm(points[loops.births[:, 0]] - points[loops.births[:, 1]], axis=1)
    np.testing.assert_allclose(lengths, birth, rtol=1e-12)


def test_cavities_of_solids():
    signs = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    faces = 2 * np.sqrt(8 / 3)
    found = alpha_diagrams(signs, [2])[2].values
    np.testing.assert_allclose(found, [[faces, 2 * np.sqrt(3)]], rtol=1e-12)
    octahedron = np.concatenate([np.eye(3), -np.eye(3)])
    found = alpha_diagrams(octahedron, [2])[2].values
    np.testing.assert_allclose(found, [[2 * np.sqrt(2 / 3), 2.0]], rtol=1e-12)


@pytest.mark.parametrize("d", [2, 3])
def test_components_are_the_minimum_spanning_tree(d):
    points = cloud(80, d)
    tree = minimum_spanning_tree(cdist(points, points)).tocoo()
    components = alpha_diagrams(points, [0])[0]
    assert not components.values[:, 0].any()
    np.testing.assert_allclose(np.sort(components.values[:, 1]), np.sort(tree.data), rtol=1e-12)
    found = {tuple(edge) for edge in components.deaths[:, :2].tolist()}
    assert found == {tuple(sorted(edge)) for edge in np.c_[tree.row, tree.col].tolist()}


@pytest.mark.parametrize("d", [2, 3])
def test_values_are_those_of_gudhi(d):
    for seed in range(25):
        points = cloud(60, d, seed)
        tree = gudhi.AlphaComplex(points=points, precision="exact").create_simplex_tree()
        tree.compute_persistence()
        for p, diagram in alpha_diagrams(points, range(d)).items():
            expected = 2 * np.sqrt(tree.persistence_intervals_in_dimension(p))
            expected = expected[np.isfinite(expected).all(axis=1)]
            expected = expected[np.diff(expected)[:, 0] > ROUNDING * expected[:, 1]]
            assert diagram.dimension == p
            np.testing.assert_allclose(diagram.values, expected, rtol=1e-9)


@pytest.mark.parametrize("n, d", [(40, 2), (25, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_gradient_against_differences(n, d, seed):
    points, rng = cloud(n, d, seed), np.random.default_rng(seed)
    weights = rng.standard_normal((d, 3 * n, 2))
    slope = weighted(points, weights, range(d))[1]
    e = 1e-6
    for place in rng.permutation(n * d)[:25]:
        step = np.zeros(n * d)
        step[place] = e
        ends = [weighted(points + s * step.reshape(n, d), weights, range(d))[0] for s in (1, -1)]
        expected = (ends[0] - ends[1]) / (2 * e)
        assert slope.ravel()[place] == pytest.approx(expected, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("p", [0, 1, 2])
def test_gradient_of_one_dimension_alone(d, p):
    if p == d:
        return
    points, rng = cloud(50, d, 5), np.random.default_rng(0)
    weights = rng.standard_normal((d, 300, 2))
    slope = weighted(points, weights, [p])[1]
    along = rng.standard_normal(points.shape)
    e = 1e-7
    ends = [weighted(points + s * e * along, weights, [p])[0] for s in (1, -1)]
    assert (slope * along).sum() == pytest.approx((ends[0] - ends[1]) / (2 * e), rel=1e-6)


@pytest.mark.parametrize("d", [2, 3])
def test_shifts_change_nothing_and_scaling_scales(d):
    points = cloud(60, d)
    weights = np.random.default_rng(1).standard_normal((d, 200, 2))
    value, slope = weighted(points, weights, range(d))
    np.testing.assert_allclose(slope.sum(axis=0), 0, atol=1e-12 * abs(slope).sum())
    assert (slope * points).sum() == pytest.approx(value, rel=1e-10)  # Euler: values are lengths


def test_thin_triangles_keep_their_digits():
    thin = np.array([[0.0, 0], [1e-4, 0], [0.5e-4, 1]])
    loop = alpha_diagrams(thin, [1])[1]
    side, height = np.hypot(0.5e-4, 1), 1.0
    np.testing.assert_allclose(loop.values, [[side, side**2 / height]], rtol=1e-12)


DEGENERATE = {
    "one point": np.zeros((1, 2)),
    "two points": np.array([[0.0, 0, 0], [1, 2, 2]]),
    "one place": np.ones((5, 3)),
    "line in the plane": np.outer(np.arange(6.0), [1, 2]),
    "line in space": np.outer(np.arange(6.0), [1, 2, 3]),
    "plane in space": np.c_[cloud(12, 2), np.full(12, 0.3)],
    "tilted plane": cloud(12, 2) @ np.array([[1.0, 2, 3], [0.1, -1, 1]]),
    "grid": grid(7, 2),
    "cubes": grid(5, 3),
    "cubes, shaken": grid(5, 3) + 1e-9 * (cloud(125, 3) - 0.5),
    "circle": ring(40),
    "far away": cloud(60, 3) + 1e6,
    "sphere": (lambda s: s / np.linalg.norm(s, axis=1, keepdims=True))(cloud(90, 3) - 0.5),
    "whole numbers": np.round(6 * cloud(150, 3)),
}


@pytest.mark.parametrize("points", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_clouds(points):
    d = points.shape[1]
    tree = gudhi.AlphaComplex(points=points, precision="exact").create_simplex_tree()
    tree.compute_persistence()
    for p, diagram in alpha_diagrams(points, range(d)).items():
        expected = 2 * np.sqrt(tree.persistence_intervals_in_dimension(p).reshape(-1, 2))
        expected = expected[np.isfinite(expected).all(axis=1)]
        expected = expected[np.diff(expected)[:, 0] > 10 * ROUNDING * expected[:, 1]]
        np.testing.assert_allclose(
            *(v[np.lexsort(v.round(8).T)] for v in (diagram.values, expected)), rtol=1e-8
        )
        assert np.isfinite(diagram.pull_back(np.ones((len(diagram), 2)))).all()


@pytest.mark.parametrize("size", [1e-6, 1e-8])
def test_near_ties_make_no_pairs(size):
    points = grid(5, 3) + size * (cloud(125, 3) - 0.5)
    cavities = alpha_diagrams(points, [2])[2]
    cavities = cavities.values[cavities.persistence > 1e-3]
    expected = np.broadcast_to([0.1 * np.sqrt(2), 0.1 * np.sqrt(3)], (64, 2))
    np.testing.assert_allclose(cavities, expected, rtol=100 * size)


def test_a_line_has_its_gaps():
    found = alpha_diagrams(DEGENERATE["line in space"], [0, 1, 2])
    np.testing.assert_allclose(found[0].values[:, 1], np.sqrt(14), rtol=1e-12)
    assert len(found[0]) == 5 and not len(found[1]) and not len(found[2])


@pytest.mark.parametrize("d", [2, 3])
def test_copies_keep_the_numbering(d):
    points = cloud(30, d)
    once, twice = alpha_diagrams(points), alpha_diagrams(np.concatenate([points, points[::-1]]))
    for p in (0, 1):
        np.testing.assert_allclose(np.sort(twice[p].values, 0), np.sort(once[p].values, 0))
    doubled = np.concatenate([points, points[::-1]])
    deaths = twice[0].deaths[:, :2]
    lengths = np.linalg.norm(doubled[deaths[:, 0]] - doubled[deaths[:, 1]], axis=1)
    np.testing.assert_allclose(lengths, twice[0].values[:, 1])


def test_nodes_of_the_pairs():
    diagrams = alpha_diagrams(cloud(40, 3), [0, 1, 2])
    for p, diagram in diagrams.items():
        assert ((diagram.births >= 0).sum(axis=1) == p + 1).all()
        assert ((diagram.deaths >= 0).sum(axis=1) == p + 2).all()
        assert (diagram.persistence > 0).all()


def test_the_same_twice():
    for p in (0, 1):
        first, second = (alpha_diagrams(cloud(50, 2))[p] for _ in range(2))
        np.testing.assert_array_equal(first.values, second.values)
        np.testing.assert_array_equal(first.deaths, second.deaths)


@pytest.mark.parametrize(
    "points, dimensions, words",
    [
        (np.zeros((4, 4)), [0], "in the plane or in space.*take rips"),
        (np.zeros((4, 1)), [0], "take rips"),
        (np.zeros(4), [0], "take rips"),
        (np.zeros((0, 2)), [0], "take rips"),
        (np.array([[0, 0], [0, np.nan]]), [0], "first at 1"),
        ([["a", "b"]], [0], "array of numbers"),
        (np.zeros((4, 2)), [2], "0 and 1 only"),
        (np.zeros((4, 3)), [-1], "0, 1 and 2 only"),
        (np.zeros((4, 3)), [0.5], "0, 1 and 2 only"),
    ],
)
def test_bad_input(points, dimensions, words):
    with pytest.raises(InputError, match=words):
        alpha_diagrams(points, dimensions)


def test_without_gudhi(monkeypatch):
    monkeypatch.setitem(sys.modules, "gudhi", None)
    with pytest.raises(MissingPart, match=r"meshrep\[topology\]"):
        alpha_diagrams(cloud(4, 2))


def test_more_points_than_memory_holds_are_refused_with_the_figure(monkeypatch):
    from meshrep.sources import room

    monkeypatch.setattr(room, "available_memory", lambda: 1_000_000)
    with pytest.raises(InputError, match=r"500 points needs .* GB .* draw subsamples"):
        alpha_diagrams(np.random.default_rng(0).uniform(-1, 1, (500, 3)))
