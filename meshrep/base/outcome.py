"""How a run ended, and its history, as plain data."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from typing import Self


class Result(enum.Enum):
    """Why a solver stopped, as a sentence."""

    CONVERGED = "converged: the scaled gradient norm is below the tolerance"
    FLAT = "stopped: the energy no longer falls"
    MAX_STEPS = "stopped: the largest number of steps was reached"
    TIME_LIMIT = "stopped: the time limit was reached"
    REACHED = "stopped: the energy that was asked for was reached"
    OWN_RULE = "stopped by the solver's own rule"
    STALLED = "stalled: no step in the search direction lowers the energy"
    DIVERGED = "diverged: the energy became NaN or infinite; the best finite state is kept"
    INTERRUPTED = "interrupted: the best state so far is kept"
    FAILED = "failed"

    @property
    def word(self) -> str:
        """One word for tables."""
        return self.name.lower().replace("_", " ")


class Interruptible(ABC):
    """A run that Ctrl-C ends early without raising, so that its best state so far is kept."""

    @property
    @abstractmethod
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the run early."""

    def raise_if_interrupted(self) -> Self:
        """Return this run if it was not interrupted; for callers that do many runs in a row.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C ended the run early.
        """
        if self.interrupted:
            raise KeyboardInterrupt
        return self


@dataclass
class History:
    """What a solver recorded on its way: columns with one entry for each recorded step.

    Attributes
    ----------
    step : list of int
        Steps taken so far.
    seconds : list of float
        Seconds of solving so far.
    energy : list of float
        The energy that the solver saw.
    grad_norm : list of float
        2-norm of the gradient in the solver's own variables, not scaled; NaN where it was not
        computed.
    stage : list of int
        The stage of a composed solver, counted from 0.

    Examples
    --------
    >>> import meshrep
    >>> heat = meshrep.HeatBath(meshrep.graph_from("ring:8"), hot=[0], cold=[4])
    >>> past = meshrep.solve(heat, "newton").history
    >>> past.step[0], past.energy[0] > past.energy[-1]
    (0, True)
    """

    step: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    energy: list[float] = field(default_factory=list)
    grad_norm: list[float] = field(default_factory=list)
    stage: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.step)

    def append(
        self, step: int, seconds: float, energy: float, grad_norm: float = np.nan, stage: int = 0
    ) -> None:
        """Add one recorded step."""
        self.step.append(step)
        self.seconds.append(seconds)
        self.energy.append(energy)
        self.grad_norm.append(grad_norm)
        self.stage.append(stage)

    def extend(
        self, steps: np.ndarray, seconds: np.ndarray, energies: np.ndarray, norms: np.ndarray
    ) -> None:
        """Add several recorded steps of the first stage."""
        self.step += steps.tolist()
        self.seconds += seconds.tolist()
        self.energy += energies.tolist()
        self.grad_norm += norms.tolist()
        self.stage += [0] * len(steps)

    def then(self, later: History) -> History:
        """This history followed by a later stage, whose counts go on from the end of this one."""
        step0 = self.step[-1] if self.step else 0
        second0 = self.seconds[-1] if self.seconds else 0.0
        stage0 = self.stage[-1] + 1 if self.stage else 0
        return History(
            self.step + [step0 + k for k in later.step],
            self.seconds + [second0 + t for t in later.seconds],
            self.energy + later.energy,
            self.grad_norm + later.grad_norm,
            self.stage + [stage0 + k for k in later.stage],
        )

    def delayed(self, seconds: float) -> History:
        """The same history with the given seconds added to every entry."""
        return replace(self, seconds=[time + seconds for time in self.seconds])

    def best_energy(self) -> np.ndarray:
        """The lowest energy up to each entry; entries that are not finite are ignored."""
        energy = np.asarray(self.energy, dtype=float)
        return np.minimum.accumulate(np.where(np.isfinite(energy), energy, np.inf))

    def time_to(self, energy: float) -> float | None:
        """Seconds until the energy was first at or below the given one; None if it never was."""
        reached = np.flatnonzero(self.best_energy() <= energy)
        return self.seconds[reached[0]] if len(reached) else None

    def steps_to(self, energy: float) -> int | None:
        """Steps until the energy was first at or below the given one; None if it never was."""
        reached = np.flatnonzero(self.best_energy() <= energy)
        return self.step[reached[0]] if len(reached) else None


@dataclass
class Outcome(Interruptible):
    """What a minimiser returns.

    ``params`` is the best finite state seen, in the minimiser's variables and on its back end.
    ``notes`` are sentences for the user, such as what ``auto`` chose or which step was damped.
    """

    params: Any
    result: Result
    steps: int
    evaluations: int
    history: History
    notes: list[str] = field(default_factory=list)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the run early."""
        return self.result is Result.INTERRUPTED
