"""Couplings of the nodes of each cell, and their sums over cells in a matrix.

By numba where it is installed, else by NumPy; both give the same numbers up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import TypeAlias

import numpy as np
from scipy import sparse

from meshrep.base.backends import installed
from meshrep.energies.conduction.blocks import geometry, kernels_for
from meshrep.energies.conduction.elements import Rule

Where: TypeAlias = np.ndarray | Callable[[], np.ndarray]  # positions (c, q, 3), or their function


def couplings(
    points: np.ndarray, nodes: np.ndarray, rule: Rule, k: np.ndarray, section: np.ndarray | float
) -> np.ndarray:
    """−∫ k ∇φ_i·∇φ_j of all pairs i < j of each cell's nodes, (c, pairs).

    Parameters
    ----------
    points : (n, 3) array
    nodes : (c, p) array
        Of cells of one kind.
    rule : Rule
    k : (c, 1), (c, q) or (c, 1, 3, 3) array
        Conductivity in cells or at points, a number or a symmetric matrix.
    section : number, (c, 1) or (c, q) array
        By which lengths and areas are multiplied.
    """
    tensors = k if k.ndim == 4 else np.zeros((0, 1, 3, 3))
    factor = np.ones((len(nodes), 1)) * section * (1.0 if k.ndim == 4 else k)
    if not installed("numba"):
        return _couplings(points, nodes, rule, factor, tensors)
    out = np.empty((len(nodes), nodes.shape[1] * (nodes.shape[1] - 1) // 2))
    kernels_for(len(nodes)).couple(
        points, nodes, rule.weights, rule.slopes, factor, np.ascontiguousarray(tensors), out
    )
    return out


def _couplings(
    points: np.ndarray, nodes: np.ndarray, rule: Rule, factor: np.ndarray, tensors: np.ndarray
) -> np.ndarray:
    weights, duals = geometry(points[nodes], rule)
    slopes = rule.slopes @ duals  # ∇φ, (c, q, k, 3)
    flux = slopes @ tensors if len(tensors) else slopes
    weighted = slopes * (abs(weights) * factor)[:, :, None, None]
    matrix = np.einsum("cqix,cqjx->cij", weighted, flux, optimize=True)
    one, other = np.triu_indices(nodes.shape[1], 1)
    return -matrix[:, one, other]


def summed(nodes: np.ndarray, values: np.ndarray, n: int) -> sparse.csr_array:
    """The symmetric matrix (n, n), without diagonal, of the values (c, pairs) of pairs of nodes.

    Pairs are in the order of ``itertools.combinations``. A cell whose node occurs twice (a
    collapsed one) couples it to others only.
    """
    if installed("numba"):
        return _summed_by_kernels(nodes, values, n)
    pairs = list(combinations(range(nodes.shape[1]), 2))
    one, other = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    i, j, values = nodes[:, one].ravel(), nodes[:, other].ravel(), values.ravel()
    proper = i != j
    i, j, values = i[proper], j[proper], values[proper]
    rows, columns = np.minimum(i, j), np.maximum(i, j)
    upper = sparse.csr_array(sparse.coo_array((values, (rows, columns)), shape=(n, n)))
    matrix = sparse.csr_array(upper + upper.T)
    matrix.sort_indices()
    return matrix


def _summed_by_kernels(nodes: np.ndarray, values: np.ndarray, n: int) -> sparse.csr_array:
    k = nodes.shape[1]
    pairs = np.zeros((k, k), dtype=np.int64)
    pairs[np.triu_indices(k, 1)] = np.arange(values.shape[1])
    pairs += pairs.T
    kernels = kernels_for(len(nodes))
    starts, places = np.empty(n + 1, dtype=np.int64), np.empty(nodes.size, dtype=np.int64)
    kernels.sort_places(nodes, starts, places)
    counts = np.empty(n, dtype=np.int64)
    kernels.count(nodes, starts, places, counts)
    entries = int(counts.sum())
    short = np.int32 if entries < 2**31 else np.int64
    indptr = np.zeros(n + 1, dtype=short)
    np.cumsum(counts, out=indptr[1:])
    indices, data = np.empty(entries, dtype=short), np.empty(entries)
    kernels.fill(nodes, pairs, values, starts, places, indptr, indices, data)
    matrix = sparse.csr_array((data, indices, indptr), shape=(n, n))
    matrix.has_canonical_format = True
    return matrix
