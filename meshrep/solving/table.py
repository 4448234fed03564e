"""A contest as a table in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from meshrep.base.tables import markdown, number, spread
from meshrep.errors import InputError
from meshrep.solving.standings import Mean, Standing, gained, standings


def factor(mean: Mean, seeds: int) -> str:
    """Write a gain, its range over the seeds, and the number of seeds if some lack it."""
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
    """Write a contest in Markdown: energies at both ends, steps and time to the level, and gains.

    Parameters
    ----------
    cell : mapping
        As :func:`meshrep.solving.records.contest` gives it.
    level : str
    yardstick : str
        The label or group that gains compare with.
    columns : mapping, optional
        Further columns, after the column of end energies.

    Raises
    ------
    InputError
        If no entrant or group has the yardstick's name.
    """
    columns = columns or {}
    rows = standings(cell, level)
    if yardstick not in rows:
        raise InputError(f"no entrant {yardstick!r} in this contest")
    against, seeds = rows[yardstick], len(cell["begun"])
    head = ["solver", "begins at", "ends at", *columns, "all steps", "all time, s",
            f"steps to {level}", f"time to {level}, ms", "reached",
            f"fewer steps than {yardstick}", "less time than it"]  # fmt: skip
    lines = []
    for standing in rows.values():
        to = standing.to(level)
        prefit = standing.column("prefit")
        fitted = f" (+ {spread(prefit)} fit)" if prefit.any() else ""
        gains = [
            factor(gained(standing, against, level, what), seeds) for what in ("steps", "seconds")
        ]
        lines.append(
            [
                standing.shown,
                spread(standing.column("begun"), 5),
                spread(standing.column("energy"), 8),
                *(say(standing) for say in columns.values()),
                spread(standing.column("steps")),
                spread(standing.column("seconds")) + fitted,
                spread(to[:, 0]),
                spread(1e3 * to[:, 1]),
                f"{standing.reached(level)} of {seeds}",
                *gains,
            ]
        )
    return markdown(head, lines)
