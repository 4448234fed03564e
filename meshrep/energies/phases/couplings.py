"""What acts on each oscillator, and settings given as one number or one for each edge or node."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.arrays import read_only
from meshrep.base.backends import Backend
from meshrep.base.pickling import Lean
from meshrep.energies.evaluator import Evaluator
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.graphs.ordering import Order
from meshrep.sources.values import by_name


class Couplings(Lean, ABC):
    """The strengths J_ij with which oscillators act on each other; J_ii = 0.

    Attributes
    ----------
    matrix : (n, n) csr_array or None
        The symmetric J of the energy; None where it would be too large.
    acting : (n, n) csr_array or None
        The J of the flow: row i lists what acts on i. It differs from ``matrix`` where couplings
        are directed or divided by degrees. None where ``matrix`` is.
    reach : float
        The largest sum of |J_ij| over a row, of both.
    size : float
        The mean |J_ij| of the energy except zeros; 1 where all are zero.
    extent : (float, float)
        The least and the largest J_ij of the flow.
    directed : bool
        Whether the flow's J has no potential: it is not that of the energy with each row divided
        by a number.
    """

    matrix: sparse.csr_array | None
    acting: sparse.csr_array | None
    reach: float
    size: float
    extent: tuple[float, float]
    directed: bool = False

    @property
    @abstractmethod
    def component_of(self) -> np.ndarray:
        """Number of the component of each node, (n,), along couplings that are not 0."""

    @abstractmethod
    def on(self, law: tuple[float, float, float], drive: Drive, backend: Backend) -> Evaluator:
        """The evaluator of (α, β, γ) by numba kernels on the CPU, else by the formula."""

    @abstractmethod
    def formula(self, law: tuple[float, float, float], drive: Drive, backend: Backend) -> Evaluator:
        """The evaluator of (α, β, γ) in the back end's own operations."""

    @abstractmethod
    def reordered(self, order: Order) -> Couplings:
        """The same couplings with nodes in another order."""

    @abstractmethod
    def same_as(self, other: Couplings) -> bool:
        """Whether the others are equal to these."""


class Drive:
    """What drives phases in time beside their energy: dφ/dt = ω − ∇E + c C.

    Attributes
    ----------
    omega : (n,) float64
    torque : float
        c
    """

    def __init__(self, omega: np.ndarray, torque: float) -> None:
        self.omega, self.torque = omega, torque


def coupled(graph: Graph, coupling: np.ndarray) -> sparse.csr_array:
    """The matrix of a_ij K_ij; it shares arrays with that of the graph where K is one number."""
    A = graph.adjacency
    if not is_one_number(coupling):
        return graph.with_weights(read_only(graph.weights * coupling)).adjacency
    one = coupling[:1]
    if (one == 1.0).all():
        return A
    return sparse.csr_array((A.data * one, A.indices, A.indptr), A.shape)


def number(value: Any, name: str) -> float:
    """The value as a finite number; InputError, with its ``name``, where it is not one."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise InputError(f"{name} must be a finite number, not {value!r}")
    return number


def numbers(values: Any, count: int, name: str, each: str) -> np.ndarray:
    """One finite number for each of ``count`` things; a number for all of them is stored once."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a number or one for each {each}") from error
    if array.ndim and array.shape != (count,):
        raise InputError(f"{name} must be a number or one for each {each} ({count}), "
                         f"not of shape {array.shape}")  # fmt: skip
    if not np.isfinite(array).all():
        place = (
            "" if not array.ndim else f" (first at {each} {int((~np.isfinite(array)).argmax())})"
        )
        raise InputError(f"{name} holds a NaN or an infinite number{place}")
    if is_one_number(array):
        return array
    return np.array(array) if array.ndim else np.broadcast_to(array.copy(), (count,))


def node_numbers(graph: Graph, values: Any, name: str) -> np.ndarray:
    """One finite number for each node (n,), from one for all, an array, or a mapping by labels."""
    return numbers(by_name(graph, values, name), graph.n, name, "node")


def is_one_number(array: np.ndarray) -> bool:
    """Whether the array is one number for all, stored once."""
    return array.strides == (0,) and not array.flags.writeable
