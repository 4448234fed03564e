"""Linear variables w = w₀ + M θ: gradient flow in θ preconditions the field by M Mᵀ.

    dθ/dt = −Mᵀ ∇E   ⟹   dw/dt = −M Mᵀ ∇E,

so that the condition number of Mᵀ H M decides; the best M is H^{-1/2}. A :class:`Root` is M on one
back end. The map starts at θ = 0, which is the given start exactly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import ref

import numpy as np

from meshrep.base.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.parametrizations.base import Map


class Root(ABC):
    """M (n, p) on one back end; rows of fixed nodes are zero.

    Attributes
    ----------
    size : int
        p.
    by_column : bool
        Whether it takes only contiguous 1-D arrays, as kernels do, and not arrays (p, k) as well.
    """

    size: int
    by_column = False

    @abstractmethod
    def apply(self, theta: Array) -> Array:
        """M·theta, (n,) or (n, k), which the next call may overwrite where ``by_column``."""

    @abstractmethod
    def adjoint(self, gradient: Array, out: Array) -> None:
        """Write Mᵀ·gradient, (p,) or (p, k), to ``out``."""


def each_row(scale: Array, of: Array) -> Array:
    """Factors (n,) of the rows of an array (n,) or (n, k), in a shape that multiplies it."""
    return scale if of.ndim == 1 else scale[:, None]


class LinearMap(Map):
    """w = w₀ + M θ, each column of a field (n, d) alike."""

    def __init__(self, energy: Energy, start: np.ndarray, backend: Backend, root: Root) -> None:
        self.shape, self.root, self.backend = energy.shape, root, backend
        self.unit, self.energy = float(energy.unit), energy
        self.columns = self.shape[1] if len(self.shape) == 2 else 1
        self.pulled = backend.zeros(self.columns, root.size)
        if not root.by_column:
            self.shapes = {"theta": (root.size, *self.shape[1:])}
        self.start, self.anchor = self.begun(start, 0)

    def begun(self, start: np.ndarray, seed: int) -> tuple[Array, Mapping[str, Array]]:
        """θ = 0, and w₀."""
        first = self.backend.asarray(self.energy.clamp(start))
        return self.backend.zeros(self.columns * self.root.size), {"first": first}

    def formula(self, parts: Sequence[Array], anchor: Mapping[str, Array]) -> Array:
        """w₀ + M θ of θ (p,) or (p, d)."""
        return anchor["first"] + self.root.apply(parts[0])

    def parted(self, params: Array) -> list[Array]:
        """θ (p,) or (p, d); flat parameters hold it column by column."""
        theta = params.reshape(self.columns, -1)
        return [theta[0] if len(self.shape) == 1 else theta.T]

    def field(self, params: Array) -> Array:
        """w₀ + M·params."""
        (theta,), first = self.parted(params), self.anchor["first"]
        if len(self.shape) == 1 or not self.root.by_column:
            return self.formula([theta], self.anchor)
        w = self.backend.empty(*self.shape)
        for column in range(self.columns):
            w[:, column] = first[:, column] + self.root.apply(theta[:, column])
        return w

    def pull_back(self, gradient: Array) -> Array:
        """Mᵀ·gradient, in an array that the next call overwrites."""
        if len(self.shape) == 1:
            self.root.adjoint(gradient, self.pulled[0])
        elif not self.root.by_column:
            self.root.adjoint(gradient, self.pulled.T)
        else:
            for column in range(self.columns):
                part = self.backend.empty(self.shape[0])
                part[:] = gradient[:, column]  # contiguous, as the kernels want it
                self.root.adjoint(part, self.pulled[column])
        return self.pulled.reshape(-1)


class Kept:
    """The last result of ``make``, kept for calls with the same energy and start.

    All stages of a solver are laid out at the first start. Maps that run in parallel may share
    the result, so none of them may write to it.
    """

    def __init__(self) -> None:
        self._last: tuple[Any, np.ndarray, Any] | None = None

    def __reduce__(self) -> Any:
        """Empty: pickles and copies do not carry what is built anew when it is needed."""
        return Kept, ()

    def get(self, energy: Energy, start: np.ndarray, make: Callable[[], Any]) -> Any:
        """The kept result; else a new one of ``make``."""
        last = self._last
        if last is None or last[0]() is not energy or not np.array_equal(last[1], start):
            last = self._last = ref(energy), np.array(start), make()
        return last[2]
