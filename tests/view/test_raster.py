"""Fields on flat graphs as pixels."""

import numpy as np

import meshrep
from meshrep.view.raster import raster


def test_a_pixel_a_node_or_that_of_the_nearest():
    oblong = meshrep.graph_from("lattice:3x5")
    phi = np.arange(15.0)
    assert np.array_equal(raster(oblong, phi), phi.reshape(3, 5)[::-1])  # y = 0 lowest
    triangles = meshrep.graph_from("triangular:20x20")
    drawn = raster(triangles, triangles.points[:, 0])
    assert drawn.ndim == 2 and max(drawn.shape) == 60
    assert (np.diff(drawn, axis=1) >= -1.01).all() and drawn[5, 0] < 1 and drawn[5, -1] > 9
    assert raster(meshrep.graph_from("lattice:4x4x4"), np.zeros(64)) is None
    assert raster(meshrep.graph_from("tree:2^3"), np.zeros(15)) is None
    large = meshrep.graph_from("lattice:70x100")
    assert raster(large, large.points[:, 1]).shape == (42, 60)
