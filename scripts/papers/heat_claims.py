"""What the runs on six graphs say of each of the papers' five claims, and their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from papers.contest import Standing, gain, spread, standings, table
from papers.heat import folded, grid, middle, named, number, ratio, times
from papers.literature import FOLDED, WHOLE
from papers.row import Finding, Pieces, Verdict

LEVEL, FINE = "1e-3", "1e-6"
TEN = 10.0  # what the papers claim over Adam, and of RK4 against it
COMPARABLE = 10.0  # times Adam's time up to which another's is comparable
AHEAD = 1.1  # how many times faster is faster
YARDSTICK = "adam-torch"
CLAIMS, GRAPHS = 5, 6  # without which nothing is settled
SUMMARY = (
    "adam-torch", "adam-torch, tuned", "gcn in torch, papers' start", "adam", "adam, tuned",
    "gcn, papers' start", "gcn-res, papers' start", "nograph, papers' start",
    "nograph-res, papers' start", "gcn, shared start, tuned", "rk4", "lbfgs", "newton",
)  # fmt: skip
Cells = Mapping[str, Mapping[str, Standing]]  # standings at LEVEL by graph


@dataclass(frozen=True)
class Claim:
    """One of a row's claims: in the papers' sense, how it stands, and what was seen."""

    says: str
    verdict: Verdict
    seen: str


def findings(pieces: Pieces, kinds: Sequence[str], hard: str) -> Finding:
    """The five claims on the graphs that were run, and the tables."""
    solvers = {
        key.removesuffix(", solvers"): piece
        for key, piece in pieces.items()
        if key.endswith(", solvers")
    }
    coarse = {graph: standings(piece, LEVEL) for graph, piece in solvers.items()}
    fine = {graph: standings(piece, FINE) for graph, piece in solvers.items()}
    claims, parts = [], []
    if solvers:
        claims += [over_adam(coarse, fine, kinds)]
        parts += ["### Over Adam", gains(coarse, fine, kinds)]
    shampoo = {key.removesuffix(", Shampoo"): p for key, p in pieces.items() if ", Shampoo" in key}
    if shampoo:
        claims += [shampoo_late({graph: standings(p, LEVEL) for graph, p in shampoo.items()})]
    if solvers:
        claims += [rk4_late(coarse)]
    sweep = sweeps(pieces)
    if sweep:
        claims += [residual_best(sweep, kinds), shallow_best(sweep)]
    if claims:
        head = {c.says: (c.verdict.value, c.seen) for c in claims}
        parts = ["### Claim by claim", grid("the papers say", ("it", "seen"), head), *parts]
    if solvers:
        parts += [
            "### Time to 1e-3, ms",
            summary(coarse, 1),
            "### Steps to 1e-3",
            summary(coarse, 0),
        ]
    if sweep:
        parts += ["### Kinds, layers and widths", sweep_table(sweep, kinds)]
    if shampoo:
        tables = [f"{graph}:\n\n{table(p, LEVEL, YARDSTICK)}" for graph, p in shampoo.items()]
        parts += ["### Shampoo", SHAMPOO.format(next(iter(shampoo.values()))["cap"])]
        parts += [folded("Shampoo on every graph", "\n\n".join(tables))]
    stops = {key: p for key, p in pieces.items() if key.endswith(", the papers' stop")}
    if stops:
        parts += ["### The papers' own stop", stop_table(stops)]
    if hard in pieces:
        parts += [f"### A hard case: {hard}", HARD, table(pieces[hard], LEVEL, YARDSTICK)]
        parts += [folded("The same to 1e-6", table(pieces[hard], FINE, YARDSTICK))]
    for graph, piece in solvers.items():
        title = f"{graph}: {piece['nodes']:,} nodes, {piece['edges']:,} edges, all solvers"
        parts += [folded(title, table(piece, LEVEL, YARDSTICK))]
    return Finding(
        overall(claims, len(solvers)), because(claims, coarse, fine, kinds), "\n\n".join(parts)
    )


def overall(claims: Sequence[Claim], graphs: int) -> Verdict:
    """Of all claims together; open until there are all five, on all graphs."""
    found = {claim.verdict for claim in claims}
    if len(claims) < CLAIMS or graphs < GRAPHS or Verdict.OPEN in found:
        return Verdict.OPEN
    return found.pop() if len(found) == 1 else Verdict.IN_PART


def because(claims: Sequence[Claim], coarse: Cells, fine: Cells, kinds: Sequence[str]) -> str:
    """The row's sentence: how many claims hold, and the figures that decide on the first."""
    if not claims:
        return "nothing of it has been run."
    count = {v: sum(c.verdict is v for c in claims) for v in Verdict}
    text = (
        f"of {len(claims)} claims {count[Verdict.HOLDS]} hold, {count[Verdict.IN_PART]} hold in "
        f"part and {count[Verdict.NOT]} do not"
    )
    if not coarse:
        return text + "."
    like = middle(list(best_gains(coarse, kinds, in_torch, YARDSTICK, LEVEL).values()))
    tuned = middle(list(best_gains(fine, kinds, in_torch, "adam-torch, tuned", FINE).values()))
    fused = middle(list(best_gains(coarse, kinds, jitted_and_tuned, "adam, tuned", LEVEL).values()))
    return (
        f"{text}: in torch Adam takes {times(like)} the best network's time to {LEVEL}, and at its "
        f"best rate {times(tuned)} to {FINE}; with the one fused, the other jitted and both tuned "
        f"it takes {times(fused)} (below 1× Adam is faster; all are means over the graphs)."
    )


