"""Heavy ball and Nesterov's gradient against their rates and their differential equations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from papers import contest
from papers.drawing import Panel, curves
from papers.momentum_runs import (
    CONDITIONS,
    FIT,
    FIT_PLAIN,
    FLAT_MODES,
    FLAT_STEPS,
    FLATTEST,
    HEAT,
    LATE_STEPS,
    LEVEL,
    MODES,
    RATES,
    SHORT_STEPS,
    TIME,
    equations,
    heat,
    late_nesterov,
    merely_convex,
    strongly_convex,
)
from papers.row import Figures, Finding, Piece, Pieces, Row, Verdict

SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)

RATE_ERROR = 0.1  # of log ρ, that counts as agreement
EXPONENT_ERROR = 0.2
ORDERS = (0.8, 1.3)  # in √s, that count as following the equation

NAMES = ("gradient descent", "heavy ball", "NAG-SC")


def key_of(condition: float) -> str:
    return f"quadratic, κ = {condition:g}"


def pieces(quick: bool) -> dict[str, Piece]:
    seeds = QUICK_SEEDS if quick else SEEDS
    work: dict[str, Piece] = {
        key_of(condition): partial(strongly_convex, condition, seeds) for condition in CONDITIONS
    }
    work["merely convex"] = partial(merely_convex, seeds)
    work["Nesterov, late"] = partial(late_nesterov, seeds)
    work["equations"] = equations
    work["heat"] = partial(heat, seeds)
    return work


def agrees(factors: list[float | None], expected: float) -> bool:
    """Whether fitted decay rates are the predicted one, within RATE_ERROR of it."""
    found = np.array([np.nan if factor is None else factor for factor in factors])
    return bool(np.all(abs(np.log(found) / np.log(expected) - 1) <= RATE_ERROR))


def findings(found: Pieces) -> Finding:
    """Whether the rates are those predicted, and the order of the methods as claimed."""
    checks: dict[str, bool] = {}
    said: list[str] = []
    parts: list[str] = []
    for condition in CONDITIONS:
        cell = found.get(key_of(condition))
        if cell is None:
            continue
        runs, expected = cell["runs"], cell["predicted"]
        for name, factor in expected.items():
            checks[f"{name} at κ = {condition:g}"] = agrees(runs[name]["factor"], factor)
        factor = [np.mean(_numbers(runs[name]["factor"])) for name in NAMES]
        checks[f"order at κ = {condition:g}"] = bool(factor[1] < factor[2] < factor[0])
        steps = {name: np.mean(_numbers(run["steps"])) for name, run in runs.items()}
        first = min(steps, key=lambda name: steps[name])
        said.append(
            f"at κ = {condition:g} the error of heavy ball shrinks by "
            f"{np.mean(_numbers(runs['heavy ball']['factor'])):.5g} a step "
            f"({expected['heavy ball']:.5g} predicted) and that of NAG-SC by "
            f"{np.mean(_numbers(runs['NAG-SC']['factor'])):.5g} ({expected['NAG-SC']:.5g}), though "
            f"{first} is the first to {LEVEL}, in {steps[first]:.0f} steps"
        )
        parts.append(f"### {key_of(condition)[0].upper()}{key_of(condition)[1:]}\n\n{rates(cell)}")
    if cell := found.get("merely convex"):
        runs = cell["runs"]
        for name, expected in (("gradient descent", -1), ("NAG", -2)):
            error = abs(np.array(runs[name]["exponent"]) - expected)
            checks[f"{name} where μ = 0"] = bool(np.all(error <= EXPONENT_ERROR))
        shown = ", ".join(
            f"{name} k^({contest.spread(np.array(run['exponent']))})" for name, run in runs.items()
        )
        said.append(f"where μ = 0 NAG goes as k^{np.mean(runs['NAG']['exponent']):.3g}")
        parts.append(
            "### No strong convexity\n\n"
            f"Gap against steps, fitted over steps {FLAT_STEPS[0]} to {FLAT_STEPS[1]}: {shown} "
            "(predicted: −1 for gradient descent and for a ball of fixed momentum, −2 for NAG)."
        )
    if cell := found.get("equations"):
        first, last = ORDERS
        for name, order in cell["orders"].items():
            checks[f"the equation of {name}"] = first <= order <= last
        parts.append(f"### The equations\n\n{equation_table(cell)}")
    if cell := found.get("Nesterov, late"):
        factor = float(np.mean(cell["factor"]))
        checks["NAG's end, which is linear"] = -np.log(factor) * LATE_STEPS[1] < 1
        said.append(
            f"NAG without restarts does end linearly, by {factor:.5g} a step at "
            f"κ = {cell['condition']:g}, which its equation (k⁻³ there) does not show"
        )
        parts.append(
            "### How NAG ends\n\nOn the same quadratic its error shrinks, beside the k^(−3/2) of "
            f"its equation, by {contest.spread(np.array(cell['factor']), 6)} a step; "
            f"√(1 − 1/κ) = {cell['predicted']:.6g} follows from the momentum that tends to one."
        )
    if cell := found.get("heat"):
        parts.append(
            f"### Linear heat on {HEAT.replace(':', ' ')}, strip baths, κ = "
            f"{cell['condition']:.4g}\n\n{contest.table(cell, LEVEL, 'adam, tuned')}\n\n"
            f"Times of the first rules are of fused kernels, as is adam's. {factors(cell)}"
        )
    wrong = [name for name, right in checks.items() if not right]
    verdict = Verdict.HOLDS if not wrong else Verdict.IN_PART
    if wrong and len(wrong) == len(checks):
        verdict = Verdict.NOT
    failed = f"; it fails for {', '.join(wrong)}" if wrong else ""
    return Finding(verdict, "; ".join(said) + failed + ".", "\n\n".join(parts))


def _numbers(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def rates(cell: dict[str, Any]) -> str:
    """Predicted and fitted factors as a table."""
    lines = [
        f"| method | factor a step, predicted | fitted | fitted over predicted rate | "
        f"steps to {LEVEL} |",
        "|---|---|---|---|---|",
    ]
    for name, run in cell["runs"].items():
        expected = cell["predicted"].get(name)
        steps = contest.spread(_numbers(run["steps"]))
        if expected is None:
            lines.append(f"| {name} | polynomial | – | – | {steps} |")
            continue
        factor = _numbers(run["factor"])
        ratio = np.log(factor) / np.log(expected)
        lines.append(
            f"| {name} | {expected:.6g} | {contest.spread(factor, 6)} | "
            f"{contest.spread(ratio)} | {steps} |"
        )
    return "\n".join(lines)


def equation_table(cell: dict[str, Any]) -> str:
    """How far each method strays from its equation by step length."""
    heads = " | ".join(f"s = {s:g}/L" for s in SHORT_STEPS)
    lines = [f"| method | {heads} | order in √s |", "|---" * (len(SHORT_STEPS) + 2) + "|"]
    for name, strays in cell["strays"].items():
        shown = " | ".join(f"{stray:.3g}" for stray in strays)
        lines.append(f"| {name} | {shown} | {cell['orders'][name]:.3g} |")
    return (
        "ẍ + 2√μ ẋ + ∇f = 0 for heavy ball and NAG-SC, both with momentum (1 − √(μs))/(1 + √(μs)), "
        "and ẍ + 3/t ẋ + ∇f = 0 for NAG; the largest distance from x(k√s), over |x₀|, up to "
        f"t = {TIME:g}/√L at κ = {CONDITIONS[0]:g}:\n\n" + "\n".join(lines)
    )


def factors(cell: dict[str, Any]) -> str:
    """Steps that the predicted factors ask for, to hold against the table's."""
    asked = [
        f"{name} {np.log(float(LEVEL)) / (2 * np.log(factor)):,.0f}"
        for name, factor in cell["predicted"].items()
    ]
    return f"Steps to {LEVEL} by the predicted factors alone: {', '.join(asked)}."


