"""Which kernel K̄ speeds gradient descent most, how near networks come to it, and the series κ."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench.figures import Panel, curves

from meshrep.solving.table import table
from papers.claims import Claim, claim_table, counted, judged, together
from papers.row import Figures, Finding, Piece, Pieces, Row, Say, folded, numbers
from papers.theory.runs import (
    GRAPHS,
    KERNEL_DRAWS,
    LATTICE,
    MOST_STEPS,
    QUICK_KERNEL_DRAWS,
    RING,
    SPHERE,
    kernels,
    powers,
    series,
    solvers,
)
from papers.theory.tables import (
    AIM,
    between,
    kernel_table,
    mean_steps,
    moment_table,
    power_table,
    series_table,
    shown,
)

SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
QUICK_GRAPHS = ("ring",)
LOW = 0.05  # lower end of the spectrum on which series are compared
DEGREES = {"right": (1, 2, 3, 4, 8), "printed": (1, 2), "Chebyshev": (1, 2, 3, 4, 8)}
CURVES = ("right, degree 2", "right, degree 8", "printed, degree 1", "printed, degree 2",
          "Chebyshev, degree 2")  # fmt: skip
BINS = 24  # of the drawn spectra
LEVEL = "1e-4"
DRAWN = ("gcn", "gcn-res", "nograph-res", "κ, degree 2, right", "κ, degree 2, printed",
         "Chebyshev, degree 8")  # fmt: skip

RATE_ERROR = 0.1  # largest relative error of log ρ that counts as agreement
NEAR = 0.9  # least cosine with M̄^{-1/2} of a kernel near to it

NETWORKS = ("gcn", "gcn, 2 layers", "gcn-res")  # networks on the graph


def pieces(quick: bool) -> dict[str, Piece]:
    """Return powers of M and kernels for each graph; the series; whole solvers."""
    seeds = QUICK_SEEDS if quick else SEEDS
    work: dict[str, Piece] = {}
    for name in QUICK_GRAPHS if quick else GRAPHS:
        work[f"{name}, powers"] = partial(powers, name, seeds)
        draws = QUICK_KERNEL_DRAWS if quick else KERNEL_DRAWS
        work[f"{name}, kernels"] = partial(kernels, name, seeds, draws)
    work["series"] = all_series
    for name in QUICK_GRAPHS if quick else GRAPHS[1:]:
        work[f"{name}, solvers"] = partial(solvers, name, seeds)
    return work


def all_series(say: Say) -> dict[str, Any]:
    return series(LOW, DEGREES, np.linspace(0.02, 1.0, 99))


MOMENTS = {
    "powers": "M̄ taken for H²/n",
    "near": "M̄ over starts N(0, 1/n) about the minimum",
    "drawn": "M̄ over starts uniform in [0, 1)",
}


def best_power(cell: dict[str, Any], moment: str) -> str:
    """Return the power of M̄ under which gradient descent takes the fewest steps."""
    return min(cell[moment], key=lambda s: mean_steps(cell[moment][s]))


def as_predicted(run: dict[str, Any]) -> bool:
    """Say whether the steps stay within what κ allows, and the factor is the predicted one.

    A seed that does not arrive agrees if more steps were predicted than it was allowed. A seed that
    arrives in too few steps to fit a factor does not count.
    """
    steps = numbers(run["steps"])
    late = np.isnan(steps) & (run["steps predicted"] > run["steps allowed"])
    within = np.all(late | (steps <= run["steps predicted"]))
    factor = numbers(run["factor"])
    factor = factor[np.isfinite(factor)]
    if not len(factor) or run["factor predicted"] <= 0:
        return bool(within)
    error = abs(np.log(factor) / np.log(run["factor predicted"]) - 1)
    return bool(within and np.all(error <= RATE_ERROR))


def findings(found: Pieces) -> Finding:
    """Judge whether M̄^{-1/2} is best, and whether networks and the printed κ come near it."""
    claims: list[Claim] = []
    said: list[str] = []
    parts: list[str] = []
    cells = {name: found[f"{name}, powers"] for name in GRAPHS if f"{name}, powers" in found}
    if cells:
        claims += [preconditioning(cells), greatest(cells)]
        gains = [between(at_half(cells, moment)) for moment in MOMENTS]
        said.append(
            f"at K = M̄^(−½) descent takes {gains[0]} times fewer steps (M̄ = H²/n), "
            f"{gains[1]} (M̄ about the minimum), {gains[2]} (of uniform starts)"
        )
        parts += [
            folded(f"Powers of the gradient's moment, {words}", power_table(cells, moment))
            for moment, words in MOMENTS.items()
        ]
    held = {name: found[f"{name}, kernels"] for name in GRAPHS if f"{name}, kernels" in found}
    if held:
        claims += [moment(held), near(held)]
        said.append(f"networks' kernels have cosines of {between(cosines(held))} with it")
        parts += [
            folded(f"Kernels K̄ = E[J Jᵀ], {name}", kernel_table(cell))
            for name, cell in held.items()
        ]
        parts.append(moment_table(held))
    if cell := found.get("series"):
        claims.append(printed(cell))
        said.append(
            f"the printed κ takes conditions from {1 / LOW:g} to "
            f"{shown(cell['conditions']['printed']['2'], 2)}, the right one to "
            f"{shown(cell['conditions']['right']['2'], 2)}"
        )
        parts.append(series_table(cell))
    for name in GRAPHS:
        if contested := found.get(f"{name}, solvers"):
            every = table(contested, LEVEL, "adam, tuned")
            parts.append(folded(f"Whole solvers, {name}", every))
    why = f"{counted(claims)}: {'; '.join(said)}." if claims else "nothing of it has been run."
    return Finding(together(claims), why, "\n\n".join([claim_table(claims), *parts]))


Cells = dict[str, dict[str, Any]]  # by graph


def preconditioning(cells: Cells) -> Claim:
    """Judge whether the spectrum of K H predicts gradient descent."""
    right = [
        as_predicted(run) for cell in cells.values() for m in MOMENTS for run in cell[m].values()
    ]
    seen = (
        f"with K = M̄^(−s) steps stay within what the spectrum of K H allows, and factors a step "
        f"within {RATE_ERROR:.0%} of it (in their logarithm), in {sum(right)} of {len(right)} cases"
    )
    return Claim("reparametrization preconditions gradient flow by K = J Jᵀ", judged(right), seen)


def at_half(cells: Cells, moment: str) -> list[float]:
    """Return how many times fewer steps descent takes at s = ½ than in the field itself."""
    return [
        mean_steps(cell[moment]["0"]) / mean_steps(cell[moment]["0.5"]) for cell in cells.values()
    ]


def greatest(cells: Cells) -> Claim:
    """Judge which power of M̄ takes the fewest steps, for H²/n (½ is Newton's) and as measured."""
    seen, best = [], []
    for moment, words in MOMENTS.items():
        powers = {name: best_power(cell, moment) for name, cell in cells.items()}
        told = ", ".join(f"s = {power} on the {name}" for name, power in powers.items())
        seen.append(
            f"with {words} fewest steps at {told}; s = 0.5 takes "
            f"{between(at_half(cells, moment))} times fewer than s = 0"
        )
        best += powers.values()
    verdict = judged([power == "0.5" for power in best])
    note = "; with H²/n that is Newton's method by its very definition"
    return Claim("the speed-up is greatest where K̄ ∝ M̄^(−1/2)", verdict, "; ".join(seen) + note)


def moment(held: Cells) -> Claim:
    """Judge whether M̄ is H²/n for starts about the minimum, as the papers assume."""
    about = [cell["moments"]["about the minimum"] for cell in held.values()]
    drawn = [cell["moments"]["random starts"] for cell in held.values()]
    seen = (
        f"for starts N(0, 1/n) about the minimum they have a cosine of {between(about)}; for "
        f"starts uniform in [0, 1), which have a mean, of {between(drawn)}"
    )
    return Claim("M̄ ≈ H²/n", judged([value >= NEAR for value in about]), seen)


def cosines(held: Cells) -> list[float]:
    """Return the cosines with M̄^{-1/2} of the kernels of networks on the graph."""
    return [cell["kernels"][label]["cosine"] for cell in held.values() for label in NETWORKS]


def near(held: Cells) -> Claim:
    """Judge whether networks on the graph come near, in their kernel and in its effect."""
    worse = []
    for cell in held.values():
        plain = cell["kernels"]["the field itself"]["condition"]
        conditions = [cell["kernels"][label]["condition"] for label in NETWORKS]
        worse += [value is None or value > plain for value in conditions]
    found = cosines(held)
    best = [cell["kernels"]["Chebyshev, degree 8"]["cosine"] for cell in held.values()]
    without = [cell["kernels"]["nograph-res"]["cosine"] for cell in held.values()]
    seen = (
        f"cosines of {between(found)} (a network without the graph: {between(without)}; a "
        f"Chebyshev filter of degree 8: {between(best)}); the condition of K̄ H is worse than that "
        f"of H in {sum(worse)} of {len(worse)} cases"
    )
    passed = [value >= NEAR and not bad for value, bad in zip(found, worse, strict=True)]
    return Claim("networks on the graph come near to that", judged(passed), seen)


def printed(cell: dict[str, Any]) -> Claim:
    """Judge whether the printed series lowers the condition number, as the right one does."""
    condition = cell["conditions"]["printed"]["2"]
    seen = (
        f"on the spectrum [{LOW:g}, 1] it takes the condition number of κHκ from {1 / LOW:g} to "
        f"{shown(condition, 2)}, the right series of degree 2 to "
        f"{shown(cell['conditions']['right']['2'], 2)}"
    )
    verdict = judged([condition is not None and condition < 1 / LOW])
    return Claim("the filter κ = I − ½(I − H) − ¾(I − H)² comes near to that", verdict, seen)


def binned(values: np.ndarray, heights: np.ndarray) -> list[list[float]]:
    """Return geometric means over bins of λ, because several modes may share one."""
    edges = np.geomspace(0.999 * values[0], 1.001 * values[-1], BINS + 1)
    place = np.digitize(values, edges)
    logs = np.log(np.column_stack([values, heights]))
    return [np.exp(logs[place == k].mean(axis=0)).tolist() for k in np.unique(place)]


def draw(found: Pieces, place: Path) -> Figures:
    """Draw condition numbers and steps by power, how fast kernels move modes, and the series."""
    drawn: Figures = []
    cells = {name: found[f"{name}, powers"] for name in GRAPHS if f"{name}, powers" in found}
    if cells:
        lines, bound = {}, set()
        panels = []
        for moment, words in MOMENTS.items():
            lines, bound = {}, set()
            for name, cell in cells.items():
                runs = {float(s): run for s, run in cell[moment].items()}
                lines[name] = [[s, mean_steps(run)] for s, run in runs.items()]
                lines[f"_{name}"] = [[s, run["steps predicted"]] for s, run in runs.items()]
                bound.add(f"_{name}")
            panels.append(Panel(f"K = M̄^(−s), {words}", "s", f"steps to {AIM}", lines,
                                frozenset(bound), log="y", markers=True))  # fmt: skip
        curves(panels, place / "powers.png")
        drawn.append(("powers.png", "Steps taken, and (dotted) the most that κ allows."))
    held = {name: found[f"{name}, kernels"] for name in GRAPHS if f"{name}, kernels" in found}
    panels = []
    for name, cell in held.items():
        values = np.array(cell["eigenvalues"], dtype=float)
        lines = {
            label: binned(values, np.array(cell["kernels"][label]["modes"], dtype=float))
            for label in DRAWN
            if label in cell["kernels"]
        }
        best = 1 / values
        lines["_best"] = np.column_stack([values, best / best.mean()]).tolist()
        panels.append(Panel(f"{name}: vᵀK̄v, dotted λ⁻¹", "eigenvalue λ of H", "over its mean",
                            lines, frozenset({"_best"})))  # fmt: skip
    if panels:
        curves(panels, place / "modes.png")
        drawn.append(
            ("modes.png", "How fast each kernel moves the modes of H; dotted M̄^(−1/2) = H⁻¹.")
        )
    if cell := found.get("series"):
        right = {label: cell["curves"][label] for label in ("λ^(−1/2)", *CURVES)}
        product = {
            label: [[x, x * y * y] for x, y in points if x >= cell["low"]]
            for label, points in right.items()
        }
        curves(
            [
                Panel("κ as a function of λ", "eigenvalue λ of H/h", "κ(λ)", right, log=""),
                Panel("What is left: λ κ(λ)²", "eigenvalue λ of H/h", "eigenvalue of κHκ", product,
                      log="y", bottom=1e-4),
            ],
            place / "series.png",
        )  # fmt: skip
        drawn.append(("series.png", "The series of λ^(−1/2), right and as printed."))
    return drawn


ROW = Row(
    name="theory",
    title="The theory of reparametrization",
    source="P2 eq. 10 and what follows; P1 §2.3 and eq. 16",
    claim=(
        "Reparametrization preconditions gradient flow by K = J Jᵀ. The speed-up is greatest where "
        "K̄ ∝ M̄^(−1/2), with M̄ = E[∇E ∇Eᵀ] ≈ H²/n; networks on the graph and the filter κ = "
        "I − ½(I − H) − ¾(I − H)² come near to that."
    ),
    setting=(
        f"Linear heat (a quadratic bath, λ = 1, hot and cold ends) on {RING}, {LATTICE} and a "
        f"triangulated sphere of {SPHERE} nodes, with dense matrices. Gradient descent takes the "
        "best fixed step from the shared random start, until a millionth of the energy above the "
        f"minimum is left or {MOST_STEPS:,} steps are done. Kernels of networks are those at "
        f"their start (the papers' start), averaged over {KERNEL_DRAWS} draws of weights and "
        f"latents; the rest is over {len(SEEDS)} seeds. At the end whole solvers run on the same "
        "problems, with Adam's rate searched; adam is a fused kernel."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    version=3,
)
