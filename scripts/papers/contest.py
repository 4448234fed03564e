"""Solvers against each other on one problem over seeds, from the same start or from their own.

A level is a share of the fall from the start to the least energy known: "1e-3" is reached where a
thousandth of it is left. Time is that of solving, warm; set-up and a fit to the start are counted
apart. Every end is judged in float64 by the same evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from bench import ratios

from meshrep.base.outcome import History, Result
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.solving.solution import Solution
from meshrep.solving.solve import solve
from meshrep.solving.solver import Solver
from papers.row import Say

LEVELS = ("1e-1", "1e-2", "1e-3", "1e-4", "1e-6")
CURVE = 120  # points kept of a history


@dataclass(frozen=True)
class Entrant:
    """A solver of a contest.

    Attributes
    ----------
    label : str
        What tables call it.
    solver : str or Solver
        A preset's name, or a composition.
    settings : dict
        Further settings of :func:`meshrep.solve` for a preset.
    tuned : str
        The group that it belongs to: of entrants that share one and differ in a rate only, tables
        show the best and name its rate. Empty for one that stands alone.
    by : {"steps", "seconds"}
        What the best of the group takes least of to a level. Steps do not depend on the clock;
        seconds are to be taken where steps do not all cost the same, as where a network hands over.
    """

    label: str
    solver: str | Solver
    settings: dict[str, Any] = field(default_factory=dict)
    tuned: str = ""
    by: str = "steps"


def rates(
    group: str,
    make: Callable[[float], tuple[str | Solver, dict[str, Any]]],
    of: Sequence[float],
    by: str = "steps",
) -> list[Entrant]:
    """An entrant for each rate, in one group."""
    return [Entrant(f"{group}, rate {rate:g}", *make(rate), tuned=group, by=by) for rate in of]


def contest(
    energy: Energy,
    entrants: Sequence[Entrant],
    seeds: Sequence[int],
    say: Say,
    *,
    begin: Callable[[Energy, int], np.ndarray] | None = None,
    reference: float | None = None,
    measure: Callable[[Solution], dict[str, float]] | None = None,
    warm_seconds: float = 0.1,
    **settings: Any,
) -> dict[str, Any]:
    """Run every entrant on every seed, each warmed up first; plain data for the tables below.

    ``begin(energy, seed)`` gives the shared start (by default the energy's random one);
    ``reference`` is the least energy where it is known otherwise; ``measure`` adds to what the
    energy measures of an end; the first seed is run for ``warm_seconds`` beforehand; settings are
    those of :func:`meshrep.solve`.
    """
    first = begin or (lambda e, seed: e.random_start(seed))
    starts = {seed: energy.clamp(first(energy, seed)) for seed in seeds}
    ends: dict[str, list[Solution]] = {}
    for entrant in entrants:
        say(entrant.label)
        options = {**settings, **entrant.settings}
        warm = {**options, "max_seconds": warm_seconds}
        whole(solve(energy, entrant.solver, start=starts[seeds[0]], seed=seeds[0], **warm))
        ends[entrant.label] = [
            whole(solve(energy, entrant.solver, start=starts[seed], seed=seed, **options))
            for seed in seeds
        ]
    found = [end.energy for several in ends.values() for end in several]
    least = float(min([*found, np.inf if reference is None else reference]))
    begun = [float(energy.value(starts[seed])) for seed in seeds]

    def recorded(end: Solution, high: float) -> dict[str, Any]:
        found = record(end, high, least)
        return found if measure is None else found | {"measures": end.measures | measure(end)}

    return {
        "nodes": energy.graph.n,
        "edges": len(energy.graph.edges),
        "begun": begun,
        "reference": least,
        "groups": {e.label: e.tuned for e in entrants if e.tuned},
        "by": {e.tuned: e.by for e in entrants if e.tuned},
        "runs": {
            label: [recorded(end, high) for end, high in zip(several, begun, strict=True)]
            for label, several in ends.items()
        },
    }


def lean(cell: dict[str, Any], curves: int = 1) -> dict[str, Any]:
    """The contest with the curves of the first seeds only, which are most of its bulk."""
    runs = {
        label: [run | {"curve": run["curve"] if k < curves else []} for k, run in enumerate(runs)]
        for label, runs in cell["runs"].items()
    }
    return cell | {"runs": runs}


def whole(end: Solution) -> Solution:
    """The solution, unless Ctrl-C cut it short, which is passed on."""
    if end.result is Result.INTERRUPTED:
        raise KeyboardInterrupt
    return end


def record(end: Solution, high: float, least: float) -> dict[str, Any]:
    """A run as plain data: steps and seconds to each level of a fall from ``high`` to ``least``."""
    to: dict[str, list[float] | None] = {}
    for level in LEVELS:
        energy = least + float(level) * (high - least)
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
    """(step, seconds, least energy so far) at entries ever further apart, the last among them."""
    kept = np.unique(np.geomspace(1, max(len(history), 1), CURVE).astype(int)) - 1
    best = history.best_energy()
    return [[history.step[k], history.seconds[k], float(best[k])] for k in kept if k < len(best)]


@dataclass(frozen=True)
class Standing:
    """What one entrant, or the best of a group, made of all seeds.

    Attributes
    ----------
    label : str
        The entrant's; of a group its name with the rate.
    runs : list of dict
        As :func:`record` gives them, one a seed.
    edge : bool
        Whether its rate, the best of a group, is the lowest or the highest that was tried: beyond
        it might lie a better one.
    """

    label: str
    runs: list[dict[str, Any]]
    edge: bool = False

    @property
    def shown(self) -> str:
        """The label, and whether its rate is at an edge of those tried."""
        return self.label + " (edge)" * self.edge

    def to(self, level: str) -> np.ndarray:
        """Steps and seconds (k, 2) to a level, one row a seed; NaN where it was not reached."""
        rows = [run["to"][level] or (np.nan, np.nan) for run in self.runs]
        return np.array(rows, dtype=float).reshape(-1, 2)

    def reached(self, level: str) -> int:
        """In how many seeds the level was reached."""
        return int(np.isfinite(self.to(level)[:, 0]).sum())

    def column(self, name: str) -> np.ndarray:
        """One number a seed (k,): energy, begun, steps, seconds, setup, prefit."""
        return np.array([run[name] for run in self.runs], dtype=float)

    def measured(self, name: str) -> np.ndarray:
        """What was measured of each end (k,), "rho" or "vortices"; NaN where it was not."""
        return np.array([run["measures"].get(name, np.nan) for run in self.runs], dtype=float)


def standings(cell: Mapping[str, Any], level: str, by: str = "") -> dict[str, Standing]:
    """The entrants by label, the groups by name with their best rate at a level.

    The best reaches the level in most seeds, and then in the fewest steps in the mean or in the
    least median of the seconds, as its group is chosen or as ``by`` says; where no rate reaches
    it, it is the one that ends lowest.
    """
    single = {label: Standing(label, runs) for label, runs in cell["runs"].items()}
    groups: dict[str, list[Standing]] = {}
    found: dict[str, Standing] = {}
    for label, standing in single.items():
        group = cell["groups"].get(label)
        if group:
            groups.setdefault(group, []).append(standing)
            found[group] = standing  # in the place of its last rate, until the best is known
        else:
            found[label] = standing
    for group, several in groups.items():
        least_of = by or cell.get("by", {}).get(group, "steps")
        best = min(several, key=lambda s: rank(s, level, least_of))
        tried = [_rate(standing.label) for standing in several]
        edge = len(tried) > 1 and _rate(best.label) in (min(tried), max(tried))
        found[group] = Standing(best.label, best.runs, edge)
    return found


def _rate(label: str) -> float:
    """The rate at the end of a label that :func:`rates` gave; NaN where there is none."""
    try:
        return float(label.rsplit(" ", 1)[-1])
    except ValueError:
        return float("nan")


def rank(standing: Standing, level: str, by: str = "steps") -> tuple[float, float, float]:
    """What the best of a group has least of."""
    reached = standing.reached(level)
    taken = np.inf
    if reached and by == "seconds":
        taken = float(np.nanmedian(standing.to(level)[:, 1]))
    elif reached:
        taken = float(np.nanmean(standing.to(level)[:, 0]))
    return -reached, taken, float(np.mean(standing.column("energy")))


class Mean(NamedTuple):
    """A geometric mean, of how many numbers, and the least and the greatest of them."""

    value: float
    known: int
    low: float
    high: float


def geometric_mean(values: Sequence[float] | np.ndarray) -> Mean:
    """The geometric mean of what is finite and positive; NaN, of none, where nothing is."""
    found = np.asarray(values, dtype=float).ravel()
    found = found[np.isfinite(found) & (found > 0)]
    if not len(found):
        return Mean(float("nan"), 0, float("nan"), float("nan"))
    return Mean(ratios.geometric_mean(found), len(found), float(found.min()), float(found.max()))


def gained(mine: Standing, other: Standing, level: str, what: str) -> Mean:
    """How many times the "steps" or "seconds" of ``mine`` another takes to a level.

    Over the seeds in which both get there, which may be fewer than there are.
    """
    column = ("steps", "seconds").index(what)
    least = 1.0 if what == "steps" else 1e-7
    ratios = np.maximum(other.to(level)[:, column], least) / np.maximum(
        mine.to(level)[:, column], least
    )
    return geometric_mean(ratios)


def gain(mine: Standing, other: Standing, level: str, what: str) -> float:
    """The mean of :func:`gained`, whatever it rests on; NaN where no seed has both arrive."""
    return gained(mine, other, level, what).value


def spread(values: np.ndarray, digits: int = 3) -> str:
    """Mean ± standard deviation of what is finite; – where nothing is."""
    values = values[np.isfinite(values)]
    if not len(values):
        return "–"
    text = number(float(np.mean(values)), digits)
    return text + (f" ± {number(float(np.std(values, ddof=1)), 2)}" if len(values) > 1 else "")


def number(value: float, digits: int) -> str:
    """A number to so many digits, with a true minus sign; large ones in full, rounded to them."""
    rounded = float(f"{value:.{digits - 1}e}")
    text = f"{rounded:.{digits}g}"
    if 10**digits <= abs(rounded) < 1e9:
        text = f"{rounded:,.0f}"
    elif "e" in text:
        mantissa, power = text.split("e")
        text = f"{mantissa}e{int(power)}"
    return text.replace("-", "−")


def factor(mean: Mean, seeds: int) -> str:
    """A gain with the least and the greatest of the seeds, and of how many where some lack it."""
    if not mean.known:
        return "–"
    low, high = number(mean.low, 2), number(mean.high, 2)
    notes = [f"{low} to {high}"] * (low != high)
    notes += [f"{mean.known} of {seeds}"] * (mean.known < seeds)
    return f"{number(mean.value, 2)}×" + f" ({', '.join(notes)})" * bool(notes)


def table(
    cell: Mapping[str, Any],
    level: str,
    yardstick: str,
    columns: Mapping[str, Callable[[Standing], str]] | None = None,
) -> str:
    """A contest as Markdown: where each begins and ends, steps and time to the level and the gains.

    ``yardstick`` is the label or group whose steps and time the gains are counted in, each with
    the least and the greatest of the seeds in which both arrive; ``columns`` are further ones, put
    behind where each ends.
    """
    columns = columns or {}
    rows = standings(cell, level)
    if yardstick not in rows:
        raise InputError(f"no entrant {yardstick!r} in this contest")
    against, seeds = rows[yardstick], len(cell["begun"])
    lines = [
        f"| solver | begins at | ends at | {''.join(f'{name} | ' for name in columns)}"
        f"all steps | all time, s | steps to {level} | "
        f"time to {level}, ms | reached | fewer steps than {yardstick} | less time than it |",
        "|---|---|---|---|---|---|---|---|---|---|" + "---|" * len(columns),
    ]
    for standing in rows.values():
        to = standing.to(level)
        prefit = standing.column("prefit")
        fitted = f" (+ {spread(prefit)} fit)" if prefit.any() else ""
        shown = [
            factor(gained(standing, against, level, what), seeds) for what in ("steps", "seconds")
        ]
        lines.append(
            f"| {standing.shown} | {spread(standing.column('begun'), 5)} | "
            f"{spread(standing.column('energy'), 8)} | "
            f"{''.join(f'{say(standing)} | ' for say in columns.values())}"
            f"{spread(standing.column('steps'))} | "
            f"{spread(standing.column('seconds'))}{fitted} | {spread(to[:, 0])} | "
            f"{spread(1e3 * to[:, 1])} | {standing.reached(level)} of {seeds} | "
            f"{' | '.join(shown)} |"
        )
    return "\n".join(lines)
