"""Numbers and tables for readers, as aligned text and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def duration(seconds: float | None) -> str:
    """A time in a unit that suits it; "–" for None."""
    if seconds is None:
        return "–"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def number(value: float, digits: int = 3) -> str:
    """A number rounded to ``digits`` digits, with a true minus sign; in full up to 1e9."""
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
    """Mean ± standard deviation of the finite values; "–" if there are none."""
    values = values[np.isfinite(values)]
    if not len(values):
        return "–"
    text = number(float(np.mean(values)), digits)
    return text + (f" ± {number(float(np.std(values, ddof=1)), 2)}" if len(values) > 1 else "")


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
    """Rows as a table in Markdown; bars in cells are escaped."""
    cells = [[str(cell).replace("|", r"\|") for cell in row] for row in (head, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    lines.insert(1, "|---" * len(head) + "|")
    return "\n".join(lines)
