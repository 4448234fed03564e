"""One run of a solver, ours or a peer's: energies over seconds, with judging off the clock."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.problems import Posed
from meshrep.base.backends import calm_threads, installed
from meshrep.base.outcome import History
from meshrep.errors import MeshrepError
from meshrep.minimisers.monitor import Progress
from meshrep.solving.solve import solve

GAPS = ("1e-2", "1e-4", "1e-6")
RESOLUTION = 0.02  # of the time so far: how often a peer's field is judged
AGREEMENT = 1e-9  # relative, between the energies that a solver reports and the judge's


class Enough(Exception):
    """A peer's run is over: it came as close as asked, or its time is up."""


class Recorder:
    """Watches a peer; its clock stands still while a field is judged.

    ``look`` belongs after every step, ``check`` wherever else a peer can be left.
    """

    def __init__(self, posed: Posed, cap: float, setup: float = 0.0) -> None:
        self.posed, self.cap, self.setup = posed, cap, setup
        self.level = posed.reference.level(float(GAPS[-1]))
        self.history = History()
        self._clock = time.perf_counter()
        self._looked = -np.inf

    @property
    def seconds(self) -> float:
        """Seconds of solving so far."""
        return time.perf_counter() - self._clock

    def check(self) -> None:
        """Leave the run where its time is up."""
        if self.seconds > self.cap:
            raise Enough

    def look(self, step: int, field: Callable[[], np.ndarray]) -> None:
        """Judge the field after a step, where enough time has gone by since the last look."""
        now = self.seconds
        if now - self._looked < RESOLUTION * now and now <= self.cap:
            return
        energy = self.posed.energy.value(field())
        self._looked = now
        self.history.append(step, now + self.setup, energy)
        self._clock += self.seconds - now
        if energy <= self.level or (now > self.cap and step > 0):
            raise Enough


Go = Callable[[Recorder], None]


@dataclass(frozen=True)
class Entrant:
    """A row: ``solver`` is the name of a preset of ours, ``make`` builds a peer on a problem.

    ``most`` bounds the nodes of a problem, ``flat`` leaves out those in three dimensions.
    """

    label: str
    solver: str = ""
    make: Callable[[Posed], Go] | None = None
    needs: tuple[str, ...] = ()
    most: float = np.inf
    flat: bool = False

    @property
    def missing(self) -> list[str]:
        """Packages that it needs and that are not installed."""
        return [package for package in self.needs if not installed(package)]


@dataclass
class Run:
    """What came of one run; ``setup_s`` is part of every time in the history."""

    history: History
    setup_s: float
    end_gap: float

    def to(self, posed: Posed, gap: str) -> float | None:
        """Seconds with set-up until a gap; None where it was not reached."""
        return self.history.time_to(posed.reference.level(float(gap)))

    def steps(self, posed: Posed, gap: str) -> int | None:
        """Steps until a gap."""
        return self.history.steps_to(posed.reference.level(float(gap)))


class Runner:
    """Runs one entrant on one problem as often as asked; a peer is built and warmed up before."""

    def __init__(self, entrant: Entrant, posed: Posed) -> None:
        self.entrant, self.posed = entrant, posed
        self.go: Go | None = None
        self.setup_s = 0.0
        if entrant.make is not None:
            for package in entrant.needs:
                importlib.import_module(package)
            for _ in range(2):  # the first may compile something for arrays of this size
                begun = time.perf_counter()
                self.go = entrant.make(posed)
                self.setup_s = time.perf_counter() - begun
                if self.setup_s > 1.0:
                    break
            self._peer(0.0)

    def run(self) -> Run:
        """One run."""
        return self._ours() if self.go is None else self._peer(self.posed.cap)

    def _peer(self, cap: float) -> Run:
        recorder = Recorder(self.posed, cap, self.setup_s)
        with calm_threads(self.posed.n):
            try:
                assert self.go is not None
                self.go(recorder)
            except Enough:
                pass
        ended = recorder.history.best_energy()
        gap = self.posed.reference.gap(float(ended[-1])) if len(ended) else np.inf
        return Run(recorder.history, self.setup_s, gap)

    def _ours(self) -> Run:
        posed, level = self.posed, self.posed.reference.level(float(GAPS[-1]))

        def until_close(_: str, progress: Progress) -> None:
            if progress.energy <= level:
                raise KeyboardInterrupt  # which ends a run at its best state

        solution = solve(
            posed.energy, self.entrant.solver, start=posed.start, max_seconds=posed.cap,
            observe=until_close, device="cpu",
        )  # fmt: skip
        setup = solution.setup_s + solution.prefit_s
        past = solution.history.delayed(setup)
        ended = posed.reference.gap(float(past.best_energy()[-1]))
        return Run(past, setup, ended)


def judged(entrant: Entrant, posed: Posed) -> None:
    """Hold the energies that a solver of ours reports against the judge's.

    Raises
    ------
    MeshrepError
        Where they differ.
    """
    energy = posed.energy
    solution = solve(energy, entrant.solver, start=posed.start, sample=energy.value, device="cpu")
    steps, energies = np.array(solution.history.step), np.array(solution.history.energy)
    for sample in solution.samples:
        # Stages share a step; the last sample is of the best state, whenever that was met.
        near = (steps == sample.step) | (steps == sample.step - 1)
        reported = energies if sample is solution.samples[-1] else energies[near]
        off = float(np.abs(reported - sample.value).min(initial=np.inf))
        if len(reported) and not off <= AGREEMENT * posed.reference.scale:
            raise MeshrepError(f"{entrant.label} reports energies that are off by {off:.1e}")


def measured(runs: list[Run], posed: Posed) -> dict[str, Any]:
    """Medians over the runs of one entrant, as plain data."""
    to: dict[str, float | None] = {}
    steps: dict[str, int | None] = {}
    for gap in GAPS:
        times = [run.to(posed, gap) for run in runs]
        reached = [time for time in times if time is not None]
        to[gap] = float(np.median(reached)) if len(reached) == len(runs) else None
        steps[gap] = runs[0].steps(posed, gap)
    return {
        "to": to,
        "steps": steps,
        "setup_s": float(np.median([run.setup_s for run in runs])),
        "seconds": float(np.median([run.history.seconds[-1] for run in runs])),
        "end_gap": runs[0].end_gap,
        "runs": len(runs),
    }
