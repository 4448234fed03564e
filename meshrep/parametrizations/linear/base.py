"""Linear variables w = w₀ + M θ: gradient flow in θ preconditions the field by M Mᵀ.

    dθ/dt = −Mᵀ ∇E   ⟹   dw/dt = −M Mᵀ ∇E,

so that the condition number of Mᵀ H M decides; the best M is H^{-1/2}. A :class:`Root` is M on one
back end. The map starts at θ = 0, which is the given start exactly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np

from meshrep.base.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.parametrizations.base import Map


class Root(ABC):
    """M (n, p) on one back end, times 1-D arrays; rows of fixed nodes are zero.

    Attributes
    ----------
    size : int
        p.
    """

    size: int

    @abstractmethod
    def apply(self, theta: Array) -> Array:
        """M·theta (n,), which the next call may overwrite."""

    @abstractmethod
    def adjoint(self, gradient: Array, out: Array) -> None:
        """Write Mᵀ·gradient (p,) to ``out``."""


class LinearMap(Map):
    """w = w₀ + M θ, each column of a field (n, d) alike."""

    def __init__(self, energy: Energy, start: np.ndarray, backend: Backend, root: Root) -> None:
        field = energy.clamp(start)
        self.shape, self.root, self.backend = energy.shape, root, backend
        self.unit = float(energy.unit)
        self.first = backend.asarray(field.reshape(len(field), -1).T)
        self.columns = len(self.first)
        self.start = backend.zeros(self.columns * root.size)
        self.pulled = backend.zeros(self.columns, root.size)

    def field(self, params: Array) -> Array:
        """w₀ + M·params."""
        theta = params.reshape(self.columns, -1)
        if len(self.shape) == 1:
            return self.first[0] + self.root.apply(theta[0])
        w = self.backend.empty(*self.shape)
        for column in range(self.columns):
            w[:, column] = self.first[column] + self.root.apply(theta[column])
        return w

    def pull_back(self, gradient: Array) -> Array:
        """Mᵀ·gradient, in an array that the next call overwrites."""
        if len(self.shape) == 1:
            self.root.adjoint(gradient, self.pulled[0])
        for column in range(self.columns if len(self.shape) == 2 else 0):
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
