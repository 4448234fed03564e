"""Many solvers on one problem: the same start for all, one judge, one reference."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.outcome import History
from meshrep.base.tables import aligned, duration
from meshrep.base.versions import versions
from meshrep.energies.base import Energy, checked_energy
from meshrep.errors import InputError, MeshrepError
from meshrep.minimisers.monitor import Progress
from meshrep.solving.catalogue import check_names, compared, shared_among, taken_by
from meshrep.solving.contest import Failure, failure, in_turn
from meshrep.solving.entrants import Entrant
from meshrep.solving.reference import Reference, best_known
from meshrep.solving.solution import Solution, lowest
from meshrep.solving.solve import check_posed, solve, without_stand_ins
from meshrep.solving.solver import AnySolver, name_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

OF_SOLVE = frozenset(inspect.signature(solve).parameters)
GAPS = ("1e-2", "1e-3", "1e-4", "1e-6")


@dataclass
class Comparison:
    """The results of each solver on one problem.

    Attributes
    ----------
    problem : Energy
        What was minimised.
    rows : list of Solution or Failure
        One a solver, in the order asked for.
    reference : Reference
        The best energy known.
    seed : int
        Of the start and the networks.
    interrupted : bool
        Whether Ctrl-C ended the comparison early.
    notes : list of str
        Sentences for the user.
    """

    problem: Energy
    rows: list[Solution | Failure]
    reference: Reference
    seed: int
    interrupted: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def solutions(self) -> list[Solution]:
        """The rows that have a field."""
        return [row for row in self.rows if isinstance(row, Solution)]

    @property
    def best(self) -> Solution:
        """The first solution whose energy is the least finite one, up to rounding.

        Raises
        ------
        MeshrepError
            When every solver failed.
        """
        if not self.solutions:
            reasons = "; ".join(f"{r.solver}: {r.message}" for r in self.rows)  # type: ignore[union-attr]
            raise MeshrepError(f"every solver failed ({reasons})")
        return lowest(self.solutions)

    def __getitem__(self, solver: str) -> Solution:
        """The solution of a solver, by name."""
        for row in self.solutions:
            if row.solver == solver:
                return row
        raise KeyError(solver)

    @property
    def fields(self) -> dict[str, np.ndarray]:
        """Every solution's field, by the name of its array in files."""
        return {row.array_name: row.field for row in self.solutions}

    @property
    def orders(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """(seconds, value) of the measure that the energy watches (ρ of phases), by solver."""
        found = {}
        for row in self.solutions:
            if row.samples and row.problem.watched(row.field) is not None:
                times = np.array([sample.seconds for sample in row.samples])
                values = [self._watched(sample.value) for sample in row.samples]
                found[row.solver] = times, np.array(values)
        return found

    def _watched(self, sampled: Any) -> float:
        """The watched measure of a sample, which is the measure itself or a field."""
        value = self.problem.watched(sampled) if isinstance(sampled, np.ndarray) else sampled
        return float(value)  # type: ignore[arg-type]

    @property
    def histories(self) -> dict[str, History]:
        """Every solution's history, by solver."""
        return {row.solver: row.history for row in self.solutions}

    def gap(self, row: Solution) -> float | None:
        """The gap at a solver's end; None if there is no reference."""
        return known(self.reference.gap(row.energy))

    def time_to(self, row: Solution) -> dict[str, float | None]:
        """Seconds of solving until each of ``gaps``; None if a gap was not reached."""
        return {gap: row.history.time_to(self.reference.level(float(gap))) for gap in self.gaps}

    @property
    def gaps(self) -> tuple[str, ...]:
        """The gaps that times are given for; only two if basins differ by more than the others."""
        return GAPS if self.problem.convex else GAPS[:2]

    def columns(self) -> dict[str, list[Any]]:
        """All histories as columns: solver, stage, step, seconds, energy, gap, grad_norm."""
        columns: dict[str, list[Any]] = {
            name: []
            for name in ("solver", "stage", "step", "seconds", "energy", "gap", "grad_norm")
        }
        for row in self.solutions:
            past = row.history
            columns["solver"] += [row.solver] * len(past)
            columns["stage"] += past.stage
            columns["step"] += past.step
            columns["seconds"] += past.seconds
            columns["energy"] += past.energy
            columns["gap"] += [self.reference.gap(energy) for energy in past.energy]
            columns["grad_norm"] += past.grad_norm
        return columns

    def report(self) -> dict[str, Any]:
        """Everything as plain data for JSON; None where a number is not finite or not known."""
        graph = self.problem.graph
        return {
            "graph": {
                "name": graph.name,
                "nodes": graph.n,
                "edges": graph.m,
                "components": graph.component_count,
                "repairs": list(graph.repairs),
            },
            "problem": self.problem.settings(),
            "reference": {"energy": known(self.reference.energy), "how": self.reference.how},
            "solvers": [self._entry(row) for row in self.rows],
            **self._answers(),
            "seed": self.seed,
            "interrupted": self.interrupted,
            "notes": self.notes,
            "versions": versions(),
        }

    def _answers(self) -> dict[str, Any]:
        """What the best field answers, and remarks on it, where there are any."""
        if not self.solutions:
            return {}
        answers = [answer.as_data() for answer in self.best.answers]
        found = {"answers": answers, "remarks": self.best.remarks}
        return {key: value for key, value in found.items() if value}

    def _entry(self, row: Solution | Failure) -> dict[str, Any]:
        if isinstance(row, Failure):
            return {"name": row.solver, "result": "failed", "message": row.message}
        return {
            "name": row.solver,
            "result": row.result.word,
            "message": row.result.value,
            "energy": known(row.energy),
            "gap": self.gap(row),
            "grad_norm": known(row.grad_norm),
            "start_energy": known(row.start_energy),
            "steps": row.steps,
            "evaluations": row.evaluations,
            "measures": row.measures,
            "restart_energies": [known(energy) for energy in row.restart_energies],
            "solve_s": row.solve_s,
            "setup_s": row.setup_s,
            "prefit_s": row.prefit_s,
            "compile_s": row.compile_s,
            "time_to": self.time_to(row),
            "backend": row.backend,
            "device": row.device,
            "dtype": row.dtype,
            "notes": row.notes,
        }

    def table(self) -> str:
        """The comparison as aligned text, one line a solver."""
        measured = [name for row in self.solutions[:1] for name in row.measures]
        head = ["solver", *(["energy"] if measured else []), "gap", *measured, "gradient"]
        head += ["steps", "solve", *(f"to {g}" for g in self.gaps)]
        head += ["set-up", "compile", "where", "result"]
        lines = []
        for row in self.rows:
            if isinstance(row, Failure):
                lines.append([row.solver, *["–"] * (len(head) - 2), f"failed: {row.message}"])
                continue
            gap, times, measures = self.gap(row), self.time_to(row), row.measures.values()
            lines.append(
                [
                    row.solver,
                    *([_energy(row.energy)] if measured else []),
                    "–" if gap is None else f"{max(gap, 0.0):.1e}",
                    *(f"{v:d}" if isinstance(v, int) else f"{v:.3f}" for v in measures),
                    f"{row.grad_norm:.1e}",
                    f"{row.steps}",
                    duration(row.solve_s),
                    *(duration(times[gap]) for gap in self.gaps),
                    duration(row.setup_s + row.prefit_s),
                    duration(row.compile_s),
                    f"{row.backend} {row.device}",
                    row.result.word,
                ]
            )
        return aligned(head, lines)


def known(number: float) -> float | None:
    """The number, or None if it is NaN or infinite."""
    return number if np.isfinite(number) else None


def _energy(energy: float) -> str:
    """The energy with two decimals, or with three significant digits if it is small."""
    return f"{energy:.2f}" if abs(energy) >= 10 or energy == 0 else f"{energy:.3g}"


def compare(
    energy: Energy,
    solvers: Iterable[AnySolver | Entrant] | None = None,
    *,
    start: ArrayLike | None = None,
    seed: int = 0,
    observe: Callable[[str, Progress], None] | None = None,
    begin: Callable[[str], None] | None = None,
    done: Callable[[Solution], None] | None = None,
    keep_fields: bool = False,
    **settings: Any,
) -> Comparison:
    """Run several solvers from the same start and compare their ends with the best energy known.

    Parameters
    ----------
    energy : Energy
        What to minimise.
    solvers : iterable, optional
        What :func:`meshrep.solve` takes for a solver, or an Entrant, which may be a solver of
        another package (see :mod:`meshrep.solving.peers`); each once. By default the solvers
        that suit the energy.
    start, seed, observe, **settings
        As for :func:`meshrep.solve`, the same for every solver. A setting of a named solver goes
        to each solver that has it.
    begin : callable, optional
        Called with each solver's name before it runs.
    done : callable, optional
        Called with each solution before the next solver runs; not with the last.
    keep_fields : bool
        Whether samples along each run are whole fields (for films) instead of what the energy
        watches.

    Returns
    -------
    Comparison
        If a solver raises, its row is a Failure, and the other solvers run.

    Raises
    ------
    InputError
        If no solver is named, one is unknown or does not fit the energy, or a setting does not fit;
        raised before any runs. Also if every solver refuses the input in its run.
    """
    energy = checked_energy(energy)
    asked: Iterable[AnySolver | Entrant] = compared(energy) if solvers is None else solvers
    chosen = list(dict.fromkeys(asked))
    if not chosen:
        raise InputError("no solver to compare: name at least one")
    named = [solver for solver in chosen if not isinstance(solver, Entrant)]
    check_names(solver for solver in named if isinstance(solver, str))
    own = {name: settings.pop(name) for name in list(settings) if name not in OF_SOLVE}
    shared_among(named, own)
    entrants = [
        solver
        if isinstance(solver, Entrant)
        else Entrant(name_of(solver), solver, taken_by(solver, own))
        for solver in without_stand_ins(chosen, energy)
    ]
    for entrant in entrants:
        if entrant.peer is None:
            check_posed(energy, entrant.solver, seed=seed, **{**settings, **entrant.settings})
    begun = energy.clamp(energy.random_start(seed) if start is None else start)
    sample: Callable[[Energy, np.ndarray], Any] | None = None
    if keep_fields:
        sample = _copied
    elif energy.stochastic:
        sample = _valued
    elif energy.watched(begun) is not None:
        sample = _watched
    rows: list[Solution | Failure] = []
    interrupted = False
    try:
        for number, (_, _, row) in enumerate(
            in_turn(energy, entrants, [seed], lambda *_: begun, begin=begin, observe=observe,
                    sample=sample, failures=True, **settings)
        ):  # fmt: skip
            rows.append(_judged(row) if energy.stochastic and isinstance(row, Solution) else row)
            if isinstance(row, Failure):
                continue
            row.raise_if_interrupted()
            if done and number + 1 < len(entrants):
                done(row)
    except KeyboardInterrupt:  # keep the rows so far
        interrupted = True
    refused = [row for row in rows if isinstance(row, Failure) and row.refused]
    if rows and len(refused) == len(rows):
        raise InputError(refused[0].message)
    solutions = [row for row in rows if isinstance(row, Solution)]
    try:
        reference = best_known(energy, solutions, polish=not interrupted)
    except KeyboardInterrupt:
        interrupted, reference = True, best_known(energy, solutions, polish=False)
    return Comparison(energy, rows, reference, seed, interrupted)


def _copied(energy: Energy, field: np.ndarray) -> np.ndarray:
    return np.copy(field)


def _valued(energy: Energy, field: np.ndarray) -> float:
    return energy.value(field)


def _watched(energy: Energy, field: np.ndarray) -> float | None:
    return energy.watched(field)


def _judged(row: Solution) -> Solution | Failure:
    """The solution of a stochastic energy; its history holds judged energies, not draws."""
    if not row.samples:  # a peer, whose history is of judged energies already
        return row
    judge = row.problem.value
    past = History()
    try:
        for sample in row.samples:
            whole = isinstance(sample.value, np.ndarray)
            past.append(sample.step, sample.seconds, judge(sample.value) if whole else sample.value)
    except Exception as error:  # no error of one solver may cost the others
        return failure(row.solver, error)
    notes = ["energies on the way are judged at some steps only, off the clock"]
    return replace(row, history=past, notes=[*row.notes, *notes])
