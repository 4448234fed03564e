"""Which kernel K̄ speeds gradient descent most, how near networks come to it, and the series κ."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from papers import contest
from papers.drawing import Panel, curves
from papers.row import Figures, Finding, Piece, Pieces, Row, Say, Verdict
from papers.theory_runs import (
    DRAWS,
    GAP,
    GRAPHS,
    HIDDEN,
    LATTICE,
    MOST_STEPS,
    RING,
    SPHERE,
    kernels,
    powers,
    series,
    solvers,
)

SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
QUICK_GRAPHS = ("ring",)
LOW = 0.05  # of the spectrum [LOW, 1] on which series are compared
DEGREES = {"right": (1, 2, 3, 4, 8), "printed": (1, 2), "Chebyshev": (1, 2, 3, 4, 8)}
CURVES = ("right, degree 2", "right, degree 8", "printed, degree 1", "printed, degree 2",
          "Chebyshev, degree 2")  # fmt: skip
BINS = 24  # of the drawn spectra
LEVEL, AIM = "1e-4", f"{GAP:.0e}".replace("e-0", "e-")
DRAWN = ("gcn", "gcn-res", "nograph-res", "κ, degree 2, right", "κ, degree 2, printed",
         "Chebyshev, degree 8")  # fmt: skip

RATE_ERROR = 0.1  # of log ρ, that counts as agreement
NEAR = 0.9  # cosine with M̄^{-1/2} from which a kernel is called near to it

NETWORKS = ("gcn", "gcn, 2 layers", "gcn-res", "nograph-res")


def pieces(quick: bool) -> dict[str, Piece]:
    """For each graph powers of M and kernels; the series; whole solvers."""
    seeds = QUICK_SEEDS if quick else SEEDS
    work: dict[str, Piece] = {}
    for name in QUICK_GRAPHS if quick else GRAPHS:
        work[f"{name}, powers"] = partial(powers, name, seeds)
        work[f"{name}, kernels"] = partial(kernels, name, seeds)
    work["series"] = all_series
    for name in QUICK_GRAPHS if quick else GRAPHS[1:]:
        work[f"{name}, solvers"] = partial(solvers, name, seeds)
    return work


def all_series(say: Say) -> dict[str, Any]:
    return series(LOW, DEGREES, np.linspace(0.02, 1.0, 99))


def numbers(values: list[float | None]) -> np.ndarray:
    """Plain data as an array, what is missing as NaN."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def shown(value: float | None, digits: int = 3) -> str:
    """A number that plain data holds; None is what was infinite."""
    return "∞" if value is None else contest.number(value, digits)


def steps_shown(values: list[float | None]) -> str:
    """Steps over seeds, or that they were not enough."""
    found = numbers(values)
    return contest.spread(found) if np.isfinite(found).any() else f"> {MOST_STEPS:,}"


def best_power(cell: dict[str, Any]) -> str:
    """The power of M̄ under which gradient descent takes the fewest steps."""
    mean = {s: np.mean(numbers(run["steps"])) for s, run in cell["powers"].items()}
    return min(mean, key=lambda s: mean[s])


def as_predicted(run: dict[str, Any]) -> bool:
    """Whether steps stay within what κ allows, and the factor is the predicted one.

    A seed whose factor could not be fitted, since it arrives in a few steps, does not count.
    """
    within = np.all(numbers(run["steps"]) <= run["steps predicted"])
    factor = numbers(run["factor"])
    factor = factor[np.isfinite(factor)]
    if not len(factor) or run["factor predicted"] <= 0:
        return bool(within)
    error = abs(np.log(factor) / np.log(run["factor predicted"]) - 1)
    return bool(within and np.all(error <= RATE_ERROR))


