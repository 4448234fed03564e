"""The one call that minimises: from an energy and a solver in any form to a Solution."""

from __future__ import annotations

import threading
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import backend_for, cores, installed
from meshrep.base.outcome import History, Result
from meshrep.base.randomness import random_from
from meshrep.base.threads import calm_threads
from meshrep.energies.base import Energy, checked_energy
from meshrep.errors import InputError, in_words
from meshrep.minimisers.monitor import Progress
from meshrep.parametrizations.base import Identity, whole
from meshrep.solving.catalogue import compose, solver_named
from meshrep.solving.restarts import for_each_seed
from meshrep.solving.solution import Solution
from meshrep.solving.solver import AnySolver, Solver
from meshrep.solving.stages import Stages, renumbered

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

T = TypeVar("T")


def solve(
    energy: Energy,
    solver: AnySolver = "auto",
    *,
    start: ArrayLike | None = None,
    seed: int = 0,
    device: str = "auto",
    dtype: str | None = None,
    max_steps: int | None = None,
    max_seconds: float | None = None,
    gtol: float | None = None,
    observe: Callable[[str, Progress], None] | None = None,
    sample: Callable[[np.ndarray], object] | None = None,
    restarts: int = 1,
    reorder: bool = True,
    **settings: Any,
) -> Solution:
    """Minimise an energy.

    Parameters
    ----------
    energy : Energy
        What to minimise.
    solver : str, Solver, NamedSolver, Minimiser or class
        A name ("auto", "gcn", "lbfgs", …: ``meshrep.known_solvers()`` has all), a composition, a
        minimiser that works on the field itself, or an optimiser of torch's kind: its class, or
        "package.module:Class".
    start : (n,) or (n, d) array, optional
        The first field; drawn from the energy's ``random_start(seed)`` by default. A batch of b
        such fields, with one axis more, is b restarts, each from one of them.
    seed : int
        Seeds the start and a network's latents and weights.
    device, dtype : str
        "auto", "cpu" or "cuda"; "float64" or "float32". Only torch uses a GPU. With "cuda"
        first-order methods, L-BFGS, networks and optimisers of torch run there; a note says so
        where a solver has no such form and runs on the CPU. With "auto" networks run on a GPU
        where torch sees one.
    max_steps, max_seconds, gtol : optional
        Limits of the whole run, in place of those of its last stage: see
        :class:`meshrep.Stopping`. Stages, restarts and the fit of a network to the start share
        ``max_steps`` and ``max_seconds``. Compilation and set-up are not counted. A step is always
        finished, and so is the estimate of the largest curvature (40 evaluations or fewer) before
        the first step of a method whose step length follows from it, on energies without a bound.
    observe : callable, optional
        Called with the solver's name and a Progress about ten times a second;
        ``meshrep.progress()`` gives a function that prints.
    sample : callable, optional
        Called with the field at steps with growing distances; its time is not counted. Its
        results are in ``solution.samples``.
    restarts : int
        How many seeds to run: ``seed``, ``seed`` + 1, …. Small graphs with jitted solvers run in
        parallel, one seed a core. The best end is returned; a seed that fails is left out, and a
        note says so. ``start`` is for the first seed; the others draw their starts.
    reorder : bool
        Whether to renumber the nodes of a large graph while it is solved, if neighbours lie far
        apart in memory: see :func:`meshrep.graphs.ordering.better_order`. Results come back in the
        graph's own order; a note says that it was done.
    **settings
        Settings that the named solver has, such as ``degree=12`` for spectral.

    Returns
    -------
    Solution
        Judged in float64, whatever precision and device the solver used.

    Raises
    ------
    InputError
        For a solver that is not known, settings that it does not have, or a solver that does not
        fit the problem.
    MissingPart
        When the solver is an optimiser of torch's kind, and torch or the optimiser's package is
        not installed. Only adam-torch has a substitute.

    Notes
    -----
    Ctrl-C during the solve does not raise: the result is ``Result.INTERRUPTED`` and the field is
    the best so far.
    Without torch, L-BFGS replaces adam-torch and compositions whose ``backend`` is "torch", with
    one warning; SGD replaces them if the energy is stochastic.
    """
    energy = checked_energy(energy)
    starts: list[Any] = [start]
    if _several(start, energy):
        starts = list(start)  # type: ignore[arg-type]
        if restarts not in (1, len(starts)):
            raise InputError(f"{len(starts)} starts are that many restarts, not {restarts}")
    composed, notes = _posed(energy, solver, seed, restarts, settings)
    restarts = max(restarts, len(starts))
    restarts = int(restarts)
    apart = np.prod(energy.shape) < limits.THREADS_FROM and all(
        stage.minimiser.concurrent or isinstance(stage.parametrization, Identity)
        for stage in composed.stages
    )  # larger graphs use threaded kernels, which two threads must not call at once
    apart = apart and composed.minimiser.concurrent and energy.reentrant
    threads = cores() if apart else 1
    share = min(1.0, threads / restarts)
    each = max_seconds * share if isinstance(max_seconds, Real) else max_seconds
    composed, fallback = _with_what_is_installed(composed, energy)
    most = None if max_steps is None else _for_each_seed(max_steps, restarts)
    composed = composed.limited(max_steps=most, max_seconds=each, gtol=gtol)
    _follows_noise(composed, energy)
    if fallback:
        warnings.warn(fallback, stacklevel=2)
        notes.append(fallback)

    moved = renumbered(energy, composed) if reorder else None

    def run(seed: int, given: ArrayLike | None, observe: Any) -> Solution:
        w0 = energy.clamp(energy.random_start(seed) if given is None else given)
        return Stages(
            energy, composed, w0, seed, device, dtype, observe, list(notes), sample, moved,
            np.inf if most is None else most,
        ).solution()  # fmt: skip

    given = {seed + k: energy.clamp(one) for k, one in enumerate(starts) if one is not None}
    if restarts == 1:
        return run(seed, given.get(seed), observe)
    return _best_of(run, energy, range(seed, seed + restarts), given, observe, threads)


