"""Gradient descent, heavy ball, Nesterov and Adam, fused with the energy where it has kernels.

On an energy with jitted steppers and the field itself as variables, many steps run in one call.
On any other objective (a parametrization, torch, a user's energy) the same rules run on whole
arrays, a call of value_and_grad a step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from meshrep.backends import Array, installed
from meshrep.errors import InputError
from meshrep.minimisers.base import Minimiser, Monitor, Objective, Stopping
from meshrep.outcome import Result

DESCENT, HEAVY_BALL, NESTEROV, ADAM = 0, 1, 2, 3  # as in meshrep.kernels.updates

ROUNDING = {"float64": 1e-12, "float32": 1e-5}  # relative rise of an energy that is none
CHUNK_SECONDS = 0.1  # the longest that a jitted call should keep Ctrl-C waiting


@dataclass
class Memory:
    """What a rule carries from step to step, in the layout that the kernels read."""

    rule: int
    lr: float
    beta1: float
    beta2: float
    eps: float
    m: Array
    v: Array
    spare: Array
    taken: np.ndarray  # [steps, steps since Nesterov's momentum was restarted]


class FirstOrder(Minimiser):
    """A rule that needs the gradient alone.

    Parameters
    ----------
    lr : float or "auto"
        Step length; that of Adam in units of the energy's ``unit``. "auto" takes ``auto_lr`` of
        the rule over the energy's steepest curvature, and halves it whenever the energy has
        risen over a stretch of steps.
    beta1, beta2, eps : float
        Momentum, second-moment decay and the floor of Adam's denominator.
    settle : bool
        Halve the step and go on, up to ten times, where the stopping rule calls the run flat: a
        constant step leaves Adam in an orbit about the minimum.
    """

    backends = ("numba", "numpy", "torch")
    rule = DESCENT
    auto_lr = 1.9

    def __init__(
        self,
        lr: float | str = "auto",
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        settle: bool = False,
    ) -> None:
        if lr != "auto" and not (isinstance(lr, (int, float)) and 0 < lr < np.inf):
            raise InputError(f"the step length must be a positive number, not {lr!r}")
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.settle = settle

    def _memory(self, objective: Objective, monitor: Monitor) -> Memory:
        """Fresh memory at the objective's start."""
        lr = self.lr
        if self.rule == ADAM and objective.direct:
            lr = float(lr) * objective.energy.unit
        if lr == "auto":
            steepest = objective.energy.steepest(objective.field(objective.start))
            lr = self.auto_lr / steepest
            monitor.notes.append(
                f"step length {lr:.3g}, {self.auto_lr} over the curvature's bound {steepest:.3g}"
            )
        zeros = objective.start * 0
        m = objective.start + 0 if self.rule == NESTEROV else zeros
        return Memory(
            self.rule, float(lr), self.beta1, self.beta2, self.eps,
            m=m, v=zeros + 0, spare=zeros + 0, taken=np.zeros(2),
        )  # fmt: skip

    def warm_up(self, objective: Objective) -> None:
        """Compile the fused stepper by a call of no steps, or evaluate once."""
        if objective.direct and objective.evaluator.fused:
            monitor = Monitor(Stopping())
            memory = self._memory(objective, monitor)
            objective.evaluator.descend(objective.start + 0, memory, 0)  # type: ignore[attr-defined]
        else:
            start = objective.start + 0
            memory = self._memory(objective, Monitor(Stopping()))
            for _ in range(5):
                _, gradient = objective.value_and_grad(start)
                _update_rule(objective)(start, gradient, memory)
        objective.warm_up()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Steps until the monitor says stop."""
        memory = self._memory(objective, monitor)
        fused = objective.direct and objective.evaluator.fused
        loop = self._fused if fused else self._stepwise
        return loop(objective, monitor, memory)

    def _too_long(self, energy: float, before: float, first: float, noise: float) -> bool:
        """Whether a rise says that the step is too long; momentum may rise, but not above all."""
        limit = before if self.rule == DESCENT else first
        return energy > limit + noise * abs(limit)

    @staticmethod
    def _retreat(params: Array, to: Array, memory: Memory) -> None:
        """Go on from an earlier state with half the step and no momentum."""
        memory.lr *= 0.5
        memory.taken[1] = 0.0
        params[:] = to
        memory.m[:] = params if memory.rule == NESTEROV else 0.0

    def _may_settle(self, halvings: int, monitor: Monitor) -> bool:
        """Whether a flat run goes on with half the step."""
        return self.settle and halvings < 10 and monitor.seconds < monitor.stopping.max_seconds

    def _stepwise(
        self, objective: Objective, monitor: Monitor, memory: Memory
    ) -> tuple[Result, Array, int]:
        params = objective.start + 0
        every = 10 if objective.backend.device.startswith("cuda") else 1
        advance = _update_rule(objective)
        before, first, halvings = np.inf, np.inf, 0
        noise = ROUNDING[objective.backend.dtype]
        step = 0
        while True:
            value, gradient = objective.value_and_grad(params)
            if step % every == 0 or step >= monitor.stopping.max_steps:
                norm = float((gradient * gradient).sum()) ** 0.5 if objective.direct else np.nan
                energy = float(value)
                verdict = monitor.record(step, energy, params, norm)
                if self.lr == "auto" and verdict is Result.DIVERGED and halvings < 40:
                    safe = objective.start if monitor._best is None else monitor._best
                    self._retreat(params, safe, memory)
                    halvings += 1
                    before = np.inf
                    continue
                first = energy if step == 0 else first
                if energy > before + noise * abs(before):
                    memory.taken[1] = 0.0
                    if self.lr == "auto" and self._too_long(energy, before, first, noise):
                        memory.lr *= 0.5
                before = energy
                if verdict is Result.FLAT and self._may_settle(halvings, monitor):
                    memory.lr *= 0.5
                    halvings += 1
                    verdict = None
                if verdict is None and step >= monitor.stopping.max_steps:
                    verdict = Result.MAX_STEPS
                if verdict:
                    return verdict, params, step
            advance(params, gradient, memory)
            step += 1

    def _fused(
        self, objective: Objective, monitor: Monitor, memory: Memory
    ) -> tuple[Result, Array, int]:
        evaluator: Any = objective.evaluator
        params = objective.start + 0
        taken, chunk, halvings, first = 0, 16, 0, np.inf
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
            longest = 2 * int(CHUNK_SECONDS * count / max(spent, 1e-9) / 2)
            chunk = max(2, min(longest, max(16, 2 * (taken // 8))))


def _update_rule(objective: Objective) -> Callable[[Array, Array, Memory], None]:
    """The function (params, gradient, memory) that advances params in place by one step."""
    if objective.backend.device != "cpu" or not installed("numba"):
        return _advance_arrays
    from meshrep.kernels.updates import advance

    def jitted(params: Array, gradient: Array, s: Memory) -> None:
        x, g, m, v = (np.asarray(a) for a in (params, gradient, s.m, s.v))  # tensors are shared
        advance(x, g, m, v, s.rule, s.lr, s.beta1, s.beta2, s.eps, s.taken)

    return jitted


def _advance_arrays(x: Array, g: Array, s: Memory) -> None:
    """One step on whole arrays of NumPy or torch, in place: see ``kernels.updates.update``."""
    s.taken += 1.0
    if s.rule == DESCENT:
        x -= s.lr * g
    elif s.rule == HEAVY_BALL:
        s.m *= s.beta1
        s.m -= s.lr * g
        x += s.m
    elif s.rule == NESTEROV:
        age = s.taken[1]
        y = x - s.lr * g
        x[:] = y + (age / (age + 3.0)) * (y - s.m)
        s.m[:] = y
    else:
        step, second = s.lr / (1 - s.beta1 ** s.taken[0]), 1 - s.beta2 ** s.taken[0]
        s.m *= s.beta1
        s.v *= s.beta2
        if hasattr(x, "addcdiv_"):
            s.m.add_(g, alpha=1 - s.beta1)
            s.v.addcmul_(g, g, value=1 - s.beta2)
            x.addcdiv_(s.m, s.v.sqrt().div_(second**0.5).add_(s.eps), value=-step)
        else:
            s.m += (1 - s.beta1) * g
            s.v += (1 - s.beta2) * g * g
            x -= step * s.m / (np.sqrt(s.v / second) + s.eps)


class GradientDescent(FirstOrder):
    """x ← x − lr ∇E."""

    name = "gd"
    rule, auto_lr = DESCENT, 1.9


class HeavyBall(FirstOrder):
    """Polyak's heavy ball (1964): velocity ← β velocity − lr ∇E."""

    name = "heavy-ball"
    rule, auto_lr = HEAVY_BALL, 1.0

    def __init__(self, lr: float | str = "auto", momentum: float = 0.97) -> None:
        super().__init__(lr, beta1=momentum)


class Nesterov(FirstOrder):
    """Nesterov's accelerated gradient (1983), restarted when the energy rises."""

    name = "nesterov"
    rule, auto_lr = NESTEROV, 1.0

    def __init__(self, lr: float | str = "auto") -> None:
        super().__init__(lr)


class Adam(FirstOrder):
    """Adam (Kingma and Ba 2015)."""

    name = "adam"
    rule = ADAM

    def __init__(
        self,
        lr: float = 0.02,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        settle: bool = True,
    ) -> None:
        super().__init__(lr, beta1, beta2, eps, settle)
