"""What a diagnosis finds: spectra at two fields, rates and advice, as text, data and a figure."""

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

GAP = 1e-6  # to which steps are predicted
_SURE = 0.1  # relative residual up to which a mode is drawn as converged


@dataclass(frozen=True, eq=False)
class State:
    """What a diagnosis found at one field.

    Attributes
    ----------
    where : {"start", "end"}
    energy, grad_norm : float
        Energy, and the 2-norm of the gradient at free coordinates, not scaled.
    hessian : Spectrum
        Of H among free coordinates.
    kernel : Spectrum or None
        Of K = J Jᵀ; None for the identity, whose K is 1, and where it was left out.
    product : Spectrum or None
        Of K H; for the identity that of H; None where it was left out.
    boost : float
        vᵀKv λ_max(H)/λ_max(KH) for the slowest mode v of H: how many times as fast it falls in
        these variables as in the field itself, each with its longest stable step. NaN where K is
        not known, H indefinite, or K H has no positive eigenvalue.
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
    """Why a solve is fast or slow, in some variables.

    Attributes
    ----------
    problem : Energy
    parametrization : str
        What the variables are called: by their own name, or as a solver is that works in them.
    by : str
        Where H comes from.
    start, end : State
    rates : list of Rate
        Of gradient descent and heavy ball at the end, predicted and observed.
    steps : dict of str to float
        Predicted for a gap of 1e-6 from the start's energy, by κ at the end, in the worst case;
        empty where there is no minimum to speak of.
    advice : list of str
        Sentences: why it is slow, and which solver to take.
    notes : list of str
        What was left out, and where to be careful.
    seconds : float
        That it took, the solve not counted.
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
        lines += [f"  {said}" for said in [*self.advice, *self.notes]]
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
        """Everything but fields as plain data for JSON."""
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
        """Draw the slow modes at the end, the spectra and the gradient's share in slow modes.

        Raises
        ------
        MissingPart
            Where matplotlib is not installed.
        """
        return draw([self], path, title)


def draw(diagnoses: list[Diagnosis], path: str | os.PathLike[str], title: str = "") -> Path:
    """Draw diagnoses of one problem in one figure; arguments and errors as of Diagnosis.plot."""
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
    """What else is known: the rank, how far it is converged, by what means."""
    said = [] if spectrum.rank is None else [f"rank {spectrum.rank:,}"]
    if np.isfinite(spectrum.effective_rank):
        said.append(f"effective rank {number(spectrum.effective_rank)}")
    for end in ("least", "largest"):
        residual = getattr(spectrum, f"{end}_residual")
        if residual > CLOSE * abs(getattr(spectrum, end)):
            said.append(f"{end} not converged (residual {number(residual)})")
    return "; ".join([*said, spectrum.how])


def _in_words(rate: Rate) -> str:
    """A rate as a sentence, in steps for a tenth of the gap."""

    def tenth(factor: float) -> str:
        if not factor < 1:
            return "∞"
        steps = np.log(10) / (-2 * np.log(max(factor, 1e-300)))
        return f"{steps:,.3g}" if steps >= 0.01 else "< 0.01"

    said = f"{rate.method} with the best step at the end ({number(rate.lr)}"
    said += f", momentum {rate.momentum:.6g})" if rate.momentum else ")"
    said += f": steps to a tenth of the gap {tenth(rate.predicted)} predicted, "
    return said + (f"not observed: {rate.why}" if rate.why else f"{tenth(rate.observed)} observed")
