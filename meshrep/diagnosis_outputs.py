"""What --diagnose says after a comparison and leaves in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.comparison import Comparison, versions
from meshrep.composition import Choices
from meshrep.diagnosis.diagnosing import Examination
from meshrep.diagnosis.findings import GAP, Diagnosis, draw
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.outputs import can_draw
from meshrep.parametrizations.base import Identity, Parametrization
from meshrep.presets import PRESETS, preset
from meshrep.view.write import write_json

if TYPE_CHECKING:
    from meshrep.printer import Printer


def save_diagnoses(
    comparison: Comparison,
    start: np.ndarray,
    out: Path,
    choices: dict[str, Any],
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
    choices : dict
        Settings of single solvers, as :class:`meshrep.composition.Choices` takes them.
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
        for recipe in [Identity(), *_variables(comparison, choices, energy)]:
            try:
                done.append(examined.of(recipe))
            except InputError as error:
                missing.append(f"no diagnosis of {recipe.name}: {error}")
                continue
            say.clear()
            say(f"\n{done[-1].report()}")
    except InputError as error:
        missing.append(f"no diagnosis: {error}")
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
        except KeyboardInterrupt:
            interrupted = True
    say.clear()
    say("")
    return written, missing, interrupted


def _variables(
    comparison: Comparison, choices: dict[str, Any], energy: Energy
) -> list[Parametrization]:
    """The variables other than the field itself of the solvers that ran, each once."""
    found: dict[str, Parametrization] = {}
    for row in comparison.solutions:
        if row.solver in PRESETS:
            for stage in preset(row.solver, Choices(**choices), energy.quantity).stages:
                if not isinstance(stage.parametrization, Identity):
                    found.setdefault(stage.parametrization.name, stage.parametrization)
    return list(found.values())


def _steps_of(comparison: Comparison) -> dict[str, int | None]:
    """Steps of each solver until the gap that predictions are for; None where it was not met."""
    level = comparison.reference.level(GAP)
    found = {}
    for row in comparison.solutions:
        reached = np.flatnonzero(np.asarray(row.history.energy) <= level)
        found[row.solver] = int(row.history.step[reached[0]]) if len(reached) else None
    return found


def _against(done: list[Diagnosis], comparison: Comparison) -> list[str]:
    """Steps that were predicted beside those that solvers took."""
    if not done or not done[0].steps:
        return []
    took = _steps_of(comparison)
    best = {rate.method: f" with the best step, --lr {rate.lr:.3g}" for rate in done[0].rates}
    lines = []
    for name in ("gd", "nesterov", "heavy-ball", "lbfgs"):
        if name in took:
            steps = "not reached" if took[name] is None else f"{took[name]:,} taken"
            lines.append(f"{name} to a gap of {GAP:g}: at worst {done[0].steps[name]:,.0f} steps "
                         f"predicted{best.get(name, '')}; {steps}")  # fmt: skip
    return lines
