"""One step of a first-order rule on a block of rows whose gradient has just been written.

The block is still in the cache, so that the step costs no second trip to memory; and each rule has
a loop without branches, which the compiler turns into vector instructions, where a rule chosen row
by row is not.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from meshrep.kernels.updates import ADAM, DESCENT, HEAVY_BALL, NESTEROV, update


@njit(nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def squares(x, begin, end):
    """Σ x² of the rows ``begin … end``; in an order of the compiler's, the same every time."""
    total = 0.0
    for i in range(np.uint64(begin), np.uint64(end)):
        total += np.float64(x[i]) * np.float64(x[i])
    return total


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def step_rows(rule, old, new, m, v, begin, end, lr, beta1, beta2, eps, scale1, scale2):
    """Turn the gradient that the rows ``begin … end`` of ``new`` hold into their next values.

    The rules are those that know one coordinate at a time; m and v are touched by those that have
    them only. Four arrays are the most for which the compiler checks that they do not overlap,
    and so the gradient has none to itself.
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
