"""Where order sets in, from r(K) at some couplings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DISORDER = 4.0  # over √n: four times the root mean square of r of random phases
LEAST = 0.5  # r that counts as order in networks of any size
FITTED = 0.8  # the fit takes r up to this share of the largest one
LINE, PARABOLA = 3, 4  # points that they need


@dataclass(frozen=True, repr=False)
class Onset:
    """The coupling at which order sets in.

    Attributes
    ----------
    K, error : float
        The coupling and its standard error.
    fitted : bool
        Whether r grows from 0 there, and K is the zero of a fit. Otherwise r jumps between two of
        the couplings, and K is the middle of them.

    Examples
    --------
    >>> Onset(2.0134, 0.0241, True)
    2.013 ± 0.024
    """

    K: float
    error: float
    fitted: bool

    def __repr__(self) -> str:
        if not self.error > 0:
            return f"{self.K:g}"
        digits = max(0, 1 - int(np.floor(np.log10(self.error))))
        return f"{self.K:.{digits}f} ± {self.error:.{digits}f}"

    def __float__(self) -> float:
        return self.K


def onset(K: np.ndarray, r: np.ndarray, n: int) -> Onset | None:
    """The onset of order along increasing couplings.

    Order is where r stays above 4/√n, or above ½ if that is less. Above a continuous onset r² is a
    power series in 1 − K_c/K, whose first term alone is exact for Lorentzian frequencies in a mean
    field. So K_c is the zero of a parabola in 1/K through r² (a line below 4 points), where r is
    ordered and at most 0.8 of the largest one. Its error is the jackknife's.

    r jumps where there are fewer than 3 such points, or where the fit has at the last coupling of
    disorder more than twice that r, and more than half of the first ordered one. K_c is the middle
    of these two couplings then, and its error their distance over √12.

    Parameters
    ----------
    K, r : (k,) array
        Couplings and order parameters; NaN where r is unknown.
    n : int
        Number of oscillators.

    Returns
    -------
    Onset or None
        None where all couplings or none have order.
    """
    known = np.isfinite(r)
    K, r = K[known], r[known]
    if len(K) < 2:
        return None
    threshold = min(DISORDER / np.sqrt(n), LEAST)
    ordered = r > threshold
    if ordered.all() or not ordered[-1]:
        return None
    first = len(r) - int(np.argmin(ordered[::-1]))
    low, high = float(K[first - 1]), float(K[first])
    middle = Onset(0.5 * (low + high), (high - low) / np.sqrt(12), False)
    rising = np.arange(len(r)) >= first
    rising &= r <= FITTED * float(r.max())
    x, y = K[rising], r[rising] ** 2
    if len(x) < LINE or low < 0:
        return middle
    order = 2 if len(x) >= PARABOLA else 1
    found = _zero(x, y, order)
    each = np.array([_zero(np.delete(x, k), np.delete(y, k), order) for k in range(len(x))])
    error = float(np.sqrt((len(x) - 1) * np.mean((each - each.mean()) ** 2)))
    before = np.polyval(np.polyfit(1.0 / x, y, order), 1.0 / low) if low > 0 else 0.0
    if not np.isfinite(error) or before > max(4 * threshold**2, 0.25 * r[first] ** 2):
        return middle
    return Onset(found, error, True)


def _zero(K: np.ndarray, square: np.ndarray, order: int) -> float:
    """The largest K below most of these at which a polynomial in 1/K through r² is 0, or NaN."""
    roots = np.roots(np.polyfit(1.0 / K, square, order))
    couplings = [1.0 / root.real for root in roots if abs(root.imag) < 1e-12 and root.real > 0]
    return max((K_c for K_c in couplings if K_c <= K[len(K) // 2]), default=np.nan)


def together(found: Sequence[Onset]) -> Onset | None:
    """The onset over several seeds: the mean, with the scatter between seeds in its error.

    Errors of fits scatter from seed to seed. The distance of two couplings does not, and is added.
    """
    if not found:
        return None
    K, errors = np.array([one.K for one in found]), np.array([one.error for one in found])
    fitted = all(one.fitted for one in found)
    own = float(np.sqrt(np.mean(errors**2)))
    scatter = float(K.std(ddof=1) / np.sqrt(len(K))) if len(K) > 1 else 0.0
    error = max(scatter, own / np.sqrt(len(K))) if fitted else float(np.hypot(scatter, own))
    return Onset(float(K.mean()), error, fitted)
