"""What spectra mean in words: why a solve is slow, and which solver to take."""

from __future__ import annotations

import numpy as np

from meshrep.diagnosis.curvature import Curvature
from meshrep.diagnosis.spectrum import Spectrum
from meshrep.energies.base import Energy
from meshrep.graphs.operators import laplacian
from meshrep.solving.named.second_order import PATIENCE

_FEW = 0.05  # share of the nodes below which a mode is local
_EASY, _HARD = 1e3, 1e5  # condition numbers
_LONG = 8  # edges of a wave from which it counts as long
_HIDDEN = 1e2  # times the condition number of H that K H has only where K is next to singular
_BETTER = 2.0  # factor of a condition number that counts as a change


def number(value: float) -> str:
    """Two or three digits, large and small numbers with a power of ten."""
    if not np.isfinite(value):
        return "∞" if value > 0 else "–"
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.2e}"


def character(at: Curvature, mode: np.ndarray) -> str:
    """What a mode (n,) or (n, d) looks like: where it lives, and how long its waves are."""
    energy, n = at.energy, at.energy.graph.n
    rows = mode.reshape(n, -1)
    mass = (rows * rows).sum(axis=1)
    whole = float(mass.sum()) or 1.0
    nodes = whole**2 / float(mass @ mass or 1.0)
    words = _in_baths(energy, at.field, mass / whole)
    if nodes < max(_FEW * n, 2):
        words.append(f"it lives on about {max(round(nodes), 1):,} of {n:,} nodes")
    else:
        L = laplacian(abs(energy.coupling))
        rough = float((rows * (L @ rows)).sum()) / whole / (float(L.diagonal().mean()) or 1.0)
        degree = 2 * energy.graph.m / n
        wave = 4 * rough * degree / max(degree, 4.0)  # |k|² on chains and in the plane
        length = 2 * np.pi / max(wave, 1e-300) ** 0.5
        if length > 10 * n:
            words.append("it is next to constant")
        elif length >= _LONG:
            words.append(f"it is a long wave (about {float(f'{length:.1g}'):,.0f} edges)")
        else:
            words.append("it changes from node to node")
    return ", and ".join(words)


def _in_baths(energy: Energy, field: np.ndarray, mass: np.ndarray) -> list[str]:
    """Whether a mode of mass (n,), which sums to 1, sits where soft baths have gone slack."""
    springs = energy.springs(field)
    if springs is None:
        return []
    nodes, stiffness = springs
    share = float(mass[nodes].sum())
    spring = float(mass[nodes] @ stiffness) / max(share, 1e-300)
    stiff = float(energy.coupling.sum(axis=1).mean())
    if share > 0.5 and spring < 1e-2 * stiff:
        return [f"it sits in the baths ({share:.0%}), whose springs have gone slack there "
                f"(their stiffness is {number(spring)} on average, that of the edges "
                f"{number(stiff)})"]  # fmt: skip
    if share < 0.05:
        return ["it hardly touches a bath"]
    return []


def why_slow(
    at: Curvature, where: str, name: str, hessian: Spectrum, kernel: Spectrum | None,
    product: Spectrum | None, boost: float,
) -> list[str]:  # fmt: skip
    """Sentences on what the spectra at one field mean; ``boost`` as of a State.

    A condition number that has not converged is a lower bound, of which no sentence says more.
    """
    said = [f"{where}: {_of_hessian(at, hessian)}"]
    if kernel is None or product is None or not np.isfinite(hessian.condition):
        return said
    if product.empty:
        return [*said, f"{where}: K H of {name} is 0: it moves nothing that has curvature"]
    said.append(f"{where}: {_of_product(name, hessian, product)}")
    if np.isfinite(boost):
        mode = "the slowest mode of H" if hessian.converged else "the slowest mode of H yet found"
        said.append(f"{where}: with the longest stable step {mode} falls {number(boost)} times as "
                    f"fast in {name} as in the field itself")  # fmt: skip
    if np.isfinite(kernel.effective_rank) and kernel.effective_rank < 0.1 * kernel.size:
        few = max(round(kernel.effective_rank), 1)
        said.append(f"{where}: effective rank of K: {few:,} of {kernel.size:,}")
    return said


