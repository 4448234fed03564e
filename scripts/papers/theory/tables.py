"""The tables of the row on theory."""

from __future__ import annotations

from typing import Any

import numpy as np

from meshrep.base.tables import markdown, number, spread
from papers.row import numbers
from papers.theory.runs import DRAWS, GAP, HIDDEN, KERNEL_DRAWS, MOST_STEPS, QUICK_KERNEL_DRAWS

AIM = f"{GAP:.0e}".replace("e-0", "e-")


def shown(value: float | None, digits: int = 3) -> str:
    """Return a number of plain data as text; None means that it was infinite."""
    return "∞" if value is None else number(value, digits)


def steps_shown(values: list[float | None]) -> str:
    """Return the steps over seeds, or that there were too few."""
    found = numbers(values)
    there = int(np.isfinite(found).sum())
    if not there:
        return f"> {MOST_STEPS:,}"
    return spread(found) + f" ({there} of {len(found)})" * (there < len(found))


def mean_steps(run: dict[str, Any]) -> float:
    """Return the mean steps over seeds; infinite if one does not arrive."""
    steps = numbers(run["steps"])
    return float(np.mean(steps)) if np.isfinite(steps).all() else np.inf


def between(values: list[float]) -> str:
    """Return the least and the greatest."""
    low, high = (number(float(f(values)), 3) for f in (min, max))
    return low if low == high else f"{low} to {high}"


def saving(plain: float, run: dict[str, Any]) -> str:
    """Return how many times fewer steps a run takes, if both arrive."""
    ratio = plain / mean_steps(run) if np.isfinite(plain) else np.inf
    return f"{number(ratio, 2)}×" if 0 < ratio < np.inf else "–"


def power_table(cells: dict[str, Any], moment: str) -> str:
    """Return condition number, predicted and observed steps of every power, graph by graph."""
    head = ["graph", "K = M̄^(−s), s", "condition", "factor a step, predicted", "fitted",
            f"most steps to {AIM} by it", "taken", "fewer than s = 0"]  # fmt: skip
    lines = []
    for name, cell in cells.items():
        plain = mean_steps(cell[moment]["0"])
        for power, run in cell[moment].items():
            lines.append(
                [f"{name}, {cell['nodes']} nodes", power, shown(run["condition"]),
                 f"{run['factor predicted']:.4g}", spread(numbers(run["factor"]), 4),
                 shown(run["steps predicted"]), spread(numbers(run["steps"])), saving(plain, run)]
            )  # fmt: skip
    return (
        "Gradient descent in θ, w = w₀ + R θ with "
        "R Rᵀ = M̄^(−s), at the step 2/(λ_max + λ_min) of RᵀHR. The steps predicted are those "
        "that suffice from every start.\n\n" + markdown(head, lines)
    )


def _slope(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def kernel_table(cell: dict[str, Any]) -> str:
    """Return how near every kernel is to M̄^{-1/2}, and what gradient descent makes of it."""
    head = ["variables", "cosine with M̄^(−1/2)", "slope against λ (best −1)", "condition of K H",
            f"most steps to {AIM} by it", "taken"]  # fmt: skip
    lines = [
        [label, f"{run['cosine']:.3f}", _slope(run["slope"]), shown(run["condition"]),
         shown(run["steps predicted"]), steps_shown(run["steps"])]
        for label, run in cell["kernels"].items()
    ]  # fmt: skip
    return (
        f"Networks of width {HIDDEN} where they begin, averaged over {KERNEL_DRAWS} draws (a quick "
        f"run: {QUICK_KERNEL_DRAWS}); gradient descent in the linear variables K̄^(1/2), which is "
        "what a network with frozen J would make of it.\n\n" + markdown(head, lines)
    )


def moment_table(held: dict[str, Any]) -> str:
    """Return M̄ against H²/n, and estimates of the largest eigenvalue."""
    head = ["graph", "cosine of M̄ with H²/n, starts N(0, 1/n) about the minimum",
            "tr M̄ / tr H²/n", "cosine, starts uniform in [0, 1)", "h", "by Lanczos", "‖L·1‖",
            "‖H²·1‖/‖H·1‖"]  # fmt: skip
    lines = []
    for name, cell in held.items():
        m, h = cell["moments"], cell["h"]
        cosines = [f"{m[k]:.3f}" for k in ("about the minimum", "size", "random starts")]
        lines.append(
            [name, *cosines, f"{h['exact']:.5g}", f"{h['lanczos']:.5g}",
             f"{h['constant, no baths']:.2g}", f"{h['constant']:.3g}"]
        )  # fmt: skip
    return (
        f"### The moment, and the largest eigenvalue\n\nM̄ over {DRAWS:,} starts. Starts of one "
        "sign have a mean, which the minimum does not share, and M̄ a large mode of it. The "
        "largest eigenvalue h of H cannot be had from the constant field (P1 eq. 16): without "
        "baths L·1 = 0, and an estimate from it is 0/0; with baths it is far too small.\n\n"
        + markdown(head, lines)
    )


def series_table(cell: dict[str, Any]) -> str:
    """Return condition numbers by degree."""
    degrees = sorted({int(d) for row in cell["conditions"].values() for d in row})
    lines = [
        [kind, *(shown(row[str(d)]) if str(d) in row else "–" for d in degrees)]
        for kind, row in cell["conditions"].items()
    ]
    head = ["κ", *(f"degree {d}" for d in degrees)]
    return (
        f"### The series κ\n\nCondition number of κHκ on the spectrum [{cell['low']:g}, 1]. Right: "
        "I + ½(I − H) + ⅜(I − H)² + 5/16 (I − H)³ + …, printed: I − ½(I − H) − ¾(I − H)², which "
        "crosses zero at λ = 0.13, so that κHκ is singular (∞).\n\n" + markdown(head, lines)
    )
