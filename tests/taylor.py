"""Taylor remainders: their slopes tell whether a gradient and a Hessian are right."""

import numpy as np


def taylor_slopes(energy, w, v):
    """Slopes of |E(w+hv) − E − h g·v| and of that less ½h² v·Hv, in log–log: 2 and 3."""
    e0, g0 = energy.judge.value_and_grad(w)
    first = float((g0 * v).sum())
    second = float((v * energy.hvp(w, v)).sum())
    h = np.logspace(-1.7, -2.7, 6)
    exact = np.array([energy.value(w + step * v) for step in h]) - float(e0)
    rest = [np.abs(exact - h * first), np.abs(exact - h * first - 0.5 * h**2 * second)]
    return [np.polyfit(np.log(h), np.log(r), 1)[0] for r in rest]
