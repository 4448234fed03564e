"""The result of a diagnosis: spectra at two fields, rates and advice, as text, data or figure."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.diagnosis.advice import number
from meshrep.diagnosis.rates import Rate
from meshrep.diagnosis.spectrum import Spectrum
from meshrep.energies.base import Energy
from meshrep.numerics.lanczos import CLOSE

if TYPE_CHECKING:
    from meshrep.view.modes import Row

GAP = 1e-6  # relative energy gap up to which steps are predicted
_SURE = 0.1  # a mode with at most this relative residual is drawn as converged


@dataclass(frozen=True, eq=False)
class State:
    """The spectra at one field.

    Attributes
    ----------
    where : {"start", "end"}
    energy, grad_norm : float
        The energy, and the unscaled 2-norm of the gradient at free coordinates.
    hessian : Spectrum
        The spectrum of H at free coordinates.
    kernel : Spectrum or None
        The spectrum of K = J Jᵀ. None for the identity, whose K is 1, and if K was left out.
    product : Spectrum or None
        The spectrum of K H. For the identity it is that of H. None if K was left out.
    boost : float
        vᵀKv λ_max(H)/λ_max(KH) for the slowest mode v of H. This is how many times faster v falls
        in these variables than in the field itself, each with its longest stable step. NaN if K
        is not known, H is indefinite, or K H has no positive eigenvalue.
    """

    where: str
    energy: float
    grad_norm: float
    hessian: Spectrum
    kernel: Spectrum | None
    product: Spectrum | None
    boost: float = np.nan


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Why a solve in some variables is fast or slow.

    Attributes
    ----------
    problem : Energy
    parametrization : str
        Name of the variables, which may be that of a solver that uses them.
    by : str
        How H was computed.
    start, end : State
    rates : list of Rate
        Predicted and observed rates of gradient descent and heavy ball at the end.
    steps : dict of str to float
        Steps by solver, in the worst case, from the start to a relative energy gap of 1e-6, as κ
        at the end predicts them. Empty if the end is not a minimum.
    advice : list of str
        Sentences that explain why a solve is slow and which solver to use.
    notes : list of str
        Sentences on what was left out and what to be careful about.
    seconds : float
        Time of the diagnosis without the solve.
    """

    problem: Energy
    parametrization: str
    by: str
    start: State
    end: State
    rates: list[Rate] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)
    advice: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def text(self) -> str:
        """Everything as text: a table of spectra, the rates, the advice."""
        what = f"{self.problem.graph.name} in the variables of {self.parametrization}"
        lines = [f"diagnosis of {what}: {self.start.hessian.size:,} dimensions, {self.by}"]
        lines += self._table()
        for rate in self.rates:
            lines.append(f"  {_in_words(rate)}")
        lines += [f"  {sentence}" for sentence in [*self.advice, *self.notes]]
        return "\n".join(lines)

    def _table(self) -> list[str]:
        rows = [("", "", "least", "largest", "condition", "negative", "")]
        for state in (self.start, self.end):
            where = state.where
            for name, spectrum in _spectra(state).items():
                bound = "" if spectrum.converged else "≥ "
                known = np.isfinite(spectrum.condition) or (
                    np.isinf(spectrum.condition) and spectrum.converged
                )
                count = "–" if spectrum.negative is None else f"{spectrum.negative}"
                rows.append((
                    where, name, ("" if spectrum.converged else "≤ ") + number(spectrum.least),
                    number(spectrum.largest),
                    bound + number(spectrum.condition) if known else "–",
                    count, _aside(spectrum),
                ))  # fmt: skip
                where = ""
        widths = [max(len(row[k]) for row in rows) for k in range(6)]
        text = []
        for row in rows:
            cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
            cells += [cell.rjust(width) for cell, width in zip(row[2:6], widths[2:], strict=True)]
            text.append("  " + "  ".join([*cells, row[6]]).rstrip())
        return text

    def report(self) -> dict[str, Any]:
        """Everything except fields, as plain data for JSON."""
        states = {}
        for state in (self.start, self.end):
            spectra = {
                name.split(" =")[0].replace(" ", ""): found.report()
                for name, found in _spectra(state).items()
            }
            states[state.where] = {
                "energy": state.energy, "grad_norm": state.grad_norm, "boost": state.boost,
                **spectra,
            }  # fmt: skip
        return {
            "graph": self.problem.graph.name, "problem": self.problem.settings(),
            "parametrization": self.parametrization, "hessian_by": self.by, **states,
            "rates": [vars(rate) for rate in self.rates], "gap": GAP, "steps": self.steps,
            "advice": self.advice, "notes": self.notes, "seconds": self.seconds,
        }  # fmt: skip

    def plot(self, path: str | os.PathLike[str], title: str = "") -> Path:
        """Draw the slow modes at the end, the spectra, and the gradient's share in slow modes.

        Raises
        ------
        MissingPart
            If matplotlib is not installed.
        """
        return draw([self], path, title)


