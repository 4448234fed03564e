"""The update rules of first-order methods for one coordinate, shared by every fused kernel."""

from __future__ import annotations

from numba import njit, prange

from meshrep.kernels.compiling import kernel

DESCENT, HEAVY_BALL, NESTEROV, ADAM, UNIFORM = 0, 1, 2, 3, 4


@njit
def update(rule, x, g, m, v, lr, beta1, beta2, eps, scale1, scale2):
    """The next (x, m, v) of a coordinate with value x, gradient g and memory m, v.

    * descent: x − lr g
    * heavy ball (Polyak 1964): m ← β₁ m − lr g, then x + m
    * Nesterov (1983): y = x − lr g, then y + β₁ (y − m), m ← y; x is the extrapolated point
    * Adam (Kingma and Ba 2015): ``scale1``, ``scale2`` are 1/(1−β₁ᵗ) and 1/(1−β₂ᵗ)

    Adam with one second moment for all coordinates (``UNIFORM``) is not a rule for one of them: see
    :func:`advance`.

    The arguments are numbers: passing arrays to a function in the loop takes longer than the loop.
    """
    if rule == DESCENT:
        return x - lr * g, m, v
    if rule == HEAVY_BALL:
        m = beta1 * m - lr * g
        return x + m, m, v
    if rule == NESTEROV:
        y = x - lr * g
        return y + beta1 * (y - m), y, v
    m = beta1 * m + (1.0 - beta1) * g
    v = beta2 * v + (1.0 - beta2) * g * g
    return x - lr * scale1 * m / ((v * scale2) ** 0.5 + eps), m, v


@kernel(error_model="numpy")
def advance(params, gradient, m, v, rule, lr, beta1, beta2, eps, taken):
    """One step of a rule on whole arrays in place, for objectives whose energy is not fused.

    Adam has its own loop, which the compiler turns into vector instructions. ``UNIFORM`` is Adam
    with all steps divided by the root of the largest second moment.
    """
    taken += 1.0
    inertia = taken[1] / (taken[1] + 3.0) if rule == NESTEROV else beta1
    scale1 = 1.0 / (1.0 - beta1 ** taken[0])
    scale2 = 1.0 / (1.0 - beta2 ** taken[0])
    if rule == ADAM:
        for i in range(len(params)):
            params[i], m[i], v[i] = update(
                ADAM, params[i], gradient[i], m[i], v[i], lr, beta1, beta2, eps, scale1, scale2
            )
    elif rule == UNIFORM:
        most = 0.0
        for i in range(len(params)):
            m[i] = beta1 * m[i] + (1.0 - beta1) * gradient[i]
            v[i] = beta2 * v[i] + (1.0 - beta2) * gradient[i] * gradient[i]
            most = max(most, v[i])
        step = lr * scale1 / ((most * scale2) ** 0.5 + eps)
        for i in range(len(params)):
            params[i] -= step * m[i]
    else:
        for i in range(len(params)):
            params[i], m[i], v[i] = update(
                rule, params[i], gradient[i], m[i], v[i], lr, inertia, beta2, eps, scale1, scale2
            )


@kernel(parallel=True, error_model="numpy")
def advance_in_threads(params, gradient, m, v, lr, beta1, beta2, eps, taken):
    """The step of Adam that :func:`advance` takes, in threads."""
    taken += 1.0
    scale1 = 1.0 / (1.0 - beta1 ** taken[0])
    scale2 = 1.0 / (1.0 - beta2 ** taken[0])
    for i in prange(len(params)):
        params[i], m[i], v[i] = update(
            ADAM, params[i], gradient[i], m[i], v[i], lr, beta1, beta2, eps, scale1, scale2
        )
