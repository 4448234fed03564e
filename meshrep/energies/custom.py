"""Energies of your own: a scalar potential on every edge, or any function with a gradient."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import ByHost, Evaluator
from meshrep.energies.given import described, pair, real_array, real_matrix, real_number
from meshrep.errors import InputError
from meshrep.graphs.graph import GraphLike
from meshrep.graphs.operators import incidence

Function = Callable[[Array], Array]
Functions = tuple[Function, ...]
Potential = Callable[[Any], Functions]


def positive(value: float, name: str) -> float:
    """The value as a float; InputError unless it is a positive number."""
    if not (isinstance(value, Real) and 0 < value < np.inf):
        raise InputError(f"{name} must be a positive number, not {value!r}")
    return float(value)


class _Potential:
    """A potential and its derivatives, as users give them, tried once at differences or values.

    Functions that change their argument are called on copies, and a constant becomes an array.
    """

    def __init__(self, given: Potential | Functions, at: np.ndarray, name: str) -> None:
        self.given = given
        functions = self._functions(np)
        self.wrappers = tuple(_wrapper(f, at, name) for f in functions)
        self.has_second = len(functions) == 3

    def _functions(self, xp: Any) -> Functions:
        functions = self.given if isinstance(self.given, tuple) else self.given(xp)
        if not isinstance(functions, tuple | list) or len(functions) not in (2, 3):
            raise InputError(
                "a potential is (φ, φ′) or (φ, φ′, φ″), or a function that returns one"
            )
        return tuple(functions)

    def on(self, xp: Any) -> Functions:
        """(φ, φ′, φ″ or None) for a module of array functions."""
        pairs = zip(self.wrappers, self._functions(xp), strict=True)
        return (*(wrapper(f) for wrapper, f in pairs), None)[:3]  # type: ignore[return-value]


def _wrapper(function: Function, at: np.ndarray, name: str) -> Callable[[Function], Function]:
    """What has to be put around a function; InputError for what it must not return."""
    argument = at.copy()
    found = function(argument)
    constant = type(found) in (int, float)
    if not constant and (
        not isinstance(found, np.ndarray)
        or found.shape != at.shape
        or found.dtype.kind not in "biuf"
    ):
        raise InputError(
            f"the functions of the {name} must return one real number for each entry of their "
            f"argument, an array of shape {at.shape} here, not {described(found)}"
        )
    if constant:
        return _everywhere
    return _as_it_is if np.array_equal(argument, at) else _on_a_copy


def _as_it_is(function: Function) -> Function:
    return function


def _on_a_copy(function: Function) -> Function:
    return lambda at: function(at + 0)


def _everywhere(function: Function) -> Function:
    return lambda at: at * 0.0 + function(at + 0)


class EdgeEnergy(Energy):
    """E(w) = Σ_edges a_ij φ(w_i − w_j) + Σ_i ψ(w_i), from scalar functions written once.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        Edges i < j with weights a_ij.
    potential : function of an array namespace, or tuple
        ``potential(xp)`` returns (φ, φ′, φ″), which take and return arrays of ``xp`` (numpy or
        torch). A tuple of functions that work on both kinds of array is taken as well. Without φ″
        there is no sparse Hessian.
    node_potential : optional
        ψ and its derivatives, in the same form.
    convex : bool
        Whether the sum is known to be convex.
    unit : float, optional
        The natural size of differences of the field; by default that of the start.

    Examples
    --------
    A softened graph total variation, Σ √(Δ² + ε²), pulled to data at two nodes:

    >>> import meshrep
    >>> ring = meshrep.graph_from("ring:6")
    >>> def huber(xp):
    ...     root = lambda d: xp.sqrt(d * d + 0.01)
    ...     return root, lambda d: d / root(d), lambda d: 0.01 / root(d) ** 3
    >>> energy = EdgeEnergy(ring, huber, convex=True)
    >>> energy = energy + meshrep.HeatBath(ring, hot=[0], cold=[3], power=2)
    >>> meshrep.solve(energy, solver="newton").result.word
    'converged'
    """

    def __init__(
        self,
        graph: GraphLike,
        potential: Potential | Functions,
        node_potential: Potential | Functions | None = None,
        *,
        convex: bool = False,
        unit: float | None = None,
    ) -> None:
        super().__init__(graph)
        if unit is not None:
            self.unit = positive(unit, "unit")
        graph = self.graph
        self.potential, self.node_potential = potential, node_potential
        self.convex = convex
        self.incidence = incidence(graph)
        w = self.random_start()
        self.edge_part = _Potential(potential, self.incidence @ w, "potential")
        self.node_part = None
        if node_potential is not None:
            self.node_part = _Potential(node_potential, w, "node_potential")
        parts = [part for part in (self.edge_part, self.node_part) if part is not None]
        self.has_hessian = all(part.has_second for part in parts)

    def on(self, backend: Backend) -> Evaluator:
        """The formula over the arrays of the back end."""
        return _EdgeFormula(self, backend)

    variable = ("weights",)

    def with_numbers(self, **numbers: np.ndarray) -> EdgeEnergy:
        """The same energy with other weights (m,) of edges."""
        self._given(numbers, {"weights": (self.graph.m,)})
        twin = copy.copy(self)
        if numbers:
            twin.graph = self.graph.with_weights(np.array(numbers["weights"], dtype=np.float64))
        return twin

    def value_with(self, backend: Backend, w: Array, numbers: Mapping[str, Array]) -> Any:
        """The energy in the weights as well."""
        self._given(numbers, {"weights": (self.graph.m,)})
        formula = _EdgeFormula(self, backend)
        formula.a = numbers.get("weights", formula.a)
        return formula.value(w)

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """Bᵀ diag(a φ″(Bw)) B + diag(ψ″(w))."""
        second = self.edge_part.on(np)[2]
        if not self.has_hessian or second is None:
            return super().hessian(w)
        B = self.incidence
        matrix = B.T @ sparse.diags_array(self.graph.weights * second(B @ w)) @ B
        if self.node_part is not None:
            matrix = matrix + sparse.diags_array(self.node_part.on(np)[2](w))
        return sparse.csr_array(matrix)


class _EdgeFormula(Evaluator):
    def __init__(self, energy: EdgeEnergy, backend: Backend) -> None:
        B = energy.incidence
        self.B, self.Bt = backend.sparse(B), backend.sparse(sparse.csr_array(B.T))
        self.a = backend.asarray(energy.graph.weights)
        self.edge = energy.edge_part.on(backend.xp)
        self.node = None if energy.node_part is None else energy.node_part.on(backend.xp)

    def value(self, w: Array) -> Any:
        """The energy alone, which torch can differentiate."""
        total = (self.a * self.edge[0](self.B @ w)).sum()
        return total if self.node is None else total + self.node[0](w).sum()

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        difference = self.B @ w
        value = (self.a * self.edge[0](difference)).sum()
        gradient = self.Bt @ (self.a * self.edge[1](difference))
        if self.node is not None:
            value = value + self.node[0](w).sum()
            gradient = gradient + self.node[1](w)
        return value, gradient

    def hvp(self, w: Array, v: Array) -> Array:
        if self.edge[2] is None or (self.node is not None and self.node[2] is None):
            return super().hvp(w, v)
        product = self.Bt @ (self.a * self.edge[2](self.B @ w) * (self.B @ v))
        return product if self.node is None else product + self.node[2](w) * v


class FunctionEnergy(Energy):
    """Any function of a field with its gradient, on NumPy arrays; every solver takes it.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        Where the field lives; networks propagate along its edges.
    value_and_grad : callable
        w ↦ (energy, gradient), with w and the gradient of one shape. w is a copy, which it may
        change. It is called once here.
    hvp : callable, optional
        (w, v) ↦ Hessian times v; without it, differences of the gradient are taken.
    hessian : callable, optional
        w ↦ sparse Hessian.
    shape : tuple, optional
        Of the field: (n,) by default, or (n, d).
    convex : bool
    unit : float, optional
        The natural size of differences of the field; by default that of the start.

    Raises
    ------
    InputError
        Here or in a later call, when the energy is no real number, or the gradient (the product,
        the Hessian) is no real array of the right shape. NaN is a number: a field where the energy
        is NaN is not taken.

    Examples
    --------
    >>> import numpy as np, meshrep
    >>> ring = meshrep.graph_from("ring:6")
    >>> bowl = FunctionEnergy(ring, lambda w: (float(((w - 2) ** 2).sum()), 2 * (w - 2)))
    >>> meshrep.solve(bowl, solver="lbfgs").field.round(6).tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    """

    reentrant = False  # the function may keep arrays between its calls

    def __init__(
        self,
        graph: GraphLike,
        value_and_grad: Callable[[np.ndarray], tuple[float, np.ndarray]],
        *,
        hvp: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
        hessian: Callable[[np.ndarray], Any] | None = None,
        shape: tuple[int, ...] | None = None,
        convex: bool = False,
        unit: float | None = None,
    ) -> None:
        super().__init__(graph)
        if unit is not None:
            self.unit = positive(unit, "unit")
        graph = self.graph
        self._shape = (graph.n,) if shape is None else tuple(shape)
        if self._shape[0] != graph.n or len(self._shape) > 2:
            raise InputError(f"a field on {graph.n} nodes has no shape {self._shape}")
        self.function, self.product, self.matrix = value_and_grad, hvp, hessian
        self.convex, self.has_hessian = convex, hessian is not None
        _Function(self).value_and_grad(self.random_start())

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a field."""
        return self._shape

    def on(self, backend: Backend) -> Evaluator:
        """The function itself; tensors are copied to the host and back."""
        if backend.xp is np:
            return _Function(self)
        return ByHost(_Function(self, copies=True), backend)  # optimisers of torch may write to it

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """The user's Hessian."""
        if self.matrix is None:
            return super().hessian(w)
        w = np.array(w, dtype=np.float64)
        return real_matrix(self.matrix(w), w.size, "hessian must return")


class _Function(Evaluator):
    """A user's functions, called on copies of the field, and what they return, checked."""

    def __init__(self, energy: FunctionEnergy, *, copies: bool = False) -> None:
        self.energy, self.copies = energy, copies

    def value_and_grad(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        who, shape = "value_and_grad must return", self.energy.shape
        value, gradient = pair(self.energy.function(np.array(w, dtype=np.float64)), who)
        energy, found = real_number(value, who), real_array(gradient, shape, f"{who} second")
        return energy, found.astype(w.dtype, copy=self.copies)

    def hvp(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        product = self.energy.product
        if product is None:
            return super().hvp(w, v)
        found = product(np.array(w, dtype=np.float64), np.array(v, dtype=np.float64))
        return real_array(found, self.energy.shape, "hvp must return").astype(w.dtype)