def _several(start: Any, energy: Energy) -> bool:
    """Whether a start is a batch of starts; what is no array is refused later."""
    if start is None or isinstance(start, str):
        return False
    try:
        return np.ndim(start) == len(energy.shape) + 1
    except ValueError:  # lists of different lengths
        return False


def _posed(
    energy: Energy, solver: AnySolver, seed: int, restarts: int, settings: dict[str, Any]
) -> tuple[Solver, list[str]]:
    """The composition for a solver, and notes on it; InputError for what does not fit."""
    random_from(seed)
    if whole(restarts, 1, "restarts") > limits.RESTARTS_UP_TO:
        raise InputError(
            f"restarts must be at most {limits.RESTARTS_UP_TO:,}, not {restarts:,}: run the others "
            "from another seed"
        )
    if energy.unbounded:
        raise InputError(f"this energy has no minimum: {energy.unbounded}")
    if energy.undecided:
        raise InputError(energy.undecided)
    composed, notes = compose(energy, solver, settings)
    random = any(stage.parametrization.random for stage in composed.stages)
    if restarts > 1 and energy.one_start and not random:
        raise InputError(
            f"every seed of {composed.label} begins at the same {energy.quantity}s and would end "
            "alike: drop restarts, or take a network such as gcn"
        )
    return composed, notes


def check_posed(
    energy: Energy,
    solver: AnySolver,
    *,
    seed: int = 0,
    device: str = "auto",
    dtype: str | None = None,
    restarts: int = 1,
    max_steps: int | None = None,
    max_seconds: float | None = None,
    gtol: float | None = None,
    reorder: bool = True,
    **settings: Any,
) -> None:
    """Raise what :func:`solve` would raise for these arguments before its first step.

    A comparison checks all its solvers before the first one runs.
    """
    composed, _ = _posed(energy, solver, seed, restarts, settings)
    composed, _ = _with_what_is_installed(composed, energy)
    most = None if max_steps is None else _for_each_seed(max_steps, restarts)
    composed = composed.limited(max_steps=most, max_seconds=max_seconds, gtol=gtol)
    _follows_noise(composed, energy)
    if device not in ("auto", "cpu") and installed("torch"):
        backend_for("torch", device, dtype)


def _for_each_seed(max_steps: int, restarts: int) -> int:
    """The steps that each seed may take, so that all together take at most ``max_steps``."""
    if isinstance(max_steps, Real) and 0 < max_steps < restarts:
        raise InputError(
            f"max_steps is {max_steps}, less than one step for each of {restarts} restarts: raise "
            "it, or take fewer restarts"
        )
    return max_steps if restarts == 1 else whole(max_steps, 0, "max_steps") // restarts


def _rank(solution: Solution) -> float:
    """The energy, or infinity where it is not finite."""
    return solution.energy if np.isfinite(solution.energy) else np.inf


