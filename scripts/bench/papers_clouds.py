"""The papers' clouds: loops grown in boxes of four sizes, networks against tuned adam."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from bench import Report, Say
from meshrep.base.tables import markdown
from meshrep.energies.topology import RipsPersistence
from meshrep.solving.contest import run_all
from meshrep.solving.entrants import Entrant
from meshrep.solving.records import record
from meshrep.solving.solution import Solution
from meshrep.solving.standings import Standing, geometric_mean, ratios
from meshrep.sources.clouds import uniform

SECONDS = {100: 1.5, 200: 3.0, 300: 5.0}  # of a run by the number of points
RANGES, SEEDS = (0.5, 1.0, 2.0, 4.0), 5
QUICK_SECONDS, QUICK_RANGES, QUICK_SEEDS = {100: 1.0}, (1.0, 2.0), 2
RATES = (0.01, 0.02, 0.05)  # of adam; gains are over the best of a cell
NETWORKS = ("gcn-prefit", "gcn")
SHARE = 0.95  # of tuned adam's fall, which a solver must reach


COUNTS = ("steps", "seconds", "total")  # what gains are measured in


@dataclass(frozen=True)
class Cell:
    """All solvers on clouds of one size in one box.

    Attributes
    ----------
    runs : dict of str to Standing
        By label.
    tuned : str
        The label of the rate of adam that gains are measured against.
    level : str
        The share of its fall that a solver must reach.
    """

    runs: dict[str, Standing]
    tuned: str
    level: str

    def gains(self, label: str, what: str) -> np.ndarray:
        """Return tuned adam's steps or seconds over this solver's, where both arrive."""
        found = ratios(self.runs[label], self.runs[self.tuned], self.level, what)
        return found[np.isfinite(found)]


def run(quick: bool, say: Say) -> Report:
    """Write tables of ends and of gains for every size, and sentences on them."""
    limits, ranges = (QUICK_SECONDS, QUICK_RANGES) if quick else (SECONDS, RANGES)
    seeds = QUICK_SEEDS if quick else SEEDS
    cells = {
        (n, r): cell(n, r, range(seeds), limit, lambda line, n=n, r=r: say(f"{n}, {r:g}: {line}"))
        for n, limit in limits.items()
        for r in ranges
    }
    page = [
        "## The papers' clouds",
        f"Points uniform in [−1, 1]² (the range is the box's half width), {seeds} seeds, at most "
        f"{', '.join(f'{limit:g}' for limit in limits.values())} s a run for n = "
        f"{', '.join(map(str, limits))}. Rates of adam are in units of the half width. "
        "Gains are tuned adam's steps, training time and total time (with "
        f"prefit) over a solver's, until {SHARE:.0%} of the way is gone from the start, moved "
        "into its box, to where tuned adam ends: geometric means over the seeds that get there, "
        "– where none does.",
    ]
    for n in limits:
        row = {r: found for (size, r), found in cells.items() if size == n}
        page += [f"### n = {n}: loss reached (steps; training + prefit)", ends(row)]
        page += [f"### n = {n}: gain over tuned adam in steps / training / total", gains(row)]
    page.append(sentences(list(cells.values())))
    return "\n\n".join(page), {
        f"n = {n}, range {r:g}": {
            "tuned": found.tuned,
            "runs": {label: runs.runs for label, runs in found.runs.items()},
        }
        for (n, r), found in cells.items()
    }


def entrants() -> list[Entrant]:
    """Return every solver."""
    adams = [Entrant(f"adam {lr:g}", "adam", {"lr": lr}) for lr in RATES]
    networks = [Entrant(name, name) for name in NETWORKS]
    return [
        *networks,
        Entrant("kernel", "kernel"),
        *adams,
        Entrant("sgd", "sgd"),
        Entrant("lbfgs", "lbfgs"),
    ]


def cell(n: int, bound: float, seeds: range, seconds: float, say: Callable[[str], None]) -> Cell:
    """Run every solver on the same clouds."""
    clouds = cache(partial(energy_of, n, bound))
    found = run_all(clouds, entrants(), seeds, begin=say, max_seconds=seconds)
    tuned = lowest_adam(found)
    begun = [begun_at(clouds(seed)) for seed in seeds]
    records = recorded(found, begun, found[tuned], (SHARE,))
    return Cell(standing(records), tuned, f"{SHARE:g}")


def energy_of(n: int, bound: float, seed: int) -> RipsPersistence:
    """Return the energy that grows loops of uniform points in a box about the origin."""
    return RipsPersistence(uniform(n, seed=seed), bound=bound, centre=0.0)


def begun_at(energy: RipsPersistence) -> float:
    """Return the loss of the start moved into its box, from which a fall is counted."""
    return energy.value(np.clip(energy.points, -energy.bound, energy.bound))


def lowest_adam(found: Mapping[str, Sequence[Solution]]) -> str:
    """Return the rate of adam whose mean end is lowest."""
    return min(adams(found), key=lambda label: np.mean([s.energy for s in found[label]]))


def adams(labels: Iterable[str]) -> list[str]:
    """Return the labels that are adam at some rate."""
    return [label for label in labels if label.startswith("adam")]


def recorded(
    found: Mapping[str, Sequence[Solution]],
    begun: Sequence[float],
    goals: Sequence[Solution],
    shares: Sequence[float],
) -> dict[str, list[dict[str, Any]]]:
    """Return records of all runs, with levels at shares of the fall to the ``goals``, seed by seed.

    If a goal is no lower than the start there is no fall, and no solver reaches the level.
    """
    levels = [
        {
            f"{share:g}": first + share * (goal.energy - first) if goal.energy < first else -np.inf
            for share in shares
        }
        for first, goal in zip(begun, goals, strict=True)
    ]
    return {
        label: [record(end, to) | {"curve": []} for end, to in zip(several, levels, strict=True)]
        for label, several in found.items()
    }


def standing(records: Mapping[str, list[dict[str, Any]]]) -> dict[str, Standing]:
    """Return the records of each label as a Standing."""
    return {label: Standing(label, runs) for label, runs in records.items()}


def ends(row: Mapping[float, Cell]) -> str:
    """Return a table of solvers and ranges: the mean loss, its spread, steps and times."""

    def shown(found: Cell, label: str) -> str:
        energy, steps, seconds, prefit = (
            found.runs[label].column(name) for name in ("energy", "steps", "seconds", "prefit")
        )
        digits = 3 if abs(energy.mean()) < 10 else 2
        text = f"{energy.mean():.{digits}f} ± {energy.std():.{digits}f} ({steps.mean():,.0f}; "
        text += f"{seconds.mean():.2g} s" + f" + {prefit.mean():.2g} s" * bool(prefit.any())
        return text + (")*" if label == found.tuned else ")")

    note = "\\* tuned adam: its mean is the lowest among the rates."
    return f"{_by_range(row, shown)}\n\n{note}"


def gains(row: Mapping[float, Cell]) -> str:
    """Return a table of solvers and ranges: three gains, and in how many seeds if not in all."""

    def shown(found: Cell, label: str) -> str:
        parts = [found.gains(label, count) for count in COUNTS]
        reached, of = len(parts[0]), len(found.runs[label].runs)
        if not reached:
            return "–"
        text = " / ".join(f"{geometric_mean(part).value:.2g}" for part in parts)
        return text + (f" ({reached} of {of})" if reached < of else "")

    return _by_range(row, shown)


def sentences(cells: list[Cell]) -> str:
    """Return what each solver gains over tuned adam, and which one ends lowest."""
    said = []
    everyone = dict.fromkeys(label for found in cells for label in found.runs)
    for label in everyone:
        if label in adams(everyone):
            continue
        own = [found for found in cells if label in found.runs]
        means = {
            count: np.array([geometric_mean(found.gains(label, count)).value for found in own])
            for count in COUNTS
        }
        reached = sum(len(found.gains(label, "steps")) for found in own)
        of = sum(len(found.runs[label].runs) for found in own)
        lower = sum(_loss(found, label) < _loss(found, found.tuned) for found in own)
        text = f"- `{label}` reaches the level in {reached} of {of} runs"
        if reached:
            words = dict(zip(("steps", "training time", "total time"), COUNTS, strict=True))
            text += "; there the gain is " + ", ".join(
                f"{geometric_mean(means[count]).value:.2g} in {word} "
                f"(from {np.nanmin(means[count]):.2g} to {np.nanmax(means[count]):.2g} over the "
                "cells)"
                for word, count in words.items()
            )
        said.append(text + f"; its mean loss is below tuned adam's in {lower} of {len(own)}.")
    chosen = [found.tuned for found in cells]
    said.append(f"- Tuned adam is {_tally(chosen)}.")
    lowest = [min(f.runs, key=partial(_loss, f)) for f in cells]
    said.append(f"- Lowest mean loss, of {len(cells)} cells: {_tally(lowest)}.")
    return "\n".join(said)


def _loss(found: Cell, label: str) -> float:
    return float(np.mean(found.runs[label].column("energy")))


def _tally(labels: list[str]) -> str:
    """Return each label and how often it occurs, the most frequent first."""
    order = sorted(set(labels), key=lambda label: (-labels.count(label), label))
    return ", ".join(f"`{label}` in {labels.count(label)}" for label in order)


def _by_range(row: Mapping[float, Cell], shown: Callable[[Cell, str], str]) -> str:
    """Return a table of solvers and ranges."""
    labels = next(iter(row.values())).runs
    lines = [[label, *(shown(found, label) for found in row.values())] for label in labels]
    return markdown(["solver", *(f"range {bound:g}" for bound in row)], lines)
