"""Images that PyVista draws at twice the size are halved."""

import numpy as np

from meshrep.view.stage import _halved


def test_half_the_size_is_the_rounded_mean_of_four():
    image = np.random.default_rng(0).integers(0, 256, (6, 10, 3), np.uint8)
    image[:2, :2] = 255  # the largest sum
    small = _halved(image.astype(float))
    assert small.shape == (3, 5, 3) and small.dtype == np.uint8
    quads = image.reshape(3, 2, 5, 2, 3).astype(float)
    assert np.array_equal(small, np.floor(quads.mean(axis=(1, 3)) + 0.5))
