"""Heat on the triangular lattice: graph convolution, attention and message passing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from bench.figures import Panel, curves

import meshrep
from meshrep.base.tables import markdown, times
from meshrep.energies.heat import HeatBath
from meshrep.solving.entrants import Entrant
from meshrep.solving.records import contest, joined, lean
from meshrep.solving.standings import Standing, gain, standings
from meshrep.solving.table import table
from papers import heat
from papers.claims import Claim, Verdict, claim_table, judged, together
from papers.row import Figures, Finding, Piece, Pieces, Row, Say, folded

SIZE, QUICK_SIZE = "triangular:75x75", "triangular:15x15"
NODES = 2926  # of the papers' lattice, the only one that is judged
KINDS = ("gcn", "gat", "gn")
HIDDEN = 16
SEEDS, QUICK_SEEDS = (0, 1, 2, 3, 4), (0,)
CAP, QUICK_CAP = 5.0, 0.3  # seconds per run
QUICK_RATES = (0.02, 0.1)
STOP = "the papers' stop"
STOP_SEEDS, STOP_CAP, QUICK_STOP_CAP = (0, 1), 3.0, 0.3
LEVELS = ("1e-2", "1e-3", "1e-4")
LEVEL = "1e-3"  # the level of the sentence; claims are judged at all levels
ENOUGH = 0.6  # least share of the seeds in which one of the two must arrive
SLIGHTLY = 2.0  # largest ratio of times that is slightly worse
PAPERS, TUNED = "adam-torch", "adam-torch, tuned"
DRAWN = ("adam-torch", "gcn by autograd, papers' start", "gat by autograd, papers' start",
         "gn by autograd, papers' start", "adam", "gcn, shared start", "gat, shared start",
         "gn, shared start", "lbfgs", "newton")  # fmt: skip


@cache
def problem(size: str) -> tuple[HeatBath, float]:
    """Return the energy, hot in the upper tenth and cold in the lower, and its minimum."""
    energy = heat.heated(meshrep.graph_from(size), "ends")
    return energy, heat.least(energy)


def pieces(quick: bool) -> Mapping[str, Piece]:
    """Return the baselines, each kind of network, and runs that the papers' rule ends."""
    found: dict[str, Piece] = {"baselines": partial(_baselines, quick)}
    found |= {kind: partial(_networks, kind, quick) for kind in KINDS}
    return found | {STOP: partial(_stop, quick)}


def _run(entrants: list[Entrant], quick: bool, say: Say) -> dict[str, Any]:
    energy, least = problem(QUICK_SIZE if quick else SIZE)
    seeds, cap = (QUICK_SEEDS, QUICK_CAP) if quick else (SEEDS, CAP)
    return lean(contest(energy, entrants, seeds, say, reference=least, max_seconds=cap))


def _classics(quick: bool, say: Say) -> dict[str, Any]:
    return _run(heat.classics(QUICK_RATES if quick else heat.ADAM_RATES), quick, say)


def _baselines(quick: bool, say: Say) -> dict[str, Any]:
    fused = _classics(quick, say)
    eager = heat.eager_adam(fused, LEVELS)
    return joined([fused, _run(eager, quick, say)])


def _networks(kind: str, quick: bool, say: Say) -> dict[str, Any]:
    """Run one kind at the papers' rate and tuned, jitted, and then in torch."""
    then = heat.second_rates(_classics(quick, say), LEVELS)
    of = QUICK_RATES if quick else heat.NETWORK_RATES
    entrants = []
    for start in ("network", "shared"):
        entrants += heat.networks([kind], start, hidden=HIDDEN)
        entrants += heat.tuned_networks([kind], start, of, then, hidden=HIDDEN)
    jitted = _run(entrants, quick, say)
    eager = heat.networks([kind], "network", way=heat.AUTOGRAD, hidden=HIDDEN)
    eager += heat.networks([kind], "network", way=heat.TORCH, hidden=HIDDEN)
    eager += heat.retold(jitted, kind, "network", heat.AUTOGRAD, LEVELS, HIDDEN)
    return joined([jitted, _run(eager, quick, say)])


