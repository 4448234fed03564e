"""What --simplify leaves in the folder: extrema before and after, and both fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from meshrep.base.backends import installed
from meshrep.cli.outputs.collector import Outputs
from meshrep.energies.base import Energy
from meshrep.energies.lower_star import ROUNDING, LowerStar
from meshrep.solving.simplify import in_words
from meshrep.solving.solution import Solution
from meshrep.view.look import Look
from meshrep.view.write import write_csv


def simplification(best: Solution, simplified: Solution, share: float) -> dict[str, Any]:
    """What was removed from the best field, and what it cost, as plain data."""
    judge = simplified.problem
    return {
        "threshold": share * float(np.ptp(best.field)), "share": share,
        "solver": simplified.solver, "steps": simplified.steps, "seconds": simplified.solve_s,
        "result": simplified.result.word,
        "before": _counts(judge, best.field), "after": _counts(judge, simplified.field),
        "largest_move": float(abs(simplified.field - best.field).max()),
        "energy_before": best.energy,
        "energy_after": float(best.problem.value(simplified.field)),
        "notes": simplified.notes,
    }  # fmt: skip


def _counts(judge: Energy, field: np.ndarray) -> dict[str, int]:
    return {name: int(count) for name, count in judge.measures(field).items()}


def save_simplified(
    best: Solution,
    simplified: Solution,
    share: float,
    outputs: Outputs,
    *,
    pictures: bool = True,
    look: Look,
) -> None:
    """Write both fields' pairs, the fields side by side, and their diagrams."""
    problem = cast(LowerStar, simplified.problem)
    threshold = share * float(np.ptp(best.field))
    fields = {"before": best.field, "after": simplified.field}
    found = _extrema(problem, fields, threshold)
    with outputs.attempt("extrema.csv"):
        outputs.add(write_csv(found.columns(), outputs / "extrema.csv"))
    if not (pictures and installed("matplotlib")):
        return
    from meshrep.view.persistence import persistence_picture
    from meshrep.view.scene import panels

    graph = best.problem.graph
    titled = {f"{when}: {in_words(problem.measures(w))}": w for when, w in fields.items()}
    span = (float(best.field.min()), float(best.field.max()))
    with outputs.attempt("simplified.png"):
        outputs.add(
            panels(
                graph, titled, outputs.picture("simplified"), quantity=best.problem.quantity,  # type: ignore[arg-type]
                marks=found.removed or None,
                look=look.usually(label=best.problem.label, title=graph.name),
            ).path
        )  # fmt: skip
    with outputs.attempt("extrema.png"):
        outputs.add(
            persistence_picture(
                found.diagrams, outputs.picture("extrema"),
                title=f"{graph.name}, extrema and their saddles", names={}, threshold=threshold,
                span=span,
            )
        )  # fmt: skip


@dataclass
class _Extrema:
    """Pairs of extrema and saddles of both fields, and nodes whose extrema were removed."""

    diagrams: dict[str, dict[int, np.ndarray]]
    removed: dict[str, np.ndarray]
    rows: list[tuple[Any, ...]]

    def columns(self) -> dict[str, list[Any]]:
        """The pairs as columns: extrema, birth, death."""
        columns = zip(*self.rows, strict=True) if self.rows else ([], [], [])
        names = ("extrema", "birth", "death")
        return {name: list(column) for name, column in zip(names, columns, strict=True)}


def _extrema(problem: LowerStar, fields: Mapping[str, np.ndarray], threshold: float) -> _Extrema:
    found = _Extrema({}, {}, [])
    least = ROUNDING * float(np.ptp(fields["before"]))
    for when, field in fields.items():
        counts = problem.measures(field)
        for level, extrema in (("sub", "minima"), ("super", "maxima")):
            diagram = problem.filtration.diagrams(field, level == "super")[0]
            found.diagrams[f"{counts[extrema]:,.0f} {extrema} {when}"] = {0: diagram.values}
            found.rows += [(f"{extrema} {when}", *pair) for pair in diagram.values.tolist()]
            lasting = diagram.persistence
            small = diagram.births[(least < lasting) & (lasting <= threshold), 0]
            if when == "before" and len(small):
                found.removed[f"{extrema} removed ({len(small):,})"] = small
    return found
