"""Sparse symmetric matrices factored without pivoting, so that pivots count negative values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

_SOUND = 1e-13  # least pivot over the largest, below which it is rounding


@dataclass(frozen=True)
class Factors:
    """A factorisation, and the number of negative eigenvalues.

    Attributes
    ----------
    lu : scipy.sparse.linalg.SuperLU
        With a method ``solve``.
    negative : int
        Number of negative eigenvalues: that of negative pivots (Sylvester's law of inertia).
    """

    lu: Any
    negative: int


def factored(matrix: sparse.sparray) -> Factors | None:
    """The sparse LU of a symmetric matrix, without pivoting.

    None where the matrix is singular up to rounding, or where the LU had to pivot. The columns are
    ordered by COLAMD: minimum degree on A + Aᵀ has fewer entries on lattices, but took minutes to
    order irregular meshes.
    """
    try:
        lu = splu(sparse.csc_matrix(matrix), permc_spec="COLAMD", diag_pivot_thresh=0.0)
    except RuntimeError:  # exactly singular
        return None
    pivots = lu.U.diagonal()
    ordered = np.array_equal(lu.perm_r, lu.perm_c)
    if not (ordered and abs(pivots).min() > _SOUND * abs(pivots).max()):
        return None
    return Factors(lu, int((pivots < 0).sum()))
