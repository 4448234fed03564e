"""Persistence of a cloud with its gradient: meshrep against other packages, size by size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench import Report, Say, missing, timing
from bench.rips_ways import OURS, RIPSER, TREE, WAYS, Found, Way
from meshrep.base.tables import markdown
from meshrep.base.versions import version
from meshrep.energies.topology import RipsPersistence
from meshrep.errors import MeshrepError
from meshrep.solving.solve import solve
from meshrep.sources.clouds import uniform
from meshrep.sources.room import available_memory

SIZES = (100, 200, 300, 600)
QUICK_SIZES = (100, 200)
LATE_SIZE, LATE_BOUND, LATE_STEPS = 300, 2.0, 300
TOO_LONG = 30.0  # seconds per call from which on a way is left out
PEERS = ("ripser", "oineus")
AGREEMENT = 1e-6  # relative


@dataclass
class Cell:
    """One way on one cloud: the seconds of a call, or why there are none."""

    seconds: float = math.nan
    value: float = math.nan
    gradient_apart: float = math.nan
    reason: str = ""


def run(quick: bool, say: Say) -> Report:
    """Write a table with a column for each size, and one for a cloud late in a run."""
    clouds = {f"n = {n}": uniform(n) for n in (QUICK_SIZES if quick else SIZES)}
    late = f"n = {LATE_SIZE}, late"
    energy = RipsPersistence(uniform(LATE_SIZE), bound=LATE_BOUND, centre=0.0)
    clouds[late] = solve(energy, "adam", max_steps=LATE_STEPS).field
    columns: dict[str, dict[str, Cell]] = {}
    for title, points in clouds.items():
        columns[title] = measured(title, points, columns, clouds, say)
    page = [
        "## Persistence of a cloud, with its gradient",
        "One value and gradient of −Σ((d − b)/2)² over the loops of points drawn uniformly from "
        f"[−1, 1]²; “late” is after {LATE_STEPS} steps of adam in a box of {LATE_BOUND:g}. In "
        "brackets, how many times longer than meshrep as in a run.",
        table(columns),
        sentences(columns),
        missing(*PEERS),
    ]
    return "\n\n".join(part for part in page if part), {
        "versions": {name: version(name) for name in ("gudhi", *PEERS)},
        "ways": {title: {label: vars(cell) for label, cell in column.items()}
                 for title, column in columns.items()},
    }  # fmt: skip


def measured(
    title: str,
    points: np.ndarray,
    before: Mapping[str, Mapping[str, Cell]],
    clouds: Mapping[str, np.ndarray],
    say: Say,
) -> dict[str, Cell]:
    """Run every way on one cloud, check it against the first, and time them together."""
    cells, calls = {way.label: Cell() for way in WAYS}, {}
    expected: Found = WAYS[0].prepare(points)()
    for way in WAYS:
        cell = cells[way.label]
        earlier = [
            (len(clouds[name]), column[way.label].seconds) for name, column in before.items()
        ]
        cell.reason = why_not(way, len(points), earlier)
        if cell.reason:
            continue
        say(f"{title}: {way.label}")
        call = way.prepare(points)
        cell.value, gradient = call()
        cell.gradient_apart = apart(gradient, expected[1])
        agree(way, cell, expected[0])
        calls[way.label] = call
    say(f"{title}: timing")
    for label, seconds in timing.paired(calls).items():
        cells[label].seconds = seconds
    return cells


def why_not(way: Way, n: int, earlier: list[tuple[int, float]]) -> str:
    """Return why a way is not run on n points; empty if it is."""
    if way.missing:
        return f"no {way.missing[0]}"
    if not way.fits(n, available_memory()):
        return "no room"
    timed = [(size, seconds) for size, seconds in earlier if np.isfinite(seconds)]
    if earlier and not timed:
        return f"> {TOO_LONG:g} s"
    if timed:
        size, seconds = max(timed)
        if seconds * max(1.0, n / size) ** 3 > TOO_LONG:
            return f"> {TOO_LONG:g} s"
    return ""


def apart(gradient: np.ndarray, expected: np.ndarray) -> float:
    """Return the difference of gradients over the norm of the expected one."""
    return float(np.linalg.norm(gradient - expected) / max(np.linalg.norm(expected), 1e-300))


def agree(way: Way, cell: Cell, value: float) -> None:
    """Raise if a way that should give the same result gives another."""
    if not way.same_value:
        return
    if not abs(cell.value - value) <= AGREEMENT * abs(value):
        raise MeshrepError(f"{way.label} gives {cell.value:.9g} where meshrep gives {value:.9g}")
    if way.same_gradient and way.label != RIPSER and not cell.gradient_apart <= AGREEMENT:
        raise MeshrepError(f"the gradient of {way.label} is off by {cell.gradient_apart:.1e}")


def table(columns: Mapping[str, Mapping[str, Cell]]) -> str:
    """Return the table of ways and clouds."""
    lines = []
    for way in WAYS:
        shown = [way.label]
        for column in columns.values():
            cell, ours = column[way.label], column[OURS].seconds
            ratio = "" if way.label == OURS else f" ({cell.seconds / ours:,.3g}×)"
            shown.append(cell.reason or duration(cell.seconds) + ratio)
        lines.append(shown)
    return markdown(["way", *columns], lines)


def duration(seconds: float) -> str:
    """Return seconds, or milliseconds below one."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def sentences(columns: Mapping[str, Mapping[str, Cell]]) -> str:
    """Say what the table shows, and how well the ways agree."""
    said = []
    for label, verb in ((TREE, "the papers' simplex tree"), (RIPSER, "ripser")):
        ratios = {
            title: column[label].seconds / column[OURS].seconds
            for title, column in columns.items()
            if np.isfinite(column[label].seconds)
        }
        if ratios:
            each = ", ".join(f"{ratio:,.3g} at {title}" for title, ratio in ratios.items())
            said.append(f"Time of {verb} over ours: {each}.")
    values = [
        abs(cell.value - column[OURS].value) / max(abs(column[OURS].value), 1e-300)
        for column in columns.values()
        for way in WAYS
        if way.same_value and np.isfinite((cell := column[way.label]).value)
    ]
    said.append(f"Values of one filtration agree to {max(values):.0e} or better.")
    off = [column[RIPSER].gradient_apart for column in columns.values()]
    worst = max((gap for gap in off if np.isfinite(gap)), default=0.0)
    if worst > AGREEMENT:
        said.append(
            "Single precision can name the wrong edge: gradients by way of ripser are off by up to "
            f"{worst:.1e}."
        )
    reasons = {cell.reason for column in columns.values() for cell in column.values()}
    if "no room" in reasons:
        said.append("“no room”: its triangles would take most of the memory that is free.")
    if any(reason.startswith(">") for reason in reasons):
        said.append(f"Ways that would take over {TOO_LONG:g} s a call are left out.")
    return " ".join(said)