def draw(found: Pieces, place: Path) -> Figures:
    """Gaps of every problem, and the methods beside their equations."""
    panels = []
    for condition in CONDITIONS:
        if cell := found.get(key_of(condition)):
            lines, dashed = {}, set()
            for name, run in cell["runs"].items():
                lines[name] = [point for point in run["curve"] if point[1] >= 1e-16]
                if expected := cell["predicted"].get(name):
                    last = lines[name][-1][0]
                    at = np.linspace(0.0, last, 60)
                    lines[f"_{name}"] = [[k, expected ** (2 * k)] for k in at]
                    dashed.add(f"_{name}")
            end = 1.2 * max(x for x, _ in lines["NAG-SC"])
            lines = {n: [p for p in points if p[0] <= end] for n, points in lines.items()}
            panels.append(
                Panel(
                    f"κ = {condition:g}",
                    "step",
                    "energy over the first",
                    lines,
                    frozenset(dashed),
                    log="y",
                    bottom=1e-16,
                )
            )
    if cell := found.get("merely convex"):
        lines = {name: run["curve"][1:] for name, run in cell["runs"].items()}
        at = np.geomspace(1, FLAT_STEPS[1], 50)
        lines["2|x₀ − x*|²/(s(k + 1)²)"] = [[k, cell["bound"] / (k + 1) ** 2] for k in at]
        panels.append(
            Panel(
                "μ = 0",
                "step",
                "energy over the first",
                lines,
                frozenset({"2|x₀ − x*|²/(s(k + 1)²)"}),
            )
        )
    drawn: Figures = []
    if panels:
        curves(panels, place / "rates.png")
        drawn.append(("rates.png", "Energies by step; dotted what is predicted (ρ²ᵏ, or a bound)."))
    if cell := found.get("equations"):
        panels = []
        for name in cell["strays"]:
            lines = {key: points for key, points in cell["curves"].items() if key.startswith(name)
                     and not key.startswith(f"{name}-")}  # fmt: skip
            panels.append(
                Panel(
                    name,
                    "t = k√s, in 1/√L",
                    "energy",
                    lines,
                    frozenset({f"{name}'s equation"}),
                    log="y",
                )
            )
        curves(panels, place / "equations.png")
        drawn.append(("equations.png", "The methods at a long and a short step, and x(t)."))
    return drawn


