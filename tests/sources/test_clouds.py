"""Neighbour graphs against the table of all distances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshrep.errors import InputError
from meshrep.sources.clouds import nearest, uniform, within


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(1, 12), st.sampled_from([2, 3]), st.integers(0, 99))
def test_nearest_is_that_of_all_distances(n, k, dim, seed):
    points = uniform(n, dim, seed)
    graph = nearest(points, k)
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(apart, np.inf)
    chosen = np.argsort(apart, axis=1)[:, : min(k, n - 1)]
    wanted = {tuple(sorted((i, j))) for i in range(n) for j in chosen[i].tolist()}
    assert set(map(tuple, graph.edges.tolist())) == wanted
    assert graph.degree.min() >= min(k, n - 1)


def test_within_is_that_of_all_distances():
    points = uniform(80, 3, seed=5)
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    assert np.array_equal(within(points, 0.6).edges, np.argwhere(np.triu(apart <= 0.6, 1)))


def test_points_that_coincide():
    graph = nearest(np.zeros((20, 2)), 3)
    assert (graph.edges[:, 0] < graph.edges[:, 1]).all()
    assert graph.degree.min() >= 3
    assert within(np.zeros((5, 2)), 1.0).m == 10


def test_one_point_has_no_edges():
    assert nearest(np.zeros((1, 3))).m == 0


def test_beyond_space_the_principal_components_are_drawn():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((30, 6)) * [9.0, 5.0, 3.0, 1e-9, 1e-9, 1e-9]
    graph = nearest(points)
    assert graph.points.shape == (30, 3)
    i, j = graph.edges.T
    apart = np.linalg.norm(points[i] - points[j], axis=1)
    assert np.allclose(np.linalg.norm(graph.points[i] - graph.points[j], axis=1), apart)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nearest(np.zeros((4, 3)), 0),
        lambda: nearest(np.zeros((4, 3)), 1.5),
        lambda: nearest(np.zeros(4), 1),
        lambda: nearest(np.zeros((4, 0)), 1),
        lambda: nearest(np.full((4, 2), np.nan), 1),
        lambda: within(np.zeros((0, 3)), 1),
        lambda: within(np.zeros((4, 3)), 0),
        lambda: within(np.zeros((40_000, 3)), 1.0),
        lambda: uniform(0),
        lambda: uniform(5, 9),
    ],
)
def test_refusals(make):
    with pytest.raises(InputError):
        make()
