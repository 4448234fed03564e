"""The papers' clouds: loops grown in boxes of four sizes, networks against tuned adam."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench import Report, Say
from bench.ratios import geometric_mean
from meshrep.energies.topology import RipsPersistence
from meshrep.solving.solution import Solution
from meshrep.solving.solve import solve
from meshrep.sources.clouds import uniform

SECONDS = {100: 1.5, 200: 3.0, 300: 5.0}  # of a run, by the number of points
RANGES, SEEDS = (0.5, 1.0, 2.0, 4.0), 5
QUICK_SECONDS, QUICK_RANGES, QUICK_SEEDS = {100: 1.0}, (1.0, 2.0), 2
RATES = (0.01, 0.02, 0.05)  # of adam, among which the best of a cell is the one to beat
NETWORKS = ("gcn-prefit", "gcn")
SHARE = 0.95  # of tuned adam's fall, which a solver must reach


@dataclass
class Runs:
    """One solver in one cell: a number a seed, NaN where the level was not reached."""

    energy: list[float] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    train_s: list[float] = field(default_factory=list)
    prefit_s: list[float] = field(default_factory=list)
    steps_to: list[float] = field(default_factory=list)
    train_to: list[float] = field(default_factory=list)
    total_to: list[float] = field(default_factory=list)


@dataclass
class Cell:
    """All solvers on clouds of one size in one box, and the rate of adam that ended lowest."""

    runs: dict[str, Runs]
    tuned: str

    def gains(self, label: str, count: str) -> np.ndarray:
        """Tuned adam's steps or seconds over this solver's, at the level, of seeds that reach."""
        mine, adams = (
            np.array(getattr(self.runs[name], count)) for name in (label, self.tuned)
        )  # fmt: skip
        both = np.isfinite(mine) & np.isfinite(adams)
        return adams[both] / np.maximum(mine[both], 1e-9)


def run(quick: bool, say: Say) -> Report:
    """Tables of ends and of gains for every size, and what they say."""
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
            "runs": {label: vars(runs) for label, runs in found.runs.items()},
        }
        for (n, r), found in cells.items()
    }


def entrants() -> dict[str, tuple[str, dict[str, Any]]]:
    """Preset and settings of every solver by its label."""
    adams = {f"adam {lr:g}": ("adam", {"lr": lr}) for lr in RATES}
    return {
        **{name: (name, {}) for name in NETWORKS}, "kernel": ("kernel", {}), **adams,
        "sgd": ("sgd", {}), "lbfgs": ("lbfgs", {}),
    }  # fmt: skip


def cell(n: int, bound: float, seeds: range, seconds: float, say: Callable[[str], None]) -> Cell:
    """Every solver on the same clouds, seed by seed in turn."""
    found: dict[str, list[Solution]] = {label: [] for label in entrants()}
    begun = []
    for seed in seeds:
        say(f"seed {seed}")
        energy = RipsPersistence(uniform(n, seed=seed), bound=bound, centre=0.0)
        begun.append(energy.value(np.clip(energy.points, -bound, bound)))
        for label, (name, settings) in entrants().items():
            found[label].append(
                solve(energy, name, seed=seed, max_seconds=seconds, **settings)
            )  # fmt: skip
    return against(found, begun, lowest_adam(found))


def lowest_adam(found: Mapping[str, list[Solution]]) -> str:
    """The rate of adam whose mean end is lowest."""
    return min(adams(found), key=lambda label: np.mean([s.energy for s in found[label]]))


def against(found: Mapping[str, list[Solution]], begun: list[float], yardstick: str) -> Cell:
    """The runs of all, counted to most of the fall of one of them, seed by seed."""
    levels = [
        first + SHARE * (solution.energy - first)
        for first, solution in zip(begun, found[yardstick], strict=True)
    ]
    return Cell({label: counted(found[label], levels) for label in found}, yardstick)


def adams(labels: Mapping[str, object]) -> list[str]:
    """The labels that are adam at some rate."""
    return [label for label in labels if label.startswith("adam")]


def counted(solutions: list[Solution], levels: list[float]) -> Runs:
    """The runs of one solver, and when each got to its level."""
    runs = Runs()
    for solution, level in zip(solutions, levels, strict=True):
        steps, seconds = solution.history.steps_to(level), solution.history.time_to(level)
        runs.energy.append(solution.energy)
        runs.steps.append(solution.steps)
        runs.train_s.append(solution.solve_s)
        runs.prefit_s.append(solution.prefit_s)
        runs.steps_to.append(np.nan if steps is None else max(steps, 1))
        runs.train_to.append(np.nan if seconds is None else seconds)
        runs.total_to.append(np.nan if seconds is None else seconds + solution.prefit_s)
    return runs


def ends(row: Mapping[float, Cell]) -> str:
    """Solvers against ranges: the mean loss, its spread, steps and times."""
    lines = _header(row)
    for label in next(iter(row.values())).runs:
        shown = []
        for found in row.values():
            runs = found.runs[label]
            mean, spread = float(np.mean(runs.energy)), float(np.std(runs.energy))
            digits = 3 if abs(mean) < 10 else 2
            prefit = float(np.mean(runs.prefit_s))
            text = f"{mean:.{digits}f} ± {spread:.{digits}f} ({np.mean(runs.steps):,.0f}; "
            text += f"{np.mean(runs.train_s):.2g} s" + (f" + {prefit:.2g} s" if prefit else "")
            shown.append(text + (")*" if label == found.tuned else ")"))
        lines.append(f"| {label} | " + " | ".join(shown) + " |")
    return "\n".join([*lines, "", "\\* tuned adam: its mean is the lowest among the rates."])


def gains(row: Mapping[float, Cell]) -> str:
    """Solvers against ranges: the three gains, and in how many seeds where not in all."""
    lines = _header(row)
    for label in next(iter(row.values())).runs:
        shown = []
        for found in row.values():
            parts = [found.gains(label, count) for count in ("steps_to", "train_to", "total_to")]
            reached, of = len(parts[0]), len(found.runs[label].energy)
            if not reached:
                shown.append("–")
                continue
            text = " / ".join(f"{geometric_mean(part):.2g}" for part in parts)
            shown.append(text + (f" ({reached} of {of})" if reached < of else ""))
        lines.append(f"| {label} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def sentences(cells: list[Cell]) -> str:
    """What the solvers of each cell gain over its tuned adam, and which one ends lowest."""
    said = []
    everyone = dict.fromkeys(label for found in cells for label in found.runs)
    for label in everyone:
        if label in adams(everyone):
            continue
        own = [found for found in cells if label in found.runs]
        means = {
            count: np.array([geometric_mean(found.gains(label, count)) for found in own])
            for count in ("steps_to", "train_to", "total_to")
        }
        reached = sum(len(found.gains(label, "steps_to")) for found in own)
        of = sum(len(found.runs[label].energy) for found in own)
        lower = sum(
            np.mean(found.runs[label].energy) < np.mean(found.runs[found.tuned].energy)
            for found in own
        )
        text = f"- `{label}` reaches the level in {reached} of {of} runs"
        if reached:
            words = {"steps": "steps_to", "training time": "train_to", "total time": "total_to"}
            text += "; there the gain is " + ", ".join(
                f"{geometric_mean(means[count]):.2g} in {word} "
                f"(from {np.nanmin(means[count]):.2g} to {np.nanmax(means[count]):.2g} over the "
                "cells)"
                for word, count in words.items()
            )
        said.append(text + f"; its mean loss is below tuned adam's in {lower} of {len(own)}.")
    chosen = [found.tuned for found in cells]
    said.append(f"- Tuned adam is {_tally(chosen)}.")
    lowest = [min(f.runs, key=lambda s, f=f: np.mean(f.runs[s].energy)) for f in cells]
    said.append(f"- Lowest mean loss, of {len(cells)} cells: {_tally(lowest)}.")
    return "\n".join(said)


def _tally(labels: list[str]) -> str:
    """Each label and how often it is there, the most frequent first."""
    order = sorted(set(labels), key=lambda label: (-labels.count(label), label))
    return ", ".join(f"`{label}` in {labels.count(label)}" for label in order)


def _header(row: Mapping[float, Cell]) -> list[str]:
    titles = " | ".join(f"range {bound:g}" for bound in row)
    return [f"| solver | {titles} |", "|---" * (len(row) + 1) + "|"]
