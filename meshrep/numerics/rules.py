"""First-order update rules on whole arrays of any back end: their memory, and one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from meshrep.base.backends import Array, Backend, installed

DESCENT, HEAVY_BALL, NESTEROV, ADAM, UNIFORM = 0, 1, 2, 3, 4  # as in meshrep.kernels.updates


@dataclass
class Memory:
    """What a rule keeps from step to step, in the layout that the kernels read.

    ``lr`` and ``taken`` may be tensors on the device of the others, where a step must not wait for
    the host.
    """

    rule: int
    lr: Any
    beta1: float
    beta2: float
    eps: float
    m: Array
    v: Array
    spare: Array
    taken: Array  # [steps, steps since Nesterov's momentum was restarted]
    rate: float = 0.0  # the first ``lr``


class Walk:
    """Parameters that a rule moves, with the energy and the gradient at them.

    Parameters
    ----------
    evaluate : callable
        params ↦ (energy, gradient); the next call may overwrite the gradient.
    advance : callable
        (params, gradient, memory); takes a step of the rule in place.
    params : (p,)
        The parameters at the start.
    memory : Memory
    """

    value: Any
    gradient: Array

    def __init__(
        self,
        evaluate: Callable[[Array], tuple[Any, Array]],
        advance: Callable[[Array, Array, Memory], None],
        params: Array,
        memory: Memory,
    ) -> None:
        self.evaluate, self.advance = evaluate, advance
        self.params, self.memory = params, memory
        self.look()

    def look(self) -> None:
        """Evaluate the energy at the present parameters."""
        self.value, self.gradient = self.evaluate(self.params)

    def begin_at(self, params: Array) -> None:
        """Begin anew at these parameters, without moments."""
        self.params[:] = params
        for part in (self.memory.m, self.memory.v, self.memory.taken):
            part[:] = 0.0
        self.look()

    def step(self) -> None:
        """Take a step, and evaluate the energy after it."""
        self.advance(self.params, self.gradient, self.memory)
        self.look()


def update_rule(backend: Backend, threads: bool = False) -> Callable[[Array, Array, Memory], None]:
    """The function (params, gradient, memory) that advances params in place by one step.

    With ``threads`` that of Adam runs in threads, with the same result.
    """
    if backend.device != "cpu" or not installed("numba"):
        return advance_arrays
    from meshrep.kernels.updates import advance, advance_in_threads

    def jitted(params: Array, gradient: Array, s: Memory) -> None:
        x, g, m, v = (np.asarray(a) for a in (params, gradient, s.m, s.v))  # tensors are shared
        if threads and s.rule == ADAM:
            advance_in_threads(x, g, m, v, s.lr, s.beta1, s.beta2, s.eps, s.taken)
        else:
            advance(x, g, m, v, s.rule, s.lr, s.beta1, s.beta2, s.eps, s.taken)

    return jitted


def advance_arrays(x: Array, g: Array, s: Memory) -> None:
    """One step on whole arrays of NumPy or torch, in place; see ``kernels.updates.update``."""
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
        if s.rule == UNIFORM:
            s.m += (1 - s.beta1) * g
            s.v += (1 - s.beta2) * g * g
            x -= step / ((s.v.max() / second) ** 0.5 + s.eps) * s.m
        elif hasattr(x, "addcdiv_"):
            s.m.add_(g, alpha=1 - s.beta1)
            s.v.addcmul_(g, g, value=1 - s.beta2)
            shrink = -1.0 / step  # in the denominator, since addcdiv_ takes no tensor as a factor
            below = s.v.sqrt().mul_(shrink / second**0.5).add_(shrink * s.eps)
            x.addcdiv_(s.m, below)
        else:
            s.m += (1 - s.beta1) * g
            s.v += (1 - s.beta2) * g * g
            x -= step * s.m / (np.sqrt(s.v / second) + s.eps)