def _stop(quick: bool, say: Say) -> dict[str, Any]:
    """Run Adam and the networks in torch's own float32 until the papers' rule ends them."""
    energy, least = problem(QUICK_SIZE if quick else SIZE)
    seeds, cap = (QUICK_SEEDS, QUICK_STOP_CAP) if quick else (STOP_SEEDS, STOP_CAP)
    found = contest(energy, heat.stoppers(KINDS, HIDDEN), seeds, say, reference=least,
                    max_seconds=cap, dtype="float32")  # fmt: skip
    return lean(found, curves=0)


def mine(several: Mapping[str, Standing], kind: str, tuned: bool) -> Standing:
    """Return a network by autograd from the papers' start, at the papers' rate or its best."""
    return several[heat.named(kind, "network", heat.AUTOGRAD, tuned=tuned)]


def gains(several: Mapping[str, Standing], level: str, tuned: bool) -> dict[str, float]:
    """Return by kind how many times the network's time Adam takes, both tuned if asked.

    Infinite if only the network arrives, NaN if it arrives in fewer seeds than Adam.
    """
    other, found = several[TUNED if tuned else PAPERS], {}
    for kind in KINDS:
        network = mine(several, kind, tuned)
        fewer = network.reached(level) < max(other.reached(level), 1)
        alone = float("inf") if not other.reached(level) else None
        found[kind] = float("nan") if fewer else alone or gain(network, other, level, "seconds")
    return found


def borne(several: Mapping[str, Standing], level: str) -> bool:
    """Say whether of each pair that is compared one arrives in ENOUGH of the seeds."""
    for tuned in (False, True):
        other = several[TUNED if tuned else PAPERS]
        for kind in KINDS:
            arrived = max(other.reached(level), mine(several, kind, tuned).reached(level))
            if arrived < ENOUGH * len(other.runs):
                return False
    return True


def claims(
    papers: Mapping[str, Mapping[str, float]], tuned: Mapping[str, Mapping[str, float]]
) -> list[Claim]:
    """Judge both claims by the gains by level and kind, at the papers' rates and tuned."""
    passed = [v > 1 for by in (papers, tuned) for found in by.values() for v in found.values()]
    words = []
    for how, by in (("at the papers' rate", papers), ("with both tuned", tuned)):
        parts = [
            f"to {level} {', '.join(k.upper() for k, v in found.items() if v > 1) or 'none'}"
            for level, found in by.items()
        ]
        words.append(f"{how} {'; '.join(parts)}")
    beat = judged(passed)
    last, slight, told = [], [], []
    for level, found in papers.items():
        others = min((v for k, v in found.items() if k != "gn" and v > 0), default=float("nan"))
        behind = others / found.get("gn", float("nan"))
        last.append(bool(behind > 1))
        slight.append(bool(1 < behind <= SLIGHTLY))
        told.append(f"to {level} {times(behind)}")
    worse = Verdict.HOLDS if all(slight) else Verdict.IN_PART if any(last) else Verdict.NOT
    return [
        Claim("GCN, GAT and GN all beat Adam in wall clock", beat,
              f"ahead of Adam are, {'. And '.join(words)}"),
        Claim("GN is slightly worse than the others", worse,
              f"at the papers' rate GN takes, times the time of the worse of the others, "
              f"{', '.join(told)}; up to {SLIGHTLY:g}× is slightly"),
    ]  # fmt: skip


