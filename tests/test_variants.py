"""The variants of the tests change what they say, and no more."""

import numpy as np
from problems_of_tests import heat
from variants import SIZE, perturbed, renumbered

import meshrep


def test_a_perturbation_is_small_and_depends_on_its_seed_alone():
    values = np.random.default_rng(0).standard_normal((50, 2)) * 1e6
    moved = perturbed(values, 1)
    assert 0 < np.abs(moved / values - 1).max() < 2 * SIZE
    np.testing.assert_array_equal(moved, perturbed(values, 1))
    assert (moved != perturbed(values, 2)).any()


def test_a_renumbered_graph_has_the_same_edges_between_the_same_points():
    graph = meshrep.graph_from("triangular:5x4")
    graph = graph.with_weights(np.random.default_rng(0).random(graph.m))
    other = renumbered(graph, 3)
    assert (other.points != graph.points).any()

    def described(g):
        ends = [tuple(sorted(map(tuple, g.points[pair].tolist()))) for pair in g.edges]
        return sorted(zip(ends, g.weights.tolist(), strict=True))

    assert described(other) == described(graph)
    areas = [meshrep.HeatBath(g, [0], kind="dirichlet", laplacian="cotan") for g in (graph, other)]
    np.testing.assert_allclose(*(np.sort(e.diagonal) for e in areas), atol=1e-12)


def test_the_minimum_does_not_depend_on_the_numbering():
    graph = meshrep.graph_from("lattice:12x12")
    energies = []
    for g in (graph, renumbered(graph, 1)):
        cold, hot = meshrep.ends(g)
        energies.append(meshrep.solve(meshrep.HeatBath(g, hot, cold), "newton").energy)
    assert np.ptp(energies) < 1e-12 * energies[0]
    assert abs(energies[0] - meshrep.solve(heat("lattice:12x12"), "newton").energy) < 1e-12
