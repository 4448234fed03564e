"""What --diagnose says after a comparison and leaves in its folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.interrupts import interruptible
from meshrep.base.versions import versions
from meshrep.cli.outputs.collector import Outputs
from meshrep.diagnosis.advice import number
from meshrep.diagnosis.diagnosing import Examination
from meshrep.diagnosis.findings import GAP, Diagnosis, draw
from meshrep.diagnosis.rates import Rate
from meshrep.parametrizations.base import Identity, Parametrization
from meshrep.solving.compare import Comparison
from meshrep.view.write import write_json

if TYPE_CHECKING:
    from meshrep.cli.printer import Printer


def save_diagnoses(
    comparison: Comparison,
    start: np.ndarray,
    outputs: Outputs,
    say: Printer,
    *,
    pictures: bool = True,
) -> bool:
    """Diagnose the field itself and all variables that took part, print, and write what was found.

    Parameters
    ----------
    comparison : Comparison
        With a solution; the end is that of the best one.
    start : (n,) or (n, d)
        Where the comparison started.
    outputs : Outputs
        Takes what is written.
    say : Printer
        Is given the reports and what is going on.

    Returns
    -------
    bool
        Whether Ctrl-C came. What had been found by then is written in any case.
    """
    done: list[Diagnosis] = []
    interrupted = False
    try:
        with interruptible(), outputs.attempt("diagnosis", optional=True):
            examined = Examination(
                comparison.problem, start, comparison.best.field, seed=comparison.seed,
                begin=say.begin,
            )  # fmt: skip
            for name, recipe in _variables(comparison):
                with outputs.attempt(f"diagnosis of {name}", optional=True):
                    done.append(examined.of(recipe, name))
                    say.clear()
                    say(f"\n{done[-1].text()}")
    except KeyboardInterrupt:
        interrupted = True
    say.clear()
    if steps := _against(done, comparison):
        say("")
        for line in steps:
            say(f"  {line}")
    say.begin("writing the diagnosis")
    found = {
        "diagnoses": [diagnosis.report() for diagnosis in done],
        "observed": _steps_of(done, comparison),
        "left out": outputs.missing,
        "interrupted": interrupted,
        "versions": versions(),
    }
    with outputs.attempt("diagnosis.json"):
        outputs.add(write_json(found, outputs / "diagnosis.json"))
    if done and pictures and not interrupted and outputs.can_draw():
        say.begin("drawing the diagnosis")
        with outputs.attempt("diagnosis.png"):
            outputs.add(draw(done, outputs.picture("diagnosis")))
    say.clear()
    return interrupted


def _variables(comparison: Comparison) -> list[tuple[str, Parametrization]]:
    """The field itself and the other variables of the solvers that ran, each once, by name.

    Variables are named after the first solver that works in them.
    """
    found: list[tuple[str, Parametrization]] = [(Identity.name, Identity())]
    for row in comparison.solutions:
        for stage in row.composed.stages if row.composed else ():
            if not any(_alike(stage.parametrization, recipe) for _, recipe in found):
                found.append((stage.label, stage.parametrization))
    return found


def _alike(one: Parametrization, other: Parametrization) -> bool:
    """Whether two recipes are of one kind, with the same settings."""
    if type(one) is not type(other):
        return False
    mine, theirs = _settings(one), _settings(other)
    return mine.keys() == theirs.keys() and all(
        np.array_equal(value, theirs[name]) for name, value in mine.items()
    )


def _settings(recipe: Parametrization) -> dict[str, Any]:
    """What a recipe was made with: what it has kept since is private to it."""
    return {name: value for name, value in vars(recipe).items() if not name.startswith("_")}


def _steps_of(done: list[Diagnosis], comparison: Comparison) -> dict[str, int | None]:
    """Steps of each solver until the gap that predictions are for; None where it was not met.

    For one solver alone the gap is measured from the end that was diagnosed.
    """
    reference = comparison.reference
    if done and not reference.independent:
        reference = replace(reference, energy=done[0].end.energy, independent=True)
    level = reference.level(GAP)
    return {row.solver: row.history.steps_to(level) for row in comparison.solutions}


def _against(done: list[Diagnosis], comparison: Comparison) -> list[str]:
    """Steps that were predicted in the field itself beside those that solvers took."""
    plain = next((found for found in done if found.parametrization == Identity.name), None)
    if plain is None or not plain.steps:
        return []
    took = _steps_of(done, comparison)
    best = {rate.method: _best_step(rate, plain) for rate in plain.rates}
    how = "at worst" if plain.end.hessian.converged else "in the worst case at least"
    lines = []
    for name in ("gd", "nesterov", "heavy-ball", "lbfgs"):
        if name in took:
            steps = "not reached" if took[name] is None else f"{took[name]:,} taken"
            predicted = f"{plain.steps[name]:,.0f} steps" if np.isfinite(plain.steps[name]) else ""
            predicted = f"{how} {predicted} predicted" if predicted else "no number is predicted"
            lines.append(f"{name} to a gap of {GAP:g}: {predicted}{best.get(name, '')}; {steps}")
    return lines


def _best_step(rate: Rate, plain: Diagnosis) -> str:
    """The options that take the best fixed step at the end, and whether the start bears it.

    At a fixed step curvatures up to (2 + 2β)/lr fall.
    """
    options = f"--set lr={rate.lr:.3g}"
    if rate.method == "heavy-ball":
        options += f" --set momentum={rate.momentum:.9g}"
    steepest = plain.start.hessian.largest
    borne = (2 + 2 * rate.momentum) / steepest if steepest > 0 else np.inf
    late = "" if rate.lr <= borne else f", longer than what the start bears, {number(borne)}"
    return f" with the best step at the end ({options}{late})"
