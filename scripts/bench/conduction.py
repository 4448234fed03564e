"""Heat conduction in a block of steel and rubber: build and solve, beside finite element codes.

A gap is (E − E*) / |E*|, where E* is what our linear solve to a residual of 1e-12 finds. Times
begin with points and cells, and end with a temperature at every node.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import Report, Say, fem_peers, figures, missing
from bench.fem_problems import CONTRAST, Block
from bench.race import past
from meshrep.base.backends import installed
from meshrep.base.tables import duration, markdown
from meshrep.energies.conduction.energy import Conduction
from meshrep.numerics.linear_solvers import ShiftedSystem, choose
from meshrep.solving.contest import Runner
from meshrep.solving.entrants import Entrant
from meshrep.solving.reference import Reference
from meshrep.solving.solve import solve

SIZES, QUICK_SIZES = (1e4, 1e5, 1e6), (1e4,)
GAP = 1e-8
ACCURATE = 1e-12  # relative residual of the second column
FIRST = 1e-6  # relative residual from which peers are tightened until they reach the gap
SLOW = 5.0  # seconds from which on a contestant runs twice
OURS = "meshrep, auto"
PASSES = 3.5  # over the matrix in an iteration: product, residual, a sweep, and half of one from 0
# Our other solvers, up to so many tetrahedra, and the seconds that they get.
OTHERS, OTHERS_UP_TO, CAP = ("lbfgs-newton", "lbfgs", "nesterov", "multilevel"), 2e5, 20.0


@dataclass(frozen=True)
class Contestant:
    """A code with a solver; ``way`` returns temperatures and calls ``built`` before it solves."""

    label: str
    way: fem_peers.Way
    needs: tuple[str, ...] = ()
    most: float = np.inf
    direct: bool = False

    @property
    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return [package for package in self.needs if not installed(package)]


def ours(block: Block, rtol: float, built: fem_peers.Built) -> np.ndarray:
    """Our energy and the solver that auto takes, whatever tolerance others have."""
    energy = block.energy()
    built()
    return solve(energy).field


CONTESTANTS = (
    Contestant(OURS, ours),
    Contestant("scikit-fem + pyamg", fem_peers.scikit_fem(fem_peers.by_amg), ("skfem", "pyamg")),
    Contestant("scikit-fem + splu", fem_peers.scikit_fem(fem_peers.by_lu), ("skfem",), 2e5, True),
    Contestant("SfePy + pyamg", fem_peers.sfepy, ("sfepy", "pyamg")),
)


def run(quick: bool, say: Say) -> Report:
    """Write a table for each size."""
    data: dict[str, Any] = {}
    say("conduction: warming up")
    for size in QUICK_SIZES if quick else SIZES:
        data[f"{size:.0e}"] = measured(Block(size), 1 if quick else 5, say)
    return page(data), data


def measured(block: Block, rounds: int, say: Say) -> dict[str, Any]:
    """Measure every contestant on a block, in turn, and where our time goes."""
    title = f"{block.size:.0e} tetrahedra"
    energy = block.energy()
    best = solve(energy)
    reference = Reference(best.energy, "newton", energy.value(energy.random_start(0)))
    taking_part = [c for c in CONTESTANTS if not c.missing and block.size <= c.most]
    tolerances: dict[str, float] = {}
    rows: dict[str, Any] = {}
    for one in taking_part:
        say(f"conduction, {title}: {one.label}")
        tolerance, gap, took = calibrated(one, block, energy, reference)
        tolerances[one.label] = tolerance
        rows[one.label] = {"gap": gap, "rtol": tolerance, "slow": took > SLOW, "runs": []}
    for number in range(rounds):
        for one in taking_part:
            row = rows[one.label]
            if number < (2 if row["slow"] else rounds):
                say(f"conduction, {title}: {one.label}, round {number + 1}")
                loose = timed(one.way, block, tolerances[one.label])[1]
                exact = one.direct or one.label == OURS
                tight = loose if exact else timed(one.way, block, ACCURATE)[1]
                row["runs"].append([*loose, *tight])
    return {
        "cells": len(block.cells), "n": energy.graph.n, "rows": rows,
        "others": others(block, energy, reference, say), "parts": parts(block, energy, rounds),
    }  # fmt: skip


def timed(way: fem_peers.Way, block: Block, rtol: float) -> tuple[np.ndarray, tuple[float, float]]:
    """Return the temperatures, and the seconds to the system and to its solution."""
    marks: list[float] = []
    begun = time.perf_counter()
    field = way(block, rtol, lambda: marks.append(time.perf_counter() - begun))
    return field, (marks[0], time.perf_counter() - begun)


def calibrated(
    one: Contestant, block: Block, energy: Conduction, reference: Reference
) -> tuple[float, float, float]:
    """Return the largest tolerance that reaches the gap, that gap, and the seconds that it took.

    The first runs on a size are also the warm-up.
    """
    rtol = FIRST
    while True:
        field, (_, took) = timed(one.way, block, rtol)
        gap = reference.gap(energy.value(field))
        if gap <= GAP or rtol <= ACCURATE:
            return rtol, gap, took
        rtol *= 0.01


def others(block: Block, energy: Conduction, reference: Reference, say: Say) -> dict[str, Any]:
    """Return the seconds that our other solvers take from the energy to the gap."""
    found: dict[str, Any] = {}
    level, start = reference.level(GAP), energy.random_start(0)
    for name in OTHERS if block.size <= OTHERS_UP_TO else ():
        say(f"conduction, {block.size:.0e} tetrahedra: {name}")
        entrant = Entrant(name, name)
        its = Runner(energy, entrant, start, until=level, max_seconds=CAP, device="cpu")
        its.run().raise_if_interrupted()  # warm-up
        found[name] = past(its.run().raise_if_interrupted()).time_to(level)
    return found


def parts(block: Block, energy: Conduction, rounds: int) -> dict[str, Any]:
    """Return the seconds of the parts of our way."""
    free = energy.free
    found: dict[str, list[float]] = {"energy": [], "system": [], "hierarchy": [], "cycle": []}
    iterations = 0
    for _ in range(rounds):
        clock = _Clock()
        fresh = block.energy()
        found["energy"].append(clock.lap())
        start = fresh.with_fixed(fresh.random_start(0))
        gradient = fresh.gradient(start)[free]
        clock.lap()
        matrix = fresh.hessian(start)[free][:, free]
        kind = choose(matrix)[0]
        found["system"].append(clock.lap())
        system = ShiftedSystem(kind)
        system.renew(matrix)
        once = system.solve(-gradient, 0.0, 0.9).iterations
        first = clock.lap()
        iterations = system.solve(-gradient, 0.0, ACCURATE).iterations
        each = clock.lap() / max(iterations, 1)
        found["cycle"].append(each)
        found["hierarchy"].append(max(first - once * each, 0.0))
    held = matrix.data.nbytes + matrix.indices.nbytes
    return {"kind": kind, "iterations": iterations, "bytes": held} | {
        name: float(np.median(times)) for name, times in found.items()
    }


class _Clock:
    def __init__(self) -> None:
        self.last = time.perf_counter()

    def lap(self) -> float:
        """Return the seconds since the last lap."""
        now = time.perf_counter()
        passed, self.last = now - self.last, now
        return passed


INTRODUCTION = (
    f"A cube of steel and rubber (k 1 : {CONTRAST:.0f}) in linear tetrahedra, a lattice's cells "
    "cut into six and moved inside; held at its bottom, with convection, a flux and a source. All "
    "codes get arrays of points and cells, build the same linear system (fixed nodes taken out) "
    "and are judged by one energy. “Build” ends with the system, “in all” with the temperatures. "
    "“To 1e-8” gives iterative peers the largest tolerance (1e-6, 1e-8, …) that brings their "
    "energy within 1e-8 of the minimum; ours solves to a residual of 1e-12 in both columns, and "
    "its time includes the estimate of the gap. Medians of runs in turn; the gaps are those of the "
    "runs to 1e-8. Ours uses all cores, pyamg and SuperLU one."
)


def page(data: dict[str, Any]) -> str:
    """Return the tables."""
    text = ["## Conduction: finite elements, built and solved", INTRODUCTION]
    for entry in data.values():
        text += [f"### {entry['cells']:,} tetrahedra ({entry['n']:,} nodes)", table(entry["rows"])]
        text += [said(entry)]
    text += [missing("pyamg", "skfem", "sfepy")]
    return "\n\n".join(part for part in text if part)


def medians(rows: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return build and whole time to 1e-8, and the same to a residual of 1e-12, by contestant."""
    return {label: np.median(np.array(row["runs"]), axis=0) for label, row in rows.items()}