Name = Callable[[str], str]


def in_torch(kind: str) -> str:
    """In the papers' practice."""
    return named(kind, "network", torch=True)


def jitted(kind: str) -> str:
    """From the papers' start, jitted."""
    return named(kind, "network")


def jitted_and_tuned(kind: str) -> str:
    """From the shared start at its best rate, jitted."""
    return named(kind, "shared", tuned=True)


def best_gains(
    cells: Cells, kinds: Sequence[str], name: Name, other: str, level: str, what: str = "seconds"
) -> dict[str, float]:
    """By graph, how many times the time of the best kind the other takes."""
    found = {}
    for graph, several in cells.items():
        ratios = [gain(several[name(k)], several[other], level, what) for k in kinds]
        known = [value for value in ratios if np.isfinite(value)]
        found[graph] = max(known, default=float("nan"))
    return found


def judged(passed: Sequence[bool]) -> Verdict:
    """Holds on all graphs, on some, or on none."""
    if not passed:
        return Verdict.OPEN
    return Verdict.HOLDS if all(passed) else Verdict.IN_PART if any(passed) else Verdict.NOT


def over_adam(coarse: Cells, fine: Cells, kinds: Sequence[str]) -> Claim:
    """Like for like in torch, against the papers' rate and against the best one."""
    first = best_gains(coarse, kinds, in_torch, YARDSTICK, LEVEL)
    last = best_gains(fine, kinds, in_torch, YARDSTICK, FINE)
    tuned = best_gains(coarse, kinds, in_torch, "adam-torch, tuned", LEVEL)
    passed = [max(first[graph], last[graph]) >= TEN for graph in first]
    seen = (
        f"in torch Adam takes {interval(first)} the best kind's time to {LEVEL} and "
        f"{interval(last)} to {FINE}; at its best rate {interval(tuned)} to {LEVEL}"
    )
    return Claim("more than 10× over Adam", judged(passed), seen)


def interval(values: Mapping[str, float]) -> str:
    """The least and the greatest of factors."""
    known = [value for value in values.values() if np.isfinite(value)]
    if not known:
        return "–"
    low, high = times(min(known)), times(max(known))
    return low if low == high else f"{low.removesuffix('×')} to {high}"


def shampoo_late(cells: Cells) -> Claim:
    """Whether Shampoo needs more than a comparable time, as a column and as a matrix."""
    says = "Shampoo does not converge in comparable time"
    if not all(WHOLE in several for several in cells.values()):
        return Claim(says, Verdict.OPEN, "the package pytorch_optimizer is not installed")
    late: list[bool] = []
    factors: dict[str, dict[str, float]] = {WHOLE: {}, FOLDED: {}}
    for graph, several in cells.items():
        for form, found in factors.items():
            found[graph] = gain(several[YARDSTICK], several[form], LEVEL, "seconds")
            late.append(not found[graph] <= COMPARABLE)
    verdict = judged(late)
    told = []
    for form, several in factors.items():
        there = sum(np.isfinite(value) for value in several.values())
        told.append(
            f"{form} gets to {LEVEL} on {there} of {len(several)} graphs"
            + (f", in {interval(several)} Adam's time" if there else "")
        )
    return Claim(says, verdict, "; ".join(told))


