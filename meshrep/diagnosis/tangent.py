"""The derivative J of a parametrization's map at its start, and K = J Jᵀ at free coordinates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.linalg import eigh

from meshrep.base import limits
from meshrep.base.backends import NumpyBackend
from meshrep.diagnosis.curvature import Curvature
from meshrep.errors import InputError
from meshrep.parametrizations.base import Parametrization, built

_NUDGE = 1e-5  # largest entry of the step of a difference, relative to max(1, |θ|)
_LINEAR = 1e-10  # a map is linear if twice the step has twice the effect up to this
_ADJOINT = 1e-3  # relative difference allowed between ⟨Jθ, v⟩ and ⟨θ, Jᵀv⟩
_FEW = 0.1  # a column of J is sparse if a parameter moves at most this share of the nodes


class Tangent:
    """The derivative J (f, p) of a map w = F(θ) at its start.

    J θ is computed by differences and Jᵀ v by the map's pullback. The differences are central and
    accurate to about 1e-9 of the largest entry. For linear maps they take a long step, so their
    only error is rounding.

    Parameters
    ----------
    parametrization : Parametrization
        Its map is built, in float64, from the field of ``at`` as its start.
    at : Curvature
        Gives the field and the free coordinates.
    seed : int
        Seed of the map's latents and weights.

    Attributes
    ----------
    recipe : Parametrization
    map : Map
    params : (p,) float64
        θ at the start.
    linear : bool
        Whether the map is linear.

    Raises
    ------
    InputError
        If the parametrization only smooths steps, since its pullback is then not the adjoint of
        a derivative.
    """

    def __init__(self, parametrization: Parametrization, at: Curvature, seed: int = 0) -> None:
        self.at, self.recipe = at, parametrization
        self.map = built(parametrization, at.energy, at.field, NumpyBackend(), seed)
        self.params = np.array(self.map.start, dtype=np.float64)
        rng = np.random.default_rng(0)
        theta = rng.standard_normal(self.params.size)
        here = self._field(self.params)
        nudge = 0.5 * theta / (abs(theta).max(initial=0.0) or 1.0)
        once = self._field(self.params + nudge) - here
        twice = self._field(self.params + 2 * nudge) - here
        size = float(np.linalg.norm(twice))
        self.linear = bool(np.linalg.norm(twice - 2 * once) <= _LINEAR * size)
        v = self.at.gauge.project(rng.standard_normal(len(at.free)))
        pulled = self.pull(v)
        theta = theta + pulled * float(np.linalg.norm(theta) / (np.linalg.norm(pulled) or 1.0))
        pushed = self.push(theta)
        left, right = float(pushed @ v), float(theta @ pulled)
        reach = float(np.linalg.norm(pushed) * np.linalg.norm(v))
        if abs(left - right) > _ADJOINT * max(reach, abs(right)):
            raise InputError(
                f"{parametrization.name} smooths steps and is not a map from parameters to fields, "
                "so it has no K = J Jᵀ: diagnose another parametrization"
            )

    def _field(self, params: np.ndarray) -> np.ndarray:
        """A copy of F(θ) at free coordinates (f,)."""
        return np.array(self.map.field(params), dtype=np.float64).reshape(-1)[self.at.free]

    def pull(self, v: np.ndarray) -> np.ndarray:
        """Jᵀ v (p,)."""
        self.map.field(self.params)
        pulled = self.map.pull_back(self.at.spread(self.at.gauge.project(v)))
        return np.array(pulled, dtype=np.float64)

    def push(self, theta: np.ndarray) -> np.ndarray:
        """J θ (f,), without its means if constants cost no energy."""
        size = float(abs(theta).max(initial=0.0))
        if size == 0.0:
            return np.zeros(len(self.at.free))
        h = 1.0 if self.linear else _NUDGE * max(1.0, float(abs(self.params).max()))
        nudge = theta * (h / size)
        ahead = self._field(self.params + nudge)
        return self.at.gauge.project((ahead - self._field(self.params - nudge)) * (0.5 * size / h))

    def kernel(self, v: np.ndarray) -> np.ndarray:
        """K v = J Jᵀ v (f,)."""
        return self.push(self.pull(v))

    @cached_property
    def dense(self) -> np.ndarray:
        """K (f, f) as an array. If Jᵀ fits in memory, it needs no differences and is exact."""
        f = len(self.at.free)
        if f * self.params.size <= limits.JACOBIAN_NUMBERS_UP_TO:
            return _gram(_stacked((self.pull(unit) for unit in _units(f)), self.params.size))
        K = np.array([self.kernel(unit) for unit in _units(f)])
        return 0.5 * (K + K.T)

    @cached_property
    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues (f,) of K, nonnegative and ascending, and its eigenvectors (f, f)."""
        values, vectors = eigh(self.dense)
        return np.maximum(values, 0.0), vectors


def _units(f: int) -> Iterator[np.ndarray]:
    """The unit vectors (f,), one after the other in the same array."""
    unit = np.zeros(f)
    for k in range(f):
        unit[k] = 1.0
        yield unit
        unit[k] = 0.0


def _gram(J: sparse.csr_array) -> np.ndarray:
    """J Jᵀ (f, f) for J (f, p) with sparse and dense columns, which are multiplied apart.

    A network's output at a node depends on few latents, but on all of its weights.
    """
    f, p = J.shape
    local = np.bincount(J.indices, minlength=p) <= _FEW * f
    near, far = J[:, local], J[:, ~local].toarray()
    return far @ far.T + (near @ near.T).toarray()


def _stacked(rows: Iterable[np.ndarray], p: int) -> sparse.csr_array:
    """A sparse matrix of the nonzero entries of rows (p,)."""
    columns, values = [], []
    for row in rows:
        columns.append(np.flatnonzero(row).astype(np.int32))
        values.append(row[columns[-1]])
    ends = np.cumsum([0, *map(len, columns)])
    return sparse.csr_array(
        (np.concatenate(values), np.concatenate(columns), ends), (len(ends) - 1, p)
    )
