"""Time energies and gradients on a device, by our kernels and by torch's products.

The same code runs on ``cpu``, where the kernels are numba's, and on ``cuda``, where they are
Triton's and calls are replayed from a CUDA graph, as in a captured step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import meshrep
from bench import Report, Say, kernels
from bench.device import SAME, Device, apart, left_out
from meshrep.base.backends import backend_for, installed
from meshrep.base.tables import duration, markdown
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import ByHost
from meshrep.energies.heat import HeatBath

SIDES, QUICK_SIDES = (316, 1000, 2500), (50,)
ROUNDS, ROUND = 5, 0.05  # rounds, and about the seconds of each
COUNT = (
    "“Moved” counts what an energy and its gradient must move, each array once for each pass: the "
    "rows (32-bit offsets and neighbours, weights if they differ), the field and the gradient; for "
    "heat the kinds of nodes and the baths; for phases cosines and sines, and for Hopf–Kuramoto "
    "a second pass. Products of torch move more than that."
)


def problems(side: int) -> dict[str, Callable[[], Energy]]:
    """Return what makes each energy on a square lattice."""

    def uneven() -> Energy:
        heat = kernels.heat_on(side)
        weights = np.random.default_rng(0).uniform(0.5, 2.0, heat.graph.m)
        return HeatBath(heat.graph.with_weights(weights), heat.hot, heat.cold)

    return {
        "heat": lambda: kernels.heat_on(side),
        "heat, unequal weights": uneven,
        "Kuramoto": lambda: meshrep.Kuramoto(meshrep.graph_from(f"lattice:{side}x{side}")),
        "Hopf–Kuramoto": lambda: meshrep.HopfKuramoto(meshrep.graph_from(f"lattice:{side}x{side}")),
    }


def moved(energy: Any, size: int) -> float:
    """Return the bytes of one energy and gradient in numbers of ``size`` bytes."""
    J, n = energy.coupling, energy.graph.n
    equal = len(J.data) > 0 and (J.data == J.data[0]).all()
    rows = 4 * (n + 1) + 4 * J.nnz + size * (1 if equal else J.nnz)
    if isinstance(energy, HeatBath):
        return float(rows + 2 * n * size + n + 2 * len(energy.nodes) * size)
    single = energy.law[1:] == (0.0, 0.0)
    return float(rows + 6 * n * size if single else 2 * rows + 14 * n * size)


def run(quick: bool, say: Say, device: Device) -> Report:
    """Write a table of energies, sizes, types and ways."""
    say(f"kernels on {device.name}: bandwidth")
    bandwidth = device.triad()
    rows: list[dict[str, Any]] = []
    skipped, notes = [], dict.fromkeys(_absent(device))
    for side in QUICK_SIDES if quick else SIDES:
        for name, make in problems(side).items():
            title = f"{name} on {side}×{side}"
            if device.over:
                skipped.append(title)
                continue
            say(f"kernels on {device.name}: {title}")
            energy = make()
            for dtype in SAME:
                for row in measured(energy, device, dtype):
                    rows.append({"name": name, "n": energy.graph.n, "dtype": dtype, **row})
                    notes |= dict.fromkeys(row["notes"])
    wrong = [
        f"{row['name']} by {row['way']} in {row['dtype']} differs from the CPU by "
        f"{row['apart']:.1e}"
        for row in rows
        if not row["apart"] <= SAME[row["dtype"]]
    ]
    head = (
        f"An energy with its gradient on `{device.name}` ({device.words}), whose memory moves "
        f"{bandwidth / 1e9:,.0f} GB/s in torch's a = b + s·c. {COUNT} Each result is compared with "
        "float64 on the CPU."
    )
    parts = [f"## Kernels on {device.name}", head, table(rows, bandwidth)]
    parts += [*notes, left_out(skipped)]
    return "\n\n".join(part for part in parts if part), {
        "device": device.words, "bandwidth": bandwidth, "rows": rows, "wrong": wrong,
    }  # fmt: skip


def _absent(device: Device) -> list[str]:
    package = "triton" if device.is_gpu else "numba"
    if installed(package):
        return []
    return [f"The package {package} is missing, so that only products of torch are timed."]


def measured(energy: Energy, device: Device, dtype: str) -> list[dict[str, Any]]:
    """Return a row for each way: seconds, bytes, and the difference from the CPU."""
    backend = backend_for("torch", device.name, dtype)
    w = backend.asarray(energy.clamp(energy.random_start(0)))
    value, gradient = energy.judge.value_and_grad(backend.to_numpy(w))
    evaluators: list[Any] = [energy.formula(backend)]
    ours = energy.on(backend)
    if type(ours) is not type(evaluators[0]):
        evaluators.insert(0, ours)
    rows = []
    for evaluator in evaluators:
        found, slope = evaluator.value_and_grad(w)
        off = max(apart(float(found), value), apart(backend.to_numpy(slope), gradient))
        call, notes = replayed(evaluator, w, device)
        rows.append({
            "way": way(evaluator), "apart": off, "seconds": seconds(call, device),
            "bytes": moved(energy, 4 if dtype == "float32" else 8),
            "notes": [*evaluator.notes, *notes],
        })  # fmt: skip
    return rows


def way(evaluator: Any) -> str:
    """Return the name of what computes."""
    if isinstance(evaluator, ByHost):
        return "numba"
    return "Triton" if hasattr(evaluator, "rows") else "products of torch"


def replayed(evaluator: Any, w: Any, device: Device) -> tuple[Callable[[], object], list[str]]:
    """Return the evaluation as a CUDA graph on a GPU, else a plain call, and what was said."""
    from meshrep.minimisers.torch.capture import capture

    def step() -> None:
        evaluator.value_and_grad(w)

    try:
        return capture(step, [w]), []
    except RuntimeError as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        return step, [f"{way(evaluator)} could not be captured as a CUDA graph: {reason}."]


def seconds(call: Callable[[], object], device: Device) -> float:
    """Return the median seconds of a call, many of which are launched before the host waits."""

    def took(times: int) -> float:
        device.finish()
        begun = time.perf_counter()
        for _ in range(times):
            call()
        device.finish()
        return (time.perf_counter() - begun) / times

    took(2)
    times = max(1, min(10_000, int(ROUND / max(took(3), 1e-7))))
    return float(np.median([took(times) for _ in range(ROUNDS)]))


def table(rows: list[dict[str, Any]], bandwidth: float) -> str:
    """Return the table, with the rate of each row over the device's bandwidth."""
    head = [
        "energy and gradient", "nodes", "type", "by", "time", "moved", "GB/s", "of triad",
        "off the CPU's float64",
    ]  # fmt: skip
    lines = []
    for row in rows:
        rate = row["bytes"] / row["seconds"]
        lines.append((
            row["name"], f"{row['n']:,}", row["dtype"], row["way"], duration(row["seconds"]),
            f"{row['bytes'] / 1e6:,.3g} MB", f"{rate / 1e9:,.3g}", f"{rate / bandwidth:.0%}",
            f"{row['apart']:.0e}",
        ))  # fmt: skip
    return markdown(head, lines)
