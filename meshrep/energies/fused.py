"""Energies in numba, with the steps of minimisers and flows fused into one call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend, NumpyBackend, installed
from meshrep.energies.evaluator import ByHost, Evaluator
from meshrep.energies.gathers import refusal


class Fused(Evaluator):
    """An energy by its kernels, on NumPy arrays.

    Attributes
    ----------
    kernels : namespace
        With ``descend`` and ``flow``, as in :mod:`meshrep.kernels.heat`.
    rows : tuple of arrays
        The coupling, as :func:`meshrep.base.rows.kernel_rows` gives it.
    """

    fused = True
    kernels: Any
    rows: tuple[np.ndarray, np.ndarray, np.ndarray]

    @property
    @abstractmethod
    def state(self) -> tuple[Any, ...]:
        """The first arguments of the kernels: the rows, and all else that defines the energy."""

    def begin(self, w: np.ndarray) -> None:
        """Compute what the kernels keep beside a field, before they start from the field."""

    def descend(self, w: np.ndarray, memory: Any, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Take steps in place; return energy and squared gradient norm before each, (steps,).

        Afterwards ``memory.spare`` holds the field before the last step; the last entries of both
        belong to that field.
        """
        energies, norms, m = np.empty(steps), np.empty(steps), memory
        self.begin(w)
        self.kernels.descend(
            *self.state, w, m.spare, m.m, m.v, m.rule, m.lr, m.beta1, m.beta2, m.eps, m.taken,
            steps, energies, norms,
        )  # fmt: skip
        if steps % 2:
            w[:], m.spare[:] = m.spare, w.copy()
        return energies, norms

    @abstractmethod
    def flow(
        self, w: np.ndarray, dt: float, steps: int, inverse_mass: np.ndarray, driven: bool = False
    ) -> np.ndarray:
        """Take RK4 steps of dw/dt in place; return the energy before each, (steps,).

        With ``driven``, dw/dt includes what drives the field in addition to −∇E.
        """


def by_kernels_or_formula(
    backend: Backend,
    kernels: Callable[[Backend], Evaluator],
    formula: Callable[[Backend], Evaluator],
    gathers: Callable[[Backend], Evaluator] | None = None,
) -> Evaluator:
    """Numba's kernels on the CPU, ``gathers`` on a GPU where Triton works, else the formula.

    ``gathers`` is None where Triton's kernels do not take the energy: see
    :func:`meshrep.energies.gathers.gathers_on`.
    """
    if backend.name == "numba":
        return kernels(backend)
    if backend.name == "torch" and backend.device == "cpu" and installed("numba"):
        return ByHost(kernels(NumpyBackend(backend.dtype)), backend)
    if gathers is None:
        return formula(backend)
    refused = refusal(backend)
    if not refused:
        return gathers(backend)
    found = formula(backend)
    found.notes = (
        f"sparse products of torch stand in for kernels of Triton, which do not run on "
        f"{backend.device} ({refused})",
    )
    return found


def edges_on(backend: Backend, coupling: sparse.csr_array) -> tuple[Array, Array, Array]:
    """Both ends and the coupling (m,) of every edge."""
    upper = sparse.triu(coupling, k=1, format="coo")
    return backend.index(upper.row), backend.index(upper.col), backend.asarray(upper.data)
