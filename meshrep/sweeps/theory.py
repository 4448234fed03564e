"""Kuramoto's theory of the mean field: the order parameter of infinitely many oscillators."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from meshrep.errors import InputError

# Densities of spread 1: the standard deviation, half-width at half maximum, or half of the range.
DENSITIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "normal": lambda omega: np.exp(-0.5 * omega**2) / math.sqrt(2 * math.pi),
    "lorentz": lambda omega: 1.0 / (math.pi * (1.0 + omega**2)),
    "uniform": lambda omega: np.where(abs(omega) <= 1.0, 0.5, 0.0),
}
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)


@dataclass(frozen=True)
class MeanField:
    """r(K) of dφ_i/dt = ω_i + K/n Σ_j sin(φ_j − φ_i), as n → ∞.

    Attributes
    ----------
    distribution : {"normal", "lorentz", "uniform"}
        Of the frequencies, about any centre.
    spread : float
        As in :func:`meshrep.natural_frequencies`.

    Raises
    ------
    InputError
        For another distribution, or a spread that is not positive.

    References
    ----------
    Kuramoto (1975); Strogatz, "From Kuramoto to Crawford" (2000); Pazó, "Thermodynamic limit of
    the first-order phase transition in the Kuramoto model" (2005), for uniform frequencies.

    Examples
    --------
    >>> round(MeanField("lorentz", 0.5).order(2.0), 4)  # √(1 − 2·0.5/2)
    0.7071
    >>> round(MeanField("normal", 1.0).order(2.0), 4)
    0.7152
    """

    distribution: str
    spread: float = 1.0

    def __post_init__(self) -> None:
        if self.distribution not in DENSITIES:
            known = ", ".join(DENSITIES)
            raise InputError(
                f"no theory for {self.distribution!r} frequencies: there is for {known}"
            )
        if not 0 < self.spread < math.inf:
            raise InputError(f"theory needs a positive spread of frequencies, not {self.spread}")

    @property
    def critical(self) -> float:
        """K_c = 2/(π g(0)), below which r = 0."""
        return 2.0 * self.spread / (math.pi * float(DENSITIES[self.distribution](np.zeros(1))[0]))

    def order(self, K: float) -> float:
        """The r > 0 that solves 1 = K ∫ cos²θ g(K r sin θ) dθ, or 0 up to K_c."""
        from scipy.optimize import brentq

        if self.critical >= K:
            return 0.0
        least = 1e-6
        if self._excess(least, K) <= 0:  # nearer to K_c than r can tell
            return 0.0
        return float(brentq(lambda r: self._excess(r, K), least, 1.0, xtol=1e-12))

    def _excess(self, r: float, K: float) -> float:
        """K ∫ cos²θ g(K r sin θ) dθ − 1; oscillators with |ω| ≤ K r are locked at ω = K r sin θ."""
        pull = K * r / self.spread
        # uniform frequencies end within the locked ones, where the density jumps
        widest = math.asin(min(1.0, 1.0 / pull)) if self.distribution == "uniform" else math.pi / 2
        # θ = widest x³ puts most points where a narrow density is high
        theta, slope = widest * NODES**3, 3 * widest * NODES**2
        density = DENSITIES[self.distribution](pull * np.sin(theta))
        share = np.dot(WEIGHTS, slope * np.cos(theta) ** 2 * density)
        return K / self.spread * float(share) - 1.0