def _best_of(
    run: Callable[..., Solution],
    energy: Energy,
    seeds: range,
    starts: dict[int, np.ndarray],
    observe: Callable[[str, Progress], None] | None,
    threads: int,
) -> Solution:
    """The best of several seeds, with the energies of all.

    Its history starts when its seed starts. The seconds are those of the first seed and of the
    busiest thread after it. Seeds that fail are left out; the first error is raised if all do.
    """
    ahead: list[tuple[int, Solution]] = []  # the best so far, and its seed
    weighing = threading.Lock()

    def weigh(seed: int, found: Solution) -> None:
        """Keep the arrays of the best solution alone: those of all seeds may fill the memory."""
        with weighing:
            pair = [*ahead, (seed, found)]
            first = min(pair, key=lambda known: (_rank(known[1]), known[0]))
            ahead[:] = [first]
            for _, solution in pair:
                if solution is not first[1]:
                    solution.field = solution.field[:0].copy()
                    solution.history, solution.samples = History(), []

    def work(seed: int, check: Callable[[], None]) -> tuple[int, int, Solution | Exception]:
        def observed(name: str, progress: Progress) -> None:
            check()
            if observe is not None:
                observe(f"{name}, seed {seed}", progress)

        found: Solution | Exception
        try:
            found = run(seed, starts.get(seed), observed)
            weigh(seed, found)
        except Exception as error:  # no error of one seed may cost the others
            traceback.clear_frames(error.__traceback__)  # they hold arrays
            found = error
        return seed, threading.get_ident(), found

    with calm_threads(energy.graph.n):
        runs, halted = for_each_seed(
            work, list(seeds), threads, lambda run: getattr(run[2], "interrupted", False)
        )
    solutions = {seed: end for seed, _, end in runs if isinstance(end, Solution)}
    failed = {seed: end for seed, _, end in runs if isinstance(end, Exception)}
    if not solutions:
        raise failed[seeds[0]]
    best = ahead[0][1]
    busy: dict[int, float] = {}
    late = 0.0
    first = next(iter(solutions.values())).solve_s
    for number, (seed, thread, _) in enumerate(run for run in runs if run[0] in solutions):
        before = busy.get(thread, first if number else 0.0)
        late = before if solutions[seed] is best else late
        busy[thread] = before + solutions[seed].solve_s
    energies = [solutions[seed].energy if seed in solutions else np.nan for seed, _, _ in runs]
    notes = [_spread(best, solutions, len(runs))]
    notes += [f"seed {seed} failed: {in_words(error)}" for seed, error in failed.items()]
    if len(runs) < len(seeds):
        notes.append(f"interrupted: {len(seeds) - len(runs)} of {len(seeds)} seeds were not run")
    return replace(
        best,
        result=Result.INTERRUPTED if halted else best.result,
        solve_s=max(busy.values()),
        sampling_s=sum(solution.sampling_s for solution in solutions.values()),
        prefit_s=sum(solution.prefit_s for solution in solutions.values()),
        steps=sum(solution.steps for solution in solutions.values()),
        evaluations=sum(solution.evaluations for solution in solutions.values()),
        history=best.history.delayed(late),
        samples=[replace(sample, seconds=sample.seconds + late) for sample in best.samples],
        notes=notes + best.notes,
        restart_energies=energies,
    )


def _spread(best: Solution, solutions: dict[int, Solution], count: int) -> str:
    """A sentence on which seed is the best, and on the finite energies of all."""
    seed = next(seed for seed, solution in solutions.items() if solution is best)
    said = f"best of {count} seeds (seed {seed}, {best.solve_s:.3g} s): "
    ends = np.array([solution.energy for solution in solutions.values()])
    finite = ends[np.isfinite(ends)]
    if not len(finite):
        return said + "no seed ended at a finite energy"
    said += f"energies {finite.min():.9g} to {finite.max():.9g}, mean {np.mean(finite):.9g}"
    lost = len(ends) - len(finite)
    return said + f"; {lost} ended at no finite energy" * bool(lost)


def _follows_noise(solver: Solver, energy: Energy) -> None:
    """Raise InputError if a stage compares energies and the energy is stochastic."""
    if not energy.stochastic:
        return
    for stage in solver.stages:
        if not stage.minimiser.follows_noise:
            automatic = " with lr='auto'" if getattr(stage.minimiser, "lr", 0) == "auto" else ""
            raise InputError(
                "the energy draws a fresh subsample at every step, which "
                f"{stage.minimiser.name}{automatic} cannot follow: take sgd, adam or kernel"
            )


def _with_what_is_installed(solver: Solver, energy: Energy) -> tuple[Solver, str]:
    """The solver and ""; or a substitute and why, if it needs torch and torch is not installed."""
    wants_torch = any(stage.backend == "torch" for stage in solver.stages)
    if not wants_torch or installed("torch"):
        return solver, ""
    name = "sgd" if energy.stochastic else "lbfgs"
    substitute = solver_named(name, energy).limited(max_seconds=solver.stopping.max_seconds)
    return substitute, (
        f"torch is not installed, so {name} takes the place of {solver.label}: "
        "pip install 'meshrep[torch]'"
    )


def without_stand_ins(solvers: Sequence[T], energy: Energy) -> list[T]:
    """Drop named solvers that would fall back to one that is in the list already.

    Without torch, adam-torch falls back to lbfgs; if lbfgs is in the list too, it runs once.
    """
    kept: list[T] = []
    seen: set[str] = set()
    for solver in solvers:
        if isinstance(solver, str) and solver != "auto":
            label = _with_what_is_installed(solver_named(solver, energy), energy)[0].label
            if label in seen:
                continue
            seen.add(label)
        kept.append(solver)
    return kept