def draw(diagnoses: list[Diagnosis], path: str | os.PathLike[str], title: str = "") -> Path:
    """Draw diagnoses of one problem in one figure, as Diagnosis.plot draws a single one."""
    from meshrep.view.modes import draw_modes

    first = diagnoses[0]
    mapped = [found for found in diagnoses if found.end.kernel is not None]
    rows = [_row("H", first.end.hessian)]
    curves = {f"H, {state.where}": state.hessian.spread for state in (first.start, first.end)}
    shares = {"H": first.start.hessian.shares}
    for found in mapped:
        name = found.parametrization
        for state in (found.start, found.end):
            if state.product is None or state.kernel is None:
                continue
            if state.where == "end":
                rows.append(_row(f"K H {name}", state.product))
            else:
                shares[f"K H {name}"] = state.product.shares
            if len(mapped) == 1:
                curves[f"K {name}, {state.where}"] = state.kernel.spread
            if len(mapped) == 1 or state.where == "end":
                curves[f"K H {name}, {state.where}"] = state.product.spread
    graph = first.problem.graph
    named = title or ", ".join([graph.name, *(found.parametrization for found in mapped)])
    return draw_modes(graph, rows, curves, shares, path, title=named)


def _row(name: str, spectrum: Spectrum) -> Row:
    from meshrep.view.modes import Row

    sure = spectrum.residuals <= _SURE * abs(spectrum.values)
    return Row(name, spectrum.values, spectrum.modes, sure)


def _spectra(state: State) -> dict[str, Spectrum]:
    """The spectra of a state by name."""
    if state.kernel is None or state.product is None:
        return {"H": state.hessian}
    return {"H": state.hessian, "K = JJᵀ": state.kernel, "K H": state.product}


def _aside(spectrum: Spectrum) -> str:
    """The last column of the table: ranks, ends that have not converged, and the method."""
    parts = [] if spectrum.rank is None else [f"rank {spectrum.rank:,}"]
    if np.isfinite(spectrum.effective_rank):
        parts.append(f"effective rank {number(spectrum.effective_rank)}")
    for end in ("least", "largest"):
        residual = getattr(spectrum, f"{end}_residual")
        if residual > CLOSE * abs(getattr(spectrum, end)):
            parts.append(f"{end} not converged (residual {number(residual)})")
    return "; ".join([*parts, spectrum.how])


def _in_words(rate: Rate) -> str:
    """A rate as a sentence that gives the steps in which the gap falls to a tenth."""

    def tenth(factor: float) -> str:
        if not factor < 1:
            return "∞"
        steps = np.log(10) / (-2 * np.log(max(factor, 1e-300)))
        return f"{steps:,.3g}" if steps >= 0.01 else "< 0.01"

    momentum = f", momentum {rate.momentum:.6g}" if rate.momentum else ""
    observed = f"not observed: {rate.why}" if rate.why else f"{tenth(rate.observed)} observed"
    return (
        f"{rate.method} with the best step at the end ({number(rate.lr)}{momentum}): "
        f"{tenth(rate.predicted)} steps predicted to a tenth of the gap, {observed}"
    )
