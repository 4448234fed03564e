"""What --diagnose says after a comparison and leaves in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.cli.outputs import can_draw
from meshrep.diagnosis.advice import number
from meshrep.diagnosis.diagnosing import Examination
from meshrep.diagnosis.findings import GAP, Diagnosis, draw
from meshrep.diagnosis.rates import Rate
from meshrep.errors import MeshrepError
from meshrep.parametrizations.base import Identity, Parametrization
from meshrep.solving.compare import Comparison, versions
from meshrep.view.write import write_json

if TYPE_CHECKING:
    from meshrep.cli.printer import Printer

# What leaves out a set of variables, or the diagnosis, but not what was found before.
_FAILURES = (MeshrepError, ArithmeticError, MemoryError, RuntimeError, ValueError)


def save_diagnoses(
    comparison: Comparison,
    start: np.ndarray,
    out: Path,
    say: Printer,
    *,
    pictures: bool = True,
) -> tuple[list[Path], list[str], bool]:
    """Diagnose the field itself and all variables that took part, print, and write what was found.

    Parameters
    ----------
    comparison : Comparison
        With a solution; the end is that of the best one.
    start : (n,) or (n, d)
        Where the comparison started.
    say : Printer
        Is given the reports and what is going on.

    Returns
    -------
    The paths written, lines on what could not be, and whether Ctrl-C came: what had been found by
    then is written all the same.
    """
    energy, missing = comparison.problem, []
    done: list[Diagnosis] = []
    interrupted = False
    try:
        examined = Examination(
            energy, start, comparison.best.field, seed=comparison.seed, tell=say.begin
        )
        for name, recipe in _variables(comparison):
            try:
                done.append(examined.of(recipe, name))
            except _FAILURES as error:
                missing.append(f"no diagnosis of {name}: {_sentence(error)}")
                continue
            say.clear()
            say(f"\n{done[-1].report()}")
    except _FAILURES as error:
        missing.append(f"no diagnosis: {_sentence(error)}")
    except KeyboardInterrupt:
        interrupted = True
    say.clear()
    if steps := _against(done, comparison):
        say("")
        for line in steps:
            say(f"  {line}")
    say.begin("writing the diagnosis")
    found = {
        "diagnoses": [diagnosis.to_dict() for diagnosis in done],
        "observed": _steps_of(comparison),
        "left out": missing,
        "interrupted": interrupted,
        "versions": versions(),
    }
    written = [write_json(found, out / "diagnosis.json")]
    if done and pictures and not interrupted and can_draw(missing):
        say.begin("drawing the diagnosis")
        try:
            written.append(draw(done, out / "diagnosis.png"))
        except _FAILURES as error:
            missing.append(f"no picture of the diagnosis: {_sentence(error)}")
        except KeyboardInterrupt:
            interrupted = True
    say.clear()
    say("")
    return written, missing, interrupted


def _variables(comparison: Comparison) -> list[tuple[str, Parametrization]]:
    """The field itself and the other variables of the solvers that ran, each once, by name.

    Variables are named after the first solver that works in them.
    """
    found: list[tuple[str, Parametrization]] = [(Identity.name, Identity())]
    for row in comparison.solutions:
        for stage in row.composed.stages:
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


def _sentence(error: BaseException) -> str:
    """What an error says, on one line, or its type where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def _steps_of(comparison: Comparison) -> dict[str, int | None]:
    """Steps of each solver until the gap that predictions are for; None where it was not met."""
    level = comparison.reference.level(GAP)
    found = {}
    for row in comparison.solutions:
        reached = np.flatnonzero(np.asarray(row.history.energy) <= level)
        found[row.solver] = int(row.history.step[reached[0]]) if len(reached) else None
    return found


def _against(done: list[Diagnosis], comparison: Comparison) -> list[str]:
    """Steps that were predicted in the field itself beside those that solvers took."""
    plain = next((found for found in done if found.parametrization == Identity.name), None)
    if plain is None or not plain.steps:
        return []
    took = _steps_of(comparison)
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
    options = f"--lr {rate.lr:.3g}"
    if rate.method == "heavy-ball":
        options += f" --momentum {rate.momentum:.9g}"
    steepest = plain.start.hessian.largest
    borne = (2 + 2 * rate.momentum) / steepest if steepest > 0 else np.inf
    late = "" if rate.lr <= borne else f", longer than what the start bears, {number(borne)}"
    return f" with the best step at the end ({options}{late})"
