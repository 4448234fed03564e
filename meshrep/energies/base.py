"""What an energy is: a number for every field on a graph, with its derivatives.

An :class:`Energy` is the physics. :meth:`Energy.on` returns its evaluator on one back end, which
minimisers call in their loops. Energies can be added and multiplied by numbers.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend, NumpyBackend
from meshrep.base.pickling import Lean
from meshrep.base.randomness import random_from
from meshrep.base.schedules import Schedule
from meshrep.energies.answers import Answer
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.fixed import Fixed
from meshrep.energies.given import real_array, tried
from meshrep.energies.phase_law import PhaseLaw
from meshrep.errors import InputError, kind_of
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.graphs.operators import components
from meshrep.graphs.ordering import Order
from meshrep.sources.values import by_name

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Energy(Lean, ABC):
    """A differentiable function of a field on a graph.

    A subclass writes :meth:`on` and calls ``super().__init__(graph)``. It sets the attributes
    below where they differ from the defaults, and writes :meth:`hessian` and sets ``has_hessian``
    if it knows its Hessian. :class:`meshrep.EdgeEnergy` and :class:`meshrep.FunctionEnergy` are
    shorter ways for a potential on edges and for a function with its gradient.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        Where the field lives.

    Attributes
    ----------
    graph : Graph
        Where the field lives.
    quantity : str
        "temperature", "phase", "position" or "field": how to draw and label it.
    convex : bool
        Whether every local minimum is the global one.
    has_hessian : bool
        Whether :meth:`hessian` returns a sparse matrix.
    unit : float
        The natural size of differences of the field. Where a subclass does not set it,
        :meth:`fitted` takes it from the start of a run.
    origin : float
        The value from which the field is counted: its numbers without dimension are
        (w − origin) / unit.
    quadratic : bool
        Whether the Hessian is the same at every field, so that the minimum of a convex energy is
        the solution of one linear system.
    shift_invariant : bool
        Whether adding a constant on a connected component keeps the energy.
    propagation : str
        The propagation matrix that suits networks on this energy: see
        :func:`meshrep.graphs.operators.propagation`.
    frequency_spread : float
        The difference of the largest and the smallest natural frequency of the flow.
    by_fields : bool
        Whether phases obey dφ/dt = ω + Im(H e^{−iφ}) with a field H that the others make. Such an
        energy has ``omega`` (n,), and its NumPy evaluators have ``fields(z, inverse_mass, H)``,
        which writes H (2n,) of spins z (2n,): see :mod:`meshrep.flows.moebius`.
    smooth : bool
        Whether the gradient is continuous. Where it jumps, the gradient is that of one of the
        smooth pieces, and need not vanish at a minimum.
    stochastic : bool
        Whether the evaluators of :meth:`on` draw a new subsample at every evaluation. The
        evaluator of ``judge`` must not: it averages over fixed subsamples.
    reentrant : bool
        Whether several threads may evaluate it at once, each by its own evaluator.
    one_start : bool
        Whether ``random_start`` gives the same field for every seed.
    unbounded : str
        Why there is no minimum, and what to do; empty where there is one.
    undecided : str
        Why the minimum is not one field but many, and what to do; empty where it is one, or where
        that is not checked. Other terms of a sum may decide it.
    fixed : (k,) int64
        Nodes whose values are not free; the gradient is 0 there.
    fixed_values : (k,) float64
        Their values.
    phase_law : PhaseLaw or None
        How phases act on each other, which "lift" and "anneal" need to know. None where the field
        is not phases, or where the energy has no such law.
    runs_on : str
        "torch" where the energy is computed there alone: minimisers that have torch then take it.
    device : str
        The device on which ``solve`` then works by default; empty where it chooses.
    variable : tuple of str
        Names of the numbers, such as conductances, that :meth:`with_numbers` replaces.
    attraction : (m,) float64 or None
        For each edge, whether its energy is lowest at equal phases of its ends (+) or at opposite
        ones (−); None where edges have no such preference.
    symbols : mapping of str to str
        The symbol of the unit of the field, under the name of its quantity, and of cell fields,
        such as ``{"temperature": "°C"}``.
    time_symbol : str
        The symbol of the unit of time, such as "s"; empty where time has none.

    Examples
    --------
    E(w) = ½ Σ_i (w_i − i)² on any back end:

    >>> import numpy as np, meshrep
    >>> class Springs(meshrep.Energy):
    ...     convex = True
    ...
    ...     def on(self, backend):
    ...         return Pulled(backend.asarray(np.arange(self.graph.n)))
    >>> class Pulled(meshrep.Evaluator):
    ...     def __init__(self, target):
    ...         self.target = target
    ...
    ...     def value_and_grad(self, w):
    ...         off = w - self.target
    ...         return 0.5 * (off * off).sum(), off
    >>> springs = Springs(meshrep.graph_from("ring:4"))
    >>> meshrep.solve(springs).field.round(6).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """

    quantity = "field"
    symbols: Mapping[str, str] = MappingProxyType({})
    time_symbol = ""
    convex = False
    has_hessian = False
    quadratic = False
    unit = 1.0
    origin = 0.0
    shift_invariant = False
    propagation = "sym"
    frequency_spread = 0.0
    by_fields = False
    smooth = True
    stochastic = False
    reentrant = True
    one_start = False
    unbounded = ""
    runs_on = ""
    device = ""
    variable: tuple[str, ...] = ()
    undecided = ""
    phase_law: PhaseLaw | None = None
    attraction: np.ndarray | None = None

    def __init__(self, graph: GraphLike) -> None:
        self.graph = Graph.of(graph)
        self.fixed = np.zeros(0, dtype=np.int64)
        self.fixed_values = np.zeros(0)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self, 'graph', 'no graph')})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a field: (n,) or (n, d)."""
        return (self.graph.n,)

    @property
    def auto_solver(self) -> tuple[str, str]:
        """The named solver that "auto" takes for this energy, and why."""
        moves = self.quantity == "position"
        if self.stochastic and moves:
            return "kernel", (
                "a few points of a large cloud move at a time, and take the others along"
            )
        if self.stochastic:
            return "adam", "a fresh subsample at every step, which a line search cannot follow"
        if self.has_hessian and self.convex and self.smooth:
            return "lbfgs-newton", (
                "convex with a sparse Hessian: L-BFGS arrives first on most meshes, and Newton's "
                "method goes on where it has not arrived"
            )
        if not self.smooth and moves:
            return "gcn", "points under a loss on topology, where networks end lowest most often"
        if not self.smooth:
            return "adam", "not smooth, where a line search stalls"
        return "lbfgs", "not known to be convex, or without a sparse Hessian"

    @property
    def compared_solvers(self) -> tuple[str, ...]:
        """The named solvers that are compared on this energy unless others are named."""
        if self.quantity == "position":
            return ("kernel", "adam", "sgd") if self.stochastic else ("gcn", "adam", "sgd", "lbfgs")
        return "gcn", "adam", "gd", "lbfgs", "newton", "rk4"

    @property
    def coupling(self) -> sparse.csr_array:
        """The symmetric matrix (n, n) of couplings of nodes, along which networks propagate."""
        return self.graph.adjacency

    @abstractmethod
    def on(self, backend: Backend) -> Evaluator:
        """The evaluator for arrays of the back end; it draws subsamples if ``stochastic``.

        Parameters
        ----------
        backend : Backend
            ``backend.asarray`` makes its arrays, ``backend.sparse`` its matrices, and
            ``backend.xp`` is its module of functions: numpy or torch.
        """

    def formula(self, backend: Backend) -> Evaluator:
        """An evaluator in the back end's own operations, whose ``value`` torch can differentiate.

        By default it is the evaluator of :meth:`on`, which may lack ``value``.
        """
        return self.on(backend)

    def with_numbers(self, **numbers: np.ndarray) -> Energy:
        """The same energy with some of its numbers replaced, those that ``variable`` names.

        Raises
        ------
        InputError
            For a number that the energy does not have, or an array of another shape.
        """
        raise InputError(f"{type(self).__name__} has no numbers that may be replaced")

    def value_with(self, backend: Backend, w: Array, numbers: Mapping[str, Array]) -> Any:
        """The energy by operations of torch, which differentiates it in w and in the numbers.

        Parameters
        ----------
        backend : Backend
            That of torch.
        w : (n,) or (n, d) tensor
        numbers : mapping of str to tensor
            What :meth:`with_numbers` would replace.
        """
        raise InputError(f"{type(self).__name__} has no numbers that may be replaced")

    def held_with(self, backend: Backend, numbers: Mapping[str, Array]) -> Array:
        """Values of the fixed nodes, which may follow from the numbers."""
        return backend.asarray(self.fixed_values)

    def _given(self, numbers: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
        """InputError for numbers that the energy does not have, or of another shape."""
        for name, values in numbers.items():
            if name not in shapes:
                raise InputError(
                    f"{type(self).__name__} has no numbers {name!r} to replace: it has "
                    f"{', '.join(shapes) or 'none'}"
                )
            if tuple(np.shape(values)) != shapes[name]:
                raise InputError(
                    f"{name} must have the shape {shapes[name]}, not {tuple(np.shape(values))}"
                )

    def reordered(self, order: Order) -> Energy | None:
        """The same energy with nodes in another order; None where the energy does not offer that.

        Only minimisers use it: random starts and scales are those of the original energy.
        """
        return None

    def _on_renumbered(self, order: Order) -> Any:
        """A shallow copy on the order's graph without cached values; arrays are not reordered."""
        twin = copy.copy(self)
        twin.graph, twin.fixed = order.graph, order.nodes(self.fixed)
        return twin

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """Hessian at w, sparse (n, n), rows and columns of fixed nodes included."""
        raise NotImplementedError(f"{type(self).__name__} has no sparse Hessian")

    def velocity_jacobian(self, w: np.ndarray) -> sparse.csr_array:
        """Derivative of the evaluators' ``velocity`` at w, sparse (n, n)."""
        return -self.hessian(w)

    def random_start(self, seed: int = 0) -> np.ndarray:
        """A start drawn uniformly from [0, unit) above the origin."""
        return self.origin + self.unit * random_from(seed).random(self.shape)

    @cached_property
    def scale(self) -> float:
        """The natural size of the energy: that of one term at a difference of one ``unit``.

        With ``unit`` and ``origin`` it makes a problem dimensionless, and every absolute number of
        a minimiser is in these units. By default it is the root mean square of the gradient at a
        random start, times the unit; 1 where that is 0.
        """
        size = self._usual_norm / max(int(np.prod(self.shape)), 1) ** 0.5 * self.unit
        return size if 0 < size < np.inf else 1.0

    @cached_property
    def _usual_norm(self) -> float:
        """The gradient's 2-norm at a random start, which may be too small to be squared."""
        gradient = self.gradient(self.random_start(0))
        largest = float(abs(gradient).max(initial=0.0))
        if not 0 < largest < np.inf:
            return largest
        return largest * float(np.linalg.norm(gradient / largest))

    def gradient_scale(self, start: np.ndarray) -> float:
        """What a gradient's 2-norm is divided by before it is compared with a tolerance.

        By default the norm at a random start, which does not depend on the actual start; or one
        in units of ``scale`` and ``unit`` where that norm is 0.
        """
        norm = self._usual_norm
        return norm if 0 < norm < np.inf else self.scale / self.unit

    @property
    def has_unit(self) -> bool:
        """Whether the class or the object sets ``unit``."""
        kinds = type(self).__mro__
        return any("unit" in vars(part) for part in (self, *kinds[: kinds.index(Energy)]))

    def fitted(self, start: np.ndarray) -> Energy:
        """This energy, or a copy whose unit is that of the start if it sets none.

        The unit is the power of two that is nearest to twice the largest distance of the start
        from its mean, or to its size where it is constant. It is 1 for a random start.
        """
        if self.has_unit:
            return self
        mean = start.mean() if start.size else 0.0
        size = 2 * float(abs(start - mean).max(initial=0.0))
        if size <= 1e-12 * abs(mean):  # constant up to rounding
            size = float(abs(mean))
        unit = 2.0 ** round(np.log2(size)) if 0 < size < np.inf else 1.0
        if unit == self.unit:
            return self
        twin = copy.copy(self)
        twin.unit = unit
        return twin

    def steepest(self, start: np.ndarray) -> float:
        """The largest curvature along a path from the start, by which gradient steps are chosen.

        An energy returns a bound if it knows one. Otherwise it is estimated by twenty power
        iterations on the Hessian at the start, which a later state may exceed.
        """
        direction = np.random.default_rng(0).standard_normal(self.shape)
        direction[self.fixed] = 0.0
        curvature = 0.0
        for _ in range(20):
            direction /= np.linalg.norm(direction)
            product = self.hvp(start, direction)
            curvature = float(np.linalg.norm(product))
            if curvature == 0.0:
                break
            direction = product
        usable = np.isfinite(curvature) and curvature > 0
        return curvature if usable else self.scale / self.unit**2

    def stiffness(self, start: np.ndarray) -> float:
        """The same as ``steepest`` for the flow in time: the largest rate of change."""
        return self.steepest(start)

    def measures(self, w: np.ndarray) -> dict[str, float]:
        """Further measures of a field, by name, for tables."""
        return {}

    def answers(self, w: np.ndarray) -> list[Answer]:
        """What a user wants to know of a field beside itself, such as heat in W.

        Reports, tables and the accessor of PyVista show the answers of every energy that has some.
        """
        return []

    def remarks(self, w: np.ndarray) -> list[str]:
        """Sentences on why a field may not be what the user wants, though it is a minimum."""
        return []

    def springs(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Nodes (k,) that baths pull to a target, and the stiffness (k,) of these pulls at w."""
        return None

    @property
    def label(self) -> str:
        """The quantity with the symbol of its unit, as at a colour bar."""
        symbol = self.symbols.get(self.quantity, "")
        return f"{self.quantity} ({symbol})" if symbol else self.quantity

    def cell_fields(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """What follows from a field in each cell of the graph, by name: arrays (c,) or (c, k)."""
        return {}

    def watched(self, w: np.ndarray) -> float | None:
        """The one measure that is recorded along a run; None where there is none."""
        return None

    @property
    def capacity(self) -> np.ndarray:
        """The mass (n,) by which the velocity of each node is divided in time; by default 1."""
        return np.ones(self.graph.n)

    @property
    def capacity_matrix(self) -> sparse.csr_array | None:
        """The mass as a symmetric, positive definite matrix (n, n); None where there is none.

        An energy that has one is stiff: :func:`meshrep.integrate` follows it by "bdf" and with this
        mass unless told otherwise.
        """
        return None

    @property
    def schedules(self) -> list[Schedule]:
        """What its conditions follow in time; empty where nothing changes."""
        return []

    def at(self, time: float) -> Energy:
        """The energy with the conditions of a time; itself where nothing changes."""
        return self

    def prospects(self, start: np.ndarray) -> list[str]:
        """Sentences about a run that the start allows, such as that nothing will move."""
        return []

    def settings(self) -> dict[str, Any]:
        """Everything that defines the energy beside the graph, for a report."""
        return {"energy": type(self).__name__}

    @cached_property
    def component_of(self) -> np.ndarray:
        """Number of the component of each node, (n,), along couplings that are not 0."""
        by_edges = self.coupling is self.graph.adjacency and self.graph.weights.all()
        return self.graph.component_of if by_edges else components(self.coupling)

    @cached_property
    def free(self) -> np.ndarray:
        """Nodes that are not fixed, in order."""
        mask = np.ones(self.graph.n, dtype=bool)
        mask[self.fixed] = False
        return np.flatnonzero(mask)

    @cached_property
    def free_entries(self) -> np.ndarray:
        """Indices of the entries of a flat field that are not fixed, in order."""
        return np.arange(int(np.prod(self.shape))).reshape(self.shape)[self.free].ravel()

    def clamp(self, w: ArrayLike) -> np.ndarray:
        """A float64 copy of the field with the fixed nodes at their values.

        A field of one number a node may also be a mapping from the names of the nodes.

        Raises
        ------
        InputError
            When it is no array of real numbers, its shape is not the energy's, or an entry is not
            finite.
        """
        w = by_name(self.graph, w, "the field")
        w = np.array(real_array(w, self.shape, "the field must be"))
        if not np.isfinite(w).all():
            raise InputError("the field has a NaN or infinite entry: start from finite numbers")
        return self.with_fixed(w)

    def readable(self, w: np.ndarray) -> np.ndarray:
        """The field as a reader expects it; phases without full turns."""
        return w

    def with_fixed(self, w: np.ndarray) -> np.ndarray:
        """The field itself (float64), with the fixed nodes at their values; nothing is checked."""
        Fixed(self.fixed, self.fixed_values, NumpyBackend()).hold(w)
        return w

    @cached_property
    def judge(self) -> Evaluator:
        """The evaluator in float64 on NumPy, by which the end of every solver is judged.

        It is deterministic: a stochastic energy must override it.
        """
        return laid_out(self, NumpyBackend("float64", jit=False))

    def value(self, w: ArrayLike) -> float:
        """Energy of a field."""
        return float(tried(self.judge, np.array(w, dtype=np.float64))[0])

    def gradient(self, w: ArrayLike) -> np.ndarray:
        """Gradient at a field, in its shape."""
        return np.array(tried(self.judge, np.array(w, dtype=np.float64))[1])

    def hvp(self, w: ArrayLike, v: ArrayLike) -> np.ndarray:
        """Hessian at w times v."""
        return self.judge.hvp(np.array(w, dtype=np.float64), np.array(v, dtype=np.float64))

    def merged(self, other: Energy) -> Energy | None:
        """One energy that is the sum of both and states them together, where there is one."""
        return None

    def __mul__(self, factor: float) -> Energy:
        from meshrep.energies.sums import Sum

        return Sum([(float(factor), self)])

    __rmul__ = __mul__

    def __add__(self, other: Energy) -> Energy:
        from meshrep.energies.sums import added_up

        return added_up([(1.0, self), (1.0, other)])


def laid_out(energy: Energy, backend: Backend) -> Evaluator:
    """The evaluator of an energy on a back end.

    Raises
    ------
    InputError
        When the energy's ``on`` does not return an evaluator.
    """
    found: object = energy.on(backend)
    if isinstance(found, Evaluator):
        found.unit = energy.unit
        return found
    raise InputError(
        f"{type(energy).__name__}.on gave {kind_of(found)} and not a meshrep.Evaluator: return a "
        "subclass of it, which writes value_and_grad(w)"
    )


def checked_energy(energy: object) -> Energy:
    """The energy, if it is one.

    Raises
    ------
    InputError
        When it is something else; says what to write instead.
    """
    if isinstance(energy, Energy):
        if hasattr(energy, "graph"):
            return energy
        name = type(energy).__name__
        raise InputError(f"{name} has no graph: call super().__init__(graph) in its __init__")
    name = getattr(energy, "__name__", type(energy).__name__)
    if isinstance(energy, type):
        raise InputError(f"{name} is a class and not an energy: write {name}(graph, …)")
    if callable(energy):
        raise InputError(
            f"{name} is a function and not an energy: write meshrep.FunctionEnergy(graph, {name}), "
            "if it returns the energy of a field and its gradient"
        )
    raise InputError(
        f"{kind_of(energy)} is not an energy: make {name} a subclass of meshrep.Energy, which "
        "writes on(backend)"
    )
