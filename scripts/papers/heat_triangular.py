"""Heat on the triangular lattice: graph convolution, attention and message passing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import meshrep
from meshrep.energies.heat import HeatBath
from papers import heat
from papers.contest import Standing, contest, gain, lean, standings, table
from papers.drawing import Panel, curves
from papers.row import Figures, Finding, Piece, Pieces, Row, Say, Verdict

SIZE, QUICK_SIZE = "triangular:75x75", "triangular:15x15"
NODES = 2926  # of the papers' lattice, on which alone the claim is judged
KINDS = ("gcn", "gat", "gn")
HIDDEN = 16
SEEDS, QUICK_SEEDS = (0, 1, 2, 3, 4), (0,)
CAP, QUICK_CAP = 5.0, 0.3  # seconds, of one run
QUICK_RATES = (0.02, 0.1)
NETWORK_RATES = (0.02, 0.05, 0.1)
LEVELS = ("1e-2", "1e-3", "1e-4")
LEVEL = "1e-3"  # at which the claim is judged
PAPERS, TUNED = "adam-torch", "adam-torch, tuned"
DRAWN = ("adam-torch", "gcn in torch, papers' start", "gat in torch, papers' start",
         "gn in torch, papers' start", "adam", "gcn, shared start", "gat, shared start",
         "gn, shared start", "lbfgs", "newton")  # fmt: skip


@cache
def problem(size: str) -> tuple[HeatBath, float]:
    """The energy, hot in the upper tenth and cold in the lower, and its minimum."""
    energy = heat.heated(meshrep.graph_from(size), "ends")
    return energy, heat.least(energy)


def pieces(quick: bool) -> Mapping[str, Piece]:
    """The baselines, and each kind of network."""
    found: dict[str, Piece] = {"baselines": partial(_baselines, quick)}
    return found | {kind: partial(_networks, kind, quick) for kind in KINDS}


def _run(entrants: list[Any], quick: bool, say: Say) -> dict[str, Any]:
    energy, least = problem(QUICK_SIZE if quick else SIZE)
    seeds, cap = (QUICK_SEEDS, QUICK_CAP) if quick else (SEEDS, CAP)
    return lean(contest(energy, entrants, seeds, say, reference=least, max_seconds=cap))


def _baselines(quick: bool, say: Say) -> dict[str, Any]:
    of = (QUICK_RATES, QUICK_RATES) if quick else (heat.ADAM_RATES, heat.TORCH_RATES)
    return _run(heat.baselines(*of), quick, say)


def _networks(kind: str, quick: bool, say: Say) -> dict[str, Any]:
    entrants = heat.networks([kind], "network", torch=True, hidden=HIDDEN)
    for start in ("network", "shared"):
        entrants += heat.networks([kind], start, hidden=HIDDEN)
    of = QUICK_RATES if quick else NETWORK_RATES
    entrants += heat.tuned_networks([kind], "network", of, torch=True, hidden=HIDDEN)
    entrants += heat.tuned_networks([kind], "shared", of, hidden=HIDDEN)
    return _run(entrants, quick, say)


def mine(several: Mapping[str, Standing], kind: str, tuned: bool) -> Standing:
    """A network in torch from the papers' start, with the papers' rate or its best."""
    return several[heat.named(kind, "network", torch=True, tuned=tuned)]


def gains(several: Mapping[str, Standing], level: str, tuned: bool) -> dict[str, float]:
    """By kind, how many times the network's time Adam takes, both with their best rates if tuned.

    Infinite where only the network gets there, NaN where it does not.
    """
    other, found = several[TUNED if tuned else PAPERS], {}
    for kind in KINDS:
        network = mine(several, kind, tuned)
        alone = network.reached(level) and not other.reached(level)
        found[kind] = float("inf") if alone else gain(network, other, level, "seconds")
    return found


def verdict(papers: Mapping[str, float], tuned: Mapping[str, float]) -> Verdict:
    """Holds where all beat Adam at either rate and GN gains least; in part where some beat it."""
    all_ahead = all(value > 1.0 for value in (*papers.values(), *tuned.values()))
    last = min(papers, key=lambda kind: -np.inf if np.isnan(papers[kind]) else papers[kind])
    if all_ahead and last == "gn":
        return Verdict.HOLDS
    some = any(value > 1.0 for value in papers.values())
    return Verdict.IN_PART if some else Verdict.NOT


def findings(pieces: Pieces) -> Finding:
    """Whether all three beat Adam in torch, and the tables at three levels."""
    if "baselines" not in pieces:
        return Finding(Verdict.OPEN, "the baselines have not been run.", "")
    cell = heat.joined(list(pieces.values()))
    several = standings(cell, LEVEL)
    text = ["### Over Adam in torch", gain_table(cell, set(pieces))] if len(pieces) > 1 else []
    for level in LEVELS:
        whole = f"### To {level}\n\n{table(cell, level, PAPERS)}"
        text.append(
            whole if level == LEVEL else heat.folded(f"To {level}", table(cell, level, PAPERS))
        )
    if not set(KINDS) <= set(pieces):
        return Finding(Verdict.OPEN, "not all networks have been run.", "\n\n".join(text))
    papers, tuned = gains(several, LEVEL, False), gains(several, LEVEL, True)
    told = [
        f"{kind.upper()} {heat.times(papers[kind])} and {heat.times(tuned[kind])}" for kind in KINDS
    ]
    jitted = gain(several["gcn, shared start"], several["adam, tuned"], LEVEL, "seconds")
    lbfgs = gain(several["lbfgs"], several[PAPERS], LEVEL, "seconds")
    why = (
        f"to {LEVEL}, in torch and from the papers' start, Adam takes so many times the time of "
        f"{', '.join(told)} (with the papers' rate, and both with their best); jitted GCN "
        f"from the shared start is {heat.times(jitted)} against fused Adam at its best rate, and "
        f"L-BFGS {heat.times(lbfgs)} against Adam in torch."
    )
    settled = verdict(papers, tuned) if cell["nodes"] == NODES else Verdict.OPEN
    return Finding(settled, why, "\n\n".join(text))


def gain_table(cell: Mapping[str, Any], done: set[str]) -> str:
    """How many times a network's time and steps Adam takes, by level."""
    rows = {}
    for level in LEVELS:
        several = standings(cell, level)
        for tuned in (False, True):
            other, cells = several[TUNED if tuned else PAPERS], []
            for kind in KINDS:
                if kind not in done:
                    cells.append("not run")
                    continue
                network = mine(several, kind, tuned)
                both = [gain(network, other, level, w) for w in ("seconds", "steps")]
                cells.append(f"{heat.times(both[0])} ({heat.times(both[1])})")
            rows[f"{'both tuned' if tuned else 'both at 0.02'}, to {level}"] = cells
    text = (
        "How many times the network's time (and steps, in brackets) Adam takes, all in torch, "
        "networks from the papers' start; below 1× Adam is faster, – where one does not get there."
    )
    return f"{text}\n\n{heat.grid('', [kind.upper() for kind in KINDS], rows)}"


