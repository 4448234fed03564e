"""Solvers over many seeds: which basins they end in, and in what time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from meshrep.base.backends import NumpyBackend
from meshrep.base.outcome import Result
from meshrep.energies.base import Energy
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.solving.solution import Solution
from meshrep.solving.solve import solve
from meshrep.solving.solver import Solver


@dataclass(frozen=True)
class Entrant:
    """A solver of a study: what tables call it, its preset or composition, and its settings."""

    label: str
    solver: str | Solver
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass
class Standing:
    """What one solver reached, one number a seed: (k,) arrays.

    Attributes
    ----------
    label : str
    begun : (k,) float64
        Energy that the solver began with, which for networks may be their own first output's.
    energy, rho, vortices, seconds : (k,) float64
        Of the ends; seconds of solving.
    free_after : (k,) float64
        Seconds after which no vortex was left for good; NaN where one was.
    """

    label: str
    begun: np.ndarray
    energy: np.ndarray
    rho: np.ndarray
    vortices: np.ndarray
    seconds: np.ndarray
    free_after: np.ndarray


def network_output(energy: Energy, seed: int) -> np.ndarray:
    """The first output (n,) of the papers' network: z ~ U(0, 2π), ten latents, one layer."""
    network = GraphNetwork(hidden=10, network_start="network", readout="value")
    built = network.build(energy, energy.random_start(seed), NumpyBackend(jit=False), seed)
    return np.array(built.field(built.start))


def study(
    energy: Energy,
    entrants: Sequence[Entrant],
    seeds: Sequence[int],
    start: Callable[[Energy, int], np.ndarray],
    *,
    begin: Callable[[str], None] | None = None,
    **settings: Any,
) -> list[Standing]:
    """Run every solver from ``start(energy, seed)`` for every seed; one Standing a solver.

    Further settings go to :func:`meshrep.solve`. The first seed is solved once more beforehand,
    so that compilers and caches are warm.
    """
    standings = []
    for entrant in entrants:
        if begin:
            begin(entrant.label)
        options = {**settings, **entrant.settings}
        first = start(energy, seeds[0])
        warm = {**options, "max_seconds": 0.2}
        _whole(solve(energy, entrant.solver, start=first, seed=seeds[0], **warm))
        ends = [
            _whole(
                solve(
                    energy, entrant.solver, start=start(energy, seed), seed=seed,
                    sample=lambda w: energy.measures(w).get("vortices", np.nan), **options,
                )
            )
            for seed in seeds
        ]  # fmt: skip
        standings.append(_standing(entrant.label, ends))
    return standings


def _whole(end: Solution) -> Solution:
    """The solution, unless Ctrl-C cut it short, which is passed on."""
    if end.result is Result.INTERRUPTED:
        raise KeyboardInterrupt
    return end


def _standing(label: str, ends: list[Solution]) -> Standing:
    measured = [end.measures for end in ends]
    return Standing(
        label,
        np.array([end.start_energy for end in ends]),
        np.array([end.energy for end in ends]),
        np.array([found["rho"] for found in measured]),
        np.array([found.get("vortices", np.nan) for found in measured]),
        np.array([end.solve_s for end in ends]),
        np.array([_free_after(end) for end in ends]),
    )


def _free_after(end: Solution) -> float:
    """Seconds of the first sample from which on there was no vortex."""
    after = np.nan
    for sample in reversed(end.samples):
        if sample.value:
            break
        after = sample.seconds
    return after


def table(standings: Sequence[Standing], reference: float) -> str:
    """The standings as Markdown, energies as gaps to a reference: mean, best and spread."""
    lines = [
        "| solver | begins at | mean gap | best gap | mean energy | ρ | "
        "vortices left (mean, most) | "
        "seeds without | free of them after | time |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in standings:
        gap = (row.energy - reference) / abs(reference)
        clean = np.isfinite(row.free_after)
        free = f"{np.median(row.free_after[clean]):.3g} s" if clean.any() else "–"
        lines.append(
            f"| {row.label} | {row.begun.mean():.0f} | {gap.mean():.1e} | "
            f"{max(gap.min(), 0.0):.1e} | "
            f"{row.energy.mean():.2f} ± {row.energy.std():.2f} | {row.rho.mean():.2f} | "
            f"{row.vortices.mean():.1f}, {row.vortices.max():.0f} | "
            f"{clean.sum()} of {len(clean)} | {free} | {np.median(row.seconds):.3g} s |"
        )
    return "\n".join(lines)
