"""Heat on six graphs: networks of four kinds, three depths and four widths, and the baselines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from bench.figures import CYCLE, GRID, MARKERS, Panel, canvas, curves

import meshrep
from meshrep.energies.heat import HeatBath
from meshrep.solving.entrants import Entrant
from meshrep.solving.records import contest, joined, lean
from meshrep.solving.standings import standings
from papers import heat, literature
from papers.heat_graphs import claims as heat_claims
from papers.row import Figures, Finding, Piece, Pieces, Row, Say

GRAPHS = {
    "bunny": "bunny.ply",
    "SBM": "sbm:10x250",
    "2-D lattice": "lattice:50x50",
    "3-D lattice": "lattice:14x14x14",
    "random geometric": "rgg:2500",
    "random": "er:2500",
}
QUICK_GRAPHS = {"2-D lattice, small": "lattice:20x20"}
STRIP = ", strip baths"
HARD = "2-D lattice" + STRIP
KINDS = ("gcn", "gcn-res", "nograph", "nograph-res")
WRITTEN_OUT = ("gcn",)  # also with the pullback written out, to show what autograd costs
SEEDS, QUICK_SEEDS = (0, 1, 2, 3, 4), (0,)
SWEEP_SEEDS = (0, 1)
LAYERS, WIDTHS = (1, 2, 3), (16, 32, 64, 128)
QUICK_LAYERS, QUICK_WIDTHS = (1, 2), (16, 32)
NETWORK_RATES = (0.01, 0.02, 0.05, 0.1)
QUICK_RATES = (0.02, 0.1)
CAP, QUICK_CAP = 4.0, 0.5  # seconds per run
STOP_SEEDS, STOP_CAP = (0, 1), 2.0
STOP_KINDS = ("gcn", "gcn-res")
SHAMPOO_CAP, QUICK_SHAMPOO_CAP = 2.0, 0.5
DRAWN = ("adam-torch", "gcn by autograd, papers' start", "adam", "gcn, papers' start",
         "gcn-res, papers' start", "rk4", "lbfgs", "newton")  # fmt: skip


@cache
def problem(graph: str) -> tuple[HeatBath, float]:
    """Return the energy on one of the graphs, or the hard case, and its minimum."""
    net = meshrep.graph_from((GRAPHS | QUICK_GRAPHS)[graph.removesuffix(STRIP)])
    net = heat.largest_component(net)
    energy = heat.heated(net, "ends" if graph == HARD else "random")
    return energy, heat.least(energy)


def pieces(quick: bool) -> Mapping[str, Piece]:
    """Return the solvers, the sweep, Shampoo and the papers' stop, graph by graph."""
    found: dict[str, Piece] = {}
    for graph in QUICK_GRAPHS if quick else GRAPHS:
        found[f"{graph}, solvers"] = partial(_solvers, graph, quick)
        found[f"{graph}, sweep"] = partial(_sweep, graph, quick)
        found[f"{graph}, Shampoo"] = partial(_shampoo, graph, quick)
        if not quick:
            found[f"{graph}, the papers' stop"] = partial(_stop, graph)
    if not quick:
        found[HARD] = partial(_solvers, HARD, quick)
    return found


def _solvers(graph: str, quick: bool, say: Say) -> dict[str, Any]:
    """Run all solvers on one graph; networks from both starts, at the papers' rate and tuned."""
    energy, least = problem(graph)
    cap, seeds = (QUICK_CAP, QUICK_SEEDS) if quick else (CAP, SEEDS)

    def run(entrants: list[Entrant]) -> dict[str, Any]:
        return contest(energy, entrants, seeds, say, reference=least, max_seconds=cap)

    classics = run(heat.classics(QUICK_RATES if quick else heat.ADAM_RATES))
    levels = (heat_claims.LEVEL, heat_claims.FINE)
    of, then = QUICK_RATES if quick else NETWORK_RATES, heat.second_rates(classics, levels)
    entrants = []
    for start in ("network", "shared"):
        entrants += heat.networks(KINDS, start) + heat.tuned_networks(KINDS, start, of, then)
    jitted = run(entrants)
    eager = heat.eager_adam(classics, levels)
    eager += heat.networks(KINDS, "network", way=heat.AUTOGRAD)
    eager += heat.networks(WRITTEN_OUT, "network", way=heat.TORCH)
    for kind in KINDS:
        eager += heat.retold(jitted, kind, "network", heat.AUTOGRAD, levels)
    return lean(joined([classics, jitted, run(eager)]))


def sized(kind: str, layers: int, width: int) -> str:
    """Return the name of a member of the sweep."""
    return f"{kind}, {layers} layer{'s' * (layers > 1)}, h = {width}"


def _sweep(graph: str, quick: bool, say: Say) -> dict[str, Any]:
    """Run every kind, depth and width from the papers' start at the papers' rate, beside Adam."""
    energy, least = problem(graph)
    entrants = [Entrant("adam", "adam", {"lr": heat.PAPERS_RATE})]
    for kind in KINDS:
        for layers in QUICK_LAYERS if quick else LAYERS:
            for width in QUICK_WIDTHS if quick else WIDTHS:
                solver = heat.network(kind, layers=layers, hidden=width)
                entrants.append(Entrant(sized(kind, layers, width), solver))
    seeds = QUICK_SEEDS if quick else SWEEP_SEEDS
    found = contest(energy, entrants, seeds, say, reference=least, max_seconds=CAP)
    return lean(found, curves=0)


