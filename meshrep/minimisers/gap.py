"""How far an energy is above its minimum, as a Newton step estimates it.

A small gradient does not prove a small gap: along a direction of curvature μ, a gradient g leaves
the gap g²/2μ. With soft baths, on long meshes, and where weights differ much, μ may be many million
times smaller than the largest curvature.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.energies.base import Energy
from meshrep.numerics.gauge import Gauge
from meshrep.numerics.linear_solvers import ShiftedSystem, choose

ACCURATE = 0.01  # relative error of the gap, which need not be known better
SETTLED = 8  # iterations of multigrid that must together add less than that share to the gap
NEARLY_ZERO = 1e-6  # share of a natural energy below which a minimum counts as 0
_MODERATE = 1e-50, 1e50  # largest entries of matrices that need not be scaled
_EPS = float(np.finfo(float).eps)


def gauge_of(energy: Energy, free: int) -> Gauge:
    """The gauge of an energy with ``free`` free entries.

    It leaves out constants if a constant shift costs no energy and no node is fixed.
    """
    invariant = energy.shift_invariant and len(energy.shape) == 1 and free == energy.graph.n
    return Gauge(energy.component_of if invariant else None, free)


def relative_gap(
    energy: Energy, field: np.ndarray, begun: float, system: ShiftedSystem | None = None
) -> float:
    """The gap ½ gᵀH⁻¹g of a field (n,), divided by the size of the minimum.

    Parameters
    ----------
    energy : Energy
        The gap is known only if it is smooth and has a Hessian, on up to
        ``limits.CERTIFIED_UP_TO`` nodes.
    field : (n,) array
    begun : float
        Energy of the start.
    system : ShiftedSystem, optional
        A solver that has solved systems with the Hessian of the free variables, whose set-up is
        used again, and whose matrix too where the energy is quadratic.

    Returns
    -------
    float
        NaN where the gap is not known, which is also where the Hessian is indefinite; infinite
        where the system could not be solved or the field is not finite, so that the gap may be
        large.

    Notes
    -----
    The size of a minimum is |E*|. Where that may be 0, the size is at least 1e-6 of the fall from
    the start, or of unit² times the least curvature of a node if that is less: heavy edges raise
    the energy of the start, but not that of the minimum.

    The estimate includes what rounding of the Hessian may hide. Its diagonal is a sum of weights,
    so that next to a weight of 1e16 it no longer holds a curvature of 1.

    On a quadratic energy the estimate is exact. Where a power bath with p = 4 alone acts, it is
    two thirds of the gap.
    """
    if not np.isfinite(field).all():
        return np.inf
    if not (energy.has_hessian and energy.smooth and len(energy.shape) == 1):
        return np.nan
    if energy.graph.n > limits.CERTIFIED_UP_TO:
        return np.nan
    w = np.array(field, dtype=np.float64)  # a user's energy may write to it
    value, gradient = energy.judge.value_and_grad(w.copy())
    free = energy.free[gauge_of(energy, len(energy.free)).kept]
    slope = np.asarray(gradient)[free]
    if not slope.any():
        return 0.0
    if system is not None and energy.quadratic:
        matrix = system.matrix
    else:
        try:
            matrix = sparse.csr_array(energy.hessian(w))
        except Exception:  # a user's Hessian that the solver did not need must not cost the run
            return np.nan
        if len(free) < energy.graph.n:
            matrix = matrix[free][:, free]
    found = _newton_gap(matrix, slope, system)
    if found is None:
        return np.inf if energy.convex else np.nan
    if not np.isfinite(found):
        return np.inf
    value = float(value)
    size = abs(value - found)
    if found >= 0.5 * abs(value):  # else the minimum is not 0
        curvature = matrix.diagonal()
        least = float(curvature[curvature > 0].min(initial=np.inf)) * energy.unit**2
        size = max(size, NEARLY_ZERO * min(abs(begun - value), least))
    return found / size if size else np.inf


def _newton_gap(
    matrix: sparse.csr_array, slope: np.ndarray, known: ShiftedSystem | None = None
) -> float | None:
    """The fall ½ gᵀH⁻¹g, infinite if it was not found; None if H is not positive definite."""
    top, steep = float(abs(matrix.data).max(initial=0.0)), float(abs(slope).max())
    if not (0 < top < np.inf and steep < np.inf):
        return None
    slope = slope / steep  # so that no square overflows or vanishes
    unit = 1.0 if _MODERATE[0] < top < _MODERATE[1] else top
    matrix = matrix if unit == 1.0 else matrix / unit
    unknown = None
    curvature = matrix.diagonal()
    # Soft directions beside stiff ones.
    spread = float(curvature[curvature > 0].min(initial=top / unit)) / (top / unit)
    accurate = max(ACCURATE * spread**0.5, 1e-10)
    first = choose(matrix)[0] if known is None else known.kind
    for kind in dict.fromkeys((first, "jacobi")):  # CG bears a singular matrix
        system = known if known is not None and kind == known.kind else ShiftedSystem(kind)
        system.renew(matrix)
        answer = system.solve(-slope, 0.0, accurate if kind == "jacobi" else ACCURATE, SETTLED)
        left = -0.5 * float(slope @ answer.s)
        if answer.positive and left >= 0:
            unknown = np.inf
            if answer.reached:
                hidden = _EPS * abs(matrix).sum(axis=1) @ (answer.s * answer.s)
                return (left + float(hidden)) * steep * (steep / unit)
    return unknown
