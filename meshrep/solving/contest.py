"""Runs of every comparison: entrants on one problem from shared starts, seed after seed.

:func:`meshrep.compare` is a call with one seed; the benchmark and the papers' experiments call it
with peers and with many seeds.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from meshrep.base.outcome import Result
from meshrep.energies.base import Energy
from meshrep.errors import InputError, in_words
from meshrep.minimisers.monitor import Progress
from meshrep.solving.entrants import Entrant
from meshrep.solving.peers import Built
from meshrep.solving.solution import Solution
from meshrep.solving.solve import solve

Problem = Energy | Callable[[int], Energy]
Observer = Callable[[str, Progress], None]


@dataclass
class Failure:
    """A solver that ended with an error instead of a field.

    Attributes
    ----------
    solver, message : str
    refused : bool
        Whether the solver refused the input.
    """

    solver: str
    message: str
    refused: bool = False


def failure(solver: str, error: Exception) -> Failure:
    """A solver's error as its row. The frames of the error are cleared, since they hold arrays."""
    traceback.clear_frames(error.__traceback__)
    return Failure(solver, in_words(error), isinstance(error, InputError))


class Runner:
    """One entrant on one problem from one start, which can be run several times.

    A peer is built and warmed up here; a solver of this package is built anew in every run.

    Parameters
    ----------
    energy : Energy
        What to minimise.
    entrant : Entrant
        Who runs.
    start : (n,) or (n, d) array
        The first field.
    seed : int
        Seeds the latents and weights of networks.
    until : float
        The energy at which a run may end.
    observe : callable, optional
        Called with the solver's name and a Progress, about ten times a second.
    **settings
        As for :func:`meshrep.solve`. Peers use ``max_seconds`` and ``max_steps``.
    """

    def __init__(
        self,
        energy: Energy,
        entrant: Entrant,
        start: np.ndarray,
        seed: int = 0,
        *,
        until: float = -np.inf,
        observe: Observer | None = None,
        **settings: Any,
    ) -> None:
        self.energy, self.entrant, self.start, self.seed = energy, entrant, start, seed
        self.until, self.observe = until, observe
        self.settings = {**settings, **entrant.settings}
        peer = entrant.peer
        self.built = None if peer is None else Built(energy, entrant.label, peer, start)

    def warm_up(self, seconds: float) -> None:
        """Run for some seconds to compile code and fill caches; a peer is warm already."""
        if self.built is None:
            self._solved(self.settings | {"max_seconds": seconds}).raise_if_interrupted()

    def run(self) -> Solution:
        """Run once."""
        return self._solved(self.settings) if self.built is None else self._of_peer(self.built)

    def _of_peer(self, built: Built) -> Solution:
        tell = None if self.observe is None else partial(self.observe, self.entrant.label)
        limits = {k: v for k, v in self.settings.items() if k in ("max_seconds", "max_steps")}
        return built.run(until=self.until, tell=tell, **limits)

    def _solved(self, settings: dict[str, Any]) -> Solution:
        reached, observe = False, self.observe

        def watch(name: str, progress: Progress) -> None:
            nonlocal reached
            if observe is not None:
                observe(name, progress)
            if progress.energy <= self.until:
                reached = True
                raise KeyboardInterrupt  # this ends the run at its best state

        watched = observe if self.until == -np.inf else watch
        found = solve(
            self.energy,
            self.entrant.solver,
            start=self.start,
            seed=self.seed,
            observe=watched,
            **settings,
        )
        if reached:
            found.result = Result.REACHED
        return found


def in_turn(
    problem: Problem,
    entrants: Sequence[Entrant],
    seeds: Sequence[int],
    start: Callable[[Energy, int], np.ndarray] | None = None,
    *,
    warm_seconds: float | None = None,
    begin: Callable[[str], None] | None = None,
    sample: Callable[[Energy, np.ndarray], Any] | None = None,
    failures: bool = False,
    **settings: Any,
) -> Iterator[tuple[Entrant, int, Solution | Failure]]:
    """Run every entrant on every seed, one entrant after the other; yield each run as it ends.

    Parameters
    ----------
    problem : Energy or callable
        What to minimise, or ``problem(seed)``, which gives it.
    entrants, seeds : sequences
        Who runs, and on which seeds.
    start : callable, optional
        ``start(energy, seed)`` gives the start that all entrants share; by default the energy's
        random start.
    warm_seconds : float, optional
        How long each entrant runs on the first seed beforehand; by default it does not.
    begin : callable, optional
        Called with each entrant's label before it runs.
    sample : callable, optional
        ``sample(energy, field)`` gives what to keep of fields during a run: see
        :func:`meshrep.solve`.
    failures : bool
        Whether an error of a solver becomes a Failure, so that the others go on.
    **settings
        As for :class:`Runner`.
    """
    for entrant in entrants:
        if begin is not None:
            begin(entrant.label)
        for number, seed in enumerate(seeds):
            energy = problem if isinstance(problem, Energy) else problem(seed)
            more = settings if sample is None else settings | {"sample": partial(sample, energy)}
            run: Solution | Failure
            try:
                runner = Runner(energy, entrant, start_of(energy, seed, start), seed, **more)
                if warm_seconds is not None and number == 0:
                    runner.warm_up(warm_seconds)
                run = runner.run()
            except Exception as error:  # no error of one entrant may cost the others
                if not failures:
                    raise
                run = failure(entrant.label, error)
            yield entrant, seed, run


def start_of(
    energy: Energy, seed: int, start: Callable[[Energy, int], np.ndarray] | None = None
) -> np.ndarray:
    """Return the start of a seed, with fixed nodes at their values."""
    return energy.clamp(energy.random_start(seed) if start is None else start(energy, seed))


def run_all(
    problem: Problem,
    entrants: Sequence[Entrant],
    seeds: Sequence[int],
    start: Callable[[Energy, int], np.ndarray] | None = None,
    **settings: Any,
) -> dict[str, list[Solution]]:
    """Return every entrant's runs by its label, one a seed; arguments as for :func:`in_turn`.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C in a run.
    """
    runs: dict[str, list[Solution]] = {entrant.label: [] for entrant in entrants}
    for entrant, _, run in in_turn(problem, entrants, seeds, start, **settings):
        assert isinstance(run, Solution)
        runs[entrant.label].append(run.raise_if_interrupted())
    return runs
