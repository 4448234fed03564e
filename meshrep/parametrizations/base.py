"""The variables in which a minimiser moves: a map from parameters to a field, and its pullback."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from meshrep.base.backends import Array, Backend
from meshrep.base.pickling import Lean
from meshrep.energies.base import Energy
from meshrep.errors import InputError, kind_of


class Map(ABC):
    """A parametrization laid out on one back end for one energy: w = F(params).

    A subclass sets ``start`` and writes :meth:`field` and :meth:`pull_back`.

    Attributes
    ----------
    start : array (p,)
        The parameters whose field is the start: one flat array of the back end, so that every
        minimiser works with every map.
    notes : sequence of str
        Sentences for the user on how it was laid out.
    prefit_s, prefit_steps : float, int
        Seconds and steps that went into fitting parameters to the start.
    compile_s : float
        Seconds of loading and compiling code before the fit.
    remembers : bool
        Whether a pullback depends on gradients before it, those of the warm-up included.
    unit : float
        What a parameter is multiplied by on its way to the field; Adam's step is divided by it.
    shapes : mapping of str to tuple
        Names and shapes of the parts of the parameters, where the map has a :meth:`formula`.
    anchor : mapping of str to array
        What the formula needs beside the parameters to begin at the start.

    Examples
    --------
    See :class:`Parametrization`.
    """

    start: Array
    shapes: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    anchor: Mapping[str, Array] = MappingProxyType({})
    notes: Sequence[str] = ()
    prefit_s: float = 0.0
    prefit_steps: int = 0
    compile_s: float = 0.0
    remembers: bool = False
    unit: float = 1.0

    @abstractmethod
    def field(self, params: Array) -> Array:
        """The field F(params), of the energy's shape (n,) or (n, d).

        It stores what :meth:`pull_back` needs of the parameters.
        """

    @abstractmethod
    def pull_back(self, gradient: Array) -> Array:
        """Jᵀ·gradient (p,) at the parameters of the last call of :meth:`field`, J = dF/dparams.

        ``gradient`` has the field's shape. The next call may overwrite what is returned.
        """

    def formula(self, parts: Sequence[Array], anchor: Mapping[str, Array]) -> Array:
        """The field of the parts of the parameters, which torch can differentiate and batch.

        It stores nothing. Only a map with ``shapes`` has it; :mod:`meshrep.nn` makes modules of it.
        """
        raise NotImplementedError(f"{type(self).__name__} has no formula")

    def begun(self, start: np.ndarray, seed: int) -> tuple[Array, Mapping[str, Array]]:
        """Flat parameters (p,) and anchor of another start, in the same layout."""
        raise NotImplementedError(f"{type(self).__name__} is laid out for one start")

    def parted(self, params: Array) -> list[Array]:
        """Views of flat parameters (p,) in their ``shapes``."""
        views, begun = [], 0
        for shape in self.shapes.values():
            size = int(np.prod(shape))
            views.append(params[begun : begun + size].reshape(shape))
            begun += size
        return views


class Parametrization(Lean, ABC):
    """The variables of a solver: a recipe for a :class:`Map`, before the energy is known.

    A subclass writes :meth:`build` and no more. An instance is the second part of a solver:
    ``Solver(LBFGS(), Mine())``.

    Attributes
    ----------
    name : str
        What reports call the variables.
    gains_from_gpu : bool
        Whether torch on a GPU is to be taken where there is one.
    loads_kernels : bool
        Whether laying it out runs kernels that must be loaded first.
    runs_on : str
        "torch" where it can be laid out on tensors alone.
    random : bool
        Whether the seed changes anything besides the energy's start.

    Examples
    --------
    Temperatures as the sum of their differences along a path, w_i = θ_0 + … + θ_i:

    >>> import numpy as np, meshrep
    >>> class Differences(meshrep.Parametrization):
    ...     name = "differences"
    ...
    ...     def build(self, energy, start, backend, seed):
    ...         return SummedUp(np.diff(start, prepend=0.0))
    >>> class SummedUp(meshrep.Map):
    ...     def __init__(self, start):
    ...         self.start = start
    ...
    ...     def field(self, params):
    ...         return np.cumsum(params)
    ...
    ...     def pull_back(self, gradient):
    ...         return np.cumsum(gradient[::-1])[::-1]
    >>> path = meshrep.Graph.from_edges(5, [[0, 1], [1, 2], [2, 3], [3, 4]])
    >>> heat = meshrep.HeatBath(path, hot=[4], cold=[0], t_hot=4.0, kind="dirichlet")
    >>> solver = meshrep.Solver(meshrep.LBFGS(), Differences(), backend="numpy")
    >>> meshrep.solve(heat, solver).field.round(6).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """

    name = "parametrization"
    gains_from_gpu = False
    loads_kernels = False
    random = False
    runs_on = ""

    @abstractmethod
    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """Lay the map out so that its start gives the field ``start``, or nearly.

        Parameters
        ----------
        energy : Energy
            The energy of the field; ``energy.shape`` is the field's shape.
        start : (n,) or (n, d) float64
            The field at the start, on the host.
        backend : Backend
            Parameters, field and gradient are its arrays.
        seed : int
            Seed of random numbers.
        """

    def limited(self, max_steps: float, max_seconds: float) -> Parametrization:
        """The same variables, whose fit to the start leaves part of a run's limits to the run."""
        return self


class Identity(Parametrization):
    """The field itself as the variables."""

    name = "identity"

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """The flattened field as the parameters."""
        return _IdentityMap(energy, start, backend)


class _IdentityMap(Map):
    def __init__(self, energy: Energy, start: np.ndarray, backend: Backend) -> None:
        self.shape, self.energy, self.backend = energy.shape, energy, backend
        self.shapes = {"values": self.shape}
        self.start, _ = self.begun(start, 0)

    def begun(self, start: np.ndarray, seed: int) -> tuple[Array, Mapping[str, Array]]:
        return self.backend.asarray(self.energy.clamp(start)).reshape(-1), {}

    def formula(self, parts: Sequence[Array], anchor: Mapping[str, Array]) -> Array:
        return parts[0]

    def field(self, params: Array) -> Array:
        return params.reshape(self.shape)

    def pull_back(self, gradient: Array) -> Array:
        return gradient.reshape(-1)


def whole(number: Any, least: int, what: str) -> int:
    """A setting that counts something, as an int.

    Raises
    ------
    InputError
        For a number that is not whole, or below ``least``; ``what`` names the setting.

    >>> whole(3, 1, "the degree of a filter")
    3
    """
    real = isinstance(number, (int, float, np.integer, np.floating))
    if not (real and float(number).is_integer() and number >= least):
        raise InputError(f"{what} must be a whole number of {least} or more, not {number!r}")
    return int(number)


def built(
    parametrization: Parametrization, energy: Energy, start: np.ndarray, backend: Backend, seed: int
) -> Map:
    """The map of a parametrization for an energy.

    Raises
    ------
    InputError
        When the parametrization's ``build`` returns something else, or a map without a start.
    """
    found: object = parametrization.build(energy, start, backend, seed)
    name = type(parametrization).__name__
    if not isinstance(found, Map):
        raise InputError(
            f"{name}.build gave {kind_of(found)} and not a meshrep.Map: return a subclass of it, "
            "which writes field(params) and pull_back(gradient) and sets start"
        )
    if getattr(getattr(found, "start", None), "ndim", None) != 1:
        raise InputError(
            f"{type(found).__name__}.start must be one flat array of the parameters at the start"
        )
    return found
