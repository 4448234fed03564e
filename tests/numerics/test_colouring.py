"""Colours of nodes: they differ nearby, none is higher than it must be, with numba or without."""

import numpy as np
import pytest

import meshrep
from meshrep.kernels import colouring
from meshrep.numerics.colouring import colours

SPECS = ["lattice:7x6", "triangular:6x6", "er:60", "lattice:4x4x4", "ring:5"]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("distance", [1, 2])
def test_each_node_has_the_least_colour_that_its_surroundings_leave_free(spec, distance):
    pattern = meshrep.graph_from(spec).adjacency
    near = (pattern if distance == 1 else pattern @ pattern + pattern).toarray() > 0
    np.fill_diagonal(near, False)
    colour = colours(pattern, distance)
    for node, own in enumerate(colour):
        around = set(colour[near[node]])
        assert own not in around
        assert set(range(own)) <= around


def test_a_square_lattice_has_two_colours():
    assert colours(meshrep.graph_from("lattice:9x8").adjacency).max() == 1


def test_numba_and_python_give_the_same_colours():
    pytest.importorskip("numba")
    pattern = meshrep.graph_from("er:200:degree=5").adjacency
    for distance in (1, 2):
        arrays = pattern.indptr, pattern.indices, distance
        np.testing.assert_array_equal(colouring.compiled()(*arrays), colouring.first_fit(*arrays))
