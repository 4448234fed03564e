"""The monitor of a run, its stopping rules, and the callbacks that it calls.

A callback has the same name wherever it is passed on. ``observe`` receives the progress of a run.
``sample`` returns what to keep of a field. ``begin`` is called when something begins, ``done`` with
what has ended, and ``say`` with a sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import numpy as np

from meshrep.base.backends import Array
from meshrep.base.outcome import History, Outcome, Result
from meshrep.base.threads import fit_threads
from meshrep.errors import InputError

CERTAIN = 1e-7  # relative gap up to which a run with a small gradient has converged
CERTAIN_SINGLE = 2e-6  # the same in float32, whose energies are rounded at 1e-7
LEAST_TIGHTENING = 1e-3  # by which the wanted gradient is multiplied at most where the gap is large


@dataclass(frozen=True)
class Stopping:
    """The rules that end a run.

    Attributes
    ----------
    max_steps : int
        Maximum number of steps.
    max_seconds : float
        Maximum solving time in seconds.
    gtol : float
        The run has converged when ‖∇E‖₂ ≤ gtol · scale, with the energy's ``gradient_scale`` as
        the scale, and the gap is not known to be larger than ``CERTAIN``.
    ftol, window : float, int
        The run is flat when the best energy E of the last ``window`` steps is less than
        ``ftol · max(|E|, 1e-300)`` below the best one before them. On a stochastic energy the
        means over windows are compared, and the run is flat when three windows in a row have not
        lowered the mean by more than its noise. Window 0 turns this rule off.
    patience, atol : int, float
        The papers' rule, for reproduction: stop after ``patience`` energies in a row that each
        differ from the one before by less than ``atol``. Patience 0 turns this rule off. The
        energies are those of consecutive steps. On CUDA most minimisers read the energy only at
        every tenth step.
    """

    max_steps: int = 100_000
    max_seconds: float = np.inf
    gtol: float = 1e-9
    ftol: float = 0.0
    window: int = 0
    patience: int = 0
    atol: float = 0.0

    def __post_init__(self) -> None:
        for name in ("max_steps", "max_seconds", "gtol", "ftol", "window", "patience", "atol"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and float(value) >= 0):
                raise InputError(f"{name} must be a number of 0 or more, not {value!r}")
        if self.max_steps == np.inf:
            raise InputError("max_steps must be a whole number of 0 or more, not infinite")


@dataclass(frozen=True)
class Progress:
    """The state of a run, as ``observe`` receives it about ten times a second.

    Attributes
    ----------
    step, seconds : int, float
        Steps taken, and seconds of solving.
    energy : float
        The current energy.
    params : array (p,)
        A copy of the current parameters on the solver's back end.
    """

    step: int
    seconds: float
    energy: float
    params: Array


@dataclass(frozen=True)
class Sample:
    """A value that the callable ``sample`` of :func:`meshrep.solve` returned during the run.

    Attributes
    ----------
    step, seconds : int, float
        Steps taken, and seconds of solving.
    value : object
        The value.
    """

    step: int
    seconds: float
    value: Any


class Judged(Protocol):
    """The part of an objective that a monitor needs when a run ends."""

    start: Array
    evaluations: int

    def value_and_grad(self, params: Array) -> tuple[Any, Array]:
        """Energy and gradient (p,) at parameters (p,)."""


class Monitor:
    """Keep one run's clock, history and best state, and decide when it stops.

    A minimiser calls :meth:`record` with the start as step 0 and after every step, and ends the
    run when that returns a :class:`Result`.

    Parameters
    ----------
    stopping : Stopping
        The rules that end the run.
    scale : float
        The gradient's 2-norm is divided by this before it is compared with ``gtol``.
    observe : callable, optional
        Called with a :class:`Progress` about ten times a second.
    sample : callable, optional
        Called with the parameters at step 0 and then at intervals that grow by about 15%. The
        clock is paused during the call.
    stochastic : bool
        Whether the energy has a different value at every evaluation. The lowest energy seen is
        then a lucky draw and need not belong to the best state. So the newest finite state is
        kept instead, the flat rule compares means over its window, and a vanishing gradient does
        not end the run.
    gap : callable, optional
        Gives the relative gap of parameters (p,) where the gradient is small, NaN if it is not
        known. While it is larger than ``CERTAIN``, ``scale`` is lowered and the run goes on. The
        clock is paused during the call.

    Attributes
    ----------
    history : History
        All recorded states' steps, seconds, energies and gradient norms.
    notes : list of str
        Sentences for the user. A minimiser may add to them.

    Examples
    --------
    >>> watch = Monitor(Stopping(max_steps=2))
    >>> [watch.record(step, 1.0 / (1 + step), np.zeros(3)) for step in range(2)]
    [None, None]
    >>> watch.record(2, 0.1, np.zeros(3)).word
    'max steps'
    """

    snapshot_every = 10  # steps between copies of an improving state, since a copy costs time
    snapshot_seconds = 0.5  # copy an improving state after this time even if fewer steps passed
    observe_every = 0.1  # seconds
    stretch_entries = 200  # maximum number of history entries for one stretch of steps
    level_windows = 3  # windows in a row without a fall beyond the noise that end a stochastic run

    def __init__(
        self,
        stopping: Stopping,
        scale: float = 1.0,
        observe: Callable[[Progress], None] | None = None,
        sample: Callable[[Array], Any] | None = None,
        stochastic: bool = False,
        gap: Callable[[Array], float] | None = None,
    ) -> None:
        self.stopping = stopping
        self._gap = gap
        self.stochastic = stochastic
        self.scale = scale
        self.samples: list[Sample] = []
        self.paused = self.sampling = 0.0  # seconds; the first contains the second
        self._sample = sample
        self._next_sample = 0
        self.history = History()
        self.notes: list[str] = []
        self.best_energy = np.inf
        self._best: Array | None = None
        self._snapshot_step, self._snapshot_at = -(10**9), 0.0
        self._observe = observe
        self._observed = 0.0
        self._small_changes, self._last_energy = 0, np.inf
        self._level = 0
        self.leapt = False  # whether the last flat window ended above the best energy
        self.flat_windows = 0  # the number of flat windows in a row, since the last leap
        self._clock = time.perf_counter()
        self._previous_best = np.inf
        self._window_start = 0

    def best_or(self, start: Array) -> Array:
        """The best state kept (not a copy), or ``start`` if none was kept."""
        return start if self._best is None else self._best

    def start_clock(self) -> None:
        """Set the clock to 0."""
        self._clock = time.perf_counter()
        self._observed = self._clock

    def begin_window(self) -> None:
        """Start a new window of the flat rule, when a run continues in a different way."""
        self._window_start = len(self.history.energy) - 1

    @property
    def seconds(self) -> float:
        """Seconds since the clock was started, without pauses."""
        return time.perf_counter() - self._clock

    def record(
        self,
        step: int,
        energy: float,
        params: Array,
        grad_norm: float = np.nan,
        seconds: float | None = None,
    ) -> Result | None:
        """Enter the state after ``step`` steps; return a Result if the run must stop now.

        Parameters
        ----------
        step : int
            Steps taken: 0 for the start.
        energy : float
        params : array (p,)
            The parameters. They are copied if they may be the best state.
        grad_norm : float
            2-norm of the gradient in these parameters. Without it the run cannot converge.
        seconds : float, optional
            The time on the monitor's clock; by default now.

        Returns
        -------
        Result or None
            The reason to stop, or None to continue.
        """
        seconds = self.seconds if seconds is None else seconds
        self.history.append(step, seconds, float(energy), float(grad_norm))
        if not np.isfinite(energy):
            return Result.DIVERGED
        self._count_small_changes([float(energy)])
        if self._better(energy) and self._due(step, seconds):
            self._keep(step, seconds, energy, params)
        self._call_back(step, seconds, energy, params)
        return self._verdict(step, grad_norm, seconds, params)

    def record_stretch(
        self,
        step: int,
        begun: float,
        ended: float,
        energies: np.ndarray,
        norms: np.ndarray,
        params: Array,
    ) -> Result | None:
        """Enter k states of steps that were taken in one call.

        Entry i of ``energies`` and ``norms`` (k,) belongs to the state after ``step + i`` steps;
        ``params`` is the last of these states. ``begun`` and ``ended`` are the clock's seconds
        before and after the call. The history keeps at most ``stretch_entries`` of the states.
        """
        count = len(energies)
        if count:
            finite = np.isfinite(energies)
            last = count - 1 if finite.all() else max(int(finite.argmin()) - 1, 0)
            kept = np.unique(np.linspace(0, last, min(last + 1, self.stretch_entries)).astype(int))
            self.history.extend(
                step + kept, begun + (ended - begun) * kept / count, energies[kept], norms[kept]
            )
            if not finite.all():
                return Result.DIVERGED
            self._count_small_changes(energies.tolist())
            if self._better(energies[-1]) and self._due(step + count - 1, ended):
                self._keep(step + count - 1, ended, energies[-1], params)
            self._call_back(step + count - 1, ended, energies[-1], params)
        return self._verdict(step + count, norms[-1], ended, params)

    def _call_back(self, step: int, seconds: float, energy: float, params: Array) -> None:
        fit_threads()
        now = time.perf_counter()
        if self._sample is not None and step >= self._next_sample:
            self.samples.append(Sample(step, seconds, self._sample(params + 0)))
            self._next_sample = step + 1 + int(0.15 * step)
            spent = time.perf_counter() - now
            self.sampling += spent
            self._pause(spent)
        if self._observe is not None and now - self._observed >= self.observe_every:
            self._observed = now
            self._observe(Progress(step, seconds, float(energy), params + 0))

    def _pause(self, seconds: float) -> None:
        """Take seconds that have passed off the clock."""
        self.paused += seconds
        self._clock += seconds

    def _count_small_changes(self, energies: list[float]) -> None:
        """Count the steps in a row that changed the energy by less than ``atol``.

        The count stays at ``patience`` once it has reached it, even if a later step in the same
        stretch changes the energy more.
        """
        rule = self.stopping
        for energy in energies if rule.patience else ():
            small = abs(energy - self._last_energy) < rule.atol
            self._last_energy = energy
            if self._small_changes < rule.patience:
                self._small_changes = self._small_changes + 1 if small else 0

    def _better(self, energy: float) -> bool:
        """Whether a state should replace the one kept."""
        return self.stochastic or energy < self.best_energy

    def _due(self, step: int, seconds: float) -> bool:
        """Whether the last copy is old enough to make another one."""
        return (
            self._best is None
            or step - self._snapshot_step >= self.snapshot_every
            or seconds - self._snapshot_at >= self.snapshot_seconds
        )

    def _keep(self, step: int, seconds: float, energy: float, params: Array) -> None:
        self.best_energy, self._snapshot_step, self._snapshot_at = float(energy), step, seconds
        if self._best is None:
            self._best = params.clone() if hasattr(params, "clone") else params.copy()
        else:
            self._best[:] = params  # allocating a new array would cost more than the copy

    def _verdict(self, step: int, grad_norm: float, seconds: float, params: Array) -> Result | None:
        rule = self.stopping
        small = grad_norm <= rule.gtol * self.scale < np.inf and not self.stochastic
        if small and self._certain(params):
            return Result.CONVERGED
        if rule.patience and self._small_changes >= rule.patience:
            return Result.FLAT
        if self._flat(step):
            return Result.FLAT
        if step >= rule.max_steps:
            return Result.MAX_STEPS
        if seconds >= rule.max_seconds:
            return Result.TIME_LIMIT
        return None

    def _certain(self, params: Array) -> bool:
        """Whether the gap is as small as the gradient; if not, ask for a smaller gradient."""
        if self._gap is None:
            return True
        certain = CERTAIN if params.dtype.itemsize >= 8 else CERTAIN_SINGLE
        begun = time.perf_counter()
        gap = self._gap(params)
        self._pause(time.perf_counter() - begun)
        if not gap > certain:
            return True
        # A gap falls as the gradient squared.
        self.scale *= max(0.5 * (certain / gap) ** 0.5, LEAST_TIGHTENING)
        return False

    def _flat(self, step: int) -> bool:
        """Whether a window of the flat rule ends at this step and the run is flat."""
        rule, energies = self.stopping, self.history.energy
        if not rule.window or step - self.history.step[self._window_start] < rule.window:
            return False
        window = energies[self._window_start :]
        flat = self._mean_is_level(window) if self.stochastic else self._best_is_level(window)
        if flat and not self.stochastic:
            return True  # do not begin a new window here: a minimiser that continues may do it
        self._window_start = len(energies) - 1
        return flat

    def _best_is_level(self, window: list[float]) -> bool:
        """Whether the best energy of a window is not clearly below the best one before it."""
        best = float(np.nanmin(window))
        least = self.stopping.ftol * max(abs(best), 1e-300)
        if self._previous_best - best < least:
            self.leapt = window[-1] - min(best, self._previous_best) > least
            self.flat_windows = 0 if self.leapt else self.flat_windows + 1
            return True
        self.flat_windows = 0
        self._previous_best = min(self._previous_best, best)
        return False

    def _mean_is_level(self, window: list[float]) -> bool:
        """Whether several windows in a row, this one included, have not lowered the least mean.

        A mean is lower if the difference exceeds twice its noise and ftol |mean|.
        """
        known = np.array([draw for draw in window if np.isfinite(draw)])
        mean, noise = float(known.mean()), float(known.std() / np.sqrt(len(known)))
        fell = self._previous_best - mean > max(2 * noise, self.stopping.ftol * abs(mean))
        self._level = 0 if fell else self._level + 1
        self._previous_best = min(self._previous_best, mean)
        flat = self._level >= self.level_windows
        if flat:
            self._level = 0
        return flat

    def outcome(self, result: Result, objective: Judged, params: Array, steps: int) -> Outcome:
        """The outcome of the run, with the better of the last state and the best one kept.

        For a stochastic energy it is the last state, if its energy is finite. If the energy of the
        last state is not finite, the run has diverged; if no other state was kept, it ends at the
        start.
        """
        try:
            energy = float(objective.value_and_grad(params)[0])
        except (ArithmeticError, ValueError):
            energy = np.nan
        if not np.isfinite(energy) and result is not Result.INTERRUPTED:
            result = Result.DIVERGED
        rounding = 1e-12 * abs(self.best_energy) if result is Result.CONVERGED else 0.0
        keep_last = np.isfinite(energy) and (
            self.stochastic or self._best is None or energy <= self.best_energy + rounding
        )
        fell = len(self.history) and energy < self.history.energy[-1]
        if keep_last and fell and not self.stochastic:
            self.history.append(steps, self.seconds, energy)
        if not keep_last:
            params = self.best_or(objective.start)
        return Outcome(
            params=params,
            result=result,
            steps=steps,
            evaluations=objective.evaluations,
            history=self.history,
            notes=self.notes,
        )
