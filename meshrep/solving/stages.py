"""Runs the stages of a solver in turn; measures set-up, compilation and solving separately."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import Backend, backend_for, gpu_seen, installed
from meshrep.base.interrupts import interruptible
from meshrep.base.outcome import History, Result
from meshrep.base.threads import calm_threads
from meshrep.energies.base import Energy
from meshrep.errors import InputError, MeshrepError, in_words
from meshrep.graphs.ordering import Order, better_order
from meshrep.minimisers.base import Objective
from meshrep.minimisers.gap import relative_gap
from meshrep.minimisers.monitor import Monitor, Progress, Sample
from meshrep.parametrizations.base import Identity
from meshrep.solving.solution import Solution
from meshrep.solving.solver import Solver

_NOTED = 1e-5  # relative gap from which the end of a run is said to be above the minimum
SMALLEST, LARGEST = 1e-140, 1e140  # natural sizes whose squares, summed over nodes, are numbers
_loaded: set[tuple[type, str, str, bool]] = set()  # kinds of maps whose kernels are loaded


@dataclass(frozen=True)
class Renumbered:
    """An energy with its nodes renumbered for faster memory access, and the seconds that took."""

    energy: Energy
    order: Order
    seconds: float


def renumbered(energy: Energy, solver: Solver) -> Renumbered | None:
    """The energy with its nodes in a better order; None if that gains nothing or would change the
    path of the solver.
    """
    alike = all(
        stage.minimiser.renumbers and isinstance(stage.parametrization, Identity)
        for stage in solver.stages
    )
    if not alike or energy.graph.n < limits.REORDERED_FROM:
        return None
    begun = time.perf_counter()
    order = better_order(energy.graph, energy.coupling)
    moved = None if order is None else energy.reordered(order)
    if order is None or moved is None:
        return None
    return Renumbered(moved, order, time.perf_counter() - begun)


def _refuse_sizes(energy: Energy) -> None:
    """Raise InputError where squares of an energy's natural sizes are no numbers of float64."""
    sizes = {
        "field": lambda: energy.unit,  # the others are only known where this is a usual number
        "energy": lambda: energy.scale,
        "gradient": lambda: energy.scale / energy.unit,
    }
    for what, size_of in sizes.items():
        size = size_of()
        if not SMALLEST < size < LARGEST:
            raise InputError(
                f"the natural size of the {what} is about {size:.1g}, and the squares of such "
                "numbers are beyond float64: choose other units for the weights and the field"
            )