def findings(found: Pieces) -> Finding:
    """Whether M̄^{-1/2} is best, as predicted; whether networks and the printed κ come near it."""
    checks: dict[str, bool] = {}
    said: list[str] = []
    parts: list[str] = []
    graphs = [name for name in GRAPHS if f"{name}, powers" in found]
    if graphs:
        cells = {name: found[f"{name}, powers"] for name in graphs}
        checks["the power ½ is the best"] = all(best_power(c) == "0.5" for c in cells.values())
        checks["steps as predicted"] = all(
            as_predicted(run) for c in cells.values() for run in c["powers"].values()
        )
        gains = [
            np.mean(numbers(c["powers"]["0"]["steps"]))
            / np.mean(numbers(c["powers"][best_power(c)]["steps"]))
            for c in cells.values()
        ]
        best = sorted({best_power(c) for c in cells.values()})
        said.append(
            f"gradient descent takes the fewest steps at K = M̄^(−{', '.join(best)}), "
            f"{_range(gains)} times fewer than in the field itself"
        )
        parts.append(power_table(cells))
    held = {name: found[f"{name}, kernels"] for name in GRAPHS if f"{name}, kernels" in found}
    if held:
        cosines = [c["kernels"][label]["cosine"] for c in held.values() for label in NETWORKS]
        worse = [
            c["kernels"][label]["condition"] is None
            or c["kernels"][label]["condition"] > c["kernels"]["the field itself"]["condition"]
            for c in held.values()
            for label in NETWORKS
        ]
        checks["networks come near it"] = min(cosines) >= NEAR and not any(worse)
        cheb = [c["kernels"]["Chebyshev, degree 8"]["cosine"] for c in held.values()]
        said.append(
            f"the kernels of networks have a cosine of {_range(cosines)} with it, against "
            f"{_range(cheb)} for a Chebyshev filter of degree 8, and the condition number is worse "
            f"than the field's own in {sum(worse)} of {len(worse)} cases"
        )
        parts += [kernel_table(name, cell) for name, cell in held.items()]
        parts.append(moment_table(held))
    if cell := found.get("series"):
        condition = cell["conditions"]
        checks["the printed series"] = condition["printed"]["2"] is not None and (
            condition["printed"]["2"] < 1 / LOW
        )
        said.append(
            f"on the spectrum [{LOW:g}, 1] the right series of degree 2 takes the condition number "
            f"from {1 / LOW:g} to {shown(condition['right']['2'], 2)}, the printed one to "
            f"{shown(condition['printed']['2'], 2)}"
        )
        parts.append(series_table(cell))
    for name in GRAPHS:
        if contested := found.get(f"{name}, solvers"):
            table = contest.table(contested, LEVEL, "adam, tuned")
            parts.append(f"### Whole solvers, {name}\n\n{table}")
    wrong = [name for name, right in checks.items() if not right]
    verdict = Verdict.HOLDS if not wrong else Verdict.IN_PART
    if not checks.get("the power ½ is the best", True):
        verdict = Verdict.NOT
    return Finding(verdict, "; ".join(said) + ".", "\n\n".join(parts))


def _range(values: list[float]) -> str:
    low, high = (contest.number(float(f(values)), 3) for f in (min, max))
    return low if low == high else f"{low} to {high}"


