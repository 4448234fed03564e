"""Couplings and other settings given as one number or as one for each edge or node."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.arrays import read_only
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph


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


def is_one_number(array: np.ndarray) -> bool:
    """Whether the array is one number for all, stored once."""
    return array.strides == (0,) and not array.flags.writeable
