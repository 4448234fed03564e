"""How far each kernel is from the machine's limit, beside torch and NumPy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import meshrep
from bench import Report, Say, figures, kernel_ways, machine, missing, timing
from meshrep.base.backends import installed
from meshrep.base.tables import duration, markdown
from meshrep.base.threads import calm_threads
from meshrep.energies.heat import HeatBath
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.solving.solve import solve
from meshrep.sources.selection import random_split

SIDES = (50, 316, 1000)
QUICK_SIDES = (50, 316)
TRIAD = "triad"


def run(quick: bool, say: Say) -> Report:
    """Write a table for each size, and one of node orders."""
    if not installed("numba"):
        return "## Kernels\n\nThe package numba is missing, and there are no kernels to time.", {}
    text, data = ["## Kernels", INTRODUCTION], {}
    for side in QUICK_SIDES if quick else SIDES:
        say(f"kernels: {side}×{side}")
        energy = heat_on(side)
        rows = timed(energy, Kuramoto(energy.graph), 3 if quick else 9, say)
        data[f"{side}x{side}"] = {"n": energy.graph.n, "m": energy.graph.m, "rows": rows}
        text += [f"### {energy.graph.n:,} nodes", table(rows)]
    side = (QUICK_SIDES if quick else SIDES)[-1]
    say("kernels: node orders")
    orders = shuffled(side)
    data["orders"] = {"side": side, "rows": orders}
    text += [f"### A bad node order ({side}×{side} lattice)", orders_table(orders)]
    text += [missing("torch")]
    return "\n\n".join(part for part in text if part), data


INTRODUCTION = (
    "A square lattice with random quartic baths. “Moved” is what must go between memory and cores, "
    "each array read or written once for each pass over it: " + kernel_ways.COUNT + " “Of triad” "
    "is the rate over that of a = b + s·c (24 bytes a number) timed in turn with the kernels; "
    "arrays that fit a cache can exceed it. “fused adam” is the yardstick of the last column."
)


def heat_on(side: int) -> HeatBath:
    """Return heat on a square lattice, with a tenth of hot and of cold nodes at random."""
    graph = meshrep.graph_from(f"lattice:{side}x{side}")
    hot, cold = random_split(graph, 0.1, 0)
    return HeatBath(graph, hot, cold)


def timed(
    heat: HeatBath, kuramoto: Kuramoto, rounds: int, say: Say
) -> dict[str, dict[str, float | None]]:
    """Return seconds, bytes and rate of everything, timed in turn with the triad."""
    ways = kernel_ways.ways(heat, kuramoto)
    go, triad_bytes = machine.triad()
    calls: dict[str, Callable[[], object]] = {TRIAD: go}
    calls |= {name: way.call for name, way in ways.items()}
    with calm_threads(heat.graph.n):
        took = timing.paired(calls, rounds)
    triad = triad_bytes / took[TRIAD]
    rows: dict[str, dict[str, float | None]] = {
        TRIAD: {"seconds": took[TRIAD], "bytes": triad_bytes, "share": 1.0, "rate": triad}
    }
    for name, way in ways.items():
        seconds = took[name] / way.steps
        rate = way.moved / seconds if way.moved else None
        rows[name] = {
            "seconds": seconds, "bytes": way.moved, "rate": rate, "share": rate and rate / triad,
        }  # fmt: skip
    for name, seconds in kernel_ways.lbfgs_iterations(heat).items():
        moved = kernel_ways.lbfgs_bytes(heat, name == "lbfgs iteration")
        rate = moved / seconds
        rows[name] = {"seconds": seconds, "bytes": moved, "rate": rate, "share": rate / triad}
    return rows


def table(rows: dict[str, dict[str, float | None]]) -> str:
    """Return the table of kernels."""
    lines = []
    adam = rows[kernel_ways.ADAM]["seconds"] or np.nan
    for name, row in rows.items():
        seconds = row["seconds"] or np.nan
        known = row["bytes"] and row["rate"] and row["share"]
        moved = "–" if not known else f"{(row['bytes'] or 0) / 1e6:,.3g} MB"
        rate = "–" if not known else f"{(row['rate'] or 0) / 1e9:.1f}"
        share = "–" if not known else f"{row['share'] or 0:.0%}"
        lines.append([name, duration(seconds), moved, rate, share, f"{seconds / adam:,.3g}"])
    return markdown(["what", "time", "moved", "GB/s", "of triad", "over fused adam"], lines)


def shuffled(side: int) -> dict[str, float]:
    """Time a fused Adam step in the lattice's order, shuffled, and reordered by solve()."""
    energy = heat_on(side)
    mixed = kernel_ways.permuted(energy, np.random.default_rng(0).permutation(energy.graph.n))
    steps = 20
    found = {}
    for name, problem, reorder in (
        ("in rows, as built", energy, False),
        ("shuffled", mixed, False),
        ("shuffled, reordered by solve()", mixed, True),
    ):
        times = []
        for _ in range(3):
            solution = solve(problem, "adam", max_steps=steps, reorder=reorder)
            times.append(solution.solve_s / solution.steps)
        found[name] = float(np.median(times))
    return found


def orders_table(rows: dict[str, float]) -> str:
    """Return the time of a step in each node order, and over that in the lattice's own order."""
    first = next(iter(rows.values()))
    lines = [(name, duration(seconds), f"{seconds / first:.2f}") for name, seconds in rows.items()]
    return markdown(("order", "adam step", "over the first"), lines)


def draw(data: dict[str, Any], folder: Path) -> list[tuple[str, str]]:
    """Draw the shares of the triad at the largest size."""
    sizes = [entry for name, entry in data.items() if name != "orders"]
    if not sizes:
        return []
    largest = max(sizes, key=lambda entry: entry["n"])
    shares = {
        name: row["share"]
        for name, row in largest["rows"].items()
        if row["share"] and name != TRIAD and row["bytes"]
    }
    title = f"{largest['n']:,} nodes"
    figures.shares({title: shares}, "share of the triad's bandwidth", folder / "kernels.png")
    return [("kernels.png", f"Bytes a second over the triad's at {title}.")]