class Stages:
    """One solver on one problem, stage by stage, with three clocks: set-up, compile, solve."""

    def __init__(
        self,
        energy: Energy,
        solver: Solver,
        w0: np.ndarray,
        seed: int,
        device: str,
        dtype: str | None,
        observe: Callable[[str, Progress], None] | None,
        notes: list[str],
        sample: Callable[[np.ndarray], Any] | None,
        renumbered: Renumbered | None = None,
        max_steps: float = np.inf,
    ) -> None:
        self.energy, self.solver, self.w0, self.seed = energy, solver, w0, seed
        self.device = energy.device or device if device == "auto" else device
        self.dtype, self.observe, self.notes = dtype, observe, notes
        self.sample, self.max_steps = sample, max_steps  # of all stages together
        self.samples: list[Sample] = []
        self.setup_s = self.compile_s = self.prefit_s = 0.0
        self.prefit_steps = 0
        self.fitted = energy.fitted(w0)
        _refuse_sizes(self.fitted)
        self.order, self.inner = None, self.fitted  # the energy of the objectives
        if renumbered is not None:
            self.order, self.inner = renumbered.order, renumbered.energy
            self.notes.append(renumbered.order.note)
            self.setup_s = renumbered.seconds

    def _inward(self, field: np.ndarray) -> np.ndarray:
        """A field in the order of the objectives."""
        return field if self.order is None else self.order.moved(field)

    def _outward(self, field: Any) -> Any:
        """A field of the objectives in the order of the energy."""
        return field if self.order is None else self.order.back(field)

    def _backend_kind(self, stage: Solver) -> str:
        if stage.backend != "auto":
            return stage.backend
        needed, has_torch = stage.parametrization.runs_on, "torch" in stage.minimiser.backends
        if needed and needed not in stage.minimiser.backends:
            raise InputError(
                f"{stage.parametrization.name} needs {needed}, and {stage.minimiser.name} has no "
                "form for it: take lbfgs, adam, or an optimiser of torch"
            )
        asked = self.device not in ("auto", "cpu")
        gains = asked or (stage.parametrization.gains_from_gpu and self._on_gpu())
        if needed or (has_torch and (gains or self.energy.runs_on == "torch")):
            return "torch"
        if asked:
            self.notes.append(
                f"{stage.label} has no form for {self.device} and runs on the CPU: adam, lbfgs, "
                "networks and optimisers of torch have one"
            )
        known = [kind for kind in stage.minimiser.backends if kind == "numpy" or installed(kind)]
        return known[0] if known else stage.minimiser.backends[0]

    def _on_gpu(self) -> bool:
        return gpu_seen() if self.device == "auto" else self.device != "cpu"

    def _backend(self, stage: Solver) -> Backend:
        """The stage's back end, imported and used once, outside the solving time."""
        clock = time.perf_counter()
        kind = self._backend_kind(stage)
        backend = backend_for(kind, self.device if kind == "torch" else "cpu", self.dtype)
        if backend.device != "cpu" and self.device == "auto":
            self.notes.append(f"auto runs {stage.label} on {backend.device}, in {backend.dtype}")
        _ = backend.zeros(1) + 1  # torch does part of its set-up with the first tensor
        self.compile_s += time.perf_counter() - clock
        return backend

    def _prepare(
        self, stage: Solver, backend: Backend, field: np.ndarray, before: Objective | None = None
    ) -> tuple[Objective, float]:
        """A stage's objective at a field, warmed up, and the seconds of building it.

        Excludes prefit and compile time. The first map of its kind in a process loads its kernels,
        so it is built a second time to be timed, unless it has a prefit.
        """
        begun = time.perf_counter()
        inward = self._inward(field)
        variables = stage.parametrization.limited(self.max_steps, stage.stopping.max_seconds)
        kept = before.evaluator if before is not None and before.backend == backend else None

        def laid_out() -> tuple[Objective, float]:
            clock = time.perf_counter()
            made = Objective(self.inner, inward, backend, variables, self.seed, kept)
            apart = made.map.prefit_s + made.map.compile_s
            return made, time.perf_counter() - clock - apart

        objective, seconds = laid_out()
        threads = self.energy.graph.n >= limits.THREADS_FROM  # they use other kernels
        kind = type(stage.parametrization), backend.name, backend.dtype, threads
        first = stage.parametrization.loads_kernels and kind not in _loaded
        if first and not objective.map.prefit_s:
            objective, seconds = laid_out()
        _loaded.add(kind)
        stage.minimiser.warm_up(objective)
        self.prefit_s += objective.map.prefit_s
        self.prefit_steps += objective.map.prefit_steps
        self.compile_s += time.perf_counter() - begun - seconds - objective.map.prefit_s
        return objective, seconds

    def solution(self) -> Solution:
        """Solve the stages in turn. Each is prepared when it is reached: many runs end before."""
        stages = self.solver.stages
        backends = [self._backend(stage) for stage in stages]
        with calm_threads(self.energy.graph.n):
            with interruptible():
                objective, seconds = self._prepare(stages[0], backends[0], self.w0)
            self.setup_s += seconds
            return self._solved(stages, backends, objective)

    def _solved(
        self, stages: list[Solver], backends: list[Backend], objective: Objective
    ) -> Solution:
        scale = self.fitted.gradient_scale(self.w0)
        history, field, steps, spent, begun = History(), self.w0, 0, 0.0, 0.0
        result, paused, sampling = Result.FAILED, 0.0, 0.0
        begin = self._unrounded(self._outward(objective.field(objective.start)))
        if self.sample is not None:
            self.samples.append(Sample(0, 0.0, self.sample(begin.copy())))
        start_energy = self.energy.value(begin)
        begun = time.perf_counter()
        evaluations = unused = 0
        for number, (stage, backend) in enumerate(zip(stages, backends, strict=True)):
            laying_out = 0.0
            if number:
                clock = time.perf_counter()
                try:
                    with interruptible():
                        objective, laying_out = self._prepare(stage, backend, field, objective)
                except KeyboardInterrupt:
                    result = Result.INTERRUPTED
                    break
                except Exception as error:
                    result = self._failed(stage, error)
                    break
                paused += time.perf_counter() - clock - laying_out
            self.notes += objective.map.notes
            self.notes += [note for note in objective.evaluator.notes if note not in self.notes]
            left = stage.stopping.max_seconds - self.prefit_s - spent - laying_out
            most = self.max_steps - self.prefit_steps - steps
            monitor = Monitor(
                replace(
                    stage.stopping,
                    max_seconds=max(left, 0.0),
                    max_steps=int(max(min(stage.stopping.max_steps + unused, most), 0)),
                ),
                scale * objective.map.unit,
                self._observe_after(steps, spent + laying_out),
                self._sample_of(objective),
                self.energy.stochastic,
                self._gap_of(objective, start_energy),
            )
            try:
                outcome = stage.minimiser.minimise(objective, monitor)
            except Exception as error:
                if not number:
                    raise
                result = self._failed(stage, error)
                break
            found = self._outward(objective.field(outcome.params))
            field = found if np.isfinite(found).all() else field
            self.samples += [
                Sample(steps + s.step, spent + laying_out + s.seconds, s.value)
                for s in monitor.samples
                if s.step > 0
            ]
            paused += monitor.paused
            sampling += monitor.sampling
            history = history.then(outcome.history.delayed(laying_out))
            result, steps = outcome.result, steps + outcome.steps
            unused = max(monitor.stopping.max_steps - outcome.steps, 0) if stage.leg else 0
            evaluations += outcome.evaluations
            spent = time.perf_counter() - begun - paused
            self.notes += outcome.notes
            arrived = stage.leg and result is Result.CONVERGED
            ended = left <= 0 or outcome.steps >= most or arrived
            if result is Result.INTERRUPTED or ended:
                break
            if number + 1 < len(stages) and not stage.leg:
                self.notes.append(
                    f"{stage.label.split('+')[0]} handed over to {stages[number + 1].label} after "
                    f"{outcome.steps} steps, {spent:.3g} s ({result.word})"
                )
        if not steps:
            field = self._unrounded(field)
        if self.sample is not None:
            self.samples.append(Sample(steps, spent, self.sample(field.copy())))
        try:
            judged = self._judged(field)
        except KeyboardInterrupt:  # the field is final: judge it again
            result, judged = Result.INTERRUPTED, self._judged(field)
        value, gradient = judged
        if not np.isfinite(value) and result is not Result.INTERRUPTED:
            result = Result.DIVERGED
        if not np.isfinite(start_energy):
            self.notes.append(
                f"the energy at the start is {start_energy}: give a start where it is finite"
            )
        if result not in (Result.CONVERGED, Result.DIVERGED, Result.INTERRUPTED):
            self._note_gap(field, start_energy)
        first = backends[0]
        return Solution(
            problem=self.energy,
            solver=self.solver.label,
            composed=self.solver,
            field=field,
            result=result,
            energy=value,
            grad_norm=float(np.linalg.norm(gradient)) / scale,
            start_energy=start_energy,
            steps=steps,
            evaluations=evaluations,
            solve_s=spent,
            setup_s=self.setup_s,
            compile_s=self.compile_s,
            history=history,
            backend=first.name,
            device=first.device,
            dtype=first.dtype,
            notes=self.notes,
            samples=self.samples,
            sampling_s=sampling,
            prefit_s=self.prefit_s,
        )

    def _failed(self, stage: Solver, error: Exception) -> Result:
        """Say that a later stage failed. Input that it refuses is an error of the composition."""
        if isinstance(error, MeshrepError):
            raise error
        traceback.clear_frames(error.__traceback__)  # they hold arrays
        self.notes.append(f"{stage.label} failed: {in_words(error)}; the field before it is kept")
        return Result.FAILED

    def _unrounded(self, field: np.ndarray) -> np.ndarray:
        """The start, for a field that differs by the rounding of a network or of float32 alone."""
        unit, away = self.fitted.unit, abs(self.w0 - self.fitted.origin)
        alike = (abs(field - self.w0) <= 1e-5 * (unit + away)).all()
        return self.w0.copy() if alike else field

    def _judged(self, field: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy and gradient of a field, in float64."""
        value, gradient = self.energy.judge.value_and_grad(field.copy())
        return float(value), np.array(gradient)  # which the next evaluation may overwrite

    def _gap_of(self, objective: Objective, start_energy: float) -> Callable[[Any], float]:
        """The relative gap at the objective's parameters."""
        return lambda params: relative_gap(
            self.fitted, self._outward(objective.field(params)), start_energy,
            None if self.order else objective.system,
        )  # fmt: skip

    def _note_gap(self, field: np.ndarray, start_energy: float) -> None:
        """Say how far the end of a run is above the minimum, where that is known and much."""
        if self.energy.graph.n > limits.GAP_NOTED_UP_TO:
            return
        gap = relative_gap(self.fitted, field, start_energy)
        if gap > _NOTED:
            self.notes.append(
                f"the energy is about {gap:.1g} of itself above its minimum, by the estimate of a "
                "Newton step: give more steps, or take newton"
            )

    def _sample_of(self, objective: Objective) -> Callable[[Any], Any] | None:
        sample = self.sample
        if sample is None:
            return None
        return lambda params: sample(self._outward(objective.field(params)))

    def _observe_after(self, steps: int, seconds: float) -> Callable[[Progress], None] | None:
        """A stage's ``observe``, which counts from the beginning of the first stage."""
        if self.observe is None:
            return None
        observe, name = self.observe, self.solver.label

        def of_stage(progress: Progress) -> None:
            observe(name, replace(progress, step=steps + progress.step,
                                  seconds=seconds + progress.seconds,
                                  params=self._outward(progress.params)))  # fmt: skip

        return of_stage