ROW = Row(
    name="momentum",
    title="Momentum as a differential equation",
    source="Bu, Xu and Chen, A dynamical view on optimization algorithms",
    claim=(
        "Heavy ball and Nesterov's method for strongly convex functions (NAG-SC) follow "
        "ẍ + 2√μ ẋ + ∇f = 0 and arrive linearly, sooner than gradient descent; Nesterov's method "
        "(NAG) follows ẍ + 3/t ẋ + ∇f = 0 and arrives at a polynomial rate only."
    ),
    setting=(
        f"Quadratics of {MODES} modes, eigenvalues in geometric progression from 1/κ to 1, from "
        f"normal starts, {len(SEEDS)} seeds; gradient descent at 2/(L + μ), heavy ball at Polyak's "
        "rate 4/(√L + √μ)² and momentum ((√κ − 1)/(√κ + 1))², NAG-SC at 1/L and momentum "
        "(√κ − 1)/(√κ + 1), NAG at 1/L without restarts. Rates are fitted between gaps of "
        f"{FIT[0]:g} and {FIT[1]:g} (gradient descent: {FIT_PLAIN[0]:g} and {FIT_PLAIN[1]:g}). "
        f"Without strong convexity: {FLAT_MODES} modes down to {FLATTEST:g}, a start of ±1 in "
        "each. The equations by DOP853 at 1e-9. And heat with a quadratic bath, against Adam "
        f"(rate searched over {RATES[0]:g} to {RATES[-1]:g}), a network, L-BFGS and Newton, all "
        "from the same random starts but for the network's own."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
)
