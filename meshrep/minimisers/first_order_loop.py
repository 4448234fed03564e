"""The loop that all first-order methods run.

If the energy has jitted steppers and the variables are the field itself, many steps run in one
fused call. On any other objective (a parametrization, torch, a user's energy) the same rules run
on whole arrays, with one call of value_and_grad a step.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import Array
from meshrep.base.outcome import Result
from meshrep.minimisers.base import (
    ROUNDING,
    Minimiser,
    Objective,
    check_step_length,
    read,
    read_every,
)
from meshrep.minimisers.monitor import Monitor, Stopping
from meshrep.numerics.rules import ADAM, DESCENT, NESTEROV, UNIFORM, Memory, Walk, update_rule

WARM_SECONDS = 2.0  # end the warm-up then: the rest of it is short compared with such slow steps


class FirstOrder(Minimiser):
    """A minimiser whose update rule uses only the gradient.

    Parameters
    ----------
    lr : float or "auto"
        Step length. Adam's is in the unit of the objective. "auto" divides the rule's
        ``auto_lr`` by the energy's largest curvature, and halves the step whenever the energy
        has risen over a stretch of steps.
    beta1, beta2, eps : float
        Momentum, decay of the second moment, and the constant added to Adam's denominator, in
        units of the gradient's natural size.
    settle : bool
        When the stopping rule calls the run flat, halve the step and continue, up to ten times.
        With a constant step Adam would circle the minimum.
    """

    backends = ("numba", "numpy", "torch")
    rule = DESCENT
    auto_lr = 1.9
    renumbers = True
    scheduled = False  # whether the step length or momentum is set before every step
    judges_variables = False  # whether a small gradient in variables other than w ends the run

    def __init__(
        self,
        lr: float | str = "auto",
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        settle: bool = False,
    ) -> None:
        if lr != "auto":
            check_step_length(lr)
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.settle = settle
        compares_energies = lr == "auto" or self.rule == NESTEROV
        self.follows_noise = not compares_energies

    def _fuses(self, objective: Objective) -> bool:
        """Whether many steps run in one call.

        Not with a schedule, which is set before every step. Not with the uniform rule, which
        needs the second moments of all coordinates before it can move any of them.
        """
        return (
            objective.direct
            and objective.evaluator.fused
            and not self.scheduled
            and self.rule != UNIFORM
        )

    def _schedule(self, memory: Memory, step: int) -> None:
        """Set the step length or momentum after ``step`` steps, if there is a schedule."""

    def _captures(self, objective: Objective) -> bool:
        """Whether steps may be replayed from a CUDA graph.

        Not if the host draws or sets a value in every step, because the capture freezes it. Not
        outside the main thread, because a capture and its check for syncs affect other threads.
        """
        return (
            objective.backend.device != "cpu"
            and not self.scheduled
            and not objective.energy.stochastic
            and threading.current_thread() is threading.main_thread()
        )

    @staticmethod
    def _advance(objective: Objective) -> Callable[[Array, Array, Memory], None]:
        threads = objective.energy.graph.n >= limits.THREADS_FROM
        return update_rule(objective.backend, threads)

    def _rate(self, objective: Objective, monitor: Monitor) -> float:
        """The step length in the objective's parameters."""
        if self.lr != "auto":
            return float(self.lr)
        steepest = objective.energy.steepest(objective.field(objective.start))
        lr = self.auto_lr / (steepest * objective.map.unit**2)
        monitor.notes.append(
            f"step length {lr:.3g}: {self.auto_lr} divided by the bound {steepest:.3g} on the "
            "largest curvature"
        )
        return lr

    def _memory(self, objective: Objective, monitor: Monitor, lr: float | None = None) -> Memory:
        """The memory of the rule at the objective's start; its step is that of :meth:`_rate`."""
        lr = self._rate(objective, monitor) if lr is None else lr
        start, none = objective.start, objective.start[:0]
        m = none if self.rule == DESCENT else start + 0 if self.rule == NESTEROV else start * 0
        v = start * 0 if self.rule in (ADAM, UNIFORM) else none
        spare = start * 0 if self._fuses(objective) else none
        eps = self.eps * objective.slope
        rule = self.rule, lr, self.beta1, self.beta2, eps
        return Memory(*rule, m, v, spare, np.zeros(2), rate=lr)

    def warm_up(self, objective: Objective) -> None:
        """Compile the fused stepper by a call with no steps, or take a few steps on a copy."""
        if self._fuses(objective):
            memory = self._memory(objective, Monitor(Stopping()))
            objective.evaluator.descend(objective.start + 0, memory, 0)  # type: ignore[attr-defined]
        else:
            start, memory = objective.start + 0, None
            begun = time.perf_counter()
            traces = objective.energy.stochastic or objective.map.remembers
            for _ in range(5):
                _, gradient = objective.value_and_grad(start)
                if memory is None:
                    # No step moves, since a bound on the curvature may cost many evaluations.
                    lr = 0.0 if self.lr == "auto" else None
                    memory = self._memory(objective, Monitor(Stopping()), lr)
                self._advance(objective)(start, gradient, memory)
                if time.perf_counter() - begun > WARM_SECONDS and not traces:
                    break  # else the draws of the run would depend on the clock
        objective.warm_up()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Take steps until the monitor stops the run."""
        memory = self._memory(objective, monitor)
        loop = self._fused if self._fuses(objective) else self._stepwise
        return loop(objective, monitor, memory)

    def _too_long(self, energy: float, before: float, first: float, noise: float) -> bool:
        """Whether the energy has risen because the step is too long."""
        limit = before if self.rule == DESCENT else first  # momentum may raise the energy a while
        return energy > limit + noise * abs(limit)

    @staticmethod
    def _retreat(params: Array, to: Array, memory: Memory) -> None:
        """Return to an earlier state with half the step and no momentum."""
        memory.lr *= 0.5
        memory.taken[1] = 0.0
        params[:] = to
        memory.m[:] = params if memory.rule == NESTEROV else 0.0

    def _may_settle(self, halvings: int, monitor: Monitor) -> bool:
        """Whether a flat run continues with half the step."""
        return self.settle and halvings < 10 and monitor.seconds < monitor.stopping.max_seconds

    def _settle(self, walk: Walk, monitor: Monitor) -> None:
        """Halve the step after a flat window."""
        walk.memory.lr *= 0.5

    def _stepwise(
        self, objective: Objective, monitor: Monitor, memory: Memory
    ) -> tuple[Result, Array, int]:
        advance = self._advance(objective)
        walk = Walk(objective.value_and_grad, advance, objective.start + 0, memory)
        if self._captures(objective):
            from meshrep.minimisers.torch.capture import captured

            walk = captured(walk, objective, monitor.notes)
        params, memory = walk.params, walk.memory
        every = read_every(objective.backend)
        before, first, halvings = np.inf, np.inf, 0
        noise = ROUNDING[objective.backend.dtype]
        step = 0
        while True:
            if step % every == 0 or step >= monitor.stopping.max_steps:
                known = objective.direct or self.judges_variables
                wanted = [walk.value, *[(walk.gradient * walk.gradient).sum()] * known]
                energy, *square = read(objective.backend, *wanted)
                norm = square[0] ** 0.5 if known else np.nan
                verdict = monitor.record(step, energy, params, norm)
                if self.lr == "auto" and verdict is Result.DIVERGED and halvings < 40:
                    self._retreat(params, monitor.best_or(objective.start), memory)
                    halvings += 1
                    before = np.inf
                    walk.look()
                    continue
                first = energy if step == 0 else first
                if energy > before + noise * abs(before):
                    memory.taken[1] = 0.0
                    if self.lr == "auto" and self._too_long(energy, before, first, noise):
                        memory.lr *= 0.5
                before = energy
                if verdict is Result.FLAT and self._may_settle(halvings, monitor):
                    self._settle(walk, monitor)
                    halvings += 1
                    verdict = None
                if verdict is None and step >= monitor.stopping.max_steps:
                    verdict = Result.MAX_STEPS
                if verdict:
                    return verdict, params, step
            self._schedule(memory, step)
            walk.step()
            step += 1

    def _fused(
        self, objective: Objective, monitor: Monitor, memory: Memory
    ) -> tuple[Result, Array, int]:
        evaluator: Any = objective.evaluator
        params = objective.start + 0
        taken, halvings, first = 0, 0, np.inf
        chunk = max(2, min(16, 2 * (limits.FIRST_CALL_UP_TO // (2 * params.size))))
        most = monitor.stopping.max_steps
        before, noise = params.copy(), ROUNDING[objective.backend.dtype]
        while True:
            begun = monitor.seconds
            count = min(chunk, most - taken)
            if count <= 0:
                return Result.MAX_STEPS, params, taken
            energies, norms = evaluator.descend(params, memory, count)
            objective.evaluations += count
            spent = monitor.seconds - begun
            verdict = monitor.record_stretch(
                taken, begun, begun + spent, energies, np.sqrt(norms), memory.spare
            )
            first = energies[0] if taken == 0 else first
            rose = self._too_long(energies[-1], energies[0], first, noise)
            if self.lr == "auto" and (rose or verdict is Result.DIVERGED):
                if halvings < 40:
                    halvings += 1
                    verdict = None
                    self._retreat(params, before, memory)
            elif verdict is Result.FLAT and self._may_settle(halvings, monitor):
                memory.lr *= 0.5
                halvings += 1
                verdict = None
            elif verdict is Result.CONVERGED:
                return verdict, memory.spare, taken + count - 1
            taken += count
            if verdict:
                return verdict, params, taken
            before[:] = params
            longest = 2 * int(limits.CALL_SECONDS * count / max(spent, 1e-9) / 2)
            chunk = max(2, min(longest, max(16, 2 * (taken // 8))))
