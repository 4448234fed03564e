"""Results of recorded runs: who reaches a level, the best rate of a group, gains over another.

Records are those of :mod:`meshrep.solving.records`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

LEAST = {"steps": 1.0, "seconds": 1e-7, "total": 1e-7}  # ratios take smaller numbers for these


@dataclass(frozen=True)
class Standing:
    """The runs of one entrant, or of the best of a group, on all seeds.

    Attributes
    ----------
    label : str
        The entrant's label; for a group the label of its best, which ends with the rate.
    runs : list of dict
        Records, one a seed.
    edge : bool
        Whether its rate is the best of a group and the lowest or the highest that was tried, so
        that a better one might lie beyond.
    """

    label: str
    runs: list[dict[str, Any]]
    edge: bool = False

    @property
    def shown(self) -> str:
        """The label, and whether its rate is at an edge of those tried."""
        return self.label + " (edge)" * self.edge

    def to(self, level: str) -> np.ndarray:
        """Return steps and seconds (k, 2) to a level, one row a seed; NaN if it was not reached."""
        rows = [run["to"][level] or (np.nan, np.nan) for run in self.runs]
        return np.array(rows, dtype=float).reshape(-1, 2)

    def reached(self, level: str) -> int:
        """Count the seeds in which the level was reached."""
        return int(np.isfinite(self.to(level)[:, 0]).sum())

    def column(self, name: str) -> np.ndarray:
        """Return one number a seed (k,): energy, begun, steps, seconds, setup or prefit."""
        return np.array([run[name] for run in self.runs], dtype=float)

    def measured(self, name: str) -> np.ndarray:
        """Return a measure of each end (k,), such as "rho"; NaN if it was not measured."""
        return np.array([run["measures"].get(name, np.nan) for run in self.runs], dtype=float)

    def taken(self, level: str, what: str) -> np.ndarray:
        """Return what a level took (k,): "steps", "seconds", or "total" (seconds with the fit)."""
        steps, seconds = self.to(level).T
        return {"steps": steps, "seconds": seconds}.get(what, seconds + self.column("prefit"))


def standings(cell: Mapping[str, Any], level: str, by: str = "") -> dict[str, Standing]:
    """Return entrants of a contest by label, and groups by name with their best rate at a level.

    The best rate reaches the level in the most seeds. Of equal ones it has the least mean of steps
    or the least median of seconds, as ``by`` or its group says. If no rate reaches the level, the
    best is the one that ends lowest.
    """
    groups: dict[str, list[Standing]] = {}
    found: dict[str, Standing] = {}
    for label, runs in cell["runs"].items():
        standing = Standing(label, runs)
        group = cell["groups"].get(label)
        if group:
            groups.setdefault(group, []).append(standing)
        found[group or label] = standing  # a group holds its last rate until the best is known
    for group, several in groups.items():
        least_of = by or cell.get("by", {}).get(group, "steps")
        best = min(several, key=lambda s: rank(s, level, least_of))
        tried = [_rate(standing.label) for standing in several]
        edge = len(tried) > 1 and _rate(best.label) in (min(tried), max(tried))
        found[group] = Standing(best.label, best.runs, edge)
    return found


def _rate(label: str) -> float:
    """Return the rate at the end of a label that ``rates`` gave; NaN if there is none."""
    try:
        return float(label.rsplit(" ", 1)[-1])
    except ValueError:
        return float("nan")


def rank(standing: Standing, level: str, by: str = "steps") -> tuple[float, float, float]:
    """Return the key by which the best of a group is the least."""
    reached = standing.reached(level)
    taken = np.inf
    if reached and by == "seconds":
        taken = float(np.nanmedian(standing.to(level)[:, 1]))
    elif reached:
        taken = float(np.nanmean(standing.to(level)[:, 0]))
    energy = float(np.mean(standing.column("energy")))
    return -reached, taken, energy if np.isfinite(energy) else np.inf


class Mean(NamedTuple):
    """A geometric mean, the count of its numbers, and the least and the greatest of them."""

    value: float
    known: int
    low: float
    high: float


def geometric_mean(values: Sequence[float] | np.ndarray) -> Mean:
    """Return the geometric mean of finite positive numbers; NaN if there are none."""
    found = np.asarray(values, dtype=float).ravel()
    found = found[np.isfinite(found) & (found > 0)]
    if not len(found):
        return Mean(float("nan"), 0, float("nan"), float("nan"))
    value = float(np.exp(np.mean(np.log(found))))
    return Mean(value, len(found), float(found.min()), float(found.max()))


def ratios(mine: Standing, other: Standing, level: str, what: str) -> np.ndarray:
    """Return steps or seconds of another to a level, divided by those of ``mine``, by seed (k,).

    NaN for seeds in which one of them does not reach it. ``what`` is as for :meth:`Standing.taken`.
    """
    least = LEAST[what]
    return np.maximum(other.taken(level, what), least) / np.maximum(mine.taken(level, what), least)


def gained(mine: Standing, other: Standing, level: str, what: str) -> Mean:
    """Return the mean of :func:`ratios` over the seeds in which both reach the level."""
    return geometric_mean(ratios(mine, other, level, what))


def gain(mine: Standing, other: Standing, level: str, what: str) -> float:
    """Return the value of :func:`gained`; NaN if there is no seed in which both reach the level."""
    return gained(mine, other, level, what).value
