"""The literature's optimisers beside Adam, L-BFGS and Newton, each at its best rate."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from bench.figures import Panel, curves

import meshrep
from meshrep.base.tables import times
from meshrep.energies.base import Energy
from meshrep.solving.entrants import Entrant
from meshrep.solving.records import contest, lean
from meshrep.solving.solve import solve
from meshrep.solving.standings import Standing, gain, standings
from meshrep.solving.table import table
from papers import heat, literature
from papers.claims import Claim, Verdict, claim_table, together
from papers.literature import METHODS, Method
from papers.row import Figures, Finding, Piece, Pieces, Row, Say, folded

PROBLEMS = ("bunny, random baths", "bunny, end baths", "Kuramoto, lattice 25×25")
QUICK_PROBLEMS = ("bunny, random baths",)
MESH, LATTICE = "bunny.ply", "lattice:25x25"
LEVELS = dict(zip(PROBLEMS, ("1e-3", "1e-3", "1e-1"), strict=True))
SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
SEARCH_STEPS, QUICK_SEARCH_STEPS = 600, 150  # steps of a run that searches for a rate
SEARCH_CAP, CAP, QUICK_CAP = 20.0, 2.0, 0.3  # seconds per run; in a search only a bound
QUICK_METHODS, QUICK_RATES = ("Adam", "SGD", "AdaGrad", "M-FAC"), (0.1, 0.3)
YARDSTICK = "Adam"
ENOUGH = 0.6  # least share of the seeds in which a winner, or an unbeaten Adam, must arrive
WRITTEN_OUT = "M-FAC"  # its gradients are not autograd's: only steps are compared
AHEAD = 1.5  # ratio of times or steps from which on one is clearly less
# In figures a pair shares a colour, and the second is dotted.
PAIRS = (
    ("Adam", "adam, fused"), ("RMSProp", "AdamP"), ("SGD", "SGD, momentum 0.9"),
    ("AdaGrad", "AdaDelta"), ("AdaHessian", "Sophia"), ("Shampoo, folded", "SOAP, folded"),
    ("lbfgs", "newton"), ("gcn", "M-FAC"),
)  # fmt: skip


@cache
def problem(name: str) -> tuple[Energy, float]:
    """Return the energy and its minimum; for Kuramoto that is −m, with all phases equal."""
    if name.startswith("Kuramoto"):
        graph = meshrep.graph_from(LATTICE)
        return meshrep.Kuramoto(graph), -float(len(graph.edges))
    energy = heat.heated(meshrep.graph_from(MESH), "random" if "random" in name else "ends")
    return energy, heat.least(energy)


def pieces(quick: bool) -> Mapping[str, Piece]:
    """Return one piece per problem."""
    return {
        name: partial(_contest, name, quick) for name in (QUICK_PROBLEMS if quick else PROBLEMS)
    }


def _contest(name: str, quick: bool, say: Say) -> dict[str, Any]:
    """Run every optimiser on all seeds, at the rate that was best on the first one."""
    energy, least = problem(name)
    methods = [m for m in METHODS if not m.missing and (not quick or m.name in QUICK_METHODS)]
    cap = QUICK_CAP if quick else CAP
    entrants = [
        Entrant("adam, fused", "adam", {"lr": heat.PAPERS_RATE}),
        Entrant("lbfgs", "lbfgs"),
        Entrant("newton", "newton"),
        Entrant("gcn", "gcn"),
    ]
    found = {}
    for method in methods:
        say(f"{method.name}: its rate")
        rate = searched(energy, method, least, LEVELS[name], quick)
        found[method.name] = rate
        entrants.append(Entrant(method.name, method.solver(rate)))
    seeds = QUICK_SEEDS if quick else SEEDS
    cell = lean(contest(energy, entrants, seeds, say, reference=least, max_seconds=cap))
    missing = sorted({m.name for m in METHODS if m.missing})
    return cell | {"rates": found, "missing": missing, "level": LEVELS[name]}


def searched(energy: Energy, method: Method, least: float, level: str, quick: bool) -> float:
    """Return the rate with the fewest steps to the level on the first seed, else the lowest end.

    Each rate has the same number of steps, so the clock does not matter.
    """
    seed = SEEDS[0]
    start = energy.clamp(energy.random_start(seed))
    steps = QUICK_SEARCH_STEPS if quick else SEARCH_STEPS
    ends = {
        rate: solve(energy, method.solver(rate), start=start, seed=seed, max_steps=steps,
                    max_seconds=SEARCH_CAP).raise_if_interrupted()
        for rate in (QUICK_RATES if quick else method.rates)
    }  # fmt: skip
    aim = least + float(level) * (energy.value(start) - least)

    def rank(rate: float) -> tuple[float, float]:
        steps = ends[rate].history.steps_to(aim)
        return (np.inf if steps is None else steps), ends[rate].energy

    return min(ends, key=rank)


def ahead(several: Mapping[str, Standing], level: str, what: str) -> dict[str, float]:
    """Return the methods that need AHEAD times less than Adam in torch, best first.

    A method that reaches the level in fewer seeds than Adam is left out, and so is M-FAC in time.
    """
    adam = several[YARDSTICK]
    found = {}
    for method in METHODS:
        mine = several.get(method.name)
        unfair = method.name == WRITTEN_OUT and what == "seconds"
        if mine is None or method.name == YARDSTICK or unfair:
            continue
        factor = gain(mine, adam, level, what)
        enough = max(adam.reached(level), ENOUGH * len(mine.runs))
        if mine.reached(level) >= enough and not factor < AHEAD:
            found[method.name] = float("inf") if np.isnan(factor) else factor
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def claims(pieces: Pieces) -> list[Claim]:
    """Judge problem by problem whether none takes clearly less time than Adam."""
    found = []
    for name, cell in pieces.items():
        several = standings(cell, cell["level"])
        better, fewer = (ahead(several, cell["level"], what) for what in ("seconds", "steps"))
        beaten = bool(better) or WRITTEN_OUT in fewer
        reached = several[YARDSTICK].reached(cell["level"]), len(cell["begun"])
        seen = (
            f"to {cell['level']}, which Adam reaches in {reached[0]} of {reached[1]} seeds, "
            f"{winner(better, fewer)}; {classical(several, cell['level'])}"
        )
        best = Verdict.HOLDS if reached[0] >= ENOUGH * reached[1] else Verdict.OPEN
        verdict = Verdict.NOT if beaten else best
        found.append(Claim(f"none takes clearly less time than Adam on {name}", verdict, seen))
    return found


def findings(pieces: Pieces) -> Finding:
    """Judge whether Adam is the best of them, and which one is; return the tables."""
    if not pieces:
        return Finding(Verdict.OPEN, "nothing of it has been run.", "")
    found = claims(pieces)
    text = [claim_table(found)]
    for name, cell in pieces.items():
        shown = {label(cell, key): key for key in cell["rates"]}
        title = f"{name}, all solvers to {cell['level']}"
        text += [folded(title, table(renamed(cell, shown), cell["level"], label(cell, YARDSTICK)))]
    missing = sorted({name for cell in pieces.values() for name in cell["missing"]})
    if missing:
        text.append(f"Left out, since {literature.PACKAGE} is not installed: {', '.join(missing)}.")
    verdict = together(found) if set(PROBLEMS) <= set(pieces) else Verdict.OPEN
    told = [f"on {name} {first_of(cell)}" for name, cell in pieces.items()]
    why = f"less time than Adam, by {AHEAD:g}× or more, take {'; '.join(told)}."
    return Finding(verdict, why, "\n\n".join(text))


def first_of(cell: Mapping[str, Any]) -> str:
    """Say which method takes the least time of those ahead, and how many more are ahead."""
    several = standings(cell, cell["level"])
    better, fewer = (ahead(several, cell["level"], what) for what in ("seconds", "steps"))
    words = "none"
    if better:
        name = next(iter(better))
        by = "where Adam does not arrive" if np.isinf(better[name]) else times(better[name])
        words = f"{name} ({by})" + f" and {len(better) - 1} more" * (len(better) > 1)
    if WRITTEN_OUT in fewer:
        words += f", but {WRITTEN_OUT} fewer steps"
    return words


def label(cell: Mapping[str, Any], key: str) -> str:
    """Return a method with its rate, and whether that is an edge of those tried."""
    rate = cell["rates"][key]
    tried = next((m.rates for m in METHODS if m.name == key), ())
    edge = len(tried) > 1 and rate in (min(tried), max(tried))
    return f"{key} (rate {rate:g}{', edge' * edge})"


def renamed(cell: Mapping[str, Any], shown: Mapping[str, str]) -> dict[str, Any]:
    """Return the contest with rates in the labels."""
    back = {key: label for label, key in shown.items()}
    return dict(cell) | {"runs": {back.get(key, key): r for key, r in cell["runs"].items()}}


def winner(better: Mapping[str, float], fewer: Mapping[str, float]) -> str:
    """Say which method needs less time than Adam, and which fewer steps."""
    if not better:
        first = "none of the literature's takes clearly less time than Adam"
    else:
        name = next(iter(better))
        first = f"{name} wins in time ({_less(better[name], 'less than Adam')}"
        first += f"; {len(better)} are ahead of it)" if len(better) > 1 else ")"
    if fewer:
        name = next(iter(fewer))
        first += f"; in steps {name} is first ({_less(fewer[name], 'fewer')})"
    return first


def _less(factor: float, words: str) -> str:
    return "Adam does not get there" if np.isinf(factor) else f"{times(factor)} {words}"


def classical(several: Mapping[str, Standing], level: str) -> str:
    """Say how L-BFGS, Newton and fused Adam do."""
    words = []
    fused = gain(several["adam, fused"], several[YARDSTICK], level, "seconds")
    for name, title in (("lbfgs", "L-BFGS"), ("newton", "Newton")):
        factor = gain(several[name], several[YARDSTICK], level, "seconds")
        words.append(f"{title} {times(factor)}")
    return f"{', '.join(words)} and fused Adam {times(fused)} less time than Adam in torch"


def draw(pieces: Pieces, place: Path) -> Figures:
    """Draw the fall over steps and over time, one panel per problem."""
    files: Figures = []
    order = [(name, second) for pair in PAIRS for second, name in enumerate(pair)]
    for column, name, title in ((0, "steps", "steps"), (1, "time", "seconds of solving")):
        panels = []
        for problem_name, cell in pieces.items():
            drawn = [(key, second) for key, second in order if key in cell["runs"]]
            lines = {
                key: heat.fall(Standing(key, cell["runs"][key]), cell, column=column)
                for key, _ in drawn
            }
            dotted = frozenset(key for key, second in drawn if second)
            axis = "share of the fall that is left"
            panels.append(Panel(problem_name, title, axis, lines, dashed=dotted))
        if panels:
            curves(panels, place / f"{name}.png", 3, legend="below")
            files.append((f"{name}.png", f"What is left of the fall against {title}, on the first "
                          "seed, down to 1e-8 of it; gcn hands over to Adam where its curve "
                          "drops."))  # fmt: skip
    return files


ROW = Row(
    name="optimisers",
    title="Optimisers of the literature",
    source="P2, Fig. 10; Shampoo in P2 §3.1",
    claim=(
        "The papers take Adam for the baseline, and on Kuramoto find other optimisers worse; of "
        "second-order ones they try Shampoo alone. Judged here: no optimiser of the literature "
        "takes clearly less time than Adam."
    ),
    setting=(
        "Quartic baths on the bunny of 1,839 nodes, at random nodes and at its ends, and "
        "Kuramoto on the open 25×25 lattice (its minimum is −m for m edges). All start from the "
        "shared start, on the field itself. Every optimiser runs in eager torch with autograd's "
        f"gradients, at the best of {len(literature.RATES)} rates from {min(literature.RATES):g} "
        f"to {max(literature.RATES):g} (AdaDelta to {max(literature.ADADELTA_RATES):g}, Shampoo "
        f"to {max(literature.SHAMPOO_RATES):g}, M-FAC to {max(literature.MFAC_RATES):g}, beyond "
        "which it diverges): the rate with the fewest steps to the level on the first seed, in "
        f"runs of {SEARCH_STEPS} steps. Shampoo and SOAP see the field folded into a nearly "
        "square matrix; on n×1 their preconditioner is n×n, for which see the row heat-graphs. "
        "AdaHessian and Sophia get Hutchinson estimates of the diagonal of the exact Hessian. "
        "M-FAC is ours: its gradients are written out and not autograd's, which makes its steps "
        f"cheaper, so that only their number is judged. Clearly less is {AHEAD:g}× less. Weight "
        "decay is off. `gcn` is the named solver, jitted."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("torch",),
    version=3,
)
