"""ℓ_p regression as an energy, on synthetic data whose features are correlated."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

import meshrep
from meshrep.base.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import ByHost, Evaluator


class LpRegression(Energy):
    """E(w) = 1/(p m) Σ_k |y_k − x_kᵀ w|^p over m examples, the weights w (d,) as the field.

    The weights stand on a ring, for want of a graph: nothing here looks at its edges.

    Parameters
    ----------
    X : (m, d)
    y : (m,)
    p : float
        2 or more.
    """

    convex = True
    has_hessian = True

    def __init__(self, X: np.ndarray, y: np.ndarray, p: float) -> None:
        super().__init__(meshrep.graph_from(f"ring:{X.shape[1]}"))
        self.X, self.y, self.p = X, y, float(p)

    def on(self, backend: Backend) -> Evaluator:
        """The formula on NumPy arrays; tensors go by way of the host."""
        inner = _Residuals(self)
        return inner if backend.xp is np else ByHost(inner, backend)

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """(p − 1)/m Σ_k |r_k|^{p−2} x_k x_kᵀ (d, d)."""
        weight = (self.p - 1) / len(self.y) * abs(self.X @ w - self.y) ** (self.p - 2)
        return sparse.csr_array(self.X.T @ (weight[:, None] * self.X))


class _Residuals(Evaluator):
    def __init__(self, energy: LpRegression) -> None:
        self.X, self.y, self.p = energy.X, energy.y, energy.p

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        residual = self.X @ w - self.y
        slope = residual if self.p == 2 else residual * abs(residual) ** (self.p - 2)
        m = len(self.y)
        value = float(slope @ residual) / (self.p * m)
        return value, np.asarray(self.X.T @ slope / m, dtype=w.dtype)

    def hvp(self, w: Array, v: Array) -> Array:
        weight = (self.p - 1) / len(self.y) * abs(self.X @ w - self.y) ** (self.p - 2)
        return np.asarray(self.X.T @ (weight * (self.X @ v)), dtype=v.dtype)


def data(
    examples: int, features: int, condition: float, noise: float, seed: int, whiten: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Features (m, d) of mean 0, whitened or of unit variance each, and targets (m,) of variance 1.

    Parameters
    ----------
    condition : float
        Of the covariance from which features are drawn: its eigenvalues are in geometric
        progression, its axes random.
    noise : float
        Standard deviation of what the features do not explain, over that of the targets.
    whiten : bool
        Whether XᵀX/m is made the identity.
    """
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((features, features)))[0]
    sizes = np.sqrt(np.geomspace(1.0, 1.0 / condition, features))
    X = (rng.standard_normal((examples, features)) * sizes) @ axes.T
    X -= X.mean(axis=0)
    if whiten:
        values, axes = np.linalg.eigh(X.T @ X / examples)
        X = X @ (axes / np.sqrt(values)) @ axes.T
    else:
        X /= X.std(axis=0)
    y = X @ rng.standard_normal(features)
    y *= np.sqrt(1 - noise**2) / y.std()
    y += noise * rng.standard_normal(examples)
    return X, (y - y.mean()) / y.std()
