"""Depth as acceleration: ℓ_p regression with linear factors in the place of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.composition import Solver
from meshrep.minimisers.first_order import Adam, GradientDescent
from meshrep.minimisers.monitor import Stopping
from meshrep.parametrizations.deep_linear import DeepLinear
from papers import contest
from papers.drawing import Panel, curves
from papers.regression import LpRegression, data
from papers.row import Figures, Finding, Piece, Pieces, Row, Say, Verdict

EXAMPLES, FEATURES = 2565, 128
QUICK_EXAMPLES, QUICK_FEATURES = 500, 32
CONDITION, NOISE = 1e4, 0.1
POWERS = (2, 4)
KINDS = ("whitened", "standardised")
LEVELS = {
    (2, "whitened"): "1e-4",
    (4, "whitened"): "1e-4",
    (2, "standardised"): "1e-2",  # which the slowest reach
    (4, "standardised"): "1e-3",
}
SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
SMALL = 0.01  # spread of the start
STEPS = 600
LIMIT, WARM = 5.0, 0.02  # seconds a run
DEPTHS = (2, 3)

PLAIN_RATES = (0.25, 0.5, 1.0, 1.9, 4.0)  # over the largest curvature at the start
DEEP_RATES = tuple(2.0**k for k in range(-7, 2))
ADAM_RATES = (0.003, 0.01, 0.03, 0.1)
ADAGRAD_RATES = (0.01, 0.03, 0.1, 0.3)
ADADELTA_RATES = (1.0, 3.0, 10.0, 30.0)

SLIGHTLY = 2.0  # times the steps, up to which a slowing-down is slight
ALIKE = 1.05  # ratios below which nothing is gained


def entrants(curvature: float) -> list[contest.Entrant]:
    """Every method at every rate; those of gradient descent are over the curvature."""
    stopping = Stopping(max_steps=STEPS)
    found: list[contest.Entrant] = []

    def add(group: str, make: Any, rates: Sequence[float]) -> None:
        found.extend(contest.rates(group, make, rates))

    def descent(rate: float) -> GradientDescent:
        return GradientDescent(lr=rate / curvature)

    add("gd", lambda rate: (Solver(descent(rate), stopping=stopping), {}), PLAIN_RATES)
    for depth in DEPTHS:
        factors = DeepLinear(depth)
        add(f"gd, depth {depth}",
            lambda rate, factors=factors: (Solver(descent(rate), factors, stopping), {}),
            DEEP_RATES)  # fmt: skip
    add("adagrad", lambda lr: ("adagrad-torch", {"lr": lr}), ADAGRAD_RATES)
    add("adadelta", lambda lr: ("adadelta-torch", {"lr": lr}), ADADELTA_RATES)
    add("adam", lambda lr: (Solver(Adam(lr), stopping=stopping), {}), ADAM_RATES)
    for depth in DEPTHS:
        add(f"adam, depth {depth}",
            lambda lr, depth=depth: (Solver(Adam(lr), DeepLinear(depth), stopping), {}),
            ADAM_RATES)  # fmt: skip
    return [*found, contest.Entrant("lbfgs", "lbfgs"), contest.Entrant("newton", "newton")]


def regression(p: int, kind: str, seed: int, size: tuple[int, int], say: Say) -> dict[str, Any]:
    """All methods on data of one seed, from one start near zero."""
    X, y = data(*size, CONDITION, NOISE, seed, kind == "whitened")
    energy = LpRegression(X, y, p)
    start = SMALL * np.random.default_rng(seed).standard_normal(size[1])
    curvature = float(np.linalg.eigvalsh(energy.hessian(start).toarray())[-1])
    with np.errstate(over="ignore", invalid="ignore"):  # of rates that diverge
        cell = contest.contest(
            energy, entrants(curvature), (seed,), say, begin=lambda *_: start,
            warm_seconds=WARM, max_steps=STEPS, max_seconds=LIMIT,
        )  # fmt: skip
    return cell | {"curvature": curvature}


def key_of(p: int, kind: str, seed: int) -> str:
    return f"p = {p}, {kind}, seed {seed}"


def pieces(quick: bool) -> dict[str, Piece]:
    """A contest for each power, kind of data and seed."""
    size = (QUICK_EXAMPLES, QUICK_FEATURES) if quick else (EXAMPLES, FEATURES)
    return {
        key_of(p, kind, seed): partial(regression, p, kind, seed, size)
        for kind in (KINDS[:1] if quick else KINDS)
        for p in POWERS
        for seed in (QUICK_SEEDS if quick else SEEDS)
    }


def merged(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Contests of several seeds as one."""
    runs = {
        label: [run for cell in cells for run in cell["runs"][label]] for label in cells[0]["runs"]
    }
    begun = [energy for cell in cells for energy in cell["begun"]]
    return {"begun": begun, "groups": cells[0]["groups"], "runs": runs}


def together(found: Pieces) -> dict[tuple[int, str], dict[str, Any]]:
    """The contests by power and kind, over the seeds that are there."""
    cells = {}
    for p in POWERS:
        for kind in KINDS:
            several = [cell for key, cell in found.items() if key.startswith(f"p = {p}, {kind},")]
            if several:
                cells[p, kind] = merged(several)
    return cells


