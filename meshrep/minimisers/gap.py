"""How far an energy is above its minimum, as a Newton step estimates it.

A small gradient does not prove a small gap: along a direction of curvature μ, a gradient g leaves
the gap g²/2μ. With soft baths, and on long meshes, μ may be ten million times smaller than the
largest curvature.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.energies.base import Energy
from meshrep.numerics.linear_solvers import ShiftedSystem, choose

ACCURATE = 0.01  # relative residual of the Newton step: a gap need not be known better
ROUNDING = 1e-13  # share of the fall from the start up to which a gap counts as rounding


def relative_gap(energy: Energy, field: np.ndarray, begun: float) -> float:
    """The gap ½ gᵀH⁻¹g of a field (n,) divided by |E|; NaN where it is not known.

    Parameters
    ----------
    energy : Energy
        The gap is known only if it is convex and has a Hessian, on up to
        ``limits.CERTIFIED_UP_TO`` nodes.
    field : (n,) array
    begun : float
        Energy of the start. A gap of 1e-13 of the fall from the start, or less, is given as 0: an
        energy whose minimum is 0 has no other size.

    Notes
    -----
    On a quadratic energy the estimate is exact. Where a power bath with p = 4 alone acts, it is
    two thirds of the gap.
    """
    if not (energy.convex and energy.has_hessian and energy.smooth and len(energy.shape) == 1):
        return np.nan
    if energy.graph.n > limits.CERTIFIED_UP_TO:
        return np.nan
    w = np.array(field, dtype=np.float64)  # a user's energy may write to it
    value, gradient = energy.judge.value_and_grad(w.copy())
    slope = np.asarray(gradient)[energy.free]
    if not slope.any():
        return 0.0
    try:
        matrix = sparse.csr_array(energy.hessian(w))
    except Exception:  # a user's Hessian that the solver did not need must not cost the run
        return np.nan
    if len(energy.free) < energy.graph.n:
        matrix = matrix[energy.free][:, energy.free]
    for kind in dict.fromkeys((choose(matrix)[0], "jacobi")):  # CG bears a singular matrix
        system = ShiftedSystem(kind)
        system.renew(matrix)
        answer = system.solve(-slope, 0.0, ACCURATE)
        left = -0.5 * float(slope @ answer.s)
        if answer.positive and left >= 0:
            small = left <= ROUNDING * abs(begun - float(value))
            return 0.0 if small else left / abs(float(value)) if value else np.inf
    return np.nan
