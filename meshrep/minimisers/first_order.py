"""First-order methods: gradient descent, heavy ball, Nesterov, Adam and SGD."""

from __future__ import annotations

from meshrep.errors import InputError
from meshrep.minimisers.base import Objective, check_momentum
from meshrep.minimisers.first_order_loop import FirstOrder
from meshrep.minimisers.monitor import Monitor
from meshrep.numerics.rules import ADAM, DESCENT, HEAVY_BALL, NESTEROV, UNIFORM, Memory, Walk


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
        ε, which keeps the denominator positive, in units of the gradient's natural size.
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

    def _rate(self, objective: Objective, monitor: Monitor) -> float:
        return float(self.lr) * objective.unit


class UniformAdam(Adam):
    """Adam that divides all coordinates by one number, the root of the largest second moment.

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

    def _memory(self, objective: Objective, monitor: Monitor, lr: float | None = None) -> Memory:
        memory = super()._memory(objective, monitor, lr)
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
        First step length, in units of field² / energy: of the energy's ``unit``² / ``scale``.
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

    def _rate(self, objective: Objective, monitor: Monitor) -> float:
        return float(self.lr) * objective.unit / objective.slope

    def _schedule(self, memory: Memory, step: int) -> None:
        memory.lr = memory.rate / (1.0 + step / self.decay)
