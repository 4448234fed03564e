"""Depth as acceleration: ℓ_p regression with linear factors in place of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench.figures import Panel, curves

from meshrep.base.tables import number, spread
from meshrep.minimisers.first_order import Adam, GradientDescent
from meshrep.minimisers.monitor import Stopping
from meshrep.parametrizations.linear.deep_linear import DeepLinear
from meshrep.solving.entrants import Entrant, rates
from meshrep.solving.records import contest
from meshrep.solving.solver import Solver
from meshrep.solving.standings import Mean, Standing, gained, rank, standings
from meshrep.solving.table import factor, table
from papers.claims import Claim, Verdict, claim_table, counted, judged, together
from papers.depth.regression import LpRegression, data
from papers.row import Figures, Finding, Piece, Pieces, Row, Say, folded

EXAMPLES, FEATURES = 2565, 128
QUICK_EXAMPLES, QUICK_FEATURES = 500, 32
CONDITION, NOISE = 1e4, 0.1
POWERS = (2, 4)
KINDS = ("whitened", "standardised")
LEVELS = {
    (2, "whitened"): "1e-4",
    (4, "whitened"): "1e-4",
    (2, "standardised"): "1e-2",  # a level that the slowest reach
    (4, "standardised"): "1e-3",
}
SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
SMALL = 0.01  # spread of the start
STEPS = 600
LIMIT, WARM = 5.0, 0.02  # seconds per run
DEPTHS = (2, 3)

PLAIN_RATES = (0.25, 0.5, 1.0, 1.9, 4.0, 8.0, 16.0, 32.0)  # over the start's largest curvature
DEEP_RATES = tuple(2.0**k for k in range(-9, 4))
ADAM_RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
ADAGRAD_RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
ADADELTA_RATES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)

SLIGHTLY = 2.0  # ratio of steps up to which depth slows slightly
ALIKE = 1.1  # ratio that every seed must exceed for a gain


def entrants(curvature: float) -> list[Entrant]:
    """Return every method at every rate; those of gradient descent are over the curvature."""
    stopping = Stopping(max_steps=STEPS)
    found: list[Entrant] = []

    def add(group: str, make: Any, of: Sequence[float]) -> None:
        found.extend(rates(group, make, of))

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
    return [*found, Entrant("lbfgs", "lbfgs"), Entrant("newton", "newton")]


def regression(p: int, kind: str, seed: int, size: tuple[int, int], say: Say) -> dict[str, Any]:
    """Run all methods on the data of one seed, from one start near zero."""
    X, y = data(*size, CONDITION, NOISE, seed, kind == "whitened")
    energy = LpRegression(X, y, p)
    start = SMALL * np.random.default_rng(seed).standard_normal(size[1])
    curvature = float(np.linalg.eigvalsh(energy.hessian(start).toarray())[-1])
    with np.errstate(over="ignore", invalid="ignore"):  # some rates diverge
        cell = contest(
            energy, entrants(curvature), (seed,), say, start=lambda *_: start,
            warm_seconds=WARM, max_steps=STEPS, max_seconds=LIMIT,
        )  # fmt: skip
    return cell | {"curvature": curvature}


def key_of(p: int, kind: str, seed: int) -> str:
    return f"p = {p}, {kind}, seed {seed}"


def pieces(quick: bool) -> dict[str, Piece]:
    """Return a contest for each power, kind of data and seed."""
    size = (QUICK_EXAMPLES, QUICK_FEATURES) if quick else (EXAMPLES, FEATURES)
    return {
        key_of(p, kind, seed): partial(regression, p, kind, seed, size)
        for kind in (KINDS[:1] if quick else KINDS)
        for p in POWERS
        for seed in (QUICK_SEEDS if quick else SEEDS)
    }


def merged(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Join contests of several seeds."""
    runs = {
        label: [run for cell in cells for run in cell["runs"][label]] for label in cells[0]["runs"]
    }
    begun = [energy for cell in cells for energy in cell["begun"]]
    return {"begun": begun, "groups": cells[0]["groups"], "runs": runs}


def over_seeds(found: Pieces) -> dict[tuple[int, str], dict[str, Any]]:
    """Return the contests by power and kind, over the seeds that are there."""
    cells = {}
    for p in POWERS:
        for kind in KINDS:
            several = [cell for key, cell in found.items() if key.startswith(f"p = {p}, {kind},")]
            if several:
                cells[p, kind] = merged(several)
    return cells


@dataclass(frozen=True)
class Duel:
    """One method against another on one kind of data.

    Attributes
    ----------
    kind : str
        Of features.
    mine, other : Standing
    level : str
    """

    kind: str
    mine: Standing
    other: Standing
    level: str

    @property
    def ratios(self) -> np.ndarray:
        """Steps of the other over mine by seed (k,); infinite or 0 if only one arrives."""
        mine, other = (
            np.where(np.isfinite(steps := standing.to(self.level)[:, 0]), steps, np.inf)
            for standing in (self.mine, self.other)
        )
        with np.errstate(invalid="ignore"):
            return np.maximum(other, 1.0) / np.maximum(mine, 1.0)

    def ahead(self) -> bool | None:
        """Say whether mine needs clearly fewer steps on every seed; None if neither arrives."""
        known = self.ratios[~np.isnan(self.ratios)]
        return bool(np.all(known > ALIKE)) if len(known) else None

    def behind(self) -> bool | None:
        """Say whether mine needs clearly more steps on every seed; None if neither ever arrives."""
        known = self.ratios[~np.isnan(self.ratios)]
        return bool(np.all(known < 1 / ALIKE)) if len(known) else None

    def mean(self) -> Mean:
        """Return how many times the steps of mine the other takes, where both arrive."""
        return gained(self.mine, self.other, self.level, "steps")

    def factor(self) -> str:
        """Return the mean as a factor; "–" if there is no seed in which both arrive."""
        value = self.mean().value
        return "–" if np.isnan(value) else f"{number(value, 2)}×"

    def words(self) -> str:
        """Return names, steps and their ratio."""
        told = [
            f"{standing.label.rsplit(', rate', 1)[0]} {steps_of(standing, self.level)}"
            for standing in (self.mine, self.other)
        ]
        gain = factor(self.mean(), len(self.mine.runs))
        return f"{self.kind}: {' and '.join(told)} steps to {self.level}, {gain}"


