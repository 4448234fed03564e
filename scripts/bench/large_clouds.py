"""Time steps of a large cloud, each on the diagrams of a fresh subsample."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import meshrep
from bench import Report, Say
from meshrep.base.tables import markdown
from meshrep.energies.topology import Filtration, RipsPersistence
from meshrep.minimisers.monitor import Stopping
from meshrep.persistence.diagrams import Diagrams
from meshrep.solving.catalogue import solver_named
from meshrep.solving.solve import solve

POINTS, QUICK_POINTS = 36_000, 4_000
SUBSAMPLE, STEPS = 300, 90
SOLVERS = {
    "kernel, interpolate": ("kernel", {"form": "interpolate"}),
    "kernel, average": ("kernel", {"form": "average"}),
    "sgd": ("sgd", {}),
    "adam": ("adam", {}),
    "adam, lr 0.003": ("adam", {"lr": 0.003}),
    "gcn": ("gcn", {}),
    "gcn, lr 0.001": ("gcn", {"lr": 0.001}),
}


class Watched(RipsPersistence):
    """The energy, which also keeps the seconds that each of its diagrams takes."""

    clocks: tuple[list[float], ...] = ()  # one list for each filtration, one number per call

    def new_filtration(self) -> Filtration:
        """Return a filtration that is timed."""
        inner = super().new_filtration()
        seconds: list[float] = []
        self.clocks += (seconds,)

        def timed(points: np.ndarray) -> Diagrams:
            begun = time.perf_counter()
            found = inner(points)
            seconds.append(time.perf_counter() - begun)
            return found

        return timed


def run(quick: bool, say: Say, cloud: Path | None = None) -> Report:
    """Time a step and judge the energy, for the vertices of a file or of a torus."""
    if cloud is None:
        points = torus(QUICK_POINTS if quick else POINTS)
        energy, name = Watched(points, subsample=SUBSAMPLE), "a torus"
    else:
        energy = Watched(meshrep.graph_from(cloud), subsample=SUBSAMPLE)
        name = cloud.name
    rows: dict[str, dict[str, float]] = {}
    for label, (solver, settings) in SOLVERS.items():
        say(f"{name}: {label}")
        rows[label] = stepped(energy, solver, settings)
    lines = []
    for label, row in rows.items():
        step, within = 1e3 * row["step_s"], 1e3 * row["persistence_s"]
        shown = [f"{step:.3g} ms", f"{within:.3g} ms ({within / step:.0%})"]
        shown += [f"{row['energy_after']:.5g}", f"{row['energy_before'] - row['energy_after']:.2g}"]
        lines.append([label, *shown])
    slowest = max(rows, key=lambda label: rows[label]["step_s"])
    quickest = min(rows, key=lambda label: rows[label]["step_s"])
    best = min(rows, key=lambda label: rows[label]["energy_after"])
    said = (
        f"A step takes from {rows[quickest]['step_s'] * 1e3:.3g} ms (`{quickest}`) to "
        f"{rows[slowest]['step_s'] * 1e3:.3g} ms (`{slowest}`); `{best}` is lowest after "
        f"{STEPS} steps."
    )
    first = next(iter(rows.values()))["energy_before"]
    page = [
        "## Large clouds",
        f"{len(energy.points):,} points of {name} in {energy.points.shape[1]} dimensions, "
        f"diagrams of {energy.subsample or len(energy.points)} of them, {STEPS} steps; median "
        "seconds a step. The energy is the mean over eight draws that no solver sees, "
        f"{first:.5g} at the start.",
        markdown(["solver", "a step", "of it persistence", "energy after", "fall"], lines),
        said,
    ]
    return "\n\n".join(page), {"cloud": name, "points": len(energy.points), "solvers": rows}


def stepped(energy: Watched, solver: str, settings: dict[str, Any]) -> dict[str, float]:
    """Take a number of steps of a solver's first stage."""
    stage = solver_named(solver, energy, **settings)
    stopping = Stopping(max_steps=STEPS, gtol=0.0)
    energy.clocks = ()
    solution = solve(energy, replace(stage, stopping=stopping, then=None))
    return {
        "step_s": float(np.median(np.diff(solution.history.seconds))),
        "persistence_s": float(np.median(max(energy.clocks, key=len)[-STEPS:])),
        "energy_before": solution.start_energy,
        "energy_after": solution.energy,
        "setup_s": solution.setup_s,
    }


def torus(n: int, large: float = 1.0, small: float = 0.4, seed: int = 0) -> np.ndarray:
    """Draw points (n, 3) uniformly by area from a torus of two radii."""
    rng = np.random.default_rng(seed)
    around = rng.uniform(0, 2 * np.pi, 3 * n)
    widths = large + small * np.cos(around)
    around = around[rng.uniform(0, large + small, 3 * n) < widths][:n]
    along = rng.uniform(0, 2 * np.pi, len(around))
    radius = large + small * np.cos(around)
    return np.stack(
        [radius * np.cos(along), radius * np.sin(along), small * np.sin(around)], axis=1
    )
