"""One step of a first-order rule on a block of rows whose gradient has just been written.

The block is still in the cache, so that the step does not read it from memory again. Each rule has
a loop without branches, which the compiler turns into vector instructions; a loop that chose the
rule in every row would have none.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from meshrep.kernels.updates import ADAM, DESCENT, HEAVY_BALL, NESTEROV, update


@njit(nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def squares(x, begin, end):
    """Σ x² of the rows ``begin … end``, in an order that the compiler chooses once."""
    total = 0.0
    for i in range(np.uint64(begin), np.uint64(end)):
        total += np.float64(x[i]) * np.float64(x[i])
    return total


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def step_rows(rule, old, new, m, v, begin, end, lr, beta1, beta2, eps, scale1, scale2):
    """Replace the gradient in the rows ``begin … end`` of ``new`` by the next values of the field.

    The rules are those that act on one coordinate at a time. Only rules that use m and v read them.
    The gradient has no array of its own, since the compiler checks at most four arrays for overlap,
    and needs that check for vector instructions.
    """
    begin, end = np.uint64(begin), np.uint64(end)
    if rule == DESCENT:
        for i in range(begin, end):
            new[i] = old[i] - lr * new[i]
    elif rule == HEAVY_BALL:
        for i in range(begin, end):
            new[i], m[i], _ = update(
                HEAVY_BALL, old[i], new[i], m[i], 0.0, lr, beta1, beta2, eps, scale1, scale2
            )
    elif rule == NESTEROV:
        for i in range(begin, end):
            new[i], m[i], _ = update(
                NESTEROV, old[i], new[i], m[i], 0.0, lr, beta1, beta2, eps, scale1, scale2
            )
    else:
        for i in range(begin, end):
            new[i], m[i], v[i] = update(
                ADAM, old[i], new[i], m[i], v[i], lr, beta1, beta2, eps, scale1, scale2
            )
