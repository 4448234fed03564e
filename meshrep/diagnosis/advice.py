"""Sentences on spectra: why a solve is slow, and which solver to use."""

from __future__ import annotations

import numpy as np

from meshrep.diagnosis.curvature import Curvature
from meshrep.diagnosis.spectrum import Spectrum
from meshrep.energies.base import Energy
from meshrep.graphs.operators import laplacian
from meshrep.solving.named.second_order import PATIENCE

_FEW = 0.05  # a mode is local if it is concentrated on less than this share of the nodes
_EASY, _HARD = 1e3, 1e5  # condition numbers
_LONG = 8  # least length of a long wave, in edges
_HIDDEN = 1e2  # if κ(K H) / κ(H) is larger than this, K is nearly singular
_BETTER = 2.0  # condition numbers that differ by less than this factor count as equal


def number(value: float) -> str:
    """The number with three digits, and with a power of ten if it is very large or very small."""
    if not np.isfinite(value):
        return "∞" if value > 0 else "–"
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.2e}"


def character(at: Curvature, mode: np.ndarray) -> str:
    """What a mode (n,) or (n, d) looks like: a predicate on its place and its wavelength."""
    energy, n = at.energy, at.energy.graph.n
    rows = mode.reshape(n, -1)
    mass = (rows * rows).sum(axis=1)
    whole = float(mass.sum()) or 1.0
    nodes = whole**2 / float(mass @ mass or 1.0)
    words = _in_baths(energy, at.field, mass / whole)
    if nodes < max(_FEW * n, 2):
        words.append(f"is concentrated on about {max(round(nodes), 1):,} of {n:,} nodes")
    else:
        L = laplacian(abs(energy.coupling))
        rough = float((rows * (L @ rows)).sum()) / whole / (float(L.diagonal().mean()) or 1.0)
        degree = 2 * energy.graph.m / n
        wave = 4 * rough * degree / max(degree, 4.0)  # |k|² on chains and in the plane
        length = 2 * np.pi / max(wave, 1e-300) ** 0.5
        if length > 10 * n:
            words.append("is nearly constant")
        elif length >= _LONG:
            words.append(f"is a long wave of about {float(f'{length:.1g}'):,.0f} edges")
        else:
            words.append("changes from node to node")
    return " and ".join(words)


def _in_baths(energy: Energy, field: np.ndarray, mass: np.ndarray) -> list[str]:
    """A predicate on the baths, if one applies to a mode with squared entries ``mass`` (n,)."""
    springs = energy.springs(field)
    if springs is None:
        return []
    nodes, stiffness = springs
    share = float(mass[nodes].sum())
    spring = float(mass[nodes] @ stiffness) / max(share, 1e-300)
    stiff = float(energy.coupling.sum(axis=1).mean())
    if share > 0.5 and spring < 1e-2 * stiff:
        return [
            f"has {share:.0%} of its weight in the baths, whose springs are weak there (their mean "
            f"stiffness is {number(spring)}, that of the edges is {number(stiff)}),"
        ]
    if share < 0.05:
        return ["has almost no weight in the baths"]
    return []


def why_slow(
    at: Curvature, where: str, name: str, hessian: Spectrum, kernel: Spectrum | None,
    product: Spectrum | None, boost: float,
) -> list[str]:  # fmt: skip
    """Sentences that explain the spectra at one field; ``boost`` is that of a State.

    A condition number that has not converged is a lower bound, and the sentences say no more.
    """
    sentences = [f"{where}: {_of_hessian(at, hessian)}"]
    if kernel is None or product is None or not np.isfinite(hessian.condition):
        return sentences
    if product.empty:
        none = f"{where}: K H of {name} is 0: it moves the field only where H has no curvature"
        return [*sentences, none]
    sentences.append(f"{where}: {_of_product(name, hessian, product)}")
    if np.isfinite(boost):
        found = "" if hessian.converged else " found so far"
        sentences.append(
            f"{where}: with the longest stable step, the slowest mode of H{found} falls "
            f"{number(boost)} times as fast in {name} as in the field itself"
        )
    if np.isfinite(kernel.effective_rank) and kernel.effective_rank < 0.1 * kernel.size:
        few = max(round(kernel.effective_rank), 1)
        sentences.append(f"{where}: the effective rank of K is {few:,} of {kernel.size:,}")
    return sentences


