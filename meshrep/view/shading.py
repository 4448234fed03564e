"""Light that leaves a colour its meaning: it is only dimmed, and only where a surface turns away.

A colour in a picture stands for a number. Whatever faces the light keeps its colour exactly, and
the rest is multiplied by one factor in all three channels, which keeps its hue.
"""

from __future__ import annotations

import numpy as np

FULL = 0.72  # light, as a cosine, from which a colour is exact
DARK = 0.72  # the factor of a colour without any light
PALE = 0.86  # that of phases, whose maps have dark and bright colours of their own


def dimmed(light: np.ndarray, *, cyclic: bool = False) -> np.ndarray:
    """The factors of colours for light in [0, 1], the cosine of the angle to the lamp.

    Parameters
    ----------
    light : array
    cyclic : bool
        Whether the colours are those of phases.
    """
    dark = PALE if cyclic else DARK
    share = np.clip(light / FULL, 0.0, 1.0)
    return dark + (1 - dark) * share * (2 - share)  # smooth where the colour becomes exact
