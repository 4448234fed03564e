"""Hopf–Kuramoto oscillators over (s₁, s₂): the runs at each point, and the data that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import meshrep
from meshrep.energies.phases.hopf_kuramoto import HopfKuramoto, HopfKuramotoPrinted
from meshrep.energies.phases.measures import local_order
from meshrep.energies.phases.oscillators import Oscillators
from meshrep.minimisers.monitor import Stopping
from meshrep.solving.entrants import Entrant, rates
from meshrep.solving.records import contest, lean
from meshrep.solving.solution import Solution
from meshrep.solving.standings import geometric_mean
from papers import phases
from papers.row import Say

GRAPH, QUICK_GRAPH = "lattice:50x50", "lattice:12x12"
S1 = (-1.0, -0.6, -0.2, 0.2, 0.6, 1.0)
S2 = (-0.5, -0.3, -0.1, 0.1, 0.3, 0.5)
QUICK_S1, QUICK_S2 = (-0.6, 0.0, 0.6), (-0.3, 0.1, 0.5)
LOSSES = {"printed": "the papers' printed loss", "potential": "the potential of the dynamics"}
RATES, QUICK_RATES = (0.03, 0.1, 0.3), (0.1,)
RULE = Stopping(max_steps=20_000, gtol=0.0, patience=10, atol=1e-10)
SECONDS, QUICK_SECONDS = 4.0, 0.1  # longest run by the papers' rule
OWN_SECONDS = 0.4  # longest run by our rules
PRICED = 50  # steps over which the time of a step in torch is averaged
SEEDS = (0, 1, 2)
LEVEL = "1e-2"  # level that chooses the best rate for the table of ends
NEAR = 1e-2  # share of the fall above the higher of two ends at which both have arrived
WARM, WARM_AGAIN = 0.1, 0.01  # seconds, at the first point of a line and at the others

PAPERS = "adam, rate 0.01, papers' rule"
OUTPUT = "adam, rate 0.01, begun at the network's output, papers' rule"
GCN = "gcn-a2, papers' start and rule"
STEP, NETWORK_STEP = "steps of adam in torch", "steps of gcn-a2 in torch"
OWN = "gcn-a2, papers' start"
SHARED = "gcn-a2, papers' network, shared start"
PRESET = "gcn-a2, shared start, on the circle"
TUNED, LBFGS, NEWTON = "adam", "lbfgs", "newton"
AGAINST_TUNED = (OWN, SHARED, PRESET, LBFGS)


def oscillators(loss: str, s1: float, s2: float, graph: str) -> Oscillators:
    """Return the energy of a point, with c = 1."""
    lattice = meshrep.graph_from(graph)
    if loss == "printed":
        return HopfKuramotoPrinted(lattice, s1, s2)
    return HopfKuramoto(lattice, s1, s2, 1.0)


def entrants(quick: bool) -> list[Entrant]:
    """Return solvers by the papers' rule and by ours in kernels, and some steps in torch."""
    square: dict[str, Any] = {"propagation": "square"}
    flat = Stopping(window=100, ftol=1e-7)
    short = {"max_steps": PRICED, "dtype": "float32"}
    limit = {"max_seconds": QUICK_SECONDS if quick else OWN_SECONDS}
    network = phases.network(True, RULE, autograd=True, **square)
    wanted = [
        Entrant(PAPERS, phases.direct(False, RULE)),
        Entrant(OUTPUT, phases.network(False, RULE, switch=0, **square)),
        Entrant(GCN, phases.network(False, RULE, **square)),
        Entrant(STEP, phases.direct(True, RULE), short),
        Entrant(NETWORK_STEP, replace(network, then=None), short),
    ]
    wanted += rates(
        TUNED, lambda rate: ("adam", {"lr": rate, **limit}), QUICK_RATES if quick else RATES
    )
    return [
        *wanted,
        Entrant(OWN, phases.network(False, flat, **square), limit),
        Entrant(SHARED, phases.network(False, flat, start="shared", **square), limit),
        Entrant(PRESET, "gcn-a2", limit),
        Entrant(LBFGS, LBFGS, limit),
        Entrant(NEWTON, NEWTON, limit),
    ]


def line(loss: str, s2: float, values: Sequence[float], quick: bool, say: Say) -> dict[str, Any]:
    """Run all solvers at every s₁ of one s₂."""
    found: dict[str, Any] = {}
    for s1 in values:
        energy = oscillators(loss, s1, s2, QUICK_GRAPH if quick else GRAPH)

        def neighbours(end: Solution, energy: Oscillators = energy) -> dict[str, float]:
            order = local_order(energy.graph, end.field, energy.attraction)
            return {"local order": float(order.mean())}

        cell = contest(
            energy, entrants(quick), SEEDS, lambda label, s1=s1: say(f"s1 = {s1:g}, {label}"),
            measure=neighbours, max_seconds=QUICK_SECONDS if quick else SECONDS,
            warm_seconds=WARM_AGAIN if found or quick else WARM,
        )  # fmt: skip
        cell["common"] = {label: to_common(cell, label) for label in AGAINST_TUNED}
        found[f"{s1:g}"] = lean(cell, curves=0)
    return {"loss": loss, "s2": s2, "cells": found}


def pieces(quick: bool) -> dict[str, Any]:
    """Return one piece per line of the grid, for one loss and then for the other."""
    s1, s2 = (QUICK_S1, QUICK_S2) if quick else (S1, S2)
    return {
        f"{loss}, s2 = {value:g}": partial(line, loss, value, s1, quick)
        for loss in LOSSES
        for value in s2
    }


def to_common(cell: Mapping[str, Any], label: str) -> dict[str, float]:
    """Return gains over tuned Adam in "steps" and "seconds" to an energy that both reach.

    It lies ``NEAR`` of the fall above the higher of two ends: the entrant's, and the lowest of Adam
    at any rate. Tuned Adam is the rate that reaches it first.
    """
    rates = [runs for name, runs in cell["runs"].items() if cell["groups"].get(name) == TUNED]
    found: dict[str, list[float]] = {"steps": [], "seconds": []}
    for seed, (mine, begun) in enumerate(zip(cell["runs"][label], cell["begun"], strict=True)):
        others = [runs[seed] for runs in rates]
        ends = mine["energy"], min(run["energy"] for run in others)
        level = max(ends) + NEAR * (begun - cell["reference"])
        for column, (what, least) in enumerate((("steps", 1.0), ("seconds", 1e-7))):
            own = reached(mine, level, column)
            best = min(reached(run, level, column) for run in others)
            found[what].append(max(best, least) / max(own, least))
    return {what: geometric_mean(ratios).value for what, ratios in found.items()}


def reached(run: Mapping[str, Any], level: float, column: int) -> float:
    """Return steps (0) or seconds (1) until the energy was at a level; infinite if it never was."""
    return float(next((point[column] for point in run["curve"] if point[2] <= level), np.inf))