def findings(pieces: Pieces) -> Finding:
    """Judge whether all three beat Adam in torch; return the tables at three levels."""
    if "baselines" not in pieces:
        return Finding(Verdict.OPEN, "the baselines have not been run.", "")
    contests = {key: piece for key, piece in pieces.items() if key != STOP}
    cell = joined(list(contests.values()))
    text = ["### Over Adam in torch", gain_table(cell, set(pieces))] if len(contests) > 1 else []
    text += [folded(f"All solvers to {lv}", table(cell, lv, PAPERS)) for lv in LEVELS]
    if STOP in pieces:
        text += ["### The papers' own stop", heat.stop_table({"triangular": pieces[STOP]})]
    if not set(KINDS) <= set(pieces):
        return Finding(Verdict.OPEN, "not all networks have been run.", "\n\n".join(text))
    by_level = {level: standings(cell, level) for level in LEVELS}
    papers = {level: gains(several, level, False) for level, several in by_level.items()}
    tuned = {level: gains(several, level, True) for level, several in by_level.items()}
    found = claims(papers, tuned)

    def told(values: Mapping[str, float]) -> str:
        return ", ".join(f"{times(v)} that of {kind.upper()}" for kind, v in values.items())

    fused = gain(by_level[LEVEL]["lbfgs"], by_level[LEVEL]["adam, tuned"], LEVEL, "seconds")
    why = (
        f"to {LEVEL}, all by autograd at the papers' rate, Adam's time is {told(papers[LEVEL])}; "
        f"to {LEVELS[-1]} {told(papers[LEVELS[-1]])}; with both tuned, to {LEVEL}, "
        f"{told(tuned[LEVEL])}. Fused and tuned, Adam takes {times(fused)} L-BFGS's time."
    )
    known = all(borne(several, level) for level, several in by_level.items())
    settled = together(found) if cell["nodes"] == NODES and known else Verdict.OPEN
    why = why if known else f"too few runs arrive to tell; {why}"
    return Finding(settled, why, "\n\n".join([claim_table(found), *text]))


def gain_table(cell: Mapping[str, Any], done: set[str]) -> str:
    """Return a table of how many times a network's time and steps Adam takes, by level."""
    rows = []
    for level in LEVELS:
        several = standings(cell, level)
        for tuned in (False, True):
            other = several[TUNED if tuned else PAPERS]
            cells = [f"{'both tuned' if tuned else 'both at 0.02'}, to {level}"]
            for kind in KINDS:
                if kind not in done:
                    cells.append("not run")
                    continue
                network = mine(several, kind, tuned)
                both = [gain(network, other, level, w) for w in ("seconds", "steps")]
                cells.append(f"{times(both[0])} ({times(both[1])})")
            rows.append(cells)
    text = (
        "Adam's time over the network's (and steps, in brackets), all by autograd in torch, "
        "networks from the papers' start. Below 1× Adam is faster; – if one does not get there."
    )
    return f"{text}\n\n{markdown(['', *map(str.upper, KINDS)], rows)}"


def draw(pieces: Pieces, place: Path) -> Figures:
    """Draw the fall over time."""
    if "baselines" not in pieces:
        return []
    cell = joined([piece for key, piece in pieces.items() if key != STOP])
    several = standings(cell, LEVEL)
    panels = []
    eager = [label for label in DRAWN if "torch" in label or heat.AUTOGRAD in label]
    for title, wanted in (
        ("in torch, by autograd", eager),
        ("fused or jitted", [label for label in DRAWN if label not in eager]),
    ):
        lines = {label: heat.fall(several[label], cell) for label in wanted if label in several}
        panels.append(Panel(title, "seconds of solving", "share of the fall that is left", lines))
    curves(panels, place / "falls.png", 2)
    return [("falls.png", heat.FALLS)]


ROW = Row(
    name="heat-triangular",
    title="Heat on the triangular lattice",
    source="P2, Fig. 20",
    claim="GCN, GAT and GN all beat Adam in wall clock; GN is slightly worse than the others.",
    setting=(
        "networkx's triangular_lattice_graph(75, 75), with 2,926 nodes, 8,550 edges, and quartic "
        "baths (λ = 1) on the upper tenth (T = 1) and the lower (T = 0); the papers do not say "
        f"which nodes are top and bottom. Networks have one layer and h = {HIDDEN} (the papers "
        "give no width), Adam at 0.02, and begin at their own output or at the shared start. "
        f"They hand over to Adam when their fall flattens (less than 30% in 5 steps). {heat.WAYS} "
        "Judged by autograd, to 1e-2, 1e-3 and 1e-4, at the papers' rate and with both tuned."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("torch",),
    version=4,
)
