"""Lanczos' method for products that are self-adjoint in an inner product of choice.

With a metric K the operator is K H, the preconditioned Hessian. All vectors then lie in the range
of K, so that the size of the space of parameters does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy import sparse

from meshrep.errors import SolveError

Product = Callable[[np.ndarray], np.ndarray]

CLOSE = 1e-2  # relative residual at which a Ritz value counts as converged
_CHECKED = 20  # steps between looks at what has converged
_ROUNDING = 1e-12  # relative length of a vector that is no more than rounding
_SEEN = 60  # steps that are taken in any case, to see how the spectrum is spread


def affordable(size: int, numbers: float, least: int = 20, most: int = 300) -> int:
    """The number of steps whose vectors of this size hold so many numbers, within limits."""
    return int(np.clip(numbers / max(size, 1), least, most))


class Ritz:
    """What Lanczos has found of an operator.

    Attributes
    ----------
    values : (m,) ascending
    """

    def __init__(self, alphas: list[float], betas: list[float], basis: np.ndarray) -> None:
        inner = betas[: len(alphas) - 1]
        self._matrix = np.diag(alphas) + np.diag(inner, 1) + np.diag(inner, -1)
        self._last, self._basis = betas[len(alphas) - 1], basis
        self.values = np.linalg.eigvalsh(self._matrix)

    @cached_property
    def _s(self) -> np.ndarray:
        """Eigenvectors of the tridiagonal matrix, one a column."""
        return np.linalg.eigh(self._matrix)[1]

    @cached_property
    def residuals(self) -> np.ndarray:
        """Norms (m,) of what the operator does to each Ritz vector beyond its value.

        An eigenvalue lies within this distance of the value.
        """
        return abs(self._last * self._s[-1])

    @cached_property
    def weights(self) -> np.ndarray:
        """The share (m,) of each Ritz vector in the start: an estimate of the spectrum near it."""
        return self._s[0] ** 2

    def vectors(self, which: list[int]) -> np.ndarray:
        """The Ritz vectors (k, n) of these numbers; with a metric K, K times those of H K."""
        return self._s[:, which].T @ self._basis

    def settled(self, count: int) -> bool:
        """Whether the least ``count`` values and the largest one have converged."""
        ends = [*range(min(count, len(self.values))), len(self.values) - 1]
        return bool((self.residuals[ends] <= CLOSE * abs(self.values[ends])).all())


def lanczos(
    product: Product,
    start: np.ndarray,
    steps: int,
    metric: Product | None = None,
    count: int = 1,
    *,
    reorthogonalise: bool = True,
) -> Ritz:
    """Ritz values of a symmetric product, or of metric·product, both of vectors (n,).

    Parameters
    ----------
    product : callable
        v ↦ H v.
    start : (n,) float64
        Not zero; with a metric a dual vector, like a gradient.
    steps : int
        Largest number of steps, each of one product.
    metric : callable, optional
        x ↦ K x, symmetric and positive semidefinite.
    count : int
        After 60 steps it ends as soon as this many of the least values and the largest value have
        converged.
    reorthogonalise : bool
        Make each vector orthogonal to all vectors before it, which takes memory for ``steps``
        vectors, or twice as many with a metric. Otherwise only two vectors are kept: the extreme
        values are the same up to rounding, but may occur several times, and there are no Ritz
        vectors.

    Raises
    ------
    ValueError
        Where the start has no length in the metric.
    SolveError
        Where a product is not finite.
    """
    n = len(start)
    steps = max(1, min(steps, n))
    held = steps if reorthogonalise else 2  # the last vectors, in a ring
    duals = np.empty((held, n))
    primals = duals if metric is None else np.empty((held, n))
    x = np.array(start, dtype=np.float64)
    u = x if metric is None else np.array(metric(x))
    length = math.sqrt(max(float(x @ u), 0.0))
    if not length > 0:
        raise ValueError("the start has no length in the metric")
    alphas: list[float] = []
    betas: list[float] = []
    norm = 0.0  # a lower bound of the norm of the metric
    for j in range(steps):
        here = j % held
        norm = max(norm, float(np.linalg.norm(u) / np.linalg.norm(x)))
        duals[here] = x / length
        if metric is not None:
            primals[here] = u / length
        y = np.array(product(primals[here]))
        if j:
            y -= betas[-1] * duals[here - 1]
        alphas.append(float(primals[here] @ y))
        y -= alphas[-1] * duals[here]
        for _ in range(2 if reorthogonalise else 0):
            y -= (primals[: j + 1] @ y) @ duals[: j + 1]
        u = y if metric is None else np.array(metric(y))
        length = math.sqrt(max(float(y @ u), 0.0))
        betas.append(length)
        if not math.isfinite(alphas[-1] + length):
            raise SolveError(
                "no eigenvalues were found, since products with the operator are not finite: its "
                "weights, or a Hessian, are not finite or too large for float64"
            )
        unseen = length**2 <= 0.1 * _ROUNDING * norm * float(y @ y)
        if unseen or length <= _ROUNDING * max(map(abs, alphas)):
            betas[-1] = 0.0
            break
        x = y
        looks = reorthogonalise and j + 1 >= _SEEN and (j + 1) % _CHECKED == 0
        if looks and Ritz(alphas, betas, primals[: j + 1]).settled(count):
            break
    return Ritz(alphas, betas, primals[: len(alphas)])


def interval(matrix: sparse.csr_array, steps: int) -> tuple[float, float]:
    """The least and the largest Ritz value of a symmetric matrix after some steps of Lanczos.

    They lie inside the spectrum. Empty rows are left out: their eigenvalues 0 are not seen. For an
    empty matrix both are 0.
    """
    occupied = np.diff(matrix.indptr) > 0
    if not occupied.any():
        return 0.0, 0.0
    start = np.random.default_rng(0).standard_normal(matrix.shape[0]) * occupied
    most = min(steps, int(occupied.sum()))
    values = lanczos(lambda v: matrix @ v, start, most, reorthogonalise=False).values
    return float(values[0]), float(values[-1])
