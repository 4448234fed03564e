"""The reference of gaps: the least energy known, and how it was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meshrep.energies.base import Energy
from meshrep.solving.solution import Solution, lowest, size_of
from meshrep.solving.solve import solve

GTOL = 1e-12  # scaled gradient to which Newton polishes


@dataclass(frozen=True)
class Reference:
    """The energy that gaps are measured from, and how it was found.

    Attributes
    ----------
    energy : float
        The least energy known.
    how : str
        How it was found.
    start : float
        The energy E₀ of the start. Gaps are relative to |E*|, or to E₀ − E* if |E*| is much smaller
        than that.
    independent : bool
        Whether gaps can be measured from it. If only one solver ran, its own end is no reference,
        and gaps are NaN.
    """

    energy: float
    how: str
    start: float = np.nan
    independent: bool = True

    @property
    def scale(self) -> float:
        """The energy that E − E* is divided by."""
        return size_of(self.energy, self.start)

    def gap(self, energy: float) -> float:
        """Return (E − E*) / scale; a negative gap says that the reference was beaten."""
        return (energy - self.energy) / self.scale if self.independent else np.nan

    def level(self, gap: float) -> float:
        """Return the energy at a gap."""
        return self.energy + gap * self.scale if self.independent else np.nan


def minimum(energy: Energy, start: np.ndarray | None = None, seconds: float = 60.0) -> Solution:
    """Find the minimum next to a start by Newton's method, to a scaled gradient of 1e-12.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    found = solve(energy, "newton", start=start, gtol=GTOL, max_seconds=seconds)
    return found.raise_if_interrupted()


def best_known(energy: Energy, solutions: Sequence[Solution], polish: bool = True) -> Reference:
    """Return the best end as the reference, polished by Newton if the energy has a Hessian.

    Ends whose energy is not finite do not count. A single solution is not a reference for itself,
    and is not polished.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C comes while it is polished.
    """
    ended = [row for row in solutions if np.isfinite(row.energy)]
    if not ended:
        return Reference(np.nan, "none: every solver failed", independent=False)
    best = lowest(ended)
    begun = best.start_energy
    if len(ended) == 1:
        alone = "ran alone" if len(solutions) == 1 else "alone ended at a finite energy"
        how = f"no gap is known, because {best.solver} {alone}: add a solver to compare it with"
        return Reference(best.energy, how, begun, independent=False)
    least = min(row.energy for row in ended)
    found = Reference(least, f"the best of the solvers, {best.solver}", begun)
    if not polish or not energy.has_hessian:
        return found
    try:
        polished = solve(energy, "newton", start=best.field, gtol=GTOL, max_seconds=20.0)
        polished.raise_if_interrupted()
    except Exception:  # no error may cost the solutions that there are
        return found
    if not polished.energy <= least:
        return found
    how = f"newton from the end of {best.solver}, to a scaled gradient of {polished.grad_norm:.0e}"
    return Reference(polished.energy, how, begun)