def findings(found: Pieces) -> Finding:
    """What depth does to the steps of each method, on whitened data as the claim has it."""
    cells = together(found)
    parts, said = [], []
    checks: dict[str, bool] = {}
    for (p, kind), cell in cells.items():
        level = LEVELS[p, kind]
        rows = contest.standings(cell, level)
        parts.append(f"### ℓ_{p}, {kind} features\n\n{contest.table(cell, level, 'gd')}")
        deep = max((contest.gain(rows[f"gd, depth {d}"], rows["gd"], level, "steps"), d)
                   for d in DEPTHS)  # fmt: skip
        if kind != "whitened":
            said.append(
                f"with {kind} features depth {deep[1]} takes {contest.number(1 / deep[0], 2)} "
                f"times the steps of gradient descent to {level} on ℓ_{p}"
            )
            continue
        steps = {name: float(np.mean(row.to(level)[:, 0])) for name, row in rows.items()}
        if p == 2:
            checks["depth slows ℓ_2"] = deep[0] < 1
            checks["slightly"] = deep[0] >= 1 / SLIGHTLY
            said.append(
                f"on whitened ℓ_2 depth {deep[1]} takes {steps[f'gd, depth {deep[1]}']:.0f} steps "
                f"to {level} where gradient descent takes {steps['gd']:.0f}"
            )
            continue
        mine = f"gd, depth {deep[1]}"
        checks["depth speeds ℓ_4"] = deep[0] > ALIKE
        for other in ("adagrad", "adadelta"):
            gained = contest.gain(rows[mine], rows[other], level, "steps")
            checks[f"it beats {other}"] = gained > ALIKE
        checks["it does not beat adam"] = (
            contest.gain(rows[mine], rows["adam"], level, "steps") <= ALIKE
        )
        added = max((contest.gain(rows[f"adam, depth {d}"], rows["adam"], level, "steps"), d)
                    for d in DEPTHS)  # fmt: skip
        checks["it helps adam"] = added[0] > ALIKE
        said.append(
            f"on whitened ℓ_4 depth {deep[1]} takes {steps[mine]:.0f} steps to {level}, gradient "
            f"descent {steps['gd']:.0f}, adagrad {steps['adagrad']:.0f}, adadelta "
            f"{steps['adadelta']:.0f}, adam {steps['adam']:.0f}, and adam with depth {added[1]} "
            f"{steps[f'adam, depth {added[1]}']:.0f}"
        )
    if not checks:
        return Finding(Verdict.OPEN, "no whitened regression was run yet.", "\n\n".join(parts))
    wrong = [name for name, right in checks.items() if not right]
    verdict = Verdict.HOLDS if not wrong else Verdict.IN_PART
    if len(wrong) == len(checks):
        verdict = Verdict.NOT
    right = [name for name in checks if name not in wrong]
    seen = f"seen: {', '.join(right)}" + (f"; not seen: {', '.join(wrong)}" if wrong else "")
    return Finding(verdict, f"{seen}; {'; '.join(said)}.", "\n\n".join(parts))


def draw(found: Pieces, place: Path) -> Figures:
    """The gap by step, each method at its best rate, on the first seed."""
    panels = []
    for (p, kind), cell in together(found).items():
        rows = contest.standings(cell, LEVELS[p, kind])
        first = next(c for key, c in found.items() if key.startswith(f"p = {p}, {kind},"))
        high, low = first["begun"][0], first["reference"]
        lines = {}
        for name, row in rows.items():
            if name == "newton":
                continue
            gap = [[step, (best - low) / (high - low)] for step, _, best in row.runs[0]["curve"]]
            lines[name] = [point for point in gap if point[1] > 1e-7]
        panels.append(Panel(f"ℓ_{p}, {kind}", "step", "share of the fall that is left", lines,
                            log="xy", bottom=1e-7))  # fmt: skip
    if not panels:
        return []
    curves(panels, place / "depth.png", columns=2)
    return [("depth.png", "Each method at the rate that reaches the table's level first; "
             "gradient descent is done with whitened ℓ_2 in one step.")]  # fmt: skip


ROW = Row(
    name="depth",
    title="Depth as acceleration",
    source="Arora, Cohen and Hazan 2018",
    claim=(
        "Linear regression overparametrised by depth (the weights a product of factors): it slows "
        "ℓ_2 slightly and speeds ℓ_4; there it beats AdaGrad and AdaDelta, not Adam, and helps "
        "Adam when added to it."
    ),
    setting=(
        f"Their data (UCI gas sensors, ethanol, 2565 × 128) are not to be had offline. Here: "
        f"{EXAMPLES} examples of {FEATURES} normal features whose covariance has condition "
        f"{CONDITION:g} (eigenvalues in geometric progression, random axes), whitened or only "
        f"brought to unit variance; targets of variance 1, of which {NOISE:g} standard deviations "
        f"are noise; {len(SEEDS)} seeds, each with its own data. All begin at the same weights, "
        f"normal of spread {SMALL:g}, which is the paper's start as well; factors are balanced. "
        f"Rates are searched for every method, those of gradient descent (gd) in units of 1/L, L "
        f"the largest curvature at the start; {STEPS} steps at most, full batch."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("torch",),
)
