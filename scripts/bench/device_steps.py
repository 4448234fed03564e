"""Time a step on a device of torch, and compare its result with the CPU's float64.

The same code runs on ``cpu`` and ``cuda``. The floor is the time that the device's memory takes to
move the bytes of a step, at the rate of torch's a = b + s·c there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import meshrep
from bench import Report, Say, kernels
from bench.device import SAME, Device, left_out
from meshrep.base.tables import duration, markdown
from meshrep.energies.base import Energy
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.monitor import Stopping
from meshrep.parametrizations.base import Identity, Parametrization
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.solving.solve import solve
from meshrep.solving.solver import Solver

SIDES, QUICK_SIDES = (50, 316, 1000), (50,)
CHECKED, TIMED = 20, 300  # steps before the comparison with the CPU, and steps that are timed
MOST_SECONDS = 5.0  # of a timed run
WIDTH = 32

FIELDS = {
    "heat": 6 + 2,
    "oscillators": 6 + 8,
    "gcn": 14 * WIDTH + 2,
}  # arrays of n numbers that a step moves


def run(quick: bool, say: Say, device: Device, what: str) -> Report:
    """Write a table of sizes and types."""
    say(f"{what} on {device.name}: bandwidth")
    bandwidth = device.triad()
    rows: list[dict[str, Any]] = []
    skipped = []
    for side in QUICK_SIDES if quick else SIDES:
        for dtype in ("float32", "float64"):
            title = f"{side}×{side} in {dtype}"
            if device.over:
                skipped.append(title)
                continue
            say(f"{what} on {device.name}: {title}")
            rows.append(measured(problem(what, side), what, device.name, dtype, bandwidth, quick))
    wrong = [
        f"{what} on {device.name} in {row['dtype']} differs from the CPU by {row['apart']:.1e}"
        for row in rows
        if not row["apart"] <= SAME[row["dtype"]]
    ]
    head = (
        f"Steps of Adam on `{device.name}` ({device.words}), {bandwidth / 1e9:,.0f} GB/s by "
        f"torch's triad; after {CHECKED} steps each result is compared with the CPU's in float64."
    )
    notes = dict.fromkeys(note for row in rows for note in row["notes"])
    parts = [f"## {what.capitalize()} on {device.name}", head, table(rows)]
    parts += [*notes, left_out(skipped)]
    return "\n\n".join(part for part in parts if part), {
        "device": device.words, "bandwidth": bandwidth, "rows": rows, "wrong": wrong,
    }  # fmt: skip


def problem(what: str, side: int) -> Energy:
    """Return heat (for heat and gcn) or Kuramoto's energy on a square lattice."""
    if what == "oscillators":
        return Kuramoto(meshrep.graph_from(f"lattice:{side}x{side}"))
    return kernels.heat_on(side)


def solver(what: str, steps: int, backend: str) -> Solver:
    """Return Adam for a number of steps, on the field or on a graph network."""
    variables: Parametrization = Identity()
    if what == "gcn":
        variables = GraphNetwork(layers=1, hidden=WIDTH)
    stopping = Stopping(max_steps=steps, gtol=0.0, max_seconds=MOST_SECONDS)
    return Solver(Adam(settle=False), variables, stopping, backend=backend)


def measured(
    energy: Energy, what: str, device: str, dtype: str, bandwidth: float, quick: bool
) -> dict[str, Any]:
    """Return one row: the difference from the CPU, the time of a step, and its floor."""
    start = energy.random_start(0)
    there = solver(what, CHECKED, "torch")
    found = solve(energy, there, start=start, device=device, dtype=dtype)
    host = there if what == "gcn" else replace(there, backend="auto")
    expected = solve(energy, host, start=start, device="cpu", dtype="float64")
    apart = float(np.abs(found.field - expected.field).max()) / energy.unit
    timed = solver(what, 20 if quick else TIMED, "torch")
    seconds = []
    for _ in range(3):
        done = solve(energy, timed, start=start, device=device, dtype=dtype)
        seconds.append(done.solve_s / done.steps)
    size = 4 if dtype == "float32" else 8
    entries = energy.coupling.nnz
    products = {"heat": 1, "oscillators": 1, "gcn": 3}[what]
    moved = products * (entries * (size + 4) + 4 * energy.graph.n)
    moved += FIELDS[what] * energy.graph.n * size
    step = float(np.median(seconds))
    return {
        "n": energy.graph.n, "dtype": dtype, "apart": apart, "step_s": step,
        "floor_s": moved / bandwidth, "bytes": moved,
        "notes": [f"{note}." for note in found.notes if "Triton" in note or "CUDA" in note],
    }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    """Return the table of sizes and types."""
    head = ["nodes", "type", "off the CPU's float64", "step", "bytes' floor", "times the floor"]
    lines = [
        (f"{row['n']:,}", row["dtype"], f"{row['apart']:.0e}", duration(row["step_s"]),
         duration(row["floor_s"]), f"{row['step_s'] / row['floor_s']:,.3g}")
        for row in rows
    ]  # fmt: skip
    return markdown(head, lines)


SUITES: dict[str, Callable[..., Report]] = {
    what: partial(run, what=what) for what in ("heat", "oscillators", "gcn")
}
