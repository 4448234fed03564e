"""The papers' five claims on six graphs, judged by the runs, and their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from meshrep.base.tables import markdown, ratio, spread, times
from meshrep.solving.standings import Standing, gain, geometric_mean, standings
from meshrep.solving.table import table
from papers.claims import Claim, Verdict, claim_table, counted, judged, together
from papers.heat import AUTOGRAD, TORCH, named, stop_table
from papers.literature import FOLDED, WHOLE
from papers.row import Finding, Pieces, folded

LEVEL, FINE = "1e-3", "1e-6"
TEN = 10.0  # factor that the papers claim over Adam, and of RK4 against it
COMPARABLE = 10.0  # largest ratio of times that is comparable
AHEAD = 1.2  # ratio of times from which on one is clearly less
YARDSTICK, TUNED = "adam-torch", "adam-torch, tuned"
SWEPT = "jitted, at the papers' rate, two seeds: "
CLAIMS, GRAPHS = 5, 6  # all are needed to settle anything
SUMMARY = (
    "adam-torch", "adam-torch, tuned", "gcn by autograd, papers' start",
    "gcn by autograd, papers' start, tuned",
    "gcn in torch, papers' start", "adam", "adam, tuned",
    "gcn, papers' start", "gcn-res, papers' start", "nograph, papers' start",
    "nograph-res, papers' start", "gcn, shared start, tuned", "rk4", "lbfgs", "newton",
)  # fmt: skip
Cells = Mapping[str, Mapping[str, Standing]]  # standings at LEVEL by graph


def findings(pieces: Pieces, kinds: Sequence[str], hard: str) -> Finding:
    """Return the five claims on the graphs that were run, and the tables."""
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
        parts = [claim_table(claims), *parts]
    if solvers:
        parts += [folded("Time to 1e-3, ms", summary(coarse, 1))]
        parts += [folded("Steps to 1e-3", summary(coarse, 0))]
    if sweep:
        parts += ["### Kinds, layers and widths", folded("All sizes", sweep_table(sweep, kinds))]
    if shampoo:
        tables = [f"{graph}:\n\n{table(p, LEVEL, YARDSTICK)}" for graph, p in shampoo.items()]
        parts += ["### Shampoo", SHAMPOO.format(next(iter(shampoo.values()))["cap"])]
        parts += [folded("Shampoo on every graph", "\n\n".join(tables))]
    stops = {key: p for key, p in pieces.items() if key.endswith(", the papers' stop")}
    if stops:
        shown = {key.removesuffix(", the papers' stop"): piece for key, piece in stops.items()}
        parts += ["### The papers' own stop", stop_table(shown)]
    if hard in pieces:
        parts += [f"### A hard case: {hard}", HARD]
        for level in (LEVEL, FINE):
            parts += [folded(f"All solvers to {level}", table(pieces[hard], level, YARDSTICK))]
    for graph, piece in solvers.items():
        title = f"{graph}: {piece['nodes']:,} nodes, {piece['edges']:,} edges, all solvers"
        parts += [folded(title, table(piece, LEVEL, YARDSTICK))]
    return Finding(
        overall(claims, len(solvers)), because(claims, coarse, fine, kinds), "\n\n".join(parts)
    )


def overall(claims: Sequence[Claim], graphs: int) -> Verdict:
    """Return the verdict on all claims; OPEN until there are all five, on all graphs."""
    return together(claims if len(claims) == CLAIMS and graphs == GRAPHS else ())


def because(claims: Sequence[Claim], coarse: Cells, fine: Cells, kinds: Sequence[str]) -> str:
    """Return the row's sentence: how many claims hold, and the figures that decide on the first."""
    if not claims:
        return "nothing of it has been run."
    if not coarse:
        return counted(claims) + "."
    like, tuned, fused = (
        geometric_mean(list(best_gains(coarse, kinds, name, other, LEVEL).values())).value
        for name, other in (
            (by_autograd, YARDSTICK),
            (autograd_tuned, TUNED),
            (jitted_and_tuned, "adam, tuned"),
        )
    )
    return (
        f"{counted(claims)}. To {LEVEL}, in the mean over the graphs, Adam takes {times(like)} the "
        f"time of the best network, both in torch by autograd ({times(tuned)} with both tuned), "
        f"and {times(fused)} with Adam fused, the network jitted and both tuned; below "
        "1× Adam is faster."
    )


Name = Callable[[str], str]


def by_autograd(kind: str) -> str:
    """Return the name of a network in the papers' practice."""
    return named(kind, "network", AUTOGRAD)


def autograd_tuned(kind: str) -> str:
    """Return the name of the same at its best rates."""
    return named(kind, "network", AUTOGRAD, tuned=True)


def in_torch(kind: str) -> str:
    """Return the name of the same with the pullback written out."""
    return named(kind, "network", TORCH)


def jitted(kind: str) -> str:
    """Return the name of a jitted network from the papers' start."""
    return named(kind, "network")


def jitted_and_tuned(kind: str) -> str:
    """Return the name of a jitted network from the shared start at its best rate."""
    return named(kind, "shared", tuned=True)


