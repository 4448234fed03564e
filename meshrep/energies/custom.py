"""Energies of your own: a scalar potential on every edge, or any function with a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import ByHost, Evaluator
from meshrep.errors import InputError
from meshrep.graphs.graph import GraphLike
from meshrep.graphs.operators import incidence

Functions = tuple[Callable[[Array], Array], ...]
Potential = Callable[[Any], Functions]


def _three(potential: Potential | Functions, xp: Any) -> Functions:
    """(φ, φ′, φ″ or None) for a module of array functions."""
    functions = potential if isinstance(potential, tuple) else potential(xp)
    if len(functions) not in (2, 3):
        raise InputError("a potential is (φ, φ′) or (φ, φ′, φ″), or a function that returns one")
    return (*functions, None)[:3]  # type: ignore[return-value]


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
    ) -> None:
        super().__init__(graph)
        graph = self.graph
        self.potential, self.node_potential = potential, node_potential
        self.convex = convex
        parts = [potential] if node_potential is None else [potential, node_potential]
        self.has_hessian = all(_three(part, np)[2] is not None for part in parts)
        self.incidence = incidence(graph)

    def on(self, backend: Backend) -> Evaluator:
        """The formula over the arrays of the back end."""
        return _EdgeFormula(self, backend)

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """Bᵀ diag(a φ″(Bw)) B + diag(ψ″(w))."""
        second = _three(self.potential, np)[2]
        if not self.has_hessian or second is None:
            return super().hessian(w)
        B = self.incidence
        matrix = B.T @ sparse.diags_array(self.graph.weights * second(B @ w)) @ B
        if self.node_potential is not None:
            matrix = matrix + sparse.diags_array(_three(self.node_potential, np)[2](w))
        return sparse.csr_array(matrix)


class _EdgeFormula(Evaluator):
    def __init__(self, energy: EdgeEnergy, backend: Backend) -> None:
        B = energy.incidence
        self.B, self.Bt = backend.sparse(B), backend.sparse(sparse.csr_array(B.T))
        self.a = backend.asarray(energy.graph.weights)
        self.edge = _three(energy.potential, backend.xp)
        node = energy.node_potential
        self.node = None if node is None else _three(node, backend.xp)

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
        w ↦ (energy, gradient), with w and the gradient of one shape.
    hvp : callable, optional
        (w, v) ↦ Hessian times v; without it, differences of the gradient are taken.
    hessian : callable, optional
        w ↦ sparse Hessian.
    shape : tuple, optional
        Of the field: (n,) by default, or (n, d).
    convex : bool

    Raises
    ------
    InputError
        When the first gradient has another shape than the field, or the first energy is not a
        number.

    Examples
    --------
    >>> import numpy as np, meshrep
    >>> ring = meshrep.graph_from("ring:6")
    >>> bowl = FunctionEnergy(ring, lambda w: (float(((w - 2) ** 2).sum()), 2 * (w - 2)))
    >>> meshrep.solve(bowl, solver="lbfgs").field.round(6).tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    """

    def __init__(
        self,
        graph: GraphLike,
        value_and_grad: Callable[[np.ndarray], tuple[float, np.ndarray]],
        *,
        hvp: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
        hessian: Callable[[np.ndarray], Any] | None = None,
        shape: tuple[int, ...] | None = None,
        convex: bool = False,
    ) -> None:
        super().__init__(graph)
        graph = self.graph
        self._shape = (graph.n,) if shape is None else tuple(shape)
        if self._shape[0] != graph.n or len(self._shape) > 2:
            raise InputError(f"a field on {graph.n} nodes has no shape {self._shape}")
        self.function, self.product, self.matrix = value_and_grad, hvp, hessian
        self.convex, self.has_hessian = convex, hessian is not None
        value, gradient = value_and_grad(self.random_start())
        if np.shape(gradient) != self._shape or np.ndim(value) != 0:
            raise InputError(
                "value_and_grad must return a number and an array of the field's shape "
                f"{self._shape}, not of {np.shape(value)} and {np.shape(gradient)}"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a field."""
        return self._shape

    def on(self, backend: Backend) -> Evaluator:
        """The function itself; tensors are copied to the host and back."""
        inner = _Function(self)
        return inner if backend.xp is np else ByHost(inner, backend)

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """The user's Hessian."""
        return super().hessian(w) if self.matrix is None else sparse.csr_array(self.matrix(w))


class _Function(Evaluator):
    def __init__(self, energy: FunctionEnergy) -> None:
        self.energy = energy

    def value_and_grad(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = self.energy.function(np.asarray(w, dtype=np.float64))
        return float(value), np.array(gradient, dtype=w.dtype)

    def hvp(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        product = self.energy.product
        return super().hvp(w, v) if product is None else np.asarray(product(w, v))