def rk4_late(cells: Cells) -> Claim:
    """RK4 at its longest stable step against Adam, both fused."""
    slower = {g: gain(s["adam"], s["rk4"], LEVEL, "seconds") for g, s in cells.items()}
    steps = {g: 4 * gain(s["adam"], s["rk4"], LEVEL, "steps") for g, s in cells.items()}
    seen = (
        f"both fused, RK4 at its longest stable step takes {interval(slower)} Adam's time to "
        f"{LEVEL} and {interval(steps)} its gradients"
    )
    passed = [not value <= TEN for value in slower.values()]
    return Claim("RK4 is more than 10× slower than Adam", judged(passed), seen)


Sized = tuple[str, int, int]  # kind, layers, width


def sweeps(pieces: Pieces) -> dict[str, dict[Sized, tuple[float, float]]]:
    """By graph and member, the time and the steps to LEVEL over those of Adam."""
    found: dict[str, dict[Sized, tuple[float, float]]] = {}
    for key, piece in pieces.items():
        if not key.endswith(", sweep"):
            continue
        several = standings(piece, LEVEL)
        members = {}
        for label, standing in several.items():
            if label == "adam":
                continue
            kind, layers, width = label.split(", ")
            size = (kind, int(layers.split()[0]), int(width.split()[-1]))
            both = [gain(several["adam"], standing, LEVEL, what) for what in ("seconds", "steps")]
            members[size] = (both[0], both[1])
        found[key.removesuffix(", sweep")] = members
    return found


def _best(members: Mapping[Sized, tuple[float, float]], which: int) -> Sized | None:
    known = {size: both[which] for size, both in members.items() if np.isfinite(both[which])}
    return min(known, key=lambda size: known[size]) if known else None


def residual_best(
    sweep: Mapping[str, Mapping[Sized, tuple[float, float]]], kinds: Sequence[str]
) -> Claim:
    """Which kind has the member that is first at the level, by time and by steps."""
    first = [_best(members, 0) for members in sweep.values()]
    fewest = [_best(members, 1) for members in sweep.values()]
    seen = f"first by time: {_counted(first, kinds)}; by steps: {_counted(fewest, kinds)}"
    passed = [best is not None and best[0].endswith("-res") for best in first]
    return Claim("GCN-Res and NoGraph-Res are the best", judged(passed), seen)


def _counted(best: Sequence[Sized | None], kinds: Sequence[str]) -> str:
    counts = {kind: sum(b is not None and b[0] == kind for b in best) for kind in kinds}
    told = [f"{kind} on {count}" for kind, count in counts.items() if count]
    return (", ".join(told) or "none") + f" of {len(best)} graphs"


def shallow_best(sweep: Mapping[str, Mapping[Sized, tuple[float, float]]]) -> Claim:
    """Whether a member of one layer is first, and what layers cost in the mean."""
    passed = [(best := _best(m, 0)) is not None and best[1] == 1 for m in sweep.values()]
    depths = sorted({size[1] for members in sweep.values() for size in members})
    told = []
    for depth in depths:
        mine = [
            both for members in sweep.values() for size, both in members.items() if size[1] == depth
        ]
        told.append(
            f"{depth}: {number(middle([b[0] for b in mine]))} and "
            f"{number(middle([b[1] for b in mine]))}"
        )
    seen = (
        f"the first by time has one layer on {sum(passed)} of {len(passed)} graphs; time and "
        f"steps to {LEVEL} over fused Adam's by layers, {'; '.join(told)}"
    )
    return Claim("a single layer is the best", judged(passed), seen)


def gains(coarse: Cells, fine: Cells, kinds: Sequence[str]) -> str:
    """How many times less time the best kind takes than Adam, by graph, in several senses."""
    rows: dict[str, Sequence[str]] = {}
    senses = (
        ("in torch, papers' start, over adam-torch", in_torch, "adam-torch"),
        ("in torch, papers' start, over adam-torch tuned", in_torch, "adam-torch, tuned"),
        ("jitted, papers' start, over adam-torch", jitted, "adam-torch"),
        ("jitted, papers' start, over adam", jitted, "adam"),
        ("jitted and tuned, shared start, over adam tuned", jitted_and_tuned, "adam, tuned"),
    )
    for level, cells in ((LEVEL, coarse), (FINE, fine)):
        for words, name, other in senses:
            found = best_gains(cells, kinds, name, other, level)
            fewer = best_gains(cells, kinds, name, other, level, "steps")
            rows[f"{words}, to {level}"] = [
                f"{times(found[graph])} ({times(fewer[graph])})" for graph in cells
            ]
    text = (
        "How many times the time of the best of the four kinds Adam takes, and in brackets how "
        "many times the steps of the best; below 1× Adam is faster. In torch the networks keep the "
        "papers' rate where Adam is tuned."
    )
    return f"{text}\n\n{grid('the best network', list(coarse), rows)}"


