"""The matrices that linear variables are made from: the Hessian, or a Laplacian in its place."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from meshrep.energies.base import Energy
from meshrep.graphs.operators import laplacian
from meshrep.numerics.lanczos import interval

_PROBES = 20  # Lanczos steps that look for negative curvature
_NEGATIVE = 1e-3  # share of the largest curvature from which a negative one counts


def stiffness(energy: Energy) -> sparse.csr_array:
    """Laplacian (n, n) of the coupling's sizes, rows and columns of fixed nodes empty.

    It has the size of the energy's curvature, whatever the unit of the coupling.
    The coupling of a free node to a fixed one stays on the diagonal; a free node without couplings
    has the mean diagonal of the others, so that it can move.
    """
    sizes = abs(energy.coupling)
    mean = float(sizes.data.mean()) if sizes.data.any() else 1.0
    sizes = sizes * (energy.scale / energy.unit**2 / mean)
    return _held(_among_free(laplacian(sparse.csr_array(sizes)), energy), energy)


def curvature(energy: Energy, start: np.ndarray) -> sparse.csr_array:
    """The Hessian (n, n) at the start, or a Laplacian in its place; fixed rows empty.

    It is :func:`stiffness` if there is no Hessian or the field has several columns. If Lanczos
    finds a negative eigenvalue, it is the Laplacian of the sizes of off-diagonal entries.
    """
    if not energy.has_hessian or len(energy.shape) > 1:
        return stiffness(energy)
    matrix = _among_free(energy.hessian(energy.clamp(start)), energy)
    if energy.convex:
        return _held(matrix, energy)
    least, most = interval(matrix, _PROBES)
    if least >= -_NEGATIVE * most:
        return _held(matrix, energy)
    sizes = sparse.csr_array(abs(matrix))
    sizes.setdiag(0.0)
    return _held(laplacian(sizes), energy)


def _held(matrix: sparse.csr_array, energy: Energy) -> sparse.csr_array:
    """The matrix, with the mean diagonal at free nodes that have an empty one."""
    diagonal = matrix.diagonal()
    loose = np.zeros(len(diagonal))
    loose[energy.free] = diagonal[energy.free] == 0
    if not loose.any():
        return matrix
    curved = diagonal > 0
    size = float(diagonal[curved].mean()) if curved.any() else energy.scale / energy.unit**2
    matrix = sparse.csr_array(matrix + sparse.diags_array(size * loose))
    matrix.sort_indices()
    return matrix


def _among_free(matrix: sparse.csr_array, energy: Energy) -> sparse.csr_array:
    """The matrix without rows and columns of fixed nodes, in its own shape."""
    matrix = sparse.csr_array(matrix, dtype=np.float64)
    if len(energy.fixed):
        mask = np.zeros(energy.graph.n)
        mask[energy.free] = 1.0
        keep = sparse.diags_array(mask)
        matrix = sparse.csr_array(keep @ matrix @ keep)
        matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix


def mean_size(diagonal: np.ndarray) -> float:
    """The mean of d over nodes with d > 0; 1 where there is none.

    u (d / mean d)^{-1/2} scales θ so that a unit of θ moves a node by about the energy's unit u, as
    Adam's step length expects.
    """
    used = diagonal > 0
    return float(diagonal[used].mean()) if used.any() else 1.0
