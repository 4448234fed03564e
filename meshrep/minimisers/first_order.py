"""Gradient descent, heavy ball, Nesterov, Adam and SGD, fused with the energy where it has kernels.

On an energy with jitted steppers and the field itself as variables, many steps run in one call.
On any other objective (a parametrization, torch, a user's energy) the same rules run on whole
arrays, a call of value_and_grad a step.
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
from meshrep.errors import InputError
from meshrep.minimisers.base import (
    ROUNDING,
    Minimiser,
    Objective,
    check_momentum,
    check_step_length,
)
from meshrep.minimisers.monitor import Monitor, Stopping
from meshrep.numerics.rules import (
    ADAM,
    DESCENT,
    HEAVY_BALL,
    NESTEROV,
    UNIFORM,
    Memory,
    Walk,
    update_rule,
)

WARM_SECONDS = 2.0  # of warming up, beyond which steps are so dear that it does not show


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
    renumbers = True
    scheduled = False  # True: the step length depends on the number of steps taken
    judges_variables = False  # True: converged by the gradient in any variables, not in w alone

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
        self.follows_noise = lr != "auto" and self.rule != NESTEROV  # these compare energies

    def _fuses(self, objective: Objective) -> bool:
        """Whether many steps run in one call; a schedule is kept step by step, and a largest
        second moment is known only when all coordinates are."""
        return (
            objective.direct
            and objective.evaluator.fused
            and not self.scheduled
            and self.rule != UNIFORM
        )

    def _schedule(self, memory: Memory, step: int) -> None:
        """Set the length of the step after ``step`` steps, where there is a schedule."""

    def _captures(self, objective: Objective) -> bool:
        """Whether steps may be replayed from a CUDA graph: what the host draws or sets in every
        one would stand still. Other threads must not meet a capture, nor its check for syncs."""
        return (
            objective.backend.device.startswith("cuda")
            and not self.scheduled
            and not objective.energy.stochastic
            and threading.current_thread() is threading.main_thread()
        )

    @staticmethod
    def _advance(objective: Objective) -> Callable[[Array, Array, Memory], None]:
        threads = objective.energy.graph.n >= limits.THREADS_FROM
        return update_rule(objective.backend, threads)

    def _memory(self, objective: Objective, monitor: Monitor) -> Memory:
        """Fresh memory at the objective's start."""
        lr = self.lr
        if self.rule in (ADAM, UNIFORM) and objective.direct:
            lr = float(lr) * objective.energy.unit
        if lr == "auto":
            steepest = objective.energy.steepest(objective.field(objective.start))
            lr = self.auto_lr / steepest
            monitor.notes.append(
                f"step length {lr:.3g}, {self.auto_lr} over the curvature's bound {steepest:.3g}"
            )
        start, none = objective.start, objective.start[:0]
        m = none if self.rule == DESCENT else start + 0 if self.rule == NESTEROV else start * 0
        v = start * 0 if self.rule in (ADAM, UNIFORM) else none
        spare = start * 0 if self._fuses(objective) else none
        return Memory(
            self.rule, float(lr), self.beta1, self.beta2, self.eps, m, v, spare, np.zeros(2)
        )

    def warm_up(self, objective: Objective) -> None:
        """Compile the fused stepper by a call of no steps, or evaluate once."""
        if self._fuses(objective):
            monitor = Monitor(Stopping())
            memory = self._memory(objective, monitor)
            objective.evaluator.descend(objective.start + 0, memory, 0)  # type: ignore[attr-defined]
        else:
            start = objective.start + 0
            memory = self._memory(objective, Monitor(Stopping()))
            begun = time.perf_counter()
            for _ in range(5):
                _, gradient = objective.value_and_grad(start)
                self._advance(objective)(start, gradient, memory)
                if time.perf_counter() - begun > WARM_SECONDS:
                    break
        objective.warm_up()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Steps until the monitor says stop."""
        memory = self._memory(objective, monitor)
        loop = self._fused if self._fuses(objective) else self._stepwise
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

    def _settle(self, walk: Walk, monitor: Monitor) -> None:
        """Go on from a flat stretch with half the step."""
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
        every = 10 if objective.backend.device.startswith("cuda") else 1
        before, first, halvings = np.inf, np.inf, 0
        noise = ROUNDING[objective.backend.dtype]
        step = 0
        while True:
            if step % every == 0 or step >= monitor.stopping.max_steps:
                known = objective.direct or self.judges_variables
                square = (walk.gradient * walk.gradient).sum() if known else np.nan
                energy, norm = float(walk.value), float(square) ** 0.5
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


class GradientDescent(FirstOrder):
    """Gradient descent, x ← x − lr ∇E.

    Parameters
    ----------
    lr : float or "auto"
        Step length; "auto" takes 1.9 over the energy's steepest curvature, where 2 is the longest
        stable step, and halves it whenever the energy has risen over a stretch of steps.

    Raises
    ------
    InputError
        When it is no positive number.
    """

    name = "gd"
    rule, auto_lr = DESCENT, 1.9

    def __init__(self, lr: float | str = "auto") -> None:
        super().__init__(lr)


class HeavyBall(FirstOrder):
    """Polyak's heavy ball (1964): velocity ← β velocity − lr ∇E.

    On a quadratic with curvatures from μ to L, lr = 4 / (√L + √μ)² and
    β = ((√κ − 1) / (√κ + 1))², κ = L/μ, let the error fall by √β a step.

    Parameters
    ----------
    lr : float or "auto"
        Step length; "auto" takes 1 over the energy's steepest curvature, and halves it whenever
        the energy has risen over a stretch of steps.
    momentum : float
        β in [0, 1).

    Raises
    ------
    InputError
        For a number out of range.
    """

    name = "heavy-ball"
    rule, auto_lr = HEAVY_BALL, 1.0

    def __init__(self, lr: float | str = "auto", momentum: float = 0.97) -> None:
        check_momentum(momentum)
        super().__init__(lr, beta1=momentum)


class Nesterov(FirstOrder):
    """Nesterov's accelerated gradient (1983), restarted when the energy rises.

    y = x − lr ∇E(x), then x ← y + β (y − y⁻), with β = k / (k + 3) in step k.

    Parameters
    ----------
    lr : float or "auto"
        Step length.
    momentum : float, optional
        A constant β in [0, 1) instead, which is never restarted. For curvatures from μ to L,
        lr = 1/L and β = (√κ − 1) / (√κ + 1), κ = L/μ, let the gap of y fall by 1 − 1/√κ a step;
        without μ the sequence above promises one of 2 L |x₀ − x*|² / k².
    restart : bool
        Whether k begins anew when the energy rises.

    Notes
    -----
    A constant momentum, and one that is not restarted, are set step by step and not fused with
    the energy.

    References
    ----------
    Nesterov, "Introductory lectures on convex optimization" (2004), §2.2; O'Donoghue and Candès,
    "Adaptive restart for accelerated gradient schemes" (2015).
    """

    name = "nesterov"
    rule, auto_lr = NESTEROV, 1.0

    def __init__(
        self, lr: float | str = "auto", momentum: float | None = None, restart: bool = True
    ) -> None:
        if momentum is not None:
            check_momentum(momentum)
        super().__init__(lr)
        self.momentum, self.restart = momentum, restart
        self.scheduled = momentum is not None or not restart

    def _schedule(self, memory: Memory, step: int) -> None:
        """Set the age k at which the rule, which adds one, takes the momentum k / (k + 3)."""
        if self.momentum is not None:
            memory.taken[1] = 3.0 * self.momentum / (1.0 - self.momentum) - 1.0
        elif not self.restart:
            memory.taken[1] = float(step)


class Adam(FirstOrder):
    """Adam: x ← x − lr m̂ / (√v̂ + ε), with running means m̂ of ∇E and v̂ of its square.

    Parameters
    ----------
    lr : float
        Step length, in units of the energy's ``unit``.
    beta1, beta2 : float
        Decay of the two running means.
    eps : float
        ε, the floor of the denominator.
    settle : bool
        Halve the step length and go on, up to ten times, when the stopping rule calls the run
        flat: a constant step leaves Adam in an orbit about the minimum.

    Raises
    ------
    InputError
        When the step length is no positive number.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization" (2015).
    """

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


class UniformAdam(Adam):
    """Adam with one second moment for all coordinates, the largest: its steps keep the direction.

    Dividing each coordinate by its own second moment undoes what smooth variables bring; dividing
    all by the same number does not. The step is lr m̂ / (max √v̂ + ε), with ε in units of the
    gradient that the stopping rule measures by. It is never fused with the energy.

    Parameters
    ----------
    lr, beta1, beta2, eps, settle
        As for :class:`Adam`; what ``settle`` does here is told below.

    Notes
    -----
    The second moment forgets slowly. Where the gradient fades, the step therefore grows until it
    is too long for the steepest direction: a run falls smoothly and then leaps far away, at a step
    that rounding decides. A flat window is no proof of a minimum. With ``settle`` the step is
    halved at a flat window, and where the window ended in a leap the run begins anew from its best
    state. It ends when two windows in a row were flat without a leap.

    References
    ----------
    Nicolet, Jacobson and Jakob, "Large steps in inverse rendering of geometry" (2021), §4.
    """

    name = "uniform-adam"
    rule = UNIFORM
    judges_variables = True
    flat_windows = 2  # in a row, and without a leap, that end a run

    def _memory(self, objective: Objective, monitor: Monitor) -> Memory:
        memory = super()._memory(objective, monitor)
        memory.eps = self.eps * monitor.scale / max(len(objective.start), 1) ** 0.5
        return memory

    def _may_settle(self, halvings: int, monitor: Monitor) -> bool:
        return super()._may_settle(halvings, monitor) and monitor.flat_windows < self.flat_windows

    def _settle(self, walk: Walk, monitor: Monitor) -> None:
        """Go on with half the step, from the best state and without moments after a leap."""
        super()._settle(walk, monitor)
        if monitor.leapt:
            walk.begin_at(monitor.best_or(walk.params))
        monitor.begin_window()


class SGD(FirstOrder):
    """Gradient descent with momentum and a decaying step: (stochastic) subgradient descent.

    velocity ← β velocity − lr_t ∇E with lr_t = lr / (1 + t / decay) after t steps. The sum of the
    steps diverges and that of their squares does not, which lets a run settle where a constant
    step would leap across kinks, or shiver by the noise of subsamples, for ever.

    Parameters
    ----------
    lr : float
        First step length, in the field's units squared over those of the energy, as for ``gd``.
    momentum : float
        β in [0, 1), of Polyak's heavy ball; 0 for none.
    decay : float
        Steps after which the step length is halved; ``inf`` for a constant one.

    Raises
    ------
    InputError
        For a number out of range.

    References
    ----------
    Carrière, Chazal, Glisse, Ike, Kannan and Umeda, "Optimizing persistent homology based
    functions" (2021), whose setting is the default.
    """

    name = "sgd"
    rule, scheduled = HEAVY_BALL, True

    def __init__(self, lr: float = 0.1, momentum: float = 0.0, decay: float = 1000.0) -> None:
        if lr == "auto":
            raise InputError("sgd has no automatic step length: give lr a number, or take gd")
        check_momentum(momentum)
        if not decay > 0:
            raise InputError(f"decay must be a positive number of steps, or inf, not {decay}")
        super().__init__(lr, beta1=momentum)
        self.decay = float(decay)

    def _schedule(self, memory: Memory, step: int) -> None:
        memory.lr = float(self.lr) / (1.0 + step / self.decay)