def steps_of(standing: Standing, level: str) -> str:
    """Return the mean steps, and in how many seeds if not in all; "–" if it never arrives."""
    there, seeds = standing.reached(level), len(standing.runs)
    text = spread(standing.to(level)[:, 0])
    return text + f" ({there} of {seeds} seeds)" * (there < seeds)


def duels(
    cells: dict[tuple[int, str], dict[str, Any]], p: int, mine: str, other: str
) -> list[Duel]:
    """Return duels of methods on ℓ_p, one per kind of features.

    For a method with depths, the better depth takes part.
    """
    found = []
    for (power, kind), cell in cells.items():
        if power != p:
            continue
        level = LEVELS[p, kind]
        rows = standings(cell, level)
        several = [rows[name] for name in rows if name.startswith(f"{mine}, depth")]
        best = min(several, key=lambda s: rank(s, level)) if several else rows[mine]
        found.append(Duel(kind, best, rows[other], level))
    return found


def slowed(several: Sequence[Duel]) -> Claim:
    """Judge whether depth slows ℓ_2, and by no more than slightly.

    Only features that are not whitened count: on whitened ones one step of descent is enough.
    """
    says = "depth slows ℓ_2 slightly"
    told = "; ".join(duel.words() for duel in several)
    fair = [duel for duel in several if duel.kind != "whitened"]
    if not fair:
        return Claim(says, Verdict.OPEN, f"{told}; on whitened features one step is enough")
    duel = fair[0]
    behind, by = duel.behind(), duel.mean().value
    if behind is None or np.isnan(by):
        return Claim(says, Verdict.OPEN, f"{told}: too few arrive")
    verdict = Verdict.NOT
    if behind:
        verdict = Verdict.HOLDS if by >= 1 / SLIGHTLY else Verdict.IN_PART
    return Claim(says, verdict, f"{told}; judged where features are not whitened")


def claimed(says: str, several: Sequence[Duel], wanted: bool = True) -> Claim:
    """Judge whether the first is ahead (or not ahead), on every kind of data."""
    ahead = [duel.ahead() for duel in several]
    verdict = judged([None if found is None else found is wanted for found in ahead])
    return Claim(says, verdict, "; ".join(duel.words() for duel in several))


def findings(found: Pieces) -> Finding:
    """Return what depth does to the steps of each method."""
    cells = over_seeds(found)
    claims = []
    if least := duels(cells, 2, "gd", "gd"):
        claims.append(slowed(least))
    if fourth := duels(cells, 4, "gd", "gd"):
        added = duels(cells, 4, "adam", "adam")
        claims += [
            claimed("it speeds ℓ_4", fourth),
            claimed("there it beats AdaGrad", duels(cells, 4, "gd", "adagrad")),
            claimed("and AdaDelta", duels(cells, 4, "gd", "adadelta")),
            claimed("but not Adam", duels(cells, 4, "gd", "adam"), wanted=False),
            claimed("it helps Adam", added),
        ]
    said = [counted(claims)]
    for words, several in (
        ("on ℓ_2 gradient descent takes", least),
        ("on ℓ_4", fourth),
        ("Adam on ℓ_4", added if fourth else []),
    ):
        if several:
            told = [f"{duel.factor()} ({duel.kind})" for duel in several]
            said.append(f"{words} {' and '.join(told)}")
    parts = [claim_table(claims), JUDGED.format(f"{ALIKE - 1:.0%}")] if claims else []
    for (p, kind), cell in cells.items():
        parts.append(folded(f"ℓ_{p}, {kind} features", table(cell, LEVELS[p, kind], "gd")))
    why = f"{'; '.join(said)} its steps with depth." if claims else "nothing of it has been run."
    return Finding(together(claims), why, "\n\n".join(parts))


JUDGED = (
    "Steps of each method at its best rate, for the better of two depths. One is ahead if it "
    "needs more than {} fewer steps on every seed. A factor is the steps of the second over "
    "those of the first. ℓ_4 is judged on both kinds of features."
)


def draw(found: Pieces, place: Path) -> Figures:
    """Draw the gap by step on the first seed, each method at its best rate."""
    panels = []
    for (p, kind), cell in over_seeds(found).items():
        rows = standings(cell, LEVELS[p, kind])
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
        "The paper's data (UCI gas sensors, ethanol, 2565 × 128) cannot be had offline. Here "
        f"there are {EXAMPLES} examples of {FEATURES} normal features whose covariance has "
        f"condition {CONDITION:g} (eigenvalues in geometric progression, random axes). They are "
        f"whitened, or only brought to unit variance. Targets have variance 1, and {NOISE:g} "
        f"standard deviations of noise. There are {len(SEEDS)} seeds, each with its own data. All "
        f"methods begin at the same weights, normal of spread {SMALL:g}, which is the paper's "
        "start as well; factors are balanced. Rates are searched for every method; those of "
        "gradient descent (gd) are in units of 1/L, where L is the largest curvature at the "
        f"start. Runs take {STEPS} steps at most, full batch."
    ),
    pieces=pieces,
    findings=findings,
    draw=draw,
    needs=("torch",),
    version=2,
)
