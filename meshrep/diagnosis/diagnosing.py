"""Diagnose an energy in some variables: spectra at the start and the end, rates, advice."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from meshrep.base import limits
from meshrep.base.threads import calm_threads
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

_POLISHED = 1e-12  # scaled gradient to which the end of a convex energy is refined
_POLISH_SECONDS = 20.0
_FEW = 2  # number of slow modes on large problems


class Examination:
    """An energy's Hessians at a start and an end, for diagnoses in several variables.

    Parameters
    ----------
    energy : Energy
    start, end : (n,) or (n, d), optional
        Fields. The default start is ``random_start(seed)``; the default end is the solution of
        solver="auto" from that start. The end of a smooth convex energy with a Hessian is then
        refined by Newton's method, for 20 s at most.
    seed : int
        Seed of the start and of the maps' random numbers.
    modes : int
        Number of slow modes, at least 1; above 300,000 coordinates at most 2.
    begin : callable, optional
        Called with the name of each part of the work when it begins.

    Raises
    ------
    InputError
        If ``modes`` is below 1, if every node is fixed, or if only a constant shift is free.
        Without an end, also if "auto" refuses the energy.
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
            raise InputError(f"the number of modes must be 1 or more, not {modes}")
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
            self.notes.append(f"the end was computed by {found.solver} ({found.result.word})")
        end = self._polished(energy.clamp(end))
        if not energy.smooth:
            self.notes.append(
                "the energy is not smooth: H belongs to the smooth piece that contains the field"
            )
        if energy.stochastic:
            self.notes.append(
                "the energy is stochastic: H belongs to the average energy that judges solutions"
            )
        large = int(np.prod(energy.shape)) > limits.DIAGNOSED_AT_START_UP_TO
        if large and modes > _FEW:
            self.notes.append(
                f"only {_FEW} slow modes were computed, because the problem has more than "
                f"{limits.DIAGNOSED_AT_START_UP_TO:,} coordinates"
            )
        count = min(modes, _FEW) if large else modes
        clock = time.perf_counter()
        self.at: dict[str, Curvature] = {}
        self.hessians: dict[str, Spectrum] = {}
        for where, w in (("start", begun), ("end", end)):
            self.begin(f"H at the {where}")
            with calm_threads(energy.graph.n):
                self.at[where] = Curvature(energy, w)
                if not self.at[where].size:
                    raise InputError(
                        "the field can change only by a constant, which costs no energy: there is "
                        "nothing to diagnose"
                    )
                self.hessians[where] = of_hessian(self.at[where], count)
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
        """The diagnosis in some variables.

        Parameters
        ----------
        parametrization : Parametrization, optional
            The variables; by default the field itself.
        name : str
            Name of the variables in reports; by default their own.

        Raises
        ------
        InputError
            If the parametrization only smooths steps, as ``kernel`` does, and is not a map.
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
            notes.append("no rates are predicted, because an end of the spectrum has not converged")
        elif self.energy.smooth and not self.energy.stochastic and not last.indefinite:
            self.begin(f"{name}: rates")
            found = rates(tangent, last)
        if start.product is None:
            notes.append(
                "K at the start was not computed, because the problem has more than "
                f"{limits.DIAGNOSED_AT_START_UP_TO:,} coordinates"
            )
        if not plain:
            notes.append(
                f"K belongs to parameters of {name} that were built from each field, not to the "
                "parameters that a run reaches"
            )
        if not plain and size > limits.DENSE_UP_TO:
            notes.append(
                "K's least eigenvalue and the ranks were not computed, because they need dense "
                "matrices"
            )
        advice = []
        for state in (start, end):
            advice += why_slow(self.at[state.where], state.where, name, state.hessian,
                               state.kernel, state.product, state.boost)  # fmt: skip
        advice += which_solver(self.energy, end.hessian, self._steps(end.hessian), GAP)
        steps = self._steps(last)
        if steps and np.isfinite(last.condition) and not plain:
            bound = "" if last.converged else "at least "
            advice.append(
                f"in the variables of {name}, gd would take {bound}{number(steps['gd'])} steps and "
                f"lbfgs {bound}{number(steps['lbfgs'])} steps"
            )
        return Diagnosis(
            self.energy, name, f"H by {self.at['end'].by}", start, end, found, steps,
            advice, notes, time.perf_counter() - clock + self.seconds,
        )  # fmt: skip

    def _state(
        self, recipe: Parametrization, name: str, where: str, left_out: bool = False
    ) -> tuple[State, Tangent | None]:
        """The state at the start or the end; it holds only H if K is left out."""
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
        """Predicted steps from the start to the gap, or {} without a condition number."""
        first, last = self.at["start"].value, self.at["end"].value
        if np.isnan(spectrum.condition) or not first > last:
            return {}
        fall = GAP * Reference(last, "", first).scale / (first - last)
        return steps_to(fall, spectrum.condition)


def _boost(tangent: Tangent, hessian: Spectrum, product: Spectrum) -> float:
    """The boost of a :class:`State`."""
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
    """Explain why a solve of an energy in some variables is slow, and which solver to use.

    The diagnosis computes extreme eigenvalues and slow modes at the start and at the end, for three
    operators: the Hessian H at free nodes (without constants if these cost no energy); K = J Jᵀ,
    where J is the derivative of the parametrization; and K H, whose spectrum decides the rate of
    gradient descent in θ. At the end it also predicts rates by the condition number and compares
    them with runs.

    Parameters
    ----------
    energy : Energy
    parametrization : Parametrization, optional
        The variables; by default the field itself.
    start : (n,) or (n, d), optional
        The start; by default ``energy.random_start(seed)``.
    field : (n,) or (n, d), optional
        The end, such as a solution's ``field``; by default the solution of solver="auto".
    seed : int
        Seed of the start and of the maps' random numbers.
    modes : int
        Number of slow modes.

    Returns
    -------
    Diagnosis
        With ``text()``, ``report()`` (plain data) and ``plot(path)``.

    Raises
    ------
    InputError
        If nothing is free, or the parametrization is not a map.

    Notes
    -----
    Up to 2,000 coordinates the eigenvalues are those of dense matrices. Above, only the sparse
    Hessian is formed. The least eigenvalues of H come from a factorisation (up to 100,000 nodes)
    or from LOBPCG with multigrid; all others come from Lanczos. Eigenvalues that have not
    converged are marked and have a residual.

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
