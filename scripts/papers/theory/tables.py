"""The tables of the row on theory."""

from __future__ import annotations

from typing import Any

import numpy as np

from papers import contest
from papers.theory.runs import DRAWS, GAP, HIDDEN, KERNEL_DRAWS, MOST_STEPS, QUICK_KERNEL_DRAWS

AIM = f"{GAP:.0e}".replace("e-0", "e-")


def numbers(values: list[float | None]) -> np.ndarray:
    """Plain data as an array, what is missing as NaN."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def shown(value: float | None, digits: int = 3) -> str:
    """A number that plain data holds; None is what was infinite."""
    return "∞" if value is None else contest.number(value, digits)


def steps_shown(values: list[float | None]) -> str:
    """Steps over seeds, or that they were not enough."""
    found = numbers(values)
    there = int(np.isfinite(found).sum())
    if not there:
        return f"> {MOST_STEPS:,}"
    return contest.spread(found) + f" ({there} of {len(found)})" * (there < len(found))


def mean_steps(run: dict[str, Any]) -> float:
    """Steps in the mean over seeds; infinite where one does not arrive."""
    steps = numbers(run["steps"])
    return float(np.mean(steps)) if np.isfinite(steps).all() else np.inf


def between(values: list[float]) -> str:
    """The least and the greatest."""
    low, high = (contest.number(float(f(values)), 3) for f in (min, max))
    return low if low == high else f"{low} to {high}"


def saving(plain: float, run: dict[str, Any]) -> str:
    """How many times fewer steps than so many, where both arrive."""
    ratio = plain / mean_steps(run) if np.isfinite(plain) else np.inf
    return f"{contest.number(ratio, 2)}×" if 0 < ratio < np.inf else "–"


def power_table(cells: dict[str, Any], moment: str) -> str:
    """Condition number, predicted and observed steps of every power, graph by graph."""
    lines = [
        "| graph | K = M̄^(−s), s | condition | factor a step, predicted | fitted | "
        f"most steps to {AIM} by it | taken | fewer than s = 0 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, cell in cells.items():
        plain = mean_steps(cell[moment]["0"])
        for power, run in cell[moment].items():
            steps = numbers(run["steps"])
            lines.append(
                f"| {name}, {cell['nodes']} nodes | {power} | {shown(run['condition'])} | "
                f"{run['factor predicted']:.4g} | {contest.spread(numbers(run['factor']), 4)} | "
                f"{shown(run['steps predicted'])} | {contest.spread(steps)} | "
                f"{saving(plain, run)} |"
            )
    return (
        "Gradient descent in θ, w = w₀ + R θ with "
        "R Rᵀ = M̄^(−s), at the step 2/(λ_max + λ_min) of RᵀHR. The steps predicted are those "
        "that suffice from every start.\n\n" + "\n".join(lines)
    )


def _slope(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def kernel_table(cell: dict[str, Any]) -> str:
    """How near every kernel is to M̄^{-1/2}, and what gradient descent makes of it."""
    lines = [
        "| variables | cosine with M̄^(−1/2) | slope against λ (best −1) | condition of K H | "
        f"most steps to {AIM} by it | taken |",
        "|---|---|---|---|---|---|",
    ]
    for label, run in cell["kernels"].items():
        lines.append(
            f"| {label} | {run['cosine']:.3f} | {_slope(run['slope'])} | "
            f"{shown(run['condition'])} | {shown(run['steps predicted'])} | "
            f"{steps_shown(run['steps'])} |"
        )
    return (
        f"Networks of width {HIDDEN} where they begin, averaged over {KERNEL_DRAWS} draws (a quick "
        f"run: {QUICK_KERNEL_DRAWS}); gradient descent in the linear variables K̄^(1/2), which is "
        "what a network with frozen J would make of it.\n\n" + "\n".join(lines)
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