def best_gains(
    cells: Cells, kinds: Sequence[str], name: Name, other: str, level: str, what: str = "seconds"
) -> dict[str, float]:
    """Return by graph how many times the time of the best kind the other takes."""
    found = {}
    for graph, several in cells.items():
        ratios = [
            gain(several[name(k)], several[other], level, what) for k in kinds if name(k) in several
        ]
        known = [value for value in ratios if np.isfinite(value)]
        found[graph] = max(known, default=float("nan"))
    return found


def over_adam(coarse: Cells, fine: Cells, kinds: Sequence[str]) -> Claim:
    """Judge the gain over Adam in torch, at the papers' rate and at the best one."""
    first = best_gains(coarse, kinds, by_autograd, YARDSTICK, LEVEL)
    last = best_gains(fine, kinds, by_autograd, YARDSTICK, FINE)
    tuned = best_gains(coarse, kinds, autograd_tuned, TUNED, LEVEL)
    passed = [any(by[graph] >= TEN for by in (first, last)) for graph in first]
    if not any(np.isfinite(value) for value in first.values()):
        passed = []  # nothing to judge by
    seen = (
        f"both by autograd, Adam takes {interval(first)} the best kind's time to {LEVEL} and "
        f"{interval(last)} to {FINE}; both tuned {interval(tuned)} to {LEVEL}"
    )
    return Claim("more than 10× over Adam", judged(passed), seen)


def interval(values: Mapping[str, float]) -> str:
    """Return the least and the greatest of factors."""
    known = [value for value in values.values() if np.isfinite(value)]
    if not known:
        return "–"
    low, high = times(min(known)), times(max(known))
    return low if low == high else f"{low.removesuffix('×')} to {high}"


def shampoo_late(cells: Cells) -> Claim:
    """Judge whether Shampoo needs more than a comparable time, as a column and as a matrix."""
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
    """Judge RK4 at its longest stable step against Adam, both fused."""
    slower = {g: gain(s["adam"], s["rk4"], LEVEL, "seconds") for g, s in cells.items()}
    steps = {g: 4 * gain(s["adam"], s["rk4"], LEVEL, "steps") for g, s in cells.items()}
    seen = (
        f"both fused, RK4 at its longest stable step takes {interval(slower)} Adam's time to "
        f"{LEVEL} and {interval(steps)} its gradients"
    )
    passed = [not value <= TEN for value in slower.values()]
    return Claim("RK4 is more than 10× slower than Adam", judged(passed), seen)


Sized = tuple[str, int, int]  # kind, layers, width
Sweep = Mapping[str, Mapping[Sized, tuple[float, float]]]  # by graph: time and steps over Adam's


def sweeps(pieces: Pieces) -> dict[str, dict[Sized, tuple[float, float]]]:
    """Return the time and the steps to LEVEL over those of Adam, by graph and member."""
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


def ahead(sweep: Sweep, chosen: Callable[[Sized], bool]) -> tuple[list[bool], list[bool]]:
    """Say on which graphs the best of the chosen is clearly faster, or takes fewer steps."""
    less, fewer = [], []
    for members in sweep.values():
        mine = {size: both for size, both in members.items() if chosen(size)}
        rest = {size: both for size, both in members.items() if not chosen(size)}
        for which, found, factor in ((0, less, AHEAD), (1, fewer, 1.0)):
            own, other = _least(mine, which), _least(rest, which)
            found.append(own * factor < other)
    return less, fewer


def first_in(less: Sequence[bool], fewer: Sequence[bool]) -> Verdict:
    """Judge whether a choice is ahead on all graphs.

    It holds if it is ahead in time and in steps everywhere; in part if it is ahead everywhere in
    one of them, or in both on some graphs.
    """
    if not less:
        return Verdict.OPEN
    both = [a and b for a, b in zip(less, fewer, strict=True)]
    if all(both):
        return Verdict.HOLDS
    return Verdict.IN_PART if any(both) or all(less) or all(fewer) else Verdict.NOT


def residual_best(sweep: Sweep, kinds: Sequence[str]) -> Claim:
    """Judge whether a residual kind is first at the level, by time and by steps."""
    less, fewer = ahead(sweep, lambda size: size[0].endswith("-res"))
    first = [_best(members, 0) for members in sweep.values()]
    fewest = [_best(members, 1) for members in sweep.values()]
    seen = (
        f"{SWEPT}of {len(less)} graphs a residual kind is ahead in time (by {AHEAD:g}×) on "
        f"{sum(less)} and in steps on {sum(fewer)}; first by time: {_counted(first, kinds)}; "
        f"by steps: {_counted(fewest, kinds)}"
    )
    return Claim("GCN-Res and NoGraph-Res are the best", first_in(less, fewer), seen)


def _least(members: Mapping[Sized, tuple[float, float]], which: int) -> float:
    size = _best(members, which)
    return np.inf if size is None else members[size][which]


def _counted(best: Sequence[Sized | None], kinds: Sequence[str]) -> str:
    counts = {kind: sum(b is not None and b[0] == kind for b in best) for kind in kinds}
    told = [f"{kind} on {count}" for kind, count in counts.items() if count]
    return ", ".join(told) or "none"


