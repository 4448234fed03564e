"""What an energy is: a number for every field on a graph, with its derivatives.

An :class:`Energy` is the physics; :meth:`Energy.on` gives its :class:`Evaluator` on one back
end, which is what minimisers call in their loops. Energies add and scale as functions do.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend, NumpyBackend
from meshrep.energies.fixed import Fixed
from meshrep.energies.phase_law import PhaseLaw
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.graphs.ordering import Order


class Evaluator(ABC):
    """An energy on the arrays of one back end.

    An evaluator whose energy has jitted steppers also offers ``descend`` (see
    ``meshrep.kernels``) and ``flow``, and says so by ``fused = True``.
    """

    fused = False

    @abstractmethod
    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        """Energy (a float or a 0-d array) and gradient, shaped as w; fixed nodes get 0.

        The next call may overwrite the gradient.
        """

    def velocity(self, w: Array) -> Array:
        """dw/dt of the energy's flow at unit mass: −∇E, and what drives it besides."""
        return -self.value_and_grad(w)[1]

    def hvp(self, w: Array, v: Array) -> Array:
        """Hessian at w times v, by central differences of the gradient where not overridden."""
        scale = float((v * v).sum()) ** 0.5
        if scale == 0.0:
            return v * 0.0
        h = 6e-6 * max(1.0, float((w * w).sum()) ** 0.5) / scale
        ahead = self.value_and_grad(w + h * v)[1] + 0.0  # a copy
        return (ahead - self.value_and_grad(w - h * v)[1]) / (2 * h)


