"""Numbers and tables for readers, as aligned text and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.solving.standings import Mean, Standing, gained, standings


def duration(seconds: float | None) -> str:
    """A time in a unit that suits it; "–" for None."""
    if seconds is None:
        return "–"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def number(value: float, digits: int = 3) -> str:
    """A number to so many digits, with a true minus sign; large ones in full, rounded to them."""
    rounded = float(f"{value:.{digits - 1}e}")
    text = f"{rounded:.{digits}g}"
    if 10**digits <= abs(rounded) < 1e9:
        text = f"{rounded:,.0f}"
    elif "e" in text:
        mantissa, power = text.split("e")
        text = f"{mantissa}e{int(power)}"
    return text.replace("-", "−")


def ratio(value: float) -> str:
    """A ratio to two digits, to three from 100 on; "–" for NaN."""
    return "–" if np.isnan(value) else number(value, 2 if value < 100 else 3)


def times(value: float) -> str:
    """A ratio as a factor, as in "3.1×"."""
    return ratio(value) + "×" * (not np.isnan(value))


def spread(values: np.ndarray, digits: int = 3) -> str:
    """Mean ± standard deviation of what is finite; "–" where nothing is."""
    values = values[np.isfinite(values)]
    if not len(values):
        return "–"
    text = number(float(np.mean(values)), digits)
    return text + (f" ± {number(float(np.std(values, ddof=1)), 2)}" if len(values) > 1 else "")


def factor(mean: Mean, seeds: int) -> str:
    """A gain with the least and the greatest of the seeds, and of how many where some lack it."""
    if not mean.known:
        return "–"
    low, high = number(mean.low, 2), number(mean.high, 2)
    notes = [f"{low} to {high}"] * (low != high)
    notes += [f"{mean.known} of {seeds}"] * (mean.known < seeds)
    return f"{number(mean.value, 2)}×" + f" ({', '.join(notes)})" * bool(notes)


def aligned(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as text in columns, the first and the last flush left and the others flush right."""
    lines = [head, *rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head) - 1)]
    rule = "  ".join("─" * width for width in [*widths, len(head[-1])])
    text = [
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:-1], widths[1:], strict=True)]
            + [line[-1]]
        )
        for line in lines
    ]
    return "\n".join([text[0], rule, *text[1:]])


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as a table in Markdown."""
    lines = [f"| {' | '.join(map(str, row))} |" for row in (head, *rows)]
    lines.insert(1, "|---" * len(head) + "|")
    return "\n".join(lines)


def table(
    cell: Mapping[str, Any],
    level: str,
    yardstick: str,
    columns: Mapping[str, Callable[[Standing], str]] | None = None,
) -> str:
    """A contest in Markdown: where each begins and ends, steps and time to the level, and gains.

    Parameters
    ----------
    cell : mapping
        As :func:`meshrep.solving.records.contest` gives it.
    level : str
    yardstick : str
        The label or group whose steps and time the gains are counted in, each with the least and
        the greatest of the seeds in which both arrive.
    columns : mapping, optional
        Further columns, put behind where each ends.

    Raises
    ------
    InputError
        Where no entrant or group has the yardstick's name.
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
