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
    """E(w) = 1/(p m) Σ_k |y_k − x_kᵀ w|^p over m examples, with the weights w (d,) as the field.

    The field needs a graph: the weights are the nodes of a ring, whose edges are not used.

    Parameters
    ----------
    X : (m, d)
    y : (m,)
    p : float
        2 or more.
    """

    convex = True
    has_hessian = True
    unit = 1.0  # so that rates are absolute, as in the paper
    scale = 1.0  # type: ignore[assignment]

    def __init__(self, X: np.ndarray, y: np.ndarray, p: float) -> None:
        super().__init__(meshrep.graph_from(f"ring:{X.shape[1]}"))
        self.X, self.y, self.p = X, y, float(p)

    def on(self, backend: Backend) -> Evaluator:
        """Return the formula on NumPy arrays; tensors are copied to the host."""
        inner = _Residuals(self)
        return inner if backend.xp is np else ByHost(inner, backend)

    def hessian(self, w: np.ndarray) -> sparse.csr_array:
        """Return (p − 1)/m Σ_k |r_k|^{p−2} x_k x_kᵀ (d, d)."""
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
    """Return features (m, d) of mean 0, white or of unit variance, and targets (m,) of variance 1.

    Parameters
    ----------
    condition : float
        Condition number of the covariance from which features are drawn. Its eigenvalues are in
        geometric progression and its axes random.
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