def _shampoo(graph: str, quick: bool, say: Say) -> dict[str, Any]:
    """Run Shampoo on the field as a column and as a matrix, beside Adam in torch, on one seed.

    As a column it is not warmed up, because its steps take seconds.
    """
    energy, least = problem(graph)
    cap = QUICK_SHAMPOO_CAP if quick else SHAMPOO_CAP

    def run(entrants: list[Entrant], **settings: Any) -> dict[str, Any]:
        return contest(
            energy, entrants, SEEDS[:1], say, reference=least, max_seconds=cap, **settings
        )

    adam = Entrant("adam-torch", "adam-torch", {"lr": heat.PAPERS_RATE})
    folded = literature.folded(QUICK_RATES if quick else literature.SHAMPOO_RATES)
    cells = [run([adam, *folded])]
    if folded:
        cells.append(run([literature.column()], warm_seconds=0.0))
    return lean(joined(cells)) | {"cap": cap}


def _stop(graph: str, say: Say) -> dict[str, Any]:
    """Run Adam and networks in torch's own float32 until the papers' rule ends them."""
    energy, least = problem(graph)
    entrants = heat.stoppers(STOP_KINDS)
    found = contest(
        energy, entrants, STOP_SEEDS, say, reference=least, max_seconds=STOP_CAP, dtype="float32"
    )  # fmt: skip
    return lean(found, curves=0)


def findings(pieces: Pieces) -> Finding:
    """Return the claims one by one, and then the tables."""
    return heat_claims.findings(pieces, KINDS, HARD)


def draw(pieces: Pieces, place: Path) -> Figures:
    """Draw the fall over time on every graph, and the sweep."""
    files: Figures = []
    panels = []
    for graph in (*QUICK_GRAPHS, *GRAPHS, HARD):
        cell = pieces.get(HARD if graph == HARD else f"{graph}, solvers")
        if cell is None:
            continue
        several = standings(cell, heat_claims.LEVEL)
        drawn = {label: heat.fall(several[label], cell) for label in DRAWN if label in several}
        panels.append(Panel(graph, "seconds of solving", "share of the fall that is left", drawn))
    if panels:
        curves(panels, place / "falls.png", 3, legend="below")
        files.append(("falls.png", heat.FALLS))
    sweep = heat_claims.sweep_lines(pieces, KINDS)
    if sweep:
        draw_sweep(sweep, place / "sweep.png")
        files.append(("sweep.png", "Time to 1e-3 over fused Adam's, mean over the graphs; all "
                      "jitted, from the papers' start."))  # fmt: skip
    return files


def draw_sweep(sweep: Mapping[str, Mapping[str, list[tuple[float, float]]]], path: Path) -> None:
    """Draw a panel for each kind, with lines by layers over the widths, all on one scale."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    sheet, axes = canvas(1, len(sweep), 3.2 * len(sweep), 3.4)
    points = [point for lines in sweep.values() for line in lines.values() for point in line]
    widths = sorted({int(width) for width, _ in points})
    known = [time for _, time in points if np.isfinite(time)]
    for axis, (kind, lines) in zip(axes, sweep.items(), strict=True):
        for number, (name, line) in enumerate(lines.items()):
            axis.plot(*zip(*line, strict=True), color=CYCLE[number], label=name,
                      marker=MARKERS[number], markersize=4.5, linewidth=1.4)  # fmt: skip
        axis.set_title(kind, fontsize=10, loc="left")
        axis.set_xscale("log", base=2)
        axis.set_xticks(widths, [str(width) for width in widths])
        axis.set_yscale("log")
        axis.set_ylim(min(known, default=1) / 1.3, max(known, default=1) * 1.3)
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
        axis.grid(True, which="major", color=GRID, linewidth=0.7)
        axis.set_xlabel("width h", fontsize=9)
    axes[0].set_ylabel("time to 1e-3 over that of adam", fontsize=9)
    axes[0].legend(fontsize=8, frameon=False)
    sheet.save(path)


ROW = Row(
    name="heat-graphs",
    title="Heat on six graphs",
    source="P2 §3.1, Figs. 4 and 5",
    claim=(
        "Networks are more than 10× faster than Adam; Shampoo does not converge in comparable "
        "time; RK4 is more than 10× slower than Adam; GCN-Res and NoGraph-Res are the best, and a "
        "single layer is."
    ),
    setting=(
        "Quartic baths on a tenth of hot and a tenth of cold nodes, drawn at random (λ = 1, T = "
        "1 and 0, shared starts uniform in [0, 1]). The papers give neither λ and T nor the "
        "sizes. Here the graphs are a bunny of 1,839 nodes (a mesh; theirs is PyGSP's of 2,503, "
        "another graph), 10 blocks of 250 (chances 0.1 inside, 0.001 between), 50×50, 14×14×14, "
        "and the largest components of a random geometric graph (mean degree 8) and of an "
        "Erdős–Rényi graph (6) of 2,500 nodes. Adam has the papers' rate of 0.02 and the usual "
        "decays. Networks have one layer and h = 32, except in the sweep. They hand over to Adam "
        "when their fall flattens (less than 30% in 5 steps), and begin at their own output or "
        f"at the shared start. {heat.WAYS} The last problem, with strip baths, is not in the "
        "papers."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("torch",),
    version=4,
)
