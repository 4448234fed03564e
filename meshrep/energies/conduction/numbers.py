"""Conductances and temperatures of a part as numbers that may be replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array, Backend
from meshrep.energies.conduction.evaluators import Formula, System


def shapes_of(system: System) -> dict[str, tuple[int, ...]]:
    """Shapes of the numbers by their names."""
    return {"conductances": (_pairs(system).nnz,), "temperatures": system.fixed.shape}


def replaced(system: System, numbers: Mapping[str, np.ndarray]) -> System:
    """The system with other conductances of pairs i < j, or other temperatures of fixed nodes."""
    if "conductances" in numbers:
        pairs, given = _pairs(system), np.array(numbers["conductances"], dtype=np.float64)
        i, j = pairs.coords
        places = np.concatenate([i, j]), np.concatenate([j, i])  # a sum would leave zeros out
        coupling = sparse.csr_array((np.tile(given, 2), places), pairs.shape)
        system = replace(system, coupling=coupling)
    if "temperatures" in numbers:
        given = np.array(numbers["temperatures"], dtype=np.float64)
        system = replace(system, fixed_values=given)
    return system


def value_with(system: System, backend: Backend, w: Array, numbers: Mapping[str, Array]) -> Any:
    """The energy by operations of torch in the field and in the numbers."""
    formula: Any = Formula(system, backend)
    if "conductances" in numbers:
        formula.edges = *formula.edges[:2], numbers["conductances"]
    return formula.value(w)


def _pairs(system: System) -> sparse.coo_array:
    """The couplings of nodes i < j, in the order of ``Formula.edges``."""
    return sparse.coo_array(sparse.triu(system.coupling, k=1, format="coo"))
