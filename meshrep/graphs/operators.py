"""Matrices of a graph: incidence, Laplacian and propagation."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike

PROPAGATION_KINDS = ("sym", "self", "square")


def incidence(graph: GraphLike) -> sparse.csr_array:
    """Incidence matrix B (m, n), (Bw)_e = w_i − w_j for the edge e = (i, j), i < j.

    >>> import numpy as np
    >>> path = Graph.from_edges(3, np.array([[0, 1], [1, 2]]))
    >>> incidence(path).toarray()
    array([[ 1., -1.,  0.],
           [ 0.,  1., -1.]])
    """
    graph = Graph.of(graph)
    signs = np.tile([1.0, -1.0], graph.m)
    starts = np.arange(0, 2 * graph.m + 1, 2, dtype=np.int32)
    columns = graph.edges.reshape(-1).astype(np.int32)
    return sparse.csr_array((signs, columns, starts), shape=(graph.m, graph.n))


def laplacian(adjacency: sparse.csr_array) -> sparse.csr_array:
    """L = D − A (n, n) of a symmetric matrix of conductances, D the diagonal of row sums of A.

    L·1 = 0; L is positive semidefinite where no conductance is negative, and for cotan weights.
    """
    adjacency = sparse.csr_array(adjacency)
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    if degree.all() and adjacency.data.all() and adjacency.has_canonical_format:
        rows = np.repeat(np.arange(len(degree)), np.diff(adjacency.indptr))
        if not (adjacency.indices == rows).any():
            return _beside_diagonal(adjacency, rows, degree)
    matrix = sparse.csr_array(sparse.diags_array(degree) - adjacency)
    matrix.sort_indices()
    return matrix


def _beside_diagonal(
    adjacency: sparse.csr_array, rows: np.ndarray, degree: np.ndarray
) -> sparse.csr_array:
    """D − A, with the entries of the diagonal put between those of A, which are sorted.

    It takes a third of the time of a subtraction of sparse matrices.
    """
    n, entries = len(degree), adjacency.nnz + len(degree)
    short = np.int32 if entries < 2**31 else np.int64
    place = np.arange(adjacency.nnz) + rows + (adjacency.indices > rows)
    on_diagonal = np.ones(entries, dtype=bool)
    on_diagonal[place] = False
    indices, data = np.empty(entries, dtype=short), np.empty(entries)
    indices[place], data[place] = adjacency.indices, -adjacency.data
    indices[on_diagonal], data[on_diagonal] = np.arange(n), degree
    indptr = adjacency.indptr.astype(short) + np.arange(n + 1, dtype=short)
    matrix = sparse.csr_array((data, indices, indptr), shape=(n, n))
    matrix.has_canonical_format = True
    return matrix


def components(coupling: sparse.csr_array) -> np.ndarray:
    """Number of the connected component of each node, (n,); an entry of 0 joins nothing."""
    if not coupling.data.all():
        coupling = coupling.copy()
        coupling.eliminate_zeros()
    return connected_components(coupling, directed=False)[1]


def propagation(coupling: sparse.csr_array, kind: str = "sym") -> sparse.csr_array:
    """The matrix P (n, n) by which a graph network averages over neighbours.

    P = I − D^{-1/2} L D^{-1/2} with L = D − A and D the diagonal of L, which is
    D^{-1/2} A D^{-1/2}; with non-negative weights its spectrum lies in [−1, 1].

    Parameters
    ----------
    coupling : (n, n) symmetric
        Conductances A; of either sign, as cotan weights are.
    kind : {"sym", "self", "square"}
        "sym": P. "self": the same with Â = A + I and D̂ = D + I (Kipf and Welling 2017).
        "square": P².

    Notes
    -----
    An isolated node has P_ii = 1, so that it keeps its value. Where the sum of some row of a signed
    A is zero or negative, as in spin glasses, D_ii = Σ_j |a_ij| is used for every row.
    """
    if kind not in PROPAGATION_KINDS:
        raise InputError(f"unknown propagation {kind!r}: choose {', '.join(PROPAGATION_KINDS)}")
    coupling = sparse.csr_array(coupling, dtype=np.float64)
    total = absolute_row_sums(coupling)
    degree = np.asarray(coupling.sum(axis=1)).ravel()
    if (degree[total > 0] < 1e-8 * total[total > 0]).any():
        degree = total
    own = np.ones(len(total)) if kind == "self" else (total == 0.0).astype(float)
    scale = 1.0 / np.sqrt(degree + own)
    matrix = sparse.csr_array(coupling + sparse.diags_array(own))
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    matrix.data = matrix.data * scale[rows] * scale[matrix.indices]
    matrix.eliminate_zeros()
    if kind == "square":
        matrix = sparse.csr_array(matrix @ matrix)
    matrix.sort_indices()
    return matrix


def absolute_row_sums(matrix: sparse.csr_array) -> np.ndarray:
    """Σ_j |a_ij| of each row, shape (n,)."""
    sizes = (np.abs(matrix.data), matrix.indices, matrix.indptr)
    return np.asarray(sparse.csr_array(sizes, shape=matrix.shape).sum(axis=1)).ravel()