def shallow_best(sweep: Sweep) -> Claim:
    """Judge whether one layer is first, by time and by steps; tell the mean cost of layers."""
    less, fewer = ahead(sweep, lambda size: size[1] == 1)
    depths = sorted({size[1] for members in sweep.values() for size in members})
    told = []
    for depth in depths:
        mine = [
            both for members in sweep.values() for size, both in members.items() if size[1] == depth
        ]
        time, steps = (geometric_mean([b[k] for b in mine]).value for k in (0, 1))
        told.append(f"{depth}: {ratio(time)} and {ratio(steps)}")
    seen = (
        f"{SWEPT}of {len(less)} graphs one layer is ahead in time (by {AHEAD:g}×) on {sum(less)} "
        f"and in steps on {sum(fewer)}; time and steps to {LEVEL} over fused Adam's by layers, "
        f"{'; '.join(told)}"
    )
    return Claim("a single layer is the best", first_in(less, fewer), seen)


def gains(coarse: Cells, fine: Cells, kinds: Sequence[str]) -> str:
    """Return a table of Adam's time over that of the best kind, by graph, in several senses."""
    rows = []
    senses = (
        ("by autograd, papers' start, over adam-torch", by_autograd, YARDSTICK),
        ("by autograd and tuned, papers' start, over adam-torch tuned", autograd_tuned, TUNED),
        ("in torch (gcn alone), papers' start, over adam-torch", in_torch, YARDSTICK),
        ("jitted, papers' start, over adam-torch", jitted, "adam-torch"),
        ("jitted, papers' start, over adam", jitted, "adam"),
        ("jitted and tuned, shared start, over adam tuned", jitted_and_tuned, "adam, tuned"),
    )
    for level, cells in ((LEVEL, coarse), (FINE, fine)):
        for words, name, other in senses:
            found = best_gains(cells, kinds, name, other, level)
            fewer = best_gains(cells, kinds, name, other, level, "steps")
            both = [f"{times(found[graph])} ({times(fewer[graph])})" for graph in cells]
            rows.append([f"{words}, to {level}", *both])
    text = (
        "Adam's time over that of the best of the four kinds, and in brackets Adam's steps over "
        "those of the best. Below 1× Adam is faster."
    )
    return f"{text}\n\n{markdown(['the best network', *coarse], rows)}"


def summary(cells: Cells, column: int) -> str:
    """Return a table of steps (column 0) or milliseconds (1) to LEVEL by solver and graph."""
    unit = 1e3 if column else 1.0
    rows = [
        [label, *(spread(unit * found[label].to(LEVEL)[:, column]) for found in cells.values())]
        for label in SUMMARY
        if all(label in several for several in cells.values())
    ]
    return markdown(["solver", *cells], rows)


def sweep_table(sweep: Sweep, kinds: Sequence[str]) -> str:
    """Return a table of time over fused Adam's, and steps, as means over the graphs."""
    sizes = sorted({size for members in sweep.values() for size in members})
    widths = sorted({size[2] for size in sizes})
    rows = []
    for kind in kinds:
        for layers in sorted({size[1] for size in sizes}):
            cells = [f"{kind}, {layers} layer{'s' * (layers > 1)}"]
            for width in widths:
                both = [members.get((kind, layers, width)) for members in sweep.values()]
                known = [b for b in both if b is not None]
                time, steps = (geometric_mean([b[k] for b in known]).value for k in (0, 1))
                cells.append(f"{ratio(time)} ({ratio(steps)})" if np.isfinite(time) else "–")
            rows.append(cells)
    text = (
        f"Time to {LEVEL} over fused Adam's, and steps over Adam's in brackets, from the papers' "
        "start with their rate; geometric means over the graphs and two seeds."
    )
    return f"{text}\n\n{markdown(['network', *(f'h = {width}' for width in widths)], rows)}"


def sweep_lines(
    pieces: Pieces, kinds: Sequence[str]
) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Return (width, time over Adam's) by kind and number of layers, as means over the graphs."""
    sweep = sweeps(pieces)
    sizes = sorted({size for members in sweep.values() for size in members})
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for kind, layers, width in sizes:
        mean = geometric_mean([m[kind, layers, width][0] for m in sweep.values()]).value
        name = f"{layers} layer{'s' * (layers > 1)}"
        found.setdefault(kind, {}).setdefault(name, []).append((width, mean))
    return {kind: found[kind] for kind in kinds if kind in found}


SHAMPOO = (
    "On an n×1 field Shampoo's preconditioner is n×n, and its root is taken at every step. On "
    "the field folded into a nearly square matrix (the rest of it padded) it is small. The best "
    "of its rates is shown, beside Adam at the papers' 0.02; up to 10× Adam's time is "
    "comparable. torch has no Shampoo: this is that of pytorch_optimizer, on one seed, for {:g} s "
    "at most."
)
HARD = (
    "Random baths leave every node near one, which makes the problem well-conditioned. Baths on "
    "the first and last tenth of the lattice, as in a rod held at its ends, do not. The papers "
    "have no such case."
)
