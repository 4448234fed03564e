"""The variables in which a minimiser moves: a map from parameters to a field, and its pullback."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from meshrep.base.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.errors import InputError


class Map(ABC):
    """A parametrization laid out on one back end for one energy.

    ``start`` (the parameters whose field is the start) is one flat array, so that every
    minimiser works with every map. ``notes`` are sentences worth reading on how it was laid out;
    ``prefit_s`` are the seconds that went into fitting parameters to the start, where it took any,
    and ``compile_s`` those before it in which what it runs was loaded or compiled;
    ``unit`` is what a parameter is multiplied by on its way to the field, as the gradient is on
    its way back.
    """

    start: Array
    notes: Sequence[str] = ()
    prefit_s: float = 0.0
    compile_s: float = 0.0
    unit: float = 1.0

    @abstractmethod
    def field(self, params: Array) -> Array:
        """The field F(params), shaped as the energy's; remembers what the pullback needs."""

    @abstractmethod
    def pull_back(self, gradient: Array) -> Array:
        """Jᵀ·gradient at the parameters of the last call of :meth:`field`.

        The result may be overwritten by the next call.
        """


class Parametrization(ABC):
    """A recipe for a :class:`Map`: what to build, before it is known for which energy."""

    name = "parametrization"
    gains_from_gpu = False  # whether torch on a GPU is to be taken where there is one
    loads_kernels = False  # whether laying it out runs kernels that must be loaded first
    random = False  # whether the seed decides on more than the energy's own start

    @abstractmethod
    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """Lay the map out so that its start gives the field ``start`` (n,) or (n, d), or nearly."""


class Identity(Parametrization):
    """The field itself as the variables."""

    name = "identity"

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """The flattened field as the parameters."""
        return _IdentityMap(energy, start, backend)


class _IdentityMap(Map):
    def __init__(self, energy: Energy, start: np.ndarray, backend: Backend) -> None:
        self.shape = energy.shape
        self.start = backend.asarray(energy.clamp(start)).reshape(-1)

    def field(self, params: Array) -> Array:
        return params.reshape(self.shape)

    def pull_back(self, gradient: Array) -> Array:
        return gradient.reshape(-1)


def whole(number: Any, least: int, what: str) -> int:
    """A setting that counts something, as an int.

    Raises
    ------
    InputError
        For what is no whole number or is below ``least``; ``what`` says of which setting.

    >>> whole(3, 1, "the degree of a filter")
    3
    """
    real = isinstance(number, (int, float, np.integer, np.floating))
    if not (real and float(number).is_integer() and number >= least):
        raise InputError(f"{what} must be a whole number of {least} or more, not {number!r}")
    return int(number)
