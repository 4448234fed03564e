"""The memory of limited-memory BFGS: pairs of steps and gradient differences, and the direction.

The two-loop recursion (Nocedal, "Updating quasi-Newton matrices with limited storage", 1980)
needs of its vectors their inner products alone. Those among the pairs are kept in two small
matrices; one pass over the vectors gives the newest ones, another adds the vectors up to the
direction. The same is known as the vector-free form (Chen, Wang and Zhou, "Large-scale L-BFGS
using MapReduce", 2014). Its arithmetic is that of the compact form (Byrd, Nocedal and Schnabel,
"Representations of quasi-Newton matrices and their use in limited memory methods", 1994).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import Array, Backend, installed

Preconditioner = Callable[[Array], Array]


def two_loop(
    active: np.ndarray,
    products: np.ndarray,
    sy: np.ndarray,
    yy: np.ndarray,
    gamma: float,
    weights: np.ndarray,
) -> None:
    """Write the weights of the rows in the direction −H g, beside −γ g itself.

    Parameters
    ----------
    active : (k,) integers
        Slots of pairs, the oldest first.
    products : (2m,) float64
        Inner products of the gradient with s (first m) and y (last m).
    sy, yy : (m, m) float64
        s_i·y_j where i is not newer than j, and y_i·y_j.
    gamma : float
        H₀ = γ I.
    weights : (2m,) float64
        Written at active slots only.
    """
    alpha = first_loop(active, products, sy)
    across = products[len(sy) + active] - yy[np.ix_(active, active)] @ alpha
    weights[active] = second_loop(active, gamma * across, alpha, sy)
    weights[len(sy) + active] = gamma * alpha


def first_loop(active: np.ndarray, products: np.ndarray, sy: np.ndarray) -> np.ndarray:
    """The α_i = s_i·q / s_i·y_i by which y_i is taken off the gradient, newest first, (k,)."""
    alpha = np.zeros(len(active))
    for a in range(len(active) - 1, -1, -1):
        i, newer = active[a], active[a + 1 :]
        alpha[a] = (products[i] - alpha[a + 1 :] @ sy[i, newer]) / sy[i, i]
    return alpha


def second_loop(
    active: np.ndarray, across: np.ndarray, alpha: np.ndarray, sy: np.ndarray
) -> np.ndarray:
    """The weights β_i − α_i of s_i in −H g; ``across`` (k,) are the y_i·H₀q."""
    weights = np.zeros(len(active))
    for a, i in enumerate(active):
        weights[a] = (across[a] - weights[:a] @ sy[active[:a], i]) / sy[i, i] - alpha[a]
    return weights


class Pairs:
    """The last m pairs on arrays of any back end, and the direction in the slot of the next.

    The direction is written where the step along it will be kept, over the oldest pair.

    Parameters
    ----------
    memory : int
        m.
    backend : Backend
        That of the arrays.
    gradient : array (p,)
        The first gradient; copied.
    precondition : callable, optional
        r (p,) -> M r (p,), symmetric and positive definite, as H₀ in place of γ I.

    Attributes
    ----------
    gamma : float
        H₀ = γ I, until the first pair the length of the step in gradients.
    count : int
        Pairs kept.
    """

    def __init__(
        self,
        memory: int,
        backend: Backend,
        gradient: Array,
        precondition: Preconditioner | None = None,
    ) -> None:
        self.memory, self.backend, self.precondition = memory, backend, precondition
        self.gradient = gradient + 0
        self.rows = self._storage(2 * memory, len(gradient))
        self.products, self.weights = np.zeros(2 * memory), np.zeros(2 * memory)
        self.sy, self.yy = np.zeros((memory, memory)), np.zeros((memory, memory))
        self.gamma = 1.0
        self.ring = np.arange(2 * memory) % memory
        self.first = self.count = 0

    @property
    def active(self) -> np.ndarray:
        """Slots of the pairs kept, the oldest first."""
        return self.ring[self.first : self.first + self.count]

    @property
    def slot(self) -> int:
        """Where the direction is, and its step will be."""
        return int(self.ring[self.first + self.count])

    def forget(self) -> None:
        """Drop all pairs; γ stays."""
        self.first = self.count = 0
        self.rows[:] = 0.0  # a direction that overflowed must not come back as 0·inf

    def aim(self, x: Array, trial: Array) -> float:
        """Write d = −H g into its slot and x + d into ``trial``; returns d·g."""
        base, scale = self.gradient, -self.gamma
        if self.precondition is not None:
            base, scale = self._preconditioned(self.precondition), -1.0
        elif self.count:
            self._two_loop()
        slope = self._combine(base, scale, x, trial)
        if self.count == self.memory:
            self.first, self.count = (self.first + 1) % self.memory, self.count - 1
        return slope

    def _preconditioned(self, precondition: Preconditioner) -> Array:
        """M q, q being what the first loop leaves of the gradient; sets the weights."""
        m, active = self.memory, self.active
        alpha = first_loop(active, self.products, self.sy)
        left = self.gradient + 0
        for i, taken in zip(active, alpha, strict=True):
            self._add(left, -taken, m + i, left)
        base = precondition(left)
        across = np.array([self._dot(m + i, base) for i in active])
        self.weights[m:] = 0.0
        self.weights[active] = second_loop(active, across, alpha, self.sy)
        return base

    def absorb(self, gradient: Array, alpha: float) -> float:
        """Enter the step α d and its gradient; returns the gradient's squared norm.

        The pair is not kept where s·y is not positive, which would spoil H.
        """
        slot, used = self.slot, self.ring[self.first : self.first + self.count + 1]
        squared = self._multiply(gradient, alpha, used)
        curvature, steepness = self.sy[slot, slot], self.yy[slot, slot]
        if curvature > 1e-300 and curvature * 1e18 > steepness * self.gamma:
            self.gamma = curvature / steepness
            self.count += 1
        return squared

    def slope(self, gradient: Array) -> float:
        """d·gradient."""
        return self._dot(self.slot, gradient)

    def place(self, x: Array, alpha: float, trial: Array) -> None:
        """trial ← x + α d."""
        self._add(x, alpha, self.slot, trial)

    # The passes over the vectors, here in the back end's own operations

    def _storage(self, rows: int, p: int) -> Array:
        return self.backend.zeros(rows, p)

    def _dot(self, row: int, v: Array) -> float:
        return float((self.rows[row] * v).sum())

    def _add(self, x: Array, alpha: float, row: int, out: Array) -> None:
        out[:] = x + alpha * self.rows[row]

    def _two_loop(self) -> None:
        two_loop(self.active, self.products, self.sy, self.yy, self.gamma, self.weights)

    def _combine(self, base: Array, scale: float, x: Array, trial: Array) -> float:
        weights = np.zeros(2 * self.memory)
        for used in (self.active, self.memory + self.active):
            weights[used] = self.weights[used]
        d = scale * base + self.backend.asarray(weights) @ self.rows
        self.rows[self.slot] = d
        trial[:] = x + d
        return float((d * self.gradient).sum())

    def _multiply(self, gradient: Array, alpha: float, used: np.ndarray) -> float:
        """The pair into its slot, and its inner products with those of the slots ``used``."""
        slot, m = self.slot, self.memory
        y = gradient - self.gradient
        self.rows[m + slot] = y
        self.rows[slot] *= alpha
        self.gradient[:] = gradient
        self.products[:] = self.backend.to_numpy(self.rows @ gradient)
        across = self.backend.to_numpy(self.rows @ y)
        self.sy[used, slot] = across[used]
        self.yy[used, slot] = self.yy[slot, used] = across[m + used]
        return float((gradient * gradient).sum())


class JittedPairs(Pairs):
    """The same with the passes in numba, on NumPy arrays or tensors on the CPU.

    From ``limits.SINGLE_PAIRS_FROM`` parameters on, pairs are kept in single precision, so that
    half as much is read; sums are in double precision. The matrix H is then that of steps and
    differences rounded to seven digits, still symmetric and positive definite, and as good a
    guess: over twelve problems it took about as many steps (1% fewer to 8% more).
    """

    def _storage(self, rows: int, p: int) -> np.ndarray:
        from meshrep.kernels import lbfgs

        self.kernels = lbfgs.PARALLEL if p >= limits.THREADS_FROM else lbfgs.SERIAL
        self.two_loop = lbfgs.two_loop
        return np.zeros(
            (rows, p), "float32" if p >= limits.SINGLE_PAIRS_FROM else self.backend.dtype
        )

    def forget(self) -> None:
        """Drop all pairs; γ stays."""
        self.first = self.count = 0

    def _dot(self, row: int, v: Array) -> float:
        return self.kernels.dot(self.rows[row], np.asarray(v))

    def _add(self, x: Array, alpha: float, row: int, out: Array) -> None:
        self.kernels.place(np.asarray(x), alpha, self.rows[row], np.asarray(out))

    def _two_loop(self) -> None:
        self.two_loop(self.active, self.products, self.sy, self.yy, self.gamma, self.weights)

    def _combine(self, base: Array, scale: float, x: Array, trial: Array) -> float:
        return self.kernels.combine(
            self.rows, self.active, self.weights, scale, np.asarray(base), self.slot,
            np.asarray(self.gradient), np.asarray(x), np.asarray(trial),
        )  # fmt: skip

    def _multiply(self, gradient: Array, alpha: float, used: np.ndarray) -> float:
        return self.kernels.absorb(
            self.rows, used, alpha, np.asarray(gradient), np.asarray(self.gradient), self.products,
            self.sy, self.yy,
        )  # fmt: skip


def pairs(
    memory: int,
    backend: Backend,
    gradient: Array,
    precondition: Preconditioner | None = None,
) -> Pairs:
    """Pairs in numba where it is installed and the arrays are on the CPU."""
    jitted = backend.device == "cpu" and installed("numba")
    return (JittedPairs if jitted else Pairs)(memory, backend, gradient, precondition)
