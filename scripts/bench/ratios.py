"""Means of ratios."""

from __future__ import annotations

import numpy as np


def geometric_mean(ratios: np.ndarray) -> float:
    """The geometric mean of what is finite in an array of ratios, each at least 1e-9; else NaN."""
    ratios = ratios[np.isfinite(ratios)]
    return float(np.exp(np.mean(np.log(np.maximum(ratios, 1e-9))))) if len(ratios) else np.nan
