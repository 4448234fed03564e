"""Heavy ball and Nesterov's gradient, against their rates and their differential equations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench.figures import Panel, curves

from meshrep.base.tables import markdown, number, spread
from meshrep.solving.table import table
from papers.claims import Claim, claim_table, counted, judged, together
from papers.momentum.runs import (
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
from papers.row import Figures, Finding, Piece, Pieces, Row, folded, numbers

SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)

RATE_ERROR = 0.1  # largest relative error of log ρ that counts as agreement
EXPONENT_ERROR = 0.2
ORDERS = (0.8, 1.3)  # powers of √s that count as following the equation

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
    """Say whether fitted decay rates are the predicted one, within RATE_ERROR of it."""
    return bool(np.all(abs(np.log(numbers(factors)) / np.log(expected) - 1) <= RATE_ERROR))


def findings(found: Pieces) -> Finding:
    """Judge whether the rates are those predicted, and the order of the methods as claimed."""
    cells = {c: found[key_of(c)] for c in CONDITIONS if key_of(c) in found}
    claims: list[Claim] = []
    said: list[str] = []
    parts: list[str] = []
    equation = found.get("equations")
    if equation:
        says = "heavy ball and NAG-SC follow ẍ + 2√μ ẋ + ∇f = 0"
        claims.append(follows(says, ("heavy ball", "NAG-SC"), equation))
    if cells:
        claims += [linear(cells), sooner(cells)]
        condition, cell = max(cells.items())
        said.append(
            f"at κ = {condition:g} the error of heavy ball shrinks by "
            f"{_factor(cell, 'heavy ball'):.5g} a step ({cell['predicted']['heavy ball']:.5g} "
            f"predicted), that of NAG-SC by {_factor(cell, 'NAG-SC'):.5g} "
            f"({cell['predicted']['NAG-SC']:.5g})"
        )
        parts += [f"### Quadratic, κ = {c:g}\n\n{rates(cell)}" for c, cell in cells.items()]
    if equation:
        claims.append(follows("NAG follows ẍ + 3/t ẋ + ∇f = 0", ("NAG",), equation))
        parts.append(f"### The equations\n\n{equation_table(equation)}")
    if cell := found.get("merely convex"):
        claims.append(polynomial(cell))
        exponent = float(np.mean(cell["runs"]["NAG"]["exponent"]))
        said.append(f"where μ = 0 the gap of NAG goes as k^({number(exponent, 3)})")
        parts.append(
            "### No strong convexity\n\n"
            f"Gap against steps, fitted over steps {FLAT_STEPS[0]} to {FLAT_STEPS[1]}: "
            f"{_exponents(cell)} (predicted: −1 for gradient descent and for a ball of fixed "
            "momentum, −2 for NAG)."
        )
    if cell := found.get("Nesterov, late"):
        parts.append(f"### How NAG ends\n\n{ending(cell)}")
    if cell := found.get("heat"):
        shown = (
            f"{table(cell, LEVEL, 'adam, tuned')}\n\nTimes of the first rules are of fused "
            f"kernels, as is adam's. {factors(cell)}"
        )
        title = f"Linear heat on {HEAT.replace(':', ' ')}, strip baths, κ = {cell['condition']:.4g}"
        parts.append(folded(title, shown))
    why = "; ".join([counted(claims), *said]) + "." if claims else "nothing of it has been run."
    return Finding(together(claims), why, "\n\n".join([claim_table(claims), *parts]))


Cells = dict[float, dict[str, Any]]  # by condition number


def _factor(cell: dict[str, Any], name: str) -> float:
    return float(np.mean(numbers(cell["runs"][name]["factor"])))


def _steps(cell: dict[str, Any], name: str) -> float:
    return float(np.mean(numbers(cell["runs"][name]["steps"])))


def follows(says: str, names: tuple[str, ...], cell: dict[str, Any]) -> Claim:
    """Judge whether methods approach their equation as the step gets shorter, in √s."""
    low, high = ORDERS
    orders = {name: cell["orders"][name] for name in names}
    told = ", ".join(f"{name} {number(order, 3)}" for name, order in orders.items())
    seen = f"distance to it by powers of √s: {told} (1 expected, {low} to {high} allowed)"
    return Claim(says, judged([low <= order <= high for order in orders.values()]), seen)


def linear(cells: Cells) -> Claim:
    """Judge whether the errors shrink by the predicted factors."""
    passed, told = [], []
    for condition, cell in cells.items():
        for name in NAMES[1:]:
            expected = cell["predicted"][name]
            passed.append(agrees(cell["runs"][name]["factor"], expected))
            told.append(
                f"{name} at κ = {condition:g} {_factor(cell, name):.5g} ({expected:.5g} predicted)"
            )
    seen = f"factors of the error a step: {'; '.join(told)}"
    return Claim("heavy ball and NAG-SC arrive linearly", judged(passed), seen)


def sooner(cells: Cells) -> Claim:
    """Judge whether both are faster than gradient descent, in factors and in steps."""
    passed, told = [], []
    for condition, cell in cells.items():
        for name in NAMES[1:]:
            less = [of(cell, name) < of(cell, NAMES[0]) for of in (_factor, _steps)]
            passed.append(all(less))
        steps = [f"{name} {number(_steps(cell, name), 3)}" for name in NAMES]
        told.append(f"at κ = {condition:g} {', '.join(steps)}")
    seen = f"steps to {LEVEL}: {'; '.join(told)}"
    return Claim("sooner than gradient descent", judged(passed), seen)


def polynomial(cell: dict[str, Any]) -> Claim:
    """Judge whether gaps fall as a power of the steps without strong convexity."""
    error = {
        name: abs(np.array(cell["runs"][name]["exponent"]) - expected)
        for name, expected in (("gradient descent", -1), ("NAG", -2))
    }
    seen = f"powers of k by which gaps fall where μ = 0: {_exponents(cell)} (−1, −1, −2 predicted)"
    passed = [bool(np.all(several <= EXPONENT_ERROR)) for several in error.values()]
    return Claim("NAG arrives at a polynomial rate", judged(passed), seen)


def _exponents(cell: dict[str, Any]) -> str:
    means = {name: float(np.mean(run["exponent"])) for name, run in cell["runs"].items()}
    return ", ".join(f"{name} {number(mean, 3)}" for name, mean in means.items())


def ending(cell: dict[str, Any]) -> str:
    """Remark on NAG in the long run on a strongly convex quadratic; this is not judged."""
    factor = float(np.mean(cell["factor"]))
    linear = -np.log(factor) * LATE_STEPS[1] > 1
    does = "does end linearly" if linear else "is not seen to end linearly"
    return (
        f"A remark on the last claim: at κ = {cell['condition']:g} NAG without restarts {does}. "
        "Its error shrinks, beside the k^(−3/2) of its equation, by "
        f"{spread(np.array(cell['factor']), 6)} a step; √(1 − 1/κ) = "
        f"{cell['predicted']:.6g} follows from the momentum that tends to one, which the equation "
        "does not show."
    )


def _plain(value: float) -> str:
    return f"{value:g}".replace("e-0", "e-")


def rates(cell: dict[str, Any]) -> str:
    """Return predicted and fitted factors as a table."""
    lines = []
    for name, run in cell["runs"].items():
        expected = cell["predicted"].get(name)
        steps = spread(numbers(run["steps"]))
        if expected is None:
            lines.append([name, "polynomial", "–", "–", steps])
            continue
        factor = numbers(run["factor"])
        ratio = np.log(factor) / np.log(expected)
        lines.append([name, f"{expected:.6g}", spread(factor, 6), spread(ratio), steps])
    head = ["method", "factor a step, predicted", "fitted", "fitted over predicted rate",
            f"steps to {LEVEL}"]  # fmt: skip
    return markdown(head, lines)


def equation_table(cell: dict[str, Any]) -> str:
    """Return a table of how far each method strays from its equation, by step length."""
    head = ["method", *(f"s = {s:g}/L" for s in SHORT_STEPS), "order in √s"]
    lines = [
        [name, *(f"{stray:.3g}" for stray in strays), f"{cell['orders'][name]:.3g}"]
        for name, strays in cell["strays"].items()
    ]
    return (
        "ẍ + 2√μ ẋ + ∇f = 0 for heavy ball and NAG-SC, both with momentum (1 − √(μs))/(1 + √(μs)), "
        "and ẍ + 3/t ẋ + ∇f = 0 for NAG; the largest distance from x(k√s), over |x₀|, up to "
        f"t = {TIME:g}/√L at κ = {CONDITIONS[0]:g}:\n\n" + markdown(head, lines)
    )


def factors(cell: dict[str, Any]) -> str:
    """Return the steps that the predicted factors ask for, to compare with the table."""
    asked = [
        f"{name} {np.log(float(LEVEL)) / (2 * np.log(factor)):,.0f}"
        for name, factor in cell["predicted"].items()
    ]
    return f"Steps to {LEVEL} by the predicted factors alone: {', '.join(asked)}."


def draw(found: Pieces, place: Path) -> Figures:
    """Draw the gaps of every problem, and the methods beside their equations."""
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
        "(NAG) follows ẍ + 3/t ẋ + ∇f = 0 and arrives at a polynomial rate."
    ),
    setting=(
        f"Quadratics of {MODES} modes, eigenvalues in geometric progression from 1/κ to 1, from "
        f"normal starts, {len(SEEDS)} seeds. Gradient descent has the rate 2/(L + μ); heavy ball "
        "Polyak's rate 4/(√L + √μ)² and momentum ((√κ − 1)/(√κ + 1))²; NAG-SC the rate 1/L and "
        "momentum (√κ − 1)/(√κ + 1); NAG the rate 1/L without restarts. Rates are fitted between "
        f"gaps of {_plain(FIT[0])} and {_plain(FIT[1])} (gradient descent: {_plain(FIT_PLAIN[0])} "
        f"and {_plain(FIT_PLAIN[1])}). Without strong convexity there are {FLAT_MODES} modes down "
        f"to {_plain(FLATTEST)}, with a start of ±1 in each. The equations are solved by DOP853 "
        f"at 1e-9. Heat has a quadratic bath; Adam (rates from {RATES[0]:g} to {RATES[-1]:g}), a "
        "network, L-BFGS and Newton start from the same random fields, apart from the network's "
        "own start."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
)
