"""Runs over seeds as plain data, as files keep them.

A level is a share of the fall from the start to the least energy known: "1e-3" is reached when a
thousandth of the fall is left. Seconds are those of solving, warm; set-up and the fit of a network
to the start are given separately.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from meshrep.base.outcome import History
from meshrep.energies.base import Energy
from meshrep.solving.contest import run_all, start_of
from meshrep.solving.entrants import Entrant
from meshrep.solving.solution import Solution

LEVELS = ("1e-1", "1e-2", "1e-3", "1e-4", "1e-6")
CURVE = 120  # points kept of a history


def contest(
    energy: Energy,
    entrants: Sequence[Entrant],
    seeds: Sequence[int],
    begin: Callable[[str], None] | None = None,
    *,
    start: Callable[[Energy, int], np.ndarray] | None = None,
    reference: float = np.inf,
    measure: Callable[[Solution], dict[str, float]] | None = None,
    warm_seconds: float | None = 0.1,
    **settings: Any,
) -> dict[str, Any]:
    """Run every entrant, warmed up, on every seed of one problem; return plain data.

    Parameters
    ----------
    energy, entrants, seeds, begin, start, warm_seconds, **settings
        As for :func:`meshrep.solving.contest.in_turn`.
    reference : float
        The least energy, if it is known from elsewhere.
    measure : callable, optional
        Gives further measures of each end.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C in a run.
    """
    runs = run_all(
        energy, entrants, seeds, start, begin=begin, warm_seconds=warm_seconds, **settings
    )
    ends = [end.energy for several in runs.values() for end in several]
    least = float(min([*(end for end in ends if np.isfinite(end)), reference]))
    begun = [float(energy.value(start_of(energy, seed, start))) for seed in seeds]

    def recorded(end: Solution, high: float) -> dict[str, Any]:
        found = record(end, {level: least + float(level) * (high - least) for level in LEVELS})
        return found if measure is None else found | {"measures": end.measures | measure(end)}

    return {
        "nodes": energy.graph.n,
        "edges": energy.graph.m,
        "begun": begun,
        "reference": least,
        "groups": {e.label: e.tuned for e in entrants if e.tuned},
        "by": {e.tuned: e.by for e in entrants if e.tuned},
        "runs": {
            label: [recorded(end, high) for end, high in zip(several, begun, strict=True)]
            for label, several in runs.items()
        },
    }


def record(end: Solution, levels: Mapping[str, float]) -> dict[str, Any]:
    """Return a run as plain data, with steps and seconds to each level; None if not reached."""
    to: dict[str, list[float] | None] = {}
    for level, energy in levels.items():
        steps, seconds = end.history.steps_to(energy), end.history.time_to(energy)
        to[level] = None if steps is None or seconds is None else [steps, seconds]
    return {
        "begun": end.start_energy,
        "energy": end.energy,
        "steps": end.steps,
        "seconds": end.solve_s,
        "setup": end.setup_s,
        "prefit": end.prefit_s,
        "result": end.result.word,
        "measures": end.measures,
        "to": to,
        "curve": thinned(end.history),
    }


def thinned(history: History) -> list[list[float]]:
    """Return (step, seconds, least energy so far) at steps ever further apart, up to the last."""
    kept = np.unique(np.geomspace(1, max(len(history), 1), CURVE).astype(int)) - 1
    best = history.best_energy()
    return [[history.step[k], history.seconds[k], float(best[k])] for k in kept if k < len(best)]


def lean(cell: dict[str, Any], curves: int = 1) -> dict[str, Any]:
    """Return the contest with the curves of the first seeds only; curves take most of the space."""
    runs = {
        label: [run | {"curve": run["curve"] if k < curves else []} for k, run in enumerate(runs)]
        for label, runs in cell["runs"].items()
    }
    return cell | {"runs": runs}


def joined(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Join contests of different entrants on the same problem and seeds."""
    whole = dict(cells[0])
    for key in ("runs", "groups", "by"):
        whole[key] = {name: held for cell in cells for name, held in cell.get(key, {}).items()}
    return whole
