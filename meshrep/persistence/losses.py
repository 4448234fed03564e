"""Losses of a persistence diagram: what its pairs are worth, and how that changes with them.

Without a target the loss of pairs (b, d) is Σ (|d − b|/2)^p, each pair's distance to the diagonal
in the ∞-norm to a power. With a target it is what moving the diagram there costs,

    Σ_matched |x − t|^q + Σ_unmatched (|d − b|/√2)^q,

least over all matchings, with 2-norms: the q-th power of a Wasserstein distance. Signs and weights
are the energy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from meshrep.errors import InputError

ROOT_HALF = np.sqrt(0.5)  # times the persistence, a pair's distance to the diagonal


class DiagramLoss:
    """A function of a diagram's values (k, 2), with its gradient.

    Parameters
    ----------
    power : float
        p > 0 of the sum; with a target leave it out.
    top : int, optional
        Only so many of the most persistent pairs count; equal ones in the diagram's order.
    window : (low, high), optional
        Only pairs with low < persistence ≤ high count; low may be 0 and high infinite.
    target : (m, 2) array, optional
        Births and deaths to move the pairs to. Births come all before their deaths or, where
        superlevel sets are filtered, all after.
    order : float
        q ≥ 1 of the target's loss; without a target leave it out.

    Raises
    ------
    InputError
        When a setting is out of its range, or does nothing beside the others.

    Notes
    -----
    Pairs of no persistence never count. The gradient holds the choice of pairs and the matching
    fixed, which is exact but where they change. The matching is exact: O(k m min(k, m)) at worst.

    References
    ----------
    Carrière, Chazal, Glisse, Ike, Kannan and Umeda, "Optimizing persistent homology based
    functions" (2021). Cohen-Steiner, Edelsbrunner, Harer and Mileyko, "Lipschitz functions have
    L_p-stable persistence" (2010).

    Examples
    --------
    >>> value, gradient = DiagramLoss(top=1)(np.array([[0.0, 1.0], [1.0, 3.0]]))
    >>> value, gradient.tolist()
    (1.0, [[0.0, 0.0], [-1.0, 1.0]])
    """

    def __init__(
        self,
        power: float = 2.0,
        top: int | None = None,
        window: tuple[float, float] | None = None,
        target: Any = None,
        order: float = 2.0,
    ) -> None:
        self.power = _number(power, "power")
        if not self.power > 0:
            raise InputError(f"power must be above 0, not {power!r}")
        self.order = _number(order, "order")
        if not self.order >= 1:
            raise InputError(f"order must be 1 or more, not {order!r}")
        self.top = None if top is None else _count(top)
        self.window = None if window is None else _window(window)
        self.target = None if target is None else _target(target)
        if self.target is None and self.order != 2:
            raise InputError("order belongs to a target: give a target, or a power instead")
        if self.target is not None and self.power != 2:
            raise InputError("power is of no effect with a target: give an order instead")

    def __call__(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss of values (k, 2), and its gradient (k, 2)."""
        values = np.asarray(values, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != 2:
            raise InputError(f"a diagram's values are (k, 2), not of shape {values.shape}")
        gradient = np.zeros_like(values)
        chosen = self.chosen(values)
        if self.target is None:
            loss, gradient[chosen] = _powers(values[chosen], 0.5, self.power)
        else:
            loss, gradient[chosen] = self._transport(values[chosen], self.target)
        return loss, gradient

    def chosen(self, values: np.ndarray) -> np.ndarray:
        """Which rows of values (k, 2) count, the most persistent first."""
        persistence = abs(values[:, 1] - values[:, 0])
        order = np.argsort(-persistence, kind="stable")
        low, high = self.window or (0.0, np.inf)
        sorted_ones = persistence[order]
        order = order[(low < sorted_ones) & (sorted_ones <= high)]
        return order[: self.top]

    def matched(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of values and rows of the target that the best matching joins, (j,) each.

        Those of neither go to the diagonal.

        Raises
        ------
        InputError
            Without a target.
        """
        if self.target is None:
            raise InputError("a loss without a target matches nothing: give a target")
        chosen = self.chosen(values)
        rows, columns = _matching(values[chosen], self.target, self.order)
        return chosen[rows], columns

    def _transport(self, values: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
        """W^q to the target and its gradient, by the matching that is best."""
        if _lean(values) * _lean(target) < 0:
            raise InputError(
                "births come before deaths in the diagram and after them in the target, or the "
                "other way round: swap the target's columns"
            )
        q = self.order
        rows, columns = _matching(values, target, q)
        toward = values[rows] - target[columns]
        distance = np.linalg.norm(toward, axis=1)
        # a factor of 0 where the distance is 0: |x − t| has no slope there
        pull = np.power(distance, q - 2, out=np.zeros_like(distance), where=distance > 0)
        loss, gradient = _powers(np.delete(values, rows, axis=0), ROOT_HALF, q)
        everything = np.empty_like(values)
        everything[np.delete(np.arange(len(values)), rows)] = gradient
        everything[rows] = q * pull[:, None] * toward
        loss += (distance**q).sum() + _powers(np.delete(target, columns, axis=0), ROOT_HALF, q)[0]
        return float(loss), everything

    def settings(self) -> dict[str, Any]:
        """What was asked for, as plain data: numbers, lists and None (no bound) alone."""
        kind: dict[str, Any] = (
            {"power": self.power}
            if self.target is None
            else {"order": self.order, "target": self.target.tolist()}
        )
        window = None
        if self.window is not None:
            low, high = self.window
            window = [low, high if np.isfinite(high) else None]
        return {**kind, "top": self.top, "window": window}


def _powers(values: np.ndarray, factor: float, power: float) -> tuple[float, np.ndarray]:
    """Σ (factor |d − b|)^power and its gradient (k, 2); the power of 0 has none."""
    length = values[:, 1] - values[:, 0]
    scaled = factor * abs(length)
    slope = np.power(scaled, power - 1, out=np.zeros_like(scaled), where=scaled > 0)
    pull = power * factor * slope * np.sign(length)
    return float((scaled**power).sum()), np.stack([-pull, pull], axis=1)


def _matching(
    values: np.ndarray, target: np.ndarray, order: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (j,) of both that the best partial matching joins.

    Joining spares both their ways to the diagonal, so that the (k, m) matrix of what it adds,
    at most 0, does for the (k + m, k + m) one with the diagonal's points.
    """
    own, theirs = ((ROOT_HALF * abs(ends[:, 1] - ends[:, 0])) ** order for ends in (values, target))
    moved = np.linalg.norm(values[:, None] - target[None], axis=2) ** order
    added = np.minimum(moved - own[:, None] - theirs[None], 0.0)
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(added)
    worth = added[rows, columns] < 0
    return rows[worth], columns[worth]


def _lean(values: np.ndarray) -> float:
    """1 where deaths come after births, −1 where before, 0 without pairs."""
    return float(np.sign((values[:, 1] - values[:, 0]).sum()))


def _number(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if isinstance(value, bool) or not np.isfinite(number):
        raise InputError(f"{name} must be a finite number, not {value!r}")
    return number


def _count(top: Any) -> int:
    if isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1:
        raise InputError(f"top must be a whole number of 1 or more, not {top!r}")
    return int(top)


def _window(window: Any) -> tuple[float, float]:
    try:
        low, high = (float(bound) for bound in window)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not 0 <= low < high or low == np.inf:
        raise InputError(
            f"window must be two persistences with 0 ≤ low < high (high may be infinite), "
            f"not {window!r}"
        )
    return low, high


def _target(target: Any) -> np.ndarray:
    try:
        array = np.array(target, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("target must be an array (m, 2) of births and deaths") from error
    if array.size == 0:
        return array.reshape(0, 2)
    if array.ndim != 2 or array.shape[1] != 2:
        raise InputError(f"target must be (m, 2), births and deaths, not of shape {array.shape}")
    bad = ~np.isfinite(array).all(axis=1)
    if bad.any():
        raise InputError(f"target holds a NaN or an infinite number (first at row {bad.argmax()})")
    length = array[:, 1] - array[:, 0]
    if length.min() < 0 < length.max():
        raise InputError(
            f"target has births before their deaths and after them (rows {length.argmax()} and "
            f"{length.argmin()}): all must be one or the other"
        )
    return array
