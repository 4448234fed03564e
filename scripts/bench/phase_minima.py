"""Minimise phases from a smooth start, with our L-BFGS, SciPy's, torch's and Newton's method."""

from __future__ import annotations

from typing import Any

import numpy as np

import meshrep
from bench import Report, Say, missing, peers, torch_peers
from bench.problems import Posed, graph_title
from bench.race import compared, ours, table, warmed
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.solving.reference import Reference

SIDES, QUICK_SIDES = (50, 316, 1000), (50, 150)
CAP, QUICK_CAP = 15.0, 1.0
NAMES = ("lbfgs", "lbfgs-scipy", "newton", "adam")
PEERS = ("SciPy L-BFGS-B", "torch L-BFGS")


def run(quick: bool, say: Say) -> Report:
    """Write a table for each size."""
    theirs = [way for way in peers.PEERS + torch_peers.PEERS if way.label in PEERS]
    everyone = ours(NAMES) + theirs
    warmed(everyone, posed("lattice:8x8", 0.2))
    text = [
        "### Phases from a smooth start",
        "Kuramoto's energy from sin(2πx/l) cos(2πy/l). All solvers end with equal phases, and "
        "gaps are from that energy, −m. Columns as for heat.",
    ]
    data: dict[str, Any] = {}
    for side in QUICK_SIDES if quick else SIDES:
        spec = f"lattice:{side}x{side}"
        problem = posed(spec, QUICK_CAP if quick else CAP)
        rows = compared(everyone, problem, quick, say)
        data[problem.title] = {"n": problem.n, "cap": problem.cap, "rows": rows}
        text.append(f"{graph_title(spec)}:\n\n" + table(rows, problem.cap))
    text.append(missing("torch"))
    return "\n\n".join(part for part in text if part), data


def posed(spec: str, cap: float) -> Posed:
    """Return a lattice, its smooth start, and the energy of equal phases as the reference."""
    energy = Kuramoto(meshrep.graph_from(spec))
    points = energy.graph.points
    assert points is not None
    x, y = (points[:, k] / (np.ptp(points[:, k]) + 1.0) for k in (0, 1))
    start = np.sin(2 * np.pi * x) * np.cos(2 * np.pi * y)
    reference = Reference(-float(energy.graph.m), "equal phases", energy.value(start))
    return Posed(f"phases, {graph_title(spec)}", energy, start, reference, cap)