def power_table(cells: dict[str, Any]) -> str:
    """Condition number, predicted and observed steps of every power, graph by graph."""
    lines = [
        "| graph | K = M̄^(−s), s | condition | factor a step, predicted | fitted | "
        f"most steps to {AIM} by it | taken | fewer than s = 0 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, cell in cells.items():
        plain = np.mean(numbers(cell["powers"]["0"]["steps"]))
        for power, run in cell["powers"].items():
            steps = numbers(run["steps"])
            lines.append(
                f"| {name}, {cell['nodes']} nodes | {power} | {shown(run['condition'])} | "
                f"{run['factor predicted']:.4g} | {contest.spread(numbers(run['factor']), 4)} | "
                f"{shown(run['steps predicted'])} | {contest.spread(steps)} | "
                f"{contest.number(float(plain / np.mean(steps)), 2)}× |"
            )
    return (
        "### Powers of the gradient's moment\n\nGradient descent in θ, w = w₀ + R θ with "
        "R Rᵀ = M̄^(−s), at the step 2/(λ_max + λ_min) of RᵀHR. The steps predicted are those "
        "that suffice from every start. At s = ½ one step arrives.\n\n" + "\n".join(lines)
    )


def kernel_table(name: str, cell: dict[str, Any]) -> str:
    """How near every kernel is to M̄^{-1/2}, and what gradient descent makes of it."""
    lines = [
        "| variables | cosine with M̄^(−1/2) | slope against λ (best −1) | condition of K H | "
        f"most steps to {AIM} by it | taken |",
        "|---|---|---|---|---|---|",
    ]
    for label, run in cell["kernels"].items():
        lines.append(
            f"| {label} | {run['cosine']:.3f} | {run['slope']:.2f} | {shown(run['condition'])} | "
            f"{shown(run['steps predicted'])} | {steps_shown(run['steps'])} |"
        )
    return (
        f"### Kernels K̄ = E[J Jᵀ], {name}\n\nNetworks of width {HIDDEN} where they begin, averaged "
        "over seeds; gradient descent in the linear variables K̄^(1/2), which is what a network "
        "with frozen J would make of it.\n\n" + "\n".join(lines)
    )


def moment_table(held: dict[str, Any]) -> str:
    """M̄ ≈ H²/n, and estimates of the largest eigenvalue."""
    lines = [
        "| graph | cosine of M̄ with H²/n, starts N(0, 1/n) about the minimum | tr M̄ / tr H²/n | "
        "cosine, starts uniform in [0, 1) | h | by Lanczos | ‖L·1‖ | ‖H²·1‖/‖H·1‖ |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, cell in held.items():
        m, h = cell["moments"], cell["h"]
        lines.append(
            f"| {name} | {m['about the minimum']:.3f} | {m['size']:.3f} | "
            f"{m['random starts']:.3f} | {h['exact']:.5g} | {h['lanczos']:.5g} | "
            f"{h['constant, no baths']:.2g} | {h['constant']:.3g} |"
        )
    return (
        f"### The moment, and the largest eigenvalue\n\nM̄ over {DRAWS:,} starts. Starts of one "
        "sign have a mean, which the minimum does not share, and M̄ a large mode of it. The "
        "largest eigenvalue h of H cannot be had from the constant field (P1 eq. 16): without "
        "baths L·1 = 0, and an estimate from it is 0/0; with baths it is far too small.\n\n"
        + "\n".join(lines)
    )


def series_table(cell: dict[str, Any]) -> str:
    """Condition numbers by degree."""
    degrees = sorted({int(d) for row in cell["conditions"].values() for d in row})
    lines = ["| κ | " + " | ".join(f"degree {d}" for d in degrees) + " |"]
    lines.append("|---" * (len(degrees) + 1) + "|")
    for kind, row in cell["conditions"].items():
        entries = [shown(row[str(d)]) if str(d) in row else "–" for d in degrees]
        lines.append(f"| {kind} | {' | '.join(entries)} |")
    return (
        f"### The series κ\n\nCondition number of κHκ on the spectrum [{cell['low']:g}, 1]. Right: "
        "I + ½(I − H) + ⅜(I − H)² + 5/16 (I − H)³ + …, printed: I − ½(I − H) − ¾(I − H)², which "
        "crosses zero at λ = 0.13, so that κHκ is singular (∞).\n\n" + "\n".join(lines)
    )


def binned(values: np.ndarray, heights: np.ndarray) -> list[list[float]]:
    """Geometric means over stretches of λ, which several modes may share."""
    edges = np.geomspace(0.999 * values[0], 1.001 * values[-1], BINS + 1)
    place = np.digitize(values, edges)
    logs = np.log(np.column_stack([values, heights]))
    return [np.exp(logs[place == k].mean(axis=0)).tolist() for k in np.unique(place)]


def draw(found: Pieces, place: Path) -> Figures:
    """Condition numbers and steps by power; how fast kernels move modes; the polynomials."""
    drawn: Figures = []
    cells = {name: found[f"{name}, powers"] for name in GRAPHS if f"{name}, powers" in found}
    if cells:
        lines, bound = {}, set()
        for name, cell in cells.items():
            runs = {float(s): run for s, run in cell["powers"].items()}
            lines[name] = [[s, float(np.mean(numbers(run["steps"])))] for s, run in runs.items()]
            lines[f"_{name}"] = [[s, run["steps predicted"]] for s, run in runs.items()]
            bound.add(f"_{name}")
        panel = Panel("Gradient descent under K = M̄^(−s)", "s", f"steps to {AIM}", lines,
                      frozenset(bound), log="y", markers=True)  # fmt: skip
        curves([panel], place / "powers.png")
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
        f"triangulated sphere of {SPHERE} nodes, all matrices held whole; gradient descent at the "
        "best fixed step, from the shared random start, until a millionth of the energy above the "
        f"minimum is left or {MOST_STEPS:,} steps are done; {len(SEEDS)} seeds. Kernels of "
        "networks are those where they begin (the papers' start). Whole solvers on the same "
        "problems at the end, Adam's rate searched; adam is a fused kernel."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
)