def _of_hessian(at: Curvature, found: Spectrum) -> str:
    """The sort of H, or how large its condition number is, and what its slowest mode looks like."""
    if found.indefinite:
        many = "some" if found.negative is None else f"{found.negative:,}"
        least = "" if found.converged else "at most "
        return (f"H is indefinite: {many} of its eigenvalues are negative, the least is {least}"
                f"{number(found.least)}, and no condition number applies")  # fmt: skip
    mode = character(at, found.modes[0])
    if not np.isfinite(found.condition):
        if found.converged:
            return (f"H is singular: along its least mode ({mode}) the energy is flat, and only "
                    "higher orders decide")  # fmt: skip
        return ("whether H is singular is not known: its least eigenvalue lies within "
                f"{number(found.least_residual)} of {number(found.least)}")  # fmt: skip
    kappa = number(found.condition)
    if found.condition > _HARD:
        how = ", hard for all that use gradients alone"
    elif found.condition >= _EASY:
        how = ", slow for gradients"
    else:
        how = ", easy" if found.converged else ", and not known better"
    least, slowest = ("", "slowest mode") if found.converged else ("at least ", "slowest yet found")
    return f"κ(H) = {least}{kappa}{how}. Of the {slowest}: {mode}"


def _of_product(name: str, hessian: Spectrum, product: Spectrum) -> str:
    """What variables make of the condition number of H, which is finite."""
    before, after = hessian.condition, product.condition
    if not product.converged:
        bound = f"in the variables of {name} κ is at least {number(after)}"
        if hessian.converged and after > before * _BETTER:
            return f"{bound}, larger than without{_hidden(before, after)}"
        return f"{bound}, and not known better"
    if after < before / _BETTER:  # so it is also where the other one is a lower bound
        return f"{name} brings κ down to {number(after)}: its steps are preconditioned well"
    if not hessian.converged:
        return f"in the variables of {name} κ is {number(after)}"
    if not np.isfinite(after) or after > before * _BETTER:
        return (f"in the variables of {name} κ is {number(after)}, larger than without"
                f"{_hidden(before, after)}")  # fmt: skip
    return f"{name} leaves κ much as it is, {number(after)}"


def _hidden(before: float, after: float) -> str:
    """What it means where κ is so much larger."""
    if after <= _HIDDEN * before:
        return ""
    return ": some directions it hardly moves, and there it must hand over to the field"


def which_solver(energy: Energy, end: Spectrum, steps: dict[str, float], gap: float) -> list[str]:
    """What "auto" takes and why, and how many steps solvers in the field itself may need."""
    name, why = energy.auto_solver
    said = [f"take {name}, as auto does: {why}"]
    if end.indefinite and not energy.smooth:
        said.append("where pieces meet, negative eigenvalues of one of them do not rule out a "
                    "minimum")  # fmt: skip
        return said
    if end.indefinite:
        said.append(
            "the end is no minimum: newton leaves it along the negative curvature, and lift and "
            "anneal look for lower basins" if energy.quantity == "phase" else
            "the end is no minimum: newton leaves it along the negative curvature"
        )  # fmt: skip
        return said
    if not steps:
        return said
    if not np.isfinite(steps["lbfgs"]):
        said.append("the least eigenvalue of H at the end is not told from 0, so that no rate of "
                    "gradient methods is predicted: take newton")  # fmt: skip
        return said
    how = "at worst" if end.converged else "in the worst case at least"
    listed = ", ".join(f"{solver} {steps[solver]:,.0f}" for solver in ("gd", "nesterov", "lbfgs"))
    said.append(f"steps to a gap of {gap:g}, by κ at the end, {how}: {listed}")
    if name == "lbfgs-newton":
        enough = end.converged and steps["lbfgs"] <= PATIENCE
        said.append(
            f"L-BFGS should arrive within its {PATIENCE} steps, Newton is not needed" if enough
            else f"L-BFGS may need more than its {PATIENCE} steps: then Newton goes on"
        )  # fmt: skip
    return said