def summary(cells: Cells, column: int) -> str:
    """Steps (column 0) or milliseconds (1) to LEVEL: rows of solvers, columns of graphs."""
    unit = 1e3 if column else 1.0
    rows = {}
    for label in SUMMARY:
        if all(label in several for several in cells.values()):
            rows[label] = [
                spread(unit * several[label].to(LEVEL)[:, column]) for several in cells.values()
            ]
    return grid("solver", list(cells), rows)


def sweep_table(
    sweep: Mapping[str, Mapping[Sized, tuple[float, float]]], kinds: Sequence[str]
) -> str:
    """Time over fused Adam's, and steps in brackets, mean over the graphs."""
    sizes = sorted({size for members in sweep.values() for size in members})
    widths = sorted({size[2] for size in sizes})
    rows = {}
    for kind in kinds:
        for layers in sorted({size[1] for size in sizes}):
            cells = []
            for width in widths:
                both = [members.get((kind, layers, width)) for members in sweep.values()]
                known = [b for b in both if b is not None]
                time, steps = (middle([b[k] for b in known]) for k in (0, 1))
                cells.append(f"{number(time)} ({number(steps)})" if np.isfinite(time) else "–")
            rows[f"{kind}, {layers} layer{'s' * (layers > 1)}"] = cells
    text = (
        f"Time to {LEVEL} over fused Adam's, and steps over Adam's in brackets, from the papers' "
        "start with their rate; geometric means over the graphs and two seeds."
    )
    return f"{text}\n\n{grid('network', [f'h = {width}' for width in widths], rows)}"


def sweep_lines(
    pieces: Pieces, kinds: Sequence[str]
) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """By kind and number of layers, (width, time over Adam's), mean over the graphs."""
    sweep = sweeps(pieces)
    sizes = sorted({size for members in sweep.values() for size in members})
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for kind, layers, width in sizes:
        mean = middle([m[kind, layers, width][0] for m in sweep.values()])
        name = f"{layers} layer{'s' * (layers > 1)}"
        found.setdefault(kind, {}).setdefault(name, []).append((width, mean))
    return {kind: found[kind] for kind in kinds if kind in found}


def stop_table(stops: Pieces) -> str:
    """How many runs the papers' rule ended, after how long, and the ratio of these times."""
    rows = {}
    for key, piece in stops.items():
        several = {label: Standing(label, runs) for label, runs in piece["runs"].items()}
        adam = several[YARDSTICK]
        cells = []
        for standing in several.values():
            ended = [run["result"] == "flat" for run in standing.runs]
            cells.append(f"{spread(standing.column('seconds'))} ({sum(ended)} of {len(ended)})")
        for label, standing in several.items():
            if label != YARDSTICK:
                cells.append(times(ratio(adam, standing)))
        rows[key.removesuffix(", the papers' stop")] = cells
    labels = list(next(iter(stops.values()))["runs"])
    columns = [f"{label}, s (stopped)" for label in labels]
    columns += [f"Adam over {label.split()[0]}" for label in labels if label != YARDSTICK]
    return f"{STOP}\n\n{grid('graph', columns, rows)}"


STOP = (
    "Ten steps in a row that change the loss by less than 1e-15, in float32 as torch has it by "
    "default, or three seconds. The rule is below what float32 resolves of such losses: it fires "
    "when ten steps happen to round to the same number, and Adam at a constant rate goes round "
    "its minimum meanwhile. Ratios of such times say little."
)
SHAMPOO = (
    "On an n×1 field Shampoo's preconditioner is n×n, and its root is taken at every step; on the "
    "field folded into a nearly square matrix (the rest of it padded) it is small. The better of "
    "its rates is shown. torch has no Shampoo: it is that of pytorch_optimizer, on one seed, for "
    "{:g} s at most."
)
HARD = (
    "Random baths leave every node near one, which makes the problem well-conditioned. Baths on "
    "the first and last tenth of the lattice, as in a rod held at its ends, do not; the papers "
    "have no such case."
)
