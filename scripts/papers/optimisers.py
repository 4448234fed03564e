"""The literature's optimisers beside Adam, L-BFGS and Newton, each at its best rate."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import meshrep
from meshrep.energies.base import Energy
from meshrep.solving import solve
from papers import heat, literature
from papers.contest import Entrant, Standing, contest, gain, lean, standings, table
from papers.drawing import Panel, curves
from papers.literature import METHODS, Method
from papers.row import Figures, Finding, Piece, Pieces, Row, Say, Verdict

PROBLEMS = ("bunny, random baths", "bunny, end baths", "Kuramoto, lattice 25×25")
QUICK_PROBLEMS = ("bunny, random baths",)
MESH, LATTICE = "bunny.ply", "lattice:25x25"
LEVELS = dict(zip(PROBLEMS, ("1e-3", "1e-3", "1e-1"), strict=True))
SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
SEARCH_CAP, CAP, QUICK_CAP = 0.6, 2.0, 0.3  # seconds, of one run
QUICK_METHODS, QUICK_RATES = ("Adam", "SGD", "AdaGrad", "M-FAC"), (0.1, 0.3)
YARDSTICK = "Adam"
AHEAD = 1.5  # how many times less time, or fewer steps, is clearly less


@cache
def problem(name: str) -> tuple[Energy, float | None]:
    """The energy, and its minimum where it is convex."""
    if name.startswith("Kuramoto"):
        return meshrep.Kuramoto(meshrep.graph_from(LATTICE)), None
    energy = heat.heated(meshrep.graph_from(MESH), "random" if "random" in name else "ends")
    return energy, heat.least(energy)


def pieces(quick: bool) -> Mapping[str, Piece]:
    """A problem at a time."""
    return {
        name: partial(_contest, name, quick) for name in (QUICK_PROBLEMS if quick else PROBLEMS)
    }


def _contest(name: str, quick: bool, say: Say) -> dict[str, Any]:
    """Every optimiser at the rate that was best on the first seed, on all seeds."""
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


def searched(energy: Energy, method: Method, least: float | None, level: str, quick: bool) -> float:
    """The rate with the fewest steps to the level on the first seed, else the lowest end.

    Without a known minimum the lowest end of all rates takes its place.
    """
    seed = SEEDS[0]
    start = energy.clamp(energy.random_start(seed))
    high = energy.value(start)
    ends = {
        rate: solve(energy, method.solver(rate), start=start, seed=seed,
                    max_seconds=QUICK_CAP if quick else SEARCH_CAP)
        for rate in (QUICK_RATES if quick else method.rates)
    }  # fmt: skip
    floor = min(end.energy for end in ends.values()) if least is None else least
    aim = floor + float(level) * (high - floor)

    def rank(rate: float) -> tuple[float, float]:
        steps = ends[rate].history.steps_to(aim)
        return (np.inf if steps is None else steps), ends[rate].energy

    return min(ends, key=rank)


def ahead(several: Mapping[str, Standing], level: str, what: str) -> dict[str, float]:
    """Methods of the literature that need AHEAD times less than Adam in torch, best first.

    One that gets to the level in fewer seeds than Adam is not among them.
    """
    adam = several[YARDSTICK]
    found = {}
    for method in METHODS:
        mine = several.get(method.name)
        if mine is None or method.name == YARDSTICK:
            continue
        factor = gain(mine, adam, level, what)
        if mine.reached(level) >= max(adam.reached(level), 1) and not factor < AHEAD:
            found[method.name] = float("inf") if np.isnan(factor) else factor
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def findings(pieces: Pieces) -> Finding:
    """Whether Adam is the best of them, which one is, and the tables."""
    text, told, beaten = [], [], []
    for name, cell in pieces.items():
        level = cell["level"]
        several = standings(cell, level)
        better = ahead(several, level, "seconds")
        fewer = ahead(several, level, "steps")
        beaten.append(bool(better))
        told.append(f"on {name} {winner(better, fewer)}; {classical(several, level)}")
        shown = {f"{key} (rate {rate:g})": key for key, rate in cell["rates"].items()}
        text += [f"### {name}", table(renamed(cell, shown), level, f"{YARDSTICK} (rate "
                 f"{cell['rates'][YARDSTICK]:g})")]  # fmt: skip
    missing = sorted({name for cell in pieces.values() for name in cell["missing"]})
    if missing:
        text.append(f"Left out, since {literature.PACKAGE} is not installed: {', '.join(missing)}.")
    if not pieces:
        return Finding(Verdict.OPEN, "nothing of it has been run.", "")
    verdict = Verdict.NOT if all(beaten) else Verdict.IN_PART if any(beaten) else Verdict.HOLDS
    if not set(PROBLEMS) <= set(pieces):
        verdict = Verdict.OPEN
    return Finding(verdict, ". ".join(_capital(told)) + ".", "\n\n".join(text))


def _capital(sentences: list[str]) -> list[str]:
    return [sentences[0], *(s[0].upper() + s[1:] for s in sentences[1:])]


def renamed(cell: Mapping[str, Any], shown: Mapping[str, str]) -> dict[str, Any]:
    """The contest with rates in the labels."""
    back = {key: label for label, key in shown.items()}
    return dict(cell) | {"runs": {back.get(key, key): r for key, r in cell["runs"].items()}}


def winner(better: Mapping[str, float], fewer: Mapping[str, float]) -> str:
    """Who needs less time than Adam, and who fewer steps."""
    if not better:
        first = "none of the literature's takes clearly less time than Adam"
    else:
        name = next(iter(better))
        first = f"{name} wins in time ({_less(better[name], 'less than Adam')}"
        first += f"; {len(better)} are ahead of it)" if len(better) > 1 else ")"
    if fewer:
        name = next(iter(fewer))
        first += f" and {name} in steps ({_less(fewer[name], 'fewer')})"
    return first


def _less(factor: float, words: str) -> str:
    return "Adam does not get there" if np.isinf(factor) else f"{heat.times(factor)} {words}"


def classical(several: Mapping[str, Standing], level: str) -> str:
    """What L-BFGS and Newton make of it."""
    words = []
    for name, title in (("lbfgs", "L-BFGS"), ("newton", "Newton")):
        factor = gain(several[name], several[YARDSTICK], level, "seconds")
        words.append(f"{title} {heat.times(factor)}")
    return f"less time than Adam take {' and '.join(words)}"


def draw(pieces: Pieces, place: Path) -> Figures:
    """The fall against steps and against time, a panel a problem."""
    files: Figures = []
    for column, name, title in ((0, "steps", "steps"), (1, "time", "seconds of solving")):
        panels = []
        for problem_name, cell in pieces.items():
            lines = {
                label: heat.fall(Standing(label, runs), cell, column=column)
                for label, runs in cell["runs"].items()
            }
            panels.append(Panel(problem_name, title, "share of the fall that is left", lines))
        if panels:
            curves(panels, place / f"{name}.png", 3, shared_legend=True)
            files.append((f"{name}.png", f"What is left of the fall against {title}, first seed."))
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
        "Quartic baths on the bunny of 1,839 nodes, at random nodes and at its ends, and Kuramoto "
        "on the open 25×25 lattice; all from the shared start, on the field itself. Every "
        "optimiser, M-FAC of ours too, is in eager torch and has the best of "
        f"{len(literature.RATES)} rates from {min(literature.RATES):g} to "
        f"{max(literature.RATES):g} (Shampoo of five to 10, M-FAC of four to 0.15), the one "
        "with the fewest steps to the level on the first seed. Shampoo and SOAP see the field "
        "folded into a nearly square matrix: on n×1 their preconditioner is "
        "n×n, for which see the row heat-graphs. AdaHessian and Sophia get Hutchinson estimates "
        "of the exact Hessian's diagonal. Weight decay is off. `gcn` is the preset, jitted."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("torch",),
)