def table(rows: dict[str, Any]) -> str:
    """Return the contestants, the quickest first."""
    found = medians(rows)
    least = min(times[1] for times in found.values())
    lines = []
    for label, times in sorted(found.items(), key=lambda item: item[1][1]):
        name = f"**{label}**" if label == OURS else label
        lines.append([
            name, duration(times[0]), duration(times[1]), duration(times[3]),
            f"{times[1] / least:.3g}", f"{max(rows[label]['gap'], 0.0):.0e}",
        ])  # fmt: skip
    head = ["code", "build", "in all, to 1e-8", "in all, to 1e-12", "times the best", "gap"]
    return markdown(head, lines)


def said(entry: dict[str, Any]) -> str:
    """Say where our time goes, how it compares in paired runs, and what our other solvers take."""
    p = entry["parts"]
    solver = {
        "amg": f"the hierarchy {duration(p['hierarchy'])}, and {p['iterations']} iterations of CG "
               f"{duration(p['iterations'] * p['cycle'])} ({duration(p['cycle'])} each, in which "
               f"the matrix is passed over {PASSES:g} times on the finest level alone, "
               f"{PASSES * p['bytes'] / p['cycle'] / 1e9:.1f} GB/s)",
        "direct": f"the factors and the solution {duration(p['hierarchy'] + p['cycle'])}",
        "jacobi": f"{p['iterations']} iterations of CG {duration(p['iterations'] * p['cycle'])}",
    }[p["kind"]]  # fmt: skip
    text = [
        f"Of ours, the energy takes {duration(p['energy'])}, the matrix of the free nodes "
        f"{duration(p['system'])}, {solver}."
    ]
    ratios = paired(entry["rows"])
    if ratios:
        text.append(f"Paired, ours takes {ratios}.")
    times = {name: took for name, took in entry["others"].items() if took is not None}
    if entry["others"]:
        shown = [f"`{name}` {duration(took)}" for name, took in times.items()]
        late = [f"`{name}`" for name in entry["others"] if name not in times]
        words = ", ".join([*shown, *(f"{name} more than {CAP:.0f} s" for name in late)])
        text.append(f"From the energy to a gap of 1e-8, our other solvers take: {words}.")
    return " ".join(text)


def paired(rows: dict[str, Any]) -> str:
    """Return the median ratio of our time to 1e-8 and each peer's, of the runs of one round."""
    mine = np.array(rows[OURS]["runs"])[:, 1]
    found = []
    for label, row in rows.items():
        if label != OURS:
            theirs = np.array(row["runs"])[:, 1]
            count = min(len(mine), len(theirs))
            ratio = float(np.median(mine[:count] / theirs[:count]))
            found.append(f"{ratio:.2g} of the time of {label}")
    return ", ".join(found)


def draw(data: dict[str, Any], folder: Path) -> list[tuple[str, str]]:
    """Draw the times to 1e-8, one panel per size."""
    panels = {
        f"{entry['cells']:,} tetrahedra": [
            (label, float(times[1]), label == OURS)
            for label, times in sorted(medians(entry["rows"]).items(), key=lambda x: x[1][1])
        ]
        for entry in data.values()
    }
    figures.bars(panels, "seconds to build and solve, to a gap of 1e-8", folder / "conduction.png")
    return [("conduction.png", "Build and solve to a gap of 1e-8; ours in blue.")]