def draw(pieces: Pieces, place: Path) -> Figures:
    """The fall against time."""
    if "baselines" not in pieces:
        return []
    cell = heat.joined(list(pieces.values()))
    several = standings(cell, LEVEL)
    panels = []
    for title, wanted in (
        ("in torch", [label for label in DRAWN if "torch" in label]),
        ("fused or jitted", [label for label in DRAWN if "torch" not in label]),
    ):
        lines = {label: heat.fall(several[label], cell) for label in wanted if label in several}
        panels.append(Panel(title, "seconds of solving", "share of the fall that is left", lines))
    curves(panels, place / "falls.png", 2)
    return [("falls.png", "What is left of the fall, on the first seed.")]


ROW = Row(
    name="heat-triangular",
    title="Heat on the triangular lattice",
    source="P2, Fig. 20",
    claim="GCN, GAT and GN all beat Adam in wall clock; GN is slightly worse than the others.",
    setting=(
        "networkx's triangular_lattice_graph(75, 75), 2,926 nodes and 8,550 edges, with quartic "
        "baths (λ = 1) on the upper tenth (T = 1) and the lower (T = 0): which nodes are top and "
        f"bottom the papers do not say. One layer, h = {HIDDEN} (theirs is not given), Adam at "
        "0.02, networks from their own output or the shared start, handing over to Adam where "
        "their fall flattens (less than 30% in 5 steps). “In torch” is eager torch, the papers' "
        "practice; the others are jitted, and `adam` fused."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("torch",),
)
