"""The readout on the circle: a phase is the angle of a vector in the plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from meshrep.base.backends import Array, Backend

FLOOR = 1e-12  # added to |u|², so that the gradient at u = 0 is finite


class Circle:
    """Angles of vectors u (n, 2) in the plane, on the turn nearest to each node's first phase.

    With (cos, sin) of the first phase as the vector, the angle is that phase exactly.

    Parameters
    ----------
    nodes : int
        n.
    backend : Backend
        Where the vectors live.
    kernels : optional
        The kernels of :mod:`meshrep.kernels.network` to use in place of array operations. What
        they return is overwritten by the next call.
    """

    def __init__(self, nodes: int, backend: Backend, kernels: Any = None) -> None:
        self.backend, self.xp, self.kernels = backend, backend.xp, kernels
        if kernels:
            self.phases, self.pull = backend.empty(nodes), backend.empty(nodes, 2)
            self.floor = self.phases.dtype.type(FLOOR)

    def anchor(self, first: np.ndarray) -> dict[str, Array]:
        """What :meth:`angle` needs of the first phases (n,)."""
        place = self.backend.asarray
        return {"first": place(first), "cos": place(np.cos(first)), "sin": place(np.sin(first))}

    def angle(self, u: Array, anchor: Mapping[str, Array]) -> Array:
        """arg u (n,)."""
        first, cos, sin = anchor["first"], anchor["cos"], anchor["sin"]
        if self.kernels:
            self.kernels.angle(u, cos, sin, first, self.phases)
            return self.phases
        x, y = u[:, 0], u[:, 1]
        return first + self.xp.arctan2(y * cos - x * sin, x * cos + y * sin)

    def pull_back(self, gradient: Array, u: Array) -> Array:
        """The gradient (n,) times ∂ arg u / ∂u = (−y, x)/|u|², as (n, 2)."""
        if self.kernels:
            self.kernels.turn(gradient, u, self.floor, self.pull)
            return self.pull
        x, y = u[:, 0], u[:, 1]
        pull = gradient / (x * x + y * y + FLOOR)
        return self.xp.stack([-y * pull, x * pull], 1)
