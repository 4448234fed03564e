"""Results over the points of a grid of two parameters, and correlations between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from meshrep.base.tables import number
from papers.row import Pieces


class Grid:
    """All points of one loss that were run.

    Attributes
    ----------
    s1, s2 : list of float
    cells : dict of (s₁, s₂) to a contest
    """

    def __init__(self, data: Pieces, loss: str) -> None:
        self.cells = {
            (float(s1), float(piece["s2"])): cell
            for piece in data.values()
            if piece["loss"] == loss
            for s1, cell in piece["cells"].items()
        }
        self.s1 = sorted({s1 for s1, _ in self.cells})
        self.s2 = sorted({s2 for _, s2 in self.cells})

    def __len__(self) -> int:
        return len(self.cells)

    def map(self, value: Any) -> np.ndarray:
        """Return ``value(cell)`` at each point as an array (s₂, s₁); NaN if it is missing."""
        return np.array(
            [
                [value(self.cells[s1, s2]) if (s1, s2) in self.cells else np.nan for s1 in self.s1]
                for s2 in self.s2
            ]
        )


def correlation(gains: np.ndarray, disorder: np.ndarray) -> tuple[float, float, int]:
    """Return Spearman's rank correlation, its p-value, and the number of points."""
    from scipy.stats import spearmanr

    known = np.isfinite(gains) & np.isfinite(disorder)
    if known.sum() < 3 or np.ptp(gains[known]) == 0 or np.ptp(disorder[known]) == 0:
        return float("nan"), float("nan"), int(known.sum())
    found = spearmanr(gains[known], disorder[known])
    return float(found.statistic), float(found.pvalue), int(known.sum())


def related(found: tuple[float, float, int]) -> str:
    """Return a correlation as words; "–" if it is not known."""
    r, odds, _ = found
    if not np.isfinite(r):
        return "–"
    return f"{r:.2f} (p = {number(odds, 1)})".replace("-", "−")