class Energy(ABC):
    """A differentiable function of a field on a graph.

    Attributes
    ----------
    graph : Graph
        Where the field lives.
    quantity : str
        "temperature", "phase", "position" or "field": how to draw and label it.
    convex : bool
        Whether every local minimum is the global one.
    unit : float
        The natural size of the field's differences, in which step lengths of Adam are given.
    shift_invariant : bool
        Whether adding a constant to a connected component leaves the energy as it is.
    propagation : str
        The propagation matrix that suits networks on this energy: see
        :func:`meshrep.graphs.operators.propagation`.
    frequency_spread : float
        How far the natural frequencies of the flow lie apart.
    smooth : bool
        Whether the gradient is continuous; where it is not, it is that of one of the pieces that
        meet, and need not vanish at a minimum.
    stochastic : bool
        Whether the evaluators of :meth:`on` draw a fresh subsample at every evaluation. ``judge``
        must not: it averages over subsamples that are the same every time.
    one_start : bool
        Whether ``random_start`` gives the same field for every seed.
    unbounded : str
        Why minimising makes no sense, and what to do; empty where it does.
    fixed : (k,) int64
        Nodes whose values are not free; the gradient is 0 there.
    fixed_values : (k,) float64
        Their values.
    phase_law : PhaseLaw or None
        How phases act on each other, which "lift" and "anneal" must know; None where the energy is
        not one of phases, or another one.
    attraction : (m,) float64 or None
        Which ends of edges want to have the same phase (+) or opposite ones (−); None where edges
        do not say.
    """

    quantity = "field"
    convex = False
    has_hessian = False
    unit = 1.0
    shift_invariant = False
    propagation = "sym"
    frequency_spread = 0.0
    smooth = True
    stochastic = False
    one_start = False
    unbounded = ""
    phase_law: PhaseLaw | None = None
    attraction: np.ndarray | None = None

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.fixed = np.zeros(0, dtype=np.int64)
        self.fixed_values = np.zeros(0)

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
        """The symmetric matrix (n, n) of how nodes are coupled, from which networks propagate."""
        return self.graph.adjacency

    @abstractmethod
    def on(self, backend: Backend) -> Evaluator:
        """The evaluator for arrays of the back end; one that draws, where ``stochastic``."""

    def formula(self, backend: Backend) -> Evaluator:
        """An evaluator in the back end's own operations, with a ``value`` torch can differentiate.

        The one of :meth:`on` where there is no other; it may lack ``value``.
        """
        return self.on(backend)

    def reordered(self, order: Order) -> Energy | None:
        """The same energy with nodes in another order; None where that is not offered.

        It is for minimising alone: random starts and scales are those of the energy itself.
        """
        return None

    def _on_renumbered(self, order: Order) -> Any:
        """A shallow copy on the order's graph, nothing cached; its arrays are yet to be moved."""
        twin = copy.copy(self)
        for name in list(vars(twin)):
            if isinstance(getattr(type(self), name, None), cached_property):
                del vars(twin)[name]
        twin.graph, twin.fixed = order.graph, order.nodes(self.fixed)
        return twin

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """Hessian at w, sparse (n, n), rows and columns of fixed nodes included."""
        raise NotImplementedError(f"{type(self).__name__} has no sparse Hessian")

    def velocity_jacobian(self, w: np.ndarray) -> sparse.csr_array:
        """Derivative of the evaluators' ``velocity`` at w, sparse (n, n)."""
        return -self.hessian(w)

    def random_start(self, seed: int = 0) -> np.ndarray:
        """A start drawn uniformly from [0, 1)."""
        return np.random.default_rng(seed).random(self.shape)

    def gradient_scale(self, start: np.ndarray) -> float:
        """What a gradient's 2-norm is divided by before it is held against a tolerance.

        Where nothing better is known, the norm at a random start, the same whatever the actual
        start; 1 where that vanishes.
        """
        norm = float(np.linalg.norm(self.gradient(self.random_start(0))))
        return norm if np.isfinite(norm) and norm > 1e-12 else 1.0

    def steepest(self, start: np.ndarray) -> float:
        """The largest curvature that a gradient step from the start must allow for.

        A bound where the energy knows one; here twenty power iterations on the Hessian at the
        start, which a later state may exceed.
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
        return curvature if np.isfinite(curvature) and curvature > 0 else 1.0

    def stiffness(self, start: np.ndarray) -> float:
        """The largest rate of change that a step in time must allow for, as ``steepest``."""
        return self.steepest(start)

    def measures(self, w: np.ndarray) -> dict[str, float]:
        """What else is worth knowing of a field, by name, for tables."""
        return {}

    def springs(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Nodes (k,) that baths pull to a target, and the stiffness (k,) of the pull at w."""
        return None

    def watched(self, w: np.ndarray) -> float | None:
        """The one measure that is followed along a run; None where there is none."""
        return None

    @property
    def capacity(self) -> np.ndarray:
        """What a node's rate of change is divided by in time (n,); 1 where nothing is known."""
        return np.ones(self.graph.n)

    def prospects(self, start: np.ndarray) -> list[str]:
        """What a start says of the run before it begins, in sentences worth reading."""
        return []

    def settings(self) -> dict[str, Any]:
        """Everything that defines the energy beside the graph, for a report."""
        return {"energy": type(self).__name__}

    @cached_property
    def free(self) -> np.ndarray:
        """Nodes that are not fixed, in order."""
        mask = np.ones(self.graph.n, dtype=bool)
        mask[self.fixed] = False
        return np.flatnonzero(mask)

    def clamp(self, w: np.ndarray) -> np.ndarray:
        """A float64 copy of the field with the fixed nodes at their values.

        Raises
        ------
        InputError
            When the shape is not the energy's, or an entry is not finite.
        """
        w = np.array(w, dtype=np.float64)
        if w.shape != self.shape:
            raise InputError(f"the field has shape {w.shape} where {self.shape} is needed")
        if not np.isfinite(w).all():
            raise InputError("the field has a NaN or infinite entry: start from finite numbers")
        Fixed(self.fixed, self.fixed_values, NumpyBackend()).hold(w)
        return w

    @cached_property
    def judge(self) -> Evaluator:
        """The evaluator in float64 on NumPy, by which every end state is judged.

        Deterministic: a stochastic energy must override it.
        """
        return self.on(NumpyBackend("float64", jit=False))

    def value(self, w: np.ndarray) -> float:
        """Energy of a field."""
        return float(self.judge.value_and_grad(np.asarray(w, dtype=np.float64))[0])

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Gradient at a field, in its shape."""
        return self.judge.value_and_grad(np.asarray(w, dtype=np.float64))[1]

    def hvp(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Hessian at w times v."""
        return self.judge.hvp(np.asarray(w, dtype=np.float64), np.asarray(v, dtype=np.float64))

    def __mul__(self, factor: float) -> Energy:
        from meshrep.energies.sums import Sum

        return Sum([(float(factor), self)])

    __rmul__ = __mul__

    def __add__(self, other: Energy) -> Energy:
        from meshrep.energies.sums import Sum

        return Sum([(1.0, self), (1.0, other)])


class ByHost(Evaluator):
    """A NumPy evaluator behind the arrays of another back end.

    Tensors on the CPU are shared with NumPy and cost nothing; others make a round trip to the
    host.
    """

    def __init__(self, inner: Evaluator, backend: Backend) -> None:
        self.inner, self.backend = inner, backend
        self.shared = backend.device == "cpu" and hasattr(backend.xp, "from_numpy")

    def _down(self, w: Array) -> np.ndarray:
        return w.detach().numpy() if self.shared else self.backend.to_numpy(w)

    def _up(self, values: np.ndarray) -> Array:
        return self.backend.xp.from_numpy(values) if self.shared else self.backend.asarray(values)

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        """The host's energy and gradient."""
        value, gradient = self.inner.value_and_grad(self._down(w))
        return value, self._up(gradient)

    def velocity(self, w: Array) -> Array:
        """The host's dw/dt."""
        return self._up(self.inner.velocity(self._down(w)))

    def hvp(self, w: Array, v: Array) -> Array:
        """The host's Hessian times v."""
        return self._up(self.inner.hvp(self._down(w), self._down(v)))
