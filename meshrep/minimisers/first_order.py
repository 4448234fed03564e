"""First-order methods: gradient descent, heavy ball, Nesterov, Adam and SGD.

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

WARM_SECONDS = 2.0  # end the warm-up then: what is left of it is short beside such slow steps


class FirstOrder(Minimiser):
    """A minimiser whose update rule uses only the gradient.

    Parameters
    ----------
    lr : float or "auto"
        Step length. Adam's is in units of the energy's ``unit``. "auto" divides the rule's
        ``auto_lr`` by the energy's largest curvature, and halves the step whenever the energy
        has risen over a stretch of steps.
    beta1, beta2, eps : float
        Momentum, decay of the second moment, and the constant added to Adam's denominator.
    settle : bool
        When the stopping rule calls the run flat, halve the step and continue, up to ten times.
        With a constant step Adam would circle the minimum.
    """

    backends = ("numba", "numpy", "torch")
    rule = DESCENT
    auto_lr = 1.9
    renumbers = True
    scheduled = False  # whether the step length or momentum is set before every step
    judges_variables = False  # whether the gradient in any variables, not only in w, may converge

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
        """The memory of the rule at the objective's start."""
        lr = self.lr
        if self.rule in (ADAM, UNIFORM) and objective.direct:
            lr = float(lr) * objective.energy.unit
        if lr == "auto":
            steepest = objective.energy.steepest(objective.field(objective.start))
            lr = self.auto_lr / steepest
            monitor.notes.append(
                f"step length {lr:.3g}: {self.auto_lr} divided by the bound {steepest:.3g} on the "
                "largest curvature"
            )
        start, none = objective.start, objective.start[:0]
        m = none if self.rule == DESCENT else start + 0 if self.rule == NESTEROV else start * 0
        v = start * 0 if self.rule in (ADAM, UNIFORM) else none
        spare = start * 0 if self._fuses(objective) else none
        return Memory(
            self.rule, float(lr), self.beta1, self.beta2, self.eps, m, v, spare, np.zeros(2)
        )

    def warm_up(self, objective: Objective) -> None:
        """Compile the fused stepper by a call with no steps, or take a few steps on a copy."""
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
        Step length. "auto" is 1.9 / (the energy's largest curvature), a little below the longest
        stable step 2 / curvature. It is halved whenever the energy has risen over a stretch of
        steps.

    Raises
    ------
    InputError
        If the step length is not a positive number.
    """

    name = "gd"
    rule, auto_lr = DESCENT, 1.9

    def __init__(self, lr: float | str = "auto") -> None:
        super().__init__(lr)


class HeavyBall(FirstOrder):
    """Polyak's heavy ball (1964): velocity ← β velocity − lr ∇E.

    On a quadratic with curvatures from μ to L and κ = L/μ, the choice lr = 4 / (√L + √μ)² and
    β = ((√κ − 1) / (√κ + 1))² reduces the error by the factor √β a step.

    Parameters
    ----------
    lr : float or "auto"
        Step length. "auto" is 1 / (the energy's largest curvature), halved whenever the energy has
        risen over a stretch of steps.
    momentum : float
        β in [0, 1).

    Raises
    ------
    InputError
        If a number is out of range.
    """

    name = "heavy-ball"
    rule, auto_lr = HEAVY_BALL, 1.0

    def __init__(self, lr: float | str = "auto", momentum: float = 0.97) -> None:
        check_momentum(momentum)
        super().__init__(lr, beta1=momentum)


class Nesterov(FirstOrder):
    """Nesterov's accelerated gradient (1983), restarted when the energy rises.

    A step is y = x − lr ∇E(x), then x ← y + β (y − y⁻), with β = k / (k + 3) in step k.

    Parameters
    ----------
    lr : float or "auto"
        Step length.
    momentum : float, optional
        A constant β in [0, 1) in place of k / (k + 3). It is never restarted. For curvatures from
        μ to L and κ = L/μ, the choice lr = 1/L and β = (√κ − 1) / (√κ + 1) reduces the gap of y by
        the factor 1 − 1/√κ a step. The default β needs no μ; its gap after k steps is at most
        2 L |x₀ − x*|² / k².
    restart : bool
        Whether k is set back to 0 when the energy rises.

    Notes
    -----
    With a constant momentum, or without restarts, the steps are not fused with the energy,
    because the momentum is set before every step.

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
        """Set k so that k / (k + 3) is the momentum wanted; the rule adds 1 to k beforehand."""
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
        ε, which keeps the denominator positive.
    settle : bool
        When the stopping rule calls the run flat, halve the step and continue, up to ten times.
        With a constant step Adam would circle the minimum.

    Raises
    ------
    InputError
        If the step length is not a positive number.

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
    """Adam that divides all coordinates by the same number, the largest second moment's root.

    The step is lr m̂ / (max √v̂ + ε), along the momentum m̂. Adam's division by each coordinate's
    own second moment would undo the gain from smooth variables. The unit of ε is the scale of the
    gradient in the stopping rule. The steps are never fused with the energy.

    Parameters
    ----------
    lr, beta1, beta2, eps, settle
        As for :class:`Adam`, except that ``settle`` does more; see the notes.

    Notes
    -----
    The second moment forgets slowly. As the gradient fades, the step grows until it is too long for
    the steepest direction. The energy then falls smoothly for a while and suddenly leaps up, at a
    step that depends on rounding. So a flat window does not prove that a minimum is reached. With
    ``settle`` the step is halved after a flat window. If the window ended in a leap, the run also
    restarts from its best state. It ends when two windows in a row were flat without a leap.

    References
    ----------
    Nicolet, Jacobson and Jakob, "Large steps in inverse rendering of geometry" (2021), §4.
    """

    name = "uniform-adam"
    rule = UNIFORM
    judges_variables = True
    flat_windows = 2  # a run ends after this many flat windows in a row without a leap

    def _memory(self, objective: Objective, monitor: Monitor) -> Memory:
        memory = super()._memory(objective, monitor)
        memory.eps = self.eps * monitor.scale / max(len(objective.start), 1) ** 0.5
        return memory

    def _may_settle(self, halvings: int, monitor: Monitor) -> bool:
        return super()._may_settle(halvings, monitor) and monitor.flat_windows < self.flat_windows

    def _settle(self, walk: Walk, monitor: Monitor) -> None:
        """Halve the step; after a leap, restart from the best state without moments."""
        super()._settle(walk, monitor)
        if monitor.leapt:
            walk.begin_at(monitor.best_or(walk.params))
        monitor.begin_window()


class SGD(FirstOrder):
    """(Stochastic) subgradient descent: gradient descent with momentum and a decaying step.

    The update is velocity ← β velocity − lr_t ∇E with lr_t = lr / (1 + t / decay) after t steps.
    The sum of the lr_t diverges and the sum of their squares converges, so the run settles. With a
    constant step it would jump across kinks, or fluctuate with the noise of subsamples, for ever.

    Parameters
    ----------
    lr : float
        First step length, in units of field² / energy, as for ``gd``.
    momentum : float
        β in [0, 1) of Polyak's heavy ball; 0 for no momentum.
    decay : float
        Number of steps after which the step length is half of ``lr``; ``inf`` for a constant step.

    Raises
    ------
    InputError
        If a number is out of range.

    References
    ----------
    Carrière, Chazal, Glisse, Ike, Kannan and Umeda, "Optimizing persistent homology based
    functions" (2021), whose setting is the default.
    """

    name = "sgd"
    rule, scheduled = HEAVY_BALL, True

    def __init__(self, lr: float = 0.1, momentum: float = 0.0, decay: float = 1000.0) -> None:
        if lr == "auto":
            raise InputError("sgd has no automatic step length: set lr to a number, or use gd")
        check_momentum(momentum)
        if not decay > 0:
            raise InputError(f"decay must be a positive number of steps, or inf, not {decay}")
        super().__init__(lr, beta1=momentum)
        self.decay = float(decay)

    def _schedule(self, memory: Memory, step: int) -> None:
        memory.lr = float(self.lr) / (1.0 + step / self.decay)
