"""First-order rules on whole arrays of any back end: their memory, and one step of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from meshrep.backends import Array, Backend, installed

DESCENT, HEAVY_BALL, NESTEROV, ADAM = 0, 1, 2, 3  # as in meshrep.kernels.updates


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


def update_rule(backend: Backend) -> Callable[[Array, Array, Memory], None]:
    """The function (params, gradient, memory) that advances params in place by one step."""
    if backend.device != "cpu" or not installed("numba"):
        return advance_arrays
    from meshrep.kernels.updates import advance

    def jitted(params: Array, gradient: Array, s: Memory) -> None:
        x, g, m, v = (np.asarray(a) for a in (params, gradient, s.m, s.v))  # tensors are shared
        advance(x, g, m, v, s.rule, s.lr, s.beta1, s.beta2, s.eps, s.taken)

    return jitted


def advance_arrays(x: Array, g: Array, s: Memory) -> None:
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
