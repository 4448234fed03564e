"""Solvers of other packages in a comparison: how they are called, watched and judged.

A peer is a function ``peer(energy, start)`` that builds what the solver needs and returns
``go(recorder)``, which runs it. ``go`` calls ``recorder.look`` after every step, and may call
``recorder.check`` between steps to end a run whose time is up. The recorder judges fields in
float64 while its clock is stopped, and raises :class:`Enough` when the run is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from meshrep.base.interrupts import interruptible
from meshrep.base.outcome import History, Result
from meshrep.base.threads import calm_threads
from meshrep.energies.base import Energy
from meshrep.minimisers.monitor import Progress
from meshrep.solving.solution import Solution

RESOLUTION = 0.02  # share of the time so far that passes between two looks at a peer's field
SLOW_TO_BUILD = 1.0  # a peer that takes more seconds is not built again to be timed

Go = Callable[["Recorder"], None]
Peer = Callable[[Energy, np.ndarray], Go]


class Enough(Exception):
    """A peer's run is over: it reached the wanted energy, or a limit."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.value)
        self.result = result


class Recorder:
    """Watches one run of a peer; its clock is stopped while a field is judged.

    Parameters
    ----------
    energy : Energy
        The energy whose judge evaluates fields.
    max_seconds, max_steps : float, int
        Limits of the run.
    until : float
        The energy at which the run may end.
    tell : callable, optional
        Called with a Progress after every look.
    """

    def __init__(
        self,
        energy: Energy,
        max_seconds: float = np.inf,
        max_steps: float = np.inf,
        until: float = -np.inf,
        tell: Callable[[Progress], None] | None = None,
    ) -> None:
        self.energy, self.max_seconds, self.max_steps = energy, max_seconds, max_steps
        self.until, self.tell = until, tell
        self.history = History()
        self.steps = 0
        self.best = np.inf
        self.field: np.ndarray | None = None
        self._clock = time.perf_counter()
        self._looked = -np.inf

    @property
    def seconds(self) -> float:
        """Seconds of solving so far."""
        return time.perf_counter() - self._clock

    def check(self) -> None:
        """End the run if its time is up."""
        if self.seconds > self.max_seconds:
            raise Enough(Result.TIME_LIMIT)

    def look(self, step: int, field: Callable[[], np.ndarray]) -> None:
        """Judge the field after a step, if enough time has passed since the last look."""
        now, self.steps = self.seconds, step
        late = now > self.max_seconds or step >= self.max_steps
        if now - self._looked < RESOLUTION * now and not late:
            return
        w = field()
        energy = self.energy.value(w)
        self._looked = now
        self.history.append(step, now, energy)
        if energy < self.best:
            self.best, self.field = energy, np.array(w, dtype=float)
        if self.tell is not None:
            self.tell(Progress(step, now, energy, np.array(w, dtype=float)))
        self._clock += self.seconds - now
        if energy <= self.until:
            raise Enough(Result.REACHED)
        if step >= self.max_steps:
            raise Enough(Result.MAX_STEPS)
        if now > self.max_seconds and step > 0:
            raise Enough(Result.TIME_LIMIT)


class Built:
    """A peer on one problem and start, built and warmed up, which can be run several times."""

    def __init__(self, energy: Energy, label: str, peer: Peer, start: np.ndarray) -> None:
        self.energy, self.label, self.start = energy, label, start
        clock = time.perf_counter()
        for _ in range(2):  # the first time may compile something for arrays of this size
            begun = time.perf_counter()
            self.go = peer(energy, start)
            self.setup_s = time.perf_counter() - begun
            if self.setup_s > SLOW_TO_BUILD:
                break
        if self._watched(Recorder(energy, max_seconds=0.0)) is Result.INTERRUPTED:
            raise KeyboardInterrupt
        self.compile_s = time.perf_counter() - clock - self.setup_s

    def _watched(self, recorder: Recorder) -> Result:
        with calm_threads(self.energy.graph.n):
            try:
                with interruptible():
                    self.go(recorder)
            except Enough as enough:
                return enough.result
            except KeyboardInterrupt:
                return Result.INTERRUPTED
        return Result.OWN_RULE

    def run(self, **limits: Any) -> Solution:
        """Run once; the limits are those of a :class:`Recorder`."""
        recorder = Recorder(self.energy, **limits)
        result = self._watched(recorder)
        field = self.start if recorder.field is None else recorder.field
        begun, scale = self.energy.value(self.start), self.energy.gradient_scale(self.start)
        value, gradient = self.energy.judge.value_and_grad(field.copy())
        if not np.isfinite(float(value)) and result is not Result.INTERRUPTED:
            result = Result.DIVERGED
        return Solution(
            problem=self.energy,
            solver=self.label,
            composed=None,
            field=field,
            result=result,
            energy=float(value),
            grad_norm=float(np.linalg.norm(gradient)) / scale,
            start_energy=begun,
            steps=recorder.steps,
            evaluations=0,
            solve_s=recorder.seconds,
            setup_s=self.setup_s,
            compile_s=self.compile_s,
            history=recorder.history,
            backend="peer",
            device="cpu",
            dtype="float64",
            notes=["evaluations of a peer are not counted"],
        )
