"""How phases act on each other: what samplers and sweeps of phases must know of an energy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.errors import InputError


@dataclass(frozen=True, eq=False)
class PhaseLaw:
    """An energy of phases φ (n,) in radians, up to a constant, by couplings and coefficients.

        E(φ) = Σ_i α C_i + β C_i² + γ S_i²,
        C_i = Σ_j J_ij cos(φ_j − φ_i),   S_i = Σ_j J_ij sin(φ_j − φ_i)

    An energy of your own offers it as its ``phase_law``; the solvers "lift" and "anneal" then take
    it, beside all others.

    Attributes
    ----------
    coupling : (n, n) csr_array
        J, symmetric with an empty diagonal.
    alpha, beta, gamma : float
        Where β = γ = 0 a node acts on its neighbours only; else on their neighbours too.
    """

    coupling: sparse.csr_array
    alpha: float = -0.5
    beta: float = 0.0
    gamma: float = 0.0

    @property
    def pairwise(self) -> bool:
        """Whether β = γ = 0, so that the energy is a sum over edges: 2α Σ J_ij cos(φ_j − φ_i)."""
        return self.beta == 0 and self.gamma == 0

    @cached_property
    def scale(self) -> float:
        """The largest of 2|α|J, 2|β|J² and 2|γ|J², with J the mean |J_ij| except zeros; else 1."""
        size = self._mean
        several = max(abs(self.beta), abs(self.gamma)) * size
        return 2 * size * max(abs(self.alpha), several) or 1.0

    @cached_property
    def _mean(self) -> float:
        sizes = abs(self.coupling.data)
        return float(sizes[sizes > 0].mean()) if sizes.any() else 1.0

    def dimensionless(self) -> PhaseLaw:
        """The law divided by its scale, with entries J_ij of mean size 1."""
        size, whole = self._mean, self.scale
        several = size * size / whole
        return PhaseLaw(
            self.coupling / size, self.alpha * (size / whole), self.beta * several,
            self.gamma * several,
        )  # fmt: skip

    @property
    def coefficients(self) -> tuple[float, float, float]:
        """(α, β, γ)."""
        return self.alpha, self.beta, self.gamma


def law_for(solver: str, energy: Any) -> PhaseLaw:
    """The phase law of an energy.

    Raises
    ------
    InputError
        Where it has none; names the solver that needs it.
    """
    law: PhaseLaw | None = energy.phase_law
    if law is not None:
        return law
    if energy.quantity == "phase" and energy.by_fields:
        raise InputError(
            f"{solver} needs the couplings of all pairs, and those of a mean field of "
            f"{energy.graph.n:,} nodes are not stored: use lbfgs instead"
        )
    kind = type(energy).__name__
    raise InputError(f"{solver} works on oscillators, not on {kind}: use lbfgs instead")


def added(laws: Sequence[tuple[float, PhaseLaw | None]]) -> PhaseLaw | None:
    """Σ_k c_k times the k-th law as one law; None where the sum is not such a law.

    It is such a law where all have the same J, or where all are pairwise.
    """
    known = [(factor, law) for factor, law in laws if law is not None]
    if len(known) < len(laws):
        return None
    first = known[0][1].coupling
    if all(_same(law.coupling, first) for _, law in known):
        total = sum(factor * np.array(law.coefficients) for factor, law in known)
        return PhaseLaw(first, *np.asarray(total).tolist())
    if not all(law.pairwise for _, law in known):
        return None
    joined = sparse.csr_array(first.shape)
    for factor, law in known:
        joined = joined - 2.0 * factor * law.alpha * law.coupling
    return PhaseLaw(sparse.csr_array(joined))


def _same(a: sparse.csr_array, b: sparse.csr_array) -> bool:
    return a is b or (a.nnz == b.nnz and (a != b).nnz == 0)