def _of_hessian(at: Curvature, found: Spectrum) -> str:
    """The condition number of H, or why it has none, and what its slowest mode looks like."""
    if found.indefinite:
        many = "some" if found.negative is None else f"{found.negative:,}"
        least = "" if found.converged else "at most "
        return (
            f"H is indefinite and has no condition number: {many} of its eigenvalues are negative, "
            f"and the least is {least}{number(found.least)}"
        )
    mode = character(at, found.modes[0])
    if not np.isfinite(found.condition):
        if found.converged:
            return (
                "H is singular: along its least mode the energy is flat to second order. This mode "
                f"{mode}"
            )
        return (
            "it is not known whether H is singular: its least eigenvalue lies within "
            f"{number(found.least_residual)} of {number(found.least)}"
        )
    sign, so_far = ("=", "") if found.converged else ("≥", " found so far")
    if found.condition > _HARD:
        how = "hard for methods that use only gradients"
    elif found.condition >= _EASY:
        how = "slow for gradient methods"
    else:
        how = "easy" if found.converged else "only a lower bound"
    return f"κ(H) {sign} {number(found.condition)}, {how}. The slowest mode{so_far} {mode}"


def _of_product(name: str, hessian: Spectrum, product: Spectrum) -> str:
    """How variables change the condition number of H, which is finite."""
    before, after = hessian.condition, product.condition
    if not product.converged:
        bound = f"in the variables of {name}, κ is at least {number(after)}"
        if hessian.converged and after > before * _BETTER:
            return f"{bound}, larger than κ(H){_hidden(before, after)}"
        return f"{bound}, only a lower bound"
    if after < before / _BETTER:  # true also if ``before`` is only a lower bound
        return f"{name} reduces κ to {number(after)}, so its steps are well preconditioned"
    if not hessian.converged:
        return f"in the variables of {name}, κ is {number(after)}"
    if not np.isfinite(after) or after > before * _BETTER:
        return (
            f"in the variables of {name}, κ is {number(after)}, larger than κ(H)"
            f"{_hidden(before, after)}"
        )
    return f"{name} hardly changes κ, which is {number(after)}"


def _hidden(before: float, after: float) -> str:
    """The consequence, if κ is very much larger than κ(H)."""
    if after <= _HIDDEN * before:
        return ""
    return ": there are directions that it hardly moves, and a stage on the field must follow"


def which_solver(energy: Energy, end: Spectrum, steps: dict[str, float], gap: float) -> list[str]:
    """The solver that "auto" chooses and why, and the steps that solvers on the field may need."""
    name, why = energy.auto_solver
    sentences = [f"use {name}, as auto does ({why})"]
    if end.indefinite and not energy.smooth:
        sentences.append(
            "the energy is piecewise smooth: where pieces meet, negative eigenvalues of one piece "
            "do not rule out a minimum"
        )
        return sentences
    if end.indefinite:
        lower = ", and lift and anneal look for lower basins" if energy.quantity == "phase" else ""
        sentences.append(
            f"the end is not a minimum: newton leaves it along negative curvature{lower}"
        )
        return sentences
    if not steps:
        return sentences
    if not np.isfinite(steps["lbfgs"]):
        sentences.append(
            "the least eigenvalue of H at the end cannot be distinguished from 0, so no rate of "
            "gradient methods is predicted: use newton"
        )
        return sentences
    bounds = "" if end.converged else " (lower bounds)"
    listed = ", ".join(f"{solver} {steps[solver]:,.0f}" for solver in ("gd", "nesterov", "lbfgs"))
    sentences.append(
        f"worst-case steps to a gap of {gap:g}, predicted from κ at the end{bounds}: {listed}"
    )
    if name == "lbfgs-newton":
        enough = end.converged and steps["lbfgs"] <= PATIENCE
        sentences.append(
            f"L-BFGS should converge within its {PATIENCE} steps, so Newton is not needed"
            if enough
            else f"L-BFGS may need more than its {PATIENCE} steps; Newton then continues"
        )
    return sentences
