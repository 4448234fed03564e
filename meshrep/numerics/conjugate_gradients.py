"""Conjugate gradients: for systems that should be positive definite, and within a ball."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

Product = Callable[[np.ndarray], np.ndarray]


@dataclass
class Answer:
    """A solution, or how far it came if the matrix turned out not to be positive definite.

    Attributes
    ----------
    s : (n,) float64
        The solution, or the last iterate before negative curvature was found.
    positive : bool
        Whether no sign was found that the matrix is not positive definite.
    iterations : int
        Of conjugate gradients; 0 for a factorisation.
    reached : bool
        Whether the accuracy that was asked for was reached.
    """

    s: np.ndarray
    positive: bool
    iterations: int = 0
    reached: bool = True


def _advance(x: np.ndarray, r: np.ndarray, p: np.ndarray, q: np.ndarray, step: float) -> float:
    x += step * p
    r -= step * q
    return float(r @ r)


def _turn(z: np.ndarray, p: np.ndarray, beta: float) -> None:
    p *= beta
    p += z


PLAIN = SimpleNamespace(dot=np.dot, advance=_advance, turn=_turn)


def conjugate_gradients(
    product: Product,
    right: np.ndarray,
    rtol: float,
    precondition: Product | None = None,
    most: int | None = None,
    vectors: Any = PLAIN,
    settled: int = 0,
) -> Answer:
    """Preconditioned CG on a matrix that should be positive definite (Hestenes and Stiefel 1952).

    It stops at ‖residual‖₂ ≤ rtol ‖right‖₂, or after ``most`` iterations (by default 10 n, but at
    most 10,000). It also stops, with ``positive`` False, where the matrix or the preconditioner has
    a negative curvature. ``vectors`` has the operations on vectors: dot, advance, turn.

    With ``settled`` = d it stops instead when the energy xᵀAx is right to about rtol: the last d
    iterations added at most that share to it, and so would the preconditioned residual. A small
    residual says little of soft directions beside stiff ones. That needs a preconditioner which is
    near the inverse.

    References
    ----------
    Strakoš and Tichý, "On error estimation in the conjugate gradient method" (2002), for the
    energy that the last iterations added as an estimate of the error.
    """
    x = np.zeros_like(right)
    r = right.copy()
    target = rtol * np.linalg.norm(right)
    if target == 0.0:
        return Answer(x, True)
    most = min(10 * len(right), 10_000) if most is None else most
    p, rho = np.zeros_like(right), 1.0
    added: list[float] = []
    for k in range(most):
        z = r if precondition is None else precondition(r)
        rho, last = float(vectors.dot(r, z)), rho
        enough = rtol * sum(added)
        if k > settled > 0 and 0 <= rho <= enough and sum(added[-settled:]) <= enough:
            return Answer(x, True, k)
        if not rho > 0:
            return Answer(x, False, k)
        vectors.turn(z, p, rho / last if k else 0.0)
        q = product(p)
        curvature = float(vectors.dot(p, q))
        if not curvature > 0:
            return Answer(x, False, k)
        left = vectors.advance(x, r, p, q, rho / curvature) ** 0.5
        if (left <= target and not settled) or left == 0.0:
            return Answer(x, True, k + 1)
        added.append(rho * (rho / curvature))
    return Answer(x, True, most, reached=False)


def steihaug(
    product: Product, gradient: np.ndarray, radius: float, rtol: float, most: int | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Minimise g·s + ½ sᵀHs in the ball ‖s‖ ≤ radius by truncated CG; return s, Hs, iterations.

    Negative curvature is followed to the boundary (Steihaug 1983; Nocedal and Wright, Algorithm
    7.2).
    """
    s, hs = np.zeros_like(gradient), np.zeros_like(gradient)
    r = gradient.copy()
    p = -r
    rho = float(r @ r)
    target = rtol * rho**0.5
    most = min(2 * len(gradient), 1000) if most is None else most
    for k in range(most):
        q = product(p)
        curvature = float(p @ q)
        step = rho / curvature if curvature > 0 else np.inf
        if curvature <= 0 or np.linalg.norm(s + step * p) >= radius:
            a, b, c = float(p @ p), float(s @ p), float(s @ s) - radius**2
            step = (-b + np.sqrt(max(b * b - a * c, 0.0))) / a
            return s + step * p, hs + step * q, k + 1
        s, hs = s + step * p, hs + step * q
        r = r + step * q
        rho, last = float(r @ r), rho
        if rho**0.5 <= target:
            return s, hs, k + 1
        p = -r + (rho / last) * p
    return s, hs, most
