"""Systems (αM + H) s = r of implicit steps in time, whose factors or hierarchies are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from meshrep.base import limits
from meshrep.numerics.factors import factored
from meshrep.numerics.linear_solvers import ShiftedSystem, bandwidth, choose

_SAME = 1e-9  # relative difference up to which two α have the same matrix
_KEPT = 4  # factorisations that are kept at once


class ImplicitSystem:
    """Solves (αM + H) s = r for a few α that come again, and an H that is renewed now and then.

    Parameters
    ----------
    mass : (f, f) csr_array
        M, symmetric and positive definite.
    definite : bool
        Whether H is symmetric and positive semidefinite, so that multigrid can be used.

    Attributes
    ----------
    factorisations : int
        Of matrices, or times that the coarse matrices of a hierarchy were computed.
    iterations : int
        Of conjugate gradients.
    note : str
        How systems are solved.
    """

    def __init__(self, mass: sparse.csr_array, *, definite: bool) -> None:
        self.mass, self.definite = mass, definite
        self.factorisations, self.note = 0, ""
        self._hessian = sparse.csr_array(mass.shape)
        self._factors: dict[float, Any] = {}
        self._cycles: ShiftedSystem | None = None
        self._alpha = 0.0
        self._kind = ""

    @property
    def iterations(self) -> int:
        """Of conjugate gradients."""
        return 0 if self._cycles is None else self._cycles.iterations

    def renew(self, hessian: sparse.csr_array) -> None:
        """Take another H."""
        self._hessian = sparse.csr_array(hessian)
        self._factors.clear()
        self._alpha = 0.0
        if not self._kind:
            self._kind, self.note = self._chosen(self._hessian)
            self._cycles = None if self._kind == "direct" else ShiftedSystem(self._kind)

    def _chosen(self, hessian: sparse.csr_array) -> tuple[str, str]:
        """The kind of solver: factors are used many times, so they may take more work."""
        n = hessian.shape[0]
        matrix = self._matrix(1.0)
        if self.definite and n * float(bandwidth(matrix)) ** 2 > limits.KEPT_DIRECT_WORK_UP_TO:
            return choose(matrix)
        return "direct", f"linear systems by sparse LU ({n:,} unknowns)"

    def solve(self, right: np.ndarray, alpha: float, rtol: float) -> np.ndarray | None:
        """s (f,); iterative solvers stop at ‖residual‖ ≤ rtol ‖right‖. None where it fails."""
        if not right.any():
            return np.zeros_like(right)
        if self._cycles is None:
            factors = self._factored(alpha)
            return None if factors is None else factors.solve(right)
        if abs(alpha - self._alpha) > _SAME * alpha:
            self._cycles.renew(self._matrix(alpha))
            self._alpha = alpha
            self.factorisations += 1
        answer = self._cycles.solve(right, 0.0, rtol)
        return answer.s if answer.positive and answer.reached else None

    def _matrix(self, alpha: float) -> sparse.csr_array:
        return sparse.csr_array(alpha * self.mass + self._hessian)

    def _factored(self, alpha: float) -> Any:
        """The factors of αM + H; None where it is singular."""
        for known in self._factors:
            if abs(alpha - known) <= _SAME * alpha:
                self._factors[known] = self._factors.pop(known)  # the last one used is last
                return self._factors[known]
        if len(self._factors) == _KEPT:
            del self._factors[next(iter(self._factors))]
        self.factorisations += 1
        matrix = self._matrix(alpha)
        found = factored(matrix) if self.definite else None
        lu = None if found is None else found.lu
        if lu is None:  # not symmetric, or not definite
            try:
                lu = splu(sparse.csc_matrix(matrix))
            except RuntimeError:
                return None
        self._factors[alpha] = lu
        return lu
