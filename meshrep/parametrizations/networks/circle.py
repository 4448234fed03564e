"""The readout on the circle: a phase is the angle of a vector in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from meshrep.base.backends import Array, Backend

FLOOR = 1e-12  # added to |u|², so that the gradient at u = 0 is finite


class Circle:
    """Angles of vectors u (n, 2) in the plane, on the turn nearest to each node's first phase.

    With (cos, sin) of the first phase as the vector, the angle is that phase exactly.

    Parameters
    ----------
    first : (n,) float64
        Each node's first phase.
    backend : Backend
        Where the vectors live.
    kernels : optional
        The kernels of :mod:`meshrep.kernels.network` to use in place of array operations. What
        they return is overwritten by the next call.
    """

    def __init__(self, first: np.ndarray, backend: Backend, kernels: Any = None) -> None:
        self.xp, self.kernels = backend.xp, kernels
        self.first = backend.asarray(first)
        self.cos, self.sin = backend.asarray(np.cos(first)), backend.asarray(np.sin(first))
        if kernels:
            self.phases, self.pull = backend.empty(len(first)), backend.empty(len(first), 2)
            self.floor = self.first.dtype.type(FLOOR)

    def angle(self, u: Array) -> Array:
        """arg u (n,)."""
        self.u = u
        if self.kernels:
            self.kernels.angle(u, self.cos, self.sin, self.first, self.phases)
            return self.phases
        x, y = u[:, 0], u[:, 1]
        turned = self.xp.arctan2(y * self.cos - x * self.sin, x * self.cos + y * self.sin)
        return self.first + turned

    def pull_back(self, gradient: Array) -> Array:
        """The gradient (n,) times ∂ arg u / ∂u = (−y, x)/|u|², as (n, 2)."""
        if self.kernels:
            self.kernels.turn(gradient, self.u, self.floor, self.pull)
            return self.pull
        x, y = self.u[:, 0], self.u[:, 1]
        pull = gradient / (x * x + y * y + FLOOR)
        return self.xp.stack([-y * pull, x * pull], 1)
