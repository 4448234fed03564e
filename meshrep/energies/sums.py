"""Sums of energies on one graph, and energies times numbers."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Backend, NumpyBackend
from meshrep.base.schedules import Schedule
from meshrep.energies.answers import Answer
from meshrep.energies.base import Energy, laid_out
from meshrep.energies.evaluator import Evaluator, SumEvaluator
from meshrep.energies.fixed import Fixed
from meshrep.energies.phase_law import PhaseLaw, added
from meshrep.errors import InputError
from meshrep.graphs.ordering import Order


def added_up(terms: list[tuple[float, Energy]]) -> Energy:
    """The sum of energies with factors, in which terms that can be stated together are one term."""
    kept: list[tuple[float, Energy]] = []
    for factor, energy in _flat(terms):
        for place, (same, known) in enumerate(kept):
            together = known.merged(energy) if same == factor else None
            if together is not None:
                kept[place] = (factor, together)
                break
        else:
            kept.append((factor, energy))
    alone = len(kept) == 1 and kept[0][0] == 1.0
    return kept[0][1] if alone else Sum(kept)


def _flat(terms: list[tuple[float, Energy]]) -> list[tuple[float, Energy]]:
    """Factors and energies that are no sums."""
    flat: list[tuple[float, Energy]] = []
    for factor, energy in terms:
        if not np.isfinite(factor):
            raise InputError(f"an energy cannot be multiplied by {factor}")
        inner = energy.terms if isinstance(energy, Sum) else [(1.0, energy)]
        flat += [(factor * c, e) for c, e in inner]
    return flat


class Sum(Energy):
    """Σ_k c_k E_k of energies on one graph; convex if all terms are and no c_k is negative."""

    def __init__(self, terms: list[tuple[float, Energy]]) -> None:
        flat = _flat(terms)
        first = flat[0][1]
        for _, energy in flat[1:]:
            if not energy.graph.same_as(first.graph) or energy.shape != first.shape:
                raise InputError("energies add only when they share one graph and field shape")
        super().__init__(first.graph)
        self.terms: list[tuple[float, Energy]] = flat
        self.quantity, self.origin = first.quantity, first.origin
        self.symbols = {key: of for _, e in reversed(flat) for key, of in e.symbols.items()}
        self.time_symbol = next((e.time_symbol for _, e in flat if e.time_symbol), "")
        if first.has_unit:
            self.unit = first.unit
        self.convex = all(e.convex and c >= 0 for c, e in flat)
        self.has_hessian = all(e.has_hessian for _, e in flat)
        self.quadratic = all(e.quadratic for _, e in flat)
        self.shift_invariant = all(e.shift_invariant for _, e in flat)
        self.propagation = first.propagation
        self.frequency_spread = sum(abs(c) * e.frequency_spread for c, e in flat)
        self.smooth = all(e.smooth for _, e in flat)
        self.stochastic = any(e.stochastic for _, e in flat)
        self.reentrant = all(e.reentrant for _, e in flat)
        self.one_start = first.one_start
        self.undecided = first.undecided if len(flat) == 1 else ""
        self.unbounded = next((e.unbounded for _, e in flat if e.unbounded), "")
        held: dict[int, Any] = {}
        for _, energy in flat:
            for node, value in zip(energy.fixed, energy.fixed_values, strict=True):
                if not np.array_equal(held.setdefault(int(node), value), value):
                    raise InputError(f"two energies fix node {node} at different values")
        self.fixed = np.array(sorted(held), dtype=np.int64)
        self.fixed_values = np.array([held[node] for node in sorted(held)], dtype=np.float64)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a field, the same for every term."""
        return self.terms[0][1].shape

    @property
    def coupling(self) -> sparse.csr_array:
        """The coupling of the first term."""
        return self.terms[0][1].coupling

    @cached_property
    def phase_law(self) -> PhaseLaw | None:  # type: ignore[override]
        """The law of the whole sum, if there is one: see ``meshrep.energies.phase_law.added``."""
        return added([(c, e.phase_law) for c, e in self.terms])

    @property
    def attraction(self) -> np.ndarray | None:  # type: ignore[override]
        """The preference of the first term's edges."""
        return self.terms[0][1].attraction

    def cell_fields(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """Those of all terms; of one name, the first."""
        found: dict[str, np.ndarray] = {}
        for _, energy in self.terms:
            found = energy.cell_fields(w) | found
        return found

    def on(self, backend: Backend) -> Evaluator:
        """Evaluate term by term."""
        fixed = Fixed(self.fixed, self.fixed_values, backend)
        return SumEvaluator([(c, laid_out(e, backend)) for c, e in self.terms], fixed)

    @cached_property
    def judge(self) -> Evaluator:
        """The sum of the terms' judges."""
        terms = [(c, e.judge) for c, e in self.terms]
        fixed = Fixed(self.fixed, self.fixed_values, NumpyBackend("float64", jit=False))
        return SumEvaluator(terms, fixed)

    def reordered(self, order: Order) -> Energy | None:
        """The sum of the terms in the order; None where one of them does not offer it."""
        moved = [(c, e.reordered(order)) for c, e in self.terms]
        offered = [(c, e) for c, e in moved if e is not None]
        return Sum(offered) if len(offered) == len(moved) else None

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """Σ c_k times the Hessian of E_k."""
        total = sparse.csr_array((w.size, w.size))
        for factor, energy in self.terms:
            total = total + factor * energy.hessian(w)
        return sparse.csr_array(total)

    def velocity_jacobian(self, w: np.ndarray) -> sparse.csr_array:
        """Σ c_k times the Jacobian of each term's velocity."""
        total = sparse.csr_array((w.size, w.size))
        for factor, energy in self.terms:
            total = total + factor * energy.velocity_jacobian(w)
        return sparse.csr_array(total)

    @property
    def capacity(self) -> np.ndarray:
        """That of the first term."""
        return self.terms[0][1].capacity

    @property
    def capacity_matrix(self) -> sparse.csr_array | None:
        """That of the first term."""
        return self.terms[0][1].capacity_matrix

    @property
    def schedules(self) -> list[Schedule]:
        """Those of all terms."""
        return [schedule for _, energy in self.terms for schedule in energy.schedules]

    def at(self, time: float) -> Energy:
        """The sum of the terms at a time."""
        return Sum([(c, e.at(time)) for c, e in self.terms]) if self.schedules else self

    def random_start(self, seed: int = 0) -> np.ndarray:
        """The start of the first term."""
        return self.terms[0][1].random_start(seed)

    @property
    def scale(self) -> float:
        """Σ |c_k| times the scale of each term; 1 where that is 0."""
        return sum(abs(c) * e.scale for c, e in self.terms) or 1.0

    def gradient_scale(self, start: np.ndarray) -> float:
        """|c| times that of a single term; for several terms by their sum at a random start."""
        if len(self.terms) > 1 or not self.terms[0][0]:
            return super().gradient_scale(start)
        return abs(self.terms[0][0]) * self.terms[0][1].gradient_scale(start)

    def fitted(self, start: np.ndarray) -> Energy:
        """The sum of the terms, fitted to the start."""
        terms = [(c, e.fitted(start)) for c, e in self.terms]
        if all(e is old for (_, e), (_, old) in zip(terms, self.terms, strict=True)):
            return self
        twin = copy.copy(self)
        twin.terms = terms
        if terms[0][1].has_unit:
            twin.unit = terms[0][1].unit
        return twin

    @property
    def auto_solver(self) -> tuple[str, str]:
        """That of a single term with a positive factor; for several terms by their attributes."""
        single = len(self.terms) == 1 and self.terms[0][0] > 0
        return self.terms[0][1].auto_solver if single else super().auto_solver

    @property
    def compared_solvers(self) -> tuple[str, ...]:
        """Those of a single term; for several terms by their attributes."""
        single = len(self.terms) == 1
        return self.terms[0][1].compared_solvers if single else super().compared_solvers

    def prospects(self, start: np.ndarray) -> list[str]:
        """Those of a single term."""
        return self.terms[0][1].prospects(start) if len(self.terms) == 1 else []

    def steepest(self, start: np.ndarray) -> float:
        """Σ |c_k| times the bound of each term."""
        return sum(abs(c) * e.steepest(start) for c, e in self.terms)

    def stiffness(self, start: np.ndarray) -> float:
        """Σ |c_k| times the rate of each term."""
        return sum(abs(c) * e.stiffness(start) for c, e in self.terms)

    def measures(self, w: np.ndarray) -> dict[str, float]:
        """The measures of all terms; where names are equal, the first term's."""
        found: dict[str, float] = {}
        for _, energy in self.terms:
            found = found | {k: v for k, v in energy.measures(w).items() if k not in found}
        return found

    def answers(self, w: np.ndarray) -> list[Answer]:
        """The answers of all terms; where names are equal, the first term's."""
        found: dict[str, Answer] = {}
        for _, energy in self.terms:
            for answer in energy.answers(w):
                found.setdefault(answer.name, answer)
        return list(found.values())

    def remarks(self, w: np.ndarray) -> list[str]:
        """Those of all terms."""
        return [line for _, energy in self.terms for line in energy.remarks(w)]

    def springs(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """The pulls of the first term that has baths, times its factor."""
        for factor, energy in self.terms:
            found = energy.springs(w)
            if found is not None:
                return found[0], factor * found[1]
        return None

    def watched(self, w: np.ndarray) -> float | None:
        """The watched measure of the first term."""
        return self.terms[0][1].watched(w)

    def settings(self) -> dict[str, Any]:
        """The settings of every term with its factor."""
        return {
            "energy": "Sum",
            "terms": [{"factor": c, **e.settings()} for c, e in self.terms],
        }
