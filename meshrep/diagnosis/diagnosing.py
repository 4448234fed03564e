"""Diagnosing an energy in some variables: spectra at the start and the end, rates, advice."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import calm_threads
from meshrep.diagnosis.advice import number, which_solver, why_slow
from meshrep.diagnosis.curvature import Curvature
from meshrep.diagnosis.findings import GAP, Diagnosis, State
from meshrep.diagnosis.rates import Rate, rates, steps_to
from meshrep.diagnosis.spectrum import Spectrum, of_hessian, of_kernel, of_product
from meshrep.diagnosis.tangent import Tangent
from meshrep.energies.base import Energy, checked_energy
from meshrep.errors import InputError
from meshrep.parametrizations.base import Identity, Parametrization
from meshrep.solving.reference import Reference
from meshrep.solving.solve import solve

_POLISHED = 1e-12  # scaled gradient of the end of a convex energy
_POLISH_SECONDS = 20.0
_FEW = 2  # slow modes that are looked for there


class Examination:
    """An energy's Hessians at a start and an end, for diagnoses in several variables.

    Parameters
    ----------
    energy : Energy
    start, end : (n,) or (n, d), optional
        Fields; by default ``random_start(seed)``, and what solver="auto" makes of it. The end of
        a smooth convex energy with a Hessian is polished by Newton's method, 20 s at most.
    seed : int
        Of the start and of what maps draw.
    modes : int
        Slow modes to look for, at least 1; beyond 300,000 coordinates two at the most.
    begin : callable, optional
        Called with the name of each part of the work as it begins.

    Raises
    ------
    InputError
        For fewer than 1 mode, or where nothing is free or nothing but constants; where no end is
        given, for what "auto" refuses.
    """

    def __init__(
        self,
        energy: Energy,
        start: np.ndarray | None = None,
        end: np.ndarray | None = None,
        *,
        seed: int = 0,
        modes: int = 4,
        begin: Callable[[str], None] | None = None,
    ) -> None:
        if modes < 1:
            raise InputError(f"a diagnosis looks for a mode or more, not {modes}")
        if not len(energy.free):
            raise InputError("every node is fixed: there is nothing to diagnose")
        self.energy, self.seed, self.modes = energy, seed, modes
        self.begin = begin or (lambda _: None)
        self.notes: list[str] = []
        begun = energy.clamp(energy.random_start(seed) if start is None else start)
        if end is None:
            self.begin("solving")
            found = solve(energy, "auto", start=begun, seed=seed).raise_if_interrupted()
            end = found.field
            self.notes.append(f"the end is that of {found.solver}: {found.result.word}")
        end = self._polished(energy.clamp(end))
        if not energy.smooth:
            self.notes.append("the energy is not smooth: H is that of the piece where a field lies")
        if energy.stochastic:
            self.notes.append("the energy draws subsamples: H is that of the average by which "
                              "ends are judged")  # fmt: skip
        large = int(np.prod(energy.shape)) > limits.DIAGNOSED_AT_START_UP_TO
        if large and modes > _FEW:
            self.notes.append(
                f"{_FEW} slow modes are sought beyond {limits.DIAGNOSED_AT_START_UP_TO:,} "
                "coordinates"
            )
        sought = min(modes, _FEW) if large else modes
        clock = time.perf_counter()
        self.at: dict[str, Curvature] = {}
        self.hessians: dict[str, Spectrum] = {}
        for where, w in (("start", begun), ("end", end)):
            self.begin(f"H at the {where}")
            with calm_threads(energy.graph.n):
                self.at[where] = Curvature(energy, w)
                if not self.at[where].size:
                    raise InputError("constants are all that is free: there is nothing to diagnose")
                self.hessians[where] = of_hessian(self.at[where], sought)
        self.seconds = time.perf_counter() - clock

    def _polished(self, end: np.ndarray) -> np.ndarray:
        energy = self.energy
        if not (energy.convex and energy.has_hessian and energy.smooth) or energy.stochastic:
            return end
        scale = energy.gradient_scale(end)
        if float(np.linalg.norm(energy.gradient(end))) <= 10 * _POLISHED * scale:
            return end
        self.begin("polishing the end")
        found = solve(energy, "newton", start=end, gtol=_POLISHED, max_seconds=_POLISH_SECONDS)
        return found.raise_if_interrupted().field

    def of(self, parametrization: Parametrization | None = None, name: str = "") -> Diagnosis:
        """The diagnosis in some variables; by default the field itself.

        Parameters
        ----------
        parametrization : Parametrization, optional
        name : str
            What to call the variables; by default by their own name.

        Raises
        ------
        InputError
            For what only smooths steps and is no map, as ``kernel``.
        """
        recipe = parametrization or Identity()
        with calm_threads(self.energy.graph.n):
            return self._of(recipe, name or recipe.name)

    def _of(self, recipe: Parametrization, name: str) -> Diagnosis:
        clock, plain = time.perf_counter(), isinstance(recipe, Identity)
        size = len(self.at["end"].free)
        notes = list(self.notes)
        found: list[Rate] = []
        left_out = not plain and size > limits.DIAGNOSED_AT_START_UP_TO
        start, _ = self._state(recipe, name, "start", left_out)
        end, tangent = self._state(recipe, name, "end")
        last = end.product
        assert tangent is not None and last is not None
        if not last.converged:
            notes.append("no rates are predicted where an end of the spectrum has not converged")
        elif self.energy.smooth and not self.energy.stochastic and not last.indefinite:
            self.begin(f"{name}: rates")
            found = rates(tangent, last)
        if start.product is None:
            notes.append(
                f"K at the start is left out beyond {limits.DIAGNOSED_AT_START_UP_TO:,} coordinates"
            )
        if not plain:
            notes.append(f"K is that of {name} laid out anew at each field, not where a "
                         "run has taken its parameters")  # fmt: skip
        if not plain and size > limits.DENSE_UP_TO:
            notes.append("K's least value and ranks of large problems are not counted, which would "
                         "take dense matrices")  # fmt: skip
        advice = []
        for state in (start, end):
            advice += why_slow(self.at[state.where], state.where, name, state.hessian,
                               state.kernel, state.product, state.boost)  # fmt: skip
        advice += which_solver(self.energy, end.hessian, self._steps(end.hessian), GAP)
        steps = self._steps(last)
        if steps and np.isfinite(last.condition) and not plain:
            bound = "" if last.converged else "at least "
            advice.append(
                f"in the variables of {name} such steps would be: gd {bound}"
                f"{number(steps['gd'])}, lbfgs {bound}{number(steps['lbfgs'])}"
            )
        return Diagnosis(
            self.energy, name, f"H by {self.at['end'].by}", start, end, found, steps,
            advice, notes, time.perf_counter() - clock + self.seconds,
        )  # fmt: skip

    def _state(
        self, recipe: Parametrization, name: str, where: str, left_out: bool = False
    ) -> tuple[State, Tangent | None]:
        """What is found at the start or the end; of H alone where the rest is left out."""
        at, hessian = self.at[where], self.hessians[where]
        gradient = float(np.linalg.norm(at.gradient))
        known = (where, at.value, gradient, hessian)
        if left_out:
            return State(*known, None, None), None
        self.begin(f"{name} at the {where}")
        tangent = Tangent(recipe, at, self.seed)
        if isinstance(recipe, Identity):
            return State(*known, None, hessian), tangent
        kernel, product = of_kernel(tangent), of_product(tangent, hessian, self.modes)
        sized = not hessian.indefinite and product.largest > 0
        boost = _boost(tangent, hessian, product) if sized else np.nan
        return State(*known, kernel, product, boost), tangent

    def _steps(self, spectrum: Spectrum) -> dict[str, float]:
        """Steps from the start's energy to the gap by the end's condition number, if it has one."""
        first, last = self.at["start"].value, self.at["end"].value
        if np.isnan(spectrum.condition) or not first > last:
            return {}
        fall = GAP * Reference(last, "", first).scale / (first - last)
        return steps_to(fall, spectrum.condition)


def _boost(tangent: Tangent, hessian: Spectrum, product: Spectrum) -> float:
    """See :class:`State`."""
    slow = hessian.modes[0].reshape(-1)[tangent.at.free]
    pulled = tangent.pull(slow / np.linalg.norm(slow))
    return float(pulled @ pulled) * hessian.largest / product.largest


def diagnose(
    energy: Energy,
    parametrization: Parametrization | None = None,
    *,
    start: np.ndarray | None = None,
    field: np.ndarray | None = None,
    seed: int = 0,
    modes: int = 4,
) -> Diagnosis:
    """Say why a solve of an energy in some variables is slow, and which solver to take.

    At the start and at the end: the extreme eigenvalues and the slow modes of the Hessian H among
    free nodes (up to constants where these cost no energy), of K = J Jᵀ with J the derivative of
    the parametrization, and of K H, whose spectrum is what gradient descent in θ sees. At the end
    also rates, predicted by the condition number and observed on runs.

    Parameters
    ----------
    energy : Energy
    parametrization : Parametrization, optional
        The variables; by default the field itself.
    start : (n,) or (n, d), optional
        By default ``energy.random_start(seed)``.
    field : (n,) or (n, d), optional
        The end, as a solution's ``field``; by default solver="auto" is run from the start.
    seed : int
        Of the start and of what maps draw.
    modes : int
        How many slow modes to look for.

    Returns
    -------
    Diagnosis
        With ``text()``, ``report()`` (plain data) and ``plot(path)``.

    Raises
    ------
    InputError
        Where there is nothing free, or the parametrization is no map.

    Notes
    -----
    Dense up to 2,000 coordinates. Beyond, no matrix but the sparse Hessian is formed: the least
    eigenvalues of H come from a factorisation up to 100,000 nodes and from LOBPCG with multigrid
    above, all else from Lanczos. What has not converged is said so, with its residual.

    Examples
    --------
    >>> import meshrep
    >>> ring = meshrep.graph_from("ring:40")
    >>> heat = meshrep.HeatBath(ring, hot=[0], cold=[20], kind="dirichlet")
    >>> found = meshrep.diagnose(heat)
    >>> round(found.end.hessian.condition, 1)
    161.4
    """
    energy = checked_energy(energy)
    return Examination(energy, start, field, seed=seed, modes=modes).of(parametrization)
