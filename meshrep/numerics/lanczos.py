"""Lanczos with full reorthogonalisation, for products self-adjoint in an inner product of choice.

With a metric K the operator is K H, the Hessian preconditioned, and everything lives in range K:
what K does not move is never met, however large the space of parameters.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Product = Callable[[np.ndarray], np.ndarray]

CLOSE = 1e-2  # relative residual at which a Ritz value counts as converged
_CHECKED = 20  # steps between looks at what has converged
_ROUNDING = 1e-13  # relative length of a vector that is none
_SEEN = 60  # steps that are taken in any case, to see how the spectrum is spread


def affordable(size: int, numbers: float, least: int = 20, most: int = 300) -> int:
    """Steps whose vectors of a size hold about so many numbers, within limits."""
    return int(np.clip(numbers / max(size, 1), least, most))


class Ritz:
    """What Lanczos has found of an operator.

    Attributes
    ----------
    values : (m,) ascending
    residuals : (m,)
        Norms of what the operator does to each Ritz vector beyond its value; an eigenvalue lies
        within this distance.
    weights : (m,)
        The share of each in the start, which estimates that of the spectrum near it.
    """

    def __init__(self, alphas: list[float], betas: list[float], basis: np.ndarray) -> None:
        m = len(alphas)
        inner = betas[: m - 1]
        matrix = np.diag(alphas) + np.diag(inner, 1) + np.diag(inner, -1)
        self.values, self._s = np.linalg.eigh(matrix)
        self.residuals = abs(betas[m - 1] * self._s[-1])
        self.weights = self._s[0] ** 2
        self._basis = basis

    def vectors(self, which: list[int]) -> np.ndarray:
        """Ritz vectors (k, n) of these numbers; with a metric K, K times those of H K."""
        return self._s[:, which].T @ self._basis

    def settled(self, count: int) -> bool:
        """Whether the least ``count`` values and the largest one have converged."""
        ends = [*range(min(count, len(self.values))), len(self.values) - 1]
        return bool((self.residuals[ends] <= CLOSE * abs(self.values[ends])).all())


def lanczos(
    product: Product, start: np.ndarray, steps: int, metric: Product | None = None, count: int = 1
) -> Ritz:
    """Ritz values of a symmetric product, or of metric·product, both of vectors (n,).

    Parameters
    ----------
    product : callable
        v ↦ H v.
    start : (n,) float64
        Not zero; with a metric a dual vector, like a gradient.
    steps : int
        At most so many, each of one product; memory for as many vectors, two with a metric.
    metric : callable, optional
        x ↦ K x, symmetric and positive semidefinite.
    count : int
        Ends early once so many values at the lower end have converged, and the largest; not
        before 60 steps.

    Raises
    ------
    ValueError
        Where the start has no length in the metric.
    """
    n = len(start)
    steps = max(1, min(steps, n))
    duals = np.empty((steps, n))
    primals = duals if metric is None else np.empty((steps, n))
    x = np.array(start, dtype=np.float64)
    u = x if metric is None else np.array(metric(x))
    length = max(float(x @ u), 0.0) ** 0.5
    if not length > 0:
        raise ValueError("the start has no length in the metric")
    alphas: list[float] = []
    betas: list[float] = []
    norm = 0.0  # of the metric, from below
    for j in range(steps):
        norm = max(norm, float(np.linalg.norm(u) / np.linalg.norm(x)))
        duals[j] = x / length
        if metric is not None:
            primals[j] = u / length
        y = np.array(product(primals[j]))
        alphas.append(float(primals[j] @ y))
        for _ in range(2):
            y -= (primals[: j + 1] @ y) @ duals[: j + 1]
        u = y if metric is None else np.array(metric(y))
        length = max(float(y @ u), 0.0) ** 0.5
        betas.append(length)
        unseen = length**2 <= _ROUNDING * norm * float(y @ y)
        if unseen or length <= _ROUNDING * max(map(abs, alphas)):
            betas[-1] = 0.0
            break
        x = y
        looks = j + 1 >= _SEEN and (j + 1) % _CHECKED == 0
        if looks and Ritz(alphas, betas, primals[: j + 1]).settled(count):
            break
    return Ritz(alphas, betas, primals[: len(alphas)])
